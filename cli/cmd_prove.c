/* cmd_prove.c - the prover's side: `avow challenge new`, `answer`, `avow token
 * new`, `exchange`, `offer`, `pick`, `withdraw`, and `avow key secret`. Private
 * keys and secrets are read from files and stay here; tokens go to a file of
 * mode 0600, or to standard output. */
#include <stdlib.h>

#include "attest/sts.h"
#include "attest/token.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/remote.h"

struct prover {
	struct remote_options remote;
	struct cli_list args;
	const char *account, *key, *secret, *enrol, *audience, *relay;
	const char *challenge, *service, *answer, *token, *offer_file, *out;
	const char *method, *role, *as;
	struct cli_time lifetime;
	bool offer, json;
};

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

#define USAGE(text, what, least, most)                                         \
	CLI_USAGE(text, what, options, least, most, &p.args)
#define OUT(p)                                                                 \
	{                                                                      \
		"out", CLI_OUT, &(p)->out, false, "FILE",                      \
		    "where it goes, mode 0600, instead of standard output "    \
		    "(`-`)"                                                    \
	}
#define JSON(p)                                                                \
	{                                                                      \
		"json", CLI_FLAG, &(p)->json, false, NULL,                     \
		    "print the whole answer as JSON"                           \
	}
#define PROVER(p)                                                              \
	{ "account", CLI_TEXT, &(p)->account, false, "ID",                     \
		"the account that proves itself" },                            \
	    { "key", CLI_TEXT, &(p)->key, false, "FILE",                       \
		    "its private key; what the token is bound to" },           \
	    { "secret", CLI_TEXT, &(p)->secret, false, "FILE",                 \
		    "prove by this HMAC secret instead of the key" },          \
	    { "enrol", CLI_TEXT, &(p)->enrol, false, "FILE",                   \
		    "prove by this enrolment secret, and register the key" },  \
	{                                                                      \
		"audience", CLI_TEXT, &(p)->audience, false, "NAME",           \
		    "whom the token is for"                                    \
	}

/* Runs `act` with what was parsed; frees. */
static enum cli_exit
with_options(const struct cli_usage *usage, int argc, char **argv,
    struct prover *p, enum cli_exit (*act)(struct prover *))
{
	enum cli_exit code;

	if (cli_parse(usage, argc, argv, &code))
		code = act(p);
	cli_list_free(&p->args);
	return code;
}

static enum cli_exit
with_remote(
    struct prover *p, enum cli_exit (*act)(struct prover *, struct remote *))
{
	struct remote *r = remote_open(&p->remote);
	enum cli_exit code = r ? act(p, r) : CLI_CANNOT_TELL;

	remote_close(r);
	return code;
}

static bool
needs(const char *option, const void *value)
{
	if (!value)
		cli_errorf("--%s is missing", option);
	return value != NULL;
}

/* Text and a newline, to the file or to standard output. */
static enum cli_exit
put_text(const char *path, struct str text)
{
	struct buf line = { 0 };
	struct error err = { 0 };
	enum cli_exit code = CLI_YES;

	buf_add(&line, text);
	buf_byte(&line, '\n');
	if (path) {
		if (!buf_ok(&line))
			error_nomem(&err);
		if (!buf_ok(&line) ||
		    !file_replace(path, 0600, buf_str(&line), &err))
			code = failed(&err);
	} else if (!cli_print(&line)) {
		code = CLI_CANNOT_TELL;
	}
	buf_free(&line);
	return code;
}

/* The token of an answer, or the whole answer; takes it. */
static enum cli_exit
put_answer(const struct prover *p, json_t *answer_take, const char *member)
{
	struct str text = json_str(json_object_get(answer_take, member));
	enum cli_exit code = CLI_YES;

	if (p->out || !p->json)
		code = put_text(p->out, text);
	if (code == CLI_YES && p->json)
		return cli_print_json(answer_take, false) ? CLI_YES
							  : CLI_CANNOT_TELL;
	json_decref(answer_take);
	return code;
}

static bool
read_line(struct arena *a, const char *path, struct str *ret)
{
	struct error err = { 0 };

	if (!file_read(a, path, LIMIT_KEY_FILE_BYTES, ret, &err)) {
		cli_error(&err, STR(""));
		return false;
	}
	while (ret->n &&
	       (ret->p[ret->n - 1] == '\n' || ret->p[ret->n - 1] == '\r'))
		ret->n--;
	return true;
}

