/* canon.c - canonical text of tests and atoms.
 * A chain of operators leans to the left: it is walked down to its first
 * operand, which is written, and then up again, as in eval.c, so that a
 * thousand `&&` cost no stack. A kind of node that is not known here is written
 * as it stands in the policy. */
#include "policy/canon.h"

#include <stdlib.h>

#include "policy/literal.h"

enum level {
	LEVEL_IF = 0,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_RELATION,
	LEVEL_SUM,
	LEVEL_PRODUCT,
	LEVEL_UNARY,
	LEVEL_MEMBER,
};

struct canon {
	struct buf *out;
	const struct policy_instance *p;
	const struct ast *t;
	struct buf spine;
};

/* A node on the way down to the first operand. */
struct step {
	uint32_t node;
	bool wrapped, negated;
};

static void expression(
    struct canon *c, uint32_t node, enum level least, bool negated);

enum ast_op
canon_mirror(enum ast_op op)
{
	static const enum ast_op mirror[OP_COUNT] = { [OP_LT] = OP_GT,
		[OP_GT] = OP_LT,
		[OP_LE] = OP_GE,
		[OP_GE] = OP_LE,
		[OP_EQ] = OP_EQ,
		[OP_NE] = OP_NE };

	return mirror[op];
}

enum ast_op
canon_negate(enum ast_op op)
{
	static const enum ast_op negate[OP_COUNT] = { [OP_LT] = OP_GE,
		[OP_GT] = OP_LE,
		[OP_LE] = OP_GT,
		[OP_GE] = OP_LT,
		[OP_EQ] = OP_NE,
		[OP_NE] = OP_EQ };

	return negate[op];
}

static bool
is_comparison(const struct ast_node *n)
{
	return n->kind == NODE_BINARY &&
	       canon_mirror((enum ast_op)n->op) != OP_NONE;
}

bool
canon_is_mirrored(const struct ast *t, const struct ast_node *n)
{
	struct value v;

	return is_comparison(n) && facts_literal(t, n->a, &v) &&
	       !facts_literal(t, n->b, &v);
}

/* Kinds that bind as tightly as can be. */
static bool
is_closed(const struct ast_node *n)
{
	static const uint8_t kinds[] = { NODE_BOOL, NODE_LONG, NODE_STRING,
		NODE_ENTITY, NODE_SLOT, NODE_VAR, NODE_SET, NODE_RECORD,
		NODE_ATTR, NODE_METHOD, NODE_CALL, NODE_EACH };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (n->kind == kinds[i])
			return true;
	return false;
}

static enum level
level_of(const struct ast *t, const struct ast_node *n)
{
	if (n->kind == NODE_IF)
		return LEVEL_IF;
	if (n->kind == NODE_HAS || n->kind == NODE_LIKE || n->kind == NODE_IS ||
	    n->kind == NODE_MATCHES)
		return LEVEL_RELATION;
	if (n->kind == NODE_NOT || n->kind == NODE_NEG)
		return LEVEL_UNARY;
	if (n->kind == NODE_LONG && t->longs[n->a] < 0)
		return LEVEL_UNARY;
	/* What is not known here stands in brackets, so that no two texts of
	 * different meaning can be the same. */
	if (n->kind != NODE_BINARY)
		return is_closed(n) ? LEVEL_MEMBER : LEVEL_IF;
	if (n->op == OP_OR)
		return LEVEL_OR;
	if (n->op == OP_AND)
		return LEVEL_AND;
	if (n->op == OP_ADD || n->op == OP_SUB)
		return LEVEL_SUM;
	return n->op == OP_MUL ? LEVEL_PRODUCT : LEVEL_RELATION;
}

/* Least level of the operand that stands first, and of those after it. */
static enum level
first_level(enum level own)
{
	return own == LEVEL_RELATION ? LEVEL_SUM : own;
}

static enum level
next_level(const struct ast_node *n, enum level own)
{
	/* `a && (b && c)` is `(a && b) && c`, errors too. */
	if (n->op == OP_AND || n->op == OP_OR)
		return own;
	return own + 1;
}

