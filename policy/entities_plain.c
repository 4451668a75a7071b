/* entities_plain.c - what most records of a file of entities look like, read
 * without a JSON tree: members `uid`, `attrs` and `parents`, strings of ASCII
 * without escapes, attributes that are strings, Booleans or whole numbers.
 * Anything else, and anything that is wrong, is not plain: entities_json.c then
 * reads the record and says what it thinks of it. So nothing is refused here,
 * and what is taken is what it would have made of the text
 * (tests/fuzz/fuzz_entities.c holds one against the other).
 * A record is looked through to its end before anything is kept. Limits: so
 * many attributes and parents as stand below. Cost O(bytes). */
#include "policy/entities.h"

#define MEMBERS_MAX 16u
#define DIGITS_MAX 18u /* fit into 64 bits */

struct plain {
	struct str text;
	size_t at;
	struct uid uid, parents[MEMBERS_MAX];
	struct value_field attrs[MEMBERS_MAX];
	size_t n_parents, n_attrs;
};

static void
skip_space(struct plain *p)
{
	while (p->at < p->text.n &&
	       (p->text.p[p->at] == ' ' || p->text.p[p->at] == '\n' ||
		   p->text.p[p->at] == '\t' || p->text.p[p->at] == '\r'))
		p->at++;
}

static bool
read_mark(struct plain *p, char mark)
{
	skip_space(p);
	if (p->at == p->text.n || p->text.p[p->at] != mark)
		return false;
	p->at++;
	return true;
}

static bool
read_string(struct plain *p, struct str *ret)
{
	size_t from;

	if (!read_mark(p, '"'))
		return false;
	for (from = p->at; p->at < p->text.n; p->at++) {
		unsigned char c = (unsigned char)p->text.p[p->at];

		if (c == '"') {
			*ret = str_sub(p->text, from, p->at++);
			return true;
		}
		if (c < 0x20 || c >= 0x7f || c == '\\')
			return false;
	}
	return false;
}

/* `"name":`. */
static bool
read_name(struct plain *p, struct str *ret)
{
	return read_string(p, ret) && read_mark(p, ':');
}

/* What may follow a member or an item: *ret_more after a comma. */
static bool
read_end(struct plain *p, char close, bool *ret_more)
{
	*ret_more = read_mark(p, ',');
	return *ret_more || read_mark(p, close);
}

static bool
read_uid(struct plain *p, struct uid *ret)
{
	struct uid uid = { 0 };
	bool more = true;

	if (!read_mark(p, '{'))
		return false;
	while (more) {
		struct str name, *to;

		if (!read_name(p, &name))
			return false;
		to = str_eq(name, STR("type")) ? &uid.type : &uid.id;
		if (to->p || (to == &uid.id && !str_eq(name, STR("id"))) ||
		    !read_string(p, to) || !read_end(p, '}', &more))
			return false;
	}
	*ret = uid;
	return uid.type.p && uid.id.p && uid_type_is_valid(uid.type);
}

static bool
read_number(struct plain *p, struct value *ret)
{
	size_t from = p->at;
	int64_t number = 0;

	for (; p->at < p->text.n; p->at++) {
		unsigned digit =
		    (unsigned char)p->text.p[p->at] - (unsigned)'0';

		if (digit > 9)
			break;
		if (p->at - from == DIGITS_MAX)
			return false;
		number = number * 10 + digit;
	}
	*ret = value_long(number);
	/* No sign, no leading zero; a point or an exponent is no end. */
	return p->at > from && (p->text.p[from] != '0' || p->at == from + 1);
}

static bool
read_word(struct plain *p, struct str word)
{
	if (!str_has_prefix(str_sub(p->text, p->at, p->text.n), word))
		return false;
	p->at += word.n;
	return true;
}

static bool
read_value(struct plain *p, struct value *ret)
{
	struct str string;

	skip_space(p);
	if (p->at == p->text.n)
		return false;
	if (p->text.p[p->at] == '"') {
		if (!read_string(p, &string))
			return false;
		*ret = value_string(string);
		return true;
	}
	if (p->text.p[p->at] == 't' || p->text.p[p->at] == 'f') {
		*ret = value_bool(p->text.p[p->at] == 't');
		return read_word(p, ret->boolean ? STR("true") : STR("false"));
	}
	return read_number(p, ret);
}

static bool
has_attr(const struct plain *p, struct str name)
{
	for (size_t i = 0; i < p->n_attrs; i++)
		if (str_eq(p->attrs[i].name, name))
			return true;
	return false;
}

