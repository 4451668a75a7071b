/* index_rules.c - rules by key: cells, ranges and their groups.
 * Rules are sorted by their three atoms. A key with one rule is a cell that
 * holds it; another key's cell names a range. In a range of more than a few
 * rules each rule looks for a comparison to be found by: the path that most
 * rules of the range compare. It may be one only where all tests before it are
 * known not to err (normal.h): then a rule whose literal differs is false, and
 * skipped. Rules without lie in a group that is walked. Cost O(n log n). */
#include "policy/index.h"

#include <stdlib.h>

#include "base/pages.h"
#include "base/sort.h"

#define RANGE_WALKED 8u /* not worth searching */
#define GROUP_LEAST 4u
#define CELLS_PER_KEY 3u
#define SIEVED_A_WORD 8u /* a byte each, in the sieve */
#define CANDIDATES 16u   /* conjuncts of a rule that are looked at for a key */
/* Cells whose home is one bucket, where those of an action and a resource lie
 * together: as many in the mean, and at most. */
#define PAIRED_MEAN 4u
#define PAIRED_MOST 32u

/* A rule on its way to its place. */
struct entry {
	uint32_t key[3];
	uint32_t rule;
	uint32_t path, code; /* path: the index's number, or INDEX_NO_PATH */
};

struct sorting {
	struct index_building *b;
	struct entry *entries;
	size_t n;
	uint32_t *votes;           /* by path */
	struct normal_read *reads; /* of the group being made */
	size_t n_reads, cap_reads;
	uint8_t shape_of[125]; /* number plus one; by its classes */
};

