/* test_snapshot.c - a snapshot lives until its last reference goes. */
#include <pthread.h>

#include "tests/unit/engine/fixture.h"

START_TEST(holds_what_it_was_given)
{
	struct engine_snapshot *s =
	    fixture_snapshot("permit (principal, action, resource);",
		"[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},"
		"\"parents\":[]}]");

	ck_assert_uint_eq(policy_set_count(engine_snapshot_policies(s)), 1);
	ck_assert_uint_eq(entities_count(engine_snapshot_entities(s)), 1);
	ck_assert_int_eq(engine_snapshot_loaded_at_ms(s), 1000);
	engine_snapshot_unref(s);
	engine_snapshot_unref(NULL);
}
END_TEST

START_TEST(outlives_all_but_the_last_reference)
{
	struct engine_snapshot *s =
	    fixture_snapshot("permit (principal, action, resource);", NULL);

	ck_assert_ptr_eq(engine_snapshot_ref(s), s);
	engine_snapshot_unref(s);
	ck_assert_uint_eq(policy_set_count(engine_snapshot_policies(s)), 1);
	engine_snapshot_unref(s);
}
END_TEST

START_TEST(policies_alone_are_enough)
{
	struct policy_set *set =
	    fixture_policies("permit (principal, action, resource);");
	struct engine_snapshot *s = engine_snapshot_new(set, NULL, NULL, 0);

	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_null(engine_snapshot_entities(s));
	engine_snapshot_unref(s);
}
END_TEST

static void *
take_and_give_back(void *ctx)
{
	struct engine_snapshot *s = ctx;

	for (int i = 0; i < 2000; i++) {
		engine_snapshot_ref(s);
		if (policy_set_count(engine_snapshot_policies(s)) != 1)
			return s;
		engine_snapshot_unref(s);
	}
	engine_snapshot_unref(s);
	return NULL;
}

START_TEST(is_shared_by_threads)
{
	struct engine_snapshot *s =
	    fixture_snapshot("permit (principal, action, resource);", NULL);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, take_and_give_back,
			engine_snapshot_ref(s)),
		    0);
	engine_snapshot_unref(s);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *wrong;

		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("snapshot");
	TCase *tc = tcase_create("snapshot");

	tcase_add_test(tc, holds_what_it_was_given);
	tcase_add_test(tc, outlives_all_but_the_last_reference);
	tcase_add_test(tc, policies_alone_are_enough);
	tcase_add_test(tc, is_shared_by_threads);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
