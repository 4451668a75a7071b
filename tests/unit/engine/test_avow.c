/* test_avow.c - the library's face: bytes in, a decision out, deny in doubt. */
#include "avow.h"

#include <stdio.h>

#include "base/file.h"
#include "tests/lib/run.h"

#define ASK(x)                                                                 \
	"{\"principal\":{\"type\":\"U\",\"id\":\"u\"},\"action\":{\"type\":"   \
	"\"Action\",\"id\":\"act\"},\"resource\":{\"type\":\"R\",\"id\":"      \
	"\"r\"},\"context\":" x "}"

static struct avow *library;
static char message[400];

static const char *
put(const char *name, const char *text)
{
	static char path[600];
	struct error err = { 0 };

	snprintf(path, sizeof path, "%s/%s", test_folder(), name);
	ck_assert_msg(
	    file_replace(path, 0600, str_of(text), &err), "%s", err.msg);
	return path;
}

static void
setup(void)
{
	const char *path = put("avow.avow",
	    "@id(\"p\") permit (principal, action, resource);\n@id(\"d\") "
	    "forbid (principal, action, resource) when { context.bad };");

	library = avow_open(&path, 1, NULL, 0, message, sizeof message);
	ck_assert_msg(library != NULL, "%s", message);
	ck_assert_str_eq(message, "");
}

static void
teardown(void)
{
	avow_close(library);
}

static const struct {
	const char *note, *request;
	enum avow_errored_deny mode;
	enum avow_effect want;
	const char *code;
} cases[] = {
	{ "permitted", ASK("{\"bad\":false}"), AVOW_ERRORED_DENY, AVOW_PERMIT,
	    "\"permit\"" },
	{ "denied", ASK("{\"bad\":true}"), AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"policy.denied\"" },
	{ "an error denies", ASK("{}"), AVOW_ERRORED_DENY, AVOW_DENY,
	    "\"policy.error\"" },
	{ "an error is skipped", ASK("{}"), AVOW_ERRORED_SKIP, AVOW_PERMIT,
	    "\"permit\"" },
	{ "an unknown mode denies", ASK("{}"), (enum avow_errored_deny)7,
	    AVOW_DENY, "\"policy.error\"" },
	{ "nothing", "", AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"request.malformed\"" },
	{ "no JSON", "permit", AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"request.malformed\"" },
	{ "unknown key", "{\"conetxt\":{}}", AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"request.malformed\"" },
	{ "context is text", ASK("\"x\""), AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"request.malformed\"" },
	{ "an odd value", ASK("{\"bad\":null}"), AVOW_ERRORED_SKIP, AVOW_DENY,
	    "\"request.malformed\"" },
};

START_TEST(decides)
{
	char answer[2000];
	size_t n = 0;
	enum avow_effect got =
	    avow_decide(library, cases[_i].request, strlen(cases[_i].request),
		cases[_i].mode, answer, sizeof answer, &n);

	ck_assert_msg(got == cases[_i].want, "%s: %s", cases[_i].note, answer);
	ck_assert_msg(strstr(answer, cases[_i].code) != NULL, "%s: %s",
	    cases[_i].note, answer);
	ck_assert_uint_eq(n, strlen(answer));
}
END_TEST

/* Half an answer is none; its length is told all the same. */
START_TEST(a_buffer_that_is_too_small)
{
	static const char request[] = ASK("{\"bad\":false}");
	char answer[2000], small[2000];
	size_t n = 0, again = 0;

	(void)avow_decide(library, request, strlen(request), AVOW_ERRORED_DENY,
	    answer, sizeof answer, &n);
	for (size_t size = 1; size <= n + 1; size++) {
		memset(small, 'x', sizeof small);
		ck_assert_int_eq(avow_decide(library, request, strlen(request),
				     AVOW_ERRORED_DENY, small, size, &again),
		    AVOW_PERMIT);
		ck_assert_uint_eq(again, n);
		ck_assert_str_eq(small, size > n ? answer : "");
		ck_assert_int_eq(small[size], 'x');
	}
	ck_assert_int_eq(avow_decide(library, request, strlen(request),
			     AVOW_ERRORED_DENY, NULL, 0, NULL),
	    AVOW_PERMIT);
}
END_TEST

/* The length counts, not a NUL. */
START_TEST(requests_need_no_nul)
{
	char request[] = ASK("{\"bad\":false}") "}}}";

	ck_assert_int_eq(avow_decide(library, request, sizeof request - 4,
			     AVOW_ERRORED_DENY, NULL, 0, NULL),
	    AVOW_PERMIT);
	ck_assert_int_eq(avow_decide(library, request, sizeof request - 1,
			     AVOW_ERRORED_DENY, NULL, 0, NULL),
	    AVOW_DENY);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	const char *path = put("broken.avow", "permit (principal);");
	char cut[10] = "untouched";

	ck_assert_ptr_null(
	    avow_open(&path, 1, NULL, 0, message, sizeof message));
	ck_assert_ptr_nonnull(strstr(message, "broken.avow:1:"));
	ck_assert_ptr_null(avow_open(&path, 1, NULL, 0, cut, sizeof cut));
	ck_assert_uint_eq(strlen(cut), sizeof cut - 1);
	ck_assert_ptr_null(avow_open(&path, 1, NULL, 0, NULL, 0));
}
END_TEST

START_TEST(without_policies_all_is_denied)
{
	static const char request[] = ASK("{}");
	struct avow *none = avow_open(NULL, 0, NULL, 0, NULL, 0);

	ck_assert_ptr_nonnull(none);
	ck_assert_int_eq(avow_decide(none, request, strlen(request),
			     AVOW_ERRORED_SKIP, NULL, 0, NULL),
	    AVOW_DENY);
	avow_close(none);
	avow_close(NULL);
	ck_assert_int_eq(AVOW_DENY, 0);
	ck_assert_str_eq(avow_version(), "0.1.0");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("avow");
	TCase *tc = tcase_create("avow");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, decides, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, a_buffer_that_is_too_small);
	tcase_add_test(tc, requests_need_no_nul);
	tcase_add_test(tc, what_is_wrong_is_said);
	tcase_add_test(tc, without_policies_all_is_denied);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
