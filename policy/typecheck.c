/* typecheck.c - types of expressions, one function a kind.
 * As the evaluator does, a walk goes down to the leftmost operand in a loop and
 * comes back up, so that long chains of operators cost no stack; all operands
 * on that way are typed under the same guards as the whole. */
#include "policy/typecheck.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"

#define SHOWN 100u

static struct answer
answer(const struct type *type)
{
	return (struct answer){ type, NULL };
}

static const struct answer in_error = { NULL, NULL };

struct error *
typecheck_refuse(
    struct checker *c, uint32_t node, enum err_code code, const char *fmt, ...)
{
	const struct ast_node *n = &c->ast->nodes[node];
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return findings_add(
	    &c->findings, c->env.number, n->off, n->len, code, "%s", text);
}

const char *
typecheck_name(struct checker *c, const struct type *type)
{
	struct buf b = { 0 };
	struct str s;

	if (type == c->env.vars[VAR_CONTEXT])
		return "the context";
	if (type == &type_any_entity)
		return "an entity";
	type_print(&c->types, type, &b);
	s = buf_str(&b);
	s = s.n > SHOWN ? str_printf(c->scratch, "`%.*s...`", (int)SHOWN, s.p)
			: str_printf(c->scratch, "`%.*s`", STR_ARG(s));
	buf_free(&b);
	return s.p ? s.p : "?";
}

uint32_t
typecheck_bare(const struct checker *c, uint32_t node)
{
	while (c->ast->nodes[node].kind == NODE_PAREN)
		node = c->ast->nodes[node].a;
	return node;
}

bool
typecheck_expect(struct checker *c, uint32_t node, struct answer found,
    const struct type *want, const char *what)
{
	if (!found.type)
		return true;
	if (type_is_part(&c->types, found.type, want) ||
	    (want->kind == TYPE_ENTITY && want->entity == SCHEMA_NONE &&
		found.type->kind == TYPE_ENTITY))
		return true;
	(void)typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected %s for %s, found %s", typecheck_name(c, want), what,
	    typecheck_name(c, found.type));
	return false;
}

/* Text where an entity is wanted. */
static void
hint_entity(
    struct checker *c, struct error *e, const struct type *want, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	uint32_t end = c->schema->n_types + c->schema->n_action_types;
	struct str type = STR("Type");

	if (want->kind != TYPE_ENTITY || n->kind != NODE_STRING)
		return;
	if (want->entity < end)
		type = schema_type_name(c->schema, want->entity);
	error_hint(e, "an entity is written `%.*s::\"...\"`", STR_ARG(type));
}

bool
typecheck_together(struct checker *c, uint32_t node, const struct type *a,
    const struct type *b, const char *what)
{
	if (!a || !b || c->mode != SCHEMA_STRICT || type_join(&c->types, a, b))
		return true;
	hint_entity(c,
	    typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
		"%s needs one type on both sides, found %s and %s", what,
		typecheck_name(c, a), typecheck_name(c, b)),
	    a, node);
	return false;
}

/* --- guards ------------------------------------------------------------ */

/* Type `node` where what `effect` lists is there. */
static struct answer
type_under(struct checker *c, uint32_t node, const struct effect *effect)
{
	struct answer a;

	effects_hold(&c->effects, effect);
	a = typecheck_expr(c, node);
	effects_release(&c->effects, effect);
	return a;
}

static bool
is_kind(struct answer a, enum type_kind kind)
{
	return a.type && a.type->kind == kind;
}

static struct answer
type_and(struct checker *c, const struct ast_node *n, struct answer left)
{
	struct answer right;

	(void)typecheck_expect(c, n->a, left, &type_bool, "`&&`");
	if (is_kind(left, TYPE_FALSE))
		return answer(&type_false);
	right = type_under(c, n->b, left.effect);
	(void)typecheck_expect(c, n->b, right, &type_bool, "`&&`");
	if (is_kind(right, TYPE_FALSE))
		return answer(&type_false);
	return (struct answer){ is_kind(left, TYPE_TRUE) &&
					is_kind(right, TYPE_TRUE)
				    ? &type_true
				    : &type_bool,
		effects_union(&c->effects, left.effect, right.effect) };
}

