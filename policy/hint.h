/* hint.h - words for messages: what was found, and which word was probably meant. */
#ifndef POLICY_HINT_H
#define POLICY_HINT_H

#include "policy/lex.h"

#define HINT_FOUND 96

/* "`foo`", "the string `…`", "the end of the text": user text cut to a readable length. */
const char *hint_found(
    struct str text, struct token t, char buf[static HINT_FOUND]);
/* The word of the NULL-ended list that is nearest to `word`: the same but for case, or few letters away. NULL when none is near. */
const char *hint_nearest(struct str word, const char *const *words);
/* The same over `n` slices (attributes, types, actions of a schema); where none is near, one that differs only in its namespace (`User`, `App::User`). NULL when
 * there is none. Cost O(n) comparisons of at most 64 bytes. */
const struct str *hint_nearest_of(
    struct str word, const struct str *words, size_t n);
/* The same over the names of functions (or, with `methods`, of methods). */
const char *hint_operation(struct str word, bool methods);
/* The name of a method. */
bool hint_is_method(struct str word);
/* The word that was meant where an effect, a condition or a variable should stand; NULL when none is near. */
const char *hint_effect(struct str word);
const char *hint_clause(struct str word);
const char *hint_value(struct str word);
/* What to write instead of a word of another language; NULL for words that are none. */
const char *hint_foreign_value(struct str word);
const char *hint_foreign_function(struct str word);
const char *hint_foreign_method(struct str word);
/* `any`, `everyone`, … */
bool hint_is_anyone(struct str word);
/* About a token with which no policy begins; may be NULL. */
const char *hint_beginning(enum token_kind kind);
/* The operator that a word stands for in another language or spelling: its kind and keyword in `meant`. */
bool hint_operator(
    struct str word, struct token *meant, const char **ret_text) MUST_USE;

#endif
