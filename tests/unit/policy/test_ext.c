/* test_ext.c - what the extension types read, refuse and compute. */
#include "policy/ext.h"

#include <inttypes.h>

#include "tests/lib/run.h"

static const struct {
	const char *function, *text;
	bool ok;
	int64_t number; /* not for ip */
} texts[] = {
	/* decimal: 1e-4 units, one to four places. */
	{ "decimal", "1.0", true, 10000 },
	{ "decimal", "-0.5", true, -5000 },
	{ "decimal", "-0.0", true, 0 },
	{ "decimal", "00012.3400", true, 123400 },
	{ "decimal", "922337203685477.5807", true, INT64_MAX },
	{ "decimal", "-922337203685477.5808", true, INT64_MIN },
	{ "decimal", "922337203685477.5808", false, 0 },
	{ "decimal", "-922337203685477.5809", false, 0 },
	{ "decimal", "99999999999999999999.0", false, 0 },
	{ "decimal", "1.00000", false, 0 },
	{ "decimal", "1.", false, 0 },
	{ "decimal", ".1", false, 0 },
	{ "decimal", "-.1", false, 0 },
	{ "decimal", "1", false, 0 },
	{ "decimal", "", false, 0 },
	{ "decimal", "-", false, 0 },
	{ "decimal", "+1.0", false, 0 },
	{ "decimal", "1.0e1", false, 0 },
	{ "decimal", "1.0.0", false, 0 },
	{ "decimal", "--1.0", false, 0 },
	{ "decimal", " 1.0", false, 0 },
	{ "decimal", "1.0 ", false, 0 },
	/* datetime */
	{ "datetime", "1970-01-01", true, 0 },
	{ "datetime", "1970-01-01T00:00:00Z", true, 0 },
	{ "datetime", "1969-12-31T23:59:59.999Z", true, -1 },
	{ "datetime", "2024-02-29T01:02:03.004+0130", true, 1709163123004 },
	{ "datetime", "2024-10-15T00:00:00-2359", true, 1729036740000 },
	{ "datetime", "2023-02-29", false, 0 },
	{ "datetime", "2024-01-01T00:00:60Z", false, 0 },
	{ "datetime", "2024-01-01T24:00:00Z", false, 0 },
	{ "datetime", "2024-01-01T00:00:00", false, 0 },
	{ "datetime", "2024-01-01t00:00:00Z", false, 0 },
	{ "datetime", "2024-01-01T00:00:00.00Z", false, 0 },
	{ "datetime", "2024-01-01T00:00:00+2400", false, 0 },
	{ "datetime", "2024-1-1", false, 0 },
	{ "datetime", "", false, 0 },
	/* duration */
	{ "duration", "1d2h3m4s5ms", true, 93784005 },
	{ "duration", "-1ms", true, -1 },
	{ "duration", "0d", true, 0 },
	{ "duration", "9223372036854775807ms", true, INT64_MAX },
	{ "duration", "-9223372036854775808ms", true, INT64_MIN },
	{ "duration", "9223372036854775808ms", false, 0 },
	{ "duration", "106751991168d", false, 0 },
	{ "duration", "", false, 0 },
	{ "duration", "-", false, 0 },
	{ "duration", "1", false, 0 },
	{ "duration", "+1d", false, 0 },
	{ "duration", "1ms1s", false, 0 },
	{ "duration", "1d1d", false, 0 },
	{ "duration", "1d ", false, 0 },
	/* ip */
	{ "ip", "0.0.0.0", true, 0 },
	{ "ip", "255.255.255.255/32", true, 0 },
	{ "ip", "10.0.0.1/0", true, 0 },
	{ "ip", "::", true, 0 },
	{ "ip", "::/0", true, 0 },
	{ "ip", "FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", true, 0 },
	{ "ip", "1:2:3:4:5:6:7::", true, 0 },
	{ "ip", "1:2:3:4:5:6:7:8::", false, 0 },
	{ "ip", "1:2:3:4::5:6:7:8", false, 0 },
	{ "ip", "::ffff:1.2.3.4", false, 0 },
	{ "ip", "1.2.3.4/33", false, 0 },
	{ "ip", "::/129", false, 0 },
	{ "ip", "1.2.3.4/032", false, 0 },
	{ "ip", "1.2.3.4/00", false, 0 },
	{ "ip", "1.2.3.4/", false, 0 },
	{ "ip", "1.2.3.4/+1", false, 0 },
	{ "ip", "1.2.3.4/1/1", false, 0 },
	{ "ip", "01.2.3.4", false, 0 },
	{ "ip", "1.2.3", false, 0 },
	{ "ip", "1.2.3.256", false, 0 },
	{ "ip", "fe80::1%eth0", false, 0 },
	{ "ip", " 1.2.3.4", false, 0 },
	{ "ip", "12345::", false, 0 },
	{ "ip", "", false, 0 },
	{ "ip", "/8", false, 0 },
	/* Versions, three kinds. */
	{ "version", "1", true, 0 },
	{ "version", "0", true, 0 },
	{ "version", "1.2", true, 0 },
	{ "version", "1.2.3.4.5.6.7", true, 0 },
	{ "version", "18446744073709551615", true, 0 },
	{ "version", "1.0-a", true, 0 },
	{ "version", "1.0-0", true, 0 },
	{ "version", "1.0-a-b.0.x", true, 0 },
	{ "version", "1.0+001", true, 0 },
	{ "version", "1.0-a+b.c", true, 0 },
	{ "version", "1-0a", true, 0 },
	{ "version", "", false, 0 },
	{ "version", "1.", false, 0 },
	{ "version", ".1", false, 0 },
	{ "version", "1..2", false, 0 },
	{ "version", "01", false, 0 },
	{ "version", "1.02", false, 0 },
	{ "version", "18446744073709551616", false, 0 },
	{ "version", "v1", false, 0 },
	{ "version", "1.0-", false, 0 },
	{ "version", "1.0+", false, 0 },
	{ "version", "1.0-a..b", false, 0 },
	{ "version", "1.0-01", false, 0 },
	{ "version", "1.0-18446744073709551616", false, 0 },
	{ "version", "1.0+a..b", false, 0 },
	{ "version", "1.0-a_b", false, 0 },
	{ "version", "1 ", false, 0 },
	{ "version", "-1", false, 0 },
	{ "version", "1.x", false, 0 },
	{ "version", "1.0+a+b", false, 0 },
	{ "debversion", "1", true, 0 },
	{ "debversion", "1.0-1", true, 0 },
	{ "debversion", "0:1", true, 0 },
	{ "debversion", "2147483647:1.0", true, 0 },
	{ "debversion", "1.0~rc1-1~deb12u1", true, 0 },
	{ "debversion", "1:2:3-4-5", true, 0 },
	{ "debversion", "0a", true, 0 },
	{ "debversion", "1.0+dfsg-1+b1", true, 0 },
	{ "debversion", "", false, 0 },
	{ "debversion", "a1", false, 0 },
	{ "debversion", "1-", false, 0 },
	{ "debversion", "-1", false, 0 },
	{ "debversion", ":1", false, 0 },
	{ "debversion", "x:1", false, 0 },
	{ "debversion", "2147483648:1", false, 0 },
	{ "debversion", "1.0_1", false, 0 },
	{ "debversion", "1 0", false, 0 },
	{ "debversion", "1:", false, 0 },
	{ "debversion", "~1", false, 0 },
	{ "debversion", "1-a:b", false, 0 },
	{ "debversion", "1.0-1_", false, 0 },
	{ "rpmversion", "1", true, 0 },
	{ "rpmversion", "a", true, 0 },
	{ "rpmversion", "5.14.0-362.el9", true, 0 },
	{ "rpmversion", "0:1-1", true, 0 },
	{ "rpmversion", "1~rc1^git1-1.fc39", true, 0 },
	{ "rpmversion", "1_0", true, 0 },
	{ "rpmversion", "^", true, 0 },
	{ "rpmversion", "0~", true, 0 },
	{ "rpmversion", ".", true, 0 },
	{ "rpmversion", "", false, 0 },
	{ "rpmversion", "1-", false, 0 },
	{ "rpmversion", "-1", false, 0 },
	{ "rpmversion", "1-2-3", false, 0 },
	{ "rpmversion", ":1", false, 0 },
	{ "rpmversion", "a:1", false, 0 },
	{ "rpmversion", "1 ", false, 0 },
	{ "rpmversion", "1:", false, 0 },
	{ "rpmversion", "1%", false, 0 },
	{ "rpmversion", "1-2:3", false, 0 },
	{ "rpmversion", "1:2:3", false, 0 },
};

