/* The ring: which key signs when, what is published when, and that a rollover
 * has no gap: at each moment every token that is still valid verifies by the
 * set that a client may have. */
#include "attest/token.h"

#include <stdio.h>
#include <sys/stat.h>

#include "attest/token_read.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/attest/token_kit.h"

static struct token_ring *
open_ring(const struct token_kit *k)
{
	struct error err = { 0 };
	struct token_ring *r = token_ring_open(k->folder, &err);

	ck_assert_msg(r != NULL, "%s", err.msg);
	return r;
}

static enum err_code
rotate(struct token_kit *k, int64_t now, int64_t after, bool hasty)
{
	struct error err = { 0 };
	struct str file;

	if (token_ring_rotate(
		k->a, k->folder, KEY_ED25519, now, after, hasty, &file, &err))
		return ERR_NONE;
	ck_assert_int_ne(err.code, ERR_NONE);
	return err.code;
}

START_TEST(the_first_signs_at_once)
{
	struct token_kit k;
	const struct token_ring_key *key;

	token_kit_init(&k, KEY_P256);
	ck_assert_uint_eq(token_ring_count(k.ring), 1);
	key = token_ring_at(k.ring, 0);
	ck_assert_int_eq(key->signs_from, KIT_NOON - 3600);
	ck_assert_int_eq(key->signs_until, INT64_MAX);
	ck_str_is(key->algorithm, "ES256");
	ck_assert(
	    str_has_suffix(key->file, STR("/2026-03-01T110000Z.key.pem")));
	ck_assert_ptr_null(token_ring_signer(k.ring, KIT_NOON - 3601, NULL));
	ck_assert_ptr_nonnull(token_ring_signer(k.ring, KIT_NOON - 3600, NULL));
	token_kit_fini(&k);
}
END_TEST

/* A token every ten seconds over the rollover; for each moment of its life the
 * set of then and the oldest set a client may still have both verify it. */
START_TEST(a_rollover_has_no_gap)
{
	struct token_kit k;
	struct token_ring *r;
	const int64_t begins = KIT_NOON + TOKEN_ROTATE_AFTER_S;

	token_kit_init(&k, KEY_P256);
	ck_assert_int_eq(
	    rotate(&k, KIT_NOON, TOKEN_ROTATE_AFTER_S, false), ERR_NONE);
	r = open_ring(&k);
	ck_assert_ptr_ne(token_ring_signer(r, begins - 1, NULL),
	    token_ring_signer(r, begins, NULL));
	for (int64_t at = KIT_NOON; at < begins + 600; at += 97) {
		struct token t = token_kit_token(&k);
		struct buf out = { 0 };

		t.issued_at = t.not_before = at;
		t.expires_at = at + TOKEN_LIFETIME_MOST_S;
		ck_assert(token_issue(r, &t, &out, NULL));
		for (int64_t used = at; used < t.expires_at; used += 613) {
			/* What was fetched up to its greatest age ago, after
			 * the new key was there. */
			int64_t fetched = used - TOKEN_KEYS_MAX_AGE_S;
			struct token_want want = token_kit_want(&k);
			struct token_keys *keys = token_keys_of_ring(
			    r, fetched > KIT_NOON ? fetched : KIT_NOON, NULL);

			want.keys = keys;
			want.now_unix_s = used;
			token_kit_is(
			    token_kit_verdict(&k, buf_str(&out), &want),
			    ERR_NONE, "in the rollover");
			token_keys_free(keys);
		}
		buf_free(&out);
	}
	token_ring_free(r);
	token_kit_fini(&k);
}
END_TEST

static size_t
count_published(const struct token_ring *r, int64_t now)
{
	struct buf out = { 0 };
	json_t *set, *keys;
	size_t n;

	ck_assert(token_ring_jwks(r, now, &out, NULL));
	set = json_loadb(out.p, out.n, 0, NULL);
	keys = json_object_get(set, "keys");
	n = json_array_size(keys);
	for (size_t i = 0; i < n; i++) {
		const json_t *key = json_array_get(keys, i);

		ck_assert_ptr_null(json_object_get(key, "d"));
		ck_assert_str_eq(
		    json_string_value(json_object_get(key, "use")), "sig");
	}
	json_decref(set);
	buf_free(&out);
	return n;
}

