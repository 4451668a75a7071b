/* index.h - inside of the index over a normal form, for the index_*.c files of policy/ alone; its door is in policy.h.
 * Atoms are numbered for each element, class after class; an entity *has* the atoms that hold for it, and a rule is found under its three atoms: one table of cells
 * by (principal atom, action atom, resource atom). A shape is a class for each element that some rule has; only shapes that exist are probed. Where few cells of a
 * shape share an action and a resource, those lie together: one line of memory has them for all that is above the principal, and is asked for before that is known.
 * Rules under one key lie in one range, in groups by the comparison that is their key, sorted by its literal: a group is searched where all that the key stands behind is known not to
 * err, and walked whole otherwise.
 * What an entity of the bottom layer has is worked out at load and lies in its slot, with the values of the most used attributes as codes.
 * All parts refer to one another by number, none by address: each is one array, and an image is these arrays one after another (index_parts.h lists them). An image
 * may say anything: numbers are checked where they are followed, or by index_check when it is mapped, and no loop relies on what a table says to end.
 * What policies alone say and what depends on entities are apart, so that entities may be laid out anew over policies of an image. */
#ifndef POLICY_INDEX_H
#define POLICY_INDEX_H

#include "base/intern.h"
#include "policy/entities.h"
#include "policy/normal.h"

/* Ids, types and cells are compared as words of several bytes: elsewhere rules would not be found, denies among them. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the lowest byte comes first");

/* Atoms of a class lie together, in this order. Those of CLASS_IN are had by what is below, too. */
enum index_class {
	CLASS_ANY = 0, /* atom 0 */
	CLASS_IN,      /* ATOM_IN, ATOM_IS_IN (its type is a test), ATOM_SET with is_in */
	CLASS_EQ,      /* ATOM_EQ, ATOM_SET without */
	CLASS_IS,
	CLASS_LIKE,
	CLASS_COUNT
};

/* A value as 32 bits: its kind in the upper four, in the others a number that tells it from the literals that policies compare with: a literal's own, or 0 for all
 * that equal none. Equal codes of a literal are equal values. Kind VALUE_NONE: there is none. */
#define INDEX_CODE(kind, payload) ((uint32_t)(kind) << 28 | (payload))
#define INDEX_CODE_KIND(code) ((enum value_kind)((code) >> 28))
#define INDEX_ABSENT INDEX_CODE(VALUE_NONE, 0) /* all but the last name is there */
#define INDEX_FAILS INDEX_CODE(VALUE_NONE, 1)  /* reading it is an error, or needs data not fetched */
/* Longs of this size are their own literals; others are `other`. */
#define INDEX_LONG_MAX ((INT64_C(1) << 27) - 2)

/* Bytes [at, at + n) of a pool. */
struct index_text {
	uint32_t at, n;
};

/* The first and the last eight bytes of a text. One that is shorter is whole in `first`, with zeros behind it, and `last` is 0. */
struct index_ends {
	uint64_t first, last;
};

/* Strings or uids by number, found by open addressing; strings leave `type` empty. */
struct index_name {
	struct index_text type, id;
};
struct index_names {
	struct index_name *items;
	size_t n, cap;
	uint32_t *table; /* number plus one; 0: free */
	size_t n_table;
	char *bytes;
	size_t n_bytes, cap_bytes;
};

#define INDEX_COLUMNS 2u /* attributes whose codes lie in the slots */
#define INDEX_MEMO 24u   /* paths whose values are remembered during a decision, the most used first */
#define INDEX_WORDS 6u
#define INDEX_ID_INLINE 20u

enum index_slot_flags {
	SLOT_FAR = 1,  /* words[0]: where in `slot_words` its columns and lists lie */
	SLOT_LONG = 2, /* id: first four bytes say where in `slot_bytes` it lies */
	SLOT_VAST = 4, /* more ancestors than are kept: walk all rules */
};

/* A uid that policies or entities name. */
struct index_slot {
	uint32_t tag; /* 0: free */
	uint32_t type, id_n;
	uint32_t record; /* of the bottom layer, plus one; 0: none */
	char id[INDEX_ID_INLINE]; /* zeros behind it */
	uint8_t n[3]; /* atoms as principal, action, resource */
	uint8_t flags;
	uint32_t words[INDEX_WORDS]; /* columns, then the three lists */
};

