/* The record of changes: in the change's own transaction or not at all, in
 * order, bounded, and with nothing in it that was not meant for it; on both
 * databases. */
#include "store/changes.h"

#include <stdio.h>

#include "base/limits.h"
#include "store/accounts.h"
#include "store/admin.h"
#include "store/store_private.h"
#include "tests/lib/kit.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct store *store;
static struct error err;
static int64_t now_ms;
static struct clock clock_at;

static void
start(const char *url)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
	now_ms = KIT_NOON * INT64_C(1000);
	clock_at = clock_fixed(&now_ms);
	store = store_open_at(str_of(url), &clock_at, &err);
	ck_assert_msg(arena && store, "%s", err.msg);
}

static void
setup(void)
{
	start("sqlite::memory:");
}

static void
setup_postgres(void)
{
	pg_empty();
	start(pg_url());
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
}

struct noting {
	struct store_changed row;
	bool keep, fail;
};

static bool
note_inside(
    struct sql *tx, int64_t at_ms, void *ctx, bool *keep, struct error *reterr)
{
	const struct noting *n = ctx;

	(void)at_ms;
	*keep = n->keep;
	return store_changed_note(tx, &n->row, reterr) &&
	       (!n->fail ||
		   error_set(reterr, ERR_USAGE, SPAN_NONE, "as wanted"));
}

static bool
note(const char *who, const char *what, const char *about)
{
	struct noting n = { { .who = str_of(who),
				.what = str_of(what),
				.about = str_of(about) },
		true, false };

	return store_transact(store, note_inside, &n, &err);
}

static size_t
page(int64_t before, size_t limit, struct store_changed **ret)
{
	size_t n = 0;

	ck_assert_msg(
	    store_changed_page(store, arena, before, limit, ret, &n, &err),
	    "%s", err.msg);
	return n;
}

static void
newest_is(const char *who, const char *what, const char *about)
{
	struct store_changed *rows;

	ck_assert_uint_eq(page(0, 1, &rows), 1);
	ck_str_is(rows[0].who, who);
	ck_str_is(rows[0].what, what);
	ck_str_is(rows[0].about, about);
	ck_assert_int_eq(rows[0].at, now_ms / 1000);
}

START_TEST(pages_from_the_newest)
{
	struct store_changed *rows;
	char name[24];

	ck_assert_uint_eq(page(0, 10, &rows), 0);
	for (int i = 1; i <= 5; i++) {
		snprintf(name, sizeof name, "i-%d", i);
		ck_assert(note("account:boss", "account.create", name));
		now_ms += 1000;
	}
	ck_assert_uint_eq(page(0, 2, &rows), 2);
	ck_str_is(rows[0].about, "i-5");
	ck_assert_int_eq(rows[0].number, 5);
	ck_assert_int_eq(rows[0].at, KIT_NOON + 4);
	ck_assert_uint_eq(page(rows[1].number, 10, &rows), 3);
	ck_str_is(rows[0].about, "i-3");
	ck_str_is(rows[2].about, "i-1");
	ck_assert_uint_eq(page(rows[2].number, 10, &rows), 0);
}
END_TEST

/* A change that is undone leaves no row, and no gap either. */
START_TEST(with_the_change_or_not_at_all)
{
	struct noting undone = { { .what = STR("x") }, false, false };
	struct noting failed = { { .what = STR("x") }, true, true };
	struct store_changed *rows;

	ck_assert(store_transact(store, note_inside, &undone, &err));
	ck_assert(!store_transact(store, note_inside, &failed, &err));
	ck_assert_uint_eq(page(0, 10, &rows), 0);
	err = (struct error){ 0 };
	ck_assert(note("", "account.create", ""));
	newest_is("host", "account.create", "");
	ck_assert_uint_eq(page(0, 10, &rows), 1);
	ck_assert_int_eq(rows[0].number, 1);
}
END_TEST

/* A name out of a certificate may have any bytes. */
START_TEST(names_of_any_kind)
{
	char large[600];

	memset(large, 'a', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	ck_assert(note("admin:CN=\xff\x01\n\xc3\xa4", "w", "a\tb"));
	newest_is("admin:CN=?????", "w", "a?b");
	ck_assert(note(large, "w", large));
	large[256] = '\0';
	newest_is(large, "w", large);
}
END_TEST

START_TEST(what_the_store_changes_itself)
{
	const struct store_revocation r = { .kind = STR("account"),
		.id = STR("web-1"),
		.until = INT64_MAX,
		.by = STR("admin:ann") };
	const struct store_admin_token t = { .id = STR("0123456789abcdef"),
		.name = STR("ann"),
		.created_at = KIT_NOON,
		.expires_at = KIT_NOON + 60 };
	const uint8_t hash[32] = { 1 };
	struct store_changed *rows;
	int64_t generation, floor;
	bool yes;

	ck_assert(store_revoke(store, &r, &yes, &err));
	newest_is("admin:ann", "revocation.add", "account web-1");
	ck_assert(
	    store_unrevoke(store, r.kind, r.id, STR("admin:bob"), &yes, &err));
	newest_is("admin:bob", "revocation.remove", "account web-1");
	ck_assert(store_admin_add(store, &t, hash, &err));
	newest_is("host", "admin-token.add", "0123456789abcdef");
	ck_assert(store_admin_remove(store, t.id, &yes, &err));
	newest_is("host", "admin-token.remove", "0123456789abcdef");
	ck_assert(store_accept_restore(store, 0, &generation, &floor, &err));
	newest_is("host", "store.accept-restore", "");
	/* What was not there was not changed. */
	ck_assert(store_unrevoke(store, r.kind, r.id, STR(""), &yes, &err));
	ck_assert(store_admin_remove(store, t.id, &yes, &err));
	ck_assert_uint_eq(page(0, 10, &rows), 5);
}
END_TEST

static bool
jump_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char far[] =
	    "UPDATE counter SET value = $1 WHERE name = 'change'";
	const struct sql_value at[] = { sql_number(*(int64_t *)ctx) };

	(void)keep;
	return sql_run(q, far, at, 1, NULL, NULL, reterr);
}

START_TEST(the_newest_are_kept)
{
	struct store_changed *rows;
	int64_t far = (int64_t)LIMIT_CHANGES;

	ck_assert(note("", "first", ""));
	ck_assert(note("", "second", ""));
	ck_assert(store_change(store, jump_inside, &far, &err));
	ck_assert(note("", "third", ""));
	ck_assert_uint_eq(page(0, 10, &rows), 2);
	ck_str_is(rows[1].what, "second");
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, teardown);
	tcase_add_test(tc, pages_from_the_newest);
	tcase_add_test(tc, with_the_change_or_not_at_all);
	tcase_add_test(tc, names_of_any_kind);
	tcase_add_test(tc, what_the_store_changes_itself);
	tcase_add_test(tc, the_newest_are_kept);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("changes");

	pg_start();
	suite_add_tcase(s, cases("sqlite", setup));
	if (pg_url())
		suite_add_tcase(s, cases("postgres", setup_postgres));
	return pg_run_suite(s);
}
