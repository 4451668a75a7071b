/* print.c - the tree to canonical text, comments kept when a source is given.
 * Layout: annotations on lines of their own; the effect and its scope on one
 * line if that fits 100 columns, else an element a line; each condition on a
 * line of its own, broken at operators and brackets where it does not fit. What
 * was written stays: the effect word, parentheses, `["…"]`.
 * For comments the source is read again in step with the tokens printed:
 * before each token the comments that stand before it in the source are put
 * out. Tokens that the canon drops (trailing commas, parentheses around a
 * scope's entity) are passed over. So no comment is lost or changes its order
 * with a token. Whether something is broken depends on the tree and on where
 * comments are alone: printing what was printed changes nothing.
 * Cost: O(text), times a constant for measuring (at most 100 columns a node).
 */
#include "policy/set.h"

#include "policy/lex.h"
#include "policy/literal.h"

#define WIDTH 100u
#define INDENT 4u

enum gap { GAP_NONE = 0, GAP_SPACE, GAP_LINE, GAP_BLANK };

struct printer {
	const struct ast *t;
	const struct policy_instance *link; /* what slots stand for, or NULL */
	struct buf *out;
	size_t line_start;   /* offset in out of the current line */
	enum gap gap;        /* what comes before the next token */
	uint32_t gap_indent; /* of the line that a gap begins */
	uint32_t indent;     /* of lines asked for now, in steps */
	uint32_t comment_indent;
	bool flat; /* no line is broken */
	/* Measuring: stop beyond `limit` bytes. */
	size_t limit;
	/* Comments: the source in step; NULL text means without. */
	bool with_comments;
	struct lexer source;
	struct buf comments, spine;
};

/* ---- tokens and comments ---------------------------------------------------
 */

/* Columns used on the current line; beyond the width only that it is. */
static size_t
column(const struct printer *p)
{
	size_t bytes = p->out->n - p->line_start;

	if (bytes > WIDTH * 4)
		return WIDTH + 1;
	return str_utf8_len(str_sub(buf_str(p->out), p->line_start, p->out->n));
}

static bool
is_full(const struct printer *p)
{
	return p->limit && p->out->n > p->limit;
}

static void
new_line(struct printer *p, uint32_t indent)
{
	buf_byte(p->out, '\n');
	p->line_start = p->out->n;
	for (uint32_t i = 0; i < indent * INDENT; i++)
		buf_byte(p->out, ' ');
}

static void
close_gap(struct printer *p)
{
	if (p->gap == GAP_SPACE)
		buf_byte(p->out, ' ');
	if (p->gap == GAP_BLANK && p->out->n > 0)
		buf_byte(p->out, '\n');
	if (p->gap >= GAP_LINE && p->out->n > 0)
		new_line(p, p->gap_indent);
	p->gap = GAP_NONE;
}

/* Line ends in source bytes [from, to): 0, 1, or 2 for more. */
static unsigned
count_lines(const struct printer *p, uint32_t from, uint32_t to)
{
	unsigned n = 0;

	for (uint32_t i = from; i < to && n < 2; i++)
		n += p->t->source.text.p[i] == '\n';
	return n;
}

/* `after` is where the source's last token or comment ended. True when the
 * comment has a line of its own. */
static bool
print_comment(struct printer *p, const struct ast_comment *c, uint32_t after)
{
	struct str text = source_text(&p->t->source, c->off, c->len);
	bool own_line = count_lines(p, after, c->off) > 0 || p->out->n == 0;

	while (text.n &&
	       (text.p[text.n - 1] == ' ' ||
		   (text.p[text.n - 1] >= '\t' && text.p[text.n - 1] <= '\r')))
		text.n--;
	if (!own_line) {
		buf_byte(p->out, ' ');
	} else if (p->out->n > 0) {
		if (p->gap == GAP_BLANK)
			buf_byte(p->out, '\n');
		new_line(p, p->comment_indent);
	}
	buf_add(p->out, text);
	return own_line;
}

/* Between policies (a blank gap) comments keep the blank lines around them;
 * elsewhere they take lines as they come. */
