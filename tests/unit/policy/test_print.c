/* Printing: parse(print(x)) == x over all conformance policies, idempotence,
 * comments. Layouts are in tests/golden/ok. */
#include "policy/set.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "policy/lex.h"
#include "tests/lib/run.h"

static struct ast *
parse(struct arena *a, struct str text, enum policy_dialect dialect)
{
	struct source source;
	struct error e = { 0 };
	struct errors errors = { 0 };
	struct ast *t = NULL;

	ck_assert(source_init(a, "f", text, &source, &e));
	ck_assert_msg(parse_policies(a, &source, dialect, &t, &errors),
	    "%.*s\n%u:%u %s", STR_ARG(text), errors.e[0].at.line,
	    errors.e[0].at.col, errors.e[0].msg);
	return t;
}

static bool
same_part(const struct ast_part *a, const struct ast_part *b)
{
	bool same = a->kind == b->kind && a->var == b->var &&
		    a->n_path == b->n_path && str_eq(a->literal, b->literal);

	for (uint32_t i = 0; same && i < a->n_path; i++)
		same = str_eq(a->path[i], b->path[i]);
	return same;
}

static bool
same_nodes(const struct ast *a, const struct ast *b)
{
	bool same = a->n_nodes == b->n_nodes;

	for (uint32_t i = 0; same && i < a->n_nodes; i++) {
		const struct ast_node *x = &a->nodes[i], *y = &b->nodes[i];

		same = x->kind == y->kind && x->op == y->op &&
		       x->negated == y->negated && x->a == y->a &&
		       x->b == y->b && x->c == y->c;
	}
	return same;
}

static bool
same_policies(const struct ast *a, const struct ast *b)
{
	bool same = a->n_policies == b->n_policies &&
		    a->n_annotations == b->n_annotations;

	for (uint32_t i = 0; same && i < a->n_policies; i++) {
		const struct ast_policy *x = &a->policies[i];
		const struct ast_policy *y = &b->policies[i];

		same = x->word == y->word &&
		       x->first_annotation == y->first_annotation &&
		       x->n_annotations == y->n_annotations &&
		       memcmp(x->scope, y->scope, sizeof x->scope) == 0 &&
		       x->first_cond == y->first_cond &&
		       x->n_conds == y->n_conds;
	}
	for (uint32_t i = 0; same && i < a->n_annotations; i++)
		same =
		    str_eq(a->annotations[i].name, b->annotations[i].name) &&
		    str_eq(a->annotations[i].value, b->annotations[i].value) &&
		    a->annotations[i].has_value == b->annotations[i].has_value;
	return same;
}

/* Parsing numbers nodes in the order of the text, so equal trees are equal
 * arrays. */
static bool
same_ast(const struct ast *a, const struct ast *b)
{
	bool same = same_nodes(a, b) && same_policies(a, b) &&
		    a->n_strings == b->n_strings && a->n_longs == b->n_longs &&
		    a->n_kids == b->n_kids && a->n_parts == b->n_parts &&
		    a->n_indivisibles == b->n_indivisibles;

	for (uint32_t i = 0; same && i < a->n_strings; i++)
		same = str_eq(a->strings[i], b->strings[i]);
	for (uint32_t i = 0; same && i < a->n_longs; i++)
		same = a->longs[i] == b->longs[i];
	for (uint32_t i = 0; same && i < a->n_kids; i++)
		same = a->kids[i] == b->kids[i];
	for (uint32_t i = 0; same && i < a->n_parts; i++)
		same = same_part(&a->parts[i], &b->parts[i]);
	for (uint32_t i = 0; same && i < a->n_indivisibles; i++)
		same = a->indivisibles[i].var == b->indivisibles[i].var &&
		       a->indivisibles[i].first == b->indivisibles[i].first &&
		       a->indivisibles[i].n == b->indivisibles[i].n;
	return same;
}

