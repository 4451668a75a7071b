/* literal.h - what stands between the quotes of a string, both ways.
 * Escapes are Cedar's: \n \r \t \\ \0 \' \" \xHH (to 7F) \u{H..} (1 to 6 digits, `_` inside); patterns have \* besides, and scope patterns \$. Writing uses the
 * shortest of these and leaves printable Unicode as it is. */
#ifndef POLICY_LITERAL_H
#define POLICY_LITERAL_H

#include "base/str.h"

enum literal_escapes {
	LITERAL_STRING = 0,
	LITERAL_PATTERN = 1, /* \* too */
	LITERAL_SCOPE = 3,   /* \* and \$ too */
};

/* One character and the bytes [off, off + len) that it was written as. */
struct literal_unit {
	uint32_t point;
	bool quoted; /* by \* or \$: stands for itself */
	size_t off, len;
};

/* The unit at *at (< body.n), which moves on. False for a wrong escape: the unit then covers it, and *ret_why says what is wrong. `body` is UTF-8. */
bool literal_next(struct str body, size_t *at, enum literal_escapes escapes,
    struct literal_unit *ret, const char **ret_why) MUST_USE;
/* Append what `body` means. On false, *ret_bad is the wrong escape. */
bool literal_unescape(struct str body, struct buf *out,
    struct literal_unit *ret_bad, const char **ret_why) MUST_USE;
/* Of a code point in UTF-8. */
size_t literal_point_bytes(uint32_t point);
/* Append one code point as UTF-8. */
void literal_add_point(struct buf *out, uint32_t point);
/* Append `s` (UTF-8) escaped, without the quotes; as a pattern, stars and (in scopes) the `$` before `{` too. */
void literal_escape(
    struct buf *out, struct str s, enum literal_escapes escapes);

#endif