START_TEST(what_is_published)
{
	struct token_kit k;
	struct token_ring *r;
	const int64_t begins = KIT_NOON + TOKEN_ROTATE_AFTER_S;
	const int64_t ends = begins + TOKEN_LIFETIME_MOST_S + LIMIT_SKEW_S;

	token_kit_init(&k, KEY_P256);
	ck_assert_int_eq(
	    rotate(&k, KIT_NOON, TOKEN_ROTATE_AFTER_S, false), ERR_NONE);
	r = open_ring(&k);
	ck_assert_uint_eq(
	    count_published(r, KIT_NOON), 2); /* before it signs */
	ck_assert_uint_eq(count_published(r, ends - 1), 2);
	ck_assert_uint_eq(count_published(r, ends), 1);
	token_ring_free(r);
	/* And then its secret goes at the next rotation. */
	ck_assert_int_eq(
	    rotate(&k, ends, TOKEN_ROTATE_AFTER_S, false), ERR_NONE);
	r = open_ring(&k);
	ck_assert_uint_eq(token_ring_count(r), 2);
	ck_assert_int_eq(token_ring_at(r, 0)->signs_from, begins);
	token_ring_free(r);
	token_kit_fini(&k);
}
END_TEST

START_TEST(a_bundle_for_spiffe)
{
	struct token_kit k;
	struct buf out = { 0 };
	json_t *set;

	token_kit_init(&k, KEY_P256);
	ck_assert(token_ring_spiffe_bundle(k.ring, KIT_NOON, &out, NULL));
	set = json_loadb(out.p, out.n, 0, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(set, "keys")), 2);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(set, "spiffe_sequence")),
	    KIT_NOON - 3600);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(set, "spiffe_refresh_hint")),
	    TOKEN_KEYS_MAX_AGE_S);
	json_decref(set);
	buf_free(&out);
	token_kit_fini(&k);
}
END_TEST

static json_int_t
sequence(struct token_kit *k, int64_t now)
{
	struct error err = { 0 };
	struct token_ring *r = token_ring_open(k->folder, &err);
	struct buf out = { 0 };
	json_t *set;
	json_int_t n;

	ck_assert_msg(r != NULL, "%s", err.msg);
	ck_assert(token_ring_spiffe_bundle(r, now, &out, NULL));
	set = json_loadb(out.p, out.n, 0, NULL);
	n = json_integer_value(json_object_get(set, "spiffe_sequence"));
	json_decref(set);
	buf_free(&out);
	token_ring_free(r);
	return n;
}

/* A key that comes, one that goes by its time, its file that is deleted. */
START_TEST(the_sequence_rises_with_each_change)
{
	struct token_kit k;
	struct str file;
	int64_t ended = KIT_NOON + 600 + TOKEN_LIFETIME_MOST_S + LIMIT_SKEW_S;
	json_int_t first, second, third;

	token_kit_init(&k, KEY_P256);
	first = sequence(&k, KIT_NOON);
	ck_assert(token_ring_rotate(
	    k.a, k.folder, KEY_P256, KIT_NOON, 600, false, &file, NULL));
	second = sequence(&k, KIT_NOON);
	ck_assert_int_gt(second, first);
	ck_assert_int_ge(sequence(&k, ended - 1), second);
	third = sequence(&k, ended);
	ck_assert_int_gt(third, sequence(&k, ended - 1));
	/* Which takes the first key's file away. */
	ck_assert(token_ring_rotate(
	    k.a, k.folder, KEY_P256, ended, 600, false, &file, NULL));
	ck_assert_int_gt(sequence(&k, ended), third);
	token_kit_fini(&k);
}
END_TEST

