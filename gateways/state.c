/* state.c - read avow.yaml and everything it names; all of it, or nothing. */
#include "gateways/state.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"

static bool
load_config(struct gateways_state *s, const char *path, struct buf *messages)
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
	if (c != NULL)
		*ret = (struct gateways_store){ c->store, c->store_mark };
	return c != NULL;
}

static bool
load_snapshot(struct gateways_state *s, int64_t now_ms, struct buf *messages)
{
	const struct config *c = s->config;
	const struct config_strings *lists[] = { &c->policies, &c->entities };
	const char **paths[2];
	for (size_t k = 0; k < 2; k++) {
		paths[k] = ARENA_ARRAY(s->arena, lists[k]->n + 1, const char *);
		if (paths[k] == NULL)
			return false;
		for (size_t i = 0; i < lists[k]->n; i++)
			paths[k][i] = lists[k]->items[i].p;
	}
	s->snapshot = engine_load(
	    paths[0], c->policies.n, paths[1], c->entities.n, now_ms, messages);
	return s->snapshot != NULL;
}

static bool
load_trust(struct gateways_state *s, struct buf *messages)
{
	bool ok = true;
	s->trust = attest_trust_new();
	if (s->trust == NULL)
		return false;
	for (size_t i = 0; i < s->config->n_trust; i++) {
		const struct config_trust *t = &s->config->trust[i];
		struct error err = { 0 };
		const struct attest_trust_entry entry = {
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
			.allow_weak = t->is_weak,
			.at = t->at,
		};
		if (attest_trust_add(s->trust, &entry, &err))
			continue;
		error_print(messages, &err, (struct str){ 0 });
		ok = false;
	}
	return ok;
}

/* A list of revocations that cannot be read must not count as an empty one. */
static bool
load_revoked(struct gateways_state *s, struct buf *messages)
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

struct gateways_state *
gateways_state_load(
    const char *config_path, int64_t now_ms, struct buf *messages)
{
	struct gateways_state *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->arena = arena_new(0);
	bool ok = s->arena != NULL && load_config(s, config_path, messages);
	if (ok && !s->config->service.is_given) {
		/* All errors in one run, not one file's at a time. */
		ok = load_snapshot(s, now_ms, messages);
		ok = load_trust(s, messages) && ok;
		ok = load_revoked(s, messages) && ok;
	}
	if (ok)
		return s;
	if (messages->n == 0)
		buf_addz(messages, "error: memory ran out\n");
	gateways_state_unref(s);
	return NULL;
}

/* All members but the first, the count, are lent by `loaded`. */
struct gateways_state *
state_with_revoked(struct gateways_state *loaded, struct attest_revoked *stored,
    const struct revocations *watch)
{
	const size_t from = offsetof(struct gateways_state, arena);
	struct gateways_state *s = calloc(1, sizeof *s);
	struct attest_revoked *revoked =
	    attest_revoked_join(loaded->revoked, stored);
	if (s == NULL || revoked == NULL) {
		free(s);
		attest_revoked_free(revoked);
		return NULL;
	}
	memcpy((char *)s + from, (const char *)loaded + from, sizeof *s - from);
	atomic_init(&s->refs, 1);
	s->revoked = revoked;
	s->watch = watch;
	s->loaded = gateways_state_ref(loaded);
	return s;
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
	attest_revoked_free(s->revoked);
	if (s->loaded != NULL) {
		gateways_state_unref(s->loaded);
		free(s);
		return;
	}
	attest_trust_free(s->trust);
	engine_snapshot_unref(s->snapshot);
	arena_free(s->arena);
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
