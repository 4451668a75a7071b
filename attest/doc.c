/* doc.c - `avow-document/1`, from JSON to `struct doc`.
 * One table of members for the document, one for its claims; a name that stands
 * in neither is refused, since a reader that skips what it does not know would
 * skip a restriction, too. On success every member has its shape: id of 32 hex
 * digits, subject that is an instance id, times in UTC with expiry last.
 * Limits: LIMIT_DOCUMENT_*, DOC_TEXT_BYTES a string. */
#include "attest/doc.h"

#include "attest/attest.h"
#include "attest/keys.h"
#include "base/limits.h"
#include "base/net.h"
#include "base/timefmt.h"

#define TYP "avow-document/1"

bool
doc_malformed(struct error *reterr, const char *name, const char *want)
{
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the document's `%s` is not %s", name, want);
}

/* ---- JSON -----------------------------------------------------------------
 */

/* The reader's own words quote the text, which nobody signed: they stay here.
 */
static bool
refuse_json(const struct error *why, struct error *reterr)
{
	if (why->code == ERR_LIMIT_MEMORY)
		return error_nomem(reterr);
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the document is not acceptable at line %u, column %u: %s",
	    (unsigned)why->at.line, (unsigned)why->at.col,
	    error_help(why->code));
}

static size_t
count_values(const json_t *v)
{
	const json_t *member;
	size_t n = 1;

	if (json_is_array(v))
		for (size_t i = 0; i < json_array_size(v); i++)
			n += count_values(json_array_get(v, i));
	if (json_is_object(v)) {
		/* jansson's iterator does not change the object. */
		json_t *object = (json_t *)(uintptr_t)v;
		void *it = json_object_iter(object);

		for (; it; it = json_object_iter_next(object, it)) {
			member = json_object_iter_value(it);
			n += count_values(member);
		}
	}
	return n;
}

bool
doc_parse(struct str bytes, json_t **ret, struct error *reterr)
{
	struct error why = { 0 };
	json_t *root;

	if (bytes.n > LIMIT_DOCUMENT_BYTES)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the document is %zu bytes, the limit is %u", bytes.n,
		    LIMIT_DOCUMENT_BYTES);
	if (!json_parse(bytes, NULL, LIMIT_DOCUMENT_BYTES, LIMIT_DOCUMENT_DEPTH,
		JSON_NO_NUL, &root, &why))
		return refuse_json(&why, reterr);
	if (json_is_object(root) &&
	    count_values(root) <= LIMIT_DOCUMENT_VALUES) {
		*ret = root;
		return true;
	}
	json_decref(root);
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the document is not a JSON object of at most %u values",
	    LIMIT_DOCUMENT_VALUES);
}

bool
doc_key_id(const json_t *root, struct str *ret, struct error *reterr)
{
	const json_t *v = json_object_get(root, "keyId");

	if (!json_is_string(v) || !keys_thumbprint_is_valid(json_str(v)))
		return doc_malformed(reterr, "keyId", "an RFC 7638 thumbprint");
	*ret = json_str(v);
	return true;
}

/* ---- members of any document ----------------------------------------------
 */

bool
doc_read_text(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	if (!json_is_string(v) || json_string_length(v) == 0 ||
	    json_string_length(v) > DOC_TEXT_BYTES)
		return doc_malformed(
		    reterr, name, "a string of 1 to 1,024 bytes");
	*ret = str_dup(a, json_str(v));
	return ret->p || error_nomem(reterr);
}

bool
doc_read_texts(struct arena *a, const json_t *v, const char *name,
    const struct str **ret, size_t *ret_n, struct error *reterr)
{
	struct str *items;

	if (!json_is_array(v))
		return doc_malformed(reterr, name, "a list of strings");
	items = ARENA_ARRAY(a, json_array_size(v), struct str);
	if (!items)
		return error_nomem(reterr);
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!doc_read_text(
			a, json_array_get(v, i), name, &items[i], reterr))
			return false;
	*ret = items;
	*ret_n = json_array_size(v);
	return true;
}

bool
doc_read_licences(struct arena *a, const json_t *v, const char *name,
    struct doc *d, struct error *reterr)
{
	d->has_licences = true;
	return doc_read_texts(a, v, name, &d->licences, &d->n_licences, reterr);
}

bool
doc_read_address(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	struct net_addr address;

	if (!doc_read_text(a, v, name, ret, reterr))
		return false;
	return net_parse_addr(*ret, &address) ||
	       doc_malformed(reterr, name, "an IP address");
}

bool
doc_read_launch_time(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	int64_t ms;

	if (!doc_read_text(a, v, name, ret, reterr))
		return false;
	return time_parse_datetime(*ret, &ms) ||
	       doc_malformed(reterr, name, "an RFC 3339 time");
}

bool
attest_instance_id_is_valid(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool mark = c == '.' || c == '_' || c == '-';

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || (mark && i > 0)))
			return false;
	}
	return id.n > 0 && id.n <= LIMIT_INSTANCE_ID;
}