static int
by_comparison(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

static bool
same_key(const struct entry *x, const struct entry *y)
{
	return x->key[0] == y->key[0] && x->key[1] == y->key[1] &&
	       x->key[2] == y->key[2];
}

/* --- comparisons to be found by --------------------------------------------
 */

/* The next conjunct from `k` that may be a key: *ret_test. n_conjuncts when
 * there is none. */
static uint32_t
next_candidate(const struct index_building *b, const struct normal_rule *r,
    uint32_t k, struct index_test *ret_test)
{
	bool clean = true;

	for (uint32_t i = 0; i < r->n_conjuncts && i < CANDIDATES; i++) {
		const struct normal_conjunct *c = &r->conjuncts[i];

		clean = clean && (i < r->n_total || c->is_clean_total);
		if (!clean)
			return r->n_conjuncts;
		for (uint32_t j = 0; j < c->n_reads; j++)
			if (c->reads[j].path >= b->n->n_paths ||
			    b->path_of[c->reads[j].path] == INDEX_NO_SHORT)
				return r->n_conjuncts;
		if (i < k)
			continue;
		*ret_test = index_test_of(b, c);
		if (ret_test->op == TEST_EQ &&
		    !(ret_test->kind & INDEX_NEGATED))
			return i;
	}
	return r->n_conjuncts;
}

static const struct normal_rule *
rule_of(const struct sorting *s, const struct entry *e)
{
	return &s->b->n->rules[e->rule];
}

static void
vote(struct sorting *s, const struct entry *e, bool add)
{
	const struct normal_rule *r = rule_of(s, e);
	struct index_test test;

	for (uint32_t k = 0;
	     (k = next_candidate(s->b, r, k, &test)) < r->n_conjuncts; k++)
		s->votes[test.path] = add ? s->votes[test.path] + 1 : 0;
}

static void
choose(struct sorting *s, struct entry *e)
{
	const struct normal_rule *r = rule_of(s, e);
	struct index_test test;
	uint32_t most = GROUP_LEAST - 1;

	e->path = INDEX_NO_PATH;
	for (uint32_t k = 0;
	     (k = next_candidate(s->b, r, k, &test)) < r->n_conjuncts; k++) {
		if (s->votes[test.path] <= most)
			continue;
		most = s->votes[test.path];
		e->path = test.path;
		e->code = test.arg;
	}
}

static void
choose_all(struct sorting *s, struct entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		vote(s, &e[i], true);
	for (size_t i = 0; i < n; i++)
		choose(s, &e[i]);
	for (size_t i = 0; i < n; i++)
		vote(s, &e[i], false);
	qsort(e, n, sizeof *e, by_comparison);
}

/* --- groups ------------------------------------------------------------------
 */

static bool
join_read(struct sorting *s, struct normal_read read)
{
	size_t i = 0;

	read.path = s->b->path_of[read.path];
	while (i < s->n_reads && s->reads[i].path != read.path)
		i++;
	if (i < s->n_reads) {
		s->reads[i].kinds &= read.kinds;
		return true;
	}
	if (!ARENA_PUSH_ROOM(s->b->spare, s->reads, s->n_reads, s->cap_reads))
		return error_nomem(s->b->reterr);
	s->reads[s->n_reads++] = read;
	return true;
}

/* What must be clean for `e` to be skipped by its comparison. */
static bool
join_reads(struct sorting *s, const struct entry *e)
{
	const struct normal_rule *r = rule_of(s, e);
	struct index_test test = { 0 };
	uint32_t k = 0;

	do
		k = next_candidate(s->b, r, k, &test);
	while (test.path != e->path && ++k < r->n_conjuncts);
	for (uint32_t i = r->n_total; i <= k; i++)
		for (uint32_t j = 0; j < r->conjuncts[i].n_reads; j++)
			if (!join_read(s, r->conjuncts[i].reads[j]))
				return false;
	return true;
}

static bool
push_group(struct sorting *s, const struct entry *e, size_t n, size_t first)
{
	struct policy_index *ix = s->b->ix;
	struct index_group g = { .path = e->path,
		.first = (uint32_t)first,
		.n = (uint32_t)n,
		.read = (uint32_t)ix->n_reads };

	s->n_reads = 0;
	for (size_t i = 0; e->path != INDEX_NO_PATH && i < n; i++)
		if (!join_reads(s, &e[i]))
			return false;
	for (size_t i = 0; i < s->n_reads; i++) {
		if (!ARENA_PUSH_ROOM(
			ix->arena, ix->reads, ix->n_reads, ix->cap_reads))
			return error_nomem(s->b->reterr);
		ix->reads[ix->n_reads++] = s->reads[i];
	}
	g.n_reads = (uint32_t)s->n_reads;
	if (!ARENA_PUSH_ROOM(
		ix->arena, ix->groups, ix->n_groups, ix->cap_groups))
		return error_nomem(s->b->reterr);
	ix->groups[ix->n_groups++] = g;
	return true;
}

/* Groups of a range whose rules lie from `first` on. */
static bool
push_groups(struct sorting *s, const struct entry *e, size_t n, size_t first)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && e[end].path == e[i].path;)
			end++;
		if (!push_group(s, &e[i], end - i, first + i))
			return false;
	}
	return true;
}

/* --- shapes -----------------------------------------------------------------
 */

static unsigned
class_of(const struct policy_index *ix, unsigned v, uint32_t atom)
{
	unsigned c = 0;

	while (c + 1 < CLASS_COUNT && atom >= ix->bound[v][c + 1])
		c++;
	return c;
}

static unsigned
classes_of(const struct policy_index *ix, const uint32_t key[3])
{
	unsigned c = 0;

	for (unsigned v = 0; v < 3; v++)
		c = c * CLASS_COUNT + class_of(ix, v, key[v]);
	return c;
}

static size_t
shape_number(const struct sorting *s, const uint32_t key[3])
{
	return s->shape_of[classes_of(s->b->ix, key)] - (size_t)1;
}

static void
add_shape(struct sorting *s, const uint32_t key[3])
{
	struct policy_index *ix = s->b->ix;
	uint8_t *number = &s->shape_of[classes_of(ix, key)];

	if (*number)
		return;
	for (unsigned v = 0; v < 3; v++)
		ix->shapes[ix->n_shapes].of[v] =
		    (uint8_t)class_of(ix, v, key[v]);
	*number = (uint8_t)++ix->n_shapes;
}

/* How many cells have one home, if all lie by pairs: more than
 * PAIRED_MOST are that many and one. */
