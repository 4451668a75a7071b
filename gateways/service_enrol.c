/* service_enrol.c - enrolment by a cloud's evidence, and what the operator may
 * do to an account beyond switching it off (S2, SECURITY 10). All rules are in
 * attest/sts_enrol.c and attest/sts_standing.c. */
#include "gateways/account_json.h"
#include "gateways/service_private.h"

static bool
read_body(struct service_call *c, const struct body_field *fields, size_t n,
    void *object)
{
	return body_read(c->q, fields, n, object, &c->json, &c->err) ||
	       service_refuse(c);
}

/* ---- evidence ------------------------------------------------------------ */

/* `document` and `signature` as the cloud's metadata service gives them. */
struct enrol {
	struct str kind, document, signature;
	const json_t *proof;
};
static const struct body_field enrol_fields[] = {
	{ "kind", BODY_TEXT, offsetof(struct enrol, kind), true },
	{ "document", BODY_TEXT, offsetof(struct enrol, document), false },
	{ "signature", BODY_TEXT, offsetof(struct enrol, signature), false },
	{ "proof", BODY_OBJECT, offsetof(struct enrol, proof), true },
};

static bool
read_rules(
    struct arena *a, const struct config *config, struct sts_enrolling *ret)
{
	struct sts_enrol_rule *rules =
	    ARENA_ARRAY(a, config->n_trust + 1, struct sts_enrol_rule);

	for (size_t i = 0; rules && i < config->n_trust; i++)
		rules[i] = (struct sts_enrol_rule){
			.prefix = config->trust[i].prefix,
			.controller = config->trust[i].enrol_controller,
			.any_address = config->trust[i].enrol_any_address,
		};
	ret->rules = rules;
	ret->n_rules = config->n_trust;
	return rules != NULL;
}

/* A lift of an eviction is news for this process, too. */
static bool
answer_enrolled(
    struct service_call *c, const struct sts_account *account, bool created)
{
	service_revocations_wake(c->s);
	c->actor = (struct sts_actor){ STS_ACCOUNT, account->id,
		account->incarnation };
	if (created)
		http_response_header(c->r, "Location",
		    str_printf(
			c->a, "/v1/accounts/%.*s", STR_ARG(account->id)));
	return service_reply(c, created ? 201 : 200, account_json(account));
}

static bool
enrol(struct service_call *c, const struct enrol *body,
    const struct gateways_state *state)
{
	uint8_t channel[TLS_CHANNEL_BYTES];
	struct attest_evidence evidence;
	struct prove_answer answer;
	struct sts_enrolling what = {
		.answer = &answer, .evidence = &evidence, .trust = state->trust
	};
	struct sts_caller caller;
	struct sts_account account;
	bool created;

	if (!read_rules(c->a, state->config, &what))
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	if (!prove_answer_read(c->a, body->proof, &answer, &c->err) ||
	    !attest_evidence_from_files(c->a, body->kind, body->document,
		body->signature, &evidence, &c->err))
		return service_refuse(c);
	if (!str_eq(answer.account, c->id))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "the proof is of another account than the path names");
	if (!service_caller(c, channel, &caller))
		return false;
	if (!sts_enrol(
		c->s->sts, c->a, &what, &caller, &account, &created, &c->err))
		return service_refuse(c);
	return answer_enrolled(c, &account, created);
}

bool
service_account_attest(struct service_call *c)
{
	struct enrol body = { 0 };
	struct gateways_state *state;
	bool ok;

	if (!read_body(c, enrol_fields, ARRAY_LEN(enrol_fields), &body))
		return false;
	state = service_state_take(c->s);
	if (!state)
		return service_fail(c, ERR_SYSTEM_NOT_READY,
		    "there is no trust here to enrol by");
	ok = enrol(c, &body, state);
	gateways_state_unref(state);
	return ok;
}

/* ---- evict, ban, reattest ------------------------------------------------ */

struct stand {
	int64_t version;
};
static const struct body_field stand_fields[] = {
	{ "version", BODY_COUNT, offsetof(struct stand, version), false },
};

static bool
stand(struct service_call *c, enum sts_verb verb)
{
	struct stand body = { 0 };
	struct sts_account account;

	if (!read_body(c, stand_fields, ARRAY_LEN(stand_fields), &body))
		return false;
	if (!sts_stand(c->s->sts, c->a, &c->actor, c->id, verb, body.version,
		&account, &c->err))
		return service_refuse(c);
	service_revocations_wake(c->s);
	return service_reply(c, 200, account_json(&account));
}

bool
service_account_evict(struct service_call *c)
{
	return stand(c, STS_EVICT);
}

bool
service_account_ban(struct service_call *c)
{
	return stand(c, STS_BAN);
}

bool
service_account_unban(struct service_call *c)
{
	return stand(c, STS_UNBAN);
}

bool
service_account_reattest(struct service_call *c)
{
	return stand(c, STS_REATTEST);
}