static struct answer
type_or(struct checker *c, const struct ast_node *n, struct answer left)
{
	struct answer right;

	(void)typecheck_expect(c, n->a, left, &type_bool, "`||`");
	if (is_kind(left, TYPE_TRUE))
		return left;
	right = typecheck_expr(c, n->b);
	(void)typecheck_expect(c, n->b, right, &type_bool, "`||`");
	if (is_kind(left, TYPE_FALSE) || is_kind(right, TYPE_TRUE))
		return right;
	if (is_kind(right, TYPE_FALSE))
		return left;
	return (struct answer){ &type_bool,
		effects_common(&c->effects, left.effect, right.effect) };
}

static struct answer
type_if(struct checker *c, uint32_t node, struct answer test)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct answer yes, no;
	const struct type *both;

	(void)typecheck_expect(c, n->a, test, &type_bool, "`if`");
	if (is_kind(test, TYPE_FALSE))
		return typecheck_expr(c, n->c);
	yes = type_under(c, n->b, test.effect);
	yes.effect = effects_union(&c->effects, yes.effect, test.effect);
	if (is_kind(test, TYPE_TRUE))
		return yes;
	no = typecheck_expr(c, n->c);
	if (!yes.type || !no.type)
		return in_error;
	both = type_join(&c->types, yes.type, no.type);
	if (!both)
		(void)typecheck_refuse(c, n->c, ERR_TYPE_MISMATCH,
		    "both branches of `if` need one type, found %s and %s",
		    typecheck_name(c, yes.type), typecheck_name(c, no.type));
	return (struct answer){ both,
		effects_common(&c->effects, yes.effect, no.effect) };
}

/* --- attributes and tags ----------------------------------------------- */

/* The place of an attribute's name where the text has it bare, else the node.
 */
static struct error *
refuse_name(struct checker *c, uint32_t node, struct str name,
    enum err_code code, const char *text)
{
	const struct ast_node *n = &c->ast->nodes[node];
	uint32_t off = n->off, len = n->len;
	struct str end = source_text(&c->ast->source, off, len);

	if (n->kind == NODE_ATTR && str_has_suffix(end, name)) {
		off += len - (uint32_t)name.n;
		len = (uint32_t)name.n;
	}
	return findings_add(
	    &c->findings, c->env.number, off, len, code, "%s", text);
}

/* Attributes that are near. */
static void
hint_attribute(
    struct checker *c, struct error *e, const struct type *of, struct str name)
{
	const struct type *record = of;
	const struct str *near;
	struct str *names;

	if (!e || !of)
		return;
	if (of->kind == TYPE_ENTITY)
		record = of->entity < c->schema->n_types
			     ? c->schema->types[of->entity].shape
			     : NULL;
	if (!record || record->record.n == 0)
		return;
	names = ARENA_ARRAY(c->scratch, record->record.n, struct str);
	for (uint32_t i = 0; names && i < record->record.n; i++)
		names[i] = record->record.attributes[i].name;
	near = names ? hint_nearest_of(name, names, record->record.n) : NULL;
	if (near)
		error_hint(e, "did you mean `%.*s`?", STR_ARG(*near));
}

static void
refuse_unknown(
    struct checker *c, uint32_t node, const struct type *of, struct str name)
{
	const char *text = str_printf(c->scratch, "%s has no attribute `%.*s`",
	    typecheck_name(c, of), (int)(name.n > 60 ? 60 : name.n), name.p)
			       .p;

	hint_attribute(c,
	    refuse_name(c, node, name, ERR_TYPE_ATTRIBUTE, text ? text : ""),
	    of, name);
}

static bool
is_identifier(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char x = s.p[i];

		if (x != '_' && (x < 'A' || x > 'Z') && (x < 'a' || x > 'z') &&
		    (i == 0 || x < '0' || x > '9'))
			return false;
	}
	return s.n > 0;
}

static void
refuse_optional(
    struct checker *c, uint32_t node, const struct type *type, struct str name)
{
	const struct ast_node *n = &c->ast->nodes[node];
	const struct ast_node *of = &c->ast->nodes[n->a];
	struct str path = source_text(&c->ast->source, of->off, of->len);
	const char *text = str_printf(c->scratch,
	    "the attribute `%.*s` of %s is optional",
	    (int)(name.n > 60 ? 60 : name.n), name.p, typecheck_name(c, type))
			       .p;
	struct error *e;

