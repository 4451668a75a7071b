/* service.c - see service.h. */
#include "tests/lib/service.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "store/store_private.h"
#include "tests/lib/run.h"

static unsigned
next_number(void)
{
	static unsigned n;

	return n++;
}

static const char *
new_path(struct service *s, const char *what)
{
	return str_printf(s->a, "%s/%s-%d-%u", test_folder(), what,
	    (int)getpid(), next_number())
	    .p;
}

static void
note_alarm(void *ctx, const struct sts_alarm *alarm)
{
	struct service *s = ctx;

	s->n_alarms++;
	s->alarm = *alarm;
	s->alarm.account = str_dup(s->a, alarm->account);
	s->alarm.source = str_dup(s->a, alarm->source);
	s->alarm.other = str_dup(s->a, alarm->other);
}

static struct store *
open_store(struct service *s)
{
	struct error err = { 0 };
	struct store *store = store_open_at(str_of(s->url), &s->clock, &err);

	ck_assert_msg(store != NULL, "%s", err.msg);
	return store;
}

static struct sts *
open_sts(struct service *s, struct store *store)
{
	const struct sts_options o = { .store = store,
		.clock = &s->clock,
		.secret_file = s->secret,
		.url = STR(SERVICE_URL),
		.issuer = STR("acme-sts"),
		.alarm = note_alarm,
		.alarm_ctx = s };
	struct error err = { 0 };
	struct sts *sts = sts_open(&o, &err);

	ck_assert_msg(sts != NULL, "%s", err.msg);
	return sts;
}

static void
make_boss(struct service *s)
{
	const struct sts_new_account what = { .id = STR("boss"),
		.kind = STS_CONTROLLER,
		.prefix = STR("web-"),
		.may_issue = true };
	struct sts_next next = { .how = STS_OPEN_KEY };
	struct sts_account account;
	struct sts_opened opened;
	struct error err = { 0 };
	bool created;

	s->boss_key = service_key(s, KEY_ED25519);
	next.spki = service_spki(s, s->boss_key);
	ck_assert_msg(sts_account_create(s->sts, s->a, &s->admin, &what,
			  &account, &created, &err),
	    "%s", err.msg);
	ck_assert(created);
	ck_assert_msg(sts_open_next(s->sts, s->a, &s->admin, what.id, &next,
			  &opened, &err),
	    "%s", err.msg);
	s->boss = service_actor("boss", opened.account.incarnation);
}

void
service_init(struct service *s, const char *url)
{
	const struct prove_random real = { 0 };
	struct error err = { 0 };
	struct str file;

	json_setup();
	*s = (struct service){ .a = arena_new(0),
		.now_ms = KIT_NOON * INT64_C(1000),
		.url = url ? url : "sqlite::memory:",
		.admin = { .rank = STS_ADMIN, .account = STR("root") } };
	s->clock = clock_fixed(&s->now_ms);
	s->secret = new_path(s, "secret");
	s->ring_folder = new_path(s, "ring");
	ck_assert(net_parse_addr(STR("192.0.2.1"), &s->source));
	ck_assert_msg(sts_secret_create(s->secret, real, &err), "%s", err.msg);
	ck_assert_msg(token_ring_rotate(s->a, s->ring_folder, KEY_P256,
			  KIT_NOON - 3600, 0, true, &file, &err),
	    "%s", err.msg);
	s->ring = token_ring_open(s->ring_folder, &err);
	ck_assert_msg(s->ring != NULL, "%s", err.msg);
	s->store = open_store(s);
	s->sts = open_sts(s, s->store);
	make_boss(s);
}

void
service_fini(struct service *s)
{
	sts_close(s->sts);
	store_close(s->store);
	token_ring_free(s->ring);
	attest_key_free(s->boss_key);
	arena_free(s->a);
}

const char *
service_file_url(struct service *s)
{
	static char url[700];

	(void)s;
	snprintf(url, sizeof url, "sqlite://%s/db-%d-%u/avow.db", test_folder(),
	    (int)getpid(), next_number());
	return url;
}

struct sts *
service_node(struct service *s, struct store **ret_store)
{
	*ret_store = open_store(s);
	return open_sts(s, *ret_store);
}

void
service_restart(struct service *s)
{
	sts_close(s->sts);
	store_close(s->store);
	s->store = open_store(s);
	s->sts = open_sts(s, s->store);
}

/* ---- keys and accounts ----------------------------------------------------
 */

struct attest_key *
service_key(struct service *s, enum attest_key_type type)
{
	const char *path = new_path(s, "key");
	struct error err = { 0 };
	struct attest_key *key;

	ck_assert_msg(attest_key_create(type, path, &err), "%s", err.msg);
	key = attest_key_open(path, &err);
	ck_assert_msg(key != NULL, "%s", err.msg);
	ck_assert_int_eq(unlink(path), 0);
	return key;
}

