/* kit.h - keys, trust and signed documents for tests of attest/. Everything aborts the test when it fails. */
#ifndef TESTS_KIT_H
#define TESTS_KIT_H

#include "attest/attest.h"

/* Noon of 2026-03-01, when the kit's document is issued; it lasts an hour. */
#define KIT_NOON 1772366400

struct kit {
	struct arena *arena;
	struct attest_key *key;
	struct attest_trust *trust; /* kind avow, issuer acme, this key */
	char folder[600];           /* with the public key alone */
};

void kit_init(struct kit *k, enum attest_key_type type);
void kit_fini(struct kit *k);
/* A key file `NAME.key.pem`, and its public half in a folder `NAME/`; the path of the folder, in static storage. */
const char *kit_key(const char *name, enum attest_key_type type);
/* A file in the test's folder; its path, in `a`. */
const char *kit_file(struct arena *a, const char *name, struct str content);

/* The kit's document with its first `from` replaced by `to` (NULL: as it is), and the kit's signature over it. Lives in the kit's arena. */
struct str kit_document(struct kit *k, const char *from, const char *to);
struct attest_evidence kit_sign(struct kit *k, struct str document);
/* Audience `updates`, at noon, nothing revoked. */
struct attest_context kit_context(const struct kit *k);
struct attest_revoked *kit_revoked(const char *text);

/* Whole file of TESTDATA in `a`, or false after a skip. */
bool kit_testdata(struct arena *a, const char *name, struct str *ret);

#endif