bool
doc_read_subject(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	if (!json_is_string(v))
		return doc_malformed(reterr, name, "a string");
	if (!attest_instance_id_is_valid(json_str(v)))
		return error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
		    "the document's `%s` is not an instance id of 1 to 128 "
		    "letters, digits, `.`, `_`, `-`",
		    name);
	*ret = str_dup(a, json_str(v));
	return ret->p || error_nomem(reterr);
}

bool
doc_id_is_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
			(s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == 32;
}

/* ---- the tables -----------------------------------------------------------
 */

typedef bool read_fn(const struct doc_reading *, const json_t *, const char *);

struct member {
	const char *name;
	bool required;
	read_fn *read;
};

/* Every member of `object` by its row; none twice (the parser saw to that),
 * none without a row, all that are required. */
static bool
read_members(const struct doc_reading *r, const json_t *object,
    const struct member *rows, size_t n_rows, const char *what)
{
	size_t known = 0;

	if (!json_is_object(object))
		return doc_malformed(r->reterr, what, "an object");
	for (size_t i = 0; i < n_rows; i++) {
		const json_t *v = json_object_get(object, rows[i].name);

		if (!v && rows[i].required)
			return error_set(r->reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE, "the document lacks `%s`", rows[i].name);
		if (!v)
			continue;
		known++;
		if (!rows[i].read(r, v, rows[i].name))
			return false;
	}
	return known == json_object_size(object) ||
	       error_set(r->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		   "the document has a member in its `%s` that this version "
		   "does not know",
		   what);
}

DOC_MEMBER(image_id, doc_read_text, &r->doc->image_id)
DOC_MEMBER(owner, doc_read_text, &r->doc->owner)
DOC_MEMBER(region, doc_read_text, &r->doc->region)
DOC_MEMBER(zone, doc_read_text, &r->doc->zone)
DOC_MEMBER(support_level, doc_read_text, &r->doc->support_level)
DOC_MEMBER(os_name, doc_read_text, &r->doc->os_name)
DOC_MEMBER(os_version, doc_read_text, &r->doc->os_version)
DOC_MEMBER(issuer, doc_read_text, &r->doc->issuer)
DOC_MEMBER(private_ip, doc_read_address, &r->doc->private_ip)
DOC_MEMBER(launched, doc_read_launch_time, &r->doc->launch_time)
DOC_MEMBER(licences, doc_read_licences, r->doc)

/* `{name: text}`, names and texts not empty. */
static bool
read_pairs(const struct doc_reading *r, const json_t *v, const char *name,
    const struct doc_pair **ret, size_t *ret_n)
{
	json_t *object = (json_t *)(uintptr_t)v; /* only read */
	struct doc_pair *pairs;
	size_t n = 0;

	if (!json_is_object(v))
		return doc_malformed(r->reterr, name, "an object of strings");
	pairs = ARENA_ARRAY(r->arena, json_object_size(v), struct doc_pair);
	if (!pairs)
		return error_nomem(r->reterr);
	for (void *it = json_object_iter(object); it;
	     it = json_object_iter_next(object, it)) {
		struct str key = str_of(json_object_iter_key(it));

		if (key.n == 0 || key.n > DOC_TEXT_BYTES)
			return doc_malformed(r->reterr, name,
			    "an object with names of 1 to 1,024 bytes");
		pairs[n].name = str_dup(r->arena, key);
		if (!pairs[n].name.p)
			return error_nomem(r->reterr);
		if (!doc_read_text(r->arena, json_object_iter_value(it), name,
			&pairs[n].text, r->reterr))
			return false;
		n++;
	}
	*ret = pairs;
	*ret_n = n;
	return true;
}

static bool
read_applications(
    const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_pairs(
	    r, v, name, &r->doc->applications, &r->doc->n_applications);
}

static bool
read_custom(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_pairs(r, v, name, &r->doc->custom, &r->doc->n_custom);
}

static const struct member os_members[] = {
	{ "name", false, read_os_name },
	{ "version", false, read_os_version },
};

static bool
read_os(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_members(r, v, os_members, ARRAY_LEN(os_members), name);
}

static const struct member claim_members[] = {
	{ "imageId", false, read_image_id },
	{ "owner", false, read_owner },
	{ "privateIp", false, read_private_ip },
	{ "launchTime", false, read_launched },
	{ "region", false, read_region },
	{ "zone", false, read_zone },
	{ "supportLevel", false, read_support_level },
	{ "os", false, read_os },
	{ "licences", false, read_licences },
	{ "applications", false, read_applications },
	{ "custom", false, read_custom },
};

static bool
read_claims(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_members(
	    r, v, claim_members, ARRAY_LEN(claim_members), name);
}

bool
doc_read_claims(struct arena *a, const json_t *v, const char *name,
    struct doc *ret, struct error *reterr)
{
	struct doc_reading r = { a, ret, reterr };

	return read_claims(&r, v, name);
}

static bool
read_typ(const struct doc_reading *r, const json_t *v, const char *name)
{
	return (json_is_string(v) && str_eq(json_str(v), STR(TYP))) ||
	       doc_malformed(r->reterr, name, "`" TYP "`");
}

