/* test_index.c - what the index finds is what each policy, evaluated by itself,
 * says: on random sets over a small world in which scopes, keys, missing
 * attributes and layers meet often; then what only large or odd input does. */
#include <stdio.h>

#include "policy/policy.h"
#include "tests/lib/run.h"

#define SEEDS 250
#define REQUESTS 24
#define POLICIES 60

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

struct chance {
	uint64_t state;
};

static unsigned
pick(struct chance *c, unsigned n)
{
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return (unsigned)((c->state * 2685821657736338717u) >> 33) % n;
}

#define PICK(c, list) list[pick(c, ARRAY_LEN(list))]

/* --- a world ----------------------------------------------------------------
 */

static struct policy_set *
policies_of(const char *text)
{
	struct errors errors = { 0 };
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	bool ok = set && policy_set_add_text(
			     set, "p.avow", str_of(text), POLICY_AVOW, &errors);

	ok = ok && policy_set_finish(set, &errors);
	ck_assert_msg(ok, "%s\nin: %s", errors.e[0].msg, text);
	return set;
}

static const struct entities *
layer_of(const char *text, const struct entities *below)
{
	struct entities *layer = entities_new(a, below);
	struct error err = { 0 };

	ck_assert_ptr_nonnull(layer);
	ck_assert_msg(entities_add_text(layer, str_of(text), "e.json", &err) &&
			  entities_finish(layer, &err),
	    "%s", err.msg);
	return layer;
}

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define RECORD(type, id, attrs, parents)                                       \
	"{\"uid\":" UID(type, id) ",\"attrs\":{" attrs                         \
				  "},\"parents\":[" parents "]}"

static const char base_text[] =
    "[" RECORD("U", "a", "\"dept\":\"d1\",\"level\":3",
	UID("G", "g1") "," UID("G", "g2")) "," RECORD("U", "b",
	"\"dept\":\"d2\",\"level\":\"high\",\"boss\":{\"__entity\":" UID(
	    "U", "a") "}",
	UID("G", "g3")) "," RECORD("U", "c",
	"\"level\":1,\"home\":{\"city\":\"x\"}",
	UID("G", "g1")) "," RECORD("U", "a user with an id longer than a slot",
	"\"dept\":\"d1\",\"level\":4294967296", UID("G", "g2")) "," RECORD("G",
	"g1", "", UID("G", "top")) "," RECORD("G", "g2", "\"dept\":\"d1\"",
	UID("G", "top")) "," RECORD("G", "g3", "", "") "," RECORD("R", "t1/x",
	"\"level\":2,\"owner\":{\"__entity\":" UID("U", "a") "}",
	UID("T", "t1")) "," RECORD("R", "t1/y", "\"dept\":\"d1\"",
	UID("T", "t1") "," UID("T", "t2")) "," RECORD("R", "t2",
	"\"level\":-7,\"dept\":true", UID("T", "t2")) "]";

static const char *const layers[] = { "[]",
	"[" RECORD("U", "new", "\"dept\":\"d1\",\"level\":2",
	    UID("G", "g1") "," UID("T", "t1")) "]",
	"[" RECORD("G", "g3", "", UID("G", "g1")) "]",
	"[" RECORD("U", "new", "", UID("U", "c")) "," RECORD("R", "t1/new",
	    "\"level\":0",
	    UID("T", "t9")) "," RECORD("T", "t9", "", UID("T", "t2")) "]",
	"[" RECORD("G", "g9", "", UID("G", "top")) "," RECORD(
	    "U", "new", "\"level\":9", UID("G", "g9")) "]" };

static const char *const contexts[] = { "{}",
	"{\"x\":1,\"s\":\"one\",\"deep\":{\"y\":\"two\"}}",
	"{\"x\":2,\"s\":\"two\",\"deep\":{}}",
	"{\"x\":\"1\",\"s\":1,\"deep\":7}",
	"{\"x\":1,\"s\":\"none of them\",\"who\":{\"__entity\":" UID(
	    "U", "a") "}}",
	"{\"x\":99999999999,\"deep\":{\"y\":\"one\"},\"who\":{\"__"
	"entity\":" UID("U", "nobody") "}}" };

