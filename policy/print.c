/* print.c - the tree to canonical text, comments kept when a source is given.
 * Layout: annotations on lines of their own; the effect and its scope on one
 * line if that fits 100 columns, else an element a line; each condition on a
 * line of its own, broken at operators and brackets where it does not fit. What
 * was written stays: the effect word, parentheses, `["…"]`.
 * Whether something is broken depends on the tree and on where comments are
 * alone: printing what was printed changes nothing.
 * Cost: O(text), times a constant for measuring (at most 100 columns a node).
 */
#include "policy/print.h"

static void
print_not(struct printer *p, const struct ast_node *n)
{
	if (!n->negated)
		return;
	print_text(p, "not");
	print_space(p);
}

static void
print_types(struct printer *p, const struct ast_node *n)
{
	if (n->c)
		print_text(p, "[");
	for (uint32_t i = 0; i < n->b; i++) {
		print_name(p, print_string_at(p, p->t->kids[n->a + i]));
		if (i + 1 < n->b) {
			print_text(p, ",");
			print_space(p);
		}
	}
	if (n->c)
		print_text(p, "]");
}

static void
print_test(struct printer *p, const struct ast_node *n)
{
	switch ((int)n->kind) {
	case NODE_TEST_EQ:
		print_text(p, n->negated ? "!=" : "==");
		print_space(p);
		print_expr(p, n->a);
		break;
	case NODE_TEST_IN:
		print_not(p, n);
		print_text(p, "in");
		print_space(p);
		if (n->c)
			print_list(p, "[", &p->t->kids[n->a], n->b, "]");
		else
			print_expr(p, p->t->kids[n->a]);
		break;
	case NODE_TEST_IS:
		print_text(p, "is");
		print_space(p);
		print_not(p, n);
		print_types(p, n);
		break;
	default:
		print_not(p, n);
		print_text(p, "like");
		print_space(p);
		print_name(p, print_string_at(p, n->a));
		print_text(p, "::");
		print_pattern(p, n->b, true);
	}
}

static bool
test_fits(struct printer *p, const struct ast_node *test, size_t column)
{
	size_t used = column;
	struct buf out = { 0 };
	struct printer m;

	if (used >= PRINT_WIDTH)
		return false;
	m = print_measure(p, &out, PRINT_WIDTH - used);
	print_test(&m, test);
	return print_ends_within(p, &m, PRINT_WIDTH - used);
}

static void
print_element(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];
	size_t comma = n->op == VAR_RESOURCE ? 0 : 1;

	print_text(p, ast_var_name(n->op));
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *test =
		    &p->t->nodes[p->t->kids[n->a + i]];
		uint32_t indent = p->indent;

		/* A list is broken in itself, a name not at all. */
		if (!p->flat && !test->c &&
		    !test_fits(p, test, print_column(p) + 1 + comma) &&
		    test_fits(p, test, (indent + 1) * PRINT_INDENT + comma)) {
			print_set_indent(p, indent + 1);
			print_line(p);
		}
		print_space(p);
		print_test(p, test);
		if (!p->flat)
			print_set_indent(p, indent);
	}
}

/* An element on a line of its own: flat when it fits there. */
static void
print_element_line(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];
	size_t room = PRINT_WIDTH - p->indent * PRINT_INDENT - 1;
	struct buf out = { 0 };
	struct printer m = print_measure(p, &out, room);

	print_line(p);
	print_element(&m, node);
	p->flat = print_ends_within(p, &m, room) &&
		  !print_has_comment(p, n->off, ast_end(p->t, n));
	print_element(p, node);
	p->flat = false;
}

static const char *
effect_of(const struct ast_policy *policy)
{
	static const char *const words[] = { [WORD_FORBID] = "forbid",
		[WORD_DENY] = "deny",
		[WORD_PERMIT] = "permit" };

	return words[policy->word];
}

/* Where the scope's closing parenthesis stands: before it there may be a comma,
 * and a comment. */
