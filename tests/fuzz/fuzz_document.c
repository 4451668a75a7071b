/* fuzz_document.c - bytes from outside, through every door of attest/ that
 * takes them. The first byte says which: pack, headers, RHUI, files, a list of
 * revocations, a cloud's document, one of ours to read, or one that our own key
 * signs, so that the bytes get past the signature. (PEM and PKCS #7, which
 * OpenSSL takes milliseconds to read: fuzz_pem.c, fuzz_cms.c. And nothing is
 * signed that cannot be read: that would be a signature a run, and most runs.)
 * Held: no crash; a pack read and written is the same pack; plain text and its
 * tree are read alike; claims come only from documents that we signed; a cache
 * says the same. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

#include "attest/attest.h"
#include "attest/doc.h"
#include "attest/keys.h"
#include "attest/sig.h"
#include "base/file.h"
#include "tests/fuzz/fuzz.h"

static struct attest_key key;
static struct attest_trust *trust;
static struct attest_cache *cache;

#define NOON 1772366400

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
	for (int i = 0; i < (ok ? 2 : 1); i++)
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

static bool
same_texts(const struct str *x, size_t n_x, const struct str *y, size_t n_y)
{
	for (size_t i = 0; n_x == n_y && i < n_x; i++)
		if (!str_eq(x[i], y[i]))
			return false;
	return n_x == n_y;
}

static bool
same_pairs(
    const struct doc_pair *x, size_t n_x, const struct doc_pair *y, size_t n_y)
{
	for (size_t i = 0; n_x == n_y && i < n_x; i++)
		if (!str_eq(x[i].name, y[i].name) ||
		    !str_eq(x[i].text, y[i].text))
			return false;
	return n_x == n_y;
}

static void
must_be_same(const struct doc *x, const struct doc *y)
{
	const struct str of_x[] = { x->id, x->issuer, x->key_id, x->subject,
		x->jkt, x->x5t, x->issued_text, x->expires_text, x->image_id,
		x->owner, x->private_ip, x->launch_time, x->region, x->zone,
		x->support_level, x->os_name, x->os_version };
	const struct str of_y[] = { y->id, y->issuer, y->key_id, y->subject,
		y->jkt, y->x5t, y->issued_text, y->expires_text, y->image_id,
		y->owner, y->private_ip, y->launch_time, y->region, y->zone,
		y->support_level, y->os_name, y->os_version };

	must(same_texts(of_x, ARRAY_LEN(of_x), of_y, ARRAY_LEN(of_y)));
	must(x->issued_at == y->issued_at && x->not_before == y->not_before &&
	     x->expires_at == y->expires_at && x->has_cnf == y->has_cnf &&
	     x->has_licences == y->has_licences);
	must(same_texts(
		 x->audience, x->n_audience, y->audience, y->n_audience) &&
	     same_texts(x->members, x->n_members, y->members, y->n_members) &&
	     same_texts(
		 x->licences, x->n_licences, y->licences, y->n_licences) &&
	     same_pairs(x->applications, x->n_applications, y->applications,
		 y->n_applications) &&
	     same_pairs(x->custom, x->n_custom, y->custom, y->n_custom));
}

/* The quick way, of plain text, and the way of any text: one verdict, one
 * document; and the same when it is read at once. Whether it can be read. */
static bool
read_both(struct arena *a, struct str s)
{
	struct doc quick = { 0 }, general = { 0 };
	struct error why_quick = { 0 }, why_general = { 0 };
	const struct flat *list;
	json_t *tree;
	bool is_quick = doc_open(a, s, &list, &why_quick) &&
			doc_read(a, list, &quick, &why_quick);
	bool is_general = doc_parse(s, &tree, &why_general) &&
			  doc_open_tree(a, tree, &list, &why_general) &&
			  doc_read(a, list, &general, &why_general);

	must(is_quick == is_general && why_quick.code == why_general.code &&
	     strcmp(why_quick.msg, why_general.msg) == 0);
	if (is_quick)
		must_be_same(&quick, &general);
	for (int canonical = 0; canonical < 2; canonical++)
		if (doc_read_own(a, s, canonical == 1, &quick)) {
			must(is_general);
			must_be_same(&quick, &general);
		}
	return is_quick;
}

static void
on_read(struct arena *a, struct str s)
{
	(void)read_both(a, s);
}

static void
on_signed(struct arena *a, struct str s)
{
	struct attest_evidence e = { STR("avow"), s, { 0 } };
	struct buf signature = { 0 };

	if (!read_both(a, s))
		return;
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

static void
on_azure(struct arena *a, struct str s)
{
	int64_t created, expires;
	json_t *root;
	struct doc d;

	if (!doc_parse(s, &root, NULL))
		return;
	if (doc_read_azure(a, root, s, &d, NULL))
		must(attest_instance_id_is_valid(d.subject) &&
		     doc_azure_times(root, &created, &expires, NULL));
	json_decref(root);
}

static fuzz_door *const doors[] = {
	on_pack,
	on_headers,
	on_rhui,
	on_files,
	on_signed,
	on_revoked,
	on_azure,
	on_read,
	on_ec2,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_by_door(doors, ARRAY_LEN(doors), data, size);
	return 0;
}