static const char *const principals[] = { "principal", "principal",
	"principal == U::\"a\"", "principal == U::\"new\"",
	"principal in G::\"g1\"", "principal in G::\"g2\"",
	"principal in G::\"top\"", "principal in G::\"g9\"", "principal is U",
	"principal is G", "principal is U in G::\"g1\"",
	"principal in U::\"c\"", "principal in [G::\"g2\", G::\"g3\"]",
	"principal != U::\"a\"", "principal not in G::\"g1\"",
	"principal like U::\"a*\"", "principal in T::\"t1\"" };
static const char *const actions[] = { "action", "action == Action::\"r\"",
	"action == Action::\"w\"", "action in [Action::\"r\", Action::\"w\"]",
	"action in Action::\"all\"" };
static const char *const resources[] = { "resource", "resource",
	"resource in T::\"t1\"", "resource in T::\"t2\"",
	"resource in T::\"t9\"", "resource == R::\"t2\"",
	"resource like R::\"t1/*\"", "resource like R::\"t*\"", "resource is R",
	"resource like R::\"*x\"", "resource not in T::\"t1\"",
	"resource is R in T::\"t2\"" };
static const char *const tests[] = { "principal.dept == \"d1\"",
	"principal.dept == \"d2\"", "principal.level <= 2",
	"principal.level > 2", "resource.level < 1", "context.x == 1",
	"context.x == 2", "context.s == \"one\"", "context.s == \"two\"",
	"context has x && context.x == 1", "context has s",
	"context.deep.y == \"two\"", "context has deep",
	"principal.boss.dept == \"d1\"", "principal.home.city == \"x\"",
	"resource.owner == principal", "resource.owner == U::\"a\"",
	"context.who == U::\"a\"", "context.who in G::\"g1\"",
	"!(context.x == 1)", "context.x + 1 == 2",
	"resource.dept == principal.dept",
	"principal.dept == \"d1\" || context.x == 1",
	"[1, 2].contains(context.x)", "context.x", "principal has dept",
	"principal.level == 3", "principal.level == 4294967296",
	"principal has level && principal.level == 1", "resource.dept == true",
	"principal in G::\"top\"",
	("(if context.x == 1 then principal.dept == \"d1\" else "
	 "context.s == \"two\")") };

static void
random_policy(struct chance *c, struct buf *b, unsigned number, unsigned scopes)
{
	unsigned n = pick(c, 4);

	/* The fewer scopes a set has, the more rules lie under one key. */
	buf_printf(b, "@id(\"%c%u\") %s (%s, %s, %s)",
	    (char)('a' + pick(c, 26)), number, pick(c, 4) ? "permit" : "forbid",
	    principals[pick(c, ARRAY_LEN(principals)) % scopes],
	    actions[pick(c, ARRAY_LEN(actions)) % scopes],
	    resources[pick(c, ARRAY_LEN(resources)) % scopes]);
	for (unsigned i = 0; i < n; i++) {
		unsigned more = pick(c, 3);

		buf_addz(b, pick(c, 5) ? " when { " : " unless { ");
		buf_addz(b, PICK(c, tests));
		for (unsigned k = 0; k < more; k++) {
			buf_addz(b, " && ");
			buf_addz(b, PICK(c, tests));
		}
		buf_addz(b, " }");
	}
	buf_addz(b, ";\n");
}

/* --- is it what each policy says? --------------------------------------------
 */

static bool
is_listed(const uint32_t *list, size_t n, uint32_t i)
{
	for (size_t k = 0; k < n; k++)
		if (list[k] == i)
			return true;
	return false;
}

static void
check_order(const struct policy_set *set, const uint32_t *list, size_t n)
{
	for (size_t i = 1; i < n; i++)
		ck_assert_int_lt(str_cmp(policy_set_info(set, list[i - 1]).id,
				     policy_set_info(set, list[i]).id),
		    0);
}