static void
print_comments(struct printer *p, uint32_t after, uint32_t next)
{
	const struct ast_comment *c =
	    (const struct ast_comment *)(const void *)p->comments.p;
	size_t n = p->comments.n / sizeof *c;
	bool between = p->gap == GAP_BLANK;

	if (p->gap < GAP_LINE)
		p->gap_indent = p->indent;
	for (size_t i = 0; i < n; i++) {
		bool own_line = print_comment(p, &c[i], after);
		uint32_t to = i + 1 < n ? c[i + 1].off : next;

		after = c[i].off + c[i].len;
		if (!between)
			p->gap = GAP_LINE;
		else if (own_line)
			p->gap = count_lines(p, after, to) > 1 ? GAP_BLANK
							       : GAP_LINE;
	}
}

static bool
may_drop(enum token_kind kind)
{
	return kind == TOKEN_COMMA || kind == TOKEN_LPAREN ||
	       kind == TOKEN_RPAREN;
}

static bool
is_same(const struct printer *p, struct token t, struct str text)
{
	struct str written = source_text(&p->t->source, t.off, t.len);

	if (!may_drop(t.kind))
		return true;
	return str_eq(written, text);
}

/* Move the source past the token that prints as `text`, and put out what
 * comments were on the way. */
static void
follow_source(struct printer *p, struct str text)
{
	uint32_t after = p->source.at;
	struct token t;

	do
		t = lex_next(&p->source);
	while (t.kind != TOKEN_END && !is_same(p, t, text));
	if (!buf_ok(&p->comments))
		p->out->failed = true;
	else if (p->comments.n)
		print_comments(p, after, t.off);
	p->comments.n = 0;
}

static void
print_str(struct printer *p, struct str text)
{
	if (is_full(p))
		return;
	if (p->with_comments)
		follow_source(p, text);
	close_gap(p);
	buf_add(p->out, text);
}

static void
print_text(struct printer *p, const char *text)
{
	print_str(p, str_of(text));
}

static void
space(struct printer *p)
{
	if (p->gap < GAP_SPACE)
		p->gap = GAP_SPACE;
}

static void
line(struct printer *p)
{
	if (p->flat) {
		space(p);
		return;
	}
	p->gap_indent = p->indent;
	if (p->gap < GAP_LINE)
		p->gap = GAP_LINE;
}

static void
set_indent(struct printer *p, uint32_t indent)
{
	p->indent = p->comment_indent = indent;
}

/* The line of a closing bracket: comments before it belong to what is inside.
 */
static void
close_line(struct printer *p, uint32_t indent)
{
	p->comment_indent = p->indent;
	p->indent = indent;
	line(p);
}

static void
close_text(struct printer *p, const char *text)
{
	print_text(p, text);
	p->comment_indent = p->indent;
}

/* ---- parts -----------------------------------------------------------------
 */

static struct str
string_at(const struct printer *p, uint32_t i)
{
	return p->t->strings[i];
}

static void
print_quoted(struct printer *p, struct str s)
{
	struct buf b = { 0 };

	buf_byte(&b, '"');
	literal_escape(&b, s, LITERAL_STRING);
	buf_byte(&b, '"');
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}

/* `A::B` is several tokens: a comment may stand between any two. */
static void
print_name(struct printer *p, struct str name)
{
	for (size_t from = 0, to; from <= name.n; from = to + 2) {
		to = str_find(name, ':', from);
		if (from > 0)
			print_text(p, "::");
		print_str(p, str_sub(name, from, to));
	}
}

static bool
is_plain_field(struct str s)
{
	enum keyword k = lex_keyword(s);

	return lex_is_identifier(s) && !lex_is_reserved(k) && k != KW_CEDAR;
}

