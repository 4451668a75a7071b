/* migrations.c - the tables, as the list of steps that led to them.
 * Append only: a step that was published never changes, and the next table is
 * the next step. Its number is its place in the list, from 1. The text is read
 * by every database there is (sql.h). */
#include "store/sql.h"

/* Members of load balancer pools. The address is the database's to keep unique;
 * a counter, and not the rows, gives the generations, so that none comes twice.
 */
static const char *const members[] = {
	"CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
	"INSERT INTO counter (name, value) VALUES ('member', 0)",
	"CREATE TABLE member (pool TEXT NOT NULL, principal TEXT NOT NULL,"
	" port BIGINT NOT NULL, server TEXT NOT NULL, address TEXT NOT NULL,"
	" weight BIGINT NOT NULL, generation BIGINT NOT NULL,"
	" expires_at BIGINT NOT NULL, shown_at BIGINT NOT NULL,"
	" attested_at BIGINT NOT NULL, proof TEXT NOT NULL,"
	" protocol TEXT NOT NULL, issuer TEXT NOT NULL, kind TEXT NOT NULL,"
	" document BYTEA NOT NULL, signature BYTEA NOT NULL,"
	" PRIMARY KEY (pool, principal, port),"
	" UNIQUE (pool, address, port), UNIQUE (pool, server))",
	"CREATE INDEX member_due ON member (expires_at)",
	NULL,
};

/* What is revoked (store_revocation in store.h); `until` in unix seconds. The
 * counter `generation` rises with each change that a restored copy would undo;
 * what was issued before `floor` (unix seconds) no longer counts. */
static const char *const revocations[] = {
	("CREATE TABLE revocation (kind TEXT NOT NULL, id TEXT NOT NULL,"
	 " until BIGINT NOT NULL, made_at BIGINT NOT NULL,"
	 " reason TEXT NOT NULL, PRIMARY KEY (kind, id))"),
	"CREATE INDEX revocation_due ON revocation (until)",
	"INSERT INTO counter (name, value) VALUES ('generation', 1)",
	"INSERT INTO counter (name, value) VALUES ('floor', 0)",
	NULL,
};

/* The token service's (accounts.h). One live key an account, one account a key:
 * that is the database's to keep. `until` and times in unix seconds. */
static const char *const accounts[] = {
	"CREATE TABLE account (id TEXT PRIMARY KEY, prefix TEXT NOT NULL,"
	" owner TEXT NOT NULL, audience TEXT NOT NULL, kind BIGINT NOT NULL,"
	" may_issue BIGINT NOT NULL, enabled BIGINT NOT NULL,"
	" version BIGINT NOT NULL, incarnation BIGINT NOT NULL,"
	" created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL)",
	"CREATE INDEX account_owner ON account (owner, id)",
	"INSERT INTO counter (name, value) VALUES ('incarnation', 0)",
	"CREATE TABLE account_key (incarnation BIGINT PRIMARY KEY,"
	" account TEXT NOT NULL, thumbprint TEXT NOT NULL UNIQUE,"
	" method BIGINT NOT NULL, spki BYTEA NOT NULL, sealed BYTEA NOT NULL,"
	" created_at BIGINT NOT NULL, seen_source TEXT NOT NULL,"
	" seen_until BIGINT NOT NULL, live BIGINT NOT NULL)",
	"CREATE UNIQUE INDEX account_key_live ON account_key (account)"
	" WHERE live = 1",
	"CREATE INDEX account_key_account ON account_key (account, method,"
	" incarnation)",
	"CREATE TABLE enrolment (account TEXT PRIMARY KEY,"
	" sealed BYTEA NOT NULL, expires_at BIGINT NOT NULL)",
	"CREATE TABLE spent (challenge BYTEA PRIMARY KEY,"
	" until BIGINT NOT NULL)",
	"CREATE INDEX spent_due ON spent (until)",
	"CREATE TABLE issued (jti TEXT PRIMARY KEY, account TEXT NOT NULL,"
	" audience TEXT NOT NULL, digest BYTEA NOT NULL UNIQUE,"
	" incarnation BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
	"CREATE INDEX issued_account ON issued (account)",
	"CREATE INDEX issued_due ON issued (expires_at)",
	"CREATE TABLE offer (account TEXT NOT NULL, audience TEXT NOT NULL,"
	" jti TEXT NOT NULL, sealed BYTEA NOT NULL,"
	" expires_at BIGINT NOT NULL, PRIMARY KEY (account, audience))",
	"CREATE TABLE repeat (actor TEXT NOT NULL, name TEXT NOT NULL,"
	" digest BYTEA NOT NULL, account TEXT NOT NULL,"
	" incarnation BIGINT NOT NULL, until BIGINT NOT NULL,"
	" PRIMARY KEY (actor, name))",
	"CREATE TABLE alarm (account TEXT NOT NULL, source TEXT NOT NULL,"
	" other TEXT NOT NULL, kind BIGINT NOT NULL,"
	" incarnation BIGINT NOT NULL, times BIGINT NOT NULL,"
	" first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,"
	" PRIMARY KEY (account, kind, incarnation))",
	NULL,
};

