/* Names, cycles and limits of schemas that are well formed.
 * Verdicts are those of Cedar 4.10's own reader; places and words are ours. */
#include "policy/schema_model.h"

#include "tests/unit/policy/schema_kit.h"

/* clang-format off */
static const struct schema_bad bad[] = {
	{ STR_INIT("entity A; entity A;"), ERR_SCHEMA_DUPLICATE, 1, 18, 1,
	    "the entity type `A` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("namespace N {} namespace N {entity A;}"), ERR_SCHEMA_DUPLICATE, 1, 26, 1,
	    "the namespace `N` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("entity A = {}; namespace N{entity A; entity B = {x: A};}"), ERR_SCHEMA_DUPLICATE, 1, 35, 1,
	    "`N::A` hides `A`, which is declared on line 1",
	    "" },
	{ STR_INIT("type T = {a: T};"), ERR_SCHEMA_CYCLE, 1, 14, 1,
	    "the common type `T` contains itself",
	    "" },
	{ STR_INIT("type T=U; type U=T;"), ERR_SCHEMA_CYCLE, 1, 18, 1,
	    "the common type `T` contains itself",
	    "" },
	{ STR_INIT("entity Action;"), ERR_NAME_RESERVED, 1, 8, 6,
	    "an entity type may not be called `Action`",
	    "" },
	{ STR_INIT("namespace __cedar {}"), ERR_NAME_RESERVED, 1, 11, 7,
	    "`__cedar` is no name of a namespace",
	    "" },
	{ STR_INIT("namespace A::__cedar {}"), ERR_NAME_RESERVED, 1, 11, 10,
	    "`A::__cedar` is no name of a namespace",
	    "" },
	{ STR_INIT("type Long = String;"), ERR_NAME_RESERVED, 1, 6, 4,
	    "a common type may not be called `Long`",
	    "" },
	{ STR_INIT("type Set = Long; entity B={x:Set};"), ERR_NAME_RESERVED, 1, 6, 3,
	    "a common type may not be called `Set`",
	    "" },
	{ STR_INIT("type Bool = Long;"), ERR_NAME_RESERVED, 1, 6, 4,
	    "a common type may not be called `Bool`",
	    "" },
	{ STR_INIT("type Boolean=Long;"), ERR_NAME_RESERVED, 1, 6, 7,
	    "a common type may not be called `Boolean`",
	    "" },
	{ STR_INIT("type Record=Long;"), ERR_NAME_RESERVED, 1, 6, 6,
	    "a common type may not be called `Record`",
	    "" },
	{ STR_INIT("type Entity=Long;"), ERR_NAME_RESERVED, 1, 6, 6,
	    "a common type may not be called `Entity`",
	    "" },
	{ STR_INIT("type Extension=Long;"), ERR_NAME_RESERVED, 1, 6, 9,
	    "a common type may not be called `Extension`",
	    "" },
	{ STR_INIT("entity B={x: Boolean};"), ERR_SCHEMA_NAME, 1, 14, 7,
	    "`Boolean` is not declared as a common type or an entity type",
	    "did you mean `Bool`?" },
	{ STR_INIT("entity B in Z;"), ERR_SCHEMA_NAME, 1, 13, 1,
	    "`Z` is not declared as an entity type",
	    "" },
	{ STR_INIT("action a, \"b c\", a2 in a;"), ERR_SCHEMA_CYCLE, 1, 8, 1,
	    "the action `a` is in a group that is in itself",
	    "" },
	{ STR_INIT("action a in [a];"), ERR_SCHEMA_CYCLE, 1, 8, 1,
	    "the action `a` is in a group that is in itself",
	    "" },
	{ STR_INIT("action a in b; action b in a;"), ERR_SCHEMA_CYCLE, 1, 8, 1,
	    "the action `a` is in a group that is in itself",
	    "" },
	{ STR_INIT("action a in [Foo::\"x\"];"), ERR_SCHEMA_NAME, 1, 14, 8,
	    "the action `x` is not declared",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: [], resource: A};"), ERR_SCHEMA_SHAPE, 1, 31, 13,
	    "`principal` names no type",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: A};"), ERR_SCHEMA_SHAPE, 1, 20, 9,
	    "`appliesTo` must say `principal` and `resource`; `resource` is missing",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {resource: A};"), ERR_SCHEMA_SHAPE, 1, 20, 9,
	    "`appliesTo` must say `principal` and `resource`; `principal` is missing",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: A, principal: A, resource: A};"), ERR_SCHEMA_DUPLICATE, 1, 45, 9,
	    "`principal` stands twice",
	    "" },
	{ STR_INIT("entity A; type C=Long; action a appliesTo {principal: A, resource: A, context: C};"), ERR_SCHEMA_SHAPE, 1, 80, 1,
	    "the context of `a` must be a record",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: A, resource: A, context: A};"), ERR_SCHEMA_NAME, 1, 67, 1,
	    "`A` is not declared as a common type",
	    "" },
	{ STR_INIT("entity A; action a appliesTo {principal: Z, resource: A};"), ERR_SCHEMA_NAME, 1, 42, 1,
	    "`Z` is not declared as an entity type",
	    "" },
	{ STR_INIT("type T = A; entity A; action a appliesTo {principal: T, resource: A};"), ERR_SCHEMA_NAME, 1, 54, 1,
	    "`T` is not declared as an entity type",
	    "" },
	{ STR_INIT("action a in b;"), ERR_SCHEMA_NAME, 1, 13, 1,
	    "the action `b` is not declared",
	    "" },
	{ STR_INIT("action a; action \"a\";"), ERR_SCHEMA_DUPLICATE, 1, 18, 3,
	    "the action `a` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("entity A={x: Set};"), ERR_SCHEMA_NAME, 1, 14, 3,
	    "`Set` is not declared as a common type or an entity type",
	    "a set is `Set<TYPE>`" },
	{ STR_INIT("entity A={x: Foo};"), ERR_SCHEMA_NAME, 1, 14, 3,
	    "`Foo` is not declared as a common type or an entity type",
	    "did you mean `Bool`?" },
	{ STR_INIT("entity A={x: __cedar::Foo};"), ERR_SCHEMA_NAME, 1, 14, 12,
	    "`__cedar::Foo` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("entity A={x: __cedar::Set};"), ERR_SCHEMA_NAME, 1, 14, 12,
	    "`__cedar::Set` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("entity A={x: A::B};"), ERR_SCHEMA_NAME, 1, 14, 4,
	    "`A::B` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("namespace N {entity A;} namespace M {entity B={x:A};}"), ERR_SCHEMA_NAME, 1, 50, 1,
	    "`A` is not declared as a common type or an entity type",
	    "did you mean `N::A`?" },
	{ STR_INIT("type A=Long; namespace N{entity A; entity B={x:A};}"), ERR_SCHEMA_DUPLICATE, 1, 33, 1,
	    "`N::A` hides `A`, which is declared on line 1",
	    "" },
	{ STR_INIT("entity A; namespace N{entity A;}"), ERR_SCHEMA_DUPLICATE, 1, 30, 1,
	    "`N::A` hides `A`, which is declared on line 1",
	    "" },
	{ STR_INIT("type T=Long; namespace N{type T=String;}"), ERR_SCHEMA_DUPLICATE, 1, 31, 1,
	    "`N::T` hides `T`, which is declared on line 1",
	    "" },
	{ STR_INIT("action a; namespace N{action a;}"), ERR_SCHEMA_DUPLICATE, 1, 30, 1,
	    "the action `a` hides that of line 1, which is in no namespace",
	    "" },
	{ STR_INIT("type X = Set<X>;"), ERR_SCHEMA_CYCLE, 1, 14, 1,
	    "the common type `X` contains itself",
	    "" },
	{ STR_INIT("type T = {x: Set<U>}; type U = {y: T};"), ERR_SCHEMA_CYCLE, 1, 36, 1,
	    "the common type `T` contains itself",
	    "" },
	{ STR_INIT("entity U = {x: action};"), ERR_SCHEMA_NAME, 1, 16, 6,
	    "`action` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("entity A={x: Action};"), ERR_SCHEMA_NAME, 1, 14, 6,
	    "`Action` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("action a; entity A in [Action];"), ERR_SCHEMA_NAME, 1, 24, 6,
	    "`Action` is not declared as an entity type",
	    "" },
	{ STR_INIT("action a; action b appliesTo {principal: Action, resource: Action};"), ERR_SCHEMA_NAME, 1, 42, 6,
	    "`Action` is not declared as an entity type",
	    "" },
	{ STR_INIT("namespace N {entity Action;}"), ERR_NAME_RESERVED, 1, 21, 6,
	    "an entity type may not be called `Action`",
	    "" },
	{ STR_INIT("type T={}; entity A in T;"), ERR_SCHEMA_NAME, 1, 24, 1,
	    "`T` is not declared as an entity type",
	    "" },
	{ STR_INIT("type T=A; entity A; entity B in T;"), ERR_SCHEMA_NAME, 1, 33, 1,
	    "`T` is not declared as an entity type",
	    "" },
	{ STR_INIT("type String = Long; "), ERR_NAME_RESERVED, 1, 6, 6,
	    "a common type may not be called `String`",
	    "" },
	{ STR_INIT("namespace N{type String=Long;}"), ERR_NAME_RESERVED, 1, 18, 6,
	    "a common type may not be called `String`",
	    "" },
	{ STR_INIT("namespace N {type Set = Long;}"), ERR_NAME_RESERVED, 1, 19, 3,
	    "a common type may not be called `Set`",
	    "" },
	{ STR_INIT("entity A={x: Set<Long>} ; type Entity = Long;"), ERR_NAME_RESERVED, 1, 32, 6,
	    "a common type may not be called `Entity`",
	    "" },
	{ STR_INIT("entity A={x:__cedar::A};"), ERR_SCHEMA_NAME, 1, 13, 10,
	    "`__cedar::A` is not declared as a common type or an entity type",
	    "did you mean `A`?" },
	{ STR_INIT("entity A, A;"), ERR_SCHEMA_DUPLICATE, 1, 11, 1,
	    "the entity type `A` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("action a, a;"), ERR_SCHEMA_DUPLICATE, 1, 11, 1,
	    "the action `a` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("action a, \"a\";"), ERR_SCHEMA_DUPLICATE, 1, 11, 3,
	    "the action `a` is declared twice, first on line 1",
	    "" },
	{ STR_INIT("namespace N{entity A={x:B};} namespace B{entity C;}"), ERR_SCHEMA_NAME, 1, 25, 1,
	    "`B` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("entity A={x: B}; namespace B{entity C;}"), ERR_SCHEMA_NAME, 1, 14, 1,
	    "`B` is not declared as a common type or an entity type",
	    "" },
	{ STR_INIT("namespace X::Y{entity A={x: Y::B}; entity B;}"), ERR_SCHEMA_NAME, 1, 29, 4,
	    "`Y::B` is not declared as a common type or an entity type",
	    "did you mean `B`?" },
	{ STR_INIT("namespace X{entity A={x: Y::B};} namespace X::Y{ entity B;}"), ERR_SCHEMA_NAME, 1, 26, 4,
	    "`Y::B` is not declared as a common type or an entity type",
	    "did you mean `X::Y::B`?" },
	{ STR_INIT("action a appliesTo {principal:A,resource:A,context:__cedar::Long}; entity A;"), ERR_SCHEMA_SHAPE, 1, 52, 13,
	    "the context of `a` must be a record",
	    "" },
	{ STR_INIT("namespace N{action a in [b];} namespace M{action b;}"), ERR_SCHEMA_NAME, 1, 26, 1,
	    "the action `b` is not declared",
	    "there is one of this name in another namespace" },
	{ STR_INIT("type A = {x:B}; type B = Set<C>; type C={y:A};"), ERR_SCHEMA_CYCLE, 1, 44, 1,
	    "the common type `A` contains itself",
	    "" },
	{ STR_INIT("entity User; entity Grup; entity B in Group;"), ERR_SCHEMA_NAME, 1, 39, 5,
	    "`Group` is not declared as an entity type",
	    "did you mean `Grup`?" },
	{ STR_INIT("entity User = {nam: Strng};"), ERR_SCHEMA_NAME, 1, 21, 5,
	    "`Strng` is not declared as a common type or an entity type",
	    "did you mean `String`?" },
	{ STR_INIT("entity A = {\n  x: Long,\n  y: Lng,\n};\n"), ERR_SCHEMA_NAME, 3, 6, 3,
	    "`Lng` is not declared as a common type or an entity type",
	    "did you mean `Long`?" },
	{ STR_INIT("type Addr = {a: Long};\nentity A = {home: Adr};"), ERR_SCHEMA_NAME, 2, 19, 3,
	    "`Adr` is not declared as a common type or an entity type",
	    "did you mean `Addr`?" },
	{ STR_INIT("action view;\naction edit in veiw;"), ERR_SCHEMA_NAME, 2, 16, 4,
	    "the action `veiw` is not declared",
	    "did you mean `view`?" },
	{ STR_INIT("action view in Action;"), ERR_SCHEMA_NAME, 1, 16, 6,
	    "the action `Action` is not declared",
	    "" },
	{ STR_INIT("namespace App {entity User;} entity A = {x: User};"), ERR_SCHEMA_NAME, 1, 45, 4,
	    "`User` is not declared as a common type or an entity type",
	    "did you mean `App::User`?" },
	{ STR_INIT("namespace App {entity User;} entity A in Ap::User;"), ERR_SCHEMA_NAME, 1, 42, 8,
	    "`Ap::User` is not declared as an entity type",
	    "did you mean `App::User`?" },
};

