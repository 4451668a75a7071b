/* URIs of keys in tokens that are refused before any token is asked. With a
 * token: tests/e2e/pkcs11.sh. */
#include "attest/pkcs11.h"

#include <sys/stat.h>

#include "attest/attest.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static const struct {
	const char *note, *uri, *says;
} rows[] = {
	{ "nothing", "pkcs11:", "" },
	{ "a broken escape", "pkcs11:token=%zz", "RFC 7512" },
	{ "an attribute that nobody knows", "pkcs11:tokken=a", "RFC 7512" },
	{ "a PIN", "pkcs11:token=a?pin-value=secret-1234", "has a PIN" },
	{ "a PIN beside its file",
	    "pkcs11:token=a?pin-source=file:/p&pin-value=secret-1234",
	    "has a PIN" },
	{ "no such module",
	    "pkcs11:token=a?module-path=/nowhere/secret-1234-not.so",
	    "cannot be loaded" },
	{ "a module that is none", "pkcs11:token=a?module-path=/etc/passwd",
	    "cannot be loaded" },
};

START_TEST(uris_are_refused)
{
	struct keys_public k = { 0 };
	struct error e = { 0 };

	ck_assert_msg(!pkcs11_open(rows[_i].uri, &k, &e), "%s", rows[_i].note);
	ck_assert_msg(
	    e.code == ERR_KEY_FORM, "%s: %s", rows[_i].note, error_id(e.code));
	ck_assert_msg(
	    strstr(e.msg, rows[_i].says), "%s: %s", rows[_i].note, e.msg);
	if (strstr(rows[_i].uri, "pin-value"))
		ck_assert_ptr_null(strstr(e.msg, "1234"));
	ck_assert_ptr_null(k.pkey);
	ck_assert_ptr_null(k.signer);
}
END_TEST

static const struct {
	const char *note, *text;
} files[] = {
	{ "a module that is not there", "pkcs11:token=a?module-path=/no.so" },
	{ "two lines", "pkcs11:token=a\npkcs11:token=b\n" },
	{ "a key behind it", "pkcs11:token=a\n-----BEGIN PRIVATE KEY-----\n" },
};

START_TEST(files_that_name_a_key)
{
	struct arena *a = arena_new(0);
	const char *path = kit_file(a, "named.key.pem", str_of(files[_i].text));
	struct buf pem = { 0 };
	struct error e = { 0 };

	/* Not a secret file, so not looked at. */
	ck_assert_ptr_null(attest_key_open(path, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
	ck_assert_int_eq(chmod(path, 0600), 0);
	e = (struct error){ 0 };
	ck_assert_ptr_null(attest_key_open(path, &e));
	ck_assert_msg(e.code == ERR_KEY_FORM, "%s: %s", files[_i].note, e.msg);
	ck_assert(!attest_key_public_pem(path, &pem, &e));
	ck_assert_uint_eq(pem.n, 0);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pkcs11");
	TCase *tc = tcase_create("pkcs11");

	tcase_add_loop_test(tc, uris_are_refused, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, files_that_name_a_key, 0, ARRAY_LEN(files));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
