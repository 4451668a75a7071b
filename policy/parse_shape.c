/* parse_shape.c - policies that differ from an earlier one in literals alone
 * are copied from it, not parsed.
 * A file of many policies says the same again and again: `permit (principal in
 * Group::"g1", …)`, `… "g2" …`. What the parser makes of a policy depends on
 * its tokens; where two texts are the same byte for byte but for what stands
 * between quotes, and for digits of numbers, their tokens are of the same kinds
 * and their trees the same but for these. A *shape* is a policy that was parsed
 * without an error, and where its literals stand in its text and its tree.
 * Literals are strings without escapes and on one line, and numbers that fit.
 * Policies whose strings mean more than themselves (patterns, names of
 * attributes, annotations, arguments of functions) are no shapes, nor are those
 * with slots or comments. Places are moved by as much as the literals before
 * them are longer or shorter.
 * Cost: a comparison with a shape, and a copy of its nodes. Where policies have
 * nothing in common, looking for shapes is given up for longer and longer. */
#include "policy/parse.h"

#include "base/limits.h"
#include "base/pages.h"

#define SHAPES 8u
#define LITERALS_MAX 32u
#define NODES_MAX 96u
#define KIDS_MAX 64u
#define DIGITS_MAX 18u
#define PAUSE_MAX 1024u

struct literal {
	uint32_t off, end; /* without quotes; in the source */
	uint32_t node;     /* of the shape, from 0; UINT32_MAX: nobody's yet */
	bool is_number;
};

struct shape {
	struct ast_policy policy;
	uint32_t n_nodes, first_kid, n_kids, n_literals;
	struct literal literals[LITERALS_MAX];
	uint8_t moves[NODES_MAX]; /* see MOVE_ */
	/* Literals that end before a node does, and before it begins. */
	uint8_t before[NODES_MAX], within[NODES_MAX];
	bool is_node[KIDS_MAX]; /* else a string */
	bool has_served;
};

struct parse_shapes {
	struct shape items[SHAPES];
	uint32_t n, next;     /* to be replaced */
	uint32_t last;        /* that fitted */
	uint32_t wait, pause; /* policies that are not looked at */
};

struct parse_shapes *
shapes_new(struct arena *a)
{
	return ARENA_NEW(a, struct parse_shapes);
}

/* ---- what a tree is made of -----------------------------------------------
 */

/* What a number in a node means: by twos of bits for a, b and c. */
enum move { MOVE_STAYS = 0, MOVE_NODE = 1, MOVE_LIST = 2 };
#define MOVES(a, b, c) ((a) | (b) << 2 | (c) << 4)

static const struct {
	uint8_t moves;
	bool is_known;
	bool has_strings; /* its list's */
} kinds[NODE_UNLESS + 1] = {
	[NODE_BOOL] = { 0, true, false },
	[NODE_LONG] = { 0, true, false },
	[NODE_STRING] = { 0, true, false },
	[NODE_ENTITY] = { 0, true, false },
	[NODE_VAR] = { 0, true, false },
	[NODE_PAREN] = { MOVES(MOVE_NODE, 0, 0), true, false },
	[NODE_SET] = { MOVES(MOVE_LIST, 0, 0), true, false },
	[NODE_NOT] = { MOVES(MOVE_NODE, 0, 0), true, false },
	[NODE_BINARY] = { MOVES(MOVE_NODE, MOVE_NODE, 0), true, false },
	[NODE_IF] = { MOVES(MOVE_NODE, MOVE_NODE, MOVE_NODE), true, false },
	[NODE_ATTR] = { MOVES(MOVE_NODE, 0, 0), true, false },
	[NODE_HAS] = { MOVES(MOVE_NODE, MOVE_LIST, 0), true, true },
	[NODE_IS] = { MOVES(MOVE_NODE, 0, MOVE_NODE), true, false },
	[NODE_METHOD] = { MOVES(MOVE_NODE, MOVE_LIST, 0), true, false },
	[NODE_SCOPE] = { MOVES(MOVE_LIST, 0, 0), true, false },
	[NODE_TEST_EQ] = { MOVES(MOVE_NODE, 0, 0), true, false },
	[NODE_TEST_IN] = { MOVES(MOVE_LIST, 0, 0), true, false },
	[NODE_TEST_IS] = { MOVES(MOVE_LIST, 0, 0), true, true },
	[NODE_WHEN] = { MOVES(MOVE_NODE, 0, 0), true, false },
	[NODE_UNLESS] = { MOVES(MOVE_NODE, 0, 0), true, false },
};

