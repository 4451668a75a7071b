/* store.h - the one narrow interface to what must survive: SQLite, or PostgreSQL behind the same functions.
 * Every call that changes something is one transaction and durable when it returns true, and no other writes meanwhile, on any node. A false is ERR_SYSTEM_STORE:
 * the caller denies; where a connection was lost while committing, the change may be there. Nothing is tried twice. The store keeps bytes and never judges them: a stored document is verified again before it means anything. A handle may be used from several
 * threads (one lock inside). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

struct store;

/* `sqlite:///absolute/path` or `sqlite::memory:`; the folder is made 0700 when missing, files are 0600. `postgresql://…`: as libpq has it, with its parameters,
 * environment, password and service files; the tables are in the schema `avow`. Applies the migrations; a database that is newer than this program, or of another
 * program, is refused. NULL on error: ERR_SYSTEM_STORE, or ERR_CONFIG_VALUE for the
 * url. No message holds a password. */
struct store *store_open(struct str url, struct error *reterr);
/* The same, with `clock` in place of the database's clock, which all nodes share and which deadlines are of. For tests. */
struct store *store_open_at(
    struct str url, const struct clock *clock, struct error *reterr);
/* The same to look only: nothing is made and no migration applied. A store of another form than this program's is refused, as is a SQLite file that is not there. */
struct store *store_open_as_is(struct str url, struct error *reterr);
/* Is there a database to open, or would store_open make an empty one? True of all but a SQLite file that is not there, with the reason. */
bool store_is_there(struct str url, struct error *reterr) MUST_USE;
void store_close(struct store *s);
/* Does the URL lead to PostgreSQL on another host, and not demand TLS (`sslmode` of the URL or the environment; the default does not)? */
bool store_url_is_plain(struct str url);
/* Can it be read and written now? For /readyz. Takes the write lock and writes nothing durable: cheap, but a full disk shows only at a change. */
bool store_check(struct store *s, struct error *reterr) MUST_USE;

/* A pool member as stored. Strings are lent in results, borrowed in calls. */
struct store_member {
	struct str pool, principal; /* principal: `Instance::"…"` id part with prefix */
	struct str server;          /* name in the load balancer */
	struct str address;         /* printed, normalised */
	uint16_t port;
	uint16_t weight;
	int64_t generation;         /* rises with each (re)join, never given twice; set by the store */
	int64_t expires_at;         /* unix s */
	int64_t shown_at;           /* when the evidence was shown, unix s */
	int64_t attested_at;        /* issuedAt of the document, else shown_at */
	struct str proof, protocol; /* as the join had them: it is decided again with the same */
	struct str issuer, kind, document, signature; /* the evidence, whole */
};

enum store_join { STORE_JOIN_HELD = 0, STORE_JOIN_FULL, STORE_JOINED, STORE_REJOINED };

/* Insert or renew (pool, principal, port); `m->generation` is not read. Another principal on the same pool, address and port: STORE_JOIN_HELD, nothing written,
 * unless `replace_generation` is that row's generation: then it leaves in the same transaction (a row that came in between does not). 0 replaces nobody.
 * A pool holds LIMIT_BALANCER_MEMBERS: STORE_JOIN_FULL. *ret_generation is written for the last two answers only. */
bool store_member_join(struct store *s, const struct store_member *m,
    int64_t replace_generation, enum store_join *ret, int64_t *ret_generation,
    struct error *reterr) MUST_USE;
