/* sts.c - what the token service does in a second, against the bare signatures
 * that it cannot do without, in one run: challenges, proofs made and checked,
 * and whole tokens (spent, judged, signed, noted: one transaction each).
 *   sts FOLDER [SECONDS [URL]]     a store of SQLite in FOLDER, which must not
 * be there yet, and in memory, and at URL (postgresql://…) if one is given. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "attest/keys.h"
#include "attest/sig.h"
#include "attest/sts.h"

#define URL "https://sts.example/"

struct bench {
	struct arena *a;
	double seconds;
	struct sts *sts;
	struct token_ring *ring;
	struct attest_key *key;
};

static void
must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "sts: %s\n", err ? err->msg : "out of memory");
	exit(1);
}

/* How often a second `once` runs. */
static double
measure(struct bench *b, void (*once)(struct bench *b, struct arena *a))
{
	int64_t start = clock_mono_ns(), now = start;
	struct arena *a = arena_new(0);
	unsigned long n = 0;

	must(a != NULL, NULL);
	while ((double)(now - start) < b->seconds * 1e9) {
		once(b, a);
		arena_reset(a);
		n++;
		now = clock_mono_ns();
	}
	arena_free(a);
	return (double)n / ((double)(now - start) / 1e9);
}

/* ---- what is measured -------------------------------------------------------
 */

static void
bare_sign(struct bench *b, struct arena *a)
{
	unsigned char to[128];
	size_t n = sizeof to;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	(void)a;
	must(EVP_DigestSignInit(
		 ctx, NULL, EVP_sha256(), NULL, b->key->public.pkey) == 1 &&
		 EVP_DigestSign(ctx, to, &n, to, 32) == 1,
	    NULL);
	EVP_MD_CTX_free(ctx);
}

static struct str signature;

static void
bare_verify(struct bench *b, struct arena *a)
{
	(void)a;
	must(sig_verify(&b->key->public, STR("a"), signature, NULL), NULL);
}

static void
ask(struct bench *b, struct arena *a, struct prove_answer *ret)
{
	struct error err = { 0 };
	struct buf c = { 0 };

	*ret = (struct prove_answer){ .role = PROVE_ACCOUNT,
		.account = STR("web-1"),
		.audience = STR("updates") };
	must(sts_challenge(b->sts, ret->role, ret->account, PROVE_P256,
		 ret->audience, &c, &err),
	    &err);
	ret->challenge = str_dup(a, buf_str(&c));
	buf_free(&c);
}

static void
challenge(struct bench *b, struct arena *a)
{
	struct prove_answer r;

	ask(b, a, &r);
}

static void
prove(struct bench *b, struct arena *a, struct prove_answer *r)
{
	const struct prove_with with = { .service = STR(URL), .key = b->key };
	struct error err = { 0 };

	ask(b, a, r);
	must(prove_answer_make(a, &with, r, &err), &err);
}

static void
proof(struct bench *b, struct arena *a)
{
	struct prove_answer r;

	prove(b, a, &r);
}

static void
token(struct bench *b, struct arena *a)
{
	const struct sts_token_options o = { .ring = b->ring };
	struct sts_caller caller = { 0 };
	struct prove_answer r;
	struct sts_grant g;
	struct error err = { 0 };

	must(net_parse_addr(STR("192.0.2.1"), &caller.source), NULL);
	prove(b, a, &r);
	must(sts_token(b->sts, a, &r, &caller, &o, &g, &err), &err);
}

/* ---- the scene --------------------------------------------------------------
 */

