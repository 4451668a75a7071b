/* test_relate.c - relations of atoms: as written down, and against all entities
 * of many small worlds. */
#include "policy/relate.h"

#include "tests/lib/run.h"

#define UID(t, i)                                                              \
	{                                                                      \
		STR_INIT(t), STR_INIT(i)                                       \
	}

static const struct uid two[] = { UID("U", "a"), UID("U", "b") };
static const struct uid mixed[] = { UID("G", "g"), UID("U", "a") };

enum {
	ANY,
	EQ_A,
	EQ_B,
	EQ_G,
	IN_A,
	IN_G,
	IS_U,
	IS_G,
	U_IN_G,
	G_IN_G,
	LIKE_ALL,
	LIKE_A,
	LIKE_AB,
	SET_EQ,
	SET_IN,
	SET_MIXED,
	N_ATOMS
};

static const struct normal_atom atoms[N_ATOMS] = {
	[ANY] = { .kind = ATOM_ANY },
	[EQ_A] = { .kind = ATOM_EQ, .uid = UID("U", "a") },
	[EQ_B] = { .kind = ATOM_EQ, .uid = UID("U", "b") },
	[EQ_G] = { .kind = ATOM_EQ, .uid = UID("G", "g") },
	[IN_A] = { .kind = ATOM_IN, .uid = UID("U", "a") },
	[IN_G] = { .kind = ATOM_IN, .uid = UID("G", "g") },
	[IS_U] = { .kind = ATOM_IS, .type = STR_INIT("U") },
	[IS_G] = { .kind = ATOM_IS, .type = STR_INIT("G") },
	[U_IN_G] = { .kind = ATOM_IS_IN,
	    .type = STR_INIT("U"),
	    .uid = UID("G", "g") },
	[G_IN_G] = { .kind = ATOM_IS_IN,
	    .type = STR_INIT("G"),
	    .uid = UID("G", "g") },
	[LIKE_ALL] = { .kind = ATOM_LIKE, .type = STR_INIT("U") },
	[LIKE_A] = { .kind = ATOM_LIKE,
	    .type = STR_INIT("U"),
	    .prefix = STR_INIT("a") },
	[LIKE_AB] = { .kind = ATOM_LIKE,
	    .type = STR_INIT("U"),
	    .prefix = STR_INIT("ab") },
	[SET_EQ] = { .kind = ATOM_SET, .members = two, .n_members = 2 },
	[SET_IN] = { .kind = ATOM_SET,
	    .is_in = true,
	    .members = two,
	    .n_members = 2 },
	[SET_MIXED] = { .kind = ATOM_SET,
	    .is_in = true,
	    .members = mixed,
	    .n_members = 2 },
};

static const struct {
	unsigned x, y;
	enum relation want;
} cases[] = {
	{ ANY, ANY, RELATE_EQUAL },
	{ ANY, EQ_A, RELATE_COVERS },
	{ SET_IN, ANY, RELATE_COVERED },
	{ EQ_A, EQ_A, RELATE_EQUAL },
	{ EQ_A, EQ_B, RELATE_DISJOINT },
	{ IN_A, EQ_A, RELATE_COVERS },
	{ IS_U, EQ_A, RELATE_COVERS },
	{ EQ_A, IS_G, RELATE_DISJOINT },
	/* Members come and go. */
	{ IN_G, EQ_A, RELATE_OVERLAPS },
	{ IN_G, IS_U, RELATE_OVERLAPS },
	{ IN_G, IN_A, RELATE_OVERLAPS },
	{ IN_G, EQ_G, RELATE_COVERS },
	{ U_IN_G, IN_G, RELATE_COVERED },
	{ U_IN_G, IS_U, RELATE_COVERED },
	{ U_IN_G, G_IN_G, RELATE_DISJOINT },
	{ G_IN_G, EQ_G, RELATE_COVERS },
	{ U_IN_G, EQ_G, RELATE_DISJOINT },
	{ LIKE_A, EQ_A, RELATE_COVERS },
	{ LIKE_A, EQ_B, RELATE_DISJOINT },
	{ LIKE_AB, LIKE_A, RELATE_COVERED },
	{ LIKE_AB, IS_U, RELATE_COVERED },
	{ LIKE_AB, EQ_A, RELATE_DISJOINT },
	{ SET_EQ, EQ_A, RELATE_COVERS },
	{ SET_EQ, IS_U, RELATE_COVERED },
	{ SET_EQ, IS_G, RELATE_DISJOINT },
	{ SET_EQ, SET_IN, RELATE_COVERED },
	{ SET_IN, EQ_B, RELATE_COVERS },
	{ SET_IN, IN_A, RELATE_COVERS },
	{ SET_MIXED, U_IN_G, RELATE_COVERS },
	{ SET_MIXED, IS_U, RELATE_OVERLAPS },
};

