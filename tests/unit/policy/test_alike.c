/* test_alike.c - which units of a text stand in another as they were: what is
 * told makes the new text, and calls nothing old that is not. */
#include "policy/alike.h"

#include <stdlib.h>

#include "tests/lib/run.h"

/* Units end with a semicolon. */
#define UNITS_MAX 4096u

struct units {
	size_t ends[UNITS_MAX + 1]; /* [0] is 0 */
	struct buf plan;            /* `=FROM-TO` of the old units, `+TEXT` */
	struct buf made;            /* the new text, of what was told */
	uint32_t kept_to;           /* old units come in their order */
	uint32_t not_before;        /* of the new text; old ones stand behind */
	unsigned calls, fails_at;
};

static size_t
start(const struct alike *w, uint32_t unit)
{
	return ((const struct units *)w->of)->ends[unit];
}

/* Behind as many units of the new text. */
static bool
may_begin(const struct alike *w, uint32_t unit)
{
	const struct units *u = w->of;
	uint32_t n = 0;

	(void)unit;
	for (size_t i = 0; i < w->at; i++)
		n += w->now.p[i] == ';';
	return n >= u->not_before;
}

static bool
may_end(const struct alike *w, size_t at)
{
	return at == 0 || (at <= w->now.n && w->now.p[at - 1] == ';');
}

static bool
is_over(const struct alike *w)
{
	return str_find(w->now, ';', w->at) == w->now.n;
}

static bool
call(struct alike *w)
{
	struct units *u = w->of;

	return ++u->calls != u->fails_at;
}

static bool
take(struct alike *w)
{
	w->at = str_find(w->now, ';', w->at) + 1;
	return call(w);
}

static bool
add(struct alike *w, size_t from, size_t to)
{
	struct units *u = w->of;
	struct str text = str_sub(w->now, from, to);

	ck_assert_uint_eq(u->made.n, from);
	ck_assert_uint_lt(from, to);
	buf_add(&u->made, text);
	buf_printf(&u->plan, "+%.*s", STR_ARG(text));
	return call(w);
}

static bool
keep(struct alike *w, uint32_t to, size_t from, size_t *inout_end)
{
	struct units *u = w->of;
	struct str text = str_sub(w->old, from, *inout_end);

	ck_assert_uint_eq(u->made.n, w->at);
	ck_assert(w->unit < to && to <= w->n_units);
	ck_assert(w->unit >= u->kept_to);
	ck_assert_uint_eq(from, u->ends[w->unit]);
	ck_assert_uint_eq(*inout_end, u->ends[to]);
	u->kept_to = to;
	buf_add(&u->made, text);
	buf_printf(&u->plan, "=%u-%u", w->unit, to);
	return call(w);
}

static const struct alike_units kind = { start, may_begin, may_end, is_over,
	take, add, keep };

static bool
plan(struct units *u, struct str old, struct str now)
{
	struct alike w = { .units = &kind, .of = u, .old = old, .now = now };

	for (size_t at; (at = str_find(old, ';', u->ends[w.n_units])) < old.n;)
		u->ends[++w.n_units] = at + 1;
	alike_compare(&w);
	return alike_plan(&w);
}

