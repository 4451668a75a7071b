/* test_revocations.c - what is revoked is kept and counted on both databases;
 * time is the shared clock's; a store that was put back is known; and what a
 * database does to a call that it fails under. */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/accounts.h"
#include "store/store_private.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct store *store;
static struct error err;
static struct str url;
static int64_t now_ms;
static struct clock fixed;

static void
open_store(void)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
	now_ms = 1000000;
	fixed = clock_fixed(&now_ms);
	store = store_open_at(url, &fixed, &err);
	ck_assert_msg(arena && store, "%s", err.msg);
}

static void
setup_sqlite(void)
{
	static char text[600];
	static int n;

	snprintf(text, sizeof text, "sqlite://%s/%d-%d.db", test_folder(),
	    (int)getpid(), n++);
	url = str_of(text);
	open_store();
}

static void
setup_postgres(void)
{
	pg_empty();
	url = str_of(pg_url());
	open_store();
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
}

static bool
put(const char *kind, const char *id, int64_t until)
{
	const struct store_revocation r = { .kind = str_of(kind),
		.id = str_of(id),
		.until = until,
		.reason = STR("because") };
	bool is_new = false;

	ck_assert_msg(store_revoke(store, &r, &is_new, &err), "%s", err.msg);
	return is_new;
}

static int64_t
generation(struct store *of, int64_t *ret_floor)
{
	int64_t n = 0, floor = -1;

	ck_assert_msg(store_generation(of, &n, &floor, &err), "%s", err.msg);
	if (ret_floor)
		*ret_floor = floor;
	return n;
}

static size_t
page(struct store_revocation **ret)
{
	size_t n = 0;

	ck_assert_msg(
	    store_revocation_page(store, arena, NULL, 100, ret, &n, &err), "%s",
	    err.msg);
	return n;
}

/* --- rows ------------------------------------------------------------------
 */

START_TEST(what_is_revoked_is_kept)
{
	struct store_revocation *rows;
	int64_t before = generation(store, NULL);
	bool was_there = false;

	ck_assert(put("instance", "aws/i-1", INT64_MAX));
	now_ms += 5000;
	ck_assert(put("document", "d", 2000));
	ck_assert(!put("instance", "aws/i-1", 3000));
	ck_assert_int_eq(generation(store, NULL), before + 3);
	ck_assert_uint_eq(page(&rows), 2);
	ck_str_is(rows[0].kind, "document");
	ck_str_is(rows[0].id, "d");
	ck_str_is(rows[0].reason, "because");
	ck_assert_int_eq(rows[0].until, 2000);
	ck_assert_int_eq(rows[0].made_at, 1005);
	ck_str_is(rows[1].id, "aws/i-1");
	ck_assert_int_eq(rows[1].until, 3000);
	ck_assert(store_unrevoke(store, STR("instance"), STR("aws/i-1"),
	    STR("admin:ann"), &was_there, &err));
	ck_assert(was_there);
	ck_assert_int_eq(generation(store, NULL), before + 4);
	ck_assert(store_unrevoke(store, STR("instance"), STR("aws/i-1"),
	    STR("admin:ann"), &was_there, &err));
	ck_assert(!was_there);
	ck_assert_int_eq(generation(store, NULL), before + 4);
	ck_assert_uint_eq(page(&rows), 1);
}
END_TEST

START_TEST(pages_follow_one_another)
{
	struct store_revocation *rows, *last = NULL;
	size_t n, seen = 0;
	char id[8];

	/* Other orders than that of bytes would turn these round. */
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof id, "%c%c", "aZ-b"[i % 4], "0Bz_"[i / 10]);
		(void)put(i % 2 ? "key" : "token", id, INT64_MAX);
	}
	do {
		ck_assert(store_revocation_page(
		    store, arena, last, 3, &rows, &n, &err));
		for (size_t i = 0; i < n; i++, seen++) {
			ck_assert(!last ||
				  str_cmp(last->kind, rows[i].kind) < 0 ||
				  (str_eq(last->kind, rows[i].kind) &&
				      str_cmp(last->id, rows[i].id) < 0));
			last = &rows[i];
		}
	} while (n);
	ck_assert_uint_eq(seen, page(&rows));
	ck_assert_uint_gt(seen, 10);
}
END_TEST

