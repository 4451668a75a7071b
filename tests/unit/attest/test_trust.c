/* Trust entries: what makes one, what keeps two from speaking for one. */
#include "attest/trust.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static const struct str owners[] = { STR_INIT("278576220453") };

static struct attest_trust_entry
avow_entry(const char *keys)
{
	return (struct attest_trust_entry){ .kind = STR("avow"),
		.keys = keys,
		.issuer = STR("acme"),
		.at = { "avow.yaml", 7, 5, 1 } };
}

static struct attest_trust_entry
cloud_entry(const char *keys)
{
	return (struct attest_trust_entry){ .kind = STR("ec2-rsa2048"),
		.keys = keys,
		.owners = owners,
		.n_owners = 1,
		.prefix = STR("aws/"),
		.max_lease_s = 3600,
		.at = { "avow.yaml", 8, 5, 1 } };
}

/* A folder with one RSA public key in a file of this name. */
static const char *
rsa_folder(struct arena *a, const char *folder, const char *file, unsigned bits)
{
	const char *path = str_printf(a, "%s/%s", test_folder(), folder).p;
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	FILE *to;

	(void)mkdir(path, 0700);
	to = fopen(str_printf(a, "%s/%s", path, file).p, "w");
	ck_assert_ptr_nonnull(to);
	ck_assert_int_eq(PEM_write_PUBKEY(to, pkey), 1);
	fclose(to);
	EVP_PKEY_free(pkey);
	return path;
}

/* ---- one entry ---- */

enum { AVOW, CLOUD };

static void
no_keys(struct attest_trust_entry *e)
{
	e->keys = NULL;
}
static void
no_issuer(struct attest_trust_entry *e)
{
	e->issuer = STR("");
}
static void
unknown_kind(struct attest_trust_entry *e)
{
	e->kind = STR("moon");
}
static void
no_slash(struct attest_trust_entry *e)
{
	e->prefix = STR("aws");
}
static void
first_slash(struct attest_trust_entry *e)
{
	e->prefix = STR("/");
}
static void
odd_prefix(struct attest_trust_entry *e)
{
	e->prefix = STR("a b/");
}
static void
no_owners(struct attest_trust_entry *e)
{
	e->n_owners = 0;
}
static void
empty_owner(struct attest_trust_entry *e)
{
	static const struct str none[] = { { "", 0 } };

	e->owners = none;
}
static void
no_lease(struct attest_trust_entry *e)
{
	e->max_lease_s = 0;
}
static void
negative_lease(struct attest_trust_entry *e)
{
	e->max_lease_s = -1;
}
static void
other_issuer(struct attest_trust_entry *e)
{
	e->issuer = STR("acme");
}

static const struct {
	const char *note;
	int base;
	void (*change)(struct attest_trust_entry *);
	const char *says;
} bad_entries[] = {
	{ "no keys", AVOW, no_keys, "keys" },
	{ "no issuer", AVOW, no_issuer, "issuer" },
	{ "unknown kind", AVOW, unknown_kind, "not supported" },
	{ "prefix without slash", AVOW, no_slash, "prefix" },
	{ "prefix of a slash", AVOW, first_slash, "prefix" },
	{ "prefix with a space", AVOW, odd_prefix, "prefix" },
	{ "negative lease", AVOW, negative_lease, "maxLease" },
	{ "no owners", CLOUD, no_owners, "owners" },
	{ "empty owner", CLOUD, empty_owner, "empty name" },
	{ "no lease", CLOUD, no_lease, "maxLease" },
	{ "a cloud's other issuer", CLOUD, other_issuer, "issuer" },
};

START_TEST(bad_entries_are_refused)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	char name[32];
	struct attest_trust_entry e;
	struct error err = { 0 };
	struct str before = str_dup(a, attest_trust_version(t));

	snprintf(name, sizeof name, "bad%d", _i);
	e = bad_entries[_i].base == AVOW
		? avow_entry(kit_key(name, KEY_P256))
		: cloud_entry(rsa_folder(a, name, "k.pem", 2048));
	bad_entries[_i].change(&e);
	ck_assert_msg(
	    !attest_trust_add(t, &e, &err), "%s", bad_entries[_i].note);
	ck_assert_msg(err.code == ERR_CONFIG_TRUST, "%s: %s",
	    bad_entries[_i].note, error_id(err.code));
	ck_assert_msg(strstr(err.msg, bad_entries[_i].says) != NULL, "%s: %s",
	    bad_entries[_i].note, err.msg);
	ck_assert_uint_eq(err.at.line, e.at.line);
	ck_assert(!attest_trust_has_kind(t, e.kind));
	ck_assert(str_eq(attest_trust_version(t), before));
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