/* clang-format on */

START_TEST(refused)
{
	schema_refuses(SCHEMA_CEDAR, &bad[_i]);
}
END_TEST

static struct schema *
make(struct buf *text, struct errors *errors)
{
	struct schema *s = schema_new("s", buf_str(text), SCHEMA_CEDAR, errors);

	buf_free(text);
	return s;
}

/* Each type twice in the next: written out it would be 2^n of them. */
START_TEST(size_is_bounded)
{
	struct buf text = { 0 };
	struct errors errors = { 0 };

	buf_addz(&text, "type T0 = Long;\n");
	for (unsigned i = 1; i < 40; i++)
		buf_printf(
		    &text, "type T%u = {a: T%u, b: T%u};\n", i, i - 1, i - 1);
	ck_assert(make(&text, &errors) == NULL);
	ck_assert_int_eq(errors.e[0].code, ERR_LIMIT_COUNT);
}
END_TEST

/* The same whichever end of the chain comes first. */
START_TEST(depth_is_bounded)
{
	for (unsigned up = 0; up < 2; up++)
		for (unsigned n = 990; n <= 2000; n += 1010) {
			struct buf text = { 0 };
			struct errors errors = { 0 };
			struct schema *s;

			for (unsigned i = 0; i < n; i++)
				buf_printf(&text, "type T%u = T%u;\n",
				    up ? i : n - 1 - i, up ? i + 1 : n - i);
			buf_printf(&text, "type T%u = Long;\n", n);
			s = make(&text, &errors);
			ck_assert_int_eq(errors.e[0].code,
			    n < 1000 ? ERR_NONE : ERR_LIMIT_DEPTH);
			schema_free(s);
		}
}
END_TEST

