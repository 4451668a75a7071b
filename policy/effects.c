/* effects.c - numbers for expressions, lists of what guards found.
 * An expression's number is that of its key in a table: its kind and what makes
 * it up, with the numbers of its parts for the parts. What Cedar takes for the
 * same (`a != b` and `!(a == b)`) has the same key. */
#include "policy/effects.h"

#include <stdlib.h>

/* Kinds of keys that are no kinds of nodes. */
enum { KEY_TEXT = 250, KEY_TYPE };

static uint32_t
number_of_key(struct effects *e, uint8_t kind, struct str key)
{
	char name = (char)kind;
	uint32_t n = intern_add(e->table, (struct str){ &name, 1 }, key);

	if (n == INTERN_NONE)
		e->failed = true;
	return n;
}

struct key {
	uint32_t part[4];
};

static struct str
key_str(const struct key *k)
{
	return (struct str){ (const char *)k->part, sizeof k->part };
}

static uint32_t
add_key(struct effects *e, uint8_t kind, uint32_t a, uint32_t b, uint32_t c)
{
	struct key k = { { a, b, c, 0 } };

	return number_of_key(e, kind, key_str(&k));
}

static uint32_t
find_key(
    const struct effects *e, uint8_t kind, uint32_t a, uint32_t b, uint32_t c)
{
	struct key k = { { a, b, c, 0 } };
	char name = (char)kind;

	return intern_find(e->table, (struct str){ &name, 1 }, key_str(&k));
}

static uint32_t
number(const struct effects *e, uint32_t node)
{
	if (node < e->first || node - e->first >= e->n_nodes)
		return INTERN_NONE;
	return e->number_of[node - e->first];
}

static uint32_t
not_of(struct effects *e, uint32_t n)
{
	return add_key(e, NODE_NOT, n, 0, 0);
}

static uint32_t
bool_of(struct effects *e, bool boolean)
{
	return add_key(e, NODE_BOOL, boolean, 0, 0);
}

static bool
is_bool(struct effects *e, uint32_t n)
{
	return n == bool_of(e, true) || n == bool_of(e, false);
}

/* `true && false` is `false` to Cedar's parser. */
static uint32_t
binary_of(struct effects *e, enum ast_op op, uint32_t a, uint32_t b)
{
	if (op == OP_NE)
		return not_of(e, binary_of(e, OP_EQ, a, b));
	if (op == OP_GT)
		return not_of(e, binary_of(e, OP_LE, a, b));
	if (op == OP_GE)
		return not_of(e, binary_of(e, OP_LT, a, b));
	if ((op == OP_AND || op == OP_OR) && is_bool(e, a) && is_bool(e, b))
		return op == OP_AND ? (a == bool_of(e, true) ? b : a)
				    : (a == bool_of(e, true) ? a : b);
	return add_key(e, NODE_BINARY, op, a, b);
}

static uint32_t
attribute_of(struct effects *e, uint32_t of, struct str name)
{
	return add_key(e, NODE_ATTR, of, number_of_key(e, KEY_TEXT, name), 0);
}

static uint32_t
has_of(struct effects *e, const struct ast_node *n)
{
	uint32_t of = number(e, n->a), all = 0;

	for (uint32_t i = 0; i < n->c; i++) {
		struct str name = e->ast->strings[e->ast->kids[n->b + i]];
		uint32_t one;

		/* The attribute itself is numbered too: it is what the guard
		 * speaks of. */
		of = attribute_of(e, of, name);
		one = add_key(e, NODE_HAS, of, 0, 0);
		all = i == 0 ? one : binary_of(e, OP_AND, all, one);
	}
	return all;
}

static int
cmp_fields(const void *a, const void *b)
{
	return memcmp(a, b, 2 * sizeof(uint32_t));
}

/* Kinds with lists: a set's members, a record's fields in one order, a call's
 * arguments. */
