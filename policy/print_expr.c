/* print_expr.c - an expression to canonical text: on the current line where it
 * fits, else broken at operators and brackets. What was written stays:
 * parentheses, `["..."]`. Chains of operators and members are loops, since they
 * may be long. Cost: O(text), times a constant for measuring (at most
 * PRINT_WIDTH columns a node). */
#include "policy/print.h"

bool
print_fits(struct printer *p, uint32_t node, size_t after)
{
	const struct ast_node *n = &p->t->nodes[node];
	size_t used = print_column(p) + after + (p->gap == GAP_SPACE);
	struct buf out = { 0 };
	struct printer m;

	if (p->flat)
		return true;
	if (print_has_comment(p, n->off, ast_end(p->t, n)))
		return false;
	if (p->gap >= GAP_LINE)
		used = p->gap_indent * PRINT_INDENT + after;
	if (used >= PRINT_WIDTH)
		return false;
	m = print_measure(p, &out, PRINT_WIDTH - used);
	print_expr(&m, node);
	return print_ends_within(p, &m, PRINT_WIDTH - used);
}

/* What a list's item does: print one of `kids`. */
static void
print_items(struct printer *p, const uint32_t *kids, uint32_t n)
{
	uint32_t indent = p->indent;

	if (!p->flat)
		print_set_indent(p, indent + 1);
	for (uint32_t i = 0; i < n && !print_is_full(p); i++) {
		if (i > 0 || !p->flat)
			print_line(p);
		if (i == 0 && p->flat)
			p->gap = GAP_NONE;
		print_expr(p, kids[i]);
		if (i + 1 < n)
			print_text(p, ",");
	}
	if (!p->flat)
		print_close_line(p, indent);
}

void
print_list(struct printer *p, const char *open, const uint32_t *kids,
    uint32_t n, const char *close)
{
	print_text(p, open);
	if (n > 0)
		print_items(p, kids, n);
	print_close_text(p, close);
}

static void print_expr_before(struct printer *p, uint32_t node, size_t after);

static unsigned
level_of(const struct ast_node *n)
{
	static const unsigned levels[OP_COUNT] = {
		[OP_NONE] = 0,
#define BINARY(name, text, level) [name] = level,
#include "policy/ops.def"
	};

	return n->kind == NODE_BINARY ? levels[n->op] : 0;
}

static uint32_t
left_of(const struct ast *t, const struct ast_node *n)
{
	if (n->kind == NODE_CALL)
		return n->c && n->b ? t->kids[n->a] : 0;
	switch ((int)n->kind) {
	case NODE_BINARY:
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_LIKE:
	case NODE_IS:
	case NODE_MATCHES:
	case NODE_EACH:
	case NODE_METHOD:
		return n->a;
	default:
		return 0;
	}
}

static void
push(struct printer *p, uint32_t node)
{
	buf_add(&p->spine, (struct str){ (const char *)&node, sizeof node });
	if (!buf_ok(&p->spine))
		p->out->failed = true;
}

static uint32_t
pop(struct printer *p)
{
	uint32_t node;

	p->spine.n -= sizeof node;
	memcpy(&node, p->spine.p + p->spine.n, sizeof node);
	return node;
}

/* A chain within a chain stands out by a step. */
static void
print_operand(struct printer *p, uint32_t node)
{
	uint32_t indent = p->indent;
	unsigned level = level_of(&p->t->nodes[node]);

	if (!p->flat && level != 0 && level != 3)
		print_set_indent(p, indent + 1);
	print_expr(p, node);
	if (!p->flat)
		print_set_indent(p, indent);
}

static bool
is_word(const struct ast_node *n)
{
	return n->kind == NODE_ENTITY || n->kind == NODE_SLOT ||
	       n->kind == NODE_STRING || n->kind == NODE_LONG ||
	       n->kind == NODE_BOOL || n->kind == NODE_VAR;
}

/* Is there room on this line for what the node begins with, up to where it may
 * be broken? */
static bool
can_begin(const struct printer *p, const struct ast_node *n, size_t before)
{
	size_t head = 24; /* enough for most */

	if (is_word(n))
		return false;
	if (n->kind == NODE_SET || n->kind == NODE_RECORD ||
	    n->kind == NODE_PAREN)
		head = 2;
	if (n->kind == NODE_CALL)
		head = strlen(ast_op_text(n->op)) + 2;
	return print_column(p) + before + head <= PRINT_WIDTH;
}

/* `word` and the operand behind it (NULL: it alone), on this line where they
 * fit, or where the operand would have to be broken on the next line too; else
 * there, a step in. */
