/* test_hot.c - a decision that is warm makes no system call and takes no lock,
 * with changes in place and without and over an image from the first one on,
 * while it follows the state in force.
 * The kernel is the judge of the first: in strict mode (seccomp(2)) any call
 * but read, write and exit kills. The second is counted, since a lock that
 * nobody else wants makes no call. */
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/swap.h"
#include "tests/unit/engine/fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
    defined(ARENA_DEBUG)
#define NOT_HERE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NOT_HERE 1
#endif
#endif

#define DECISIONS 2000

static long locks;

#ifndef NOT_HERE
/* Before the C library's own, for all of the process. */
int
pthread_mutex_lock(pthread_mutex_t *m)
{
	static int (*real)(pthread_mutex_t *);

	if (!real) {
		void *found = dlsym(RTLD_NEXT, "pthread_mutex_lock");

		memcpy(&real, &found, sizeof real);
	}
	locks++;
	return real(m);
}
#endif

static const char before[] =
    "permit (principal in G::\"g\", action, resource) when { principal.n > 0 "
    "};\ndeny (principal, action, resource) when { principal.n == 7 };\n";
static const char after[] =
    "deny (principal, action, resource) when { principal.n == 1 };\n";
static const char people[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"n\":1},\"parents\":[{"
    "\"type\":\"G\",\"id\":\"g\"}]}]";
static const char changed[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"n\":2},\"parents\":[{"
    "\"type\":\"G\",\"id\":\"g\"}]}]";

static struct engine_snapshot *
snapshot(bool with_changes)
{
	struct engine_file p[] = { { .name = "a.avow", .text = str_of(before) },
		{ .name = "b.avow", .text = str_of(after) } };
	struct engine_file e = { .name = "e.json", .text = str_of(people) };
	struct engine_files files = { p, &e, 1, 1 };
	struct buf messages = { 0 };
	struct engine_snapshot *s = engine_load_files(&files, 1, &messages);
	struct engine_snapshot *next;
	const char *why = NULL;

	ck_assert_ptr_nonnull(s);
	buf_free(&messages);
	if (!with_changes)
		return s;
	files.n_policies = 2;
	e.text = str_of(changed);
	next = engine_snapshot_update(s, &files, 2, &why);
	ck_assert_msg(next != NULL, "%s", why);
	engine_snapshot_unref(s);
	return next;
}

/* Policies of an image, one of them with a test that only its tree tells and
 * one in error: nobody has asked for either before the first decision. */
static struct engine_snapshot *
snapshot_of_image(void)
{
	static const char more[] =
	    "permit (principal, action, resource) when { principal.n + 1 > 1 "
	    "};\npermit (principal, action, resource) when { principal.gone };"
	    "\n";
	struct buf text = { 0 }, image = { 0 };
	struct arena *a = arena_new(0);
	struct entities *layer = entities_new(a, NULL);
	struct policy_set *set, *mapped;
	struct error err = { 0 };
	char path[600];
	FILE *f;

	buf_addz(&text, before);
	buf_addz(&text, more);
	buf_byte(&text, '\0');
	set = fixture_policies(text.p);
	ck_assert(policy_image_make(set, NULL, NULL, &image, &err));
	policy_set_free(set);
	snprintf(path, sizeof path, "%s/hot.img", test_folder());
	f = fopen(path, "we");
	ck_assert(f && fwrite(image.p, image.n, 1, f) == 1 && fclose(f) == 0);
	ck_assert(policy_image_open(path, NULL, &mapped, &err));
	ck_assert(entities_add_text(layer, str_of(people), "e.json", &err) &&
		  entities_finish(layer, &err));
	buf_free(&text);
	buf_free(&image);
	return engine_snapshot_new(mapped, a, layer, 1);
}

static enum err_code
decide(struct swap *now, struct arena *scratch)
{
	const struct engine_snapshot *s = swap_enter(now);
	struct engine_request r = { .principal = { STR("U"), STR("u") },
		.action = { STR("Action"), STR("act") },
		.resource = { STR("R"), STR("r") },
		.context = { .kind = VALUE_RECORD },
		.entities = engine_snapshot_entities(s) };
	struct engine_answer answer;

	arena_reset(scratch);
	engine_evaluate(s, &r, ERRORED_DENY_DENIES, scratch, &answer);
	swap_leave(now);
	return answer.code;
}

#ifndef NOT_HERE
/* In a process of its own, which any call but a few ends. */
static void
decide_in_strict_mode(
    struct swap *now, struct arena *scratch, enum err_code code)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int bad = 0;

		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(77);
		for (int i = 0; i < DECISIONS; i++)
			bad |= decide(now, scratch) != code;
		syscall(SYS_exit, bad);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	if (WEXITSTATUS(status) == 77)
		skip("the kernel has no strict mode here");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}
#endif

START_TEST(makes_no_call_and_takes_no_lock)
{
	struct engine_snapshot *s = snapshot(_i == 1);
	struct arena *scratch = arena_new(0);
	struct swap now;
	enum err_code code = ERR_NONE;
	long before_locks, taken, n_other = 0;

	swap_init(&now, s);
	for (int i = 0; i < 100; i++)
		code = decide(&now, scratch);
	ck_assert_int_eq((int)code, (int)ERR_PERMIT);
	/* It is the scratch that is warm, not the image. */
	if (_i == 2) {
		s = snapshot_of_image();
		ck_assert_ptr_nonnull(s);
		engine_snapshot_unref(swap_replace(&now, s));
	}
	before_locks = locks;
	for (int i = 0; i < DECISIONS; i++)
		n_other += decide(&now, scratch) != code;
	taken = locks - before_locks;
	/* Check takes locks of its own. */
	ck_assert_int_eq(taken, 0);
	ck_assert_int_eq(n_other, 0);
#ifndef NOT_HERE
	decide_in_strict_mode(&now, scratch, code);
#endif
	arena_free(scratch);
	engine_snapshot_unref(swap_replace(&now, NULL));
#ifdef NOT_HERE
	/* Only the answers were judged. */
	skip("a sanitizer makes calls of its own");
#endif
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hot");
	TCase *tc = tcase_create("hot");

	tcase_add_loop_test(tc, makes_no_call_and_takes_no_lock, 0, 3);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
