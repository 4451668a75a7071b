/* documents_kit.h - one instance `web-1` of which something is known, and the
 * document service asked and told about it; for the tests of documents*.c. */
#ifndef TESTS_DOCUMENTS_KIT_H
#define TESTS_DOCUMENTS_KIT_H

#include "attest/documents.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;
static struct documents *docs;
static struct documents_signer signer;
static struct attest_key *key;
static struct sts_actor web;

static const struct str updates_claims[] = { STR_INIT("imageId"),
	STR_INIT("os.name") };
static const struct documents_profile profiles[] = {
	{ STR_INIT("updates"), updates_claims, ARRAY_LEN(updates_claims), 0 },
	/* The same claims, bound to no key. */
	{ STR_INIT("apt"), updates_claims, ARRAY_LEN(updates_claims), 600 },
};
static const struct documents_level levels[] = {
	{ STR_INIT("privateIp"), 5 },
	{ STR_INIT("custom.salary"), 9 },
	{ STR_INIT("applications"), 3 },
};

static inline struct documents_options
options(void)
{
	return (struct documents_options){ .store = s.store,
		.issuer = STR("acme"),
		.lifetime_s = 3600,
		.lifetime_most_s = 7200,
		.levels = levels,
		.n_levels = ARRAY_LEN(levels),
		.profiles = profiles,
		.n_profiles = ARRAY_LEN(profiles) };
}

static inline json_t *
json_of(const char *text)
{
	json_t *json = NULL;

	ck_assert_msg(
	    json_parse(str_of(text), NULL, 65536, 16, JSON_NO_NUL, &json, &err),
	    "%s: %s", text, err.msg);
	return json;
}

