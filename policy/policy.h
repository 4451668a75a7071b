/* policy.h - the door of policy/: text in, a policy set out, and the outcome of one policy for one request.
 *   policies   text -> lex -> parse*, Cedar's JSON -> parse_json*, both to one ast; AWS IAM's JSON -> iam* -> text. Files -> policy.c -> policy set, whose
 *              instances.c are policies and links of templates. Back: print* (text), print_json (JSON), translate (what Cedar says otherwise, or cannot say)
 *   schemas    text -> schema_parse, JSON -> schema_json, both to one schema_tree -> schema_resolve -> schema_model. validate (names, typecheck*, effects)
 *              holds policies against it, schema_check and schema_data hold data against it; warn needs none
 *   decisions  eval: one policy as written, what everything else is measured by. normal: a table of stages, policies -> rules; index* -> index_match: all
 *              policies at once, with the same outcomes
 *   changes    edit: of a changed file's text, what stays; compose: a set of that and what is new; index_join: both indexes as one. pieces: a text's digest
 * To add an operator, function or method: a row in ops.def; what it does in operate.c (ext.c for extensions); its types in typecheck*.c; whether it can err in
 * facts.c and fold.c. An extension type: its kind in value.h, its text and order in ext.c's table, JSON in value_json.c, its type in type.h. A stage of the normal
 * form: a row in normal.c, its function in rules.h. A form to import: to policy text, as iam.h does; its door here, a row in cli/cmd_translate.c.
 * A policy set is built (add …, finish) and is then immutable: many threads may evaluate against it. A policy instance is an id, a body (an ast policy of one of
 * the set's files) and slot bindings; instances are known by their index, people know them by id, file and line. Nothing here decides: engine/ does. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/value.h"

enum policy_effect { POLICY_DENY = 0, POLICY_PERMIT };

/* How text is read. */
enum policy_dialect {
	POLICY_AVOW = 0, /* Cedar and our additions */
	POLICY_CEDAR,    /* additions off: `.cedar` files */
};

/* How policies are named. */
enum policy_naming {
	POLICY_NAMED = 0,      /* @id, else FILE#N; must be unique */
	POLICY_BY_POSITION,    /* policy0, policy1, … over the whole set, as Cedar counts */
};

struct policy_set;

struct policy_info {
	struct str id;
	enum policy_effect effect;
	struct span at; /* of the effect word */
};

/* NULL when memory is out. */
struct policy_set *policy_set_new(enum policy_naming naming);
void policy_set_free(struct policy_set *set);

/* Parse `text` (copied) as one file. All independent errors are reported; the set is then not to be used. Cost O(text). */
bool policy_set_add_text(struct policy_set *set, const char *file,
    struct str text, enum policy_dialect dialect, struct errors *reterr)
    MUST_USE;
/* The same for a policy set in Cedar's JSON (`staticPolicies`, `templates`, `templateLinks`), with ids of its own. Its links may name templates of any file of
 * the set by their ids (`@id`, `FILE#N`, `policyN`, a JSON set's key): they are looked up when the set is finished. */
bool policy_set_add_json(struct policy_set *set, const char *file,
    struct str text, struct errors *reterr) MUST_USE;
/* A file or folder (`*.avow`, `*.cedar`, by suffix). Goes on to the next file after one with errors. "-" is standard input. */
bool policy_set_add_path(struct policy_set *set, const char *path,
    struct errors *reterr) MUST_USE;
/* One file, its form told by its name. */
bool policy_set_add_file(struct policy_set *set, const char *file,
    struct str text, struct errors *reterr) MUST_USE;
/* All files of another set, as they were loaded, or picked. */
bool policy_set_add_all(struct policy_set *set, const struct policy_set *from,
    struct errors *reterr) MUST_USE;
/* Links bound, ids unique, indivisible sets disjoint, version computed. */
bool policy_set_finish(struct policy_set *set, struct errors *reterr) MUST_USE;

/* Messages with quoted lines, from the set's own texts. */
void policy_set_print_errors(const struct policy_set *set,
    const struct errors *errors, struct buf *out);

/* What decides: policies without slots, and links. A link's place is its template's effect word. Templates never decide and are counted apart. */
uint32_t policy_set_count(const struct policy_set *set);
/* Bytes that a decision can take on account of these policies, beside what data and context add, and the texts of errors. */
size_t policy_set_scratch(const struct policy_set *set);
uint32_t policy_set_templates(const struct policy_set *set);
/* How many of the count are links. */
uint32_t policy_set_links(const struct policy_set *set);
uint32_t policy_set_files(const struct policy_set *set);
/* A file's name and text, as loaded. Lent. Not of a set that policy_index_patch made: files may be in parts there. An image puts the text together when it is asked for first: false where it cannot. */
const char *policy_set_file_name(const struct policy_set *set, uint32_t i);
bool policy_set_file_text(
    const struct policy_set *set, uint32_t i, struct str *ret) MUST_USE;
