/* limits.h - every cap, in one place. Reaching one is an error of its own (limit.*, request.limit, evidence.too_large, system.limit), never a crash. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Policy text and data files. */
#define LIMIT_POLICY_FILE_BYTES (64u << 20)
#define LIMIT_POLICIES 4000000u
#define LIMIT_RULES 16000000u        /* that policies are taken apart into */
#define LIMIT_IAM_BYTES (1u << 20)       /* one IAM policy; AWS allows 20 KiB */
#define LIMIT_NESTING 200u          /* brackets and operators within one another; Cedar names no number, its WASM build dies near 120 */
#define LIMIT_EVAL_DEPTH 1000u
#define LIMIT_POLICY_JSON_DEPTH 2000u /* of JSON: an operator takes two levels, so chains of up to 990; the JSON library ends at 2,048 */
#define LIMIT_STRING_BYTES (1u << 20)
#define LIMIT_DATA_FILE_BYTES (1u << 30)
#define LIMIT_DATA_FILE_DEPTH 512u
#define LIMIT_REQUEST_LINE_BYTES (16u << 20)
#define LIMIT_FILES 100000u
#define LIMIT_SCRATCH_BYTES (256u << 20) /* memory of one decision */
#define LIMIT_SCHEMA_DEPTH 1000u        /* of a type, common types expanded */
#define LIMIT_SCHEMA_NODES 100000u      /* of a type, common types expanded */
#define LIMIT_SCHEMA_ANCESTORS 4000000u  /* of all entity types, or of all actions, together */
#define LIMIT_VALIDATION_POLICY_STEPS 20000000ull /* of one policy: nodes typed in their environments, types compared; a second or so */
#define LIMIT_VALIDATION_STEPS 2000000000ull      /* of a set */

/* Changes that a snapshot carries over what was loaded whole; with more, all is loaded anew. */
#define LIMIT_DELTA_FILES 256u
#define LIMIT_DELTA_POLICIES 4096u
#define LIMIT_DELTA_ENTITIES 131072u
/* With so many, or after so many updates, they are merged in the background. */
#define LIMIT_MERGE_POLICIES 64u
#define LIMIT_MERGE_ENTITIES 256u
#define LIMIT_MERGE_UPDATES 16u

/* Patterns (PCRE2). */
#define LIMIT_PATTERN_BYTES 1024u
#define LIMIT_SUBJECT_BYTES 4096u
#define LIMIT_PATTERN_MATCH 100000u  /* steps of one match */
#define LIMIT_PATTERN_MATCH_LEAST 1000u /* steps a member of a set has at least; a set's members share LIMIT_PATTERN_MATCH */
#define LIMIT_PATTERN_DEPTH 50000u   /* the interpreter's: compiled patterns have the stack's size instead */
#define LIMIT_PATTERN_HEAP_KIB 4096u
#define LIMIT_PATTERN_STACK_BYTES (1u << 20)
#define LIMIT_PATTERN_HITS 16u       /* policies of one decision whose patterns went over LIMIT_PATTERN_MATCH: then it is a deny */
#define LIMIT_VERSION_BYTES 1024u

