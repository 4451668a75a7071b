/* image_make.c - a finished set and its index, as the bytes of an image.
 * Sections are gathered as arrays, and go where the image goes one after
 * another, from where they are: texts as soon as they are packed, while the
 * index is made, the others when it is, and the head last, since it has the
 * checksum. Numbers of nodes become those of the policy alone, since that is
 * how its text is read again. Cost: O(bytes). */
#include "policy/image_make.h"
#include "policy/rules.h"

#include <assert.h>

#include "base/digest.h"

#define ADD IMAGE_ADD

struct index_text
image_add_text(struct making_image *m, struct str s)
{
	struct buf *strings = &m->own[IMAGE_AT_strings];
	struct index_text at = { (uint32_t)strings->n, (uint32_t)s.n };

	buf_add(strings, s);
	return at;
}

struct index_text
image_add_name(struct making_image *m, const char *name)
{
	struct index_text at = image_add_text(m, str_of(name));

	buf_byte(&m->own[IMAGE_AT_strings], '\0');
	return at;
}

static void
add_links(struct making_image *m)
{
	for (size_t i = 0; m->set->n_links && i < m->set->n_instances; i++) {
		const struct policy_instance *p = &m->set->instances[i];
		struct image_link l = { 0 };

		if (!p->is_link)
			continue;
		for (size_t k = 0; k < 2; k++) {
			l.type[k] = image_add_text(m, p->slot[k].type);
			l.id[k] = image_add_text(m, p->slot[k].id);
		}
		ADD(&m->own[IMAGE_AT_links], l);
	}
}

static void
add_actions(struct making_image *m)
{
	for (size_t i = 0; i < m->n_actions; i++) {
		struct image_uid uid = { image_add_text(m, m->actions[i].type),
			image_add_text(m, m->actions[i].id) };

		ADD(&m->own[IMAGE_AT_actions], uid);
	}
}

/* ---- the index
 * ---------------------------------------------------------------
 */

static uint32_t
own_node(const struct policy_instance *p, uint32_t node)
{
	if (p->ast->is_json)
		return node;
	return node - p->ast->policies[p->policy].first_node + 1;
}

static bool
add_trees(struct making_image *m)
{
	m->trees = ARENA_ARRAY(m->a, m->ix->n_trees, struct index_tree);
	if (!m->trees)
		return error_nomem(m->reterr);
	for (size_t i = 0; i < m->ix->n_trees; i++) {
		const struct index_tree *t = &m->ix->trees[i];

		m->trees[i] = *t;
		m->trees[i].node =
		    own_node(&m->set->instances[t->instance], t->node);
	}
	return true;
}

static bool
has_patterns(const struct policy_instance *p)
{
	const struct ast_policy *body = &p->ast->policies[p->policy];
	uint32_t end = p->policy + 1 < p->ast->n_policies ? body[1].first_node
							  : p->ast->n_nodes;

	if (p->ast->n_regexes == 0)
		return false;
	for (uint32_t k = body->first_node; k < end; k++)
		if (p->ast->nodes[k].kind == NODE_REGEX)
			return true;
	return false;
}

/* What no decision is to read: patterns are compiled, JSON is a whole file,
 * what is long takes long. */
void
image_add_eager(struct making_image *m)
{
	for (uint32_t i = 0; i < m->set->n_instances; i++) {
		const struct policy_instance *p = &m->set->instances[i];

		if (p->ast->is_json || has_patterns(p) ||
		    p->ast->policies[p->policy].len > IMAGE_LONG_BYTES)
			ADD(&m->own[IMAGE_AT_eager], i);
	}
}

static void
add_fixed(struct making_image *m)
{
	const struct policy_index *ix = m->ix;
	struct image_fixed f = { .n_used = ix->n_used,
		.n_shapes = (uint32_t)ix->n_shapes,
		.n_columns = (uint32_t)ix->n_columns,
		.slot_seed = m->slot_seed,
		.scratch_bytes = m->scratch_bytes,
		.all_known = m->all_known,
		.n_templates = (uint32_t)m->set->n_templates,
		.n_links = (uint32_t)m->set->n_links };

	memcpy(f.bound, ix->bound, sizeof f.bound);
	memcpy(f.columns, ix->columns, sizeof f.columns);
	memcpy(f.shapes, ix->shapes, sizeof f.shapes);
	ADD(&m->own[IMAGE_AT_fixed], f);
}

/* ---- the bytes
 * ----------------------------------------------------------------
 */

static struct str
part_of(const struct making_image *m, const struct image_part *part)
{
	struct str s = { 0 };
	size_t n;

	memcpy(&s.p, (const char *)m->ix + part->member, sizeof s.p);
	memcpy(&n, (const char *)m->ix + part->count, sizeof n);
	s.n = n * part->item;
	if (part->member == offsetof(struct policy_index, trees))
		s.p = (const char *)m->trees;
	return s;
}