/* It goes LIMIT_SKEW_S after its end, by the clock that nodes share. */
START_TEST(a_row_stays_until_all_has_expired)
{
	struct store_revocation *rows;
	int64_t n = 9, before;

	(void)put("document", "short", 1100);
	(void)put("document", "long", INT64_MAX);
	before = generation(store, NULL);
	now_ms = (1100 + LIMIT_SKEW_S) * 1000 - 1;
	ck_assert(store_revocation_expire(store, &n, &err));
	ck_assert_int_eq(n, 0);
	now_ms++;
	ck_assert(store_revocation_expire(store, &n, &err));
	ck_assert_int_eq(n, 1);
	ck_assert_uint_eq(page(&rows), 1);
	ck_str_is(rows[0].id, "long");
	ck_assert_int_eq(generation(store, NULL), before);
}
END_TEST

/* A token that is out, and the end of its account. */
static bool
issue_and_revoke(
    struct sql *tx, int64_t at_ms, void *ctx, bool *keep, struct error *reterr)
{
	const struct store_issued issued = { .jti = STR("out"),
		.account = STR("web-1"),
		.audience = STR("a"),
		.digest = STR("d"),
		.incarnation = 1,
		.expires_at = at_ms / 1000 + 60 };
	struct store_issued found;
	bool is_out = true, ok;

	(void)ctx, (void)keep;
	ok = store_issued_insert(tx, &issued, reterr) &&
	     store_issued_revoke(
		 tx, issued.account, STR("thumbprint"), at_ms / 1000, reterr) &&
	     store_issued_find(
		 tx, arena, issued.digest, &found, &is_out, reterr);
	ck_assert(!ok || !is_out);
	return ok;
}

static bool
new_account(
    struct sql *tx, int64_t at_ms, void *ctx, bool *keep, struct error *reterr)
{
	const struct store_account row = { .id = STR("web-2"), .version = 1 };
	bool fresh = false;

	(void)at_ms, (void)ctx, (void)keep;
	return store_account_insert(tx, &row, &fresh, reterr) && fresh;
}

static void
fill_rows(int64_t from, int64_t to)
{
	static const char fill[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason)"
	    " WITH RECURSIVE n(i) AS (SELECT $1 + 1 UNION"
	    " ALL SELECT i + 1 FROM n WHERE i < $1 + 10000)"
	    " SELECT 'token', 'x' || i, 1, 1, '' FROM n";
	struct sql *q = sql_open(url, NULL, &err);
	bool ok = q && sql_begin(q, &err);

	for (int64_t i = from; ok && i < to; i += 10000) {
		const struct sql_value at = sql_number(i);

		ok = sql_run(q, fill, &at, 1, NULL, NULL, &err);
	}
	ck_assert_msg(ok && sql_commit(q, &err), "%s", err.msg);
	sql_close(q);
}

