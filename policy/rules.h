/* rules.h - the rules of a policy set while the normal form is made; for the files of policy/ alone.
 *   split -> expand -> decompound -> atoms   take one policy apart: its text, conjunctions of tests (drafts), rules of three atoms and a list of tests
 *   merge -> order -> contain -> unions -> recompound   act on all rules; what they compare are numbers, since equal atoms, tests and lists have one number each
 * Atoms, tests and lists are told apart by their canonical text (canon.h), never by a hash alone. Everything here lives in `scratch` but what the normal form
 * keeps. A stage is a function from rules to rules that leaves the invariant of normal.h as it found it; doing it twice is doing it once. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/facts.h"
#include "policy/normal.h"
#include "policy/set.h"

#define RULES_GROWTH_MAX 256u   /* rules of one policy */
#define RULES_TESTS_MAX 4096u   /* tests in all of them */
#define RULES_BELOW_MAX 16u     /* contained rules below one cover */

/* A node of the policy at hand, or one member of its list, taken so or turned around. */
struct test {
	uint32_t node, member;
	uint8_t var; /* of a scope test */
	bool negated;
	bool is_whole; /* not to be taken apart (again) */
	const struct uid *one; /* what an expanded wildcard stands for: the test says `VAR == one` */
};

/* A conjunction, evaluated in order up to the first that is false or errs. */
struct draft {
	struct test *tests;
	uint32_t n;
};

struct drafts {
	struct draft *items;
	size_t n, cap;
};

/* A test that is known by its text, with what facts say of it. */
struct known_test {
	struct normal_conjunct conjunct; /* without `hash` */
	const struct normal_read *sure; /* known of the request where the test holds */
	uint32_t n_sure;
	/* What the test says as an atom of `atom_var`; ATOM_ANY: nothing. Not exact: a pattern of which the atom is only the beginning, or the type of one with
	 * contextual parts; such a test stays a conjunct. */
	struct normal_atom atom;
	uint8_t atom_var;
	bool atom_negated, atom_is_exact;
	uint32_t atom_number; /* UINT32_MAX: not asked for yet */
	bool is_expanded;  /* one of the entities that a wildcard stands for: its node turned round is not its opposite */
	uint32_t opposite; /* the number of the test turned round; UINT32_MAX: none, or not asked for yet */
};

/* What is known of a test by its words, as written. */
struct seen_test {
	uint32_t number; /* UINT32_MAX: it always holds, so it has none */
	enum facts_outcome outcome;
};

/* Where a test's words were found lately: the words lie in a policy's text. */
struct near_test {
	struct str words; /* `p` NULL: none */
	uint64_t head;    /* what is beside the words */
	struct seen_test seen;
};

/* Tests by number, in order; the first n_total cannot err. */
struct known_list {
	const uint32_t *tests;
	uint32_t n, n_total;
};

struct ids {
	uint32_t *items;
	uint32_t n, cap;
};

/* Numbers of which there is most often one: that lies inside, and goes with the struct when it is copied. */
struct few {
	union {
		uint32_t one; /* `cap` 0 */
		uint32_t *items;
	} at;
	uint32_t n, cap;
};

/* What a joined rule was made of. */
struct rule_part {
	uint32_t atom[3];
	struct few parents;
};

struct rule_parts {
	struct rule_part *items;
	size_t n, cap;
};

/* What few rules have. */
struct rule_more {
	struct rule_parts parts; /* of a joined rule; none: its parents are those of all of it */
	struct ids denied_by;    /* a permit's, if asked for: rules, by number */
	struct ids covered_by;   /* the same of its own effect, beside those it hangs below */
};

/* There are many, and all are moved: one has a cache line. */
struct rule {
	uint32_t atom[3], list;
	struct few parents, below; /* below: rules, by number */
	struct rule_more *more;    /* NULL: nothing */
	enum policy_effect effect;
	bool is_contained;
};

struct making {
	struct arena *a, *scratch, *each; /* `each`: for one policy */
	const struct policy_set *set;
	struct normal_options options;

