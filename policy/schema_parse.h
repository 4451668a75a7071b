/* schema_parse.h - the parser of schema text, between policy/schema_token.c (tokens, names, strings) and schema_parse.c (types, declarations).
 * What returns bool has reported what was wrong when it is false. Places are bytes of the text. */
#ifndef POLICY_SCHEMA_PARSE_H
#define POLICY_SCHEMA_PARSE_H

#include "policy/lex.h"
#include "policy/schema_tree.h"

struct schema_parser {
	struct schema_reader *r;
	struct schema_tree *tree;
	struct lexer lexer;
	struct token tok, prev;
	unsigned braces; /* open since the declaration began */
	unsigned depth;
	size_t space; /* index of the namespace being read */
	size_t bare;  /* index + 1 of that without a name, or 0 */
	bool in_namespace;
};

struct tree_place schema_place_of(struct token t);
/* From `from` to the end of the token before the current one. */
struct tree_place schema_place_from(const struct schema_parser *p, struct token from);
struct str schema_text_of(const struct schema_parser *p, struct token t);
/* Reported when it was read: it has a fault, and is no question mark, which has its places. */
bool schema_is_reported(struct token t);

void schema_advance(struct schema_parser *p);
/* The token behind the current one. */
struct token schema_peek(const struct schema_parser *p);
/* Is the current token this word, whatever it means elsewhere? */
bool schema_at_word(const struct schema_parser *p, const char *word);
/* `expected WANT, found …`, unless the token is reported already. `hint` may be NULL. Always false. */
bool schema_unexpected(struct schema_parser *p, const char *want, const char *hint);
/* Past a token of that kind. */
bool schema_expect(struct schema_parser *p, enum token_kind kind, const char *hint);
/* One level down; the caller takes p->depth back. At most LIMIT_NESTING. */
bool schema_enter(struct schema_parser *p);

/* What the string token means. */
bool schema_read_string(struct schema_parser *p, struct str *ret);
/* The name of an attribute or action: a word or a string. */
bool schema_read_label(struct schema_parser *p, const char *want, struct tree_name *ret);
/* The name that a declaration gives to a type. */
bool schema_read_declared(struct schema_parser *p, const char *what, struct tree_name *ret);
/* A (`::` B)*; where `::"id"` follows, *ret_id has it and its place is the whole name's. `ret_id` NULL: none may follow. */
bool schema_read_path(struct schema_parser *p, const char *want, struct tree_name *ret,
    struct tree_name *ret_id);
/* NAME, or `[` NAME, … `]`. */
bool schema_read_names(struct schema_parser *p, const char *want, struct tree_names *ret);

#endif
