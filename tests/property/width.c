/* width.c - how wide formatted text is: no line is over 100 columns unless
 * something in it that cannot be broken (a string, a name with its id, a
 * number, a comment) is too long for a line at its indentation. */
#include "tests/property/width.h"

#include <stdio.h>

#include "policy/ast.h"
#include "policy/lex.h"
#include "tests/conformance/cases.h"
#include "tests/property/generate.h"

#define COLUMNS 100u
#define STEP 4u
#define SHOWN 12u

struct line {
	size_t from, to, indent;
};

static size_t
width_of(struct str text, size_t from, size_t to)
{
	return str_utf8_len(str_sub(text, from, to));
}

/* Is the run of bytes too long for a line that begins like this one? What must
 * stand behind it, a comma or brackets that close, counts. */
static bool
is_too_long(struct str text, const struct line *l, size_t from, size_t to)
{
	size_t indent = l->indent;

	if (from < l->from || to > l->to)
		return false;
	while (to < l->to && text.p[to] != ' ' && text.p[to] != '"')
		to++;
	/* On a line of its own it would stand a step farther in. */
	indent += from > l->from + indent ? STEP : 0;
	return indent + width_of(text, from, to) > COLUMNS;
}

/* Names run through `::` up to their id, and on through `["attribute"]`. */
static bool
continues_name(const struct token *before, const struct token *t)
{
	return before->off + before->len == t->off &&
	       (t->kind == TOKEN_PATH || before->kind == TOKEN_PATH ||
		   t->kind == TOKEN_LBRACKET || before->kind == TOKEN_LBRACKET);
}

/* In a scope the operator goes with what it takes. */
static bool
takes_operand(const struct token *t)
{
	return t->kind == TOKEN_EQ || t->kind == TOKEN_NE ||
	       t->keyword == KW_IN || t->keyword == KW_IS;
}

static bool
has_long_token(struct str text, const struct line *l)
{
	struct buf comments = { 0 };
	struct lexer lx = { .text = text, .comments = &comments };
	struct token t, before = { 0 };
	size_t from = 0, with_operator = 0, n;
	bool found = false;

	while (!found && (t = lex_next(&lx)).kind != TOKEN_END) {
		if (!continues_name(&before, &t)) {
			with_operator =
			    takes_operand(&before) ? before.off : t.off;
			from = t.off;
		}
		before = t;
		found =
		    is_too_long(text, l, from, (size_t)t.off + t.len) ||
		    is_too_long(text, l, with_operator, (size_t)t.off + t.len);
	}
	n = comments.n / sizeof(struct ast_comment);
	for (size_t i = 0; !found && i < n; i++) {
		const struct ast_comment *c =
		    &((const struct ast_comment *)(const void *)comments.p)[i];

		found = is_too_long(text, l, c->off, (size_t)c->off + c->len);
	}
	buf_free(&comments);
	return found;
}

static void
check_line(struct width_tally *tally, struct str text, const struct line *l)
{
	tally->lines++;
	/* An annotation is one word to the printer. */
	if (width_of(text, l->from, l->to) <= COLUMNS || text.p[l->from] == '@')
		return;
	tally->long_lines++;
	if (has_long_token(text, l))
		return;
	if (tally->wide++ < SHOWN)
		printf("%zu columns: %.*s\n", width_of(text, l->from, l->to),
		    STR_ARG(str_sub(text, l->from, l->to)));
}

void
width_check(
    struct width_tally *tally, struct str policies, enum policy_dialect dialect)
{
	struct buf out = { 0 };
	struct errors errors = { 0 };
	struct str text;

	if (!policy_format("p", policies, dialect, &out, &errors)) {
		tally->refused++;
		buf_free(&out);
		return;
	}
	text = buf_str(&out);
	tally->texts++;
	/* A string may hold line ends: its lines are counted as they come. */
	for (size_t at = 0; at < text.n;) {
		struct line l = { at, str_find(text, '\n', at), 0 };

		while (l.from + l.indent < l.to &&
		       text.p[l.from + l.indent] == ' ')
			l.indent++;
		check_line(tally, text, &l);
		at = l.to + 1;
	}
	buf_free(&out);
}

static void
check_case(void *ctx, struct arena *a, const struct test_case *c)
{
	(void)a;
	width_check(ctx, c->policies, POLICY_CEDAR);
}

bool
width_published(struct width_tally *tally, const char *path)
{
	struct error err = { 0 };

	if (cases_read(path, check_case, tally, &err))
		return true;
	printf("%s: %s\n", path, err.msg);
	return false;
}

void
width_generated(struct width_tally *tally, uint64_t seed, uint32_t n)
{
	struct arena *a = arena_new(0);

	for (uint32_t i = 0; a && i < n; i++) {
		struct generate_case c;
		struct generate g;
		struct buf text = { 0 };

		arena_reset(a);
		generate_init(&g, a, seed + i);
		generate_case(&g, &c);
		buf_add(&text, c.declarations);
		for (uint32_t k = 0; k < c.n_policies; k++)
			generate_text(&text, &c.policies[k]);
		width_check(tally, buf_str(&text), POLICY_AVOW);
		buf_free(&text);
	}
	arena_free(a);
}