START_TEST(ancestors_are_bounded)
{
	struct buf text = { 0 };
	struct errors errors = { 0 };

	buf_addz(&text, "entity E0;\n");
	for (unsigned i = 1; i < 4000; i++)
		buf_printf(&text, "entity E%u in E%u;\n", i, i - 1);
	ck_assert(make(&text, &errors) == NULL);
	ck_assert_int_eq(errors.e[0].code, ERR_LIMIT_COUNT);
}
END_TEST

static void
check_attribute(struct str text, const char *type, const char *want)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s", text, SCHEMA_CEDAR, &errors);
	struct buf out = { 0 };
	uint32_t i;

	ck_assert_msg(s != NULL, "%s: %s", text.p, errors.e[0].msg);
	i = schema_find_type(s, str_of(type));
	ck_assert_uint_ne(i, SCHEMA_NONE);
	schema_print_type(s, s->types[i].shape, &out);
	ck_str_is(buf_str(&out), want);
	buf_free(&out);
	schema_free(s);
}

/* What a bare name means, and what it is hidden by. */
START_TEST(names)
{
	static const struct {
		struct str text;
		const char *type, *want;
	} rows[] = {
		{ STR_INIT("entity Long; entity B = {x: Long};"), "B",
		    "{x: Long}" },
		{ STR_INIT("type ipaddr = String; entity B = {x: ipaddr, y: "
			   "__cedar::ipaddr};"),
		    "B", "{x: String, y: ipaddr}" },
		{ STR_INIT("entity A; type A = Long; entity B = {x: A};"), "B",
		    "{x: Long}" },
		{ STR_INIT("namespace N {type A = Long; entity A; entity B = "
			   "{x: A};}"),
		    "N::B", "{x: Long}" },
		{ STR_INIT("entity A; namespace N {entity B = {x: A};}"),
		    "N::B", "{x: A}" },
		{ STR_INIT("namespace N {action a; entity A = {x: Action};}"),
		    "N::A", "{x: N::Action}" },
		{ STR_INIT("action a; namespace N {entity A = {x: Action};}"),
		    "N::A", "{x: Action}" },
		{ STR_INIT("entity A = {x: Long, y?: Bool, x: String};"), "A",
		    "{x: String, y?: Bool}" },
		{ STR_INIT("entity A = {s: Set<{d: datetime, e?: duration, "
			   "f: decimal}>};"),
		    "A", "{s: Set<{d: datetime, e?: duration, f: decimal}>}" },
		{ STR_INIT("entity A = {d: debversion, r: __cedar::rpmversion, "
			   "v?: version};"),
		    "A", "{d: debversion, r: rpmversion, v?: version}" },
	};

	check_attribute(rows[_i].text, rows[_i].type, rows[_i].want);
}
END_TEST
#define N_NAMES 10

