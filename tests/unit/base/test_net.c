/* test_net.c - what is an address, and what only looks like one. */
#include "base/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "tests/lib/run.h"

static const struct {
	const char *text, *want;
	int family;
} good[] = {
	{ "0.0.0.0", "0.0.0.0", 4 },
	{ "10.1.2.3", "10.1.2.3", 4 },
	{ "255.255.255.255", "255.255.255.255", 4 },
	{ "::", "::", 6 },
	{ "::1", "::1", 6 },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", 6 },
	{ "2001:0db8::0001", "2001:db8::1", 6 },
	{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 6 },
	{ "fe80::1", "fe80::1", 6 },
	{ "::ffff:10.1.2.3", "10.1.2.3", 4 },
	{ "::ffff:0a01:0203", "10.1.2.3", 4 },
	{ "0:0:0:0:0:FFFF:10.1.2.3", "10.1.2.3", 4 },
	{ "::fffe:0:1", "::fffe:0:1", 6 },
	{ "64:ff9b::1.2.3.4", "64:ff9b::102:304", 6 },
};

START_TEST(addr_reads_and_prints)
{
	struct net_addr a;
	struct buf b = { 0 };

	ck_assert_msg(
	    net_parse_addr(str_of(good[_i].text), &a), "%s", good[_i].text);
	ck_assert_int_eq(a.family, good[_i].family);
	net_print(&b, &a);
	ck_str_is(buf_str(&b), good[_i].want);
	buf_free(&b);
}
END_TEST

static const struct str bad[] = {
	STR_INIT(""),
	STR_INIT("1.2.3"),
	STR_INIT("1.2.3."),
	STR_INIT("1"),
	STR_INIT("16909060"),
	STR_INIT("1.2.3.4.5"),
	STR_INIT("1.2.3.256"),
	STR_INIT("01.2.3.4"),
	STR_INIT("1.2.3.04"),
	STR_INIT("1.2.3.00"),
	STR_INIT("0x1.2.3.4"),
	STR_INIT("1.2.3.-4"),
	STR_INIT("+1.2.3.4"),
	STR_INIT(" 1.2.3.4"),
	STR_INIT("1.2.3.4 "),
	STR_INIT("1.2.3.4\n"),
	STR_INIT("1.2.3.4\0"),
	STR_INIT("1..3.4"),
	STR_INIT("1.2.3.4:80"),
	STR_INIT("[::1]"),
	STR_INIT("[::1]:80"),
	STR_INIT("1.2.3.4/32"),
	STR_INIT("::1/128"),
	STR_INIT("fe80::1%eth0"),
	STR_INIT("fe80::1%1"),
	STR_INIT("::1.2.3.4"),
	STR_INIT("::102:304"),
	STR_INIT("::2"),
	STR_INIT("0:0:0:0:0:0:1.2.3.4"),
	STR_INIT("::ffff:1.2.3"),
	STR_INIT("::ffff:01.2.3.4"),
	STR_INIT("::ffff:1.2.3.256"),
	STR_INIT(":::"),
	STR_INIT("1::2::3"),
	STR_INIT("1:2:3:4:5:6:7"),
	STR_INIT("1:2:3:4:5:6:7:8:9"),
	STR_INIT("1:2:3:4:5:6:7:8::"),
	STR_INIT(":1:2:3:4:5:6:7"),
	STR_INIT("12345::"),
	STR_INIT("00001::"),
	STR_INIT("g::"),
	STR_INIT("1.2.3.4::"),
	STR_INIT("localhost"),
	STR_INIT("\xd9\xa1.2.3.4"),
	STR_INIT("0000:0000:0000:0000:0000:ffff:255.255.255.2550"),
};

START_TEST(addr_refuses)
{
	struct net_addr a = { .family = 9 };

	ck_assert_msg(!net_parse_addr(bad[_i], &a), "%.*s", STR_ARG(bad[_i]));
	ck_assert_int_eq(a.family, 9);
}
END_TEST

static const struct {
	const char *text;
	int prefix; /* -1: refused */
} cidrs[] = {
	{ "10.0.0.0/8", 8 },
	{ "10.0.0.1", 32 },
	{ "::1", 128 },
	{ "0.0.0.0/0", 0 },
	{ "::/0", 0 },
	{ "2001:db8::/32", 32 },
	{ "10.0.0.1/32", 32 },
	{ "::ffff:10.0.0.0/104", 8 },
	{ "::ffff:10.0.0.0/128", 32 },
	{ "::ffff:10.0.0.0/8", -1 },
	{ "::ffff:0.0.0.0/95", -1 },
	{ "10.0.0.1/8", -1 },
	{ "10.128.0.0/8", -1 },
	{ "2001:db8::1/64", -1 },
	{ "10.0.0.0/33", -1 },
	{ "::/129", -1 },
	{ "10.0.0.0/", -1 },
	{ "10.0.0.0/08", -1 },
	{ "10.0.0.0/+8", -1 },
	{ "10.0.0.0/8/8", -1 },
	{ "10.0.0.0/ 8", -1 },
	{ "10.0.0.0/255.0.0.0", -1 },
	{ "10/8", -1 },
	{ "/8", -1 },
	{ "", -1 },
	{ "0.0.0.0/00", -1 },
	{ "10.0.0.0/4294967304", -1 },
};

START_TEST(cidr_reads_and_refuses)
{
	struct net_cidr c = { .prefix = 99 };
	bool ok = net_parse_cidr(str_of(cidrs[_i].text), &c);

	ck_assert_msg(ok == (cidrs[_i].prefix >= 0), "%s", cidrs[_i].text);
	ck_assert_msg(c.prefix == (ok ? cidrs[_i].prefix : 99), "%s: /%d",
	    cidrs[_i].text, c.prefix);
}
END_TEST

