/* source.h - a policy file's text and its places.
 * Offsets are bytes; spans count lines and characters from 1. Text and file name are borrowed and outlive the source. */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include "base/arena.h"
#include "base/error.h"

#define SOURCE_STEP 256u

struct source {
	const char *file;
	struct str text;
	const uint32_t *line_starts; /* byte offset of each line */
	uint32_t n_lines;
	const uint32_t *points; /* characters before each SOURCE_STEP bytes: a file may be one long line */
	uint32_t line, col; /* of a part of a file: lines before it, and characters before it on its first line */
};

/* Index the lines of `text`. Errors: memory, ERR_LIMIT_SIZE over LIMIT_POLICY_FILE_BYTES. */
bool source_init(struct arena *a, const char *file, struct str text,
    struct source *ret, struct error *reterr) MUST_USE;
/* The place of bytes [off, off + len). O(log lines + SOURCE_STEP + len). */
struct span source_span(const struct source *src, uint32_t off, uint32_t len);
/* The same, looked for from line *inout_line (from 0; any number will do) on: for places one behind the other, which are found without a search. */
struct span source_span_after(const struct source *src, uint32_t off,
    uint32_t len, uint32_t *inout_line);
struct str source_text(const struct source *src, uint32_t off, uint32_t len);

#endif
