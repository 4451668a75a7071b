/* engine.h - the door of engine/: snapshots, requests, decisions, dry runs, the decision log.
 * A snapshot is a policy set and a layer of entities, immutable, shared by reference counts: a decision sees one snapshot from start to end. A request is data. Only
 * a `struct engine_gated`, which can be made from verified claims alone, gets an answer that a gate may act on (`engine_enforce`); what `decide` and the dry run
 * get is another type, which opens nothing.
 * All of them run one function over the same policies; a dry run differs by its trace sink only. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "policy/claims.h"
#include "policy/policy.h"
#include "policy/schema.h"

/* ---- snapshots -------------------------------------------------------------------------------------------------------------------------- */

struct engine_snapshot;

/* Takes both (freed with the snapshot, also on failure). `entities_arena` holds `entities`; both may be NULL. NULL when memory is out. */
struct engine_snapshot *engine_snapshot_new(struct policy_set *policies_take,
    struct arena *entities_arena_take, const struct entities *entities,
    int64_t loaded_at_ms);
/* NULL is nothing, for both. */
struct engine_snapshot *engine_snapshot_ref(struct engine_snapshot *s);
void engine_snapshot_unref(struct engine_snapshot *s);
const struct policy_set *engine_snapshot_policies(
    const struct engine_snapshot *s);
const struct entities *engine_snapshot_entities(const struct engine_snapshot *s);
int64_t engine_snapshot_loaded_at_ms(const struct engine_snapshot *s);
/* Give the snapshot a schema, before anyone shares it: requests are then read and checked by it. Its entities were loaded by it. Freed with the snapshot. */
void engine_snapshot_take_schema(
    struct engine_snapshot *s, struct schema *schema_take);
/* NULL: none. */
const struct schema *engine_snapshot_schema(const struct engine_snapshot *s);

/* Read `--policies` and `--entities` paths into a snapshot; every error of every file is printed onto `messages`. NULL on error. */
struct engine_snapshot *engine_load(const char *const *policies,
    size_t n_policies, const char *const *entities, size_t n_entities,
    int64_t now_ms, struct buf *messages);
/* A schema alone; every error is printed onto `messages`, then NULL. `path` is borrowed for its places. The caller frees it. */
struct schema *engine_load_schema(const char *path, struct buf *messages);
/* The same, with `--schema` (a path, or NULL): entities are read and checked by it, its actions are among them, and
 * wildcards of policies may be expanded by it (schema_close_set); the snapshot owns the schema. And with who says
 * whether an image is signed by one who may (NULL: that is not asked). One image alone is mapped; images among others are read again as their texts.
 * `keeps_texts`: those of entities stay in memory, so that changes are found (engine_reload); without, each reload loads all. */
struct engine_sources {
	const char *schema;
	const char *const *policies, *const *entities;
	size_t n_policies, n_entities;
	const struct policy_verifier *verifier;
	bool keeps_texts;
};
struct engine_snapshot *engine_load_from(const struct engine_sources *from,
    int64_t now_ms, struct buf *messages);
/* Entities alone, as the above reads them; first those that images among the policies brought. Memory is `a`'s. NULL on error. */
struct entities *engine_load_entities(const struct schema *schema,
    const struct policy_set *set, const char *const *paths, size_t n,
    struct arena *a, struct buf *messages);

/* ---- changes ------------------------------------------------------------------------------------------------------------------------------ */

/* A file and what it holds. `is_known`: its text is left out, since it is what the snapshot's base has under that name. */
struct engine_file {
	const char *name;
	struct str text;
	bool is_known;
};
/* All files there are, in the order in which they are loaded. Borrowed. */
struct engine_files {
	const struct engine_file *policies, *entities;
	size_t n_policies, n_entities;
};
/* All of it anew, from texts (none is_known). NULL on error, with all errors printed. */
struct engine_snapshot *engine_load_files(const struct engine_files *files,
    int64_t now_ms, struct buf *messages);
/* The snapshot that loading `now` would make, sharing with `old` what did not change: same decisions, reasons, errors, version. NULL where that is not cheap and
 * exact, or where something is wrong: *ret_why says which, and all is to be loaded anew. Cost: comparing the changed files with what they were,
 * parsing what is new, 64 bytes a policy copied. */