static void
print_path_part(struct buf *b, const struct ast_part *part)
{
	struct buf inner = { 0 };

	buf_addz(&inner, ast_var_name(part->var));
	for (uint32_t i = 0; i < part->n_path; i++) {
		if (is_plain_field(part->path[i])) {
			buf_byte(&inner, '.');
			buf_add(&inner, part->path[i]);
			continue;
		}
		buf_addz(&inner, "[\"");
		literal_escape(&inner, part->path[i], LITERAL_STRING);
		buf_addz(&inner, "\"]");
	}
	buf_addz(b, "${");
	literal_escape(b, buf_str(&inner), LITERAL_STRING);
	buf_byte(b, '}');
	if (!buf_ok(&inner))
		b->failed = true;
	buf_free(&inner);
}

static void
print_pattern(struct printer *p, uint32_t node, bool in_scope)
{
	const struct ast_node *n = &p->t->nodes[node];
	struct buf b = { 0 };

	buf_byte(&b, '"');
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_part *part = &p->t->parts[n->a + i];

		if (part->kind == PART_STAR)
			buf_byte(&b, '*');
		else if (part->kind == PART_PATH)
			print_path_part(&b, part);
		else
			literal_escape(&b, part->literal,
			    in_scope ? LITERAL_SCOPE : LITERAL_PATTERN);
	}
	buf_byte(&b, '"');
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}

static void
print_entity(struct printer *p, const struct ast_node *n)
{
	struct uid uid;

	if (n->kind == NODE_SLOT && !p->link) {
		print_text(
		    p, n->op == VAR_RESOURCE ? "?resource" : "?principal");
		return;
	}
	if (n->kind == NODE_SLOT)
		uid = p->link->slot[n->op == VAR_RESOURCE];
	else
		uid = (struct uid){ string_at(p, n->a), string_at(p, n->b) };
	print_name(p, uid.type);
	print_text(p, "::");
	print_quoted(p, uid.id);
}

/* The minus of a folded number is a token of its own. */
static void
print_long(struct printer *p, const struct ast_node *n)
{
	int64_t value = p->t->longs[n->a];
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	struct buf b = { 0 };

	buf_printf(&b, "%llu", (unsigned long long)size);
	/* `-0` keeps its sign. */
	if (value < 0 || (value == 0 && !p->t->is_json &&
			     p->t->source.text.p[n->off] == '-'))
		print_text(p, "-");
	if (!buf_ok(&b))
		p->out->failed = true;
	print_str(p, buf_str(&b));
	buf_free(&b);
}

/* ---- does it fit? ----------------------------------------------------------
 */

static void print_expr(struct printer *p, uint32_t node);

static bool
has_comment(const struct printer *p, uint32_t off, uint32_t end)
{
	uint32_t low = 0, high = p->t->n_comments;

	if (!p->with_comments)
		return false;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (p->t->comments[mid].off < off)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->t->n_comments && p->t->comments[low].off < end;
}

/* A printer that lays all on one line and gives up after `room` columns. */
static struct printer
measuring(const struct printer *p, struct buf *out, size_t room)
{
	return (struct printer){ .t = p->t,
		.link = p->link,
		.out = out,
		.flat = true,
		/* A column is at most four bytes. */
		.limit = room * 4 + 1 };
}

static bool
ends_within(struct printer *p, struct printer *m, size_t room)
{
	bool fits = buf_ok(m->out) && !is_full(m) && column(m) <= room;

	if (!buf_ok(m->out))
		p->out->failed = true;
	buf_free(m->out);
	buf_free(&m->spine);
	return fits;
}

/* Whether node fits on the current line with `after` more columns. */
static bool
fits(struct printer *p, uint32_t node, size_t after)
{
	const struct ast_node *n = &p->t->nodes[node];
	size_t used = column(p) + after + (p->gap == GAP_SPACE);
	struct buf out = { 0 };
	struct printer m;

	if (p->flat)
		return true;
	if (has_comment(p, n->off, n->off + n->len))
		return false;
	if (p->gap >= GAP_LINE)
		used = p->gap_indent * INDENT + after;
	if (used >= WIDTH)
		return false;
	m = measuring(p, &out, WIDTH - used);
	print_expr(&m, node);
	return ends_within(p, &m, WIDTH - used);
}

/* ---- expressions -----------------------------------------------------------
 */

