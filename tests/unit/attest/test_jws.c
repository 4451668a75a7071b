/* test_jws.c - a header as it is written here is read at once, and as any other
 * is. (What headers are refused: test_token.c, test_form.c, test_dpop.c.) */
#include "attest/jws.h"

#include "base/base64.h"
#include "tests/lib/run.h"

static const char own[] =
    "{\"alg\":\"RS256\",\"typ\":\"avow-document+jwt\","
    "\"kid\":\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"}";

struct got {
	bool ok;
	struct jws jws;
	struct error err;
};

static struct got
parse(struct arena *a, struct str header, enum jws_use use)
{
	struct got g = { 0 };
	struct buf text = { 0 };

	base64_encode(&text, BASE64_URL, header);
	buf_addz(&text, ".e30.AAAA");
	g.ok = jws_parse(a, str_dup(a, buf_str(&text)), use, &g.jws, &g.err);
	buf_free(&text);
	return g;
}

static void
check_same(enum jws_use use, struct str header, const struct got *x,
    const struct got *y)
{
	ck_assert_msg(x->ok == y->ok, "%d %.*s", (int)use, STR_ARG(header));
	ck_assert_int_eq(x->err.code, y->err.code);
	ck_assert_str_eq(x->err.msg, y->err.msg);
	ck_assert(str_eq(x->jws.alg, y->jws.alg));
	ck_assert(str_eq(x->jws.typ, y->jws.typ));
	ck_assert(str_eq(x->jws.kid, y->jws.kid));
	ck_assert_uint_eq(x->jws.n_names, y->jws.n_names);
}

/* With a space it is none of ours, and says the same. */
static bool
both(struct arena *a, struct str header)
{
	struct str spaced =
	    str_printf(a, "{ %.*s", STR_ARG(str_sub(header, 1, header.n)));
	bool ok = false;

	for (int use = JWS_KEY_TRUSTED; use <= JWS_DOCUMENT; use++) {
		struct got x = parse(a, header, (enum jws_use)use);
		struct got y = parse(a, spaced, (enum jws_use)use);

		check_same((enum jws_use)use, header, &x, &y);
		ok |= x.ok;
		jws_fini(&x.jws);
		jws_fini(&y.jws);
	}
	arena_reset(a);
	return ok;
}

/* Every byte of it another, left out, and twice; but the first. */
START_TEST(both_ways_are_one)
{
	struct arena *a = arena_new(0);
	static const char bytes[] = "\"\\{}[,: a0\n\x1f\x7f\x80\xff";
	const size_t n = sizeof own - 1;
	unsigned read = 0;

	ck_assert(both(a, str_of(own)));
	for (size_t i = 1; i < n; i++) {
		char text[sizeof own + 1];

		for (size_t c = 0; c < sizeof bytes - 1; c++) {
			memcpy(text, own, sizeof own);
			text[i] = bytes[c];
			read += both(a, (struct str){ text, n });
		}
		memcpy(text + i, own + i + 1, n - i);
		read += both(a, (struct str){ text, n - 1 });
		memcpy(text + i, own + i - 1, n - i + 1);
		read += both(a, (struct str){ text, n + 1 });
	}
	ck_assert_uint_gt(read, 100);
	arena_free(a);
}
END_TEST

static const char *const others[] = {
	"{\"alg\":\"\",\"typ\":\"x\",\"kid\":\"y\"}",
	"{\"alg\":\"a\",\"typ\":\"\",\"kid\":\"y\"}",
	"{\"alg\":\"a\",\"typ\":\"x\",\"kid\":\"\"}",
	"{\"alg\":\"a\",\"typ\":\"x\",\"kid\":\"y\",\"crit\":[]}",
	"{\"alg\":\"a\",\"typ\":\"x\",\"kid\":\"y\"}}",
	"{\"alg\":\"a\",\"typ\":\"x\"}",
	"{\"alg\":\"a\",\"typ\":\"x\",\"kid\":1}",
	"{\"alg\":\"a\",\"alg\":\"b\",\"kid\":\"y\"}",
	"{\"alg\":\"\\u0061\",\"typ\":\"x\",\"kid\":\"y\"}",
};

START_TEST(other_headers_too)
{
	struct arena *a = arena_new(0);

	(void)both(a, str_of(others[_i]));
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jws");
	TCase *tc = tcase_create("jws");

	tcase_add_test(tc, both_ways_are_one);
	tcase_add_loop_test(tc, other_headers_too, 0, ARRAY_LEN(others));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