	e = refuse_name(c, node, name, ERR_TYPE_OPTIONAL, text ? text : "");
	if (c->ast->is_json || path.n + name.n > 100)
		error_hint(e, "test with `has` before it that it is there");
	else if (is_identifier(name))
		error_hint(e, "write `%.*s has %.*s && ...` before it",
		    STR_ARG(path), STR_ARG(name));
	else
		error_hint(e, "write `%.*s has \"%.*s\" && ...` before it",
		    STR_ARG(path), STR_ARG(name));
}

static bool
has_attributes(
    struct checker *c, uint32_t node, const struct type *type, const char *what)
{
	if (type->kind == TYPE_RECORD || type->kind == TYPE_ENTITY ||
	    type->kind == TYPE_NEVER)
		return true;
	(void)typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected a record or an entity for %s, found %s", what,
	    typecheck_name(c, type));
	return false;
}

static struct answer
type_attr(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct str name = c->ast->strings[n->b];
	struct type_member m;

	if (!of.type || !has_attributes(c, n->a, of.type, "`.`"))
		return in_error;
	m = type_attribute(&c->types, of.type, name);
	if (!m.type) {
		refuse_unknown(c, node, of.type, name);
		return in_error;
	}
	if (!m.required &&
	    !effects_is_held(&c->effects, effects_number(&c->effects, node)))
		refuse_optional(c, node, of.type, name);
	return answer(m.type);
}

/* One step of a `has`. */
static const struct type *
type_has_one(struct checker *c, const struct type *of, struct type_member m,
    uint32_t number)
{
	if (!m.type)
		return m.possible || of->kind == TYPE_NEVER ? &type_bool
							    : &type_false;
	if (of->kind == TYPE_RECORD && m.required)
		return &type_true;
	/* A required attribute of an entity may be missing too: the entity may.
	 */
	return effects_is_held(&c->effects, number) ? &type_true : &type_bool;
}

/* `e has a.b.c`: e has a, and e.a has b, and e.a.b has c. */
static struct answer
type_has(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	uint32_t number = effects_number(&c->effects, n->a);
	struct answer sum = { &type_true, NULL };

	for (uint32_t i = 0; i < n->c && of.type; i++) {
		struct str name = c->ast->strings[c->ast->kids[n->b + i]];
		struct type_member m;
		const struct type *is;

		if (!has_attributes(c, i == 0 ? n->a : node, of.type, "`has`"))
			return in_error;
		m = type_attribute(&c->types, of.type, name);
		number = effects_attribute(&c->effects, number, name);
		is = type_has_one(c, of.type, m, number);
		if (is->kind == TYPE_FALSE)
			return answer(is);
		if (is->kind == TYPE_BOOL)
			sum.type = is;
		if (m.type)
			sum.effect = effects_union(&c->effects, sum.effect,
			    effects_one(&c->effects, number));
		/* What may be there without a known type: only a last name can
		 * be asked for. */
		if (!m.type && i + 1 < n->c) {
			refuse_unknown(c, node, of.type, name);
			return in_error;
		}
		of.type = m.type;
	}
	return n->c > 0 ? sum : in_error;
}

static void
refuse_tag(struct checker *c, const struct ast_node *n, uint32_t node,
    uint32_t argument)
{
	const struct source *source = &c->ast->source;
	const struct ast_node *x = &c->ast->nodes[n->a];
	const struct ast_node *y = &c->ast->nodes[argument];
	struct str of = source_text(source, x->off, x->len);
	struct str tag = source_text(source, y->off, y->len);
	struct error *e = typecheck_refuse(
	    c, node, ERR_TYPE_OPTIONAL, "the tag may be missing");

	if (c->ast->is_json || of.n + tag.n > 100)
		error_hint(e, "test with `hasTag` before it that it is there");
	else
		error_hint(e, "write `%.*s.hasTag(%.*s) && ...` before it",
		    STR_ARG(of), STR_ARG(tag));
}

