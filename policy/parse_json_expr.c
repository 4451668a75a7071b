/* parse_json_expr.c - expressions in JSON to nodes.
 * An expression is an object with one key: the table below says which node each
 * key becomes. Where text would need parentheses to say the same, a NODE_PAREN
 * is made, so that the tree prints as text that reads back as it. What a
 * `Value` holds becomes the nodes of a literal, marked so that it is written
 * as it was read. Nesting: as in text, what brackets would surround is counted
 * against LIMIT_NESTING; chains that lean to the left are bounded by the depth
 * of the JSON. */
#include "policy/parse_json.h"

#include "base/limits.h"
#include "policy/ext.h"
#include "policy/hint.h"

/* How tightly a node's text binds, as in ops.def; its operands' least level. */
enum {
	LEVEL_ANY = 0,
	LEVEL_OR = 1,
	LEVEL_AND = 2,
	LEVEL_RELATION = 3,
	LEVEL_SUM = 4,
	LEVEL_PRODUCT = 5,
	LEVEL_UNARY = 6,
	LEVEL_MEMBER = 7,
};

struct form;

/* Fills `n` from the value of the one key. */
typedef bool read_fn(struct reader *r, const struct form *form,
    const json_t *body, const json_t *around, struct ast_node *n);

struct form {
	const char *key;
	read_fn *read;
	uint8_t op;
	uint8_t level;
	bool added; /* Avow's: off where additions are off */
};

static bool read_literal(struct reader *r, const json_t *json,
    const json_t *around, struct ast_node *n);

/* ---- values ----------------------------------------------------------------
 */

static bool
enter(struct reader *r, const json_t *json, const json_t *around)
{
	if (r->p.depth < LIMIT_NESTING) {
		r->p.depth++;
		return true;
	}
	(void)reader_refuse(r, ERR_LIMIT_DEPTH, reader_place(r, json, around),
	    "nested deeper than %u levels", LIMIT_NESTING);
	return false;
}

static bool
push_literal(struct reader *r, const json_t *json, const json_t *around)
{
	struct json_place at = reader_place(r, json, around);
	struct ast_node n = { 0 };

	if (!read_literal(r, json, around, &n))
		return false;
	build_push(&r->p, build_node(&r->p, at.off, at.len, n));
	return true;
}

static bool
push_literals(struct reader *r, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!push_literal(r, item, list))
			return false;
	return true;
}

static bool
push_field(
    struct reader *r, struct str name, uint32_t value, struct json_place at)
{
	struct ast_node n = { .kind = NODE_FIELD, .b = value };
	struct str copy = reader_copy(r, name);

	n.a = build_string(&r->p, copy);
	build_push(&r->p,
	    build_node(&r->p, at.key_off, at.off + at.len - at.key_off, n));
	return copy.p != NULL;
}

/* A member that is true has no place: its object's is taken, then. */
static struct json_place
field_place(struct reader *r, const json_t *value, const json_t *object)
{
	struct json_place at = reader_place(r, value, object);

	if (!at.key_len)
		at.key_off = at.off;
	return at;
}

static bool
read_literal_record(struct reader *r, const json_t *json, struct ast_node *n)
{
	json_t *object = (json_t *)(uintptr_t)json, *value;
	uint32_t base = build_mark(&r->p);
	const char *key;
	size_t key_n;

	n->kind = NODE_RECORD;
	json_object_keylen_foreach (object, key, key_n, value) {
		struct json_place at = field_place(r, value, json);
		struct ast_node v = { 0 };

		if (!read_literal(r, value, json, &v) ||
		    !push_field(r, (struct str){ key, key_n },
			build_node(&r->p, at.off, at.len, v), at))
			return false;
	}
	n->a = build_list(&r->p, base, &n->b);
	return true;
}

static bool
is_method(enum ast_op op)
{
	static const bool methods[OP_COUNT] = {
		[OP_NONE] = false,
#define EXT_METHOD(name, text, arity) [name] = true,
#include "policy/ops.def"
	};

	return methods[op];
}

