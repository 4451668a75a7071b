/* lex.h - policy text to tokens.
 * The lexer is a position in a text: copying it looks ahead, and nothing is allocated. Its rules are Cedar's: identifiers are ASCII, white space is Unicode's,
 * comments run from // to CR or LF, strings may hold raw LF but no CR. The text must be well-formed UTF-8.
 * A token that the language does not have carries a fault and, where one is likely, the kind that was meant, so that a parser can report it once and go on. */
#ifndef POLICY_LEX_H
#define POLICY_LEX_H

#include "base/str.h"

enum token_kind {
	TOKEN_END = 0,
	TOKEN_BAD, /* nothing the language has: see fault */
	TOKEN_WORD,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_SLOT, /* ?name */
	TOKEN_AT,
	TOKEN_LPAREN,
	TOKEN_RPAREN,
	TOKEN_LBRACKET,
	TOKEN_RBRACKET,
	TOKEN_LBRACE,
	TOKEN_RBRACE,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_COLON,
	TOKEN_PATH, /* :: */
	TOKEN_DOT,
	TOKEN_NOT,
	TOKEN_NE,
	TOKEN_ASSIGN, /* = */
	TOKEN_EQ,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
};

/* What a word is; the reserved ones come first. */
enum keyword {
	KW_NONE = 0,
	KW_TRUE,
	KW_FALSE,
	KW_IF,
	KW_THEN,
	KW_ELSE,
	KW_IN,
	KW_IS,
	KW_LIKE,
	KW_HAS,
	KW_LAST_RESERVED = KW_HAS,
	KW_CEDAR, /* __cedar: no component of a name */
	KW_PERMIT,
	KW_FORBID,
	KW_DENY,
	KW_WHEN,
	KW_UNLESS,
	KW_PRINCIPAL,
	KW_ACTION,
	KW_RESOURCE,
	KW_CONTEXT,
	KW_NOT,
	KW_MATCHES,
	KW_INDIVISIBLE,
};

enum lex_fault {
	FAULT_NONE = 0,
	FAULT_CHARACTER,
	FAULT_BYTE_ORDER_MARK,
	FAULT_UNCLOSED,       /* a string without its closing quote */
	FAULT_RETURN,         /* CR inside a string */
	FAULT_BROKEN_LINE,    /* backslash before a line end */
	FAULT_SINGLE_QUOTES,  /* kind is TOKEN_STRING */
	FAULT_BLOCK_COMMENT,
	FAULT_OPERATOR,       /* another language's: kind is what was meant */
	FAULT_SMART_QUOTES,   /* kind is TOKEN_STRING, or TOKEN_BAD for one alone */
	FAULT_LETTER,         /* kind is TOKEN_WORD, with letters beyond ASCII */
	FAULT_HASH_COMMENT,
	FAULT_QUESTION,       /* a question mark without a name */
};

struct token {
	enum token_kind kind;
	enum keyword keyword;
	enum lex_fault fault;
	uint32_t off, len;
};

struct lexer {
	struct str text;
	uint32_t at;
	struct buf *comments; /* gets a struct ast_comment each, unless NULL */
};

/* The next token; TOKEN_END for ever at the end. */
struct token lex_next(struct lexer *lx);
/* The keyword that `word` is, or KW_NONE. */
enum keyword lex_keyword(struct str word);
/* An identifier by the lexical rule alone (reserved words are, too). */
bool lex_is_identifier(struct str s);
/* May stand where the grammar wants a name of our choice: no reserved word. */
bool lex_is_reserved(enum keyword keyword);
/* The fixed text of a punctuation token; NULL for others. */
const char *lex_kind_text(enum token_kind kind);

#endif
