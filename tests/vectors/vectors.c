/* vectors.c SUITE PATH... - published test vectors against this project's own
 * code: sig.c, jws.c, jwk.c, secret.c, jcs.c, json.c. Nothing is implemented
 * here a second time.
 * Suites: wycheproof FILE..., jose FOLDER, jcs FOLDER, json FOLDER, traceparent
 * FILE. Each ends
 * with `SUITE: N agree, N differ, N skipped` and exits 1 when any differ. What
 * we refuse on purpose and the vectors would have accepted stands in a table
 * with its reason; nothing is waived without one. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "attest/jcs.h"
#include "attest/jwk.h"
#include "attest/jws.h"
#include "attest/secret.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/trace.h"

#define FILE_BYTES (64u << 20)

static struct {
	unsigned agree, differ, skipped;
} count;

static void
agree(bool ok, const char *file, const char *what, const char *want)
{
	if (ok) {
		count.agree++;
		return;
	}
	count.differ++;
	printf("differs: %s: %s: should be %s\n", file, what, want);
}

static void
skip(unsigned n, const char *file, const char *why)
{
	count.skipped += n;
	printf("skipped: %u of %s: %s\n", n, file, why);
}

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct str
read_or_die(struct arena *a, const char *path)
{
	struct error err = { 0 };
	struct str text;

	if (file_read(a, path, FILE_BYTES, &text, &err))
		return text;
	fprintf(stderr, "vectors: %s\n", err.msg);
	exit(1);
}

/* Vectors are written with loose JSON at times; they are only data here. */
static json_t *
load_or_die(const char *path)
{
	json_error_t e;
	json_t *v = json_load_file(path, JSON_ALLOW_NUL, &e);

	if (v)
		return v;
	fprintf(stderr, "vectors: %s: %s\n", path, e.text);
	exit(1);
}

static struct str
text_at(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_string(v) ? json_str(v) : STR("");
}

static bool
is_at(const json_t *o, const char *name, const char *want)
{
	return str_eq(text_at(o, name), str_of(want));
}

static int
digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0';
}

static struct str
unhex(struct arena *a, struct str hex)
{
	char *p = arena_alloc(a, hex.n / 2 + 1);

	for (size_t i = 0; i + 1 < hex.n; i += 2)
		p[i / 2] = (char)(digit(hex.p[i]) << 4 | digit(hex.p[i + 1]));
	return (struct str){ p, hex.n / 2 };
}

/* ---- Wycheproof -----------------------------------------------------------
 */

/* One test of a group: true when we accept. */
struct group {
	struct arena *a;
	const json_t *group;
	struct keys_public key;
	bool has_key;
};

typedef bool accept_fn(const struct group *, const json_t *test);

static bool
accept_der(const struct group *g, const json_t *t)
{
	return sig_verify(&g->key, unhex(g->a, text_at(t, "msg")),
	    unhex(g->a, text_at(t, "sig")), NULL);
}

static bool
accept_raw(const struct group *g, const json_t *t)
{
	return sig_verify_jose(&g->key, unhex(g->a, text_at(t, "msg")),
	    unhex(g->a, text_at(t, "sig")), NULL);
}

static bool
accept_mac(const struct group *g, const json_t *t)
{
	struct str key = unhex(g->a, text_at(t, "key"));
	struct str tag = unhex(g->a, text_at(t, "tag"));
	uint8_t bytes[SECRET_BYTES], mac[32];

	if (key.n != sizeof bytes || tag.n != sizeof mac)
		return false;
	memcpy(bytes, key.p, sizeof bytes);
	return secret_mac(bytes, unhex(g->a, text_at(t, "msg")), mac, NULL) &&
	       CRYPTO_memcmp(mac, tag.p, sizeof mac) == 0;
}

static bool
accept_hs256(struct arena *a, const json_t *key, struct str compact)
{
	uint8_t bytes[SECRET_BYTES], mac[32];
	struct str secret;
	struct jws j;
	bool ok;

	if (!base64_decode(a, BASE64_URL, text_at(key, "k"), &secret) ||
	    secret.n != sizeof bytes ||
	    !jws_parse(a, compact, JWS_KEY_TRUSTED, &j, NULL))
		return false;
	memcpy(bytes, secret.p, sizeof bytes);
	ok = str_eq(j.alg, STR("HS256")) && j.signature.n == sizeof mac &&
	     secret_mac(bytes, j.signed_part, mac, NULL) &&
	     CRYPTO_memcmp(mac, j.signature.p, sizeof mac) == 0;
	jws_fini(&j);
	return ok;
}

