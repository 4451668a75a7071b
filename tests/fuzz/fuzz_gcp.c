/* fuzz_gcp.c - Google's identity tokens from outside. The first byte says how
 * the rest is taken: as a token's text, as X-RHUI-ID, or as header and payload
 * (cut at the first line feed) that our own key signs, so that the bytes get
 * past the signature.
 * Held: no crash; claims come only from what our key signed; they are of a
 * project that is pinned, for the audience that was asked for, and not expired.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

#include "attest/attest.h"
#include "attest/keys.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static struct keys_public key;
static struct attest_trust *trust;

#define NOON 1772366400

/* Every pinned key is tried, so no seed has to name this one. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct str owners[] = { STR_INIT("acme-prod"),
		STR_INIT("42") };
	char path[] = "/tmp/avow-fuzz-XXXXXX";
	const struct attest_trust_entry entry = { .kind = STR("gcp"),
		.keys = path,
		.owners = owners,
		.n_owners = ARRAY_LEN(owners) };
	FILE *to;

	(void)argc;
	(void)argv;
	json_setup();
	must(keys_public_init(
	    &key, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), NULL));
	to = fdopen(mkstemp(path), "w");
	must(to != NULL);
	must(PEM_write_PUBKEY(to, key.pkey) == 1);
	fclose(to);
	trust = attest_trust_new();
	must(attest_trust_add(trust, &entry, NULL));
	unlink(path);
	return 0;
}

static void
verify(struct arena *a, const struct attest_evidence *e, bool may_pass)
{
	const struct attest_context ctx = {
		.trust = trust, .now_unix_s = NOON, .audience = STR("updates")
	};
	const struct claims *c = NULL;
	struct error err = { 0 };
	int64_t until = 0;

	if (!attest_verify(a, e, &ctx, &c, &err)) {
		must(err.code != ERR_NONE);
		return;
	}
	must(may_pass && attest_instance_id_is_valid(claims_subject(c)));
	must(str_eq(claims_issuer(c), STR("https://accounts.google.com")));
	must(claims_expires_at(c, &until) && until > NOON);
	must(claims_address(c).family == 0);
}

static void
on_signed(struct arena *a, struct str s)
{
	size_t cut = str_find(s, '\n', 0);
	struct buf text = { 0 }, signature = { 0 };
	struct attest_evidence e = { .kind = STR("gcp") };

	base64_encode(&text, BASE64_URL, str_sub(s, 0, cut));
	buf_byte(&text, '.');
	base64_encode(&text, BASE64_URL, str_sub(s, cut + 1, s.n));
	must(sig_sign(&key, buf_str(&text), &signature, NULL));
	buf_byte(&text, '.');
	base64_encode(&text, BASE64_URL, buf_str(&signature));
	e.document = buf_str(&text);
	verify(a, &e, true);
	buf_free(&text);
	buf_free(&signature);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct str s = { (const char *)data + 1, size - 1 };

	if (a && size > 0) {
		if (data[0] % 4 == 0 && attest_evidence_from_files(a,
					    STR("gcp"), s, STR(""), &e, NULL))
			verify(a, &e, false);
		else if (data[0] % 4 == 1 &&
			 attest_evidence_from_rhui(
			     a, STR("gcp"), s, STR(""), &e, NULL))
			verify(a, &e, false);
		else if (data[0] % 4 > 1)
			on_signed(a, s);
	}
	arena_free(a);
	return 0;
}
