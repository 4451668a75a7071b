/* state.c - read avow.yaml and everything it names; all of it, or nothing. */
#include "gateways/state.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"

static bool
load_config(struct state_settings *s, const char *path, struct buf *messages)
{
	struct errors errors = { 0 };
	struct str text = { 0 };
	const char *file = str_z(s->arena, str_of(path));
	if (file == NULL)
		return false;
	s->config = config_load(s->arena, file, &text, &errors);
	errors_print(messages, &errors, text);
	if (s->config == NULL)
		return false;
	for (size_t i = 0; i < s->config->n_warnings; i++) {
		error_print_as(
		    messages, "warning", &s->config->warnings[i], text);
	}
	return true;
}

bool
gateways_config_store(struct arena *a, const char *config_path,
    struct gateways_store *ret, struct buf *messages)
{
	struct errors errors = { 0 };
	struct str text = { 0 };
	const char *file = str_z(a, str_of(config_path));
	const struct config *c =
	    file != NULL ? config_load(a, file, &text, &errors) : NULL;
	errors_print(messages, &errors, text);
	if (file == NULL)
		buf_addz(messages, "error: memory ran out\n");
	if (c != NULL)
		*ret = (struct gateways_store){ c->store, c->store_mark,
			c->service.secret };
	return c != NULL;
}

static bool
verify_image(
    void *ctx, struct str message, struct str signature, struct error *reterr)
{
	return attest_images_verify(ctx, message, signature, reterr);
}

static struct engine_snapshot *
load_snapshot(const struct state_settings *s, const struct engine_snapshot *old,
    int64_t now_ms, struct buf *messages, const char **ret_why)
{
	const struct config *c = s->config;
	const struct config_strings *lists[] = { &c->policies, &c->entities,
		&c->policy_keys };
	const char **paths[3];
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		paths[k] = ARENA_ARRAY(s->arena, lists[k]->n + 1, const char *);
		if (paths[k] == NULL)
			return NULL;
		for (size_t i = 0; i < lists[k]->n; i++)
			paths[k][i] = lists[k]->items[i].p;
	}
	struct error err = { 0 };
	struct attest_images *keys =
	    attest_images_open(paths[2], c->policy_keys.n, &err);
	if (keys == NULL) {
		error_print(messages, &err, (struct str){ 0 });
		return NULL;
	}
	const struct policy_verifier verifier = { verify_image, keys };
	const struct engine_sources from = { .policies = paths[0],
		.n_policies = c->policies.n,
		.entities = paths[1],
		.n_entities = c->entities.n,
		.verifier = c->policy_keys.n > 0 ? &verifier : NULL,
		.keeps_texts = true };
	struct engine_snapshot *now =
	    engine_reload(old, &from, now_ms, messages, ret_why);
	attest_images_free(keys);
	return now;
}

/* The key set that an entry names by URL, where it does. */
static bool
load_key_set(struct state_settings *s, struct key_sets *sets,
    const struct config_trust *t, struct attest_trust_entry *entry,
    struct error *err)
{
	struct key_set *set;
	if (!key_sets_is_url(t->keys))
		return true;
	if (!key_sets_use(
		sets, s->arena, t->keys, t->ca, &set, &entry->key_set, err)) {
		err->at = t->at;
		return false;
	}
	s->sets[s->n_sets++] = set;
	entry->fresh_until_s = key_set_fresh_until(set);
	return true;
}

static bool
load_entry(struct state_settings *s, struct key_sets *sets,
    const struct config_trust *t, struct error *err)
{
	struct attest_trust_entry entry = {
		.kind = t->kind,
		.keys = t->keys.p,
		.issuer = t->issuer,
		.prefix = t->prefix,
		.trust_domain = t->trust_domain,
		.owners = t->owners.items,
		.n_owners = t->owners.n,
		.regions = t->regions.items,
		.n_regions = t->regions.n,
		.images = t->images.items,
		.n_images = t->images.n,
		.max_lease_s = t->max_lease_s,
		.audience_required = !t->audience_optional,
		.is_current = t->is_current,
		.forms = t->forms,
		.signers = t->signers.items,
		.n_signers = t->signers.n,
		.certificates = t->certificates.p,
		.allow_weak = t->is_weak,
		.at = t->at,
	};
	if (!sets && key_sets_is_url(t->keys))
		return true;
	return load_key_set(s, sets, t, &entry, err) &&
	       attest_trust_add(s->trust, &entry, err);
}