static uint32_t
list_of(struct effects *e, const struct ast_node *n, const uint32_t *kids,
    uint32_t n_kids)
{
	bool is_record = n->kind == NODE_RECORD;
	size_t width = is_record ? 2 : 1, total = 2 + width * n_kids;
	uint32_t *parts = ARENA_ARRAY(e->arena, total, uint32_t);

	if (!parts) {
		e->failed = true;
		return INTERN_NONE;
	}
	parts[0] = n->op;
	parts[1] = n->kind == NODE_METHOD ? number(e, n->a) : 0;
	for (uint32_t i = 0; i < n_kids; i++) {
		const struct ast_node *field = &e->ast->nodes[kids[i]];
		uint32_t *to = &parts[2 + width * i];

		to[0] = is_record ? number_of_key(
					e, KEY_TEXT, e->ast->strings[field->a])
				  : number(e, kids[i]);
		if (is_record)
			to[1] = number(e, field->b);
	}
	if (is_record && n_kids > 1)
		qsort(parts + 2, n_kids, 2 * sizeof *parts, cmp_fields);
	return number_of_key(e, n->kind,
	    (struct str){ (const char *)parts, total * sizeof *parts });
}

static uint32_t
method_of(struct effects *e, const struct ast_node *n)
{
	const uint32_t *kids = &e->ast->kids[n->b];

	if (n->op == OP_HAS_TAG && n->c == 1)
		(void)add_key(e, NODE_METHOD, OP_GET_TAG, number(e, n->a),
		    number(e, kids[0]));
	if (n->op == OP_GET_TAG && n->c == 1)
		return add_key(e, NODE_METHOD, OP_GET_TAG, number(e, n->a),
		    number(e, kids[0]));
	return list_of(e, n, kids, n->c);
}

static uint32_t
is_of(struct effects *e, const struct ast_node *n)
{
	uint32_t of = number(e, n->a);
	uint32_t type = number_of_key(e, KEY_TEXT, e->ast->strings[n->b]);
	uint32_t is = add_key(e, NODE_IS, of, type, 0);

	if (n->c == 0)
		return is;
	return binary_of(
	    e, OP_AND, is, binary_of(e, OP_IN, of, number(e, n->c)));
}

static uint32_t
leaf_of(struct effects *e, uint32_t node, const struct ast_node *n)
{
	const struct ast *t = e->ast;
	struct str longs;

	if (n->kind == NODE_STRING)
		return number_of_key(e, NODE_STRING, t->strings[n->a]);
	if (n->kind == NODE_REGEX)
		return number_of_key(e, NODE_REGEX, t->regexes[n->a].text);
	if (n->kind == NODE_BOOL || n->kind == NODE_VAR || n->kind == NODE_SLOT)
		return add_key(
		    e, n->kind, n->kind == NODE_BOOL ? n->a : n->op, 0, 0);
	if (n->kind == NODE_LONG) {
		longs = (struct str){ (const char *)&t->longs[n->a],
			sizeof t->longs[n->a] };
		return number_of_key(e, NODE_LONG, longs);
	}
	if (n->kind == NODE_ENTITY)
		return add_key(e, NODE_ENTITY,
		    number_of_key(e, KEY_TYPE, t->strings[n->a]),
		    number_of_key(e, KEY_TEXT, t->strings[n->b]), 0);
	/* What is no expression: like nothing else. */
	return add_key(e, NODE_ERROR, node, 0, 0);
}

static uint32_t
pattern_of(struct effects *e, const struct ast_node *n)
{
	uint32_t *parts = ARENA_ARRAY(e->arena, n->b, uint32_t);

	for (uint32_t i = 0; parts && i < n->b; i++) {
		const struct ast_part *part = &e->ast->parts[n->a + i];

		parts[i] = part->kind == PART_LITERAL
			       ? number_of_key(e, KEY_TEXT, part->literal)
			       : INTERN_NONE;
	}
	if (!parts) {
		e->failed = true;
		return INTERN_NONE;
	}
	return number_of_key(e, NODE_PATTERN,
	    (struct str){ (const char *)parts, n->b * sizeof *parts });
}

