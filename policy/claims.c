/* claims.c - a verified document's claims, and the principal they make.
 * One table says which claim becomes which attribute and, where it does, which
 * parent; times and the address are read here, so that what cannot be read is
 * refused before any policy sees it. Names and nesting are those of the
 * document (contracts, "What policies see"): a claim that is not there is an
 * attribute that is not there. The two open maps become tags, `app:NAME` and
 * `custom:NAME`. */
#include "policy/claims.h"

#include "policy/claims_make.h"

#include <stddef.h>

#include "base/timefmt.h"

struct claims {
	struct claims_init said; /* strings and lists are lent */
	struct net_addr address;
	struct entity entity;
};

/* The claims that are one string each. */
enum { IMAGE, OWNER, ADDRESS, LAUNCHED, REGION, ZONE, SUPPORT };
static const struct row {
	struct str name;
	size_t at; /* in struct claims_init */
	struct str parent;
	bool is_time, is_address;
} rows[] = {
#define CLAIM(name, field) STR_INIT(name), offsetof(struct claims_init, field)
	[IMAGE] = { CLAIM("imageId", image_id), STR_INIT("Image"), false,
	    false },
	[OWNER] = { CLAIM("owner", owner), STR_INIT("Owner"), false, false },
	[ADDRESS] = { CLAIM("privateIp", private_ip), STR_INIT(""), false,
	    true },
	[LAUNCHED] = { CLAIM("launchTime", launch_time), STR_INIT(""), true,
	    false },
	[REGION] = { CLAIM("region", region), STR_INIT("Region"), false,
	    false },
	[ZONE] = { CLAIM("zone", zone), STR_INIT("Zone"), false, false },
	[SUPPORT] = { CLAIM("supportLevel", support_level), STR_INIT(""), false,
	    false },
};

/* The open maps, whose members are tags. */
static const struct map {
	struct str claim;
	const char *tag; /* what stands before the member's name */
} maps[] = {
	{ STR_INIT("applications"), "app:" },
	{ STR_INIT("custom"), "custom:" },
};

static struct str
said(const struct claims *c, const struct row *row)
{
	return *(
	    const struct str *)(const void *)((const char *)&c->said + row->at);
}

/* --- attributes -------------------------------------------------------- */

struct making {
	struct arena *arena;
	struct claims *c;
	struct value_field *fields;
	size_t n;
	struct error *reterr;
};

/* The next field's value, to be written there: one that is made elsewhere and
 * copied is waited for. */
static inline struct value *
put(struct making *m, struct str name)
{
	struct value_field *f = &m->fields[m->n++];

	f->name = name;
	return &f->value;
}

static inline void
put_string(struct making *m, struct str name, struct str text)
{
	*put(m, name) = (struct value){ .kind = VALUE_STRING, .string = text };
}

/* Of fields that come in the order of their names, each once: what
 * value_record_take would find out. */
static inline void
put_record(struct value *v, const struct making *m)
{
	*v = (struct value){ .kind = VALUE_RECORD,
		.record = { m->fields, m->n } };
}

static bool
put_text(struct making *m, struct str name, struct str text)
{
	put_string(m, name, text);
	return true;
}

/* `text`, unless empty, is how that time is written. */
static bool
put_time(struct making *m, struct str name, int64_t s, struct str text)
{
	struct value *v = put(m, name);
	int64_t ms;

	if (__builtin_mul_overflow(s, 1000, &ms))
		return error_set(m->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "`%s` is no time", name.p);
	if (text.n > 0)
		*v = (struct value){
			.kind = VALUE_DATETIME, .number = ms, .text = text
		};
	else
		*v = value_datetime(m->arena, ms);
	return v->kind != VALUE_NONE || error_nomem(m->reterr);
}

/* Of the text that `addr` is printed as. An IPv4 address has one text alone,
 * which `text` is when it is written as one. */
static bool
value_of_address(struct making *m, struct str text, const struct net_addr *addr,
    struct value *ret)
{
	char room[64]; /* an IPv6 address and its range fit */
	struct buf b = buf_over(room, sizeof room);
	struct str plain;

	if (addr->family == 4 && str_find(text, ':', 0) == text.n) {
		*ret = (struct value){
			.kind = VALUE_IP, .ip = { .prefix = 32 }, .text = text
		};
		memcpy(ret->ip.bytes, addr->bytes, 4);
		return true;
	}
	net_print(&b, addr);
	plain = buf_ok(&b) ? str_dup(m->arena, buf_str(&b))
			   : (struct str){ NULL, 0 };
	if (!plain.p)
		return error_nomem(m->reterr);
	return value_construct(STR("ip"), plain, ret, m->reterr);
}

