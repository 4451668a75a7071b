/* documents.h - what the document service must not forget, as rows: what is known of instances and groups, the documents that were issued of it, the public keys that signed
 * them. A named contract of store/, for attest/documents*.c alone: the rules are there, here nothing is judged.
 * As accounts.h: all but store_document_look and store_document_key_look run inside a transaction of store_transact, those that only read also of store_look; texts are borrowed in calls, results live in the arena. That a subject has one newest
 * document for the same claims, audience and form is the database's to keep, on two nodes too. A document that is superseded or revoked is so in the list that gates read, in the same
 * transaction. Times in unix s. False: ERR_SYSTEM_STORE, memory. */
#ifndef STORE_DOCUMENTS_H
#define STORE_DOCUMENTS_H

#include "store/accounts.h"

/* ---- what is known of an instance, or said of a group ----------------------------------------------------------------------------------- */

struct store_instance {
	struct str id, owner;  /* owner: the controller of a group; empty for instances, whose account has it */
	struct str properties; /* JSON, claims as documents have them */
	int64_t is_group, version, changed_at;
};
bool store_instance_find(struct sql *tx, struct arena *a, struct str id,
    struct store_instance *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* Insert or replace. */
bool store_instance_put(struct sql *tx, const struct store_instance *row,
    struct error *reterr) MUST_USE;

/* The ids of a group's members, in their order. */
bool store_group_members(struct sql *tx, struct arena *a, struct str group,
    struct str **ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* These and no others. */
bool store_group_set(struct sql *tx, struct str group,
    const struct str *members, size_t n, struct error *reterr) MUST_USE;
/* The group and who is in it; its documents are another matter. */
bool store_group_delete(
    struct sql *tx, struct str id, struct error *reterr) MUST_USE;
/* Is there a group of this id? */
bool store_group_is(struct sql *tx, struct str id, bool *ret,
    struct error *reterr) MUST_USE;

/* ---- documents -------------------------------------------------------------------------------------------------------------------------- */

enum store_document_end {
	STORE_DOCUMENT_NEWEST = 0,
	STORE_DOCUMENT_RENEWED,    /* a later one says the same; still good */
	STORE_DOCUMENT_SUPERSEDED, /* a later one says otherwise, or nothing does */
	STORE_DOCUMENT_REVOKED,    /* its instance was disabled, moved or deleted */
};
struct store_document {
	struct str id, subject;
	struct str claims, audience; /* JSON lists of names, sorted */
	struct str key_id;           /* that signed */
	struct str bound;            /* thumbprint of the holder's key; empty: a group's */
	struct str replaced_by;      /* id; empty: nothing did */
	struct str digest, signature_digest; /* SHA-256 of what it says, as JSON, in any form; and of the signature, beside or inside */
	struct str document, signature;      /* their bytes, whole; signature empty: it is inside */
	int64_t form;                /* enum attest_form */
	int64_t version;             /* of the properties it was made of */
	int64_t n_values, level;     /* how much it tells, and how delicate that is */
	int64_t issued_at, expires_at;
	int64_t ended;               /* enum store_document_end */
};

/* ERR_LIMIT_COUNT while the list of revocations is full: what is made then could not be taken back. */
bool store_document_room(struct sql *tx, struct error *reterr) MUST_USE;
/* As the newest. *ret_fresh false: there is one of this id, or a newest one for the same claims, audience and form; nothing was written. */
bool store_document_insert(struct sql *tx, const struct store_document *row,
    int64_t now_unix_s, bool *ret_fresh, struct error *reterr) MUST_USE;
bool store_document_find(struct sql *tx, struct arena *a, struct str id,
    struct store_document *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* Is it one that was issued, whatever became of it: by its id and the SHA-256 of its text? Outside a transaction: it holds up nobody who writes. O(log n). */
bool store_document_look(struct store *s, struct str id, struct str digest,
    bool *ret_found, struct error *reterr) MUST_USE;
/* Those of the subject that are the newest or were renewed, and have not expired. */
bool store_document_live(struct sql *tx, struct arena *a, struct str subject,
    int64_t now_unix_s, struct store_document **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* At most `limit` of the subject whose id comes after `after`, by id; without document and signature. */
bool store_document_page(struct sql *tx, struct arena *a, struct str subject,
    struct str after, size_t limit, struct store_document **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* It is no longer the newest. Superseded: gates refuse it from now until it has expired and LIMIT_SKEW_S more. */
bool store_document_end(struct sql *tx, const struct store_document *row,
    enum store_document_end how, struct str replaced_by, int64_t now_unix_s,
    struct error *reterr) MUST_USE;
/* All of an instance that have not expired are revoked. Part of store_issued_revoke. */
bool store_document_revoke(struct sql *tx, struct str subject,
    int64_t now_unix_s, struct error *reterr) MUST_USE;
/* What is known of an instance goes with its account, and out of its groups, whose documents are superseded. Part of store_account_delete. */
bool store_instance_delete(struct sql *tx, struct str id, int64_t now_unix_s,
    struct error *reterr) MUST_USE;

/* ---- the keys that signed ---------------------------------------------------------------------------------------------------------------- */

struct store_document_key {
	struct str id, pem;
	int64_t until; /* when the last that it signed has expired */
};
/* Insert, or put off its end. */
bool store_document_key_put(struct sql *tx,
    const struct store_document_key *row, struct error *reterr) MUST_USE;
/* By its id; outside a transaction, so that strangers hold up nobody who writes. */
bool store_document_key_look(struct store *s, struct arena *a, struct str id,
    struct store_document_key *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* All whose end is to come. */
bool store_document_key_all(struct sql *tx, struct arena *a,
    int64_t now_unix_s, struct store_document_key **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* Of the document with this signature (its SHA-256). */
bool store_document_key_by_signature(struct sql *tx, struct arena *a,
    struct str digest, struct store_document_key *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* Of the documents of a subject that have not expired. */
bool store_document_key_by_subject(struct sql *tx, struct arena *a,
    struct str subject, int64_t now_unix_s, struct store_document_key **ret,
    size_t *ret_n, struct error *reterr) MUST_USE;

/* Remove what is past. */
bool store_documents_purge(struct sql *tx, int64_t now_unix_s,
    struct error *reterr) MUST_USE;

#endif
