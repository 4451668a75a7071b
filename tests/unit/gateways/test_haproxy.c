/* test_haproxy.c - only commands that were meant are sent, and only answers
 * that are known are believed. The same against the real program. */
#include "gateways/haproxy.h"

#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/gateways/fake_haproxy.h"
#include "tests/unit/gateways/real_haproxy.h"

#define NAME_A "avow-0123456789abcdef0123456789abcdef"
#define NAME_B "avow-ffffffffffffffffffffffffffffffff"
#define HEADING                                                                \
	"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state "            \
	"srv_admin_state srv_uweight srv_iweight srv_time_since_last_change "  \
	"srv_check_status srv_check_result srv_check_health "                  \
	"srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "      \
	"srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port "              \
	"srv_check_addr srv_agent_addr srv_agent_port\n"

static struct arena *arena;
static struct error err;

static void
setup(void)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
}

static void
teardown(void)
{
	arena_free(arena);
}

static struct haproxy
client(const char *path, int ms)
{
	return (struct haproxy){ .socket_path = path,
		.backend = STR("web"),
		.deadline_ns = clock_mono_ns() + ms * INT64_C(1000000) };
}

static struct haproxy_server
server(const char *name, const char *address, uint16_t port, uint16_t weight)
{
	struct haproxy_server s = {
		.name = str_of(name), .port = port, .weight = weight
	};

	ck_assert(net_parse_addr(str_of(address), &s.addr));
	return s;
}

/* --- commands
 * ------------------------------------------------------------------ */

enum verb { ADD, ENABLE, WEIGH, REMOVE };

static bool
call(enum verb verb, const struct haproxy *h, const struct haproxy_server *s,
    enum haproxy_answer *ret)
{
	switch (verb) {
	case ADD:
		return haproxy_add(h, s, ret, &err);
	case ENABLE:
		return haproxy_enable(h, s->name, ret, &err);
	case WEIGH:
		return haproxy_weigh(h, s->name, s->weight, ret, &err);
	case REMOVE:
		return haproxy_remove(h, s->name, ret, &err);
	}
	return false;
}

static const struct {
	enum verb verb;
	const char *address;
	const char *answers[3], *commands[3];
	enum haproxy_answer want;
} said[] = {
	{ ADD, "10.0.0.1", { "New server registered.\n\n" },
	    { "add server web/" NAME_A " 10.0.0.1:8080 check weight 7" },
	    HAPROXY_DONE },
	{ ADD, "2001:DB8::0:1", { "New server registered.\n\n" },
	    { "add server web/" NAME_A " [2001:db8::1]:8080 check weight 7" },
	    HAPROXY_DONE },
	{ ADD, "10.0.0.1",
	    { "Already exists a server with the same name in backend.\n\n" },
	    { "add server web/" NAME_A " 10.0.0.1:8080 check weight 7" },
	    HAPROXY_EXISTS },
	{ ENABLE, "10.0.0.1", { "\n", "\n" },
	    { "enable health web/" NAME_A, "enable server web/" NAME_A },
	    HAPROXY_DONE },
	{ ENABLE, "10.0.0.1", { "No such server.\n\n" },
	    { "enable health web/" NAME_A }, HAPROXY_NO_SERVER },
	{ WEIGH, "10.0.0.1", { "\n" }, { "set server web/" NAME_A " weight 7" },
	    HAPROXY_DONE },
	{ REMOVE, "10.0.0.1", { "\n", "\n", "Server deleted.\n" },
	    { "set server web/" NAME_A " state maint",
		"shutdown sessions server web/" NAME_A,
		"del server web/" NAME_A },
	    HAPROXY_DONE },
	{ REMOVE, "10.0.0.1",
	    { "\n", "\n",
		"Server still has connections attached to it, cannot remove "
		"it.\n" },
	    { "set server web/" NAME_A " state maint",
		"shutdown sessions server web/" NAME_A,
		"del server web/" NAME_A },
	    HAPROXY_ATTACHED },
	{ REMOVE, "10.0.0.1", { "No such server.\n\n" },
	    { "set server web/" NAME_A " state maint" }, HAPROXY_NO_SERVER },
};