/* Identity documents. */
#define LIMIT_DOCUMENT_BYTES 16384u
#define LIMIT_DOCUMENT_DEPTH 16u
#define LIMIT_DOCUMENT_VALUES 1024u
#define LIMIT_SIGNATURE_BYTES 4096u
#define LIMIT_PACK_BYTES 5800u
#define LIMIT_PACKS 8u               /* documents that are shown together, within LIMIT_PACK_BYTES */
#define LIMIT_INSTANCE_ID 128u
#define LIMIT_DOCUMENT_LIFE_S 86400  /* a document of the document service lives no longer */
#define LIMIT_DOCUMENT_UNBOUND_S 3600 /* nor does one that is bound to no key longer than this, LIMIT_DOCUMENT_UNBOUND_USUAL_S where nothing is said */
#define LIMIT_DOCUMENT_UNBOUND_USUAL_S 900
#define LIMIT_DOCUMENTS_LIVE 64u     /* of one instance or group */
#define LIMIT_DOCUMENT_CLAIMS 64u    /* names that one may be asked for with */
#define LIMIT_DOCUMENT_AUDIENCES 8u
#define LIMIT_GROUP_MEMBERS 64u      /* they stand in the group's document, which fits a pack */
#define LIMIT_MEMBER_GROUPS 64u
#define LIMIT_SKEW_S 60
#define LIMIT_CLOCK_AT_LEAST_S 1767225600 /* 2026-01-01: a system clock before it is wrong; a build says more (base/clock.h) */
#define LIMIT_KEY_FILE_BYTES 65536u
#define LIMIT_TRUST_KEYS 4096u
#define LIMIT_TRUST_CLOUD_KEYS 128u  /* tried one after the other, about 25 us each */
#define LIMIT_EVIDENCE_CACHE 65536u
#define LIMIT_EVIDENCE_CACHE_BYTES (256u << 20)
#define LIMIT_REVOCABLE_ID 256u
#define LIMIT_REVOCATION_POLL_MS 500   /* between looks at the store, where it does not tell of news earlier */
#define LIMIT_REVOCATION_STALE_MS 5000 /* without a look that succeeded: then all is denied */
#define LIMIT_REVOCATION_SWEEP_S 60
#define LIMIT_REVOCATIONS 250000u   /* in force at once; all of them are in the memory of each node */

/* Accounts, challenge and response. */
#define LIMIT_CHALLENGE_S 60         /* a challenge lives */
#define LIMIT_CHALLENGE_ATTEST_S 300 /* one that goes into evidence of a cloud */
#define LIMIT_SPENT_S 600            /* and is remembered, beyond its life */
#define LIMIT_ENROL_S 900            /* an enrolment secret, when nothing is said */
#define LIMIT_ENROL_MOST_S 86400
#define LIMIT_IDEMPOTENCY_S 86400
#define LIMIT_ANSWER_BYTES 8192u     /* JSON of a proof */
#define LIMIT_SPKI_BYTES 1024u       /* a public key; RSA with 4,096 bits needs 550 */
#define LIMIT_AUDIENCE_BYTES 512u    /* of a challenge; a name or a URL */
#define LIMIT_ACCOUNT_PAGE 1000u
#define LIMIT_CHANGES 100000u        /* rows of who changed what that are kept */
#define LIMIT_ALARM_S (30 * 86400)   /* alarms are kept */
#define LIMIT_TOKEN_LIFE_S 3600      /* no token lives longer */
#define LIMIT_OFFER_BYTES 8192u      /* a token at the broker */
#define LIMIT_FAILURES_ACCOUNT 10u   /* proofs a minute of an account and source */
#define LIMIT_FAILURES_SOURCE 60u    /* and of a source */
#define LIMIT_FAILURES_TABLE 65536u  /* sources and pairs that are remembered */
#define LIMIT_PEER_ACCOUNTS 65536u
#define LIMIT_PEER_SPENT 65536u

/* Tokens and proofs of possession. */
#define LIMIT_TOKEN_BYTES 8000u      /* with its header's name it fits nginx's 8 KiB line */
#define LIMIT_TOKEN_DEPTH 16u
#define LIMIT_TOKEN_AUDIENCE 512u
#define LIMIT_TRUST_DOMAIN 255u      /* SPIFFE-ID 2.1 */
#define LIMIT_CERTIFICATE_HEADER 16384u /* a client's certificate, PEM, escaped */
#define LIMIT_RING_KEYS 64u
#define LIMIT_DPOP_EPOCH_S 120       /* a nonce serves this long, and as long again after the next one */
#define LIMIT_DPOP_PROOFS (1u << 20) /* remembered of an epoch; more begin the next one early */

