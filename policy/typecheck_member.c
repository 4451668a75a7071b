/* typecheck_member.c - what an entity or a record has: attributes, `has`, tags,
 * and the paths of patterns. What is optional needs a guard before it. */
#include "policy/typecheck_private.h"

#include "policy/hint.h"

/* The place of an attribute's name where the text has it bare, else the node.
 */
static struct error *
refuse_name(struct checker *c, uint32_t node, struct str name,
    enum err_code code, const char *text)
{
	const struct ast_node *n = &c->ast->nodes[node];
	uint32_t off = n->off, len = ast_len(c->ast, n);
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
	struct str path = ast_text(c->ast, of);
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

struct answer
typecheck_attribute(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct str name = c->ast->strings[n->b];
	struct type_member m;

	if (!of.type || !has_attributes(c, n->a, of.type, "`.`"))
		return typecheck_in_error;
	m = type_attribute(&c->types, of.type, name);
	if (!m.type) {
		refuse_unknown(c, node, of.type, name);
		return typecheck_in_error;
	}
	if (!m.required &&
	    !effects_is_held(&c->effects, effects_number(&c->effects, node)))
		refuse_optional(c, node, of.type, name);
	return typecheck_answer(m.type);
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
struct answer
typecheck_has(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	uint32_t number = effects_number(&c->effects, n->a);
	struct answer sum = { &type_true, NULL };

	for (uint32_t i = 0; i < n->c && of.type; i++) {
		struct str name = c->ast->strings[c->ast->kids[n->b + i]];
		struct type_member m;
		const struct type *is;

		if (!has_attributes(c, i == 0 ? n->a : node, of.type, "`has`"))
			return typecheck_in_error;
		m = type_attribute(&c->types, of.type, name);
		number = effects_attribute(&c->effects, number, name);
		is = type_has_one(c, of.type, m, number);
		if (is->kind == TYPE_FALSE)
			return typecheck_answer(is);
		if (is->kind == TYPE_BOOL)
			sum.type = is;
		if (m.type)
			sum.effect = effects_union(&c->effects, sum.effect,
			    effects_one(&c->effects, number));
		/* What may be there without a known type: only a last name can
		 * be asked for. */
		if (!m.type && i + 1 < n->c) {
			refuse_unknown(c, node, of.type, name);
			return typecheck_in_error;
		}
		of.type = m.type;
	}
	return n->c > 0 ? sum : typecheck_in_error;
}

static void
refuse_tag(struct checker *c, const struct ast_node *n, uint32_t node,
    uint32_t argument)
{
	const struct ast_node *x = &c->ast->nodes[n->a];
	const struct ast_node *y = &c->ast->nodes[argument];
	struct str of = ast_text(c->ast, x);
	struct str tag = ast_text(c->ast, y);
	struct error *e = typecheck_refuse(
	    c, node, ERR_TYPE_OPTIONAL, "the tag may be missing");

	if (c->ast->is_json || of.n + tag.n > 100)
		error_hint(e, "test with `hasTag` before it that it is there");
	else
		error_hint(e, "write `%.*s.hasTag(%.*s) && ...` before it",
		    STR_ARG(of), STR_ARG(tag));
}

struct answer
typecheck_tag(struct checker *c, uint32_t node, struct answer of)
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
		return is_get ? typecheck_in_error
			      : typecheck_answer(&type_bool);
	m = type_tags(&c->types, of.type);
	if (!is_get) {
		if (!m.possible)
			return typecheck_answer(&type_false);
		return (struct answer){ effects_is_held(&c->effects, number)
					    ? &type_true
					    : &type_bool,
			effects_one(&c->effects, number) };
	}
	if (!m.type) {
		(void)typecheck_refuse(c, node, ERR_TYPE_ATTRIBUTE,
		    "%s has no tags", typecheck_name(c, of.type));
		return typecheck_in_error;
	}
	if (!effects_is_held(&c->effects, number))
		refuse_tag(c, n, node, argument);
	return typecheck_answer(m.type);
}

/* --- patterns ----------------------------------------------------------- */

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
