/* test_entities.c - records, layers, clashes, cycles and ancestors; ancestors
 * against a plain search over random layers. */
#include "policy/value.h"

#include <stdio.h>

#include "tests/lib/entities.h"
#include "tests/lib/run.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

/* "x" is G::"x". */
static struct uid
group(const char *id)
{
	return (struct uid){ STR_INIT("G"), str_of(id) };
}

/* Records as "a: b c; b: c": an entity and its parents. */
static bool
add(struct entities *layer, const char *text, struct error *err)
{
	while (*text) {
		struct uid *parents = ARENA_ARRAY(a, 16, struct uid);
		struct entity e = { .from = "file", .parents = parents };

		e.uid = (struct uid){ STR_INIT("G"), { text, 1 } };
		for (text += 2; *text && *text != ';'; text++)
			if (*text != ' ')
				parents[e.n_parents++] =
				    (struct uid){ STR_INIT("G"), { text, 1 } };
		if (!entities_add(layer, &e, err))
			return false;
		text += *text == ';';
		text += *text == ' ';
	}
	return true;
}

static struct entities *
made(const struct entities *below, const char *text)
{
	struct entities *layer = entities_new(a, below);
	struct error err = { 0 };

	ck_assert_msg(add(layer, text, &err) && entities_finish(layer, &err),
	    "%s: %s", text, err.msg);
	return layer;
}

static bool
is_in(const struct entities *layer, const char *x, const char *y)
{
	bool reaches;

	ck_assert(entities_reach(layer, group(x), group(y), a, &reaches, NULL));
	ck_assert(reaches == entities_in(layer, group(x), group(y)));
	return reaches;
}

static const struct {
	const char *below, *above, *x, *y;
	bool want;
} ins[] = {
	{ "", NULL, "a", "a", true },
	{ "", NULL, "a", "b", false },
	{ "a: b; b: c", NULL, "a", "c", true },
	{ "a: b; b: c", NULL, "c", "a", false },
	{ "a: b", NULL, "a", "b", true },
	{ "a: b", NULL, "b", "a", false },
	/* Layers. */
	{ "a: b; b: c", "", "a", "c", true },
	{ "b: c", "a: b", "a", "c", true },
	{ "a: b", "b: c", "a", "c", true },
	{ "a: b", "b: c", "a", "a", true },
	{ "a: b; b: c", "c: d; d: e", "a", "e", true },
	{ "a: b; d: e", "b: d", "a", "e", true },
	{ "a: b; b: c; d: e; e: f", "c: d", "a", "f", true },
	{ "a: b; b: c; d: e; e: f", "c: d", "d", "a", false },
	/* Both layers give parents to one entity. */
	{ "a: b", "a: c", "a", "b", true },
	{ "a: b", "a: c", "a", "c", true },
	{ "a: b; c: d", "a: c", "a", "d", true },
	/* Known nowhere. */
	{ "a: b", "", "z", "z", true },
	{ "a: b", "", "z", "b", false },
	{ "a: b", "", "a", "z", false },
	/* The upper layer knows names that the lower does not. */
	{ "a: b", "x: y; y: z", "x", "z", true },
	{ "a: b", "x: a", "x", "b", true },
};

START_TEST(entities_reach_over_layers)
{
	struct entities *layer = made(NULL, ins[_i].below);

	if (ins[_i].above)
		layer = made(layer, ins[_i].above);
	for (int again = 0; again < 2; again++)
		ck_assert_msg(
		    is_in(layer, ins[_i].x, ins[_i].y) == ins[_i].want,
		    "%s | %s: %s in %s", ins[_i].below,
		    ins[_i].above ? ins[_i].above : "-", ins[_i].x, ins[_i].y);
}
END_TEST

START_TEST(entities_reach_without_layers)
{
	ck_assert(is_in(NULL, "a", "a"));
	ck_assert(!is_in(NULL, "a", "b"));
	ck_assert_ptr_null(record_of(NULL, group("a")));
}
END_TEST

