/* image_files.c - files and policies into an image: their texts packed, entry
 * after entry, as image.h has them. Each text is put together again from what
 * was packed, and held against what it was: an image never holds another text
 * than it was made of. Cost: a few looks at each byte. */
#include <assert.h>

#include "policy/image_make.h"

#define TEXT_BYTES 4096u /* of one entry that is text alone */

struct packing {
	struct making_image *m;
	struct packer *p;
	struct arena *spare; /* of what is put together again */
	uint32_t *entries;   /* of the file: where each policy's lies */
	size_t next;         /* instance whose policy comes next */
	uint32_t n_links;
};

static bool
is_same(struct packing *w, const struct image_entry *e, struct str text)
{
	struct packed view = packer_view(w->p);
	struct arena_mark mark = arena_mark(w->spare);
	struct str again;
	bool ok = image_entry_text(&view, e, w->spare, text.n, &again) &&
		  str_eq(text, again);

	arena_release(w->spare, mark);
	return ok;
}

/* The text of the entry that began at `at`. */
static bool
put_text(struct packing *w, size_t at, struct str text)
{
	struct packed view;
	struct image_entry e;

	pack_text(w->p, text);
	if (!packer_check(w->p))
		return error_nomem(w->m->reterr);
	view = packer_view(w->p);
	if (image_entry_at(&view, at, &e) && is_same(w, &e, text))
		return true;
	return error_set(w->m->reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "a text of the image is not what was packed, or memory ran out");
}

/* Texts alone, as many as it takes. */
static bool
put_texts(struct packing *w, struct str text)
{
	for (size_t from = 0; from < text.n; from += TEXT_BYTES) {
		size_t at = packer_at(w->p);

		pack_number(w->p, ENTRY_TEXT);
		if (!put_text(w, at, str_sub(text, from, from + TEXT_BYTES)))
			return false;
	}
	return true;
}

/* ---- policies -------------------------------------------------------------
 */

/* An id that is told by its place is not written. */
static bool
is_by_place(const struct ast *t, uint32_t policy, struct str id)
{
	char number[16];
	struct buf buf = buf_over(number, sizeof number);
	struct str name = str_of(t->source.file);

	buf_printf(&buf, "#%u", policy);
	return id.n == name.n + buf.n && str_has_prefix(id, name) &&
	       str_has_suffix(id, buf_str(&buf));
}

static void
put_id(struct packing *w, const struct ast *t, uint32_t policy, struct str id)
{
	bool own = !is_by_place(t, policy, id);

	pack_number(w->p, (uint64_t)policy << 1 | own);
	if (own)
		pack_part(w->p, id);
}

/* What the policy is called, unless it is a template: that never decides. */
static void
put_own_id(struct packing *w, const struct ast *t, uint32_t policy)
{
	const struct policy_instance *p;

	if (t->policies[policy].has_slots) {
		pack_number(w->p, (uint64_t)policy << 1);
		return;
	}
	assert(w->next < w->m->set->n_instances);
	p = &w->m->set->instances[w->next++];
	assert(p->ast == t && p->policy == policy);
	put_id(w, t, policy, p->id);
}

static void
put_place(struct packing *w, const struct ast *t, uint32_t policy, uint32_t gap)
{
	const struct ast_policy *body = &t->policies[policy];
	struct span head =
	    source_span(&t->source, body->head_off, body->head_len);
	struct span at = head;

	if (body->off != body->head_off)
		at = source_span(&t->source, body->off, 0);
	pack_number(w->p, gap);
	pack_number(w->p, at.line - 1);
	pack_number(w->p, at.col - 1);
	/* In JSON the word may come last, but not before its policy. */
	pack_number(w->p, head.line - at.line);
	pack_number(w->p, head.col - 1);
	pack_number(w->p, head.len);
}

/* From `from`, where the policy before it ended. */
static bool
put_policy(struct packing *w, const struct ast *t, uint32_t policy, size_t from)
{
	const struct ast_policy *body = &t->policies[policy];
	struct str text = t->source.text;
	size_t gap = body->off - from, at;

	assert(body->off >= from);
	if (gap > IMAGE_GAP_BYTES) {
		if (!put_texts(w, str_sub(text, from, body->off)))
			return false;
		gap = 0;
	}
	at = packer_at(w->p);
	w->entries[policy] = (uint32_t)at;
	pack_number(w->p, ENTRY_POLICY);
	put_own_id(w, t, policy);
	put_place(w, t, policy, (uint32_t)gap);
	return put_text(w, at,
	    str_sub(text, body->off - gap, (size_t)body->off + body->len));
}

static bool
put_text_file(struct packing *w, const struct ast *t)
{
	size_t from = 0;

	for (uint32_t j = 0; j < t->n_policies; j++) {
		if (!put_policy(w, t, j, from))
			return false;
		from = (size_t)t->policies[j].off + t->policies[j].len;
	}
	return put_texts(w, str_sub(t->source.text, from, t->source.text.n));
}