struct engine_snapshot *engine_snapshot_update(
    const struct engine_snapshot *old, const struct engine_files *now,
    int64_t now_ms, const char **ret_why);
/* The same by paths, as engine_load_from has them, but for a schema. Where there is no update, or `old` is NULL, all is loaded (*ret_why: why; NULL: it is an update). NULL on error. */
struct engine_snapshot *engine_reload(const struct engine_snapshot *old,
    const struct engine_sources *from, int64_t now_ms, struct buf *messages,
    const char **ret_why);
/* The same snapshot as one whole, from the texts and records that it has. NULL when memory is out. */
struct engine_snapshot *engine_snapshot_merge(const struct engine_snapshot *s);
/* What it is made of. */
struct engine_parts {
	size_t base_policies, base_entities;
	/* Since the base was made: changed or added, taken away or replaced. */
	size_t changed_policies, gone_policies, changed_entities;
	size_t updates; /* so many, one after the other */
	bool is_merged; /* the base comes of a merge */
};
/* Is it worth a merge? (LIMIT_MERGE_*.) */
bool engine_snapshot_wants_merge(const struct engine_snapshot *s);
struct engine_parts engine_snapshot_parts(const struct engine_snapshot *s);

/* ---- requests --------------------------------------------------------------------------------------------------------------------------- */

struct engine_request {
	struct uid principal, action, resource;
	struct value context;          /* a record */
	const struct entities *entities; /* the request's layer over the snapshot's, finished */
};

/* One JSON request as in the contracts, or a decision log line (whose `request` is taken). Unknown keys are errors. `file` names the place in messages.
 * Memory is `a`'s. Where the snapshot has a schema, context and entities are read by declared type, and a request that it does not allow is refused.
 * Errors: ERR_JSON_*, ERR_ENTITY_*, ERR_LIMIT_*, ERR_SCHEMA_* (engine_is_misfit). */
bool engine_request_from_json(struct arena *a, struct str text,
    const char *file, const struct engine_snapshot *s,
    struct engine_request *ret, struct error *reterr) MUST_USE;
/* Was a request refused because it does not fit the schema? It could be read then: the answer is a deny, request.malformed. */
bool engine_is_misfit(enum err_code code);
/* New reference. */
json_t *engine_request_to_json(const struct engine_request *r);

/* A request whose principal is proven. */
struct engine_gated;

/* Principal and its attributes come from `claims`; `resource` brings its own record. `context` is what the gate itself saw. A record of loaded data that
 * would add attributes to either is a clash: ERR_ENTITY_CLASH. Lives in `a`, borrows all. */
bool engine_gated_make(struct arena *a, const struct engine_snapshot *s,
    const struct claims *claims, struct uid action,
    const struct entity *resource, struct value context,
    const struct engine_gated **ret, struct error *reterr) MUST_USE;
const struct engine_request *engine_gated_request(const struct engine_gated *g);
const struct claims *engine_gated_claims(const struct engine_gated *g);

/* ---- decisions -------------------------------------------------------------------------------------------------------------------------- */

enum engine_effect { ENGINE_DENY = 0, ENGINE_PERMIT };
enum engine_errored_deny { ERRORED_DENY_DENIES = 0, ERRORED_DENY_SKIP };
/* `deny` or `skip`, as configuration and commands write it. */
bool engine_errored_deny_of(struct str name, enum engine_errored_deny *ret)
    MUST_USE;

/* A policy in error. Its place and words are made when they are asked for: engine_error_tell. */
struct engine_policy_error {
	uint32_t policy;
	enum err_code code;
};

#define ENGINE_NEAR_MAX 8
/* Sets larger than this are not walked for a hint in the log: what is near is then in the order of ids. */
#define ENGINE_NEAR_POLICIES 1000