START_TEST(long_types_are_cut)
{
	struct buf text = { 0 }, out = { 0 };
	struct errors errors = { 0 };
	struct schema *s;

	buf_addz(&text, "entity A = {");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&text, "attribute%u: Set<Long>,", i);
	buf_addz(&text, "};");
	s = make(&text, &errors);
	schema_print_type(s, s->types[0].shape, &out);
	ck_assert_uint_lt(out.n, 300);
	ck_assert(str_has_suffix(buf_str(&out), STR("...")));
	buf_free(&out);
	schema_free(s);
}
END_TEST

/* An entity type may be in its own; then it is its own ancestor. */
START_TEST(ancestors)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s",
	    STR("entity A in B; entity B in C; entity C in B; entity D;"),
	    SCHEMA_CEDAR, &errors);

	ck_assert_uint_eq(s->types[0].n_parents, 1);
	ck_assert_uint_eq(s->types[0].n_ancestors, 2);
	ck_assert(
	    schema_has_id(s->types[1].ancestors, s->types[1].n_ancestors, 1));
	ck_assert(schema_type_in(s, 0, 2));
	ck_assert(!schema_type_in(s, 0, 3));
	ck_assert(!schema_type_in(s, 2, 0));
	schema_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_resolve");
	TCase *tc = tcase_create("schema_resolve");

	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, names, 0, N_NAMES);
	tcase_add_test(tc, size_is_bounded);
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, ancestors_are_bounded);
	tcase_add_test(tc, long_types_are_cut);
	tcase_add_test(tc, ancestors);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