/* ---- learning -------------------------------------------------------------
 */

/* The text's literals, in order. */
static bool
find_literals(const struct parser *p, struct shape *s)
{
	const struct ast_policy *policy = &s->policy;
	struct buf comments = { 0 };
	struct lexer lx = { str_sub(p->source->text, 0,
				(size_t)policy->off + policy->len),
		policy->off, &comments };
	struct token t;
	bool ok = true;

	while (ok && (t = lex_next(&lx)).kind != TOKEN_END) {
		bool is_string = t.kind == TOKEN_STRING;

		if (t.fault) {
			ok = false;
		} else if (is_string || t.kind == TOKEN_NUMBER) {
			ok = s->n_literals < LITERALS_MAX;
			if (ok)
				s->literals[s->n_literals++] =
				    (struct literal){ t.off + is_string,
					    t.off + t.len - is_string,
					    UINT32_MAX, !is_string };
		}
	}
	ok = ok && comments.n == 0 && buf_ok(&comments);
	buf_free(&comments);
	return ok;
}

/* The literal that the node is, or ends with, is its own from now on. */
static bool
claim(const struct parser *p, struct shape *s, uint32_t i,
    const struct ast_node *n)
{
	bool is_number = n->kind == NODE_LONG;
	uint32_t end = n->off + n->few - !is_number;
	const struct str *strings = (const struct str *)(void *)p->strings.p;

	for (uint32_t k = 0; k < s->n_literals; k++) {
		struct literal *l = &s->literals[k];
		uint32_t string = n->kind == NODE_ENTITY ? n->b : n->a;

		if (l->end != end)
			continue;
		if (l->node != UINT32_MAX || l->is_number != is_number ||
		    (n->kind != NODE_ENTITY && l->off != n->off + !is_number))
			return false;
		l->node = i;
		return is_number ||
		       str_eq(strings[string],
			   source_text(p->source, l->off, l->end - l->off));
	}
	return false;
}

static bool
note_list(struct shape *s, bool seen[KIDS_MAX], uint32_t first, uint32_t n,
    bool has_strings)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t kid = first + i - s->first_kid;

		if (first + i < s->first_kid || kid >= s->n_kids || seen[kid])
			return false;
		seen[kid] = true;
		s->is_node[kid] = !has_strings;
	}
	return true;
}

static uint8_t
count_before(const struct shape *s, uint32_t place)
{
	uint8_t n = 0;

	while (n < s->n_literals && s->literals[n].end <= place)
		n++;
	return n;
}

static bool
note_node(
    const struct parser *p, struct shape *s, bool seen[KIDS_MAX], uint32_t i)
{
	const struct ast_node *n = build_get(p, s->policy.first_node + i);
	const uint32_t parts[] = { n->a, n->b, n->c, 0 };
	uint8_t moves;

	if (n->kind > NODE_UNLESS || !kinds[n->kind].is_known)
		return false;
	moves = kinds[n->kind].moves;
	if (n->kind == NODE_IS && n->c == 0)
		moves = MOVES(MOVE_NODE, 0, 0);
	for (unsigned k = 0; k < 3; k++) {
		unsigned move = moves >> 2 * k & 3;

		if (move == MOVE_NODE &&
		    (parts[k] < s->policy.first_node ||
			parts[k] - s->policy.first_node >= i))
			return false;
		if (move == MOVE_LIST &&
		    !note_list(s, seen, parts[k], parts[k + 1],
			kinds[n->kind].has_strings))
			return false;
	}
	s->moves[i] = moves;
	s->before[i] = count_before(s, n->off);
	s->within[i] = count_before(s, n->off + n->few);
	return (n->kind != NODE_LONG && n->kind != NODE_STRING &&
		   n->kind != NODE_ENTITY) ||
	       claim(p, s, i, n);
}

