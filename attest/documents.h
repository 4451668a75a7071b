/* documents.h - the document service's core (A4 to A9): what is known of instances, and the documents that are issued of it. A named contract of attest/, sibling of sts.h.
 *   properties (by the owning controller, as events) -> an instance asks for named claims -> a signed document that says these and no more -> handed to its instance alone
 *   properties change -> every document that says otherwise is superseded and made anew, in one transaction -> gates that read the store refuse the old one
 * As sts.h: no HTTP and no log here, every change is one transaction of the store, any number of processes may share it, all functions are thread-safe. A document is handed out only when the
 * store has it. What is asked for and not known is refused by its name, never left out. Signing is the caller's (struct documents_signer): no key is held here.
 * Errors everywhere: ERR_SYSTEM_STORE, ERR_SYSTEM_ERROR, memory; ERR_EVIDENCE_REVOKED when the actor's own account is disabled or was moved; ERR_ACCOUNT_UNKNOWN for what is not
 * there or not the actor's to see. */
#ifndef ATTEST_DOCUMENTS_H
#define ATTEST_DOCUMENTS_H

#include "attest/sts.h"
#include "store/documents.h"

struct documents;

struct documents_level {
	struct str claim; /* `privateIp`, `custom.team`; a map or `os` counts for what is in it */
	int64_t level;
};
struct documents_profile {
	struct str name; /* of a service: what a request may say instead of claims; also its audience where none is said */
	const struct str *claims;
	size_t n_claims;
	/* Its documents are bound to no key, and live this long at most (LIMIT_DOCUMENT_UNBOUND_S): bearer secrets, for who can show a password and prove nothing. 0: bound. */
	int64_t unbound_s;
};

/* `store` is borrowed, and outlives the object; the rest is copied. */
struct documents_options {
	struct store *store;
	struct str issuer;      /* as gates' trust entries name it */
	int64_t lifetime_s;     /* when nothing is said */
	int64_t lifetime_most_s; /* at most LIMIT_DOCUMENT_LIFE_S */
	/* How delicate a claim is; 1 where nothing is said. A document's level is the highest of its claims', 0 without claims. */
	const struct documents_level *levels;
	size_t n_levels;
	const struct documents_profile *profiles;
	size_t n_profiles;
	enum attest_form form;      /* when nothing is said */
	struct prove_random random; /* of document ids */
};

/* Errors: ERR_CONFIG_VALUE: a claim that there is not, a lifetime out of range, no issuer. NULL then. */
struct documents *documents_open(const struct documents_options *options,
    struct error *reterr);
/* Immutable and counted: where the options become others, another takes its place. documents_close drops one reference. */
struct documents *documents_ref(struct documents *d);
void documents_close(struct documents *d);
/* Is it a claim's name (`imageId`, `os.version`, `applications.NAME`, `custom.NAME`)? */
bool documents_claim_is_known(struct str name);

/* ---- who signs -------------------------------------------------------------------------------------------------------------------------- */

/* A key of purpose `document`, wherever it is: in this process, in another, in a token. `issue` is called outside of any transaction: a slow one keeps its asker waiting and nobody else. */
struct documents_signer {
	struct str key_id, pem; /* RFC 7638 thumbprint; SubjectPublicKeyInfo as PEM */
	bool (*issue)(void *ctx, const struct attest_issue *what,
	    struct buf *ret_document, struct buf *ret_signature,
	    struct error *reterr);
	void *ctx;
};
/* The key of a folder (`avow key rotate`) that signs at `now_unix_s`; lent by the ring, the PEM in `a`. */
bool documents_signer_of_ring(struct arena *a, const struct token_ring *ring,
    int64_t now_unix_s, struct documents_signer *ret, struct error *reterr)
    MUST_USE;
/* Whether the two folders have a key in common: one key has one purpose. */
bool documents_rings_meet(
    const struct token_ring *one, const struct token_ring *other);

/* ---- what is known of an instance, and of a group ---------------------------------------------------------------------------------------- */

struct documents_instance {
	struct str id, owner; /* the controller */
	bool is_group;
	int64_t version;      /* rises with each change; 0: nothing was ever said */
	int64_t changed_at;
	const json_t *properties; /* as `claims` in documents; json_decref with documents_instance_fini */
	const struct str *members; /* of a group; a change without them keeps them */
	size_t n_members;
};
void documents_instance_fini(struct documents_instance *i);

/* The instance itself, a member of the group, the owning controller, an administrator. */
bool documents_instance_get(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id,
    struct documents_instance *ret, struct error *reterr) MUST_USE;