/* Of an image, the id is made when it is asked for first, under a lock, and kept; its p is NULL where memory ran out. */
struct policy_info policy_set_info(const struct policy_set *set, uint32_t i);
/* The order of their ids, as str_cmp. No lock, nothing allocated. */
int policy_set_compare(const struct policy_set *set, uint32_t x, uint32_t y);
/* The same as its info's, without looking for its place. */
enum policy_effect policy_set_effect(const struct policy_set *set, uint32_t i);
/* Where there is no data: a finished layer of the entities that the sets name, of one more a type, and of one in each group that they test for where they test its type; of
 * their attributes and tags nothing is known (VALUE_UNKNOWN). Memory is `a`'s. Cost: O(nodes), and entities by names of attributes. Errors: memory. */
bool policy_set_assume(const struct policy_set *const *sets, size_t n,
    struct arena *a, struct entities **ret, struct error *reterr) MUST_USE;
/* Every action that some policy names, sorted. Lent; memory is `a`'s. Errors: memory. */
bool policy_set_actions(const struct policy_set *set, struct arena *a,
    const struct uid **ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* First 16 hex digits of SHA-256 over all files in load order: over the digest of each, which is made of those of its pieces (pieces.h). It hangs on the texts alone. */
struct str policy_set_version(const struct policy_set *set);
/* Text of one file in canonical form, comments kept. Errors: those of parsing; then `out` is untouched. */
bool policy_format(const char *file, struct str text,
    enum policy_dialect dialect, struct buf *out, struct errors *reterr)
    MUST_USE;
/* An AWS IAM policy (JSON) as our text, one policy a statement, in canonical form; what is not exact is refused with its place, then `out` is untouched.
 * `principal` and `resource` (empty type: all) say whom a policy without Principal, or without Resource, is attached to. Source: the IAM user's guide,
 * "JSON policy element reference". Errors: ERR_IMPORT_*, ERR_JSON_*, ERR_LIMIT_*. */
bool policy_import_iam(const char *file, struct str text,
    struct uid principal, struct uid resource, struct buf *out,
    struct errors *reterr) MUST_USE;
/* The same, as one file of the set. */
bool policy_set_add_iam(struct policy_set *set, const char *file,
    struct str text, struct uid principal, struct uid resource,
    struct errors *reterr) MUST_USE;
/* Canonical text of one policy of the set, without comments; of a link: with what its slots are bound to. */
void policy_print(const struct policy_set *set, uint32_t i, struct buf *out);
/* What the policy says, in canonical form on one line: equal for policies that differ in annotations, comments and spacing alone. */
void policy_print_body(
    const struct policy_set *set, uint32_t i, struct buf *out);
/* A finished set in Cedar's JSON, ids kept; where it has additions to Cedar, in Avow's own form (`"avow": 1`). The caller owns *ret. What was read from such JSON
 * gives it back. Errors: ERR_LIMIT_DEPTH (a chain longer than JSON may nest), ERR_JSON_NUL_KEY. */
bool policy_set_to_json(const struct policy_set *set, json_t **ret,
    struct errors *reterr) MUST_USE;
/* A finished set as text. For POLICY_CEDAR what Cedar can say only in a condition moves there, and what it cannot say exactly is refused (ERR_SYNTAX_UNTRANSLATABLE).
 * Links become policies. Files of text without additions keep their comments. `out` is appended to on success. */
bool policy_set_to_text(const struct policy_set *set, enum policy_dialect to,
    struct buf *out, struct errors *reterr) MUST_USE;
/* Warnings that `avow check` shows, of a finished set: codes warn.*, syntax.negated_only, syntax.unlinked. Cost O(nodes). */
void policy_set_warnings(const struct policy_set *set, struct errors *ret);
/* As policy_set_print_errors, with `warning` for `error`. */
void policy_set_print_warnings(const struct policy_set *set,
    const struct errors *warnings, struct buf *out);

/* What comparing policies finds, of a finished set, in the order of its policies: codes lint.*, and what never applies (warn.never, warn.error). Each is so for
 * every request and all data (that its schema allows, of a closed set: schema_close_set; then type.never and type.scope, too), and all that are called `lint.same` or `lint.contained` may go together without a decision changing; what is not known is not
 * said. Memory is `a`'s. Cost: that of the normal form; errors: those of normal_make. */
struct policy_lint_others {
	const uint32_t *policies;
	size_t n, dropped; /* over POLICY_LINT_OTHERS_MAX */
};

struct policy_lint {
	const struct error *items;
	const struct policy_lint_others *others; /* of each item: the policies that say so too, or that beat it */
	size_t n, dropped; /* over POLICY_LINT_MAX */
	bool is_cut;       /* not all pairs of rules were compared */
	size_t n_unfit;       /* policies that do not fit the schema: whether they ever apply is not known */
	struct span unfit_at; /* the first */
};
#define POLICY_LINT_MAX 1000u
#define POLICY_LINT_OTHERS_MAX 256u
bool policy_set_lint(const struct policy_set *set, struct arena *a,
    struct policy_lint *ret, struct error *reterr) MUST_USE;

/* ---- least disclosure ------------------------------------------------------------------------------------------------------------------------ */

/* What an instance is asked to be permitted, and what is known beforehand. All borrowed. */
struct policy_needs_query {
	struct uid action, resource;     /* resource of empty type: any */
	const struct entities *entities; /* a bottom layer, or NULL: then groups are taken for granted */
	const struct entity *record;     /* the resource's own, as the gate makes it; may be NULL */
	const struct str *show;          /* claims that the gate demands in any case */
	size_t n_show;
};
/* One way to a permit: claims, by their names in documents (`imageId`, `os.version`, `applications.nginx`), sorted; those not to be shown, since a policy wants
 * them absent; the permits that it serves. */
struct policy_way {
	const struct str *show, *hide;
	size_t n_show, n_hide;
	const uint32_t *policies;
	size_t n_policies;
};
/* A deny that does not fire for who hides these claims. */
struct policy_dodge {
	uint32_t policy;
	const struct str *hide;
	size_t n_hide;
};
struct policy_needs {
	struct policy_way *ways; /* the fewest claims first; none of them is within another */
	size_t n_ways;           /* 0: nothing that can be shown is permitted */
	struct policy_dodge *dodges;
	size_t n_dodges;
	bool is_denied;          /* by this policy, whatever is shown */
	uint32_t denied_by;
	bool is_cut;             /* there may be other ways */
};
/* Which claims must an instance show? Necessary, not sufficient: every instance that is permitted has met one of the ways; whether its claims' values, and the
 * context, then suffice is a decision. A deny policy in error denies. Memory is `a`'s. Cost: O(nodes), O(entities). Errors: ERR_LIMIT_COUNT (over 256 claims),
 * ERR_LIMIT_DEPTH, ERR_ENTITY_CLASH (of `record`), memory. */
bool policy_needs(const struct policy_set *set,
    const struct policy_needs_query *query, struct arena *a,
    struct policy_needs *ret, struct error *reterr) MUST_USE;

/* ---- images -------------------------------------------------------------------------------------------------------------------------------- */

/* A policy set with its index, compiled into one block of bytes that is saved, shipped and mapped. It holds the policies' texts, and may hold entities, as text too.
 * A set that was opened from one decides as its texts do, and says the same; what no decision needs (other formats, findings, warnings, validation, the normal form)
 * is not for it: add the image to another set, which then reads the texts. */

/* What signs, and what says whether a signature is good, are the caller's: keys are not known here. */
struct policy_signer {
	bool (*sign)(void *ctx, struct str message, struct buf *ret_signature,
	    struct error *reterr);
	void *ctx;
};
struct policy_verifier {
	bool (*verify)(void *ctx, struct str message, struct str signature,
	    struct error *reterr);
	void *ctx;
};

/* Entities of an image that was added to other policies: JSON as entities_add_text reads it, and the file it is of. */
struct policy_data {
	const char *file;
	struct str text;
};

/* Does the text, or the file, begin as an image does? */
bool policy_is_image(struct str text);
bool policy_path_is_image(const char *path);
/* Where an image goes: one call after the other, by whatever thread. Each puts `bytes` behind those before, but for the head (`at` 0), which comes in the place of the
 * zeros that were put there first when all else but a signature is there. */
struct policy_sink {
	bool (*put)(void *ctx, uint64_t at, struct str bytes,
	    struct error *reterr);
	/* The set and the layer are not read any more, nor is an error of them to come; perhaps by another thread, while `put` is called. NULL: not asked for. */
	void (*made)(void *ctx);
	void *ctx;
};
/* Put the image of a finished set as it was loaded (not composed of two), and of a finished bottom layer of entities (NULL: none). It is whole when this succeeds. `signer` may be NULL. `parts`: how large its
 * parts are, for people; NULL: not wanted. Errors: those of policy_index_new and of the sink, ERR_LIMIT_SIZE over 4 GiB. */
bool policy_image_write(const struct policy_set *set,
    const struct entities *layer, const struct policy_signer *signer,
    const struct policy_sink *to, struct buf *parts,
    struct error *reterr) MUST_USE;
/* The same, appended to `ret`. */
bool policy_image_make(const struct policy_set *set,
    const struct entities *layer, const struct policy_signer *signer,
    struct buf *ret, struct error *reterr) MUST_USE;
/* Map an image as a finished set. With a verifier it is copied first, and refused unless signed. `path` outlives *reterr. Errors: ERR_FILE_READ, ERR_FILE_IMAGE,
 * ERR_FILE_SIGNATURE. Cost: reading it once. */
bool policy_image_open(const char *path, const struct policy_verifier *verifier,
    struct policy_set **ret, struct error *reterr) MUST_USE;
/* Images that policy_set_add_path meets from now on are to be signed. Borrowed. */
void policy_set_verifier(
    struct policy_set *set, const struct policy_verifier *verifier);
/* Entities of the images that were added. Lent. */
size_t policy_set_data(
    const struct policy_set *set, const struct policy_data **ret);
/* Entities of the image that the set was opened from, as a finished bottom layer that lies in it: gone with the set. An index over it needs nothing laid out. NULL: none. */
const struct entities *policy_set_entities(const struct policy_set *set);
/* Bytes of the image that the set was opened from; 0: none. */
size_t policy_image_bytes(const struct policy_set *set);

/* ---- evaluation --------------------------------------------------------------------------------------------------------------------------- */

/* Zero is the safe one: an error never satisfies, and may deny. */
enum eval_outcome { EVAL_ERROR = 0, EVAL_FALSE, EVAL_TRUE, EVAL_UNKNOWN };

/* All borrowed. `context` is a record, or of kind VALUE_UNKNOWN: what a policy then reads of it is unknown. */
struct eval_request {
	struct uid principal, action, resource;
	const struct value *context;
	const struct entities *entities;
};

/* What evaluation passes by: called after each node with its outcome; `value` is NULL unless the node had one. Never text: a reporter asks policy_place. */
struct eval_trace {
	void (*node)(void *ctx, uint32_t policy, uint32_t node,
	    enum eval_outcome outcome, const struct value *value);
	void *ctx;
};

/* Evaluate policy `i`: scope, then conditions, left to right, as Cedar does. `scratch` takes intermediate values; the caller resets it. `trace` may be NULL. On
 * EVAL_ERROR *reterr has code and place (of the node that failed). Errors: ERR_EVAL_*, ERR_LIMIT_MEMORY, ERR_LIMIT_DEPTH. */
enum eval_outcome policy_eval(const struct policy_set *set, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct error *reterr);
/* The same for who wants an error's code alone (ERR_NONE: there was none), which is what policy_eval has: place and words are most of what an error costs. */
enum eval_outcome policy_eval_code(const struct policy_set *set, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, enum err_code *ret_code);

/* ---- index -------------------------------------------------------------------------------------------------------------------------------- */

/* A policy set's normal form, laid out for looking up which policies a request satisfies, together with what a layer of entities says of them. Immutable; many
 * threads may ask at once. */
struct policy_index;

/* `set` is finished; `base` is finished, lies over no other layer, and may be NULL. Both are borrowed. Cost: O(n log n) in policies, linear in entities and their
 * ancestors. Errors: memory, ERR_LIMIT_COUNT. */
bool policy_index_new(const struct policy_set *set, const struct entities *base,
    struct policy_index **ret, struct error *reterr) MUST_USE;
/* The same where entities are not looked at beforehand, but asked when a request comes, whatever they are: for few policies over many entities. `over` (NULL: none) is an index whose entities
 * will be asked; the names of these policies are known by their ids there. */
bool policy_index_new_sparse(const struct policy_set *set,
    const struct policy_index *over, struct policy_index **ret,
    struct error *reterr) MUST_USE;
#define POLICY_NO_FILE UINT32_MAX
/* Files of two sets, in the order in which they are loaded: whole files, one after the other, or a part of one that was changed in places. */
struct policy_pick {
	bool is_changed;        /* of the second */
	uint32_t file, n_files; /* their numbers there */
	/* A part, as policy_set_add_changes makes them. */
	bool is_part, goes_on;   /* goes_on: not its file's first */
	uint32_t was;            /* what changed: the file's number in the first, or POLICY_NO_FILE */
	uint32_t first, n;       /* its policies of that file, where they stayed */
	uint32_t from, to;       /* its bytes */
	uint32_t line_shift;     /* how far its lines are from where they were */
	const uint8_t *digest;   /* a first part's: of all the file's text */
};
/* What file `file` of `was` holds now, into the set `changed`: only policies that `was` does not have at this place are parsed and added, others are picked where they
 * are. Where parts cannot be told from one another (templates, links, indivisible sets, JSON; a file that `was` does not have:
 * POLICY_NO_FILE) the file is added whole. *ret are the file's picks, in order; lent by `changed`. Errors: those of parsing; ERR_LIMIT_COUNT when more than `max` policies
 * are new; memory. Cost: comparing the texts, parsing what is new, SHA-256 of some thousands of bytes around it. */
bool policy_set_add_changes(struct policy_set *changed,
    const struct policy_set *was, uint32_t file, const char *name,
    struct str text, uint32_t max, const struct policy_pick **ret,
    size_t *ret_n, struct errors *reterr) MUST_USE;
/* `base` with some of its files changed: `delta` is the index (sparse) of a set that has what the changed and added files are now, and `picks` are all files there
 * are. *ret_set is what loading them all would make, *ret its index; both borrow from `base`, `delta` and their sets. *ret_is_local is false, and nothing is made,
 * where the change is more than that of single policies: templates and links, another order of files. Errors: an id that stands twice, sets that overlap, limits,
 * memory. Cost: 64 bytes a policy, 32 a file. */
bool policy_index_patch(const struct policy_index *base,
    const struct policy_index *delta, const struct policy_pick *picks,
    size_t n_picks, struct policy_set **ret_set, struct policy_index **ret,
    bool *ret_is_local, struct errors *reterr) MUST_USE;
void policy_index_free(struct policy_index *ix);
size_t policy_index_bytes(const struct policy_index *ix);

/* Policies as lists in the order of their ids, each policy once. */
struct policy_found {
	const uint32_t *satisfied[2]; /* by enum policy_effect */
	size_t n_satisfied[2];
	/* Not satisfied as far as was seen, and in error or without their data: policy_eval says which, and has the error. A policy that is false whatever its
	 * missing data may be need not be here. */
	const uint32_t *doubtful;
	size_t n_doubtful;
	enum err_code sure; /* not ERR_NONE: all of those are in error, with this code; nothing is left to ask */
	bool is_walk; /* the index cannot tell (too many ancestors, a layer it does not know): all policies are doubtful, and not listed */
};

/* What `request` satisfies. Its entities are `base` or lie over it. Memory is `scratch`'s; nothing else is allocated. False when it is out. */
bool policy_index_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct policy_found *ret) MUST_USE;
/* The same of n requests (POLICY_FIND_MANY at most), ret[i] for requests[i]: what they wait for in memory, they wait for together, and a principal, action or resource
 * that is the one of the request before is looked for once. False when memory is out; then nothing is told of any. */
