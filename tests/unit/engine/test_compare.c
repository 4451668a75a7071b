/* test_compare.c - two sets of policies on the same requests: which candidates
 * there are, what each set says of them, and which decisions stay open alike.
 */
#include "engine/engine.h"

#include "base/limits.h"
#include "tests/lib/run.h"

static const char data[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"b\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"own\"},\"attrs\":{},"
    "\"parents\":[]}]";

static struct engine_snapshot *
snapshot(const char *policies)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct entities *layer = entities_new(a, NULL);
	struct errors errors = { 0 };
	struct error err = { 0 };

	ck_assert_msg(policy_set_add_text(
			  set, "p", str_of(policies), POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s", errors.e[0].msg);
	ck_assert_msg(entities_add_text(layer, str_of(data), "e", &err) &&
			  entities_finish(layer, &err),
	    "%s", err.msg);
	return engine_snapshot_new(set, a, layer, 0);
}

struct pairs {
	struct buf text;
	struct engine_bodies bodies;
	struct arena *scratch;
	uint64_t n, stop_at;
};

/* `+` gains, `-` loses, `?` open, `.` stays. */
static char
mark_of(const struct pairs *p, const struct engine_answer *x,
    const struct engine_answer *y)
{
	if (engine_bodies_open_alike(&p->bodies, x, y, p->scratch))
		return '.';
	if (x->code == ERR_DATA_MISSING || y->code == ERR_DATA_MISSING)
		return '?';
	if (x->effect == y->effect)
		return '.';
	return y->effect == ENGINE_PERMIT ? '+' : '-';
}

static bool
note(void *ctx, const struct engine_request *r, const struct engine_answer *x,
    const struct engine_answer *y)
{
	struct pairs *p = ctx;
	char mark = mark_of(p, x, y);

	p->n++;
	if (mark != '.')
		buf_printf(&p->text, "%s%c%.*s %.*s", p->text.n ? "; " : "",
		    mark, STR_ARG(r->principal.id), STR_ARG(r->action.id));
	return p->n != p->stop_at;
}

static const char *
compare(const char *old, const char *new, struct engine_query *q,
    struct pairs *p, uint64_t *ret_next)
{
	struct engine_snapshot *s[] = { snapshot(old), snapshot(new) };
	struct arena *a = arena_new(0);
	struct error err = { 0 };

	q->resource = (struct uid){ STR("Doc"), STR("d") };
	p->scratch = arena_new(LIMIT_SCRATCH_BYTES);
	ck_assert(engine_bodies_learn(s[0], s[1], a, &p->bodies, &err));
	ck_assert_msg(engine_compare_all(
			  s[0], s[1], q, p->scratch, note, p, ret_next, &err),
	    "%s", err.msg);
	arena_free(p->scratch);
	arena_free(a);
	engine_snapshot_unref(s[0]);
	engine_snapshot_unref(s[1]);
	buf_byte(&p->text, '\0');
	return p->text.p;
}

#define READ "permit (principal in G::\"g\", action == Action::\"r\", resource)"

static const struct {
	const char *note, *old, *new, *want;
} cases[] = {
	{ "nothing", READ ";", READ ";", "" },
	{ "other words", READ ";",
	    "@id(\"x\") permit (principal, action, resource) when\n"
	    "{ principal in G::\"g\" && action == Action::\"r\" };",
	    "" },
	{ "one gains, one loses", READ ";",
	    "permit (principal == User::\"b\", action == Action::\"r\", "
	    "resource);",
	    "-a r; +b r" },
	{ "actions of either",
	    "permit (principal == User::\"b\", action == Action::\"old\", "
	    "resource);",
	    "permit (principal == User::\"b\", action == Action::\"new\", "
	    "resource);\n"
	    "deny (principal, action == Action::\"old\", resource);",
	    "-b old; +b new" },
	{ "actions of the data", "",
	    "permit (principal == User::\"a\", action, resource);", "+a own" },
	{ "open, and open alike", READ " when { context.x };",
	    "@id(\"renamed\")\n" READ "\nwhen {\n context.x };", "" },
	{ "open by something else", READ " when { context.x };",
	    READ " when { context.y };", "?a r" },
	{ "open by something more", READ " when { context.x };",
	    READ " when { context.x };\n"
		 "deny (principal, action, resource) when { context.y };",
	    "?a r; ?a own; ?b r; ?b own" },
	{ "open beside a permit", READ " unless { context.x };\n" READ ";",
	    READ " unless { context.x };", "?a r" },
	{ "open beside a permit that waits, on both sides",
	    "deny (principal, action, resource) when { context.x };\n" READ ";",
	    READ ";\n"
		 "deny (principal, action, resource) when { context.x };",
	    "" },
	{ "open beside a permit that waits, on one side",
	    "deny (principal, action, resource) when { context.x };\n" READ ";",
	    "deny (principal, action, resource) when { context.x };", "?a r" },
};

START_TEST(changes_are)
{
	struct engine_query q = { 0 };
	struct pairs p = { 0 };
	uint64_t next = 7;

	ck_assert_str_eq(compare(cases[_i].old, cases[_i].new, &q, &p, &next),
	    cases[_i].want);
	ck_assert_uint_eq(next, 0);
	buf_free(&p.text);
}
END_TEST

/* Pages of two candidates, put together, are the whole. */
START_TEST(goes_on)
{
	struct engine_query q = { .most = 2 };
	uint64_t looked_at = 0;
	struct buf all = { 0 };
	size_t pages = 0;

	do {
		struct pairs p = { 0 };
		const char *text =
		    compare(cases[3].old, cases[3].new, &q, &p, &q.from);

		buf_printf(&all, "%s%s", all.n && *text ? "; " : "", text);
		looked_at += p.n;
		ck_assert_uint_le(p.n, 2);
		buf_free(&p.text);
		pages++;
	} while (q.from);
	buf_byte(&all, '\0');
	ck_assert_str_eq(all.p, cases[3].want);
	/* Two users; old, new and own. */
	ck_assert_uint_eq(looked_at, 6);
	ck_assert_uint_eq(pages, 3);
	buf_free(&all);
}
END_TEST

START_TEST(stops_when_told)
{
	struct engine_query q = { .from = 1 };
	struct pairs p = { .stop_at = 2 };
	uint64_t next = 0;

	(void)compare(cases[3].old, cases[3].new, &q, &p, &next);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(next, 3);
	buf_free(&p.text);
}
END_TEST

/* Thousands of actions on both sides are each there once. */
START_TEST(many_actions)
{
	struct buf text[2] = { 0 };
	struct engine_query q = { 0 };
	struct pairs p = { 0 };
	uint64_t next;

	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 3000; i++)
			buf_printf(&text[side],
			    "permit (principal, action == Action::\"%d\", "
			    "resource);\n",
			    i + side * 1500);
		buf_byte(&text[side], '\0');
	}
	(void)compare(text[0].p, text[1].p, &q, &p, &next);
	ck_assert_uint_eq(p.n, 2 * (4500 + 1));
	buf_free(&p.text);
	buf_free(&text[0]);
	buf_free(&text[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("compare");
	TCase *tc = tcase_create("compare");

	tcase_add_loop_test(tc, changes_are, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, goes_on);
	tcase_add_test(tc, stops_when_told);
	tcase_add_test(tc, many_actions);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
