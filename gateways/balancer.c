/* balancer.c - who may be in a pool: the limits, the join, the leave. */
#include "gateways/balancer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/balancer_private.h"

/* --- the object
 * -----------------------------------------------------------------
 */

/* Waits are of the monotonic clock. */
static bool
make_lock(pthread_mutex_t *lock, pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	/* Cannot fail with default attributes on Linux. */
	return ok && pthread_mutex_init(lock, NULL) == 0;
}

/* Strings and lists into the balancer's own arena: the configuration goes with
 * its state. */
static bool
copy_pool(struct arena *a, const struct config_gate *gate,
    const struct config_pool *from, struct balancer_pool *to)
{
	size_t ports = from->n_ports * sizeof *from->ports;
	size_t networks = from->networks.n * sizeof *from->networks.items;
	void *port_copy = arena_alloc(a, ports + 1);
	void *network_copy = arena_alloc(a, networks + 1);

	to->gate = str_dup(a, gate->name);
	to->max_lease_s = gate->max_lease_s;
	to->config = *from;
	to->config.name = str_dup(a, from->name);
	to->config.haproxy = str_dup(a, from->haproxy);
	to->config.backend = str_dup(a, from->backend);
	if (!port_copy || !network_copy || !to->gate.p || !to->config.name.p ||
	    !to->config.haproxy.p || !to->config.backend.p)
		return false;
	if (ports)
		memcpy(port_copy, from->ports, ports);
	if (networks)
		memcpy(network_copy, from->networks.items, networks);
	to->config.ports = port_copy;
	to->config.networks.items = network_copy;
	return true;
}

static size_t
count_pools(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_gates; i++)
		n += c->gates[i].n_pools;
	return n;
}

/* Two pools would remove each other's servers. */
static bool
check_backends(const struct balancer *b, struct error *reterr)
{
	for (size_t i = 0; i < b->n_pools; i++)
		for (size_t k = 0; k < i; k++) {
			const struct config_pool *x = &b->pools[i].config;
			const struct config_pool *y = &b->pools[k].config;

			if (str_eq(x->haproxy, y->haproxy) &&
			    str_eq(x->backend, y->backend))
				return error_set(reterr, ERR_CONFIG_VALUE,
				    x->at,
				    "pools `%.*s` and `%.*s` are the same "
				    "backend `%.*s`",
				    STR_ARG(y->name), STR_ARG(x->name),
				    STR_ARG(x->backend));
		}
	return true;
}

static bool
copy_pools(struct balancer *b, const struct config *c, struct error *reterr)
{
	b->pools =
	    ARENA_ARRAY(b->arena, count_pools(c) + 1, struct balancer_pool);
	if (!b->pools)
		return error_nomem(reterr);
	for (size_t i = 0; i < c->n_gates; i++)
		for (size_t k = 0; k < c->gates[i].n_pools; k++) {
			struct balancer_pool *p = &b->pools[b->n_pools];

			if (!copy_pool(b->arena, &c->gates[i],
				&c->gates[i].pools[k], p) ||
			    !make_lock(&p->lock, &p->is_free))
				return error_nomem(reterr);
			b->n_pools++;
		}
	return check_backends(b, reterr);
}

struct balancer *
balancer_new(const struct balancer_options *options, struct error *reterr)
{
	struct balancer *b = calloc(1, sizeof *b);

	if (!b || !make_lock(&b->wake_lock, &b->wake) ||
	    pthread_mutex_init(&b->beat_lock, NULL) != 0) {
		free(b);
		error_nomem(reterr);
		return NULL;
	}
	b->store = options->store;
	b->clock = options->clock;
	b->judge = options->judge;
	b->haproxy_ms =
	    options->haproxy_ms ? options->haproxy_ms : LIMIT_HAPROXY_MS;
	b->reviewed_at_ms = b->repaired_at_ms = INT64_MIN;
	b->arena = arena_new(0);
	if (!b->arena)
		error_nomem(reterr);
	else if (copy_pools(b, options->config, reterr))
		return b;
	balancer_free(b);
	return NULL;
}

void
balancer_free(struct balancer *b)
{
	if (!b)
		return;
	balancer_stop(b);
	for (size_t i = 0; i < b->n_pools; i++) {
		pthread_mutex_destroy(&b->pools[i].lock);
		pthread_cond_destroy(&b->pools[i].is_free);
	}
	pthread_mutex_destroy(&b->beat_lock);
	pthread_mutex_destroy(&b->wake_lock);
	pthread_cond_destroy(&b->wake);
	arena_free(b->arena);
	free(b);
}