/* ---- challenge new ------------------------------------------------------- */

static enum cli_exit
ask_challenge(struct prover *p, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/challenges"),
		.is_anonymous = true,
		.body = json_pack("{s:s, s:s, s:s, s:s}", "account", p->account,
		    "method", p->method, "audience", p->audience, "role",
		    p->role ? p->role : "account") };
	json_t *answer;
	enum cli_exit code;

	if (!remote_send(r, call, p->json, &answer, &code))
		return code;
	return put_answer(p, answer, "challenge");
}

static enum cli_exit
act_challenge(struct prover *p)
{
	if (!needs("account", p->account) || !needs("method", p->method) ||
	    !needs("audience", p->audience))
		return CLI_CANNOT_TELL;
	return with_remote(p, ask_challenge);
}

enum cli_exit
cmd_challenge_new(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = { { "account", CLI_TEXT, &p.account,
						  true, "ID",
						  "who will answer" },
		{ "method", CLI_TEXT, &p.method, true, "METHOD",
		    "hmac, p256, ed25519 or rsa" },
		{ "audience", CLI_TEXT, &p.audience, true, "NAME",
		    "whom the token will be for" },
		{ "role", CLI_TEXT, &p.role, false, "ROLE",
		    "account (default), enrol or attest" },
		OUT(&p), JSON(&p), REMOTE_SERVER(&p.remote) };
	const struct cli_usage usage = USAGE(
	    "avow challenge new --account ID --method METHOD --audience NAME",
	    "Get a challenge for somebody else to answer (`avow challenge "
	    "answer`), "
	    "once, within a minute. For role attest within five; its `nonce` "
	    "(--json) is for a cloud that signs one.",
	    0, 0);

	return with_options(&usage, argc, argv, &p, act_challenge);
}

/* ---- token new ----------------------------------------------------------- */

static enum cli_exit
prove_now(struct prover *p, struct remote *r)
{
	const struct remote_proof what = {
		.role = p->enrol ? PROVE_ENROL : PROVE_ACCOUNT,
		.account = p->account,
		.audience = p->audience,
		.key = p->key,
		.secret = p->enrol ? p->enrol : p->secret,
		.service = p->service,
		.offer = p->offer,
		.lifetime_s = p->lifetime.ms / 1000,
	};
	json_t *answer;
	enum cli_exit code;

	if (!remote_prove(r, &what, p->json, &answer, &code))
		return code;
	return put_answer(p, answer, "token");
}

/* An answer that another made; it names who relays it. */
static enum cli_exit
relay_answer(struct prover *p, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/tokens"),
		.is_anonymous = p->remote.as == NULL };
	struct error err = { 0 };
	struct str text;
	json_t *proof, *answer;
	enum cli_exit code;

	if (!read_line(remote_arena(r), p->answer, &text))
		return CLI_CANNOT_TELL;
	if (!json_parse(text, p->answer, LIMIT_ANSWER_BYTES,
		LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, &proof, &err))
		return failed(&err);
	call.body = json_pack("{s:o}", "proof", proof);
	if (call.body && p->offer)
		(void)json_object_set_new(call.body, "offer", json_true());
	if (!remote_send(r, call, p->json, &answer, &code))
		return code;
	return put_answer(p, answer, "token");
}

static enum cli_exit
act_token_new(struct prover *p)
{
	if (p->answer) {
		p->remote.key = p->key;
		p->remote.secret = p->secret;
		return with_remote(p, relay_answer);
	}
	if (!needs("account", p->account) || !needs("key", p->key) ||
	    !needs("audience", p->audience))
		return CLI_CANNOT_TELL;
	if (p->remote.as || (p->secret && p->enrol)) {
		cli_errorf("--as goes with --answer, and --secret not with "
			   "--enrol");
		return CLI_CANNOT_TELL;
	}
	return with_remote(p, prove_now);
}