/* The operand that is written first, or 0. */
static uint32_t
first_of(const struct ast *t, const struct ast_node *n)
{
	switch ((int)n->kind) {
	case NODE_BINARY:
		return canon_is_mirrored(t, n) ? n->b : n->a;
	case NODE_NOT:
	case NODE_NEG:
	case NODE_IF:
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_LIKE:
	case NODE_MATCHES:
	case NODE_IS:
	case NODE_METHOD:
		return n->a;
	case NODE_CALL:
		return n->c ? t->kids[n->a] : 0;
	default:
		return 0;
	}
}

/* ---- leaves ---------------------------------------------------------------
 */

static void
name(struct canon *c, struct str s)
{
	bool plain = s.n > 0 && (s.p[0] < '0' || s.p[0] > '9');

	for (size_t i = 0; i < s.n; i++)
		plain = plain &&
			(s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') ||
			    (s.p[i] >= 'a' && s.p[i] <= 'z') ||
			    (s.p[i] >= 'A' && s.p[i] <= 'Z'));
	if (plain)
		buf_add(c->out, s);
	else
		value_print_string(c->out, s);
}

static void
list(struct canon *c, const uint32_t *kids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		buf_addz(c->out, i ? ", " : "");
		expression(c, kids[i], LEVEL_IF, false);
	}
}

static void
record(struct canon *c, const struct ast_node *n)
{
	buf_byte(c->out, '{');
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *field =
		    &c->t->nodes[c->t->kids[n->a + i]];

		buf_addz(c->out, i ? ", " : "");
		value_print_string(c->out, c->t->strings[field->a]);
		buf_addz(c->out, ": ");
		expression(c, field->b, LEVEL_IF, false);
	}
	buf_byte(c->out, '}');
}

static void
leaf(struct canon *c, uint32_t node)
{
	const struct ast_node *n = &c->t->nodes[node];
	struct value v;

	if (n->kind == NODE_VAR) {
		buf_addz(c->out, ast_var_name((enum ast_var)n->op));
	} else if (n->kind == NODE_SLOT) {
		value_print_uid(c->out, normal_uid(c->p, node));
	} else if (facts_literal(c->t, node, &v)) {
		value_print(c->out, &v);
	} else if (n->kind == NODE_SET) {
		buf_byte(c->out, '[');
		list(c, &c->t->kids[n->a], n->b);
		buf_byte(c->out, ']');
	} else if (n->kind == NODE_RECORD) {
		record(c, n);
	} else if (n->kind == NODE_CALL) {
		buf_addz(c->out, ast_op_text((enum ast_op)n->op));
		buf_byte(c->out, '(');
		list(c, &c->t->kids[n->a], n->b);
		buf_byte(c->out, ')');
	} else {
		print_link_node(c->p, node, c->out);
	}
}

static void
pattern_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '*' || s.p[i] == '"' || s.p[i] == '\\' ||
		    s.p[i] == '$')
			buf_byte(out, '\\');
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)s.p[i]);
		else
			buf_byte(out, s.p[i]);
	}
}

static void
pattern(struct buf *out, const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node];

	buf_byte(out, '"');
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_part *part = &t->parts[n->a + i];

		if (part->kind == PART_LITERAL)
			pattern_text(out, part->literal);
		if (part->kind == PART_STAR)
			buf_byte(out, '*');
		if (part->kind != PART_PATH)
			continue;
		buf_printf(out, "${%s", ast_var_name(part->var));
		for (uint32_t k = 0; k < part->n_path; k++) {
			buf_byte(out, '[');
			value_print_string(out, part->path[k]);
			buf_byte(out, ']');
		}
		buf_byte(out, '}');
	}
	buf_byte(out, '"');
}

/* ---- what stands before and behind the first operand ----------------------
 */

static void
prefix(struct canon *c, const struct ast_node *n)
{
	if (n->kind == NODE_NOT)
		buf_byte(c->out, '!');
	else if (n->kind == NODE_NEG)
		buf_byte(c->out, '-');
	else if (n->kind == NODE_IF)
		buf_addz(c->out, "if ");
}

static void
binary(struct canon *c, const struct ast_node *n, bool negated)
{
	enum ast_op op = (enum ast_op)n->op;
	bool mirrored = canon_is_mirrored(c->t, n);

	if (mirrored)
		op = canon_mirror(op);
	if (negated)
		op = canon_negate(op);
	buf_printf(c->out, " %s ", ast_op_text(op));
	expression(
	    c, mirrored ? n->a : n->b, next_level(n, level_of(c->t, n)), false);
}

