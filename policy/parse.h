/* parse.h - what the files of the parser share: the parser's state, reporting, and building the tree.
 *   parse.c policies, declarations   parse_scope.c scope elements   parse_expr.c operators   parse_access.c members and calls   parse_primary.c what stands between
 *   parse_token.c tokens, messages, names   parse_pattern.c strings and patterns   parse_recover.c where parsing goes on after an error   build.c the arrays   parse_shape.c policies like earlier ones
 * A parse_ function that returns false has reported a syntax error; its caller passes that on up to where parsing can go on: the next operand of `&&` or `||`,
 * item of a list, condition, scope element or policy. Errors after which parsing goes on as if nothing had been are reported with parse_refuse alone. What
 * could not be parsed is the error node. Children are built before their parents, so a child's id is always the smaller one. */
#ifndef POLICY_PARSE_H
#define POLICY_PARSE_H

#include "policy/lex.h"
#include "policy/literal.h"
#include "policy/set.h"

#define PARSE_RECENT 256u
/* Of a text of so many bytes: a few hundredths of it, and strings that come again are few of many. */
#define PARSE_LARGE (1u << 20)
#define PARSE_RECENT_LARGE (1u << 14)
/* … in which policies may be alike. */
#define PARSE_SHAPES (1u << 14)
#define ADDITION_HINT \
	"this is an addition to Cedar: put it in a file that ends in `.avow`"
#define ENTITY_WANTED "an entity such as `User::\"alice\"`"

struct parse_open {
	uint32_t parens, squares, braces;
};

/* The innermost bracket that is being read: what may end a part of it. */
struct parse_inside {
	struct parse_open open; /* with that bracket */
	uint32_t off;           /* of it */
	bool commas;            /* its parts end at commas, */
	bool operators;         /* at `&&` and `||`, */
	bool branches;          /* at `then` and `else` */
	bool refused;           /* refused_here, of what the bracket is in */
	bool doubtful;          /* the bracket itself was perhaps the mistake */
};

struct parse_place {
	struct str name;
	struct token at;
};

struct parser {
	struct arena *arena;
	const struct source *source;
	enum policy_dialect dialect;
	struct errors *errors;
	bool failed;
	struct lexer lexer;
	struct token tok, prev; /* the current token, and the one before it */
	struct parse_open open; /* brackets open before the current token */
	struct parse_open base; /* brackets open before the scope or condition */
	struct parse_inside inside;
	/* Offset + 1 of a token about which enough was said: it was reported, or parsing goes on there after an error. */
	uint32_t quiet_at;
	uint32_t n_refused; /* messages so far */
	/* Something was reported in the operand that is being read, but for what is in brackets in it; and in the last one that was. */
	bool refused_here, refused_last;
	uint32_t said_end; /* end of the token that was reported last */
	bool doubt;        /* … whether the next bracket was meant */
	uint32_t depth;
	char hint[160]; /* one that is being made */
	bool too_deep; /* said so, for this condition */
	bool is_json;   /* the source is JSON: its strings are not ours */
	bool has_slots; /* of the policy being parsed */
	/* End of a token that was refused, and then taken for something: what does not fit right after it is no error of its own. */
	uint32_t refused_end;
	/* The arrays of the ast while they grow, and a stack of lists that are not complete yet. */
	struct buf nodes, lengths, strings, longs, kids, parts, regexes, annotations,
	    policies, indivisibles, comments, links, ids, stack, scratch;
	struct intern *regex_ids; /* texts of patterns: the id is the index in regexes; NULL before the first */
	uint32_t recent[PARSE_RECENT]; /* index + 1 of strings seen lately */
	uint32_t recent_longs[PARSE_RECENT];
	struct parse_shapes *shapes; /* parse_shape.c; NULL: not of this text */
	size_t touched; /* bytes of `nodes` that pages are there for, of many */
	uint32_t *recent_large; /* PARSE_RECENT_LARGE, in place of `recent`; NULL: not of this text */
};

/* Tokens. */
void parse_advance(struct parser *p);
struct token parse_peek(const struct parser *p);
/* The token after the next. */
struct token parse_peek2(const struct parser *p);
struct str parse_text(const struct parser *p, struct token t);
/* Bytes from `from` to the end of the token before the current one. */
uint32_t parse_len(const struct parser *p, uint32_t from);
bool parse_at(const struct parser *p, enum keyword keyword);
/* The node `n`, from `from` to the end of the token before the current one. */
uint32_t parse_add(struct parser *p, uint32_t from, struct ast_node n);
/* Where a node begins. */
uint32_t parse_start(const struct parser *p, uint32_t node);

/* A string over more than one line: often one whose closing quote is missing. */
bool parse_is_long_string(const struct parser *p, struct token t);

