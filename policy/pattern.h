/* pattern.h - does a text match a wildcard pattern?
 * Cedar's `like`: a star stands for any run of code points, also none and also over line ends; all else is literal. For the files of policy/ alone. */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "policy/ast.h"

/* `paths[i]` is the text of part i where that is a PART_PATH; may be NULL when none is. Allocates nothing; cost O(text + pattern), times the longest
 * run of parts between two stars. */
bool pattern_match(const struct ast_part *parts, size_t n,
    const struct str *paths, struct str text);
bool pattern_has_path(const struct ast_part *parts, size_t n);

#endif