/* {"fn", "arg"} or {"fn", "args"} of an `__extn`. */
static bool
read_literal_call(struct reader *r, const json_t *call, struct ast_node *n)
{
	static const char *const keys[] = { "fn", "arg", "args", NULL };
	const json_t *arg = json_object_get(call, "arg");
	const json_t *args = json_object_get(call, "args");
	const json_t *fn = json_object_get(call, "fn");
	struct str name = json_str(fn);
	enum ast_op op = ext_find(name);
	uint32_t base = build_mark(&r->p);

	if (!reader_check_object(r, call, NULL, keys))
		return false;
	if (op == OP_NONE || (ast_is_added(op) && !r->avow)) {
		(void)reader_refuse(r, ERR_NAME_FUNCTION,
		    reader_place(r, fn, call),
		    "no extension function is called `%.*s`",
		    STR_ARG(str_sub(name, 0, 60)));
		return false;
	}
	n->kind = NODE_CALL;
	n->op = (uint8_t)op;
	n->c = is_method(op);
	n->written = arg ? WRITTEN_VALUE : WRITTEN_VALUE_ARGS;
	if (!(arg ? push_literal(r, arg, call) : push_literals(r, args)))
		return false;
	n->a = build_list(&r->p, base, &n->b);
	if (!n->c || n->b > 0)
		return true;
	(void)reader_refuse(r, ERR_TYPE_ARGUMENTS, reader_place(r, call, NULL),
	    "`%.*s` needs a receiver", STR_ARG(name));
	return false;
}

/* An object is an entity or a call only in the exact shape. */
static bool
read_literal_object(struct reader *r, const json_t *json, struct ast_node *n)
{
	const json_t *entity = json_object_get(json, "__entity");
	const json_t *call = json_object_get(json, "__extn");
	struct uid uid;

	if (json_object_size(json) != 1)
		return read_literal_record(r, json, n);
	if (json_is_string(json_object_get(json, "__expr"))) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, json, NULL),
		    "`__expr` is not supported; use `__entity` or `__extn`");
		return false;
	}
	if (json_is_string(json_object_get(call, "fn")) &&
	    (!json_object_get(call, "arg") !=
		!json_is_array(json_object_get(call, "args"))))
		return read_literal_call(r, call, n);
	if (!json_is_string(json_object_get(entity, "type")) ||
	    !json_is_string(json_object_get(entity, "id")))
		return read_literal_record(r, json, n);
	n->kind = NODE_ENTITY;
	if (!reader_uid(r, entity, json, VAR_CONTEXT, &uid))
		return false;
	n->a = build_string(&r->p, uid.type);
	n->b = build_string(&r->p, uid.id);
	return true;
}

static bool
read_literal_string(struct reader *r, const json_t *json, struct ast_node *n)
{
	struct str s = reader_copy(r, json_str(json));

	n->kind = NODE_STRING;
	n->a = build_string(&r->p, s);
	return s.p != NULL;
}

static bool
read_literal_nested(struct reader *r, const json_t *json, const json_t *around,
    struct ast_node *n)
{
	uint32_t base = build_mark(&r->p);
	bool ok;

	if (!enter(r, json, around))
		return false;
	n->written = WRITTEN_VALUE;
	if (json_is_object(json)) {
		ok = read_literal_object(r, json, n);
	} else {
		n->kind = NODE_SET;
		ok = push_literals(r, json);
		if (ok)
			n->a = build_list(&r->p, base, &n->b);
	}
	r->p.depth--;
	return ok;
}