static bool
accept_jws_by(
    struct arena *a, const struct keys_public *key, struct str compact)
{
	struct jws j;
	bool ok = jws_parse(a, compact, JWS_KEY_TRUSTED, &j, NULL);

	if (!ok)
		return false;
	ok = jws_verify(&j, key, NULL);
	jws_fini(&j);
	return ok;
}

static bool
accept_jws(const struct group *g, const json_t *t)
{
	const json_t *secret = json_object_get(g->group, "private");

	if (g->has_key)
		return accept_jws_by(g->a, &g->key, text_at(t, "jws"));
	return accept_hs256(g->a, secret, text_at(t, "jws"));
}

/* By any key of the set: names choose among keys, they vouch for none. */
static bool
accept_by_set(const struct group *g, const json_t *t)
{
	char *text = json_dumps(json_object_get(g->group, "public"), 0);
	struct keys_public *keys = NULL;
	size_t n = 0;
	bool ok = false;

	if (text && jwk_read_set(g->a, "vector", str_of(text), &keys, &n, NULL))
		for (size_t i = 0; i < n; i++) {
			ok |= accept_jws_by(g->a, &keys[i], text_at(t, "jws"));
			keys_public_fini(&keys[i]);
		}
	free(text);
	return ok;
}

/* ---- which key, if it is one of ours ----
 * NULL, or why the group is left out. */

static const char *
any_set(struct group *g)
{
	return json_is_array(
		   json_object_get(json_object_get(g->group, "public"), "keys"))
		   ? NULL
		   : "no set of public keys";
}

static bool
pem_key(struct group *g)
{
	struct str pem = text_at(g->group, "publicKeyPem");
	struct keys_public *keys;
	size_t n;

	if (pem.n == 0)
		pem = text_at(g->group, "keyPem");
	if (!keys_public_read(g->a, "vector", pem, &keys, &n, NULL))
		return false;
	g->key = keys[0];
	g->has_key = true;
	return n == 1;
}

static const char other_digest[] = "another digest than SHA-256";

static const char *
p256_key(struct group *g)
{
	if (!is_at(g->group, "sha", "SHA-256"))
		return other_digest;
	return pem_key(g) && g->key.algorithm == KEYS_P256
		   ? NULL
		   : "another curve than P-256";
}

static const char *
ed25519_key(struct group *g)
{
	return pem_key(g) && g->key.algorithm == KEYS_ED25519
		   ? NULL
		   : "another curve than Ed25519";
}

/* Smaller keys, larger ones and odd exponents are refused when they are read
 * (SECURITY: RSA of 2,048 to 4,096 bits, e = 65,537). */
static const char *
rsa_key(struct group *g)
{
	if (!is_at(g->group, "sha", "SHA-256"))
		return other_digest;
	return pem_key(g) && (g->key.algorithm == KEYS_RSA2048 ||
				 g->key.algorithm == KEYS_RSA_LARGER)
		   ? NULL
		   : "an RSA key that is refused when it is read: not of 2,048 "
		     "to 4,096 bits with e = 65,537";
}

static const char *
mac_key(struct group *g)
{
	if (json_integer_value(json_object_get(g->group, "keySize")) != 256)
		return "keys here have 32 bytes";
	return json_integer_value(json_object_get(g->group, "tagSize")) == 256
		   ? NULL
		   : "tags here are never cut";
}

static const char *
jws_key(struct group *g)
{
	static const char why[] = "a key of another type or size";
	const json_t *public = json_object_get(g->group, "public");
	const json_t *secret = json_object_get(g->group, "private");
	struct str bytes;

	if (public) {
		g->has_key = jwk_read(public, &g->key, NULL);
		return g->has_key ? NULL : why;
	}
	return is_at(secret, "kty", "oct") &&
		       base64_decode(
			   g->a, BASE64_URL, text_at(secret, "k"), &bytes) &&
		       bytes.n == SECRET_BYTES
		   ? NULL
		   : why;
}

static const struct {
	const char *type, *algorithm; /* algorithm NULL: any */
	const char *(*key)(struct group *);
	accept_fn *accept;
} kinds[] = {
	{ "EcdsaVerify", NULL, p256_key, accept_der },
	{ "EcdsaP1363Verify", NULL, p256_key, accept_raw },
	{ "EddsaVerify", NULL, ed25519_key, accept_der },
	{ "EDDSAVer", NULL, ed25519_key, accept_der },
	{ "RsassaPkcs1Verify", NULL, rsa_key, accept_der },
	{ "MacTest", "HMACSHA256", mac_key, accept_mac },
	{ "JsonWebSignature", NULL, jws_key, accept_jws },
	{ "JsonWebKey", NULL, any_set, accept_by_set },
};