static const struct {
	const char *below, *above;
	enum err_code code;
	const char *msg;
} refusals[] = {
	{ "a: a", NULL, ERR_ENTITY_CYCLE, "`G::\"a\"` is its own ancestor" },
	{ "a: b; b: a", NULL, ERR_ENTITY_CYCLE,
	    "`G::\"a\"` is its own ancestor" },
	{ "x: a; a: b; b: c; c: a", NULL, ERR_ENTITY_CYCLE,
	    "`G::\"a\"` is its own ancestor" },
	{ "", "a: a", ERR_ENTITY_CYCLE, "`G::\"a\"` is its own ancestor" },
	{ "a: b; b: c", "c: a", ERR_ENTITY_CYCLE,
	    "`G::\"c\"` is its own ancestor" },
	{ "a: b; b: c", "d: a; c: e; e: d", ERR_ENTITY_CYCLE,
	    "`G::\"d\"` is its own ancestor" },
	{ "a: b; a: c", NULL, ERR_ENTITY_DUPLICATE,
	    "`G::\"a\"` has two different records, the first from file" },
};

START_TEST(entities_refuse)
{
	struct error err = { 0 };
	struct entities *layer = entities_new(a, NULL);
	bool ok = add(layer, refusals[_i].below, &err) &&
		  entities_finish(layer, &err);

	if (ok && refusals[_i].above) {
		layer = entities_new(a, layer);
		ok = add(layer, refusals[_i].above, &err) &&
		     entities_finish(layer, &err);
	}
	ck_assert_msg(!ok, "%s", refusals[_i].below);
	ck_assert_int_eq(err.code, refusals[_i].code);
	ck_assert_str_eq(err.msg, refusals[_i].msg);
	ck_assert_str_eq(err.at.file, "file");
}
END_TEST

START_TEST(entities_take_identical_records)
{
	struct entities *layer =
	    made(NULL, "a: b c; b: ; a: c b; a: b c b; c:");

	ck_assert_uint_eq(entities_count(layer), 3);
	ck_assert_uint_eq(record_at(layer, 0)->n_parents, 2);
	ck_str_is(record_at(layer, 2)->uid.id, "c");
}
END_TEST

/* --- JSON -------------------------------------------------------------- */

static bool
add_json(struct entities *layer, const char *text, const char *file,
    struct error *err)
{
	json_t *json;
	bool ok;

	ck_assert_msg(json_parse(str_of(text), "t", 1u << 20, 100,
			  JSON_DATA_FILE, &json, err),
	    "%s", err->msg);
	ok = entities_add_json(layer, json, file, err);
	json_decref(json);
	return ok;
}

#define UID(type, id) "{\"type\": \"" type "\", \"id\": \"" id "\"}"
#define RECORD(id, attrs, rest)                                                \
	"{\"uid\": " UID("U", id) ", \"attrs\": " attrs                        \
				  ", \"parents\": []" rest "}"

static const struct {
	const char *json;
	enum err_code code;
	const char *msg;
} shapes[] = {
	{ "{}", ERR_JSON_SHAPE, "entities must be an array" },
	{ "[1]", ERR_JSON_SHAPE, "`entity 0`: expected an object" },
	{ "[{}]", ERR_JSON_SHAPE, "`entity 0`: `uid` is missing" },
	{ "[" RECORD("a", "{}", "") ", {\"uid\": \"x\"}]", ERR_JSON_SHAPE,
	    "`entity 1`: expected {\"type\": ..., \"id\": ...}" },
	{ "[{\"uid\": " UID("U", "a") "}]", ERR_JSON_SHAPE,
	    "`U::\"a\"`: `attrs` must be an object" },
	{ "[{\"uid\": " UID("U", "a") ", \"attrs\": {}}]", ERR_JSON_SHAPE,
	    "`U::\"a\"`: `parents` must be an array" },
	{ "[" RECORD("a", "{}", ", \"tags\": []") "]", ERR_JSON_SHAPE,
	    "`U::\"a\"`: `tags` must be an object" },
	{ "[" RECORD("a", "{\"x\": [null]}", "") "]", ERR_JSON_SHAPE,
	    "`U::\"a\".x[0]`: `null` is no value" },
	{ "[" RECORD("a", "{}", "") ", " RECORD("a", "{\"x\": 1}", "") "]",
	    ERR_ENTITY_DUPLICATE,
	    "`U::\"a\"` has two different records, the first from f.json" },
	{ "[" RECORD("a", "{}", "") ", " RECORD(
	      "a", "{}", ", \"tags\": {\"t\": 1}") "]",
	    ERR_ENTITY_DUPLICATE,
	    "`U::\"a\"` has two different records, the first from f.json" },
	{ "[{\"uid\": " UID("Action",
	      "a") ", \"attrs\": {}, \"parents\": [" UID("U", "a") "]}]",
	    ERR_NAME_ACTION,
	    "the action `Action::\"a\"` may only be in actions, found "
	    "`U::\"a\"`" },
};