/* Reporting. parse_refuse gives the slot for a hint, or NULL. */
struct error *parse_refuse(struct parser *p, enum err_code code,
    struct token at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "expected WANT, found …" at the current token; always false. `hint` may be NULL. */
bool parse_unexpected(struct parser *p, const char *want, const char *hint);
bool parse_unexpected_as(struct parser *p, enum err_code code,
    const char *want, const char *hint);
bool parse_expect(struct parser *p, enum token_kind kind, const char *hint)
    MUST_USE;
/* Room for one more level, or ERR_LIMIT_DEPTH; parse_leave gives it back. */
bool parse_enter(struct parser *p) MUST_USE;
void parse_leave(struct parser *p);

/* Going on after an error. The current token begins a policy or declaration, or a condition, wherever we are. */
bool parse_at_policy_start(const struct parser *p);
bool parse_at_clause_start(const struct parser *p);
/* … or ends the policy: also the `;` before another policy, but none in the midst of one. */
bool parse_at_policy_end(const struct parser *p);
/* A string that goes on over its line's end just before or at an error probably lacks its closing quote: read what it swallowed. */
void parse_reread_long_string(struct parser *p);
/* To where the next part of what is inside begins, or to what ends it. */
void parse_sync(struct parser *p);
/* Past the opening bracket; what parse_end needs. */
struct parse_inside parse_begin(
    struct parser *p, bool commas, bool operators);
/* An expression was read, but `want` does not follow: say so, and read the further operands for errors of their own. */
void parse_rest(struct parser *p, const char *want, const char *hint);
/* A closing bracket that closes nothing: it stands for `close`, unless that comes right after it. */
bool parse_is_wrong_close(const struct parser *p, enum token_kind close,
    const struct parse_inside *outer);
/* Where the innermost bracket is that is not closed, if what was found ends something around it; else NULL. */
const char *parse_hint_open(struct parser *p);
/* Past the closing bracket `close`, or to where parsing goes on without it (false). */
bool parse_end(struct parser *p, enum token_kind close,
    const struct parse_inside *outer, const char *want) MUST_USE;

/* Parts of the grammar. An expression that cannot be parsed is 0, the error node, and parsing has gone on behind it. */
uint32_t parse_expr(struct parser *p);
/* A value with the members and calls that hang on it. */
bool parse_access(struct parser *p, uint32_t *ret) MUST_USE;
/* A value alone. */
bool parse_primary(struct parser *p, uint32_t *ret) MUST_USE;
/* The arguments of the function `name`, which stands at `at`: the current token is the opening parenthesis. */
bool parse_call(struct parser *p, struct token at, struct str name,
    uint32_t *ret) MUST_USE;
/* From the opening bracket past the closing one: expressions, of which the last may have a comma behind it. Their list has all that was pushed above `base`. */
bool parse_list(struct parser *p, uint32_t base, enum token_kind close,
    uint32_t *ret, uint32_t *ret_n) MUST_USE;
/* The number of the token; too large ones are reported and read as 0. */
int64_t parse_number(struct parser *p, struct token t, bool negative);
/* A ("::" B)* and, when `::"…"` follows, that string's token (else kind TOKEN_END). The current token is a word. */
bool parse_path(struct parser *p, struct str *ret_name,
    struct token *ret_id) MUST_USE;
/* A path from `off` that is followed by no id; always false. */
bool parse_refuse_bare_id(struct parser *p, uint32_t off);
/* A name that may not be followed by an id. */
bool parse_name(struct parser *p, struct str *ret_name) MUST_USE;
/* A word that may stand as attribute name or part of a name; refuses others but goes on. */
void parse_check_identifier(struct parser *p, struct token t);
/* What the string token means; wrong escapes are reported. */
struct str parse_string(struct parser *p, struct token t);
/* NODE_PATTERN of the string token. */
uint32_t parse_pattern(struct parser *p, struct token t, bool in_scope);
/* NODE_REGEX of the string token; a pattern that is not well formed is reported. */
uint32_t parse_regex(struct parser *p, struct token t);
/* The same for a pattern read already; what is wrong with it is reported at `t`. */
uint32_t parse_regex_text(struct parser *p, struct token t, struct str text);
/* Collect a name and its place, then report each that stands twice (sorts them). */
void parse_note_name(
    struct parser *p, struct buf *places, struct str name, struct token at);
void parse_check_unique(
    struct parser *p, const char *what, struct buf *places);
/* A scope element: its variable and tests, up to the `,` or `)` after it. */
bool parse_element(struct parser *p, enum ast_var var, uint32_t *ret_node)
    MUST_USE;
/* `[ ent, … ]` (the current token is the bracket), pushed on the stack. */
bool parse_members(struct parser *p, enum ast_var var) MUST_USE;

/* One more policy. */
void parse_keep_policy(struct parser *p, const struct ast_policy *policy);

/* Policies like earlier ones. NULL when memory is out. */
struct parse_shapes *shapes_new(struct arena *a);
/* The policy that begins here is as an earlier one but for literals: it was copied, and the current token is the one behind it. */
bool shapes_copy(struct parser *p) MUST_USE;
/* The last policy was parsed; `first_kid` is its first entry in `kids`. */
void shapes_learn(struct parser *p, uint32_t first_kid);

/* Building. Indices of what was added; 0 when memory is out (noticed at the end). */
/* `n`, whose text is `len` bytes from `off` on. */
uint32_t build_node(
    struct parser *p, uint32_t off, uint32_t len, struct ast_node n);
/* Where the node `node` stands. */
struct token build_place(const struct parser *p, uint32_t node);
uint32_t build_string(struct parser *p, struct str s);
uint32_t build_long(struct parser *p, int64_t n);
uint32_t build_part(struct parser *p, const struct ast_part *part);
/* Forget what was pushed above `base`. */
void build_drop(struct parser *p, uint32_t base);
/* Lists: push onto the stack, then make the list of all above `base`. */
uint32_t build_mark(const struct parser *p);
void build_push(struct parser *p, uint32_t id);
uint32_t build_list(struct parser *p, uint32_t base, uint32_t *ret_n);
const struct ast_node *build_get(const struct parser *p, uint32_t node);
/* Copy the arrays into the arena. False when memory ran out. */
bool build_ast(struct parser *p, struct ast **ret) MUST_USE;
/* Memory has not run out so far. */
bool build_ok(const struct parser *p);
/* Before the first of them: all arrays grow in `a`, none on the heap. */
void build_in(struct parser *p, struct arena *a);
void build_free(struct parser *p);

#endif
