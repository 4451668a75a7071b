/* fuzz_jcs.c - canonical JSON, and plain JSON read without a tree.
 * Held: no crash; the canonical text reads back, and is its own canonical text;
 * a number that was printed reads back to the same bits; what is plain is JSON,
 * says what its tree says, and is canonical where it is said to be. */
#include <math.h>

#include "attest/jcs.h"
#include "base/flat.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	json_setup();
	return 0;
}

static void
on_number(const uint8_t *data)
{
	struct buf out = { 0 };
	double v;

	memcpy(&v, data, sizeof v);
	if (jcs_write_number(v, &out)) {
		double back;

		buf_byte(&out, '\0');
		back = strtod(out.p, NULL);
		must(!(back < v) && !(back > v));
	} else {
		must(!isfinite(v));
	}
	buf_free(&out);
}

static void
on_text(struct str s)
{
	struct buf once = { 0 }, twice = { 0 };
	json_t *v = NULL, *again = NULL;

	if (json_parse(s, NULL, 1u << 20, 64, JSON_NO_NUL, &v, NULL) &&
	    jcs_write(v, &once, NULL)) {
		must(json_parse(buf_str(&once), NULL, 1u << 22, 64, JSON_NO_NUL,
		    &again, NULL));
		must(jcs_write(again, &twice, NULL));
		must(str_eq(buf_str(&once), buf_str(&twice)));
	}
	json_decref(v);
	json_decref(again);
	buf_free(&once);
	buf_free(&twice);
}

static bool
is_same(const struct flat *v, const struct flat *w)
{
	return v->kind == w->kind && v->n == w->n && v->span == w->span &&
	       v->number == w->number && str_eq(v->name, w->name) &&
	       (v->kind != FLAT_STRING || str_eq(v->text, w->text));
}

static void
on_plain(struct str s)
{
	struct arena *a = arena_new(0);
	struct buf text = { 0 };
	struct flat *plain;
	const struct flat *list;
	json_t *tree;
	bool is_canonical;

	if (flat_read(a, s, 1u << 16, 16, 1000, &plain, &is_canonical)) {
		must(json_parse(
		    s, NULL, 1u << 16, 16, JSON_NO_NUL, &tree, NULL));
		must(flat_of_json(a, tree, &list));
		must(plain->span == list->span && plain->span <= 1000);
		for (uint32_t i = 0; i < plain->span; i++)
			must(is_same(&plain[i], &list[i]));
		if (is_canonical)
			must(jcs_write(tree, &text, NULL) &&
			     str_eq(buf_str(&text), s));
		json_decref(tree);
	}
	buf_free(&text);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 1 + sizeof(double) && data[0] == 'd')
		on_number(data + 1);
	else
		on_text((struct str){ (const char *)data, size });
	on_plain((struct str){ (const char *)data, size });
	return 0;
}
