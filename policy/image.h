/* image.h - inside of an image, for the files of policy/ alone; its door is in policy.h.
 *   head, sections (where each array lies, how many items), the arrays. All is numbers of this machine's byte order; nothing is an address, so the file is mapped
 *   as it is. A signature may follow the block.
 * The files' texts lie in `packed` (pack.h), cut into entries, one after another: texts between policies, and policies with their places and ids. A file is all its
 * entries' texts; one policy is read from its entry alone.
 * A set of an image keeps its policies packed; the tree of a policy, and its id, is made when a report asks for it first, once, and kept: until then a policy costs
 * nothing. A decision takes what is kept, and otherwise reads the policy in its own scratch: no lock, nothing allocated, nothing kept.
 * Made ahead are those with patterns, those that are long or JSON, when it is opened, those that decisions evaluate when its index is, and all of a small one.
 * An image may hold anything: its sections lie inside it (checked when it is opened), and every number is checked where it is followed, or by index_check. */
#ifndef POLICY_IMAGE_H
#define POLICY_IMAGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "policy/index.h"
#include "policy/pack.h"
#include "policy/set.h"

#define IMAGE_MAGIC "AVOW\0IMG"
#define IMAGE_VERSION 7u
#define IMAGE_ORDER 0x01020304u
#define IMAGE_ALIGN 64u
#define IMAGE_SEAL_MAGIC "AVOWSEAL"

struct image_head {
	char magic[8];
	uint32_t version, order;
	uint32_t layout; /* of all structs: image_layout() */
	uint32_t n_sections;
	uint64_t n_bytes;  /* of the block */
	uint64_t checksum; /* of all of it, with 0 here */
	char set_version[24];
	uint64_t reserved[4];
};

struct image_section {
	uint64_t at, n; /* n: items */
};

/* Behind the block; then the signature. */
struct image_seal {
	char magic[8];
	uint32_t n, reserved;
};

/* What of an index is no array. */
struct image_fixed {
	uint64_t n_used;
	uint32_t bound[3][CLASS_COUNT + 1];
	uint32_t n_shapes, n_columns;
	struct index_text columns[INDEX_COLUMNS];
	struct index_shape shapes[125];
	uint32_t n_templates, n_links; /* of the set */
	uint32_t all_known;            /* no record has more above it than is kept */
	uint64_t slot_seed;            /* of slots, and of the table of uids */
	uint64_t scratch_bytes;        /* image_scratch of the set it is made of */
};

enum image_form { IMAGE_JSON = 0, IMAGE_AVOW, IMAGE_CEDAR };

struct image_file {
	struct index_text name; /* with NUL behind */
	uint32_t at, end; /* its entries, in `packed` */
	uint32_t n_bytes; /* of its text */
	uint32_t form;    /* enum image_form */
};

struct image_policy {
	uint32_t at;   /* its entry, in `packed` */
	uint32_t file; /* IMAGE_PERMIT | number */
};
#define IMAGE_PERMIT (1u << 31)

/* An entry is numbers and parts as pack.h has them: its kind; but for a text alone the number of the policy in its file, and its id (the part 0: the file's name, `#`
 * and the number); of a link the number of the link, and where its template's entry lies; of a policy struct image_entry from `gap` on. Then a text, unless it is a
 * place. */
enum image_entry_kind {
	ENTRY_TEXT = 0, /* what is between policies, or JSON */
	ENTRY_POLICY,   /* its text, and a few bytes that are before it */
	ENTRY_PLACE,    /* of a policy of JSON */
	ENTRY_LINK,     /* behind all files */
};

struct image_entry {
	uint32_t kind, number;
	size_t id;     /* where the part lies in `packed` */
	uint32_t gap;  /* bytes of the text that are before the policy */
	uint32_t line, col; /* lines before it, characters before it on its line */
	uint32_t head_line, head_col, head_len; /* of its effect word: lines after `line`; characters */
	uint32_t link, body;
	size_t text;
};
#define IMAGE_GAP_BYTES 256u /* what is longer is an entry of its own */

struct image_link {
	struct index_text type[2], id[2]; /* an empty type: not bound */
};

struct image_uid {
	struct index_text type, id;
};

/* An entity; its number is its uid's. */
struct image_record {
	uint32_t attrs, tags; /* in `values` */
	uint32_t parents, n_parents;
	uint32_t above, n_above; /* all that is above it, sorted; UINT32_MAX: more than is kept */
	uint32_t from;           /* in `origins`; UINT32_MAX: nowhere */
};

/* Sections that are no array of the index; those follow. */
#define IMAGE_SECTIONS(SECTION) \
	SECTION(fixed, struct image_fixed, "head") \
	SECTION(files, struct image_file, "text") \
	SECTION(policies, struct image_policy, "policies") \
	SECTION(links, struct image_link, "policies") \
	SECTION(eager, uint32_t, "policies") /* read when it is opened */ \
	SECTION(actions, struct image_uid, "names") \
	SECTION(uids, struct image_uid, "entities") /* those of records first */ \
	SECTION(uid_table, uint32_t, "entities") /* number plus one; 0: free */ \
	SECTION(records, struct image_record, "entities") \
	SECTION(parents, uint32_t, "entities") \
	SECTION(above, uint32_t, "entities") \
	SECTION(values, uint32_t, "entities' values") \
	SECTION(origins, struct index_text, "entities") /* files' names, NUL behind */ \
	SECTION(strings, char, "strings") \
	SECTION(shape_ends, uint32_t, "text") \
	SECTION(shapes, char, "text") \
	SECTION(word_ends, uint32_t, "text") \
	SECTION(words, char, "text") \
	SECTION(packed, char, "text")

