/* pieces.h - the digest of a file's text, so that a change costs the pieces it is in; for the files of policy/ alone. */
#ifndef POLICY_PIECES_H
#define POLICY_PIECES_H

#include "base/arena.h"
#include "base/str.h"

struct piece {
	uint32_t end; /* bytes of the text up to its end */
	uint8_t digest[32];
};
struct pieces {
	const struct piece *items;
	size_t n;
};

/* A text that was: what is the same from the start, and to the end. */
struct pieces_was {
	struct pieces pieces;
	size_t n, n_alike, n_alike_end; /* bytes */
};

/* SHA-256 over the SHA-256 of each of the text's pieces: what they are is told by the text alone. `was` may be NULL, as `ret` may. False when memory is out, or
 * OpenSSL fails. Cost: reading the pieces that differ. */
bool pieces_digest(struct arena *a, struct str text,
    const struct pieces_was *was, struct pieces *ret,
    uint8_t ret_digest[32]) MUST_USE;

#endif
