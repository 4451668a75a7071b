/* pkcs11.c - see pkcs11.h. PKCS #11 2.40 through p11-kit: it reads URIs and
 * lets several parts of one process use a token without ending it for one
 * another. One session a key, one signature at a time on it. The public half is
 * read from the token and every signature is checked under it (sig.c): a token
 * that is broken or swapped signs nothing here.
 * A session that does not sign any more (the token was taken out, its module
 * was started anew) is opened again from the URI, module and all, once a second
 * at most, and counts when the same key is there. After a PIN that was not
 * taken it stays closed: another try might lock the token. */
#include "attest/pkcs11.h"

#include <openssl/crypto.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "attest/jwk.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"

#define PIN_FILE_BYTES 1024u
#define SLOTS 64u
#define AGAIN_NS INT64_C(1000000000)
#define ATTRIBUTE_BYTES 600u /* RSA's modulus, 4,096 bits, is the longest */

struct token {
	struct keys_signer signer; /* first: what others hold */
	pthread_mutex_t lock;      /* of the session */
	CK_FUNCTION_LIST **all;    /* p11-kit's modules, or NULL */
	CK_FUNCTION_LIST *one;     /* the module that the URI names, or NULL */
	CK_FUNCTION_LIST *module;  /* where the token is: lent from either */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	enum keys_algorithm algorithm;
	bool has_session, is_pin_refused;
	char *uri;
	char thumbprint[KEYS_THUMBPRINT + 1];
	int64_t tried_ns; /* when it was opened last, or that was tried */
};

static bool
refuse(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
	    "the key in the PKCS #11 token cannot be used: %s", why);
}

static bool
failed(struct error *reterr, const char *what, CK_RV rv)
{
	return error_set(reterr, ERR_KEY_FORM, SPAN_NONE, "PKCS #11: %s: %s",
	    what, p11_kit_strerror(rv));
}

static void
close_module(struct token *t)
{
	if (t->has_session)
		(void)t->module->C_CloseSession(t->session);
	if (t->all)
		p11_kit_modules_finalize_and_release(t->all);
	if (t->one) {
		(void)p11_kit_module_finalize(t->one);
		p11_kit_module_release(t->one);
	}
	t->all = NULL;
	t->one = t->module = NULL;
	t->has_session = false;
}

static void
token_free(struct token *t)
{
	if (!t)
		return;
	close_module(t);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->uri);
	free(t);
}

/* ---- signatures -----------------------------------------------------------
 */

/* ECDSA takes the digest; the others digest what they sign. */
static bool
sign_raw(struct token *t, struct str message, struct buf *out)
{
	CK_MECHANISM mechanism = { CKM_EDDSA, NULL, 0 };
	unsigned char bytes[ATTRIBUTE_BYTES];
	CK_ULONG n = sizeof bytes;
	uint8_t digest[32];
	struct str input = message;

	if (t->algorithm == KEYS_P256) {
		mechanism.mechanism = CKM_ECDSA;
		if (!digest_sha256(&message, 1, digest))
			return false;
		input = (struct str){ (const char *)digest, sizeof digest };
	} else if (t->algorithm != KEYS_ED25519) {
		mechanism.mechanism = CKM_SHA256_RSA_PKCS;
	}
	if (t->module->C_SignInit(t->session, &mechanism, t->key) != CKR_OK ||
	    t->module->C_Sign(t->session, (unsigned char *)(uintptr_t)input.p,
		input.n, bytes, &n) != CKR_OK ||
	    n > sizeof bytes)
		return false;
	buf_add(out, (struct str){ (const char *)bytes, n });
	return buf_ok(out);
}

/* ---- which token ----------------------------------------------------------
 */

static bool
load_modules(struct token *t, P11KitUri *uri, struct error *reterr)
{
	const char *path = p11_kit_uri_get_module_path(uri);
	CK_RV rv;

	if (!path) {
		t->all = p11_kit_modules_load_and_initialize(0);
		return t->all || refuse(reterr, "no PKCS #11 module is set up");
	}
	t->one = p11_kit_module_load(path, 0);
	if (!t->one)
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "the PKCS #11 module `%s` cannot be loaded", path);
	rv = p11_kit_module_initialize(t->one);
	if (rv == CKR_OK)
		return true;
	p11_kit_module_release(t->one);
	t->one = NULL;
	return failed(reterr, "its module does not start", rv);
}

