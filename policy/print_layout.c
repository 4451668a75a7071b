/* print_layout.c - tokens put out one after the other: gaps, lines and
 * comments. For comments the source is read again in step with the tokens
 * printed: before each token the comments that stand before it in the source
 * are put out. Tokens that the canon drops (trailing commas, parentheses around
 * a scope's entity) are passed over. So no comment is lost or changes its order
 * with a token. Cost: O(text). */
#include "policy/print.h"

size_t
print_column(const struct printer *p)
{
	size_t bytes = p->out->n - p->line_start;

	if (bytes > PRINT_WIDTH * 4)
		return PRINT_WIDTH + 1;
	return str_utf8_len(str_sub(buf_str(p->out), p->line_start, p->out->n));
}

bool
print_is_full(const struct printer *p)
{
	return p->limit && p->out->n > p->limit;
}

static void
new_line(struct printer *p, uint32_t indent)
{
	buf_byte(p->out, '\n');
	p->line_start = p->out->n;
	for (uint32_t i = 0; i < indent * PRINT_INDENT; i++)
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

void
print_follow(struct printer *p, struct str text)
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

void
print_str(struct printer *p, struct str text)
{
	if (print_is_full(p))
		return;
	if (p->with_comments)
		print_follow(p, text);
	close_gap(p);
	buf_add(p->out, text);
}

void
print_text(struct printer *p, const char *text)
{
	print_str(p, str_of(text));
}

void
print_space(struct printer *p)
{
	if (p->gap < GAP_SPACE)
		p->gap = GAP_SPACE;
}

void
print_line(struct printer *p)
{
	if (p->flat) {
		print_space(p);
		return;
	}
	p->gap_indent = p->indent;
	if (p->gap < GAP_LINE)
		p->gap = GAP_LINE;
}

void
print_set_indent(struct printer *p, uint32_t indent)
{
	p->indent = p->comment_indent = indent;
}

void
print_close_line(struct printer *p, uint32_t indent)
{
	p->comment_indent = p->indent;
	p->indent = indent;
	print_line(p);
}

void
print_close_text(struct printer *p, const char *text)
{
	print_text(p, text);
	p->comment_indent = p->indent;
}

bool
print_has_comment(const struct printer *p, uint32_t off, uint32_t end)
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

struct printer
print_measure(const struct printer *p, struct buf *out, size_t room)
{
	return (struct printer){ .t = p->t,
		.link = p->link,
		.out = out,
		.flat = true,
		/* A column is at most four bytes. */
		.limit = room * 4 + 1 };
}

bool
print_ends_within(struct printer *p, struct printer *m, size_t room)
{
	bool fits =
	    buf_ok(m->out) && !print_is_full(m) && print_column(m) <= room;

	if (!buf_ok(m->out))
		p->out->failed = true;
	buf_free(m->out);
	buf_free(&m->spine);
	return fits;
}
