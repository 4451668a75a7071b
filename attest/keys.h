/* keys.h - public keys as the rest of attest/ sees them: what algorithm, how
 * large, which thumbprint. The key alone says the algorithm; a message never
 * does. Accepted are RSA of 2,048 to 4,096 bits with e = 65,537, P-256 and
 * Ed25519, and under names of their own RSA-1024 and DSA, each for the one kind
 * that may use it. */
#ifndef ATTEST_KEYS_H
#define ATTEST_KEYS_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/error.h"

enum keys_algorithm {
	KEYS_UNFIT = 0, /* none of the below: serves nothing */
	KEYS_RSA1024,
	KEYS_RSA2048,
	KEYS_RSA_LARGER, /* over 2,048 to 4,096 bits */
	KEYS_P256,
	KEYS_ED25519,
	KEYS_DSA, /* ec2-pkcs7 alone, and only where that is asked for */
};

#define KEYS_THUMBPRINT 43 /* unpadded Base64url of SHA-256 */

/* Who signs where the private half is not in our memory: a token (pkcs11.h), a
 * process of its own (signer.h). May be called from several threads. */
struct keys_signer {
	/* Append the signature of `message` in sig.h's form. `content`, when
	 * not empty, is what `message` stands for: CMS signs attributes, which
	 * say nothing by themselves. */
	bool (*sign)(struct keys_signer *, struct str message,
	    struct str content, struct buf *ret_signature,
	    struct error *reterr);
	void (*let_go)(struct keys_signer *);
};

struct keys_public {
	EVP_PKEY *pkey;
	/* NULL: `pkey` has the private half itself, if anybody has. Lent. */
	struct keys_signer *signer;
	enum keys_algorithm algorithm;
	/* RFC 7638; of DSA, which has no JWK, the same of its
	 * SubjectPublicKeyInfo; empty when unfit */
	char thumbprint[KEYS_THUMBPRINT + 1];
	uint8_t thumbprint_sha256[32]; /* what that is the Base64url of */
	/* Contexts to verify with; NULL until sig_prepare. */
	struct spare *verifiers;
};

struct attest_key {
	/* `pkey` has the private half, too, or `signer` is the key's own */
	struct keys_public public;
};

/* Takes `pkey`, in any case. Errors: memory, ERR_SYSTEM_ERROR. */
bool keys_public_init(
    struct keys_public *k, EVP_PKEY *pkey, struct error *reterr) MUST_USE;
void keys_public_fini(struct keys_public *k);

/* All keys of PEM text: public keys and certificates (read for their key only,
 * their dates are not looked at). The list lives in `a`; each key wants
 * keys_public_fini. Errors: ERR_KEY_FORM (no PEM, another kind of block,
 * broken), ERR_CONFIG_TRUST for a private key, memory. */
bool keys_public_read(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n,
    struct error *reterr) MUST_USE;

/* The required members of the key's JWK, in byte order and without spaces: what
 * the thumbprint is made of (RFC 7638 3.2). False when memory is out or the key
 * is unfit. */
bool keys_write_jwk(const struct keys_public *k, struct buf *out) MUST_USE;

/* All but those that one kind of cloud's evidence alone may use. */
bool keys_is_usual(enum keys_algorithm algorithm);
bool keys_thumbprint_is_valid(struct str s);
struct str keys_thumbprint(const struct keys_public *k);

/* Empties OpenSSL's error queue of this thread; the text of its last error, or
 * "no reason given". */
const char *keys_drain(void);

#endif
