/* index_view.c - who asks: which atoms the principal, the action and the
 * resource of a request have.
 * Of those that are as the index's layer of entities has them, a slot says it;
 * of others, it is gathered from what is above them.
 * Nothing is allocated but scratch. Cost: a slot for each, or what is above. */
#include "policy/index_match.h"

#define PREFIXES_MAX 256u

/* --- slots ---------------------------------------------------------------- */

static bool
is_long_id_of(
    const struct policy_index *ix, const struct index_slot *s, struct str id)
{
	struct index_text text = { .n = s->id_n };
	struct str own;

	if (!(s->flags & SLOT_LONG))
		return false;
	memcpy(&text.at, s->id, sizeof text.at);
	own = index_text_of(ix->slot_bytes, ix->n_slot_bytes, text);
	return own.n == id.n && index_same(own.p, id.p, id.n);
}

static inline bool
is_id_of(const struct policy_index *ix, const struct index_slot *s,
    const struct wanted *w)
{
	size_t n = w->uid->id.n;

	if (s->id_n != n)
		return false;
	if (n < 8)
		return index_load(s->id) == w->id.first;
	if (n > sizeof s->id)
		return is_long_id_of(ix, s, w->uid->id);
	return index_load(s->id) == w->id.first &&
	       index_load(s->id + n - 8) == w->id.last &&
	       (n <= 16 ||
		   index_load(s->id + 8) == index_load(w->uid->id.p + 8));
}

__attribute__((always_inline)) static inline bool
is_type_of(const struct policy_index *ix, const struct index_slot *s,
    const struct wanted *w)
{
	const struct index_type *t;
	size_t n = w->uid->type.n;

	if (s->type >= ix->n_types)
		return n == 0;
	t = &ix->types[s->type];
	return t->name.n == n && index_same_ends(t->ends, w->type) &&
	       (n <= 16 || str_eq(index_type_name(ix, t), w->uid->type));
}

__attribute__((always_inline)) static inline const struct index_slot *
find_slot(const struct policy_index *ix, uint64_t hash, const struct wanted *w)
{
	size_t i = index_place(hash, ix->n_slots);

	for (size_t n = ix->n_slots; n; n--) {
		const struct index_slot *s = &ix->slots[i];

		if (s->tag == ((uint32_t)hash | 1) && is_id_of(ix, s, w) &&
		    is_type_of(ix, s, w))
			return s;
		if (!s->tag)
			return NULL;
		i = i + 1 == ix->n_slots ? 0 : i + 1;
	}
	return NULL;
}

const struct index_slot *
index_slot_find(const struct policy_index *ix, uint64_t hash, struct uid uid)
{
	const struct wanted w = { &uid, index_ends(uid.type),
		index_ends(uid.id) };

	return find_slot(ix, hash, &w);
}

struct uid
index_slot_uid(const struct policy_index *ix, const struct index_slot *s)
{
	struct uid uid = { .id = { s->id, s->id_n } };

	if (s->flags & SLOT_LONG) {
		struct index_text text = { .n = s->id_n };

		memcpy(&text.at, s->id, sizeof text.at);
		uid.id = index_text_of(ix->slot_bytes, ix->n_slot_bytes, text);
	} else if (s->id_n > sizeof s->id)
		uid.id = (struct str){ 0 };
	if (s->type < ix->n_types)
		uid.type = index_type_name(ix, &ix->types[s->type]);
	return uid;
}

/* --- views ---------------------------------------------------------------- */