static struct str
section_at(const struct making_image *m, size_t i)
{
	if (i >= IMAGE_OWN_SECTIONS)
		return part_of(m, &image_parts[i - IMAGE_OWN_SECTIONS]);
	switch (i) {
	case IMAGE_AT_shape_ends:
	case IMAGE_AT_shapes:
	case IMAGE_AT_word_ends:
	case IMAGE_AT_words:
	case IMAGE_AT_packed:
		return image_packed_at(m, i);
	default:
		return buf_str(&m->own[i]);
	}
}

static size_t
aligned(size_t n)
{
	return (n + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
}

static bool
put(struct making_image *m, size_t at, struct str s, struct error *reterr)
{
	return s.n == 0 || m->to->put(m->to->ctx, at, s, reterr);
}

/* They come one after the other, with zeros where the next is to be aligned. */
static bool
lay(struct making_image *m, struct str s, struct error *reterr)
{
	static const char zeros[IMAGE_ALIGN];
	size_t at = m->end;

	m->laid[m->n_laid++] = (struct image_lying){ s, at };
	m->end = aligned(at + s.n);
	return put(m, at, s, reterr) &&
	       put(m, at + s.n, (struct str){ zeros, m->end - at - s.n },
		   reterr);
}

static bool
lay_section(struct making_image *m, size_t i, struct error *reterr)
{
	size_t item = i < IMAGE_OWN_SECTIONS
			  ? image_own[i].item
			  : image_parts[i - IMAGE_OWN_SECTIONS].item;
	struct str s = section_at(m, i);

	m->sections[i] = (struct image_section){ m->end, s.n / item };
	return lay(m, s, reterr);
}

/* What packing makes comes first. */
static bool
is_packed_section(size_t i)
{
	return i == IMAGE_AT_policies ||
	       (i >= IMAGE_AT_shape_ends && i <= IMAGE_AT_packed);
}

static bool
lay_sections(struct making_image *m, bool of_packing, struct error *reterr)
{
	for (size_t i = 0; i < IMAGE_OWN_SECTIONS + image_n_parts; i++)
		if (is_packed_section(i) == of_packing &&
		    !lay_section(m, i, reterr))
			return false;
	return true;
}

/* The head is zeros for now. */
static bool
begin_laying(struct making_image *m)
{
	size_t n = IMAGE_OWN_SECTIONS + image_n_parts;
	size_t bytes = aligned(sizeof *m->head + n * sizeof *m->sections);

	m->head = arena_alloc(m->a, bytes);
	m->laid = ARENA_ARRAY(m->a, n + 1, struct image_lying);
	if (!m->head || !m->laid)
		return error_nomem(m->reterr);
	m->sections = (void *)(m->head + 1);
	return lay(m, (struct str){ (const char *)m->head, bytes }, m->reterr);
}

bool
image_lay_packed(struct making_image *m, struct error *reterr)
{
	return lay_sections(m, true, reterr);
}

static bool
lay_rest(struct making_image *m)
{
	struct image_head *head = m->head;

	if (!lay_sections(m, false, m->reterr))
		return false;
	*head = (struct image_head){ .magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.order = IMAGE_ORDER,
		.layout = image_layout(),
		.n_sections = (uint32_t)(IMAGE_OWN_SECTIONS + image_n_parts),
		.n_bytes = m->end };
	memcpy(head->set_version, m->set->version, sizeof m->set->version);
	head->checksum = image_checksum_of(m->laid, m->n_laid, m->end);
	return put(m, 0, m->laid[0].s, m->reterr);
}

/* SHA-256 of all, which lies in pieces. */
static bool
digest(const struct making_image *m, uint8_t ret[32], struct error *reterr)
{
	static const char zeros[IMAGE_ALIGN];
	struct str *parts = ARENA_ARRAY(m->a, 2 * m->n_laid, struct str);

	for (size_t i = 0; parts && i < m->n_laid; i++) {
		struct str s = m->laid[i].s;

		parts[2 * i] = s;
		parts[2 * i + 1] = (struct str){ zeros, aligned(s.n) - s.n };
	}
	if (!parts)
		return error_nomem(reterr);
	return digest_sha256(parts, 2 * m->n_laid, ret) ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "SHA-256 failed");
}

static bool
seal(struct making_image *m, const struct policy_signer *signer,
    struct error *reterr)
{
	struct image_seal seal = { .magic = IMAGE_SEAL_MAGIC };
	struct buf message = { 0 }, signature = { 0 }, all = { 0 };
	uint8_t of[32];
	bool ok =
	    digest(m, of, reterr) && image_message_of(of, &message, reterr) &&
	    signer->sign(signer->ctx, buf_str(&message), &signature, reterr);

	if (ok) {
		seal.n = (uint32_t)signature.n;
		ADD(&all, seal);
		buf_add(&all, buf_str(&signature));
		ok =
		    (buf_ok(&signature) && buf_ok(&all)) || error_nomem(reterr);
	}
	ok = ok && put(m, m->end, buf_str(&all), reterr);
	m->n_seal = all.n;
	buf_free(&message);
	buf_free(&signature);
	buf_free(&all);
	return ok;
}