#define POLICY_FIND_MANY 8u
bool policy_index_find_many(const struct policy_index *ix,
    const struct eval_request *requests, size_t n, struct arena *scratch,
    struct policy_found *ret) MUST_USE;
/* At most `max` permits whose scope holds and whose conditions do not, in no order that means anything; the count. */
size_t policy_index_near(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch, uint32_t *ret,
    size_t max);
/* Sort policies by their ids; O(n). `scratch` for n words; false when it is out. */
bool policy_index_sort(const struct policy_index *ix, uint32_t *policies,
    size_t n, struct arena *scratch) MUST_USE;

/* Where a node of policy `i` stands: the clause it belongs to and its place. A part of a node lies within the bytes of the node. */
struct policy_place {
	char clause[24]; /* `principal`, `action`, `resource`, `condition 1`, … */
	struct span at;
	uint32_t off, len;
	bool is_clause; /* the node is the whole clause */
	bool is_datum;  /* a path, tag or attribute look-up: worth showing with its value */
	bool is_conjunction; /* `&&`, parentheses, `when`: it fails because one of its parts does */
};
void policy_place(const struct policy_set *set, uint32_t i, uint32_t node,
    struct policy_place *ret);
/* What the node says: as written, or in canonical text made in `a` where it was written in JSON or holds a link's slot. {NULL, 0} when memory is out. */
struct str policy_place_text(const struct policy_set *set, uint32_t i,
    uint32_t node, struct arena *a);

#endif
