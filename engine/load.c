/* load.c - paths as operators name them, into a snapshot. All or nothing: every
 * error of every file is written down, and then there is no snapshot. */
#include "engine/snapshot.h"

#include <pthread.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/pages.h"

/* One image alone is mapped; among other policies it is its texts. */
static struct policy_set *
map_policies(const struct engine_sources *from, struct buf *messages)
{
	struct policy_set *set = NULL;
	struct error err = { 0 };
	if (!policy_image_open(from->policies[0], from->verifier, &set, &err))
		error_print(messages, &err, (struct str){ 0 });
	return set;
}

/* NULL after errors, which are then written down. */
static struct policy_set *
load_policies(const struct engine_sources *from, struct buf *messages)
{
	struct errors errors = { 0 };
	struct policy_set *set;
	bool ok = true;
	if (from->n_policies == 1 && policy_path_is_image(from->policies[0]))
		return map_policies(from, messages);
	set = policy_set_new(POLICY_NAMED);
	if (set == NULL) {
		buf_addz(messages, "error: memory ran out\n");
		return NULL;
	}
	policy_set_verifier(set, from->verifier);
	for (size_t i = 0; i < from->n_policies; i++)
		ok = policy_set_add_path(set, from->policies[i], &errors) && ok;
	ok = ok && policy_set_finish(set, &errors);
	policy_set_print_errors(set, &errors, messages);
	if (ok)
		return set;
	policy_set_free(set);
	return NULL;
}

struct schema *
engine_load_schema(const char *path, struct buf *messages)
{
	struct arena *raw = arena_new(0);
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct schema *schema = NULL;
	struct str text = { 0 };
	bool ok = raw != NULL ? file_read(raw, path, LIMIT_POLICY_FILE_BYTES,
				    &text, &err)
			      : error_nomem(&err);
	if (ok)
		schema = schema_new(
		    path, text, schema_syntax_of(path, text), &errors);
	else
		error_print(messages, &err, (struct str){ 0 });
	errors_print(messages, &errors, text);
	arena_free(raw);
	return schema;
}

/* What was read, so that an update knows what changed. */
struct entity_files {
	struct entities_file *items;
	size_t n, cap;
};

/* `name` and `text` live as long as the layer. */
static bool
add_noted(struct entities *layer, struct arena *a, const char *name,
    struct str text, struct entity_files *files, struct error *reterr)
{
	return ARENA_PUSH_ROOM(a, files->items, files->n, files->cap)
		   ? entities_add_file(
			 layer, name, text, &files->items[files->n++], reterr)
		   : error_nomem(reterr);
}

/* `noted` NULL: the text is not kept. */
static bool
load_entities_file(const struct schema *schema, const char *path,
    struct entities *layer, struct arena *a, struct entity_files *noted,
    struct error *reterr)
{
	struct str text;
	struct arena *raw = noted == NULL ? arena_new(0) : NULL;
	struct arena *to = noted != NULL ? a : raw;
	bool ok = to != NULL ? file_read(to, path, LIMIT_DATA_FILE_BYTES, &text,
				   reterr)
			     : error_nomem(reterr);
	const char *file = ok ? str_z(a, str_of(path)) : NULL;
	if (ok && file == NULL)
		ok = error_nomem(reterr);
	if (ok && noted != NULL)
		ok = add_noted(layer, a, file, text, noted, reterr);
	else if (ok && schema != NULL)
		ok =
		    schema_add_entities_text(schema, layer, text, file, reterr);
	else
		ok = ok && entities_add_text(layer, text, file, reterr);
	arena_free(raw);
	return ok;
}

/* What images brought: its values say their own types. The set's own image is
 * copied, since its entities end with it. */
static bool
load_data(
    const struct policy_set *set, struct entities *layer, struct error *reterr)
{
	const struct policy_data *data = NULL;
	size_t n = set != NULL ? policy_set_data(set, &data) : 0;
	const struct entities *own =
	    set != NULL ? policy_set_entities(set) : NULL;
	if (own != NULL && !entities_add_all(layer, own, reterr))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!entities_add_text(
			layer, data[i].text, data[i].file, reterr))
			return false;
	return true;
}

