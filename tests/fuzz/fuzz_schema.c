/* fuzz_schema.c - schemas in both syntaxes, and data by them: no input breaks a
 * reader, an error always has a place, what is read is written and read again
 * to the same, and text that JSON came from means the same types and actions.
 * Input: a schema; behind a NUL byte, entities for it in JSON. */
#include "policy/schema_model.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/entities.h"

static void
check_errors(struct str text, const struct errors *e)
{
	struct buf out = { 0 };

	must(e->n > 0);
	for (size_t i = 0; i < e->n; i++) {
		must(e->e[i].code != ERR_NONE);
		must(e->e[i].at.line > 0 || e->e[i].code == ERR_LIMIT_MEMORY);
		error_print(&out, &e->e[i], text);
	}
	buf_free(&out);
}

/* Types are written, so that all of the model is walked. */
static void
walk(const struct schema *s)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < s->n_types; i++) {
		must(schema_find_type(s, s->types[i].name) == i);
		schema_print_type(s, s->types[i].shape, &out);
		if (s->types[i].tags)
			schema_print_type(s, s->types[i].tags, &out);
	}
	for (uint32_t i = 0; i < s->n_actions; i++) {
		must(schema_find_action(s, s->actions[i].uid) == i);
		schema_print_type(s, s->actions[i].context, &out);
	}
	buf_free(&out);
}

/* Written, read and written again. False where the syntax cannot say it, or a
 * key has NUL. */
static bool
check_again(const struct schema *s, enum schema_syntax syntax)
{
	struct buf once = { 0 }, twice = { 0 };
	struct errors e = { 0 };
	struct schema *again = NULL;
	bool ok = schema_print(s, syntax, &once, NULL);

	if (ok)
		again = schema_new("w", buf_str(&once), syntax, &e);
	must(!ok || again || e.e[0].code == ERR_JSON_NUL_KEY ||
	     e.e[0].code == ERR_LIMIT_DEPTH);
	if (again) {
		must(again->n_types == s->n_types);
		must(again->n_actions == s->n_actions);
		must(schema_print(again, syntax, &twice, NULL));
		must(str_eq(buf_str(&once), buf_str(&twice)));
	}
	schema_free(again);
	buf_free(&once);
	buf_free(&twice);
	return ok;
}

static void
try_data(const struct schema *s, struct str text)
{
	struct arena *a = arena_new(1u << 28);
	struct entities *layer = entities_new(a, NULL);
	struct error e = { 0 };

	must(schema_add_actions(s, layer, &e));
	if (schema_add_entities_text(s, layer, text, "d", &e) &&
	    entities_finish(layer, &e))
		for (size_t i = 0; i < entities_count(layer); i++)
			must(schema_check_entity(
			    s, layer, record_at(layer, i), NULL));
	else
		must(e.code != ERR_NONE);
	arena_free(a);
}

static void
try_schema(struct str text, struct str data, enum schema_syntax syntax)
{
	struct errors e = { 0 };
	struct schema *s = schema_new("f", text, syntax, &e);

	if (!s) {
		check_errors(text, &e);
		return;
	}
	must(e.n == 0);
	walk(s);
	(void)check_again(s, SCHEMA_CEDAR);
	(void)check_again(s, SCHEMA_JSON);
	try_data(s, data);
	schema_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size };
	size_t end = str_find(all, '\0', 0);
	struct str text = str_sub(all, 0, end);

	try_schema(
	    text, str_sub(all, end + 1, size), schema_syntax_of("f", text));
	return 0;
}