/* Everything is accounted for: nodes, what their lists hold, literals. */
static bool
is_known(const struct parser *p, struct shape *s)
{
	bool seen[KIDS_MAX] = { false };

	for (uint32_t i = 0; i < s->n_nodes; i++)
		if (!note_node(p, s, seen, i))
			return false;
	if (!note_list(s, seen, s->policy.first_cond, s->policy.n_conds, false))
		return false;
	for (uint32_t i = 0; i < 3; i++)
		if (s->policy.scope[i] < s->policy.first_node)
			return false;
	for (uint32_t i = 0; i < s->n_kids; i++)
		if (!seen[i])
			return false;
	for (uint32_t i = 0; i < s->n_literals; i++)
		if (s->literals[i].node == UINT32_MAX)
			return false;
	return true;
}

static bool
learn(const struct parser *p, struct shape *s, uint32_t first_kid)
{
	uint32_t n_nodes = (uint32_t)(p->nodes.n / sizeof(struct ast_node));
	uint32_t n_kids = (uint32_t)(p->kids.n / sizeof(uint32_t));

	*s = (struct shape){ .first_kid = first_kid,
		.n_kids = n_kids - first_kid };
	memcpy(&s->policy, p->policies.p + p->policies.n - sizeof s->policy,
	    sizeof s->policy);
	s->n_nodes = n_nodes - s->policy.first_node;
	return s->policy.len < AST_MANY && !s->policy.has_error &&
	       !s->policy.has_slots && s->policy.n_annotations == 0 &&
	       s->n_nodes <= NODES_MAX && s->n_kids <= KIDS_MAX &&
	       find_literals(p, s) && is_known(p, s);
}

void
shapes_learn(struct parser *p, uint32_t first_kid)
{
	struct parse_shapes *all = p->shapes;
	struct shape *s;

	if (all->wait > 0) {
		all->wait--;
		return;
	}
	if (!build_ok(p))
		return;
	s = &all->items[all->next];
	if (all->next < all->n && !s->has_served) {
		all->pause =
		    all->pause < PAUSE_MAX ? all->pause * 2 + 1 : PAUSE_MAX;
		all->wait = all->pause;
	}
	/* One that cannot be learned is known not to fit. */
	if (!learn(p, s, first_kid))
		s->n_nodes = 0;
	all->next = (all->next + 1) % SHAPES;
	if (all->n < SHAPES)
		all->n++;
}

/* ---- copying --------------------------------------------------------------
 */

/* What literals are in the text at hand, and how far places move behind each.
 */
struct fit {
	uint32_t off[LITERALS_MAX], end[LITERALS_MAX];
	uint32_t shift[LITERALS_MAX + 1];
	uint32_t at;
};

/* What the parser refuses, or reads as something else, it shall look at. */
static bool
read_string(struct str text, uint32_t *at)
{
	uint32_t i = *at, from = i;

	for (; i < text.n && text.p[i] != '"'; i++)
		if (text.p[i] == '\\' || text.p[i] == '\n' || text.p[i] == '\r')
			return false;
	*at = i;
	return i < text.n && i - from < LIMIT_STRING_BYTES - 1;
}

static bool
read_number(struct str text, uint32_t *at)
{
	uint32_t i = *at, from = i;

	while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
		i++;
	*at = i;
	return i > from && i - from <= DIGITS_MAX;
}

/* The shape's text from `from` to `to` comes next. */
static bool
read_same(struct str text, uint32_t *at, uint32_t from, uint32_t to)
{
	uint32_t n = to - from;

	if (n > text.n - *at || memcmp(text.p + *at, text.p + from, n) != 0)
		return false;
	*at += n;
	return true;
}

static bool
fits(const struct parser *p, const struct shape *s, struct fit *f)
{
	struct str text = p->lexer.text;
	uint32_t at = p->tok.off, from = s->policy.off;

	f->shift[0] = at - from;
	for (uint32_t i = 0; i < s->n_literals; i++) {
		const struct literal *l = &s->literals[i];

		if (!read_same(text, &at, from, l->off))
			return false;
		f->off[i] = at;
		if (!(l->is_number ? read_number : read_string)(text, &at))
			return false;
		f->end[i] = at;
		from = l->end;
		f->shift[i + 1] = at - from;
	}
	f->at = at;
	return read_same(text, &f->at, from, s->policy.off + s->policy.len) &&
	       f->at - p->tok.off < AST_MANY;
}