static struct answer
type_tag(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	bool is_get = n->op == OP_GET_TAG;
	const char *what = is_get ? "`getTag`" : "`hasTag`";
	uint32_t argument = c->ast->kids[n->b];
	struct answer tag = typecheck_expr(c, argument);
	uint32_t number = effects_tag(&c->effects, n->a, argument);
	struct type_member m;
	bool ok = typecheck_expect(c, n->a, of, &type_any_entity, what);

	ok = typecheck_expect(c, argument, tag, &type_string, what) && ok;
	if (!ok || !of.type)
		return is_get ? in_error : answer(&type_bool);
	m = type_tags(&c->types, of.type);
	if (!is_get) {
		if (!m.possible)
			return answer(&type_false);
		return (struct answer){ effects_is_held(&c->effects, number)
					    ? &type_true
					    : &type_bool,
			effects_one(&c->effects, number) };
	}
	if (!m.type) {
		(void)typecheck_refuse(c, node, ERR_TYPE_ATTRIBUTE,
		    "%s has no tags", typecheck_name(c, of.type));
		return in_error;
	}
	if (!effects_is_held(&c->effects, number))
		refuse_tag(c, n, node, argument);
	return answer(m.type);
}

/* --- operators --------------------------------------------------------- */

static struct uid
uid_at(const struct checker *c, const struct ast_node *n)
{
	if (n->kind == NODE_VAR)
		return c->schema->actions[c->env.action].uid;
	return (struct uid){ c->ast->strings[n->a], c->ast->strings[n->b] };
}

static bool
is_action_var(const struct checker *c, const struct ast_node *n)
{
	return n->kind == NODE_VAR && n->op == VAR_ACTION &&
	       c->env.action != SCHEMA_NONE;
}

/* What is written out: Cedar's parser makes one of `true && false` too. */
struct literal {
	const struct ast_node *node; /* NODE_BOOL: as `boolean` says */
	bool boolean;
};

#define FOLD_DEPTH 100u

static bool
bool_literal(const struct checker *c, uint32_t node, unsigned depth, bool *ret)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	bool left, right;

	if (n->kind == NODE_BOOL)
		*ret = n->a != 0;
	if (n->kind == NODE_BOOL)
		return true;
	if (n->kind != NODE_BINARY || (n->op != OP_AND && n->op != OP_OR) ||
	    depth == 0 || !bool_literal(c, n->a, depth - 1, &left) ||
	    !bool_literal(c, n->b, depth - 1, &right))
		return false;
	*ret = n->op == OP_AND ? left && right : left || right;
	return true;
}

static bool
literal_at(const struct checker *c, uint32_t node, struct literal *ret)
{
	static const struct ast_node a_bool = { .kind = NODE_BOOL };
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];

	ret->node = n;
	if (n->kind == NODE_LONG || n->kind == NODE_STRING ||
	    n->kind == NODE_ENTITY || is_action_var(c, n))
		return true;
	ret->node = &a_bool;
	return bool_literal(c, node, FOLD_DEPTH, &ret->boolean);
}

static bool
is_same_literal(
    const struct checker *c, const struct literal *a, const struct literal *b)
{
	const struct ast_node *x = a->node, *y = b->node;
	const struct ast *t = c->ast;
	bool is_uid = x->kind == NODE_ENTITY || x->kind == NODE_VAR;

	if (is_uid != (y->kind == NODE_ENTITY || y->kind == NODE_VAR))
		return false;
	if (is_uid)
		return uid_eq(uid_at(c, x), uid_at(c, y));
	if (x->kind != y->kind)
		return false;
	if (x->kind == NODE_BOOL)
		return a->boolean == b->boolean;
	if (x->kind == NODE_LONG)
		return t->longs[x->a] == t->longs[y->a];
	return str_eq(t->strings[x->a], t->strings[y->a]);
}

static const struct type *
negated(const struct type *type)
{
	if (type->kind == TYPE_TRUE)
		return &type_false;
	return type->kind == TYPE_FALSE ? &type_true : &type_bool;
}

