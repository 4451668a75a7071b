/* merge.c - see merge.h. */
#include "attest/merge.h"

#include <stddef.h>

static bool
ambiguous(struct error *reterr, const char *name)
{
	return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
	    "the documents contradict each other in `%s`", name);
}

static bool
is_member(const struct doc *group, struct str subject)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (str_eq(group->members[i], subject))
			return true;
	return false;
}

static bool
check_subject(
    const struct doc *into, const struct doc *from, struct error *reterr)
{
	if (str_eq(into->id, from->id))
		return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		    "the same document is there twice");
	if (from->n_members > 0)
		return is_member(from, into->subject) ||
		       error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
			   "the instance is not a member of the group whose "
			   "document came with its own");
	return str_eq(into->subject, from->subject) ||
	       error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		   "the documents are of different instances");
}

/* ---- claims ---------------------------------------------------------------
 */

static const struct {
	const char *name;
	size_t at;
} texts[] = {
	{ "imageId", offsetof(struct doc, image_id) },
	{ "owner", offsetof(struct doc, owner) },
	{ "privateIp", offsetof(struct doc, private_ip) },
	{ "launchTime", offsetof(struct doc, launch_time) },
	{ "region", offsetof(struct doc, region) },
	{ "zone", offsetof(struct doc, zone) },
	{ "supportLevel", offsetof(struct doc, support_level) },
	{ "os.name", offsetof(struct doc, os_name) },
	{ "os.version", offsetof(struct doc, os_version) },
};

static struct str
text_at(const struct doc *d, size_t at)
{
	struct str s;

	memcpy(&s, (const char *)d + at, sizeof s);
	return s;
}

static bool
merge_texts(struct doc *into, const struct doc *from, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str one = text_at(into, texts[i].at);
		struct str other = text_at(from, texts[i].at);

		if (one.n > 0 && other.n > 0 && !str_eq(one, other))
			return ambiguous(reterr, texts[i].name);
		if (one.n == 0)
			memcpy(
			    (char *)into + texts[i].at, &other, sizeof other);
	}
	return true;
}

static bool
same_list(const struct doc *a, const struct doc *b)
{
	if (a->n_licences != b->n_licences)
		return false;
	for (size_t i = 0; i < a->n_licences; i++)
		if (!str_eq(a->licences[i], b->licences[i]))
			return false;
	return true;
}

/* A list is one statement, and a shorter one is another. */
static bool
merge_licences(struct doc *into, const struct doc *from, struct error *reterr)
{
	if (!from->has_licences)
		return true;
	if (into->has_licences)
		return same_list(into, from) || ambiguous(reterr, "licences");
	into->has_licences = true;
	into->licences = from->licences;
	into->n_licences = from->n_licences;
	return true;
}

struct pairs {
	const char *name;
	const struct doc_pair *items;
	size_t n;
};

static const struct doc_pair *
find_pair(const struct pairs *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->items[i].name, name))
			return &p->items[i];
	return NULL;
}

/* Cost: n * m of at most LIMIT_DOCUMENT_VALUES. */
static bool
merge_pairs(struct arena *a, struct pairs *into, const struct pairs *from,
    struct error *reterr)
{
	struct doc_pair *all =
	    ARENA_ARRAY(a, into->n + from->n, struct doc_pair);
	size_t n = into->n;

	if (!all)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		all[i] = into->items[i];
	for (size_t i = 0; i < from->n; i++) {
		const struct doc_pair *same =
		    find_pair(into, from->items[i].name);

		if (!same)
			all[n++] = from->items[i];
		else if (!str_eq(same->text, from->items[i].text))
			return ambiguous(reterr, into->name);
	}
	into->items = all;
	into->n = n;
	return true;
}

static bool
merge_maps(struct arena *a, struct doc *into, const struct doc *from,
    struct error *reterr)
{
	struct pairs apps = { "applications", into->applications,
		into->n_applications };
	struct pairs custom = { "custom", into->custom, into->n_custom };
	const struct pairs more_apps = { "", from->applications,
		from->n_applications };
	const struct pairs more_custom = { "", from->custom, from->n_custom };

	if (!merge_pairs(a, &apps, &more_apps, reterr) ||
	    !merge_pairs(a, &custom, &more_custom, reterr))
		return false;
	into->applications = apps.items;
	into->n_applications = apps.n;
	into->custom = custom.items;
	into->n_custom = custom.n;
	return true;
}

/* ---- the rest -------------------------------------------------------------
 */

static bool
merge_times(struct doc *into, const struct doc *from, struct error *reterr)
{
	if (into->has_times != from->has_times)
		return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		    "one of the documents expires and another does not");
	if (from->issued_at < into->issued_at) {
		into->issued_at = from->issued_at;
		into->issued_text = from->issued_text;
	}
	if (from->not_before > into->not_before)
		into->not_before = from->not_before;
	if (from->expires_at < into->expires_at) {
		into->expires_at = from->expires_at;
		into->expires_text = from->expires_text;
	}
	return true;
}

bool
merge_doc(struct arena *a, struct doc *into, const struct doc *from,
    struct error *reterr)
{
	if (!check_subject(into, from, reterr) ||
	    !merge_texts(into, from, reterr) ||
	    !merge_licences(into, from, reterr) ||
	    !merge_maps(a, into, from, reterr) ||
	    !merge_times(into, from, reterr))
		return false;
	/* A key that a group's document is bound to proves nothing of a member.
	 */
	into->has_cnf |= from->has_cnf && from->n_members == 0;
	return true;
}
