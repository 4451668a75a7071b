/* The token service as an object: what it opens with, what it refuses to. */
#include "attest/sts.h"

#include <sys/stat.h>

#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;

static void
setup(void)
{
	err = (struct error){ 0 };
	service_init(&s, NULL);
}

static void
teardown(void)
{
	service_fini(&s);
}

static bool
no_random(void *ctx, uint8_t *to, size_t n)
{
	(void)ctx;
	(void)to;
	(void)n;
	return false;
}

static enum err_code
open_with(void (*change)(struct sts_options *o))
{
	struct sts_options o = { .store = s.store,
		.clock = &s.clock,
		.secret_file = s.secret,
		.url = STR(SERVICE_URL),
		.issuer = STR("acme-sts") };
	struct error e = { 0 };
	struct sts *sts;

	if (change)
		change(&o);
	sts = sts_open(&o, &e);
	ck_assert_int_eq(sts != NULL, e.code == ERR_NONE);
	sts_close(sts);
	return e.code;
}

static void
no_url(struct sts_options *o)
{
	o->url = STR("");
}

static void
no_issuer(struct sts_options *o)
{
	o->issuer = STR("");
}

static void
no_secret(struct sts_options *o)
{
	o->secret_file = "/nowhere/secret";
}

static void
open_secret(struct sts_options *o)
{
	ck_assert_int_eq(chmod(o->secret_file, 0644), 0);
}

static void
without_randomness(struct sts_options *o)
{
	o->random.fill = no_random;
}

static const struct {
	const char *note;
	void (*change)(struct sts_options *o);
	enum err_code want;
} openings[] = {
	{ "as it should be", NULL, ERR_NONE },
	{ "no url", no_url, ERR_CONFIG_VALUE },
	{ "no issuer", no_issuer, ERR_CONFIG_VALUE },
	{ "no secret", no_secret, ERR_FILE_READ },
	{ "a secret that others may read", open_secret, ERR_FILE_MODE },
	{ "no randomness", without_randomness, ERR_SYSTEM_ERROR },
};

START_TEST(opens_with_what_it_needs)
{
	ck_assert_msg(open_with(openings[_i].change) == openings[_i].want, "%s",
	    openings[_i].note);
}
END_TEST

START_TEST(counts_what_it_does)
{
	struct attest_key *key = service_key(&s, KEY_ED25519);
	struct service_ask ask = { .account = "web-1", .key = key };
	struct sts_counts c;

	service_instance(&s, "web-1", key);
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	ask.account = "web-2";
	for (int i = 0; i < 12; i++)
		ck_assert_int_ne(service_prove(&s, &ask, NULL), ERR_NONE);
	c = sts_counts(s.sts);
	ck_assert_uint_eq(c.challenges, 13);
	ck_assert_uint_eq(c.tokens, 1);
	ck_assert_uint_eq(c.refused, 10);
	ck_assert_uint_eq(c.limited, 2);
	ck_assert_uint_eq(c.enrolments, 0);
	ck_assert_uint_eq(c.alarms, 0);
	attest_key_free(key);
}
END_TEST

START_TEST(alarms_have_names)
{
	ck_assert_str_eq(sts_alarm_name(STS_ALARM_FORMER_KEY), "former-key");
	ck_assert_str_eq(sts_alarm_name(STS_ALARM_ADDRESSES), "addresses");
	ck_assert_str_eq(sts_alarm_name(STS_ALARM_NONE), "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sts");
	TCase *tc = tcase_create("sts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, opens_with_what_it_needs, 0, ARRAY_LEN(openings));
	tcase_add_test(tc, counts_what_it_does);
	tcase_add_test(tc, alarms_have_names);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
