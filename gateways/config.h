/* config.h - avow.yaml as structs, checked as a whole before anything starts.
 * In: YAML text. Out: a `struct config` in an arena, every value of a known key, of the right form and consistent with the others; or all errors of the file, each
 * with line and column. Unknown and repeated keys, anchors, aliases, tags and merge keys are errors; what this version does not have yet is refused by name. Files that
 * the configuration names (keys, policies) are not opened here. Standard: YAML 1.2 through libfyaml, which no other file uses. Limit: LIMIT_CONFIG_BYTES. */
#ifndef GATEWAYS_CONFIG_H
#define GATEWAYS_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/net.h"

/* Zero is what is demanded when nothing is said. */
enum config_demand {
	CONFIG_DEMAND_ADDRESS = 0,
	CONFIG_DEMAND_BEARER,
	CONFIG_DEMAND_KEY,
};
enum config_transport { CONFIG_TRANSPORT_HTTPS = 0, CONFIG_TRANSPORT_ANY };
enum config_gate_kind {
	CONFIG_GATE_NONE = 0,
	CONFIG_GATE_REPOSITORY,
	CONFIG_GATE_BALANCER,
};
enum config_replay { CONFIG_REPLAY_PROCESS = 0, CONFIG_REPLAY_STORE };
enum config_errored_deny { CONFIG_ERRORED_DENY = 0, CONFIG_ERRORED_SKIP };

#define CONFIG_LEASE_NOT_GIVEN 0
#define CONFIG_LEASE_NONE INT64_MAX

struct config_strings {
	const struct str *items;
	size_t n;
};

struct config_cidrs {
	const struct net_cidr *items;
	size_t n;
};

/* `keys`, `prefix`, ...: as struct attest_trust_entry has them. Slices are NUL-ended. */
struct config_trust {
	struct str kind, keys, issuer, prefix, trust_domain;
	struct str ca; /* of the URL in `keys`: file of authorities; empty: the system's */
	struct config_strings owners, regions, images;
	int64_t max_lease_s; /* CONFIG_LEASE_NOT_GIVEN, CONFIG_LEASE_NONE, or seconds > 0 */
	bool audience_optional;
	struct str certificates;
	struct config_strings signers;
	unsigned forms; /* of kind avow: bits 1u << ATTEST_...; 0: not given */
	int purpose; /* 0 document, 1 token; follows from `kind` */
	bool is_weak; /* `weak: true` */
	bool is_current; /* `current: service`: what the store supersedes is refused, so there has to be a store */
	struct str enrol_controller; /* the token service's alone; empty: none */
	bool enrol_any_address;
	struct span at;
};

/* `prefix` starts and ends with '/', has whole segments that need no decoding, and stands once in the file. */
struct config_repository {
	struct str name, prefix;
	struct span at;
};

struct config_pool {
	struct str name;
	struct str haproxy; /* path of the runtime socket */
	struct str backend; /* [A-Za-z0-9_.-]{1,64} */
	const uint16_t *ports; /* at least one, none twice */
	size_t n_ports;
	struct config_cidrs networks; /* at least one */
	struct span at;
};

struct config_gate {
	enum config_gate_kind kind;
	struct str name;
	enum config_demand demand;
	enum config_transport transport;
	struct str url;  /* `https://HOST[:PORT]`, what clients call it: proofs of possession cover it; empty: none are taken */
	struct str rhui; /* kind of X-RHUI-ID evidence; `ec2-signature` when not given */
	int64_t max_lease_s; /* as in struct config_trust */
	struct config_strings require_claims; /* names as documents have them */
	const struct config_repository *repositories;
	size_t n_repositories;
	const struct config_pool *pools;
	size_t n_pools;
	struct span at;
};

enum config_channel { CONFIG_CHANNEL_OFF = 0, CONFIG_CHANNEL_TLS_EXPORTER };

struct config_tls {
	struct str certificate, key; /* both or neither */
};

struct config_level {
	struct str claim;
	int64_t level;
};
struct config_profile {
	struct str name;
	struct config_strings claims;
	int64_t unbound_s; /* `bind: false`: how long its documents live at most; 0: they are bound */
};

/* The document service, beside the token service. */
struct config_documents {
	struct str keys; /* folder of keys that sign documents; empty: none are issued */
	int64_t lifetime_s, lifetime_most_s;
	const struct config_level *levels;
	size_t n_levels;
	const struct config_profile *profiles;
	size_t n_profiles;
	int form; /* enum attest_form, of a request that names none */
	struct span at; /* line 0: nothing was said */
};

/* The token service. It signs, so no gates stand in the same file. */
struct config_service {
	bool is_given;
	struct str listen; /* `127.0.0.1:8443` when not given; without `tls` only loopback or a Unix socket */
	struct config_tls tls;
	struct str url;    /* as provers write it: what they bind */
	struct str issuer;
	struct str keys;   /* folder of signing keys */
	struct str secret; /* file of the master secret */
	struct config_documents documents;
	struct str trust_domain; /* empty: subjects are plain ids */
	bool gives_jwt_svids; /* bearers, by exchange; needs a trust domain */
	enum config_channel channel;
	int64_t token_lifetime_s;
	struct span at;
};

struct config_admin {
	bool is_given;
	struct str listen; /* `127.0.0.1:8444` when not given */
	struct config_tls tls;
	struct str client_certificates; /* file of CA certificates; empty: none */
	bool no_tokens;    /* client certificates alone */
	struct span at;
};

struct config {
	struct config_service service;
	struct config_admin admin;
	struct str listen; /* `A.B.C.D:PORT`, `[V6]:PORT` or `unix:/PATH` */
	struct str store;  /* `sqlite:///PATH` or `postgresql://…`; empty when no gate needs one */
	struct str store_mark; /* file of the newest generation seen; empty: none */
	enum config_replay replay; /* who remembers which proofs were taken: each process for itself, or the store for all */
	struct config_strings policy_keys; /* of whom images are signed; none: that is not asked */
	struct config_strings policies, entities; /* at least one policy path, unless this is a token service */
	struct str decision_log; /* empty: none; `-`: standard error */
	struct config_cidrs proxies;
	struct str client_address; /* header name; `X-Forwarded-For` when not given */
	struct str client_certificate; /* header with the client's certificate, from proxies alone; empty: none */
	struct str revoked; /* empty: none */
	struct config_tls tls;
	enum config_errored_deny errored_deny;
	const struct config_trust *trust;
	size_t n_trust;
	const struct config_gate *gates;
	size_t n_gates;
	/* What is allowed but should be known: to be logged at start. */
	const struct error *warnings;
	size_t n_warnings;
};

/* Parse and check. Memory is `a`'s, nothing is borrowed from `text`; `file` is named in messages and must outlive them. NULL on errors. */
const struct config *config_parse(struct arena *a, const char *file,
    struct str text, struct errors *reterr);
/* The same from a file; *ret_text (for quoting lines in messages) is written once the file could be read. */
const struct config *config_load(struct arena *a, const char *path,
    struct str *ret_text, struct errors *reterr);

/* Does `now` keep what `old` was started with? Each key that it would change is
 * an error in `messages`. */
bool config_is_unchanged(const struct config *old, const struct config *now,
    struct buf *messages);
/* The gate of that name, or NULL. */
const struct config_gate *config_gate(const struct config *c, struct str name);
/* The pool of that name with the gate that has it (pool names are unique), or NULL. */
const struct config_pool *config_pool(const struct config *c, struct str name,
    const struct config_gate **ret_gate);

#endif