/* Where we decide otherwise than a vector says, known by its comment. */
static const struct {
	const char *type, *comment;
	bool accepted; /* what we say */
	const char *why;
} otherwise[] = {
	{ "JsonWebSignature", "InvalidCharacterInsertedInHeader", false,
	    "no letter of Base64url is skipped (RFC 7515 2)" },
	{ "JsonWebSignature", "InvalidCharacterInsertedInPayload", false,
	    "no letter of Base64url is skipped (RFC 7515 2)" },
	{ "JsonWebSignature", "invalidBase64Padding", true,
	    "the text has no padding: it is a token that verifies" },
	{ "JsonWebSignature", "invalidBase64PaddingInPayload", true,
	    "the text has no padding: it is a token that verifies" },
	{ "JsonWebKey", "acceptsValid", false,
	    "a set with a secret key is refused whole, or the algorithm is "
	    "another than its key's" },
	{ "JsonWebKey", "long_key", false, "secret keys are no public keys" },
};

/* What we say of the test, by the table, when it is not what `result` says. */
static bool
is_otherwise(const char *type, const json_t *test, bool accepted)
{
	for (size_t i = 0; i < ARRAY_LEN(otherwise); i++)
		if (strcmp(otherwise[i].type, type) == 0 &&
		    otherwise[i].accepted == accepted &&
		    is_at(test, "comment", otherwise[i].comment))
			return true;
	return false;
}

static void
run_test(const struct group *g, const char *type, accept_fn *accept,
    const json_t *t, const char *file)
{
	struct str want = text_at(t, "result");
	bool accepted = accept(g, t);
	char what[80];

	snprintf(what, sizeof what, "test %lld",
	    (long long)json_integer_value(json_object_get(t, "tcId")));
	if (is_otherwise(type, t, accepted))
		agree(true, file, what, "as our table says");
	else if (str_eq(want, STR("valid")))
		agree(accepted, file, what, "accepted");
	else if (str_eq(want, STR("invalid")))
		agree(!accepted, file, what, "refused");
	else
		agree(str_eq(want, STR("acceptable")), file, what,
		    "valid, invalid or acceptable");
}

static size_t
kind_of(const json_t *group, const json_t *root)
{
	size_t i = 0;

	while (i < ARRAY_LEN(kinds) &&
	       !(is_at(group, "type", kinds[i].type) &&
		   (!kinds[i].algorithm ||
		       is_at(root, "algorithm", kinds[i].algorithm))))
		i++;
	return i;
}

static void
run_group(const json_t *group, const json_t *root, const char *file)
{
	struct group g = { .a = arena_new(0), .group = group };
	const json_t *tests = json_object_get(group, "tests");
	size_t n = json_array_size(tests), kind = kind_of(group, root);
	const char *why = kind == ARRAY_LEN(kinds)
			      ? "an algorithm that nothing here uses"
			      : kinds[kind].key(&g);

	if (n == 0)
		agree(false, file, "a group", "with tests");
	else if (why)
		skip((unsigned)n, file, why);
	else
		for (size_t i = 0; i < n; i++)
			run_test(&g, kinds[kind].type, kinds[kind].accept,
			    json_array_get(tests, i), file);
	if (g.has_key)
		keys_public_fini(&g.key);
	arena_free(g.a);
}

/* As many as the file says, so that none is lost on the way. */
static void
check_number(const json_t *root, unsigned before, const char *file)
{
	const json_t *n = json_object_get(root, "numberOfTests");
	unsigned met = count.agree + count.differ + count.skipped - before;

	if (json_is_integer(n) && json_integer_value(n) != (json_int_t)met)
		agree(false, file, "numberOfTests", "the number of its tests");
}

/* A file that cannot be read is a difference: it was asked for. */
static void
wycheproof(const char *path)
{
	json_error_t e;
	json_t *root = json_load_file(path, JSON_ALLOW_NUL, &e);
	const json_t *groups = json_object_get(root, "testGroups");
	unsigned before = count.agree + count.differ + count.skipped;

	if (!root)
		agree(false, path, e.text, "JSON that can be read");
	else if (json_array_size(groups) == 0)
		agree(false, name_of(path), "the file", "test groups");
	for (size_t i = 0; i < json_array_size(groups); i++)
		run_group(json_array_get(groups, i), root, name_of(path));
	if (json_array_size(groups) > 0)
		check_number(root, before, name_of(path));
	json_decref(root);
}