START_TEST(ext_reads_text)
{
	struct value v = { 0 };
	struct error err = { 0 };
	bool ok = value_construct(
	    str_of(texts[_i].function), str_of(texts[_i].text), &v, &err);

	ck_assert_msg(ok == texts[_i].ok, "%s(\"%s\")", texts[_i].function,
	    texts[_i].text);
	ck_assert_int_eq(err.code, ok ? ERR_NONE : ERR_EVAL_EXTENSION);
	if (ok)
		ck_str_is(v.text, texts[_i].text);
	if (ok && v.kind != VALUE_IP)
		ck_assert_msg(v.number == texts[_i].number,
		    "%s(\"%s\") is %" PRId64, texts[_i].function,
		    texts[_i].text, v.number);
}
END_TEST

static struct value
make(const char *function, const char *text)
{
	struct value v;

	if (str_eq(str_of(function), STR("string")))
		return value_string(str_of(text));
	ck_assert_msg(value_construct(str_of(function), str_of(text), &v, NULL),
	    "%s(%s)", function, text);
	return v;
}

/* Calls, with the result as text; NULL: the error. */
static const struct {
	const char *op, *types, *x, *y, *want;
	enum err_code code;
} calls[] = {
	{ "isIpv4", "ip", "1.2.3.4", NULL, "true", 0 },
	{ "isIpv4", "ip", "::1", NULL, "false", 0 },
	{ "isIpv6", "ip", "::1", NULL, "true", 0 },
	{ "isLoopback", "ip", "127.255.0.1", NULL, "true", 0 },
	{ "isLoopback", "ip", "127.0.0.0/8", NULL, "true", 0 },
	{ "isLoopback", "ip", "127.0.0.0/7", NULL, "false", 0 },
	{ "isLoopback", "ip", "::1", NULL, "true", 0 },
	{ "isLoopback", "ip", "::1/127", NULL, "false", 0 },
	{ "isMulticast", "ip", "239.1.1.1", NULL, "true", 0 },
	{ "isMulticast", "ip", "224.0.0.0/3", NULL, "false", 0 },
	{ "isMulticast", "ip", "ff02::1", NULL, "true", 0 },
	{ "isMulticast", "ip", "fe02::1", NULL, "false", 0 },
	{ "isInRange", "ip ip", "10.1.2.3", "10.0.0.0/8", "true", 0 },
	{ "isInRange", "ip ip", "10.1.2.3/24", "10.1.2.0/24", "true", 0 },
	{ "isInRange", "ip ip", "10.1.2.0/23", "10.1.2.0/24", "false", 0 },
	{ "isInRange", "ip ip", "11.0.0.0", "10.0.0.0/8", "false", 0 },
	{ "isInRange", "ip ip", "1.2.3.4", "0.0.0.0/0", "true", 0 },
	{ "isInRange", "ip ip", "1.2.3.4", "::/0", "false", 0 },
	{ "isInRange", "ip ip", "abcd::1", "abcc::/15", "true", 0 },
	{ "isInRange", "ip string", "1.2.3.4", "::/0", NULL, ERR_EVAL_TYPE },
	{ "isInRange", "ip", "1.2.3.4", NULL, NULL, ERR_EVAL_ARITY },
	{ "isIpv4", "ip ip", "1.2.3.4", "1.2.3.4", NULL, ERR_EVAL_ARITY },
	{ "isIpv4", "decimal", "1.2", NULL, NULL, ERR_EVAL_TYPE },
	{ "lessThan", "decimal decimal", "1.1", "1.10", "false", 0 },
	{ "lessThan", "decimal decimal", "-1.2", "-1.1", "true", 0 },
	{ "lessThanOrEqual", "decimal decimal", "1.1", "1.10", "true", 0 },
	{ "greaterThan", "decimal decimal", "1.1", "1.0", "true", 0 },
	{ "greaterThanOrEqual", "decimal decimal", "1.1", "1.2", "false", 0 },
	{ "lessThan", "duration duration", "1s", "2s", NULL, ERR_EVAL_TYPE },
	{ "lessThan", "version decimal", "1.0", "2.0", NULL, ERR_EVAL_TYPE },
	{ "lessThan", "version debversion", "1", "2", NULL, ERR_EVAL_TYPE },
	{ "lessThan", "version", "1", NULL, NULL, ERR_EVAL_ARITY },
	{ "version", "version", "1", NULL, NULL, ERR_EVAL_TYPE },
	{ "offset", "datetime duration", "1970-01-02", "-1d",
	    "datetime(\"1970-01-01T00:00:00Z\")", 0 },
	{ "offset", "datetime duration", "1970-01-02", "9223372036854775807ms",
	    NULL, ERR_EVAL_OVERFLOW },
	{ "offset", "datetime duration", "1970-01-01", "9223372036854775807ms",
	    "datetime(\"1970-01-01\").offset(duration("
	    "\"9223372036854775807ms\"))",
	    0 },
	{ "durationSince", "datetime datetime", "1970-01-02", "1970-01-01",
	    "duration(\"1d\")", 0 },
	{ "toDate", "datetime", "1969-12-31T23:00:00Z", NULL,
	    "datetime(\"1969-12-31T00:00:00Z\")", 0 },
	{ "toTime", "datetime", "1969-12-31T23:00:00Z", NULL,
	    "duration(\"23h\")", 0 },
	{ "toMilliseconds", "duration", "-1s1ms", NULL, "-1001", 0 },
	{ "toSeconds", "duration", "-1s999ms", NULL, "-1", 0 },
	{ "toMinutes", "duration", "119s", NULL, "1", 0 },
	{ "toHours", "duration", "-119m", NULL, "-1", 0 },
	{ "toDays", "duration", "49h", NULL, "2", 0 },
	{ "ip", "ip", "1.2.3.4", NULL, NULL, ERR_EVAL_TYPE },
	{ "ip", "string string", "1.2.3.4", "", NULL, ERR_EVAL_ARITY },
	{ "unknown", "string", "x", NULL, NULL, ERR_EVAL_EXTENSION },
};

