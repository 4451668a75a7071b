/* normal.h - contract: the normal form of a policy set, and what an index may know of it.
 * A rule has one atom for each element and an ordered list of conjuncts. The invariant, for every request and every policy instance (parent): the instance is
 * satisfied when one of its rules is, else in error when one of its rules is, else neither. A rule is evaluated in order: its atoms (total: they cannot err), then its
 * conjuncts, up to the first that is false or errs. Rules depend on policies (and a schema) alone, never on entity data. Everything is immutable and lives in the
 * arena that was given; trees, names and literals are borrowed from the policy set.
 * Index keys: a rule may be skipped only where it would be *false*. Atoms may always be keys. A comparison may be one only on requests that are *clean* for it: every
 * path that it and the conjuncts before it read is present and of a kind that cannot err. */
#ifndef POLICY_NORMAL_H
#define POLICY_NORMAL_H

#include "policy/policy.h"

struct schema;

enum normal_atom_kind {
	ATOM_ANY = 0,
	ATOM_EQ,    /* uid */
	ATOM_IN,    /* uid: equal, or an ancestor */
	ATOM_IS,    /* type */
	ATOM_IS_IN, /* type and uid */
	ATOM_LIKE,  /* type; ids begin with `prefix` (maybe empty); a pattern that is more than `prefix*` is the first conjunct too */
	ATOM_SET,   /* an indivisible set, left whole: equal to one of `members`, or (is_in) in one of them */
};

struct normal_atom {
	enum normal_atom_kind kind;
	bool is_in; /* SET */
	struct str type, prefix;
	struct uid uid;
	const struct uid *members; /* sorted */
	uint32_t n_members;
};

/* `var.a.b.c`: index into normal.paths. Kinds of the value that a reader can take without an error: a mask of 1 << enum value_kind. */
struct normal_path {
	uint8_t var; /* as the tree names variables */
	const struct str *names;
	uint32_t n;
};
struct normal_read {
	uint32_t path;
	uint32_t kinds;
};

enum normal_form {
	FORM_TREE = 0, /* anything: evaluate the tree */
	FORM_EQ,       /* path == literal: total once the path is there */
	FORM_ORDER,    /* path OP literal for < <= > >= over Long (datetime, duration too): total once the path is of the literal's kind */
	FORM_IN,       /* path in entity literal: total once the path is an entity */
	FORM_HAS,      /* path is there; all but its last name are its reads */
};

/* One test of the remaining ones, in order. `node` is a condition's expression or a scope test that no atom says (negated, second, contextual) of `instance`'s tree. */
struct normal_conjunct {
	uint32_t instance, node;
	uint32_t member; /* 0: all of the node; k: what the k-th member of its literal list says (`x in [a, b]`, `is [A, B]`, `[1, 2].contains(x)`) */
	uint8_t var;     /* a scope test's, as the tree names variables */
	bool negated;    /* holds where the node is false; errors stay errors */
	bool is_clean_total; /* cannot err on requests that are clean for its reads */
	/* What the form says, with `negated` counted in: the conjunct holds where the form's test does, or with form_negated where it does not (no key then). */
	enum normal_form form;
	bool form_negated;
	uint8_t op; /* FORM_ORDER: `path op literal`, as the tree names operators */
	uint32_t path;
	struct value literal;
	const struct normal_read *reads; /* sorted by path */
	uint32_t n_reads;
	uint64_t hash; /* of its canonical form: equal tests have equal hashes */
};

/* What a joined rule was made of: see `parts`. */
struct normal_part {
	const struct normal_atom *atom[3];
	const uint32_t *parents; /* some of the rule's, sorted */
	uint32_t n_parents;
};

struct normal_rule {
	enum policy_effect effect;
	const struct normal_atom *atom[3]; /* principal, action, resource: of normal.atoms */
	const struct normal_conjunct *conjuncts;
	uint32_t n_conjuncts;
	/* The first n_total conjuncts err on no request at all, each where those before it hold (`context has x`, then `context.x == 1`): a comparison among them is
	 * false, never an error, where its path is missing, so it may be a key on every request. */
	uint32_t n_total;
	const uint32_t *parents; /* instances, sorted; never empty */
	uint32_t n_parents;
	/* Rules contained in this one (index into normal.contained): looked at only when this one is satisfied or errs, to name their parents too. */
	const uint32_t *below;
	uint32_t n_below;
	/* Of a rule that others were joined to (granularity): each part has its own atoms, with the tests of this rule. Where the rule holds or errs, the parents of the
	 * parts whose atoms hold do, and no others; some part's always do. None: all parents together. */
	const struct normal_part *parts;
	uint32_t n_parts;
};

/* What a stage did: rules before and after, and how long it took; what option `timed` asks for. */
struct normal_stage {
	const char *name, *why;
	uint32_t n_before, n_after;
	uint64_t ns;
};

