/* sweep_needs.c - the claims that one must show, with each allocation failing
 * in turn: the same ways, or limit.memory; never fewer claims. */
#include "tests/fault/wrap.h"

#include "policy/policy.h"
#include "tests/lib/run.h"

static const char text[] =
    "permit (principal in Group::\"g\", action, resource in Folder::\"d\") "
    "when { principal.owner == \"a\" && resource.open };\n"
    "permit (principal, action, resource like "
    "File::\"${principal.zone}*\") when { [principal.os.name].contains(\"x\") "
    "|| principal.getTag(\"app:n\") == \"1\" };\n"
    "deny (principal, action, resource) when { if principal has region then "
    "principal.region == \"r\" else {\"a\": principal.imageId}.a == \"i\" };";
static const char data[] =
    "[{\"uid\":{\"type\":\"Owner\",\"id\":\"a\"},\"attrs\":{},\"parents\":"
    "[{\"type\":\"Group\",\"id\":\"g\"}]}]";

static const struct policy_set *set;
static const struct entities *entities;
static struct buf want;

static void
print(const struct policy_needs *found, struct buf *out)
{
	for (size_t i = 0; i < found->n_ways; i++) {
		const struct policy_way *w = &found->ways[i];

		for (size_t k = 0; k < w->n_show; k++) {
			buf_addz(out, "+");
			buf_add(out, w->show[k]);
		}
		for (size_t k = 0; k < w->n_hide; k++) {
			buf_addz(out, "-");
			buf_add(out, w->hide[k]);
		}
		buf_byte(out, ';');
	}
}

static bool
ask(void *ctx)
{
	const struct uid parent = { STR("Folder"), STR("d") };
	struct value_field open = { STR("open"), value_bool(true) };
	struct entity record = { .uid = { STR("File"), STR("f") },
		.parents = &parent,
		.n_parents = 1,
		.tags = { .kind = VALUE_RECORD },
		.from = "request" };
	const struct policy_needs_query q = { .action = { STR("Action"),
						  STR("get") },
		.resource = record.uid,
		.entities = entities,
		.record = &record };
	struct arena *a = arena_new(0);
	struct policy_needs found;
	struct error err = { 0 };
	struct buf out = { 0 };
	struct str dup;
	bool ok;

	(void)ctx;
	if (!a)
		return false;
	ck_assert(value_record_take(&open, 1, &record.attrs, &dup));
	ok = policy_needs(set, &q, a, &found, &err);
	if (!ok)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	if (ok)
		print(&found, &out);
	ok = ok && buf_ok(&out);
	if (ok && !want.n)
		buf_add(&want, buf_str(&out));
	if (ok)
		ck_assert_msg(str_eq(buf_str(&out), buf_str(&want)),
		    "got %.*s, want %.*s", STR_ARG(buf_str(&out)),
		    STR_ARG(buf_str(&want)));
	buf_free(&out);
	arena_free(a);
	return ok;
}

START_TEST(ways_or_nothing)
{
	struct policy_set *loaded = policy_set_new(POLICY_BY_POSITION);
	struct arena *a = arena_new(0);
	struct entities *layer = entities_new(a, NULL);
	struct errors e = { 0 };
	struct error err = { 0 };

	ck_assert(
	    policy_set_add_text(loaded, "t", str_of(text), POLICY_AVOW, &e));
	ck_assert(policy_set_finish(loaded, &e));
	ck_assert(entities_add_text(layer, str_of(data), "e", &err));
	ck_assert(entities_finish(layer, &err));
	set = loaded;
	entities = layer;
	ck_assert(ask(NULL));
	ck_assert_uint_gt(want.n, 0);
	fault_sweep("needs", ask, NULL);
	buf_free(&want);
	policy_set_free(loaded);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fault/needs");
	TCase *tc = tcase_create("sweep");

	tcase_add_test(tc, ways_or_nothing);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