static bool
read_literal(struct reader *r, const json_t *json, const json_t *around,
    struct ast_node *n)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return read_literal_nested(r, json, around, n);
	case JSON_STRING:
		return read_literal_string(r, json, n);
	case JSON_INTEGER:
		n->kind = NODE_LONG;
		n->a = build_long(&r->p, json_integer_value(json));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		n->kind = NODE_BOOL;
		n->a = json_is_true(json);
		return true;
	case JSON_REAL:
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, json, around),
		    "numbers are whole and written as such, found a real");
		return false;
	case JSON_NULL:
		break;
	}
	(void)reader_refuse(r, ERR_JSON_SHAPE, reader_place(r, json, around),
	    "`null` is no value");
	return false;
}

/* ---- expressions -----------------------------------------------------------
 */

static bool read_expr(struct reader *r, const json_t *json,
    const json_t *around, unsigned least, uint32_t *ret);

static bool
read_value(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	(void)form;
	return read_literal(r, body, around, n);
}

static bool
read_var(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	(void)form;
	n->kind = NODE_VAR;
	for (unsigned v = VAR_PRINCIPAL; v <= VAR_CONTEXT; v++)
		if (json_is_string(body) &&
		    str_eq(json_str(body),
			str_of(ast_var_name((enum ast_var)v)))) {
			n->op = (uint8_t)v;
			return true;
		}
	(void)reader_refuse(r, ERR_NAME_VARIABLE, reader_place(r, body, around),
	    "expected `principal`, `action`, `resource` or `context`");
	return false;
}

static bool
refuse_slot(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	(void)form;
	(void)n;
	(void)reader_refuse(r, ERR_SYNTAX_SLOT, reader_place(r, body, around),
	    "a slot stands in the scope of a template only");
	return false;
}

/* The member `key` of `object` as an expression. */
static bool
read_operand(struct reader *r, const json_t *object, const char *key,
    unsigned least, uint32_t *ret)
{
	const json_t *operand = reader_member(r, object, NULL, key);

	return operand && read_expr(r, operand, object, least, ret);
}

static bool
read_unary(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "arg", NULL };
	const json_t *arg = json_object_get(body, "arg");

	n->kind = form->op;
	/* `-1` is a number, and `-` before it an operator. */
	return reader_check_object(r, body, around, keys) &&
	       read_operand(r, body, "arg",
		   form->op == NODE_NEG &&
			   json_is_integer(json_object_get(arg, "Value"))
		       ? LEVEL_MEMBER + 1
		       : LEVEL_MEMBER,
		   &n->a);
}

static const char *const sides[] = { "left", "right", NULL };

/* Both, so that what is wrong with either is said. */
static bool
read_sides(struct reader *r, const json_t *body, unsigned left, uint32_t *ret_a,
    unsigned right, uint32_t *ret_b)
{
	bool ok = read_operand(r, body, "left", left, ret_a);

	return read_operand(r, body, "right", right, ret_b) && ok;
}

static bool
read_binary(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	unsigned left = form->level == LEVEL_RELATION ? LEVEL_SUM : form->level;

	n->kind = NODE_BINARY;
	n->op = form->op;
	return reader_check_object(r, body, around, sides) &&
	       read_sides(r, body, left, &n->a, form->level + 1u, &n->b);
}

static bool
read_method(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	uint32_t base = build_mark(&r->p), argument;

	n->kind = NODE_METHOD;
	n->op = form->op;
	if (!reader_check_object(r, body, around, sides) ||
	    !read_sides(r, body, LEVEL_MEMBER, &n->a, LEVEL_ANY, &argument))
		return false;
	build_push(&r->p, argument);
	n->b = build_list(&r->p, base, &n->c);
	return true;
}

static bool
read_method_alone(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "arg", NULL };

	n->kind = NODE_METHOD;
	n->op = form->op;
	n->b = build_list(&r->p, build_mark(&r->p), &n->c);
	return reader_check_object(r, body, around, keys) &&
	       read_operand(r, body, "arg", LEVEL_MEMBER, &n->a);
}

