/* ast.h - the tree of one policy file, in arrays.
 * Nodes are 32-bit ids into `nodes`; node 0 is the error node, so a zeroed id is never mistaken for an expression. Every node has a span. What was written stays
 * written (parentheses, `unless`, `is … in`, negated tests): passes that want a smaller language derive it and point back here. Later passes keep what they learn
 * in side tables indexed by node id. An ast is immutable once parsed and lives in its arena.
 * Children: `a`, `b`, `c` hold what the kind's line says: NODE a node id, STR an index into strings, LIST an index into `kids` with the count in the next
 * letter, LONG an index into longs, PARTS an index into parts with the count in the next letter. */
#ifndef POLICY_AST_H
#define POLICY_AST_H

#include "policy/source.h"
#include "policy/value.h"

enum ast_op {
	OP_NONE = 0,
#define BINARY(name, text, level) name,
#define METHOD(name, text, arity) name,
#define EXT_FUNCTION(name, text, arity) name,
#define EXT_METHOD(name, text, arity) name,
#include "policy/ops.def"
	OP_COUNT
};

enum ast_var { VAR_PRINCIPAL, VAR_ACTION, VAR_RESOURCE, VAR_CONTEXT };

enum node_kind {
	NODE_ERROR = 0, /* what could not be parsed; errors were reported */
	/* Expressions. */
	NODE_BOOL,    /* a = 0 or 1 */
	NODE_LONG,    /* a LONG (a folded minus lies in the number) */
	NODE_STRING,  /* a STR, unescaped */
	NODE_ENTITY,  /* a STR type, b STR id */
	NODE_SLOT,    /* op = VAR_PRINCIPAL or VAR_RESOURCE */
	NODE_VAR,     /* op = enum ast_var */
	NODE_PAREN,   /* a NODE */
	NODE_SET,     /* a LIST, b count */
	NODE_RECORD,  /* a LIST, b count, of NODE_FIELD */
	NODE_FIELD,   /* a STR name, b NODE value */
	NODE_NOT,     /* a NODE */
	NODE_NEG,     /* a NODE */
	NODE_BINARY,  /* op = OP_OR … OP_MUL, a NODE, b NODE */
	NODE_IF,      /* a, b, c NODE */
	NODE_ATTR,    /* a NODE, b STR; op = 1 when written ["…"] */
	NODE_HAS,     /* a NODE, b LIST of STR, c count; op = 1 when written as a string */
	NODE_LIKE,    /* a NODE, b NODE_PATTERN */
	NODE_PATTERN, /* a PARTS, b count */
	NODE_IS,      /* a NODE, b STR type, c NODE after `in` or 0 */
	NODE_MATCHES, /* a NODE, b NODE_REGEX */
	NODE_REGEX,   /* a REGEX: an index into regexes */
	NODE_EACH,    /* op = OP_ANY_LIKE … OP_ALL_MATCHES, a NODE receiver, b NODE_PATTERN or NODE_REGEX */
	NODE_METHOD,  /* op, a NODE receiver, b LIST of arguments, c count */
	NODE_CALL,    /* op an extension function or method, a LIST (receiver first for a method), b count; c = 1 when written as a method */
	/* Scope: one NODE_SCOPE an element; its tests are joined by and. */
	NODE_SCOPE,     /* op = enum ast_var, a LIST of tests, b count (0: any) */
	NODE_TEST_EQ,   /* a NODE (entity or slot); `negated`: != */
	NODE_TEST_IN,   /* a LIST of entities or slots, b count; c = 1 when written in brackets */
	NODE_TEST_IS,   /* a LIST of STR types, b count; c = 1 when written in brackets */
	NODE_TEST_LIKE, /* a STR type, b NODE_PATTERN */
	/* Conditions. */
	NODE_WHEN,   /* a NODE */
	NODE_UNLESS, /* a NODE */
};

/* JSON has more than one form for some nodes: which it was, so that it is written again. */
enum ast_written {
	WRITTEN_PLAIN = 0,
	WRITTEN_VALUE,      /* a set, record or call inside {"Value": ...} */
	WRITTEN_VALUE_ARGS, /* a call there, with "args" */
	WRITTEN_LIST,       /* `has` of one attribute: in a list */
};

/* Most of a policy set in memory is these: 20 bytes each. */
struct ast_node {
	uint8_t kind;
	uint8_t op;
	uint32_t negated : 1; /* scope tests */
	uint32_t written : 2; /* enum ast_written */
	uint32_t few : 13;    /* bytes in the source: ast_len() */
	uint32_t off;
	uint32_t a, b, c;
};
_Static_assert(sizeof(struct ast_node) == 20, "what a policy takes in memory");