/* The core's answer: data, opens nothing. `reasons` are policy indexes, sorted by id; memory is the scratch arena's. */
struct engine_answer {
	enum engine_effect effect;
	enum err_code code;
	const uint32_t *reasons;
	size_t n_reasons;
	const struct engine_policy_error *errors;
	size_t n_errors;
	const struct engine_request *asked; /* where there are errors: a copy of the request, which borrows what that did */
	/* A gate's deny by default: permits whose scope matched and whose conditions did not, the nearest first, at most ENGINE_NEAR_MAX. */
	const uint32_t *near;
	size_t n_near;
	/* A deny for data that is missing (ERR_DATA_MISSING): permits that are satisfied and that no deny can beat, whatever the data is. Opens nothing. */
	const uint32_t *certain;
	size_t n_certain;
	/* The policies whose outcome the missing data decides, and whether some permit is satisfied already. */
	const uint32_t *open;
	size_t n_open;
	bool permits_wait;
	const struct engine_snapshot *snapshot;
};

/* What a gate may act on. Its effect can be a permit only when `engine_enforce` made it. */
struct engine_decision {
	struct engine_answer answer;
};

/* Before a decision, and after a reset: `scratch` gets what the compiler says that a decision over these policies can take (ARENA_KEEP_BYTES at most), at once, so that
 * none has to ask for memory; beyond that what data and errors need is asked for, within the arena's limit, and where that ends is a deny (ERR_SYSTEM_LIMIT). */
void engine_scratch(const struct engine_snapshot *s, struct arena *scratch);

/* Decide a request given as data (`avow decide`, conformance, the library). */
void engine_evaluate(const struct engine_snapshot *s,
    const struct engine_request *r, enum engine_errored_deny errored_deny,
    struct arena *scratch, struct engine_answer *ret);
/* The same for many, in their order, ENGINE_BATCH looking up together: what they wait for in memory they wait for at once, and a principal, action or resource that comes
 * several times running is looked for once. An answer is what engine_evaluate gives, and lives while it is told; false from `answered` ends it. Gives back whether
 * all were told. `scratch` is as it was afterwards. */
#define ENGINE_BATCH POLICY_FIND_MANY
typedef bool engine_answered(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer);
bool engine_evaluate_many(const struct engine_snapshot *s,
    const struct engine_request *r, size_t n,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    engine_answered *answered, void *ctx);
/* Decide for a gate. */
void engine_enforce(const struct engine_snapshot *s,
    const struct engine_gated *g, enum engine_errored_deny errored_deny,
    struct arena *scratch, struct engine_decision *ret);
/* The i-th error with its place and words, by evaluating its policy again; *ret has its code in any case. `scratch` is as it was afterwards. The request's texts and
 * the snapshot are still there. Cost: one policy, and in a large image its parsing. */
void engine_error_tell(const struct engine_answer *answer, size_t i,
    struct arena *scratch, struct error *ret);
/* The decision as contracts have it: {"decision","code","reasons","errors","policies"}; new reference. */
json_t *engine_answer_to_json(const struct engine_answer *answer);
/* A deny that no policy was asked for. */
void engine_refuse(enum err_code code, struct engine_answer *ret);

/* ---- search ----------------------------------------------------------------------------------------------------------------------------- */

/* Who may do it, and what may one do: every request that fits is decided, over the loaded entities and the actions that they or policies name. */
struct engine_query {
	struct uid principal, action, resource; /* an empty type: any of the loaded ones */
	const struct value *context;            /* NULL: not known */
	enum engine_errored_deny errored_deny;
	uint64_t from; /* candidates are numbered from 0, in order of loading; go on here */
	size_t limit;  /* stop after this many findings; 0: no limit */
	uint64_t most; /* look at no more candidates than this; 0: at all */
	const struct entities *assumed; /* to look among, in place of the loaded ones; finished. NULL: none */
};

/* A request that is permitted, whatever the context is where that is not known, by `reasons` policies; none: it depends on the context. False stops the search. */
typedef bool engine_found(void *ctx, const struct engine_snapshot *s,
    const struct engine_request *r, const uint32_t *reasons, size_t n_reasons);

/* *ret_next: the candidate to go on with, or 0 when all were looked at. `scratch` is reset. Cost: one decision a candidate (engine_evaluate_many). Errors: memory. */
bool engine_search(const struct engine_snapshot *s,
    const struct engine_query *q, struct arena *scratch, engine_found *found,
    void *ctx, uint64_t *ret_next, struct error *reterr) MUST_USE;