START_TEST(commands_are_these)
{
	struct fake_line lines[3] = { { 0 } };
	struct haproxy_server s = server(NAME_A, said[_i].address, 8080, 7);
	enum haproxy_answer got = HAPROXY_NO_ANSWER;
	struct haproxy h;
	struct fake f;
	size_t n = 0;

	for (; n < 3 && said[_i].answers[n]; n++)
		lines[n].answer = said[_i].answers[n];
	fake_start(&f, lines, n);
	h = client(f.path, 5000);
	ck_assert_msg(call(said[_i].verb, &h, &s, &got), "%s", err.msg);
	fake_stop(&f);
	ck_assert_int_eq(got, said[_i].want);
	ck_assert_uint_eq(atomic_load(&f.n_asked), n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(f.asked[i], said[_i].commands[i]);
}
END_TEST

static const struct {
	const char *note, *answer;
	enum fake_manner manner;
	const char *says;
} bad_answers[] = {
	{ "nothing", "", FAKE_ANSWERS, "cut off" },
	{ "half", "New server regis", FAKE_ANSWERS, "cut off" },
	{ "no newline", "New server registered.", FAKE_ANSWERS, "cut off" },
	{ "more than yes", "New server registered.\nAnd more.\n", FAKE_ANSWERS,
	    "answered `New server registered.`" },
	{ "another yes", "Server deleted.\n", FAKE_ANSWERS,
	    "answered `Server deleted.`" },
	{ "empty line only", "\n", FAKE_ANSWERS, "answered ``" },
	{ "refusal", "Permission denied\n", FAKE_ANSWERS,
	    "answered `Permission denied`" },
	{ "no backend", "No such backend.\n", FAKE_ANSWERS,
	    "answered `No such backend.`" },
	{ "static backend",
	    "Backend must use a dynamic load balancing to support dynamic "
	    "servers.\n",
	    FAKE_ANSWERS, "answered `Backend must use" },
	{ "hangs", "", FAKE_HANGS, "no answer in time" },
	{ "floods", "New server registered.\n", FAKE_FLOODS, "too long" },
};

START_TEST(other_answers_are_not_believed)
{
	const struct fake_line line = { bad_answers[_i].answer,
		bad_answers[_i].manner };
	struct haproxy_server s = server(NAME_A, "10.0.0.1", 8080, 7);
	enum haproxy_answer got = HAPROXY_NO_ANSWER;
	struct haproxy h;
	struct fake f;
	int64_t began = clock_mono_ns();

	fake_start(&f, &line, 1);
	h = client(f.path, line.manner == FAKE_HANGS ? 100 : 5000);
	ck_assert_msg(
	    !haproxy_add(&h, &s, &got, &err), "%s", bad_answers[_i].note);
	fake_stop(&f);
	ck_assert_int_eq(err.code, ERR_BALANCER_UNREACHABLE);
	ck_assert_msg(strstr(err.msg, bad_answers[_i].says), "%s: %s",
	    bad_answers[_i].note, err.msg);
	ck_assert_int_eq(got, HAPROXY_NO_ANSWER);
	if (line.manner == FAKE_HANGS) {
		int64_t took = clock_mono_ns() - began;

		ck_assert_int_ge(took, INT64_C(100000000));
		ck_assert_int_lt(took, INT64_C(3000000000));
	}
}
END_TEST

static const struct {
	const char *note, *path, *says;
} bad_sockets[] = {
	{ "nobody", "/nonexistent/admin", "No such file" },
	{ "no socket", "/dev/null", "Connection refused" },
	{ "long",
	    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "too long" },
};

START_TEST(no_socket_is_unreachable)
{
	struct haproxy h = client(bad_sockets[_i].path, 1000);
	enum haproxy_answer got;

	ck_assert(!haproxy_remove(&h, STR(NAME_A), &got, &err));
	ck_assert_int_eq(err.code, ERR_BALANCER_UNREACHABLE);
	ck_assert_msg(strstr(err.msg, bad_sockets[_i].says), "%s: %s",
	    bad_sockets[_i].note, err.msg);
}
END_TEST

/* What HAProxy would take in silence is not sent at all. */
static const struct {
	const char *note, *backend, *name;
	uint8_t family;
	uint16_t port, weight;
} never_sent[] = {
	{ "second command", "web", "avow-0123456789abcdef;set server a/b", 4,
	    80, 1 },
	{ "newline", "web", "avow-0123456789abcdef0123456789abcde\n", 4, 80,
	    1 },
	{ "foreign", "web", "fixed", 4, 80, 1 },
	{ "upper case", "web", "avow-0123456789ABCDEF0123456789ABCDEF", 4, 80,
	    1 },
	{ "short", "web", "avow-0123456789abcdef0123456789abcde", 4, 80, 1 },
	{ "long", "web", NAME_A "0", 4, 80, 1 },
	{ "empty", "web", "", 4, 80, 1 },
	{ "backend with slash", "web/x", NAME_A, 4, 80, 1 },
	{ "backend with command", "web;quit", NAME_A, 4, 80, 1 },
	{ "backend with space", "web x", NAME_A, 4, 80, 1 },
	{ "no backend", "", NAME_A, 4, 80, 1 },
	{ "no address", "web", NAME_A, 0, 80, 1 },
	{ "no port", "web", NAME_A, 4, 0, 1 },
	{ "weight", "web", NAME_A, 4, 80, 257 },
};

START_TEST(such_commands_are_never_sent)
{
	static const struct fake_line line = { "New server registered.\n", 0 };
	struct haproxy_server s = { .name = str_of(never_sent[_i].name),
		.addr = { .family = never_sent[_i].family,
		    .bytes = { 10, 0, 0, 1 } },
		.port = never_sent[_i].port,
		.weight = never_sent[_i].weight };
	enum haproxy_answer got;
	struct haproxy h;
	struct fake f;

	fake_start(&f, &line, 1);
	h = client(f.path, 2000);
	h.backend = str_of(never_sent[_i].backend);
	ck_assert_msg(
	    !haproxy_add(&h, &s, &got, &err), "%s", never_sent[_i].note);
	fake_stop(&f);
	ck_assert_uint_eq(atomic_load(&f.n_asked), 0);
}
END_TEST

START_TEST(a_backend_is_checked_before_it_is_listed)
{
	static const struct fake_line line = { HEADING "\n", 0 };
	struct haproxy_server *got;
	struct haproxy h;
	struct fake f;
	size_t n;

	fake_start(&f, &line, 1);
	h = client(f.path, 2000);
	h.backend = STR("web; set server a/b state maint");
	ck_assert(!haproxy_list(&h, arena, &got, &n, &err));
	fake_stop(&f);
	ck_assert_uint_eq(atomic_load(&f.n_asked), 0);
}
END_TEST

/* --- the list
 * --------------------------------------------------------------------- */

#define ROW(name, address, admin, weight, check, port)                         \
	"3 web 2 " name " " address " 2 " admin " " weight " 1 9 6 3 4 " check \
	" 0 0 0 - " port " - 0 0 - - 0\n"

START_TEST(the_list_has_our_servers_alone)
{
	static const struct fake_line line = {
		HEADING ROW(NAME_B, "2001:db8::1", "0", "256", "6", "1")
		    ROW("fixed", "10.0.0.7", "5", "1", "0", "80")
			ROW("avow-me", "nonsense", "x", "x", "x", "x")
			    ROW(NAME_A, "10.0.0.1", "1", "0", "2", "8080") "\n",
		0
	};
	struct haproxy_server *got;
	struct haproxy h;
	struct fake f;
	struct buf text = { 0 };
	size_t n = 0;

	fake_start(&f, &line, 1);
	h = client(f.path, 2000);
	ck_assert_msg(haproxy_list(&h, arena, &got, &n, &err), "%s", err.msg);
	fake_stop(&f);
	ck_assert_str_eq(f.asked[0], "show servers state web");
	ck_assert_uint_eq(n, 2);
	ck_str_is(got[0].name, NAME_A);
	ck_assert_uint_eq(got[0].port, 8080);
	ck_assert_uint_eq(got[0].weight, 0);
	ck_assert(!got[0].is_serving);
	ck_str_is(got[1].name, NAME_B);
	ck_assert_uint_eq(got[1].weight, 256);
	ck_assert(got[1].is_serving);
	net_print(&text, &got[1].addr);
	ck_str_is(buf_str(&text), "2001:db8::1");
	buf_free(&text);
}
END_TEST

static const struct {
	const char *note, *answer, *says;
} bad_lists[] = {
	{ "nothing", "", "answered ``" },
	{ "no backend", "Can't find backend.\n\n",
	    "answered `Can't find backend.`" },
	{ "version", "2\n", "answered `2`" },
	{ "no heading", "1\n\n", "no server state" },
	{ "no column", "1\n# be_id be_name srv_id srv_name srv_addr\n\n",
	    "no server state" },
	{ "cut off at the heading", HEADING, "cut off" },
	{ "cut off between rows",
	    HEADING ROW(NAME_A, "10.0.0.1", "0", "1", "6", "80"), "cut off" },
	{ "cut off in a row", HEADING "3 web 2 " NAME_A " 10.0.0", "cut off" },
	{ "short row", HEADING "3 web 2 " NAME_A " 10.0.0.1 2 0\n\n",
	    "answered `3 web 2" },
	{ "other backend",
	    HEADING "3 api 2 x 10.0.0.1 2 0 1 1 9 6 3 4 6 0 0 "
		    "0 - 80 - 0 0 - - 0\n\n",
	    "answered `3 api" },
	{ "port", HEADING ROW(NAME_A, "10.0.0.1", "0", "1", "6", "65536") "\n",
	    "answered `3 web" },
	{ "sign", HEADING ROW(NAME_A, "10.0.0.1", "-1", "1", "6", "80") "\n",
	    "answered `3 web" },
};

START_TEST(a_broken_list_is_no_list)
{
	const struct fake_line line = { bad_lists[_i].answer, 0 };
	struct haproxy_server *got = NULL;
	struct haproxy h;
	struct fake f;
	size_t n = 77;

	fake_start(&f, &line, 1);
	h = client(f.path, 2000);
	ck_assert_msg(
	    !haproxy_list(&h, arena, &got, &n, &err), "%s", bad_lists[_i].note);
	fake_stop(&f);
	ck_assert_int_eq(err.code, ERR_BALANCER_UNREACHABLE);
	ck_assert_msg(strstr(err.msg, bad_lists[_i].says), "%s: %s",
	    bad_lists[_i].note, err.msg);
	ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(an_endless_list_ends)
{
	static const struct fake_line line = { HEADING, FAKE_FLOODS };
	struct haproxy_server *got;
	struct haproxy h;
	struct fake f;
	size_t n;

	fake_start(&f, &line, 1);
	h = client(f.path, 20000);
	ck_assert(!haproxy_list(&h, arena, &got, &n, &err));
	fake_stop(&f);
	ck_assert_msg(strstr(err.msg, "too long"), "%s", err.msg);
}
END_TEST

/* --- the real program
 * ----------------------------------------------------------------- */

static enum haproxy_answer
do_real(enum verb verb, const struct real_haproxy *real,
    const struct haproxy_server *s)
{
	struct haproxy h = client(real->socket, 5000);
	enum haproxy_answer got = HAPROXY_NO_ANSWER;

	ck_assert_msg(call(verb, &h, s, &got), "%s", err.msg);
	return got;
}

static size_t
list_real(const struct real_haproxy *real, struct haproxy_server **ret)
{
	struct haproxy h = client(real->socket, 5000);
	size_t n = 99;

	ck_assert_msg(haproxy_list(&h, arena, ret, &n, &err), "%s", err.msg);
	return n;
}

static void
live_and_leave(const struct real_haproxy *real, const char *address)
{
	struct haproxy_server s = server(NAME_A, address, 8080, 0), *got;

	ck_assert_uint_eq(list_real(real, &got), 0);
	ck_assert_int_eq(do_real(ADD, real, &s), HAPROXY_DONE);
	ck_assert_int_eq(do_real(ADD, real, &s), HAPROXY_EXISTS);
	ck_assert_uint_eq(list_real(real, &got), 1);
	ck_str_is(got[0].name, NAME_A);
	ck_assert(net_addr_eq(&got[0].addr, &s.addr));
	ck_assert_uint_eq(got[0].port, 8080);
	ck_assert_uint_eq(got[0].weight, 0);
	ck_assert(!got[0].is_serving);
	ck_assert_int_eq(do_real(ENABLE, real, &s), HAPROXY_DONE);
	s.weight = 256;
	ck_assert_int_eq(do_real(WEIGH, real, &s), HAPROXY_DONE);
	ck_assert_uint_eq(list_real(real, &got), 1);
	ck_assert(got[0].is_serving);
	ck_assert_uint_eq(got[0].weight, 256);
	ck_assert_int_eq(do_real(REMOVE, real, &s), HAPROXY_DONE);
	ck_assert_int_eq(do_real(REMOVE, real, &s), HAPROXY_NO_SERVER);
	ck_assert_int_eq(do_real(ENABLE, real, &s), HAPROXY_NO_SERVER);
	ck_assert_int_eq(do_real(WEIGH, real, &s), HAPROXY_NO_SERVER);
	ck_assert_uint_eq(list_real(real, &got), 0);
}

START_TEST(the_real_one_agrees)
{
	struct real_haproxy real;

	if (!real_start(&real))
		return;
	live_and_leave(&real, "10.0.0.1");
	live_and_leave(&real, "2001:db8::1");
	real_stop(&real);
}
END_TEST

START_TEST(the_real_one_refuses)
{
	struct haproxy_server s = server(NAME_A, "10.0.0.1", 8080, 1), *list;
	enum haproxy_answer got;
	struct real_haproxy real;
	struct haproxy h;
	size_t n;

	if (!real_start(&real))
		return;
	h = client(real.socket, 5000);
	h.backend = STR("nosuch");
	ck_assert(!haproxy_add(&h, &s, &got, &err));
	ck_assert_msg(strstr(err.msg, "No such backend"), "%s", err.msg);
	err = (struct error){ 0 };
	ck_assert(!haproxy_list(&h, arena, &list, &n, &err));
	ck_assert_msg(strstr(err.msg, "find backend"), "%s", err.msg);
	err = (struct error){ 0 };
	h.backend = STR("fixed");
	ck_assert(!haproxy_add(&h, &s, &got, &err));
	ck_assert_msg(strstr(err.msg, "dynamic load balancing"), "%s", err.msg);
	real_stop(&real);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("haproxy");
	TCase *fake = tcase_create("fake");
	TCase *real = tcase_create("real");

	tcase_add_checked_fixture(fake, setup, teardown);
	tcase_set_timeout(fake, 30);
	tcase_add_loop_test(fake, commands_are_these, 0, ARRAY_LEN(said));
	tcase_add_loop_test(
	    fake, other_answers_are_not_believed, 0, ARRAY_LEN(bad_answers));
	tcase_add_loop_test(
	    fake, no_socket_is_unreachable, 0, ARRAY_LEN(bad_sockets));
	tcase_add_loop_test(
	    fake, such_commands_are_never_sent, 0, ARRAY_LEN(never_sent));
	tcase_add_test(fake, a_backend_is_checked_before_it_is_listed);
	tcase_add_test(fake, the_list_has_our_servers_alone);
	tcase_add_loop_test(
	    fake, a_broken_list_is_no_list, 0, ARRAY_LEN(bad_lists));
	tcase_add_test(fake, an_endless_list_ends);
	suite_add_tcase(s, fake);

	tcase_add_checked_fixture(real, setup, teardown);
	tcase_set_timeout(real, 30);
	tcase_add_test(real, the_real_one_agrees);
	tcase_add_test(real, the_real_one_refuses);
	suite_add_tcase(s, real);
	return run_suite(s);
}