enum index_op {
	TEST_TREE = 0, /* arg: number in `trees` */
	TEST_EQ,       /* arg: a code */
	TEST_LT,       /* arg: an int32_t, as for the next three */
	TEST_LE,
	TEST_GT,
	TEST_GE,
	TEST_HAS,
	TEST_IS, /* path: the element; arg: a type */
};

struct index_test {
	uint8_t op;
	uint8_t kind; /* TEST_LT ..: the kind that the value must have; bit 7: holds where the test does not */
	uint16_t path;
	uint32_t arg;
};
#define INDEX_NEGATED 0x80u

/* `ref`: what there is to say when a rule holds. */
#define REF_USED (1u << 31)
#define REF_RANGE (1u << 30)  /* a cell alone: first, n, group, n_groups are set */
#define REF_PERMIT (1u << 29)
#define REF_TAIL (1u << 28)   /* the number is a tail's, not an instance's */
#define REF_TESTS_SHIFT 26    /* how many of `tests` are used */
#define REF_MORE (1u << 25)   /* a cell alone, where they lie by pairs: more of its action and resource lie in buckets behind */
#define REF_NUMBER ((1u << 25) - 1)

/* Both a rule and a cell of the table. */
struct index_rule {
	uint32_t key[3];
	uint32_t ref;
	union {
		struct index_test tests[2];
		struct {
			uint32_t first, n, group, n_groups;
		};
	};
};

/* What does not fit into a rule. Lists lie in `words`; further tests in `tests`. */
struct index_tail {
	uint32_t parents, n_parents, test, n_tests, below, n_below;
};

#define INDEX_NO_PATH UINT32_MAX
struct index_group {
	uint32_t path; /* INDEX_NO_PATH: walked */
	uint32_t first, n;
	uint32_t read, n_reads; /* in `reads`: what must be clean for searching */
};

struct index_path {
	uint8_t var, column; /* INDEX_COLUMNS: none */
	uint16_t n_names;
	uint32_t name; /* the first, in `names` */
};

/* A conjunct to evaluate by its tree: a normal_conjunct without its form. */
struct index_tree {
	uint32_t instance, node, member;
	uint8_t var;
	uint8_t negated; /* no bool: an image may say anything */
};

struct index_type {
	struct index_text name; /* in type_names.bytes */
	struct index_ends ends; /* of it */
	uint32_t atom[3]; /* ATOM_IS, or 0 */
	uint32_t prefix[3], n_prefixes[3];
};

struct index_prefix {
	struct index_text text; /* in `bytes` */
	uint32_t atom;
	uint32_t up; /* the longest prefix of it that is here too, plus one */
};

/* A class for each element that some rule has, and where rules of that kind lie: those of one action and one resource in one run of cells, or, where too many
 * have the same two, each where all three of its atoms say. */
struct index_shape {
	uint8_t of[3];
	uint8_t is_paired; /* no bool: an image may say anything */
};

/* A uid that policies name, and the atoms that name it: in `words`, first those of CLASS_IN. */
struct index_named {
	uint32_t list[3], n_in[3], n_eq[3];
	uint32_t slot; /* which has its uid */
};

