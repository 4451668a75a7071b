/* Policy sets: naming, uniqueness, versions, files and folders, warnings. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/lib/run.h"

#define ANY "permit (principal, action, resource);\n"

static struct policy_set *
load(enum policy_naming naming, const char *const *texts, size_t n,
    struct errors *reterr)
{
	struct policy_set *set = policy_set_new(naming);
	char name[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "f%zu", i);
		ck_assert_msg(policy_set_add_text(set, name, str_of(texts[i]),
				  POLICY_AVOW, reterr),
		    "%s", reterr->e[0].msg);
	}
	return set;
}

START_TEST(policies_are_named)
{
	static const char *const texts[] = {
		ANY "@id(\"one\") deny (principal, action, resource);\n",
		"indivisible principal [A::\"x\"];\n@id(\"\")\n" ANY,
		"@id " ANY "@other(\"x\")@id(\"two\\n\")" ANY,
	};
	static const char *const named[] = { "f0#0", "one", "f1#0", "f2#0",
		"two\n" };
	static const char *const counted[] = { "policy0", "policy1", "policy2",
		"policy3", "policy4" };
	const char *const *want = _i ? counted : named;
	struct errors e = { 0 };
	struct policy_set *set =
	    load(_i ? POLICY_BY_POSITION : POLICY_NAMED, texts, 3, &e);

	ck_assert(policy_set_finish(set, &e));
	ck_assert_uint_eq(policy_set_count(set), 5);
	ck_assert_uint_eq(policy_set_files(set), 3);
	for (uint32_t i = 0; i < 5; i++)
		ck_str_is(policy_set_info(set, i).id, want[i]);
	ck_assert_int_eq(policy_set_info(set, 1).effect, POLICY_DENY);
	ck_assert_int_eq(policy_set_info(set, 2).effect, POLICY_PERMIT);
	ck_assert_str_eq(policy_set_info(set, 1).at.file, "f0");
	ck_assert_uint_eq(policy_set_info(set, 1).at.line, 2);
	ck_assert_uint_eq(policy_set_info(set, 1).at.col, 12);
	ck_assert_uint_eq(policy_set_info(set, 1).at.len, 4);
	policy_set_free(set);
}
END_TEST

/* What only the whole set shows. */
static const struct {
	const char *note, *texts[2];
	enum err_code code; /* ERR_NONE: fine */
	const char *file;
	uint32_t line, col;
	const char *says;
} rows[] = {
	{ "two ids", { "@id(\"a\")" ANY, "\n @id(\"a\")" ANY },
	    ERR_NAME_DUPLICATE, "f1", 2, 2, "first at f0:1" },
	{ "an id like a place", { ANY, "@id(\"f0#0\")" ANY },
	    ERR_NAME_DUPLICATE, "f1", 1, 1, "first at f0:1" },
	{ "a place like an id", { "@id(\"f1#0\")" ANY, ANY },
	    ERR_NAME_DUPLICATE, "f1", 1, 1, "first at f0:1" },
	{ "empty ids", { "@id(\"\")" ANY, "@id " ANY }, ERR_NONE, "", 0, 0,
	    "" },
	{ "ids differ in case", { "@id(\"a\")" ANY, "@id(\"A\")" ANY },
	    ERR_NONE, "", 0, 0, "" },
	{ "sets over files",
	    { "indivisible action [Action::\"a\"];",
		"indivisible action [Action::\"b\", Action::\"a\"];" },
	    ERR_NAME_DUPLICATE, "f1", 1, 34, "at f0:1" },
	{ "one set may repeat itself",
	    { "indivisible action [Action::\"a\", Action::\"a\"];", "" },
	    ERR_NONE, "", 0, 0, "" },
	{ "sets of different variables",
	    { "indivisible principal [A::\"a\"];",
		"indivisible resource [A::\"a\"];" },
	    ERR_NONE, "", 0, 0, "" },
	{ "nothing at all", { "", "" }, ERR_NONE, "", 0, 0, "" },
};

START_TEST(sets_are_checked)
{
	struct errors e = { 0 };
	struct policy_set *set = load(POLICY_NAMED, rows[_i].texts, 2, &e);
	bool ok = policy_set_finish(set, &e);

	ck_assert_msg(ok == (rows[_i].code == ERR_NONE), "%s: %s",
	    rows[_i].note, e.e[0].msg);
	ck_assert_int_eq(e.e[0].code, rows[_i].code);
	if (!ok) {
		ck_assert_uint_eq(e.n, 1);
		ck_assert_str_eq(e.e[0].at.file, rows[_i].file);
		ck_assert_uint_eq(e.e[0].at.line, rows[_i].line);
		ck_assert_uint_eq(e.e[0].at.col, rows[_i].col);
		ck_assert_msg(strstr(e.e[0].msg, rows[_i].says) != NULL,
		    "%s: %s", rows[_i].note, e.e[0].msg);
	}
	policy_set_free(set);
}
END_TEST

