/* set.h - inside of a policy set, for the files of policy/ alone. */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include "policy/ast.h"
#include "policy/policy.h"

struct schema;
struct normal;
struct pieces;

/* An instance: a static policy has no bindings, a link has its template's body. */
struct policy_instance {
	struct str id;
	const struct ast *ast;
	uint32_t policy; /* index into ast->policies */
	bool is_link;
	const struct uid *slot; /* a link's: ?principal, ?resource; empty type: unbound */
};

/* A policy with slots: it never decides. */
struct policy_template {
	struct str id;
	const struct ast *ast;
	uint32_t policy;
	uint32_t n_links;
};

/* The digest of a file's text, made while others were read. */
struct ready_digest {
	const struct ast *file;
	const struct pieces *pieces;
	uint8_t digest[32];
};

struct image;
struct policy_set {
	struct arena *arena;
	struct image *image; /* which `instances` and `files` are asked of instead; NULL: none */
	const struct policy_verifier *verifier; /* of images that are added */
	struct policy_data *data; /* entities of images that were added */
	size_t n_data, cap_data;
	enum policy_naming naming;
	struct ast **files;
	size_t n_files, cap_files;
	size_t n_whole;         /* files, where some are in parts: compose.c; 0: `files` are files */
	uint8_t (*digests)[32]; /* of each file's text: pieces.h */
	struct pieces *pieces;  /* the same; of a set that is not composed */
	struct ready_digest *ready; /* for policy_set_finish, in the order of files */
	size_t n_ready, cap_ready;
	size_t ranked_apart; /* policies from which on a thread of its own puts their ids in order; 0: as many as are worth it */
	uint32_t *ends;         /* instances up to the end of each file, links apart */
	struct policy_instance *instances;
	size_t n_instances;
	struct policy_template *templates;
	size_t n_templates, n_links;
	bool has_plain_ids; /* ids by position are no other policy's: nobody wrote a `#` in an id, no file has the name of another */
	bool is_renumbered; /* compose.c: ids by position moved, so that ids lie in another order */
	char version[17];
	const struct normal *lent;   /* normal_lend; NULL: none */
	const struct schema *closed; /* what wildcards may be expanded by; borrowed */
	bool finished;
};

/* Parse one source. On errors the ast may still be made (error nodes stand in); false all the same. */
bool parse_policies(struct arena *a, const struct source *source,
    enum policy_dialect dialect, struct ast **ret, struct errors *reterr)
    MUST_USE;
/* The text of one policy alone: what parsing its whole file makes of it, but for the numbers of its nodes, which begin at 1. `no_heap`: nothing is allocated but
 * from `a` (patterns apart). */
bool parse_policy_alone(struct arena *a, const struct source *source,
    enum policy_dialect dialect, bool no_heap, struct ast **ret,
    struct errors *reterr) MUST_USE;
/* Whole file with comments (printing for `fmt`), and one policy without. */
void print_ast(const struct ast *t, struct buf *out);
void print_policy(const struct ast *t, uint32_t policy, struct buf *out);
void print_node(const struct ast *t, uint32_t node, struct buf *out);
/* The same with a link's bindings in place of the slots, and its id in place of the template's `@id`. */
void print_link(const struct policy_instance *link, struct buf *out);
/* Effect, scope and conditions on one line: what the policy says, whatever its annotations, comments and places. */
void print_body(const struct policy_instance *instance, struct buf *out);
void print_link_node(const struct policy_instance *link, uint32_t node,
    struct buf *out);

/* Policy `i`, with its tree. NULL where an image has its text and that cannot be read: an error for who evaluates. */
const struct policy_instance *policy_instance_at(
    const struct policy_set *set, uint32_t i);
/* The same for a decision: without a lock, and with no memory but `scratch`'s, in which it may lie. */
const struct policy_instance *policy_instance_in(
    const struct policy_set *set, uint32_t i, struct arena *scratch);

/* instances.c: templates apart from what decides, links bound, ids given and found to be unique. */
bool instances_make(struct policy_set *set, struct errors *reterr) MUST_USE;
/* `before` and the number, as ids by position are: many lie close in one piece of memory. {NULL, 0} when memory is out. */
struct id_room {
	struct arena *arena;
	char *p;
	size_t n;
};
struct str instances_number_id(
    struct id_room *room, struct str before, size_t number);
/* How a file is read. */
enum file_form { FILE_AVOW = POLICY_AVOW, FILE_CEDAR = POLICY_CEDAR, FILE_JSON };
/* files.c: what a file's name says of it; false, with an error, for what begins as no policy text does. */
enum file_form files_form_of(const char *path);
bool files_check_form(
    const char *path, struct str text, struct errors *reterr) MUST_USE;
/* Parse a text, or read a file and parse it; all memory is `a`'s, which lent `file` and `text`. *ret may be there with errors, and is NULL where nothing came of it. */
bool files_parse(struct arena *a, const char *file, struct str text,
    enum file_form form, struct ast **ret, struct errors *reterr) MUST_USE;
bool files_read(struct arena *a, const char *path, struct ast **ret,
    struct errors *reterr) MUST_USE;
/* Add files to a set in their order. `paths` are the set's. */
bool files_read_all(struct policy_set *set, const char *const *paths, size_t n,
    struct errors *reterr) MUST_USE;
/* `part` goes with `a`; false when memory is out. */
bool files_adopt(struct arena *a, struct arena *part) MUST_USE;
/* policy.c: one more. */
bool files_keep(
    struct policy_set *set, struct ast *t, struct errors *reterr) MUST_USE;
/* policy.c: what finishing a set looks at and works out. */
bool set_check_indivisibles(
    const struct policy_set *set, struct errors *reterr) MUST_USE;
/* policy.c: of n files' digests. */
bool set_version_of(struct policy_set *set, uint8_t (*digests)[32], size_t n,
    struct errors *reterr) MUST_USE;
/* A policy set in JSON. On errors the ast may still be made; false all the same. */
bool parse_json_policies(struct arena *a, const struct source *source,
    struct ast **ret, struct errors *reterr) MUST_USE;

/* warn.c: the warnings of one body; `instance` or FOLD_NO_INSTANCE. `a` is reset. */
void warn_of_policy(const struct policy_set *set, const struct ast *t,
    uint32_t policy, uint32_t instance, struct arena *a, struct errors *ret);

#endif
