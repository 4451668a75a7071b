/* load.c - paths as operators name them, into a snapshot. All or nothing: every
 * error of every file is written down, and then there is no snapshot. */
#include "engine/snapshot.h"

#include <pthread.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/limits.h"

static bool
load_policies(const char *const *paths, size_t n, struct policy_set *set,
    struct buf *messages)
{
	struct errors errors = { 0 };
	bool ok = true;
	for (size_t i = 0; i < n; i++)
		ok = policy_set_add_path(set, paths[i], &errors) && ok;
	ok = ok && policy_set_finish(set, &errors);
	policy_set_print_errors(set, &errors, messages);
	return ok;
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
	struct entity_file *items;
	size_t n, cap;
};

static bool
note_file(struct entity_files *files, struct arena *a, const char *name,
    struct str text, struct error *reterr)
{
	struct entity_file *f;
	if (!ARENA_PUSH_ROOM(a, files->items, files->n, files->cap))
		return error_nomem(reterr);
	f = &files->items[files->n++];
	f->name = name;
	return digest_sha256(&text, 1, f->digest) ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "SHA-256 failed");
}

static bool
load_entities_file(const struct schema *schema, const char *path,
    struct entities *layer, struct arena *a, struct entity_files *files,
    struct error *reterr)
{
	struct str text;
	struct arena *raw = arena_new(0);
	bool ok = raw != NULL ? file_read(raw, path, LIMIT_DATA_FILE_BYTES,
				    &text, reterr)
			      : error_nomem(reterr);
	const char *file = ok ? str_z(a, str_of(path)) : NULL;
	if (ok && file == NULL)
		ok = error_nomem(reterr);
	ok = ok && note_file(files, a, file, text, reterr);
	if (ok && schema != NULL)
		ok =
		    schema_add_entities_text(schema, layer, text, file, reterr);
	else
		ok = ok && entities_add_text(layer, text, file, reterr);
	arena_free(raw);
	return ok;
}

static bool
load_entities(const struct schema *schema, const char *const *paths, size_t n,
    struct entities *layer, struct arena *a, struct entity_files *ret,
    struct buf *messages)
{
	static const char *const suffixes[] = { ".json", NULL };
	struct error err = { 0 };
	bool ok = schema == NULL || schema_add_actions(schema, layer, &err);
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

/* Policies and entities have nothing to do with one another until both are
 * there: entities are read by a second thread. */
struct loading {
	const struct schema *schema;
	const char *const *paths;
	size_t n;
	struct entities *layer;
	struct arena *arena;
	struct entity_files *files;
	struct buf messages;
	bool ok;
};

static void *
load_entities_aside(void *arg)
{
	struct loading *l = arg;
	l->ok = load_entities(l->schema, l->paths, l->n, l->layer, l->arena,
	    l->files, &l->messages);
	return NULL;
}

/* Standard input is read in the order of the options. */
static bool
has_stdin(const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(paths[i], "-") == 0)
			return true;
	return false;
}

/* Messages of policies come first. */
static bool
load_both(const char *const *policies, size_t n_policies,
    struct policy_set *set, struct loading *l, struct buf *messages)
{
	pthread_t thread;
	bool aside = l->n > 0 && !has_stdin(l->paths, l->n) &&
		     pthread_create(&thread, NULL, load_entities_aside, l) == 0;
	bool ok = load_policies(policies, n_policies, set, messages);
	if (aside)
		(void)pthread_join(thread, NULL);
	else
		(void)load_entities_aside(l);
	buf_add(messages, buf_str(&l->messages));
	buf_free(&l->messages);
	return ok && l->ok;
}

/* Takes the set and the arena. */
static struct engine_snapshot *
make_snapshot(struct policy_set *set, struct arena *a, struct entities *layer,
    const struct entity_files *files, int64_t now_ms)
{
	struct loaded_entities *loaded = loaded_entities_new(a, layer);
	if (loaded != NULL) {
		loaded->files = files->items;
		loaded->n_files = files->n;
		loaded->knows_files = true;
	}
	return snapshot_whole(set, loaded, now_ms);
}

struct engine_snapshot *
engine_load_by_schema(const char *schema_path, const char *const *policies,
    size_t n_policies, const char *const *entities, size_t n_entities,
    int64_t now_ms, struct buf *messages)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct entities *layer = a != NULL ? entities_new(a, NULL) : NULL;
	struct engine_snapshot *s = NULL;
	struct schema *schema = NULL;
	struct entity_files files = { 0 };
	bool ok = set != NULL && layer != NULL;
	if (!ok)
		buf_addz(messages, "error: memory ran out\n");
	if (ok && schema_path != NULL) {
		schema = engine_load_schema(schema_path, messages);
		ok = schema != NULL;
	}
	if (ok) {
		struct loading l = { .schema = schema,
			.paths = entities,
			.n = n_entities,
			.layer = layer,
			.arena = a,
			.files = &files };
		ok = load_both(policies, n_policies, set, &l, messages);
	}
	if (ok) {
		if (schema != NULL)
			schema_close_set(schema, set);
		s = make_snapshot(set, a, layer, &files, now_ms);
		if (s == NULL)
			buf_addz(messages,
			    "error: memory ran out, or there are more rules "
			    "than an index can number\n");
	} else {
		policy_set_free(set);
		arena_free(a);
	}
	if (s != NULL)
		engine_snapshot_take_schema(s, schema);
	else
		schema_free(schema);
	return s;
}

struct engine_snapshot *
engine_load(const char *const *policies, size_t n_policies,
    const char *const *entities, size_t n_entities, int64_t now_ms,
    struct buf *messages)
{
	return engine_load_by_schema(
	    NULL, policies, n_policies, entities, n_entities, now_ms, messages);
}

static bool
add_entity_files(const struct engine_files *files, struct entities *layer,
    struct arena *a, struct entity_files *ret, struct error *reterr)
{
	for (size_t i = 0; i < files->n_entities; i++) {
		const struct engine_file *f = &files->entities[i];
		const char *name = str_z(a, str_of(f->name));
		if (name == NULL)
			return error_nomem(reterr);
		if (!note_file(ret, a, name, f->text, reterr) ||
		    !entities_add_text(layer, f->text, name, reterr))
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
		s = make_snapshot(set, a, layer, &noted, now_ms);
	else {
		policy_set_free(set);
		arena_free(a);
	}
	if (ok && s == NULL)
		buf_addz(messages, "error: memory ran out\n");
	return s;
}