/* Items of an array; `first` is the least level of the first. */
static bool
read_items(struct reader *r, const json_t *list, const json_t *around,
    unsigned first, struct ast_node *n)
{
	uint32_t base = build_mark(&r->p), node;
	json_t *item;
	size_t i;

	if (!json_is_array(list)) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, list, around),
		    "expected an array of expressions");
		return false;
	}
	json_array_foreach (list, i, item) {
		if (!read_expr(r, item, list, i ? LEVEL_ANY : first, &node))
			return false;
		build_push(&r->p, node);
	}
	n->a = build_list(&r->p, base, &n->b);
	return true;
}

static bool
read_set(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	(void)form;
	n->kind = NODE_SET;
	return read_items(r, body, around, LEVEL_ANY, n);
}

static bool
read_call(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	bool method = is_method((enum ast_op)form->op);

	n->kind = NODE_CALL;
	n->op = form->op;
	n->c = method;
	if (!read_items(r, body, around, method ? LEVEL_MEMBER : LEVEL_ANY, n))
		return false;
	if (!method || n->b > 0)
		return true;
	(void)reader_refuse(r, ERR_TYPE_ARGUMENTS,
	    reader_place(r, body, around), "`%s` needs a receiver", form->key);
	return false;
}

static bool
read_record(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	json_t *object = (json_t *)(uintptr_t)body, *value;
	uint32_t base = build_mark(&r->p), node;
	const char *key;
	size_t key_n;

	(void)form;
	n->kind = NODE_RECORD;
	if (!json_is_object(body)) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, body, around),
		    "expected an object of expressions");
		return false;
	}
	json_object_keylen_foreach (object, key, key_n, value)
		if (!read_expr(r, value, body, LEVEL_ANY, &node) ||
		    !push_field(r, (struct str){ key, key_n }, node,
			field_place(r, value, body)))
			return false;
	n->a = build_list(&r->p, base, &n->b);
	return true;
}

static bool
is_plain(struct str name)
{
	enum keyword k = lex_keyword(name);

	return lex_is_identifier(name) && !lex_is_reserved(k) && k != KW_CEDAR;
}

static bool
read_attr(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "attr", NULL };
	const json_t *attr;
	struct str name;

	(void)form;
	n->kind = NODE_ATTR;
	if (!reader_check_object(r, body, around, keys) ||
	    !read_operand(r, body, "left", LEVEL_MEMBER, &n->a) ||
	    !(attr = reader_member(r, body, around, "attr")))
		return false;
	name = reader_string(r, attr, body);
	n->b = build_string(&r->p, name);
	n->op = !is_plain(name);
	return name.p != NULL;
}

/* Names of a path after `has`, pushed as strings. */
static bool
push_path(struct reader *r, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		struct str name = reader_string(r, item, list);

		if (!name.p)
			return false;
		build_push(&r->p, build_string(&r->p, name));
		if (is_plain(name) || json_array_size(list) == 1)
			continue;
		error_hint(reader_refuse(r, ERR_JSON_SHAPE,
			       reader_place(r, item, list),
			       "in a path of `has` names are identifiers"),
		    "write `has` for each step, joined by `&&`");
		return false;
	}
	return true;
}

static bool
read_has(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "attr", NULL };
	uint32_t base = build_mark(&r->p);
	const json_t *attr;
	struct str name;

	(void)form;
	n->kind = NODE_HAS;
	if (!reader_check_object(r, body, around, keys) ||
	    !read_operand(r, body, "left", LEVEL_SUM, &n->a) ||
	    !(attr = reader_member(r, body, around, "attr")))
		return false;
	if (json_array_size(attr) > 0) {
		n->written =
		    json_array_size(attr) == 1 ? WRITTEN_LIST : WRITTEN_PLAIN;
		if (!push_path(r, attr))
			return false;
		name = json_str(json_array_get(attr, 0));
	} else {
		name = reader_string(r, attr, body);
		build_push(&r->p, build_string(&r->p, name));
	}
	n->op = !is_plain(name);
	n->b = build_list(&r->p, base, &n->c);
	return name.p != NULL;
}