/* `set` and `ret` may be NULL. */
static bool
load_entities(const struct schema *schema, const struct policy_set *set,
    const char *const *paths, size_t n, struct entities *layer, struct arena *a,
    struct entity_files *ret, struct buf *messages)
{
	static const char *const suffixes[] = { ".json", NULL };
	struct error err = { 0 };
	bool ok = schema == NULL || schema_add_actions(schema, layer, &err);
	ok = ok && load_data(set, layer, &err);
	for (size_t i = 0; ok && i < n; i++) {
		const char *const *files;
		size_t n_files;
		if (strcmp(paths[i], "-") == 0) {
			ok = load_entities_file(
			    schema, "-", layer, a, ret, &err);
			continue;
		}
		ok = file_list(a, paths[i], suffixes, &files, &n_files, &err);
		for (size_t k = 0; ok && k < n_files; k++)
			ok = load_entities_file(
			    schema, files[k], layer, a, ret, &err);
	}
	ok = ok && entities_finish(layer, &err);
	if (!ok)
		error_print(messages, &err, (struct str){ 0 });
	return ok;
}

/* What becomes of sources, but for the snapshot. Policies and entities have
 * nothing to do with one another until both are there: entities are read by a
 * second thread, unless an image brings some. */
struct loading {
	const struct engine_sources *from;
	struct schema *schema;
	struct policy_set *set;
	struct arena *arena;          /* of `layer` */
	struct entities *own;         /* to be filled */
	const struct entities *layer; /* what was made: that, or an image's */
	struct entity_files files;
	struct buf messages; /* of entities */
	bool ok;             /* entities */
};

static void *
load_entities_aside(void *arg)
{
	struct loading *l = arg;
	const struct entities *own =
	    l->set != NULL ? policy_set_entities(l->set) : NULL;
	/* Nothing beside them: they are used where they lie. */
	l->ok = own != NULL && l->schema == NULL && l->from->n_entities == 0;
	if (l->ok) {
		l->layer = own;
		return NULL;
	}
	/* With a schema there are no updates. */
	l->ok = load_entities(l->schema, l->set, l->from->entities,
	    l->from->n_entities, l->own, l->arena,
	    l->from->keeps_texts && l->schema == NULL ? &l->files : NULL,
	    &l->messages);
	l->layer = l->own;
	return NULL;
}

/* Standard input is read in the order of the options. */
static bool
may_be_aside(const struct engine_sources *from)
{
	for (size_t i = 0; i < from->n_entities; i++)
		if (strcmp(from->entities[i], "-") == 0)
			return false;
	for (size_t i = 0; i < from->n_policies; i++)
		if (policy_path_is_image(from->policies[i]))
			return false;
	return from->n_entities > 0;
}

/* Messages of policies come first. */
static bool
load_both(struct loading *l, struct buf *messages)
{
	/* Its own view: the set is being made. */
	struct loading other = *l;
	pthread_t thread;
	bool aside =
	    may_be_aside(l->from) &&
	    pthread_create(&thread, NULL, load_entities_aside, &other) == 0;
	l->set = load_policies(l->from, messages);
	if (aside)
		(void)pthread_join(thread, NULL);
	else {
		other.set = l->set;
		(void)load_entities_aside(&other);
	}
	l->files = other.files;
	l->layer = other.layer;
	buf_add(messages, buf_str(&other.messages));
	buf_free(&other.messages);
	return l->set != NULL && other.ok;
}

/* Takes the set and the arena. */
static struct engine_snapshot *
make_snapshot(struct policy_set *set, struct arena *a,
    const struct entities *layer, const struct entity_files *files,
    bool knows_files, int64_t now_ms)
{
	struct loaded_entities *loaded = loaded_entities_new(a, layer);
	const struct policy_data *data;
	if (loaded != NULL) {
		loaded->files = files->items;
		loaded->n_files = files->n;
		/* What an image brought is of no file that could change. */
		loaded->knows_files = knows_files &&
				      policy_set_data(set, &data) == 0 &&
				      policy_set_entities(set) == NULL;
	}
	return snapshot_whole(set, loaded, now_ms);
}