/* How many tokens of the module the URI means; the last one is kept. */
static unsigned
find_in(struct token *t, CK_FUNCTION_LIST *module, P11KitUri *uri)
{
	CK_SLOT_ID slots[SLOTS];
	CK_ULONG n = SLOTS;
	CK_TOKEN_INFO info;
	unsigned found = 0;

	if (module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < n && i < SLOTS; i++)
		if (module->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    (info.flags & CKF_TOKEN_INITIALIZED) &&
		    p11_kit_uri_match_token_info(uri, &info) == 1) {
			t->module = module;
			t->slot = slots[i];
			found++;
		}
	return found;
}

static bool
find_token(struct token *t, P11KitUri *uri, struct error *reterr)
{
	unsigned found = 0;

	if (t->one)
		found = find_in(t, t->one, uri);
	for (size_t i = 0; t->all && t->all[i]; i++)
		found += find_in(t, t->all[i], uri);
	if (found == 1)
		return true;
	return refuse(reterr,
	    found ? "its URI fits several tokens" : "no token fits its URI");
}

/* ---- the PIN --------------------------------------------------------------
 */

/* RFC 7512 2.4: where it is, never what it is. */
static bool
pin_path(const char *source, const char **ret, struct error *reterr)
{
	static const char scheme[] = "file:";
	struct str s = str_of(source);

	if (str_has_prefix(s, str_of(scheme)))
		source += strlen(scheme);
	if (str_has_prefix(str_of(source), STR("///")))
		source += 2;
	if (*source != '/')
		return refuse(
		    reterr, "`pin-source` is not `file:` and a whole path");
	*ret = source;
	return true;
}

/* It counted that as a try. */
static bool
is_of_pin(CK_RV rv)
{
	return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID ||
	       rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED ||
	       rv == CKR_PIN_LOCKED;
}

static bool
log_in_with(struct token *t, struct str pin, struct error *reterr)
{
	CK_RV rv;

	if (str_has_suffix(pin, STR("\n")))
		pin.n--;
	rv = t->module->C_Login(
	    t->session, CKU_USER, (unsigned char *)(uintptr_t)pin.p, pin.n);
	t->is_pin_refused = is_of_pin(rv);
	return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ||
	       failed(reterr, "the token does not take the PIN", rv);
}

static bool
log_in(struct token *t, P11KitUri *uri, struct error *reterr)
{
	const char *source = p11_kit_uri_get_pin_source(uri), *path = NULL;
	struct arena *a;
	struct str pin;
	bool ok;

	if (!source)
		return true; /* then only what is not private is found */
	if (!pin_path(source, &path, reterr))
		return false;
	a = arena_new(0);
	if (!a)
		return error_nomem(reterr);
	ok = file_read_secret(a, path, PIN_FILE_BYTES, &pin, reterr);
	if (ok) {
		ok = log_in_with(t, pin, reterr);
		OPENSSL_cleanse((void *)(uintptr_t)pin.p, pin.n);
	}
	arena_free(a);
	return ok;
}

/* ---- the key --------------------------------------------------------------
 */

/* The one object of a class that has these attributes; false: none or several.
 */
static bool
find_one(
    struct token *t, CK_ATTRIBUTE *wanted, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n_found = 0;
	bool ok = t->module->C_FindObjectsInit(t->session, wanted, n) == CKR_OK;

	if (!ok)
		return false;
	ok = t->module->C_FindObjects(t->session, found, 2, &n_found) ==
		 CKR_OK &&
	     n_found == 1;
	(void)t->module->C_FindObjectsFinal(t->session);
	if (ok)
		*ret = found[0];
	return ok;
}

static bool
find_key(struct token *t, P11KitUri *uri, struct error *reterr)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[3] = { { CKA_CLASS, &class, sizeof class } };
	static const CK_ATTRIBUTE_TYPE names[] = { CKA_LABEL, CKA_ID };
	CK_ULONG n = 1;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CK_ATTRIBUTE *at = p11_kit_uri_get_attribute(uri, names[i]);

		if (at)
			wanted[n++] = *at;
	}
	return find_one(t, wanted, n, &t->key) ||
	       refuse(reterr,
		   "not exactly one private key fits its URI (`object`, `id`), "
		   "or it wants a PIN (`pin-source`)");
}