static uint32_t
scope_end(const struct printer *p, const struct ast_policy *policy)
{
	const struct ast_node *last = &p->t->nodes[policy->scope[2]];
	struct lexer lx = { p->t->source.text, ast_end(p->t, last), NULL };
	struct token t;

	if (!p->with_comments)
		return lx.at;
	do
		t = lex_next(&lx);
	while (t.kind == TOKEN_COMMA);
	return t.off;
}

/* The scope's parenthesis: those around its last entity are dropped, and must
 * not be taken for it. */
static void
print_scope_close(struct printer *p, const struct ast_policy *policy)
{
	uint32_t end = scope_end(p, policy);

	while (p->with_comments) {
		struct lexer next = p->source;

		next.comments = NULL;
		if (lex_next(&next).off >= end)
			break;
		(void)lex_next(&p->source);
	}
	print_text(p, ")");
}

static void
print_scope_flat(struct printer *p, const struct ast_policy *policy)
{
	print_text(p, effect_of(policy));
	print_space(p);
	print_text(p, "(");
	for (unsigned i = 0; i < 3; i++) {
		print_element(p, policy->scope[i]);
		if (i < 2) {
			print_text(p, ",");
			print_space(p);
		}
	}
	print_scope_close(p, policy);
}

static void
print_scope_lines(struct printer *p, const struct ast_policy *policy)
{
	print_text(p, effect_of(policy));
	print_space(p);
	print_text(p, "(");
	print_set_indent(p, 1);
	for (unsigned i = 0; i < 3; i++) {
		print_element_line(p, policy->scope[i]);
		if (i < 2)
			print_text(p, ",");
	}
	print_close_line(p, 0);
	print_scope_close(p, policy);
	p->comment_indent = p->indent;
}

static void
print_scope(struct printer *p, const struct ast_policy *policy)
{
	struct buf out = { 0 };
	struct printer m = print_measure(p, &out, PRINT_WIDTH - 1);

	print_scope_flat(&m, policy);
	p->flat = print_ends_within(p, &m, PRINT_WIDTH - 1) &&
		  !print_has_comment(p, policy->head_off, scope_end(p, policy));
	if (p->flat)
		print_scope_flat(p, policy);
	else
		print_scope_lines(p, policy);
	p->flat = false;
}

/* ---- policies --------------------------------------------------------------
 */

static void
print_condition(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];

	print_line(p);
	print_text(p, n->kind == NODE_WHEN ? "when" : "unless");
	print_space(p);
	print_text(p, "{");
	print_space(p);
	p->flat = !print_has_comment(p, n->off, ast_end(p->t, n)) &&
		  print_fits(p, n->a, 3);
	if (!p->flat)
		print_set_indent(p, 1);
	print_line(p);
	print_expr(p, n->a);
	if (p->flat)
		print_space(p);
	else
		print_close_line(p, 0);
	print_close_text(p, "}");
	p->flat = false;
}

static void
print_annotation(struct printer *p, const struct ast_annotation *a)
{
	print_text(p, "@");
	print_str(p, a->name);
	if (a->has_value) {
		print_text(p, "(");
		print_quoted(p, a->value);
		print_text(p, ")");
	}
	print_line(p);
}

static void
print_annotations(struct printer *p, const struct ast_policy *policy)
{
	if (p->link)
		print_annotation(p, &(struct ast_annotation){ .name = STR("id"),
					.has_value = true,
					.value = p->link->id });
	for (uint32_t i = 0; i < policy->n_annotations; i++) {
		const struct ast_annotation *a =
		    &p->t->annotations[policy->first_annotation + i];

		if (!p->link || !str_eq(a->name, STR("id")))
			print_annotation(p, a);
	}
}

static void print_any(struct printer *p, uint32_t node);

static void
print_one(struct printer *p, const struct ast_policy *policy)
{
	print_annotations(p, policy);
	print_scope(p, policy);
	for (uint32_t i = 0; i < policy->n_conds; i++)
		print_condition(p, p->t->kids[policy->first_cond + i]);
	print_text(p, ";");
}