/* A file of JSON is read whole: its text, then where its policies are. */
static bool
put_json_file(struct packing *w, const struct ast *t)
{
	if (!put_texts(w, t->source.text))
		return false;
	for (uint32_t j = 0; j < t->n_policies; j++) {
		w->entries[j] = (uint32_t)packer_at(w->p);
		pack_number(w->p, ENTRY_PLACE);
		put_own_id(w, t, j);
		put_place(w, t, j, 0);
	}
	return true;
}

/* ---- files ----------------------------------------------------------------
 */

static enum image_form
form_of(const struct ast *t)
{
	if (t->is_json)
		return IMAGE_JSON;
	return t->is_cedar ? IMAGE_CEDAR : IMAGE_AVOW;
}

static bool
put_file(struct packing *w, const struct ast *t, uint32_t **ret_entries)
{
	struct image_file f = { .form = form_of(t),
		.n_bytes = (uint32_t)t->source.text.n,
		.at = (uint32_t)packer_at(w->p) };

	w->entries = ARENA_ARRAY(w->m->a, t->n_policies, uint32_t);
	if (!w->entries)
		return error_nomem(w->m->reterr);
	if (!(t->is_json ? put_json_file(w, t) : put_text_file(w, t)))
		return false;
	f.end = (uint32_t)packer_at(w->p);
	f.name = image_add_name(w->m, t->source.file);
	IMAGE_ADD(&w->m->own[IMAGE_AT_files], f);
	*ret_entries = w->entries;
	return true;
}

/* Policies come file after file, links after them: look from the last. */
static uint32_t
file_of(const struct making_image *m, const struct ast *t, uint32_t from)
{
	uint32_t n = (uint32_t)m->set->n_files;

	while (m->set->files[from] != t)
		from = from + 1 == n ? 0 : from + 1;
	return from;
}

/* Its own id, and the template's entry. */
static uint32_t
put_link(struct packing *w, const struct policy_instance *p, uint32_t body)
{
	uint32_t at = (uint32_t)packer_at(w->p);

	pack_number(w->p, ENTRY_LINK);
	put_id(w, p->ast, p->policy, p->id);
	pack_number(w->p, w->n_links++);
	pack_number(w->p, body);
	return at;
}

static void
add_policies(struct packing *w, uint32_t *const *entries)
{
	uint32_t file = 0;

	for (size_t i = 0; i < w->m->set->n_instances; i++) {
		const struct policy_instance *p = &w->m->set->instances[i];
		struct image_policy to;

		file = file_of(w->m, p->ast, file);
		to = (struct image_policy){ entries[file][p->policy], file };
		if (p->ast->policies[p->policy].word == WORD_PERMIT)
			to.file |= IMAGE_PERMIT;
		if (p->is_link)
			to.at = put_link(w, p, to.at);
		IMAGE_ADD(&w->m->own[IMAGE_AT_policies], to);
	}
}

static bool
add_all(struct packing *w)
{
	const struct policy_set *set = w->m->set;
	uint32_t **entries = ARENA_ARRAY(w->m->a, set->n_files, uint32_t *);

	if (!entries)
		return error_nomem(w->m->reterr);
	for (size_t i = 0; i < set->n_files; i++)
		if (!put_file(w, set->files[i], &entries[i]))
			return false;
	add_policies(w, entries);
	if (!packer_check(w->p))
		return error_nomem(w->m->reterr);
	if (packer_at(w->p) < UINT32_MAX)
		return true;
	return error_set(w->m->reterr, ERR_LIMIT_SIZE, SPAN_NONE,
	    "the texts of an image are at most 4 GiB when they are packed");
}

bool
image_add_files(struct making_image *m)
{
	struct packing w = { .m = m, .spare = arena_new(0) };
	bool ok;

	w.p = m->packer = packer_new(m->a);
	ok = w.spare && w.p ? add_all(&w) : error_nomem(m->reterr);
	arena_free(w.spare);
	return ok;
}

struct str
image_packed_at(const struct making_image *m, size_t section)
{
	struct packed p = packer_view(m->packer);

	switch (section) {
	case IMAGE_AT_shape_ends:
		return (struct str){ (const char *)p.shape_ends,
			p.n_shape_ends * sizeof *p.shape_ends };
	case IMAGE_AT_shapes:
		return (struct str){ p.shapes, p.n_shapes };
	case IMAGE_AT_word_ends:
		return (struct str){ (const char *)p.word_ends,
			p.n_word_ends * sizeof *p.word_ends };
	case IMAGE_AT_words:
		return (struct str){ p.words, p.n_words };
	default:
		return (struct str){ p.bytes, p.n_bytes };
	}
}