static const struct {
	const char *note, *old, *now, *want;
	uint32_t not_before;
} cases[] = {
	{ "nothing, of nothing", "", "", "", 0 },
	{ "nothing, of something", "a;b;", "", "", 0 },
	{ "something, of nothing", "", "a;b;", "+a;b;", 0 },
	{ "the same", "a;b;c;", "a;b;c;", "=0-3", 0 },
	{ "one, the same", "a;", "a;", "=0-1", 0 },
	{ "one, another", "a;", "b;", "+b;", 0 },
	{ "the first is another", "a;b;c;", "x;b;c;", "+x;=1-3", 0 },
	{ "one between is another", "a;b;c;", "a;x;c;", "=0-1+x;=2-3", 0 },
	{ "the last is another", "a;b;c;", "a;b;x;", "=0-2+x;", 0 },
	{ "one more, first", "a;b;", "x;a;b;", "+x;=0-2", 0 },
	{ "one more, between", "a;b;", "a;x;b;", "=0-1+x;=1-2", 0 },
	{ "one more, last", "a;b;", "a;b;x;", "=0-2+x;", 0 },
	{ "the first is gone", "a;b;c;", "b;c;", "=1-3", 0 },
	{ "one between is gone", "a;b;c;", "a;c;", "=0-1=2-3", 0 },
	{ "the last is gone", "a;b;c;", "a;b;", "=0-2", 0 },
	{ "two change places", "a;b;", "b;a;", "=1-2+a;", 0 },
	{ "all change places", "a;b;c;", "c;b;a;", "=2-3+b;a;", 0 },
	{ "twice what was once", "a;b;", "a;a;b;", "=0-1+a;=1-2", 0 },
	{ "once what was twice", "a;a;b;", "a;b;", "=0-1=2-3", 0 },
	{ "longer at its end", "a;b;", "a;bb;", "=0-1+bb;", 0 },
	{ "longer at its beginning", "a;b;", "aa;b;", "+aa;=1-2", 0 },
	{ "shorter", "aa;bb;", "aa;b;", "=0-1+b;", 0 },
	{ "one of two parts", "ab;", "a;b;", "+a;b;", 0 },
	{ "two of one", "a;b;", "ab;", "+ab;", 0 },
	{ "nobody's text behind", "a;b;", "a;b;c", "=0-2", 0 },
	{ "and before, too", "a;b;c", "a;c", "=0-1", 0 },
	/* The same bytes mean something else there. */
	{ "may not stand first", "a;b;c;", "a;b;c;", "+a;=1-3", 1 },
	{ "may not stand anywhere", "a;b;c;", "a;b;c;", "+a;b;c;", 9 },
	/* Eight that went are looked over, more are not. */
	{ "eight are gone", "0;1;2;3;4;5;6;7;a;b;", "a;x;", "=8-9+x;", 0 },
	{ "nine are gone", "0;1;2;3;4;5;6;7;8;a;b;", "a;x;", "+a;x;", 0 },
	{ "nine, but the end is the same", "0;1;2;3;4;5;6;7;8;a;b;", "a;b;",
	    "=9-11", 0 },
};

static struct units *
new_units(void)
{
	struct units *u = calloc(1, sizeof *u);

	ck_assert(u != NULL);
	return u;
}

static void
free_units(struct units *u)
{
	buf_free(&u->plan);
	buf_free(&u->made);
	free(u);
}

START_TEST(plans)
{
	struct units *u = new_units();

	u->not_before = cases[_i].not_before;
	ck_assert(plan(u, str_of(cases[_i].old), str_of(cases[_i].now)));
	ck_assert_msg(str_eq(buf_str(&u->plan), str_of(cases[_i].want)),
	    "%s: %.*s", cases[_i].note, STR_ARG(buf_str(&u->plan)));
	free_units(u);
}
END_TEST

/* Whichever call fails, the plan does, and nothing more is asked. */
START_TEST(calls_that_fail)
{
	unsigned fails_at = 0;
	bool ok;

	do {
		struct units *u = new_units();

		u->fails_at = ++fails_at;
		ok = plan(u, STR("a;b;c;"), STR("x;a;y;c;z;"));
		ck_assert(ok ? u->calls < fails_at : u->calls == fails_at);
		free_units(u);
	} while (!ok);
	/* Three new ones are taken and added, two old ones kept. */
	ck_assert_uint_eq(fails_at, 9);
}
END_TEST

/* The same numbers each time. */
static uint32_t
next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void
put_unit(struct buf *to, uint32_t *state)
{
	uint32_t n = next(state) % 40;

	/* Some are long, so that comparing takes its larger steps. */
	for (uint32_t i = 0; n == 0 && i < 9000; i++)
		buf_byte(to, 'l');
	buf_printf(to, "u%u;", n);
}

/* Units of the old text stay, go, are there twice, or are others. */
static void
edit(const struct buf *old, uint32_t *state, struct buf *to)
{
	struct str all = buf_str(old);

	for (size_t at = 0, end; at < all.n; at = end) {
		uint32_t what = next(state) % 16;
		struct str unit;

		end = str_find(all, ';', at) + 1;
		unit = str_sub(all, at, end);
		if (what == 0)
			put_unit(to, state);
		if (what > 1)
			buf_add(to, unit);
		if (what == 2)
			buf_add(to, unit);
	}
}

START_TEST(any_text_comes_of_another)
{
	uint32_t state = (uint32_t)_i * 2654435761u + 1;
	struct units *u = new_units();
	struct buf old = { 0 }, now = { 0 };

	for (uint32_t n = next(&state) % 300; n > 0; n--)
		put_unit(&old, &state);
	edit(&old, &state, &now);
	ck_assert(buf_ok(&old) && buf_ok(&now));
	ck_assert(plan(u, buf_str(&old), buf_str(&now)));
	ck_assert(str_eq(buf_str(&u->made), buf_str(&now)));
	buf_free(&old);
	buf_free(&now);
	free_units(u);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("alike");
	TCase *tc = tcase_create("alike");

	tcase_add_loop_test(tc, plans, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, calls_that_fail);
	tcase_add_loop_test(tc, any_text_comes_of_another, 0, 100);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
