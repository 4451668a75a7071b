/* prove_make.c - the side that proves: nonce, bound key, MAC or signature. */
#include "attest/prove.h"

#include "attest/keys.h"
#include "attest/prove_check.h"
#include "attest/secret.h"
#include "attest/sig.h"

enum prove_method
prove_method_of_key(const struct attest_key *key)
{
	return key ? prove_check_method(key->public.algorithm)
		   : PROVE_METHOD_NONE;
}

struct str
prove_key_thumbprint(const struct attest_key *key)
{
	return keys_thumbprint(&key->public);
}

bool
prove_key_spki(
    const struct attest_key *key, struct buf *out, struct error *reterr)
{
	return prove_check_write_key(&key->public, out, reterr);
}

bool
prove_spki_of_pem(
    const char *file, struct str pem, struct buf *out, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys = NULL;
	size_t n = 0;
	bool ok;

	ok = a ? keys_public_read(a, file, pem, &keys, &n, reterr)
	       : error_nomem(reterr);
	if (ok && (n != 1 || prove_check_method(keys[0].algorithm) ==
				 PROVE_METHOD_NONE))
		ok = error_set(reterr, ERR_KEY_FORM,
		    (struct span){ .file = file },
		    "`%s` is not exactly one public key of RSA with 2,048 to "
		    "4,096 bits, P-256 or Ed25519",
		    file);
	ok = ok && prove_check_write_key(&keys[0], out, reterr);
	for (size_t i = 0; i < n; i++)
		keys_public_fini(&keys[i]);
	arena_free(a);
	return ok;
}

/* ---- making -----------------------------------------------------------------
 */

static bool
keep(struct arena *a, struct buf *b, struct str *ret, struct error *reterr)
{
	*ret = buf_ok(b) ? str_dup(a, buf_str(b)) : (struct str){ 0 };
	buf_free(b);
	return ret->p != NULL || error_nomem(reterr);
}

static bool
add_nonce(struct arena *a, const struct prove_random *random,
    struct prove_answer *r, struct error *reterr)
{
	uint8_t nonce[PROVE_NONCE_BYTES];

	if (!secret_random(random, nonce, sizeof nonce, reterr))
		return false;
	r->nonce =
	    str_dup(a, (struct str){ (const char *)nonce, sizeof nonce });
	return r->nonce.p != NULL || error_nomem(reterr);
}

static bool
sign(struct arena *a, const struct attest_key *key, struct str message,
    struct str *ret, struct error *reterr)
{
	struct buf b = { 0 };

	if (!sig_sign(&key->public, message, &b, reterr)) {
		buf_free(&b);
		return false;
	}
	return keep(a, &b, ret, reterr);
}

static bool
add_mac(struct arena *a, struct str secret, struct str message,
    struct prove_answer *r, struct error *reterr)
{
	uint8_t key[SECRET_BYTES], mac[SECRET_BYTES];
	bool ok = prove_check_mac_key(secret, r->account, key, reterr) &&
		  secret_mac(key, message, mac, reterr);

	secret_wipe(key, sizeof key);
	if (!ok)
		return false;
	r->proof = str_dup(a, (struct str){ (const char *)mac, sizeof mac });
	return r->proof.p != NULL || error_nomem(reterr);
}

static bool
add_proofs(struct arena *a, const struct prove_with *with, struct str message,
    struct prove_answer *r, struct error *reterr)
{
	if (r->method != PROVE_HMAC)
		return sign(a, with->key, message, &r->proof, reterr);
	return add_mac(a, with->secret, message, r, reterr) &&
	       sign(a, with->key, message, &r->key_proof, reterr);
}

static bool
add_key(struct arena *a, const struct attest_key *key, struct prove_answer *r,
    struct error *reterr)
{
	struct buf spki = { 0 };

	if (!prove_key_spki(key, &spki, reterr)) {
		buf_free(&spki);
		return false;
	}
	return keep(a, &spki, &r->key, reterr);
}

static bool
check_with(const struct prove_with *with, const struct prove_answer *r,
    struct error *reterr)
{
	if (prove_method_of_key(with->key) == PROVE_METHOD_NONE)
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "a proof wants a private key of RSA with 2,048 to 4,096 "
		    "bits, P-256 or Ed25519");
	if (with->secret.n != 0 && with->secret.n != PROVE_SECRET_BYTES)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "an injected secret is %u bytes, this is %zu",
		    (unsigned)PROVE_SECRET_BYTES, with->secret.n);
	if (with->service.n == 0 || r->role == PROVE_ROLE_NONE ||
	    (r->role == PROVE_ENROL && with->secret.n == 0) ||
	    (r->role == PROVE_ATTEST && with->secret.n > 0) ||
	    r->challenge.n != PROVE_CHALLENGE_BYTES)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a proof wants a service, a role and a challenge of %u "
		    "bytes; enrolling wants a secret, attesting has none",
		    (unsigned)PROVE_CHALLENGE_BYTES);
	return true;
}

bool
prove_answer_make(struct arena *a, const struct prove_with *with,
    struct prove_answer *ret, struct error *reterr)
{
	struct prove_answer r = *ret;
	struct buf message = { 0 };
	bool ok;

	if (!check_with(with, &r, reterr))
		return false;
	r.method =
	    with->secret.n > 0 ? PROVE_HMAC : prove_method_of_key(with->key);
	r.jkt = str_dup(a, prove_key_thumbprint(with->key));
	if (!r.jkt.p)
		return error_nomem(reterr);
	if (!add_nonce(a, &with->random, &r, reterr) ||
	    ((r.method == PROVE_HMAC || r.role == PROVE_ATTEST) &&
		!add_key(a, with->key, &r, reterr)))
		return false;
	ok = prove_message(&r, with->service, with->channel, &message)
		 ? add_proofs(a, with, buf_str(&message), &r, reterr)
		 : error_nomem(reterr);
	buf_free(&message);
	if (ok)
		*ret = r;
	return ok;
}
