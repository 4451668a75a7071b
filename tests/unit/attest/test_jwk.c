/* JSON Web Keys: in and out, the RFCs' own examples, and what is no key. */
#include "attest/jwk.h"

#include "tests/unit/attest/token_kit.h"

static const enum attest_key_type types[] = { KEY_RSA2048, KEY_P256,
	KEY_ED25519 };

START_TEST(out_and_in)
{
	struct token_kit k;
	struct attest_key *key;
	struct keys_public again;
	json_t *jwk;

	token_kit_init(&k, KEY_ED25519);
	key = token_kit_key(&k, types[_i]);
	jwk = jwk_write(&key->public, "sig");
	ck_assert_ptr_nonnull(jwk);
	ck_assert_str_eq(json_string_value(json_object_get(jwk, "kid")),
	    key->public.thumbprint);
	ck_assert(jwk_read(jwk, &again, NULL));
	ck_assert_str_eq(again.thumbprint, key->public.thumbprint);
	ck_assert_int_eq(EVP_PKEY_eq(again.pkey, key->public.pkey), 1);
	keys_public_fini(&again);
	/* Each member of the key itself is needed. */
	for (size_t i = 0; i < 5; i++) {
		static const char *const names[] = { "kty", "crv", "x", "y",
			"n" };
		json_t *less = json_deep_copy(jwk);

		if (json_object_del(less, names[i]) == 0)
			ck_assert_msg(
			    !jwk_read(less, &again, NULL), "%s", names[i]);
		json_decref(less);
	}
	json_decref(jwk);
	attest_key_free(key);
	token_kit_fini(&k);
}
END_TEST

#define ED_X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define EC_X "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\""
#define EC_Y "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""

/* RFC 7517 A.1, RFC 8037 A.2, A.3. */
static const struct {
	const char *note, *text, *thumbprint; /* NULL: refused */
} keys[] = {
	{ "RFC 8037 A.2", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," ED_X "}",
	    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	{ "RFC 7517 A.1",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y
	    ",\"kid\":\"1\"}",
	    "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s" },
	{ "with the right alg",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\"," ED_X "}",
	    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	{ "with another alg",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"ES256\"," ED_X "}",
	    NULL },
	{ "for encryption",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\"," ED_X "}",
	    NULL },
	{ "to verify",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":[\"verify\"]"
	    "," ED_X "}",
	    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	{ "to encrypt",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"key_ops\":[\"encrypt\"]"
	    "," ED_X "}",
	    NULL },
	{ "another curve", "{\"kty\":\"OKP\",\"crv\":\"X25519\"," ED_X "}",
	    NULL },
	{ "padded",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}",
	    NULL },
	{ "short", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
	    NULL },
	{ "a point off the curve",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_Y
	    ",\"x\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}",
	    NULL },
	{ "infinity",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
	    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	    NULL },
	{ "P-384", "{\"kty\":\"EC\",\"crv\":\"P-384\"," EC_X "," EC_Y "}",
	    NULL },
	{ "a secret", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", NULL },
	{ "private",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," ED_X
	    ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
	    NULL },
	{ "small RSA",
	    "{\"kty\":\"RSA\",\"n\":\"w7Zdfmece8iaB0kiTY8pCtiBtzbptJ"
	    "mP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8h"
	    "mCTOj2b2eHT7NsZegFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjU"
	    "CEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE8\",\"e\":\"AQAB\"}",
	    NULL },
	{ "no object's member", "{\"kty\":1}", NULL },
	{ "nothing", "{}", NULL },
};

START_TEST(a_key)
{
	json_t *jwk = json_loads(keys[_i].text, 0, NULL);
	struct keys_public k;
	struct error err = { 0 };
	bool ok;

	json_setup();
	ck_assert_ptr_nonnull(jwk);
	ok = jwk_read(jwk, &k, &err);
	ck_assert_msg(ok == (keys[_i].thumbprint != NULL), "%s", keys[_i].note);
	if (ok) {
		ck_assert_str_eq(k.thumbprint, keys[_i].thumbprint);
		keys_public_fini(&k);
	} else {
		ck_assert_int_eq(err.code, ERR_KEY_FORM);
	}
	json_decref(jwk);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jwk");
	TCase *tc = tcase_create("jwk");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, out_and_in, 0, ARRAY_LEN(types));
	tcase_add_loop_test(tc, a_key, 0, ARRAY_LEN(keys));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