/* One thing that was done to a policy's rules, for people. `other`: the instance with which or below which, else the same. */
struct normal_note {
	const char *stage;
	const char *what; /* `merged`, `hung below`, `left whole`, `never holds`, … */
	uint32_t instance, other;
};

/* For people: wherever the rule holds, those of `by` (of the decision index) together do. */
struct normal_follows {
	uint32_t rule; /* index into normal.rules or, is_contained, normal.contained */
	bool is_contained;
	const uint32_t *by;
	uint32_t n_by;
};

struct normal {
	const struct policy_set *set;
	const struct normal_rule *rules;     /* of the decision index */
	const struct normal_rule *contained; /* attribution only */
	const struct normal_atom *atoms; /* each that some rule has, once */
	const struct normal_path *paths;
	uint32_t n_rules, n_contained, n_atoms, n_paths;
	const struct normal_stage *stages;
	uint32_t n_stages;
	const struct normal_note *notes; /* what option `notes` asks for */
	uint32_t n_notes;
	/* What option `denied` asks for: permits by denies, of which one holds (where the permit errs they may be anything: it permits nothing); rules of the index by
	 * one of their own effect and of another policy, which holds or errs also where they err. */
	const struct normal_follows *denied, *covered;
	uint32_t n_denied, n_covered;
	bool is_cut; /* a search for covers ended at a bound: there may be more */
	/* Wildcards were expanded by this schema: the rules hold for requests that normal_is_closed says yes to, all others are decided by the text. NULL: for all. */
	const struct schema *closed;
};

/* How far `recompound` joins rules that differ in one element alone. */
enum normal_granularity {
	GRAIN_EACH = 0,    /* not at all */
	GRAIN_INDIVISIBLE, /* members of one indivisible set */
	GRAIN_TYPE,        /* entities of one type */
	GRAIN_ALL,
};

/* Which stages run. All on is the default of every command; tests turn them off one by one. Zero: none but the split into atoms and conjuncts. */
struct normal_options {
	/* expand: wildcards over what a schema closes (schema_close_set); without one nothing is closed, so there is nothing to do. */
	bool decompound, expand, dedup, contain, unions, recompound;
	uint32_t growth_max; /* rules one instance may become before it stays undivided; 0: the default */
	uint32_t below_max;  /* rules that may hang below one cover, since each is looked at one by one; 0: the default */
	uint32_t threads;    /* that take policies apart; what comes of them does not depend on it; 0: as many as there is work and processors for */
	bool timed;          /* rules and time by stage: costs a few hundredths; of threads together */
	bool notes;          /* say what was done to each policy's rules */
	bool denied;         /* look for permits that denies beat; changes no rule; not with joining */
	/* Called once when policies are taken apart, and most of what is left is one thread's: another may begin with something else. NULL: nobody. */
	void (*taken)(void *ctx);
	void *ctx;
	enum normal_granularity granularity[3]; /* what `recompound` joins each element to; an index wants single atoms */
};

#define NORMAL_DEFAULTS \
	((struct normal_options){ .decompound = true, .expand = true, .dedup = true, .contain = true, .unions = true, .recompound = true })

/* Errors: memory, ERR_LIMIT_COUNT. Cost O(n log n). */
bool normal_make(struct arena *a, const struct policy_set *set,
    const struct normal_options *options, const struct normal **ret,
    struct error *reterr) MUST_USE;

/* An index of the set is made from this form of it, which was made with NORMAL_DEFAULTS (timed and with notes, or not) and no schema, in place of one of its own. Borrowed. */
void normal_lend(const struct normal *n, struct policy_set *set);

/* The normal form as text, one rule a line with its parents as FILE:LINE, in an order that does not depend on the order of files; the same policies written in
 * another order or with other spacing print the same rules. */
void normal_print(const struct normal *n, struct buf *out);
/* Counts, how often what was done, the first `most` things that were, time by stage. */
void normal_print_stats(
    const struct normal *n, uint32_t most, struct buf *out);

/* Is the request's action declared, and are its principal and resource listed where their types are enumerated? Cost: three look-ups by name. */
bool normal_is_closed(
    const struct schema *closed, const struct eval_request *r);
/* Evaluate one conjunct as policy_eval does. EVAL_ERROR: *reterr has code and place. */
enum eval_outcome normal_eval_conjunct(const struct normal *n,
    const struct normal_conjunct *c, const struct eval_request *request,
    struct arena *scratch, const struct eval_trace *trace,
    struct error *reterr);
/* Does the atom hold for this entity? `layer` may be NULL. Errors: memory. */
bool normal_atom_holds(const struct normal_atom *atom, struct uid uid,
    const struct entities *layer, struct arena *scratch, bool *ret,
    struct error *reterr) MUST_USE;

#endif