START_TEST(entities_refuse_shapes)
{
	struct entities *layer = entities_new(a, NULL);
	struct error err = { 0 };

	ck_assert(!add_json(layer, shapes[_i].json, "f.json", &err));
	ck_assert_int_eq(err.code, shapes[_i].code);
	ck_assert_str_eq(err.msg, shapes[_i].msg);
	ck_assert_str_eq(err.at.file, "f.json");
}
END_TEST

START_TEST(entities_read_json)
{
	struct entities *layer = entities_new(a, NULL);
	struct error err = { 0 };
	const struct entity *e;
	struct buf text = { 0 };
	json_t *json;

	ck_assert_msg(
	    add_json(layer,
		"[{\"uid\": {\"__entity\": " UID(
		    "N::U", "a") "}, "
				 "\"attrs\": {\"x\": [2, 1]}, \"more\": null, "
				 "\"tags\": {\"t\": \"v\"}, "
				 "\"parents\": [" UID("G", "g") "]}]",
		"f.json", &err),
	    "%s", err.msg);
	ck_assert(entities_finish(layer, &err));
	e = record_of(layer, (struct uid){ STR_INIT("N::U"), STR_INIT("a") });
	ck_assert_uint_eq(value_get(&e->attrs, STR("x"))->set.n, 2);
	ck_str_is(value_get(&e->tags, STR("t"))->string, "v");
	ck_str_is(e->parents[0].id, "g");
	ck_assert_str_eq(e->from, "f.json");
	ck_assert_ptr_null(record_of(layer, group("g")));
	json = entities_to_json(layer);
	ck_assert(json_write(&text, json));
	ck_str_is(buf_str(&text), "[{\"uid\":{\"type\":\"N::U\",\"id\":\"a\"},"
				  "\"attrs\":{\"x\":[1,2]},"
				  "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],"
				  "\"tags\":{\"t\":\"v\"}}]");
	json_decref(json);
	buf_free(&text);
}
END_TEST

/* Texts, read in one way or the other. */
static const struct {
	const char *text;
	size_t count;
	enum err_code code;
	uint32_t line;
} texts[] = {
	{ " [\n] ", 0, ERR_NONE, 0 },
	{ "[" RECORD("a", "{}", "") "]", 1, ERR_NONE, 0 },
	{ "\n[ " RECORD("a]},{", "{\"x\": \"\\\"]\"}", "") " ,\n" RECORD(
	      "b", "{}", "") "]\n",
	    2, ERR_NONE, 0 },
	{ "[" RECORD("a", "{}", "") ",]", 0, ERR_JSON_SYNTAX, 1 },
	{ "[" RECORD("a", "{}", "") "] 1", 0, ERR_JSON_SYNTAX, 1 },
	{ "[" RECORD("a", "{}", "") ",\n{\"uid\": tru}]", 0, ERR_JSON_SYNTAX,
	    2 },
	{ "[" RECORD("a", "{}", "") "\n" RECORD("b", "{}", "") "]", 0,
	    ERR_JSON_SYNTAX, 2 },
	{ "[" RECORD("a", "{\"x\": 1, \"x\": 1}", "") "]", 0,
	    ERR_JSON_DUPLICATE, 1 },
	{ "", 0, ERR_JSON_SYNTAX, 1 },
	{ "[", 0, ERR_JSON_SYNTAX, 1 },
	{ "{\"a\": []}", 0, ERR_JSON_SHAPE, 0 },
	{ "[" RECORD("a", "{}", "") ", " RECORD("a", "{\"x\": 1}", "") "]", 0,
	    ERR_ENTITY_DUPLICATE, 0 },
	{ "[{}]", 0, ERR_JSON_SHAPE, 0 },
};

