/* verify_run.h - one document or token on its way through verification, for
 * verify.c, which conducts and alone makes claims; verify_kind.c, a row a kind:
 * which key, does its signature hold, what does it say; and verify_check.c: what
 * must hold besides the signature. */
#ifndef ATTEST_VERIFY_RUN_H
#define ATTEST_VERIFY_RUN_H

#include "attest/doc.h"
#include "attest/form.h"
#include "attest/jws.h"
#include "attest/trust.h"
#include "attest/verify.h"

/* What was found of the signature of a document that looked like our own and is
 * none, so that it need not be looked at twice. */
struct tried {
	struct form form;
	const struct trust_key *key;
	bool holds;
	struct error why; /* it does not hold */
};

struct run {
	struct arena *arena;
	const struct attest_evidence *evidence;
	const struct attest_context *ctx;
	const struct kind *kind;
	json_t *root;           /* of a cloud's document; NULL until parsed */
	const struct flat *own; /* of a document of our own, until it is read */
	struct form form; /* of a document of our own; empty until parsed */
	const struct tried *tried; /* in the arena; NULL: nothing was */
	bool is_read; /* `doc` is there already */
	struct jws jws;   /* of a token; empty until parsed */
	struct doc *doc; /* into what was checked; zero until it is read */
	struct str token_domain; /* trust domain in a token's subject */
	struct str nonce;        /* in the document; empty: none */
	struct verify_key at;
	const struct trust_entry *entry;
	const struct trust_key *key;
	/* Of the key that signed: `key`'s, or that of a certificate which
	 * chains to it. */
	char key_id[KEYS_THUMBPRINT + 1];
	bool is_token;
};

struct kind {
	struct str name, trust; /* `trust`: the kind of its trust entries */
	/* Finds the key and checks the signature; leaves `root`, `own` or `jws`. */
	bool (*check)(struct run *, struct error *);
	/* That to `doc`. */
	bool (*read)(struct run *, struct error *);
	enum attest_form form; /* of our own documents */
	bool is_whole;         /* the signature is inside, none beside */
};

/* The row of that name, or NULL. */
const struct kind *kind_named(struct str name);
/* Whether the entry's keys may sign that kind. */
bool kind_takes(const struct trust_entry *e, const struct kind *kind);

static inline struct str
run_key_id(const struct run *r)
{
	return (struct str){ r->key_id, r->key_id[0] ? KEYS_THUMBPRINT : 0 };
}

/* `why` as it is. Always false. */
static inline bool
run_refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "%s", why);
}

/* The key that signed; entry and id follow from it. */
void run_take_key(struct run *r, struct verify_key at);
/* Before anything is read: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE. */
bool run_check_sizes(struct run *r, struct error *reterr) MUST_USE;
/* All that is asked of what was verified, at each use: times to cnf, in
 * verify.c's order. Looks at `doc`, the key and the context alone. */
bool run_checks(struct run *r, struct error *reterr) MUST_USE;

#endif