static bool
load_all(struct loading *l, struct buf *messages)
{
	l->arena = arena_new(0);
	l->own = l->arena != NULL ? entities_new(l->arena, NULL) : NULL;
	if (l->own == NULL) {
		buf_addz(messages, "error: memory ran out\n");
		return false;
	}
	if (l->from->schema != NULL) {
		l->schema = engine_load_schema(l->from->schema, messages);
		if (l->schema == NULL)
			return false;
	}
	return load_both(l, messages);
}

struct engine_snapshot *
engine_load_from(
    const struct engine_sources *from, int64_t now_ms, struct buf *messages)
{
	struct loading l = { .from = from };
	struct engine_snapshot *s = NULL;
	if (load_all(&l, messages)) {
		if (l.schema != NULL)
			schema_close_set(l.schema, l.set);
		s = make_snapshot(l.set, l.arena, l.layer, &l.files,
		    from->keeps_texts, now_ms);
		if (s == NULL)
			buf_addz(messages,
			    "error: memory ran out, or there are more rules "
			    "than an index can number\n");
		/* Making the index takes as much again as what stays. */
		pages_trim();
	} else {
		policy_set_free(l.set);
		arena_free(l.arena);
	}
	if (s != NULL)
		engine_snapshot_take_schema(s, l.schema);
	else
		schema_free(l.schema);
	return s;
}

struct engine_snapshot *
engine_load(const char *const *policies, size_t n_policies,
    const char *const *entities, size_t n_entities, int64_t now_ms,
    struct buf *messages)
{
	const struct engine_sources from = { .policies = policies,
		.n_policies = n_policies,
		.entities = entities,
		.n_entities = n_entities };
	return engine_load_from(&from, now_ms, messages);
}

struct entities *
engine_load_entities(const struct schema *schema, const struct policy_set *set,
    const char *const *paths, size_t n, struct arena *a, struct buf *messages)
{
	struct entities *layer = entities_new(a, NULL);
	if (layer == NULL)
		buf_addz(messages, "error: memory ran out\n");
	else if (!load_entities(
		     schema, set, paths, n, layer, a, NULL, messages))
		layer = NULL;
	return layer;
}

static bool
add_entity_files(const struct engine_files *files, struct entities *layer,
    struct arena *a, struct entity_files *ret, struct error *reterr)
{
	for (size_t i = 0; i < files->n_entities; i++) {
		const struct engine_file *f = &files->entities[i];
		const char *name = str_z(a, str_of(f->name));
		struct str text = str_dup(a, f->text);
		if (name == NULL || text.p == NULL)
			return error_nomem(reterr);
		if (!add_noted(layer, a, name, text, ret, reterr))
			return false;
	}
	return entities_finish(layer, reterr);
}

struct engine_snapshot *
engine_load_files(
    const struct engine_files *files, int64_t now_ms, struct buf *messages)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct entities *layer = a != NULL ? entities_new(a, NULL) : NULL;
	struct entity_files noted = { 0 };
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct engine_snapshot *s = NULL;
	bool ok = set != NULL && layer != NULL;
	if (!ok)
		(void)error_nomem(&err);
	for (size_t i = 0; ok && i < files->n_policies; i++)
		ok = policy_set_add_file(set, files->policies[i].name,
		    files->policies[i].text, &errors);
	ok = ok && policy_set_finish(set, &errors) &&
	     add_entity_files(files, layer, a, &noted, &err);
	if (set != NULL)
		policy_set_print_errors(set, &errors, messages);
	if (err.code != ERR_NONE)
		error_print(messages, &err, (struct str){ 0 });
	if (ok)
		s = make_snapshot(set, a, layer, &noted, true, now_ms);
	else {
		policy_set_free(set);
		arena_free(a);
	}
	if (ok && s == NULL)
		buf_addz(messages, "error: memory ran out\n");
	return s;
}