static const struct type *
type_equal(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	struct literal x, y;

	if (!left.type || !right.type)
		return &type_bool;
	if (type_is_disjoint(&c->types, left.type, right.type))
		return &type_false;
	if (literal_at(c, n->a, &x) && literal_at(c, n->b, &y))
		return is_same_literal(c, &x, &y) ? &type_true : &type_false;
	(void)typecheck_together(
	    c, n->b, left.type, right.type, n->op == OP_EQ ? "`==`" : "`!=`");
	return &type_bool;
}

/* Long, datetime and duration have an order. */
static bool
has_order(struct checker *c, uint32_t node, struct answer a, const char *op)
{
	struct error *e;

	if (!a.type || a.type->kind == TYPE_NEVER ||
	    a.type->kind == TYPE_LONG ||
	    (a.type->kind == TYPE_EXTENSION &&
		(a.type->extension == VALUE_DATETIME ||
		    a.type->extension == VALUE_DURATION)))
		return true;
	e = typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected `Long`, `datetime` or `duration` for `%s`, found %s", op,
	    typecheck_name(c, a.type));
	if (a.type->kind == TYPE_EXTENSION && a.type->extension != VALUE_IP)
		error_hint(e, "compare with the methods `lessThan`, "
			      "`lessThanOrEqual`, ...");
	return false;
}

static void
check_order(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	const char *op = ast_op_text((enum ast_op)n->op);

	if (!has_order(c, n->a, left, op) || !has_order(c, n->b, right, op) ||
	    !left.type || !right.type ||
	    type_is_part(&c->types, left.type, right.type) ||
	    type_is_part(&c->types, right.type, left.type))
		return;
	(void)typecheck_refuse(c, n->b, ERR_TYPE_MISMATCH,
	    "expected %s for `%s`, found %s", typecheck_name(c, left.type), op,
	    typecheck_name(c, right.type));
}

/* --- in ---------------------------------------------------------------- */

/* The action that a literal or the variable stands for; SCHEMA_NONE for others.
 */
static uint32_t
action_at(const struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];

	if (is_action_var(c, n))
		return c->env.action;
	if (n->kind != NODE_ENTITY)
		return SCHEMA_NONE;
	return schema_find_action(c->schema, uid_at(c, n));
}

static bool
is_action_in(const struct checker *c, uint32_t action, uint32_t group)
{
	const struct schema_action *a = &c->schema->actions[action];

	return action == group ||
	       schema_has_id(a->ancestors, a->n_ancestors, group);
}

/* Where all are known actions, the schema decides. */
static const struct type *
type_action_in(struct checker *c, uint32_t left, uint32_t right)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, right)];
	uint32_t action = action_at(c, left), group = action_at(c, right);
	bool is_in = false;

	if (action == SCHEMA_NONE)
		return NULL;
	if (group != SCHEMA_NONE)
		return is_action_in(c, action, group) ? &type_true
						      : &type_false;
	if (n->kind != NODE_SET)
		return NULL;
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *item =
		    &c->ast->nodes[typecheck_bare(c, c->ast->kids[n->a + i])];

		group = action_at(c, c->ast->kids[n->a + i]);
		if (group == SCHEMA_NONE && item->kind != NODE_ENTITY)
			return NULL;
		is_in = is_in || (group != SCHEMA_NONE &&
				     is_action_in(c, action, group));
	}
	return is_in ? &type_true : &type_false;
}

static bool
is_entity_or_set(const struct type *type)
{
	if (type->kind == TYPE_SET)
		type = type->element;
	return type->kind == TYPE_ENTITY || type->kind == TYPE_NEVER;
}

static const struct type *
type_in(struct checker *c, uint32_t left_node, uint32_t right_node,
    struct answer left, struct answer right)
{
	const struct type *decided, *of;
	bool ok =
	    typecheck_expect(c, left_node, left, &type_any_entity, "`in`");

	if (right.type && !is_entity_or_set(right.type)) {
		hint_entity(c,
		    typecheck_refuse(c, right_node, ERR_TYPE_MISMATCH,
			"expected an entity or a set of entities for `in`, "
			"found %s",
			typecheck_name(c, right.type)),
		    &type_any_entity, right_node);
		ok = false;
	}
	if (!ok || !left.type || !right.type)
		return &type_bool;
	decided = type_action_in(c, left_node, right_node);
	if (decided)
		return decided;
	of = right.type->kind == TYPE_SET ? right.type->element : right.type;
	if (right.type->kind == TYPE_SET && of->kind == TYPE_NEVER)
		return &type_false;
	return type_may_be_in(&c->types, left.type, of) ? &type_bool
							: &type_false;
}

