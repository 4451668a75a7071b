/* test_image_threads.c - an image is the same, byte for byte, however many
 * processors made it, and read its files. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/set.h"
#include "tests/lib/run.h"

#define POLICIES 20000u

static long processors; /* 0: as many as there are */

/* The C library's own name for it. */
long system_says(int name) __asm__("__sysconf");

/* Ours is what the library asks; and what sanitizers ask before they are
 * ready. */
__attribute__((no_sanitize("thread"))) long
sysconf(int name)
{
	if (name == _SC_NPROCESSORS_ONLN && processors)
		return processors;
	return system_says(name);
}

static void
write_policies(struct buf *out)
{
	for (unsigned i = 0; i < POLICIES; i++)
		buf_printf(out,
		    "%s (principal in Group::\"g%u\", action == "
		    "Action::\"a%u\", resource in Folder::\"f-%x\")\nwhen { "
		    "context.level %s %u && principal.name == \"n%u\" };\n",
		    i % 7 ? "permit" : "deny", i % 97, i % 5, i % 1013,
		    i % 3 ? "<=" : ">", i % 11, i % 41);
}

static struct policy_set *
read_twice(struct str text)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert(set && policy_set_add_text(set, "p", text, POLICY_AVOW, &e) &&
		  policy_set_add_text(set, "q", text, POLICY_AVOW, &e) &&
		  policy_set_finish(set, &e));
	return set;
}

static struct buf
image_by(struct str text, long n)
{
	struct policy_set *set;
	struct error err = { 0 };
	struct buf image = { 0 };

	processors = n;
	set = read_twice(text);
	/* Ids are put in order by a thread, though there are few. */
	set->ranked_apart = 1000;
	ck_assert_msg(
	    policy_image_make(set, NULL, NULL, &image, &err), "%s", err.msg);
	policy_set_free(set);
	processors = 0;
	return image;
}

/* Where an image goes: in order, up to a call that fails. */
struct sink {
	struct policy_set *set;
	struct buf got;
	unsigned n_puts, fails_at;
	bool has_head, is_made;
};

static bool
put(void *ctx, uint64_t at, struct str bytes, struct error *reterr)
{
	struct sink *s = ctx;

	ck_assert(!s->has_head);
	if (++s->n_puts == s->fails_at)
		return error_set(reterr, ERR_FILE_WRITE, SPAN_NONE, "full");
	s->has_head = at == 0 && s->got.n > 0;
	ck_assert(s->has_head || at == s->got.n);
	if (s->has_head)
		memcpy(s->got.p, bytes.p, bytes.n);
	else
		buf_add(&s->got, bytes);
	return true;
}

/* Nothing reads it any more: it goes, as sanitizers would tell. */
static void
made(void *ctx)
{
	struct sink *s = ctx;

	ck_assert(!s->is_made);
	s->is_made = true;
	policy_set_free(s->set);
}

static void
check_same(const struct buf *one, const struct buf *many)
{
	ck_assert_uint_gt(one->n, POLICIES);
	ck_assert_uint_eq(one->n, many->n);
	ck_assert_int_eq(memcmp(one->p, many->p, one->n), 0);
}

START_TEST(same_bytes)
{
	struct buf text = { 0 }, one, many;

	write_policies(&text);
	one = image_by(buf_str(&text), 1);
	many = image_by(buf_str(&text), 4);
	check_same(&one, &many);
	buf_free(&text);
	buf_free(&one);
	buf_free(&many);
}
END_TEST

/* The set goes while the image is written, by one thread and by several. */
START_TEST(same_in_pieces)
{
	struct sink s = { 0 };
	const struct policy_sink to = { put, made, &s };
	struct buf text = { 0 }, whole;
	struct error err = { 0 };

	write_policies(&text);
	whole = image_by(buf_str(&text), 1);
	processors = _i ? 4 : 1;
	s.set = read_twice(buf_str(&text));
	ck_assert_msg(policy_image_write(s.set, NULL, NULL, &to, NULL, &err),
	    "%s", err.msg);
	processors = 0;
	ck_assert(s.has_head && s.is_made);
	check_same(&whole, &s.got);
	buf_free(&text);
	buf_free(&whole);
	buf_free(&s.got);
}
END_TEST

/* Each call fails once: what the sink says is said, and nothing is lost. */
START_TEST(sinks_that_fail)
{
	static const char text[] =
	    "permit (principal, action, resource) when { context.a == \"b\" };"
	    "deny (principal == U::\"u\", action, resource in [G::\"g\"]);";
	struct error err = { 0 };
	struct errors e = { 0 };
	unsigned fails_at = 0;
	bool ok;

	do {
		struct policy_set *set = policy_set_new(POLICY_NAMED);
		struct sink s = { .fails_at = ++fails_at };
		const struct policy_sink to = { .put = put, .ctx = &s };

		ck_assert(set &&
			  policy_set_add_text(
			      set, "p", str_of(text), POLICY_AVOW, &e) &&
			  policy_set_finish(set, &e));
		err = (struct error){ 0 };
		ok = policy_image_write(set, NULL, NULL, &to, NULL, &err);
		ck_assert(ok == s.has_head);
		ck_assert_int_eq(err.code, ok ? ERR_NONE : ERR_FILE_WRITE);
		buf_free(&s.got);
		policy_set_free(set);
	} while (!ok);
	ck_assert_uint_gt(fails_at, 20);
}
END_TEST

static void
read_by(const char *folder, long n, struct buf *ret_image, char version[17])
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct error err = { 0 };

	processors = n;
	ck_assert(set && policy_set_add_path(set, folder, &e) &&
		  policy_set_finish(set, &e));
	/* Two threads read three files, and digest their texts. */
	ck_assert_uint_eq(set->n_ready, n > 1 ? 3 : 0);
	memcpy(version, policy_set_version(set).p, 17);
	ck_assert_msg(
	    policy_image_make(set, NULL, NULL, ret_image, &err), "%s", err.msg);
	policy_set_free(set);
	processors = 0;
}

START_TEST(same_from_files)
{
	struct buf text = { 0 }, one = { 0 }, many = { 0 };
	char folder[] = "/tmp/avow-threads-XXXXXX", path[64];
	char version_one[17], version_many[17];
	struct error err = { 0 };

	ck_assert(mkdtemp(folder) != NULL);
	write_policies(&text);
	for (int i = 0; i < 3; i++) {
		/* No two are alike. */
		buf_printf(&text, "// %d\n", i);
		snprintf(path, sizeof path, "%s/%d.avow", folder, i);
		ck_assert(file_replace(path, 0600, buf_str(&text), &err));
	}
	read_by(folder, 1, &one, version_one);
	read_by(folder, 2, &many, version_many);
	check_same(&one, &many);
	ck_assert_str_eq(version_one, version_many);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%d.avow", folder, i);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	buf_free(&text);
	buf_free(&one);
	buf_free(&many);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("image_threads");
	TCase *tc = tcase_create("image_threads");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, same_bytes);
	tcase_add_loop_test(tc, same_in_pieces, 0, 2);
	tcase_add_test(tc, sinks_that_fail);
	tcase_add_test(tc, same_from_files);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
