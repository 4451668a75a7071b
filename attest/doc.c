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
#include "base/sixteen.h"
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

static void
let_go(void *root)
{
	json_decref(root);
}

bool
doc_open_tree(struct arena *a, json_t *root, const struct flat **ret,
    struct error *reterr)
{
	if (!arena_at_end(a, let_go, root)) {
		json_decref(root);
		return error_nomem(reterr);
	}
	return flat_of_json(a, root, ret) || error_nomem(reterr);
}

bool
doc_open(struct arena *a, struct str bytes, const struct flat **ret,
    struct error *reterr)
{
	struct flat *root;
	json_t *tree;

	if (flat_read(a, bytes, LIMIT_DOCUMENT_BYTES, LIMIT_DOCUMENT_DEPTH,
		LIMIT_DOCUMENT_VALUES, &root, NULL)) {
		*ret = root;
		return true;
	}
	return doc_parse(bytes, &tree, reterr) &&
	       doc_open_tree(a, tree, ret, reterr);
}

struct str
doc_named_key(const struct flat *root)
{
	return flat_str(flat_get(root, STR("keyId")));
}

bool
doc_key_id(const struct flat *root, struct str *ret, struct error *reterr)
{
	struct str id = doc_named_key(root);

	if (!keys_thumbprint_is_valid(id))
		return doc_malformed(reterr, "keyId", "an RFC 7638 thumbprint");
	*ret = id;
	return true;
}

/* ---- members of any document ----------------------------------------------
 */

/* `s` is empty, too, for what is no string. Lent, as by all of these. */
static bool
take_text(struct str s, const char *name, struct str *ret, struct error *reterr)
{
	if (s.n == 0 || s.n > DOC_TEXT_BYTES)
		return doc_malformed(
		    reterr, name, "a string of 1 to 1,024 bytes");
	*ret = s;
	return true;
}

/* What is lent from a tree, which goes, as a copy. */
static bool
keep_text(struct arena *a, struct str *s, struct error *reterr)
{
	*s = str_dup(a, *s);
	return s->p || error_nomem(reterr);
}

bool
doc_read_text(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	return take_text(json_str(v), name, ret, reterr) &&
	       keep_text(a, ret, reterr);
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

static bool
take_address(
    struct str s, const char *name, struct str *ret, struct error *reterr)
{
	struct net_addr address;

	if (!take_text(s, name, ret, reterr))
		return false;
	return net_parse_addr(*ret, &address) ||
	       doc_malformed(reterr, name, "an IP address");
}

bool
doc_read_address(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	return take_address(json_str(v), name, ret, reterr) &&
	       keep_text(a, ret, reterr);
}

static bool
take_launch_time(
    struct str s, const char *name, struct str *ret, struct error *reterr)
{
	int64_t ms;

	if (!take_text(s, name, ret, reterr))
		return false;
	return time_parse_datetime(*ret, &ms) ||
	       doc_malformed(reterr, name, "an RFC 3339 time");
}

bool
doc_read_launch_time(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	return take_launch_time(json_str(v), name, ret, reterr) &&
	       keep_text(a, ret, reterr);
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

/* `s` is NULL for what is no string. */
static bool
take_subject(
    struct str s, const char *name, struct str *ret, struct error *reterr)
{
	if (!s.p)
		return doc_malformed(reterr, name, "a string");
	if (!attest_instance_id_is_valid(s))
		return error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
		    "the document's `%s` is not an instance id of 1 to 128 "
		    "letters, digits, `.`, `_`, `-`",
		    name);
	*ret = s;
	return true;
}

bool
doc_read_subject(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr)
{
	return take_subject(json_str(v), name, ret, reterr) &&
	       keep_text(a, ret, reterr);
}

static bool
is_hex(sixteen c)
{
	return !sixteen_any(
	    ~(((c >= '0') & (c <= '9')) | ((c >= 'a') & (c <= 'f'))));
}

bool
doc_id_is_valid(struct str s)
{
	return s.n == 32 && is_hex(sixteen_at(s.p)) &&
	       is_hex(sixteen_at(s.p + 16));
}

/* ---- the tables -----------------------------------------------------------
 */

typedef bool read_fn(
    const struct doc_reading *, const struct flat *, const char *);

struct member {
	struct flat_row row;
	read_fn *read;
};

#define ROWS_MOST 12u

/* Every member of `object` by its row; none twice (the parser saw to that),
 * none without a row, all that are required. */
static bool
read_members(const struct doc_reading *r, const struct flat *object,
    const struct member *rows, size_t n_rows, const char *what)
{
	const struct flat *found[ROWS_MOST] = { 0 };
	size_t known;

	if (!flat_is(object, FLAT_OBJECT))
		return doc_malformed(r->reterr, what, "an object");
	known = flat_match(object, rows, n_rows, sizeof *rows, found);
	for (size_t i = 0; i < n_rows; i++) {
		const char *name = rows[i].row.name.p;

		if (!found[i] && rows[i].row.required)
			return error_set(r->reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE, "the document lacks `%s`", name);
		if (found[i] && !rows[i].read(r, found[i], name))
			return false;
	}
	return known == object->n ||
	       error_set(r->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		   "the document has a member in its `%s` that this version "
		   "does not know",
		   what);
}

static bool
read_texts(const struct doc_reading *r, const struct flat *v, const char *name,
    const struct str **ret, size_t *ret_n)
{
	const struct flat *item;
	struct str *items;

	if (!flat_is(v, FLAT_ARRAY))
		return doc_malformed(r->reterr, name, "a list of strings");
	items = ARENA_ROOM(r->arena, v->n, struct str);
	if (!items)
		return error_nomem(r->reterr);
	item = flat_first(v);
	for (uint32_t i = 0; i < v->n; i++, item = flat_next(item))
		if (!take_text(flat_str(item), name, &items[i], r->reterr))
			return false;
	*ret = items;
	*ret_n = v->n;
	return true;
}

/* As DOC_MEMBER, of a list's string. */
#define TEXT_MEMBER(field, take, target)                                       \
	static bool read_##field(const struct doc_reading *r,                  \
	    const struct flat *v, const char *name)                            \
	{                                                                      \
		return take(flat_str(v), name, &r->doc->target, r->reterr);    \
	}