static uint8_t *
count_homes(struct sorting *s)
{
	const struct policy_index *ix = s->b->ix;
	uint8_t *homes = ARENA_ARRAY(s->b->spare, ix->n_cells / 2, uint8_t);

	for (size_t i = 0; homes && i < s->n; i++) {
		const uint32_t *key = s->entries[i].key;
		uint8_t *home;

		if (i > 0 && same_key(&s->entries[i], &s->entries[i - 1]))
			continue;
		home =
		    &homes[index_home(ix, index_hash_pair(ix, key[1], key[2])) /
			   2];
		*home = (uint8_t)(*home + (*home <= PAIRED_MOST));
	}
	return homes;
}

/* Where few cells have one action and one resource, they lie together. */
static bool
pair_shapes(struct sorting *s)
{
	struct policy_index *ix = s->b->ix;
	struct {
		size_t n, sum, most;
	} of[ARRAY_LEN(ix->shapes)] = { 0 };
	const uint8_t *homes = count_homes(s);

	if (!homes)
		return error_nomem(s->b->reterr);
	for (size_t i = 0; i < s->n; i++) {
		const uint32_t *key = s->entries[i].key;
		size_t k = shape_number(s, key), n;

		n = homes[index_home(ix, index_hash_pair(ix, key[1], key[2])) /
			  2];
		of[k].n++;
		of[k].sum += n;
		of[k].most = n > of[k].most ? n : of[k].most;
	}
	for (size_t k = 0; k < ix->n_shapes; k++)
		ix->shapes[k].is_paired = of[k].most <= PAIRED_MOST &&
					  of[k].sum <= of[k].n * PAIRED_MEAN;
	return true;
}

/* --- cells ------------------------------------------------------------------
 */

/* Those of the same pair in buckets before that of `at`. Whatever shape they
 * are of: who looks for a pair asks each of them whether there are more. */
static void
mark_more(
    struct policy_index *ix, size_t home, size_t at, const uint32_t key[3])
{
	for (size_t i = home; i / 2 != at / 2;
	     i = i + 1 == ix->n_cells ? 0 : i + 1)
		if (ix->cells[i].key[1] == key[1] &&
		    ix->cells[i].key[2] == key[2])
			ix->cells[i].ref |= REF_MORE;
}

static struct index_rule *
free_cell(const struct sorting *s, const uint32_t key[3])
{
	struct policy_index *ix = s->b->ix;
	bool is_paired = ix->shapes[shape_number(s, key)].is_paired;
	size_t home = index_home(
	    ix, is_paired ? index_hash_pair(ix, key[1], key[2])
			  : index_hash_key(ix->seed, key[0], key[1], key[2]));
	size_t i = home;

	while (ix->cells[i].ref & REF_USED)
		i = i + 1 == ix->n_cells ? 0 : i + 1;
	if (is_paired)
		mark_more(ix, home, i, key);
	return &ix->cells[i];
}

static bool
place_rule(struct sorting *s, const struct entry *e, struct index_rule *to)
{
	memcpy(to->key, e->key, sizeof to->key);
	return index_encode(s->b, rule_of(s, e), to);
}

static bool
place_range(struct sorting *s, struct entry *e, size_t n)
{
	struct policy_index *ix = s->b->ix;
	struct index_rule *cell = free_cell(s, e->key);
	size_t first = ix->n_rules;

	if (n == 1)
		return place_rule(s, e, cell);
	memcpy(cell->key, e->key, sizeof cell->key);
	cell->ref = REF_USED | REF_RANGE;
	cell->first = (uint32_t)first;
	cell->n = (uint32_t)n;
	if (n > RANGE_WALKED) {
		cell->group = (uint32_t)ix->n_groups;
		choose_all(s, e, n);
		if (!push_groups(s, e, n, first))
			return false;
		cell->n_groups = (uint32_t)ix->n_groups - cell->group;
	}
	for (size_t i = 0; i < n; i++) {
		ix->keys[ix->n_rules] = e[i].code;
		if (!place_rule(s, &e[i], &ix->rules[ix->n_rules]))
			return false;
		ix->n_rules++;
	}
	return true;
}