/* As the extension type reads it: an IPv6 spelling of an IPv4 address becomes
 * that address. */
static bool
put_address(struct making *m, struct str name, struct str text)
{
	struct net_addr *addr = &m->c->address;

	if (!net_parse_addr(text, addr))
		return error_set(m->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "`%s` is no address", name.p);
	return value_of_address(m, text, addr, put(m, name));
}

static bool
put_row(struct making *m, const struct row *row)
{
	struct str text = said(m->c, row);

	if (text.n == 0)
		return true;
	if (row->is_address)
		return put_address(m, row->name, text);
	if (!row->is_time) {
		put_string(m, row->name, text);
		return true;
	}
	return value_construct(
		   STR("datetime"), text, put(m, row->name), NULL) ||
	       error_set(m->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		   "`%s` is no time", row->name.p);
}

static bool
put_licences(struct making *m, const struct row *row)
{
	const struct claims_init *s = &m->c->said;
	struct value *items;

	(void)row;
	if (!s->has_licences)
		return true;
	items = ARENA_ROOM(m->arena, s->n_licences, struct value);
	if (!items)
		return error_nomem(m->reterr);
	for (size_t i = 0; i < s->n_licences; i++)
		items[i] = (struct value){ .kind = VALUE_STRING,
			.string = s->licences[i] };
	*put(m, STR("licences")) = value_set_take(items, s->n_licences);
	return true;
}

static bool
put_os(struct making *m, const struct row *row)
{
	const struct claims_init *s = &m->c->said;
	struct making os = { .arena = m->arena };

	(void)row;
	if (!s->os_name.n && !s->os_version.n)
		return true;
	os.fields = ARENA_ROOM(m->arena, 2, struct value_field);
	if (!os.fields)
		return error_nomem(m->reterr);
	if (s->os_name.n)
		put_string(&os, STR("name"), s->os_name);
	if (s->os_version.n)
		put_string(&os, STR("version"), s->os_version);
	put_record(put(m, STR("os")), &os);
	return true;
}

static bool
put_document_id(struct making *m, const struct row *row)
{
	(void)row;
	return put_text(m, STR("documentId"), m->c->said.document_id);
}

static bool
put_expires_at(struct making *m, const struct row *row)
{
	const struct claims_init *s = &m->c->said;

	(void)row;
	return !s->has_expires_at ||
	       put_time(m, STR("expiresAt"), s->expires_at, s->expires_text);
}

static bool
put_issued_at(struct making *m, const struct row *row)
{
	const struct claims_init *s = &m->c->said;

	(void)row;
	return !s->has_issued_at ||
	       put_time(m, STR("issuedAt"), s->issued_at, s->issued_text);
}

static bool
put_issuer(struct making *m, const struct row *row)
{
	(void)row;
	return put_text(m, STR("issuer"), m->c->said.issuer);
}

static bool
put_kind(struct making *m, const struct row *row)
{
	(void)row;
	return put_text(m, STR("kind"), m->c->said.kind);
}

static bool
put_spiffe_id(struct making *m, const struct row *row)
{
	(void)row;
	return m->c->said.spiffe_id.n == 0 ||
	       put_text(m, STR("spiffeId"), m->c->said.spiffe_id);
}

/* What may be an attribute, in the order of the names, which put_record wants.
 */
static const struct {
	bool (*put)(struct making *, const struct row *);
	const struct row *row;
} attributes[] = {
	{ put_document_id, NULL },
	{ put_expires_at, NULL },
	{ put_row, &rows[IMAGE] },
	{ put_issued_at, NULL },
	{ put_issuer, NULL },
	{ put_kind, NULL },
	{ put_row, &rows[LAUNCHED] },
	{ put_licences, NULL },
	{ put_os, NULL },
	{ put_row, &rows[OWNER] },
	{ put_row, &rows[ADDRESS] },
	{ put_row, &rows[REGION] },
	{ put_spiffe_id, NULL },
	{ put_row, &rows[SUPPORT] },
	{ put_row, &rows[ZONE] },
};

static bool
make_attrs(struct making *m)
{
	m->fields =
	    ARENA_ROOM(m->arena, ARRAY_LEN(attributes), struct value_field);
	if (!m->fields)
		return error_nomem(m->reterr);
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
		if (!attributes[i].put(m, attributes[i].row))
			return false;
	put_record(&m->c->entity.attrs, m);
	return true;
}