START_TEST(entities_read_text)
{
	struct entities *layer = entities_new(a, NULL);
	struct error err = { 0 };
	bool ok =
	    entities_add_text(layer, str_of(texts[_i].text), "f.json", &err);

	ck_assert_msg(ok == (texts[_i].code == ERR_NONE), "%s: %s",
	    texts[_i].text, err.msg);
	ck_assert_int_eq(err.code, texts[_i].code);
	if (ok) {
		ck_assert_uint_eq(entities_count(layer), texts[_i].count);
		return;
	}
	ck_assert_str_eq(err.at.file, "f.json");
	ck_assert_msg(err.at.line == texts[_i].line, "%s: %u", texts[_i].text,
	    err.at.line);
}
END_TEST

/* What loaded data and the request say of one entity. */
static const struct {
	const char *loaded, *request;
	enum err_code code;
} clashes[] = {
	{ RECORD("a", "{}", ""), RECORD("a", "{\"x\": 1}", ""), ERR_NONE },
	{ RECORD("a", "{\"x\": 1}", ""), RECORD("a", "{\"x\": 1}", ""),
	    ERR_NONE },
	{ RECORD("a", "{\"x\": 1}", ""), RECORD("b", "{\"x\": 2}", ""),
	    ERR_NONE },
	{ RECORD("a", "{\"x\": 1}", ""), RECORD("a", "{\"x\": 2}", ""),
	    ERR_ENTITY_CLASH },
	{ RECORD("a", "{\"y\": 1}", ""), RECORD("a", "{\"x\": 1}", ""),
	    ERR_ENTITY_CLASH },
	{ RECORD("a", "{\"x\": 1}", ""), RECORD("a", "{}", ""),
	    ERR_ENTITY_CLASH },
	{ RECORD("a", "{}", ", \"tags\": {\"t\": 1}"), RECORD("a", "{}", ""),
	    ERR_ENTITY_CLASH },
};

START_TEST(entities_clash)
{
	struct entities *loaded = entities_new(a, NULL), *request;
	struct error err = { 0 };
	char text[300];
	bool ok;

	(void)snprintf(text, sizeof text, "[%s]", clashes[_i].loaded);
	ck_assert(add_json(loaded, text, "f.json", &err));
	ck_assert(entities_finish(loaded, &err));
	request = entities_new(a, loaded);
	(void)snprintf(text, sizeof text, "[%s]", clashes[_i].request);
	ck_assert(add_json(request, text, "request", &err));
	ok = entities_finish(request, &err);
	ck_assert(ok == (clashes[_i].code == ERR_NONE));
	ck_assert_int_eq(err.code, clashes[_i].code);
	if (!ok)
		ck_assert_str_eq(err.at.file, "f.json");
}
END_TEST

START_TEST(entities_join_parents)
{
	struct entities *loaded = made(NULL, "a: b c; x: y");
	struct entities *request = made(loaded, "a: c d");
	const struct entity *e = record_of(request, group("a"));

	ck_assert_uint_eq(e->n_parents, 3);
	ck_str_is(e->parents[0].id, "c");
	ck_str_is(e->parents[1].id, "d");
	ck_str_is(e->parents[2].id, "b");
	/* What the layer says itself stays as it was said. */
	ck_assert_uint_eq(record_at(request, 0)->n_parents, 2);
	ck_assert_uint_eq(record_of(loaded, group("a"))->n_parents, 2);
	ck_assert_ptr_eq(
	    record_of(request, group("x")), record_of(loaded, group("x")));
}
END_TEST

