/* error.h - what went wrong, where, and what would mend it.
 * Fallible functions return bool, true for success, and are MUST_USE;
 * `error_set` and `errors_add` return false, so that refusing is one line. An
 * error is the caller's storage, never allocates, and the first cause wins:
 * setting a set error changes nothing. A NULL error is allowed everywhere.
 * Messages: lowercase, no full stop, user text in backticks, what was expected,
 * then what was found. Codes: base/error.def. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/str.h"

/* `file` is borrowed and outlives the error. Lines and columns (characters)
 * from 1; line 0: no place. `len` in characters. */
struct span {
	const char *file;
	uint32_t line, col, len;
};

enum err_code {
#define ERROR_CODE(name, id, http, help) name,
#include "base/error.def"
#undef ERROR_CODE
	ERR_COUNT
};

struct error {
	enum err_code code;
	struct span at;
	char msg[240];
	char hint[160];
};

#define ERRORS_MAX 16
struct errors {
	struct error e[ERRORS_MAX];
	size_t n, dropped;
};

#define SPAN_NONE ((struct span){ 0 })

/* Fill `reterr` unless it is set already. Always false. */
bool error_set(struct error *reterr, enum err_code code, struct span at,
    const char *fmt, ...) PRINTF_LIKE(4, 5) COLD;
/* Out of memory, or over an arena's limit. Always false. */
bool error_nomem(struct error *reterr) COLD;
void error_hint(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3) COLD;
/* Append; beyond ERRORS_MAX only count. Returns the new slot for `error_hint`,
 * or NULL. */
struct error *errors_add(struct errors *list, enum err_code code,
    struct span at, const char *fmt, ...) PRINTF_LIKE(4, 5) COLD;
/* Append a copy of `err`. Always false. */
bool errors_take(struct errors *list, const struct error *err) COLD;
/* Append that memory ran out, as `error_nomem` says it. Always false. */
bool errors_nomem(struct errors *list) COLD;

/* What these four give back is known to be false wherever they are called, so
 * that compilers and analyzers see what a refusal leaves unwritten. */
static inline bool
error_false(bool unused)
{
	(void)unused;
	return false;
}
#define error_set(...) error_false(error_set(__VA_ARGS__))
#define error_nomem(reterr) error_false(error_nomem(reterr))
#define errors_take(list, err) error_false(errors_take(list, err))
#define errors_nomem(list) error_false(errors_nomem(list))

/* The stable id, as `syntax.unexpected`; "" for ERR_NONE. */
const char *error_id(enum err_code code);
/* HTTP status for a refusal with this code; 0 for codes that are never an
 * answer. */
int error_http(enum err_code code);
const char *error_help(enum err_code code);
/* The code with this id, or ERR_NONE. */
enum err_code error_from_id(struct str id);

/* `FILE:LINE:COL: error: text [code]`, then the quoted line and its underline
 * when `text` (the whole file, or empty) has that line, then `hint: …`; user
 * bytes are escaped. Cost O(file). */
void error_print(struct buf *out, const struct error *err, struct str text);
/* The same with another word than `error` (`warning`). */
void error_print_as(struct buf *out, const char *severity,
    const struct error *err, struct str text);
/* All of them, and how many more there were. */
void errors_print(
    struct buf *out, const struct errors *errors, struct str text);

#endif
