/* image.c - open an image: is it one, is it whole, does each array lie inside?
 * The head says which version, byte order and layout wrote it; a checksum over
 * all says that nothing was lost on the way. Neither is a defence: a signature
 * is, and is asked for where the caller names a verifier; the file is then
 * copied first, so that what was verified is what is used. What the arrays say
 * is not believed here: see image.h. Cost: reading the file once, at the speed
 * of memory, and O(files). */
#include "policy/image.h"

#include <inttypes.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/pages.h"

#define SIGNED "avow-image-v1"

const struct image_part image_own[IMAGE_OWN_SECTIONS] = {
#define SECTION(member, type, name) { name, 0, 0, sizeof(type) },
	IMAGE_SECTIONS(SECTION)
#undef SECTION
};

#define MEMBER(member) sizeof(*((struct policy_index *)0)->member)
const struct image_part image_parts[] = {
#define PART(member, count, name)                                              \
	{ name, offsetof(struct policy_index, member),                         \
		offsetof(struct policy_index, count), MEMBER(member) },
#include "policy/index_parts.def"
#undef PART
};
const size_t image_n_parts = ARRAY_LEN(image_parts);

static const struct image_part *
part_at(size_t i)
{
	return i < IMAGE_OWN_SECTIONS ? &image_own[i]
				      : &image_parts[i - IMAGE_OWN_SECTIONS];
}

/* Changes with the size of any item and with their order. */
uint32_t
image_layout(void)
{
	uint64_t h = INDEX_K1;

	for (size_t i = 0; i < IMAGE_OWN_SECTIONS + image_n_parts; i++)
		h = index_mix(h ^ part_at(i)->item, INDEX_K2 ^ i);
	return (uint32_t)(h ^ h >> 32);
}

struct str
image_text(const struct image *im, struct index_text t)
{
	return index_text_of(im->strings, im->n_strings, t);
}

bool
policy_is_image(struct str text)
{
	return str_has_prefix(text, STR(IMAGE_MAGIC));
}

bool
policy_path_is_image(const char *path)
{
	return file_begins(path, STR(IMAGE_MAGIC));
}

static bool
refuse(struct error *reterr, const char *path, const char *why)
{
	return error_set(reterr, ERR_FILE_IMAGE, (struct span){ .file = path },
	    "the image `%s` is not used: %s", path, why);
}

/* ---- head and sections ----------------------------------------------------
 */

static bool
check_head(struct str all, const char *path, struct image_head *ret,
    struct error *reterr)
{
	if (!policy_is_image(all))
		return refuse(reterr, path, "it is no image");
	if (all.n < sizeof *ret)
		return refuse(reterr, path, "it is cut short");
	memcpy(ret, all.p, sizeof *ret);
	if (ret->order != IMAGE_ORDER)
		return refuse(reterr, path,
		    "it was compiled on a machine of another byte order");
	if (ret->version != IMAGE_VERSION || ret->layout != image_layout() ||
	    ret->n_sections != IMAGE_OWN_SECTIONS + image_n_parts) {
		(void)refuse(reterr, path,
		    "another version of this program compiled it");
		error_hint(reterr, "compile the policies again");
		return false;
	}
	if (ret->n_bytes > all.n || ret->n_bytes % IMAGE_ALIGN ||
	    ret->n_bytes <
		sizeof *ret + ret->n_sections * sizeof(struct image_section))
		return refuse(reterr, path, "it is cut short");
	all.n = ret->n_bytes;
	if (image_checksum(all) != ret->checksum)
		return refuse(reterr, path,
		    "its checksum is wrong, so it was cut or altered");
	if (!memchr(ret->set_version, '\0', sizeof ret->set_version))
		return refuse(reterr, path, "its version is not text");
	return true;
}

static bool
section_fits(const struct image_section *s, size_t item, size_t n_bytes)
{
	uint64_t size;

	return s->at % IMAGE_ALIGN == 0 && s->at <= n_bytes &&
	       !__builtin_mul_overflow(s->n, (uint64_t)item, &size) &&
	       size <= n_bytes - s->at;
}

