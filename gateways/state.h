/* state.h - one loaded configuration, whole; for the files of gateways/ alone. */
#ifndef GATEWAYS_STATE_H
#define GATEWAYS_STATE_H

#include <stdatomic.h>

#include "attest/attest.h"
#include "gateways/config.h"
#include "gateways/gateways.h"

struct gateways_state {
	atomic_uint refs;
	struct arena *arena;
	const struct config *config;
	struct engine_snapshot *snapshot;
	struct attest_trust *trust;
	struct attest_revoked *revoked; /* NULL: none configured */
};

enum engine_errored_deny state_errored_deny(const struct gateways_state *s);

#endif