TEXT_MEMBER(image_id, take_text, image_id)
TEXT_MEMBER(owner, take_text, owner)
TEXT_MEMBER(region, take_text, region)
TEXT_MEMBER(zone, take_text, zone)
TEXT_MEMBER(support_level, take_text, support_level)
TEXT_MEMBER(os_name, take_text, os_name)
TEXT_MEMBER(os_version, take_text, os_version)
TEXT_MEMBER(issuer, take_text, issuer)
TEXT_MEMBER(private_ip, take_address, private_ip)
TEXT_MEMBER(launched, take_launch_time, launch_time)
TEXT_MEMBER(subject, take_subject, subject)

static bool
read_licences(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	r->doc->has_licences = true;
	return read_texts(r, v, name, &r->doc->licences, &r->doc->n_licences);
}

/* `{name: text}`, names and texts not empty. */
static bool
read_pairs(const struct doc_reading *r, const struct flat *v, const char *name,
    const struct doc_pair **ret, size_t *ret_n)
{
	const struct flat *m;
	struct doc_pair *pairs;

	if (!flat_is(v, FLAT_OBJECT))
		return doc_malformed(r->reterr, name, "an object of strings");
	pairs = ARENA_ROOM(r->arena, v->n, struct doc_pair);
	if (!pairs)
		return error_nomem(r->reterr);
	m = flat_first(v);
	for (uint32_t i = 0; i < v->n; i++, m = flat_next(m)) {
		if (m->name.n == 0 || m->name.n > DOC_TEXT_BYTES)
			return doc_malformed(r->reterr, name,
			    "an object with names of 1 to 1,024 bytes");
		pairs[i].name = m->name;
		if (!take_text(flat_str(m), name, &pairs[i].text, r->reterr))
			return false;
	}
	*ret = pairs;
	*ret_n = v->n;
	return true;
}

static bool
read_applications(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_pairs(
	    r, v, name, &r->doc->applications, &r->doc->n_applications);
}

static bool
read_custom(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_pairs(r, v, name, &r->doc->custom, &r->doc->n_custom);
}

static const struct member os_members[] = {
	{ { STR_INIT("name"), false, NULL }, read_os_name },
	{ { STR_INIT("version"), false, NULL }, read_os_version },
};

static const uint8_t os_by_name[] = { 0, 1 };
static const struct flat_rows os_table = { os_members, ARRAY_LEN(os_members),
	sizeof os_members[0], os_by_name };

static bool
read_os(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_members(r, v, os_members, ARRAY_LEN(os_members), name);
}