/* A request with its decisions by two snapshots. False stops. */
typedef bool engine_compared(void *ctx, const struct engine_request *r,
    const struct engine_answer *old, const struct engine_answer *new);

/* Decide a request by both; `new_entities` is its layer over the second's entities. Gives back what `compared` does. Memory of the answers is `scratch`'s. */
bool engine_compare(const struct engine_snapshot *old,
    const struct engine_request *r, const struct engine_snapshot *new,
    const struct entities *new_entities, enum engine_errored_deny errored_deny,
    struct arena *scratch, engine_compared *compared, void *ctx) MUST_USE;
/* The same for every candidate that fits `q` (its `limit` is not looked at), over the first's entities and the actions of both. *ret_next as engine_search. */
bool engine_compare_all(const struct engine_snapshot *old,
    const struct engine_snapshot *new, const struct engine_query *q,
    struct arena *scratch, engine_compared *compared, void *ctx,
    uint64_t *ret_next, struct error *reterr) MUST_USE;

/* What the policies of two snapshots say, by number: equal bodies (policy_print_body) have equal numbers. */
struct engine_bodies {
	const uint32_t *of[2];
};
/* Memory is `a`'s. Cost O(text of both). Errors: memory. */
bool engine_bodies_learn(const struct engine_snapshot *old,
    const struct engine_snapshot *new, struct arena *a,
    struct engine_bodies *ret, struct error *reterr) MUST_USE;
/* Are both decisions open, and open alike: by policies that say the same, with the same otherwise? Whatever the data is, they are then equal, where it is the same
 * for both. `scratch` for two words a policy; false when it is out. */
bool engine_bodies_open_alike(const struct engine_bodies *b,
    const struct engine_answer *old, const struct engine_answer *new,
    struct arena *scratch);

/* ---- dry run ---------------------------------------------------------------------------------------------------------------------------- */

enum engine_level { LEVEL_LOW = 0, LEVEL_MEDIUM, LEVEL_HIGH, LEVEL_VERYHIGH };
bool engine_level_of(struct str name, enum engine_level *ret) MUST_USE;

/* For the report's operational part. */
struct engine_operation {
	const char *program, *point;
	int64_t parse_ns, load_ns;
	json_t *cache; /* borrowed; may be NULL */
};

/* Decide and say why: a JSON report at `level` (contracts, "Report of a dry run"). `claims` may be NULL; then no data is called attested. New reference, or NULL
 * when memory is out. The result cannot become a permit: it is text. */
json_t *engine_verify(const struct engine_snapshot *s,
    const struct engine_request *r, const struct claims *claims,
    enum engine_errored_deny errored_deny, enum engine_level level,
    const struct engine_operation *operation, struct arena *scratch,
    enum engine_effect *ret_effect);
/* A refusal before any policy was asked, as a report: each level has its keys, with nothing considered and no data used. `operation` may be NULL. */
json_t *engine_verify_refused(const struct engine_snapshot *s,
    const struct error *why, enum engine_level level,
    const struct engine_operation *operation);
/* The report for people. */
void engine_report_print(const json_t *report, struct buf *out);

/* ---- decision log ----------------------------------------------------------------------------------------------------------------------- */

struct engine_log;

/* Append-only, 0600 when created. `path` "-" is standard error; NULL or empty: no log. NULL on error. */
struct engine_log *engine_log_open(const char *path, struct error *reterr);
void engine_log_close(struct engine_log *log);
/* Open the path again (after rotation). On failure the old file stays, if it still has a name; else nothing can be written, and so nothing is permitted, until the path opens. */
bool engine_log_reopen(struct engine_log *log, struct error *reterr) MUST_USE;

struct engine_log_entry {
	const char *id;   /* 16 hex digits */
	int64_t time_ms;
	bool verification;
	struct str gate;
	const struct engine_request *request; /* NULL when none could be made */
	const struct claims *claims;          /* NULL when none were verified */
	const struct engine_answer *answer;
	int64_t us;
};

/* One line, one write, before the answer leaves. Errors: ERR_SYSTEM_LOG; the caller then denies. */
bool engine_log_write(struct engine_log *log,
    const struct engine_log_entry *entry, struct error *reterr) MUST_USE;

#endif
