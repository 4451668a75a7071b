/* state.h - one loaded configuration, whole; for the files of gateways/ alone. */
#ifndef GATEWAYS_STATE_H
#define GATEWAYS_STATE_H

#include <stdatomic.h>

#include "attest/attest.h"
#include "gateways/config.h"
#include "gateways/gateways.h"
#include "gateways/revocations.h"

struct gateways_state {
	atomic_uint refs;
	struct arena *arena;
	const struct config *config;
	struct engine_snapshot *snapshot;
	struct attest_trust *trust;
	struct attest_revoked *revoked; /* the file's, and the store's where there is one; NULL: none */
	/* How fresh the store's are; NULL: no store. The server's, which outlives its states. */
	const struct revocations *watch;
	struct gateways_state *loaded; /* this one lends all of it but the revocations; NULL: it owns what it has */
};

/* The same configuration with what the store revokes as well. `loaded` is one that was loaded; references are taken. NULL when memory is out. */
struct gateways_state *state_with_revoked(struct gateways_state *loaded,
    struct attest_revoked *stored, const struct revocations *watch);

enum engine_errored_deny state_errored_deny(const struct gateways_state *s);

#endif