static const struct member claim_members[] = {
	{ { STR_INIT("imageId"), false, NULL }, read_image_id },
	{ { STR_INIT("owner"), false, NULL }, read_owner },
	{ { STR_INIT("privateIp"), false, NULL }, read_private_ip },
	{ { STR_INIT("launchTime"), false, NULL }, read_launched },
	{ { STR_INIT("region"), false, NULL }, read_region },
	{ { STR_INIT("zone"), false, NULL }, read_zone },
	{ { STR_INIT("supportLevel"), false, NULL }, read_support_level },
	{ { STR_INIT("os"), false, &os_table }, read_os },
	{ { STR_INIT("licences"), false, NULL }, read_licences },
	{ { STR_INIT("applications"), false, NULL }, read_applications },
	{ { STR_INIT("custom"), false, NULL }, read_custom },
};

static const uint8_t claims_by_name[] = { 9, 10, 0, 3, 8, 7, 1, 2, 4, 6, 5 };
static const struct flat_rows claim_table = { claim_members,
	ARRAY_LEN(claim_members), sizeof claim_members[0], claims_by_name };

static bool
read_claims(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_members(
	    r, v, claim_members, ARRAY_LEN(claim_members), name);
}

bool
doc_read_claims(struct arena *a, const struct flat *v, const char *name,
    struct doc *ret, struct error *reterr)
{
	struct doc_reading r = { a, ret, reterr };

	return read_claims(&r, v, name);
}

static bool
read_typ(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return str_eq(flat_str(v), STR(TYP)) ||
	       doc_malformed(r->reterr, name, "`" TYP "`");
}

static bool
read_id(const struct doc_reading *r, const struct flat *v, const char *name)
{
	if (!take_text(flat_str(v), name, &r->doc->id, r->reterr))
		return false;
	return doc_id_is_valid(r->doc->id) ||
	       doc_malformed(r->reterr, name, "32 lower-case hex digits");
}

static bool
read_key_id(const struct doc_reading *r, const struct flat *v, const char *name)
{
	if (!take_text(flat_str(v), name, &r->doc->key_id, r->reterr))
		return false;
	return keys_thumbprint_is_valid(r->doc->key_id) ||
	       doc_malformed(r->reterr, name, "an RFC 7638 thumbprint");
}

/* RFC 3339 in UTC and whole seconds: one text for one time. */
static bool
read_time(const struct doc_reading *r, const struct flat *v, const char *name,
    struct str *ret_text, int64_t *ret_unix_s)
{
	struct str text = flat_str(v);
	int64_t ms;

	if (text.n != strlen("2026-03-01T12:00:00Z") ||
	    text.p[text.n - 1] != 'Z' || !time_parse_datetime(text, &ms))
		return doc_malformed(
		    r->reterr, name, "a time as 2026-03-01T12:00:00Z");
	*ret_text = text;
	*ret_unix_s = ms / 1000;
	return true;
}

static bool
read_issued_at(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_time(r, v, name, &r->doc->issued_text, &r->doc->issued_at);
}

static bool
read_not_before(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	struct str text = flat_str(v);

	/* Mostly it is the same. */
	if (text.n > 0 && str_eq(text, r->doc->issued_text)) {
		r->doc->not_before = r->doc->issued_at;
		return true;
	}
	return read_time(r, v, name, &text, &r->doc->not_before);
}

static bool
read_expires_at(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_time(
	    r, v, name, &r->doc->expires_text, &r->doc->expires_at);
}

static bool
read_audience(
    const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_texts(r, v, name, &r->doc->audience, &r->doc->n_audience);
}

/* A thumbprint of a key (RFC 7800, RFC 9449) or certificate (RFC 8705), both
 * SHA-256 in Base64url. */
static bool
read_thumbprint(const struct doc_reading *r, const struct flat *v,
    const char *name, struct str *ret)
{
	struct str text = flat_str(v);

	if (!keys_thumbprint_is_valid(text))
		return doc_malformed(r->reterr, name, "a thumbprint");
	*ret = text;
	return true;
}

static bool
read_jkt(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_thumbprint(r, v, name, &r->doc->jkt);
}

static bool
read_x5t(const struct doc_reading *r, const struct flat *v, const char *name)
{
	return read_thumbprint(r, v, name, &r->doc->x5t);
}

static const struct member cnf_members[] = {
	{ { STR_INIT("jkt"), false, NULL }, read_jkt },
	{ { STR_INIT("x5t#S256"), false, NULL }, read_x5t },
};

static bool
read_cnf(const struct doc_reading *r, const struct flat *v, const char *name)
{
	r->doc->has_cnf = true;
	if (!flat_is(v, FLAT_OBJECT) || v->n != 1)
		return doc_malformed(
		    r->reterr, name, "an object with one member");
	return read_members(r, v, cnf_members, ARRAY_LEN(cnf_members), name);
}

/* Instance ids, at least one. An older reader refuses the member, so a group's
 * document is taken for an instance's by nobody. */