/* No trailing blanks, one line end at the end. */
static void
check_form(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		ck_assert_msg(s.p[i] != '\n' || s.p[i - 1] != ' ',
		    "a line ends in a blank:\n%.*s", STR_ARG(s));
	ck_assert(s.n == 0 ||
		  (s.p[s.n - 1] == '\n' && (s.n < 2 || s.p[s.n - 2] != '\n')));
}

/* With and without comments; both give back the tree, and stay as they are. */
static void
check_round_trip(struct str text, enum policy_dialect dialect)
{
	struct arena *a = arena_new(0);
	struct ast *t = parse(a, text, dialect), *back;
	struct buf whole = { 0 }, again = { 0 }, single = { 0 };

	print_ast(t, &whole);
	back = parse(a, buf_str(&whole), dialect);
	ck_assert_msg(
	    same_ast(t, back), "%.*s\nbecame\n%s", STR_ARG(text), whole.p);
	print_ast(back, &again);
	ck_assert_msg(str_eq(buf_str(&whole), buf_str(&again)), "%s\nthen\n%s",
	    whole.p, again.p);
	check_form(buf_str(&whole));
	for (uint32_t i = 0; i < t->n_policies; i++)
		print_policy(t, i, &single);
	if (t->n_indivisibles == 0)
		ck_assert(same_ast(t, parse(a, buf_str(&single), dialect)));
	buf_free(&whole);
	buf_free(&again);
	buf_free(&single);
	arena_free(a);
}

#define ANY "permit(principal,action,resource)"

static const struct str rows[] = {
	STR_INIT(""),
	STR_INIT(ANY ";"),
	STR_INIT(ANY "when{\"\\0\\n\\u{7f}\\u{202e}\\u{fffd}\xc3\xb6*${x}\"=="
		     "\"a\nb\"};"),
	STR_INIT(ANY "when{\"\"like\"\\*\\\\*\\\\\\*\\u{2a}$\\x24{\"};"),
	STR_INIT("permit(principal like A::\"\\*\\${\\$\\x24{$\\x7b\",action,"
		 "resource);"),
	STR_INIT("permit(principal like A::\"${action}${context.a[\\\"\\\\n "
		 "\\\\\\\"}\\\"].b}\",action,resource);"),
	STR_INIT(
	    ANY "when{{\"if\":1,\"a b\":2,a:3,\"__cedar\":4,\"\":5}=={}};"),
	STR_INIT(ANY "when{-0==0&&-00==0&&--1==- 1&&-(1)==-1.a};"),
	STR_INIT(ANY "when{principal has\"a\"&&principal has a.b};"),
	STR_INIT(ANY "when{ip().isIpv4(1,2)==a::b::\"\"};"),
	STR_INIT("@a @b(\"\")@if(\"\\\"\")" ANY ";indivisible action "
		 "[Action::\"x\"];" ANY ";"),
	STR_INIT("//\r//\xe2\x80\xa8x \n" ANY "//\n;//"),
};

START_TEST(printing_keeps_the_tree)
{
	struct errors e = { 0 };
	struct buf out = { 0 };

	/* A row that does not parse shows nothing. */
	if (str_find(rows[_i], '{', 0) < rows[_i].n &&
	    !policy_format("f", rows[_i], POLICY_AVOW, &out, &e)) {
		ck_assert_int_ne(e.e[0].code, ERR_NONE);
		ck_abort_msg("row %d: %u:%u %s", _i, e.e[0].at.line,
		    e.e[0].at.col, e.e[0].msg);
	}
	buf_free(&out);
	check_round_trip(rows[_i], POLICY_AVOW);
}
END_TEST

