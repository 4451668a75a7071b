/* build.c - the arrays of an ast: grown on the heap while parsing, then moved
 * in their exact size to the arena, so that a file costs what it holds. */
#include "policy/parse.h"

static uint32_t
add(struct buf *b, const void *item, size_t size)
{
	size_t at = b->n / size;

	buf_add(b, (struct str){ item, size });
	return buf_ok(b) ? (uint32_t)at : 0;
}

uint32_t
build_node(struct parser *p, uint32_t off, uint32_t len, struct ast_node n)
{
	struct ast_length l = { (uint32_t)(p->nodes.n / sizeof n), len };

	n.off = off;
	n.few = AST_MANY;
	if (len < AST_MANY)
		n.few = len & AST_MANY;
	else
		(void)add(&p->lengths, &l, sizeof l);
	return add(&p->nodes, &n, sizeof n);
}

static const struct str *
string_at(const struct parser *p, uint32_t i)
{
	return (const struct str *)(const void *)p->strings.p + i;
}

/* Policies name the same types and attributes again and again: a string seen
 * lately keeps its index. The slot is a matter of luck, not of correctness. */
uint32_t
build_string(struct parser *p, struct str s)
{
	uint32_t *recent = p->recent_large ? p->recent_large : p->recent;
	uint32_t slot = (uint32_t)s.n, index;

	for (size_t i = 0; i < s.n && i < 16; i++)
		slot = slot * 31 + (unsigned char)s.p[i];
	if (s.n > 16)
		slot = slot * 31 + (unsigned char)s.p[s.n - 1];
	slot = (slot ^ slot >> 11) %
	       (p->recent_large ? PARSE_RECENT_LARGE : PARSE_RECENT);
	index = recent[slot];
	if (index && str_eq(*string_at(p, index - 1), s))
		return index - 1;
	index = add(&p->strings, &s, sizeof s);
	if (buf_ok(&p->strings))
		recent[slot] = index + 1;
	return index;
}

uint32_t
build_long(struct parser *p, int64_t n)
{
	const int64_t *longs = (const int64_t *)(const void *)p->longs.p;
	uint32_t *recent =
	    &p->recent_longs[(uint64_t)n % ARRAY_LEN(p->recent_longs)];
	uint32_t index;

	if (*recent && longs[*recent - 1] == n)
		return *recent - 1;
	index = add(&p->longs, &n, sizeof n);
	if (buf_ok(&p->longs))
		*recent = index + 1;
	return index;
}

uint32_t
build_part(struct parser *p, const struct ast_part *part)
{
	return add(&p->parts, part, sizeof *part);
}

uint32_t
build_mark(const struct parser *p)
{
	return (uint32_t)(p->stack.n / sizeof(uint32_t));
}

void
build_push(struct parser *p, uint32_t id)
{
	(void)add(&p->stack, &id, sizeof id);
}

void
build_drop(struct parser *p, uint32_t base)
{
	if (p->stack.n > base * sizeof(uint32_t))
		p->stack.n = base * sizeof(uint32_t);
}

uint32_t
build_list(struct parser *p, uint32_t base, uint32_t *ret_n)
{
	uint32_t first = (uint32_t)(p->kids.n / sizeof(uint32_t));
	struct str items =
	    str_sub(buf_str(&p->stack), base * sizeof(uint32_t), p->stack.n);

	*ret_n = (uint32_t)(items.n / sizeof(uint32_t));
	buf_add(&p->kids, items);
	build_drop(p, base);
	return first;
}

const struct ast_node *
build_get(const struct parser *p, uint32_t node)
{
	static const struct ast_node none;

	if (!buf_ok(&p->nodes) || node >= p->nodes.n / sizeof(struct ast_node))
		return &none;
	return (const struct ast_node *)(const void *)p->nodes.p + node;
}

struct token
build_place(const struct parser *p, uint32_t node)
{
	const struct ast so_far = {
		.nodes = (struct ast_node *)(void *)p->nodes.p,
		.n_nodes = (uint32_t)(p->nodes.n / sizeof(struct ast_node)),
		.lengths = (struct ast_length *)(void *)p->lengths.p,
		.n_lengths =
		    (uint32_t)(p->lengths.n / sizeof(struct ast_length)),
	};

	if (!build_ok(p) || node >= so_far.n_nodes)
		return (struct token){ 0 };
	return (struct token){ .off = so_far.nodes[node].off,
		.len = ast_len(&so_far, &so_far.nodes[node]) };
}

/* Move an array to the arena; there are never two of a large one. */
static bool
settle(struct arena *a, struct buf *b, size_t size, void *ret_items,
    uint32_t *ret_n)
{
	uint32_t n = (uint32_t)(b->n / size);
	void *items;

	if (!buf_ok(b))
		return false;
	items = buf_take(b, a);
	if (!items)
		return false;
	*ret_n = n;
	memcpy(ret_items, &items, sizeof items);
	return true;
}

bool
build_ast(struct parser *p, struct ast **ret)
{
	struct arena *a = p->arena;
	struct ast *t = ARENA_NEW(a, struct ast);
	bool ok = t != NULL && build_ok(p);

#define SETTLE(name)                                                           \
	(ok = ok &&                                                            \
	      settle(a, &p->name, sizeof *t->name, &t->name, &t->n_##name))
	SETTLE(nodes);
	SETTLE(lengths);
	SETTLE(strings);
	SETTLE(longs);
	SETTLE(kids);
	SETTLE(parts);
	SETTLE(regexes);
	SETTLE(annotations);
	SETTLE(policies);
	SETTLE(indivisibles);
	SETTLE(comments);
	SETTLE(links);
	SETTLE(ids);
#undef SETTLE
	if (!ok)
		return false;
	t->source = *p->source;
	t->is_cedar = p->dialect == POLICY_CEDAR;
	*ret = t;
	return true;
}

#define EACH_BUF(p)                                                            \
	{                                                                      \
		&(p)->nodes, &(p)->lengths, &(p)->strings, &(p)->longs,        \
		    &(p)->kids, &(p)->parts, &(p)->regexes, &(p)->annotations, \
		    &(p)->policies, &(p)->indivisibles, &(p)->comments,        \
		    &(p)->links, &(p)->ids, &(p)->stack, &(p)->scratch         \
	}

void
build_in(struct parser *p, struct arena *a)
{
	struct buf *const all[] = EACH_BUF(p);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i]->arena = a;
}

bool
build_ok(const struct parser *p)
{
	const struct buf *const all[] = EACH_BUF(p);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!buf_ok(all[i]))
			return false;
	return true;
}

void
build_free(struct parser *p)
{
	struct buf *const all[] = EACH_BUF(p);

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_free(all[i]);
}
