/* image_records.c - a finished bottom layer of entities, as the arrays of an
 * image: what image_entities.c reads. A string that comes again is written
 * once. Cost: linear. */
#include "policy/image_make.h"

#include "base/digest.h"
#include "base/sort.h"

struct writing {
	struct making_image *m;
	const struct entities *layer;
	struct intern *texts;
	struct index_text *text_at;
	size_t n_texts, cap_texts;
	const char *from; /* the last */
	uint32_t n_from;
	bool all_known;
};

static void
put(struct making_image *m, enum image_section_number at, uint32_t word)
{
	IMAGE_ADD(&m->own[at], word);
}

static uint32_t
words_of(const struct making_image *m, enum image_section_number at)
{
	return (uint32_t)(m->own[at].n / sizeof(uint32_t));
}

static bool
keep_text(struct writing *w, struct str s, struct index_text *ret)
{
	uint32_t i = intern_add(w->texts, STR(""), s);

	/* Numbers are given one after the other. */
	if (i == INTERN_NONE || i > w->n_texts)
		return error_nomem(w->m->reterr);
	if (i == w->n_texts) {
		if (!ARENA_PUSH_ROOM(
			w->m->a, w->text_at, w->n_texts, w->cap_texts))
			return error_nomem(w->m->reterr);
		w->text_at[w->n_texts++] = *ret = image_add_text(w->m, s);
		return true;
	}
	*ret = w->text_at[i];
	return true;
}

static bool
put_text(struct writing *w, struct str s)
{
	struct index_text at;

	if (!keep_text(w, s, &at))
		return false;
	put(w->m, IMAGE_AT_values, at.n);
	put(w->m, IMAGE_AT_values, at.at);
	return true;
}

static bool put_value(struct writing *w, const struct value *v);

static bool
put_members(struct writing *w, const struct value *v)
{
	if (v->kind == VALUE_SET)
		for (size_t i = 0; i < v->set.n; i++)
			if (!put_value(w, &v->set.items[i]))
				return false;
	if (v->kind == VALUE_RECORD)
		for (size_t i = 0; i < v->record.n; i++)
			if (!put_text(w, v->record.fields[i].name) ||
			    !put_value(w, &v->record.fields[i].value))
				return false;
	return true;
}

static uint32_t
count_of(const struct value *v)
{
	if (v->kind == VALUE_BOOL)
		return v->boolean;
	if (v->kind == VALUE_SET)
		return (uint32_t)v->set.n;
	return v->kind == VALUE_RECORD ? (uint32_t)v->record.n : 0;
}

static bool
put_value(struct writing *w, const struct value *v)
{
	put(w->m, IMAGE_AT_values, v->kind);
	put(w->m, IMAGE_AT_values, count_of(v));
	switch (v->kind) {
	case VALUE_BOOL:
		return true;
	case VALUE_LONG:
		IMAGE_ADD(&w->m->own[IMAGE_AT_values], v->number);
		return true;
	case VALUE_STRING:
		return put_text(w, v->string);
	case VALUE_ENTITY:
		return put_text(w, v->uid.type) && put_text(w, v->uid.id);
	case VALUE_SET:
	case VALUE_RECORD:
		return put_members(w, v);
	case VALUE_IP:
	case VALUE_DECIMAL:
	case VALUE_DATETIME:
	case VALUE_DURATION:
	case VALUE_VERSION:
	case VALUE_DEBVERSION:
	case VALUE_RPMVERSION:
		return put_text(w, v->text);
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		break;
	}
	return error_set(w->m->reterr, ERR_LIMIT_SIZE, SPAN_NONE,
	    "data that is not known cannot be in an image");
}

/* ---- uids: those of records first -------------------------------------------
 */

static bool
put_uid(struct writing *w, struct uid uid)
{
	struct image_uid at;

	if (!keep_text(w, uid.type, &at.type))
		return false;
	at.id = image_add_text(w->m, uid.id);
	IMAGE_ADD(&w->m->own[IMAGE_AT_uids], at);
	return true;
}

/* Numbers by the layer's ids. */
static bool
number_uids(struct writing *w, uint32_t **ret)
{
	uint32_t n = intern_count(w->layer->ids), next = 0;
	uint32_t *numbers = ARENA_ARRAY(w->m->a, n, uint32_t);

	if (!numbers)
		return error_nomem(w->m->reterr);
	memset(numbers, 0xff, n * sizeof *numbers);
	for (size_t i = 0; i < w->layer->n; i++) {
		const struct record *r = entities_record(w->layer, i);

		numbers[r->id] = next++;
		if (!put_uid(w, r->own.uid))
			return false;
	}
	for (uint32_t id = 0; id < n; id++) {
		struct uid uid;

		if (numbers[id] != UINT32_MAX)
			continue;
		intern_get(w->layer->ids, id, &uid.type, &uid.id);
		numbers[id] = next++;
		if (!put_uid(w, uid))
			return false;
	}
	*ret = numbers;
	return true;
}

