/* server_metrics.c - GET /metrics of a server with gates: decisions by code,
 * how long they took, and what is in force. Numbers alone; nobody is asked who
 * he is, as at /readyz. */
#include "gateways/answer.h"

static void
add_decisions(struct metrics *m, const struct gate_counts *counts)
{
	static const char name[] = "avow_decisions_total";
	static const char seconds[] = "avow_decision_duration_seconds";

	metrics_family(m, name, METRICS_COUNTER,
	    "Requests that gates decided, by reason code; permit is a yes.");
	for (size_t i = 0; i < ERR_COUNT; i++) {
		uint64_t n = atomic_load_explicit(
		    &counts->by_code[i], memory_order_relaxed);

		if (n > 0)
			metrics_value(
			    m, name, "code", error_id((enum err_code)i), n);
	}
	metrics_family(m, seconds, METRICS_HISTOGRAM,
	    "From a request that a gate has read to its line in the decision "
	    "log.");
	metrics_durations(m, seconds, NULL, NULL, &counts->decisions);
}

void
server_metrics(const struct gate_env *env, bool reload_failed,
    int64_t reload_at_s, struct metrics *m)
{
	const struct gateways_state *s = env->state;
	struct error unread = { 0 };

	add_decisions(m, env->counts);
	metrics_one(m, "avow_policies", METRICS_GAUGE, "Policies in force.",
	    policy_set_count(engine_snapshot_policies(s->snapshot)));
	metrics_one(m, "avow_entities", METRICS_GAUGE, "Entities in force.",
	    entities_count(engine_snapshot_entities(s->snapshot)));
	metrics_one(m, "avow_revocations", METRICS_GAUGE,
	    "Revocations in force, of the file and of the store.",
	    attest_revoked_count(s->revoked));
	metrics_one(m, "avow_reload_failed", METRICS_GAUGE,
	    "1: the last reload was refused, what was before is in force.",
	    reload_failed);
	metrics_one(m, "avow_reload_timestamp_seconds", METRICS_GAUGE,
	    "When a reload was last tried, or the start.",
	    reload_at_s > 0 ? (uint64_t)reload_at_s : 0);
	metrics_one(m, "avow_store_up", METRICS_GAUGE,
	    "1: what is revoked has just been read, or there is no store.",
	    revocations_check(s->watch, &unread));
}