START_TEST(good_entries_join)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry own = avow_entry(kit_key("own", KEY_P256));
	struct attest_trust_entry cloud =
	    cloud_entry(rsa_folder(a, "cloud", "k.pem", 2048));
	struct error err = { 0 };

	ck_assert_msg(attest_trust_add(t, &own, &err), "%s", err.msg);
	ck_assert_msg(attest_trust_add(t, &cloud, &err), "%s", err.msg);
	ck_assert(attest_trust_has_kind(t, STR("avow")));
	ck_assert(attest_trust_has_kind(t, STR("ec2-rsa2048")));
	ck_assert(!attest_trust_has_kind(t, STR("ec2-signature")));
	ck_str_is(trust_at(t, 1)->issuer, "aws");
	/* `none` and no owners, each written out. */
	cloud.keys = rsa_folder(a, "cloud2", "k.pem", 2048);
	cloud.prefix = STR("b/");
	cloud.max_lease_s = INT64_MAX;
	ck_assert_msg(attest_trust_add(t, &cloud, &err), "%s", err.msg);
	cloud.keys = rsa_folder(a, "cloud3", "k.pem", 2048);
	cloud.prefix = STR("c/");
	cloud.n_owners = 0;
	cloud.allow_unpinned = true;
	ck_assert_msg(attest_trust_add(t, &cloud, &err), "%s", err.msg);
	ck_assert_uint_eq(trust_count(t), 4);
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

/* ---- two entries ---- */

static const struct {
	const char *first, *second;
	bool ok;
} prefixes[] = {
	{ "", "", false },
	{ "", "a/", true },
	{ "a/", "", true },
	{ "a/", "a/", false },
	{ "a/", "b/", true },
	{ "a/", "a/b/", false },
	{ "a/b/", "a/", false },
	{ "a/", "aa/", true },
};

START_TEST(no_two_entries_name_one_principal)
{
	struct attest_trust *t = attest_trust_new();
	struct error err = { 0 };
	struct attest_trust_entry e;
	char name[32];

	snprintf(name, sizeof name, "first%d", _i);
	e = avow_entry(kit_key(name, KEY_P256));
	e.prefix = str_of(prefixes[_i].first);
	ck_assert(attest_trust_add(t, &e, &err));
	snprintf(name, sizeof name, "second%d", _i);
	e.keys = kit_key(name, KEY_P256);
	e.prefix = str_of(prefixes[_i].second);
	ck_assert_msg(attest_trust_add(t, &e, &err) == prefixes[_i].ok,
	    "`%s` and `%s`", prefixes[_i].first, prefixes[_i].second);
	if (!prefixes[_i].ok)
		ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	attest_trust_free(t);
}
END_TEST