static bool
read_attribute(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    unsigned char *room, struct str *ret)
{
	CK_ATTRIBUTE at = { type, room, ATTRIBUTE_BYTES };

	if (t->module->C_GetAttributeValue(t->session, object, &at, 1) !=
		CKR_OK ||
	    at.ulValueLen == 0 || at.ulValueLen > ATTRIBUTE_BYTES)
		return false;
	*ret = (struct str){ (const char *)room, at.ulValueLen };
	return true;
}

/* As RFC 7518 6.3.1.1 wants numbers. */
static struct str
without_zeros(struct str s)
{
	while (s.n > 1 && s.p[0] == 0)
		s = str_sub(s, 1, s.n);
	return s;
}

static json_t *
url_text(struct str bytes)
{
	struct buf b = { 0 };
	json_t *text;

	base64_encode(&b, BASE64_URL, bytes);
	text = buf_ok(&b) ? json_from_str(buf_str(&b)) : NULL;
	buf_free(&b);
	return text;
}

static json_t *
rsa_jwk(struct token *t)
{
	unsigned char n_room[ATTRIBUTE_BYTES], e_room[ATTRIBUTE_BYTES];
	struct str n, e;

	if (!read_attribute(t, t->key, CKA_MODULUS, n_room, &n) ||
	    !read_attribute(t, t->key, CKA_PUBLIC_EXPONENT, e_room, &e))
		return NULL;
	return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
	    url_text(without_zeros(n)), "e", url_text(without_zeros(e)));
}

/* Private objects have no point: the public one of the same id does. Its value
 * is an OCTET STRING in DER, of a length below 128; for Ed25519 some tokens
 * leave that off (PKCS #11 3.0 and 3.1 differ). */
static bool
read_point(struct token *t, unsigned char *room, struct str *ret)
{
	unsigned char id_room[ATTRIBUTE_BYTES];
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE wanted[2] = { { CKA_CLASS, &class, sizeof class } };
	CK_OBJECT_HANDLE public;
	struct str id, point;

	if (!read_attribute(t, t->key, CKA_ID, id_room, &id))
		return false;
	wanted[1] = (CK_ATTRIBUTE){ CKA_ID, id_room, id.n };
	if (!find_one(t, wanted, 2, &public) ||
	    !read_attribute(t, public, CKA_EC_POINT, room, &point))
		return false;
	if (point.n == 32) {
		*ret = point;
		return true;
	}
	if (point.n < 2 || point.p[0] != 4 || (size_t)point.p[1] != point.n - 2)
		return false;
	*ret = str_sub(point, 2, point.n);
	return true;
}

static json_t *
ec_jwk(struct token *t)
{
	unsigned char room[ATTRIBUTE_BYTES];
	struct str p;

	if (!read_point(t, room, &p) || p.n != 65 || p.p[0] != 4)
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-256",
	    "x", url_text(str_sub(p, 1, 33)), "y",
	    url_text(str_sub(p, 33, 65)));
}

static json_t *
ed_jwk(struct token *t)
{
	unsigned char room[ATTRIBUTE_BYTES];
	struct str p;

	if (!read_point(t, room, &p) || p.n != 32)
		return NULL;
	return json_pack("{s:s, s:s, s:o}", "kty", "OKP", "crv", "Ed25519", "x",
	    url_text(p));
}

static bool
read_public(struct token *t, struct keys_public *ret, struct error *reterr)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE at = { CKA_KEY_TYPE, &type, sizeof type };
	json_t *jwk = NULL;
	bool ok;

	if (t->module->C_GetAttributeValue(t->session, t->key, &at, 1) !=
	    CKR_OK)
		return refuse(reterr, "its type cannot be read");
	if (type == CKK_RSA)
		jwk = rsa_jwk(t);
	else if (type == CKK_EC)
		jwk = ec_jwk(t);
	else if (type == CKK_EC_EDWARDS)
		jwk = ed_jwk(t);
	if (!jwk)
		return refuse(reterr,
		    "it is not RSA, P-256 or Ed25519, or its public half is "
		    "not beside it under the same id");
	ok = jwk_read(jwk, ret, reterr);
	json_decref(jwk);
	return ok;
}

/* ---- all together ---------------------------------------------------------
 */