	/* Members of indivisible sets of each variable, and the set each is in. */
	struct intern *indivisible[3];
	struct ids owners[3];

	/* What has a number: texts, and what stands behind them. */
	struct intern *paths, *atom_texts, *test_texts, *list_keys;
	struct normal_atom *atoms;
	size_t n_atoms, cap_atoms;
	struct known_test *tests;
	size_t n_tests, cap_tests;
	struct known_list *lists;
	size_t n_lists, cap_lists;
	struct intern *words; /* tests as written, to their number in `seen` */
	struct seen_test *seen;
	size_t n_seen, cap_seen;
	/* In front of both: what came lately is found without being written. Where it lies is a matter of luck, not of correctness. */
	struct near_test *near_tests;
	uint32_t *near_lists; /* numbers, plus one */
	uint32_t near_mask;
	struct buf text, operands, chain; /* reused */

	struct rule *rules;
	size_t n_rules, cap_rules;
	struct normal_note *notes;
	size_t n_notes, cap_notes;
	bool lacks_notes; /* memory was out */
	bool is_cut; /* a search for a cover ended at a bound */
	bool is_expanded; /* some wildcard was */
	const char *stage;

	/* The policy at hand. */
	uint32_t instance;
	const struct ast *ast;
	struct facts_table facts; /* once rules_facts was asked */
	bool has_facts;
	struct drafts drafts;
};

/* ---- stages: errors are memory or a limit ------------------------------------------------------------------------------------------------ */

bool split_policy(struct making *m, struct error *reterr) MUST_USE;
bool expand_policy(struct making *m, struct error *reterr) MUST_USE;
bool decompound_policy(struct making *m, struct error *reterr) MUST_USE;
bool atoms_policy(struct making *m, struct error *reterr) MUST_USE;
bool dedup_merge(struct making *m, struct error *reterr) MUST_USE;
bool contain_rules(struct making *m, struct error *reterr) MUST_USE;
bool follows_find(struct making *m, struct error *reterr) MUST_USE;
bool unions_contain(struct making *m, struct error *reterr) MUST_USE;
bool unions_denied(struct making *m, struct error *reterr) MUST_USE;
bool recompound_join(struct making *m, struct error *reterr) MUST_USE;
bool order_rules(struct making *m, struct error *reterr) MUST_USE;

/* ---- a run of instances (normal.c), and several at once (parallel.c) ----------------------------------------------------------------------- */

#define NORMAL_STAGES_MAX 16u
/* Make ready for a run of `n` instances, but for the room of its rules. Whatever comes of it, normal_end frees what was made. */
bool normal_begin(struct making *m, struct arena *a,
    const struct policy_set *set, const struct normal_options *options,
    size_t n, struct error *reterr) MUST_USE;
void normal_end(struct making *m);
/* Take the instances [from, to) apart, by the stages that take one policy at a time. */
bool normal_take(struct making *m, uint32_t from, uint32_t to,
    struct normal_stage *stats, struct error *reterr) MUST_USE;
/* ERR_LIMIT_COUNT: there are more than LIMIT_RULES. */
bool normal_check_count(const struct making *m, struct error *reterr) MUST_USE;
/* All instances, by options.threads; there is room for a rule of each. `m` becomes what normal_take of all of them makes of it. */
bool parallel_take(struct making *m, struct normal_stage *stats,
    struct error *reterr) MUST_USE;

/* How many threads share `n` items, `least` each: options.threads, or as many as there is work and processors for. */
#define PARALLEL_MAX 4u
size_t parallel_share(size_t threads, size_t n, size_t least); /* the same; `threads` 0: not told */
size_t parallel_threads(const struct making *m, size_t n, size_t least);
/* fn for each of `n` parts of `size` bytes, at once as far as threads can be started; done when all are. */
void parallel_each(
    void (*fn)(void *part), void *parts, size_t size, size_t n);

/* ---- what they share --------------------------------------------------------------------------------------------------------------------- */

