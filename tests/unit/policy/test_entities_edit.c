/* test_entities_edit.c - files of entities, changed in places: what is made of
 * the old records and of what is new is what the new texts alone make, record
 * by record, and who is in whom; and what those are refused for is not made. */
#include "tests/lib/entities.h"
#include "tests/lib/run.h"

#include <stdio.h>

#define FILES 2u
#define RECORDS 24u
#define IDS 28u
#define TAKEN (IDS / 2) /* those that are there at first */
#define ROUNDS 2000u
#define LARGE 20000u

static struct arena *mem;
static uint64_t state;

static void
setup(void)
{
	mem = arena_new(0);
	state = 20260101;
}

static void
teardown(void)
{
	arena_free(mem);
}

static uint32_t
below(uint32_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(state >> 33) % n;
}

/* ---- files ----------------------------------------------------------------
 */

/* A bottom layer with its files. */
struct world {
	struct entities *layer;
	struct entities_file files[FILES];
	bool is_whole; /* nothing was refused */
};

static const char *const names[FILES] = { "a.json", "b.json" };

static struct world
load(const struct str *texts)
{
	struct world w = { .layer = entities_new(mem, NULL), .is_whole = true };

	for (size_t i = 0; i < FILES && w.is_whole; i++)
		w.is_whole = !texts[i].p || entities_add_file(w.layer, names[i],
						texts[i], &w.files[i], NULL);
	w.is_whole = w.is_whole && entities_finish(w.layer, NULL);
	return w;
}

static void
check_parts(const struct str *parts, size_t n, struct str want)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		ck_assert(str_eq(parts[i], str_sub(want, at, at + parts[i].n)));
		at += parts[i].n;
	}
	ck_assert_uint_eq(at, want.n);
}

/* NULL: it is no edit. Texts without bytes: no such file. */
static const struct entities *
edit(const struct world *was, const struct str *old, const struct str *now)
{
	struct entities_edit *e = entities_edit_new(mem, was->layer);
	const struct entities *patch = NULL;
	bool is_local;

	for (size_t i = 0; i < FILES; i++) {
		const struct entities_file *f =
		    old[i].p ? &was->files[i] : NULL;
		const struct str *parts;
		size_t n;

		if (f && !now[i].p) {
			if (!f->is_apart)
				return NULL;
			entities_edit_gone(e, f);
		}
		if (!now[i].p || (f && str_eq(old[i], now[i])))
			continue;
		if (!entities_edit_file(
			e, f, names[i], now[i], &parts, &n, &is_local, NULL) ||
		    !is_local)
			return NULL;
		check_parts(parts, n, now[i]);
	}
	return entities_edit_end(e, &patch, &is_local, NULL) && is_local ? patch
									 : NULL;
}

/* ---- comparing --------------------------------------------------------------
 */

static size_t
count_found(const struct entities *x, const struct entities *y)
{
	size_t n = 0;

	for (size_t i = 0; i < entities_count(x); i++)
		n += record_of(y, record_at(x, i)->uid) != NULL;
	return n;
}

static struct uid
uid_of(uint32_t i)
{
	static char ids[IDS][8];

	(void)snprintf(ids[i], sizeof ids[i], "e%u", i);
	return (struct uid){ STR("T"), str_of(ids[i]) };
}

static void
check_same(const struct entities *was, const struct entities *want,
    const struct entities *got)
{
	size_t n = entities_count(want);

	ck_assert_uint_eq(entities_count(got), n);
	ck_assert_uint_eq(count_same_records(want, got), n);
	ck_assert_uint_eq(count_same_records(got, want), n);
	for (uint32_t i = 0; i < IDS; i++)
		for (uint32_t k = 0; k < IDS; k++)
			ck_assert(entities_in(want, uid_of(i), uid_of(k)) ==
				  entities_in(got, uid_of(i), uid_of(k)));
	/* Not a record more than what differs: new or other, or gone. */
	ck_assert_uint_eq(entities_changed(got),
	    n - count_same_records(want, was) + entities_count(was) -
		count_found(was, want));
}

/* ---- by hand ----------------------------------------------------------------
 */

#define E(id, n)                                                               \
	"{\"uid\":{\"type\":\"T\",\"id\":\"" id "\"},\"attrs\":{\"n\":" n      \
	"},\"parents\":[]}"
#define IN(id, parent)                                                         \
	"{\"uid\":{\"type\":\"T\",\"id\":\"" id "\"},\"attrs\":{},"            \
	"\"parents\":[{\"type\":\"T\",\"id\":\"" parent "\"}]}"
#define ABC "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "]\n"

enum outcome { IS_REFUSED = 0, IS_ANEW, IS_EDIT };