START_TEST(the_version_is_of_all_texts)
{
	static const char *const texts[][2] = {
		{ ANY, "" },
		{ "", ANY },
		{ ANY, " " },
		{ ANY ANY, "" },
		{ ANY, ANY },
	};
	struct str versions[ARRAY_LEN(texts)];
	struct policy_set *sets[ARRAY_LEN(texts)];
	struct errors e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		sets[i] = load(POLICY_NAMED, texts[i], 2, &e);
		ck_assert(policy_set_finish(sets[i], &e));
		versions[i] = policy_set_version(sets[i]);
		ck_assert_uint_eq(versions[i].n, 16);
		for (size_t j = 0; j < i; j++)
			ck_assert(!str_eq(versions[i], versions[j]));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		policy_set_free(sets[i]);
}
END_TEST

static const char *
write_file(const char *name, const char *text)
{
	static char path[512];
	struct error e = { 0 };

	snprintf(path, sizeof path, "%s/%s", test_folder(), name);
	ck_assert_msg(file_create(path, 0600, str_of(text), &e), "%s", e.msg);
	return path;
}

START_TEST(folders_are_read)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	char folder[512], want[600];
	struct errors e = { 0 };

	snprintf(folder, sizeof folder, "%s/set", test_folder());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	write_file("set/b.avow", "deny (principal, action, resource);");
	write_file("set/a.cedar", ANY);
	write_file("set/c.txt", "not a policy");
	write_file("set/.hidden.avow", "nor this");
	ck_assert_msg(policy_set_add_path(set, folder, &e), "%s", e.e[0].msg);
	ck_assert(policy_set_finish(set, &e));
	ck_assert_uint_eq(policy_set_count(set), 2);
	snprintf(want, sizeof want, "%s/a.cedar#0", folder);
	ck_str_is(policy_set_info(set, 0).id, want);
	ck_assert_int_eq(policy_set_info(set, 1).effect, POLICY_DENY);
	policy_set_free(set);
}
END_TEST

/* By suffix alone, whatever is inside; and errors in one file hide none in the
 * next. */
static const struct {
	const char *name, *text;
	enum err_code code;
} files[] = {
	{ "deny.cedar", "deny (principal, action, resource);",
	    ERR_SYNTAX_UNEXPECTED },
	{ "set.json", "[]", ERR_JSON_SHAPE },
	{ "bad.avow", "permit;", ERR_SYNTAX_UNEXPECTED },
};

/* A folder that is large enough for several threads to read it: what comes of
 * it is what comes of its files one after the other, errors included. */
static void
large_file(struct buf *out, unsigned number, bool with_errors)
{
	for (unsigned i = 0; i < 12000; i++) {
		buf_printf(out, "// file %u\n", number);
		buf_addz(out, ANY);
		if (with_errors && i % 2000 == number)
			buf_addz(
			    out, "permit (principal, nobody, resource);\n");
	}
}

START_TEST(large_folders_are_read_in_order)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_set *each = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 }, want = { 0 };
	struct buf messages = { 0 }, wanted = { 0 };
	char folder[600], path[700];
	bool ok, all_ok = true;

	snprintf(folder, sizeof folder, "%s/large%d", test_folder(), _i);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	for (unsigned k = 0; k < 5; k++) {
		struct buf text = { 0 };

		snprintf(path, sizeof path, "%s/%u.avow", folder, k);
		large_file(&text, k, _i && k != 1);
		ck_assert(file_create(path, 0600, buf_str(&text), NULL));
		all_ok =
		    policy_set_add_file(each, path, buf_str(&text), &want) &&
		    all_ok;
		buf_free(&text);
	}
	ok = policy_set_add_path(set, folder, &e);
	ck_assert_int_eq(ok, all_ok);
	ck_assert_int_eq(ok, _i == 0);
	policy_set_print_errors(set, &e, &messages);
	policy_set_print_errors(each, &want, &wanted);
	ck_assert(str_eq(buf_str(&messages), buf_str(&wanted)));
	ck_assert_uint_eq(e.n + e.dropped, want.n + want.dropped);
	ck_assert_uint_eq(policy_set_files(set), 5);
	if (ok) {
		ck_assert(policy_set_finish(set, &e));
		ck_assert(policy_set_finish(each, &want));
		ck_assert_uint_eq(policy_set_count(set), 60000);
		ck_str_is(policy_set_version(set), policy_set_version(each).p);
		for (uint32_t i = 0; i < 60000; i += 997)
			ck_assert(str_eq(policy_set_info(set, i).id,
			    policy_set_info(each, i).id));
	}
	buf_free(&messages);
	buf_free(&wanted);
	policy_set_free(set);
	policy_set_free(each);
}
END_TEST

