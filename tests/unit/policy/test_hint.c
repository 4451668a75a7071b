#include "policy/hint.h"

#include "tests/lib/run.h"

static const struct {
	const char *word, *near;
} rows[] = {
	{ "principle", "principal" },
	{ "prinicpal", "principal" },
	{ "Principal", "principal" },
	{ "resuorce", "resource" },
	{ "acton", "action" },
	{ "actoin", "action" },
	{ "IN", "in" },
	{ "on", "in" },
	{ "user", NULL },
	{ "x", NULL },
	{ "", NULL },
	{ "principalprincipalprincipal", NULL },
};

START_TEST(near_words)
{
	static const char *const words[] = { "principal", "action", "resource",
		"in", NULL };
	const char *got = hint_nearest(str_of(rows[_i].word), words);

	if (rows[_i].near)
		ck_assert_pstr_eq(got, rows[_i].near);
	else
		ck_assert_ptr_null(got);
}
END_TEST

static const struct {
	const char *word, *near;
} name_rows[] = {
	{ "Usr", "User" },
	{ "App::Usr", "App::User" },
	{ "Photo", "App::Photo" },
	{ "Other::Photo", "App::Photo" },
	{ "departmnet", "department" },
	{ "clearanceLevelOfTheEmploye", "clearanceLevelOfTheEmployee" },
	{ "zebra", NULL },
	{ "", NULL },
};

START_TEST(near_names)
{
	static const struct str words[] = { STR_INIT("App::User"),
		STR_INIT("User"), STR_INIT("App::Photo"),
		STR_INIT("department"), STR_INIT("clearanceLevelOfTheEmployee"),
		STR_INIT("") };
	const struct str *got = hint_nearest_of(
	    str_of(name_rows[_i].word), words, ARRAY_LEN(words));

	if (!name_rows[_i].near) {
		ck_assert_ptr_null(got);
		return;
	}
	ck_assert_ptr_nonnull(got);
	ck_assert(str_eq(*got, str_of(name_rows[_i].near)));
}
END_TEST

START_TEST(near_operations)
{
	ck_assert_pstr_eq(hint_operation(STR("datetme"), false), "datetime");
	ck_assert_pstr_eq(
	    hint_operation(STR("containall"), true), "containsAll");
	ck_assert_ptr_null(hint_operation(STR("containsAll"), false));
}
END_TEST

START_TEST(found_text_is_cut_between_characters)
{
	struct str text =
	    STR("\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddd\xc3\xb6"
		"eeeeeeeeeee\"");
	char buf[HINT_FOUND];
	struct token t = { .kind = TOKEN_STRING, .len = (uint32_t)text.n };
	const char *got = hint_found(text, t, buf);

	ck_assert_str_eq(
	    got, "the string `\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddd...`");
	t.kind = TOKEN_END;
	ck_assert_str_eq(hint_found(text, t, buf), "the end of the text");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hint");
	TCase *tc = tcase_create("hint");

	tcase_add_loop_test(tc, near_words, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, near_names, 0, ARRAY_LEN(name_rows));
	tcase_add_test(tc, near_operations);
	tcase_add_test(tc, found_text_is_cut_between_characters);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