/* Tokens of administrators (admin.h), by their SHA-256; times in unix seconds.
 */
static const char *const admin_tokens[] = {
	"CREATE TABLE admin_token (id TEXT PRIMARY KEY,"
	" hash BYTEA NOT NULL UNIQUE, name TEXT NOT NULL,"
	" created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
	NULL,
};

/* Proofs of possession that all nodes take once (replay.h); a row of what was
 * spent has the number of its nonce, and goes with it. */
static const char *const proofs[] = {
	"INSERT INTO counter (name, value) VALUES ('nonce', 0)",
	"CREATE TABLE dpop_nonce (number BIGINT PRIMARY KEY,"
	" nonce TEXT NOT NULL UNIQUE, made_at BIGINT NOT NULL)",
	"CREATE TABLE dpop_spent (digest BYTEA PRIMARY KEY,"
	" nonce BIGINT NOT NULL)",
	"CREATE INDEX dpop_spent_nonce ON dpop_spent (nonce)",
	NULL,
};

/* Instances of clouds and the accounts they are bound to; and what was evicted
 * or banned: the account, and the revocations that follow (accounts.h). */
static const char *const bindings[] = {
	"ALTER TABLE account ADD COLUMN standing BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE revocation ADD COLUMN standing BIGINT NOT NULL DEFAULT 0",
	"CREATE TABLE binding (account TEXT PRIMARY KEY,"
	" issuer TEXT NOT NULL, owner TEXT NOT NULL, region TEXT NOT NULL,"
	" instance TEXT NOT NULL, principal TEXT NOT NULL,"
	" is_open BIGINT NOT NULL, bound_at BIGINT NOT NULL,"
	" UNIQUE (issuer, owner, region, instance))",
	NULL,
};

/* The document service's (documents.h). One newest document a subject, claims
 * and audience: that is the database's to keep. Times in unix seconds. */
static const char *const documents[] = {
	"CREATE TABLE instance (id TEXT PRIMARY KEY, owner TEXT NOT NULL,"
	" properties TEXT NOT NULL, is_group BIGINT NOT NULL,"
	" version BIGINT NOT NULL, changed_at BIGINT NOT NULL)",
	"CREATE INDEX instance_owner ON instance (owner)",
	"CREATE TABLE instance_member (grouping_id TEXT NOT NULL,"
	" member TEXT NOT NULL, PRIMARY KEY (grouping_id, member))",
	"CREATE INDEX instance_member_of ON instance_member (member)",
	"CREATE TABLE document (id TEXT PRIMARY KEY, subject TEXT NOT NULL,"
	" claims TEXT NOT NULL, audience TEXT NOT NULL,"
	" key_id TEXT NOT NULL, bound TEXT NOT NULL,"
	" replaced_by TEXT NOT NULL, version BIGINT NOT NULL,"
	" n_values BIGINT NOT NULL, level BIGINT NOT NULL,"
	" issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,"
	" ended BIGINT NOT NULL, digest BYTEA NOT NULL,"
	" signature_digest BYTEA NOT NULL, document BYTEA NOT NULL,"
	" signature BYTEA NOT NULL)",
	"CREATE UNIQUE INDEX document_newest ON document (subject, claims,"
	" audience) WHERE ended = 0",
	"CREATE INDEX document_subject ON document (subject, id)",
	"CREATE INDEX document_signature ON document (signature_digest)",
	"CREATE INDEX document_due ON document (expires_at)",
	"CREATE TABLE document_key (id TEXT PRIMARY KEY, pem TEXT NOT NULL,"
	" until BIGINT NOT NULL)",
	NULL,
};