START_TEST(relations_are)
{
	enum relation got =
	    relate_atoms(&atoms[cases[_i].x], &atoms[cases[_i].y]);
	enum relation back =
	    relate_atoms(&atoms[cases[_i].y], &atoms[cases[_i].x]);
	enum relation want_back = cases[_i].want;

	if (want_back == RELATE_COVERS)
		want_back = RELATE_COVERED;
	else if (want_back == RELATE_COVERED)
		want_back = RELATE_COVERS;
	ck_assert_int_eq(got, cases[_i].want);
	ck_assert_int_eq(back, want_back);
}
END_TEST

static const struct uid entities[] = { UID("U", "a"), UID("U", "b"),
	UID("U", "abc"), UID("U", ""), UID("G", "g"), UID("G", "a"),
	UID("V", "a") };

/* The world in which bit k says whether the k-th edge is there. */
static const struct entities *
world(struct arena *a, unsigned bits)
{
	static const uint8_t edges[][2] = { { 0, 4 }, { 1, 0 }, { 2, 4 },
		{ 5, 4 }, { 6, 1 }, { 3, 5 } };
	struct entities *layer = entities_new(a, NULL);
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
		struct uid *parents = ARENA_ARRAY(a, 2, struct uid);
		struct entity e = { .uid = entities[i],
			.attrs = { .kind = VALUE_RECORD },
			.tags = { .kind = VALUE_RECORD },
			.parents = parents };

		for (size_t k = 0; k < ARRAY_LEN(edges); k++)
			if (edges[k][0] == i && (bits >> k & 1))
				parents[e.n_parents++] = entities[edges[k][1]];
		ck_assert(entities_add(layer, &e, &err));
	}
	ck_assert_msg(entities_finish(layer, &err), "%s", err.msg);
	return layer;
}

static bool
holds(const struct normal_atom *atom, struct uid uid,
    const struct entities *layer, struct arena *a)
{
	bool yes;

	ck_assert(normal_atom_holds(atom, uid, layer, a, &yes, NULL));
	return yes;
}

static bool
allows(enum relation relation, bool x, bool y)
{
	if (relation == RELATE_EQUAL)
		return x == y;
	if (relation == RELATE_COVERS)
		return x || !y;
	if (relation == RELATE_COVERED)
		return y || !x;
	return relation != RELATE_DISJOINT || !(x && y);
}

START_TEST(no_world_denies_a_relation)
{
	struct arena *a = arena_new(0);
	const struct entities *layer = world(a, (unsigned)_i);

	for (size_t x = 0; x < N_ATOMS; x++)
		for (size_t y = 0; y < N_ATOMS; y++)
			for (size_t e = 0; e < ARRAY_LEN(entities); e++)
				ck_assert_msg(
				    allows(relate_atoms(&atoms[x], &atoms[y]),
					holds(&atoms[x], entities[e], layer, a),
					holds(
					    &atoms[y], entities[e], layer, a)),
				    "atoms %zu and %zu, entity %zu", x, y, e);
	arena_free(a);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("policy/relate");
	TCase *tc = tcase_create("relate");

	tcase_add_loop_test(tc, relations_are, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, no_world_denies_a_relation, 0, 64);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
