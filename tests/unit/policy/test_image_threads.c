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

static struct buf
image_by(struct str text, long n)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct error err = { 0 };
	struct buf image = { 0 };

	processors = n;
	ck_assert(set && policy_set_add_text(set, "p", text, POLICY_AVOW, &e) &&
		  policy_set_add_text(set, "q", text, POLICY_AVOW, &e) &&
		  policy_set_finish(set, &e));
	/* Ids are put in order by a thread, though there are few. */
	set->ranked_apart = 1000;
	ck_assert_msg(
	    policy_image_make(set, NULL, NULL, &image, &err), "%s", err.msg);
	policy_set_free(set);
	processors = 0;
	return image;
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
	tcase_add_test(tc, same_from_files);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
