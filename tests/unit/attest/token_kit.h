/* token_kit.h - a ring with one key, a holder's key, and tokens that say
 * anything: header and payload as text, signed by a key of the test's. */
#ifndef TESTS_TOKEN_KIT_H
#define TESTS_TOKEN_KIT_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/jwk.h"
#include "attest/sig.h"
#include "attest/token.h"
#include "base/base64.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

struct token_kit {
	struct arena *a;
	const char *folder;
	struct token_ring *ring;
	struct token_keys *keys;
	struct attest_key *holder;
};

static inline struct attest_key *
token_kit_key(struct token_kit *k, enum attest_key_type type)
{
	static unsigned n;
	const char *path = str_printf(k->a, "%s/holder-%d-%u.key.pem",
	    test_folder(), (int)getpid(), n++)
			       .p;
	struct attest_key *key;

	ck_assert(attest_key_create(type, path, NULL));
	key = attest_key_open(path, NULL);
	ck_assert_ptr_nonnull(key);
	return key;
}

static inline void
token_kit_init(struct token_kit *k, enum attest_key_type type)
{
	static unsigned n;
	struct error err = { 0 };
	struct str file;

	json_setup();
	*k = (struct token_kit){ .a = arena_new(0) };
	k->folder = str_printf(
	    k->a, "%s/ring-%d-%u", test_folder(), (int)getpid(), n++)
			.p;
	ck_assert_msg(token_ring_rotate(k->a, k->folder, type, KIT_NOON - 3600,
			  0, false, &file, &err),
	    "%s", err.msg);
	k->ring = token_ring_open(k->folder, &err);
	ck_assert_msg(k->ring != NULL, "%s", err.msg);
	k->keys = token_keys_of_ring(k->ring, KIT_NOON, &err);
	ck_assert_msg(k->keys != NULL, "%s", err.msg);
	k->holder = token_kit_key(k, KEY_P256);
}

static inline void
token_kit_fini(struct token_kit *k)
{
	token_keys_free(k->keys);
	token_ring_free(k->ring);
	attest_key_free(k->holder);
	arena_free(k->a);
}

static inline const struct attest_key *
token_kit_signer(const struct token_kit *k)
{
	return token_ring_signer(k->ring, KIT_NOON, NULL);
}

/* What a good full token says. */
static inline struct token
token_kit_token(const struct token_kit *k)
{
	return (struct token){
		.type = TOKEN_FULL,
		.issuer = STR("https://sts.example"),
		.subject = STR("i-1"),
		.audience = STR("updates"),
		.id = STR("00112233445566778899aabbccddeeff"),
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 300,
		.jkt = keys_thumbprint(&k->holder->public),
		.incarnation = 3,
	};
}

static inline struct token_want
token_kit_want(const struct token_kit *k)
{
	return (struct token_want){
		.type = TOKEN_FULL,
		.keys = k->keys,
		.issuer = STR("https://sts.example"),
		.audience = STR("updates"),
		.now_unix_s = KIT_NOON,
	};
}

static inline struct str
token_kit_issue(struct token_kit *k, const struct token *t)
{
	struct buf out = { 0 };
	struct error err = { 0 };
	struct str copy;

	ck_assert_msg(token_issue(k->ring, t, &out, &err), "%s", err.msg);
	copy = str_dup(k->a, buf_str(&out));
	buf_free(&out);
	return copy;
}

/* `text` with `@SELF` as the key's thumbprint and `@JWK` as its JWK. */
static inline struct str
token_kit_fill(
    struct token_kit *k, const struct attest_key *key, const char *text)
{
	struct buf out = { 0 }, jwk = { 0 };
	struct str s = str_of(text), copy;

	ck_assert(keys_write_jwk(&key->public, &jwk));
	for (size_t i = 0; i < s.n;) {
		struct str rest = str_sub(s, i, s.n);

		if (str_has_prefix(rest, STR("@SELF"))) {
			buf_addz(&out, key->public.thumbprint);
			i += 5;
		} else if (str_has_prefix(rest, STR("@JWK"))) {
			buf_add(&out, buf_str(&jwk));
			i += 4;
		} else {
			buf_byte(&out, s.p[i++]);
		}
	}
	copy = str_dup(k->a, buf_str(&out));
	buf_free(&out);
	buf_free(&jwk);
	return copy;
}

/* HEADER.PAYLOAD.SIGNATURE as it is told, right or wrong. */
static inline struct str
token_kit_sign(struct token_kit *k, const struct attest_key *key,
    const char *header, const char *payload)
{
	struct buf out = { 0 }, signature = { 0 };
	struct str copy;

	base64_encode(&out, BASE64_URL, token_kit_fill(k, key, header));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL, token_kit_fill(k, key, payload));
	ck_assert(sig_sign_jose(&key->public, buf_str(&out), &signature, NULL));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL, buf_str(&signature));
	copy = str_dup(k->a, buf_str(&out));
	buf_free(&out);
	buf_free(&signature);
	return copy;
}

static inline enum err_code
token_kit_verdict(
    struct token_kit *k, struct str compact, const struct token_want *want)
{
	struct token t = { 0 };
	struct error err = { 0 };
	bool ok = token_verify(k->a, compact, want, &t, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	ck_assert_int_eq(ok, t.type != TOKEN_NONE);
	token_fini(&t);
	return err.code;
}

#define token_kit_is(got, want, note)                                          \
	do {                                                                   \
		enum err_code code_ = (got);                                   \
		ck_assert_msg(code_ == (want), "%s: got `%s`, want `%s`",      \
		    (note), error_id(code_), error_id(want));                  \
	} while (0)

#endif