static const struct type *
check_binary(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	enum ast_op op = (enum ast_op)n->op;
	char what[8];

	if (op == OP_EQ)
		return type_equal(c, n, left, right);
	if (op == OP_NE)
		return negated(type_equal(c, n, left, right));
	if (op == OP_IN)
		return type_in(c, n->a, n->b, left, right);
	if (op == OP_ADD || op == OP_SUB || op == OP_MUL) {
		snprintf(what, sizeof what, "`%s`", ast_op_text(op));
		(void)typecheck_expect(c, n->a, left, &type_long, what);
		(void)typecheck_expect(c, n->b, right, &type_long, what);
		return &type_long;
	}
	check_order(c, n, left, right);
	return &type_bool;
}

static struct answer
type_binary(struct checker *c, const struct ast_node *n, struct answer left)
{
	if (n->op == OP_AND)
		return type_and(c, n, left);
	if (n->op == OP_OR)
		return type_or(c, n, left);
	return answer(check_binary(c, n, left, typecheck_expr(c, n->b)));
}

static struct answer
type_is(struct checker *c, const struct ast_node *n, struct answer of)
{
	uint32_t type = schema_find_any_type(c->schema, c->ast->strings[n->b]);
	enum type_kind is = TYPE_BOOL;
	struct answer right;
	const struct type *in;

	if (typecheck_expect(c, n->a, of, &type_any_entity, "`is`") && of.type)
		is = type == SCHEMA_NONE
			 ? TYPE_FALSE
			 : type_is_entity(&c->types, of.type, type);
	if (is == TYPE_FALSE)
		return answer(&type_false);
	if (n->c == 0)
		return answer(is == TYPE_TRUE ? &type_true : &type_bool);
	right = typecheck_expr(c, n->c);
	in = type_in(c, n->a, n->c, of, right);
	if (in->kind == TYPE_TRUE && is != TYPE_TRUE)
		in = &type_bool;
	return answer(in);
}

/* --- sets and records -------------------------------------------------- */

static bool
is_set(struct checker *c, uint32_t node, struct answer a, const char *what)
{
	if (!a.type || a.type->kind == TYPE_SET || a.type->kind == TYPE_NEVER)
		return true;
	(void)typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected a set for %s, found %s", what, typecheck_name(c, a.type));
	return false;
}

static struct answer
type_set_method(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	enum ast_op op = (enum ast_op)n->op;
	char what[24];
	struct answer right;
	uint32_t argument;
	bool ok;

	snprintf(what, sizeof what, "`%s`", ast_op_text(op));
	ok = is_set(c, n->a, of, what);
	if (n->c == 0)
		return answer(&type_bool);
	argument = c->ast->kids[n->b];
	right = typecheck_expr(c, argument);
	if (op != OP_CONTAINS)
		ok = is_set(c, argument, right, what) && ok;
	if (!ok || !of.type || !right.type || of.type->kind == TYPE_NEVER)
		return answer(&type_bool);
	(void)typecheck_together(c, argument,
	    op == OP_CONTAINS ? of.type->element : of.type, right.type, what);
	return answer(&type_bool);
}

/* Our methods over the members of a set of strings. */
static struct answer
type_each(struct checker *c, const struct ast_node *n, struct answer of)
{
	static const struct type strings = { .kind = TYPE_SET,
		.element = &type_string };
	char what[24];

	snprintf(what, sizeof what, "`%s`", ast_op_text((enum ast_op)n->op));
	(void)typecheck_expect(c, n->a, of, &strings, what);
	return answer(&type_bool);
}