/* Say what was done to a policy's rules, where somebody asked (options.notes). Where memory is out, normal_make fails at its end. */
void rules_note(struct making *m, const char *what, uint32_t instance,
    uint32_t other);
/* What can be said of the nodes of the policy at hand, in m->facts; worked out when first asked, since most policies hold nothing but tests that were seen before.
 * False when memory is out. */
bool rules_facts(struct making *m) MUST_USE;
bool drafts_add(struct making *m, struct drafts *to, const struct test *tests,
    uint32_t n) MUST_USE;
/* Numbers; UINT32_MAX when memory is out. */
uint32_t rules_atom(struct making *m, const struct normal_atom *atom);
uint32_t rules_test(struct making *m, const struct test *test);
struct str rules_test_text(const struct making *m, uint32_t test);
uint32_t rules_list(struct making *m, const uint32_t *tests, uint32_t n);
/* Rules by numbers: chains of entries, each an entry's number plus one. Who looks up compares what he finds. */
#define RULE_KEY 5u /* effect, atoms, and what else */
struct rule_table {
	uint32_t *heads, *next;
	uint64_t mask;
};
bool rule_table_init(
    struct rule_table *t, struct arena *a, size_t n_entries) MUST_USE;
uint32_t *rule_table_head(
    const struct rule_table *t, const uint32_t key[RULE_KEY]);
/* The number of a test's opposite, which is given one if need be; UINT32_MAX when memory is out. rules_has_opposite only looks whether there is one. */
uint32_t rules_opposite(struct making *m, uint32_t test);
bool rules_has_opposite(struct making *m, uint32_t test);
/* The first place among the tests where `test` errs on no request on which those before it hold; UINT32_MAX: there is none. */
uint32_t rules_first_place(
    const struct making *m, const uint32_t *tests, uint32_t n, uint32_t test);
/* How many of the tests, from the first, err on no request. */
uint32_t rules_total(
    const struct making *m, const uint32_t *tests, uint32_t n);
bool ids_add(struct arena *a, struct ids *ids, uint32_t id) MUST_USE;
uint32_t *few_items(struct few *few);
bool few_add(struct arena *a, struct few *few, uint32_t id) MUST_USE;
/* What the rule has more; NULL when memory is out. */
struct rule_more *rules_more(struct making *m, struct rule *r);

/* The atoms that rules have and that hold all that an atom holds, itself first; sets and prefixes that hold more are not looked for. */
#define WIDER_MAX 8u
struct wider {
	uint32_t atoms[WIDER_MAX];
	uint32_t n; /* 0: not looked for yet */
};
bool contain_wider(struct making *m, const struct normal_atom *atom,
    struct wider *w) MUST_USE;
/* The same where several atoms hold of one element: a type and a group may come from two. Where there are more than fit, m->is_cut. */
#define WIDE_MAX 32u
struct wide {
	uint32_t atoms[WIDE_MAX];
	uint32_t n;
};
bool contain_wider_of_all(struct making *m, const struct normal_atom *atoms,
    uint32_t n, struct wide *w) MUST_USE;
/* Rule `x` leaves the index and hangs below its covers, where these have room and there are any. False when memory is out. */
bool contain_hang(
    struct making *m, uint32_t x, const struct ids *covers) MUST_USE;

/* Parentheses and `!` looked through; *inout_negated is turned by each `!`. */
uint32_t node_bare(const struct ast *t, uint32_t node, bool *inout_negated);
/* `operand in [literals]` and `[literals].contains(operand)`, also with nothing in the list; n 0 for any other node. */
struct normal_list_node {
	uint32_t operand;
	const uint32_t *members;
	uint32_t n;
};
struct normal_list_node normal_list(const struct ast *t, uint32_t node);
/* Is the test one of a scope? */
bool node_is_scope(const struct ast *t, uint32_t node);
/* Does the scope test's pattern have contextual parts? */
bool node_is_contextual(const struct ast *t, uint32_t node);
/* The entity that a scope test names: a literal, or what the instance binds to its slot. */
struct uid normal_uid(const struct policy_instance *p, uint32_t node);

#endif
