/* Going on after an error: files of good policies get 1 to 5 faults of one
 * token each, in parts that do not touch, and exactly as many messages come.
 * Which single fault is an error at all is asked first, for each token of each
 * part and each kind of fault. FAULTS=1 prints the single faults that do not
 * give one message. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/lex.h"
#include "tests/lib/run.h"

/* One policy, in its parts; `%` stands for an operand. */
static const char *const frame[] = { "@id(\"one\")", "permit", "(",
	"principal is App::User in App::Group::\"g\"", ",",
	"action in [Action::\"a\", Action::\"b\"]", ",",
	"resource == Doc::\"d\"", ")", "\nwhen", "{", "%", "&&", "%", "||", "%",
	"}", "\nunless", "{", "%", "}", ";\n" };

static const char *const operands[] = {
	"principal.name == \"alice\"",
	"principal in Group::\"g\"",
	"context.a.b has c.d",
	"resource[\"x y\"] like \"a*b\"",
	"principal is App::User in App::Group::\"g\"",
	"[1, 2, 3].contains(context.n)",
	"!(context.a && context.b)",
	"{ a: 1, \"b c\": [true] } == context.r",
	"ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))",
	"context.n + 1 * -2 < 3 - context.m",
	"(if context.a then context.b else false)",
	"principal.tags.containsAll([\"a\", \"b\"])",
	"context.now > datetime(\"2026-01-01\")",
	"context.names.anyLike(\"a*\")",
	"context.name matches \"a.*\"",
	"(context.a || (context.b && context.c))",
};

/* What a token is replaced by; NULL: by nothing; "": by itself, twice. */
static const char *const replacements[] = { NULL, "", "foo", "=", "==", "&",
	",", ";", "\"x\"", "7", ".", "&&", "!", "in", "then", "'x'", "#", "and",
	")", "]", "}", "(", "[", "{" };

#define POLICIES 4u
#define PARTS (POLICIES * (unsigned)ARRAY_LEN(frame))
#define MOST 5u

struct fault {
	unsigned part;
	struct token at; /* in the part's text */
	const char *by;
};

static uint64_t seed = 1;

static unsigned
pick(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* The text of part `i` of the file; operands take turns from `first`. */
static const char *
part_text(unsigned i, unsigned first)
{
	const char *text = frame[i % ARRAY_LEN(frame)];

	if (text[0] != '%')
		return text;
	return operands[(first + i) % ARRAY_LEN(operands)];
}

static void
add_part(struct buf *out, const char *text, const struct fault *f)
{
	struct str s = str_of(text), own;

	if (!f) {
		buf_add(out, s);
		return;
	}
	own = str_sub(s, f->at.off, f->at.off + f->at.len);
	buf_add(out, str_sub(s, 0, f->at.off));
	if (f->by && !*f->by) {
		buf_add(out, own);
		buf_byte(out, ' ');
		buf_add(out, own);
	} else if (f->by) {
		buf_printf(out, " %s ", f->by);
	}
	buf_add(out, str_sub(s, f->at.off + f->at.len, s.n));
}

static void
make_file(struct buf *out, unsigned first, const struct fault *faults, size_t n)
{
	for (unsigned i = 0; i < PARTS; i++) {
		const struct fault *f = NULL;

		for (size_t j = 0; j < n; j++)
			if (faults[j].part == i)
				f = &faults[j];
		buf_byte(out, ' ');
		if (i % ARRAY_LEN(frame) == 0)
			buf_printf(out, "// %u\n", i);
		add_part(out, part_text(i, first), f);
	}
}

static size_t
count_errors(struct str text, struct errors *ret)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	bool ok = policy_set_add_text(set, "f", text, POLICY_AVOW, ret);

	policy_set_free(set);
	ck_assert(ok == (ret->n == 0));
	return ret->n + ret->dropped;
}