static void
print_behind(struct printer *p, const char *word, uint32_t node)
{
	size_t after = (word ? strlen(word) + 1 : 0) + 3;
	uint32_t indent = p->indent;

	print_space(p);
	if (!p->flat && p->gap < GAP_LINE && !print_fits(p, node, after)) {
		print_set_indent(p, indent + 1);
		print_line(p);
		if (!print_fits(p, node, after) &&
		    can_begin(p, &p->t->nodes[node], after - 3)) {
			p->gap = GAP_SPACE;
			print_set_indent(p, indent);
		}
	}
	if (word) {
		print_text(p, word);
		print_space(p);
	}
	print_expr(p, node);
	if (!p->flat)
		print_set_indent(p, indent);
}

static void
print_attr(struct printer *p, const struct ast_node *n)
{
	if (n->op) {
		print_text(p, "[");
		print_quoted(p, print_string_at(p, n->b));
		print_text(p, "]");
	} else {
		print_text(p, ".");
		print_str(p, print_string_at(p, n->b));
	}
}

static void
print_has(struct printer *p, const struct ast_node *n)
{
	print_space(p);
	print_text(p, "has");
	print_space(p);
	for (uint32_t i = 0; i < n->c; i++) {
		struct str name = print_string_at(p, p->t->kids[n->b + i]);

		if (i > 0)
			print_text(p, ".");
		if (n->op)
			print_quoted(p, name);
		else
			print_str(p, name);
	}
}

static void
print_is(struct printer *p, const struct ast_node *n)
{
	print_space(p);
	print_text(p, "is");
	print_space(p);
	print_name(p, print_string_at(p, n->b));
	if (!n->c)
		return;
	print_behind(p, "in", n->c);
}

/* Behind its left operand; on the next line only where there is no room. */
static void
print_operator(struct printer *p, const char *op)
{
	uint32_t indent = p->indent;
	bool fits = p->flat || p->gap >= GAP_LINE ||
		    print_column(p) + 1 + strlen(op) <= PRINT_WIDTH;

	if (!fits) {
		print_set_indent(p, indent + 1);
		print_line(p);
	}
	print_space(p);
	print_text(p, op);
	if (!fits)
		print_set_indent(p, indent);
}

static void print_suffix(struct printer *p, const struct ast_node *n);

/* `has`, `is` and `like` with what they ask for: on the next line, a step in,
 * where they do not fit on this one. */
static void
print_question(struct printer *p, const struct ast_node *n)
{
	size_t used = print_column(p) + 3;
	uint32_t indent = p->indent;
	struct printer m;
	struct buf out = { 0 };

	bool fits = p->flat || p->gap >= GAP_LINE;

	if (!fits && used < PRINT_WIDTH) {
		m = print_measure(p, &out, PRINT_WIDTH - used);
		print_suffix(&m, n);
		fits = print_ends_within(p, &m, PRINT_WIDTH - used);
	}
	if (!fits) {
		print_set_indent(p, indent + 1);
		print_line(p);
	}
	print_suffix(p, n);
	if (!p->flat)
		print_set_indent(p, indent);
}

/* What follows the left part of a node. */
static void
print_suffix(struct printer *p, const struct ast_node *n)
{
	const uint32_t *kids = p->t->kids;

	switch ((int)n->kind) {
	case NODE_BINARY:
		print_operator(p, ast_op_text(n->op));
		if (level_of(n) == 3) {
			print_behind(p, NULL, n->b);
			break;
		}
		print_line(p);
		print_operand(p, n->b);
		break;
	case NODE_ATTR:
		print_attr(p, n);
		break;
	case NODE_HAS:
		print_has(p, n);
		break;
	case NODE_LIKE:
		print_space(p);
		print_text(p, "like");
		print_space(p);
		print_pattern(p, n->b, false);
		break;
	case NODE_IS:
		print_is(p, n);
		break;
	case NODE_MATCHES:
		print_space(p);
		print_text(p, "matches");
		print_space(p);
		print_expr(p, n->b);
		break;
	case NODE_EACH:
		print_text(p, ".");
		print_text(p, ast_op_text(n->op));
		print_list(p, "(", &n->b, 1, ")");
		break;
	default:
		print_text(p, ".");
		print_text(p, ast_op_text(n->op));
		if (n->kind == NODE_METHOD)
			print_list(p, "(", &kids[n->b], n->c, ")");
		else
			print_list(p, "(", &kids[n->a + 1], n->b - 1, ")");
	}
}

static size_t
attr_width(struct printer *p, const struct ast_node *n)
{
	struct buf out = { 0 };
	struct printer m = print_measure(p, &out, PRINT_WIDTH);
	size_t width;

	print_attr(&m, n);
	width = str_utf8_len(buf_str(&out));
	p->out->failed = p->out->failed || !buf_ok(&out);
	buf_free(&out);
	return width;
}

/* How much of what follows the left part stands on its line for certain: up to
 * the first bracket that may be broken behind. */