/* --- tags and parents -------------------------------------------------- */

/* Both together. */
static bool
join(struct making *m, struct str one, struct str other, struct str *ret)
{
	char *p = arena_alloc(m->arena, one.n + other.n);

	if (!p)
		return error_nomem(m->reterr);
	if (one.n)
		memcpy(p, one.p, one.n);
	if (other.n)
		memcpy(p + one.n, other.p, other.n);
	*ret = (struct str){ p, one.n + other.n };
	return true;
}

static bool
put_tags(struct making *m, const char *before, const struct claims_pair *pairs,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str name;

		if (!join(m, str_of(before), pairs[i].name, &name))
			return false;
		put_string(m, name, pairs[i].text);
	}
	return true;
}

static bool
make_tags(struct making *m)
{
	const struct claims_init *s = &m->c->said;
	struct str dup;

	m->n = 0;
	m->fields = ARENA_ROOM(
	    m->arena, s->n_applications + s->n_custom, struct value_field);
	if (!m->fields)
		return error_nomem(m->reterr);
	if (!put_tags(m, maps[0].tag, s->applications, s->n_applications) ||
	    !put_tags(m, maps[1].tag, s->custom, s->n_custom))
		return false;
	if (!value_record_take(m->fields, m->n, &m->c->entity.tags, &dup))
		return error_set(m->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "`%.*s` is claimed twice", STR_ARG(str_sub(dup, 0, 100)));
	return true;
}

static bool
make_parents(struct making *m)
{
	struct uid *parents = ARENA_ROOM(m->arena, ARRAY_LEN(rows), struct uid);
	size_t n = 0;

	if (!parents)
		return error_nomem(m->reterr);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].parent.n && said(m->c, &rows[i]).n)
			parents[n++] = (struct uid){ rows[i].parent,
				said(m->c, &rows[i]) };
	m->c->entity.parents = parents;
	m->c->entity.n_parents = n;
	return true;
}

static bool
make_uid(struct making *m)
{
	const struct claims_init *s = &m->c->said;
	struct uid *uid = &m->c->entity.uid;

	uid->type = STR("Instance");
	uid->id = s->subject;
	return s->prefix.n == 0 || join(m, s->prefix, s->subject, &uid->id);
}

bool
claims_make(struct arena *a, const struct claims_init *init,
    const struct claims **ret, struct error *reterr)
{
	struct claims *c = ARENA_NEW(a, struct claims);
	struct making m = { .arena = a, .c = c, .reterr = reterr };

	if (!c)
		return error_nomem(reterr);
	c->said = *init;
	c->entity.from = "claims";
	if (!make_uid(&m) || !make_attrs(&m) || !make_tags(&m) ||
	    !make_parents(&m))
		return false;
	*ret = c;
	return true;
}

/* --- asking ------------------------------------------------------------ */

const char *
claims_proof_name(enum claims_proof p)
{
	static const char *const names[] = {
		[PROOF_NONE] = "none",
		[PROOF_BEARER] = "bearer",
		[PROOF_ADDRESS] = "address",
		[PROOF_KEY] = "key",
	};

	return names[p];
}

struct uid
claims_principal(const struct claims *c)
{
	return c->entity.uid;
}

struct str
claims_subject(const struct claims *c)
{
	return c->said.subject;
}

struct str
claims_kind(const struct claims *c)
{
	return c->said.kind;
}

struct str
claims_issuer(const struct claims *c)
{
	return c->said.issuer;
}

struct str
claims_key_id(const struct claims *c)
{
	return c->said.key_id;
}

struct str
claims_document_id(const struct claims *c)
{
	return c->said.document_id;
}

const struct claims_document *
claims_others(const struct claims *c, size_t *ret_n)
{
	*ret_n = c->said.n_others;
	return c->said.others;
}

bool
claims_issued_at(const struct claims *c, int64_t *ret_unix_s)
{
	if (c->said.has_issued_at)
		*ret_unix_s = c->said.issued_at;
	return c->said.has_issued_at;
}

bool
claims_expires_at(const struct claims *c, int64_t *ret_unix_s)
{
	if (c->said.has_expires_at)
		*ret_unix_s = c->said.expires_at;
	return c->said.has_expires_at;
}

