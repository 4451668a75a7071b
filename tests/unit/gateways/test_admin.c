#include "gateways/admin.h"

#include "tests/lib/run.h"

#define NOW 1772366400

static struct arena *arena;
static struct store *store;

static void
setup(void)
{
	struct error err = { 0 };

	arena = arena_new(0);
	store = store_open(STR("sqlite::memory:"), &err);
	ck_assert_msg(store != NULL, "%s", err.msg);
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
}

static struct str
make(const char *name, int64_t lifetime_s, struct store_admin_token *ret)
{
	struct buf text = { 0 };
	struct error err = { 0 };
	struct str token;

	ck_assert_msg(admin_token_new(store, arena, str_of(name), lifetime_s,
			  NOW, &text, ret, &err),
	    "%s", err.msg);
	token = str_dup(arena, buf_str(&text));
	buf_free(&text);
	return token;
}

static enum err_code
check(struct str token, int64_t now, struct store_admin_token *ret)
{
	struct error err = { 0 };

	if (admin_token_check(store, arena, token, now, ret, &err))
		return ERR_NONE;
	return err.code;
}

START_TEST(one_and_its_end)
{
	struct store_admin_token made, found;
	struct str token = make("ann@acme", 0, &made);

	ck_assert(str_has_prefix(token, STR("avow-admin-")));
	ck_assert_uint_eq(token.n, strlen("avow-admin-") + 43);
	ck_assert_int_eq(made.expires_at, NOW + 8 * 3600);
	ck_assert_int_eq(check(token, NOW, &found), ERR_NONE);
	ck_str_is(found.name, "ann@acme");
	ck_assert(str_eq(found.id, made.id));
	ck_assert_int_eq(check(token, made.expires_at - 1, &found), ERR_NONE);
	ck_assert_int_eq(
	    check(token, made.expires_at, &found), ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(any_other_text)
{
	struct store_admin_token t;
	struct str token = make("ann", 60, &t), other;
	char *changed;

	for (size_t i = 0; i < token.n; i++) {
		other = str_dup(arena, token);
		changed = (char *)(uintptr_t)other.p;
		changed[i] = (char)(changed[i] == 'A' ? 'B' : 'A');
		ck_assert_int_eq(check(other, NOW, &t), ERR_EVIDENCE_PROOF);
	}
	ck_assert_int_eq(
	    check(str_sub(token, 0, token.n - 1), NOW, &t), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(check(STR(""), NOW, &t), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(check(token, NOW, &t), ERR_NONE);
}
END_TEST

START_TEST(list_and_remove)
{
	struct store_admin_token one, two, *all;
	struct str first = make("one", 60, &one);
	struct error err = { 0 };
	bool removed;
	size_t n;

	(void)make("two", 7200, &two);
	ck_assert(store_admin_list(store, arena, &all, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_assert(store_admin_remove(store, one.id, &removed, &err));
	ck_assert(removed);
	ck_assert(store_admin_remove(store, one.id, &removed, &err));
	ck_assert(!removed);
	ck_assert_int_eq(check(first, NOW, &one), ERR_EVIDENCE_PROOF);
	ck_assert(store_admin_list(store, arena, &all, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_str_is(all[0].name, "two");
}
END_TEST

/* Making one takes away those that are past. */
START_TEST(past_ones_go)
{
	struct store_admin_token t, *all;
	struct buf text = { 0 };
	struct error err = { 0 };
	size_t n;

	(void)make("one", 60, &t);
	ck_assert(admin_token_new(
	    store, arena, STR("two"), 60, NOW + 60, &text, &t, &err));
	buf_free(&text);
	ck_assert(store_admin_list(store, arena, &all, &n, &err));
	ck_assert_uint_eq(n, 1);
}
END_TEST

static const struct {
	const char *name;
	int64_t lifetime_s;
} bad[] = {
	{ "", 0 },
	{ "a b", 0 },
	{ "-a", 0 },
	{ "a\n", 0 },
	{ "0123456789012345678901234567890123456789012345678901234567890123x",
	    0 },
	{ "ann", -1 },
	{ "ann", 30 * 86400 + 1 },
};

START_TEST(refused)
{
	struct store_admin_token t, *all;
	struct buf text = { 0 };
	struct error err = { 0 };
	size_t n;

	ck_assert(!admin_token_new(store, arena, str_of(bad[_i].name),
	    bad[_i].lifetime_s, NOW, &text, &t, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_uint_eq(text.n, 0);
	ck_assert(store_admin_list(store, arena, &all, &n, &err));
	ck_assert_uint_eq(n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("admin");
	TCase *tc = tcase_create("admin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_and_its_end);
	tcase_add_test(tc, any_other_text);
	tcase_add_test(tc, list_and_remove);
	tcase_add_test(tc, past_ones_go);
	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