/* A change by the owning controller (or an administrator). An instance says nothing of itself: ERR_ACCOUNT_AUTHORITY. */
struct documents_change {
	struct str id;
	/* `provisioned` (any claim), `installed` (applications that were not there, licences), `upgraded` (applications that were, os), `licence` (licences, supportLevel), `custom`.
	 * `changes` is merged into what is known (RFC 7396: null takes away). Empty: `changes` replaces all. */
	struct str event;
	const json_t *changes;
	/* Empty event alone: a group of the owner's instances, whose properties hold for all of them; its id is under the owner's prefix and no account's. NULL: an instance. */
	const struct str *members;
	size_t n_members;
	int64_t if_version; /* -1: whatever it is; else ERR_ACCOUNT_VERSION when it differs */
};
struct documents_changed {
	struct documents_instance instance;
	size_t n_superseded, n_made;
};
/* All in one transaction: the new version; documents whose claims now differ are superseded; those among them that were the newest are made anew with the same claims, audience and
 * length of life, where all that they say is still known. What is made anew is signed before that transaction begins, and stored only if there it is still what is to be said; else all is
 * looked at again, a few times: then ERR_SYSTEM_NOT_READY. Errors: ERR_REQUEST_MALFORMED (with the name), ERR_ACCOUNT_AUTHORITY, ERR_ACCOUNT_VERSION, ERR_ACCOUNT_EXISTS. */
bool documents_change(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    const struct documents_change *what, struct documents_changed *ret,
    struct error *reterr) MUST_USE;

/* A group of the actor's (or anybody's, by an administrator) goes: its documents are revoked, and who was in it no longer is. Errors: ERR_REQUEST_MALFORMED (an instance:
 * that goes with its account), ERR_ACCOUNT_AUTHORITY, ERR_ACCOUNT_VERSION. */
bool documents_group_delete(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id, int64_t if_version,
    struct error *reterr) MUST_USE;
/* It goes by another id: its documents are superseded, the newest made anew of the group as it is called now. Errors: as above; ERR_ACCOUNT_EXISTS; the signer's. */
bool documents_group_rename(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    struct str id, struct str to, int64_t if_version,
    struct documents_changed *ret, struct error *reterr) MUST_USE;

/* ---- documents --------------------------------------------------------------------------------------------------------------------------- */

struct documents_issued {
	struct store_document row; /* `claims` and `audience` are JSON lists; document and signature only where the actor is the instance, or a member of the group */
	bool is_handed;
};

struct documents_ask {
	struct str subject; /* an instance or a group */
	const struct str *claims;
	size_t n_claims;
	bool has_claims;    /* `claims` may be empty: who it is, and nothing else */
	struct str profile; /* or this */
	const struct str *audience;
	size_t n_audience;
	int64_t lifetime_s; /* 0: the usual */
	bool has_form;
	enum attest_form form; /* else the usual; of a selected one, too */
	/* The stored document that tells least and is enough, of which half the life is left, before one is made; then `may_issue` says whether one is. */
	bool is_select, may_issue;
};
/* For the instance itself, a member of the group, or the owner, who gets no bytes. Bound to the key of the instance's live incarnation (a group's to none: it is worth nothing without a
 * member's; by a profile that says so an instance's to none). The same asked for again is the same document while half its life is left. *ret_made: it is new.
 * Errors: ERR_REQUEST_MALFORMED (a claim there is not), ERR_REQUIREMENT_CLAIM (one that is not known of it), ERR_REQUEST_LIMIT (LIMIT_DOCUMENTS_LIVE), ERR_ACCOUNT_AUTHORITY (no key that it could be
 * bound to), ERR_KEY_FORM (the key has no signature of this form), ERR_DATA_MISSING (select alone: none is enough). */
bool documents_issue(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    const struct documents_ask *ask, struct documents_issued *ret,
    bool *ret_made, struct error *reterr) MUST_USE;
bool documents_get(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id,
    struct documents_issued *ret, struct error *reterr) MUST_USE;
/* Without bytes, by id, at most `limit` (and LIMIT_ACCOUNT_PAGE) after `after`. */
bool documents_list(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str subject, struct str after,
    size_t limit, struct documents_issued **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;

/* ---- asked by anybody --------------------------------------------------------------------------------------------------------------------- */

/* Is this document, in any form, as it was issued, not expired, not superseded, of an instance that is active (A6)? Of documents joined as packs each must be, and they must fit together, as
 * attest_verify has it; *ret_newest then is whether all are. Nothing is said of a document whose signature is not good. *ret_newest
 * false: a later one says the same. Errors: ERR_EVIDENCE_*. */
bool documents_verify(struct documents *d, struct arena *a,
    const struct attest_evidence *evidence,
    const struct attest_revoked *revoked, int64_t now_unix_s, bool *ret_newest,
    struct error *reterr) MUST_USE;

/* attest_context.check_issued; `store` is the struct store. */
bool documents_check_issued(void *store, struct str id,
    const uint8_t digest[32], struct error *reterr) MUST_USE;

/* One of them, or none: all. */
struct documents_key_query {
	struct str id;        /* thumbprint */
	struct str signature; /* raw: only finds a key, with which the asker still verifies */
	struct str instance;  /* those of its documents, and the one that signs now: one that is not known has that, too */
};
/* As a JWK set, or PEM. `ring` also has keys that did not sign yet. Errors: ERR_ACCOUNT_UNKNOWN: there is none. */
bool documents_keys(struct documents *d, struct arena *a,
    const struct token_ring *ring, const struct documents_key_query *query,
    bool as_pem, struct buf *out, struct error *reterr) MUST_USE;

/* Remove what is past. Each minute or so, on any node. */
bool documents_purge(struct documents *d, struct error *reterr) MUST_USE;

#endif