struct policy_index {
	struct arena *arena;
	const struct policy_set *set;
	const struct entities *base; /* the layer whose entities are in slots */
	const struct schema *closed; /* normal.h; requests outside it are walked */
	bool is_sparse;              /* none is: whatever the layers are, they are asked */
	/* Of a sparse index: uids that policies name, by their ids in the bottom layer of the index below. An id under n_known that is not here is named by none. */
	struct idmap known;
	uint32_t n_known;
	/* Not NULL: two indexes as one, over `set`; all else is not used. */
	struct index_join *join;
	bool is_mapped; /* arrays are an image's, but those that an arena or pages have */
	uint64_t seed; /* of what policies alone say: always the same, as is their image */
	/* What depends on entities. */
	uint64_t slot_seed;
	struct index_slot *slots; /* open addressing */
	size_t n_slots, bytes_slots, n_used;
	uint32_t *slot_words;
	size_t n_slot_words, cap_slot_words;
	char *slot_bytes; /* ids that are too long for a slot */
	size_t n_slot_bytes, cap_slot_bytes;
	uint32_t *named_of; /* by id of the bottom layer */
	size_t n_named_of;
	struct index_names type_names;
	struct index_type *types; /* by number */
	size_t n_types;
	struct index_named *named; /* number 0 is nobody */
	size_t n_named;
	/* What does not. */
	char *bytes; /* of prefixes and names */
	size_t n_bytes, cap_bytes;
	struct index_rule *cells; /* open addressing */
	size_t n_cells, bytes_cells;
	struct index_rule *rules; /* by key; then the contained ones */
	size_t n_rules, first_contained, bytes_rules;
	uint64_t *sieve; /* a sieve of the atoms that some rule has together: as principal and action, as action and resource, as all three */
	size_t n_sieve;  /* words */
	uint32_t *keys; /* of rules: the literal's code */
	struct index_group *groups;
	size_t n_groups, cap_groups;
	struct index_tail *tails;
	size_t n_tails, cap_tails;
	struct index_test *tests;
	size_t n_tests, cap_tests;
	struct index_tree *trees;
	size_t n_trees, cap_trees;
	struct normal_read *reads;
	size_t n_reads, cap_reads;
	uint32_t *words;
	size_t n_words, cap_words;
	struct index_prefix *prefixes;
	size_t n_prefixes;
	struct index_path *paths;
	size_t n_paths;
	struct index_text *names; /* in `bytes` */
	size_t n_names, cap_names;
	struct index_text columns[INDEX_COLUMNS];
	size_t n_columns;
	struct index_names literals; /* strings, and uids */
	uint32_t bound[3][CLASS_COUNT + 1]; /* atoms of a class: [bound[c], bound[c + 1]) */
	uint8_t only_class[3]; /* which all atoms but 0 are of; 0: of several, or none */
	struct index_shape shapes[125];
	size_t n_shapes;
	uint32_t *rank, *by_rank; /* of instances, in the order of their ids */
	size_t n_instances, n_ranked; /* the same */
};

static inline bool
index_is_inside(size_t at, size_t n, size_t of)
{
	return at <= of && n <= of - at;
}

/* --- hashes and tables --------------------------------------------------- */

static inline uint64_t
index_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide r = (wide)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

#define INDEX_K1 0xa0761d6478bd642fu
#define INDEX_K2 0xe7037ed1a0b428dbu
#define INDEX_SEED 0x589965cc75374cc3u

static inline uint64_t
index_load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

/* Both factors hold `h`, which an outsider does not know: no text makes one of them zero. */
static inline uint64_t
index_mix_pair(uint64_t h, uint64_t a, uint64_t b)
{
	return index_mix(h ^ a, (h << 32 | h >> 32) ^ b);
}

static inline struct index_ends
index_ends(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	struct index_ends ends = { 0 };
	uint32_t lo, hi;

	if (s.n >= 8) {
		ends.first = index_load(s.p);
		ends.last = index_load(s.p + s.n - 8);
	} else if (s.n >= 4) {
		memcpy(&lo, p, 4);
		memcpy(&hi, p + s.n - 4, 4);
		ends.first = lo | (uint64_t)hi << 8 * (s.n - 4);
	} else if (s.n > 0)
		ends.first = p[0] | (uint64_t)p[s.n / 2] << 8 * (s.n / 2) |
			     (uint64_t)p[s.n - 1] << 8 * (s.n - 1);
	return ends;
}

static inline bool
index_same_ends(struct index_ends x, struct index_ends y)
{
	return ((x.first ^ y.first) | (x.last ^ y.last)) == 0;
}

/* Sixteen bytes at a time; what is read last may overlap what was read before. */
static inline uint64_t
index_hash_ends(uint64_t h, struct str s, struct index_ends ends)
{
	const char *p = s.p;
	size_t n = s.n;
	uint64_t a = ends.first;

	if (n > 16) {
		for (; n > 16; p += 16, n -= 16)
			h = index_mix_pair(h, index_load(p), index_load(p + 8) ^ INDEX_K1);
		a = index_load(n < 8 ? p + n - 16 : p);
	}
	return index_mix_pair(h, a, ends.last ^ INDEX_K2 ^ s.n);
}

static inline uint64_t
index_hash_str(uint64_t h, struct str s)
{
	return index_hash_ends(h, s, index_ends(s));
}