START_TEST(a_key_serves_one_entry)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry own, cloud;
	struct error err = { 0 };

	/* The same RSA key for our documents and for a cloud's. */
	cloud = cloud_entry(rsa_folder(a, "shared", "k.pem", 2048));
	own = avow_entry(cloud.keys);
	ck_assert_msg(attest_trust_add(t, &own, &err), "%s", err.msg);
	ck_assert(!attest_trust_add(t, &cloud, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	ck_assert_ptr_nonnull(strstr(err.msg, "another trust entry"));
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

/* ---- keys ---- */

START_TEST(a_folder_gives_each_kind_its_keys)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	const char *folder = rsa_folder(a, "mixed", "a.pem", 1024);
	struct attest_trust_entry e = cloud_entry(folder);
	struct error err = { 0 };

	(void)rsa_folder(a, "mixed", "b.pem", 2048);
	(void)rsa_folder(a, "mixed", "c.pem", 3072);
	(void)rsa_folder(a, "mixed", "d.key", 2048); /* not *.pem */
	ck_assert_msg(attest_trust_add(t, &e, &err), "%s", err.msg);
	ck_assert_uint_eq(trust_at(t, 0)->n_keys, 1);
	ck_assert_int_eq(
	    trust_at(t, 0)->keys[0].public.algorithm, KEYS_RSA2048);
	e.kind = STR("ec2-signature");
	e.prefix = STR("");
	ck_assert_msg(attest_trust_add(t, &e, &err), "%s", err.msg);
	ck_assert_uint_eq(trust_at(t, 1)->n_keys, 1);
	ck_assert_int_eq(
	    trust_at(t, 1)->keys[0].public.algorithm, KEYS_RSA1024);
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

START_TEST(rsa_1024_is_for_one_kind)
{
	static const char *const kinds[] = { "avow", "ec2-rsa2048" };
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	char name[32];
	struct attest_trust_entry e;
	struct error err = { 0 };

	snprintf(name, sizeof name, "small%d", _i);
	e = _i ? cloud_entry(rsa_folder(a, name, "k.pem", 1024))
	       : avow_entry(rsa_folder(a, name, "k.pem", 1024));
	ck_assert_msg(!attest_trust_add(t, &e, &err), "%s", kinds[_i]);
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	/* The file itself, named: an error of the key. */
	e.keys = str_printf(a, "%s/k.pem", e.keys).p;
	err = (struct error){ 0 };
	ck_assert(!attest_trust_add(t, &e, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

START_TEST(rsa_2048_for_signature_where_written_out)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry e =
	    cloud_entry(rsa_folder(a, "out", "k.pem", 2048));
	struct error err = { 0 };

	e.kind = STR("ec2-signature");
	ck_assert(!attest_trust_add(t, &e, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	e.keys = str_printf(a, "%s/k.pem", e.keys).p;
	err = (struct error){ 0 };
	ck_assert_msg(attest_trust_add(t, &e, &err), "%s", err.msg);
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

START_TEST(a_private_key_is_no_trust)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	const char *folder = kit_key("private", KEY_P256);
	struct attest_trust_entry e =
	    avow_entry(str_printf(a, "%s.key.pem", folder).p);
	struct error err = { 0 };

	ck_assert(!attest_trust_add(t, &e, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	ck_assert_str_eq(err.at.file, e.keys);
	ck_assert_ptr_nonnull(strstr(err.hint, "avow key public"));
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

START_TEST(unreadable_keys_are_errors)
{
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry e = avow_entry("/nonexistent/keys");
	struct error err = { 0 };

	ck_assert(!attest_trust_add(t, &e, &err));
	ck_assert_int_eq(err.code, ERR_FILE_READ);
	attest_trust_free(t);
}
END_TEST

static const struct {
	const char *file, *region;
} names[] = {
	{ "us-west-2.rsa2048.pem", "us-west-2" },
	{ "us-gov-east-1.pem", "us-gov-east-1" },
	{ "eusc-de-east-1.rsa2048.pem", "eusc-de-east-1" },
	{ "ap-south-12.pem", "ap-south-12" },
	{ "default.rsa2048.pem", NULL },
	{ "key.pem", NULL },
	{ "us-west.pem", NULL },
	{ "us-2.pem", NULL },
	{ "us-west-2a.pem", NULL },
	{ "us-west-2-x.pem", NULL },
	{ "us--west-2.pem", NULL },
	{ "-us-west-2.pem", NULL },
	{ "us-west2.pem", NULL },
	{ "US-WEST-2.pem", NULL },
};

START_TEST(a_key_file_names_its_region)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry e;
	const struct trust_key *key;
	struct error err = { 0 };
	char folder[32];

	snprintf(folder, sizeof folder, "region%d", _i);
	e = cloud_entry(rsa_folder(a, folder, names[_i].file, 2048));
	ck_assert_msg(attest_trust_add(t, &e, &err), "%s", err.msg);
	key = &trust_at(t, 0)->keys[0];
	ck_assert_msg(
	    key->regions.n == (names[_i].region != NULL), "%s", names[_i].file);
	if (names[_i].region)
		ck_str_is(key->regions.items[0], names[_i].region);
	attest_trust_free(t);
	arena_free(a);
}
END_TEST

/* ---- the version ---- */

START_TEST(the_version_tells_trusts_apart)
{
	static const struct str others[] = { STR_INIT("1"), STR_INIT("2") };
	struct arena *a = arena_new(0);
	struct attest_trust_entry rows[7];
	struct str versions[7];
	struct error err = { 0 };
	const char *keys = rsa_folder(a, "version", "k.pem", 2048);

	for (size_t i = 0; i < 7; i++)
		rows[i] = cloud_entry(keys);
	rows[1].max_lease_s = 3601;
	rows[2].prefix = STR("b/");
	rows[3].owners = others;
	rows[4].owners = others;
	rows[4].n_owners = 2;
	rows[5].regions = owners;
	rows[5].n_regions = 1;
	rows[6].images = owners;
	rows[6].n_images = 1;
	for (size_t i = 0; i < 7; i++) {
		struct attest_trust *t = attest_trust_new();

		ck_assert(attest_trust_add(t, &rows[i], &err));
		versions[i] = str_dup(a, attest_trust_version(t));
		attest_trust_free(t);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(!str_eq(versions[i], versions[j]),
			    "%zu and %zu", i, j);
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trust");
	TCase *tc = tcase_create("trust");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, bad_entries_are_refused, 0, ARRAY_LEN(bad_entries));
	tcase_add_test(tc, good_entries_join);
	tcase_add_loop_test(
	    tc, no_two_entries_name_one_principal, 0, ARRAY_LEN(prefixes));
	tcase_add_test(tc, a_key_serves_one_entry);
	tcase_add_test(tc, a_folder_gives_each_kind_its_keys);
	tcase_add_loop_test(tc, rsa_1024_is_for_one_kind, 0, 2);
	tcase_add_test(tc, rsa_2048_for_signature_where_written_out);
	tcase_add_test(tc, a_private_key_is_no_trust);
	tcase_add_test(tc, unreadable_keys_are_errors);
	tcase_add_loop_test(
	    tc, a_key_file_names_its_region, 0, ARRAY_LEN(names));
	tcase_add_test(tc, the_version_tells_trusts_apart);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
