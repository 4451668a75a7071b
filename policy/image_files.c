/* image_files.c - files and policies into an image: their texts packed, entry
 * after entry, as image.h has them. Each text is put together again from what
 * was packed, and held against what it was: an image never holds another text
 * than it was made of. All of it is done beside the index, by a thread of its
 * own where there is much. Cost: a few looks at each byte. */
#include "policy/image_make.h"

#include <assert.h>
#include <unistd.h>

#define TEXT_BYTES 4096u              /* of one entry that is text alone */
#define APART_BYTES ((size_t)1 << 20) /* what is less is not worth a thread */

struct image_packing {
	struct making_image *m; /* what it does not share, until it is joined */
	pthread_t thread;
	bool is_apart, ok;
	struct error error;
	struct arena *a;
	struct packer *p;
	char *room; /* of what is put together again */
	size_t n_room;
	uint32_t *entries; /* of the file: where each policy's lies */
	size_t next;       /* instance whose policy comes next */
	uint32_t line;     /* of the file: where the last place was */
	uint32_t n_links;
};

/* To put a text together in; NULL when memory is out. */
static char *
room_for(struct image_packing *w, size_t n)
{
	if (n > w->n_room || !w->room) {
		w->n_room = n * 2 + 1;
		w->room = arena_alloc(w->a, w->n_room);
	}
	return w->room;
}

static bool
is_same(struct image_packing *w, size_t at, struct str text)
{
	struct packed view = packer_view(w->p);
	struct image_entry e;
	struct unpacking u = { .of = &view };
	struct unpacked to = { .p = room_for(w, text.n), .room = text.n };

	if (!to.p || !image_entry_at(&view, at, &e))
		return false;
	u.at = e.text;
	return unpack_text(&u, &to) && u.at == view.n_bytes &&
	       str_eq(text, (struct str){ to.p, to.n });
}

/* The text of the entry that began at `at`. */
static bool
put_text(struct image_packing *w, size_t at, struct str text)
{
	pack_text(w->p, text);
	if (!packer_check(w->p))
		return error_nomem(&w->error);
	if (is_same(w, at, text))
		return true;
	return error_set(&w->error, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "a text of the image is not what was packed, or memory ran out");
}

/* Texts alone, as many as it takes. */
static bool
put_texts(struct image_packing *w, struct str text)
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
	struct str name = str_of(t->source.file);
	struct str digits = str_sub(id, name.n + 1, id.n);
	uint64_t number;

	return str_has_prefix(id, name) && id.n > name.n &&
	       id.p[name.n] == '#' && str_to_u64(digits, UINT32_MAX, &number) &&
	       number == policy && (digits.p[0] != '0' || digits.n == 1);
}

static void
put_id(struct image_packing *w, const struct ast *t, uint32_t policy,
    struct str id)
{
	bool own = !is_by_place(t, policy, id);

	pack_number(w->p, (uint64_t)policy << 1 | own);
	if (own)
		pack_part(w->p, id);
}

/* What the policy is called, unless it is a template: that never decides. */
static void
put_own_id(struct image_packing *w, const struct ast *t, uint32_t policy)
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
put_place(
    struct image_packing *w, const struct ast *t, uint32_t policy, uint32_t gap)
{
	const struct ast_policy *body = &t->policies[policy];
	struct span at =
	    source_span_after(&t->source, body->off, body->head_len, &w->line);
	struct span head = at;

