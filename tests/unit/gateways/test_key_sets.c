/* Key sets by URL: asked for once, again in time, stale in the end; with a
 * server that is a function, and a clock that stands. */
#include "gateways/key_sets.h"

#include "base/limits.h"
#include "tests/unit/gateways/gate_kit.h"

#define URL "https://keys.example/set"

static struct arena *a;
static int64_t now_ms;
static struct clock at_now;
static struct key_sets *sets;
static struct str text; /* what the server says; empty: it is away */
static int64_t age_s;
static unsigned asked, changes;
static bool other_ca;

static bool
answer(void *ctx, struct arena *to, struct str url, struct str ca,
    struct str *ret_text, int64_t *ret_age_s, struct error *reterr)
{
	ck_assert_ptr_eq(ctx, &changes);
	ck_assert(str_has_prefix(url, STR("https://keys.example/")));
	other_ca = ca.n > 0;
	asked++;
	if (text.n == 0)
		return error_set(
		    reterr, ERR_DATA_MISSING, SPAN_NONE, "nobody answers");
	*ret_text = str_dup(to, text);
	*ret_age_s = age_s;
	return true;
}

static void
note(void *ctx)
{
	++*(unsigned *)ctx;
}

/* RFC 8037 A.2, RFC 8032 7.1. */
#define SET(x)                                                                 \
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" x "\"}]}"
#define ONE SET("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo0")
#define OTHER SET("PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw")

static void
set_up(void)
{
	const struct key_sets_options o = { .clock = &at_now,
		.fetch = answer,
		.changed = note,
		.ctx = &changes };

	a = arena_new(0);
	now_ms = KIT_NOW_S * INT64_C(1000);
	at_now = clock_fixed(&now_ms);
	text = STR(ONE);
	age_s = 600;
	asked = changes = 0;
	log_threshold(LOG_ERROR);
	sets = key_sets_new(&o);
	ck_assert_ptr_nonnull(sets);
}

static void
tear_down(void)
{
	key_sets_close(sets);
	arena_free(a);
}

static struct key_set *
use(struct str url, enum err_code want)
{
	struct key_set *set = NULL;
	struct error err = { 0 };
	struct str got = { 0 };
	bool ok = key_sets_use(sets, a, url, STR(""), &set, &got, &err);

	ck_assert_msg(ok == (want == ERR_NONE) && err.code == want,
	    "got %s: %s", error_id(err.code), err.msg);
	if (ok && text.n)
		ck_assert(str_eq(got, text));
	return set;
}

static void
later(int64_t seconds)
{
	now_ms += seconds * 1000;
}

START_TEST(asks_once)
{
	struct key_set *one = use(STR(URL), ERR_NONE);
	struct key_set *two = use(STR(URL), ERR_NONE);

	ck_assert_ptr_eq(one, two);
	ck_assert_uint_eq(asked, 1);
	ck_assert(!other_ca);
	ck_assert_int_eq(atomic_load(key_set_fresh_until(one)),
	    KIT_NOW_S + LIMIT_KEY_SET_STALE_S);
	(void)key_sets_tick(sets);
	ck_assert_uint_eq(asked, 1);
	key_set_release(one);
	key_set_release(two);
	/* Nobody used it any more. */
	key_set_release(use(STR(URL), ERR_NONE));
	ck_assert_uint_eq(asked, 2);
}
END_TEST

