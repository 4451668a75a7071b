/* iam.h - inside of the import of AWS IAM policies, for iam.c, iam_text.c and iam_condition.c alone.
 * Each function writes policy text onto a buffer, or refuses with the place of the JSON value that cannot be said; nothing is approximated. */
#ifndef POLICY_IAM_H
#define POLICY_IAM_H

#include "base/json_places.h"
#include "policy/policy.h"
#include "policy/source.h"

/* What a context key holds; a document that reads one key as two of these is refused. */
enum iam_kind {
	IAM_STRING = 1,
	IAM_NUMBER,
	IAM_DATE,
	IAM_BOOL,
	IAM_ADDRESS,
	IAM_STRINGS, /* a set of them: ForAllValues, ForAnyValue */
};

struct iam_key {
	struct str name; /* lower case */
	enum iam_kind kind;
};

struct iam {
	struct arena *arena;
	struct source source;
	const struct json_places *places;
	struct errors *errors;
	const json_t *within; /* for values without a place: what they are part of */
	bool has_variables; /* `${…}` means something: Version 2012-10-17 */
	struct iam_key *keys;
	size_t n_keys, cap_keys;
};

/* Refuse the value (or, with `at_key`, the name before it). Always false. */
bool iam_refuse(struct iam *im, const json_t *at, bool at_key,
    enum err_code code, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* ---- text with wildcards and variables ---------------------------------- */

enum iam_part_kind {
	IAM_LITERAL = 1,
	IAM_STAR,
	IAM_ANY, /* `?`: one character */
	IAM_VARIABLE,
};

struct iam_part {
	enum iam_part_kind kind;
	struct str text; /* LITERAL; VARIABLE: its key in lower case */
};

struct iam_text {
	const struct iam_part *parts;
	size_t n;
	const json_t *at;
	bool has_star, has_any, has_variable;
};

enum iam_wild { IAM_PLAIN = 0, IAM_WILD }; /* are `*` and `?` wildcards? */

/* `lower`: letters in lower case (actions). */
bool iam_text_read(struct iam *im, const json_t *string, enum iam_wild wild,
    bool lower, struct iam_text *ret) MUST_USE;
/* All items of a string or an array of strings; never none. */
bool iam_texts_read(struct iam *im, const json_t *list, enum iam_wild wild,
    bool lower, const struct iam_text **ret, size_t *ret_n) MUST_USE;
/* A string literal, a wildcard pattern and a pattern of a scope, in quotes. The second takes no `?`, the first no wildcard at all. */
void iam_write_string(struct buf *out, const struct iam_text *t);
void iam_write_pattern(struct buf *out, const struct iam_text *t);
void iam_write_scope_pattern(struct buf *out, const struct iam_text *t);

enum iam_regex {
	IAM_REGEX_WILD = 0,
	IAM_REGEX_NO_CASE, /* letters of either case */
	IAM_REGEX_ARN,     /* wildcards of the first five parts stay in their part */
};
/* "\\A(?s:…|…)\\z" over all texts, in quotes. Refuses what is too long or has letters whose cases are not certain. */
bool iam_write_regex(struct iam *im, struct buf *out,
    const struct iam_text *texts, size_t n, enum iam_regex how) MUST_USE;
/* Has a resource's name a wildcard in one of its first five parts that is not the last of that part? Such a one does not pass the colon. */
bool iam_is_inner_wild(const struct iam_text *t);

/* ---- conditions --------------------------------------------------------- */

/* `context["key"]`, or the name that gates give to it. */
void iam_write_key(struct buf *out, struct str key);
/* One `when { … }` a line for each entry. */
bool iam_write_conditions(struct iam *im, const json_t *condition,
    struct buf *out) MUST_USE;

#endif