/* The first of atoms[from, to) that is not below `bound`. */
static uint32_t
lower_bound(const uint32_t *atoms, uint32_t from, uint32_t to, uint32_t bound)
{
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (atoms[mid] < bound)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Where each class begins in a sorted list of atoms. */
static void
split_classes(struct match *m, unsigned v, const uint32_t *atoms, uint32_t n)
{
	struct view *view = &m->view[v];
	uint32_t at = 0;

	for (unsigned c = 1; c < CLASS_COUNT; c++) {
		uint32_t from = at, bound = m->ix->bound[v][c + 1];

		if (bound == m->ix->bound[v][c])
			continue;
		if (at < n && atoms[n - 1] < bound)
			from = n;
		else if (n - at > 16)
			from = lower_bound(atoms, at, n, bound);
		while (from < n && atoms[from] < bound)
			from++;
		/* No atoms may be no list. */
		view->of[c] = n ? atoms + at : NULL;
		view->n_of[c] = from - at;
		at = from;
	}
}

/* What a view has, from a sorted list. */
static inline void
take_atoms(struct match *m, unsigned v, const uint32_t *atoms, uint32_t n)
{
	unsigned only = m->ix->only_class[v];

	/* Most elements have atoms of one class alone. */
	if (only) {
		m->view[v].of[only] = atoms;
		m->view[v].n_of[only] = n;
	} else
		split_classes(m, v, atoms, n);
}

/* All but its slot and columns. */
static inline void
clear_view(struct view *view)
{
	static const uint32_t any = 0;

	view->entity = NULL;
	view->has_looked = false;
	for (unsigned c = 1; c < CLASS_COUNT; c++)
		view->n_of[c] = 0;
	view->of[CLASS_ANY] = &any;
	view->n_of[CLASS_ANY] = 1;
}

static void
view_far(struct match *m, unsigned v, const struct index_slot *s)
{
	const struct policy_index *ix = m->ix;
	const uint32_t *words, *n;
	size_t at = ix->n_columns + 3, of;

	if (s->flags & SLOT_VAST ||
	    !index_is_inside(s->words[0], at, ix->n_slot_words)) {
		m->is_walk = true;
		return;
	}
	of = ix->n_slot_words - s->words[0];
	words = ix->slot_words + s->words[0];
	n = words + ix->n_columns;
	for (unsigned i = 0; i < v; i++)
		at += n[i];
	if (!index_is_inside(at, n[v], of)) {
		m->is_walk = true;
		return;
	}
	m->view[v].slot = s;
	m->view[v].columns = words;
	take_atoms(m, v, words + at, n[v]);
}

static inline void
view_slot(struct match *m, unsigned v, const struct index_slot *s)
{
	size_t at = m->ix->n_columns;

	if (s->flags & (SLOT_VAST | SLOT_FAR)) {
		view_far(m, v, s);
		return;
	}
	for (unsigned i = 0; i < v; i++)
		at += s->n[i];
	if (!index_is_inside(at, s->n[v], INDEX_WORDS)) {
		m->is_walk = true;
		return;
	}
	m->view[v].slot = s;
	m->view[v].columns = s->words;
	take_atoms(m, v, s->words + at, s->n[v]);
}

/* Atoms of one that the slots do not have, or not as the request has it. */
struct gathered {
	uint32_t *atoms;
	size_t n, cap;
};

static void
gather(struct match *m, struct gathered *g, uint32_t atom)
{
	if (!ARENA_PUSH_ROOM(m->scratch, g->atoms, g->n, g->cap)) {
		m->no_memory = true;
		return;
	}
	g->atoms[g->n++] = atom;
}

static void
gather_named(
    struct match *m, struct gathered *g, uint32_t named, unsigned v, bool own)
{
	const uint32_t *atoms;
	uint32_t n = index_named_atoms(m->ix, named, v, own, &atoms);

	for (uint32_t i = 0; i < n; i++)
		gather(m, g, atoms[i]);
}

/* The atoms that name an id's uid. What only the request knows may still be
 * named by policies: such a slot has nothing above it. */
static void
gather_id(struct match *m, struct gathered *g, uint32_t id, unsigned v)
{
	const struct policy_index *ix = m->ix;
	const struct index_slot *s;
	struct uid uid;

	if (id < ix->n_named_of) {
		gather_named(m, g, ix->named_of[id], v, false);
		return;
	}
	if (id < ix->n_known) {
		uint32_t named = idmap_get(&ix->known, id);

		if (named != INTERN_NONE)
			gather_named(m, g, named, v, false);
		return;
	}
	intern_get(m->request->entities->ids, id, &uid.type, &uid.id);
	s = index_slot_find(ix, index_hash_uid(ix->slot_seed, uid), uid);
	if (!s)
		return;
	clear_view(&m->view[v]);
	view_slot(m, v, s);
	for (uint32_t i = 0; i < m->view[v].n_of[CLASS_IN]; i++)
		gather(m, g, m->view[v].of[CLASS_IN][i]);
}

static void
gather_own(struct match *m, struct gathered *g, uint32_t id, unsigned v)
{
	const struct policy_index *ix = m->ix;
	const struct uid *uid = m->view[v].uid;
	const struct index_slot *s = NULL;
	uint32_t type = index_type_find(ix, uid->type);
	uint32_t named =
	    id < ix->n_known ? idmap_get(&ix->known, id) : INTERN_NONE;
	uint32_t prefixes[PREFIXES_MAX] UNZEROED; /* the first n are */
	size_t n = 0;

	if (id < ix->n_named_of)
		named = ix->named_of[id];
	if (named != INTERN_NONE)
		gather_named(m, g, named, v, true);
	else if (id >= ix->n_known)
		s = index_slot_find(
		    ix, index_hash_uid(ix->slot_seed, *uid), *uid);
	if (s) {
		clear_view(&m->view[v]);
		view_slot(m, v, s);
		for (unsigned c = CLASS_IN; c <= CLASS_EQ; c++)
			for (uint32_t i = 0; i < m->view[v].n_of[c]; i++)
				gather(m, g, m->view[v].of[c][i]);
	}
	if (type >= ix->n_types)
		return;
	if (ix->types[type].atom[v])
		gather(m, g, ix->types[type].atom[v]);
	if (ix->types[type].n_prefixes[v])
		n = index_prefixes_of(
		    ix, &ix->types[type], v, uid->id, prefixes, PREFIXES_MAX);
	m->is_walk = m->is_walk || n > PREFIXES_MAX;
	for (size_t i = 0; i < n && i < PREFIXES_MAX; i++)
		gather(m, g, prefixes[i]);
}

static void
sort_atoms(struct gathered *g)
{
	size_t kept = 0;

	/* A heap: no memory, no worst case. */
	for (size_t i = 1; i < g->n; i++)
		for (size_t k = i; k && g->atoms[(k - 1) / 2] < g->atoms[k];
		     k = (k - 1) / 2) {
			uint32_t swap = g->atoms[k];

			g->atoms[k] = g->atoms[(k - 1) / 2];
			g->atoms[(k - 1) / 2] = swap;
		}
	for (size_t end = g->n; end-- > 1;) {
		uint32_t last = g->atoms[end];
		size_t k = 0, child;

		g->atoms[end] = g->atoms[0];
		for (; (child = 2 * k + 1) < end; k = child) {
			if (child + 1 < end &&
			    g->atoms[child + 1] > g->atoms[child])
				child++;
			if (g->atoms[child] <= last)
				break;
			g->atoms[k] = g->atoms[child];
		}
		g->atoms[k] = last;
	}
	for (size_t i = 0; i < g->n; i++)
		if (i == 0 || g->atoms[i] != g->atoms[kept - 1])
			g->atoms[kept++] = g->atoms[i];
	g->n = kept;
}

static void
view_gathered(struct match *m, unsigned v, const struct above *above)
{
	struct gathered g = { 0 };

	for (uint32_t i = 0; i < above->n; i++)
		gather_id(m, &g, above->ids[i], v);
	gather_own(m, &g, above->id, v);
	sort_atoms(&g);
	clear_view(&m->view[v]);
	m->view[v].slot = NULL;
	m->view[v].columns = NULL;
	take_atoms(m, v, g.atoms, (uint32_t)g.n);
}

/* --- layers over the index's own -------------------------------------------
 */

/* Who is above, and whether that is what the slot says. */
static bool
ask_layers(struct match *m, struct uid uid, const struct index_slot *s,
    enum above_how *ret_how, struct above *ret)
{
	const struct entities *patch = m->patch;

	if (m->layer &&
	    !entities_above(m->layer, uid, m->scratch, ret_how, ret))
		return false;
	if (*ret_how != ABOVE_SAME || !patch)
		return true;
	if (s && s->record && s->record <= patch->patched->n &&
	    entities_stayed(
		patch, entities_id_at(patch->patched, s->record - 1)))
		return true;
	if (!entities_above(patch, uid, m->scratch, ret_how, ret))
		return false;
	/* What policies name and no layer has, as its slot says. */
	if (s && !s->record && *ret_how == ABOVE_IDS && ret->n == 0 &&
	    (ret->id == INTERN_NONE || !entities_own(patch, ret->id)))
		*ret_how = ABOVE_SAME;
	return true;
}

/* Who is above, by the record of the index that has the slot; false: too many
 * to be kept. */
static bool
above_of(const struct index_seen *seen, struct above *ret)
{
	const struct entities *base = seen->of->base;

	*ret = (struct above){ .id = INTERN_NONE };
	if (seen->is_told)
		*ret = seen->above;
	else if (seen->slot && seen->slot->record && base &&
		 seen->slot->record <= base->n)
		return entities_kept_above(
		    base, entities_id_at(base, seen->slot->record - 1), ret);
	return true;
}

/* As the slot says; what has none is named by no policy, and by no entity. */
static inline void
view_plain(struct match *m, unsigned v, const struct index_slot *s)
{
	if (m->seen) {
		m->seen[v].of = m->ix;
		m->seen[v].slot = s;
		m->seen[v].is_told = false;
	}
	if (s) {
		clear_view(&m->view[v]);
		view_slot(m, v, s);
	} else
		view_gathered(m, v, &(struct above){ .id = INTERN_NONE });
}

/* False where all is done: it is not as the slot says. */
static bool
is_as_below(struct match *m, unsigned v, const struct index_slot *s)
{
	struct above above = { .id = INTERN_NONE };
	enum above_how how = ABOVE_SAME;

	if (!ask_layers(m, *m->view[v].uid, s, &how, &above))
		m->no_memory = true;
	else if (how == ABOVE_VAST)
		m->is_walk = true;
	else if (how == ABOVE_SAME)
		return true;
	else {
		if (m->seen)
			m->seen[v] =
			    (struct index_seen){ m->ix, NULL, above, true };
		view_gathered(m, v, &above);
	}
	return false;
}

static bool
above_sparse(
    struct match *m, unsigned v, enum above_how *ret_how, struct above *ret)
{
	if (!m->seen)
		return entities_all_above(m->request->entities, *m->view[v].uid,
		    m->scratch, ret_how, ret);
	*ret_how = above_of(&m->seen[v], ret) ? ABOVE_IDS : ABOVE_VAST;
	return true;
}

/* Has some shape a class of each that `done` (bits) has seen? */
static bool
has_shape(const struct match *m, unsigned done)
{
	for (size_t i = 0; i < m->ix->n_shapes; i++) {
		unsigned v = 0;

		while (
		    v < 3 && (!(done >> v & 1) ||
				 m->view[v].n_of[m->ix->shapes[i].of[v]] > 0))
			v++;
		if (v == 3)
			return true;
	}
	return false;
}

/* No entity has a slot. Few policies are asked, mostly in vain: the action says
 * so first, for it has the least above it. */
static void
view_sparse(struct match *m)
{
	static const uint8_t order[3] = { 1, 0, 2 };
	unsigned done = 0;

	for (size_t k = 0; k < 3; k++) {
		unsigned v = order[k];
		struct above above;
		enum above_how how = ABOVE_IDS;

		if (!above_sparse(m, v, &how, &above))
			m->no_memory = true;
		else if (how == ABOVE_VAST)
			m->is_walk = true;
		else
			view_gathered(m, v, &above);
		if (m->is_walk || m->no_memory)
			return;
		done |= 1u << v;
		m->is_void = !has_shape(m, done);
		if (m->is_void)
			return;
	}
}

/* Only the layer that the slots are of, a patch of it, or one over either. */
static bool
take_layers(struct match *m)
{
	const struct entities *layer = m->request->entities, *own = m->ix->base;

	m->layer = m->patch = NULL;
	if (layer == own || !layer)
		return layer != NULL;
	if (layer->patched)
		m->patch = layer;
	else if (layer->below && layer->below->patched)
		m->patch = layer->below;
	if (m->patch ? m->patch->patched != own : layer->below != own)
		return false;
	if (layer != m->patch && layer->n > 0)
		m->layer = layer;
	return true;
}

__attribute__((always_inline)) static inline void
ask_slot(struct match *m, unsigned v)
{
	const struct policy_index *ix = m->ix;
	const struct uid *uid = m->view[v].uid;
	struct wanted *w = &m->wanted[v];
	size_t at;

	*w = (struct wanted){ uid, index_ends(uid->type), index_ends(uid->id) };
	m->hash[v] = index_hash_ends(
	    index_hash_ends(ix->slot_seed, uid->type, w->type), uid->id, w->id);
	at = index_place(m->hash[v], ix->n_slots);
	/* The next one, too: one in four uids lies there. */
	__builtin_prefetch(&ix->slots[at]);
	__builtin_prefetch(&ix->slots[at] + 1);
}

void
view_begin(struct match *m)
{
	const struct policy_index *ix = m->ix;

	m->view[0].uid = &m->request->principal;
	m->view[1].uid = &m->request->action;
	m->view[2].uid = &m->request->resource;
	if (ix->is_sparse && m->request->entities)
		return;
	if (!take_layers(m)) {
		m->is_walk = true;
		return;
	}
	/* The resource's first: cells are asked for as soon as it is there. */
	ask_slot(m, 2);
	ask_slot(m, 0);
	ask_slot(m, 1);
}

/* Is the view another question's? Where layers are asked it is its own. */
static bool
is_same_view(const struct match *m, const struct match *before, unsigned v)
{
	const struct uid *x = m->view[v].uid, *y = before->view[v].uid;

	return m->hash[v] == before->hash[v] && x->id.n == y->id.n &&
	       x->type.n == y->type.n &&
	       index_same(x->id.p, y->id.p, x->id.n) &&
	       index_same(x->type.p, y->type.p, x->type.n);
}

/* One of three views; three times its own code, in which `v` is known. */
__attribute__((always_inline)) static inline bool
view_one(
    struct match *m, const struct match *before, unsigned v, bool is_layered)
{
	const struct index_slot *s;

	if (before && before->is_viewed && !is_layered &&
	    is_same_view(m, before, v)) {
		const struct uid *own = m->view[v].uid;

		m->view[v] = before->view[v];
		m->view[v].uid = own;
		return true;
	}
	s = find_slot(m->ix, m->hash[v], &m->wanted[v]);
	if (!is_layered || is_as_below(m, v, s))
		view_plain(m, v, s);
	return !m->is_walk && !m->no_memory;
}

void
view_all(struct match *m, const struct match *before)
{
	bool is_layered;

	if (m->ix->is_sparse) {
		view_sparse(m);
		return;
	}
	is_layered = m->layer || m->patch;
	if (!view_one(m, before, 1, is_layered) ||
	    !view_one(m, before, 2, is_layered))
		return;
	probe_pairs(m);
	m->is_viewed = view_one(m, before, 0, is_layered) && !is_layered;
}