START_TEST(files_are_refused)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	const char *path = write_file(files[_i].name, files[_i].text);
	struct errors e = { 0 };
	struct buf out = { 0 };

	ck_assert(!policy_set_add_path(set, path, &e));
	ck_assert_uint_eq(e.n, 1);
	ck_assert_int_eq(e.e[0].code, files[_i].code);
	ck_assert_str_eq(e.e[0].at.file, path);
	ck_assert(!policy_set_add_path(set, "/not/there.avow", &e));
	ck_assert_uint_eq(e.n, 2);
	ck_assert_int_eq(e.e[1].code, ERR_FILE_READ);
	policy_set_print_errors(set, &e, &out);
	ck_assert_ptr_nonnull(strstr(out.p, files[_i].name));
	if (e.e[0].at.line > 0)
		ck_assert_ptr_nonnull(strstr(out.p, files[_i].text));
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

START_TEST(binary_data_is_no_policy)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct error e = { 0 };
	struct errors errors = { 0 };
	char path[512];

	snprintf(path, sizeof path, "%s/image.avow", test_folder());
	ck_assert(file_create(path, 0600, STR("AVOW\0\1"), &e));
	ck_assert(!policy_set_add_path(set, path, &errors));
	ck_assert_int_eq(errors.e[0].code, ERR_SYNTAX_UNSUPPORTED);
	policy_set_free(set);
}
END_TEST

/* The warning stands at the principal of a permit whose tests are all negated.
 */
static const struct {
	const char *text;
	bool warned;
} warnings[] = {
	{ ANY, false },
	{ "permit (principal != U::\"a\", action, resource);", true },
	{ "permit (principal not in [G::\"g\"], action, resource);", true },
	{ "permit (principal is not A not in G::\"x\", action, resource);",
	    true },
	{ "permit (principal is A not in G::\"x\", action, resource);", false },
	{ "deny (principal != U::\"a\", action, resource);", false },
	{ "permit (principal, action, resource != R::\"x\");", false },
};

START_TEST(negation_alone_is_warned_of)
{
	struct errors e = { 0 }, found = { 0 };
	struct policy_set *set = load(POLICY_NAMED, &warnings[_i].text, 1, &e);
	struct buf out = { 0 };

	ck_assert(policy_set_finish(set, &e));
	policy_set_warnings(set, &found);
	ck_assert_uint_eq(found.n, warnings[_i].warned);
	if (warnings[_i].warned) {
		ck_assert_int_eq(found.e[0].code, ERR_SYNTAX_NEGATED_ONLY);
		ck_assert_uint_eq(found.e[0].at.line, 1);
		ck_assert_uint_eq(found.e[0].at.col, 9);
		policy_set_print_warnings(set, &found, &out);
		ck_assert_ptr_nonnull(strstr(out.p, "f0:1:9: warning: "));
	}
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

START_TEST(one_policy_is_printed)
{
	static const char *const texts[] = { ANY
		"// note\n"
		"@id(\"x\")deny(principal,action,resource)when{1==01};" };
	struct errors e = { 0 };
	struct policy_set *set = load(POLICY_NAMED, texts, 1, &e);
	struct buf out = { 0 };

	ck_assert(policy_set_finish(set, &e));
	policy_print(set, 1, &out);
	ck_assert_str_eq(out.p,
	    "@id(\"x\")\ndeny (principal, action, resource)\n"
	    "when { 1 == 1 };\n");
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

START_TEST(duplicates_in_masses)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct buf b = { 0 };

	for (int i = 0; i < 20000; i++)
		buf_addz(&b, "@id(\"a\")" ANY);
	ck_assert(policy_set_add_text(set, "f", buf_str(&b), POLICY_AVOW, &e));
	ck_assert(!policy_set_finish(set, &e));
	ck_assert_uint_eq(e.n, ERRORS_MAX);
	ck_assert_uint_eq(e.dropped, 19999 - ERRORS_MAX);
	buf_free(&b);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_loop_test(tc, policies_are_named, 0, 2);
	tcase_add_loop_test(tc, sets_are_checked, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, the_version_is_of_all_texts);
	tcase_add_test(tc, folders_are_read);
	tcase_add_loop_test(tc, large_folders_are_read_in_order, 0, 2);
	tcase_add_loop_test(tc, files_are_refused, 0, ARRAY_LEN(files));
	tcase_add_test(tc, binary_data_is_no_policy);
	tcase_add_loop_test(
	    tc, negation_alone_is_warned_of, 0, ARRAY_LEN(warnings));
	tcase_add_test(tc, one_policy_is_printed);
	tcase_add_test(tc, duplicates_in_masses);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