static void
arguments(struct canon *c, const struct ast_node *n, const uint32_t *kids,
    uint32_t n_kids)
{
	buf_printf(c->out, ".%s(", ast_op_text((enum ast_op)n->op));
	list(c, kids, n_kids);
	buf_byte(c->out, ')');
}

static void
suffix(struct canon *c, const struct ast_node *n, bool negated)
{
	const struct ast *t = c->t;

	if (n->kind == NODE_BINARY)
		binary(c, n, negated);
	if (n->kind == NODE_IF) {
		buf_addz(c->out, " then ");
		expression(c, n->b, LEVEL_IF, false);
		buf_addz(c->out, " else ");
		expression(c, n->c, LEVEL_IF, false);
	}
	if (n->kind == NODE_ATTR) {
		buf_byte(c->out, '.');
		name(c, t->strings[n->b]);
	}
	if (n->kind == NODE_HAS)
		for (uint32_t i = 0; i < n->c; i++) {
			buf_addz(c->out, i ? "." : " has ");
			name(c, t->strings[t->kids[n->b + i]]);
		}
	if (n->kind == NODE_LIKE) {
		buf_addz(c->out, " like ");
		pattern(c->out, t, n->b);
	}
	if (n->kind == NODE_MATCHES) {
		buf_addz(c->out, " matches ");
		value_print_string(c->out, t->regexes[t->nodes[n->b].a].text);
	}
	if (n->kind == NODE_IS) {
		buf_printf(c->out, " is %.*s", STR_ARG(t->strings[n->b]));
		if (n->c) {
			buf_addz(c->out, " in ");
			expression(c, n->c, LEVEL_SUM, false);
		}
	}
	if (n->kind == NODE_METHOD)
		arguments(c, n, &t->kids[n->b], n->c);
	if (n->kind == NODE_CALL && n->c)
		arguments(c, n, &t->kids[n->a + 1], n->b - 1);
}

/* `negated` of a comparison: the opposite one. */
static void
expression(struct canon *c, uint32_t node, enum level least, bool negated)
{
	size_t base = c->spine.n;

	for (;;) {
		const struct ast_node *n = &c->t->nodes[node];
		struct step step = { .node = node, .negated = negated };
		enum level own = level_of(c->t, n);

		if (n->kind == NODE_PAREN) {
			node = n->a;
			continue;
		}
		step.wrapped = own < least;
		buf_addz(c->out, step.wrapped ? "(" : "");
		buf_add(&c->spine,
		    (struct str){ (const char *)&step, sizeof step });
		prefix(c, n);
		node = first_of(c->t, n);
		if (!node) {
			leaf(c, step.node);
			break;
		}
		least = first_level(own);
		negated = false;
	}
	while (c->spine.n > base && buf_ok(&c->spine)) {
		struct step step;

		c->spine.n -= sizeof step;
		memcpy(&step, c->spine.p + c->spine.n, sizeof step);
		suffix(c, &c->t->nodes[step.node], step.negated);
		buf_addz(c->out, step.wrapped ? ")" : "");
	}
}

/* ---- tests ----------------------------------------------------------------
 */

static void
uids(struct buf *out, const struct uid *items, size_t n)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i ? ", " : "");
		value_print_uid(out, items[i]);
	}
	buf_byte(out, ']');
}

/* The members of a scope's list, sorted. */
static void
groups(struct canon *c, const struct ast_node *n)
{
	struct buf sorted = { 0 };
	struct uid uid;

	for (uint32_t i = 0; i < n->b; i++) {
		uid = normal_uid(c->p, c->t->kids[n->a + i]);
		buf_add(
		    &sorted, (struct str){ (const char *)&uid, sizeof uid });
	}
	if (buf_ok(&sorted) && n->b > 0) {
		qsort(sorted.p, n->b, sizeof uid, uid_compare);
		/* Memory from malloc is aligned for any type. */
		uids(c->out, (const struct uid *)(const void *)sorted.p, n->b);
	} else {
		buf_addz(c->out, "[]");
	}
	c->out->failed = c->out->failed || !buf_ok(&sorted);
	buf_free(&sorted);
}