/* --- against a plain search -------------------------------------------- */

#define N 12

static uint64_t
next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* Edges go from a lower number to a higher, so that there is no cycle. */
static struct entities *
random_layer(const struct entities *below, uint64_t *seed, bool edges[N][N])
{
	char text[N * 40] = "";
	size_t n = 0;

	for (int i = 0; i < N; i++) {
		if (next(seed) % 2)
			continue;
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "%s%c:", n ? "; " : "", 'a' + i);
		for (int k = i + 1; k < N; k++) {
			if (next(seed) % 4)
				continue;
			edges[i][k] = true;
			n += (size_t)snprintf(
			    text + n, sizeof text - n, " %c", 'a' + k);
		}
	}
	return made(below, text);
}

START_TEST(entities_reach_as_a_search_does)
{
	uint64_t seed = (uint64_t)_i + 1;
	bool edges[N][N] = { 0 };
	const struct entities *layer = NULL;

	for (int depth = _i % 3; depth >= 0; depth--)
		layer = random_layer(layer, &seed, edges);
	for (int i = 0; i < N; i++)
		edges[i][i] = true;
	for (int m = 0; m < N; m++)
		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k++)
				edges[i][k] =
				    edges[i][k] || (edges[i][m] && edges[m][k]);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++) {
			const char x[] = { (char)('a' + i), 0 };
			const char y[] = { (char)('a' + k), 0 };

			ck_assert_msg(is_in(layer, x, y) == edges[i][k],
			    "seed %d: %s in %s", _i, x, y);
		}
}
END_TEST

static struct uid
number(uint32_t i)
{
	struct str id = str_printf(a, "%u", i);

	return (struct uid){ STR_INIT("G"), id };
}

/* A chain whose closures would be 2 * 10^10 ids: walked, not remembered. */
START_TEST(entities_bear_long_chains)
{
	struct entities *layer = entities_new(a, NULL), *over;
	struct arena *tight = arena_new(100000);
	struct error err = { 0 };
	const uint32_t n = 200000;
	bool reaches = false;

	for (uint32_t i = 0; i < n; i++) {
		struct uid *parent = ARENA_NEW(a, struct uid);
		struct entity e = {
			.uid = number(i), .parents = parent, .n_parents = 1
		};

		*parent = number(i + 1);
		ck_assert(entities_add(layer, &e, NULL));
	}
	ck_assert(entities_finish(layer, NULL));
	ck_assert_uint_lt(arena_used(a), (size_t)400 << 20);
	ck_assert(
	    entities_reach(layer, number(0), number(n), a, &reaches, NULL));
	ck_assert(reaches);
	ck_assert(
	    entities_reach(layer, number(n), number(0), a, &reaches, NULL));
	ck_assert(!reaches);
	over = entities_new(a, layer);
	ck_assert(entities_finish(over, NULL));
	ck_assert(
	    entities_reach(over, number(0), number(n), a, &reaches, NULL));
	ck_assert(reaches);
	/* Memory that runs out is an error, never a "no". */
	ck_assert(
	    !entities_reach(over, number(0), number(n), tight, &reaches, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	ck_assert(reaches);
	arena_free(tight);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("entities");
	TCase *tc = tcase_create("entities");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, entities_reach_over_layers, 0, ARRAY_LEN(ins));
	tcase_add_test(tc, entities_reach_without_layers);
	tcase_add_loop_test(tc, entities_refuse, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, entities_take_identical_records);
	tcase_add_loop_test(tc, entities_refuse_shapes, 0, ARRAY_LEN(shapes));
	tcase_add_test(tc, entities_read_json);
	tcase_add_loop_test(tc, entities_read_text, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(tc, entities_clash, 0, ARRAY_LEN(clashes));
	tcase_add_test(tc, entities_join_parents);
	tcase_add_loop_test(tc, entities_reach_as_a_search_does, 0, 60);
	tcase_add_test(tc, entities_bear_long_chains);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