static inline enum err_code
change_by(const struct sts_actor *actor, struct documents_change what,
    const char *text, struct documents_changed *ret)
{
	struct documents_changed changed = { 0 };
	json_t *json = json_of(text);
	bool ok;

	err = (struct error){ 0 };
	what.changes = json;
	ok = documents_change(docs, s.a, actor, &signer, &what, &changed, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	documents_instance_fini(&changed.instance);
	json_decref(json);
	if (ok && ret)
		*ret = changed;
	return err.code;
}

static inline struct documents_changed
change(const char *id, const char *event, const char *text)
{
	struct documents_change what = {
		.id = str_of(id), .event = str_of(event), .if_version = -1
	};
	struct documents_changed changed = { 0 };

	ck_assert_msg(change_by(&s.boss, what, text, &changed) == ERR_NONE,
	    "%s: %s", text, err.msg);
	return changed;
}

#define PROPERTIES                                                             \
	"{\"imageId\":\"img-1\",\"privateIp\":\"10.0.0.5\","                   \
	"\"os\":{\"name\":\"debian\",\"version\":\"12\"},"                     \
	"\"licences\":[\"base\"],\"applications\":{\"nginx\":\"1.22\","        \
	"\"php\":\"8.2\"},\"custom\":{\"team\":\"blue\",\"salary\":\"9\"}}"

static inline void
begin(void)
{
	struct documents_options o = options();

	docs = documents_open(&o, &err);
	ck_assert_msg(docs != NULL, "%s", err.msg);
	ck_assert_msg(documents_signer_of_ring(
			  s.a, s.ring, s.now_ms / 1000, &signer, &err),
	    "%s", err.msg);
	key = service_key(&s, KEY_P256);
	web = service_instance(&s, "web-1", key);
	change("web-1", "provisioned", PROPERTIES);
}

static inline void
setup(void)
{
	err = (struct error){ 0 };
	service_init(&s, NULL);
	begin();
}

static inline void
setup_postgres(void)
{
	err = (struct error){ 0 };
	pg_empty();
	service_init(&s, pg_url());
	begin();
}

static inline void
teardown(void)
{
	attest_key_free(key);
	documents_close(docs);
	service_fini(&s);
}

/* ---- asking ---- */

/* Claims as one text with spaces; NULL: none are said. */
static inline struct documents_ask
ask_of(const char *subject, const char *claims, const char *audience)
{
	struct str *names = ARENA_ARRAY(s.a, 100, struct str);
	struct documents_ask ask = { .subject = str_of(subject),
		.claims = names,
		.has_claims = claims != NULL };
	struct str text = str_of(claims), *whom = ARENA_NEW(s.a, struct str);

	for (size_t at = 0, end; at < text.n; at = end + 1) {
		end = str_find(text, ' ', at);
		names[ask.n_claims++] = str_sub(text, at, end);
	}
	*whom = str_of(audience);
	ask.audience = whom;
	ask.n_audience = audience != NULL;
	return ask;
}

static inline enum err_code
issue_by(const struct sts_actor *actor, const struct documents_ask *ask,
    struct documents_issued *ret, bool *ret_made)
{
	struct documents_issued issued = { 0 };
	bool made = false, ok;

	err = (struct error){ 0 };
	ok = documents_issue(
	    docs, s.a, actor, &signer, ask, &issued, &made, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ret)
		*ret = issued;
	if (ret_made)
		*ret_made = made;
	return err.code;
}

static inline struct documents_issued
issue(const char *claims, const char *audience)
{
	struct documents_ask ask = ask_of("web-1", claims, audience);
	struct documents_issued issued;

	ck_assert_msg(
	    issue_by(&web, &ask, &issued, NULL) == ERR_NONE, "%s", err.msg);
	return issued;
}

static inline json_t *
member(const struct documents_issued *d, const char *name)
{
	json_t *root = NULL, *value;

	ck_assert(json_parse(
	    d->row.document, NULL, 65536, 16, JSON_NO_NUL, &root, &err));
	value = json_incref(json_object_get(root, name));
	json_decref(root);
	return value;
}

static inline void
ck_claims(const struct documents_issued *d, const char *want)
{
	json_t *claims = member(d, "claims");
	struct buf text = { 0 };

	ck_assert(json_write(&text, claims));
	ck_str_is(buf_str(&text), want);
	buf_free(&text);
	json_decref(claims);
}

static inline struct attest_evidence
evidence_of(const struct documents_issued *d)
{
	return (struct attest_evidence){ attest_form_kind(
					     (enum attest_form)d->row.form),
		d->row.document, d->row.signature };
}

static inline enum err_code
judge(const struct documents_issued *d, bool *ret_newest)
{
	const struct attest_evidence e = evidence_of(d);
	bool newest = false;

	err = (struct error){ 0 };
	ck_assert_int_eq(documents_verify(docs, s.a, &e, NULL, s.now_ms / 1000,
			     &newest, &err),
	    err.code == ERR_NONE);
	if (ret_newest)
		*ret_newest = newest;
	return err.code;
}

static inline size_t
count(const char *subject, enum store_document_end ended)
{
	struct documents_issued *all;
	size_t n, found = 0;

	ck_assert(documents_list(docs, s.a, &s.admin, str_of(subject), STR(""),
	    1000, &all, &n, &err));
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(all[i].row.document.n, 0);
		found += all[i].row.ended == (int64_t)ended;
	}
	return found;
}

static inline size_t
keys(struct documents_key_query q, bool as_pem)
{
	struct buf out = { 0 };
	json_t *set = NULL;
	size_t n = 0;

	err = (struct error){ 0 };
	if (documents_keys(docs, s.a, s.ring, &q, as_pem, &out, &err)) {
		if (as_pem) {
			for (const char *p = out.p;
			     (p = strstr(p, "BEGIN PUBLIC KEY")) != NULL; p++)
				n++;
		} else {
			ck_assert(json_parse(buf_str(&out), NULL, 65536, 16,
			    JSON_NO_NUL, &set, &err));
			n = json_array_size(json_object_get(set, "keys"));
		}
	}
	json_decref(set);
	buf_free(&out);
	return n;
}

static const struct str pair[] = { STR_INIT("web-1"), STR_INIT("web-2") };

static inline enum err_code
group_by(const struct sts_actor *actor, const char *id, size_t n,
    const char *text, struct documents_changed *ret)
{
	const struct documents_change what = { .id = str_of(id),
		.members = pair,
		.n_members = n,
		.if_version = -1 };

	return change_by(actor, what, text, ret);
}

static inline TCase *
cases(const char *name, void (*begins)(void), void (*add)(TCase *tc))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begins, teardown);
	add(tc);
	tcase_set_timeout(tc, 60);
	return tc;
}

#endif
