/* fuzz_token.c - tokens from outside. The first byte says how the rest is
 * taken: as a compact text; or as header and payload (cut at the first line
 * feed) that our own key signs, so that the bytes get past the signature, as
 * each type. Held: no crash; a text verifies only when our key signed it; what
 * verifies has one audience, the issuer that was asked for, and an instance id.
 */
#include <openssl/evp.h>

#include "attest/jwk.h"
#include "attest/sig.h"
#include "attest/spiffe.h"
#include "attest/token.h"
#include "base/base64.h"
#include "tests/fuzz/fuzz.h"

static struct attest_key key;
static struct token_keys *keys;

#define NOON 1772366400

/* Seeds name the key's thumbprint, so the key is always the same one. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const unsigned char secret[32] =
	    "avow fuzz target, ed25519 key!!";
	struct buf jwk = { 0 };

	(void)argc;
	(void)argv;
	json_setup();
	must(keys_public_init(&key.public,
	    EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, secret, sizeof secret),
	    NULL));
	must(keys_write_jwk(&key.public, &jwk));
	keys = token_keys_parse("keys", buf_str(&jwk), NULL);
	must(keys != NULL);
	buf_free(&jwk);
	return 0;
}

static struct token_want
want(enum token_type type)
{
	return (struct token_want){ .type = type,
		.keys = keys,
		.issuer = STR("acme"),
		.audience = STR("updates"),
		.trust_domain = type == TOKEN_WIT || type == TOKEN_JWT_SVID
				    ? STR("acme.example")
				    : STR(""),
		.now_unix_s = NOON };
}

static void
verify(struct arena *a, struct str compact, enum token_type type, bool ours)
{
	const struct token_want w = want(type);
	struct token t = { 0 };

	if (!token_verify(a, compact, &w, &t, NULL))
		return;
	must(ours);
	must(t.type == type && attest_instance_id_is_valid(t.subject));
	must(type == TOKEN_WIT || str_eq(t.audience, w.audience));
	must(t.issuer.n == 0 || str_eq(t.issuer, w.issuer));
	must(t.expires_at > NOON && t.expires_at <= NOON + 2 * 3600);
	must(type == TOKEN_JWT_SVID || (t.jkt.n == 43) != (t.x5t.n == 43));
	token_fini(&t);
}

static void
sign(struct arena *a, struct str s, enum token_type type)
{
	size_t cut = str_find(s, '\n', 0);
	struct buf out = { 0 }, signature = { 0 };

	base64_encode(&out, BASE64_URL, str_sub(s, 0, cut));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL, str_sub(s, cut + 1, s.n));
	must(sig_sign_jose(&key.public, buf_str(&out), &signature, NULL));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL, buf_str(&signature));
	verify(a, buf_str(&out), type, true);
	buf_free(&out);
	buf_free(&signature);
}

static void
on_certificate(struct arena *a, struct str s)
{
	struct str x5t = { 0 }, id = { 0 }, domain, path;

	if (attest_certificate_thumbprint(a, s, &x5t, NULL))
		must(keys_thumbprint_is_valid(x5t));
	if (attest_certificate_spiffe_id(a, s, &id, NULL))
		must(id.n == 0 ||
		     (spiffe_id_parse(id, &domain, &path) && path.n > 0));
}

static void
on_spiffe(struct str s)
{
	struct str domain, path;

	if (spiffe_id_parse(s, &domain, &path))
		must(spiffe_trust_domain_is_valid(domain) &&
		     domain.n + path.n + 9 == s.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct str s = { (const char *)data + 1, size ? size - 1 : 0 };

	if (size > 0 && a)
		switch (data[0] % 7) {
		case 0:
			verify(a, s, TOKEN_FULL, false);
			break;
		case 1:
			on_certificate(a, s);
			break;
		case 2:
			on_spiffe(s);
			break;
		default:
			sign(a, s, (enum token_type)(data[0] % 7 - 2));
			break;
		}
	arena_free(a);
	return 0;
}
