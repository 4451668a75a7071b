/* documents_claims.c - claims by their names: which there are, what is known
 * under them, how much they tell. A name is a claim's, or of one thing inside
 * `os`, `applications` or `custom`, after a dot. */
#include "attest/documents.h"

#include <stdlib.h>

#include "attest/doc.h"
#include "attest/documents_private.h"
#include "base/limits.h"

/* In the order in which documents have them. */
static const struct {
	const char *name;
	bool has_parts;
	const char *parts[2]; /* none: any */
} claims[] = {
	{ "imageId", false, { NULL } },
	{ "owner", false, { NULL } },
	{ "privateIp", false, { NULL } },
	{ "launchTime", false, { NULL } },
	{ "region", false, { NULL } },
	{ "zone", false, { NULL } },
	{ "supportLevel", false, { NULL } },
	{ "os", true, { "name", "version" } },
	{ "licences", false, { NULL } },
	{ "applications", true, { NULL } },
	{ "custom", true, { NULL } },
};

static struct str
top_of(struct str name)
{
	return str_sub(name, 0, str_find(name, '.', 0));
}

static struct str
part_of(struct str name)
{
	size_t dot = str_find(name, '.', 0);

	return str_sub(name, dot + 1, name.n);
}

static bool
has_dot(struct str name)
{
	return str_find(name, '.', 0) < name.n;
}

bool
documents_claim_is_known(struct str name)
{
	struct str part = part_of(name);

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		if (!str_eq(top_of(name), str_of(claims[i].name)))
			continue;
		if (!has_dot(name))
			return true;
		if (!claims[i].has_parts || part.n == 0 ||
		    part.n > DOC_TEXT_BYTES || !str_is_utf8(part))
			return false;
		return !claims[i].parts[0] ||
		       str_eq(part, str_of(claims[i].parts[0])) ||
		       str_eq(part, str_of(claims[i].parts[1]));
	}
	return false;
}

static bool
malformed(struct error *reterr, const char *what, struct str name)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE, "%s `%.*s`",
	    what, (int)(name.n < 100 ? name.n : 100), name.p);
}

/* ---- properties ------------------------------------------------------------
 */

bool
documents_parse(struct str text, json_t **ret, struct error *reterr)
{
	struct error why = { 0 };

	return json_parse(text, NULL, LIMIT_HTTP_ADMIN_BODY,
		   LIMIT_DOCUMENT_DEPTH, JSON_NO_NUL, ret, &why) ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "what the store knows of an instance cannot be read: %s",
		   why.msg);
}

bool
documents_check_properties(struct arena *a, const json_t *properties,
    bool is_group, struct error *reterr)
{
	struct error why = { 0 };
	struct doc doc = { 0 };
	const struct flat *list;

	if (documents_values(properties) > LIMIT_DOCUMENT_VALUES / 2)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "more than %u values are too many for a document",
		    LIMIT_DOCUMENT_VALUES / 2);
	if (!flat_of_json(a, properties, &list))
		return error_nomem(reterr);
	if (!doc_read_claims(a, list, "properties", &doc, &why))
		return why.code == ERR_LIMIT_MEMORY
			   ? error_nomem(reterr)
			   : error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
				 "%s", why.msg);
	return !is_group || doc.private_ip.n == 0 ||
	       error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		   "a group has no `privateIp`");
}

int64_t
documents_values(const json_t *value)
{
	json_t *v = (json_t *)(uintptr_t)value; /* only read */
	int64_t n = 0;
	const char *key;
	json_t *member;

	if (json_is_object(v)) {
		json_object_foreach (v, key, member)
			n += documents_values(member);
		return n;
	}
	if (!json_is_array(v))
		return 1;
	for (size_t i = 0; i < json_array_size(v); i++)
		n += documents_values(json_array_get(v, i));
	return n;
}

/* ---- lists of names --------------------------------------------------------
 */

static bool
write_list(struct arena *a, const struct str *names, size_t n, struct str *ret,
    struct error *reterr)
{
	json_t *list = json_array();
	struct buf text = { 0 };
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = json_array_append_new(list, json_from_str(names[i])) == 0;
	ok = ok && json_write(&text, list);
	if (ok)
		*ret = str_dup(a, buf_str(&text));
	ok = ok && ret->p;
	json_decref(list);
	buf_free(&text);
	return ok || error_nomem(reterr);
}

static bool
sorted(struct arena *a, const struct str *names, size_t n, struct str **ret,
    struct error *reterr)
{
	struct str *copy = ARENA_ARRAY(a, n + 1, struct str);

	if (!copy)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		copy[i] = names[i];
	if (n > 0)
		qsort(copy, n, sizeof *copy, str_compare);
	*ret = copy;
	return true;
}

/* `os` and `os.name`, or the same twice: which of them is meant? */
static bool
check_overlap(const struct str *names, size_t n, struct error *reterr)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (i != k && (str_eq(names[i], names[k]) ||
					  str_eq(names[i], top_of(names[k]))))
				return malformed(reterr,
				    "a claim that is asked for twice:",
				    names[k]);
	return true;
}

bool
documents_names(struct arena *a, const struct str *names, size_t n,
    struct str *ret_json, struct error *reterr)
{
	struct str *copy = NULL;