static size_t
count_tokens(const char *text, unsigned at, struct token *ret)
{
	struct lexer lx = { .text = str_of(text) };
	struct token t;
	size_t n = 0;

	while ((t = lex_next(&lx)).kind != TOKEN_END)
		if (n++ == at)
			*ret = t;
	return n;
}

static void
show(const char *what, struct str text, const struct fault *f, unsigned first,
    const struct errors *e)
{
	const char *part = part_text(f->part, first);

	printf("%s: `%s` at %u by `%s` in: %.*s\n", what, part, f->at.off,
	    f->by ? f->by : "(nothing)",
	    (int)(getenv("FAULTS")[0] == '2' ? text.n : 0), text.p);
	for (size_t i = 0; i < e->n; i++)
		printf("  %u:%u %s\n", e->e[i].at.line, e->e[i].at.col,
		    e->e[i].msg);
	fflush(stdout);
}

/* How many messages the fault gives on its own. */
static size_t
alone(const struct fault *f, unsigned first)
{
	struct buf text = { 0 };
	struct errors e = { 0 };
	size_t n;

	make_file(&text, first, f, 1);
	n = count_errors(buf_str(&text), &e);
	if (n > 1 && getenv("FAULTS"))
		show("alone", buf_str(&text), f, first, &e);
	buf_free(&text);
	return n;
}

/* Written over another token these make two mistakes of one: they group what
 * stands around them anew, or take away what was to be read. */
static const struct {
	const char *by, *reason;
} exceptions[] = {
	{ "=", "taken for `==`, whose operands are looked at" },
	{ "==", "compares what was to be one operand" },
	{ "in", "compares what was to be one operand" },
	{ "&", "taken for `&&`, which begins another operand" },
	{ "&&", "begins another operand" },
	{ "and", "taken for `&&`, which begins another operand" },
	{ "(", "opens what nothing closes" },
	{ "[", "opens what nothing closes" },
	{ "{", "opens what nothing closes" },
	{ ")", "closes what was to go on" },
	{ "]", "closes what was to go on" },
	{ "}", "closes what was to go on" },
	{ ",", "makes two of one" },
	{ ";", "ends what was to go on" },
	{ "\"x\"", "is the id of the entity that a type begins" },
	{ "'x'", "is the id of the entity that a type begins" },
	{ "#", "hides the rest of its line" },
};

static bool
is_exception(const struct fault *f)
{
	/* What closes it is left alone. */
	if (f->at.kind == TOKEN_LPAREN || f->at.kind == TOKEN_LBRACKET ||
	    f->at.kind == TOKEN_LBRACE)
		return true;
	/* What it closed goes on up to the end of the condition. */
	if (f->at.kind == TOKEN_RPAREN || f->at.kind == TOKEN_RBRACKET ||
	    f->at.kind == TOKEN_RBRACE || f->at.keyword == KW_ELSE)
		return f->by && *f->by;
	for (size_t i = 0; f->by && i < ARRAY_LEN(exceptions); i++)
		if (strcmp(exceptions[i].by, f->by) == 0)
			return true;
	return false;
}

struct tally {
	unsigned errors, more;
};

static void
try_token(unsigned part, unsigned first, unsigned token, struct tally *t)
{
	const char *text = part_text(part, first);

	for (size_t k = 0; k < ARRAY_LEN(replacements); k++) {
		struct fault f = { .part = part, .by = replacements[k] };
		size_t got;

		(void)count_tokens(text, token, &f.at);
		got = alone(&f, first);
		t->errors += got > 0;
		t->more += got > 1;
		ck_assert_msg(got < 2 || is_exception(&f),
		    "%zu messages for `%s` at %u by `%s`", got, text, f.at.off,
		    f.by ? f.by : "(nothing)");
	}
}