/* Policies whose tokens get a comment between any two. */
static const char *const commented[] = {
	"@id(\"x\") @note permit (principal is A::B in G::\"g\", action in "
	"[Action::\"a\", Action::\"b\",], resource) when { principal.a[\"b "
	"c\"].d has e.f && !(context.x == -1 || [1, 2,] == []) } unless { "
	"{a: 1, \"b\": ip(\"10.0.0.1\").isInRange(context.r),} == {} };",
	"deny (principal is not [A, B] not in [G::\"g\"], action != "
	"Action::\"a\", resource not like P::\"a*${principal.b}\");\n"
	"indivisible action [Action::\"a\", Action::\"b\"];",
	"permit (principal, action, resource) when { if context.a then "
	"context.b + 1 * 2 - 3 < 4 else principal is A in G::\"g\" } when { "
	"context.s like \"a*\" && context.s matches \"a.*\" || "
	"context.t.anyLike(\"b*\") };",
	"forbid (principal == (A::\"x\"), action, resource in ((R::\"r\")),) "
	"when { ((context.a)) && principal.tags.containsAll([\"" /* long */
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"\", \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]) };",
};

/* The text with `//N` and a line end before token `at` of it. */
static bool
add_comment(struct buf *out, struct str text, size_t at, const char *before)
{
	struct lexer lx = { .text = text };
	struct token t = { .kind = TOKEN_BAD };

	for (size_t i = 0; i <= at && t.kind != TOKEN_END; i++)
		t = lex_next(&lx);
	if (t.kind == TOKEN_END)
		return false;
	buf_add(out, str_sub(text, 0, t.off));
	buf_printf(out, "%s//%zu\n", before, at);
	buf_add(out, str_sub(text, t.off, text.n));
	return true;
}

/* The comments in their order. */
static void
list_comments(struct buf *out, struct str text)
{
	struct buf found = { 0 };
	struct lexer lx = { text, 0, &found };
	struct token t;

	do {
		size_t before = found.n;

		t = lex_next(&lx);
		for (size_t i = before; i < found.n;
		     i += sizeof(struct ast_comment)) {
			const struct ast_comment *c =
			    (const struct ast_comment *)(const void *)(found.p +
								       i);

			buf_add(out, str_sub(text, c->off, c->off + c->len));
			buf_byte(out, '\n');
		}
	} while (t.kind != TOKEN_END);
	buf_free(&found);
}

static void
check_comments(struct str text)
{
	struct buf out = { 0 }, before = { 0 }, after = { 0 };
	struct arena *a = arena_new(0);
	struct ast *t = parse(a, text, POLICY_AVOW);

	print_ast(t, &out);
	ck_assert_uint_eq(
	    t->n_comments, parse(a, buf_str(&out), POLICY_AVOW)->n_comments);
	list_comments(&before, text);
	list_comments(&after, buf_str(&out));
	/* Lists of none are equal. */
	ck_assert_msg(str_eq(buf_str(&before), buf_str(&after)),
	    "%.*s\nbecame\n%s", STR_ARG(text), out.p);
	check_round_trip(text, POLICY_AVOW);
	buf_free(&out);
	buf_free(&before);
	buf_free(&after);
	arena_free(a);
}

START_TEST(comments_stay_everywhere)
{
	static const char *const befores[] = { "", "\n", "\n\n\n" };
	struct buf all = { 0 }, next = { 0 };

	/* One, at each place in turn; then one at all places. */
	for (size_t b = 0; b < ARRAY_LEN(befores); b++) {
		struct str text = str_of(commented[_i]);
		size_t i;

		for (i = 0;; i++) {
			struct buf one = { 0 };
			bool more = add_comment(&one, text, i, befores[b]);

			if (more)
				check_comments(buf_str(&one));
			buf_free(&one);
			if (!more)
				break;
		}
		ck_assert_uint_gt(i, 40);
		buf_free(&all);
		buf_add(&all, text);
		while (i-- > 0) {
			ck_assert(
			    add_comment(&next, buf_str(&all), i, befores[b]));
			buf_free(&all);
			all = next;
			next = (struct buf){ 0 };
		}
		check_comments(buf_str(&all));
	}
	buf_free(&all);
}
END_TEST

