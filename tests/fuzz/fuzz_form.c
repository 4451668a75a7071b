/* fuzz_form.c - our own documents in the forms that have their signature
 * inside, and what a signer is asked. The first byte says which: embedded, JWS,
 * CMS as they are; a document that our key signs in every form; a line to a
 * signer; a message to be judged as a document.
 * Held: no crash; what is embedded or in a JWS is believed only if the same
 * words detached are, and then they say the same; the bytes that an embedded
 * signature is over are the canonical text without it; a signer signs only what
 * its own verifier believes, and answers one line of JSON to whatever it is
 * asked.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

#include "attest/cms_own.h"
#include "attest/doc.h"
#include "attest/form.h"
#include "attest/jcs.h"
#include "attest/sig.h"
#include "attest/signer.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/fuzz/fuzz.h"

/* Made for this; it signs nothing elsewhere. Seeds are signed with it. */
static const char secret[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5gfG3fT+LQ5kEhdB\n"
    "dRbyjcd6DbFX30swEG4OBkWbBGWhRANCAASGqqbrZWk7Uh+XzZm9krGxTxIoEP6I\n"
    "8yNi01u7BkyU5VIm1gP2TE7dSFDD+2xVgLEil5BFki1rWr0nzJjzthY0\n"
    "-----END PRIVATE KEY-----\n";

static struct attest_key key;
static struct attest_trust *trust;

#define NOON 1772366400

static void
make_key(void)
{
	BIO *bio = BIO_new_mem_buf(secret, -1);

	must(keys_public_init(
	    &key.public, PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL), NULL));
	BIO_free(bio);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[] = "/tmp/avow-fuzz-XXXXXX";
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.keys = path,
		.issuer = STR("acme"),
		.forms = (1u << ATTEST_FORMS) - 1 };
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
	unlink(path);
	return 0;
}

/* The claims, or NULL. */
static const struct claims *
verify(struct arena *a, const struct attest_evidence *e)
{
	struct attest_context ctx = {
		.trust = trust, .now_unix_s = NOON, .audience = STR("updates")
	};
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = attest_verify(a, e, &ctx, &c, &err);

	must(ok == (c != NULL) && ok == (err.code == ERR_NONE));
	must(!ok || attest_instance_id_is_valid(claims_subject(c)));
	return c;
}

static const struct claims *
verify_form(struct arena *a, enum attest_form form, struct str document,
    struct str signature)
{
	struct attest_evidence e = { attest_form_kind(form), document,
		signature };

	return verify(a, &e);
}

/* Printed from the tree, whichever way the text was read. */
static void
check_bytes(struct str s, struct str bytes)
{
	struct buf whole = { 0 }, without = { 0 };
	json_t *root = NULL;

	must(doc_parse(s, &root, NULL) && jcs_write(root, &whole, NULL) &&
	     str_eq(buf_str(&whole), s));
	must(json_object_del(root, "signature") == 0 &&
	     jcs_write(root, &without, NULL) &&
	     str_eq(buf_str(&without), bytes));
	json_decref(root);
	buf_free(&whole);
	buf_free(&without);
}

/* What is read at once is what any other way reads. */
static void
check_own(struct arena *a, enum attest_form form, struct str s)
{
	const struct attest_evidence e = { attest_form_kind(form), s, STR("") };
	const struct flat *root;
	struct form own, any;
	struct str id;
	struct doc quick, general;

	if (!form_open_own(a, form, &e, &own, &id))
		return;
	if (form_verify(&own, &key.public, NULL) &&
	    form_read_own(a, &own, id, &quick)) {
		must(form_open(a, form, &e, &any, &root, NULL));
		must(form_same(&own, &any));
		must(doc_read(a, root, &general, NULL));
		must(str_eq(form_text(&own), form_text(&any)) &&
		     str_eq(quick.key_id, general.key_id) &&
		     str_eq(quick.id, general.id) &&
		     str_eq(quick.subject, general.subject));
		form_fini(&any);
	}
	form_fini(&own);
}

static void
on_embedded(struct arena *a, struct str s)
{
	const struct attest_evidence e = { STR("avow-embedded"), s, STR("") };
	const struct flat *root;
	struct form f;

	if (form_open(a, ATTEST_EMBEDDED, &e, &f, &root, NULL)) {
		check_bytes(s, f.bytes);
		must(!flat_get(root, STR("signature")));
		form_fini(&f);
	}
	check_own(a, ATTEST_EMBEDDED, s);
	(void)verify_form(a, ATTEST_EMBEDDED, s, STR(""));
}