	if (body->off != body->head_off)
		head = source_span_after(
		    &t->source, body->head_off, body->head_len, &w->line);
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
put_policy(
    struct image_packing *w, const struct ast *t, uint32_t policy, size_t from)
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
put_text_file(struct image_packing *w, const struct ast *t)
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
put_json_file(struct image_packing *w, const struct ast *t)
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
put_file(struct image_packing *w, const struct ast *t, uint32_t **ret_entries)
{
	struct image_file f = { .form = form_of(t),
		.n_bytes = (uint32_t)t->source.text.n,
		.at = (uint32_t)packer_at(w->p) };

	w->line = 0;
	w->entries = ARENA_ARRAY(w->a, t->n_policies, uint32_t);
	if (!w->entries)
		return error_nomem(&w->error);
	if (!(t->is_json ? put_json_file(w, t) : put_text_file(w, t)))
		return false;
	f.end = (uint32_t)packer_at(w->p);
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
put_link(
    struct image_packing *w, const struct policy_instance *p, uint32_t body)
{
	uint32_t at = (uint32_t)packer_at(w->p);

	pack_number(w->p, ENTRY_LINK);
	put_id(w, p->ast, p->policy, p->id);
	pack_number(w->p, w->n_links++);
	pack_number(w->p, body);
	return at;
}

static void
add_policies(struct image_packing *w, uint32_t *const *entries)
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
add_all(struct image_packing *w)
{
	const struct policy_set *set = w->m->set;
	uint32_t **entries = ARENA_ARRAY(w->a, set->n_files, uint32_t *);

	if (!entries)
		return error_nomem(&w->error);
	for (size_t i = 0; i < set->n_files; i++)
		if (!put_file(w, set->files[i], &entries[i]))
			return false;
	add_policies(w, entries);
	if (!packer_check(w->p))
		return error_nomem(&w->error);
	if (packer_at(w->p) < UINT32_MAX)
		return true;
	return error_set(&w->error, ERR_LIMIT_SIZE, SPAN_NONE,
	    "the texts of an image are at most 4 GiB when they are packed");
}

/* What else is told by all policies, while the index is not done. */
static bool
look_at_all(struct image_packing *w)
{
	struct making_image *m = w->m;

	m->scratch_bytes = image_scratch(m->set);
	image_add_eager(m);
	return policy_set_actions(
	    m->set, w->a, &m->actions, &m->n_actions, &w->error);
}

static void *
pack_all(void *arg)
{
	struct image_packing *w = arg;

	w->ok =
	    add_all(w) && look_at_all(w) && image_lay_packed(w->m, &w->error);
	return NULL;
}

static bool
is_worth_a_thread(const struct policy_set *set)
{
	size_t bytes = 0;

	for (size_t i = 0; i < set->n_files; i++)
		bytes += set->files[i]->source.text.n;
	return bytes >= APART_BYTES && sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

bool
image_pack_begin(struct making_image *m)
{
	struct image_packing *w = ARENA_NEW(m->a, struct image_packing);

	if (!w)
		return error_nomem(m->reterr);
	m->packing = w;
	w->m = m;
	w->a = arena_new(0);
	w->p = w->a ? packer_new(w->a) : NULL;
	if (!w->p)
		return error_nomem(m->reterr);
	w->is_apart = is_worth_a_thread(m->set) &&
		      pthread_create(&w->thread, NULL, pack_all, w) == 0;
	if (!w->is_apart)
		(void)pack_all(w);
	return true;
}

static void
join(struct image_packing *w)
{
	if (w->is_apart)
		(void)pthread_join(w->thread, NULL);
	w->is_apart = false;
}

/* Names lie with strings that others add, too. */
static void
name_files(struct making_image *m)
{
	struct image_file *files = (void *)m->own[IMAGE_AT_files].p;

	for (size_t i = 0; i < m->set->n_files; i++)
		files[i].name =
		    image_add_name(m, m->set->files[i]->source.file);
}

bool
image_pack_end(struct making_image *m)
{
	struct image_packing *w = m->packing;

	join(w);
	if (w->ok && !buf_ok(&m->own[IMAGE_AT_files]))
		return error_nomem(m->reterr);
	if (w->ok)
		name_files(m);
	else if (m->reterr)
		*m->reterr = w->error;
	return w->ok;
}

void
image_pack_free(struct making_image *m)
{
	struct image_packing *w = m->packing;

	if (!w)
		return;
	join(w);
	packer_free(w->p);
	arena_free(w->a);
}

struct str
image_packed_at(const struct making_image *m, size_t section)
{
	struct packed p = packer_view(m->packing->p);

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
