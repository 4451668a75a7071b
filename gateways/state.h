/* state.h - one loaded configuration, whole; for the files of gateways/ alone. */
#ifndef GATEWAYS_STATE_H
#define GATEWAYS_STATE_H

#include <stdatomic.h>

#include "attest/attest.h"
#include "gateways/config.h"
#include "gateways/gateways.h"
#include "gateways/key_sets.h"
#include "gateways/revocations.h"

/* What a configuration and the files it names say, but for policies and entities. */
struct state_settings {
	atomic_uint refs;
	struct arena *arena;
	const struct config *config;
	struct attest_trust *trust;
	struct attest_revoked *revoked; /* NULL: none configured */
	struct key_set **sets; /* that `trust` is made of; each is released */
	size_t n_sets;
	struct state_settings *of; /* a reference: what all but trust and sets is of; NULL: our own */
};

struct gateways_state {
	atomic_uint refs;
	struct state_settings *settings; /* shared; the next three are its */
	struct arena *arena;
	const struct config *config;
	struct attest_trust *trust;
	struct engine_snapshot *snapshot; /* a reference of its own */
	struct attest_revoked *revoked; /* the file's, and the store's where there is one; NULL: none */
	bool owns_revoked;
	/* How fresh the store's are; NULL: no store. The server's, which outlives its states. */
	const struct revocations *watch;
};

/* gateways_state_load, sharing with `old` (NULL: nothing) what did not change. *ret_why: why it could not; NULL when it does. Key sets named by URL are had from
 * `sets`; NULL: nothing is asked for, and who is trusted by such a set is not. */
struct gateways_state *state_reload(const char *config_path,
    struct key_sets *sets, const struct engine_snapshot *old, int64_t now_ms, struct buf *messages,
    const char **ret_why);
/* The same configuration with what the store revokes as well. `loaded` is one that was loaded. NULL when memory is out. */
struct gateways_state *state_with_revoked(struct gateways_state *loaded,
    struct attest_revoked *stored, const struct revocations *watch);
/* The same configuration with other policies and entities; `snapshot` (taken, also on failure) may be NULL: none. NULL when memory is out. */
struct gateways_state *state_with_snapshot(
    struct gateways_state *loaded, struct engine_snapshot *snapshot_take);

/* The same configuration with its trust read anew, key sets from `sets`. NULL with messages. */
struct gateways_state *state_with_trust(struct gateways_state *loaded,
    struct key_sets *sets, struct buf *messages);

enum engine_errored_deny state_errored_deny(const struct gateways_state *s);

#endif