/* Pairs in their order; -1: the first is below the second. */
static const struct {
	const char *function, *x, *y;
	int want;
} orders[] = {
	{ "version", "1", "1.0.0", 0 },
	{ "version", "1.2", "1.10", -1 },
	{ "version", "1.0.0-alpha", "1.0.0-alpha.1", -1 },
	{ "version", "1.0.0-alpha.1", "1.0.0-alpha.beta", -1 },
	{ "version", "1.0.0-alpha.beta", "1.0.0-beta", -1 },
	{ "version", "1.0.0-beta", "1.0.0-beta.2", -1 },
	{ "version", "1.0.0-beta.2", "1.0.0-beta.11", -1 },
	{ "version", "1.0.0-beta.11", "1.0.0-rc.1", -1 },
	{ "version", "1.0.0-rc.1", "1.0.0", -1 },
	{ "version", "1.0+a", "1.0+b", 0 },
	{ "version", "5.14.0-362.8.1", "5.14.0", -1 },
	{ "version", "18446744073709551615", "18446744073709551614", 1 },
	{ "version", "1.0-a", "1.0.0.1-a", -1 },
	{ "debversion", "1.0", "1.0-0", 0 },
	{ "debversion", "1.0", "0:1.00", 0 },
	{ "debversion", "1.0~rc1", "1.0", -1 },
	{ "debversion", "1.0~~", "1.0~", -1 },
	{ "debversion", "1.0", "1.0+b1", -1 },
	{ "debversion", "1.0a", "1.0+", -1 },
	{ "debversion", "1.0-1", "1.0-1.1", -1 },
	{ "debversion", "1:0", "9", 1 },
	{ "debversion", "1.0-1~bpo", "1.0-1", -1 },
	{ "debversion", "1.2.10", "1.2.9", 1 },
	{ "rpmversion", "1.0", "1_0", 0 },
	{ "rpmversion", "1.0", "1.0.1", -1 },
	{ "rpmversion", "1.0~rc1", "1.0", -1 },
	{ "rpmversion", "1.0^git1", "1.0", 1 },
	{ "rpmversion", "1.0^git1", "1.0.1", -1 },
	{ "rpmversion", "1.a", "1.1", -1 },
	{ "rpmversion", "1.0-1", "1.0", 1 },
	{ "rpmversion", "1.0-~1", "1.0", 1 },
	{ "rpmversion", "1.0-~1", "1.0-1", -1 },
	{ "rpmversion", "1:1", "2", 1 },
	{ "rpmversion", "1.010", "1.10", 0 },
	{ "rpmversion", "FC5", "fc4", -1 },
	{ "rpmversion", "2a", "2.0", -1 },
};

