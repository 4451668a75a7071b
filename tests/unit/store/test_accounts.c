/* The token service's rows: what the database itself keeps unique, and that a
 * transaction is there whole or not at all. The rules over them are tested with
 * attest/sts*. */
#include "store/accounts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/run.h"

#define NOW 1772366400

static struct arena *arena;
static struct store *store;
static struct error err;
static int64_t now_ms;
static struct clock clock_at;

static void
setup(void)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
	now_ms = NOW * INT64_C(1000);
	clock_at = clock_fixed(&now_ms);
	store = store_open_at(STR("sqlite::memory:"), &clock_at, &err);
	ck_assert_msg(arena && store, "%s", err.msg);
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
}

/* What a test does inside a transaction, and whether it is kept. */
struct doing {
	void (*what)(struct sql *tx, int64_t now);
	bool keep, fail;
};

static bool
inside(
    struct sql *tx, int64_t at_ms, void *ctx, bool *keep, struct error *reterr)
{
	const struct doing *d = ctx;

	d->what(tx, at_ms / 1000);
	*keep = d->keep;
	return !d->fail ||
	       error_set(reterr, ERR_USAGE, SPAN_NONE, "as the test wants");
}

static void
transact(void (*what)(struct sql *tx, int64_t now))
{
	struct doing d = { what, true, false };

	ck_assert_msg(store_transact(store, inside, &d, &err), "%s", err.msg);
}

static bool
insert(struct sql *tx, const char *id, const char *prefix, const char *owner)
{
	const struct store_account row = { .id = str_of(id),
		.prefix = str_of(prefix),
		.owner = str_of(owner),
		.kind = 1,
		.is_enabled = true,
		.version = 1 };
	bool fresh = false;

	ck_assert_msg(
	    store_account_insert(tx, &row, &fresh, &err), "%s", err.msg);
	return fresh;
}

static bool
has_account(struct sql *tx, const char *id)
{
	struct store_account row;
	bool found = false;

	ck_assert(
	    store_account_find(tx, arena, str_of(id), &row, &found, &err));
	return found;
}

static void
an_id_twice(struct sql *tx, int64_t now)
{
	ck_assert_int_eq(now, NOW);
	ck_assert(insert(tx, "a", "", ""));
	ck_assert(!insert(tx, "a", "", ""));
	ck_assert(has_account(tx, "a"));
	ck_assert(!has_account(tx, "A"));
}

static void
nothing_there(struct sql *tx, int64_t now)
{
	(void)now;
	ck_assert(!has_account(tx, "a"));
}

static void
no_z(struct sql *tx, int64_t now)
{
	(void)now;
	ck_assert(!has_account(tx, "z"));
}

