/* test_revocations.c - the list follows the store, and nothing passes while it
 * cannot. */
#include "gateways/revocations.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"
#include "tests/lib/run.h"

#define ID "00112233445566778899aabbccddeeff"

static struct error err;
static struct str url;
static const char *mark;
static struct store *store; /* another process, so to say */
static struct revocations *r;
static struct {
	pthread_mutex_t lock;
	struct attest_revoked *list;
	int n;
	bool refuses;
} taken = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
take(void *ctx, struct attest_revoked *list, struct error *reterr)
{
	ck_assert_ptr_eq(ctx, &taken);
	pthread_mutex_lock(&taken.lock);
	attest_revoked_free(taken.list);
	taken.list = list;
	taken.n++;
	pthread_mutex_unlock(&taken.lock);
	return !taken.refuses ||
	       error_set(reterr, ERR_LIMIT_MEMORY, SPAN_NONE, "told so");
}

static void
open_all(void)
{
	const struct revocations_options options = {
		.store = url, .mark = mark, .take = take, .ctx = &taken
	};

	r = revocations_new(&options, &err);
	ck_assert_msg(r, "%s", err.msg);
}

static void
setup(void)
{
	static char text[600], file[600];
	static int n;

	snprintf(text, sizeof text, "sqlite://%s/%d-%d.db", test_folder(),
	    (int)getpid(), n);
	snprintf(
	    file, sizeof file, "%s/%d-%d", test_folder(), (int)getpid(), n++);
	url = str_of(text);
	mark = file;
	err = (struct error){ 0 };
	taken.n = 0;
	taken.refuses = false;
	log_threshold(LOG_ERROR);
	store = store_open(url, &err);
	ck_assert_msg(store, "%s", err.msg);
	open_all();
}

static void
teardown(void)
{
	revocations_free(r);
	store_close(store);
	attest_revoked_free(taken.list);
	taken.list = NULL;
}

static void
put(const char *kind, const char *id)
{
	const struct store_revocation row = { .kind = str_of(kind),
		.id = str_of(id),
		.until = INT64_MAX,
		.reason = STR("") };
	bool is_new;

	ck_assert_msg(store_revoke(store, &row, &is_new, &err), "%s", err.msg);
}

static bool
passes(void)
{
	struct error e = { 0 };
	bool ok = revocations_check(r, &e);

	ck_assert(ok || e.code == ERR_SYSTEM_STORE);
	return ok;
}

/* A machine starts days ahead and is put right: nothing is forgotten by either
 * clock until one of them has held for a while. */
START_TEST(a_clock_that_jumps_forgets_nothing)
{
	const int64_t minute_ns = 60000000000, day_ms = 86400000;
	struct revocations_pace p = { 0 };
	int64_t mono_ns = 5 * minute_ns, wall_ms = 1800000000000 + day_ms;

	ck_assert(!revocations_pace_is_even(&p, wall_ms, mono_ns));
	for (int i = 1; i < 10; i++)
		ck_assert(!revocations_pace_is_even(
		    &p, wall_ms + i * 60000, mono_ns + i * minute_ns));
	wall_ms += 10 * 60000 - day_ms;
	mono_ns += 10 * minute_ns;
	for (int i = 0; i < 10; i++)
		ck_assert(!revocations_pace_is_even(
		    &p, wall_ms + i * 60000, mono_ns + i * minute_ns));
	ck_assert(revocations_pace_is_even(
	    &p, wall_ms + 10 * 60000, mono_ns + 10 * minute_ns));
	/* Ahead again. */
	ck_assert(!revocations_pace_is_even(
	    &p, wall_ms + day_ms, mono_ns + 11 * minute_ns));
}
END_TEST

static void
must_poll(void)
{
	ck_assert_msg(revocations_poll(r, &err), "%s", err.msg);
	ck_assert(passes());
}

static void
must_fail(const char *says)
{
	struct error e = { 0 };

	ck_assert(!revocations_poll(r, &e));
	ck_assert_int_eq(e.code, ERR_SYSTEM_STORE);
	ck_assert_msg(strstr(e.msg, says), "%s", e.msg);
	ck_assert(!passes());
}

static bool
has(enum attest_revocable kind, const char *id)
{
	return attest_revoked_has(taken.list, kind, str_of(id));
}