START_TEST(ext_orders_versions)
{
	static const enum ast_op ops[] = { OP_LESS_THAN, OP_LESS_THAN_OR_EQUAL,
		OP_GREATER_THAN, OP_GREATER_THAN_OR_EQUAL };
	int want = orders[_i].want;
	const bool wants[] = { want<0, want <= 0, want> 0, want >= 0 };
	struct value args[] = { make(orders[_i].function, orders[_i].x),
		make(orders[_i].function, orders[_i].y) };
	struct value v;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		ck_assert(ext_call(ops[i], args, 2, SPAN_NONE, &v, NULL));
		ck_assert_msg(v.boolean == wants[i], "%s %s %s", orders[_i].x,
		    ext_name(ops[i]), orders[_i].y);
	}
	ck_assert(value_eq(&args[0], &args[1]) == (want == 0));
	ck_assert_int_eq(value_cmp(&args[0], &args[1]) < 0, want < 0);
	ck_assert_int_eq(value_cmp(&args[1], &args[0]) < 0, want > 0);
}
END_TEST

START_TEST(ext_computes)
{
	struct str types = str_of(calls[_i].types);
	size_t space = str_find(types, ' ', 0), n = calls[_i].y ? 2 : 1;
	char first[16] = "";
	struct value args[2], v;
	struct error err = { 0 };
	struct span at = { "p", 3, 4, 5 };
	struct buf text = { 0 };
	enum ast_op op = ext_find(str_of(calls[_i].op));
	bool ok;

	memcpy(first, types.p, space);
	args[0] = make(first, calls[_i].x);
	if (n == 2)
		args[1] = make(types.p + space + 1, calls[_i].y);
	ck_assert_int_ne(op, OP_NONE);
	ck_assert_str_eq(ext_name(op), calls[_i].op);
	ok = ext_call(op, args, n, at, &v, &err);
	ck_assert_msg(ok == (calls[_i].want != NULL), "%s %s: %s", calls[_i].op,
	    calls[_i].x, err.msg);
	ck_assert_int_eq(err.code, calls[_i].code);
	if (ok) {
		value_print(&text, &v);
		ck_str_is(buf_str(&text), calls[_i].want);
	} else
		ck_assert_uint_eq(err.at.col, 4);
	buf_free(&text);
}
END_TEST