static bool
load_trust(
    struct state_settings *s, struct key_sets *sets, struct buf *messages)
{
	bool ok = true;
	s->trust = attest_trust_new();
	s->sets =
	    ARENA_ARRAY(s->arena, s->config->n_trust + 1, struct key_set *);
	if (s->trust == NULL || s->sets == NULL)
		return false;
	for (size_t i = 0; i < s->config->n_trust; i++) {
		struct error err = { 0 };
		if (load_entry(s, sets, &s->config->trust[i], &err))
			continue;
		error_print(messages, &err, (struct str){ 0 });
		ok = false;
	}
	return ok;
}

/* A list of revocations that cannot be read must not count as an empty one. */
static bool
load_revoked(struct state_settings *s, struct buf *messages)
{
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct str text = { 0 };
	if (s->config->revoked.n == 0)
		return true;
	if (!file_read(s->arena, s->config->revoked.p, LIMIT_DATA_FILE_BYTES,
		&text, &err)) {
		error_print(messages, &err, text);
		return false;
	}
	s->revoked = attest_revoked_parse(s->config->revoked.p, text, &errors);
	errors_print(messages, &errors, text);
	return s->revoked != NULL;
}

static struct state_settings *
settings_ref(struct state_settings *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void
settings_unref(struct state_settings *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	attest_trust_free(s->trust);
	for (size_t i = 0; i < s->n_sets; i++)
		key_set_release(s->sets[i]);
	if (s->of == NULL)
		attest_revoked_free(s->revoked);
	arena_free(s->arena);
	settings_unref(s->of);
	free(s);
}

/* Takes the snapshot, also on failure. */
static struct gateways_state *
state_of(struct state_settings *settings, struct engine_snapshot *snapshot_take)
{
	struct gateways_state *s = calloc(1, sizeof *s);
	if (s == NULL) {
		engine_snapshot_unref(snapshot_take);
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->settings = settings_ref(settings);
	s->arena = settings->arena;
	s->config = settings->config;
	s->trust = settings->trust;
	s->revoked = settings->revoked;
	s->snapshot = snapshot_take;
	return s;
}

/* All errors in one run, not one file's at a time. */
static struct gateways_state *
load_all(struct state_settings *settings, struct key_sets *sets,
    const struct engine_snapshot *old, int64_t now_ms, struct buf *messages,
    const char **ret_why)
{
	/* The token service decides nothing; whom it enrols it must know. */
	if (settings->config->service.is_given)
		return load_trust(settings, sets, messages)
			   ? state_of(settings, NULL)
			   : NULL;
	struct engine_snapshot *snapshot =
	    load_snapshot(settings, old, now_ms, messages, ret_why);
	bool ok = snapshot != NULL;
	ok = load_trust(settings, sets, messages) && ok;
	ok = load_revoked(settings, messages) && ok;
	if (ok)
		return state_of(settings, snapshot);
	engine_snapshot_unref(snapshot);
	return NULL;
}

struct gateways_state *
state_reload(const char *config_path, struct key_sets *sets,
    const struct engine_snapshot *old, int64_t now_ms, struct buf *messages,
    const char **ret_why)
{
	struct state_settings *settings = calloc(1, sizeof *settings);
	struct gateways_state *s = NULL;
	if (settings == NULL)
		return NULL;
	atomic_init(&settings->refs, 1);
	settings->arena = arena_new(0);
	if (settings->arena != NULL &&
	    load_config(settings, config_path, messages))
		s = load_all(settings, sets, old, now_ms, messages, ret_why);
	settings_unref(settings);
	if (s == NULL && messages->n == 0)
		buf_addz(messages, "error: memory ran out\n");
	return s;
}

struct gateways_state *
gateways_state_load(
    const char *config_path, int64_t now_ms, struct buf *messages)
{
	const struct key_sets_options options = { .clock = clock_system() };
	struct key_sets *sets = key_sets_new(&options);
	struct gateways_state *s = NULL;
	const char *why;
	if (sets != NULL)
		s = state_reload(
		    config_path, sets, NULL, now_ms, messages, &why);
	else
		buf_addz(messages, "error: memory ran out\n");
	key_sets_close(sets);
	return s;
}

/* What is not trust stays the first's, however often keys change. */
struct gateways_state *
state_with_trust(
    struct gateways_state *loaded, struct key_sets *sets, struct buf *messages)
{
	struct state_settings *was = loaded->settings;
	struct state_settings *now = calloc(1, sizeof *now);
	struct gateways_state *s = NULL;
	if (now == NULL)
		return NULL;
	atomic_init(&now->refs, 1);
	now->of = settings_ref(was->of != NULL ? was->of : was);
	now->config = was->config;
	now->revoked = was->revoked;
	now->arena = arena_new(0);
	if (now->arena != NULL && load_trust(now, sets, messages))
		s = state_of(now, engine_snapshot_ref(loaded->snapshot));
	settings_unref(now);
	return s;
}

struct gateways_state *
state_with_revoked(struct gateways_state *loaded, struct attest_revoked *stored,
    const struct revocations *watch)
{
	struct attest_revoked *revoked =
	    attest_revoked_join(loaded->revoked, stored);
	struct gateways_state *s =
	    revoked != NULL ? state_of(loaded->settings,
				  engine_snapshot_ref(loaded->snapshot))
			    : NULL;
	if (s == NULL) {
		attest_revoked_free(revoked);
		return NULL;
	}
	s->revoked = revoked;
	s->owns_revoked = true;
	s->watch = watch;
	return s;
}

struct gateways_state *
gateways_state_with_store(struct gateways_state *loaded, struct error *reterr)
{
	const struct config *c = loaded->config;
	struct attest_revoked *stored;
	struct gateways_state *s;
	if (c->store.n == 0)
		return gateways_state_ref(loaded);
	stored = revocations_read(
	    c->store, c->store_mark.n > 0 ? c->store_mark.p : NULL, reterr);
	if (stored == NULL)
		return NULL;
	s = state_with_revoked(loaded, stored, NULL);
	attest_revoked_free(stored);
	if (s == NULL)
		(void)error_nomem(reterr);
	return s;
}

struct gateways_state *
state_with_snapshot(
    struct gateways_state *loaded, struct engine_snapshot *snapshot_take)
{
	return state_of(loaded->settings, snapshot_take);
}

struct gateways_state *
gateways_state_ref(struct gateways_state *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
gateways_state_unref(struct gateways_state *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (s->owns_revoked)
		attest_revoked_free(s->revoked);
	engine_snapshot_unref(s->snapshot);
	settings_unref(s->settings);
	free(s);
}

void
gateways_state_summary(const struct gateways_state *s, struct buf *out)
{
	if (s->config->service.is_given) {
		buf_printf(out, "the token service of `%.*s` at %.*s",
		    STR_ARG(s->config->service.issuer),
		    STR_ARG(s->config->service.url));
		return;
	}
	const struct policy_set *set = engine_snapshot_policies(s->snapshot);
	struct str version = policy_set_version(set);
	buf_printf(out,
	    "%u policies in %u files (version %.*s), %zu entities, %zu trust "
	    "entries, %zu gates",
	    policy_set_count(set), policy_set_files(set), STR_ARG(version),
	    entities_count(engine_snapshot_entities(s->snapshot)),
	    s->config->n_trust, s->config->n_gates);
}

enum engine_errored_deny
state_errored_deny(const struct gateways_state *s)
{
	return s->config->errored_deny == CONFIG_ERRORED_SKIP
		   ? ERRORED_DENY_SKIP
		   : ERRORED_DENY_DENIES;
}