/* Which of the named a uid is, by its number in the image. */
static bool
number_named(struct making_image *m)
{
	uint32_t *named = ARENA_ARRAY(m->a, m->ix->n_named_of, uint32_t);

	if (!named)
		return error_nomem(m->reterr);
	for (size_t id = 0; m->numbers && id < m->ix->n_named_of; id++)
		named[m->numbers[id]] = m->ix->named_of[id];
	m->ix->named_of = named;
	return true;
}

static void
begin_packing(void *ctx)
{
	struct making_image *m = ctx;

	m->is_packed = image_pack_begin(m);
}

/* The rules, unless they are lent. Packing begins as soon as not all threads
 * are busy with them. */
static bool
make_rules(struct making_image *m, struct policy_set *set, struct arena *a)
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;

	if (set->lent) {
		begin_packing(m);
		return m->is_packed;
	}
	options.taken = begin_packing;
	options.ctx = m;
	if (!normal_make(a, set, &options, &n, m->reterr) || !m->is_packed)
		return false;
	normal_lend(n, set);
	return true;
}

/* The index, and beside it packing. */
static bool
make_index(struct making_image *m, struct policy_set *set,
    const struct entities *layer)
{
	const struct normal *lent = set->lent;
	bool ok = make_rules(m, set, m->rules) &&
		  image_add_entities(m, layer) &&
		  index_new_seeded(set, layer, m->slot_seed, &m->ix, m->reterr);

	set->lent = lent;
	return ok;
}

static bool
gather(struct making_image *m, struct policy_set *set,
    const struct entities *layer)
{
	if (!begin_laying(m) || !make_index(m, set, layer) ||
	    !image_pack_end(m) || !number_named(m) || !add_trees(m))
		return false;
	add_actions(m);
	add_links(m);
	add_fixed(m);
	for (size_t i = 0; i < IMAGE_OWN_SECTIONS; i++)
		if (!buf_ok(&m->own[i]))
			return error_nomem(m->reterr);
	if (m->own[IMAGE_AT_strings].n < UINT32_MAX)
		return true;
	return error_set(m->reterr, ERR_LIMIT_SIZE, SPAN_NONE,
	    "the strings of an image are at most 4 GiB");
}

static void
free_all(struct making_image *m)
{
	image_pack_free(m);
	for (size_t i = 0; i < IMAGE_OWN_SECTIONS; i++)
		buf_free(&m->own[i]);
	policy_index_free(m->ix);
	arena_free(m->rules);
	arena_free(m->a);
}

/* Policies from which on a thread gives back what is not needed any more. */
#define FREED_APART 32768u

struct finishing {
	struct making_image *m;
	bool lays; /* else it gives back */
	bool ok;
};

static void
finish(void *part)
{
	struct finishing *f = part;

	if (f->lays) {
		f->ok = lay_rest(f->m);
		return;
	}
	arena_free(f->m->rules);
	f->m->rules = NULL;
	if (f->m->to->made)
		f->m->to->made(f->m->to->ctx);
}

static bool
finish_all(struct making_image *m)
{
	struct finishing parts[] = { { .m = m, .lays = true }, { .m = m } };

	if (m->set->n_instances >= FREED_APART) {
		parallel_each(finish, parts, sizeof *parts, ARRAY_LEN(parts));
	} else {
		finish(&parts[0]);
		finish(&parts[1]);
	}
	return parts[0].ok;
}

bool
policy_image_write(const struct policy_set *set, const struct entities *layer,
    const struct policy_signer *signer, const struct policy_sink *to,
    struct buf *parts, struct error *reterr)
{
	/* Rules that hold whatever schema a request is read by. */
	struct policy_set open = *set;
	struct making_image m = { .set = &open,
		.a = arena_new(0),
		.rules = arena_new(0),
		.to = to,
		.reterr = reterr,
		.slot_seed = INDEX_SEED };
	bool ok;

	/* Files are files: nobody makes an image of what was edited. */
	assert(set->finished && !set->image && set->n_whole == 0);
	open.closed = NULL;
	ok = ((m.a && m.rules) || error_nomem(reterr)) &&
	     gather(&m, &open, layer) && finish_all(&m) &&
	     (!signer || seal(&m, signer, reterr));
	if (ok && parts)
		image_print_parts(m.sections, m.end + m.n_seal, parts);
	free_all(&m);
	return ok;
}

/* ---- into memory -----------------------------------------------------------
 */

struct memory {
	struct buf *to;
	size_t base;
};

/* What comes next, or the head again. */
static bool
put_in_memory(void *ctx, uint64_t at, struct str bytes, struct error *reterr)
{
	struct memory *m = ctx;

	if (at == m->to->n - m->base)
		buf_add(m->to, bytes);
	else if (buf_ok(m->to))
		memcpy(m->to->p + m->base + at, bytes.p, bytes.n);
	return buf_ok(m->to) || error_nomem(reterr);
}

bool
policy_image_make(const struct policy_set *set, const struct entities *layer,
    const struct policy_signer *signer, struct buf *ret, struct error *reterr)
{
	struct memory memory = { ret, ret->n };
	const struct policy_sink to = { .put = put_in_memory, .ctx = &memory };

	return policy_image_write(set, layer, signer, &to, NULL, reterr);
}
