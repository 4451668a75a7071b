#include "gateways/body.h"

#include "tests/lib/run.h"

static struct arena *arena;

static void
setup(void)
{
	json_setup();
	arena = arena_new(0);
}

static void
teardown(void)
{
	arena_free(arena);
}

struct thing {
	struct str text;
	int64_t count, seconds;
	enum body_choice choice;
	const json_t *object;
};
static const struct body_field fields[] = {
	{ "text", BODY_TEXT, offsetof(struct thing, text), true },
	{ "count", BODY_COUNT, offsetof(struct thing, count), false },
	{ "for", BODY_DURATION, offsetof(struct thing, seconds), false },
	{ "choice", BODY_CHOICE, offsetof(struct thing, choice), false },
	{ "object", BODY_OBJECT, offsetof(struct thing, object), false },
};

static bool
read_thing(const char *type, const char *body, struct thing *ret,
    json_t **ret_json, struct error *err)
{
	const struct http_header header = { STR("Content-Type"), str_of(type) };
	const struct http_request q = { .headers = &header,
		.n_headers = type ? 1 : 0,
		.body = str_of(body),
		.arena = arena };

	*ret = (struct thing){ 0 };
	*err = (struct error){ 0 };
	return body_read(&q, fields, ARRAY_LEN(fields), ret, ret_json, err);
}

START_TEST(whole)
{
	struct thing t;
	struct error err;
	json_t *json;

	ck_assert_msg(read_thing("application/json; charset=UTF-8",
			  " {\"text\": \"a\", \"count\": 7, \"for\": "
			  "\"1h30m\", \"choice\": false, \"object\": {\"x\": "
			  "1}} ",
			  &t, &json, &err),
	    "%s", err.msg);
	ck_str_is(t.text, "a");
	ck_assert_int_eq(t.count, 7);
	ck_assert_int_eq(t.seconds, 5400);
	ck_assert_int_eq(t.choice, BODY_NO);
	ck_assert_ptr_nonnull(t.object);
	json_decref(json);
}
END_TEST

START_TEST(least)
{
	struct thing t;
	struct error err;
	json_t *json;

	ck_assert(read_thing(
	    "Application/JSON", "{\"text\":\"a\"}", &t, &json, &err));
	ck_assert_int_eq(t.choice, BODY_UNSAID);
	ck_assert(t.count == 0 && t.seconds == 0 && t.object == NULL);
	json_decref(json);
}
END_TEST

static const struct {
	const char *type, *body, *says;
} bad[] = {
	{ NULL, "{\"text\":\"a\"}", "Content-Type" },
	{ "text/plain", "{\"text\":\"a\"}", "Content-Type" },
	{ "application/json; charset=latin1", "{\"text\":\"a\"}",
	    "Content-Type" },
	{ "application/json", "", "line 1" },
	{ "application/json", "{", "line 1" },
	{ "application/json", "{\"text\":\"a\"} x", "line 1" },
	{ "application/json", "[\"text\"]", "a JSON object" },
	{ "application/json", "{\"text\":\"a\",\"text\":\"b\"}", "line 1" },
	{ "application/json", "{}", "`text` is missing" },
	{ "application/json", "{\"text\":\"\"}", "not empty" },
	{ "application/json", "{\"text\":null}", "not empty" },
	{ "application/json", "{\"text\":\"a\\u0000\"}", "line 1" },
	{ "application/json", "{\"text\":\"a\",\"more\":1}",
	    "no member `more`" },
	{ "application/json", "{\"text\":\"a\",\"count\":-1}", "from 0 on" },
	{ "application/json", "{\"text\":\"a\",\"count\":1.0}", "from 0 on" },
	{ "application/json", "{\"text\":\"a\",\"count\":\"1\"}", "from 0 on" },
	{ "application/json", "{\"text\":\"a\",\"for\":60}", "not empty" },
	{ "application/json", "{\"text\":\"a\",\"for\":\"60\"}", "duration" },
	{ "application/json", "{\"text\":\"a\",\"for\":\"-1h\"}", "duration" },
	{ "application/json", "{\"text\":\"a\",\"for\":\"1500ms\"}",
	    "duration" },
	{ "application/json", "{\"text\":\"a\",\"choice\":\"true\"}",
	    "true or false" },
	{ "application/json", "{\"text\":\"a\",\"object\":[]}", "an object" },
};

