/* parse_json.h - what the readers of JSON policies share.
 *   parse_json.c the set, policies, links   parse_json_scope.c scopes   parse_json_expr.c expressions and values
 * The same tree is built as from text, through the same build_ functions; places are bytes of the JSON text. Reading goes on after an error wherever the next
 * member or item can be told apart, so that all independent errors are found. */
#ifndef POLICY_PARSE_JSON_H
#define POLICY_PARSE_JSON_H

#include "base/json_places.h"
#include "policy/parse.h"

#define READER_UNMARKED \
	"this is an addition to Cedar: say so with `\"avow\": 1` at the top"

struct reader {
	struct parser p; /* what is built; its tokens are not used */
	const struct json_places *places;
	bool avow;       /* the text is marked as Avow's own: additions are on */
};

/* The bytes of `value`; of `around` where the value has none of its own (true, false, null). */
struct json_place reader_place(const struct reader *r, const json_t *value,
    const json_t *around);
/* Report at a place; the slot for a hint, or NULL. */
struct error *reader_refuse(struct reader *r, enum err_code code,
    struct json_place at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The value is an object and its keys are among the NULL-ended `keys`; else reported. */
bool reader_check_object(struct reader *r, const json_t *value,
    const json_t *around, const char *const *keys) MUST_USE;
/* The member; NULL after reporting that it is missing from `object`. */
const json_t *reader_member(struct reader *r, const json_t *object,
    const json_t *around, const char *key);
/* A string's copy in the arena; {NULL, 0} after reporting that it is none. */
struct str reader_string(struct reader *r, const json_t *value,
    const json_t *around);
/* {"type", "id"} or {"__entity": ...}, its strings copied; `var` says what type it may have. */
bool reader_uid(struct reader *r, const json_t *value, const json_t *around,
    enum ast_var var, struct uid *ret) MUST_USE;
/* A type name's string index; `var` says what it may be. */
bool reader_type(struct reader *r, const json_t *value, const json_t *around,
    enum ast_var var, uint32_t *ret) MUST_USE;
/* The `pattern` of `body` as a NODE_PATTERN. */
bool reader_pattern(struct reader *r, const json_t *body, bool in_scope,
    uint32_t *ret_node) MUST_USE;
/* A whole expression; reported errors leave nothing on the stack. */
bool reader_expr(struct reader *r, const json_t *json, const json_t *around,
    uint32_t *ret_node) MUST_USE;
/* The member of a policy that is its scope's element for `var`. */
bool reader_scope(struct reader *r, const json_t *policy, enum ast_var var,
    uint32_t *ret_node) MUST_USE;
/* An entity, pushed on the stack of lists. */
bool reader_push_entity(struct reader *r, const json_t *value,
    const json_t *around, enum ast_var var) MUST_USE;
/* Copies; {NULL, 0} when memory is out, which build_ast notices. */
struct str reader_copy(struct reader *r, struct str s);

#endif