START_TEST(ed25519_is_listed_for_wits_alone)
{
	struct token_kit k;
	struct buf out = { 0 };
	json_t *set, *keys;

	token_kit_init(&k, KEY_ED25519);
	ck_assert(token_ring_spiffe_bundle(k.ring, KIT_NOON, &out, NULL));
	set = json_loadb(out.p, out.n, 0, NULL);
	keys = json_object_get(set, "keys");
	ck_assert_uint_eq(json_array_size(keys), 1);
	ck_assert_str_eq(
	    json_string_value(json_object_get(json_array_get(keys, 0), "use")),
	    "wit-svid");
	json_decref(set);
	buf_free(&out);
	token_kit_fini(&k);
}
END_TEST

START_TEST(a_new_key_is_published_first)
{
	struct token_kit k;

	token_kit_init(&k, KEY_P256);
	ck_assert_int_eq(
	    rotate(&k, KIT_NOON, TOKEN_KEYS_MAX_AGE_S - 1, false), ERR_USAGE);
	ck_assert_int_eq(rotate(&k, KIT_NOON, -1, true), ERR_USAGE);
	ck_assert_int_eq(rotate(&k, KIT_NOON - 3600, 0, true), ERR_FILE_WRITE);
	ck_assert_int_eq(rotate(&k, KIT_NOON, 0, true), ERR_NONE);
	ck_assert_int_eq(rotate(&k, KIT_NOON, 0, true), ERR_FILE_WRITE);
	ck_assert_int_eq(rotate(&k, KIT_NOON - 9, 300, false), ERR_NONE);
	ck_assert_int_eq(rotate(&k, KIT_NOON - 9, 300, false), ERR_USAGE);
	token_kit_fini(&k);
}
END_TEST

/* A key leaked while the next one waits: a third takes over at once. */
START_TEST(haste_goes_before_what_waits)
{
	struct token_kit k;
	struct token_ring *r;

	token_kit_init(&k, KEY_P256);
	ck_assert_int_eq(rotate(&k, KIT_NOON, 600, false), ERR_NONE);
	ck_assert_int_eq(rotate(&k, KIT_NOON + 10, 0, true), ERR_NONE);
	r = open_ring(&k);
	ck_assert_uint_eq(token_ring_count(r), 3);
	ck_assert_ptr_eq(
	    token_ring_signer(r, KIT_NOON + 10, NULL), token_ring_key(r, 1));
	ck_assert_ptr_eq(
	    token_ring_signer(r, KIT_NOON + 600, NULL), token_ring_key(r, 2));
	token_ring_free(r);
	token_kit_fini(&k);
}
END_TEST

static const struct {
	const char *note, *name;
	unsigned mode;
	enum err_code want;
} folders[] = {
	{ "another name", "signing.key.pem", 0600, ERR_CONFIG_VALUE },
	{ "a date that is none", "2026-02-30T120000Z.key.pem", 0600,
	    ERR_CONFIG_VALUE },
	{ "the same key twice", "2026-03-01T130000Z.key.pem", 0600,
	    ERR_CONFIG_VALUE },
	{ "readable by others", "2026-03-01T130000Z.key.pem", 0644,
	    ERR_FILE_MODE },
};

START_TEST(folders_that_are_no_ring)
{
	struct token_kit k;
	struct error err = { 0 };
	struct str pem;

	token_kit_init(&k, KEY_P256);
	ck_assert(file_read(
	    k.a, token_ring_at(k.ring, 0)->file.p, 10000, &pem, NULL));
	ck_assert(
	    file_create(str_printf(k.a, "%s/%s", k.folder, folders[_i].name).p,
		folders[_i].mode, pem, NULL));
	ck_assert_msg(!token_ring_open(k.folder, &err), "%s", folders[_i].note);
	/* Not a name in memory that is gone. */
	ck_assert_str_eq(err.at.file, k.folder);
	ck_assert_msg(
	    err.code == folders[_i].want, "%s: %s", folders[_i].note, err.msg);
	token_kit_fini(&k);
}
END_TEST