static bool
set_up(struct token *t, P11KitUri *uri, struct keys_public *ret,
    struct error *reterr)
{
	CK_RV rv;

	if (!load_modules(t, uri, reterr) || !find_token(t, uri, reterr))
		return false;
	rv = t->module->C_OpenSession(
	    t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (rv != CKR_OK)
		return failed(reterr, "no session with the token", rv);
	t->has_session = true;
	if (!log_in(t, uri, reterr) || !find_key(t, uri, reterr) ||
	    !read_public(t, ret, reterr))
		return false;
	t->algorithm = ret->algorithm;
	return true;
}

/* The URI is not quoted: somebody may have put a PIN into it. */
static bool
parse_uri(const char *text, P11KitUri *uri, struct error *reterr)
{
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) !=
		P11_KIT_URI_OK ||
	    p11_kit_uri_any_unrecognized(uri))
		return refuse(reterr, "its URI is not one of RFC 7512");
	if (!p11_kit_uri_get_pin_value(uri))
		return true;
	(void)refuse(reterr, "its URI has a PIN in it");
	error_hint(reterr,
	    "put it in a file that only you may read and name that: "
	    "`pin-source=file:/PATH`");
	return false;
}

/* What the token holds now: opened from the URI that it was opened by. */
static bool
open_token(struct token *t, struct keys_public *ret, struct error *reterr)
{
	P11KitUri *uri = p11_kit_uri_new();
	bool ok =
	    uri ? parse_uri(t->uri, uri, reterr) && set_up(t, uri, ret, reterr)
		: error_nomem(reterr);

	if (uri)
		p11_kit_uri_free(uri);
	t->tried_ns = clock_mono_ns();
	if (!ok)
		close_module(t);
	return ok;
}

static bool
open_again(struct token *t, struct error *reterr)
{
	struct keys_public now = { 0 };
	bool ok;

	if (t->is_pin_refused)
		return refuse(reterr, "its PIN was refused before");
	if (clock_mono_ns() - t->tried_ns < AGAIN_NS)
		return refuse(reterr, "it was tried a moment ago");
	close_module(t);
	if (!open_token(t, &now, reterr))
		return false;
	ok = str_eq(keys_thumbprint(&now), str_of(t->thumbprint)) ||
	     refuse(reterr, "there is another key under its name now");
	keys_public_fini(&now);
	if (!ok)
		close_module(t);
	return ok;
}

static bool
sign(struct keys_signer *signer, struct str message, struct str content,
    struct buf *ret_signature, struct error *reterr)
{
	struct token *t = (struct token *)(void *)signer;
	struct buf raw = { 0 };
	struct error why = { 0 };
	bool ok;

	(void)content;
	(void)pthread_mutex_lock(&t->lock);
	ok = t->has_session && sign_raw(t, message, &raw);
	if (!ok) {
		raw.n = 0;
		ok = open_again(t, &why) && sign_raw(t, message, &raw);
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (ok && t->algorithm == KEYS_P256)
		ok = sig_der_of_raw(buf_str(&raw), ret_signature);
	else if (ok)
		buf_add(ret_signature, buf_str(&raw));
	buf_free(&raw);
	return ok || error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
			 "the PKCS #11 token does not sign%s%s",
			 why.code ? ": " : "", why.msg);
}

static void
let_go(struct keys_signer *signer)
{
	token_free((struct token *)(void *)signer);
}

/* Without a reason: memory. */
static struct token *
token_new(const char *uri)
{
	struct token *t = calloc(1, sizeof *t);

	if (t && pthread_mutex_init(&t->lock, NULL) != 0) {
		free(t);
		return NULL;
	}
	if (!t)
		return NULL;
	t->signer = (struct keys_signer){ sign, let_go };
	t->uri = strdup(uri);
	if (t->uri)
		return t;
	token_free(t);
	return NULL;
}

bool
pkcs11_open(const char *text, struct keys_public *ret, struct error *reterr)
{
	struct token *t = token_new(text);

	if (!t)
		return error_nomem(reterr);
	if (!open_token(t, ret, reterr)) {
		token_free(t);
		return false;
	}
	snprintf(t->thumbprint, sizeof t->thumbprint, "%.*s",
	    STR_ARG(keys_thumbprint(ret)));
	ret->signer = &t->signer;
	return true;
}
