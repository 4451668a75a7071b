/* sweep_documents.c - the document service with each allocation failing in
 * turn: ours and jansson's, OpenSSL's, SQLite's, and randomness. A document
 * that the store has and that verifies, or an error and nothing changed; never
 * half of an event, never a second newest, and the same service goes on
 * afterwards. */
#include "tests/fault/wrap.h"

#include <stdlib.h>

#include "attest/documents.h"
#include "tests/fault/sources.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

/* ---- the scene -------------------------------------------------------------
 */

struct scene {
	struct service service;
	struct documents *docs;
	struct documents_signer signer;
	struct attest_key *key;
	struct sts_actor web;
	unsigned n; /* of changes */
};

static const struct str claims[] = { STR_INIT("custom.n") };
static const struct str audience[] = { STR_INIT("updates") };

/* Another value each time. */
static bool
change_custom(struct scene *s, struct arena *a, struct error *reterr)
{
	struct documents_change what = {
		.id = STR("web-1"), .event = STR("custom"), .if_version = -1
	};
	struct documents_changed changed = { 0 };
	char text[64];
	json_t *json;
	bool ok;

	snprintf(text, sizeof text, "%u", ++s->n);
	json = json_pack("{s:{s:s}}", "custom", "n", text);
	what.changes = json;
	ok = json ? documents_change(s->docs, a, &s->service.boss, &s->signer,
			&what, &changed, reterr)
		  : error_nomem(reterr);
	if (ok)
		documents_instance_fini(&changed.instance);
	json_decref(json);
	return ok;
}

static bool
issue(struct scene *s, struct arena *a, struct documents_issued *ret,
    struct error *reterr)
{
	const struct documents_ask ask = { .subject = STR("web-1"),
		.claims = claims,
		.n_claims = 1,
		.has_claims = true,
		.audience = audience,
		.n_audience = 1 };
	bool made;

	return documents_issue(
	    s->docs, a, &s->web, &s->signer, &ask, ret, &made, reterr);
}

static enum err_code
judge(struct scene *s, struct arena *a, const struct documents_issued *d)
{
	const struct attest_evidence e = { STR("avow"), d->row.document,
		d->row.signature };
	struct error err = { 0 };
	bool newest;

	return documents_verify(s->docs, a, &e, NULL, s->service.now_ms / 1000,
		   &newest, &err)
		   ? ERR_NONE
		   : err.code;
}

/* One newest at the most. A look that failed itself is taken again. */
static void
ck_one_newest(struct scene *s)
{
	struct documents_issued *all = NULL;
	size_t n = 0, newest = 0;
	bool ok = false;

	for (int i = 0; i < 2 && !ok; i++) {
		struct arena *a = arena_new(0);

		newest = 0;
		ok = a && documents_list(s->docs, a, &s->web, STR("web-1"),
			      STR(""), 1000, &all, &n, NULL);
		for (size_t k = 0; ok && k < n; k++)
			newest +=
			    all[k].row.ended == STORE_DOCUMENT_NEWEST &&
			    all[k].row.expires_at > s->service.now_ms / 1000;
		arena_free(a);
	}
	ck_assert(ok);
	ck_assert_uint_le(newest, 1);
}

static void
scene_init(struct scene *s)
{
	struct documents_options o = { .issuer = STR("acme"),
		.lifetime_s = 3600,
		.lifetime_most_s = 3600,
		.random = { fill, NULL } };
	struct error err = { 0 };

	*s = (struct scene){ 0 };
	service_init(&s->service, NULL);
	s->key = service_key(&s->service, KEY_P256);
	s->web = service_instance(&s->service, "web-1", s->key);
	o.store = s->service.store;
	s->docs = documents_open(&o, &err);
	ck_assert_msg(s->docs != NULL, "%s", err.msg);
	ck_assert(documents_signer_of_ring(s->service.a, s->service.ring,
	    s->service.now_ms / 1000, &s->signer, &err));
	ck_assert_msg(change_custom(s, s->service.a, &err), "%s", err.msg);
}

static void
scene_fini(struct scene *s)
{
	documents_close(s->docs);
	attest_key_free(s->key);
	service_fini(&s->service);
}

/* ---- what is swept ---------------------------------------------------------
 */

/* Those before have expired: each time one is made. */
static bool
make(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	struct documents_issued d = { 0 };
	struct error err = { 0 };
	enum err_code code = ERR_NONE;
	bool ok;

	s->service.now_ms += 4000000;
	ok = a && issue(s, a, &d, &err);
	ck_assert_int_eq(ok, d.row.document.n > 0);
	if (ok)
		code = judge(s, a, &d);
	ck_assert_msg(code != ERR_EVIDENCE_REVOKED && code != ERR_EVIDENCE_KEY,
	    "a document that the store does not know: %s", error_id(code));
	arena_free(a);
	ck_one_newest(s);
	return ok && code == ERR_NONE;
}

/* A change, whole or not at all. */
static bool
supersede(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	struct documents_issued d = { 0 };
	struct error err = { 0 };
	enum err_code code;
	bool ok;

	s->service.now_ms += 4000000;
	if (!a || !issue(s, a, &d, &err)) {
		arena_free(a);
		return false;
	}
	ok = change_custom(s, a, &err);
	code = judge(s, a, &d);
	if (ok)
		ck_assert_msg(code != ERR_NONE, "it is stale, and valid");
	else
		/* A commit that was made, and said to have failed. */
		ck_assert_msg(
		    code == ERR_NONE || (code == ERR_EVIDENCE_SUPERSEDED &&
					    err.code == ERR_SYSTEM_STORE),
		    "nothing changed, and it is not valid: %s", error_id(code));
	arena_free(a);
	ck_one_newest(s);
	return ok && code == ERR_EVIDENCE_SUPERSEDED;
}