static bool
read_like(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "pattern", NULL };

	(void)form;
	n->kind = NODE_LIKE;
	return reader_check_object(r, body, around, keys) &&
	       read_operand(r, body, "left", LEVEL_SUM, &n->a) &&
	       reader_pattern(r, body, false, &n->b);
}

/* {"left", "pattern"}: a string for a regular expression, else a list of parts.
 */
static bool
read_pattern(struct reader *r, const json_t *body, bool is_regex, uint32_t *ret)
{
	const json_t *pattern = reader_member(r, body, NULL, "pattern");
	struct json_place at = reader_place(r, pattern, body);
	bool was_failed = r->p.failed;
	struct str text;

	if (!is_regex || !pattern)
		return pattern && reader_pattern(r, body, false, ret);
	text = reader_string(r, pattern, body);
	if (!text.p)
		return false;
	r->p.failed = false;
	*ret = parse_regex_text(
	    &r->p, (struct token){ .off = at.off, .len = at.len }, text);
	if (r->p.failed)
		return false;
	r->p.failed = was_failed;
	return true;
}

static bool
read_matches(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "pattern", NULL };

	(void)form;
	n->kind = NODE_MATCHES;
	return reader_check_object(r, body, around, keys) &&
	       read_operand(r, body, "left", LEVEL_SUM, &n->a) &&
	       read_pattern(r, body, true, &n->b);
}

/* anyLike, allMatches, ...: over the members of a set. */
static bool
read_each(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "pattern", NULL };

	n->kind = NODE_EACH;
	n->op = form->op;
	return reader_check_object(r, body, around, keys) &&
	       read_operand(r, body, "left", LEVEL_MEMBER, &n->a) &&
	       read_pattern(r, body,
		   form->op == OP_ANY_MATCHES || form->op == OP_ALL_MATCHES,
		   &n->b);
}

static bool
read_is(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "left", "entity_type", "in", NULL };
	const json_t *type;

	(void)form;
	n->kind = NODE_IS;
	if (!reader_check_object(r, body, around, keys) ||
	    !read_operand(r, body, "left", LEVEL_SUM, &n->a) ||
	    !(type = reader_member(r, body, around, "entity_type")) ||
	    !reader_type(r, type, body, VAR_CONTEXT, &n->b))
		return false;
	return !json_object_get(body, "in") ||
	       read_operand(r, body, "in", LEVEL_SUM, &n->c);
}

static bool
read_if(struct reader *r, const struct form *form, const json_t *body,
    const json_t *around, struct ast_node *n)
{
	static const char *const keys[] = { "if", "then", "else", NULL };
	bool ok;

	(void)form;
	n->kind = NODE_IF;
	if (!reader_check_object(r, body, around, keys))
		return false;
	ok = read_operand(r, body, "if", LEVEL_ANY, &n->a);
	ok = read_operand(r, body, "then", LEVEL_ANY, &n->b) && ok;
	return read_operand(r, body, "else", LEVEL_ANY, &n->c) && ok;
}

/* clang-format off */
static const struct form forms[] = {
	{ "Value", read_value, 0, LEVEL_MEMBER, false },
	{ "Var", read_var, 0, LEVEL_MEMBER, false },
	{ "Slot", refuse_slot, 0, LEVEL_MEMBER, false },
	{ "!", read_unary, NODE_NOT, LEVEL_UNARY, false },
	{ "neg", read_unary, NODE_NEG, LEVEL_UNARY, false },
	{ ".", read_attr, 0, LEVEL_MEMBER, false },
	{ "has", read_has, 0, LEVEL_RELATION, false },
	{ "like", read_like, 0, LEVEL_RELATION, false },
	{ "is", read_is, 0, LEVEL_RELATION, false },
	{ "matches", read_matches, 0, LEVEL_RELATION, true },
	{ "if-then-else", read_if, 0, LEVEL_ANY, false },
	{ "Set", read_set, 0, LEVEL_MEMBER, false },
	{ "Record", read_record, 0, LEVEL_MEMBER, false },
#define BINARY(name, text, level) { text, read_binary, name, level, false },
#define METHOD(name, text, arity) \
	{ text, (arity) ? read_method : read_method_alone, name, LEVEL_MEMBER, false },
#define EXT_FUNCTION(name, text, arity) { text, read_call, name, LEVEL_MEMBER, false },
#define EXT_METHOD(name, text, arity) { text, read_call, name, LEVEL_MEMBER, false },
#define ADDED_FUNCTION(name, text, arity) { text, read_call, name, LEVEL_MEMBER, true },
#define ADDED_METHOD(name, text) { text, read_each, name, LEVEL_MEMBER, true },
#include "policy/ops.def"
};
/* clang-format on */