/* --- what exists -------------------------------------------------------------
 */

static void
add_bits(struct policy_index *ix, struct index_bits p)
{
	ix->sieve[p.word] |= p.bits;
}

static bool
make_tables(struct sorting *s)
{
	struct policy_index *ix = s->b->ix;
	size_t n_keys = 0, n_pairs = 0, n_ranged = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct entry *e = &s->entries[i];
		bool is_new = i == 0 || !same_key(e, e - 1);

		if (is_new)
			add_shape(s, e->key);
		n_keys += is_new;
		n_pairs += i == 0 || e->key[0] != e[-1].key[0] ||
			   e->key[1] != e[-1].key[1];
		n_ranged += !is_new || (i + 1 < s->n && same_key(e, e + 1));
	}
	ix->n_cells = n_keys * CELLS_PER_KEY / 2 * 2 + 4;
	ix->bytes_cells = ix->n_cells * sizeof *ix->cells;
	ix->cells = pages_new(ix->bytes_cells);
	ix->n_sieve = (n_pairs + 2 * n_keys) / SIEVED_A_WORD + 1;
	ix->sieve = ARENA_ARRAY(ix->arena, ix->n_sieve, uint64_t);
	ix->keys = ARENA_ARRAY(ix->arena, n_ranged, uint32_t);
	ix->first_contained = n_ranged;
	ix->bytes_rules = (n_ranged + s->b->n->n_contained) * sizeof *ix->rules;
	ix->rules = ix->bytes_rules ? pages_new(ix->bytes_rules) : NULL;
	if (!ix->cells || !ix->sieve || !ix->keys ||
	    (ix->bytes_rules && !ix->rules))
		return error_nomem(s->b->reterr);
	return true;
}

static bool
place_all(struct sorting *s)
{
	struct policy_index *ix = s->b->ix;

	for (size_t i = 0, end; i < s->n; i = end) {
		struct entry *e = &s->entries[i];

		for (end = i + 1; end < s->n && same_key(e, &s->entries[end]);)
			end++;
		add_bits(ix, index_bits(ix, index_hash_key(ix->seed, e->key[0],
						e->key[1], e->key[2])));
		add_bits(ix, index_bits_who(ix, e->key[0], e->key[1]));
		add_bits(ix, index_bits_what(ix, e->key[1], e->key[2]));
		if (!place_range(s, e, end - i))
			return false;
	}
	return true;
}

static bool
place_contained(struct sorting *s)
{
	struct policy_index *ix = s->b->ix;
	const struct normal *n = s->b->n;

	ix->n_rules = ix->first_contained;
	for (size_t i = 0; ix->rules && i < n->n_contained; i++) {
		struct index_rule *to = &ix->rules[ix->n_rules++];

		memcpy(to->key, s->b->keys[n->n_rules + i], sizeof to->key);
		if (!index_encode(s->b, &n->contained[i], to))
			return false;
	}
	return true;
}

static bool
sort_by_key(struct sorting *s)
{
	struct index_building *b = s->b;
	uint32_t *order = ARENA_ARRAY(b->spare, s->n, uint32_t);

	s->entries = ARENA_ARRAY(b->spare, s->n, struct entry);
	if (!order || !s->entries)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		order[i] = i;
	for (size_t v = 3; s->n && v-- > 0;)
		if (!sort_numbers(b->spare, order, s->n, &b->keys[0][v], 3))
			return false;
	for (size_t i = 0; i < s->n; i++) {
		struct entry *e = &s->entries[i];

		memcpy(e->key, b->keys[order[i]], sizeof e->key);
		e->rule = order[i];
		e->path = INDEX_NO_PATH;
	}
	return true;
}

bool
index_build_rules(struct index_building *b)
{
	struct sorting s = { .b = b, .n = b->n->n_rules };

	s.votes = ARENA_ARRAY(b->spare, b->ix->n_paths, uint32_t);
	if (!s.votes || !sort_by_key(&s))
		return error_nomem(b->reterr);
	return make_tables(&s) && pair_shapes(&s) && place_all(&s) &&
	       place_contained(&s);
}
