/* gcp.c - the payload of Google's identity token (format=full), to `struct
 * doc`. `google.compute_engine` names the instance: instance_id is the subject,
 * project_id its owner, who may be pinned by project_number as well; the region
 * is the zone's. The token is for one audience, which who asked for it chose,
 * and lasts an hour; it names no address.
 * https://cloud.google.com/compute/docs/instances/verifying-instance-identity
 */
#include "attest/doc.h"

#include "base/timefmt.h"

#define TIME_MOST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static bool
read_seconds(struct arena *a, const json_t *v, const char *name, int64_t *ret,
    struct error *reterr)
{
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	(void)a;
	if (n < 0 || n > TIME_MOST)
		return doc_malformed(reterr, name, "seconds since 1970");
	*ret = n;
	return true;
}

/* RFC 7519 4.1.3: Google writes one, as a text. */
static bool
read_audience(const struct doc_reading *r, const json_t *v, const char *name)
{
	struct str *one = ARENA_NEW(r->arena, struct str);

	if (!one)
		return error_nomem(r->reterr);
	r->doc->audience = one;
	r->doc->n_audience = 1;
	return doc_read_text(r->arena, v, name, one, r->reterr);
}

static bool
read_number(const struct doc_reading *r, const json_t *v, const char *name)
{
	if (!json_is_integer(v) || json_integer_value(v) <= 0)
		return doc_malformed(r->reterr, name, "a project's number");
	r->doc->owner_number =
	    str_printf(r->arena, "%lld", (long long)json_integer_value(v));
	return r->doc->owner_number.p || error_nomem(r->reterr);
}

/* `us-central1-a` lies in `us-central1`. */
static bool
read_zone(const struct doc_reading *r, const json_t *v, const char *name)
{
	struct str zone;
	size_t end;

	if (!doc_read_text(r->arena, v, name, &zone, r->reterr))
		return false;
	end = zone.n;
	while (end > 0 && zone.p[end - 1] != '-')
		end--;
	if (end < 2 || end == zone.n)
		return doc_malformed(r->reterr, name, "a zone of a region");
	r->doc->zone = zone;
	r->doc->region = str_sub(zone, 0, end - 1);
	return true;
}

static bool
read_created(const struct doc_reading *r, const json_t *v, const char *name)
{
	char room[32];
	struct buf text = buf_over(room, sizeof room);
	int64_t at = 0;

	if (!read_seconds(r->arena, v, name, &at, r->reterr))
		return false;
	time_print_datetime(&text, at * 1000);
	r->doc->launch_time = str_dup(r->arena, buf_str(&text));
	return r->doc->launch_time.p || error_nomem(r->reterr);
}

DOC_MEMBER(subject, doc_read_subject, &r->doc->subject)
DOC_MEMBER(owner, doc_read_text, &r->doc->owner)
DOC_MEMBER(issuer, doc_read_text, &r->doc->issuer)
DOC_MEMBER(licences, doc_read_licences, r->doc)
DOC_MEMBER(issued_at, read_seconds, &r->doc->issued_at)
DOC_MEMBER(not_before, read_seconds, &r->doc->not_before)
DOC_MEMBER(expires_at, read_seconds, &r->doc->expires_at)

struct member {
	const char *name;
	bool required;
	bool (*read)(const struct doc_reading *, const json_t *, const char *);
};

static const struct member of_token[] = {
	{ "iss", true, read_issuer },
	{ "aud", true, read_audience },
	{ "iat", true, read_issued_at },
	{ "nbf", false, read_not_before },
	{ "exp", true, read_expires_at },
};

static const struct member of_instance[] = {
	{ "instance_id", true, read_subject },
	{ "project_id", true, read_owner },
	{ "project_number", false, read_number },
	{ "zone", true, read_zone },
	{ "instance_creation_timestamp", false, read_created },
	{ "license_id", false, read_licences },
};

/* Others are not looked at: the token says more than we make claims of. */
static bool
read_members(const struct doc_reading *r, const json_t *object,
    const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(object, members[i].name);

		if (!v && members[i].required)
			return error_set(r->reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE, "the token lacks `%s`", members[i].name);
		if (v && !members[i].read(r, v, members[i].name))
			return false;
	}
	return true;
}

bool
doc_read_gcp(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr)
{
	struct doc d = { .has_times = true };
	const struct doc_reading r = { a, &d, reterr };
	const json_t *instance =
	    json_object_get(json_object_get(root, "google"), "compute_engine");

	if (!read_members(&r, root, of_token, ARRAY_LEN(of_token)))
		return false;
	if (!json_is_object(instance))
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the token has no `google.compute_engine`: it has to be "
		    "asked for with format=full");
	if (!read_members(&r, instance, of_instance, ARRAY_LEN(of_instance)) ||
	    !doc_id_of_bytes(a, bytes, &d.id, reterr))
		return false;
	*ret = d;
	return true;
}