static void
make_accounts(struct bench *b)
{
	const struct sts_actor admin = { .rank = STS_ADMIN };
	const struct sts_new_account boss = { .id = STR("boss"),
		.kind = STS_CONTROLLER,
		.prefix = STR("web-") },
				     web = { .id = STR("web-1"),
					     .kind = STS_INSTANCE };
	struct sts_next next = { .how = STS_OPEN_HMAC };
	struct sts_actor actor = { STS_ACCOUNT, STR("boss"), 0 };
	struct sts_account account;
	struct sts_opened opened;
	struct error err = { 0 };
	struct buf spki = { 0 };
	bool created;

	must(sts_account_create(
		 b->sts, b->a, &admin, &boss, &account, &created, &err),
	    &err);
	must(sts_open_next(b->sts, b->a, &admin, boss.id, &next, &opened, &err),
	    &err);
	actor.incarnation = opened.account.incarnation;
	must(sts_account_create(
		 b->sts, b->a, &actor, &web, &account, &created, &err),
	    &err);
	must(prove_key_spki(b->key, &spki, &err), &err);
	next.how = STS_OPEN_KEY;
	next.spki = buf_str(&spki);
	must(sts_open_next(b->sts, b->a, &actor, web.id, &next, &opened, &err),
	    &err);
	buf_free(&spki);
}

static void
run(struct bench *b, const char *name, const char *url, const char *secret,
    double signs)
{
	struct error err = { 0 };
	struct store *store = store_open(str_of(url), &err);
	const struct sts_options o = { .store = store,
		.clock = clock_system(),
		.secret_file = secret,
		.url = STR(URL),
		.issuer = STR("bench") };
	double rates[3];

	must(store != NULL, &err);
	b->sts = sts_open(&o, &err);
	must(b->sts != NULL, &err);
	make_accounts(b);
	rates[0] = measure(b, challenge);
	rates[1] = measure(b, proof);
	rates[2] = measure(b, token);
	printf("%-10s challenges %9.0f/s (%6.2f of bare signatures)\n", name,
	    rates[0], rates[0] / signs);
	printf("%-10s proofs     %9.0f/s (%6.2f)\n", name, rates[1],
	    rates[1] / signs);
	printf("%-10s tokens     %9.0f/s (%6.2f)\n", name, rates[2],
	    rates[2] / signs);
	sts_close(b->sts);
	store_close(store);
}

static const char *
path_in(struct bench *b, const char *folder, const char *name)
{
	const char *path = str_printf(b->a, "%s/%s", folder, name).p;

	must(path != NULL, NULL);
	return path;
}

static void
set_up(struct bench *b, const char *folder, const char **ret_secret)
{
	const struct prove_random real = { 0 };
	const char *key = path_in(b, folder, "key.pem"),
		   *ring = path_in(b, folder, "ring");
	struct error err = { 0 };
	struct buf made = { 0 };
	struct str file;
	int64_t now = clock_now_ms(clock_system()) / 1000;

	*ret_secret = path_in(b, folder, "secret");
	must(sts_secret_create(*ret_secret, real, &err), &err);
	must(attest_key_create(KEY_P256, key, &err), &err);
	b->key = attest_key_open(key, &err);
	must(b->key != NULL, &err);
	must(token_ring_rotate(
		 b->a, ring, KEY_P256, now - 60, 0, true, &file, &err),
	    &err);
	b->ring = token_ring_open(ring, &err);
	must(b->ring != NULL, &err);
	must(sig_sign(&b->key->public, STR("a"), &made, &err), &err);
	signature = str_dup(b->a, buf_str(&made));
	buf_free(&made);
}

int
main(int argc, char **argv)
{
	struct bench b = { .a = arena_new(0), .seconds = 2 };
	const char *secret, *url;
	double signs;

	if (argc < 2 || argc > 4 || !b.a) {
		fputs("usage: sts FOLDER [SECONDS [URL]]\n", stderr);
		return 1;
	}
	json_setup();
	if (argc > 2)
		b.seconds = strtod(argv[2], NULL);
	if (mkdir(argv[1], 0700) != 0) {
		perror(argv[1]);
		return 1;
	}
	set_up(&b, argv[1], &secret);
	signs = measure(&b, bare_sign);
	printf("bare P-256 signatures %9.0f/s, checks %9.0f/s\n", signs,
	    measure(&b, bare_verify));
	url = str_printf(b.a, "sqlite://%s/db/avow.db", argv[1]).p;
	run(&b, "memory", "sqlite::memory:", secret, signs);
	if (argv[1][0] == '/')
		run(&b, "sqlite", url, secret, signs);
	if (argc > 3)
		run(&b, "postgres", argv[3], secret, signs);
	attest_key_free(b.key);
	token_ring_free(b.ring);
	arena_free(b.a);
	return 0;
}
