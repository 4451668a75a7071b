/* sweep_store.c - store/ with each allocation and each call of a database
 * failing in turn, on SQLite and on PostgreSQL: an error with its code, nothing
 * half-written, and the same handle goes on. A fault after a commit is told as
 * a failure and is one only in name: the change is whole then. */
#include "tests/fault/wrap.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "gateways/revocations.h"
#include "store/changes.h"
#include "store/replay.h"
#include "store/store.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"

static struct arena *arena;

static void
check_code(const struct error *e)
{
	ck_assert_msg(
	    e->code == ERR_SYSTEM_STORE || e->code == ERR_LIMIT_MEMORY,
	    "%s: %s", error_id(e->code), e->msg);
}

/* What is there: the generation says how often something was revoked. */
struct seen {
	int64_t generation, revocations, members;
};

static bool
look(struct store *s, struct seen *ret, struct error *reterr)
{
	struct store_health h;
	struct buf problems = { 0 };
	bool ok = store_health(s, &problems, &h, reterr);

	ck_assert_uint_eq(problems.n, 0);
	buf_free(&problems);
	if (ok)
		*ret = (struct seen){ h.generation, h.revocations, h.members };
	return ok;
}

static bool
revoke_one(struct store *s, struct str id, struct error *reterr)
{
	const struct store_revocation r = {
		.kind = STR("token"), .id = id, .until = 5, .reason = STR("")
	};
	bool is_new;

	return store_revoke(s, &r, &is_new, reterr);
}

static bool
join_one(struct store *s, struct str id, struct error *reterr)
{
	const struct store_member m = { .pool = STR("web"),
		.principal = id,
		.server = id,
		.address = id,
		.port = 80,
		.proof = STR("address"),
		.protocol = STR("https"),
		.issuer = STR("acme"),
		.kind = STR("avow"),
		.document = STR("{}"),
		.signature = STR("s") };
	enum store_join answer = STORE_JOIN_HELD;
	int64_t generation;

	if (!store_member_join(s, &m, 0, &answer, &generation, reterr))
		return false;
	ck_assert(answer == STORE_JOINED || answer == STORE_REJOINED);
	return true;
}

static bool
check_one(struct store *s, struct str id, struct error *reterr)
{
	(void)id;
	return store_check(s, reterr);
}

static bool
list_some(struct store *s, struct str id, struct error *reterr)
{
	struct store_revocation *rows;
	size_t n = 9;

	(void)id;
	arena_reset(arena);
	return store_revocation_page(s, arena, NULL, 5, &rows, &n, reterr);
}

/* Two proofs under one nonce, and one of them again: never taken twice, also
 * where the first try was told as a failure. */
static bool
spend_one(struct store *s, struct str id, struct error *reterr)
{
	uint8_t digest[32] = { 0 };
	struct store_nonces nonces;
	enum store_spent answer = STORE_SPENT_NO_NONCE, again;

	memcpy(digest, id.p, id.n);
	if (!store_nonces(s, "0123456789012345678901", &nonces, reterr) ||
	    !store_proof_spend(
		s, str_of(nonces.text[0]), digest, &answer, reterr))
		return false;
	ck_assert(answer == STORE_SPENT || answer == STORE_SPENT_BEFORE);
	if (!store_proof_spend(
		s, str_of(nonces.text[0]), digest, &again, reterr))
		return false;
	ck_assert_int_eq(again, STORE_SPENT_BEFORE);
	return true;
}

static bool
list_changes(struct store *s, struct str id, struct error *reterr)
{
	struct store_changed *rows;
	size_t n = 9;

	(void)id;
	arena_reset(arena);
	return store_changed_page(s, arena, 0, 5, &rows, &n, reterr);
}

static const struct {
	const char *name;
	bool (*run)(struct store *s, struct str id, struct error *reterr);
	int64_t revocations, members; /* more than before */
} works[] = {
	{ "revoke", revoke_one, 1, 0 },
	{ "join", join_one, 0, 1 },
	{ "check", check_one, 0, 0 },
	{ "list", list_some, 0, 0 },
	{ "spend", spend_one, 0, 0 },
	{ "changes", list_changes, 0, 0 },
};

/* All of it or nothing; after the second try, all. */
static void
check_whole(size_t i, const struct seen *before, const struct seen *after)
{
	int64_t r = after->revocations - before->revocations;
	int64_t m = after->members - before->members;

	ck_assert_msg((r == 0 || r == works[i].revocations) &&
			  (m == 0 || m == works[i].members) &&
			  after->generation - before->generation == r,
	    "%s: half of it was written", works[i].name);
}