static void
types(struct canon *c, const struct ast_node *n)
{
	buf_byte(c->out, '[');
	for (uint32_t i = 0; i < n->b; i++)
		buf_printf(c->out, "%s%.*s", i ? ", " : "",
		    STR_ARG(c->t->strings[c->t->kids[n->a + i]]));
	buf_byte(c->out, ']');
}

static void
scope_test(struct canon *c, const struct test *test)
{
	const struct ast_node *n = &c->t->nodes[test->node];
	const uint32_t *kids = &c->t->kids[n->a];
	uint32_t one = test->member ? test->member - 1 : 0;
	bool is_one = test->member || n->b == 1;
	bool negated = test->negated != (n->negated != 0);
	bool is_eq = n->kind == NODE_TEST_EQ;

	buf_addz(c->out, negated && !is_eq ? "!(" : "");
	buf_addz(c->out, ast_var_name((enum ast_var)test->var));
	if (is_eq) {
		buf_addz(c->out, negated ? " != " : " == ");
		value_print_uid(c->out, normal_uid(c->p, n->a));
	} else if (n->kind == NODE_TEST_IN) {
		buf_addz(c->out, " in ");
		if (is_one)
			value_print_uid(c->out, normal_uid(c->p, kids[one]));
		else
			groups(c, n);
	} else if (n->kind == NODE_TEST_IS) {
		buf_addz(c->out, " is ");
		if (is_one)
			buf_add(c->out, c->t->strings[kids[one]]);
		else
			types(c, n);
	} else {
		buf_printf(
		    c->out, " like %.*s::", STR_ARG(c->t->strings[n->a]));
		pattern(c->out, c->t, n->b);
	}
	if (test->one) {
		buf_addz(c->out, " expanded to ");
		value_print_uid(c->out, *test->one);
	}
	buf_addz(c->out, negated && !is_eq ? ")" : "");
}

/* `operand in member`, `operand == member`. */
static void
member_test(struct canon *c, const struct test *test)
{
	struct normal_list_node l = normal_list(c->t, test->node);
	bool is_in = c->t->nodes[test->node].kind == NODE_BINARY;
	bool wrapped = test->negated && is_in;

	buf_addz(c->out, wrapped ? "!(" : "");
	expression(c, l.operand, LEVEL_SUM, false);
	buf_addz(c->out, is_in ? " in " : test->negated ? " != " : " == ");
	expression(c, l.members[test->member - 1], LEVEL_SUM, false);
	buf_addz(c->out, wrapped ? ")" : "");
}

void
canon_test(
    struct buf *out, const struct policy_instance *p, const struct test *test)
{
	struct canon c = { .out = out, .p = p, .t = p->ast };

	if (node_is_scope(c.t, test->node))
		scope_test(&c, test);
	else if (test->member)
		member_test(&c, test);
	else if (is_comparison(&c.t->nodes[test->node]))
		expression(&c, test->node, LEVEL_IF, test->negated);
	else {
		buf_addz(out, test->negated ? "!" : "");
		expression(&c, test->node,
		    test->negated ? LEVEL_UNARY : LEVEL_IF, false);
	}
	out->failed = out->failed || !buf_ok(&c.spine);
	buf_free(&c.spine);
}

void
canon_atom(struct buf *out, const struct normal_atom *atom)
{
	bool has_type = atom->kind == ATOM_IS || atom->kind == ATOM_IS_IN;

	if (has_type)
		buf_printf(out, "is %.*s", STR_ARG(atom->type));
	if (atom->kind == ATOM_EQ)
		buf_addz(out, "== ");
	if (atom->kind == ATOM_IN || atom->kind == ATOM_IS_IN)
		buf_addz(out, has_type ? " in " : "in ");
	if (atom->kind == ATOM_EQ || atom->kind == ATOM_IN ||
	    atom->kind == ATOM_IS_IN)
		value_print_uid(out, atom->uid);
	if (atom->kind == ATOM_LIKE) {
		buf_printf(out, "like %.*s::\"", STR_ARG(atom->type));
		pattern_text(out, atom->prefix);
		buf_addz(out, "*\"");
	}
	if (atom->kind == ATOM_SET) {
		buf_addz(out, atom->is_in ? "in " : "== ");
		uids(out, atom->members, atom->n_members);
	}
}
