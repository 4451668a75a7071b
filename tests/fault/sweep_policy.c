/* sweep_policy.c - reading policies with each allocation failing in turn: the
 * right answer, or limit.memory; never a set that lacks something. */
#include "tests/fault/wrap.h"

#include "policy/pattern.h"
#include "policy/policy.h"
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/lib/run.h"

static const char text[] =
    "// first\n@id(\"a\\n\") @note permit (principal is not A in G::\"x\",\n"
    "    action in [Action::\"a\", Action::\"b\"],\n"
    "    resource like P::\"a/${principal.o[\\\"x\\\"]}*\")\n"
    "when { {a: 1, \"b\": [1, 2, principal.x]}.b.contains(ip(\"::1\")) }\n"
    "unless { A :: B::\"x\\t\" has a.b && \"x\" like \"\\*y\" &&\n"
    "    \"x\" matches \"(x+)+$\" && [\"x\"].allMatches(\"(x+)+$\") &&\n"
    "    [\"x\"].anyMatches(\"^(?<name>y)\\\\1\") }; // last\n"
    "indivisible principal [A::\"x\", A::\"y\"];\n"
    "indivisible resource [A::\"x\"];\n";

static bool
only_memory(const struct errors *e)
{
	ck_assert_uint_gt(e->n, 0);
	for (size_t i = 0; i < e->n; i++)
		ck_assert_msg(e->e[i].code == ERR_LIMIT_MEMORY ||
				  e->e[i].code == ERR_SYSTEM_ERROR,
		    "%s: %s", error_id(e->e[i].code), e->e[i].msg);
	return false;
}

static bool
load_set(void *ctx)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	bool ok;

	(void)ctx;
	if (!set)
		return false;
	ok = policy_set_add_text(set, "f", str_of(text), POLICY_AVOW, &e) &&
	     policy_set_add_text(set, "g",
		 STR("forbid (principal, action, resource);"), POLICY_CEDAR,
		 &e) &&
	     policy_set_finish(set, &e);
	if (ok) {
		ck_assert_uint_eq(policy_set_count(set), 2);
		ck_str_is(policy_set_info(set, 0).id, "a\n");
		ck_str_is(policy_set_info(set, 1).id, "g#0");
	} else {
		ok = only_memory(&e);
	}
	policy_set_free(set);
	return ok;
}

static bool
format_text(void *ctx)
{
	struct errors e = { 0 }, none = { 0 };
	struct buf out = { 0 }, again = { 0 };
	bool ok = policy_format("f", str_of(text), POLICY_AVOW, &out, &e);

	(void)ctx;
	if (!ok)
		(void)only_memory(&e);
	ok = ok && buf_ok(&out);
	if (ok) {
		/* All of it is there, or the end of it would not parse. */
		ck_assert(str_has_prefix(buf_str(&out), STR("// first\n@id")));
		ck_assert(str_has_suffix(
		    buf_str(&out), STR("resource [A::\"x\"];\n")));
		if (policy_format(
			"f", buf_str(&out), POLICY_AVOW, &again, &none) &&
		    buf_ok(&again))
			ck_assert(str_eq(buf_str(&out), buf_str(&again)));
		else
			ok = false;
	}
	buf_free(&out);
	buf_free(&again);
	return ok;
}

/* No string of more than 13 bytes: jansson 2.14 writes beyond its buffer where
 * that cannot grow. */
static const char json[] =
    "{\"avow\": 1, \"effect\": \"deny\", "
    "\"principal\": {\"op\": \"in\", \"not\": true, \"entities\": [{"
    "\"type\": \"U\", \"id\": \"a\"}]}, \"action\": {\"op\": \"All\"}, "
    "\"resource\": {\"op\": \"like\", \"entity_type\": \"R\", \"pattern\": "
    "[{\"Literal\": \"x\"}]}, \"conditions\": [{\"kind\": \"when\", "
    "\"body\": {\"&&\": {\"left\": {\"Value\": [1, {\"a\": {\"__extn\": {"
    "\"fn\": \"ip\", \"arg\": \"x\"}}}]}, \"right\": {\"Record\": {\"b\": {"
    "\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": [\"a\", \"b\"]}}}"
    "}}}}], \"annotations\": {\"n\": \"v\"}}";
static const char links[] =
    "{\"templates\": {\"t\": {"
    "\"effect\": \"permit\", \"principal\": {\"op\": \"==\", \"slot\": "
    "\"?principal\"}, \"action\": {\"op\": \"All\"}, \"resource\": {\"op\": "
    "\"All\"}, \"conditions\": []}}, \"templateLinks\": [{\"templateId\": "
    "\"t\", \"newId\": \"l\", \"values\": {\"?principal\": {\"type\": \"U\", "
    "\"id\": \"a\"}}}]}";

static bool
translate_set(const struct policy_set *set)
{
	struct errors e = { 0 };
	struct buf out = { 0 };
	json_t *tree = NULL;
	bool ok = policy_set_to_json(set, &tree, &e) || only_memory(&e);

	if (ok)
		ck_assert_uint_eq(
		    json_object_size(json_object_get(tree, "templates")), 1);
	json_decref(tree);
	ok = ok && (policy_set_to_text(set, POLICY_CEDAR, &out, &e) ||
		       only_memory(&e));
	/* Whether the caller's own buffer grew is for the caller to ask. */
	ok = ok && buf_ok(&out);
	if (ok)
		ck_assert(str_has_suffix(buf_str(&out),
		    STR("forbid (principal, action, resource == R::\"x\")\n"
			"when { !(principal in U::\"a\") }\n"
			"when { [1, {a: ip(\"x\")}] && {b: context has a.b} "
			"};\n\n"
			"@id(\"t\")\n"
			"permit (principal == ?principal, action, resource);"
			"\n\n"
			"@id(\"l\")\n"
			"permit (principal == U::\"a\", action, resource);"
			"\n")));
	buf_free(&out);
	return ok;
}

/* jansson calls a string that it had no memory for no string. */
static bool
memory_or_syntax(const struct errors *e)
{
	if (e->n == 1 && e->e[0].code == ERR_JSON_SYNTAX)
		return false;
	return only_memory(e);
}

static bool
load_json(void *ctx)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	bool ok;

	(void)ctx;
	if (!set)
		return false;
	ok = (policy_set_add_json(set, "j", str_of(json), &e) &&
		 policy_set_add_json(set, "k", str_of(links), &e) &&
		 policy_set_finish(set, &e)) ||
	     memory_or_syntax(&e);
	if (ok) {
		ck_assert_uint_eq(policy_set_count(set), 2);
		ck_assert_uint_eq(policy_set_templates(set), 1);
		ck_str_is(policy_set_info(set, 1).id, "l");
		ok = translate_set(set);
	}
	policy_set_free(set);
	return ok;
}