START_TEST(asks_again_in_time)
{
	static const struct {
		int64_t age_s, least_s, most_s;
	} rows[] = {
		{ 600, 540, 600 },
		{ 0, 270, 300 },
		{ -1, 3240, 3600 },
		{ INT32_MAX, 19440, 21600 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key_set *set;

		age_s = rows[i].age_s;
		asked = 0;
		set = use(STR(URL), ERR_NONE);
		later(rows[i].least_s - 1);
		(void)key_sets_tick(sets);
		ck_assert_uint_eq(asked, 1);
		later(rows[i].most_s - rows[i].least_s + 1);
		(void)key_sets_tick(sets);
		ck_assert_uint_eq(asked, 2);
		key_set_release(set);
	}
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(tells_of_other_keys)
{
	struct key_set *set = use(STR(URL), ERR_NONE);

	text = STR(OTHER);
	later(600);
	(void)key_sets_tick(sets);
	ck_assert_uint_eq(changes, 1);
	key_set_release(use(STR(URL), ERR_NONE));
	ck_assert_uint_eq(asked, 2);
	key_set_release(set);
}
END_TEST

/* The former keys stay for a day, and no longer; then they must be had. */
START_TEST(becomes_stale)
{
	static const char *const bad[] = { "", "x", "{\"keys\":[]}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}" };
	struct str good = text;
	struct key_set *set = use(STR(URL), ERR_NONE);
	int64_t until = atomic_load(key_set_fresh_until(set));

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		text = str_of(bad[i]);
		later(600);
		(void)key_sets_tick(sets);
		ck_assert_uint_eq(asked, 2 + i);
		ck_assert_int_eq(atomic_load(key_set_fresh_until(set)), until);
	}
	/* After a failure within a minute. */
	ck_assert_int_le(key_sets_tick(sets), 60000);
	text = STR("");
	key_set_release(use(STR(URL), ERR_NONE));
	now_ms = until * 1000;
	(void)use(STR(URL), ERR_DATA_MISSING);
	text = good;
	key_set_release(use(STR(URL), ERR_NONE));
	ck_assert_int_eq(atomic_load(key_set_fresh_until(set)),
	    until + LIMIT_KEY_SET_STALE_S);
	ck_assert_uint_eq(changes, 0);
	key_set_release(set);
}
END_TEST

START_TEST(what_is_no_key_set)
{
	text = STR("{\"keys\":[]}");
	(void)use(STR(URL), ERR_KEY_FORM);
	text = STR("<html>");
	(void)use(STR(URL), ERR_KEY_FORM);
	text = STR("");
	(void)use(STR(URL), ERR_DATA_MISSING);
	ck_assert_uint_eq(asked, 3);
}
END_TEST

START_TEST(a_clock_that_is_set_back)
{
	struct key_set *set = use(STR(URL), ERR_NONE);

	later(-30 * 86400);
	(void)key_sets_tick(sets);
	ck_assert_uint_eq(asked, 2);
	key_set_release(set);
}
END_TEST

START_TEST(how_many)
{
	struct key_set *all[LIMIT_KEY_SETS];

	for (unsigned i = 0; i < LIMIT_KEY_SETS; i++)
		all[i] =
		    use(str_printf(a, "https://keys.example/%u", i), ERR_NONE);
	(void)use(STR(URL), ERR_LIMIT_COUNT);
	for (unsigned i = 0; i < LIMIT_KEY_SETS; i++)
		key_set_release(all[i]);
	key_set_release(use(STR(URL), ERR_NONE));
}
END_TEST

/* Trust outlives the list that its sets are of. */
START_TEST(used_after_the_end)
{
	struct key_set *set = use(STR(URL), ERR_NONE);
	struct error err = { 0 };

	ck_assert(key_sets_start(sets, &err));
	key_sets_close(sets);
	sets = NULL;
	ck_assert_int_gt(atomic_load(key_set_fresh_until(set)), 0);
	key_set_release(set);
}
END_TEST

START_TEST(what_is_a_url)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ "https://a/b", true },
		{ "https://a:8443/.well-known/jwks.json?x=1", true },
		{ "https://a/", true },
		{ "https://a", false },
		{ "https:///b", false },
		{ "http://a/b", false },
		{ "https://u@a/b", false },
		{ "https://a/b#c", false },
		{ "https://a/b c", false },
		{ "https://a\\b/", false },
		{ "/etc/avow/trust", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(
		    key_sets_is_url(str_of(rows[i].text)) == rows[i].is, "%s",
		    rows[i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("key_sets");
	TCase *c = tcase_create("key_sets");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, asks_once);
	tcase_add_test(c, asks_again_in_time);
	tcase_add_test(c, tells_of_other_keys);
	tcase_add_test(c, becomes_stale);
	tcase_add_test(c, what_is_no_key_set);
	tcase_add_test(c, a_clock_that_is_set_back);
	tcase_add_test(c, how_many);
	tcase_add_test(c, used_after_the_end);
	tcase_add_test(c, what_is_a_url);
	suite_add_tcase(s, c);
	return run_suite(s);
}
