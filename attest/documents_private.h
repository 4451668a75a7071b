/* documents_private.h - what the files of the document service share. */
#ifndef ATTEST_DOCUMENTS_PRIVATE_H
#define ATTEST_DOCUMENTS_PRIVATE_H

#include "attest/documents.h"
#include "store/accounts.h"

struct documents {
	unsigned refs;      /* atomic */
	struct arena *home; /* of itself and what `o` points to */
	struct documents_options o;
};

/* Who asks, and what of. */
struct documents_subject {
	struct str id;
	bool is_group;
	bool is_own; /* the actor is the instance, or a member of the group */
	struct store_account account; /* of an instance */
	struct store_instance
	    row; /* as it stands; zero with `{}` when nothing was said */
	bool has_row;
	struct str *members;
	size_t n_members;
};
/* ERR_ACCOUNT_UNKNOWN for what is not the actor's to see. */
bool documents_find(struct sql *tx, struct arena *a,
    const struct sts_actor *actor, struct str id, struct documents_subject *ret,
    struct error *reterr) MUST_USE;
bool documents_unknown(struct error *reterr);
/* As others are told of it; documents_instance_fini. */
bool documents_tell(const struct documents_subject *s,
    struct documents_instance *ret, struct error *reterr) MUST_USE;
struct keys_public;
bool documents_pem(struct arena *a, const struct keys_public *key,
    struct str *ret, struct error *reterr) MUST_USE;

/* ---- claims (documents_claims.c) ------------------------------------------
 */

/* Properties as stored, as JSON; json_decref. */
bool documents_parse(
    struct str text, json_t **ret, struct error *reterr) MUST_USE;
/* Are these claims as documents have them, and may they be said of a group?
 * Errors: ERR_REQUEST_MALFORMED. */
bool documents_check_properties(struct arena *a, const json_t *properties,
    bool is_group, struct error *reterr) MUST_USE;
/* Names as a sorted JSON list, none twice, none inside another. Errors:
 * ERR_REQUEST_MALFORMED. */
bool documents_names(struct arena *a, const struct str *names, size_t n,
    struct str *ret_json, struct error *reterr) MUST_USE;
/* The same for audiences, and at least one. */
bool documents_audience(struct arena *a, const struct str *names, size_t n,
    struct str *ret_json, struct error *reterr) MUST_USE;
bool documents_list_of(struct arena *a, struct str json, struct str **ret,
    size_t *ret_n, struct error *reterr) MUST_USE;
/* Of the properties what these names (a list as documents_names writes it) say;
 * a new object. *ret_missing: the first that is not there, empty when all are,
 * and only then *ret is written. */
bool documents_pick(struct arena *a, const json_t *properties, struct str names,
    json_t **ret, struct str *ret_missing, struct error *reterr) MUST_USE;
int64_t documents_values(const json_t *claims);
int64_t documents_level(
    const struct documents *d, const struct str *names, size_t n);
/* Do the names say all that `wanted` asks for? */
bool documents_cover(const struct str *names, size_t n,
    const struct str *wanted, size_t n_wanted);

/* ---- making (documents_make.c) ----------------------------------------------
 */

struct documents_make {
	const struct documents_subject *subject;
	const json_t *claims;       /* picked */
	struct str names, audience; /* JSON lists */
	enum attest_form form;
	bool is_unbound; /* by a profile that says so */
	int64_t lifetime_s, version, now_s;
};
/* A document on its way. Lives in the call's arena. */
struct documents_draft {
	uint8_t digest[32]; /* of what it says */
	struct attest_issue what;
	struct store_document row;
	bool is_signed, is_used;
};
struct documents_drafts {
	struct arena *a;
	const struct documents_signer *signer;
	struct documents_draft *items;
	size_t n, cap, n_open; /* n_open: wanted, and not signed yet */
};
/* Run `inside` as store_transact does, until every document that it makes is
 * signed; before that nothing of it is kept. So it may run several times, and
 * begins anew each time. Errors: also the signer's; ERR_SYSTEM_NOT_READY when
 * what is to be said was another each time. */
bool documents_transact(struct documents *d, struct documents_drafts *all,
    bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;
/* *ret: may documents come, or are so many revocations in force that they could
 * not be taken back? */
bool documents_has_room(
    struct sql *tx, bool *ret, struct error *reterr) MUST_USE;
/* Inside: store what was signed for this; or note that it shall be, and nothing
 * is stored. What was the newest before has been ended. */
bool documents_make(struct documents *d, struct sql *tx,
    struct documents_drafts *all, const struct documents_make *m,
    struct store_document *ret, struct error *reterr) MUST_USE;
void documents_drafts_fini(struct documents_drafts *all);
/* ---- issuing (documents_issue.c) --------------------------------------------
 */

/* May the subject have a document, bound to its key or to none? Errors:
 * ERR_ACCOUNT_AUTHORITY, ERR_EVIDENCE_REVOKED. */
bool documents_check_key(const struct documents_subject *s, bool is_unbound,
    struct error *reterr) MUST_USE;
/* The key that its documents are bound to; empty: none. */
struct str documents_bound_to(
    const struct documents_subject *s, bool is_unbound);
/* Is there still a profile of these claims whose documents are bound to no key
 * and live that long? */
bool documents_may_unbind(const struct documents *d, struct arena *a,
    struct str names, int64_t lifetime_s);

#endif