static struct answer
type_set_literal(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];
	const struct type *sum = &type_never;

	if (n->b == 0 && c->mode == SCHEMA_STRICT) {
		(void)typecheck_refuse(
		    c, node, ERR_TYPE_EMPTY_SET, "an empty set has no type");
		return in_error;
	}
	for (uint32_t i = 0; i < n->b; i++) {
		uint32_t item = c->ast->kids[n->a + i];
		const struct type *type = typecheck_expr(c, item).type, *both;

		if (!type || !sum) {
			sum = NULL;
			continue;
		}
		both = type_join(&c->types, sum, type);
		if (!both)
			(void)typecheck_refuse(c, item, ERR_TYPE_MISMATCH,
			    "members of a set have one type, found %s and %s",
			    typecheck_name(c, sum), typecheck_name(c, type));
		sum = both;
	}
	return answer(sum ? type_set(&c->types, sum) : NULL);
}

static struct answer
type_record(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct type_attribute *fields =
	    ARENA_ARRAY(c->scratch, n->b, struct type_attribute);
	struct type *type = ARENA_NEW(c->scratch, struct type);
	bool ok = fields && type;

	c->failed = c->failed || !ok;
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *field =
		    &c->ast->nodes[c->ast->kids[n->a + i]];
		struct type_attribute one = { c->ast->strings[field->a],
			typecheck_expr(c, field->b).type, true };
		uint32_t at = i;

		ok = ok && one.type;
		for (;
		     ok && at > 0 && str_cmp(fields[at - 1].name, one.name) > 0;
		     at--)
			fields[at] = fields[at - 1];
		if (ok)
			fields[at] = one;
		c->steps += i - at;
	}
	if (!ok)
		return in_error;
	type->kind = TYPE_RECORD;
	type->record.attributes = fields;
	type->record.n = n->b;
	return answer(type);
}

/* --- the walk ---------------------------------------------------------- */

static struct answer
type_entity_literal(struct checker *c, const struct ast_node *n)
{
	uint32_t type = schema_find_any_type(c->schema, c->ast->strings[n->a]);

	/* Unknown ones are reported once, apart from typing. */
	return type == SCHEMA_NONE ? in_error
				   : answer(type_entity(&c->types, type));
}

static struct answer
type_leaf(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];

	if (n->kind == NODE_BOOL)
		return answer(n->a ? &type_true : &type_false);
	if (n->kind == NODE_LONG)
		return answer(&type_long);
	if (n->kind == NODE_STRING)
		return answer(&type_string);
	if (n->kind == NODE_ENTITY)
		return type_entity_literal(c, n);
	if (n->kind == NODE_VAR)
		return answer(c->env.vars[n->op]);
	if (n->kind == NODE_SLOT)
		return answer(&type_any_entity);
	if (n->kind == NODE_SET)
		return type_set_literal(c, node);
	if (n->kind == NODE_RECORD)
		return type_record(c, node);
	if (n->kind == NODE_CALL)
		return typecheck_call(c, node, in_error);
	return in_error;
}

/* Kinds whose first operand is `a`. */
static uint32_t
left_of(const struct ast *t, uint32_t node)
{
	static const bool has_left[] = {
		[NODE_PAREN] = true,
		[NODE_NOT] = true,
		[NODE_NEG] = true,
		[NODE_BINARY] = true,
		[NODE_IF] = true,
		[NODE_ATTR] = true,
		[NODE_HAS] = true,
		[NODE_LIKE] = true,
		[NODE_MATCHES] = true,
		[NODE_EACH] = true,
		[NODE_IS] = true,
		[NODE_METHOD] = true,
		[NODE_UNLESS] = false,
	};
	const struct ast_node *n = &t->nodes[node];

	if (n->kind == NODE_CALL)
		return n->b ? t->kids[n->a] : 0;
	return n->kind < ARRAY_LEN(has_left) && has_left[n->kind] ? n->a : 0;
}