/* Of the index's arrays, the one that policies are told apart by. */
static size_t
rank_section(void)
{
	size_t i = 0;

	while (image_parts[i].member != offsetof(struct policy_index, rank))
		i++;
	return IMAGE_OWN_SECTIONS + i;
}

static bool
take_sections(struct image *im, const struct image_head *head, const char *path,
    struct error *reterr)
{
	const char *p = im->bytes.text.p;

	im->sections = (const void *)(p + sizeof *head);
	for (size_t i = 0; i < head->n_sections; i++)
		if (!section_fits(
			&im->sections[i], part_at(i)->item, head->n_bytes))
			return refuse(reterr, path, "it has no such place");
#define SECTION(member, type, name)                                            \
	im->member = (const void *)(p + im->sections[IMAGE_AT_##member].at);   \
	im->n_##member = im->sections[IMAGE_AT_##member].n;
	IMAGE_SECTIONS(SECTION)
#undef SECTION
	im->rank = (const void *)(p + im->sections[rank_section()].at);
	if (im->sections[rank_section()].n != im->n_policies)
		return refuse(reterr, path, "its policies have no order");
	if (im->n_fixed != 1 || im->n_policies > LIMIT_POLICIES ||
	    im->n_uids >= INTERN_NONE || im->n_records > im->n_uids ||
	    im->n_strings > UINT32_MAX || im->n_packed > UINT32_MAX)
		return refuse(reterr, path, "its numbers are too large");
	im->texts = (struct packed){ im->packed, im->shape_ends, im->shapes,
		im->word_ends, im->words, im->n_packed, im->n_shape_ends,
		im->n_shapes, im->n_word_ends, im->n_words };
	return true;
}

/* ---- the signature ---------------------------------------------------------
 */

/* What is behind the block: nothing, or one signature. */
static bool
find_seal(struct str all, size_t n_bytes, const char *path,
    struct str *ret_signature, struct error *reterr)
{
	struct image_seal seal;
	size_t left = all.n - n_bytes;

	*ret_signature = (struct str){ 0 };
	if (left == 0)
		return true;
	if (left < sizeof seal)
		return refuse(reterr, path, "it is cut short");
	memcpy(&seal, all.p + n_bytes, sizeof seal);
	if (memcmp(seal.magic, IMAGE_SEAL_MAGIC, sizeof seal.magic) != 0 ||
	    seal.n != left - sizeof seal)
		return refuse(reterr, path, "what follows it is no signature");
	*ret_signature = (struct str){ all.p + n_bytes + sizeof seal, seal.n };
	return true;
}

/* The name keeps this apart from all else that a key may sign. */
bool
image_message_of(
    const uint8_t digest[32], struct buf *ret, struct error *reterr)
{
	buf_add(ret, (struct str){ SIGNED, sizeof SIGNED });
	buf_add(ret, (struct str){ (const char *)digest, 32 });
	return buf_ok(ret) || error_nomem(reterr);
}

bool
image_message(struct str block, struct buf *ret, struct error *reterr)
{
	uint8_t digest[32];

	if (!digest_sha256(&block, 1, digest))
		return error_set(
		    reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "SHA-256 failed");
	return image_message_of(digest, ret, reterr);
}

static bool
check_signature(struct str all, const struct image_head *head, const char *path,
    const struct policy_verifier *verifier, struct error *reterr)
{
	struct buf message = { 0 };
	struct error why = { 0 };
	struct str signature;
	bool ok;

	if (!find_seal(all, head->n_bytes, path, &signature, reterr))
		return false;
	if (!verifier)
		return true;
	if (signature.n == 0)
		return error_set(reterr, ERR_FILE_SIGNATURE,
		    (struct span){ .file = path },
		    "the image `%s` is not used: it is not signed", path);
	ok =
	    image_message(str_sub(all, 0, head->n_bytes), &message, reterr) &&
	    verifier->verify(verifier->ctx, buf_str(&message), signature, &why);
	buf_free(&message);
	return ok || error_set(reterr, ERR_FILE_SIGNATURE,
			 (struct span){ .file = path },
			 "the image `%s` is not used: no trusted key signed it",
			 path);
}

/* ---- what is made of it ----------------------------------------------------
 */

/* A C string. */
static bool
is_name(const struct image *im, struct str name)
{
	return name.p &&
	       name.n < (size_t)(im->strings + im->n_strings - name.p) &&
	       !memchr(name.p, '\0', name.n) && name.p[name.n] == '\0';
}

static bool
make_origins(
    struct image *im, struct arena *a, const char *path, struct error *reterr)
{
	im->from = ARENA_ARRAY(a, im->n_origins, const char *);
	if (!im->from)
		return error_nomem(reterr);
	for (size_t i = 0; i < im->n_origins; i++) {
		struct str name = image_text(im, im->origins[i]);

		if (!is_name(im, name))
			return refuse(reterr, path, "data in it has no file");
		im->from[i] = name.p;
	}
	return true;
}

static bool
make_names(
    struct image *im, struct arena *a, const char *path, struct error *reterr)
{
	im->names = ARENA_ARRAY(a, im->n_files, const char *);
	if (!im->names)
		return error_nomem(reterr);
	for (size_t i = 0; i < im->n_files; i++) {
		struct str name = image_text(im, im->files[i].name);

		if (!is_name(im, name))
			return refuse(reterr, path, "a file in it has no name");
		im->names[i] = name.p;
	}
	return true;
}

/* Only what is used of them is ever there. */
static bool
make_pages(struct image *im)
{
	im->bytes_thawed = im->n_policies * sizeof *im->thawed;
	im->bytes_ids = im->n_policies * sizeof *im->ids;
	im->thawed = pages_new(im->bytes_thawed);
	im->ids = pages_new(im->bytes_ids);
	return im->n_policies == 0 || (im->thawed && im->ids);
}

static bool
make_tables(
    struct image *im, struct arena *a, const char *path, struct error *reterr)
{
	im->files_read = ARENA_ARRAY(a, im->n_files, struct str);
	im->whole = ARENA_ARRAY(a, im->n_files, const struct ast *);
	if (!im->files_read || !im->whole || !make_pages(im))
		return error_nomem(reterr);
	return make_origins(im, a, path, reterr) &&
	       image_layer(im, a, reterr) && make_names(im, a, path, reterr);
}

void
image_fini(struct image *im)
{
	if (!im)
		return;
	file_bytes_free(&im->bytes);
	pages_free(im->thawed, im->bytes_thawed);
	pages_free(im->ids, im->bytes_ids);
	(void)pthread_mutex_destroy(&im->lock);
}

static bool
fill_set(struct policy_set *set, const char *path,
    const struct policy_verifier *verifier, struct error *reterr)
{
	struct image *im = set->image;
	struct image_head head;

	if (!file_bytes_open(
		path, verifier != NULL, UINT32_MAX, &im->bytes, reterr) ||
	    !check_head(im->bytes.text, path, &head, reterr) ||
	    !check_signature(im->bytes.text, &head, path, verifier, reterr) ||
	    !take_sections(im, &head, path, reterr) ||
	    !make_tables(im, set->arena, path, reterr))
		return false;
	memcpy(set->version, head.set_version, sizeof set->version - 1);
	set->n_instances = im->n_policies;
	set->n_templates = im->fixed->n_templates;
	set->n_links = im->fixed->n_links;
	if (!image_thaw_eager(set))
		return refuse(reterr, path, "a policy in it cannot be read");
	set->finished = true;
	return true;
}

bool
policy_image_open(const char *path, const struct policy_verifier *verifier,
    struct policy_set **ret, struct error *reterr)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct image *im = set ? ARENA_NEW(set->arena, struct image) : NULL;
	bool ok;

	if (im && pthread_mutex_init(&im->lock, NULL) == 0)
		set->image = im;
	ok = set && set->image ? fill_set(set, path, verifier, reterr)
			       : error_nomem(reterr);
	if (ok)
		*ret = set;
	else
		policy_set_free(set);
	return ok;
}

size_t
policy_image_bytes(const struct policy_set *set)
{
	return set->image ? set->image->bytes.text.n : 0;
}

int
image_compare(const struct image *im, uint32_t x, uint32_t y)
{
	return (im->rank[x] > im->rank[y]) - (im->rank[x] < im->rank[y]);
}

bool
image_actions(const struct image *im, struct arena *a, const struct uid **ret,
    size_t *ret_n, struct error *reterr)
{
	struct uid *uids = ARENA_ARRAY(a, im->n_actions, struct uid);

	if (!uids)
		return error_nomem(reterr);
	for (size_t i = 0; i < im->n_actions; i++) {
		uids[i].type = image_text(im, im->actions[i].type);
		uids[i].id = image_text(im, im->actions[i].id);
	}
	*ret = uids;
	*ret_n = im->n_actions;
	return true;
}

/* ---- adding an image's texts to a set ---------------------------------------
 */

static bool
add_text(struct policy_set *to, const struct policy_set *from, uint32_t i,
    const char *path, struct errors *reterr)
{
	const struct image *im = from->image;
	struct str text;

	if (!image_file_text(from, i, &text)) {
		(void)errors_add(reterr, ERR_FILE_IMAGE,
		    (struct span){ .file = path },
		    "the text of `%s` cannot be read from the image",
		    im->names[i]);
		return false;
	}
	if (im->files[i].form == IMAGE_JSON)
		return policy_set_add_json(to, im->names[i], text, reterr);
	return policy_set_add_text(to, im->names[i], text,
	    im->files[i].form == IMAGE_CEDAR ? POLICY_CEDAR : POLICY_AVOW,
	    reterr);
}

static bool
add_texts(struct policy_set *to, const struct policy_set *from,
    const char *path, struct errors *reterr)
{
	bool ok = true;

	for (uint32_t i = 0; i < from->image->n_files; i++)
		ok = add_text(to, from, i, path, reterr) && ok;
	return ok;
}

/* As JSON again: one text for each file that they are of. */
static bool
add_data(struct policy_set *to, const struct image *im)
{
	bool ok = true;

	for (size_t i = 0; ok && im->layer && i < im->n_records;) {
		uint32_t from = im->records[i].from;
		struct policy_data data = {
			.file = from < im->n_origins ? im->from[from] : ""
		};
		struct buf text = { 0 };

		ok = entities_write(im->layer, &i, &text);
		data.file = str_z(to->arena, str_of(data.file));
		data.text = str_dup(to->arena, buf_str(&text));
		buf_free(&text);
		ok = ok && data.file && data.text.p &&
		     ARENA_PUSH_ROOM(
			 to->arena, to->data, to->n_data, to->cap_data);
		if (ok)
			to->data[to->n_data++] = data;
	}
	return ok;
}

bool
image_add(struct policy_set *to, const char *path, struct errors *reterr)
{
	struct policy_set *from;
	struct error e = { 0 };
	bool ok;

	if (!policy_image_open(path, to->verifier, &from, &e))
		return errors_take(reterr, &e);
	ok = add_texts(to, from, path, reterr);
	if (!add_data(to, from->image))
		ok = errors_nomem(reterr);
	policy_set_free(from);
	return ok;
}

size_t
policy_set_data(const struct policy_set *set, const struct policy_data **ret)
{
	*ret = set->data;
	return set->n_data;
}

const struct entities *
policy_set_entities(const struct policy_set *set)
{
	return set->image ? set->image->layer : NULL;
}

void
policy_set_verifier(
    struct policy_set *set, const struct policy_verifier *verifier)
{
	set->verifier = verifier;
}

/* ---- for people -------------------------------------------------------------
 */

void
image_print_parts(
    const struct image_section *sections, uint64_t bytes, struct buf *out)
{
	size_t n = IMAGE_OWN_SECTIONS + image_n_parts;
	uint64_t n_policies = sections[IMAGE_AT_policies].n;

	buf_printf(out, "image: %" PRIu64 " bytes, %" PRIu64 " policies\n",
	    bytes, n_policies);
	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;
		bool is_first = true;

		for (size_t k = 0; k < n; k++) {
			if (strcmp(part_at(i)->name, part_at(k)->name) != 0)
				continue;
			is_first = is_first && k >= i;
			sum += sections[k].n * part_at(k)->item;
		}
		if (is_first)
			buf_printf(out,
			    "  %-16s %12" PRIu64 " %8.1f a policy\n",
			    part_at(i)->name, sum,
			    n_policies ? (double)sum / (double)n_policies
				       : 0.0);
	}
}
