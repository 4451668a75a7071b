/* agent_config_local.c - `local:` of the agent's configuration: who may ask at
 * the socket, what proofs are made for, and the peers. Users are looked up
 * here, so that a name that is none has its place. */
#include "gateways/agent_config_private.h"

#include <pwd.h>

#include "attest/prove.h"
#include "base/limits.h"
#include "gateways/listen.h"

#define RATE_USUAL 20

/* A name, or a number for who has none. */
static bool
find_user(struct str text, uint32_t *ret)
{
	uint64_t number;
	const struct passwd *pw;

	if (str_to_u64(text, UINT32_MAX - 1, &number)) {
		*ret = (uint32_t)number;
		return true;
	}
	pw = getpwnam(text.p);
	if (pw)
		*ret = pw->pw_uid;
	return pw != NULL;
}

static void
read_users(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_local *l = to;
	struct config_strings names = { 0 };
	uint32_t *users;

	agent_config_read_some(r, f, value, &names);
	users = ARENA_ARRAY(r->a, names.n, uint32_t);
	if (!users) {
		config_fail_memory(r);
		return;
	}
	for (size_t i = 0; i < names.n; i++)
		if (names.items[i].n && !find_user(names.items[i], &users[i]))
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "there is no user `%.*s`", STR_ARG(names.items[i]));
	l->users = users;
	l->n_users = names.n;
}

static void
read_rate(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str text = config_text(r, value);
	uint64_t rate = 0;

	if (text.n && (!str_to_u64(text, LIMIT_LOCAL_RATE, &rate) || rate == 0))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%s` is a number of requests a second, 1 to %u", f->name,
		    LIMIT_LOCAL_RATE);
	memcpy(to, &(int64_t){ (int64_t)rate }, sizeof(int64_t));
}

static void
read_urls(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_strings *urls = to;

	agent_config_read_some(r, f, value, urls);
	for (size_t i = 0; i < urls->n; i++)
		if (urls->items[i].n &&
		    (!agent_config_is_url(urls->items[i]) ||
			!str_has_suffix(urls->items[i], STR("/"))))
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "expected `https://HOST[:PORT]/PATH/`, with a `/` "
			    "at its end, found `%.*s`",
			    STR_ARG(urls->items[i]));
}

static void
read_audience(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str *audience = to;

	(void)f;
	*audience = config_text(r, value);
	if (audience->n > LIMIT_AUDIENCE_BYTES)
		config_fail(r, ERR_LIMIT_SIZE, value->at, "at most %u bytes",
		    LIMIT_AUDIENCE_BYTES);
}

static void
read_peer_url(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str *url = to;

	*url = config_text(r, value);
	if (url->n && !agent_config_is_url(*url))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%s`: expected `https://HOST[:PORT]`, found `%.*s`",
		    f->name, STR_ARG(*url));
}

/* ---- peers --------------------------------------------------------------- */

static const struct config_field peer_fields[] = {
	CONFIG_FIELD(struct agent_peer, account, "account",
	    agent_config_read_id, .is_required = true),
	CONFIG_FIELD(struct agent_peer, key, "key", config_read_text, 0),
	CONFIG_FIELD(struct agent_peer, url, "url", read_peer_url, 0),
};

static void
read_peers(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_local *l = to;
	struct agent_peer *peers =
	    config_list(r, f, value, YAML_LIST, sizeof *peers, &l->n_peers);

	if (l->n_peers > LIMIT_AGENT_PEERS) {
		config_fail(r, ERR_LIMIT_COUNT, value->at,
		    "`peers` has at most %u members", LIMIT_AGENT_PEERS);
		l->n_peers = LIMIT_AGENT_PEERS;
	}
	for (size_t i = 0; i < l->n_peers; i++) {
		struct agent_peer *p = &peers[i];
		struct config_seen seen;

		p->at = value->items[i].at;
		if (!config_read_map(r, &value->items[i], peer_fields,
			ARRAY_LEN(peer_fields), p, &seen))
			continue;
		if (p->key.n == 0 && p->url.n == 0)
			config_fail(r, ERR_CONFIG_KEY, p->at,
			    "a peer has a `key`, to ask him for proofs, or a "
			    "`url`, to prove this machine to him");
		for (size_t k = 0; k < i; k++)
			if (str_eq(peers[k].account, p->account))
				config_fail(r, ERR_CONFIG_VALUE, p->at,
				    "the peer `%.*s` stands twice",
				    STR_ARG(p->account));
	}
	l->peers = peers;
}

/* ---- the whole ----------------------------------------------------------- */

static const struct config_choice roles[] = { { "instance", PROVE_INSTANCE,
						  false },
	{ "client", PROVE_CLIENT, false }, { 0 } };
static const struct config_choice bindings[] = { { "off", 0, false },
	{ "tls-exporter", 1, false }, { 0 } };

#define LOCAL(member, key, reader, ...)                                        \
	CONFIG_FIELD(struct agent_local, member, key, reader, __VA_ARGS__)
enum { L_LISTEN };
static const struct config_field local_fields[] = {
	[L_LISTEN] =
	    LOCAL(listen, "listen", config_read_listen, .is_required = true),
	{ .name = "users", .read = read_users, .is_required = true },
	LOCAL(rate, "rate", read_rate, 0),
	LOCAL(urls, "urls", read_urls, 0),
	LOCAL(role, "role", config_read_choice, .choices = roles),
	LOCAL(url, "url", read_peer_url, 0),
	LOCAL(audience, "audience", read_audience, 0),
	LOCAL(binds_channel, "channelBinding", config_read_choice,
	    .choices = bindings),
	{ .name = "peers", .read = read_peers },
};

/* What proofs between peers need on both sides, and on the side that asks. */
static void
check_peers(struct config_reader *r, const struct agent_local *l)
{
	bool asks = false;

	for (size_t i = 0; i < l->n_peers; i++)
		asks = asks || l->peers[i].key.n > 0;
	if (l->n_peers && l->audience.n == 0)
		config_fail(r, ERR_CONFIG_KEY, l->at,
		    "`peers` need an `audience`: what they prove themselves "
		    "for");
	if (asks && l->url.n == 0)
		config_fail(r, ERR_CONFIG_KEY, l->at,
		    "peers with a `key` need this machine's `url`, as they "
		    "sign it");
}

void
agent_config_read_local(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_local *l = to;
	struct config_seen seen;

	(void)f;
	l->at = value->at;
	l->rate = RATE_USUAL;
	l->role = PROVE_INSTANCE;
	if (!config_read_map(
		r, value, local_fields, ARRAY_LEN(local_fields), l, &seen))
		return;
	if (l->listen.n && !str_has_prefix(l->listen, STR("unix:")))
		config_fail(r, ERR_CONFIG_VALUE, seen.at[L_LISTEN],
		    "`unix:/PATH`: at another address nobody can tell which "
		    "user asks");
	check_peers(r, l);
}
