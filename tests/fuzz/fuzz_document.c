/* fuzz_document.c - bytes from outside, through every door of attest/ that
 * takes them. The first byte says which: pack, headers, RHUI, files, a list of
 * revocations, PEM, PKCS #7, or a document that our own key signs, so that the
 * bytes get past the signature.
 * Held: no crash; a pack read and written is the same pack; claims come only
 * from documents that we signed; a cache says the same. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/attest.h"
#include "attest/cms.h"
#include "attest/doc.h"
#include "attest/keys.h"
#include "attest/sig.h"
#include "base/file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct attest_key key;
static struct attest_trust *trust;
static struct attest_cache *cache;

#define NOON 1772366400

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Seeds name the key's thumbprint, so the key is always the same one. */
static void
make_key(void)
{
	static const unsigned char secret[32] =
	    "avow fuzz target, ed25519 key!!";

	must(keys_public_init(&key.public,
	    EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, secret, sizeof secret),
	    NULL));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[] = "/tmp/avow-fuzz-XXXXXX";
	struct attest_trust_entry entry = {
		.kind = STR("avow"), .keys = path, .issuer = STR("acme")
	};
	FILE *to;

	(void)argc;
	(void)argv;
	json_setup();
	make_key();
	to = fdopen(mkstemp(path), "w");
	must(to != NULL);
	must(PEM_write_PUBKEY(to, key.public.pkey) == 1);
	fclose(to);
	trust = attest_trust_new();
	must(attest_trust_add(trust, &entry, NULL));
	cache = attest_cache_new();
	must(cache != NULL);
	unlink(path);
	return 0;
}

/* Two parts at the first line feed. */
static void
split(struct str s, struct str *first, struct str *second)
{
	size_t at = str_find(s, '\n', 0);

	*first = str_sub(s, 0, at);
	*second = str_sub(s, at + 1, s.n);
}

/* A miss, then a hit: the same verdict, the same claims. */
static void
cached(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, const struct claims *want,
    enum err_code code)
{
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = attest_cache_verify(cache, a, e, ctx, &c, &err);
	json_t *x, *y;

	must(ok == (want != NULL) && err.code == code);
	if (!ok)
		return;
	x = claims_to_json(c);
	y = claims_to_json(want);
	must(x && json_equal(x, y));
	must(str_eq(claims_subject(c), claims_subject(want)) &&
	     str_eq(claims_document_id(c), claims_document_id(want)) &&
	     str_eq(claims_key_id(c), claims_key_id(want)) &&
	     claims_lease_end(c, NOON) == claims_lease_end(want, NOON));
	json_decref(x);
	json_decref(y);
}

static void
verify(struct arena *a, const struct attest_evidence *e, bool may_pass)
{
	struct attest_context ctx = {
		.trust = trust, .now_unix_s = NOON, .audience = STR("updates")
	};
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = attest_verify(a, e, &ctx, &c, &err);

	must(ok == (c != NULL) && ok == (err.code == ERR_NONE));
	must(!ok || may_pass);
	must(!ok || attest_instance_id_is_valid(claims_subject(c)));
	for (int i = 0; i < 2; i++)
		cached(a, e, &ctx, c, err.code);
}

static void
on_pack(struct arena *a, struct str s)
{
	struct attest_evidence e;
	struct buf back = { 0 };

	if (!attest_evidence_from_pack(a, s, &e, NULL))
		return;
	must(attest_evidence_pack(&e, &back, NULL));
	must(str_eq(buf_str(&back), s));
	buf_free(&back);
	verify(a, &e, true); /* a seed holds a good one */
}

static void
on_headers(struct arena *a, struct str s)
{
	struct attest_evidence e;
	struct str d, sig;

	split(s, &d, &sig);
	if (attest_evidence_from_headers(a, d, sig, &e, NULL))
		verify(a, &e, true);
}

static void
on_rhui(struct arena *a, struct str s)
{
	struct attest_evidence e;
	struct str d, sig;

	split(s, &d, &sig);
	if (attest_evidence_from_rhui(
		a, STR("ec2-signature"), d, sig, &e, NULL))
		verify(a, &e, false);
}

static void
on_files(struct arena *a, struct str s)
{
	static const char *const kinds[] = { "avow", "ec2-signature",
		"ec2-rsa2048", "azure", "gcp" };
	struct attest_evidence e;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (attest_evidence_from_files(
			a, str_of(kinds[i]), STR("{}"), s, &e, NULL))
			verify(a, &e, false);
}

static void
on_signed(struct arena *a, struct str s)
{
	struct attest_evidence e = { STR("avow"), s, { 0 } };
	struct buf signature = { 0 };

	must(sig_sign(&key.public, s, &signature, NULL));
	e.signature = buf_str(&signature);
	verify(a, &e, true);
	buf_free(&signature);
}

static void
on_revoked(struct arena *a, struct str s)
{
	struct errors errors = { 0 };

	(void)a;
	attest_revoked_free(attest_revoked_parse("r", s, &errors));
}

static void
on_pem(struct arena *a, struct str s)
{
	struct keys_public *keys;
	size_t n;

	if (!keys_public_read(a, "k", s, &keys, &n, NULL))
		return;
	while (n > 0)
		keys_public_fini(&keys[--n]);
}

static void
on_pkcs7(struct arena *a, struct str s)
{
	struct cms_message *m = cms_open(s, STR("{}"), CMS_RSA_SHA256, NULL);

	(void)a;
	must(!m || !cms_verify(m, &key.public));
	cms_free(m);
}

static void
on_ec2(struct arena *a, struct str s)
{
	json_t *root;
	struct doc d;

	if (!doc_parse(s, &root, NULL))
		return;
	if (doc_read_ec2(a, root, s, &d, NULL))
		must(attest_instance_id_is_valid(d.subject));
	json_decref(root);
}

static void (*const doors[])(struct arena *, struct str) = {
	on_pack,
	on_headers,
	on_rhui,
	on_files,
	on_signed,
	on_revoked,
	on_pem,
	on_pkcs7,
	on_ec2,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);

	if (size > 0 && a)
		doors[data[0] % ARRAY_LEN(doors)](
		    a, (struct str){ (const char *)data + 1, size - 1 });
	arena_free(a);
	return 0;
}
