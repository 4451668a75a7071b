/* Proofs of possession that nodes of one store take once among them (SECURITY
 * 7), on both databases: nonces of one node hold at the other, replays do not,
 * also after restarts, and without the store nothing is taken. */
#include "attest/dpop.h"

#include <pthread.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/store_private.h"
#include "tests/lib/pg.h"
#include "tests/unit/attest/token_kit.h"

#define URL "https://repo.example/debian/a.deb"
#define TOKEN "the token"

static struct token_kit k;
static char url[700];
static int64_t now_ms;
static struct clock clock_at;
static struct error err;
static struct node {
	struct store *store;
	struct dpop *dpop;
} one, two;

static struct node
open_node(void)
{
	struct node n;

	n.store = store_open_at(str_of(url), &clock_at, &err);
	ck_assert_msg(n.store != NULL, "%s", err.msg);
	n.dpop = dpop_new_shared(n.store, &err);
	ck_assert_msg(n.dpop != NULL, "%s", err.msg);
	return n;
}

static void
close_node(struct node *n)
{
	dpop_free(n->dpop);
	store_close(n->store);
	*n = (struct node){ 0 };
}

static void
start(void)
{
	token_kit_init(&k, KEY_ED25519);
	err = (struct error){ 0 };
	now_ms = KIT_NOON * INT64_C(1000);
	clock_at = clock_fixed(&now_ms);
	one = open_node();
	two = open_node();
}

static void
setup_file(void)
{
	static int n;

	snprintf(url, sizeof url, "sqlite://%s/shared-%d-%d/avow.db",
	    test_folder(), (int)getpid(), n++);
	start();
}

static void
setup_postgres(void)
{
	pg_empty();
	snprintf(url, sizeof url, "%s", pg_url());
	start();
}

static void
teardown(void)
{
	close_node(&one);
	close_node(&two);
	token_kit_fini(&k);
}

static int64_t
now_s(void)
{
	return now_ms / 1000;
}

static const char *
nonce_of(const struct node *n, char room[DPOP_NONCE + 1])
{
	ck_assert_msg(dpop_nonce(n->dpop, now_s(), room, &err), "%s", err.msg);
	ck_assert_uint_eq(strlen(room), DPOP_NONCE);
	return room;
}

static struct str
make(const char *nonce, const char *id)
{
	const struct dpop_request what = { .method = STR("GET"),
		.url = STR(URL),
		.shown = STR(TOKEN),
		.now_unix_s = now_s() };
	struct buf out = { 0 };
	struct str copy;

	ck_assert(
	    dpop_make(k.holder, &what, str_of(nonce), str_of(id), &out, NULL));
	copy = str_dup(k.a, buf_str(&out));
	buf_free(&out);
	return copy;
}

/* Check and spend, as a gate does. */
static enum err_code
take(const struct node *n, struct str proof, bool *stale)
{
	const struct dpop_request q = { .proof = proof,
		.method = STR("GET"),
		.url = STR(URL),
		.shown = STR(TOKEN),
		.now_unix_s = now_s() };
	struct dpop_proof p;
	struct error why = { 0 };

	if (!dpop_check(n->dpop, &q, &p, stale, &why) ||
	    !dpop_spend(n->dpop, &p, now_s(), &why))
		return why.code;
	return ERR_NONE;
}

static void
takes(const struct node *n, struct str proof, enum err_code want,
    bool want_stale, const char *note)
{
	bool stale = false;

	token_kit_is(take(n, proof, &stale), want, note);
	ck_assert_msg(stale == want_stale, "%s", note);
}

START_TEST(a_nonce_holds_at_every_node)
{
	char a[DPOP_NONCE + 1], b[DPOP_NONCE + 1];

	ck_assert_str_eq(nonce_of(&one, a), nonce_of(&two, b));
	takes(&two, make(a, "1"), ERR_NONE, false, "of the other node");
	takes(&one, make(b, "2"), ERR_NONE, false, "and the other way round");
}
END_TEST