static const struct form *
find_form(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_eq(key, str_of(forms[i].key)))
			return &forms[i];
	return NULL;
}

static void
refuse_form(struct reader *r, const json_t *body, const json_t *json,
    struct str key, bool added)
{
	struct json_place at = reader_place(r, body, json);
	const char *names[ARRAY_LEN(forms) + 1] = { NULL }, *near;
	struct error *e;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		names[i] = forms[i].key;
	if (at.key_len) {
		at.off = at.key_off;
		at.len = at.key_len;
	}
	near = hint_nearest(key, names);
	e = reader_refuse(r, ERR_JSON_SHAPE, at,
	    "no expression is called `%.*s`", STR_ARG(str_sub(key, 0, 60)));
	if (added)
		error_hint(e, READER_UNMARKED);
	else if (near)
		error_hint(e, "did you mean `%s`?", near);
}

/* The one key of an expression and its value. */
static const struct form *
take_form(struct reader *r, const json_t *json, const json_t *around,
    const json_t **ret_body)
{
	void *first = json_object_iter((json_t *)(uintptr_t)json);
	const struct form *form;
	struct str key;

	if (!first || json_object_size(json) != 1) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, json, around),
		    "an expression is an object with one key");
		return NULL;
	}
	key = (struct str){ json_object_iter_key(first),
		json_object_iter_key_len(first) };
	*ret_body = json_object_iter_value(first);
	form = find_form(key);
	if (form && (!form->added || r->avow))
		return form;
	refuse_form(r, *ret_body, json, key, form != NULL);
	return NULL;
}

static unsigned
level_of(const struct form *form, const json_t *body)
{
	if (form->read == read_value && json_is_integer(body) &&
	    json_integer_value(body) < 0)
		return LEVEL_UNARY;
	return form->level;
}

/* `least`: what binds less is put in parentheses. Above LEVEL_MEMBER: always.
 */
static bool
read_expr(struct reader *r, const json_t *json, const json_t *around,
    unsigned least, uint32_t *ret)
{
	struct json_place at = reader_place(r, json, around);
	struct ast_node n = { 0 };
	const json_t *body = NULL;
	const struct form *form = take_form(r, json, around, &body);
	bool ok, wrap, nested;

	if (!form)
		return false;
	wrap = level_of(form, body) < least;
	nested = wrap || least == LEVEL_ANY;
	if (nested && !enter(r, json, around))
		return false;
	ok = form->read(r, form, body, json, &n);
	r->p.depth -= nested;
	if (!ok)
		return false;
	*ret = build_node(&r->p, at.off, at.len, n);
	if (!wrap)
		return true;
	*ret = build_node(&r->p, at.off, at.len,
	    (struct ast_node){ .kind = NODE_PAREN, .a = *ret });
	return true;
}

bool
reader_expr(
    struct reader *r, const json_t *json, const json_t *around, uint32_t *ret)
{
	uint32_t mark = build_mark(&r->p);
	bool ok;

	r->p.depth = 0;
	ok = read_expr(r, json, around, LEVEL_ANY, ret);
	/* What a list had when it was given up. */
	if (!ok)
		r->p.stack.n = mark * sizeof(uint32_t);
	return ok;
}
