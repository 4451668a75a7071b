/* pattern.h - does a text match a pattern?
 * Two kinds. Wildcards are Cedar's `like`: a star stands for any run of code points, also none and also over line ends; all else is literal.
 * Regular expressions are PCRE2's, for `matches`: Unicode, case-sensitive, found anywhere in the text, `.` is anything but a line feed, `$` the very end. They are
 * compiled once, when policy text is read, and then only read: any number of threads may search with one. Nothing outside may run away with time or memory: the
 * expression, the text, the steps, the depth and the memory of a search all have limits (base/limits.h), and reaching one is an answer of its own.
 * For the files of policy/ alone. */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "policy/ast.h"

/* `paths[i]` is the text of part i where that is a PART_PATH; may be NULL when none is. Allocates nothing; cost O(text + pattern), times the longest
 * run of parts between two stars. */
bool pattern_match(const struct ast_part *parts, size_t n,
    const struct str *paths, struct str text);
bool pattern_has_path(const struct ast_part *parts, size_t n);

struct pattern_regex;

/* Compile `text`, well-formed UTF-8. What is made goes with `a`. Errors, without a place: ERR_LIMIT_SIZE, ERR_SYNTAX_PATTERN, then *ret_at is the byte of `text`
 * where reading stopped (text.n: its end), ERR_LIMIT_MEMORY. */
bool pattern_compile(struct arena *a, struct str text,
    const struct pattern_regex **ret, size_t *ret_at, struct error *reterr)
    MUST_USE;

enum pattern_answer {
	PATTERN_FAILED = 0, /* memory is out, or a text that is no UTF-8 */
	PATTERN_OVER_LIMIT, /* steps, depth or memory of this search */
	PATTERN_NO,
	PATTERN_YES,
};

/* Is the expression found in `text`, which is no longer than LIMIT_SUBJECT_BYTES? In at most `steps` steps (LIMIT_PATTERN_MATCH). Allocates at a thread's
 * first search, and where patterns are interpreted when one needs more memory than any before; that is kept until the thread ends. */
enum pattern_answer pattern_search(
    const struct pattern_regex *regex, struct str text, uint32_t steps);

#endif