static const char *
text_of(const struct policy_set *set, uint32_t i)
{
	struct buf b = { 0 };
	const char *copy;

	policy_print(set, i, &b);
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static void
check_found(const struct policy_set *set, const struct policy_index *ix,
    const struct eval_request *r, const char *note)
{
	struct policy_found f = { 0 };

	ck_assert(policy_index_find(ix, r, a, &f));
	ck_assert_msg(!f.is_walk, "%s: the index cannot tell", note);
	for (int e = 0; e < 2; e++)
		check_order(set, f.satisfied[e], f.n_satisfied[e]);
	check_order(set, f.doubtful, f.n_doubtful);
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		enum policy_effect effect = policy_set_info(set, i).effect;
		struct error err = { 0 };
		enum eval_outcome o = policy_eval(set, i, r, a, NULL, &err);
		bool holds =
		    is_listed(f.satisfied[effect], f.n_satisfied[effect], i);
		bool doubt = is_listed(f.doubtful, f.n_doubtful, i);
		bool is_sure = doubt && f.sure != ERR_NONE;

		ck_assert_msg(
		    !is_listed(f.satisfied[!effect], f.n_satisfied[!effect], i),
		    "%s: %s is of the other effect", note, text_of(set, i));
		ck_assert_msg(
		    holds == (o == EVAL_TRUE) &&
			(o == EVAL_UNKNOWN || doubt == (o == EVAL_ERROR)),
		    "%s: outcome %d (%s), found %s: %s", note, (int)o, err.msg,
		    holds   ? "satisfied"
		    : doubt ? "doubtful"
			    : "false",
		    text_of(set, i));
		ck_assert_msg(!is_sure || err.code == f.sure,
		    "%s: outcome %d (%s), found in error: %s", note, (int)o,
		    err.msg, text_of(set, i));
	}
}

static struct eval_request
random_request(struct chance *c, const struct entities *base,
    const struct entities *const upper[], struct value *context, char *note)
{
	static const char *const people[] = { "a", "b", "c", "new", "nobody",
		"a user with an id longer than a slot" };
	static const char *const things[] = { "t1/x", "t1/y", "t2", "t1/new",
		"other" };
	struct error err = { 0 };
	json_t *json = NULL;
	unsigned layer = pick(c, ARRAY_LEN(layers) + 1);
	const char *text = PICK(c, contexts);
	struct eval_request r = { .context = context };

	ck_assert(json_parse(
	    str_of(text), "c", 1000, 9, JSON_DATA_FILE, &json, &err));
	ck_assert(value_from_json(a, json, "context", context, &err));
	json_decref(json);
	r.principal = (struct uid){ STR("U"), str_of(PICK(c, people)) };
	if (pick(c, 8) == 0)
		r.principal = (struct uid){ STR("G"), STR("g2") };
	r.action =
	    (struct uid){ STR("Action"), pick(c, 2) ? STR("r") : STR("w") };
	r.resource = (struct uid){ STR("R"), str_of(PICK(c, things)) };
	r.entities = layer == ARRAY_LEN(layers) ? base : upper[layer];
	snprintf(note, 200, "%.*s %.*s %.*s %s layer %u",
	    STR_ARG(r.principal.id), STR_ARG(r.action.id),
	    STR_ARG(r.resource.id), text, layer);
	return r;
}

