/* print.h - what the files of the printer share: a tree becomes canonical text, token by token.
 *   print.c documents, policies, scopes   print_expr.c expressions   print_part.c names, literals, patterns   print_layout.c tokens, lines, comments
 * Nothing fails on its way: what memory was missing for is noticed in `out` (buf_ok). */
#ifndef POLICY_PRINT_H
#define POLICY_PRINT_H

#include "policy/set.h"

#include "policy/lex.h"
#include "policy/literal.h"

#define PRINT_WIDTH 100u /* columns */
#define PRINT_INDENT 4u  /* columns a step */

enum gap { GAP_NONE = 0, GAP_SPACE, GAP_LINE, GAP_BLANK };

struct printer {
	const struct ast *t;
	const struct policy_instance *link; /* what slots stand for, or NULL */
	struct buf *out;
	size_t line_start;   /* offset in out of the current line */
	enum gap gap;        /* what comes before the next token */
	uint32_t gap_indent; /* of the line that a gap begins */
	uint32_t indent;     /* of lines asked for now, in steps */
	uint32_t comment_indent;
	bool flat; /* no line is broken */
	/* Measuring: stop beyond `limit` bytes. */
	size_t limit;
	/* Comments: the source in step; NULL text means without. */
	bool with_comments;
	struct lexer source;
	struct buf comments, spine;
};

/* Tokens: one, exactly as the source has it. */
void print_str(struct printer *p, struct str text);
void print_text(struct printer *p, const char *text);
/* Move the source past the token that prints as `text`, and put out what comments were on the way. */
void print_follow(struct printer *p, struct str text);

/* What comes before the next token; where all is flat, a line is a space. */
void print_space(struct printer *p);
void print_line(struct printer *p);
/* Of the lines to come, in steps. */
void print_set_indent(struct printer *p, uint32_t indent);
/* The line of a closing bracket: comments before it belong to what is inside. Then the bracket itself. */
void print_close_line(struct printer *p, uint32_t indent);
void print_close_text(struct printer *p, const char *text);

/* Columns used on the current line; beyond the width only that it is. */
size_t print_column(const struct printer *p);
/* Measuring has seen enough. */
bool print_is_full(const struct printer *p);
/* A comment begins in source bytes [off, end), and comments are kept. */
bool print_has_comment(const struct printer *p, uint32_t off, uint32_t end);
/* A printer into `out` that lays all on one line and gives up after `room` columns. */
struct printer print_measure(
    const struct printer *p, struct buf *out, size_t room);
/* Whether what `m` was given takes no more than `room` columns; frees what m has. */
bool print_ends_within(struct printer *p, struct printer *m, size_t room);

/* Parts. */
static inline struct str
print_string_at(const struct printer *p, uint32_t i)
{
	return p->t->strings[i];
}

void print_quoted(struct printer *p, struct str s);
/* `A::B` is several tokens: a comment may stand between any two. */
void print_name(struct printer *p, struct str name);
/* A field's name that needs no quotes. */
bool print_is_plain_field(struct str s);
/* NODE_PATTERN. A scope's has escapes of its own. */
void print_pattern(struct printer *p, uint32_t node, bool in_scope);
/* NODE_ENTITY, or NODE_SLOT: what it is bound to, in a link. */
void print_entity(struct printer *p, const struct ast_node *n);
/* NODE_LONG. */
void print_long(struct printer *p, const struct ast_node *n);

/* Expressions. */
void print_expr(struct printer *p, uint32_t node);
/* Brackets around a list; an empty one stays closed up. */
void print_list(struct printer *p, const char *open, const uint32_t *kids,
    uint32_t n, const char *close);
/* Whether node fits on the current line with `after` more columns. */
bool print_fits(struct printer *p, uint32_t node, size_t after);

#endif