enum image_section_number {
#define SECTION(member, type, name) IMAGE_AT_##member,
	IMAGE_SECTIONS(SECTION)
#undef SECTION
	IMAGE_OWN_SECTIONS
};

/* The arrays of an index, from index_parts.def. */
struct image_part {
	const char *name;
	size_t member, count, item; /* offsets in struct policy_index; bytes */
};
extern const struct image_part image_parts[];
extern const size_t image_n_parts;
/* What each of its own sections is: `member` and `count` are 0. */
extern const struct image_part image_own[IMAGE_OWN_SECTIONS];

struct image {
	struct file_bytes bytes;
	const struct image_section *sections;
#define SECTION(member, type, name) \
	const type *member; \
	size_t n_##member;
	IMAGE_SECTIONS(SECTION)
#undef SECTION
	struct packed texts; /* sections of its */
	const uint32_t *rank; /* the index's: policies in the order of their ids */
	const char **names; /* of files */
	const char **from; /* one for each of `origins` */
	struct entities *layer; /* of `records`; NULL: there are none */
	/* Of all below, but to read what is there; and of the set's arena. */
	pthread_mutex_t lock;
	_Atomic(const struct policy_instance *) *thawed; /* pages: of a large image most stay as they are */
	_Atomic(const struct str *) *ids; /* the same */
	size_t bytes_thawed, bytes_ids;
	struct str *files_read; /* texts; p NULL: not yet */
	const struct ast **whole; /* files of JSON */
};

/* A block that is not in one piece: what lies at each place of it, in order, from 0 on; between them are zeros, up to where IMAGE_ALIGN lets the next begin. */
struct image_lying {
	struct str s;
	size_t at;
};

/* What is signed. */
bool image_message(struct str block, struct buf *ret, struct error *reterr)
    MUST_USE;
/* The same of its SHA-256. */
bool image_message_of(const uint8_t digest[32], struct buf *ret,
    struct error *reterr) MUST_USE;
uint32_t image_layout(void);
/* Of a block that begins with a head, whose own checksum does not count: image_sum.c. */
uint64_t image_checksum(struct str block);
/* The head is all in the first part. */
uint64_t image_checksum_of(
    const struct image_lying *parts, size_t n_parts, size_t bytes);
/* How large the parts are, for people; `bytes`: of all, with a signature. */
void image_print_parts(
    const struct image_section *sections, uint64_t bytes, struct buf *out);
/* In `strings`; empty where it lies outside. */
struct str image_text(const struct image *im, struct index_text t);

/* image_text.c: what lies in `packed`. False where its numbers are none. */
bool image_entry_at(
    const struct packed *of, size_t at, struct image_entry *ret) MUST_USE;
/* The entry's text, in `a`: at most `most` bytes. False, too, when memory is out. */
bool image_entry_text(const struct packed *of, const struct image_entry *e,
    struct arena *a, size_t most, struct str *ret) MUST_USE;
/* Its id, which is `of_file#number` where it is not said; in `a`. */
bool image_entry_id(const struct packed *of, const struct image_entry *e,
    const char *of_file, struct arena *a, struct str *ret) MUST_USE;
/* A file's whole text, made when it is asked for first, and kept. Thread-safe. False where it is none, or memory is out. */
bool image_file_text(
    const struct policy_set *set, uint32_t i, struct str *ret) MUST_USE;
/* The same for who has the image's lock. */
bool image_file_text_locked(
    const struct policy_set *set, uint32_t i, struct str *ret) MUST_USE;

/* thaw.c: the tree of policy `i`; NULL when its text cannot be read or memory is out. Thread-safe. */
const struct policy_instance *image_instance(
    const struct policy_set *set, uint32_t i);
/* The same for a decision: what is not kept already lies in `scratch`. Cost then: parsing the policy, about 15,000 instructions for one of 150 bytes. */
const struct policy_instance *image_instance_in(
    const struct policy_set *set, uint32_t i, struct arena *scratch);
/* Its texts and data, as policy_set_add_path adds files. */
bool image_add(struct policy_set *to, const char *path,
    struct errors *reterr) MUST_USE;
/* Errors: memory. */
bool image_actions(const struct image *im, struct arena *a,
    const struct uid **ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* By their ids. */
int image_compare(const struct image *im, uint32_t x, uint32_t y);
/* Its id is made when it is asked for first, and kept; p is NULL where it cannot be. Thread-safe. */
struct policy_info image_info(const struct policy_set *set, uint32_t i);
/* scratch.c: policy_set_scratch for the image that is made of a set. */
size_t image_scratch(const struct policy_set *set);
/* A policy's text that is longer is read when the image is opened. */
#define IMAGE_LONG_BYTES 65536u
/* False when one of them cannot be made. */
bool image_thaw_eager(const struct policy_set *set) MUST_USE;
/* A small image's policies, and those whose trees decisions evaluate where they are not too many, so that no decision has to. What cannot be read stays so, and denies
 * when it is asked for. 1,000 take about 5 ms. */
#define IMAGE_THAW_AHEAD 1000u
#define IMAGE_THAW_TREES 20000u
void image_thaw_ahead(
    const struct policy_set *set, const struct index_tree *trees, size_t n);
/* image_entities.c: `records` as a layer. It is used where it lies, and ends with the image. Errors: memory. */
bool image_layer(
    struct image *im, struct arena *a, struct error *reterr) MUST_USE;
/* It lies in its set's arena. */
void image_fini(struct image *im);

/* An index whose arrays are the image's. Errors: ERR_FILE_IMAGE where they cannot be an index's. */
bool image_index(const struct image *im, struct policy_index *ix,
    struct error *reterr) MUST_USE;

#endif