/* clang-format off */
static const struct {
	const char *note, *before, *after;
	enum outcome outcome;
	unsigned n_changed;
} cases[] = {
	{ "one is another", ABC, "[" E("a", "1") ",\n" E("b", "4") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "the first is another", ABC, "[" E("a", "4") ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "the last is another", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "4") "]\n", IS_EDIT, 1 },
	{ "one comes", ABC, "[" E("a", "1") "," E("d", "4") ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "one comes first", ABC, "[" E("d", "4") ",\n" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "one comes last", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "," E("d", "4") "]\n", IS_EDIT, 1 },
	{ "one goes", ABC, "[" E("a", "1") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "the first goes", ABC, "[" E("b", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "the last goes", ABC, "[" E("a", "1") ",\n" E("b", "2") "]\n", IS_EDIT, 1 },
	{ "all go", ABC, "[ ]\n", IS_EDIT, 3 },
	{ "the first come", "[ ]\n", ABC, IS_EDIT, 3 },
	{ "they move", ABC, "[" E("c", "3") ",\n" E("a", "1") ",\n" E("b", "2") "]\n", IS_EDIT, 0 },
	{ "they are written otherwise", ABC, " [ " E("a", "1") " ,\t" E("b", " 2") "," E("c", "3") "\n]", IS_EDIT, 0 },
	{ "one is renamed", ABC, "[" E("a", "1") ",\n" E("x", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 2 },
	{ "one moves below another", ABC, "[" IN("a", "c") ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 1 },
	{ "an escaped name is the same", ABC, "[" E("a", "1") ",\n" E("\\u0062", "2") ",\n" E("c", "3") "]\n", IS_EDIT, 0 },
	{ "brackets in a string", "[" E("]},{[", "1") "," E("b", "2") "]", "[" E("]},{[", "1") "," E("b", "3") "]", IS_EDIT, 1 },
	{ "half a string", "[" E("a\\\\", "1") "," E("b", "2") "]", "[" E("a\\", "1") "," E("b", "2") "]", IS_REFUSED, 0 },
	{ "the same twice", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "," E("b", "2") "]\n", IS_ANEW, 0 },
	{ "twice the same that is new", ABC, "[" E("d", "1") "," E("d", "1") "]\n", IS_ANEW, 0 },
	{ "two that differ", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "," E("b", "3") "]\n", IS_REFUSED, 0 },
	{ "two new ones that differ", ABC, "[" E("d", "1") "," E("d", "2") "]\n", IS_REFUSED, 0 },
	{ "was twice the same", "[" E("a", "1") "," E("a", "1") "]", "[" E("a", "1") "]", IS_ANEW, 0 },
	{ "no bracket at the end", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "\n", IS_REFUSED, 0 },
	{ "cut behind a record", ABC, "[" E("a", "1") ",\n" E("b", "2"), IS_REFUSED, 0 },
	{ "cut within a record", ABC, "[" E("a", "1") ",\n{\"uid\":", IS_REFUSED, 0 },
	{ "a comma too many", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") ",]\n", IS_REFUSED, 0 },
	{ "a comma in place of the bracket", ABC, "," E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "begins with the second", ABC, ",\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "two commas", ABC, "[" E("a", "1") ",,\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "no comma", ABC, "[" E("a", "1") "\n" E("b", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "more behind the array", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "]\n[]", IS_REFUSED, 0 },
	{ "an array in the midst", ABC, "[" E("a", "1") "],[" E("b", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "a bracket too many", ABC, "[" E("a", "1") ",\n" E("b", "2") ",\n" E("c", "3") "]]\n", IS_REFUSED, 0 },
	{ "an array in the array", ABC, "[" E("a", "1") ",\n[" E("b", "2") "],\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "no text", ABC, "", IS_REFUSED, 0 },
	{ "no array", ABC, E("a", "1"), IS_REFUSED, 0 },
	{ "a circle", ABC, "[" IN("a", "b") "," IN("b", "a") "]", IS_REFUSED, 0 },
	{ "a circle through what stays", "[" E("a", "1") "," IN("b", "a") "]", "[" IN("a", "b") "," IN("b", "a") "]", IS_REFUSED, 0 },
	{ "a number that is none", ABC, "[" E("a", "1") ",\n" E("b", "2.5") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
	{ "a type that is none", ABC, "[{\"uid\":{\"type\":\"T T\",\"id\":\"b\"},\"attrs\":{},\"parents\":[]}]", IS_REFUSED, 0 },
	{ "not UTF-8", ABC, "[" E("a", "1") ",\n" E("b\xc3", "2") ",\n" E("c", "3") "]\n", IS_REFUSED, 0 },
};
/* clang-format on */

START_TEST(by_hand)
{
	const struct str old[FILES] = { str_of(cases[_i].before) };
	const struct str now[FILES] = { str_of(cases[_i].after) };
	struct world was = load(old), want = load(now);
	const struct entities *got = edit(&was, old, now);

	ck_assert_msg(was.is_whole, "%s: before", cases[_i].note);
	ck_assert_msg(want.is_whole == (cases[_i].outcome != IS_REFUSED),
	    "%s: after", cases[_i].note);
	ck_assert_msg((got != NULL) == (cases[_i].outcome == IS_EDIT), "%s",
	    cases[_i].note);
	if (!got)
		return;
	check_same(was.layer, want.layer, got);
	ck_assert_msg(entities_changed(got) == cases[_i].n_changed, "%s: %zu",
	    cases[_i].note, entities_changed(got));
}
END_TEST

/* ---- at random --------------------------------------------------------------
 */

struct item {
	uint32_t id;
	struct str text;
};

struct list {
	struct item items[RECORDS];
	uint32_t n;
};

/* Its members in several forms, most of them not plain. */
static struct item
new_record(uint32_t id)
{
	static const char *const spaces[] = { "", "", "", " ", "\n\t" };
	static const char *const attrs[] = { "", "\"s\":\"],{\"",
		"\"s\":\"\\\"\\u00e9\\\\\"", "\"l\":[1,[true,\"]\"]]",
		"\"r\":{\"x\":{\"__entity\":{\"type\":\"T\",\"id\":\"e1\"}}}",
		"\"b\":false" };
	struct buf b = { 0 };
	uint32_t n = below(3);
	struct item item = { .id = id };

	buf_printf(&b, "%s{\"uid\":{\"type\":\"T\",\"id\":\"e%u\"},%s",
	    spaces[below(ARRAY_LEN(spaces))], id,
	    spaces[below(ARRAY_LEN(spaces))]);
	buf_printf(&b, "\"attrs\":{%s}", attrs[below(ARRAY_LEN(attrs))]);
	if (below(8) == 0)
		buf_printf(&b, ",\"tags\":{\"t\":%u}", below(2));
	buf_addz(&b, ",\"parents\":[");
	/* Circles are seldom so. */
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&b, "%s{\"type\":\"T\",\"id\":\"e%u\"}",
		    i ? "," : "", below(40) ? (id ? id / 2 : IDS) : below(IDS));
	buf_printf(&b, "]}%s", spaces[below(ARRAY_LEN(spaces))]);
	item.text = str_dup(mem, buf_str(&b));
	buf_free(&b);
	return item;
}

static void
insert(struct list *l, uint32_t at, struct item item)
{
	if (l->n == RECORDS)
		return;
	memmove(
	    &l->items[at + 1], &l->items[at], (l->n - at) * sizeof *l->items);
	l->items[at] = item;
	l->n++;
}

static struct item
take_away(struct list *l, uint32_t at)
{
	struct item item = l->items[at];

	l->n--;
	memmove(
	    &l->items[at], &l->items[at + 1], (l->n - at) * sizeof *l->items);
	return item;
}

static void
change(struct list *l)
{
	uint32_t at = below(l->n + 1), other;

	if (at == l->n || below(4) == 0) {
		insert(l, at, new_record(below(IDS)));
		return;
	}
	other = below(l->n);
	switch (below(4)) {
	case 0:
		(void)take_away(l, at);
		return;
	case 1:
		insert(l, other, take_away(l, at));
		return;
	case 2:
		if (below(6) == 0)
			insert(l, other, l->items[at]);
		return;
	default:
		l->items[at] =
		    new_record(below(4) ? l->items[at].id : below(IDS));
	}
}

/* Bytes of it that are others: mostly no JSON any more. */
static void
damage(char *text, size_t n)
{
	static const char bytes[] = "[]{},\":\\ e01\n\xc3";

	text[below((uint32_t)n)] = bytes[below(sizeof bytes - 1)];
}

static struct str
text_of(const struct list *l, bool is_damaged)
{
	struct buf b = { 0 };
	char *text;
	size_t n;

	buf_byte(&b, '[');
	for (uint32_t i = 0; i < l->n; i++) {
		if (i)
			buf_byte(&b, ',');
		buf_add(&b, l->items[i].text);
	}
	buf_addz(&b, "]\n");
	n = b.n;
	text = buf_take(&b, mem);
	if (is_damaged)
		damage(text, n);
	return (struct str){ text, n };
}

struct tally {
	unsigned refused, anew, edited;
};

/* Parents have lower numbers, mostly: circles are seldom. */
static void
fill(struct list *lists)
{
	for (uint32_t i = 0; i < FILES; i++)
		lists[i].n = 0;
	for (uint32_t i = 0; i < TAKEN; i++)
		insert(&lists[below(FILES)], 0, new_record(2 * i));
	if (below(8) == 0)
		insert(&lists[1], 0, lists[0].items[0]);
}

/* From what was to lists that are changed. */
static void
step(struct tally *tally)
{
	struct list lists[FILES];
	struct str old[FILES], now[FILES];
	struct world was, want;
	const struct entities *got;
	uint32_t n = 1 + below(3);

	fill(lists);
	for (uint32_t i = 0; i < FILES; i++)
		old[i] = below(20) ? text_of(&lists[i], false)
				   : (struct str){ NULL, 0 };
	was = load(old);
	if (!was.is_whole)
		return;
	for (uint32_t i = 0; i < n; i++)
		change(&lists[below(FILES)]);
	for (uint32_t i = 0; i < FILES; i++)
		now[i] = below(20) ? text_of(&lists[i], below(10) == 0)
				   : (struct str){ NULL, 0 };
	want = load(now);
	got = edit(&was, old, now);
	ck_assert(!got || want.is_whole);
	if (got)
		check_same(was.layer, want.layer, got);
	tally->refused += !want.is_whole;
	tally->anew += want.is_whole && !got;
	tally->edited += got != NULL;
}

START_TEST(at_random)
{
	struct tally t = { 0 };

	for (uint32_t i = 0; i < ROUNDS; i++) {
		step(&t);
		arena_reset(mem);
	}

	ck_assert_uint_ge(t.edited, ROUNDS / 10);
	ck_assert_uint_ge(t.refused, ROUNDS / 100);
	ck_assert_uint_ge(t.anew, ROUNDS / 1000);
}
END_TEST

/* ---- what is read
 * ------------------------------------------------------------
 */

/* Record i, in line i. */
static void
add_line(struct buf *b, uint32_t i, uint32_t n)
{
	buf_printf(b,
	    "%s{\"uid\":{\"type\":\"T\",\"id\":\"%u\"},\"attrs\":{\"n\":%u},"
	    "\"parents\":[]}",
	    b->n > 1 ? ",\n" : "", i, n);
}

/* Bytes of the new text that are not the old one's. */
static size_t
count_new(struct str old, struct str now, size_t *ret_changed)
{
	const struct str texts[FILES] = { old };
	struct world was = load(texts);
	struct entities_edit *e = entities_edit_new(mem, was.layer);
	const struct entities *patch;
	const struct str *parts;
	size_t n, new_bytes = 0;
	bool is_local;

	ck_assert(entities_edit_file(e, &was.files[0], names[0], now, &parts,
		      &n, &is_local, NULL) &&
		  is_local);
	for (size_t i = 0; i < n; i++)
		if (parts[i].p < old.p || parts[i].p >= old.p + old.n)
			new_bytes += parts[i].n;
	ck_assert(entities_edit_end(e, &patch, &is_local, NULL) && is_local);
	*ret_changed = entities_changed(patch);
	return new_bytes;
}

/* clang-format off */
static const struct {
	const char *note;
	uint32_t every;         /* of which one is another */
	uint32_t gone_from, gone_to;
	size_t n_changed, new_bytes_max;
} large[] = {
	{ "one", LARGE, 0, 0, 1, 200 },
	{ "two hundred here and there", 100, 0, 0, 200, 20000 },
	{ "many go from the midst, and one is another", LARGE, 5000, 12000, 7001, 40000 },
};
/* clang-format on */

START_TEST(reads_what_is_new)
{
	uint32_t every = large[_i].every;
	struct buf old = { 0 }, now = { 0 };
	size_t n_changed, new_bytes;

	buf_byte(&old, '[');
	buf_byte(&now, '[');
	for (uint32_t i = 0; i < LARGE; i++) {
		add_line(&old, i, i);
		if (i < large[_i].gone_from || i >= large[_i].gone_to)
			add_line(&now, i, i % every == every - 1 ? 7 : i);
	}
	buf_byte(&old, ']');
	buf_byte(&now, ']');
	new_bytes = count_new(buf_str(&old), buf_str(&now), &n_changed);
	ck_assert_msg(n_changed == large[_i].n_changed &&
			  new_bytes <= large[_i].new_bytes_max,
	    "%s: %zu changed, %zu bytes", large[_i].note, n_changed, new_bytes);
	buf_free(&old);
	buf_free(&now);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("entities_edit");
	TCase *tc = tcase_create("entities_edit");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, by_hand, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, at_random);
	tcase_add_loop_test(tc, reads_what_is_new, 0, ARRAY_LEN(large));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
