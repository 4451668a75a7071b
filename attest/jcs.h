/* jcs.h - canonical JSON (RFC 8785): one text for one value, so that a signature
 * can stand inside what it signs. Members sorted by UTF-16 code units, strings
 * with the fewest escapes, numbers as ECMAScript prints them (IEEE 754 doubles,
 * shortest digits that read back). */
#ifndef ATTEST_JCS_H
#define ATTEST_JCS_H

#include "base/json.h"

/* Append the canonical text. `value` came from json_parse: no duplicate names,
 * well-formed UTF-8, depth within a limit. Errors: ERR_JSON_SHAPE for a
 * whole number beyond 2^53 that would be printed as one (RFC 7493 2.2), memory. Cost: O(n log n) in members. */
bool jcs_write(
    const json_t *value, struct buf *out, struct error *reterr) MUST_USE;
/* A number alone; false for infinities and NaN, which JSON does not have. */
bool jcs_write_number(double v, struct buf *out) MUST_USE;

#endif