static void
print_indivisible(struct printer *p, const struct ast_indivisible *set)
{
	struct buf out = { 0 };
	size_t room = PRINT_WIDTH - 1;
	struct printer m = print_measure(p, &out, room);
	const uint32_t *kids = &p->t->kids[set->first];

	buf_addz(&out, "indivisible ");
	buf_addz(&out, ast_var_name(set->var));
	print_list(&m, " [", kids, set->n, "]");
	p->flat = print_ends_within(p, &m, room) &&
		  !print_has_comment(p, set->off, set->off + set->len);
	print_text(p, "indivisible");
	print_space(p);
	print_text(p, ast_var_name(set->var));
	print_space(p);
	print_list(p, "[", kids, set->n, "]");
	print_text(p, ";");
	p->flat = false;
}

void
print_ast(const struct ast *t, struct buf *out)
{
	struct printer p = { .t = t, .out = out, .with_comments = true };
	uint32_t i = 0, j = 0;

	p.source = (struct lexer){ t->source.text, 0, &p.comments };
	while (i < t->n_policies || j < t->n_indivisibles) {
		bool policy = j == t->n_indivisibles ||
			      (i < t->n_policies &&
				  t->policies[i].off < t->indivisibles[j].off);

		p.gap = GAP_BLANK;
		p.gap_indent = 0;
		if (policy)
			print_one(&p, &t->policies[i++]);
		else
			print_indivisible(&p, &t->indivisibles[j++]);
	}
	/* What comes after the last token. */
	p.gap = GAP_BLANK;
	print_follow(&p, STR(""));
	if (out->n > 0)
		buf_byte(out, '\n');
	buf_free(&p.comments);
	buf_free(&p.spine);
}

void
print_body(const struct policy_instance *instance, struct buf *out)
{
	struct printer p = { .t = instance->ast,
		.out = out,
		.flat = true,
		.link = instance->is_link ? instance : NULL };
	const struct ast_policy *policy = &p.t->policies[instance->policy];

	print_scope(&p, policy);
	for (uint32_t i = 0; i < policy->n_conds; i++)
		print_any(&p, p.t->kids[policy->first_cond + i]);
	buf_free(&p.spine);
}

static void
print_single(const struct ast *t, uint32_t policy,
    const struct policy_instance *link, struct buf *out)
{
	struct printer p = { .t = t, .out = out, .link = link };

	p.line_start = out->n;
	print_one(&p, &t->policies[policy]);
	buf_byte(out, '\n');
	buf_free(&p.spine);
}

void
print_policy(const struct ast *t, uint32_t policy, struct buf *out)
{
	print_single(t, policy, NULL, out);
}

void
print_link(const struct policy_instance *link, struct buf *out)
{
	print_single(link->ast, link->policy, link->is_link ? link : NULL, out);
}

static void
print_any(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];

	switch ((int)n->kind) {
	case NODE_SCOPE:
		print_element(p, node);
		break;
	case NODE_TEST_EQ:
	case NODE_TEST_IN:
	case NODE_TEST_IS:
	case NODE_TEST_LIKE:
		print_test(p, n);
		break;
	case NODE_WHEN:
	case NODE_UNLESS:
		print_text(p, n->kind == NODE_WHEN ? "when { " : "unless { ");
		print_expr(p, n->a);
		print_text(p, " }");
		break;
	default:
		print_expr(p, node);
	}
	buf_free(&p->spine);
}

void
print_node(const struct ast *t, uint32_t node, struct buf *out)
{
	struct printer p = { .t = t, .out = out, .flat = true };

	print_any(&p, node);
}

void
print_link_node(
    const struct policy_instance *link, uint32_t node, struct buf *out)
{
	struct printer p = { .t = link->ast,
		.out = out,
		.flat = true,
		.link = link->is_link ? link : NULL };

	print_any(&p, node);
}