static uint32_t
number_node(struct effects *e, uint32_t node)
{
	const struct ast_node *n = &e->ast->nodes[node];

	if (n->kind == NODE_PAREN)
		return number(e, n->a);
	if (n->kind == NODE_NOT)
		return not_of(e, number(e, n->a));
	if (n->kind == NODE_NEG)
		return add_key(e, NODE_NEG, number(e, n->a), 0, 0);
	if (n->kind == NODE_BINARY)
		return binary_of(
		    e, (enum ast_op)n->op, number(e, n->a), number(e, n->b));
	if (n->kind == NODE_IF)
		return add_key(e, NODE_IF, number(e, n->a), number(e, n->b),
		    number(e, n->c));
	if (n->kind == NODE_ATTR)
		return attribute_of(e, number(e, n->a), e->ast->strings[n->b]);
	if (n->kind == NODE_HAS)
		return has_of(e, n);
	if (n->kind == NODE_LIKE || n->kind == NODE_MATCHES ||
	    n->kind == NODE_EACH)
		return add_key(
		    e, n->kind, number(e, n->a), number(e, n->b), n->op);
	if (n->kind == NODE_PATTERN)
		return pattern_of(e, n);
	if (n->kind == NODE_IS)
		return is_of(e, n);
	if (n->kind == NODE_METHOD)
		return method_of(e, n);
	if (n->kind == NODE_SET || n->kind == NODE_RECORD ||
	    n->kind == NODE_CALL)
		return list_of(e, n, &e->ast->kids[n->a], n->b);
	return leaf_of(e, node, n);
}

bool
effects_init(
    struct effects *e, const struct ast *ast, uint32_t first, uint32_t end)
{
	e->ast = ast;
	e->first = first;
	e->n_nodes = end - first;
	e->table = intern_new(e->arena, NULL);
	e->number_of = ARENA_ARRAY(e->arena, e->n_nodes, uint32_t);
	e->failed = !e->table || !e->number_of;
	for (uint32_t i = 0; i < e->n_nodes && !e->failed; i++)
		e->number_of[i] = number_node(e, first + i);
	if (e->failed)
		return false;
	e->n_numbers = intern_count(e->table);
	e->held = ARENA_ARRAY(e->arena, e->n_numbers, uint32_t);
	e->marks = ARENA_ARRAY(e->arena, e->n_numbers, uint32_t);
	e->mark = 0;
	return e->held && e->marks;
}

uint32_t
effects_number(const struct effects *e, uint32_t node)
{
	return e->table ? number(e, node) : INTERN_NONE;
}

uint32_t
effects_attribute(const struct effects *e, uint32_t of, struct str name)
{
	char text = (char)KEY_TEXT;
	uint32_t n;

	if (!e->table)
		return INTERN_NONE;
	n = intern_find(e->table, (struct str){ &text, 1 }, name);
	return n == INTERN_NONE ? n : find_key(e, NODE_ATTR, of, n, 0);
}

uint32_t
effects_tag(const struct effects *e, uint32_t receiver, uint32_t argument)
{
	if (!e->table)
		return INTERN_NONE;
	return find_key(e, NODE_METHOD, OP_GET_TAG, effects_number(e, receiver),
	    effects_number(e, argument));
}

/* --- lists ------------------------------------------------------------- */

static const struct effect *
push(struct effects *e, uint32_t n, const struct effect *list)
{
	struct effect *one = ARENA_NEW(e->scratch, struct effect);

	e->steps++;
	if (!one) {
		e->failed = true;
		return NULL;
	}
	*one = (struct effect){ n, list };
	return one;
}

const struct effect *
effects_one(struct effects *e, uint32_t n)
{
	/* What is held comes back from where it is held for. */
	if (n == INTERN_NONE || effects_is_held(e, n))
		return NULL;
	return push(e, n, NULL);
}

const struct effect *
effects_union(struct effects *e, const struct effect *a, const struct effect *b)
{
	if (!a)
		return b;
	for (; b; b = b->next)
		a = push(e, b->number, a);
	return a;
}

const struct effect *
effects_common(
    struct effects *e, const struct effect *a, const struct effect *b)
{
	const struct effect *both = NULL;

	if (!a || !b)
		return NULL;
	e->mark++;
	for (; b; b = b->next, e->steps++)
		e->marks[b->number] = e->mark;
	for (; a; a = a->next, e->steps++)
		if (e->marks[a->number] == e->mark)
			both = push(e, a->number, both);
	return both;
}

void
effects_hold(struct effects *e, const struct effect *list)
{
	for (; list; list = list->next, e->steps++)
		e->held[list->number]++;
}

void
effects_release(struct effects *e, const struct effect *list)
{
	for (; list; list = list->next)
		e->held[list->number]--;
}

bool
effects_is_held(const struct effects *e, uint32_t n)
{
	return n != INTERN_NONE && n < e->n_numbers && e->held[n] > 0;
}
