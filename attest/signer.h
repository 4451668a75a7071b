/* signer.h - signing in a process of its own: only it can reach the private key, and it signs nothing that it cannot read as what its key is for.
 *   one line of JSON in, one out, a connection each (gateways/signer.c has the socket; attest/signer_client.c the other side, a key named `signer:/PATH`):
 *     {"op":"key"}                              -> {"purpose":"document","key":JWK}
 *     {"op":"sign","message":B64URL}            -> {"signature":B64URL}, over the message's bytes
 *     {"op":"sign","content":B64URL}            -> the same over CMS attributes of the content (cms_own.h), which say nothing by themselves
 *     what is refused                           -> {"code","message"}
 * Purposes: document (in each of its forms), token (full, verification, WIT-SVID; a JWT-SVID is a bearer and is refused), policy (an image's digest under its own
 * heading). The key has one, and no message is of two. Reports are signed by nothing yet, so there is no such purpose. */
#ifndef ATTEST_SIGNER_H
#define ATTEST_SIGNER_H

#include "attest/attest.h"

enum signer_purpose {
	SIGNER_NONE = 0,
	SIGNER_DOCUMENT,
	SIGNER_TOKEN,
	SIGNER_POLICY,
};

/* `document`, `token`, `policy`; SIGNER_NONE for other text. */
enum signer_purpose signer_purpose_of(struct str name);

struct signer_rules {
	enum signer_purpose purpose;
	struct str issuer;       /* documents and tokens: theirs */
	int64_t lifetime_most_s; /* from when they say they are issued, which must be now, LIMIT_SKEW_S apart at most */
};

/* What was asked, for the log: of checked characters, without secrets. */
struct signer_done {
	enum err_code code; /* ERR_NONE: answered */
	char what[160];     /* `document=ID subject=ID`, `key`; or why not */
};

/* Answer one request (without its line feed) with one line onto `out`. Never fails: what cannot be answered is refused, in `ret` and on the line. */
void signer_answer(const struct attest_key *key, const struct signer_rules *rules,
    struct str request, int64_t now_unix_s, struct buf *out,
    struct signer_done *ret);
/* The line of a refusal that was decided elsewhere (rate, size). */
void signer_refuse(enum err_code code, const char *why, struct buf *out);

#define SIGNER_LINE_BYTES 65536u /* a request or answer */

#endif