static struct balancer_pool *
pool_of(const struct balancer *b, struct str name)
{
	for (size_t i = 0; i < b->n_pools; i++)
		if (str_eq(b->pools[i].config.name, name))
			return &b->pools[i];
	return NULL;
}

struct balancer_pool *
balancer_pool_find(struct balancer *b, struct str name)
{
	return pool_of(b, name);
}

static bool
is_same_pool(const struct balancer_pool *p, const struct config_gate *gate,
    const struct config_pool *c)
{
	const struct config_cidrs *x = &p->config.networks, *y = &c->networks;

	if (!str_eq(p->gate, gate->name) ||
	    p->max_lease_s != gate->max_lease_s ||
	    !str_eq(p->config.haproxy, c->haproxy) ||
	    !str_eq(p->config.backend, c->backend) ||
	    p->config.n_ports != c->n_ports || x->n != y->n)
		return false;
	for (size_t i = 0; i < c->n_ports; i++)
		if (p->config.ports[i] != c->ports[i])
			return false;
	for (size_t i = 0; i < y->n; i++)
		if (!net_addr_eq(&x->items[i].addr, &y->items[i].addr) ||
		    x->items[i].prefix != y->items[i].prefix)
			return false;
	return true;
}

bool
balancer_accepts(
    const struct balancer *b, const struct config *config, struct error *reterr)
{
	size_t same = 0, n = 0;

	for (size_t i = 0; i < config->n_gates; i++)
		for (size_t k = 0; k < config->gates[i].n_pools; k++, n++) {
			const struct config_gate *gate = &config->gates[i];
			const struct balancer_pool *p =
			    pool_of(b, gate->pools[k].name);

			same += p && is_same_pool(p, gate, &gate->pools[k]);
		}
	if (same == n && n == b->n_pools)
		return true;
	return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
	    "pools and the maxLease of their gates change only at a restart");
}

bool
balancer_server_name(
    struct str pool, struct str principal, uint16_t port, char ret[38])
{
	char number[8];
	uint8_t digest[32];
	struct str parts[3] = { pool, principal };

	snprintf(number, sizeof number, "%u", (unsigned)port);
	parts[2] = str_of(number);
	if (!digest_sha256_framed(parts, ARRAY_LEN(parts), digest))
		return false;
	snprintf(ret, 38, "avow-");
	digest_hex(digest, 16, ret + 5);
	return true;
}

/* --- limits
 * ---------------------------------------------------------------------
 */

/* The last address of a network. */
static struct net_addr
last_of(const struct net_cidr *c)
{
	struct net_addr a = c->addr;
	unsigned bits = a.family == 4 ? 32 : 128;

	for (unsigned i = c->prefix; i < bits; i++)
		a.bytes[i / 8] |= (uint8_t)(0x80u >> (i % 8));
	return a;
}

/* Names nothing but special addresses (`127.0.0.0/8`), so that listing it was
 * meant so; `0.0.0.0/0` lists no loopback. */
static bool
is_special_network(const struct net_cidr *c)
{
	struct net_addr last = last_of(c);

	return c->prefix >= 4 && net_is_special(&c->addr) &&
	       net_is_special(&last);
}

static bool
check_network(const struct balancer_pool *p, const struct net_addr *a,
    struct error *reterr)
{
	bool special = net_is_special(a), listed = false;

	for (size_t i = 0; i < p->config.networks.n; i++) {
		const struct net_cidr *c = &p->config.networks.items[i];

		listed = listed || (net_contains(c, a) &&
				       (!special || is_special_network(c)));
	}
	if (listed)
		return true;
	if (special)
		return error_set(reterr, ERR_BALANCER_ADDRESS, SPAN_NONE,
		    "unspecified, loopback, link-local and multicast "
		    "addresses join only where their network is listed");
	return error_set(reterr, ERR_BALANCER_NETWORK, SPAN_NONE,
	    "the address is in none of the pool's networks");
}

static bool
check_port(const struct balancer_pool *p, int64_t port, struct error *reterr)
{
	for (size_t i = 0; i < p->config.n_ports; i++)
		if (p->config.ports[i] == port && port != 0)
			return true;
	return error_set(reterr, ERR_BALANCER_PORT, SPAN_NONE,
	    "the pool does not have port %lld", (long long)port);
}

/* SECURITY 6: three addresses are one. */
static bool
check_client(const struct balancer_who *who, struct error *reterr)
{
	struct net_addr attested = claims_address(who->claims);

	if (net_addr_eq(&who->client, &attested))
		return true;
	return error_set(reterr, ERR_REQUIREMENT_ADDRESS, SPAN_NONE,
	    attested.family ? "the client's address is not the attested one"
			    : "the document attests no address");
}