START_TEST(ext_refuses_bytes_around_nul)
{
	struct value v;

	ck_assert(!value_construct(STR("ip"), STR("1.2.3.4\0"), &v, NULL));
	ck_assert(!value_construct(STR("ip"), STR("1.2.3\0.4"), &v, NULL));
	ck_assert(!value_construct(STR("decimal"), STR("1.0\0"), &v, NULL));
	ck_assert(!value_construct(STR("duration"), STR("1d\0"), &v, NULL));
}
END_TEST

START_TEST(ext_day_before_all_days)
{
	struct value v = { .kind = VALUE_DATETIME, .number = INT64_MIN }, r;
	struct error err = { 0 };

	ck_assert(!ext_call(OP_TO_DATE, &v, 1, SPAN_NONE, &r, &err));
	ck_assert_int_eq(err.code, ERR_EVAL_OVERFLOW);
	ck_assert(ext_call(OP_TO_TIME, &v, 1, SPAN_NONE, &r, NULL));
	ck_assert_int_ge(r.number, 0);
	ck_assert_int_lt(r.number, 86400000);
}
END_TEST

START_TEST(ext_knows_no_other_function)
{
	struct value v;
	struct error err = { 0 };

	ck_assert_int_eq(ext_find(STR("contains")), OP_NONE);
	ck_assert_int_eq(ext_find(STR("")), OP_NONE);
	ck_assert(!value_construct(STR("isIpv4"), STR("x"), &v, &err));
	ck_assert_int_eq(err.code, ERR_NAME_FUNCTION);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ext");
	TCase *tc = tcase_create("ext");

	tcase_add_loop_test(tc, ext_reads_text, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(tc, ext_orders_versions, 0, ARRAY_LEN(orders));
	tcase_add_loop_test(tc, ext_computes, 0, ARRAY_LEN(calls));
	tcase_add_test(tc, ext_refuses_bytes_around_nul);
	tcase_add_test(tc, ext_day_before_all_days);
	tcase_add_test(tc, ext_knows_no_other_function);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