START_TEST(a_folder_of_no_keys_names_itself)
{
	struct error err = { 0 };
	struct arena *a = arena_new(0);
	const char *folder = str_printf(a, "%s/junk", test_folder()).p;

	ck_assert_int_eq(mkdir(folder, 0700), 0);
	(void)kit_file(a, "junk/x.pem", STR("no key\n"));
	ck_assert_ptr_null(token_keys_open(folder, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_assert_str_eq(err.at.file, folder);
	arena_free(a);
}
END_TEST

START_TEST(an_empty_folder_signs_nothing)
{
	struct error err = { 0 };
	struct arena *a = arena_new(0);
	const char *folder = str_printf(a, "%s/none", test_folder()).p;

	ck_assert_int_eq(mkdir(folder, 0700), 0);
	ck_assert_ptr_null(token_ring_open(folder, &err));
	ck_assert_int_eq(err.code, ERR_FILE_READ);
	arena_free(a);
}
END_TEST

/* ---- keys that verify ---- */

START_TEST(keys_from_files)
{
	struct token_kit k;
	struct token_want want;
	struct token t;
	struct buf jwks = { 0 }, pem = { 0 };
	struct str compact;
	const char *paths[2];

	token_kit_init(&k, KEY_P256);
	want = token_kit_want(&k);
	t = token_kit_token(&k);
	compact = token_kit_issue(&k, &t);
	ck_assert(token_ring_jwks(k.ring, KIT_NOON, &jwks, NULL));
	paths[0] = kit_file(k.a, "keys.json", buf_str(&jwks));
	ck_assert(attest_key_public_pem(
	    token_ring_at(k.ring, 0)->file.p, &pem, NULL));
	paths[1] = kit_file(k.a, "keys.pem", buf_str(&pem));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct token_keys *keys = token_keys_open(paths[i], NULL);

		ck_assert_ptr_nonnull(keys);
		want.keys = keys;
		token_kit_is(
		    token_kit_verdict(&k, compact, &want), ERR_NONE, paths[i]);
		token_keys_free(keys);
	}
	buf_free(&jwks);
	buf_free(&pem);
	token_kit_fini(&k);
}
END_TEST

static const struct {
	const char *note, *text;
	enum err_code want;
} sets[] = {
	{ "empty", "{\"keys\":[]}", ERR_KEY_FORM },
	{ "no list", "{}", ERR_KEY_FORM },
	{ "no JSON", "{", ERR_JSON_SYNTAX },
	{ "no PEM", "keys", ERR_KEY_FORM },
	{ "a secret", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
	    ERR_CONFIG_TRUST },
	{ "private",
	    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCr"
	    "fVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"d\":\"nWGxne_9WmC6hEr0kuwsxE"
	    "RJxWl7MmkZcDusAxyuf2A\"}]}",
	    ERR_CONFIG_TRUST },
	{ "only for encryption",
	    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\","
	    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
	    ERR_KEY_FORM },
	{ "one that is fit",
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\"},{\"kty\":\"OKP\","
	    "\"crv\":\"Ed25519\","
	    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
	    ERR_NONE },
};

START_TEST(sets_of_keys)
{
	struct error err = { 0 };
	struct token_keys *keys;

	json_setup();
	keys = token_keys_parse("set", str_of(sets[_i].text), &err);
	ck_assert_msg(
	    err.code == sets[_i].want, "%s: %s", sets[_i].note, err.msg);
	ck_assert_int_eq(keys != NULL, err.code == ERR_NONE);
	token_keys_free(keys);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("token_ring");
	TCase *tc = tcase_create("token_ring");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_first_signs_at_once);
	tcase_add_test(tc, a_rollover_has_no_gap);
	tcase_add_test(tc, what_is_published);
	tcase_add_test(tc, a_bundle_for_spiffe);
	tcase_add_test(tc, the_sequence_rises_with_each_change);
	tcase_add_test(tc, ed25519_is_listed_for_wits_alone);
	tcase_add_test(tc, a_new_key_is_published_first);
	tcase_add_test(tc, haste_goes_before_what_waits);
	tcase_add_loop_test(
	    tc, folders_that_are_no_ring, 0, ARRAY_LEN(folders));
	tcase_add_test(tc, an_empty_folder_signs_nothing);
	tcase_add_test(tc, a_folder_of_no_keys_names_itself);
	tcase_add_test(tc, keys_from_files);
	tcase_add_loop_test(tc, sets_of_keys, 0, ARRAY_LEN(sets));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
