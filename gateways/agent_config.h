/* agent_config.h - the agent's own configuration as structs, checked as a whole before anything starts.
 * In: YAML text, read as avow.yaml is (gateways/config_read.h): unknown keys, values of the wrong form and what does not go together are errors with their place. Files
 * that it names are not opened here. Slices are NUL-ended. Limits: LIMIT_CONFIG_BYTES, LIMIT_AGENT_LIST of each list. What the keys mean: docs/agent.md. */
#ifndef GATEWAYS_AGENT_CONFIG_H
#define GATEWAYS_AGENT_CONFIG_H

#include "attest/attest.h"
#include "gateways/config.h"

/* A server that the agent speaks to, and whom it takes for it. */
struct agent_server {
	struct str url;              /* as struct client_options has it */
	struct str ca, pin, subject; /* empty: none */
};

enum agent_file_kind {
	AGENT_FILE_NONE = 0,
	AGENT_FILE_APT,       /* auth.conf.d: machine, login, password */
	AGENT_FILE_DNF,       /* a folder of variables: avow_login, avow_pack */
	AGENT_FILE_TOKEN,     /* the token for `audience` */
	AGENT_FILE_DOCUMENT,
	AGENT_FILE_SIGNATURE, /* Base64, as document.sig */
	AGENT_FILE_PACK,
	AGENT_FILE_JWT_SVID,  /* a bearer for `audience` */
	AGENT_FILE_WIT_SVID,
	AGENT_FILE_KEYS,      /* the service's public keys, as a JWK set */
	AGENT_FILE_BUNDLE,    /* and as its trust domain's bundle */
};

/* How a JWT-SVID or a pack stands in its file. */
enum agent_form {
	AGENT_FORM_PLAIN = 0, /* alone on a line */
	AGENT_FORM_HEADER,    /* as the header of a request: `curl -H @FILE` */
	AGENT_FORM_CURL,      /* `curl --config FILE` */
	AGENT_FORM_NGINX,     /* `include FILE;` beside a proxy_pass */
};

struct agent_file {
	enum agent_file_kind kind;
	struct str path;
	struct str audience;                 /* of a token or a JWT-SVID */
	enum agent_form form;
	struct config_strings run;           /* after a change: program and arguments; empty: nothing */
	struct config_strings repositories;  /* of apt: URLs */
	unsigned mode;                       /* 0600 unless said */
	struct span at;
};

enum agent_show { AGENT_SHOW_TOKEN = 0, AGENT_SHOW_PACK };

struct agent_upstream {
	struct str prefix;         /* of local paths; begins and ends with '/' */
	struct agent_server to;    /* its url, whose last '/' was cut off, takes the prefix's place */
	enum agent_show show;
	struct str audience;       /* of the token that is shown */
	struct span at;
};

struct agent_documents {
	bool is_given;
	struct str keys, issuer; /* by whom they must be signed */
	struct str folder;       /* with document.json and document.sig, or the one file of the form; empty: the service is asked for them */
	int form;                /* enum attest_form: the one that is taken */
	struct config_strings audience, claims; /* what it is asked for: claims by name, or */
	struct str profile;      /* a set of them that the service knows; neither: as it has it */
	int has_cms;             /* `cms: on`: as CMS, too */
	struct span at;
};

struct agent_metadata {
	struct str listen;  /* `127.0.0.1:8254` when not given */
	struct config_strings hosts; /* other names it may be called by */
	int allows_v1;      /* a session token may be missing */
	int is_exposed;     /* `reach: any`: it may listen beyond loopback */
};

/* Somebody this machine proves itself to, or who proves himself to it. */
struct agent_peer {
	struct str account;
	struct str key; /* file of his public key; empty: he is not asked for a proof */
	struct str url; /* his, as it is signed; empty: no proof is made for him */
	struct span at;
};

/* The socket at which local programs are told apart by their user. */
struct agent_local {
	struct str listen;      /* `unix:/PATH`; empty: none */
	const uint32_t *users;  /* who may ask, besides root and the agent's own */
	size_t n_users;
	int64_t rate;           /* requests a second of each of them; 20 unless said */
	struct config_strings urls; /* proofs are made for requests below these; each ends in '/' */
	int role;               /* enum prove_role: what this machine is to its peers: PROVE_INSTANCE unless said */
	struct str url;         /* of this machine, as its peers sign it */
	struct str audience;    /* what peers prove themselves for */
	int binds_channel;      /* `channelBinding: tls-exporter`: the program says its connection's */
	const struct agent_peer *peers;
	size_t n_peers;
	struct span at;
};

struct agent_config {
	struct str instance, state;
	struct agent_server service;
	struct str enrolment;   /* file of a secret; empty: none */
	int key_type;           /* enum attest_key_type */
	struct config_strings tokens; /* audiences */
	struct agent_documents documents;
	struct agent_metadata metadata;
	const struct agent_file *files;
	size_t n_files;
	struct str proxy_listen; /* empty: no proxy */
	const struct agent_upstream *upstreams;
	size_t n_upstreams;
	struct agent_local local;
};

/* Memory is `a`'s, nothing is borrowed from `text`; `file` outlives the messages. NULL on errors. */
const struct agent_config *agent_config_parse(struct arena *a, const char *file,
    struct str text, struct errors *reterr);
/* The same from a file, as config_load. */
const struct agent_config *agent_config_load(struct arena *a, const char *path,
    struct str *ret_text, struct errors *reterr);

#endif