/* ---- files of a folder ----------------------------------------------------
 */

static void
each(const char *folder, const char *suffix,
    void (*run)(struct arena *a, const char *path))
{
	const char *const suffixes[] = { suffix, NULL };
	struct arena *a = arena_new(0);
	const char *const *files;
	struct error err = { 0 };
	size_t n;

	if (!file_list(a, folder, suffixes, &files, &n, &err) || n == 0) {
		fprintf(stderr, "vectors: %s: %s\n", folder, err.msg);
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		run(a, files[i]);
	arena_free(a);
}

/* ---- JOSE cookbook (RFC 7520, 7797, 8037) ---------------------------------
 */

/* The public half, as a verifier would have it. */
static json_t *
public_half(const json_t *key)
{
	static const char *const private[] = { "d", "p", "q", "dp", "dq",
		"qi" };
	json_t *copy = json_deep_copy(key);

	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		(void)json_object_del(copy, private[i]);
	return copy;
}

static void
jose_signature(struct arena *a, const char *path, const json_t *root)
{
	const json_t *input = json_object_get(root, "input");
	const json_t *key = json_object_get(input, "key");
	struct str compact =
	    text_at(json_object_get(root, "output"), "compact");
	struct keys_public k;
	json_t *public;

	if (compact.n == 0 || !json_is_object(key)) {
		skip(1, name_of(path), "not in compact form");
		return;
	}
	if (strstr(path, "rfc7797")) {
		agree(!accept_hs256(a, key, compact), name_of(path), "b64",
		    "refused: no extension is understood");
		return;
	}
	if (is_at(input, "alg", "HS256") && !strstr(compact.p, "..")) {
		agree(accept_hs256(a, key, compact), name_of(path), "HS256",
		    "accepted");
		return;
	}
	public = public_half(key);
	if (!jwk_read(public, &k, NULL)) {
		skip(1, name_of(path), "a key of another type or curve");
	} else if (!is_at(input, "alg", jws_algorithm(&k).p)) {
		/* RSA-PSS by an RSA key: the key's own algorithm is another. */
		agree(!accept_jws_by(a, &k, compact), name_of(path),
		    "another algorithm", "refused");
		keys_public_fini(&k);
	} else {
		agree(accept_jws_by(a, &k, compact), name_of(path), "signature",
		    "accepted");
		keys_public_fini(&k);
	}
	json_decref(public);
}

static void
jose_file(struct arena *a, const char *path)
{
	json_t *root = load_or_die(path);
	bool is_public = strstr(path, "rsa_public") != NULL;
	struct keys_public k;

	if (strstr(path, "/jwk/")) {
		bool ok = jwk_read(root, &k, NULL);

		/* P-521 is no curve of ours; private and secret keys are never
		 * read where a public one is wanted. */
		agree(ok == is_public, name_of(path), "key",
		    is_public ? "read" : "refused");
		if (ok)
			keys_public_fini(&k);
	} else if (json_object_get(root, "signing")) {
		jose_signature(a, path, root);
	} else {
		skip(1, name_of(path), "no signature");
	}
	json_decref(root);
}

static void
jose(const char *folder)
{
	each(folder, ".json", jose_file);
}

/* ---- RFC 8785 -------------------------------------------------------------
 */

static void
jcs_file(struct arena *a, const char *path)
{
	struct str text = read_or_die(a, path), want;
	const char *at = strstr(path, "/input/");
	struct buf out = { 0 };
	json_t *v = NULL;
	struct error err = { 0 };
	bool ok;

	if (!at)
		return;
	want = read_or_die(a,
	    str_printf(a, "%.*s/output/%s", (int)(at - path), path, at + 7).p);
	ok =
	    json_parse(text, path, FILE_BYTES, 512, JSON_DATA_FILE, &v, &err) &&
	    jcs_write(v, &out, &err) && str_eq(buf_str(&out), want);
	agree(ok, name_of(path), "canonical form", "as published");
	json_decref(v);
	buf_free(&out);
}

static void
jcs_number(const char *file, struct str line)
{
	size_t comma = str_find(line, ',', 0);
	char hex[32];
	struct buf out = { 0 };
	uint64_t bits;
	double v;
	bool ok;

	snprintf(hex, sizeof hex, "%.*s", (int)comma, line.p);
	bits = strtoull(hex, NULL, 16);
	memcpy(&v, &bits, sizeof v);
	ok = jcs_write_number(v, &out) &&
	     str_eq(buf_str(&out), str_sub(line, comma + 1, line.n));
	agree(ok, file, hex, "printed as ECMAScript does");
	buf_free(&out);
}

static void
jcs_numbers(struct arena *a, const char *path)
{
	struct str text = read_or_die(a, path);

	for (size_t at = 0; at < text.n;) {
		size_t end = str_find(text, '\n', at);

		if (end > at)
			jcs_number(name_of(path), str_sub(text, at, end));
		at = end + 1;
	}
}

static void
jcs(const char *folder)
{
	struct arena *a = arena_new(0);

	each(str_printf(a, "%s/testdata", folder).p, ".json", jcs_file);
	jcs_numbers(a, str_printf(a, "%s/es6-numbers-2k.txt", folder).p);
	arena_free(a);
}

/* ---- JSON parsing ---------------------------------------------------------
 */

static const struct {
	const char *file, *why;
} refused[] = {
	{ "y_object_duplicated_key.json", "RFC 7493 2.3: names are unique" },
	{ "y_object_duplicated_key_and_value.json",
	    "RFC 7493 2.3: names are unique" },
	{ "y_object_escaped_null_in_key.json", "a name holds no NUL" },
};

static bool
is_refused_on_purpose(const char *file)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strcmp(refused[i].file, file) == 0)
			return true;
	return false;
}

