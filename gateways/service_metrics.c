/* service_metrics.c - GET /metrics of the token service: what this process has
 * done since it started, and what it knows now. Numbers alone: no account, no
 * address. */
#include "gateways/metrics.h"
#include "gateways/service_private.h"

/* Of refusals each code is one row, once it has happened. */
static void
add_refusals(struct buf *out, struct service *s)
{
	static const char name[] = "avow_sts_refusals_total";

	metrics_family(out, name, METRICS_COUNTER,
	    "Requests that were refused, by reason code.");
	for (size_t i = 0; i < ERR_COUNT; i++) {
		uint64_t n = atomic_load(&s->counts.refused[i]);

		if (n > 0)
			metrics_value(
			    out, name, "code", error_id((enum err_code)i), n);
	}
}

static void
add_proofs(struct buf *out, const struct sts_counts *n)
{
	static const char name[] = "avow_sts_proofs_total";
	const struct {
		const char *outcome;
		uint64_t n;
	} rows[] = {
		{ "right", n->right },
		{ "refused", n->refused },
		{ "rate", n->limited },
	};

	metrics_family(out, name, METRICS_COUNTER,
	    "Answers to challenges: right, refused, or not judged because "
	    "too many failed from there.");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		metrics_value(out, name, "outcome", rows[i].outcome, rows[i].n);
}

static void
add_revocations(struct buf *out, struct service_call *c)
{
	static const char name[] = "avow_sts_revocations_total";
	struct service *s = c->s;

	metrics_family(out, name, METRICS_COUNTER,
	    "Revocations that were asked for here, and taken back.");
	metrics_value(
	    out, name, "change", "add", atomic_load(&s->counts.revoked));
	metrics_value(
	    out, name, "change", "remove", atomic_load(&s->counts.unrevoked));
	metrics_one(out, "avow_revocations", METRICS_GAUGE,
	    "Revocations in force, as this process has read them.",
	    attest_revoked_count(c->revoked));
}

bool
service_metrics(struct service_call *c)
{
	const struct sts_counts n = sts_counts(c->s->sts);
	struct buf *out = &c->r->body;
	struct error unread = { 0 };

	metrics_one(out, "avow_sts_challenges_total", METRICS_COUNTER,
	    "Challenges that were given.", n.challenges);
	add_proofs(out, &n);
	metrics_one(out, "avow_sts_tokens_total", METRICS_COUNTER,
	    "Tokens that were issued to proofs and by provisioning.", n.tokens);
	metrics_one(out, "avow_sts_enrolments_total", METRICS_COUNTER,
	    "Keys that an enrolment secret registered.", n.enrolments);
	metrics_one(out, "avow_sts_exchanges_total", METRICS_COUNTER,
	    "Tokens that were exchanged.",
	    atomic_load(&c->s->counts.exchanges));
	metrics_one(out, "avow_sts_alarms_total", METRICS_COUNTER,
	    "Alarms: a former key, or one key in two places.", n.alarms);
	add_revocations(out, c);
	add_refusals(out, c->s);
	metrics_one(out, "avow_store_errors_total", METRICS_COUNTER,
	    "Requests that failed because the store did.",
	    atomic_load(&c->s->counts.refused[ERR_SYSTEM_STORE]));
	metrics_one(out, "avow_store_up", METRICS_GAUGE,
	    "1: what is revoked has just been read from the store.",
	    revocations_check(c->s->revocations, &unread));
	if (!buf_ok(out))
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	c->r->status = 200;
	c->r->content_type = METRICS_CONTENT_TYPE;
	return true;
}
