/* test_search.c - what a search finds is what deciding each request gives. */
#include "engine/engine.h"

#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/run.h"

static const char policies[] =
    "@id(\"editors\") permit (principal in Group::\"editors\",\n"
    "    action in [Action::\"view\", Action::\"edit\"], resource is Album);\n"
    "@id(\"owners\") permit (principal, action, resource)\n"
    "when { resource has owner && resource.owner == principal };\n"
    "@id(\"inside\") permit (principal is User, action == Action::\"view\",\n"
    "    resource is Album) when { context.inside };\n"
    "@id(\"no-bob\") deny (principal == User::\"bob\",\n"
    "    action == Action::\"edit\", resource);\n"
    "@id(\"late\") deny (principal == User::\"alice\",\n"
    "    action == Action::\"print\", resource) when { context.late };\n"
    "@id(\"prints\") permit (principal, action == Action::\"print\",\n"
    "    resource is Album);\n";

static const char data[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"editors\"}]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"bob\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"editors\"}]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"carol\"},\"attrs\":{},"
    "\"parents\":[]},"
    "{\"uid\":{\"type\":\"Album\",\"id\":\"a\"},\"attrs\":{\"owner\":"
    "{\"__entity\":{\"type\":\"User\",\"id\":\"carol\"}}},"
    "\"parents\":[]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"share\"},\"attrs\":{},"
    "\"parents\":[]}]";

static struct engine_snapshot *
snapshot(void)
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

struct findings {
	struct buf text;
	size_t n, stop_at;
};

static bool
note(void *ctx, const struct engine_snapshot *s, const struct engine_request *r,
    const uint32_t *reasons, size_t n_reasons)
{
	struct findings *f = ctx;
	const struct policy_set *set = engine_snapshot_policies(s);

	buf_printf(&f->text, "%s%.*s %.*s %.*s:", f->n ? "; " : "",
	    STR_ARG(r->principal.id), STR_ARG(r->action.id),
	    STR_ARG(r->resource.id));
	if (n_reasons == 0)
		buf_addz(&f->text, " ?");
	for (size_t i = 0; i < n_reasons; i++) {
		buf_byte(&f->text, ' ');
		buf_add(&f->text, policy_set_info(set, reasons[i]).id);
	}
	return ++f->n != f->stop_at;
}

#define ALBUM                                                                  \
	{                                                                      \
		STR_INIT("Album"), STR_INIT("a")                               \
	}
#define USER(id)                                                               \
	{                                                                      \
		STR_INIT("User"), STR_INIT(id)                                 \
	}
#define ACTION(id)                                                             \
	{                                                                      \
		STR_INIT("Action"), STR_INIT(id)                               \
	}
#define ALL                                                                    \
	{                                                                      \
		{ NULL, 0 },                                                   \
		{                                                              \
			NULL, 0                                                \
		}                                                              \
	}

static const struct {
	struct uid principal, action, resource;
	int inside; /* -1: the context is not known */
	const char *want;
} queries[] = {
	/* Who: in order of loading; actions are no candidates. */
	{ ALL, ACTION("edit"), ALBUM, 0,
	    "alice edit a: editors; carol edit a: owners" },
	/* A permit that is certain stays so, whatever other permits need. */
	{ ALL, ACTION("view"), ALBUM, -1,
	    "alice view a: editors; bob view a: editors; "
	    "carol view a: owners" },
	{ ALL, ACTION("view"), ALBUM, 1,
	    "alice view a: editors inside; bob view a: editors inside; "
	    "carol view a: inside owners" },
	/* A deny that may hold leaves it open. */
	{ ALL, ACTION("print"), ALBUM, -1,
	    "alice print a: ?; bob print a: prints; "
	    "carol print a: owners prints; a print a: prints" },
	/* What: actions that policies name, and those of the data. */
	{ USER("carol"), ALL, ALBUM, 0,
	    "carol edit a: owners; carol print a: owners prints; "
	    "carol view a: owners; carol share a: owners" },
	{ USER("bob"), ALL, ALL, 0,
	    "bob print a: prints; bob view a: editors" },
	{ USER("mallory"), ACTION("edit"), ALL, 0, "" },
};

static struct value
context_of(int inside, struct value_field *fields)
{
	struct value record;
	struct str twice;

	fields[0] =
	    (struct value_field){ STR("inside"), value_bool(inside == 1) };
	fields[1] = (struct value_field){ STR("late"), value_bool(false) };
	ck_assert(value_record_take(fields, 2, &record, &twice));
	return record;
}

static char *
search(const struct engine_snapshot *s, struct engine_query *q,
    struct findings *f, uint64_t *ret_next)
{
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	struct error err = { 0 };

	ck_assert_msg(engine_search(s, q, scratch, note, f, ret_next, &err),
	    "%s", err.msg);
	arena_free(scratch);
	buf_byte(&f->text, '\0');
	return f->text.p;
}

START_TEST(finds)
{
	struct engine_snapshot *s = snapshot();
	struct value_field fields[2];
	struct value context = context_of(queries[_i].inside, fields);
	struct engine_query q = { .principal = queries[_i].principal,
		.action = queries[_i].action,
		.resource = queries[_i].resource,
		.context = queries[_i].inside < 0 ? NULL : &context };
	struct findings f = { 0 };
	uint64_t next = 7;

	ck_assert_str_eq(search(s, &q, &f, &next), queries[_i].want);
	ck_assert_uint_eq(next, 0);
	buf_free(&f.text);
	engine_snapshot_unref(s);
}
END_TEST

/* Pages of one finding, put together, are the whole. */
START_TEST(goes_on)
{
	struct engine_snapshot *s = snapshot();
	struct engine_query q = {
		.action = ACTION("view"), .resource = ALBUM, .limit = 1
	};
	struct findings f = { 0 };
	size_t pages = 0;

	do {
		f.text.n -= f.text.n ? 1 : 0;
		(void)search(s, &q, &f, &q.from);
		pages++;
	} while (q.from);
	ck_assert_str_eq(f.text.p,
	    "alice view a: editors; bob view a: editors; "
	    "carol view a: owners");
	ck_assert_uint_ge(pages, 3);
	buf_free(&f.text);
	engine_snapshot_unref(s);
}
END_TEST

START_TEST(stops_when_told)
{
	struct engine_snapshot *s = snapshot();
	struct engine_query q = { .action = ACTION("view"), .resource = ALBUM };
	struct findings f = { .stop_at = 2 };
	uint64_t next = 0;

	ck_assert_str_eq(search(s, &q, &f, &next),
	    "alice view a: editors; bob view a: editors");
	ck_assert_uint_eq(next, 2);
	buf_free(&f.text);
	engine_snapshot_unref(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("search");
	TCase *tc = tcase_create("search");

	tcase_add_loop_test(tc, finds, 0, ARRAY_LEN(queries));
	tcase_add_test(tc, goes_on);
	tcase_add_test(tc, stops_when_told);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