START_TEST(all_or_nothing)
{
	struct doing failed = { an_id_twice, true, true },
		     undone = { an_id_twice, false, false };

	ck_assert(!store_transact(store, inside, &failed, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	transact(nothing_there);
	ck_assert(store_transact(store, inside, &undone, &err));
	transact(nothing_there);
	transact(an_id_twice);
}
END_TEST

static void
prefixes(struct sql *tx, int64_t now)
{
	static const struct {
		const char *prefix;
		bool meets;
	} cases[] = { { "web-", true }, { "web-a-", true }, { "we", true },
		{ "w", true }, { "web.", false }, { "Web-", false },
		{ "db-", false }, { "eb-", false } };

	(void)now;
	ck_assert(insert(tx, "boss", "web-", ""));
	ck_assert(insert(tx, "web-1", "", "boss"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool meets = !cases[i].meets;

		ck_assert(store_account_prefix_meets(
		    tx, str_of(cases[i].prefix), &meets, &err));
		ck_assert_msg(meets == cases[i].meets, "%s", cases[i].prefix);
	}
}

/* Beside one who writes and has not ended: it sees what was before, at once,
 * and can change nothing. */
struct beside {
	struct store *other;
	bool expected, writes;
	unsigned seen;
};

static bool
look_inside(struct sql *tx, void *ctx, struct error *reterr)
{
	struct beside *b = ctx;

	(void)reterr;
	ck_assert_int_eq(has_account(tx, "a"), b->expected);
	b->seen++;
	return !b->writes || insert(tx, "z", "", "");
}

static bool
write_and_look(
    struct sql *tx, int64_t at_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct beside *b = ctx;

	(void)at_ms;
	(void)keep;
	ck_assert(insert(tx, "a", "", ""));
	ck_assert_msg(
	    store_look(b->other, look_inside, b, reterr), "%s", reterr->msg);
	return true;
}

START_TEST(a_look_waits_for_nobody)
{
	char folder[] = "/tmp/avow-look-XXXXXX", url[64], command[64];
	struct beside b = { 0 };
	struct store *own;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(url, sizeof url, "sqlite://%s/db", folder);
	own = store_open_at(str_of(url), &clock_at, &err);
	ck_assert_msg(own, "%s", err.msg);
	b.other = store_open_at(str_of(url), &clock_at, &err);
	ck_assert_msg(b.other, "%s", err.msg);
	ck_assert_msg(
	    store_transact(own, write_and_look, &b, &err), "%s", err.msg);
	ck_assert_uint_eq(b.seen, 1);
	b.expected = true;
	ck_assert(store_look(b.other, look_inside, &b, &err));
	b.writes = true;
	(void)!store_look(b.other, look_inside, &b, &err);
	b.writes = false;
	store_close(own);
	own = store;
	store = b.other;
	transact(no_z);
	store = own;
	store_close(b.other);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(prefixes_meet)
{
	transact(prefixes);
}
END_TEST

static bool
add_key(struct sql *tx, const char *account, const char *thumbprint)
{
	struct store_key key = { .account = str_of(account),
		.thumbprint = str_of(thumbprint),
		.method = 2,
		.spki = STR("\0\1") };
	bool fresh = false;

	ck_assert(store_next_incarnation(tx, &key.incarnation, &err));
	ck_assert(store_key_insert(tx, &key, &fresh, &err));
	return fresh;
}

static void
keys(struct sql *tx, int64_t now)
{
	struct store_key key;
	bool found = false;
	int64_t first;

	(void)now;
	ck_assert(insert(tx, "a", "", ""));
	ck_assert(add_key(tx, "a", "one"));
	/* Neither a second live one, nor one that another has. */
	ck_assert(!add_key(tx, "a", "two"));
	ck_assert(!add_key(tx, "b", "one"));
	ck_assert(store_key_live(tx, arena, STR("a"), &key, &found, &err));
	ck_assert(found && str_eq(key.spki, STR("\0\1")));
	first = key.incarnation;
	ck_assert(store_key_end(tx, STR("a"), &err));
	ck_assert(store_key_live(tx, arena, STR("a"), &key, &found, &err));
	ck_assert(!found);
	ck_assert(!add_key(tx, "a", "one"));
	ck_assert(add_key(tx, "a", "two"));
	ck_assert(store_key_former(tx, arena, STR("a"), 2, &key, &found, &err));
	ck_assert(found);
	ck_assert_int_eq(key.incarnation, first);
	ck_assert(store_key_former(tx, arena, STR("a"), 3, &key, &found, &err));
	ck_assert(!found);
	ck_assert(store_key_live(tx, arena, STR("a"), &key, &found, &err));
	ck_assert_int_gt(key.incarnation, first);
}

START_TEST(one_live_key_an_account)
{
	transact(keys);
}
END_TEST

static void
spending(struct sql *tx, int64_t now)
{
	bool fresh = false;

	ck_assert(
	    store_challenge_spend(tx, STR("\0one"), now + 10, &fresh, &err));
	ck_assert(fresh);
	ck_assert(
	    store_challenge_spend(tx, STR("\0one"), now + 10, &fresh, &err));
	ck_assert(!fresh);
	ck_assert(
	    store_challenge_spend(tx, STR("\0two"), now + 10, &fresh, &err));
	ck_assert(fresh);
	ck_assert(store_accounts_purge(tx, now + 9, &err));
	ck_assert(
	    store_challenge_spend(tx, STR("\0one"), now + 10, &fresh, &err));
	ck_assert(!fresh);
	ck_assert(store_accounts_purge(tx, now + 10, &err));
	ck_assert(
	    store_challenge_spend(tx, STR("\0one"), now + 10, &fresh, &err));
	ck_assert(fresh);
}

START_TEST(a_challenge_is_spent_once)
{
	transact(spending);
}
END_TEST

static void
alarms(struct sql *tx, int64_t now)
{
	struct store_alarm row = { .account = STR("a"),
		.source = STR("192.0.2.1"),
		.kind = 1,
		.incarnation = 1,
		.last_at = now },
			   *list;
	int64_t count = 0;
	size_t n;

	for (int i = 1; i <= 3; i++) {
		ck_assert(store_alarm_raise(tx, &row, &count, &err));
		ck_assert_int_eq(count, i);
		row.last_at++;
	}
	row.incarnation = 2;
	ck_assert(store_alarm_raise(tx, &row, &count, &err));
	ck_assert_int_eq(count, 1);
	ck_assert(store_alarm_list(tx, arena, STR(""), 10, &list, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(list[0].incarnation, 2);
	ck_assert_int_eq(list[1].first_at, now);
	ck_assert_int_eq(list[1].last_at, now + 2);
	/* Of accounts that nobody owns a controller sees none. */
	ck_assert(
	    store_alarm_list(tx, arena, STR("boss"), 10, &list, &n, &err));
	ck_assert_uint_eq(n, 0);
	ck_assert(store_accounts_purge(tx, now + 2 + LIMIT_ALARM_S, &err));
	ck_assert(store_alarm_list(tx, arena, STR(""), 10, &list, &n, &err));
	ck_assert_uint_eq(n, 1);
}

START_TEST(an_alarm_counts_up)
{
	transact(alarms);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("accounts");
	TCase *tc = tcase_create("accounts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_or_nothing);
	tcase_add_test(tc, a_look_waits_for_nobody);
	tcase_add_test(tc, prefixes_meet);
	tcase_add_test(tc, one_live_key_an_account);
	tcase_add_test(tc, a_challenge_is_spent_once);
	tcase_add_test(tc, an_alarm_counts_up);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