/* Files so large that several threads read them, of few policies. */
#define FOLDER_FILES 4u
#define FILE_BYTES (400u << 10)

static char folder[PATH_MAX];

static bool
load_folder(void *ctx)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	bool ok;

	(void)ctx;
	if (!set)
		return false;
	ok = policy_set_add_path(set, folder, &e) && policy_set_finish(set, &e);
	if (ok)
		ck_assert_uint_eq(policy_set_count(set), 2 * FOLDER_FILES);
	else
		ok = only_memory(&e);
	policy_set_free(set);
	return ok;
}

static void
make_folder(void)
{
	char path[PATH_MAX + 16];

	snprintf(folder, sizeof folder, "%s/threads", test_folder());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	for (unsigned i = 0; i < FOLDER_FILES; i++) {
		struct buf b = { 0 };

		buf_addz(&b, "permit (principal, action, resource);\n//");
		while (b.n < FILE_BYTES)
			buf_addz(&b, " a long comment is soon read");
		buf_addz(&b, "\ndeny (principal, action, resource);\n");
		snprintf(path, sizeof path, "%s/%u.avow", folder, i);
		ck_assert(file_create(path, 0600, buf_str(&b), NULL));
		buf_free(&b);
	}
}

START_TEST(allocations_of_threads_fail)
{
	make_folder();
	ck_assert_int_gt(
	    fault_sweep("folder by threads", load_folder, NULL), 60);
}
END_TEST

static const struct {
	const char *name;
	bool (*once)(void *ctx);
	long least;
} sweeps[] = {
	{ "policy set", load_set, 20 },
	{ "policy format", format_text, 20 },
	{ "policy json", load_json, 100 },
};

START_TEST(allocations_fail)
{
	ck_assert_int_ge(fault_sweep(sweeps[_i].name, sweeps[_i].once, NULL),
	    sweeps[_i].least);
}
END_TEST

/* A pattern: compiled, then found. */
static void *
compile_and_search(void *ret_ok)
{
	struct arena *a = arena_new(0);
	const struct pattern_regex *regex;
	struct error err = { 0 };
	size_t at;
	bool ok = a && pattern_compile(
			   a, STR("^(?<x>[a-z]+)+\\d$"), &regex, &at, &err);

	if (a && !ok)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	if (ok) {
		enum pattern_answer answer =
		    pattern_search(regex, STR("abc7"), LIMIT_PATTERN_MATCH);

		ok = answer == PATTERN_YES;
		ck_assert(ok || answer == PATTERN_FAILED);
	}
	arena_free(a);
	memcpy(ret_ok, &ok, sizeof ok);
	return NULL;
}

/* In a thread of its own, with which goes what it searched with. */
static bool
search_in_thread(void *ctx)
{
	pthread_t thread;
	bool ok = false;

	(void)ctx;
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, compile_and_search, &ok), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return ok;
}

static bool
search(void *regex)
{
	return pattern_search(regex, STR("abc7"), LIMIT_PATTERN_MATCH) ==
		   PATTERN_YES &&
	       pattern_search(regex, STR("abc"), LIMIT_PATTERN_MATCH) ==
		   PATTERN_NO;
}

START_TEST(searching_allocates_once_a_thread)
{
	struct arena *a = arena_new(0);
	const struct pattern_regex *regex;
	size_t at;

	ck_assert_int_gt(fault_sweep("pattern", search_in_thread, NULL), 5);
	ck_assert(
	    pattern_compile(a, STR("^(?<x>[a-z]+)+\\d$"), &regex, &at, NULL));
	ck_assert(search((void *)(uintptr_t)regex));
	ck_assert_int_eq(
	    fault_sweep("search", search, (void *)(uintptr_t)regex), 0);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, allocations_fail, 0, ARRAY_LEN(sweeps));
	tcase_add_test(tc, allocations_of_threads_fail);
	tcase_add_test(tc, searching_allocates_once_a_thread);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