static bool
read_group(const struct doc_reading *r, const struct flat *v, const char *name)
{
	const struct flat *item;
	struct str *items;

	if (!flat_is(v, FLAT_ARRAY) || v->n == 0 || v->n > LIMIT_GROUP_MEMBERS)
		return doc_malformed(
		    r->reterr, name, "a list of 1 to 64 instance ids");
	items = ARENA_ROOM(r->arena, v->n, struct str);
	if (!items)
		return error_nomem(r->reterr);
	item = flat_first(v);
	for (uint32_t i = 0; i < v->n; i++, item = flat_next(item))
		if (!take_subject(flat_str(item), name, &items[i], r->reterr))
			return false;
	r->doc->members = items;
	r->doc->n_members = v->n;
	return true;
}

static const struct member document_members[] = {
	{ { STR_INIT("typ"), true, NULL }, read_typ },
	{ { STR_INIT("id"), true, NULL }, read_id },
	{ { STR_INIT("issuer"), true, NULL }, read_issuer },
	{ { STR_INIT("keyId"), true, NULL }, read_key_id },
	{ { STR_INIT("subject"), true, NULL }, read_subject },
	{ { STR_INIT("issuedAt"), true, NULL }, read_issued_at },
	{ { STR_INIT("notBefore"), true, NULL }, read_not_before },
	{ { STR_INIT("expiresAt"), true, NULL }, read_expires_at },
	{ { STR_INIT("audience"), true, NULL }, read_audience },
	{ { STR_INIT("cnf"), false, NULL }, read_cnf },
	{ { STR_INIT("members"), false, NULL }, read_group },
	{ { STR_INIT("claims"), true, &claim_table }, read_claims },
};

static const uint8_t document_by_name[] = { 8, 11, 9, 7, 1, 5, 2, 3, 10, 6, 4,
	0 };
static const struct flat_rows document_table = { document_members,
	ARRAY_LEN(document_members), sizeof document_members[0],
	document_by_name };

_Static_assert(ARRAY_LEN(document_members) <= ROWS_MOST &&
		   ARRAY_LEN(claim_members) <= ROWS_MOST,
    "a table has more rows than there is room for what they find");
_Static_assert(ARRAY_LEN(document_by_name) == ARRAY_LEN(document_members) &&
		   ARRAY_LEN(claims_by_name) == ARRAY_LEN(claim_members) &&
		   ARRAY_LEN(os_by_name) == ARRAY_LEN(os_members),
    "a row has no place among the names");

/* The document has all its members: what they say together. */
static bool
ends_last(const struct doc *d)
{
	return d->expires_at > d->not_before && d->expires_at > d->issued_at;
}

bool
doc_read(struct arena *a, const struct flat *root, struct doc *ret,
    struct error *reterr)
{
	struct doc_reading r = { .arena = a, .reterr = reterr };

	*ret = (struct doc){ .has_times = true };
	r.doc = ret;
	if (!read_members(&r, root, document_members,
		ARRAY_LEN(document_members), "document"))
		return false;
	return ends_last(ret) || doc_malformed(reterr, "expiresAt",
				     "after `issuedAt` and `notBefore`");
}

/* ---- as Avow writes it ----------------------------------------------------
 * Plain, without spaces: each member is read as it comes, by the same rows,
 * without a list of all values. Nothing is refused here: what is not so, or is
 * wrong, doc_open and doc_read tell about.
 */

static bool
take(void *arg, const struct flat_row *row, const struct flat *v)
{
	const struct member *m = (const void *)row;

	return m->read(arg, v, row->name.p);
}

/* Each of at most twice as many members as a table has is so many values. */
_Static_assert(2 * ROWS_MOST * (FLAT_MEMBERS + 1) < LIMIT_DOCUMENT_VALUES,
    "what is read at once may have more values than a document");

bool
doc_read_own(
    struct arena *a, struct str text, bool is_canonical, struct doc *ret)
{
	struct doc_reading r = { .arena = a, .doc = ret };

	*ret = (struct doc){ .has_times = true };
	return text.n <= LIMIT_DOCUMENT_BYTES &&
	       flat_walk(text, &document_table, is_canonical, take, &r) &&
	       ends_last(ret);
}

bool
doc_own_key(struct str text, struct str *ret)
{
	struct str unused;

	return flat_take(&text, STR("{\"typ\":\"" TYP "\",\"id\":\"")) &&
	       flat_take_string(&text, &unused) &&
	       flat_take(&text, STR(",\"issuer\":\"")) &&
	       flat_take_string(&text, &unused) &&
	       flat_take(&text, STR(",\"keyId\":\"")) &&
	       flat_take_string(&text, ret);
}