int64_t
claims_lease_end(const struct claims *c, int64_t shown_unix_s)
{
	int64_t lease = c->said.max_lease_s, end;

	/* Neither an expiry nor a lease: nothing stays open at all. */
	if (!c->said.has_expires_at && lease == 0)
		return shown_unix_s;
	if (lease == 0 || lease == INT64_MAX ||
	    __builtin_add_overflow(shown_unix_s, lease, &end))
		end = INT64_MAX;
	if (c->said.has_expires_at && c->said.expires_at < end)
		end = c->said.expires_at;
	return end;
}

bool
claims_has_cnf(const struct claims *c)
{
	return c->said.has_cnf;
}

struct net_addr
claims_address(const struct claims *c)
{
	return c->address;
}

const struct entity *
claims_entity(const struct claims *c)
{
	return &c->entity;
}

bool
claims_has(const struct claims *c, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(name, rows[i].name))
			return said(c, &rows[i]).n > 0;
	if (str_eq(name, STR("os")))
		return c->said.os_name.n || c->said.os_version.n;
	if (str_eq(name, STR("licences")))
		return c->said.has_licences;
	if (str_eq(name, STR("applications")))
		return c->said.n_applications > 0;
	return str_eq(name, STR("custom")) && c->said.n_custom > 0;
}

/* --- what carries what -------------------------------------------------- */

enum claims_carrier
claims_carrier_of(struct str attribute)
{
	static const struct str evidence[] = { STR_INIT("kind"),
		STR_INIT("issuer"), STR_INIT("documentId"),
		STR_INIT("spiffeId"), STR_INIT("issuedAt"),
		STR_INIT("expiresAt") };

	for (size_t i = 0; i < ARRAY_LEN(evidence); i++)
		if (str_eq(evidence[i], attribute))
			return CLAIMS_EVIDENCE;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, attribute))
			return CLAIMS_CLAIM;
	return str_eq(attribute, STR("os")) ||
		       str_eq(attribute, STR("licences"))
		   ? CLAIMS_CLAIM
		   : CLAIMS_NOTHING;
}

struct str
claims_of_parent(struct str type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].parent.n > 0 && str_eq(rows[i].parent, type))
			return rows[i].name;
	return STR("");
}

bool
claims_of_tag(struct str tag, struct str *ret_claim, struct str *ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		struct str before = str_of(maps[i].tag);

		if (!str_has_prefix(tag, before))
			continue;
		*ret_claim = maps[i].claim;
		*ret_name = str_sub(tag, before.n, tag.n);
		return true;
	}
	return false;
}

/* --- JSON: names as in the document ------------------------------------ */

static bool
set_text(json_t *object, struct str name, struct str text)
{
	return text.n == 0 || json_object_setn_new(object, name.p, name.n,
				  json_from_str(text)) == 0;
}

static bool
set_pairs(
    json_t *object, const char *name, const struct claims_pair *pairs, size_t n)
{
	json_t *map = json_object();

	for (size_t i = 0; i < n; i++)
		if (json_object_setn_new(map, pairs[i].name.p, pairs[i].name.n,
			json_from_str(pairs[i].text)) != 0) {
			json_decref(map);
			return false;
		}
	if (n == 0) {
		json_decref(map);
		return true;
	}
	return json_object_set_new(object, name, map) == 0;
}

static bool
set_os(json_t *object, const struct claims_init *s)
{
	json_t *os = json_object();

	if (!s->os_name.n && !s->os_version.n) {
		json_decref(os);
		return true;
	}
	if (!set_text(os, STR("name"), s->os_name) ||
	    !set_text(os, STR("version"), s->os_version)) {
		json_decref(os);
		return false;
	}
	return json_object_set_new(object, "os", os) == 0;
}

static bool
set_licences(json_t *object, const struct claims_init *s)
{
	json_t *list = json_array();

	if (!s->has_licences) {
		json_decref(list);
		return true;
	}
	for (size_t i = 0; i < s->n_licences; i++)
		if (json_array_append_new(
			list, json_from_str(s->licences[i])) != 0) {
			json_decref(list);
			return false;
		}
	return json_object_set_new(object, "licences", list) == 0;
}

json_t *
claims_to_json(const struct claims *c)
{
	const struct claims_init *s = &c->said;
	json_t *object = json_object();
	bool ok = object != NULL;

	for (size_t i = 0; ok && i < ARRAY_LEN(rows); i++)
		ok = set_text(object, rows[i].name, said(c, &rows[i]));
	if (ok && set_os(object, s) && set_licences(object, s) &&
	    set_pairs(
		object, "applications", s->applications, s->n_applications) &&
	    set_pairs(object, "custom", s->custom, s->n_custom))
		return object;
	json_decref(object);
	return NULL;
}