/* ---- groups ---- */

static bool
make_group(struct scene *s, struct arena *a, struct str id)
{
	static const struct str members[] = { STR_INIT("web-1") };
	struct documents_change what = {
		.id = id, .members = members, .n_members = 1, .if_version = -1
	};
	struct documents_changed changed = { 0 };
	json_t *json = json_pack("{s:{s:s}}", "custom", "n", "1");
	bool ok;

	what.changes = json;
	ok = json && documents_change(s->docs, a, &s->service.boss, &s->signer,
			 &what, &changed, NULL);
	if (ok)
		documents_instance_fini(&changed.instance);
	json_decref(json);
	return ok;
}

static bool
issue_to_group(struct scene *s, struct arena *a, struct str id,
    struct documents_issued *ret)
{
	const struct documents_ask ask = { .subject = id,
		.claims = claims,
		.n_claims = 1,
		.has_claims = true,
		.audience = audience,
		.n_audience = 1 };
	bool made;

	return documents_issue(
	    s->docs, a, &s->web, &s->signer, &ask, ret, &made, NULL);
}

/* What was done is done, and what was not is not: a document that was good is
 * still, unless a commit was made and said to have failed. */
static void
ck_group(struct scene *s, struct arena *a, const struct documents_issued *d,
    bool ok, const struct error *why, enum err_code ended)
{
	enum err_code code = judge(s, a, d);

	if (ok)
		ck_assert_msg(code != ERR_NONE, "it is gone, and valid");
	else
		ck_assert_msg(
		    code == ERR_NONE ||
			(code == ended && why->code == ERR_SYSTEM_STORE),
		    "nothing changed, and it is not valid: %s", error_id(code));
}

/* Names of its own each time: what failed half-way lies about, whole. */
static bool
group_names(struct scene *s, struct arena *a, struct str *was, struct str *is)
{
	*was = str_printf(a, "web-g%u", ++s->n);
	*is = str_printf(a, "web-h%u", s->n);
	return was->p && is->p;
}

static bool
rename_group(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	struct documents_issued d = { 0 };
	struct documents_changed c = { 0 };
	struct error err = { 0 };
	struct str was, is;
	bool ok;

	s->service.now_ms += 4000000;
	if (!a || !group_names(s, a, &was, &is) || !make_group(s, a, was) ||
	    !issue_to_group(s, a, was, &d)) {
		arena_free(a);
		return false;
	}
	ok = documents_group_rename(
	    s->docs, a, &s->service.boss, &s->signer, was, is, -1, &c, &err);
	ck_group(s, a, &d, ok, &err, ERR_EVIDENCE_SUPERSEDED);
	if (ok) {
		ck_assert_uint_eq(c.n_superseded, 1);
		ck_assert_uint_eq(c.n_made, 1);
		documents_instance_fini(&c.instance);
	}
	arena_free(a);
	return ok;
}

static bool
delete_group(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	struct documents_issued d = { 0 };
	struct error err = { 0 };
	struct str was, is;
	bool ok;

	s->service.now_ms += 4000000;
	if (!a || !group_names(s, a, &was, &is) || !make_group(s, a, was) ||
	    !issue_to_group(s, a, was, &d)) {
		arena_free(a);
		return false;
	}
	ok =
	    documents_group_delete(s->docs, a, &s->service.boss, was, -1, &err);
	ck_group(s, a, &d, ok, &err, ERR_EVIDENCE_REVOKED);
	arena_free(a);
	return ok;
}

static bool
keys(void *ctx)
{
	struct scene *s = ctx;
	struct arena *a = arena_new(0);
	const struct documents_key_query all = { 0 };
	struct buf out = { 0 };
	bool ok = a && documents_keys(s->docs, a, s->service.ring, &all, false,
			   &out, NULL);

	ck_assert(!ok || out.n > 0);
	buf_free(&out);
	arena_free(a);
	return ok;
}

static const struct {
	const char *name;
	bool (*once)(void *);
} sweeps[] = {
	{ "make", make },
	{ "supersede", supersede },
	{ "rename a group", rename_group },
	{ "delete a group", delete_group },
	{ "keys", keys },
};

static struct scene scene;

START_TEST(ours_and_janssons)
{
	scene_init(&scene);
	/* Once without, for statements that the store prepares and keeps. */
	ck_assert(sweeps[_i].once(&scene));
	(void)fault_sweep_ours(sweeps[_i].name, sweeps[_i].once, &scene);
	scene_fini(&scene);
}
END_TEST

static void
sweep(struct source *s, const char *name, bool (*once)(void *), long stride)
{
	scene_init(&scene);
	source_sweep(s, name, once, &scene, stride);
	scene_fini(&scene);
}

START_TEST(openssls)
{
	sweep(&openssl, sweeps[_i].name, sweeps[_i].once, 31);
}
END_TEST

START_TEST(sqlites)
{
	sweep(&sqlite, sweeps[_i].name, sweeps[_i].once, 7);
}
END_TEST

START_TEST(no_randomness)
{
	sweep(&randomness, sweeps[_i].name, sweeps[_i].once, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep documents");
	TCase *tc = tcase_create("sweep documents");

	/* Before OpenSSL allocates anything. */
	if (!sources_hook())
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, ours_and_janssons, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, openssls, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, sqlites, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, no_randomness, 0, ARRAY_LEN(sweeps));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