START_TEST(finds_what_holds)
{
	struct chance c = { (uint64_t)_i * 7919 + 17 };
	const struct entities *base = layer_of(base_text, NULL);
	const struct entities *upper[ARRAY_LEN(layers)];
	struct policy_index *ix = NULL;
	struct policy_set *set;
	struct buf b = { 0 };
	unsigned n = 1 + pick(&c, POLICIES), scopes = 1 + pick(&c, 17);

	for (unsigned i = 0; i < n; i++)
		random_policy(&c, &b, i, scopes);
	buf_byte(&b, '\0');
	for (size_t i = 0; i < ARRAY_LEN(layers); i++)
		upper[i] = layer_of(layers[i], base);
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	for (int i = 0; i < REQUESTS; i++) {
		struct value context;
		char note[200];
		struct eval_request r =
		    random_request(&c, base, upper, &context, note);

		check_found(set, ix, &r, note);
	}
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

/* --- several at once --------------------------------------------------------
 */

/* So many entities that the tables are worth interleaving. */
static const struct entities *
large_base(void)
{
	struct buf b = { 0 };
	const struct entities *base;

	buf_add(&b, str_sub(str_of(base_text), 0, sizeof base_text - 2));
	for (unsigned i = 0; i < 9000; i++)
		buf_printf(&b, "," RECORD("R", "filler %u", "", ""), i);
	buf_add(&b, (struct str){ "]", 2 });
	base = layer_of(b.p, NULL);
	buf_free(&b);
	return base;
}

static void
check_same(const uint32_t *x, size_t nx, const uint32_t *y, size_t ny)
{
	ck_assert_uint_eq(nx, ny);
	for (size_t i = 0; i < nx; i++)
		ck_assert_uint_eq(x[i], y[i]);
}

static void
check_many(
    const struct policy_index *ix, const struct eval_request *r, size_t n)
{
	struct policy_found many[POLICY_FIND_MANY];

	ck_assert(policy_index_find_many(ix, r, n, a, many));
	for (size_t i = 0; i < n; i++) {
		struct policy_found f = { 0 };

		ck_assert(policy_index_find(ix, &r[i], a, &f));
		ck_assert_int_eq(f.is_walk, many[i].is_walk);
		for (int e = 0; e < 2; e++)
			check_same(f.satisfied[e], f.n_satisfied[e],
			    many[i].satisfied[e], many[i].n_satisfied[e]);
		check_same(f.doubtful, f.n_doubtful, many[i].doubtful,
		    many[i].n_doubtful);
	}
}

START_TEST(finds_for_many_what_it_finds_for_each)
{
	struct chance c = { (uint64_t)_i * 104729 + 5 };
	const struct entities *base = large_base();
	const struct entities *upper[ARRAY_LEN(layers)];
	struct policy_index *ix = NULL;
	struct policy_set *set;
	struct buf b = { 0 };

	for (unsigned i = 0; i < POLICIES; i++)
		random_policy(&c, &b, i, 1 + 3 * (unsigned)_i);
	buf_byte(&b, '\0');
	for (size_t i = 0; i < ARRAY_LEN(layers); i++)
		upper[i] = layer_of(layers[i], base);
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	for (int i = 0; i < 100; i++) {
		struct value context[POLICY_FIND_MANY];
		struct eval_request r[POLICY_FIND_MANY];
		size_t n = 1 + pick(&c, POLICY_FIND_MANY);
		char note[200];

		for (size_t k = 0; k < n; k++) {
			r[k] =
			    random_request(&c, base, upper, &context[k], note);
			/* Often the one before with something else. */
			if (k && pick(&c, 2))
				r[k].principal = r[k - 1].principal;
			if (k && pick(&c, 2))
				r[k].resource = r[k - 1].resource;
		}
		check_many(ix, r, n);
	}
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

/* --- large and odd
 * ------------------------------------------------------------ */

static struct eval_request
ask(const char *principal, const struct entities *layer)
{
	static const struct value none = { .kind = VALUE_RECORD };

	return (struct eval_request){ { STR("U"), str_of(principal) },
		{ STR("Action"), STR("r") }, { STR("R"), STR("t2") }, &none,
		layer };
}

/* A thousand policies under one key, each with another literal. */
START_TEST(searches_a_hot_key)
{
	const struct entities *base =
	    layer_of("[" RECORD("U", "a", "\"n\":\"k500\"", "") "," RECORD("U",
			 "b", "", "") "," RECORD("U", "c", "\"n\":7", "") "]",
		NULL);
	struct policy_index *ix = NULL;
	struct policy_found f;
	struct buf b = { 0 };
	struct eval_request r;
	struct policy_set *set;

	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b,
		    "permit (principal, action, resource) when { principal.n "
		    "== \"k%u\" };\n",
		    i);
	buf_byte(&b, '\0');
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	r = ask("a", base);
	ck_assert(policy_index_find(ix, &r, a, &f));
	ck_assert_uint_eq(f.n_satisfied[POLICY_PERMIT], 1);
	ck_assert_uint_eq(f.satisfied[POLICY_PERMIT][0], 500);
	ck_assert_uint_eq(f.n_doubtful, 0);
	/* Without the attribute each of them is in error, and none is lost. */
	r = ask("b", base);
	ck_assert(policy_index_find(ix, &r, a, &f));
	ck_assert_uint_eq(f.n_doubtful, 1000);
	check_order(set, f.doubtful, f.n_doubtful);
	/* Of another kind it equals none. */
	r = ask("c", base);
	ck_assert(policy_index_find(ix, &r, a, &f));
	ck_assert_uint_eq(f.n_doubtful + f.n_satisfied[POLICY_PERMIT], 0);
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

/* Many atoms: slots whose lists lie elsewhere, and products that are probed by
 * pairs. */
START_TEST(has_many_groups)
{
	struct buf e = { 0 }, p = { 0 };
	const struct entities *base;
	struct policy_index *ix = NULL;
	struct policy_set *set;
	struct eval_request r;

	buf_addz(&e, "[{\"uid\":" UID("U", "a") ",\"attrs\":{},\"parents\":[");
	for (unsigned i = 0; i < 400; i++)
		buf_printf(
		    &e, "%s{\"type\":\"G\",\"id\":\"g%u\"}", i ? "," : "", i);
	buf_addz(&e, "]},{\"uid\":" UID("R", "t2") ",\"attrs\":{},"
						   "\"parents\":[");
	for (unsigned i = 0; i < 300; i++)
		buf_printf(
		    &e, "%s{\"type\":\"T\",\"id\":\"t%u\"}", i ? "," : "", i);
	buf_addz(&e, "]}]");
	buf_byte(&e, '\0');
	for (unsigned i = 0; i < 600; i++)
		buf_printf(&p,
		    "permit (principal in G::\"g%u\", action == "
		    "Action::\"r\", resource in T::\"t%u\");\n",
		    i % 500, i * 7 % 400);
	buf_byte(&p, '\0');
	base = layer_of(e.p, NULL);
	set = policies_of(p.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	r = ask("a", base);
	check_found(set, ix, &r, "many groups");
	r = ask("b", base);
	check_found(set, ix, &r, "none of them");
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&e);
	buf_free(&p);
}
END_TEST

/* Ids of all lengths about those that are read at once, and each with one byte
 * changed: who is named is found, nobody else. */
START_TEST(tells_ids_apart)
{
	struct buf b = { 0 };
	struct policy_set *set;
	struct policy_index *ix = NULL;
	const struct value context = { .kind = VALUE_RECORD };
	const struct entities *base = layer_of("[]", NULL);
	char id[52];

	memset(id, 'x', sizeof id);
	for (int n = 0; n < 50; n++)
		buf_printf(&b,
		    "permit (principal == U::\"%.*s\", action, resource);\n", n,
		    id);
	buf_add(&b, (struct str){ "", 1 });
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	for (size_t n = 0; n < 51; n++)
		for (size_t at = 0; at <= n; at++) {
			struct eval_request r = { { STR("U"), { id, n } },
				{ STR("Action"), STR("r") },
				{ STR("R"), STR("r") }, &context, base };
			struct policy_found f = { 0 };
			bool named = n < 50 && at == n;

			id[at] = at < n ? 'y' : 'x';
			ck_assert(policy_index_find(ix, &r, a, &f));
			ck_assert_msg(f.n_satisfied[POLICY_PERMIT] == named &&
					  f.n_satisfied[POLICY_DENY] == 0,
			    "%zu bytes, changed at %zu", n, at);
			id[at] = 'x';
		}
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

START_TEST(walks_where_it_cannot_tell)
{
	const struct entities *base = layer_of(base_text, NULL);
	const struct entities *upper = layer_of("[]", base);
	const struct entities *third = layer_of("[]", upper);
	const struct entities *other = layer_of(base_text, NULL);
	struct policy_set *set =
	    policies_of("permit (principal, action, resource);");
	struct policy_index *ix = NULL;
	struct policy_found f;
	const struct {
		const struct entities *layer;
		bool walks;
	} rows[] = { { base, false }, { upper, false }, { third, true },
		{ other, true }, { NULL, true } };

	ck_assert(policy_index_new(set, base, &ix, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct eval_request r = ask("a", rows[i].layer);

		ck_assert(policy_index_find(ix, &r, a, &f));
		ck_assert_msg(f.is_walk == rows[i].walks, "row %zu", i);
	}
	ck_assert_uint_gt(policy_index_bytes(ix), 0);
	policy_index_free(ix);
	policy_set_free(set);
}
END_TEST

START_TEST(needs_no_entities)
{
	struct policy_set *set = policies_of(
	    "@id(\"a\") permit (principal == U::\"a\", action, resource);"
	    "@id(\"g\") permit (principal in G::\"g\", action, resource);");
	const struct entities *layer =
	    layer_of("[" RECORD("U", "b", "", UID("G", "g")) "]", NULL);
	struct policy_index *ix = NULL;
	struct eval_request r = ask("a", layer);

	ck_assert(policy_index_new(set, NULL, &ix, NULL));
	check_found(set, ix, &r, "a");
	r = ask("b", layer);
	check_found(set, ix, &r, "b");
	policy_index_free(ix);
	policy_set_free(set);
}
END_TEST

/* Data not fetched is no value: what reads it waits. */
START_TEST(doubts_what_is_unknown)
{
	const struct entities *base = layer_of(base_text, NULL);
	struct value_field x = { STR("x"), { .kind = VALUE_UNKNOWN } };
	struct value context = { .kind = VALUE_RECORD, .record = { &x, 1 } };
	struct buf b = { 0 };
	struct policy_set *set;
	struct policy_index *ix = NULL;
	struct eval_request r = ask("a", base);

	for (unsigned i = 0; i < 20; i++)
		buf_printf(&b,
		    "permit (principal, action, resource) when { context.x == "
		    "%u };permit (principal, action, resource) when { context "
		    "has x && principal.level == %u };",
		    i, i);
	buf_byte(&b, '\0');
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	r.context = &context;
	check_found(set, ix, &r, "unknown");
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

START_TEST(tells_who_was_near)
{
	const struct entities *base = layer_of(base_text, NULL);
	struct policy_set *set = policies_of(
	    "@id(\"0\") permit (principal == U::\"b\", action, resource);"
	    "@id(\"1\") permit (principal, action, resource) when { false };"
	    "@id(\"2\") forbid (principal, action, resource) when { false };"
	    "@id(\"3\") permit (principal in G::\"g1\", action, resource) "
	    "when { principal.level == 9 };");
	struct policy_index *ix = NULL;
	struct eval_request r = ask("a", base);
	uint32_t near[4] = { 0 };

	ck_assert(policy_index_new(set, base, &ix, NULL));
	ck_assert_uint_ge(policy_index_near(ix, &r, a, near, 4), 1);
	ck_assert(is_listed(near, 2, 3));
	ck_assert(!is_listed(near + 1, 3, 2));
	ck_assert_uint_le(policy_index_near(ix, &r, a, near, 1), 1);
	policy_index_free(ix);
	policy_set_free(set);
}
END_TEST

START_TEST(ends_without_memory)
{
	const struct entities *base = layer_of(base_text, NULL);
	struct buf b = { 0 };
	struct policy_set *set;
	struct policy_index *ix = NULL;
	struct eval_request r = ask("a", base);
	struct arena *little = arena_new(256);
	struct policy_found f;

	for (unsigned i = 0; i < 500; i++)
		buf_addz(&b, "permit (principal, action, resource);");
	buf_byte(&b, '\0');
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, base, &ix, NULL));
	ck_assert(!policy_index_find(ix, &r, little, &f));
	arena_free(little);
	ck_assert(policy_index_find(ix, &r, a, &f));
	ck_assert_uint_eq(f.n_satisfied[POLICY_PERMIT], 500);
	check_order(set, f.satisfied[POLICY_PERMIT], 500);
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

/* Of so many that they have several digits. */
#define SORTED 1500u

START_TEST(sorts_by_id)
{
	struct chance c = { 99 };
	struct buf b = { 0 };
	struct policy_set *set;
	struct policy_index *ix = NULL;
	uint32_t list[SORTED];
	static const size_t sizes[] = { 0, 1, 2, 24, 25, 40, 300, 1023,
		SORTED };

	for (unsigned i = 0; i < SORTED; i++)
		buf_printf(&b,
		    "@id(\"p-%u\") permit (principal, action, resource);",
		    pick(&c, 1000) * SORTED + i);
	buf_byte(&b, '\0');
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, NULL, &ix, NULL));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (uint32_t k = 0; k < sizes[i]; k++)
			list[k] = k * 7 % SORTED;
		ck_assert(policy_index_sort(ix, list, sizes[i], a));
		check_order(set, list, sizes[i]);
	}
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

/* Of so many that those that begin alike are many after several rounds; some
 * are the beginning of others, or end in NUL. */
#define ALIKE 9000u

START_TEST(sorts_ids_that_begin_alike)
{
	struct buf b = { 0 };
	struct policy_set *set;
	struct policy_index *ix = NULL;
	uint32_t *list = ARENA_ARRAY(a, ALIKE, uint32_t);

	for (unsigned i = 0; i < ALIKE; i++) {
		unsigned n = i * 7919u % ALIKE;

		buf_addz(&b, "@id(\"");
		for (unsigned block = 0; block < 6; block++)
			buf_printf(&b, "0000000%u", n >> block & 1);
		for (unsigned k = 0; k < n / 64 % 5; k++)
			buf_addz(&b, "\\0");
		buf_printf(&b, n % 3 ? "%u" : "%08u", n);
		buf_addz(&b, "\") permit (principal, action, resource);");
		list[i] = i;
	}
	buf_addz(&b, "@id(\"0000000\") permit (principal, action, resource);"
		     "@id(\"000000000000000\") permit (principal, action, "
		     "resource);@id(\"00000000\\0\") permit (principal, "
		     "action, resource);@id(\"00000000\") permit (principal, "
		     "action, resource);");
	buf_byte(&b, '\0');
	set = policies_of(b.p);
	ck_assert(policy_index_new(set, NULL, &ix, NULL));
	for (uint32_t i = 0; i < 4; i++)
		list[i * 11] = ALIKE + i;
	ck_assert(policy_index_sort(ix, list, ALIKE, a));
	check_order(set, list, ALIKE);
	policy_index_free(ix);
	policy_set_free(set);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("index");
	TCase *tc = tcase_create("index");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, finds_what_holds, 0, SEEDS);
	tcase_add_loop_test(tc, finds_for_many_what_it_finds_for_each, 0, 6);
	tcase_add_test(tc, searches_a_hot_key);
	tcase_add_test(tc, has_many_groups);
	tcase_add_test(tc, tells_ids_apart);
	tcase_add_test(tc, walks_where_it_cannot_tell);
	tcase_add_test(tc, needs_no_entities);
	tcase_add_test(tc, doubts_what_is_unknown);
	tcase_add_test(tc, tells_who_was_near);
	tcase_add_test(tc, ends_without_memory);
	tcase_add_test(tc, sorts_by_id);
	tcase_add_test(tc, sorts_ids_that_begin_alike);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