/* `few` of a node that is longer; its length is in `lengths`. */
#define AST_MANY ((1u << 13) - 1)
struct ast_length {
	uint32_t node, len;
};

/* A wildcard pattern is a list of parts in order. PART_PATH is a contextual wildcard `${principal.owner}`: a variable and attribute names; scope patterns only. */
enum ast_part_kind { PART_LITERAL, PART_STAR, PART_PATH };
struct ast_part {
	enum ast_part_kind kind;
	struct str literal;
	enum ast_var var;
	const struct str *path;
	uint32_t n_path;
	uint32_t off, len;
};

/* The pattern of a `matches`, unescaped, and what it was compiled to: NULL where it could not be, in an ast with errors. Lives and dies with the ast's arena. */
struct pattern_regex;
struct ast_regex {
	struct str text;
	const struct pattern_regex *compiled;
};

enum ast_word { WORD_FORBID = 0, WORD_DENY, WORD_PERMIT };

struct ast_annotation {
	struct str name, value;
	bool has_value;
	uint32_t off, len;
};

struct ast_policy {
	uint8_t word; /* enum ast_word */
	bool has_slots, has_error;
	uint32_t first_annotation, n_annotations;
	uint32_t scope[3];            /* NODE_SCOPE of principal, action, resource */
	uint32_t first_cond, n_conds; /* LIST of NODE_WHEN, NODE_UNLESS */
	uint32_t off, len;            /* from the first annotation to the semicolon */
	uint32_t head_off, head_len;  /* the effect word: the place reports name */
	uint32_t first_node;          /* of text: its nodes follow on one another from here */
	uint32_t own_id; /* in `ids`, plus one; 0: none */
};

/* Policies of a JSON set have ids of their own. */
struct ast_id {
	struct str id;
	uint32_t off, len;
};

/* A template with its slots bound: from the `templateLinks` of a JSON set. The template may be of any file of the set. [0] ?principal, [1] ?resource. */
struct ast_link {
	struct str id, template_id;
	bool bound[2];
	struct uid slot[2];
	uint32_t off, len, id_off, id_len, template_off, template_len;
	uint32_t slot_off[2], slot_len[2];
};

/* indivisible VAR [ … ]; */
struct ast_indivisible {
	enum ast_var var;
	uint32_t first, n; /* LIST of NODE_ENTITY */
	uint32_t off, len;
};

struct ast_comment {
	uint32_t off, len; /* from // to before the line's end */
};

/* A file that was changed in places is several trees, one behind the other (edit.c): what a tree stands for, where it is not a file. */
struct ast_share {
	bool is_part;
	bool goes_on;        /* with the file of the tree before */
	uint32_t from, to;   /* bytes of the source */
	uint32_t position;   /* policies of the file before its own */
	uint32_t first_node; /* nodes before it are of other parts */
};

struct ast {
	struct source source;
	struct ast_share share;
	bool is_cedar;  /* text without additions */
	bool is_marked; /* JSON of Avow's own form */
	bool is_json;   /* places are of JSON text: what a node says is printed, not quoted */
	struct ast_node *nodes;
	struct ast_length *lengths; /* by node; of the whole file, where `share` says that it is a part */
	struct str *strings;
	int64_t *longs;
	uint32_t *kids;
	struct ast_part *parts;
	struct ast_regex *regexes;
	struct ast_annotation *annotations;
	struct ast_policy *policies;
	struct ast_indivisible *indivisibles;
	struct ast_comment *comments;
	struct ast_link *links;
	struct ast_id *ids;
	uint32_t n_nodes, n_lengths, n_strings, n_longs, n_kids, n_parts, n_regexes,
	    n_annotations, n_policies, n_indivisibles, n_comments, n_links, n_ids;
};

/* The operator's text, as in ops.def. */
const char *ast_op_text(enum ast_op op);
/* Ours: Cedar has no such function or method. */
bool ast_is_added(enum ast_op op);
const char *ast_var_name(enum ast_var var);
/* Of the node `n` of `t`: its bytes in the source, where they end, and what they say. */
uint32_t ast_len(const struct ast *t, const struct ast_node *n);
uint32_t ast_end(const struct ast *t, const struct ast_node *n);
struct str ast_text(const struct ast *t, const struct ast_node *n);
struct span ast_span(const struct ast *t, uint32_t node);
/* The id that a policy of a JSON set has, or NULL. */
const struct ast_id *ast_own_id(
    const struct ast *t, const struct ast_policy *policy);
/* Which slots the policy has: [0] ?principal, [1] ?resource. */
void ast_slots(const struct ast *t, const struct ast_policy *policy,
    bool ret_has[2]);

#endif
