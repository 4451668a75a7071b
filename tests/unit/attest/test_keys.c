/* Keys: which are accepted, what they are called, what their files must be. */
#include "attest/keys.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/attest.h"
#include "base/base64.h"
#include "base/file.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

/* The examples of RFC 7638 3.1, RFC 7517 A.1 and RFC 8037 A.3. */
#define RSA_N                                                                  \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu"   \
	"1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4H"   \
	"c5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"   \
	"s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"   \
	"vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"   \
	"wapJzKnqDKgw"
#define P256_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define P256_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static struct str
bytes_of(struct arena *a, const char *base64url)
{
	struct str s;

	ck_assert(base64_decode(a, BASE64_URL, str_of(base64url), &s));
	return s;
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
rsa_example(struct arena *a)
{
	struct str n = bytes_of(a, RSA_N);
	BIGNUM *number = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey;

	ck_assert_int_eq(
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, number), 1);
	ck_assert_int_eq(
	    OSSL_PARAM_BLD_push_ulong(bld, OSSL_PKEY_PARAM_RSA_E, 65537), 1);
	pkey = from_params("RSA", bld);
	BN_free(number);
	return pkey;
}

static EVP_PKEY *
p256_example(struct arena *a)
{
	struct str x = bytes_of(a, P256_X), y = bytes_of(a, P256_Y);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	char point[65] = { 4 };

	memcpy(point + 1, x.p, 32);
	memcpy(point + 33, y.p, 32);
	OSSL_PARAM_BLD_push_utf8_string(
	    bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(
	    bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
	return from_params("EC", bld);
}

static EVP_PKEY *
okp_example(struct arena *a)
{
	struct str x = bytes_of(a, OKP_X);

	return EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
}

static const struct {
	const char *note;
	EVP_PKEY *(*make)(struct arena *);
	enum keys_algorithm want;
	const char *thumbprint;
} examples[] = {
	{ "RFC 7638", rsa_example, KEYS_RSA2048,
	    "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },
	{ "RFC 7517", p256_example, KEYS_P256,
	    "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s" },
	{ "RFC 8037", okp_example, KEYS_ED25519,
	    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
};

START_TEST(thumbprints_are_those_of_the_standards)
{
	struct arena *a = arena_new(0);
	struct keys_public k;

	ck_assert(keys_public_init(&k, examples[_i].make(a), NULL));
	ck_assert_msg(k.algorithm == examples[_i].want, "%s: algorithm %d",
	    examples[_i].note, k.algorithm);
	ck_str_is(keys_thumbprint(&k), examples[_i].thumbprint);
	keys_public_fini(&k);
	arena_free(a);
}
END_TEST

static EVP_PKEY *
rsa_of(unsigned bits, unsigned exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *pkey = NULL;

	BN_set_word(e, exponent);
	ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	ck_assert_int_eq(EVP_PKEY_generate(ctx, &pkey), 1);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static const struct {
	const char *note;
	unsigned bits, exponent; /* RSA; or */
	const char *type, *group;
	enum keys_algorithm want;
} algorithms[] = {
	{ "RSA-1024", 1024, 65537, NULL, NULL, KEYS_RSA1024 },
	{ "RSA-1536", 1536, 65537, NULL, NULL, KEYS_UNFIT },
	{ "RSA-2048", 2048, 65537, NULL, NULL, KEYS_RSA2048 },
	{ "e = 3", 2048, 3, NULL, NULL, KEYS_UNFIT },
	{ "RSA-2056", 2056, 65537, NULL, NULL, KEYS_RSA_LARGER },
	{ "P-256", 0, 0, "EC", "P-256", KEYS_P256 },
	{ "P-384", 0, 0, "EC", "P-384", KEYS_UNFIT },
	{ "secp256k1", 0, 0, "EC", "secp256k1", KEYS_UNFIT },
	{ "Ed25519", 0, 0, "ED25519", NULL, KEYS_ED25519 },
	{ "Ed448", 0, 0, "ED448", NULL, KEYS_UNFIT },
	{ "X25519", 0, 0, "X25519", NULL, KEYS_UNFIT },
};

static EVP_PKEY *
algorithm_key(int i)
{
	if (algorithms[i].bits)
		return rsa_of(algorithms[i].bits, algorithms[i].exponent);
	return EVP_PKEY_Q_keygen(
	    NULL, NULL, algorithms[i].type, algorithms[i].group);
}

START_TEST(the_key_says_the_algorithm)
{
	struct keys_public k;

	ck_assert(keys_public_init(&k, algorithm_key(_i), NULL));
	ck_assert_msg(k.algorithm == algorithms[_i].want, "%s: got %d",
	    algorithms[_i].note, k.algorithm);
	ck_assert_int_eq(
	    k.thumbprint[0] != '\0', algorithms[_i].want != KEYS_UNFIT);
	keys_public_fini(&k);
}
END_TEST

START_TEST(a_new_key_signs_and_is_ours_alone)
{
	static const char *const names[] = { "rsa2048", "p256", "ed25519" };
	char path[700];
	struct error e = { 0 };
	struct attest_key *key;
	struct stat st;

	snprintf(path, sizeof path, "%s/%s.pem", test_folder(), names[_i]);
	ck_assert(
	    attest_key_create(attest_key_type_of(str_of(names[_i])), path, &e));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	key = attest_key_open(path, &e);
	ck_assert_msg(key != NULL, "%s", e.msg);
	attest_key_free(key);
	/* The name is taken now. */
	ck_assert(!attest_key_create(KEY_P256, path, &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
}
END_TEST

START_TEST(a_key_that_others_read_is_refused)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0644 };
	struct error e = { 0 };
	char path[700], name[16];
	struct buf pem = { 0 };

	snprintf(name, sizeof name, "open%d", _i);
	snprintf(path, sizeof path, "%s.key.pem", kit_key(name, KEY_P256));
	ck_assert_int_eq(chmod(path, modes[_i]), 0);
	ck_assert_ptr_null(attest_key_open(path, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
	e = (struct error){ 0 };
	ck_assert(!attest_key_public_pem(path, &pem, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
	buf_free(&pem);
}
END_TEST

START_TEST(a_link_to_a_key_is_refused)
{
	struct error e = { 0 };
	char path[700], link_path[700];

	(void)kit_key("linked", KEY_P256);
	snprintf(path, sizeof path, "%s/linked.key.pem", test_folder());
	snprintf(link_path, sizeof link_path, "%s/link.pem", test_folder());
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_ptr_null(attest_key_open(link_path, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
}
END_TEST

/* A private key that is none of ours, or encrypted: no question is asked. */
START_TEST(other_private_keys_are_refused)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool encrypt = _i == 1;
	EVP_PKEY *pkey = encrypt ? EVP_EC_gen("P-256") : EVP_EC_gen("P-384");
	struct error e = { 0 };
	char path[700], *p;
	long n;

	ck_assert_int_eq(
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey,
		encrypt ? EVP_aes_256_cbc() : NULL, encrypt ? "word" : NULL,
		encrypt ? 4 : 0, NULL, NULL),
	    1);
	n = BIO_get_mem_data(bio, &p);
	snprintf(path, sizeof path, "%s/other%d.pem", test_folder(), _i);
	ck_assert(file_create(path, 0600, (struct str){ p, (size_t)n }, &e));
	ck_assert_ptr_null(attest_key_open(path, &e));
	ck_assert_int_eq(e.code, ERR_KEY_FORM);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}
END_TEST

static const struct {
	const char *note, *text;
	enum err_code code;
} bad_pem[] = {
	{ "empty", "", ERR_KEY_FORM },
	{ "words", "trust me\n", ERR_KEY_FORM },
	{ "not Base64",
	    "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
	    ERR_KEY_FORM },
	{ "not a key",
	    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	    ERR_KEY_FORM },
	{ "no end", "-----BEGIN PUBLIC KEY-----\nAAAA\n", ERR_KEY_FORM },
	{ "another block",
	    "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
	    ERR_KEY_FORM },
	{ "private",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	    ERR_CONFIG_TRUST },
	{ "private, old form",
	    "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
	    "-----END RSA PRIVATE KEY-----\n",
	    ERR_CONFIG_TRUST },
};

START_TEST(bad_public_keys_are_refused)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct keys_public *keys;
	size_t n;

	ck_assert(!keys_public_read(
	    a, "k.pem", str_of(bad_pem[_i].text), &keys, &n, &e));
	ck_assert_msg(e.code == bad_pem[_i].code, "%s: %s", bad_pem[_i].note,
	    error_id(e.code));
	ck_assert_str_eq(e.at.file, "k.pem");
	if (e.code == ERR_CONFIG_TRUST)
		ck_assert_ptr_nonnull(strstr(e.hint, "avow key public"));
	arena_free(a);
}
END_TEST

/* The second of two blocks is broken: the first is let go as well. */
START_TEST(one_bad_block_spoils_the_file)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct keys_public *keys;
	struct buf two = { 0 };
	char path[700];
	size_t n;

	(void)kit_key("two", KEY_P256);
	snprintf(path, sizeof path, "%s/two/pub.pem", test_folder());
	ck_assert(attest_key_public_pem(path, &two, &e));
	ck_assert(keys_public_read(a, "f", buf_str(&two), &keys, &n, &e));
	ck_assert_uint_eq(n, 1);
	keys_public_fini(&keys[0]);
	buf_addz(&two,
	    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	ck_assert(!keys_public_read(a, "f", buf_str(&two), &keys, &n, &e));
	ck_assert_int_eq(e.code, ERR_KEY_FORM);
	buf_free(&two);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, thumbprints_are_those_of_the_standards, 0, ARRAY_LEN(examples));
	tcase_add_loop_test(
	    tc, the_key_says_the_algorithm, 0, ARRAY_LEN(algorithms));
	tcase_add_loop_test(tc, a_new_key_signs_and_is_ours_alone, 0, 3);
	tcase_add_loop_test(tc, a_key_that_others_read_is_refused, 0, 4);
	tcase_add_test(tc, a_link_to_a_key_is_refused);
	tcase_add_loop_test(tc, other_private_keys_are_refused, 0, 2);
	tcase_add_loop_test(
	    tc, bad_public_keys_are_refused, 0, ARRAY_LEN(bad_pem));
	tcase_add_test(tc, one_bad_block_spoils_the_file);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