/* At most half of it is used. */
static bool
put_table(struct writing *w)
{
	uint64_t seed = w->m->slot_seed;
	uint32_t n = intern_count(w->layer->ids);
	size_t n_table = (size_t)n * 2 + 2;
	uint32_t *table = ARENA_ARRAY(w->m->a, n_table, uint32_t);
	const uint32_t *numbers = w->m->numbers;

	if (!table)
		return error_nomem(w->m->reterr);
	for (uint32_t id = 0; id < n; id++) {
		struct uid uid;
		size_t at;

		intern_get(w->layer->ids, id, &uid.type, &uid.id);
		at = index_place(index_hash_uid(seed, uid), n_table);
		while (table[at])
			at = at + 1 == n_table ? 0 : at + 1;
		table[at] = numbers[id] + 1;
	}
	buf_add(&w->m->own[IMAGE_AT_uid_table],
	    (struct str){ (const char *)table, n_table * sizeof *table });
	return true;
}

/* ---- records
 * -----------------------------------------------------------------
 */

static bool
put_above(struct writing *w, const struct record *r, struct image_record *to)
{
	struct above above;
	enum above_how how;
	uint32_t *ids;

	/* The bottom layer needs no memory to tell. */
	if (!entities_above(w->layer, r->own.uid, w->m->a, &how, &above))
		return error_nomem(w->m->reterr);
	to->above = words_of(w->m, IMAGE_AT_above);
	to->n_above = UINT32_MAX;
	w->all_known = w->all_known && how == ABOVE_IDS;
	if (how != ABOVE_IDS)
		return true;
	ids = ARENA_ARRAY(w->m->a, above.n, uint32_t);
	if (!ids)
		return error_nomem(w->m->reterr);
	for (uint32_t i = 0; i < above.n; i++)
		ids[i] = w->m->numbers[above.ids[i]];
	to->n_above = (uint32_t)sort_unique(ids, above.n);
	buf_add(&w->m->own[IMAGE_AT_above],
	    (struct str){ (const char *)ids, to->n_above * sizeof *ids });
	return true;
}

/* Records of one file follow on one another. */
static uint32_t
from_of(struct writing *w, const char *from)
{
	struct index_text at;

	if (!from)
		return UINT32_MAX;
	if (w->from && strcmp(from, w->from) == 0)
		return w->n_from - 1;
	at = image_add_name(w->m, from);
	IMAGE_ADD(&w->m->own[IMAGE_AT_origins], at);
	w->from = from;
	return w->n_from++;
}

static bool
put_record(struct writing *w, const struct record *r)
{
	struct image_record to = { .from = from_of(w, r->own.from),
		.parents = words_of(w->m, IMAGE_AT_parents),
		.n_parents = r->n_parents };
	struct arena_mark mark = arena_mark(w->m->a);
	bool ok;

	for (uint32_t i = 0; i < r->n_parents; i++)
		put(w->m, IMAGE_AT_parents, w->m->numbers[r->parents[i]]);
	ok = put_above(w, r, &to);
	arena_release(w->m->a, mark);
	if (!ok)
		return false;
	to.attrs = words_of(w->m, IMAGE_AT_values);
	if (!put_value(w, &r->own.attrs))
		return false;
	to.tags = words_of(w->m, IMAGE_AT_values);
	if (!put_value(w, &r->own.tags))
		return false;
	IMAGE_ADD(&w->m->own[IMAGE_AT_records], to);
	return true;
}

static bool
choose_seed(struct making_image *m)
{
	struct str parts[2] = { buf_str(&m->own[IMAGE_AT_strings]),
		buf_str(&m->own[IMAGE_AT_uids]) };
	uint8_t digest[32];

	if (!buf_ok(&m->own[IMAGE_AT_strings]) ||
	    !buf_ok(&m->own[IMAGE_AT_uids]))
		return error_nomem(m->reterr);
	if (!digest_sha256(parts, ARRAY_LEN(parts), digest))
		return error_set(
		    m->reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "SHA-256 failed");
	memcpy(&m->slot_seed, digest, sizeof m->slot_seed);
	return true;
}

bool
image_add_entities(struct making_image *m, const struct entities *layer)
{
	struct writing w = { .m = m, .layer = layer, .all_known = true };

	if (!layer || layer->n == 0)
		return true;
	w.texts = intern_new(m->a, NULL);
	if (!w.texts)
		return error_nomem(m->reterr);
	if (!number_uids(&w, &m->numbers) || !choose_seed(m) || !put_table(&w))
		return false;
	for (size_t i = 0; i < layer->n; i++)
		if (!put_record(&w, entities_record(layer, i)))
			return false;
	m->all_known = w.all_known;
	if (m->own[IMAGE_AT_values].n / sizeof(uint32_t) < UINT32_MAX)
		return true;
	return error_set(m->reterr, ERR_LIMIT_SIZE, SPAN_NONE,
	    "the values of an image's entities are at most 16 GiB");
}