/* Are n bytes the same? Ids are short: a call would cost more than the comparison. */
static inline bool
index_same(const char *x, const char *y, size_t n)
{
	uint32_t a, b, c, d;

	if (n >= 8) {
		for (size_t i = 0; i < n - 8; i += 8)
			if (index_load(x + i) != index_load(y + i))
				return false;
		return index_load(x + n - 8) == index_load(y + n - 8);
	}
	if (n >= 4) {
		memcpy(&a, x, 4);
		memcpy(&b, y, 4);
		memcpy(&c, x + n - 4, 4);
		memcpy(&d, y + n - 4, 4);
		return a == b && c == d;
	}
	return n == 0 ||
	       (x[0] == y[0] && x[n / 2] == y[n / 2] && x[n - 1] == y[n - 1]);
}

/* Slots of entities have a seed that is this process's own: ids that outsiders choose do not fall on one another. */
static inline uint64_t
index_hash_uid(uint64_t seed, struct uid uid)
{
	return index_hash_str(index_hash_str(seed, uid.type), uid.id);
}

static inline uint64_t
index_hash_key(uint64_t seed, uint32_t p, uint32_t a, uint32_t r)
{
	return index_mix(p ^ seed, ((uint64_t)a << 32 | r) ^ INDEX_K1);
}

/* A place in a table of any size, from the upper bits. */
static inline size_t
index_place(uint64_t hash, size_t n)
{
	return (size_t)(((hash >> 32) * (uint64_t)n) >> 32);
}

/* The first cell of the bucket where to look. Of a pair: whoever it is. */
static inline size_t
index_home(const struct policy_index *ix, uint64_t hash)
{
	return index_place(hash, ix->n_cells / 2) * 2;
}

#define INDEX_NO_ATOM UINT32_MAX
static inline uint64_t
index_hash_pair(const struct policy_index *ix, uint32_t a, uint32_t r)
{
	return index_hash_key(ix->seed, INDEX_NO_ATOM, a, r);
}

/* Atoms in the sieve: two bits of one word. What rules have is in it, and by chance one in twenty of what they have not. */
struct index_bits {
	size_t word;
	uint64_t bits;
};

static inline struct index_bits
index_bits(const struct policy_index *ix, uint64_t hash)
{
	return (struct index_bits){ index_place(hash, ix->n_sieve),
		UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) };
}

static inline struct index_bits
index_bits_who(const struct policy_index *ix, uint32_t p, uint32_t a)
{
	return index_bits(ix, index_hash_key(ix->seed, p, a, INDEX_NO_ATOM));
}

static inline struct index_bits
index_bits_what(const struct policy_index *ix, uint32_t a, uint32_t r)
{
	return index_bits(ix, index_hash_pair(ix, a, r));
}

static inline bool
index_has_bits(const struct policy_index *ix, struct index_bits p)
{
	return (ix->sieve[p.word] & p.bits) == p.bits;
}

/* Empty where the numbers lie outside. */
static inline struct str
index_text_of(const char *bytes, size_t n_bytes, struct index_text t)
{
	if (t.at > n_bytes || t.n > n_bytes - t.at)
		return (struct str){ 0 };
	return (struct str){ bytes + t.at, t.n };
}

static inline struct str
index_str(const struct policy_index *ix, struct index_text t)
{
	return index_text_of(ix->bytes, ix->n_bytes, t);
}

static inline struct str
index_type_name(const struct policy_index *ix, const struct index_type *t)
{
	return index_text_of(
	    ix->type_names.bytes, ix->type_names.n_bytes, t->name);
}

/* The atoms that name a uid, and with `own` those that name it alone; the count, 0 where the numbers lie outside. */
static inline uint32_t
index_named_atoms(const struct policy_index *ix, uint32_t named, unsigned v,
    bool own, const uint32_t **ret)
{
	const struct index_named *n;
	uint32_t count;

	*ret = NULL;
	if (named >= ix->n_named)
		return 0;
	n = &ix->named[named];
	count = n->n_in[v];
	if ((own && __builtin_add_overflow(count, n->n_eq[v], &count)) ||
	    !index_is_inside(n->list[v], count, ix->n_words))
		return 0;
	*ret = ix->words + n->list[v];
	return count;
}

/* --- strings and uids: index_names.c -------------------------------------- */

/* Copy `s` behind a pool's bytes. Errors: memory, ERR_LIMIT_SIZE. */
bool index_pool(struct arena *a, char **bytes, size_t *n, size_t *cap,
    struct str s, struct index_text *ret, struct error *reterr) MUST_USE;