START_TEST(refused)
{
	struct thing t;
	struct error err;
	json_t *json;

	ck_assert_msg(!read_thing(bad[_i].type, bad[_i].body, &t, &json, &err),
	    "%s", bad[_i].body);
	ck_assert_int_eq(err.code, ERR_REQUEST_MALFORMED);
	ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s: %s",
	    bad[_i].body, err.msg);
	json_decref(json);
}
END_TEST

static const struct {
	const char *text;
	const char *a, *b; /* NULL: not there */
	bool query, form;  /* taken as that */
} pairs[] = {
	{ "", NULL, NULL, true, true },
	{ "a=1", "1", NULL, true, true },
	{ "a=1&b=2", "1", "2", true, true },
	{ "a=", "", NULL, true, true },
	{ "a=x+y%2f%C3%A4", "x y/\xc3\xa4", NULL, true, true },
	{ "a==", "=", NULL, true, true },
	{ "%61=1", "1", NULL, true, true },
	{ "c=1&a=2", "2", NULL, false, true },
	{ "a", NULL, NULL, false, false },
	{ "&", NULL, NULL, false, false },
	{ "a=1&&b=2", NULL, NULL, false, false },
	{ "a=1&a=1", NULL, NULL, false, false },
	{ "a=1&%61=1", NULL, NULL, false, false },
	{ "a=%", NULL, NULL, false, false },
	{ "a=%2", NULL, NULL, false, false },
	{ "a=%2g", NULL, NULL, false, false },
	{ "a=%00", NULL, NULL, false, false },
	{ "a=%0a", NULL, NULL, false, false },
	{ "a=%ff", NULL, NULL, false, false },
};

static void
ck_pair(const struct body_pair *p, const char *want, const char *text)
{
	if (want)
		ck_str_is(p->value, want);
	else
		ck_assert_msg(p->value.p == NULL, "%s", text);
}

START_TEST(names_and_values)
{
	const struct http_header header = { STR("Content-Type"),
		STR("application/x-www-form-urlencoded") };
	const struct http_request q = { .headers = &header,
		.n_headers = 1,
		.query = str_of(pairs[_i].text),
		.body = str_of(pairs[_i].text),
		.arena = arena };
	struct body_pair found[] = { { "a", { 0 } }, { "b", { 0 } } };
	struct body_pair again[] = { { "a", { 0 } }, { "b", { 0 } } };

	ck_assert_msg(body_query(&q, found, 2, NULL) == pairs[_i].query, "%s",
	    pairs[_i].text);
	ck_assert_msg(body_form(&q, again, 2, NULL) == pairs[_i].form, "%s",
	    pairs[_i].text);
	if (!pairs[_i].form)
		return;
	ck_pair(&again[0], pairs[_i].a, pairs[_i].text);
	ck_pair(&again[1], pairs[_i].b, pairs[_i].text);
}
END_TEST

START_TEST(too_many)
{
	struct buf text = { 0 };
	struct http_request q = { .arena = arena };
	struct body_pair found[] = { { "a", { 0 } } };

	for (unsigned i = 0; i < 65; i++)
		buf_addz(&text, "c=1&");
	q.query = buf_str(&text);
	ck_assert(!body_query(&q, found, 1, NULL));
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("body");
	TCase *tc = tcase_create("body");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, least);
	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, names_and_values, 0, ARRAY_LEN(pairs));
	tcase_add_test(tc, too_many);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
