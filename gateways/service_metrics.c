/* service_metrics.c - GET /metrics of the token service: what this process has
 * done since it started, and what it knows now. Numbers alone: no account, no
 * address. */
#include "gateways/service_private.h"

/* Of refusals each code is one row, once it has happened. */
static void
add_refusals(struct metrics *m, struct service *s)
{
	static const char name[] = "avow_sts_refusals_total";

	metrics_family(m, name, METRICS_COUNTER,
	    "Requests that were refused, by reason code.");
	for (size_t i = 0; i < ERR_COUNT; i++) {
		uint64_t n = atomic_load(&s->counts.refused[i]);

		if (n > 0)
			metrics_value(
			    m, name, "code", error_id((enum err_code)i), n);
	}
}

static void
add_proofs(struct metrics *m, const struct sts_counts *n)
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

	metrics_family(m, name, METRICS_COUNTER,
	    "Answers to challenges: right, refused, or not judged because "
	    "too many failed from there.");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		metrics_value(m, name, "outcome", rows[i].outcome, rows[i].n);
}

static void
add_revocations(struct metrics *m, struct service_call *c)
{
	static const char name[] = "avow_sts_revocations_total";
	struct service *s = c->s;

	metrics_family(m, name, METRICS_COUNTER,
	    "Revocations that were asked for here, and taken back.");
	metrics_value(
	    m, name, "change", "add", atomic_load(&s->counts.revoked));
	metrics_value(
	    m, name, "change", "remove", atomic_load(&s->counts.unrevoked));
	metrics_one(m, "avow_revocations", METRICS_GAUGE,
	    "Revocations in force, as this process has read them.",
	    attest_revoked_count(c->revoked));
}

bool
service_metrics(struct service_call *c)
{
	const struct sts_counts n = sts_counts(c->s->sts);
	struct metrics body = metrics_begin(c->q, c->r), *m = &body;
	struct error unread = { 0 };

	metrics_one(m, "avow_sts_challenges_total", METRICS_COUNTER,
	    "Challenges that were given.", n.challenges);
	add_proofs(m, &n);
	metrics_one(m, "avow_sts_tokens_total", METRICS_COUNTER,
	    "Tokens that were issued to proofs and by provisioning.", n.tokens);
	metrics_one(m, "avow_sts_enrolments_total", METRICS_COUNTER,
	    "Keys that an enrolment secret registered.", n.enrolments);
	metrics_one(m, "avow_sts_exchanges_total", METRICS_COUNTER,
	    "Tokens that were exchanged.",
	    atomic_load(&c->s->counts.exchanges));
	metrics_one(m, "avow_sts_alarms_total", METRICS_COUNTER,
	    "Alarms: a former key, or one key in two places.", n.alarms);
	add_revocations(m, c);
	add_refusals(m, c->s);
	metrics_one(m, "avow_store_errors_total", METRICS_COUNTER,
	    "Requests that failed because the store did.",
	    atomic_load(&c->s->counts.refused[ERR_SYSTEM_STORE]));
	metrics_one(m, "avow_store_up", METRICS_GAUGE,
	    "1: what is revoked has just been read from the store.",
	    revocations_check(c->s->revocations, &unread));
	service_durations(c->s, m);
	if (!metrics_end(m, c->r))
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	c->r->status = 200;
	return true;
}