/* HTTP. */
#define LIMIT_HTTP_REQUEST_LINE 8192u
#define LIMIT_HTTP_HEAD 32768u
#define LIMIT_HTTP_FIELDS 64u
#define LIMIT_HTTP_FIELD 16384u
#define LIMIT_HTTP_BODY 65536u
#define LIMIT_HTTP_ADMIN_BODY (1u << 20)
#define LIMIT_HTTP_JSON_DEPTH 32u
#define LIMIT_HTTP_CONNECTIONS 1024u
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS 64u
#define LIMIT_HTTP_HEAD_MS 10000
#define LIMIT_HTTP_BODY_MS 30000
#define LIMIT_HTTP_IDLE_MS 60000
#define LIMIT_PATH_BYTES 4096u
#define LIMIT_CLIENT_BYTES (1u << 20)  /* of an answer to our own client */
#define LIMIT_CLIENT_MS 10000
/* Key sets that are named by URL. */
#define LIMIT_KEY_SETS 64u
#define LIMIT_KEY_SET_LEAST_S 300      /* between two questions */
#define LIMIT_KEY_SET_USUAL_S 3600     /* where the answer does not say */
#define LIMIT_KEY_SET_MOST_S 21600
#define LIMIT_KEY_SET_RETRY_S 60       /* after a failure */
#define LIMIT_KEY_SET_STALE_S 86400    /* without an answer: what its keys signed is refused */

#define LIMIT_ADMIN_TOKENS 1000u

/* The agent on an instance. */
#define LIMIT_AGENT_LIST 16u           /* tokens, files, upstreams, hosts, each */
#define LIMIT_AGENT_RETRY_MS 1000      /* after a first failure */
#define LIMIT_AGENT_RETRY_MOST_MS 60000 /* after many */
#define LIMIT_AGENT_LOOK_MS 15000      /* between looks at a folder of documents */
#define LIMIT_AGENT_ASK_MS 60000      /* between questions whether a document is still the newest */
#define LIMIT_AGENT_KEYS_MS 300000    /* between questions for the service's public keys */
#define LIMIT_AGENT_RUN_MS 10000      /* for a command after a file has changed; then it is killed */
#define LIMIT_METADATA_SESSIONS 1024u  /* tokens of the metadata service; the one that ends first makes room */
#define LIMIT_METADATA_TTL_S 21600u
#define LIMIT_METADATA_SESSIONS_OF_USER 64u /* of them, of a user at a Unix socket */
#define LIMIT_METADATA_RATE 200u       /* requests a second, and as many at once: of a user at a Unix socket, of all together at an address */
#define LIMIT_METADATA_BODY 1024u
#define LIMIT_AGENT_PEERS 256u          /* whom a machine proves itself to, and who do to it */
#define LIMIT_LOCAL_CONNECTIONS 128u   /* at the agent's socket for local programs, and at its metadata service's; at a Unix socket LIMIT_LOCAL_OF_USER of one user, and of all that may not ask */
#define LIMIT_LOCAL_OF_USER 32u
#define LIMIT_LOCAL_RATE 1000u         /* requests a second of a user, at most to be configured */
#define LIMIT_PROXY_CONNECTIONS 64u    /* of the local proxy, each a thread; at a Unix socket LIMIT_LOCAL_OF_USER of one user */
#define LIMIT_PROXY_CHUNK 65536u       /* of a body that waits for a slow reader */
#define LIMIT_PROXY_STALL_S 30         /* without a byte from upstream */

/* Configuration and load balancer. */
#define LIMIT_CONFIG_BYTES (1u << 20)
#define LIMIT_NAME 63u
#define LIMIT_BALANCER_WEIGHT 256u
#define LIMIT_BALANCER_MEMBERS 100000u
#define LIMIT_BALANCER_TICK_S 60     /* members are decided again */
#define LIMIT_BALANCER_REPAIR_S 5    /* the load balancer is compared with what should be */
#define LIMIT_BALANCER_PASSES 4u     /* of one repair, before it waits for the next */
#define LIMIT_HAPROXY_REPLY_BYTES (16u << 20)
#define LIMIT_HAPROXY_MS 2000
#define LIMIT_STORE_BUSY_MS 1000     /* wait for another process that writes */
#define LIMIT_STORE_CONNECT_MS 2000  /* PostgreSQL: to connect and set up */
#define LIMIT_STORE_AGAIN_MS 500     /* after that failed, calls fail at once for so long */
#define LIMIT_STORE_STATEMENT_MS 3000 /* PostgreSQL: an answer */
#define LIMIT_STORE_POLL_MS 250      /* SQLite: between looks for what other processes have changed */

#endif