/* Every kind of fault in every token of the second policy. */
START_TEST(a_fault_gives_one_message)
{
	struct tally t = { 0 };
	unsigned from = ARRAY_LEN(frame), first = (unsigned)_i;
	struct token unused;

	for (unsigned i = from; i < 2 * from; i++) {
		size_t n = count_tokens(part_text(i, first), 0, &unused);

		for (unsigned j = 0; j < n; j++)
			try_token(i, first, j, &t);
	}
	if (getenv("FAULTS"))
		printf("%u faults, %u with more messages than one\n", t.errors,
		    t.more);
	ck_assert_uint_gt(t.errors, 1000);
	ck_assert_uint_le(t.more * 9, t.errors);
}
END_TEST

/* The scope of a policy is one part: where one of its elements cannot be read,
 * what separates them is not told apart any more. */
static bool
is_scope(unsigned part)
{
	return part % ARRAY_LEN(frame) >= 2 && part % ARRAY_LEN(frame) <= 8;
}

static bool
is_apart(const struct fault *faults, size_t n, unsigned part)
{
	for (size_t i = 0; i < n; i++) {
		unsigned a = faults[i].part;

		if (a + 3 > part && part + 3 > a)
			return false;
		if (is_scope(a) && is_scope(part) &&
		    a / ARRAY_LEN(frame) == part / ARRAY_LEN(frame))
			return false;
	}
	return true;
}

/* Without a closing bracket the operand goes on to the condition's end. */
static bool
is_close_in(const struct fault *f, unsigned first)
{
	return f->at.len < strlen(part_text(f->part, first)) &&
	       (f->at.kind == TOKEN_RPAREN || f->at.kind == TOKEN_RBRACKET ||
		   f->at.kind == TOKEN_RBRACE);
}

/* A fault that on its own gives one message, apart from those there are. */
static void
pick_fault(
    const struct fault *faults, size_t n, unsigned first, struct fault *ret)
{
	struct token unused;

	do {
		const char *text;

		ret->part = pick(PARTS);
		text = part_text(ret->part, first);
		(void)count_tokens(
		    text, pick(count_tokens(text, 0, &unused)), &ret->at);
		ret->by = replacements[pick(ARRAY_LEN(replacements))];
	} while (!is_apart(faults, n, ret->part) || alone(ret, first) != 1 ||
		 is_exception(ret) || is_close_in(ret, first));
}

#define FILES 400

START_TEST(independent_faults_are_all_reported)
{
	seed = (uint64_t)_i * 977 + 12345;
	for (int i = 0; i < FILES; i++) {
		struct fault faults[MOST];
		struct errors e = { 0 };
		struct buf text = { 0 };
		unsigned first = pick(ARRAY_LEN(operands));
		size_t n = 1 + pick(MOST), got;

		for (size_t j = 0; j < n; j++)
			pick_fault(faults, j, first, &faults[j]);
		make_file(&text, first, faults, n);
		got = count_errors(buf_str(&text), &e);
		for (size_t j = 0; j < n && got != n && getenv("FAULTS"); j++)
			show("together", buf_str(&text), &faults[j], first, &e);
		ck_assert_msg(got == n, "%zu messages for %zu faults:\n%s", got,
		    n, text.p);
		buf_free(&text);
	}
}
END_TEST

START_TEST(the_file_without_faults_is_good)
{
	struct errors e = { 0 };
	struct buf text = { 0 };

	make_file(&text, (unsigned)_i, NULL, 0);
	ck_assert_msg(count_errors(buf_str(&text), &e) == 0, "%u:%u %s\n%s",
	    e.e[0].at.line, e.e[0].at.col, e.e[0].msg, text.p);
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_recover");
	TCase *tc = tcase_create("parse_recover");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
	    tc, the_file_without_faults_is_good, 0, (int)ARRAY_LEN(operands));
	tcase_add_loop_test(
	    tc, a_fault_gives_one_message, 0, (int)ARRAY_LEN(operands));
	tcase_add_loop_test(tc, independent_faults_are_all_reported, 0, 5);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