static bool
work(struct store *s, size_t i)
{
	static unsigned runs;
	char id[32];
	struct seen before, after;
	struct error e = { 0 };
	bool ok;

	snprintf(id, sizeof id, "x%u", runs++);
	if (!look(s, &before, &e)) {
		check_code(&e);
		return false;
	}
	ok = works[i].run(s, str_of(id), &e);
	if (!ok)
		check_code(&e);
	/* One fault a run: after it, all goes well. */
	e = (struct error){ 0 };
	if (!look(s, &after, &e)) {
		ck_assert_msg(ok, "%s: still fails: %s", works[i].name, e.msg);
		return false;
	}
	check_whole(i, &before, &after);
	if (ok)
		return true;
	ck_assert_msg(works[i].run(s, str_of(id), &e),
	    "%s: cannot be done again: %s", works[i].name, e.msg);
	ck_assert(look(s, &after, &e));
	ck_assert_int_eq(
	    after.revocations - before.revocations, works[i].revocations);
	ck_assert_int_eq(after.members - before.members, works[i].members);
	return false;
}

struct sweep {
	struct str url;
	size_t work;
	struct store *store; /* NULL: opened by each run, migrated too */
};

static bool
once(void *ctx)
{
	const struct sweep *w = ctx;
	struct error e = { 0 };
	struct store *s = w->store ? w->store : store_open(w->url, &e);
	bool ok;

	if (!s) {
		check_code(&e);
		return false;
	}
	ok = work(s, w->work);
	if (!w->store)
		store_close(s);
	return ok;
}

static void
sweep(struct sweep *w, long least)
{
	arena = arena_new(0);
	ck_assert_int_ge(fault_sweep(works[w->work].name, once, w), least);
	arena_free(arena);
}

START_TEST(sqlite)
{
	char url[600];
	struct sweep w = { .work = (size_t)_i };
	struct error e = { 0 };

	snprintf(url, sizeof url, "sqlite://%s/%d.db", test_folder(), _i);
	w.url = str_of(url);
	sweep(&w, 40);
	/* The same handle for all: what is prepared once is prepared. */
	w.store = store_open(w.url, &e);
	ck_assert_msg(w.store, "%s", e.msg);
	sweep(&w, 10);
	store_close(w.store);
}
END_TEST

/* A new file each time: the tables are made under every fault, and made whole
 * by the next start. */
static bool
open_new(void *ctx)
{
	static unsigned runs;
	struct error e = { 0 };
	struct store *s;
	char url[600];

	(void)ctx;
	snprintf(
	    url, sizeof url, "sqlite://%s/new-%u.db", test_folder(), runs++);
	s = store_open(str_of(url), &e);
	store_close(s);
	if (s)
		return true;
	check_code(&e);
	e = (struct error){ 0 };
	s = store_open(str_of(url), &e);
	ck_assert_msg(s, "%s", e.msg);
	ck_assert(store_check(s, &e));
	store_close(s);
	return false;
}

START_TEST(migrations)
{
	ck_assert_int_ge(fault_sweep("open", open_new, NULL), 50);
}
END_TEST

static bool
take(void *ctx, struct attest_revoked *list, struct error *reterr)
{
	(void)reterr;
	ck_assert(attest_revoked_has(list, ATTEST_ACCOUNT, STR("i-1")));
	*(bool *)ctx = true;
	attest_revoked_free(list);
	return true;
}

/* What keeps the list: a whole one, or none and nothing passes. */
static bool
watch_store(void *ctx)
{
	const struct sweep *w = ctx;
	struct error e = { 0 };
	bool is_taken = false, ok;
	const struct revocations_options options = {
		.store = w->url, .take = take, .ctx = &is_taken
	};
	struct revocations *r = revocations_new(&options, &e);

	if (!r) {
		check_code(&e);
		return false;
	}
	ck_assert(is_taken);
	ok = revocations_poll(r, &e);
	ck_assert(ok == revocations_check(r, NULL));
	/* One fault a run. */
	ck_assert(ok || revocations_poll(r, NULL));
	ck_assert(revocations_check(r, NULL));
	revocations_free(r);
	return ok;
}

START_TEST(watch)
{
	const struct store_revocation row = { .kind = STR("account"),
		.id = STR("i-1"),
		.until = INT64_MAX,
		.reason = STR("") };
	struct sweep w = { 0 };
	struct error e = { 0 };
	struct store *s;
	char url[600];
	bool is_new;

	snprintf(url, sizeof url, "sqlite://%s/watch.db", test_folder());
	w.url = str_of(url);
	log_threshold(LOG_ERROR);
	s = store_open(w.url, &e);
	ck_assert_msg(s && store_revoke(s, &row, &is_new, &e), "%s", e.msg);
	store_close(s);
	ck_assert_int_ge(fault_sweep("watch", watch_store, &w), 40);
}
END_TEST

START_TEST(postgres)
{
	struct sweep w = { .work = (size_t)_i };

	if (pg_missing())
		return;
	w.url = str_of(pg_url());
	sweep(&w, 40);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_store");
	TCase *tc = tcase_create("sweep");
	int status;

	pg_start();
	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, sqlite, 0, ARRAY_LEN(works));
	tcase_add_test(tc, migrations);
	tcase_add_test(tc, watch);
	tcase_add_loop_test(tc, postgres, 0, ARRAY_LEN(works));
	suite_add_tcase(s, tc);
	status = run_suite(s);
	pg_end();
	return status;
}