static size_t
heads_width(struct printer *p, size_t base)
{
	size_t width = 0;

	for (size_t at = p->spine.n; at > base && width < PRINT_WIDTH;) {
		const struct ast_node *n;
		uint32_t node;

		at -= sizeof node;
		memcpy(&node, p->spine.p + at, sizeof node);
		n = &p->t->nodes[node];
		if (n->kind == NODE_ATTR)
			width += attr_width(p, n);
		else if (n->kind == NODE_METHOD || n->kind == NODE_EACH ||
			 n->kind == NODE_CALL)
			return width + strlen(ast_op_text(n->op)) + 2;
		else
			break;
	}
	return width;
}

/* Nodes whose text begins with another node's: down to where it begins, then
 * up again; a loop, since such chains may be long. */
static void
print_chain(struct printer *p, uint32_t node)
{
	size_t base = p->spine.n;
	uint32_t left = node;
	unsigned level = level_of(&p->t->nodes[node]);

	do {
		push(p, left);
		left = left_of(p->t, &p->t->nodes[left]);
	} while (level_of(&p->t->nodes[left]) == level &&
		 left_of(p->t, &p->t->nodes[left]) && buf_ok(&p->spine));
	if (level)
		print_operand(p, left);
	else
		print_expr_before(p, left, heads_width(p, base));
	while (buf_ok(&p->spine) && p->spine.n > base) {
		const struct ast_node *n = &p->t->nodes[pop(p)];

		if (print_is_full(p))
			continue;
		if (n->kind == NODE_HAS || n->kind == NODE_IS ||
		    n->kind == NODE_LIKE || n->kind == NODE_MATCHES)
			print_question(p, n);
		else
			print_suffix(p, n);
	}
}

static void
print_if(struct printer *p, const struct ast_node *n)
{
	print_text(p, "if");
	print_space(p);
	print_expr(p, n->a);
	print_line(p);
	print_text(p, "then");
	print_space(p);
	print_expr(p, n->b);
	print_line(p);
	print_text(p, "else");
	print_space(p);
	print_expr(p, n->c);
}

static void
print_field(struct printer *p, const struct ast_node *n)
{
	struct str name = print_string_at(p, n->a);

	if (print_is_plain_field(name))
		print_str(p, name);
	else
		print_quoted(p, name);
	print_text(p, ":");
	print_behind(p, NULL, n->b);
}

static void
print_other(struct printer *p, const struct ast_node *n)
{
	const uint32_t *kids = p->t->kids;

	switch ((enum node_kind)n->kind) {
	case NODE_BOOL:
		print_text(p, n->a ? "true" : "false");
		break;
	case NODE_LONG:
		print_long(p, n);
		break;
	case NODE_STRING:
		print_quoted(p, print_string_at(p, n->a));
		break;
	case NODE_ENTITY:
	case NODE_SLOT:
		print_entity(p, n);
		break;
	case NODE_VAR:
		print_text(p, ast_var_name(n->op));
		break;
	case NODE_PAREN:
		print_list(p, "(", &n->a, 1, ")");
		break;
	case NODE_SET:
		print_list(p, "[", &kids[n->a], n->b, "]");
		break;
	case NODE_RECORD:
		print_list(p, "{", &kids[n->a], n->b, "}");
		break;
	case NODE_FIELD:
		print_field(p, n);
		break;
	case NODE_NOT:
		print_text(p, "!");
		print_expr(p, n->a);
		break;
	case NODE_NEG:
		print_text(p, "-");
		print_expr(p, n->a);
		break;
	case NODE_IF:
		print_if(p, n);
		break;
	case NODE_CALL:
		print_text(p, ast_op_text(n->op));
		print_list(p, "(", &kids[n->a], n->b, ")");
		break;
	case NODE_PATTERN:
		print_pattern(p, (uint32_t)(n - p->t->nodes), false);
		break;
	case NODE_REGEX:
		print_quoted(p, p->t->regexes[n->a].text);
		break;
	case NODE_ERROR:
	case NODE_BINARY:
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_LIKE:
	case NODE_IS:
	case NODE_MATCHES:
	case NODE_EACH:
	case NODE_METHOD:
	case NODE_SCOPE:
	case NODE_TEST_EQ:
	case NODE_TEST_IN:
	case NODE_TEST_IS:
	case NODE_TEST_LIKE:
	case NODE_WHEN:
	case NODE_UNLESS:
	default:
		break;
	}
}

void
print_expr(struct printer *p, uint32_t node)
{
	print_expr_before(p, node, 0);
}

static void
print_expr_before(struct printer *p, uint32_t node, size_t after)
{
	const struct ast_node *n = &p->t->nodes[node];
	bool was_flat = p->flat;

	if (print_is_full(p))
		return;
	/* Room for a comma, a closing bracket or an operator. */
	p->flat = print_fits(p, node, after + 3);
	if (left_of(p->t, n))
		print_chain(p, node);
	else
		print_other(p, n);
	p->flat = was_flat;
}