START_TEST(once_among_all_nodes)
{
	char nonce[DPOP_NONCE + 1];
	struct str proof = make(nonce_of(&one, nonce), "1");

	takes(&one, proof, ERR_NONE, false, "first");
	takes(&two, proof, ERR_EVIDENCE_REPLAYED, false, "the other node");
	takes(&one, proof, ERR_EVIDENCE_REPLAYED, false, "the same node");
	takes(&two, make(nonce, "2"), ERR_NONE, false, "another id");
}
END_TEST

/* A restart forgets nothing, and asks for nothing. */
START_TEST(once_over_restarts)
{
	char nonce[DPOP_NONCE + 1];
	struct str proof = make(nonce_of(&one, nonce), "1");

	takes(&one, proof, ERR_NONE, false, "first");
	close_node(&one);
	one = open_node();
	takes(&one, proof, ERR_EVIDENCE_REPLAYED, false, "again");
	takes(&one, make(nonce, "2"), ERR_NONE, false, "the nonce holds");
}
END_TEST

START_TEST(nonces_end)
{
	char first[DPOP_NONCE + 1], next[DPOP_NONCE + 1];
	struct str old;

	nonce_of(&one, first);
	nonce_of(&two, first);
	old = make(first, "old");
	takes(&one, old, ERR_NONE, false, "taken");
	now_ms += LIMIT_DPOP_EPOCH_S * 1000;
	ck_assert_str_ne(nonce_of(&one, next), first);
	takes(&two, make(next, "1"), ERR_NONE, false,
	    "a nonce that another node made meanwhile");
	takes(&two, make(first, "2"), ERR_NONE, false, "the one before");
	now_ms += LIMIT_DPOP_EPOCH_S * 1000;
	nonce_of(&one, next);
	takes(&one, make(first, "3"), ERR_EVIDENCE_PROOF, true, "gone");
	takes(&two, make(first, "4"), ERR_EVIDENCE_PROOF, true, "there, too");
	/* What was spent went with its nonce: nothing comes back by that. */
	now_ms = KIT_NOON * INT64_C(1000);
	takes(&two, old, ERR_EVIDENCE_PROOF, true, "a clock that went back");
	takes(&one, old, ERR_EVIDENCE_PROOF, true, "and here");
}
END_TEST

/* A node whose copy is old believes in a nonce that is gone: the store has the
 * last word, and the next nonce is one that holds. */
START_TEST(the_store_has_the_last_word)
{
	char old[DPOP_NONCE + 1], next[DPOP_NONCE + 1];
	int64_t lagging = now_ms;

	nonce_of(&one, old);
	now_ms += 3 * LIMIT_DPOP_EPOCH_S * 1000;
	nonce_of(&two, next);
	ck_assert_str_ne(old, next);
	struct dpop_request q = { .proof = make(old, "1"),
		.method = STR("GET"),
		.url = STR(URL),
		.shown = STR(TOKEN),
		.now_unix_s = lagging / 1000 };
	const struct dpop_request made = { .method = STR("GET"),
		.url = STR(URL),
		.shown = STR(TOKEN),
		.now_unix_s = lagging / 1000 };
	struct buf out = { 0 };
	struct dpop_proof p;
	bool stale = false;

	ck_assert(
	    dpop_make(k.holder, &made, str_of(old), STR("1"), &out, NULL));
	q.proof = buf_str(&out);
	ck_assert(dpop_check(one.dpop, &q, &p, &stale, &err));
	ck_assert(!dpop_spend(one.dpop, &p, lagging / 1000, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_PROOF);
	ck_assert(dpop_nonce(one.dpop, lagging / 1000, old, &err));
	ck_assert_str_eq(old, next);
	buf_free(&out);
}
END_TEST

/* Somebody who shows nonces of his own costs one look a second. */
START_TEST(strange_nonces_are_no_load)
{
	char nonce[DPOP_NONCE + 1];

	nonce_of(&one, nonce);
	close_node(&two);
	two = open_node();
	store_close(one.store);
	one.store = NULL; /* a look at it would crash */
	takes(&one, make("0123456789012345678901", "1"), ERR_EVIDENCE_PROOF,
	    true, "nobody's");
	takes(&one, make("short", "2"), ERR_EVIDENCE_PROOF, true, "no nonce");
}
END_TEST

static bool
break_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	(void)keep;
	return sql_do(q, ctx, reterr);
}

