/* test_value.c - making, comparing and printing values; laws over many values.
 */
#include "policy/value.h"

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

static struct value
read_json(const char *text)
{
	struct error err = { 0 };
	struct value v;
	json_t *json;

	ck_assert_msg(json_parse(str_of(text), "t", 1u << 20, 100,
			  JSON_DATA_FILE, &json, &err),
	    "%s: %s", text, err.msg);
	ck_assert_msg(
	    value_from_json(a, json, "t", &v, &err), "%s: %s", text, err.msg);
	json_decref(json);
	return v;
}

/* A sample of every kind, with equal and nearly equal ones. */
static const char *const samples[] = {
	"true",
	"false",
	"0",
	"-1",
	"9223372036854775807",
	"\"\"",
	"\"a\"",
	"\"a\\u0000\"",
	"\"\\ud800\\udc00\"",
	"\"\\uffff\"",
	"[]",
	"[1]",
	"[1, 2, 1]",
	"[2, 1]",
	"[[1], 1]",
	"[1, [1]]",
	"{}",
	"{\"a\": 1}",
	"{\"b\": 2, \"a\": 1}",
	"{\"a\": 1, \"b\": 2}",
	"{\"a\": 1, \"b\": 3}",
	"{\"__entity\": {\"type\": \"A\", \"id\": \"b\"}}",
	"{\"__entity\": {\"type\": \"A::B\", \"id\": \"\"}}",
	"{\"__entity\": {\"type\": \"A\", \"id\": \"c\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.1\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.1/32\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.1/24\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.0/24\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"::0a00:0001\"}}",
	"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"0:0::a00:1\"}}",
	"{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"0.0\"}}",
	"{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"-0.00\"}}",
	"{\"__extn\": {\"fn\": \"datetime\", \"arg\": \"1970-01-01\"}}",
	"{\"__extn\": {\"fn\": \"datetime\", \"arg\": "
	"\"1970-01-01T01:00:00+0100\"}}",
	"{\"__extn\": {\"fn\": \"duration\", \"arg\": \"1h\"}}",
	"{\"__extn\": {\"fn\": \"duration\", \"arg\": \"60m\"}}",
};

/* Which samples are equal: the later names the earlier. */
static const struct {
	size_t x, y;
} equal[] = { { 12, 13 }, { 14, 15 }, { 18, 19 }, { 24, 25 }, { 28, 29 },
	{ 30, 31 }, { 32, 33 }, { 34, 35 } };

static bool
is_equal_pair(size_t x, size_t y)
{
	for (size_t i = 0; i < ARRAY_LEN(equal); i++)
		if ((equal[i].x == x && equal[i].y == y) ||
		    (equal[i].x == y && equal[i].y == x))
			return true;
	return x == y;
}

START_TEST(value_eq_is_by_value)
{
	struct value x = read_json(samples[_i]);

	for (size_t k = 0; k < ARRAY_LEN(samples); k++) {
		struct value y = read_json(samples[k]);

		ck_assert_msg(value_eq(&x, &y) == is_equal_pair((size_t)_i, k),
		    "%s == %s", samples[_i], samples[k]);
		ck_assert((value_cmp(&x, &y) == 0) == value_eq(&x, &y));
		ck_assert((value_cmp(&x, &y) < 0) == (value_cmp(&y, &x) > 0));
	}
}
END_TEST

START_TEST(value_cmp_is_transitive)
{
	struct value v[ARRAY_LEN(samples)];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		v[i] = read_json(samples[i]);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		for (size_t k = 0; k < ARRAY_LEN(samples); k++)
			for (size_t m = 0; m < ARRAY_LEN(samples); m++)
				if (value_cmp(&v[i], &v[k]) <= 0 &&
				    value_cmp(&v[k], &v[m]) <= 0)
					ck_assert(value_cmp(&v[i], &v[m]) <= 0);
}
END_TEST

/* A repeatable sequence of numbers (Knuth's MMIX constants). */
static uint64_t
next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return *seed >> 33;
}

START_TEST(value_sets_are_canonical)
{
	uint64_t seed = (uint64_t)_i + 1;
	size_t n = next(&seed) % 40;
	struct value one[40], two[40], x, y;

	for (size_t i = 0; i < n; i++)
		one[i] = value_long((int64_t)(next(&seed) % 16));
	for (size_t i = 0; i < n; i++)
		two[i] = one[(i + n / 2) % n];
	x = value_set_take(one, n);
	y = value_set_take(two, n);
	ck_assert(value_eq(&x, &y));
	for (size_t i = 1; i < x.set.n; i++)
		ck_assert(value_cmp(&x.set.items[i - 1], &x.set.items[i]) < 0);
	for (int64_t k = 0; k < 16; k++) {
		struct value v = value_long(k);
		bool found = false;

		for (size_t i = 0; i < x.set.n; i++)
			found = found || x.set.items[i].number == k;
		ck_assert(value_set_contains(&x, &v) == found);
	}
}
END_TEST