bool
balancer_check(const struct balancer_pool *p, const struct balancer_who *who,
    const struct net_addr *address, int64_t port, int64_t weight,
    struct error *reterr)
{
	if (!check_client(who, reterr))
		return false;
	if (!net_addr_eq(address, &who->client))
		return error_set(reterr, ERR_BALANCER_ADDRESS, SPAN_NONE,
		    "the address to join is not the attested one");
	if (!check_network(p, address, reterr) || !check_port(p, port, reterr))
		return false;
	if (weight < 0 || weight > (int64_t)LIMIT_BALANCER_WEIGHT)
		return error_set(reterr, ERR_BALANCER_WEIGHT, SPAN_NONE,
		    "expected a weight from 0 to %u, found %lld",
		    LIMIT_BALANCER_WEIGHT, (long long)weight);
	return true;
}

int64_t
balancer_lease_end(const struct balancer_pool *p, const struct claims *claims,
    int64_t shown_at)
{
	int64_t end = claims_lease_end(claims, shown_at), own;

	if (p->max_lease_s == CONFIG_LEASE_NOT_GIVEN ||
	    p->max_lease_s == CONFIG_LEASE_NONE ||
	    __builtin_add_overflow(shown_at, p->max_lease_s, &own))
		return end;
	return own < end ? own : end;
}

/* --- joining
 * --------------------------------------------------------------------
 */

struct joining {
	struct balancer *b;
	struct balancer_pool *pool;
	struct arena *a;
	const struct balancer_who *who;
	struct balancer_ask ask;
	struct store_member row;
};

static bool
print_address(struct arena *a, const struct net_addr *addr, struct str *ret,
    struct error *reterr)
{
	struct buf text = { 0 };

	net_print(&text, addr);
	*ret = buf_ok(&text) ? str_dup(a, buf_str(&text)) : (struct str){ 0 };
	buf_free(&text);
	return ret->p || error_nomem(reterr);
}

/* What is stored: all that judging again needs. */
static bool
make_row(struct joining *j, struct error *reterr)
{
	const struct balancer_who *who = j->who;
	int64_t now_s = who->now_ms / 1000;
	struct store_member *m = &j->row;
	char server[38];

	*m = (struct store_member){
		.pool = j->ask.pool,
		.principal = claims_principal(who->claims).id,
		.port = j->ask.port,
		.weight = j->ask.weight,
		.shown_at = now_s,
		.attested_at = now_s,
		.proof = str_of(claims_proof_name(who->proof)),
		.protocol = who->protocol,
		.issuer = claims_issuer(who->claims),
		.kind = who->evidence.kind,
		.document = who->evidence.document,
		.signature = who->evidence.signature,
	};
	if (!claims_issued_at(who->claims, &m->attested_at))
		m->attested_at = now_s;
	m->expires_at = balancer_lease_end(j->pool, who->claims, now_s);
	if (m->expires_at <= now_s)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "a membership would have ended already");
	if (!balancer_server_name(m->pool, m->principal, m->port, server))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "no digest could be made");
	m->server = str_dup(j->a, str_of(server));
	if (!m->server.p)
		return error_nomem(reterr);
	return print_address(j->a, &j->ask.address, &m->address, reterr);
}

/* May the asker take the place of who holds it? The same issuer has attested it
 * later: the address has moved on. */
static bool
check_holder(const struct joining *j, const struct store_member *holder,
    struct error *reterr)
{
	if (str_eq(holder->issuer, j->row.issuer) &&
	    holder->attested_at < j->row.attested_at)
		return true;
	return error_set(reterr, ERR_BALANCER_HELD, SPAN_NONE,
	    "another instance holds this address and port");
}

/* Store the row, in place of a holder that has to go. What is found changes
 * under us at most by others that join: then the place is held. */
static bool
store_row(struct joining *j, struct store_member *ret_gone, bool *ret_any,
    enum store_join *ret, struct error *reterr)
{
	if (!store_member_holder(
		j->b->store, j->a, &j->row, ret_gone, ret_any, reterr))
		return false;
	if (*ret_any && !check_holder(j, ret_gone, reterr))
		return false;
	if (!store_member_join(j->b->store, &j->row,
		*ret_any ? ret_gone->generation : 0, ret, &j->row.generation,
		reterr))
		return false;
	if (*ret == STORE_JOIN_FULL)
		return error_set(
		    reterr, ERR_SYSTEM_LIMIT, SPAN_NONE, "the pool is full");
	if (*ret == STORE_JOIN_HELD)
		return error_set(reterr, ERR_BALANCER_HELD, SPAN_NONE,
		    "another instance holds this address and port");
	return true;
}