/* Also a nonce that is known to hold opens nothing then. */
START_TEST(without_the_store_nothing_is_taken)
{
	char nonce[DPOP_NONCE + 1];
	struct str proof = make(nonce_of(&one, nonce), "1");
	static char spent[] = "DROP TABLE dpop_spent";
	static char nonces[] = "DROP TABLE dpop_nonce";

	ck_assert(store_change(two.store, break_inside, spent, &err));
	takes(&one, proof, ERR_SYSTEM_STORE, false, "nothing can be spent");
	ck_assert(store_change(two.store, break_inside, nonces, &err));
	now_ms += 10000;
	takes(&one, proof, ERR_SYSTEM_STORE, false, "nothing can be read");
	ck_assert(!dpop_nonce(one.dpop, now_s(), nonce, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

/* ---- many at once ---- */

#define THREADS 8

struct racer {
	const struct node *node;
	struct str proof;
	enum err_code got;
};

static void *
race(void *ctx)
{
	struct racer *r = ctx;
	bool stale;

	r->got = take(r->node, r->proof, &stale);
	return NULL;
}

START_TEST(one_of_many_wins)
{
	char nonce[DPOP_NONCE + 1];
	struct str proof = make(nonce_of(&one, nonce), "1");
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	int taken = 0;

	for (size_t i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ i % 2 ? &one : &two, proof, 0 };
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		taken += racers[i].got == ERR_NONE;
		ck_assert(racers[i].got == ERR_NONE ||
			  racers[i].got == ERR_EVIDENCE_REPLAYED);
	}
	ck_assert_int_eq(taken, 1);
}
END_TEST

/* Rows go with their nonce, so the table does not grow for ever. */
START_TEST(what_is_past_is_forgotten)
{
	static const char count[] = "SELECT COUNT(*) FROM dpop_spent";
	char nonce[DPOP_NONCE + 1], id[32];
	int64_t n = -1;

	for (int epoch = 0; epoch < 4; epoch++) {
		nonce_of(&one, nonce);
		for (int i = 0; i < 3; i++) {
			snprintf(id, sizeof id, "%d-%d", epoch, i);
			takes(&one, make(nonce, id), ERR_NONE, false, id);
		}
		now_ms += LIMIT_DPOP_EPOCH_S * 1000;
	}
	nonce_of(&one, nonce);
	ck_assert(
	    store_read(one.store, count, NULL, 0, sql_take_number, &n, &err));
	ck_assert_int_eq(n, 3);
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, teardown);
	tcase_add_test(tc, a_nonce_holds_at_every_node);
	tcase_add_test(tc, once_among_all_nodes);
	tcase_add_test(tc, once_over_restarts);
	tcase_add_test(tc, nonces_end);
	tcase_add_test(tc, the_store_has_the_last_word);
	tcase_add_test(tc, without_the_store_nothing_is_taken);
	tcase_add_test(tc, one_of_many_wins);
	tcase_add_test(tc, what_is_past_is_forgotten);
	return tc;
}

static TCase *
cases_once(void)
{
	TCase *tc = tcase_create("load");

	tcase_add_checked_fixture(tc, setup_file, teardown);
	tcase_add_test(tc, strange_nonces_are_no_load);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("dpop_shared");

	pg_start();
	suite_add_tcase(suite, cases("files", setup_file));
	suite_add_tcase(suite, cases_once());
	if (pg_url())
		suite_add_tcase(suite, cases("postgres", setup_postgres));
	return pg_run_suite(suite);
}
