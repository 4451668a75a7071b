/* server_metrics.c - GET /metrics of a server with gates: decisions by code,
 * and what is in force. Numbers alone; nobody is asked who he is, as at
 * /readyz. */
#include "gateways/answer.h"
#include "gateways/metrics.h"

static void
add_decisions(struct buf *out, const struct gate_counts *counts)
{
	static const char name[] = "avow_decisions_total";

	metrics_family(out, name, METRICS_COUNTER,
	    "Requests that gates decided, by reason code; permit is a yes.");
	for (size_t i = 0; i < ERR_COUNT; i++) {
		uint64_t n = atomic_load_explicit(
		    &counts->by_code[i], memory_order_relaxed);

		if (n > 0)
			metrics_value(
			    out, name, "code", error_id((enum err_code)i), n);
	}
}

void
server_metrics(const struct gate_env *env, bool reload_failed,
    int64_t reload_at_s, struct http_response *r)
{
	const struct gateways_state *s = env->state;
	struct buf *out = &r->body;
	struct error unread = { 0 };

	add_decisions(out, env->counts);
	metrics_one(out, "avow_policies", METRICS_GAUGE, "Policies in force.",
	    policy_set_count(engine_snapshot_policies(s->snapshot)));
	metrics_one(out, "avow_entities", METRICS_GAUGE, "Entities in force.",
	    entities_count(engine_snapshot_entities(s->snapshot)));
	metrics_one(out, "avow_revocations", METRICS_GAUGE,
	    "Revocations in force, of the file and of the store.",
	    attest_revoked_count(s->revoked));
	metrics_one(out, "avow_reload_failed", METRICS_GAUGE,
	    "1: the last reload was refused, what was before is in force.",
	    reload_failed);
	metrics_one(out, "avow_reload_timestamp_seconds", METRICS_GAUGE,
	    "When a reload was last tried, or the start.",
	    reload_at_s > 0 ? (uint64_t)reload_at_s : 0);
	metrics_one(out, "avow_store_up", METRICS_GAUGE,
	    "1: what is revoked has just been read, or there is no store.",
	    revocations_check(s->watch, &unread));
	r->status = buf_ok(out) ? 200 : 500;
	r->content_type = METRICS_CONTENT_TYPE;
}
