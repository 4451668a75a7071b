/* fuzz_cms.c - PKCS #7 from outside, as EC2's and Azure's metadata services
 * give it. The first byte says under which scheme, and how long the document
 * beside it is; 0: the one inside.
 * Held: no crash; what opens has exactly the document that was beside it
 * inside; no key of ours made the signature, so it never verifies; a
 * certificate inside changes nothing of that. */
#include <openssl/evp.h>

#include "attest/cms.h"
#include "attest/keys.h"
#include "base/arena.h"
#include "tests/fuzz/fuzz.h"

static struct keys_public rsa, p256;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(keys_public_init(
	    &rsa, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), NULL));
	must(keys_public_init(&p256, EVP_EC_gen("P-256"), NULL));
	return 0;
}

static void
check(struct arena *a, struct str der, struct str document,
    enum cms_scheme scheme)
{
	struct error err = { 0 };
	struct cms_message *m = cms_open(der, document, scheme, &err);
	struct str inside;
	X509 *certificate;

	must((m != NULL) == (err.code == ERR_NONE));
	if (!m)
		return;
	must(cms_content(a, der, &inside, NULL));
	must(str_eq(inside, document));
	certificate = cms_signer_certificate(m);
	must(!cms_verify(m, &rsa) && !cms_verify(m, &p256));
	X509_free(certificate);
	cms_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum cms_scheme schemes[] = { CMS_RSA_SHA256, CMS_AZURE,
		CMS_DSA_SHA1 };
	struct arena *a = arena_new(0);
	struct str der, document;
	struct error err = { 0 };
	size_t beside;

	if (a && size > 0) {
		enum cms_scheme scheme = schemes[data[0] % ARRAY_LEN(schemes)];

		beside = data[0] / ARRAY_LEN(schemes);
		beside = beside < size - 1 ? beside : size - 1;
		document = (struct str){ (const char *)data + 1, beside };
		der = (struct str){ (const char *)data + 1 + beside,
			size - 1 - beside };
		if (beside > 0 || cms_content(a, der, &document, &err))
			check(a, der, document, scheme);
	}
	arena_free(a);
	return 0;
}