static const struct {
	const char *net, *addr;
	bool inside;
} contains[] = {
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
	{ "192.168.4.0/22", "192.168.7.255", true },
	{ "192.168.4.0/22", "192.168.8.0", false },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::/0", "1.2.3.4", false },
	{ "::/0", "ffff::", true },
	{ "2001:db8::/33", "2001:db8:7fff::", true },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "::1", "::1", true },
	{ "::1", "::", false },
};

START_TEST(contains_compares_bits)
{
	struct net_cidr c;
	struct net_addr a;

	ck_assert(net_parse_cidr(str_of(contains[_i].net), &c));
	ck_assert(net_parse_addr(str_of(contains[_i].addr), &a));
	ck_assert_msg(net_contains(&c, &a) == contains[_i].inside, "%s %s",
	    contains[_i].net, contains[_i].addr);
}
END_TEST

static const struct {
	const char *text;
	bool special, loopback;
} kinds[] = {
	{ "127.0.0.1", true, true },
	{ "127.255.255.255", true, true },
	{ "::1", true, true },
	{ "::ffff:127.0.0.1", true, true },
	{ "0.0.0.0", true, false },
	{ "0.1.2.3", true, false },
	{ "::", true, false },
	{ "169.254.169.254", true, false },
	{ "fe80::1", true, false },
	{ "febf::1", true, false },
	{ "224.0.0.1", true, false },
	{ "239.255.255.255", true, false },
	{ "ff02::1", true, false },
	{ "255.255.255.255", true, false },
	{ "10.0.0.1", false, false },
	{ "128.0.0.1", false, false },
	{ "169.253.0.1", false, false },
	{ "fec0::1", false, false },
	{ "2001:db8::1", false, false },
};

START_TEST(special_is_no_member)
{
	struct net_addr a;

	ck_assert(net_parse_addr(str_of(kinds[_i].text), &a));
	ck_assert_msg(
	    net_is_special(&a) == kinds[_i].special, "%s", kinds[_i].text);
	ck_assert_msg(
	    net_is_loopback(&a) == kinds[_i].loopback, "%s", kinds[_i].text);
}
END_TEST

/* Text of digits and dots is read without inet_pton, with its result. */
START_TEST(four_numbers_are_as_inet_pton_has_them)
{
	static const char letters[] = "0012255.....69 ";
	uint64_t x = 1;
	unsigned taken = 0;

	for (unsigned i = 0; i < 400000; i++) {
		char text[12];
		struct in_addr want;
		struct net_addr got;
		size_t n = 7 + i % 4;
		bool is_one;

		for (size_t k = 0; k < n; k++) {
			x = x * UINT64_C(6364136223846793005) +
			    1442695040888963407u;
			text[k] = letters[(x >> 33) % (sizeof letters - 1)];
		}
		text[n] = '\0';
		is_one = inet_pton(AF_INET, text, &want) == 1;
		ck_assert_msg(
		    net_parse_addr(str_of(text), &got) == is_one, "%s", text);
		if (!is_one)
			continue;
		taken++;
		ck_assert_int_eq(got.family, 4);
		ck_assert_mem_eq(got.bytes, &want, 4);
	}
	ck_assert_uint_gt(taken, 100);
}
END_TEST

START_TEST(no_address_equals_nothing)
{
	struct net_addr none = { 0 }, four = { .family = 4 };
	struct net_cidr all = { 0 }, any = { .addr = four };
	struct buf b = { 0 };

	ck_assert(!net_addr_eq(&none, &none));
	ck_assert(!net_addr_eq(&none, &four));
	ck_assert(net_addr_eq(&four, &four));
	ck_assert(!net_contains(&all, &none));
	ck_assert(!net_contains(&any, &none));
	ck_assert(!net_is_loopback(&none));
	net_print(&b, &none);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

START_TEST(sockets_give_addresses)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct net_addr a, want;

	ck_assert_int_eq(inet_pton(AF_INET, "10.1.2.3", &four.sin_addr), 1);
	ck_assert(net_parse_addr(STR("10.1.2.3"), &want));
	ck_assert(net_from_sockaddr((struct sockaddr *)&four, &a));
	ck_assert(net_addr_eq(&a, &want));
	ck_assert_int_eq(
	    inet_pton(AF_INET6, "::ffff:10.1.2.3", &six.sin6_addr), 1);
	ck_assert(net_from_sockaddr((struct sockaddr *)&six, &a));
	ck_assert(net_addr_eq(&a, &want));
	six.sin6_addr = in6addr_loopback;
	ck_assert(net_from_sockaddr((struct sockaddr *)&six, &a));
	ck_assert(net_is_loopback(&a));
	ck_assert(!net_from_sockaddr((struct sockaddr *)&local, &a));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *tc = tcase_create("net");

	tcase_add_loop_test(tc, addr_reads_and_prints, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, addr_refuses, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, cidr_reads_and_refuses, 0, ARRAY_LEN(cidrs));
	tcase_add_loop_test(tc, contains_compares_bits, 0, ARRAY_LEN(contains));
	tcase_add_loop_test(tc, special_is_no_member, 0, ARRAY_LEN(kinds));
	tcase_add_test(tc, four_numbers_are_as_inet_pton_has_them);
	tcase_add_test(tc, no_address_equals_nothing);
	tcase_add_test(tc, sockets_give_addresses);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