/* What a list's item does: print one of `kids`. */
static void
print_items(struct printer *p, const uint32_t *kids, uint32_t n)
{
	uint32_t indent = p->indent;

	if (!p->flat)
		set_indent(p, indent + 1);
	for (uint32_t i = 0; i < n && !is_full(p); i++) {
		if (i > 0 || !p->flat)
			line(p);
		if (i == 0 && p->flat)
			p->gap = GAP_NONE;
		print_expr(p, kids[i]);
		if (i + 1 < n)
			print_text(p, ",");
	}
	if (!p->flat)
		close_line(p, indent);
}

/* Brackets around a list; an empty one stays closed up. */
static void
print_list(struct printer *p, const char *open, const uint32_t *kids,
    uint32_t n, const char *close)
{
	print_text(p, open);
	if (n > 0)
		print_items(p, kids, n);
	close_text(p, close);
}

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
		set_indent(p, indent + 1);
	print_expr(p, node);
	if (!p->flat)
		set_indent(p, indent);
}

static void
print_attr(struct printer *p, const struct ast_node *n)
{
	if (n->op) {
		print_text(p, "[");
		print_quoted(p, string_at(p, n->b));
		print_text(p, "]");
	} else {
		print_text(p, ".");
		print_str(p, string_at(p, n->b));
	}
}

