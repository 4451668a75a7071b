/* tokens.c FOLDER [SECONDS] - what verifying a token costs: whole, against the
 * bare signature in the same process, and from the cache, as a gate does it.
 * FOLDER is where keys and key sets are put. A line an algorithm. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attest/jws.h"
#include "attest/sig.h"
#include "attest/token.h"
#include "base/file.h"

#define NOON 1772366400

struct scene {
	struct token_keys *keys;
	struct attest_trust *trust;
	struct attest_cache *cache;
	struct str compact;
	struct keys_public key;
	struct jws jws;
};

static void
must(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "tokens: %s\n", err ? err->msg : "failed");
	exit(1);
}

static void
whole(struct scene *s)
{
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = s->keys,
		.issuer = STR("bench"),
		.audience = STR("updates"),
		.now_unix_s = NOON };
	struct arena *a = arena_new(0);
	struct token t = { 0 };

	must(token_verify(a, s->compact, &want, &t, NULL), NULL);
	token_fini(&t);
	arena_free(a);
}

static void
bare(struct scene *s)
{
	must(sig_verify_jose(
		 &s->key, s->jws.signed_part, s->jws.signature, NULL),
	    NULL);
}

static void
cached(struct scene *s)
{
	const struct attest_context ctx = { .trust = s->trust,
		.now_unix_s = NOON,
		.audience = STR("updates"),
		.proven_before = true };
	struct attest_evidence e;
	const struct claims *claims;
	struct arena *a = arena_new(0);

	must(attest_evidence_from_token(s->compact, &e, NULL), NULL);
	must(attest_cache_verify(s->cache, a, &e, &ctx, &claims, NULL), NULL);
	arena_free(a);
}

/* Of this thread, as `openssl speed` counts: others may be at work. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Microseconds each, the best of three rounds. */
static double
measure(struct scene *s, void (*once)(struct scene *), double seconds)
{
	double best = 1e9;

	for (int round = 0; round < 3; round++) {
		int64_t began = cpu_ns(), now;
		unsigned n = 0;

		do {
			once(s);
			n++;
			now = cpu_ns();
		} while ((double)(now - began) < seconds * 1e9 / 3);
		if ((double)(now - began) / n / 1e3 < best)
			best = (double)(now - began) / n / 1e3;
	}
	return best;
}

static void
prepare(struct scene *s, struct arena *a, const char *folder,
    enum attest_key_type type)
{
	const char *ring_folder = str_printf(a, "%s/ring-%d", folder, type).p;
	const char *file = str_printf(a, "%s/jwks-%d.json", folder, type).p;
	struct attest_trust_entry entry = {
		.kind = STR("token"), .keys = file, .issuer = STR("bench")
	};
	struct token_ring *ring;
	struct buf out = { 0 }, jwks = { 0 };
	struct error err = { 0 };
	struct str ignored;
	struct token t = { .type = TOKEN_FULL,
		.issuer = STR("bench"),
		.subject = STR("i-1"),
		.audience = STR("updates"),
		.issued_at = NOON,
		.not_before = NOON,
		.expires_at = NOON + 300 };

	must(token_ring_rotate(
		 a, ring_folder, type, NOON, 0, false, &ignored, &err),
	    &err);
	ring = token_ring_open(ring_folder, &err);
	must(ring != NULL, &err);
	t.jkt = token_ring_at(ring, 0)->kid;
	must(token_issue(ring, &t, &out, &err), &err);
	must(token_ring_jwks(ring, NOON, &jwks, &err) &&
		 file_replace(file, 0600, buf_str(&jwks), &err),
	    &err);
	s->compact = str_dup(a, buf_str(&out));
	s->keys = token_keys_open(file, &err);
	s->trust = attest_trust_new();
	must(attest_trust_add(s->trust, &entry, &err), &err);
	s->cache = attest_cache_new();
	must(jws_parse(a, s->compact, JWS_KEY_TRUSTED, &s->jws, &err), &err);
	s->key = token_ring_signer(ring, NOON, &err)->public;
	buf_free(&out);
	buf_free(&jwks);
	/* The ring keeps the key until the program ends. */
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum attest_key_type type;
	} rows[] = { { "ES256", KEY_P256 }, { "EdDSA", KEY_ED25519 } };
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
	struct arena *a = arena_new(0);

	json_setup();
	if (argc < 2) {
		fputs("usage: tokens FOLDER [SECONDS]\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene s = { 0 };
		double w, b, c;

		prepare(&s, a, argv[1], rows[i].type);
		w = measure(&s, whole, seconds);
		b = measure(&s, bare, seconds);
		c = measure(&s, cached, seconds);
		printf("%s whole_us %.2f bare_us %.2f ratio %.2f cached_us "
		       "%.2f\n",
		    rows[i].name, w, b, b / w, c);
	}
	return 0;
}
