/* fuzz_verify.c - bodies of POST /v1/documents/verify. The first byte says what
 * the rest is: the body itself, a pack, or one or more documents, between lines
 * `~`, that the service's own key signs, each by itself or together as packs,
 * so that they get past the signature. The key is always the same one, that of
 * fuzz_document.c's seeds; each request is of another peer, whom nobody counts.
 * Held: an answer in JSON that is a verdict or a refusal with its code; and
 * nothing is valid, since the service issued none of them. */
#include <openssl/pem.h>

#include "attest/keys.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "store/documents.h"
#include "tests/fuzz/service_kit.h"

static struct keys_public key;

static bool
put_key(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	const struct store_document_key row = { .id = keys_thumbprint(&key),
		.pem = *(struct str *)ctx,
		.until = now_ms / 1000 + 86400 };

	(void)keep;
	return store_document_key_put(tx, &row, reterr);
}

static void
make_key(void)
{
	static const unsigned char bytes[32] =
	    "avow fuzz target, ed25519 key!!";
	BIO *bio = BIO_new(BIO_s_mem());
	struct str pem;
	char *p;

	must(keys_public_init(&key,
	    EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, bytes, sizeof bytes),
	    NULL));
	must(bio && PEM_write_bio_PUBKEY(bio, key.pkey) == 1);
	pem.n = (size_t)BIO_get_mem_data(bio, &p);
	pem.p = p;
	must(store_transact(service->store, put_key, &pem, NULL));
	BIO_free(bio);
}

/* ---- bodies ---- */

static void
put_member(struct buf *out, const char *before, struct str bytes)
{
	buf_addz(out, before);
	base64_encode(out, BASE64_URL, bytes);
	buf_addz(out, "\"");
}

static void
put_signed(struct buf *out, struct str document)
{
	struct buf signature = { 0 };

	must(sig_sign(&key, document, &signature, NULL));
	put_member(out, "{\"document\":\"", document);
	put_member(out, ",\"signature\":\"", buf_str(&signature));
	buf_addz(out, "}");
	buf_free(&signature);
}

static void
put_pack(struct buf *out, struct str pack)
{
	json_t *body = json_pack("{s:o}", "pack", json_from_str(pack));

	/* What is no UTF-8 is no JSON. */
	if (body)
		must(json_write(out, body));
	json_decref(body);
}

static void
put_together(struct buf *out, struct str documents)
{
	static const char between[] = "\n~\n";
	struct buf pack = { 0 };

	for (size_t at = 0, end; at <= documents.n; at = end + 3) {
		struct str rest = str_sub(documents, at, documents.n);
		const char *hit =
		    rest.n ? memmem(rest.p, rest.n, between, 3) : NULL;
		struct attest_evidence e = { STR("avow"), rest, { 0 } };
		struct buf signature = { 0 };

		if (hit)
			e.document.n = (size_t)(hit - rest.p);
		end = at + e.document.n;
		must(sig_sign(&key, e.document, &signature, NULL));
		e.signature = buf_str(&signature);
		if (at > 0)
			buf_byte(&pack, '~');
		(void)!attest_evidence_pack(&e, &pack, NULL);
		buf_free(&signature);
	}
	put_pack(out, buf_str(&pack));
	buf_free(&pack);
}

static void
put_body(struct buf *out, struct str body)
{
	buf_add(out, body);
}

static void (*const sorts[])(struct buf *, struct str) = { put_body, put_pack,
	put_signed, put_together };

static void
check(const struct http_response *r)
{
	struct str body = buf_str(&r->body);
	json_t *json = NULL;

	must(r->status >= 200 && r->status < 500);
	must(
	    json_parse(body, "answer", 1u << 20, 16, JSON_NO_NUL, &json, NULL));
	must(json_string_length(json_object_get(json, "code")) > 0);
	must(!str_eq(json_str(json_object_get(json, "verdict")), STR("valid")));
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_header json = { STR_INIT("Content-Type"),
		STR_INIT("application/json") };
	static uint32_t n;
	struct http_request q = { .method = STR("POST"),
		.target = STR("/v1/documents/verify"),
		.path = STR("/v1/documents/verify"),
		.headers = &json,
		.n_headers = 1,
		.peer = { .family = 4 },
		.arena = arena_new(0) };
	struct http_response r = { 0 };
	struct buf body = { 0 };

	if (!service) {
		kit_start();
		make_key();
	}
	if (size > 0 && q.arena) {
		n++;
		memcpy(q.peer.bytes, &n, sizeof n);
		sorts[data[0] % ARRAY_LEN(sorts)](
		    &body, (struct str){ (const char *)data + 1, size - 1 });
		q.body = buf_str(&body);
		service_handle(&front, &q, &r);
		check(&r);
	}
	buf_free(&body);
	buf_free(&r.body);
	arena_free(q.arena);
	return 0;
}