START_TEST(there_is_a_most)
{
	const int64_t for_new = LIMIT_REVOCATIONS / 5 * 4;
	const struct store_revocation r = { .kind = STR("token"),
		.id = STR("one more"),
		.until = 5,
		.reason = STR("") };
	bool is_new;
	int64_t gone;

	/* The last fifth is for what is revoked by hand. */
	fill_rows(0, for_new);
	ck_assert(!store_transact(store, new_account, NULL, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_COUNT);
	err = (struct error){ 0 };
	ck_assert(put("token", "by hand", 5));
	fill_rows(for_new, LIMIT_REVOCATIONS);
	ck_assert(!store_revoke(store, &r, &is_new, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_COUNT);
	err = (struct error){ 0 };
	ck_assert(!put("token", "x1", 5));
	/* What follows from a change is not lost; what is new waits. */
	ck_assert_msg(
	    store_transact(store, issue_and_revoke, NULL, &err), "%s", err.msg);
	ck_assert(!store_transact(store, new_account, NULL, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_COUNT);
	err = (struct error){ 0 };
	now_ms = (5 + LIMIT_SKEW_S) * 1000;
	ck_assert(store_revocation_expire(store, &gone, &err));
	ck_assert_msg(
	    store_transact(store, new_account, NULL, &err), "%s", err.msg);
}
END_TEST

static const struct {
	const char *note;
	struct str id;
} no_texts[] = {
	{ "NUL", STR_INIT("a\0b") },
	{ "not UTF-8", STR_INIT("\xff") },
	{ "cut short", STR_INIT("\xc3") },
};

START_TEST(what_one_database_refuses_both_refuse)
{
	const struct store_revocation r = { .kind = STR("token"),
		.id = no_texts[_i].id,
		.until = 5,
		.reason = STR("") };
	struct store_revocation *rows;
	bool is_new;

	ck_assert_msg(
	    !store_revoke(store, &r, &is_new, &err), "%s", no_texts[_i].note);
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_uint_eq(page(&rows), 0);
	err = (struct error){ 0 };
	ck_assert(put("token", "\xc3\xa9 \"';--", 5));
	ck_assert_uint_eq(page(&rows), 1);
	ck_str_is(rows[0].id, "\xc3\xa9 \"';--");
}
END_TEST

/* --- time and health -------------------------------------------------------
 */

START_TEST(the_database_has_a_clock)
{
	int64_t here = clock_now_ms(clock_system()), there = 0;
	struct sql *q = sql_open(url, NULL, &err);

	ck_assert_msg(q && sql_now(q, &there, &err), "%s", err.msg);
	sql_close(q);
	ck_assert_int_ge(there, here - 1000);
	ck_assert_int_le(there, here + 60000);
}
END_TEST

START_TEST(a_whole_store_says_so)
{
	struct buf problems = { 0 };
	struct store_health h;

	(void)put("token", "x", 5);
	ck_assert_msg(store_health(store, &problems, &h, &err), "%s", err.msg);
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_int_eq(h.migrations, h.known);
	ck_assert_int_eq(h.revocations, 1);
	ck_assert_int_eq(h.members, 0);
	ck_assert_int_eq(h.generation, generation(store, NULL));
	ck_assert(store_check(store, &err));
	buf_free(&problems);
}
END_TEST

/* --- after a restore -------------------------------------------------------
 */

START_TEST(what_was_put_back_starts_anew)
{
	int64_t g = 0, floor = 0;
	struct store_revocation *rows;

	(void)put("token", "x", 5);
	ck_assert(store_accept_restore(store, 50, &g, &floor, &err));
	ck_assert_int_eq(g, 51);
	ck_assert_int_eq(floor, now_ms / 1000 + LIMIT_SKEW_S);
	ck_assert_int_eq(generation(store, &floor), 51);
	ck_assert_int_eq(floor, now_ms / 1000 + LIMIT_SKEW_S);
	ck_assert_uint_eq(page(&rows), 1);
	/* The store is ahead of what was seen. */
	ck_assert(store_accept_restore(store, 3, &g, &floor, &err));
	ck_assert_int_eq(g, 52);
	ck_assert(
	    !store_accept_restore(store, INT64_MAX - 1, &g, &floor, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

/* A table that comes to be: does a copy of it let in who was shut out? Then
 * store_accept_restore has to empty it. */
static const struct {
	const char *name;
	bool is_kept;
} tables[] = {
	{ "account", true }, /* none can prove itself: no key is live */
	{ "account_key", true }, { "admin_token", false }, { "alarm", true },
	{ "changed", true }, { "master_secret", true },
	{ "binding", true }, /* to a key that is not live, and no other */
	{ "counter", true }, { "dpop_nonce", false }, { "dpop_spent", false },
	{ "document", false }, { "document_key", true }, /* public */
	{ "enrolment", false }, { "instance", false },
	{ "instance_member", false }, { "issued", false }, { "member", false },
	{ "migration", true }, { "offer", false }, { "repeat", false },
	{ "revocation", true },
	{ "spent", true }, /* of challenges that have ended long since */
};

static bool
know_table(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct str name = sql_bytes(row, 0);
	size_t *n = ctx;

	(void)reterr;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (str_eq(name, str_of(tables[i].name))) {
			++*n;
			return true;
		}
	ck_abort_msg("what does a restore do to table %.*s?", STR_ARG(name));
	return false;
}

static void
fill(struct sql *q)
{
	static const char *const rows[] = {
		"INSERT INTO member VALUES ('w', 'p', 1, 's', 'a', 1, 1, 9, 1,"
		" 1, 'address', 'https', 'i', 'avow', x'00', x'00')",
		"INSERT INTO account_key VALUES (1, 'c', 't', 0, x'00', x'00',"
		" 1, '', 0, 1)",
		"INSERT INTO instance VALUES ('c', '', '{}', 0, 1, 1)",
		"INSERT INTO instance_member VALUES ('g', 'c')",
		"INSERT INTO document VALUES ('d', 'c', '[]', '[]', 'k', 't',"
		" '', 1, 0, 0, 1, 9, 0, x'00', x'00', x'00', x'00', 0)",
		"INSERT INTO document_key VALUES ('k', 'p', 9)",
		"INSERT INTO enrolment VALUES ('c', x'00', 9)",
		"INSERT INTO dpop_nonce VALUES (1, 'n', 9)",
		"INSERT INTO dpop_spent VALUES (x'00', 1)",
		"INSERT INTO issued VALUES ('j', 'c', 'a', x'00', 1, 9)",
		"INSERT INTO offer VALUES ('c', 'a', 'j', x'00', 9)",
		"INSERT INTO repeat VALUES ('a', 'n', x'00', 'c', 1, 9)",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(sql_do(q, rows[i], &err), "%s", err.msg);
}

static int64_t
count_rows(const char *from)
{
	char text[100];
	int64_t n = -1;
	struct sql *fresh = sql_open(url, NULL, &err);

	snprintf(text, sizeof text, "SELECT COUNT(*) FROM %s", from);
	ck_assert_msg(
	    fresh && sql_run(fresh, text, NULL, 0, sql_take_number, &n, &err),
	    "%s", err.msg);
	sql_close(fresh);
	return n;
}

START_TEST(a_restore_leaves_no_way_in)
{
	static const char list[] = "SELECT name FROM sqlite_master"
				   " WHERE type = 'table' ORDER BY name";
	struct sql *q = sql_open(url, NULL, &err);
	int64_t g, floor;
	size_t n = 0;

	ck_assert(sql_run(q, list, NULL, 0, know_table, &n, &err));
	ck_assert_uint_eq(n, ARRAY_LEN(tables));
	fill(q);
	ck_assert_int_eq(count_rows("account_key WHERE live = 1"), 1);
	ck_assert(store_accept_restore(store, 0, &g, &floor, &err));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (!tables[i].is_kept)
			ck_assert_msg(count_rows(tables[i].name) == 0, "%s",
			    tables[i].name);
	ck_assert_int_eq(count_rows("account_key WHERE live = 1"), 0);
	sql_close(q);
}
END_TEST

/* --- news ------------------------------------------------------------------
 */

static void *
revoke_in_thread(void *ctx)
{
	(void)ctx;
	(void)put("token", "x", 5);
	return NULL;
}

/* Who waits hears of a change by another handle well before its time is up. */
START_TEST(news_arrive)
{
	struct store *other = store_open(url, &err);
	int64_t before = generation(other, NULL), began = clock_mono_ns();
	pthread_t thread;
	bool woken = false;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	/* The first says at once that anything may have been. */
	ck_assert(store_wait(other, fds[0], 0, &err));
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, revoke_in_thread, NULL), 0);
	while (!woken && clock_mono_ns() - began < 5000000000) {
		ck_assert_msg(
		    store_wait(other, fds[0], 5000, &err), "%s", err.msg);
		woken = generation(other, NULL) > before;
	}
	ck_assert(woken);
	ck_assert_int_lt(clock_mono_ns() - began, 4000000000);
	pthread_join(thread, NULL);
	/* And by the descriptor. */
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	began = clock_mono_ns();
	ck_assert(store_wait(other, fds[0], 5000, &err));
	ck_assert_int_lt(clock_mono_ns() - began, 4000000000);
	store_close(other);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* --- one writes at a time --------------------------------------------------
 */

struct adder {
	pthread_t thread;
	struct store *store;
	int done;
};

static bool
add_one(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char ask[] =
	    "SELECT value FROM counter WHERE name = 'floor'";
	static const char set[] =
	    "UPDATE counter SET value = $1 WHERE name = 'floor'";
	int64_t n = 0;
	struct sql_value next;

	(void)ctx, (void)keep;
	if (!sql_run(q, ask, NULL, 0, sql_take_number, &n, reterr))
		return false;
	next = sql_number(n + 1);
	return sql_run(q, set, &next, 1, NULL, NULL, reterr);
}

static void *
add_many(void *ctx)
{
	struct adder *a = ctx;

	for (int i = 0; i < 50; i++)
		if (store_change(a->store, add_one, NULL, NULL))
			a->done++;
	return NULL;
}

/* Read, then write what follows from it: without the lock from the start some
 * would be lost. */
START_TEST(transactions_do_not_overlap)
{
	struct adder adders[4] = { 0 };
	int64_t floor = 0;
	int sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(adders); i++) {
		adders[i].store = store_open(url, &err);
		ck_assert_msg(adders[i].store, "%s", err.msg);
	}
	for (size_t i = 0; i < ARRAY_LEN(adders); i++)
		ck_assert_int_eq(pthread_create(&adders[i].thread, NULL,
				     add_many, &adders[i]),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(adders); i++) {
		pthread_join(adders[i].thread, NULL);
		store_close(adders[i].store);
		sum += adders[i].done;
	}
	(void)generation(store, &floor);
	ck_assert_int_eq(floor, sum);
	ck_assert_int_gt(sum, 50);
}
END_TEST

START_TEST(who_waits_too_long_is_refused)
{
	struct sql *q = sql_open(url, NULL, &err);
	int64_t began = clock_mono_ns();

	ck_assert_msg(q && sql_begin(q, &err), "%s", err.msg);
	ck_assert(!store_check(store, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_int_lt(clock_mono_ns() - began, 10000000000);
	/* To read needs no turn. */
	ck_assert_int_gt(generation(store, NULL), 0);
	sql_rollback(q);
	sql_close(q);
	err = (struct error){ 0 };
	ck_assert_msg(store_check(store, &err), "%s", err.msg);
}
END_TEST

/* What fails inside a transaction undoes all of it, and the handle goes on. */
static bool
fail_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char bad[] = "INSERT INTO counter VALUES ('floor', 1)";

	(void)keep;
	return add_one(q, ctx, keep, reterr) &&
	       sql_run(q, bad, NULL, 0, NULL, NULL, reterr);
}

START_TEST(a_failed_transaction_leaves_nothing)
{
	int64_t floor = 9;

	ck_assert(!store_change(store, fail_inside, NULL, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	err = (struct error){ 0 };
	(void)generation(store, &floor);
	ck_assert_int_eq(floor, 0);
	ck_assert_msg(store_change(store, add_one, NULL, &err), "%s", err.msg);
}
END_TEST

/* --- the server goes -------------------------------------------------------
 */

static const char *const ends[] = { "stop", "kill" };

START_TEST(a_server_that_went_is_found_again)
{
	struct store_revocation *rows;
	int64_t n, floor;

	(void)put("token", "before", 5);
	pg_command(ends[_i]);
	ck_assert(!store_check(store, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert(!store_generation(store, &n, &floor, NULL));
	pg_command("again");
	err = (struct error){ 0 };
	for (int i = 0; i < 100 && !store_check(store, NULL); i++)
		usleep(50000);
	ck_assert_uint_eq(page(&rows), 1);
	ck_str_is(rows[0].id, "before");
}
END_TEST

static bool
lose_server(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	bool ok;

	(void)ctx, (void)keep;
	if (!add_one(q, NULL, keep, reterr))
		return false;
	pg_command("kill");
	pg_command("again");
	/* The server is back, the transaction is not: nothing of it may run by
	 * itself. */
	ok = add_one(q, NULL, keep, reterr);
	ck_assert(!ok);
	ck_assert(!add_one(q, NULL, keep, NULL));
	ck_assert(!sql_commit(q, NULL));
	return false;
}

START_TEST(a_transaction_does_not_go_on_elsewhere)
{
	int64_t floor = 9;

	ck_assert(!store_change(store, lose_server, NULL, &err));
	err = (struct error){ 0 };
	for (int i = 0; i < 100 && !store_check(store, NULL); i++)
		usleep(50000);
	(void)generation(store, &floor);
	ck_assert_int_eq(floor, 0);
}
END_TEST

static bool
lose_before_commit(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	if (!add_one(q, ctx, keep, reterr))
		return false;
	pg_command("kill");
	return true;
}

START_TEST(a_lost_commit_says_so)
{
	int64_t floor = 9;

	ck_assert(!store_change(store, lose_before_commit, NULL, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_msg(strstr(err.msg, "stored or not"), "%s", err.msg);
	pg_command("again");
	err = (struct error){ 0 };
	for (int i = 0; i < 100 && !store_check(store, NULL); i++)
		usleep(50000);
	(void)generation(store, &floor);
	ck_assert_int_eq(floor, 0);
}
END_TEST

/* A server that stands still costs a bounded time, then nothing for a while. */
START_TEST(a_silent_server_costs_bounded_time)
{
	int64_t began = clock_mono_ns(), n, floor;

	pg_command("pause");
	ck_assert(!store_generation(store, &n, &floor, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_int_lt(clock_mono_ns() - began, 6000000000);
	ck_assert(!store_generation(store, &n, &floor, NULL));
	began = clock_mono_ns();
	ck_assert(!store_generation(store, &n, &floor, NULL));
	ck_assert_int_lt(clock_mono_ns() - began, 1000000000);
	pg_command("go");
	err = (struct error){ 0 };
	for (int i = 0; i < 100 && !store_check(store, NULL); i++)
		usleep(50000);
	ck_assert_int_gt(generation(store, NULL), 0);
}
END_TEST

static const char *const orders[] = {
	"CREATE DATABASE other TEMPLATE template0 ENCODING 'SQL_ASCII'"
	" LOCALE 'C'",
	"CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8'"
	" LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'",
};

START_TEST(other_orders_are_refused)
{
	struct sql *q = sql_open(url, NULL, &err);
	char other[400];
	const char *rest = strchr(pg_url(), '?');

	ck_assert(sql_do(q, "DROP DATABASE IF EXISTS other", &err));
	ck_assert_msg(sql_do(q, orders[_i], &err), "%s", err.msg);
	snprintf(other, sizeof other, "postgresql:///other%s", rest);
	ck_assert(!store_open(str_of(other), &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_msg(strstr(err.msg, "createdb"), "%s", err.msg);
	err = (struct error){ 0 };
	ck_assert_msg(
	    sql_do(q, "DROP DATABASE other WITH (FORCE)", &err), "%s", err.msg);
	sql_close(q);
}
END_TEST

/* --- the mark --------------------------------------------------------------
 */

static char mark[600];

static void
setup_mark(void)
{
	static int n;

	err = (struct error){ 0 };
	snprintf(mark, sizeof mark, "%s/mark-%d", test_folder(), n++);
	(void)remove(mark);
}

START_TEST(a_mark_goes_forward_only)
{
	int64_t n = 9;
	struct stat st;

	ck_assert(store_mark_read(mark, &n, &err));
	ck_assert_int_eq(n, 0);
	ck_assert(store_mark_check(mark, 5, &err));
	ck_assert(store_mark_check(mark, 5, &err));
	ck_assert(store_mark_check(mark, 7, &err));
	ck_assert(store_mark_read(mark, &n, &err));
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(stat(mark, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert(!store_mark_check(mark, 6, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_msg(strstr(err.msg, "accept-restore"), "%s", err.msg);
}
END_TEST

static const struct {
	const char *note, *text;
	mode_t mode;
} bad_marks[] = {
	{ "empty", "", 0600 },
	{ "no number", "seven\n", 0600 },
	{ "negative", "-7\n", 0600 },
	{ "too large", "9223372036854775808\n", 0600 },
	{ "two lines", "7\n8\n", 0600 },
	{ "long", "000000000000000000000000000000000007\n", 0600 },
	{ "open to others", "7\n", 0644 },
};

START_TEST(a_mark_that_cannot_be_read_refuses)
{
	FILE *f = fopen(mark, "w");

	ck_assert(f && fputs(bad_marks[_i].text, f) >= 0 && fclose(f) == 0);
	ck_assert_int_eq(chmod(mark, bad_marks[_i].mode), 0);
	ck_assert_msg(
	    !store_mark_check(mark, 100, &err), "%s", bad_marks[_i].note);
	ck_assert_int_ne(err.code, ERR_NONE);
}
END_TEST

/* --- all -------------------------------------------------------------------
 */

static void
add_common(Suite *s, const char *name, void (*set_up)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, set_up, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_revoked_is_kept);
	tcase_add_test(t, pages_follow_one_another);
	tcase_add_test(t, a_row_stays_until_all_has_expired);
	tcase_add_loop_test(
	    t, what_one_database_refuses_both_refuse, 0, ARRAY_LEN(no_texts));
	tcase_add_test(t, the_database_has_a_clock);
	tcase_add_test(t, a_whole_store_says_so);
	tcase_add_test(t, what_was_put_back_starts_anew);
	tcase_add_test(t, news_arrive);
	tcase_add_test(t, transactions_do_not_overlap);
	tcase_add_test(t, who_waits_too_long_is_refused);
	tcase_add_test(t, a_failed_transaction_leaves_nothing);
	suite_add_tcase(s, t);
}

START_TEST(no_postgres)
{
	(void)pg_missing();
}
END_TEST

static void
add_postgres(Suite *s)
{
	TCase *t = tcase_create("the server");

	if (!pg_url()) {
		tcase_add_test(t, no_postgres);
		suite_add_tcase(s, t);
		return;
	}
	add_common(s, "PostgreSQL", setup_postgres);
	tcase_add_checked_fixture(t, setup_postgres, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
	    t, a_server_that_went_is_found_again, 0, ARRAY_LEN(ends));
	tcase_add_test(t, a_transaction_does_not_go_on_elsewhere);
	tcase_add_test(t, a_lost_commit_says_so);
	tcase_add_test(t, a_silent_server_costs_bounded_time);
	tcase_add_loop_test(t, other_orders_are_refused, 0, ARRAY_LEN(orders));
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("revocations");
	TCase *marks = tcase_create("mark"), *most = tcase_create("most");
	int status;

	pg_start();
	add_common(s, "SQLite", setup_sqlite);
	add_postgres(s);
	/* Rows are counted in the same way by both, and here faster. */
	tcase_add_checked_fixture(most, setup_sqlite, teardown);
	tcase_set_timeout(most, 60);
	tcase_add_test(most, there_is_a_most);
	tcase_add_test(most, a_restore_leaves_no_way_in);
	suite_add_tcase(s, most);
	tcase_add_checked_fixture(marks, setup_mark, NULL);
	tcase_add_test(marks, a_mark_goes_forward_only);
	tcase_add_loop_test(
	    marks, a_mark_that_cannot_be_read_refuses, 0, ARRAY_LEN(bad_marks));
	suite_add_tcase(s, marks);
	status = run_suite(s);
	pg_end();
	return status;
}