static void
copy_nodes(struct parser *p, const struct shape *s, const struct fit *f,
    const uint32_t by[3])
{
	struct ast_node nodes[NODES_MAX] UNZEROED; /* n_nodes are copied */

	memcpy(nodes, build_get(p, s->policy.first_node),
	    s->n_nodes * sizeof *nodes);
	for (uint32_t i = 0; i < s->n_nodes; i++) {
		struct ast_node *n = &nodes[i];
		unsigned moves = s->moves[i];
		uint32_t end = n->off + n->few + f->shift[s->within[i]];

		n->off += f->shift[s->before[i]];
		n->few = (end - n->off) & AST_MANY;
		n->a += by[moves & 3];
		n->b += by[moves >> 2 & 3];
		n->c += by[moves >> 4];
	}
	for (uint32_t i = 0; i < s->n_literals; i++) {
		struct ast_node *n = &nodes[s->literals[i].node];
		struct str text =
		    source_text(p->source, f->off[i], f->end[i] - f->off[i]);
		uint64_t number = 0;

		if (n->kind == NODE_ENTITY) {
			n->b = build_string(p, text);
		} else if (n->kind == NODE_STRING) {
			n->a = build_string(p, text);
		} else {
			/* As many digits fit. */
			if (!str_to_u64(text, INT64_MAX, &number))
				p->scratch.failed = true;
			n->a = build_long(p, (int64_t)number);
		}
	}
	buf_add(&p->nodes,
	    (struct str){ (const char *)nodes, s->n_nodes * sizeof *nodes });
}

static void
copy_kids(struct parser *p, const struct shape *s, uint32_t by)
{
	uint32_t kids[KIDS_MAX] UNZEROED; /* n_kids are copied */

	memcpy(kids, p->kids.p + s->first_kid * sizeof *kids,
	    s->n_kids * sizeof *kids);
	for (uint32_t i = 0; i < s->n_kids; i++)
		kids[i] += s->is_node[i] ? by : 0;
	buf_add(&p->kids,
	    (struct str){ (const char *)kids, s->n_kids * sizeof *kids });
}

/* Of many nodes the system gives the pages a piece at a time: half of what
 * touching one after the other costs. */
#define TOUCHED ((size_t)1 << 20)

static void
touch_ahead(struct parser *p)
{
	const struct buf *nodes = &p->nodes;

	if (nodes->n < TOUCHED ||
	    nodes->n + NODES_MAX * sizeof(struct ast_node) < p->touched ||
	    nodes->arena || nodes->cap - nodes->n < TOUCHED)
		return;
	pages_touch(nodes->p + nodes->n, TOUCHED);
	p->touched = nodes->n + TOUCHED;
}

static void
copy(struct parser *p, const struct shape *s, const struct fit *f)
{
	uint32_t first = (uint32_t)(p->nodes.n / sizeof(struct ast_node));
	uint32_t kid = (uint32_t)(p->kids.n / sizeof(uint32_t));
	const uint32_t by[] = { [MOVE_STAYS] = 0,
		[MOVE_NODE] = first - s->policy.first_node,
		[MOVE_LIST] = kid - s->first_kid };
	struct ast_policy policy = s->policy;

	touch_ahead(p);
	copy_nodes(p, s, f, by);
	copy_kids(p, s, by[MOVE_NODE]);
	policy.off = p->tok.off;
	policy.len = f->at - policy.off;
	policy.head_off = policy.off;
	policy.first_annotation =
	    (uint32_t)(p->annotations.n / sizeof(struct ast_annotation));
	policy.first_node = first;
	policy.first_cond += by[MOVE_LIST];
	for (size_t i = 0; i < 3; i++)
		policy.scope[i] += by[MOVE_NODE];
	parse_keep_policy(p, &policy);
}

bool
shapes_copy(struct parser *p)
{
	struct parse_shapes *all = p->shapes;

	for (uint32_t i = 0; i < all->n; i++) {
		uint32_t at = (all->last + i) % all->n;
		struct shape *s = &all->items[at];
		struct fit f UNZEROED; /* fits() fills what is used */

		if (s->n_nodes == 0 || !fits(p, s, &f))
			continue;
		copy(p, s, &f);
		/* As if all its tokens had been read. */
		p->lexer.at = f.at;
		p->tok = (struct token){
			.kind = TOKEN_SEMICOLON, .off = f.at - 1, .len = 1
		};
		parse_advance(p);
		s->has_served = true;
		all->last = at;
		all->pause = all->wait = 0;
		return true;
	}
	return false;
}
