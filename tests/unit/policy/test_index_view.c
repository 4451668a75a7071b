/* test_index_view.c - a slot is taken for the uid whose whole text it has and
 * for no other, whatever their lengths: under one hash, each byte of a type and
 * of an id decides. */
#include "policy/index.h"

#include "policy/policy.h"
#include "tests/lib/run.h"

#define LONGEST 40u

static struct arena *a;
static struct policy_set *set;
static struct policy_index *ix;

static void
setup(void)
{
	struct errors e = { 0 };

	a = arena_new(0);
	set = policy_set_new(POLICY_NAMED);
	ck_assert(policy_set_add_text(set, "p.avow",
	    STR("permit (principal, action, resource);"), POLICY_AVOW, &e));
	ck_assert(policy_set_finish(set, &e));
}

static void
teardown(void)
{
	policy_index_free(ix);
	ix = NULL;
	policy_set_free(set);
	arena_free(a);
}

/* A letter and digits that differ from place to place. */
static struct str
text_of(size_t n, char first)
{
	char *p = arena_alloc(a, n + 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = i ? (char)('a' + (int)(i % 23)) : first;
	return (struct str){ p, n };
}

static struct uid
uid_of(size_t n_type, size_t n_id)
{
	return (struct uid){ text_of(n_type, 'T'), text_of(n_id, 'I') };
}

static void
index_over(struct uid uid)
{
	struct entities *layer = entities_new(a, NULL);
	struct buf b = { 0 };

	buf_printf(&b,
	    "[{\"uid\":{\"type\":\"%.*s\",\"id\":\"%.*s\"},\"attrs\":{},"
	    "\"parents\":[]}]",
	    (int)uid.type.n, uid.type.p, (int)uid.id.n, uid.id.p);
	ck_assert(entities_add_text(layer, buf_str(&b), "e.json", NULL));
	ck_assert(entities_finish(layer, NULL));
	policy_index_free(ix);
	ck_assert(policy_index_new(set, layer, &ix, NULL));
	buf_free(&b);
}

/* With one byte changed. */
static struct str
other(struct str s, size_t at)
{
	char *p = arena_alloc(a, s.n + 1);

	ck_assert_ptr_nonnull(p);
	memcpy(p, s.p, s.n);
	p[at] = (char)(p[at] ^ 0x20);
	return (struct str){ p, s.n };
}

static void
none(uint64_t hash, struct str type, struct str id)
{
	ck_assert_msg(!index_slot_find(ix, hash, (struct uid){ type, id }),
	    "type %.*s, id %.*s", (int)type.n, type.p, (int)id.n, id.p);
}

/* Of lengths _i as type, and each as id. */
START_TEST(each_byte_decides)
{
	for (size_t n = 0; n <= LONGEST; n++) {
		struct uid uid = uid_of((size_t)_i, n);
		uint64_t hash;

		index_over(uid);
		hash = index_hash_uid(ix->slot_seed, uid);
		ck_assert_ptr_nonnull(index_slot_find(ix, hash, uid));
		for (size_t i = 0; i < n; i++)
			none(hash, uid.type, other(uid.id, i));
		for (size_t i = 0; i < uid.type.n; i++)
			none(hash, other(uid.type, i), uid.id);
		if (n > 0)
			none(hash, uid.type, (struct str){ uid.id.p, n - 1 });
		if (uid.type.n > 1)
			none(hash, (struct str){ uid.type.p, uid.type.n - 1 },
			    uid.id);
		none(hash, uid.type, text_of(n + 1, 'I'));
		none(hash, text_of(uid.type.n + 1, 'T'), uid.id);
	}
}
END_TEST

/* The ends of a text are all of it up to sixteen bytes: two that differ
 * anywhere differ in length or ends, zeros among them, too. */
START_TEST(ends_are_the_text)
{
	char bytes[17] = { 0 };

	for (size_t n = 0; n <= 16; n++) {
		struct str s = { bytes, n };
		struct index_ends zero = index_ends(s), one;

		for (size_t at = 0; at < n; at++) {
			bytes[at] = 1;
			one = index_ends(s);
			ck_assert_msg(!index_same_ends(zero, one),
			    "byte %zu of %zu", at, n);
			bytes[at] = 0;
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("index_view");
	TCase *tc = tcase_create("index_view");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_byte_decides, 1, (int)LONGEST + 1);
	tcase_add_test(tc, ends_are_the_text);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