enum cli_exit
cmd_token_new(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = {
		PROVER(&p),
		{ "lifetime", CLI_DURATION, &p.lifetime, false, "DURATION",
		    "shorter than the service would have it" },
		{ "offer", CLI_FLAG, &p.offer, false, NULL,
		    "leave it at the broker, too" },
		{ "service", CLI_TEXT, &p.service, false, "URL",
		    "the service's public address, when --server is another" },
		{ "answer", CLI_TEXT, &p.answer, false, "FILE",
		    "send this answer of `avow challenge answer` instead" },
		{ "as", CLI_TEXT, &p.remote.as, false, "ID",
		    "with --answer: the controller that relays it; --key is "
		    "its" },
		OUT(&p),
		JSON(&p),
		REMOTE_SERVER(&p.remote),
	};
	const struct cli_usage usage = USAGE(
	    "avow token new --account ID --key FILE --audience NAME [-o FILE]",
	    "Prove possession of an account's key and get a token, bound to "
	    "that key. The key never leaves this host.",
	    0, 0);

	return with_options(&usage, argc, argv, &p, act_token_new);
}

/* ---- token prove: an answer, without a network ----------------------------
 */

/* To the token service, or between peers. */
static enum prove_role
answer_role(const struct prover *p)
{
	if (p->role)
		return prove_role_of(str_of(p->role));
	return p->enrol ? PROVE_ENROL : PROVE_ACCOUNT;
}

/* Peers know public keys alone, and nobody stands between them. */
static bool
check_role(const struct prover *p)
{
	enum prove_role role = answer_role(p);

	if (!p->role || role == PROVE_ACCOUNT)
		return true;
	if (role != PROVE_CLIENT && role != PROVE_INSTANCE)
		cli_errorf("--role: expected account, client or instance, "
			   "found `%s`",
		    p->role);
	else if (p->secret || p->enrol || p->relay)
		cli_errorf("--role %s goes without --secret, --enrol and "
			   "--relay",
		    p->role);
	else
		return true;
	return false;
}

static bool
fill_answer(
    struct prover *p, struct arena *a, struct prove_with *with, struct buf *out)
{
	struct prove_answer answer = {
		.role = answer_role(p),
		.account = str_of(p->account),
		.audience = str_of(p->audience),
		.relay = str_of(p->relay),
	};
	struct error err = { 0 };
	struct str challenge;

	if (!base64_decode(a, BASE64_URL, str_of(p->challenge), &challenge)) {
		cli_errorf("--challenge: expected Base64url");
		return false;
	}
	answer.challenge = challenge;
	if (!prove_answer_make(a, with, &answer, &err))
		return failed(&err) == CLI_YES;
	return prove_answer_write(&answer, out);
}

static enum cli_exit
prove_offline(struct prover *p, struct arena *a, struct attest_key *key)
{
	const char *secret = p->enrol ? p->enrol : p->secret;
	struct prove_with with = { .service = str_of(p->service), .key = key };
	struct buf text = { 0 };
	enum cli_exit code = CLI_CANNOT_TELL;

	if (secret && !remote_read_shared(a, secret, &with.secret))
		return CLI_CANNOT_TELL;
	if (fill_answer(p, a, &with, &text))
		code = put_text(p->out, buf_str(&text));
	buf_free(&text);
	return code;
}

static enum cli_exit
act_challenge_answer(struct prover *p)
{
	struct arena *a;
	struct attest_key *key;
	struct error err = { 0 };
	enum cli_exit code = CLI_CANNOT_TELL;

	if (!needs("account", p->account) || !needs("key", p->key) ||
	    !needs("audience", p->audience) || (p->secret && p->enrol) ||
	    !check_role(p))
		return code;
	a = arena_new(0);
	key = attest_key_open(p->key, &err);
	if (!key)
		code = failed(&err);
	else if (a)
		code = prove_offline(p, a, key);
	attest_key_free(key);
	arena_free(a);
	return code;
}

