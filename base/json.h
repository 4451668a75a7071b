/* json.h - JSON from outside, through jansson, with size and depth checked before anything is built.
 * Duplicate keys are refused everywhere; NUL in string values only where asked for (data files), NUL in keys never (jansson cannot keep it; ERR_JSON_NUL_KEY
 * says so). Integers must be written as integers and fit 64 bits: `-0` counts as 0. `json_setup` is called once by main (and by the library's entry), before threads. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/error.h"

enum json_mode {
	JSON_NO_NUL = 0,   /* documents, tokens, gate input (jansson owns the name JSON_STRICT, also 0) */
	JSON_DATA_FILE = 1 /* Cedar entities and requests given as files: NUL in values */
};

void json_setup(void);
/* malloc for jansson, set by json_setup: freed by free. For who sets jansson's functions anew (tests). */
void *json_memory(size_t n);
/* Parse all of `text`; errors carry `file`, line and column. The caller owns *ret (json_decref). Errors: ERR_LIMIT_SIZE, ERR_LIMIT_DEPTH, ERR_JSON_*. */
bool json_parse(struct str text, const char *file, size_t limit_bytes,
    unsigned limit_depth, enum json_mode mode, json_t **ret,
    struct error *reterr) MUST_USE;
struct str json_str(const json_t *string);
/* A string value of any bytes that are UTF-8 (others come out escaped as \u{fffd} would: never fails on NUL); NULL when memory is out. */
json_t *json_from_str(struct str s);
/* RFC 3339 in UTC, as time_print_datetime; NULL when memory is out. */
json_t *json_from_time(int64_t unix_ms);
/* Compact text (no spaces, keys in insertion order, all non-ASCII escaped so that a line is safe in a log and on a terminal) onto `out`. False when memory is out. */
bool json_write(struct buf *out, const json_t *value) MUST_USE;
/* The same, indented by two, for people. */
bool json_write_pretty(struct buf *out, const json_t *value) MUST_USE;

#endif