START_TEST(comments_stay)
{
	/* Each comment between the same two tokens as before. */
	static const char *const words[] = { "permit", "(", "principal",
		"==", "A", "::", "\"x\"", ",", "action", ",", "resource", ")",
		"when", "{", "principal", ".", "a", "&&", "[", "1", ",", "2",
		"]", ".", "contains", "(", "-", "1", ")", "}", ";" };
	struct buf text = { 0 }, out = { 0 }, bare = { 0 };
	struct errors e = { 0 };
	struct str got;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if ((size_t)_i == i)
			buf_addz(&text, _i % 2 ? "// here\n" : "\n//here\n");
		buf_addz(&text, words[i]);
		buf_byte(&text, ' ');
	}
	ck_assert_msg(policy_format("f", buf_str(&text), POLICY_AVOW, &out, &e),
	    "%s", e.e[0].msg);
	got = buf_str(&out);
	for (size_t i = 0, skip = 0; i < got.n; i++) {
		if (got.p[i] == '/' && i + 1 < got.n && got.p[i + 1] == '/')
			skip = 1;
		if (skip && got.p[i] != '\n')
			continue;
		if (skip)
			buf_byte(&bare, '|');
		skip = 0;
		if (got.p[i] != ' ' && got.p[i] != '\n')
			buf_byte(&bare, got.p[i]);
	}
	buf_free(&text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if ((size_t)_i == i)
			buf_byte(&text, '|');
		buf_addz(&text, words[i]);
	}
	ck_assert_str_eq(bare.p, text.p);
	check_round_trip(got, POLICY_AVOW);
	buf_free(&text);
	buf_free(&out);
	buf_free(&bare);
}
END_TEST

/* Every policy text of a file of cases: plain, or compressed with xz. Of the
 * largest file each fifth, unless ROUND_TRIPS is `all`. */
static void
check_cases(const char *name)
{
	const char *path = testdata(name);
	size_t cap = 0, n = 0, step = strstr(name, "extra") ? 5 : 1;
	char *line = NULL, command[1024];
	FILE *in;

	if (!path)
		return;
	if (getenv("ROUND_TRIPS") && !strcmp(getenv("ROUND_TRIPS"), "all"))
		step = 1;
	snprintf(command, sizeof command, "%s '%s'",
	    strstr(name, ".xz") ? "xz -dc" : "cat", path);
	in = popen(command, "r");
	ck_assert_ptr_nonnull(in);
	for (ssize_t len; (len = getline(&line, &cap, in)) > 0; n++) {
		struct error e = { 0 };
		json_t *row = NULL;

		if (n % step != 0)
			continue;
		ck_assert_msg(json_parse((struct str){ line, (size_t)len },
				  name, 1u << 26, 64, JSON_DATA_FILE, &row, &e),
		    "%s", e.msg);
		check_round_trip(
		    json_str(json_object_get(row, "policies")), POLICY_CEDAR);
		json_decref(row);
	}
	printf("%s: %zu policy texts printed and read again\n", name,
	    (n + step - 1) / step);
	free(line);
	if (pclose(in) != 0 || n == 0)
		skip("%s cannot be read (no xz?)", name);
}

static const char *const cases[] = { "conformance/cedar/traps.jsonl",
	"conformance/cedar/handwritten.jsonl",
	"conformance/cedar/corpus.jsonl.xz",
	"conformance/cedar/corpus-extra.jsonl.xz" };

START_TEST(conformance_policies_round_trip)
{
	check_cases(cases[_i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("print");
	TCase *tc = tcase_create("print");

	json_setup();
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, printing_keeps_the_tree, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, comments_stay, 0, 31);
	tcase_add_loop_test(
	    tc, comments_stay_everywhere, 0, (int)ARRAY_LEN(commented));
	tcase_add_loop_test(
	    tc, conformance_policies_round_trip, 0, ARRAY_LEN(cases));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