static void
print_has(struct printer *p, const struct ast_node *n)
{
	space(p);
	print_text(p, "has");
	space(p);
	for (uint32_t i = 0; i < n->c; i++) {
		struct str name = string_at(p, p->t->kids[n->b + i]);

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
	space(p);
	print_text(p, "is");
	space(p);
	print_name(p, string_at(p, n->b));
	if (!n->c)
		return;
	space(p);
	print_text(p, "in");
	space(p);
	print_expr(p, n->c);
}

/* What follows the left part of a node. */
static void
print_suffix(struct printer *p, const struct ast_node *n)
{
	const uint32_t *kids = p->t->kids;

	switch ((int)n->kind) {
	case NODE_BINARY:
		space(p);
		print_text(p, ast_op_text(n->op));
		if (level_of(n) == 3)
			space(p);
		else
			line(p);
		print_operand(p, n->b);
		break;
	case NODE_ATTR:
		print_attr(p, n);
		break;
	case NODE_HAS:
		print_has(p, n);
		break;
	case NODE_LIKE:
		space(p);
		print_text(p, "like");
		space(p);
		print_pattern(p, n->b, false);
		break;
	case NODE_IS:
		print_is(p, n);
		break;
	case NODE_MATCHES:
		space(p);
		print_text(p, "matches");
		space(p);
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
		print_expr(p, left);
	while (buf_ok(&p->spine) && p->spine.n > base) {
		const struct ast_node *n = &p->t->nodes[pop(p)];

		if (!is_full(p))
			print_suffix(p, n);
	}
}

static void
print_if(struct printer *p, const struct ast_node *n)
{
	print_text(p, "if");
	space(p);
	print_expr(p, n->a);
	line(p);
	print_text(p, "then");
	space(p);
	print_expr(p, n->b);
	line(p);
	print_text(p, "else");
	space(p);
	print_expr(p, n->c);
}

static void
print_field(struct printer *p, const struct ast_node *n)
{
	struct str name = string_at(p, n->a);

	if (is_plain_field(name))
		print_str(p, name);
	else
		print_quoted(p, name);
	print_text(p, ":");
	space(p);
	print_expr(p, n->b);
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
		print_quoted(p, string_at(p, n->a));
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

static void
print_expr(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];
	bool was_flat = p->flat;

	if (is_full(p))
		return;
	/* Room for a comma, a closing bracket or an operator. */
	p->flat = fits(p, node, 3);
	if (left_of(p->t, n))
		print_chain(p, node);
	else
		print_other(p, n);
	p->flat = was_flat;
}

/* ---- scopes ----------------------------------------------------------------
 */

static void
print_not(struct printer *p, const struct ast_node *n)
{
	if (!n->negated)
		return;
	print_text(p, "not");
	space(p);
}

static void
print_types(struct printer *p, const struct ast_node *n)
{
	if (n->c)
		print_text(p, "[");
	for (uint32_t i = 0; i < n->b; i++) {
		print_name(p, string_at(p, p->t->kids[n->a + i]));
		if (i + 1 < n->b) {
			print_text(p, ",");
			space(p);
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
		space(p);
		print_expr(p, n->a);
		break;
	case NODE_TEST_IN:
		print_not(p, n);
		print_text(p, "in");
		space(p);
		if (n->c)
			print_list(p, "[", &p->t->kids[n->a], n->b, "]");
		else
			print_expr(p, p->t->kids[n->a]);
		break;
	case NODE_TEST_IS:
		print_text(p, "is");
		space(p);
		print_not(p, n);
		print_types(p, n);
		break;
	default:
		print_not(p, n);
		print_text(p, "like");
		space(p);
		print_name(p, string_at(p, n->a));
		print_text(p, "::");
		print_pattern(p, n->b, true);
	}
}

static void
print_element(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];

	print_text(p, ast_var_name(n->op));
	for (uint32_t i = 0; i < n->b; i++) {
		space(p);
		print_test(p, &p->t->nodes[p->t->kids[n->a + i]]);
	}
}

/* An element on a line of its own: flat when it fits there. */
static void
print_element_line(struct printer *p, uint32_t node)
{
	const struct ast_node *n = &p->t->nodes[node];
	size_t room = WIDTH - p->indent * INDENT - 1;
	struct buf out = { 0 };
	struct printer m = measuring(p, &out, room);

	line(p);
	print_element(&m, node);
	p->flat = ends_within(p, &m, room) &&
		  !has_comment(p, n->off, n->off + n->len);
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
	struct lexer lx = { p->t->source.text, last->off + last->len, NULL };
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
	space(p);
	print_text(p, "(");
	for (unsigned i = 0; i < 3; i++) {
		print_element(p, policy->scope[i]);
		if (i < 2) {
			print_text(p, ",");
			space(p);
		}
	}
	print_scope_close(p, policy);
}

static void
print_scope_lines(struct printer *p, const struct ast_policy *policy)
{
	print_text(p, effect_of(policy));
	space(p);
	print_text(p, "(");
	set_indent(p, 1);
	for (unsigned i = 0; i < 3; i++) {
		print_element_line(p, policy->scope[i]);
		if (i < 2)
			print_text(p, ",");
	}
	close_line(p, 0);
	print_scope_close(p, policy);
	p->comment_indent = p->indent;
}

static void
print_scope(struct printer *p, const struct ast_policy *policy)
{
	struct buf out = { 0 };
	struct printer m = measuring(p, &out, WIDTH - 1);

	print_scope_flat(&m, policy);
	p->flat = ends_within(p, &m, WIDTH - 1) &&
		  !has_comment(p, policy->head_off, scope_end(p, policy));
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

	line(p);
	print_text(p, n->kind == NODE_WHEN ? "when" : "unless");
	space(p);
	print_text(p, "{");
	space(p);
	p->flat = !has_comment(p, n->off, n->off + n->len) && fits(p, n->a, 3);
	if (!p->flat)
		set_indent(p, 1);
	line(p);
	print_expr(p, n->a);
	if (p->flat)
		space(p);
	else
		close_line(p, 0);
	close_text(p, "}");
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
	line(p);
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
	size_t room = WIDTH - 1;
	struct printer m = measuring(p, &out, room);
	const uint32_t *kids = &p->t->kids[set->first];

	buf_addz(&out, "indivisible ");
	buf_addz(&out, ast_var_name(set->var));
	print_list(&m, " [", kids, set->n, "]");
	p->flat = ends_within(p, &m, room) &&
		  !has_comment(p, set->off, set->off + set->len);
	print_text(p, "indivisible");
	space(p);
	print_text(p, ast_var_name(set->var));
	space(p);
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
	follow_source(&p, STR(""));
	if (out->n > 0)
		buf_byte(out, '\n');
	buf_free(&p.comments);
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