enum cli_exit
cmd_challenge_answer(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = {
		PROVER(&p),
		{ "challenge", CLI_TEXT, &p.challenge, true, "TEXT",
		    "the challenge that was given" },
		{ "service", CLI_TEXT, &p.service, true, "URL",
		    "the address of who asks, as configured here" },
		{ "relay", CLI_TEXT, &p.relay, false, "ID",
		    "the controller that will carry the answer, and no other" },
		{ "role", CLI_TEXT, &p.role, false, "ROLE",
		    "account (default): to the token service; client, to a "
		    "machine; instance, to its client" },
		OUT(&p),
	};
	const struct cli_usage usage = USAGE(
	    "avow challenge answer --account ID --key FILE --audience NAME "
	    "--challenge TEXT --service URL",
	    "Answer a challenge, without a network: for a controller to send "
	    "(`avow token new --answer`), or to a machine's agent or by it "
	    "(docs/agent.md, \"Between machines\").",
	    0, 0);

	return with_options(&usage, argc, argv, &p, act_challenge_answer);
}

/* ---- token exchange ------------------------------------------------------ */

static bool
add_encoded(struct buf *form, const char *name, struct str value)
{
	static const struct str plain = STR_INIT("-._~");

	buf_printf(form, "&%s=", name);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || str_find(plain, c, 0) < plain.n)
			buf_byte(form, c);
		else
			buf_printf(form, "%%%02X", (unsigned char)c);
	}
	return buf_ok(form);
}

static enum cli_exit
exchange(struct prover *p, struct remote *r)
{
	struct buf form = { 0 };
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/token") };
	json_t *answer;
	enum cli_exit code = CLI_CANNOT_TELL;

	if (!read_line(remote_arena(r), p->token, &call.proof_token))
		return code;
	buf_addz(&form,
	    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
	    "&subject_token_type=urn:ietf:params:oauth:token-type:jwt");
	(void)add_encoded(&form, "subject_token", call.proof_token);
	(void)add_encoded(&form, "requested_token_type",
	    str_of(token_urn(token_type_of(str_of(p->as)))));
	if (p->audience)
		(void)add_encoded(&form, "audience", str_of(p->audience));
	buf_byte(&form, '\0');
	call.form = form.p;
	if (!buf_ok(&form))
		cli_errorf("memory ran out");
	else if (remote_send(r, call, p->json, &answer, &code))
		code = put_answer(p, answer, "access_token");
	buf_free(&form);
	return code;
}

static enum cli_exit
act_exchange(struct prover *p)
{
	bool is_wit;

	if (!p->as)
		p->as = "full";
	is_wit = str_eq(str_of(p->as), STR("wit-svid"));
	if (!is_wit && !str_eq(str_of(p->as), STR("full")) &&
	    !str_eq(str_of(p->as), STR("jwt-svid"))) {
		cli_errorf("--as: expected full, jwt-svid or wit-svid, found "
			   "`%s`",
		    p->as);
		return CLI_CANNOT_TELL;
	}
	if (is_wit && p->audience) {
		cli_errorf("--audience: a WIT-SVID is for nobody by itself");
		return CLI_CANNOT_TELL;
	}
	if (!needs("token", p->token) || !needs("key", p->key) ||
	    (!is_wit && !needs("audience", p->audience)))
		return CLI_CANNOT_TELL;
	p->remote.key = p->key;
	return with_remote(p, exchange);
}

enum cli_exit
cmd_token_exchange(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = {
		{ "token", CLI_TEXT, &p.token, true, "FILE",
		    "a token for the service itself" },
		{ "key", CLI_TEXT, &p.key, true, "FILE",
		    "the key that it is bound to" },
		{ "audience", CLI_TEXT, &p.audience, false, "NAME",
		    "whom the new token is for; not for a WIT-SVID" },
		{ "as", CLI_TEXT, &p.as, false, "TYPE",
		    "full (default); jwt-svid: SPIFFE's bearer, where the "
		    "service gives it; wit-svid: SPIFFE's, bound to the key" },
		OUT(&p), JSON(&p), REMOTE_SERVER(&p.remote)
	};
	const struct cli_usage usage = USAGE(
	    "avow token exchange --token FILE --key FILE --audience NAME",
	    "Exchange a token for a narrower one (RFC 8693): another audience, "
	    "the same key, never a longer life; or for the same as a SPIFFE "
	    "SVID.",
	    0, 0);

	return with_options(&usage, argc, argv, &p, act_exchange);
}

/* ---- the broker ---------------------------------------------------------- */