/* The other principal's row that holds (pool, address, port), if any. */
bool store_member_holder(struct store *s, struct arena *a,
    const struct store_member *m, struct store_member *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* The row of this server name. */
bool store_member_find(struct store *s, struct arena *a, struct str pool,
    struct str server, struct store_member *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* Delete one (port) or all (port 0) of a principal's rows in a pool; the rows that left, memory `a`'s. */
bool store_member_leave(struct store *s, struct arena *a, struct str pool,
    struct str principal, uint16_t port, struct store_member **ret,
    size_t *ret_n, struct error *reterr) MUST_USE;
/* Delete the row only if it is still of this generation: an old timer cannot remove a new membership. */
bool store_member_expire(struct store *s, const struct store_member *m,
    bool *ret_removed, struct error *reterr) MUST_USE;
/* At most `limit` rows of all pools that come after `after` (NULL: the first), by pool and server name: reads a table of any size in pieces. */
bool store_member_page(struct store *s, struct arena *a,
    const struct store_member *after, size_t limit, struct store_member **ret,
    size_t *ret_n, struct error *reterr) MUST_USE;
/* At most `limit` rows whose expires_at is not after `now_unix_s`, the oldest first. */
bool store_member_due(struct store *s, struct arena *a, int64_t now_unix_s,
    size_t limit, struct store_member **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* All rows of a pool by server name, without their evidence (`document` and `signature` are empty). */
bool store_member_list(struct store *s, struct arena *a, struct str pool,
    struct store_member **ret, size_t *ret_n, struct error *reterr) MUST_USE;

/* ---- what is revoked (SECURITY 8) ------------------------------------------------------------------------------------------------------- */

/* The store keeps words; attest.h says what kinds there are and what their ids look like. */
struct store_revocation {
	struct str kind, id;
	int64_t until;   /* unix s: when all that it revokes has expired; INT64_MAX: never */
	int64_t made_at; /* unix s, by the shared clock; set by the store */
	struct str reason;
	struct str by; /* in calls: who asks, for the record of changes (changes.h); empty: `host`. Not kept in the row */
};

/* Revoke, or give what is revoked another end and reason. At most LIMIT_REVOCATIONS: ERR_LIMIT_COUNT. */
bool store_revoke(struct store *s, const struct store_revocation *r,
    bool *ret_is_new, struct error *reterr) MUST_USE;
/* `by`: as above. */
bool store_unrevoke(struct store *s, struct str kind, struct str id,
    struct str by, bool *ret_was_there, struct error *reterr) MUST_USE;
/* At most `limit` rows after `after` (NULL: the first), by kind and id. */
bool store_revocation_page(struct store *s, struct arena *a,
    const struct store_revocation *after, size_t limit,
    struct store_revocation **ret, size_t *ret_n, struct error *reterr)
    MUST_USE;
/* Forget those whose `until` is LIMIT_SKEW_S past, by the shared clock. */
bool store_revocation_expire(struct store *s, int64_t *ret_n,
    struct error *reterr) MUST_USE;

/* The generation rises with each change that takes something away; read it before the rows, and what is read is at least of that generation. What was issued before
 * the floor (unix s) no longer counts; 0: there is none. */
bool store_generation(struct store *s, int64_t *ret_generation,
    int64_t *ret_floor_unix_s, struct error *reterr) MUST_USE;
/* Until another node or process may have raised the generation, `wake_fd` can be read, or the time is up. Holds the handle all the while: one of its own. */
bool store_wait(struct store *s, int wake_fd, int timeout_ms,
    struct error *reterr) MUST_USE;

/* ---- a store that was put back from a copy (SECURITY 10) -------------------------------------------------------------------------------- */

/* `path`: the newest generation that was seen, kept away from the database. Refuses a generation behind it (ERR_SYSTEM_STORE), remembers one ahead of it. A file
 * that is missing is made: then nothing is known of before. */
bool store_mark_check(const char *path, int64_t generation,
    struct error *reterr) MUST_USE;
/* 0: there is none yet. */
bool store_mark_read(const char *path, int64_t *ret, struct error *reterr)
    MUST_USE;
bool store_mark_write(const char *path, int64_t generation,
    struct error *reterr) MUST_USE;
/* Take the store as it is, in one transaction: the floor becomes now (and LIMIT_SKEW_S), pool members leave, no key of an account is live any more, the
 * generation goes past `seen_generation`. */
bool store_accept_restore(struct store *s, int64_t seen_generation,
    int64_t *ret_generation, int64_t *ret_floor_unix_s, struct error *reterr)
    MUST_USE;

/* ---- what an operator asks -------------------------------------------------------------------------------------------------------------- */

struct store_health {
	int64_t migrations, known;  /* applied; that this program knows */
	int64_t generation, floor_unix_s;
	int64_t members, revocations;
};
/* What the database says of itself onto `problems`, a line each; none: it is whole. */
bool store_health(struct store *s, struct buf *problems,
    struct store_health *ret, struct error *reterr) MUST_USE;

#endif