static bool
read_id(const struct doc_reading *r, const json_t *v, const char *name)
{
	if (!doc_read_text(r->arena, v, name, &r->doc->id, r->reterr))
		return false;
	return doc_id_is_valid(r->doc->id) ||
	       doc_malformed(r->reterr, name, "32 lower-case hex digits");
}

static bool
read_key_id(const struct doc_reading *r, const json_t *v, const char *name)
{
	if (!doc_read_text(r->arena, v, name, &r->doc->key_id, r->reterr))
		return false;
	return keys_thumbprint_is_valid(r->doc->key_id) ||
	       doc_malformed(r->reterr, name, "an RFC 7638 thumbprint");
}

static bool
read_subject(const struct doc_reading *r, const json_t *v, const char *name)
{
	return doc_read_subject(r->arena, v, name, &r->doc->subject, r->reterr);
}

/* RFC 3339 in UTC and whole seconds: one text for one time. */
static bool
read_time(const struct doc_reading *r, const json_t *v, const char *name,
    int64_t *ret_unix_s)
{
	struct str text = json_is_string(v) ? json_str(v) : STR("");
	int64_t ms;

	if (text.n != strlen("2026-03-01T12:00:00Z") ||
	    text.p[text.n - 1] != 'Z' || !time_parse_datetime(text, &ms))
		return doc_malformed(
		    r->reterr, name, "a time as 2026-03-01T12:00:00Z");
	*ret_unix_s = ms / 1000;
	return true;
}

static bool
read_issued_at(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_time(r, v, name, &r->doc->issued_at);
}

static bool
read_not_before(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_time(r, v, name, &r->doc->not_before);
}

static bool
read_expires_at(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_time(r, v, name, &r->doc->expires_at);
}

static bool
read_audience(const struct doc_reading *r, const json_t *v, const char *name)
{
	return doc_read_texts(r->arena, v, name, &r->doc->audience,
	    &r->doc->n_audience, r->reterr);
}

/* A thumbprint of a key (RFC 7800, RFC 9449) or certificate (RFC 8705), both
 * SHA-256 in Base64url. */
static bool
read_thumbprint(const struct doc_reading *r, const json_t *v, const char *name,
    struct str *ret)
{
	if (!json_is_string(v) || !keys_thumbprint_is_valid(json_str(v)))
		return doc_malformed(r->reterr, name, "a thumbprint");
	*ret = str_dup(r->arena, json_str(v));
	return ret->p || error_nomem(r->reterr);
}

static bool
read_jkt(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_thumbprint(r, v, name, &r->doc->jkt);
}

static bool
read_x5t(const struct doc_reading *r, const json_t *v, const char *name)
{
	return read_thumbprint(r, v, name, &r->doc->x5t);
}

static const struct member cnf_members[] = {
	{ "jkt", false, read_jkt },
	{ "x5t#S256", false, read_x5t },
};

static bool
read_cnf(const struct doc_reading *r, const json_t *v, const char *name)
{
	r->doc->has_cnf = true;
	if (json_object_size(v) != 1)
		return doc_malformed(
		    r->reterr, name, "an object with one member");
	return read_members(r, v, cnf_members, ARRAY_LEN(cnf_members), name);
}

/* Instance ids, at least one. An older reader refuses the member, so a group's
 * document is taken for an instance's by nobody. */
static bool
read_group(const struct doc_reading *r, const json_t *v, const char *name)
{
	size_t n = json_array_size(v);
	struct str *items;

	if (!json_is_array(v) || n == 0 || n > LIMIT_GROUP_MEMBERS)
		return doc_malformed(
		    r->reterr, name, "a list of 1 to 64 instance ids");
	items = ARENA_ARRAY(r->arena, n, struct str);
	if (!items)
		return error_nomem(r->reterr);
	for (size_t i = 0; i < n; i++)
		if (!doc_read_subject(r->arena, json_array_get(v, i), name,
			&items[i], r->reterr))
			return false;
	r->doc->members = items;
	r->doc->n_members = n;
	return true;
}

static const struct member document_members[] = {
	{ "typ", true, read_typ },
	{ "id", true, read_id },
	{ "issuer", true, read_issuer },
	{ "keyId", true, read_key_id },
	{ "subject", true, read_subject },
	{ "issuedAt", true, read_issued_at },
	{ "notBefore", true, read_not_before },
	{ "expiresAt", true, read_expires_at },
	{ "audience", true, read_audience },
	{ "cnf", false, read_cnf },
	{ "members", false, read_group },
	{ "claims", true, read_claims },
};

bool
doc_read(
    struct arena *a, const json_t *root, struct doc *ret, struct error *reterr)
{
	struct doc d = { .has_times = true };
	struct doc_reading r = { a, &d, reterr };

	if (!read_members(&r, root, document_members,
		ARRAY_LEN(document_members), "document"))
		return false;
	if (d.expires_at <= d.not_before || d.expires_at <= d.issued_at)
		return doc_malformed(
		    reterr, "expiresAt", "after `issuedAt` and `notBefore`");
	*ret = d;
	return true;
}