static unsigned either_accepted, either_refused;

static void
json_file(struct arena *a, const char *path)
{
	struct str text = read_or_die(a, path);
	const char *file = name_of(path);
	json_t *v = NULL;
	bool ok =
	    json_parse(text, path, FILE_BYTES, 512, JSON_DATA_FILE, &v, NULL);

	if (file[0] == 'y' && is_refused_on_purpose(file))
		agree(!ok, file, "file", "refused, on purpose");
	else if (file[0] == 'y')
		agree(ok, file, "file", "accepted");
	else if (file[0] == 'n')
		agree(!ok, file, "file", "refused");
	else if (ok)
		either_accepted++;
	else
		either_refused++;
	json_decref(v);
}

static void
json(const char *folder)
{
	each(folder, ".json", json_file);
	printf("either: %u accepted, %u refused of those that may be\n",
	    either_accepted, either_refused);
}

/* ---- W3C Trace Context
 * ------------------------------------------------------------
 */

/* The one header of that name; of two, none counts. */
static bool
trace_holds(const json_t *headers)
{
	struct trace t;
	struct str value = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(headers); i++) {
		const json_t *pair = json_array_get(headers, i);

		if (strcasecmp(json_string_value(json_array_get(pair, 0)),
			"traceparent") != 0)
			continue;
		value = json_str(json_array_get(pair, 1));
		n++;
	}
	return n == 1 && trace_parse(value, &t);
}

static void
traceparent(const char *path)
{
	struct arena *a = arena_new(0);
	json_t *file = NULL;
	const json_t *cases;

	if (!a || !json_parse(read_or_die(a, path), path, FILE_BYTES, 512,
		      JSON_DATA_FILE, &file, NULL)) {
		fputs("vectors: no JSON\n", stderr);
		exit(1);
	}
	cases = json_object_get(file, "cases");
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *row = json_array_get(cases, i);
		const json_t *want =
		    json_object_get(row, "is_traceparent_valid");
		char name[32];

		snprintf(name, sizeof name, "row %zu", i);
		agree(trace_holds(json_object_get(row, "headers")) ==
			  json_is_true(want),
		    name_of(path), name,
		    json_is_true(want) ? "valid" : "invalid");
	}
	json_decref(file);
	arena_free(a);
}

static const struct {
	const char *name;
	void (*run)(const char *path);
} suites[] = {
	{ "wycheproof", wycheproof },
	{ "jose", jose },
	{ "jcs", jcs },
	{ "json", json },
	{ "traceparent", traceparent },
};

int
main(int argc, char **argv)
{
	size_t i = 0;

	json_setup();
	while (argc > 2 && i < ARRAY_LEN(suites) &&
	       strcmp(suites[i].name, argv[1]) != 0)
		i++;
	if (argc < 3 || i == ARRAY_LEN(suites)) {
		fputs("usage: vectors SUITE PATH...\n", stderr);
		return 1;
	}
	for (int k = 2; k < argc; k++)
		suites[i].run(argv[k]);
	printf("%s: %u agree, %u differ, %u skipped\n", argv[1], count.agree,
	    count.differ, count.skipped);
	return count.differ > 0 || count.agree == 0;
}