struct str
service_spki(struct service *s, const struct attest_key *key)
{
	struct buf b = { 0 };
	struct str copy;

	ck_assert(prove_key_spki(key, &b, NULL));
	copy = str_dup(s->a, buf_str(&b));
	buf_free(&b);
	return copy;
}

struct sts_actor
service_actor(const char *account, int64_t incarnation)
{
	return (struct sts_actor){ STS_ACCOUNT, str_of(account), incarnation };
}

void
service_bare(struct service *s, const char *id)
{
	const struct sts_new_account what = { .id = str_of(id),
		.kind = STS_INSTANCE };
	struct sts_account account;
	struct error err = { 0 };
	bool created;

	ck_assert_msg(sts_account_create(s->sts, s->a, &s->boss, &what,
			  &account, &created, &err),
	    "%s", err.msg);
}

struct sts_opened
service_opened(struct service *s, const char *id, enum sts_opening how,
    const struct attest_key *key)
{
	struct sts_next next = { .how = how, .move = true };
	struct sts_opened opened;
	struct error err = { 0 };

	if (key)
		next.spki = service_spki(s, key);
	ck_assert_msg(sts_open_next(s->sts, s->a, &s->boss, str_of(id), &next,
			  &opened, &err),
	    "%s", err.msg);
	return opened;
}

struct sts_actor
service_instance(
    struct service *s, const char *id, const struct attest_key *key)
{
	service_bare(s, id);
	return service_actor(
	    id, service_opened(s, id, STS_OPEN_KEY, key).account.incarnation);
}

struct sts_account
service_read(struct service *s, const char *id)
{
	struct sts_account account;
	struct error err = { 0 };

	ck_assert_msg(sts_account_get(
			  s->sts, s->a, &s->admin, str_of(id), &account, &err),
	    "%s", err.msg);
	return account;
}

/* ---- proofs ---------------------------------------------------------------
 */

struct prove_answer
service_answered(struct service *s, const struct service_ask *ask)
{
	struct prove_answer r = {
		.role = ask->role ? ask->role : PROVE_ACCOUNT,
		.account = str_of(ask->account),
		.audience = str_of(ask->audience ? ask->audience : "updates"),
		.relay = str_of(ask->relay),
	};
	const struct prove_with with = {
		.service = str_of(ask->service ? ask->service : SERVICE_URL),
		.channel = str_of(ask->channel),
		.secret = { (const char *)ask->secret,
		    ask->secret ? PROVE_SECRET_BYTES : 0 },
		.key = ask->key,
	};
	enum prove_method method =
	    ask->secret ? PROVE_HMAC : prove_method_of_key(ask->key);
	struct error err = { 0 };
	struct buf b = { 0 };

	ck_assert_msg(sts_challenge(s->sts, r.role, r.account, method,
			  r.audience, &b, &err),
	    "%s", err.msg);
	r.challenge = str_dup(s->a, buf_str(&b));
	buf_free(&b);
	ck_assert_msg(prove_answer_make(s->a, &with, &r, &err), "%s", err.msg);
	return r;
}

enum err_code
service_send_by(struct service *s, struct sts *sts,
    const struct prove_answer *answer, const struct sts_caller *caller,
    struct sts_grant *ret)
{
	const struct sts_token_options o = { .ring = s->ring };
	struct sts_grant grant = { 0 };
	struct error err = { 0 };
	bool ok = sts_token(sts, s->a, answer, caller, &o, &grant, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	ck_assert_int_eq(ok, grant.token.n > 0);
	if (ok && ret)
		*ret = grant;
	return err.code;
}

enum err_code
service_send(
    struct service *s, const struct prove_answer *answer, struct sts_grant *ret)
{
	const struct sts_caller caller = { .source = s->source };

	return service_send_by(s, s->sts, answer, &caller, ret);
}

enum err_code
service_prove(
    struct service *s, const struct service_ask *ask, struct sts_grant *ret)
{
	struct prove_answer r = service_answered(s, ask);

	return service_send(s, &r, ret);
}

struct token
service_verify(struct service *s, struct str text, const char *audience)
{
	struct error err = { 0 };
	struct token_keys *keys =
	    token_keys_of_ring(s->ring, s->now_ms / 1000, &err);
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = keys,
		.issuer = STR("acme-sts"),
		.audience = str_of(audience),
		.now_unix_s = s->now_ms / 1000 };
	struct token t = { 0 };

	ck_assert_msg(token_verify(s->a, text, &want, &t, &err), "%s", err.msg);
	token_fini(&t);
	token_keys_free(keys);
	return t;
}

bool
service_is_revoked(struct service *s, const char *kind, struct str id)
{
	static const char select[] = "SELECT COUNT(*) FROM revocation"
				     " WHERE kind = $1 AND id = $2";
	const struct sql_value params[] = { sql_text(str_of(kind)),
		sql_text(id) };
	int64_t n = 0;

	ck_assert(store_read(s->store, select, params, ARRAY_LEN(params),
	    sql_take_number, &n, NULL));
	return n > 0;
}