/* Who changed what (changes.h); `at` in unix seconds. */
static const char *const changes[] = {
	"INSERT INTO counter (name, value) VALUES ('change', 0)",
	"CREATE TABLE changed (number BIGINT PRIMARY KEY,"
	" at BIGINT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
	" about TEXT NOT NULL)",
	NULL,
};

/* The name of the secret that all is sealed under (sealed.h); one row. */
static const char *const master_secret[] = {
	"CREATE TABLE master_secret (one BIGINT PRIMARY KEY,"
	" name TEXT NOT NULL)",
	NULL,
};

/* A document's form (enum attest_form): in each there may be a newest. */
static const char *const document_forms[] = {
	"ALTER TABLE document ADD COLUMN form BIGINT NOT NULL DEFAULT 0",
	"DROP INDEX document_newest",
	"CREATE UNIQUE INDEX document_newest ON document (subject, claims,"
	" audience, form) WHERE ended = 0",
	NULL,
};

/* One that is bound to no key is another newest than one that is. */
static const char *const document_bindings[] = {
	"DROP INDEX document_newest",
	"CREATE UNIQUE INDEX document_newest ON document (subject, claims,"
	" audience, form, (bound = '')) WHERE ended = 0",
	NULL,
};

static const struct {
	const char *name;
	const char *const *statements; /* the last is NULL */
} migrations[] = {
	{ "members", members },
	{ "revocations", revocations },
	{ "accounts", accounts },
	{ "admin tokens", admin_tokens },
	{ "proofs", proofs },
	{ "bindings", bindings },
	{ "documents", documents },
	{ "changes", changes },
	{ "master secret", master_secret },
	{ "document forms", document_forms },
	{ "document bindings", document_bindings },
};

static const char make_list[] =
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY,"
    " name TEXT NOT NULL)";
static const char newest[] = "SELECT COALESCE(MAX(number), 0) FROM migration";
static const char note[] =
    "INSERT INTO migration (number, name) VALUES ($1, $2)";

static bool
apply(struct sql *q, size_t i, struct error *reterr)
{
	const struct sql_value values[] = { sql_number((int64_t)i + 1),
		sql_text(str_of(migrations[i].name)) };

	for (const char *const *s = migrations[i].statements; *s; s++)
		if (!sql_do(q, *s, reterr))
			return false;
	return sql_run(q, note, values, 2, NULL, NULL, reterr);
}

/* One step, when there is one left. Another process may migrate as well: what
 * is left is read inside the transaction. */
static bool
step(struct sql *q, bool *ret_done, struct error *reterr)
{
	int64_t have = 0;

	if (!sql_do(q, make_list, reterr) ||
	    !sql_run(q, newest, NULL, 0, sql_take_number, &have, reterr))
		return false;
	if (have < 0 || (uint64_t)have > ARRAY_LEN(migrations))
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database has version %lld, this program knows %zu: "
		    "a newer program made it",
		    (long long)have, ARRAY_LEN(migrations));
	*ret_done = (size_t)have == ARRAY_LEN(migrations);
	return *ret_done || apply(q, (size_t)have, reterr);
}

bool
sql_migrate(struct sql *q, struct error *reterr)
{
	bool done = false;

	while (!done) {
		bool ok = sql_begin(q, reterr) && step(q, &done, reterr) &&
			  sql_commit(q, reterr);

		if (!ok) {
			sql_rollback(q);
			return false;
		}
	}
	return true;
}

int64_t
sql_migrations(void)
{
	return (int64_t)ARRAY_LEN(migrations);
}