START_TEST(value_records_find_their_fields)
{
	static const char names[] = "hgfedcba";
	struct value_field fields[9] = { 0 };
	struct value r;
	struct str dup;

	for (size_t i = 0; i < 8; i++)
		fields[i] = (struct value_field){ { &names[i], 1 },
			value_long((int64_t)i) };
	fields[8] = (struct value_field){ STR(""), value_bool(true) };
	ck_assert(value_record_take(fields, 9, &r, &dup));
	ck_assert_int_eq(value_get(&r, STR("h"))->number, 0);
	ck_assert_int_eq(value_get(&r, STR("a"))->number, 7);
	ck_assert(value_get(&r, STR(""))->boolean);
	ck_assert_ptr_null(value_get(&r, STR("ab")));
	ck_assert_ptr_null(value_get(&r, STR("a\0")));
}
END_TEST

START_TEST(value_records_refuse_a_name_twice)
{
	struct value_field fields[] = {
		{ STR_INIT("a"), value_bool(true) },
		{ STR_INIT("b"), value_bool(true) },
		{ STR_INIT("a"), value_bool(false) },
	};
	struct value r = { 0 };
	struct str dup;

	ck_assert(!value_record_take(fields, 3, &r, &dup));
	ck_str_is(dup, "a");
	ck_assert_int_eq(r.kind, VALUE_NONE);
}
END_TEST

static const struct {
	const char *json, *want;
} prints[] = {
	{ "true", "true" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "\"a\\\"\\\\\\n\\u0000\\u001b\\u007f\\u00e9\"",
	    "\"a\\\"\\\\\\n\\0\\x1b\\x7f\xc3\xa9\"" },
	{ "[2, 1, 2]", "[1, 2]" },
	{ "{\"b c\": [], \"a\": {}}", "{\"a\": {}, \"b c\": []}" },
	{ "{\"__entity\": {\"type\": \"N::U\", \"id\": \"x\\\"y\"}}",
	    "N::U::\"x\\\"y\"" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"arg\": \"0:0::1\"}}",
	    "ip(\"0:0::1\")" },
	{ "{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"1.50\"}}",
	    "decimal(\"1.50\")" },
	{ "{\"__extn\": {\"fn\": \"datetime\", \"arg\": \"2024-01-01\"}}",
	    "datetime(\"2024-01-01\")" },
	{ "{\"__extn\": {\"fn\": \"duration\", \"arg\": \"90m\"}}",
	    "duration(\"90m\")" },
};

START_TEST(value_prints)
{
	struct value v = read_json(prints[_i].json);
	struct buf b = { 0 };

	value_print(&b, &v);
	ck_str_is(buf_str(&b), prints[_i].want);
	buf_free(&b);
}
END_TEST

START_TEST(value_makes_times)
{
	struct value v = value_datetime(a, 1500),
		     d = value_duration(a, 5400000);
	struct value far = value_datetime(a, INT64_MAX);

	ck_str_is(v.text, "1970-01-01T00:00:01.500Z");
	ck_str_is(d.text, "1h30m");
	ck_assert_int_eq(far.kind, VALUE_DATETIME);
	ck_assert_int_eq(far.number, INT64_MAX);
	ck_assert_uint_eq(far.text.n, 0);
}
END_TEST

static const struct {
	const char *type;
	bool want;
} types[] = {
	{ "U", true },
	{ "_a9", true },
	{ "A::B::C", true },
	{ "permit", true },
	{ "principal", true },
	{ "", false },
	{ "9a", false },
	{ "A::", false },
	{ "::A", false },
	{ "A:B", false },
	{ "A:::B", false },
	{ "A ::B", false },
	{ "A::B ", false },
	{ "if", false },
	{ "A::in", false },
	{ "__cedar", false },
	{ "__cedar::Long", false },
	{ "__cedarx", true },
	{ "\xc3\xa9", false },
	{ "A-B", false },
};

START_TEST(value_knows_type_names)
{
	ck_assert_msg(
	    uid_type_is_valid(str_of(types[_i].type)) == types[_i].want, "%s",
	    types[_i].type);
}
END_TEST

START_TEST(value_orders_uids_by_both_parts)
{
	struct uid x = { STR_INIT("A"), STR_INIT("bc") };
	struct uid y = { STR_INIT("Ab"), STR_INIT("c") };

	ck_assert(!uid_eq(x, y));
	ck_assert_int_lt(uid_cmp(x, y), 0);
	ck_assert_int_gt(uid_cmp(y, x), 0);
	ck_assert(uid_eq(x, x));
}
END_TEST

START_TEST(value_names_its_kinds)
{
	for (int k = VALUE_NONE; k <= VALUE_DURATION; k++)
		ck_assert_ptr_nonnull(value_kind_name((enum value_kind)k));
	ck_assert_str_eq(value_kind_name(VALUE_IP), "ipaddr");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("value");
	TCase *tc = tcase_create("value");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, value_eq_is_by_value, 0, ARRAY_LEN(samples));
	tcase_add_test(tc, value_cmp_is_transitive);
	tcase_add_loop_test(tc, value_sets_are_canonical, 0, 200);
	tcase_add_test(tc, value_records_find_their_fields);
	tcase_add_test(tc, value_records_refuse_a_name_twice);
	tcase_add_loop_test(tc, value_prints, 0, ARRAY_LEN(prints));
	tcase_add_test(tc, value_makes_times);
	tcase_add_loop_test(tc, value_knows_type_names, 0, ARRAY_LEN(types));
	tcase_add_test(tc, value_orders_uids_by_both_parts);
	tcase_add_test(tc, value_names_its_kinds);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