START_TEST(the_list_follows_the_store)
{
	bool was_there;

	ck_assert(revocations_check(NULL, NULL));
	ck_assert(passes());
	ck_assert_int_eq(taken.n, 1);
	must_poll();
	ck_assert_int_eq(taken.n, 1);
	put("document", ID);
	put("instance", "aws/i-1");
	put("account", "i-2");
	must_poll();
	ck_assert_int_eq(taken.n, 2);
	ck_assert(has(ATTEST_DOCUMENT, ID));
	ck_assert(has(ATTEST_INSTANCE, "aws/i-1"));
	ck_assert(has(ATTEST_ACCOUNT, "i-2"));
	ck_assert(!has(ATTEST_TOKEN, "i-2"));
	ck_assert(store_unrevoke(
	    store, STR("instance"), STR("aws/i-1"), STR(""), &was_there, &err));
	must_poll();
	ck_assert(!has(ATTEST_INSTANCE, "aws/i-1"));
	ck_assert(has(ATTEST_DOCUMENT, ID));
}
END_TEST

START_TEST(none_is_left_out)
{
	char id[16];

	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof id, "t%d", i);
		put(i % 2 ? "token" : "account", id);
	}
	must_poll();
	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof id, "t%d", i);
		ck_assert(has(i % 2 ? ATTEST_TOKEN : ATTEST_ACCOUNT, id));
	}
}
END_TEST

START_TEST(a_kind_of_a_newer_program_refuses)
{
	bool was_there;

	put("planet", "mars");
	must_fail("planet");
	ck_assert(store_unrevoke(
	    store, STR("planet"), STR("mars"), STR(""), &was_there, &err));
	must_poll();
}
END_TEST

START_TEST(a_list_that_is_not_taken_refuses)
{
	put("account", "i-2");
	taken.refuses = true;
	must_fail("told so");
	/* And is handed over again. */
	taken.refuses = false;
	must_poll();
	ck_assert_int_eq(taken.n, 3);
	must_poll();
	ck_assert_int_eq(taken.n, 3);
}
END_TEST

/* A copy from before, under a running server and at its next start. */
START_TEST(a_store_that_went_back_refuses)
{
	struct error e = { 0 };
	const struct revocations_options options = {
		.store = url, .mark = mark, .take = take, .ctx = &taken
	};
	int64_t generation, floor;

	/* The mark alone is ahead. */
	ck_assert(store_mark_write(mark, 100, &err));
	must_fail("put back from a copy");
	revocations_free(r);
	r = revocations_new(&options, &e);
	ck_assert(!r);
	ck_assert_int_eq(e.code, ERR_SYSTEM_STORE);
	ck_assert(store_accept_restore(store, 100, &generation, &floor, &err));
	open_all();
	must_poll();
	ck_assert_int_eq(attest_revoked_floor(taken.list), floor);
	ck_assert(store_mark_read(mark, &generation, &err));
	ck_assert_int_eq(generation, 101);
}
END_TEST

START_TEST(a_mark_that_cannot_be_read_refuses)
{
	FILE *f = fopen(mark, "w");

	ck_assert(f && fputs("x", f) >= 0 && fclose(f) == 0);
	must_fail("generation");
}
END_TEST

/* What was told while nobody was looking. */
START_TEST(the_thread_hears_of_it)
{
	int64_t began = clock_mono_ns();
	bool heard = false;

	ck_assert(revocations_start(r, &err));
	put("account", "i-2");
	while (!heard && clock_mono_ns() - began < 5000000000) {
		usleep(10000);
		pthread_mutex_lock(&taken.lock);
		heard = has(ATTEST_ACCOUNT, "i-2");
		pthread_mutex_unlock(&taken.lock);
	}
	ck_assert(heard);
	revocations_wake(r);
	revocations_wake(r);
	revocations_stop(r);
	revocations_stop(r);
}
END_TEST

/* Nobody has looked for LIMIT_REVOCATION_STALE_MS. */
START_TEST(what_is_old_refuses)
{
	int64_t began = clock_mono_ns();

	while (passes() && clock_mono_ns() - began < 20000000000)
		usleep(20000);
	ck_assert(!passes());
	ck_assert_int_ge(clock_mono_ns() - began, 4000000000);
	must_poll();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("revocations");
	TCase *tc = tcase_create("revocations");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_list_follows_the_store);
	tcase_add_test(tc, a_clock_that_jumps_forgets_nothing);
	tcase_add_test(tc, none_is_left_out);
	tcase_add_test(tc, a_kind_of_a_newer_program_refuses);
	tcase_add_test(tc, a_list_that_is_not_taken_refuses);
	tcase_add_test(tc, a_store_that_went_back_refuses);
	tcase_add_test(tc, a_mark_that_cannot_be_read_refuses);
	tcase_add_test(tc, the_thread_hears_of_it);
	tcase_add_test(tc, what_is_old_refuses);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