static bool
read_attrs(struct plain *p)
{
	bool more = true;

	if (!read_mark(p, '{'))
		return false;
	if (read_mark(p, '}'))
		return true;
	while (more) {
		struct value_field field;

		if (p->n_attrs == MEMBERS_MAX || !read_name(p, &field.name) ||
		    has_attr(p, field.name) || !read_value(p, &field.value) ||
		    !read_end(p, '}', &more))
			return false;
		p->attrs[p->n_attrs++] = field;
	}
	return true;
}

static bool
read_parents(struct plain *p)
{
	bool more = true;

	if (!read_mark(p, '['))
		return false;
	if (read_mark(p, ']'))
		return true;
	while (more) {
		if (p->n_parents == MEMBERS_MAX ||
		    !read_uid(p, &p->parents[p->n_parents]) ||
		    !read_end(p, ']', &more))
			return false;
		p->n_parents++;
	}
	return true;
}

/* All three members, each once. */
static bool
read_record(struct plain *p)
{
	static const struct {
		struct str name;
		bool (*read)(struct plain *p);
	} members[] = {
		{ STR_INIT("uid"), NULL },
		{ STR_INIT("attrs"), read_attrs },
		{ STR_INIT("parents"), read_parents },
	};
	unsigned seen = 0;
	bool more = true;

	if (!read_mark(p, '{'))
		return false;
	while (more) {
		struct str name;
		size_t i = 0;
		bool ok;

		if (!read_name(p, &name))
			return false;
		while (i < ARRAY_LEN(members) && !str_eq(name, members[i].name))
			i++;
		if (i == ARRAY_LEN(members) || seen & 1u << i)
			return false;
		seen |= 1u << i;
		ok =
		    members[i].read ? members[i].read(p) : read_uid(p, &p->uid);
		if (!ok || !read_end(p, '}', &more))
			return false;
	}
	return seen == (1u << ARRAY_LEN(members)) - 1;
}

/* ---- keeping --------------------------------------------------------------
 */

/* The uid with the strings that the intern table keeps. */
static bool
keep_uid(struct entities *layer, struct uid uid, struct uid *ret)
{
	uint32_t id = intern_add(layer->ids, uid.type, uid.id);

	if (id == INTERN_NONE)
		return false;
	intern_get(layer->ids, id, &ret->type, &ret->id);
	return true;
}

/* Names and values stand in record after record: a string that was kept lately
 * is kept once. */
static bool
keep_string(struct entities *layer, struct entities_kept *kept, struct str s,
    struct str *ret)
{
	struct str *recent = &kept->strings[0];

	if (s.n > 0)
		recent =
		    &kept->strings[((unsigned char)s.p[0] * 31u +
				       (unsigned char)s.p[s.n - 1] * 7u + s.n) %
				   ENTITIES_KEPT];
	if (!recent->p || !str_eq(*recent, s))
		*recent = str_dup(layer->arena, s);
	*ret = *recent;
	return ret->p != NULL;
}

static bool
keep_attrs(struct entities *layer, struct entities_kept *kept,
    const struct plain *p, struct value *ret)
{
	struct value_field *fields =
	    ARENA_ARRAY(layer->arena, p->n_attrs, struct value_field);
	struct str dup;

	if (!fields)
		return false;
	for (size_t i = 0; i < p->n_attrs; i++) {
		fields[i] = p->attrs[i];
		if (!keep_string(
			layer, kept, p->attrs[i].name, &fields[i].name))
			return false;
		if (fields[i].value.kind == VALUE_STRING &&
		    !keep_string(layer, kept, p->attrs[i].value.string,
			&fields[i].value.string))
			return false;
	}
	/* None stands twice. */
	return value_record_take(fields, p->n_attrs, ret, &dup);
}

static bool
keep_parents(struct entities *layer, const struct plain *p, struct entity *ret)
{
	struct uid *parents =
	    ARENA_ARRAY(layer->arena, p->n_parents, struct uid);

	for (size_t i = 0; parents && i < p->n_parents; i++)
		if (!keep_uid(layer, p->parents[i], &parents[i]))
			return false;
	ret->parents = parents;
	ret->n_parents = p->n_parents;
	return parents != NULL;
}

bool
entities_plain(struct entities *layer, struct entities_kept *kept,
    struct str text, size_t *inout_at, struct entity *ret, bool *ret_is_plain,
    struct error *reterr)
{
	struct plain p UNZEROED; /* the first n of each list are */

	p.text = text;
	p.at = *inout_at;
	p.n_attrs = p.n_parents = 0;
	*ret_is_plain = read_record(&p);
	if (!*ret_is_plain)
		return true;
	if (!keep_uid(layer, p.uid, &ret->uid) ||
	    !keep_attrs(layer, kept, &p, &ret->attrs) ||
	    !keep_parents(layer, &p, ret))
		return error_nomem(reterr);
	skip_space(&p);
	*inout_at = p.at;
	return true;
}