static struct answer
type_up(struct checker *c, uint32_t node, struct answer left)
{
	const struct ast_node *n = &c->ast->nodes[node];

	if (n->kind == NODE_PAREN)
		return left;
	if (n->kind == NODE_BINARY)
		return type_binary(c, n, left);
	if (n->kind == NODE_ATTR)
		return type_attr(c, node, left);
	if (n->kind == NODE_CALL)
		return typecheck_call(c, node, left);
	if (n->kind == NODE_HAS)
		return type_has(c, node, left);
	if (n->kind == NODE_IF)
		return type_if(c, node, left);
	if (n->kind == NODE_IS)
		return type_is(c, n, left);
	if (n->kind == NODE_METHOD)
		return n->op == OP_GET_TAG || n->op == OP_HAS_TAG
			   ? type_tag(c, node, left)
			   : type_set_method(c, node, left);
	if (n->kind == NODE_NEG) {
		(void)typecheck_expect(c, n->a, left, &type_long, "`-`");
		return answer(&type_long);
	}
	if (n->kind == NODE_LIKE || n->kind == NODE_MATCHES) {
		(void)typecheck_expect(c, n->a, left, &type_string,
		    n->kind == NODE_LIKE ? "`like`" : "`matches`");
		return answer(&type_bool);
	}
	if (n->kind == NODE_EACH)
		return type_each(c, n, left);
	(void)typecheck_expect(c, n->a, left, &type_bool, "`!`");
	return answer(left.type ? negated(left.type) : &type_bool);
}

struct answer
typecheck_expr(struct checker *c, uint32_t node)
{
	uint32_t few[12] = { 0 }, *nodes = few;
	struct answer a;
	size_t n = 0;

	if (node == 0 || c->depth >= LIMIT_EVAL_DEPTH) {
		c->is_too_deep = true;
		return in_error;
	}
	for (uint32_t at = node; at; at = left_of(c->ast, at))
		n++;
	if (n > ARRAY_LEN(few))
		nodes = ARENA_ARRAY(c->scratch, n, uint32_t);
	if (!nodes) {
		c->failed = true;
		return in_error;
	}
	c->steps += n;
	n = 0;
	for (uint32_t at = node; at; at = left_of(c->ast, at))
		nodes[n++] = at;
	c->depth++;
	a = type_leaf(c, nodes[--n]);
	while (n-- > 0)
		a = type_up(c, nodes[n], a);
	c->depth--;
	return a;
}

enum type_kind
typecheck_condition(
    struct checker *c, uint32_t node, const struct effect **ret_effect)
{
	const struct ast_node *n = &c->ast->nodes[node];
	bool is_when = n->kind == NODE_WHEN;
	struct answer a = typecheck_expr(c, n->a);

	*ret_effect = NULL;
	if (!typecheck_expect(c, typecheck_bare(c, n->a), a, &type_bool,
		is_when ? "`when`" : "`unless`") ||
	    !a.type)
		return TYPE_NEVER;
	if (is_when) {
		*ret_effect = a.effect;
		return a.type->kind;
	}
	return negated(a.type)->kind;
}

static void
check_path(struct checker *c, const struct ast_part *part)
{
	const struct type *type = c->env.vars[part->var];
	const struct type *of = type;
	struct str missing = { 0 };
	bool is_optional = false;

	for (uint32_t i = 0; i < part->n_path && type; i++) {
		struct type_member m =
		    type_attribute(&c->types, type, part->path[i]);

		of = type;
		type = m.type;
		missing = part->path[i];
		if (type && !m.required) {
			is_optional = true;
			break;
		}
	}
	if (is_optional)
		(void)findings_add(&c->findings, c->env.number, part->off,
		    part->len, ERR_TYPE_OPTIONAL,
		    "the attribute `%.*s` is optional, and a pattern needs it",
		    STR_ARG(str_sub(missing, 0, 60)));
	else if (!type)
		hint_attribute(c,
		    findings_add(&c->findings, c->env.number, part->off,
			part->len, ERR_TYPE_ATTRIBUTE,
			"%s has no attribute `%.*s`", typecheck_name(c, of),
			STR_ARG(str_sub(missing, 0, 60))),
		    of, missing);
	else if (type->kind != TYPE_STRING && type->kind != TYPE_ENTITY)
		(void)findings_add(&c->findings, c->env.number, part->off,
		    part->len, ERR_TYPE_MISMATCH,
		    "expected `String` or an entity in a pattern, found %s",
		    typecheck_name(c, type));
}

void
typecheck_pattern(struct checker *c, uint32_t pattern)
{
	const struct ast_node *n = &c->ast->nodes[pattern];

	for (uint32_t i = 0; i < n->b; i++)
		if (c->ast->parts[n->a + i].kind == PART_PATH)
			check_path(c, &c->ast->parts[n->a + i]);
}
