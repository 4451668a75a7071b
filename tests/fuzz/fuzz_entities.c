/* fuzz_entities.c - any bytes as a file of entities: read record by record,
 * with or without trees, they are what they are when read as one JSON tree, or
 * refused for the same cause. */
#include "policy/value.h"
#include "tests/fuzz/fuzz.h"

/* *ret_is_json false: the error is of the text as a whole, where one of an
 * earlier record may be found first. */
static bool
read_tree(struct entities *layer, struct str text, bool *ret_is_json,
    struct error *err)
{
	json_t *json = NULL;
	bool ok;

	*ret_is_json =
	    json_parse(text, "f", 1 << 20, 64, JSON_DATA_FILE, &json, err);
	ok = *ret_is_json && entities_add_json(layer, json, "f", err);
	json_decref(json);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena *a = arena_new(0);
	struct entities *x = entities_new(a, NULL), *y = entities_new(a, NULL);
	struct error ex = { 0 }, ey = { 0 };
	bool one = entities_add_text(x, text, "f", &ex);
	bool is_json, other = read_tree(y, text, &is_json, &ey);

	must(one == other);
	if (one) {
		json_t *jx = entities_to_json(x), *jy = entities_to_json(y);

		must(jx && jy && json_equal(jx, jy));
		json_decref(jx);
		json_decref(jy);
	} else
		must(!is_json || ex.code == ey.code);
	arena_free(a);
	return 0;
}
