/* index_match.h - inside of one question to an index, for index_match.c (probes), index_view.c (who asks) and index_eval.c (which rules hold). */
#ifndef POLICY_INDEX_MATCH_H
#define POLICY_INDEX_MATCH_H

#include "policy/index.h"

#define INDEX_WAVE 64u /* cells asked for together */
#define INDEX_FEW 32u

struct fetched {
	uint32_t code;
	int64_t number; /* of longs and times */
};

/* A uid, and the ends of its texts. */
struct wanted {
	const struct uid *uid;
	struct index_ends type, id;
};

/* The principal, the action or the resource. */
struct view {
	const struct uid *uid;
	const struct index_slot *slot; /* NULL: `atoms` were gathered */
	const uint32_t *columns;       /* NULL: ask the entity */
	const uint32_t *of[CLASS_COUNT];
	uint32_t n_of[CLASS_COUNT];
	const struct entity *entity;
	bool has_looked; /* for the entity */
};

#define DOUBT_ASKS ERR_COUNT

/* Policies; the first few lie in the struct itself. */
struct list {
	uint32_t *items;
	size_t n, cap;
	uint32_t few[INDEX_FEW];
};

/* Who of the principal's atoms has a rule with the action and the resource? */
struct probe {
	uint32_t who; /* the atom; INDEX_NO_ATOM: all of a class */
	uint32_t class_of;
	uint32_t action, resource;
	uint32_t cell; /* the first of its bucket */
};

/* A question goes through three steps, so that those of several may alternate and their cache misses overlap: view_begin asks for the slots, match_probe reads them
 * and asks for the cells, match_end reads those. What a step does not need to be zero is not set. */
struct match {
	const struct policy_index *ix;
	const struct eval_request *request;
	struct arena *scratch;
	/* The request's layer where it is not the index's own as it is, and the patch that one is or lies over; NULL: neither. */
	const struct entities *layer, *patch;
	uint64_t hash[3];
	struct wanted wanted[3];
	struct view view[3];
	uint32_t has_memo; /* bits */
	struct fetched memo[INDEX_MEMO];
	struct list satisfied[2], doubtful;
	struct probe wave[INDEX_WAVE];
	uint32_t n_wave;
	uint32_t asked; /* bits: shapes whose cells have been */
	uint32_t n_below, n_pattern_hits;
	enum err_code sure; /* of all rules in doubt so far; DOUBT_ASKS: of different codes, or some are to be evaluated */
	uint32_t *near;
	size_t n_near, max_near;
	bool is_walk, no_memory;
	bool is_void; /* no shape has what is seen so far: nothing holds */
	struct index_seen *seen; /* to be told, or (sparse) known; NULL: neither */
	bool is_viewed; /* all views are as slots say, and there; away from what is read together with its neighbours as soon as this is written */
};

/* Hash who asks, and ask for the slots. */
void view_begin(struct match *m);
/* What principal, action and resource have. `before` (NULL: none) is a question over the same index whose views are there. */
void view_all(struct match *m, const struct match *before);

/* Ask for the cells of shapes that lie by pairs, as soon as the action and the resource are viewed: who the principal is need not be known for that. */
void probe_pairs(struct match *m);

/* A rule whose atoms hold. */
void eval_rule(struct match *m, const struct index_rule *r, unsigned depth);
/* The rules of a cell that has several. */
void eval_range(struct match *m, const struct index_rule *cell);

bool list_grow(struct match *m, struct list *l) MUST_USE;

static inline void
list_push(struct match *m, struct list *l, uint32_t policy)
{
	if (l->n == l->cap && !list_grow(m, l))
		return;
	l->items[l->n++] = policy;
}

#endif