/* The number, or INTERN_NONE. */
uint32_t index_names_find(const struct index_names *t, uint64_t seed,
    struct str type, struct str id);
/* Its table anew, half empty. */
bool index_names_rehash(struct index_names *t, uint64_t seed, struct arena *a,
    struct error *reterr) MUST_USE;
/* The number, given now where there is none yet. */
bool index_names_add(struct index_names *t, uint64_t seed, struct arena *a,
    struct str type, struct str id, uint32_t *ret, struct error *reterr)
    MUST_USE;

/* The slot of a uid, or NULL. */
const struct index_slot *index_slot_find(
    const struct policy_index *ix, uint64_t hash, struct uid uid);
/* Its texts lie in the index; empty where its numbers lie outside. */
struct uid index_slot_uid(
    const struct policy_index *ix, const struct index_slot *s);
/* The type's number, or n_types. */
uint32_t index_type_find(const struct policy_index *ix, struct str name);
/* Numbers of the prefixes of `id` among a type's: put after `out`, at most `max`. The count, or `max` + 1 when there are more. */
size_t index_prefixes_of(const struct policy_index *ix,
    const struct index_type *type, unsigned var, struct str id, uint32_t *out,
    size_t max);
uint32_t index_code(const struct policy_index *ix, const struct value *v);

/* --- two as one: index_join.c --------------------------------------------- */

/* What a question to one index found of a principal, action or resource, for the next: its slot in `of` (NULL: none), which is as that says, or who is above. */
struct index_seen {
	const struct policy_index *of;
	const struct index_slot *slot;
	struct above above;
	bool is_told; /* `above` is */
};
/* policy_index_find of an index that is not joined. `seen` (three; NULL: not asked for): one that is not sparse tells (all but for is_walk), a sparse one is told. */
bool index_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct index_seen *seen, struct policy_found *ret) MUST_USE;
bool index_join_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct policy_found *ret) MUST_USE;
size_t index_join_near(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch, uint32_t *ret,
    size_t max);
void index_join_sort(
    const struct policy_index *ix, uint32_t *policies, size_t n);

/* policy_index_new, with the seed of its slots. */
bool index_new_seeded(const struct policy_set *set, const struct entities *base,
    uint64_t slot_seed, struct policy_index **ret, struct error *reterr)
    MUST_USE;

/* --- building ------------------------------------------------------------- */

/* Atoms, keys, cells: index_rules.c. */
/* A conjunct that was met lately, and its test: rules share their lists. */
struct index_met {
	const struct normal_conjunct *c; /* NULL: none */
	struct index_test test;
};

/* What is known while an index is built, gone after it. */
struct index_building {
	struct policy_index *ix;
	const struct normal *n;
	struct arena *spare;
	struct error *reterr;
	struct intern *uids; /* numbers of `named`, less one */
	uint32_t (*keys)[3]; /* of rules, then contained ones */
	uint16_t *path_of;   /* by the normal form's number; INDEX_NO_SHORT: none */
	struct index_met *met; /* by the conjunct's place in memory, INDEX_MET of them; which are there is a matter of luck, not of correctness */
};
#define INDEX_MET 2048u
#define INDEX_NO_SHORT UINT16_MAX

/* Number the atoms; `named`, types and prefixes; b->keys: index_atoms.c. */
bool index_build_atoms(struct index_building *b) MUST_USE;
/* Paths, the most used first, and columns: index_tests.c. */
bool index_build_paths(struct index_building *b) MUST_USE;
/* A rule's tests, and what there is to say when it holds; the key is left as it is: index_tests.c. */
bool index_encode(struct index_building *b, const struct normal_rule *r,
    struct index_rule *ret) MUST_USE;
/* A conjunct as a test; TEST_TREE (its arg not set) when it has no form that is compared as codes. */
struct index_test index_test_of(
    const struct index_building *b, const struct normal_conjunct *c);
/* The tables of rules: index_rules.c. */
bool index_build_rules(struct index_building *b) MUST_USE;
/* Slots of uids and entities: index_entities.c. */
bool index_build_slots(struct index_building *b) MUST_USE;
/* The same over policies of an image, whose slots have no entities: what changes is copied first. */
bool index_build_slots_anew(struct index_building *b) MUST_USE;

#endif
