/* yaml.h - a YAML text as a plain tree with places, for configuration.
 * Only what has one meaning: one document of maps with unrepeated text keys, lists and scalars. Anchors, aliases, tags, merge keys and further documents are errors;
 * scalars stay text (no numbers, no booleans: the reader of a value knows what it wants). YAML 1.2 through libfyaml, which only yaml.c uses. The library
 * limits depth to 64. Cost: O(bytes + keys of one map squared). */
#ifndef GATEWAYS_YAML_H
#define GATEWAYS_YAML_H

#include "base/arena.h"
#include "base/error.h"

enum yaml_kind {
	YAML_NULL = 0, /* nothing, `~` or `null`, unquoted */
	YAML_TEXT,
	YAML_LIST,
	YAML_MAP,
};

struct yaml {
	enum yaml_kind kind;
	struct str text; /* YAML_TEXT; NUL-ended, may hold any byte of UTF-8 */
	struct span at;  /* a list's or map's: its first member's; an empty one's or a NULL's: its key's */
	struct yaml *items; /* YAML_LIST: n; YAML_MAP: n keys, each followed by its value */
	size_t n;
};

/* Memory is `a`'s, nothing is borrowed but `file`. All errors that can be found are; then false. */
bool yaml_parse(struct arena *a, const char *file, struct str text,
    struct yaml *ret, struct errors *reterr) MUST_USE;

#endif