static enum cli_exit
offer(struct prover *p, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/broker") };
	struct str token;

	if (!read_line(remote_arena(r), p->token, &token))
		return CLI_CANNOT_TELL;
	call.body = json_pack("{s:o}", "token", json_from_str(token));
	return remote_do(r, call, p->json);
}

static enum cli_exit
pick(struct prover *p, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = str_printf(
		    remote_arena(r), "/v1/broker/%s", p->args.items[0]) };
	json_t *answer;
	enum cli_exit code;

	if (!remote_send(r, call, p->json, &answer, &code))
		return code;
	return put_answer(p, answer, "token");
}

static enum cli_exit
withdraw(struct prover *p, struct remote *r)
{
	struct remote_call call = { .method = "DELETE",
		.path = str_printf(remote_arena(r), "/v1/broker/%s%s%s",
		    p->args.n ? p->args.items[0] : p->remote.as,
		    p->audience ? "?audience=" : "",
		    p->audience ? p->audience : "") };

	return remote_do(r, call, p->json);
}

static bool
is_id(const struct prover *p)
{
	if (p->args.n == 0 ||
	    attest_instance_id_is_valid(str_of(p->args.items[0])))
		return true;
	cli_errorf("`%s` is no id of an account", p->args.items[0]);
	return false;
}

static enum cli_exit
act_offer(struct prover *p)
{
	return needs("as", p->remote.as) && needs("token", p->token)
		   ? with_remote(p, offer)
		   : CLI_CANNOT_TELL;
}

static enum cli_exit
act_pick(struct prover *p)
{
	return is_id(p) && needs("as", p->remote.as) ? with_remote(p, pick)
						     : CLI_CANNOT_TELL;
}

static enum cli_exit
act_withdraw(struct prover *p)
{
	return is_id(p) && needs("as", p->remote.as) ? with_remote(p, withdraw)
						     : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_token_offer(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = { { "token", CLI_TEXT, &p.token,
						  true, "FILE",
						  "the token to leave there" },
		REMOTE_ACCOUNT(&p.remote), REMOTE_SERVER(&p.remote) };
	const struct cli_usage usage =
	    USAGE("avow token offer --token FILE --as ID --key FILE",
		"Leave a token at the broker, for clients of its audience to "
		"pick up. It tells who you are and opens nothing without your "
		"key.",
		0, 0);

	return with_options(&usage, argc, argv, &p, act_offer);
}

enum cli_exit
cmd_token_pick(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = { OUT(&p), JSON(&p),
		REMOTE_ACCOUNT(&p.remote), REMOTE_SERVER(&p.remote) };
	const struct cli_usage usage =
	    USAGE("avow token pick ACCOUNT --as ID --key FILE",
		"Get the token that ACCOUNT offers to you: who it is, with the "
		"service's word for it.",
		1, 1);

	return with_options(&usage, argc, argv, &p, act_pick);
}

enum cli_exit
cmd_token_withdraw(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = {
		{ "audience", CLI_TEXT, &p.audience, false, "NAME",
		    "only what was offered to it" },
		JSON(&p), REMOTE_ACCOUNT(&p.remote), REMOTE_SERVER(&p.remote)
	};
	const struct cli_usage usage = USAGE(
	    "avow token withdraw [ACCOUNT] --as ID --key FILE",
	    "Take back what is offered: your own, or as its controller that "
	    "of ACCOUNT.",
	    0, 1);

	return with_options(&usage, argc, argv, &p, act_withdraw);
}

/* ---- key secret ---------------------------------------------------------- */

static enum cli_exit
act_secret(struct prover *p)
{
	struct error err = { 0 };

	return sts_secret_create(p->out, (struct prove_random){ 0 }, &err)
		   ? CLI_YES
		   : failed(&err);
}

enum cli_exit
cmd_key_secret(int argc, char **argv)
{
	struct prover p = { 0 };
	const struct cli_option options[] = {
		{ "out", CLI_TEXT, &p.out, true, "FILE",
		    "the secret, mode 0600; must not exist" },
	};
	const struct cli_usage usage = USAGE("avow key secret -o FILE",
	    "Make the master secret of a token service: it seals what is "
	    "stored and MACs challenges. All nodes of a service share it.",
	    0, 0);

	return with_options(&usage, argc, argv, &p, act_secret);
}
