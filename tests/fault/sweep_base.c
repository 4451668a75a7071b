/* sweep_base.c - base/ with each of its allocations failing in turn: the right
 * answer, or limit.memory; nothing left behind; usable again. */
#include "tests/fault/wrap.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/intern.h"
#include "base/json.h"
#include "tests/lib/run.h"

static bool
json_there_and_back(void *ctx)
{
	static const struct str text =
	    STR_INIT("{\"a\":[1,\"two\",{\"b\":null}],\"c\":\"\\u00e9\"}");
	struct error e = { 0 };
	struct buf b = { 0 };
	json_t *value;
	bool ok;

	(void)ctx;
	if (!json_parse(text, "f", 1000, 9, JSON_NO_NUL, &value, &e)) {
		/* jansson's lexer takes a string it has no room for as text
		 * it does not understand: a refusal all the same. */
		ck_assert_msg(
		    e.code == ERR_LIMIT_MEMORY || e.code == ERR_JSON_SYNTAX,
		    "%s: %s", error_id(e.code), e.msg);
		return false;
	}
	ok = json_write(&b, value);
	if (ok)
		ck_str_is(buf_str(&b),
		    "{\"a\":[1,\"two\",{\"b\":null}],\"c\":\"\\u00E9\"}");
	json_decref(value);
	buf_free(&b);
	return ok;
}

static bool
intern_many(void *ctx)
{
	struct arena *a = arena_new(0);
	struct intern *t = a ? intern_new(a, NULL) : NULL;
	uint32_t i = 0;

	(void)ctx;
	for (; t && i < 2000; i++) {
		struct str id = { (const char *)&i, sizeof i };
		uint32_t got = intern_add(t, STR("T"), id);

		if (got == INTERN_NONE)
			break;
		ck_assert_uint_eq(got, i);
	}
	if (t)
		ck_assert_uint_eq(intern_count(t), i);
	arena_free(a);
	return i == 2000;
}

static bool
base64_both_ways(void *ctx)
{
	struct arena *a = arena_new(0);
	struct buf b = { 0 };
	struct str back;
	bool ok;

	(void)ctx;
	for (int i = 0; i < 100; i++)
		base64_encode(&b, BASE64_URL, STR("foobar"));
	ok =
	    a && buf_ok(&b) && base64_decode(a, BASE64_URL, buf_str(&b), &back);
	if (ok)
		ck_assert_uint_eq(back.n, 600);
	buf_free(&b);
	arena_free(a);
	return ok;
}

static bool
file_written_and_read(void *ctx)
{
	struct arena *a = arena_new(0);
	struct error e = { 0 };
	struct str got;
	bool ok = a && file_replace(ctx, 0600, STR("text"), &e) &&
		  file_read_secret(a, ctx, 10, &got, &e);

	if (ok)
		ck_str_is(got, "text");
	else if (a)
		ck_assert_msg(
		    e.code == ERR_LIMIT_MEMORY || e.code == ERR_FILE_WRITE,
		    "%s", e.msg);
	arena_free(a);
	return ok;
}

static bool
file_written_in_pieces(void *ctx)
{
	struct file_new f;
	struct error e = { 0 };
	bool ok = file_new_begin(&f, ctx, 0600, &e);

	if (ok) {
		ok = file_new_put(&f, 1, STR("ext"), &e) &&
		     file_new_put(&f, 0, STR("t"), &e);
		ok = file_new_end(&f, ok, &e);
	}
	ck_assert(!ok || file_holds(ctx, STR("text")));
	ck_assert_msg(
	    ok || e.code == ERR_LIMIT_MEMORY || e.code == ERR_FILE_WRITE, "%s",
	    e.msg);
	(void)unlink(ctx);
	return ok;
}

static bool
error_printed(void *ctx)
{
	struct error e = {
		.code = ERR_USAGE, .at = { "f", 1, 2, 3 }, .msg = "bad"
	};
	struct buf b = { 0 };
	bool ok;

	(void)ctx;
	error_print(&b, &e, STR("some text of a file"));
	ok = buf_ok(&b);
	buf_free(&b);
	return ok;
}

static const struct {
	const char *name;
	bool (*once)(void *ctx);
	long least; /* allocations that at least are made, so that the harness
		     * itself is seen to work */
} sweeps[] = {
	{ "json", json_there_and_back, 10 },
	{ "intern", intern_many, 5 },
	{ "base64", base64_both_ways, 4 },
	{ "file", file_written_and_read, 3 },
	{ "file in pieces", file_written_in_pieces, 2 },
	{ "error", error_printed, 1 },
};

START_TEST(sweep)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/f", test_folder());
	ck_assert_int_ge(fault_sweep(sweeps[_i].name, sweeps[_i].once, path.p),
	    sweeps[_i].least);
	buf_free(&path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_base");
	TCase *tc = tcase_create("sweep");

	tcase_add_loop_test(tc, sweep, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
