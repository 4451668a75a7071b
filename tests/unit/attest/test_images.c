/* test_images.c - signatures of images: under the keys that are trusted, and
 * under no other. */
#include <sys/stat.h>

#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

static struct attest_key *
key_of(const char *name)
{
	struct error err = { 0 };
	const char *path =
	    str_printf(a, "%s/%s.key.pem", test_folder(), name).p;
	struct attest_key *key = attest_key_open(path, &err);

	ck_assert_msg(key != NULL, "%s", err.msg);
	return key;
}

static const struct {
	const char *name, *other;
	enum attest_key_type type;
} keys[] = {
	{ "image-ed", "image-ed-2", KEY_ED25519 },
	{ "image-p256", "image-p256-2", KEY_P256 },
	{ "image-rsa", "image-rsa-2", KEY_RSA2048 },
};

START_TEST(signed_and_verified)
{
	const char *folders[2] = { str_z(
	    a, str_of(kit_key(keys[_i].name, keys[_i].type))) };
	struct attest_images *own, *both, *others;
	struct attest_key *key = key_of(keys[_i].name);
	struct str message = STR("avow-image-v1 and a digest");
	struct buf signature = { 0 };
	struct error err = { 0 };

	folders[1] = str_z(a, str_of(kit_key(keys[_i].other, keys[_i].type)));
	own = attest_images_open(folders, 1, &err);
	both = attest_images_open(folders, 2, &err);
	others = attest_images_open(folders + 1, 1, &err);
	ck_assert_msg(own && both && others, "%s", err.msg);
	ck_assert(attest_images_sign(key, message, &signature, &err));
	ck_assert(
	    attest_images_verify(own, message, buf_str(&signature), NULL));
	ck_assert(
	    attest_images_verify(both, message, buf_str(&signature), NULL));
	ck_assert(
	    !attest_images_verify(others, message, buf_str(&signature), &err));
	ck_assert_int_eq(err.code, ERR_FILE_SIGNATURE);
	ck_assert(!attest_images_verify(
	    own, STR("another message"), buf_str(&signature), NULL));
	ck_assert(!attest_images_verify(own, message, STR(""), NULL));
	for (size_t i = 0; i < signature.n; i += 7) {
		signature.p[i] ^= 1;
		ck_assert(!attest_images_verify(
		    own, message, buf_str(&signature), NULL));
		signature.p[i] ^= 1;
	}
	buf_free(&signature);
	attest_key_free(key);
	attest_images_free(own);
	attest_images_free(both);
	attest_images_free(others);
}
END_TEST

/* What holds no key trusts nobody, and says so. */
START_TEST(no_keys)
{
	const char *nowhere = "/not/there";
	const char *text = kit_file(a, "image-none.pem", STR("no key\n"));
	const char *folder = str_printf(a, "%s/image-none", test_folder()).p;
	struct attest_images *none;
	struct error err = { 0 };

	ck_assert_ptr_null(attest_images_open(&nowhere, 1, &err));
	ck_assert_int_eq(err.code, ERR_FILE_READ);
	err = (struct error){ 0 };
	ck_assert_ptr_null(attest_images_open(&text, 1, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	/* Its place is not a name that went with what was read. */
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	(void)kit_file(a, "image-none/x.pem", STR("no key\n"));
	ck_assert_ptr_null(attest_images_open(&folder, 1, &err));
	ck_assert_str_eq(err.at.file, folder);
	none = attest_images_open(NULL, 0, NULL);
	ck_assert_ptr_nonnull(none);
	ck_assert(!attest_images_verify(none, STR("m"), STR("s"), NULL));
	attest_images_free(none);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("images");
	TCase *tc = tcase_create("images");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, signed_and_verified, 0, ARRAY_LEN(keys));
	tcase_add_test(tc, no_keys);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
