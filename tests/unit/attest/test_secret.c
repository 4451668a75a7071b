/* Secrets: derived, MACed, sealed; the master secret's file; and what happens
 * when no randomness is to be had. */
#include "attest/secret.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct error err;
static struct secret_keys keys;
static const struct prove_random real;

static void
setup(void)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
	ck_assert(secret_random(&real, keys.seal, sizeof keys.seal, &err));
}

static void
teardown(void)
{
	arena_free(arena);
}

static bool
no_random(void *ctx, uint8_t *to, size_t n)
{
	(void)ctx;
	memset(to, 0xaa, n / 2);
	return false;
}

START_TEST(no_randomness_is_an_error)
{
	const struct prove_random none = { no_random, NULL };
	const struct secret_purpose purpose = { .what = "x" };
	struct buf out = { 0 };
	uint8_t bytes[16];

	memset(bytes, 1, sizeof bytes);
	ck_assert(!secret_random(&none, bytes, sizeof bytes, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_ERROR);
	for (size_t i = 0; i < sizeof bytes; i++)
		ck_assert_uint_eq(bytes[i], 0);
	ck_assert(!secret_seal(&keys, &none, &purpose, STR("t"), &out, NULL));
	ck_assert_uint_eq(out.n, 0);
	ck_assert(!secret_create("/tmp/never", &none, NULL));
}
END_TEST

/* RFC 5869 A.1 to A.3 test HKDF-SHA256 with lengths we do not make; these were
 * computed with another program (Python's hmac). */
static const struct {
	const char *secret, *salt, *info, *want;
} derived[] = {
	{ "0123456789abcdef0123456789abcdef", "web-1", "avow hmac v1",
	    "6a45d128cf7607a55b713194b05a5eef9dd0783c97be6ca6cdb0afaec04952b"
	    "f" },
	{ "", "", "",
	    "eb70f01dede9afafa449eee1b1286504e1f62388b3f7dd4f956697b0e828fe1"
	    "8" },
};

START_TEST(derives_as_others)
{
	uint8_t out[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];

	ck_assert(secret_derive(str_of(derived[_i].secret),
	    str_of(derived[_i].salt), derived[_i].info, out, &err));
	digest_hex(out, sizeof out, hex);
	ck_assert_str_eq(hex, derived[_i].want);
}
END_TEST

/* RFC 4231 test case 1 has a key of 20 bytes; with zeros behind it HMAC is the
 * same. */
START_TEST(macs_as_rfc_4231)
{
	uint8_t key[SECRET_BYTES] = { 0 }, out[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];

	memset(key, 0x0b, 20);
	ck_assert(secret_mac(key, STR("Hi There"), out, &err));
	digest_hex(out, sizeof out, hex);
	ck_assert_str_eq(hex, "b0344c61d8db38535ca8afceaf0bf12b"
			      "881dc200c9833da726e9376c2e32cff7");
}
END_TEST

static struct str
seal(const struct secret_purpose *p, struct str text)
{
	struct buf out = { 0 };
	struct str copy;

	ck_assert_msg(
	    secret_seal(&keys, &real, p, text, &out, &err), "%s", err.msg);
	copy = str_dup(arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

START_TEST(opens_what_was_sealed)
{
	const struct secret_purpose p = { "hmac", STR("a"), STR("b") };
	const struct str texts[] = { STR(""), STR("x"),
		STR("a text of more than one block of thirty-two bytes") };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str sealed = seal(&p, texts[i]), again, back;

		again = seal(&p, texts[i]);
		ck_assert(!str_eq(sealed, again));
		ck_assert_uint_eq(sealed.n, texts[i].n + 1 + 12 + 16);
		ck_assert(secret_unseal(arena, &keys, &p, sealed, &back, &err));
		ck_assert(str_eq(back, texts[i]));
	}
}
END_TEST

START_TEST(opens_for_nothing_else)
{
	const struct secret_purpose p = { "hmac", STR("ab"), STR("c") };
	const struct secret_purpose others[] = {
		{ "enrol", STR("ab"), STR("c") },
		{ "hmac", STR("a"), STR("bc") },
		{ "hmac", STR("abc"), STR("") },
		{ "hmac", STR("ab"), STR("d") },
		{ "hmacab", STR(""), STR("c") },
	};
	struct str sealed = seal(&p, STR("text")), back;
	struct secret_keys other = keys;

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		err.code = ERR_NONE;
		ck_assert(!secret_unseal(
		    arena, &keys, &others[i], sealed, &back, &err));
		ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	}
	other.seal[0] ^= 1;
	ck_assert(!secret_unseal(arena, &other, &p, sealed, &back, NULL));
}
END_TEST

START_TEST(no_bit_of_it_may_differ)
{
	const struct secret_purpose p = { "hmac", STR("a"), STR("") };
	struct str sealed = seal(&p, STR("text")), back;
	char *bytes = arena_alloc(arena, sealed.n);

	for (size_t bit = 0; bit < sealed.n * 8; bit++) {
		memcpy(bytes, sealed.p, sealed.n);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		ck_assert_msg(!secret_unseal(arena, &keys, &p,
				  (struct str){ bytes, sealed.n }, &back, NULL),
		    "bit %zu", bit);
	}
	for (size_t n = 0; n < sealed.n; n++)
		ck_assert(!secret_unseal(
		    arena, &keys, &p, str_sub(sealed, 0, n), &back, NULL));
}
END_TEST

static const char *
path_of(const char *name)
{
	return str_printf(arena, "%s/%s", test_folder(), name).p;
}

START_TEST(the_file_is_for_its_owner_alone)
{
	const char *path = path_of("master"), *link_path = path_of("link");
	struct secret_keys one = { 0 }, two = { 0 };
	struct stat st;

	ck_assert_msg(secret_create(path, &real, &err), "%s", err.msg);
	ck_assert(!secret_create(path, &real, NULL));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(secret_open(path, &one, &err));
	ck_assert(secret_open(path, &two, &err));
	ck_assert_mem_eq(&one, &two, sizeof one);
	ck_assert_mem_ne(one.seal, one.challenge, sizeof one.seal);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert(!secret_open(link_path, &two, NULL));
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert(!secret_open(path, &two, &err));
	ck_assert_int_eq(err.code, ERR_FILE_MODE);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(unlink(link_path), 0);
}
END_TEST

static const struct {
	const char *note;
	struct str text;
} bad_files[] = {
	{ "empty", STR_INIT("") },
	{ "another mark", STR_INIT("avow-secret-2 "
				   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				   "A\n") },
	{ "short", STR_INIT("avow-secret-1 AAAA\n") },
	{ "no Base64url", STR_INIT("avow-secret-1 "
				   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				   "=\n") },
	{ "two lines", STR_INIT("avow-secret-1 "
				"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				"\n\n") },
};

START_TEST(other_files_are_refused)
{
	const char *path = path_of("bad");
	struct secret_keys k = { 0 };

	ck_assert(file_replace(path, 0600, bad_files[_i].text, &err));
	ck_assert_msg(!secret_open(path, &k, &err), "%s", bad_files[_i].note);
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("secret");
	TCase *tc = tcase_create("secret");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, no_randomness_is_an_error);
	tcase_add_loop_test(tc, derives_as_others, 0, ARRAY_LEN(derived));
	tcase_add_test(tc, macs_as_rfc_4231);
	tcase_add_test(tc, opens_what_was_sealed);
	tcase_add_test(tc, opens_for_nothing_else);
	tcase_add_test(tc, no_bit_of_it_may_differ);
	tcase_add_test(tc, the_file_is_for_its_owner_alone);
	tcase_add_loop_test(
	    tc, other_files_are_refused, 0, ARRAY_LEN(bad_files));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