	if (n > LIMIT_DOCUMENT_CLAIMS)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "at most %u claims", LIMIT_DOCUMENT_CLAIMS);
	for (size_t i = 0; i < n; i++)
		if (!documents_claim_is_known(names[i]))
			return malformed(reterr, "there is no claim", names[i]);
	return sorted(a, names, n, &copy, reterr) &&
	       check_overlap(copy, n, reterr) &&
	       write_list(a, copy, n, ret_json, reterr);
}

static bool
is_audience(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.n <= LIMIT_AUDIENCE_BYTES;
}

bool
documents_audience(struct arena *a, const struct str *names, size_t n,
    struct str *ret_json, struct error *reterr)
{
	struct str *copy = NULL;

	if (n == 0 || n > LIMIT_DOCUMENT_AUDIENCES)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected 1 to %u audiences", LIMIT_DOCUMENT_AUDIENCES);
	for (size_t i = 0; i < n; i++)
		if (!is_audience(names[i]))
			return malformed(
			    reterr, "not the name of an audience:", names[i]);
	if (!sorted(a, names, n, &copy, reterr))
		return false;
	for (size_t i = 1; i < n; i++)
		if (str_eq(copy[i - 1], copy[i]))
			return malformed(reterr, "an audience twice:", copy[i]);
	return write_list(a, copy, n, ret_json, reterr);
}

bool
documents_list_of(struct arena *a, struct str json, struct str **ret,
    size_t *ret_n, struct error *reterr)
{
	json_t *list = NULL;
	struct str *names;
	size_t n = 0;
	bool ok;

	if (!documents_parse(json, &list, reterr))
		return false;
	n = json_array_size(list);
	names = ARENA_ARRAY(a, n + 1, struct str);
	ok = names != NULL;
	for (size_t i = 0; ok && i < n; i++) {
		names[i] = str_dup(a, json_str(json_array_get(list, i)));
		ok = names[i].p != NULL;
	}
	json_decref(list);
	if (!ok)
		return error_nomem(reterr);
	*ret = names;
	*ret_n = n;
	return true;
}

/* ---- picking ---------------------------------------------------------------
 */

/* One name's value into `to`. False: memory. */
static bool
pick_one(
    json_t *to, const json_t *properties, struct str name, bool *ret_is_there)
{
	struct str top = top_of(name), part = part_of(name);
	json_t *value = json_object_getn(properties, top.p, top.n), *inner;

	if (value && has_dot(name))
		value = json_object_getn(value, part.p, part.n);
	*ret_is_there = value != NULL;
	if (!value)
		return true;
	if (!has_dot(name))
		return json_object_setn_new(
			   to, top.p, top.n, json_deep_copy(value)) == 0;
	inner = json_object_getn(to, top.p, top.n);
	if (!inner) {
		inner = json_object();
		if (json_object_setn_new(to, top.p, top.n, inner) != 0)
			return false;
	}
	return json_object_setn_new(
		   inner, part.p, part.n, json_deep_copy(value)) == 0;
}

/* In the order of documents, so that the same claims are the same bytes. */
static bool
pick_all(json_t *to, const json_t *properties, const struct str *names,
    size_t n, struct str *ret_missing)
{
	bool is_there;

	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		for (size_t k = 0; k < n; k++) {
			if (!str_eq(top_of(names[k]), str_of(claims[i].name)))
				continue;
			if (!pick_one(to, properties, names[k], &is_there))
				return false;
			if (!is_there && ret_missing->n == 0)
				*ret_missing = names[k];
		}
	return true;
}

bool
documents_pick(struct arena *a, const json_t *properties, struct str list,
    json_t **ret, struct str *ret_missing, struct error *reterr)
{
	struct str *names = NULL;
	json_t *picked;
	size_t n = 0;

	*ret_missing = (struct str){ 0 };
	if (!documents_list_of(a, list, &names, &n, reterr))
		return false;
	picked = json_object();
	if (!picked || !pick_all(picked, properties, names, n, ret_missing)) {
		json_decref(picked);
		return error_nomem(reterr);
	}
	if (ret_missing->n > 0)
		json_decref(picked);
	else
		*ret = picked;
	return true;
}

/* ---- how much it tells -----------------------------------------------------
 */

/* A claim whole is as delicate as the worst that may be in it; a part of one as
 * is said of it, else as the whole. */
static int64_t
level_of(const struct documents *d, struct str name)
{
	int64_t level = -1;

	for (size_t i = 0; i < d->o.n_levels; i++) {
		const struct documents_level *l = &d->o.levels[i];
		bool is_meant = str_eq(l->claim, top_of(name)) ||
				str_eq(top_of(l->claim), name);

		if (has_dot(name) && str_eq(l->claim, name))
			return l->level;
		if (is_meant && l->level > level)
			level = l->level;
	}
	return level >= 0 ? level : 1;
}

int64_t
documents_level(const struct documents *d, const struct str *names, size_t n)
{
	int64_t highest = 0;

	for (size_t i = 0; i < n; i++)
		if (level_of(d, names[i]) > highest)
			highest = level_of(d, names[i]);
	return highest;
}

bool
documents_cover(const struct str *names, size_t n, const struct str *wanted,
    size_t n_wanted)
{
	for (size_t i = 0; i < n_wanted; i++) {
		bool found = false;

		for (size_t k = 0; k < n && !found; k++)
			found = str_eq(names[k], wanted[i]) ||
				str_eq(names[k], top_of(wanted[i]));
		if (!found)
			return false;
	}
	return true;
}