/* The older leaves before the newer joins. */
static bool
tell_haproxy(struct joining *j, const struct store_member *gone)
{
	if (gone) {
		log_line(LOG_INFO, "balancer.replaced",
		    "pool=%.*s instance=\"%.*s\" by=\"%.*s\" address=%.*s",
		    STR_ARG(gone->pool), STR_ARG(gone->principal),
		    STR_ARG(j->row.principal), STR_ARG(gone->address));
		(void)balancer_sync(j->b, j->pool, gone->server, NULL);
	}
	return balancer_sync(j->b, j->pool, j->row.server, NULL) == SYNC_DONE;
}

/* Members were judged again while this one was on its way in: so is it. */
static bool
check_epoch(struct joining *j, uint_fast64_t before, struct error *reterr)
{
	struct error why = { 0 };

	if (atomic_load(&j->b->epoch) == before ||
	    balancer_judge_member(j->b, j->pool, j->a, &j->row, &why))
		return true;
	if (!balancer_remove(j->b, &j->row, &why, reterr))
		return false;
	return error_set(reterr, why.code, why.at, "%s", why.msg);
}

static bool
join(struct joining *j, const struct balancer_judge *judge,
    struct balancer_joined *ret, struct error *reterr)
{
	uint_fast64_t epoch = atomic_load(&j->b->epoch);
	enum store_join stored = STORE_JOIN_HELD;
	struct store_member gone;
	bool any_gone = false, is_in;

	if (!make_row(j, reterr) ||
	    !judge->decide(judge->ctx, j->a, &j->ask, reterr) ||
	    !store_row(j, &gone, &any_gone, &stored, reterr))
		return false;
	is_in = tell_haproxy(j, any_gone ? &gone : NULL);
	if (!check_epoch(j, epoch, reterr))
		return false;
	*ret = (struct balancer_joined){ .pool = j->row.pool,
		.instance = j->row.principal,
		.address = j->row.address,
		.port = j->row.port,
		.is_new = stored == STORE_JOINED,
		.is_in = is_in,
		.expires_at = j->row.expires_at };
	return true;
}

static bool
unknown_pool(struct error *reterr)
{
	return error_set(
	    reterr, ERR_REQUEST_PATH, SPAN_NONE, "there is no such pool");
}

bool
balancer_examine(const struct balancer *b, struct str pool,
    const struct balancer_who *who, const struct balancer_said *said,
    struct balancer_ask *ret_ask, struct error *reterr)
{
	const struct balancer_pool *p = pool_of(b, pool);
	struct net_addr address = { 0 };

	if (!p)
		return unknown_pool(reterr);
	if (!check_client(who, reterr))
		return false;
	if (!net_parse_addr(said->address, &address))
		return error_set(reterr, ERR_BALANCER_ADDRESS, SPAN_NONE,
		    "the address to join is not an IP address");
	if (!balancer_check(p, who, &address, said->port, said->weight, reterr))
		return false;
	*ret_ask = (struct balancer_ask){ .gate = p->gate,
		.pool = p->config.name,
		.who = who,
		.address = address,
		.port = (uint16_t)said->port,
		.weight = (uint16_t)said->weight };
	return true;
}

bool
balancer_join(struct balancer *b, struct arena *a, struct str pool,
    const struct balancer_who *who, const struct balancer_said *said,
    const struct balancer_judge *judge, struct balancer_joined *ret,
    struct error *reterr)
{
	struct joining j = { .b = b, .a = a, .who = who };

	if (!balancer_examine(b, pool, who, said, &j.ask, reterr))
		return false;
	j.pool = balancer_pool_find(b, pool);
	return join(&j, judge, ret, reterr);
}

/* --- leaving
 * --------------------------------------------------------------------
 */

bool
balancer_leave(struct balancer *b, struct arena *a, struct str pool,
    const struct balancer_who *who, uint16_t port, struct error *reterr)
{
	struct balancer_pool *p = balancer_pool_find(b, pool);
	struct store_member *left;
	size_t n;

	if (!p)
		return unknown_pool(reterr);
	if (!check_client(who, reterr) ||
	    !store_member_leave(b->store, a, pool,
		claims_principal(who->claims).id, port, &left, &n, reterr))
		return false;
	/* Out of the store is out: what HAProxy could not do now, it is told by
	 * the next repair. */
	for (size_t i = 0; i < n; i++)
		(void)balancer_sync(b, p, left[i].server, NULL);
	return true;
}