static void
on_jws(struct arena *a, struct str s)
{
	check_own(a, ATTEST_JWS, s);
	(void)verify_form(a, ATTEST_JWS, s, STR(""));
}

static bool
is_within(struct str part, struct str all)
{
	return part.n == 0 ||
	       (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void
on_cms(struct arena *a, struct str s)
{
	struct str content, signature;

	if (cms_own_split(s, &content, &signature))
		must(is_within(content, s) && is_within(signature, s));
	check_own(a, ATTEST_CMS, s);
	(void)verify_form(a, ATTEST_CMS, s, STR(""));
}

/* What was signed in one form, against the same detached. */
static void
on_every_form(struct arena *a, struct str s)
{
	const struct claims *plain, *other;
	json_t *root = NULL;

	if (s.n > 4000 || !doc_parse(s, &root, NULL))
		return;
	for (unsigned form = 0; form < ATTEST_FORMS; form++) {
		struct buf d = { 0 }, beside = { 0 }, signature = { 0 };

		must(sig_sign(&key.public, s, &signature, NULL));
		plain = verify_form(a, ATTEST_DETACHED, s, buf_str(&signature));
		if (form_sign(form, &key.public, s, root, &d, &beside, NULL)) {
			if (form != ATTEST_DETACHED)
				check_own(a, form, buf_str(&d));
			other =
			    verify_form(a, form, buf_str(&d), buf_str(&beside));
			/* Canonical JSON alone refuses more. */
			must(!other || plain);
			must(other || !plain || form == ATTEST_EMBEDDED);
			must(!other || str_eq(claims_document_id(other),
					   claims_document_id(plain)));
		}
		buf_free(&d);
		buf_free(&beside);
		buf_free(&signature);
	}
	json_decref(root);
}

static const struct signer_rules rules = { SIGNER_DOCUMENT, STR_INIT("acme"),
	86400 };

static bool
ask(struct str line, struct buf *out)
{
	struct signer_done done;
	json_t *answer = NULL;

	signer_answer(&key, &rules, line, NOON, out, &done);
	must(out->n > 1 && out->p[out->n - 1] == '\n');
	must(!memchr(out->p, '\n', out->n - 1));
	must(json_parse((struct str){ out->p, out->n - 1 }, NULL,
	    SIGNER_LINE_BYTES, LIMIT_TOKEN_DEPTH, JSON_NO_NUL, &answer, NULL));
	must((json_object_get(answer, "code") == NULL) ==
	     (done.code == ERR_NONE));
	json_decref(answer);
	return done.code == ERR_NONE;
}

static void
on_line(struct arena *a, struct str s)
{
	struct buf out = { 0 };

	(void)a;
	(void)ask(s, &out);
	buf_free(&out);
}

/* Signed as it is or as CMS: then it is a document that we believe, but for
 * its audience. */
static void
on_message(struct arena *a, struct str s)
{
	struct attest_context ctx = {
		.trust = trust, .now_unix_s = NOON, .any_audience = true
	};
	struct attest_evidence e = { .kind = STR("avow"), .document = s };
	struct buf line = { 0 }, out = { 0 }, signature = { 0 };
	const struct claims *c;

	buf_addz(&line, "{\"op\":\"sign\",\"content\":\"");
	base64_encode(&line, BASE64_URL, s);
	buf_addz(&line, "\"}");
	if (s.n < 8000 && ask(buf_str(&line), &out)) {
		must(sig_sign(&key.public, s, &signature, NULL));
		e.signature = buf_str(&signature);
		ctx.now_unix_s +=
		    LIMIT_SKEW_S; /* it may begin a little later */
		ctx.proven_before = true;
		if (!attest_verify(a, &e, &ctx, &c, NULL)) {
			const struct flat *root;
			struct doc d;

			/* Not yet valid, or over by then, is well. */
			must(doc_open(a, s, &root, NULL) &&
			     doc_read(a, root, &d, NULL));
			must(d.not_before > NOON ||
			     d.expires_at <= NOON + LIMIT_SKEW_S);
		}
	}
	buf_free(&line);
	buf_free(&out);
	buf_free(&signature);
}

static fuzz_door *const doors[] = {
	on_embedded,
	on_jws,
	on_cms,
	on_every_form,
	on_line,
	on_message,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_by_door(doors, ARRAY_LEN(doors), data, size);
	return 0;
}
