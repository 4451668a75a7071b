/* base64.h - RFC 4648, strictly: section 4 (standard, padded) or section 5 (URL-safe, unpadded).
 * One text for one sequence of bytes: no line breaks, no missing or extra padding, no non-zero trailing bits. What laxer forms real clients send is
 * undone by the one caller that takes them (attest/evidence.c), not here. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/str.h"

enum base64_form { BASE64_STANDARD, BASE64_URL };

void base64_encode(struct buf *out, enum base64_form form, struct str bytes);
/* Decoded bytes live in `a`. False: not of that form, or memory is out. */
bool base64_decode(struct arena *a, enum base64_form form, struct str text,
    struct str *ret_bytes) MUST_USE;
/* Letters of that form, whatever they stand for; no padding. */
bool base64_is_letters(enum base64_form form, struct str text);
/* Into `room`, which must have two bytes more than every four letters make three. False: not of that form, or not room enough. */
bool base64_decode_into(enum base64_form form, struct str text, char *room,
    size_t room_bytes, size_t *ret_n) MUST_USE;

#endif
