/* The document service's core (A4 to A9): who gets which document, what a
 * change does to those that are out, and what a stranger may ask; on both
 * databases. */
#include "attest/documents.h"

#include <stdio.h>

#include "base/limits.h"
#include "store/sql.h"
#include "tests/unit/attest/documents_kit.h"

START_TEST(a_document_says_what_was_asked)
{
	struct documents_issued d = issue("os.name custom.team imageId", "up");
	struct attest_evidence e = { STR("avow"), d.row.document,
		d.row.signature };
	json_t *cnf;
	bool newest = false;

	ck_assert(d.is_handed);
	ck_claims(&d, "{\"imageId\":\"img-1\",\"os\":{\"name\":\"debian\"},"
		      "\"custom\":{\"team\":\"blue\"}}");
	ck_str_is(d.row.claims, "[\"custom.team\",\"imageId\",\"os.name\"]");
	ck_str_is(d.row.audience, "[\"up\"]");
	ck_str_is(d.row.key_id, signer.key_id.p);
	ck_assert_int_eq(d.row.expires_at - d.row.issued_at, 3600);
	ck_assert_int_eq(d.row.n_values, 3);
	ck_assert_int_eq(d.row.level, 1);
	cnf = member(&d, "cnf");
	ck_str_is(json_str(json_object_get(cnf, "jkt")),
	    service_read(&s, "web-1").jkt.p);
	json_decref(cnf);
	ck_assert_int_eq(judge(&d, &newest), ERR_NONE);
	ck_assert(newest);
	ck_assert_uint_eq(e.document.n, d.row.document.n);
	/* Who it is, and nothing else. */
	d = issue("", "up");
	ck_claims(&d, "{}");
	ck_assert_int_eq(d.row.level, 0);
}
END_TEST

static const struct {
	const char *note, *claims, *audience;
	enum err_code want;
	const char *says;
} asks[] = {
	{ "a claim that there is not", "imageId colour", "up",
	    ERR_REQUEST_MALFORMED, "`colour`" },
	{ "an attribute's name", "app:nginx", "up", ERR_REQUEST_MALFORMED,
	    "`app:nginx`" },
	{ "a part that there is not", "os.kernel", "up", ERR_REQUEST_MALFORMED,
	    "`os.kernel`" },
	{ "a part of a text", "imageId.x", "up", ERR_REQUEST_MALFORMED,
	    "`imageId.x`" },
	{ "a part without a name", "custom.", "up", ERR_REQUEST_MALFORMED,
	    "`custom.`" },
	{ "twice", "imageId imageId", "up", ERR_REQUEST_MALFORMED,
	    "`imageId`" },
	{ "whole and part", "os os.name", "up", ERR_REQUEST_MALFORMED,
	    "`os.name`" },
	{ "not known of it", "imageId region", "up", ERR_REQUIREMENT_CLAIM,
	    "`region`" },
	{ "an application it has not", "applications.apache", "up",
	    ERR_REQUIREMENT_CLAIM, "`applications.apache`" },
	{ "nothing said", NULL, "up", ERR_REQUEST_MALFORMED, "claims" },
	{ "for nobody", "imageId", NULL, ERR_REQUEST_MALFORMED, "audience" },
	{ "an audience of two words", "imageId", "a b", ERR_REQUEST_MALFORMED,
	    "audience" },
};

START_TEST(what_may_not_be_asked)
{
	struct documents_ask ask =
	    ask_of("web-1", asks[_i].claims, asks[_i].audience);
	enum err_code got = issue_by(&web, &ask, NULL, NULL);

	ck_assert_msg(got == asks[_i].want, "%s: got %s: %s", asks[_i].note,
	    error_id(got), err.msg);
	ck_assert_msg(
	    strstr(err.msg, asks[_i].says), "%s: %s", asks[_i].note, err.msg);
}
END_TEST

START_TEST(lifetimes_have_a_most)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued d;

	ask.lifetime_s = 7201;
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUEST_MALFORMED);
	ask.lifetime_s = -1;
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUEST_MALFORMED);
	ask.lifetime_s = 7200;
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_NONE);
	ck_assert_int_eq(d.row.expires_at - d.row.issued_at, 7200);
}
END_TEST

START_TEST(a_profile_names_claims_and_audience)
{
	struct documents_ask ask = ask_of("web-1", NULL, NULL);
	struct documents_issued d;

	ask.profile = STR("updates");
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_NONE);
	ck_claims(&d, "{\"imageId\":\"img-1\",\"os\":{\"name\":\"debian\"}}");
	ck_str_is(d.row.audience, "[\"updates\"]");
	ask.profile = STR("backups");
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUEST_MALFORMED);
	ask = ask_of("web-1", "imageId", "up");
	ask.profile = STR("updates");
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUEST_MALFORMED);
}
END_TEST

/* ---- who ---- */

START_TEST(only_its_instance_gets_it)
{
	struct attest_key *other = service_key(&s, KEY_P256);
	struct sts_actor web2 = service_instance(&s, "web-2", other);
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued d, again;
	const struct sts_actor nobody = { 0 };

	ck_assert_int_eq(
	    issue_by(&web2, &ask, NULL, NULL), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(
	    issue_by(&nobody, &ask, NULL, NULL), ERR_ACCOUNT_AUTHORITY);
	/* The owner has it made, and does not have it. */
	ck_assert_int_eq(issue_by(&s.boss, &ask, &d, NULL), ERR_NONE);
	ck_assert(!d.is_handed);
	ck_assert_uint_eq(d.row.document.n + d.row.signature.n, 0);
	ck_assert(documents_get(docs, s.a, &s.boss, d.row.id, &again, &err));
	ck_assert_uint_eq(again.row.document.n + again.row.signature.n, 0);
	ck_assert(documents_get(docs, s.a, &s.admin, d.row.id, &again, &err));
	ck_assert_uint_eq(again.row.document.n, 0);
	ck_assert(documents_get(docs, s.a, &web, d.row.id, &again, &err));
	ck_assert_int_eq(judge(&again, NULL), ERR_NONE);
	ck_assert(!documents_get(docs, s.a, &web2, d.row.id, &again, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_UNKNOWN);
	err = (struct error){ 0 };
	ck_assert(!documents_get(docs, s.a, &web, STR("0"), &again, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_UNKNOWN);
	attest_key_free(other);
}
END_TEST

START_TEST(a_secret_binds_nothing)
{
	struct documents_ask ask = ask_of("web-h", "", "up");
	struct sts_actor web_h;

	service_bare(&s, "web-h");
	ck_assert_int_eq(
	    issue_by(&s.boss, &ask, NULL, NULL), ERR_EVIDENCE_REVOKED);
	web_h = service_actor(
	    "web-h", service_opened(&s, "web-h", STS_OPEN_HMAC, NULL)
			 .account.incarnation);
	ck_assert_int_eq(
	    issue_by(&web_h, &ask, NULL, NULL), ERR_ACCOUNT_AUTHORITY);
}
END_TEST

/* ---- bound to no key ---- */

static struct documents_issued
issue_unbound(void)
{
	struct documents_ask ask = ask_of("web-1", NULL, "up");
	struct documents_issued d;
	json_t *cnf;

	ask.profile = STR("apt");
	ck_assert_msg(
	    issue_by(&web, &ask, &d, NULL) == ERR_NONE, "%s", err.msg);
	cnf = member(&d, "cnf");
	ck_assert_ptr_null(cnf);
	ck_assert_uint_eq(d.row.bound.n, 0);
	return d;
}

START_TEST(a_profile_may_bind_to_nothing)
{
	struct documents_issued d = issue_unbound(), again = issue_unbound();
	struct documents_ask ask = ask_of("web-1", NULL, "up");

	ck_assert_int_eq(d.row.expires_at - d.row.issued_at, 600);
	ck_assert(str_eq(d.row.id, again.row.id));
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ask.profile = STR("apt");
	ask.lifetime_s = 601;
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUEST_MALFORMED);
	ask.lifetime_s = 300;
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_NONE);
	ck_assert_int_eq(d.row.expires_at - d.row.issued_at, 300);
}
END_TEST

/* The same claims for the same audience, bound: both are newest, and neither
 * is given for the other. */
START_TEST(bound_and_unbound_are_two)
{
	struct documents_issued unbound = issue_unbound();
	struct documents_issued bound = issue("imageId os.name", "up");
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued found;
	bool newest = false;

	ck_assert_uint_gt(bound.row.bound.n, 0);
	ck_assert(!str_eq(bound.row.id, unbound.row.id));
	ck_assert_int_eq(judge(&unbound, &newest), ERR_NONE);
	ck_assert(newest);
	ck_assert_int_eq(judge(&bound, &newest), ERR_NONE);
	ck_assert(newest);
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &found, NULL), ERR_NONE);
	ck_assert(str_eq(found.row.id, bound.row.id));
	ck_assert(str_eq(issue_unbound().row.id, unbound.row.id));
	ck_assert(str_eq(issue("imageId os.name", "up").row.id, bound.row.id));
}
END_TEST

/* Made anew as long as a profile says so; without one it ends. */
START_TEST(unbound_ones_change_with_what_is_known)
{
	struct documents_issued d = issue_unbound();
	struct documents_options o = options();
	struct documents_changed c;

	c = change("web-1", "upgraded", "{\"os\":{\"name\":\"devuan\"}}");
	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 1);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
	d = issue_unbound();
	ck_claims(&d, "{\"imageId\":\"img-1\",\"os\":{\"name\":\"devuan\"}}");
	documents_close(docs);
	o.n_profiles = 1;
	docs = documents_open(&o, &err);
	ck_assert_ptr_nonnull(docs);
	c = change("web-1", "upgraded", "{\"os\":{\"name\":\"debian\"}}");
	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 0);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
}
END_TEST

START_TEST(unbound_ones_end_with_the_key)
{
	struct documents_issued d = issue_unbound();
	struct attest_key *other = service_key(&s, KEY_P256);

	(void)service_opened(&s, "web-1", STS_OPEN_KEY, other);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	ck_assert(service_is_revoked(&s, "document", d.row.id));
	attest_key_free(other);
}
END_TEST

START_TEST(a_secret_may_have_unbound_ones)
{
	struct documents_ask ask = ask_of("web-h", NULL, "up");
	struct sts_actor web_h;

	ask.profile = STR("apt");
	service_bare(&s, "web-h");
	web_h = service_actor(
	    "web-h", service_opened(&s, "web-h", STS_OPEN_HMAC, NULL)
			 .account.incarnation);
	change("web-h", "provisioned", PROPERTIES);
	ck_assert_int_eq(issue_by(&web_h, &ask, NULL, NULL), ERR_NONE);
}
END_TEST

/* ---- one newest ---- */

START_TEST(asked_again_it_is_the_same)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued one, two, three;
	bool made = false, newest = false;

	ck_assert_int_eq(issue_by(&web, &ask, &one, &made), ERR_NONE);
	ck_assert(made);
	s.now_ms += 1800000;
	ck_assert_int_eq(issue_by(&web, &ask, &two, &made), ERR_NONE);
	ck_assert(!made && str_eq(one.row.id, two.row.id));
	s.now_ms += 1000;
	ck_assert_int_eq(issue_by(&web, &ask, &three, &made), ERR_NONE);
	ck_assert(made && !str_eq(one.row.id, three.row.id));
	/* The one before says the same, and holds until it expires. */
	ck_assert_int_eq(judge(&one, &newest), ERR_NONE);
	ck_assert(!newest);
	ck_assert_int_eq(judge(&three, &newest), ERR_NONE);
	ck_assert(newest);
	ck_assert(!service_is_revoked(&s, "superseded", one.row.id));
	/* After all have expired there is room for the next. */
	s.now_ms += 86400000;
	ck_assert_int_eq(issue_by(&web, &ask, &two, &made), ERR_NONE);
	ck_assert(made);
	ck_assert_int_eq(judge(&three, NULL), ERR_EVIDENCE_EXPIRED);
}
END_TEST

/* A clock that ran ahead made it; gates take it for too new for long. */
START_TEST(one_from_the_future_is_not_given)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued one, two, found;
	bool made = false, newest = false;

	ck_assert_int_eq(issue_by(&web, &ask, &one, &made), ERR_NONE);
	s.now_ms -= LIMIT_SKEW_S * 1000;
	ck_assert_int_eq(issue_by(&web, &ask, &two, &made), ERR_NONE);
	ck_assert(!made);
	s.now_ms -= 1000;
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &found, &made), ERR_DATA_MISSING);
	ask.is_select = false;
	ck_assert_int_eq(issue_by(&web, &ask, &two, &made), ERR_NONE);
	ck_assert(made && !str_eq(one.row.id, two.row.id));
	ck_assert_int_eq(judge(&two, &newest), ERR_NONE);
	ck_assert(newest);
	ck_assert_int_eq(judge(&one, NULL), ERR_EVIDENCE_NOT_YET_VALID);
}
END_TEST

START_TEST(selection_tells_least)
{
	struct documents_issued all =
	    issue("imageId os applications custom privateIp", "up");
	struct documents_issued address = issue("imageId privateIp", "up");
	struct documents_issued plain = issue("imageId os.name", "up");
	struct documents_issued other = issue("imageId", "elsewhere"), got;
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	bool made = true;

	ck_assert_int_eq(all.row.level, 9);
	ask.is_select = true;
	/* As many values as the one with the address, and less delicate. */
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_NONE);
	ck_assert(!made && str_eq(got.row.id, plain.row.id));
	ask = ask_of("web-1", "privateIp", NULL);
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_NONE);
	ck_assert(str_eq(got.row.id, address.row.id));
	ask = ask_of("web-1", "os.version custom.team", "up");
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_NONE);
	ck_assert(str_eq(got.row.id, all.row.id));
	ask = ask_of("web-1", "imageId", NULL);
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_NONE);
	ck_assert(str_eq(got.row.id, other.row.id));
	ask = ask_of("web-1", "licences", "up");
	ask.is_select = true;
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_DATA_MISSING);
	ask.may_issue = true;
	ck_assert_int_eq(issue_by(&web, &ask, &got, &made), ERR_NONE);
	ck_assert(made);
	ck_claims(&got, "{\"licences\":[\"base\"]}");
}
END_TEST

START_TEST(there_is_an_end_to_documents)
{
	struct documents_issued d;
	struct documents_ask ask;
	char name[16];

	for (unsigned i = 0; i < LIMIT_DOCUMENTS_LIVE; i++) {
		snprintf(name, sizeof name, "gate-%u", i);
		(void)issue("", name);
	}
	ask = ask_of("web-1", "", "one-more");
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_REQUEST_LIMIT);
	ask = ask_of("web-1", "", "gate-0");
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_NONE);
}
END_TEST

/* ---- what changes ---- */

START_TEST(an_upgrade_makes_the_old_stale)
{
	struct documents_issued nginx = issue("applications.nginx", "up");
	struct documents_issued php = issue("applications.php", "up");
	struct documents_issued next;
	struct documents_changed c = change(
	    "web-1", "upgraded", "{\"applications\":{\"nginx\":\"1.24\"}}");

	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 1);
	ck_assert_int_eq(c.instance.version, 2);
	ck_assert_int_eq(judge(&nginx, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_int_eq(judge(&php, NULL), ERR_NONE);
	ck_assert(service_is_revoked(&s, "superseded", nginx.row.id));
	ck_assert(!service_is_revoked(&s, "superseded", php.row.id));
	next = issue("applications.nginx", "up");
	ck_claims(&next, "{\"applications\":{\"nginx\":\"1.24\"}}");
	ck_assert_int_eq(judge(&next, NULL), ERR_NONE);
	ck_assert(documents_get(docs, s.a, &web, nginx.row.id, &nginx, &err));
	ck_str_is(nginx.row.replaced_by, next.row.id.p);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 2);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_SUPERSEDED), 1);
}
END_TEST

START_TEST(what_is_no_more_has_no_successor)
{
	struct documents_issued team = issue("custom.team", "up");
	struct documents_changed c =
	    change("web-1", "custom", "{\"custom\":{\"team\":null}}");
	struct documents_ask ask = ask_of("web-1", "custom.team", "up");

	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 0);
	ck_assert_int_eq(judge(&team, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_REQUIREMENT_CLAIM);
}
END_TEST

/* A renewed one says it, too. */
START_TEST(all_that_say_it_are_superseded)
{
	struct documents_issued one = issue("imageId", "up"), two;

	s.now_ms += 2000000;
	two = issue("imageId", "up");
	ck_assert(!str_eq(one.row.id, two.row.id));
	ck_assert_uint_eq(
	    change("web-1", "provisioned", "{\"imageId\":\"img-2\"}")
		.n_superseded,
	    2);
	ck_assert_int_eq(judge(&one, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_int_eq(judge(&two, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 1);
}
END_TEST

static const struct {
	const char *note, *event, *changes;
	enum err_code want;
	const char *says;
} events[] = {
	{ "no event of that name", "moved", "{\"imageId\":\"i\"}",
	    ERR_REQUEST_MALFORMED, "event" },
	{ "nothing changes", "custom", "{}", ERR_REQUEST_MALFORMED, "nothing" },
	{ "installed changes an address", "installed",
	    "{\"privateIp\":\"10.0.0.6\"}", ERR_REQUEST_MALFORMED,
	    "`privateIp`" },
	{ "installed what is there", "installed",
	    "{\"applications\":{\"nginx\":\"2\"}}", ERR_REQUEST_MALFORMED,
	    "installed" },
	{ "upgraded what is not there", "upgraded",
	    "{\"applications\":{\"apache\":\"2\"}}", ERR_REQUEST_MALFORMED,
	    "upgraded" },
	{ "a claim that there is not", "provisioned", "{\"colour\":\"red\"}",
	    ERR_REQUEST_MALFORMED, "properties" },
	{ "an address that is none", "provisioned", "{\"privateIp\":\"x\"}",
	    ERR_REQUEST_MALFORMED, "`privateIp`" },
	{ "a number", "custom", "{\"custom\":{\"a\":1}}", ERR_REQUEST_MALFORMED,
	    "`custom`" },
	{ "installed", "installed", "{\"applications\":{\"apache\":\"2\"}}",
	    ERR_NONE, NULL },
	{ "upgraded", "upgraded", "{\"os\":{\"version\":\"13\"}}", ERR_NONE,
	    NULL },
	{ "licence", "licence", "{\"licences\":[],\"supportLevel\":\"gold\"}",
	    ERR_NONE, NULL },
	{ "custom", "custom", "{\"custom\":{\"team\":null,\"a\":\"1\"}}",
	    ERR_NONE, NULL },
	{ "all", "", "{\"imageId\":\"img-9\"}", ERR_NONE, NULL },
};

static bool
fill_revocations(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	static const char fill[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason)"
	    " WITH RECURSIVE n(i) AS (SELECT 1 UNION"
	    " ALL SELECT i + 1 FROM n WHERE i < $1)"
	    " SELECT 'token', 'x' || i, 4000000000, 1, '' FROM n";
	const struct sql_value most = sql_number(LIMIT_REVOCATIONS / 5 * 4);

	(void)now_ms, (void)ctx, (void)keep;
	return sql_run(tx, fill, &most, 1, NULL, NULL, reterr);
}

/* Or a controller's events would fill the list by themselves. */
START_TEST(what_could_not_be_taken_back_is_not_made)
{
	struct documents_issued one = issue("os.version", "up");
	struct documents_ask other = ask_of("web-1", "imageId", "up");
	struct documents_changed changed;
	struct documents_issued none;
	bool made;

	ck_assert_msg(store_transact(s.store, fill_revocations, NULL, &err),
	    "%s", err.msg);
	ck_assert_int_eq(issue_by(&web, &other, &none, &made), ERR_LIMIT_COUNT);
	changed = change("web-1", "upgraded", "{\"os\":{\"version\":\"13\"}}");
	ck_assert_uint_eq(changed.n_superseded, 1);
	ck_assert_uint_eq(changed.n_made, 0);
	ck_assert_int_eq(judge(&one, NULL), ERR_EVIDENCE_SUPERSEDED);
}
END_TEST

START_TEST(events_change_what_they_are_for)
{
	const struct documents_change what = { .id = STR("web-1"),
		.event = str_of(events[_i].event),
		.if_version = 1 };
	enum err_code got = change_by(&s.boss, what, events[_i].changes, NULL);

	ck_assert_msg(got == events[_i].want, "%s: got %s: %s", events[_i].note,
	    error_id(got), err.msg);
	ck_assert_msg(!events[_i].says || strstr(err.msg, events[_i].says),
	    "%s: %s", events[_i].note, err.msg);
}
END_TEST

START_TEST(who_may_say_it)
{
	struct documents_change what = {
		.id = STR("web-1"), .event = STR("custom"), .if_version = -1
	};
	const char *text = "{\"custom\":{\"team\":\"red\"}}";

	/* An instance that could speak for itself could be anything. */
	ck_assert_int_eq(
	    change_by(&web, what, text, NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(change_by(&s.admin, what, text, NULL), ERR_NONE);
	what.if_version = 1;
	ck_assert_int_eq(
	    change_by(&s.boss, what, text, NULL), ERR_ACCOUNT_VERSION);
	what.if_version = 2;
	ck_assert_int_eq(change_by(&s.boss, what, text, NULL), ERR_NONE);
	what.id = STR("web-9");
	ck_assert_int_eq(
	    change_by(&s.boss, what, text, NULL), ERR_ACCOUNT_UNKNOWN);
	what.id = STR("boss");
	ck_assert_int_eq(
	    change_by(&s.admin, what, text, NULL), ERR_ACCOUNT_UNKNOWN);
}
END_TEST

START_TEST(what_is_known_can_be_read)
{
	struct documents_instance i;

	ck_assert(
	    documents_instance_get(docs, s.a, &web, STR("web-1"), &i, &err));
	ck_assert_int_eq(i.version, 1);
	ck_str_is(i.owner, "boss");
	ck_str_is(json_str(json_object_get(i.properties, "imageId")), "img-1");
	documents_instance_fini(&i);
	service_bare(&s, "web-2");
	ck_assert(
	    documents_instance_get(docs, s.a, &s.boss, STR("web-2"), &i, &err));
	ck_assert_int_eq(i.version, 0);
	ck_assert_uint_eq(json_object_size(i.properties), 0);
	documents_instance_fini(&i);
	ck_assert(
	    !documents_instance_get(docs, s.a, &web, STR("web-2"), &i, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_UNKNOWN);
}
END_TEST

/* ---- identity ends, and documents with it ---- */

START_TEST(disabled_or_moved_its_documents_end)
{
	struct documents_issued d = issue("imageId", "up"), next;
	struct attest_key *other = service_key(&s, KEY_P256);
	struct sts_account account;

	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &account, &err));
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	ck_assert(service_is_revoked(&s, "document", d.row.id));
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), true, 0, &account, &err));
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	next = issue("imageId", "up");
	ck_assert_int_eq(judge(&next, NULL), ERR_NONE);
	web.incarnation = service_opened(&s, "web-1", STS_OPEN_KEY, other)
			      .account.incarnation;
	ck_assert_int_eq(judge(&next, NULL), ERR_EVIDENCE_REVOKED);
	next = issue("imageId", "up");
	ck_str_is(next.row.bound, service_read(&s, "web-1").jkt.p);
	ck_assert(sts_account_delete(s.sts, &s.boss, STR("web-1"), 0, &err));
	ck_assert_int_eq(judge(&next, NULL), ERR_EVIDENCE_REVOKED);
	/* A new account of that name knows nothing of the former one. */
	service_bare(&s, "web-1");
	{
		struct documents_instance i;

		ck_assert(documents_instance_get(
		    docs, s.a, &s.boss, STR("web-1"), &i, &err));
		ck_assert_uint_eq(json_object_size(i.properties), 0);
		documents_instance_fini(&i);
	}
	attest_key_free(other);
}
END_TEST

/* ---- groups ---- */

START_TEST(a_group_s_document_is_for_its_members)
{
	struct attest_key *other = service_key(&s, KEY_P256);
	struct attest_key *third = service_key(&s, KEY_P256);
	struct sts_actor web2 = service_instance(&s, "web-2", other);
	struct sts_actor web3 = service_instance(&s, "web-3", third);
	struct documents_ask ask = ask_of("web-front", "custom.tier", "up");
	struct documents_changed c;
	struct documents_issued d, one;
	json_t *members;

	ck_assert_int_eq(group_by(&s.boss, "web-front", 2,
			     "{\"custom\":{\"tier\":\"1\"}}", NULL),
	    ERR_NONE);
	ck_assert_int_eq(issue_by(&web2, &ask, &d, NULL), ERR_NONE);
	ck_assert(d.is_handed);
	ck_assert_uint_eq(d.row.bound.n, 0);
	members = member(&d, "members");
	ck_assert_uint_eq(json_array_size(members), 2);
	json_decref(members);
	ck_assert_int_eq(issue_by(&web, &ask, &one, NULL), ERR_NONE);
	ck_assert(str_eq(one.row.id, d.row.id));
	ck_assert_int_eq(issue_by(&s.boss, &ask, &one, NULL), ERR_NONE);
	ck_assert(!one.is_handed);
	ck_assert_int_eq(
	    issue_by(&web3, &ask, NULL, NULL), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	/* Who leaves the group has no use for its document. */
	ck_assert_int_eq(group_by(&s.boss, "web-front", 1,
			     "{\"custom\":{\"tier\":\"1\"}}", &c),
	    ERR_NONE);
	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 1);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_int_eq(
	    issue_by(&web2, &ask, NULL, NULL), ERR_ACCOUNT_UNKNOWN);
	/* And neither who is deleted. */
	ck_assert_int_eq(issue_by(&web, &ask, &d, NULL), ERR_NONE);
	ck_assert(sts_account_delete(s.sts, &s.boss, STR("web-1"), 0, &err));
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_int_eq(
	    issue_by(&s.boss, &ask, NULL, NULL), ERR_ACCOUNT_AUTHORITY);
	attest_key_free(other);
	attest_key_free(third);
}
END_TEST

/* Of another's prefix nothing is learned: whether there is one or not. */
static void
under_another_s_prefix(void)
{
	struct attest_key *k = service_key(&s, KEY_ED25519);
	const struct sts_new_account two = {
		.id = STR("two"), .kind = STS_CONTROLLER, .prefix = STR("db-")
	};
	struct sts_next next = { .how = STS_OPEN_KEY,
		.spki = service_spki(&s, k) };
	struct sts_account account;
	struct sts_opened opened;
	struct sts_actor other;
	bool created;

	attest_key_free(k);
	err = (struct error){ 0 };
	ck_assert(sts_account_create(
	    s.sts, s.a, &s.admin, &two, &account, &created, &err));
	ck_assert(
	    sts_open_next(s.sts, s.a, &s.admin, two.id, &next, &opened, &err));
	other = service_actor("two", opened.account.incarnation);
	ck_assert_int_eq(
	    group_by(&other, "web-none", 1, "{}", NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(
	    group_by(&s.boss, "web-some", 1, "{}", NULL), ERR_NONE);
	ck_assert_int_eq(
	    group_by(&other, "web-some", 1, "{}", NULL), ERR_ACCOUNT_AUTHORITY);
}

START_TEST(a_group_is_its_controller_s)
{
	bool created;
	struct sts_account account;
	const struct sts_new_account taken = { .id = STR("web-front"),
		.kind = STS_INSTANCE };

	ck_assert_int_eq(
	    group_by(&web, "web-front", 1, "{}", NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(group_by(&s.admin, "web-front", 1, "{}", NULL),
	    ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(group_by(&s.boss, "db-front", 1, "{}", NULL),
	    ERR_ACCOUNT_AUTHORITY);
	under_another_s_prefix();
	ck_assert_int_eq(
	    group_by(&s.boss, "web-front", 2, "{}", NULL), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(
	    group_by(&s.boss, "web-1", 1, "{}", NULL), ERR_REQUEST_MALFORMED);
	ck_assert_int_eq(group_by(&s.boss, "web-front", 1,
			     "{\"privateIp\":\"10.0.0.5\"}", NULL),
	    ERR_REQUEST_MALFORMED);
	ck_assert_int_eq(
	    group_by(&s.boss, "web-front", 1, "{}", NULL), ERR_NONE);
	/* One name, one thing. */
	err = (struct error){ 0 };
	ck_assert(!sts_account_create(
	    s.sts, s.a, &s.boss, &taken, &account, &created, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_EXISTS);
}
END_TEST

/* ---- strangers ---- */

START_TEST(a_stranger_learns_of_documents_alone)
{
	struct documents_issued d = issue("imageId", "up"), bad = d;
	char *bytes = arena_alloc(s.a, d.row.document.n);
	struct attest_revoked *list = attest_revoked_new(0);
	const struct attest_evidence e = { STR("avow"), d.row.document,
		d.row.signature };
	struct documents_issued nothing = d;
	bool newest;

	memcpy(bytes, d.row.document.p, d.row.document.n);
	bytes[d.row.document.n - 5] ^= 1;
	bad.row.document.p = bytes;
	ck_assert_int_eq(judge(&bad, NULL), ERR_EVIDENCE_SIGNATURE);
	bad = d;
	bad.row.document.n--;
	ck_assert_int_eq(judge(&bad, NULL), ERR_EVIDENCE_MALFORMED);
	nothing.row.signature = STR("");
	ck_assert_int_eq(judge(&nothing, NULL), ERR_EVIDENCE_MALFORMED);
	/* A key of another service. */
	{
		struct kit k;
		struct documents_issued other = d;
		struct attest_evidence x;

		kit_init(&k, KEY_P256);
		x = kit_sign(&k, kit_document(&k, NULL, NULL));
		other.row.document = x.document;
		other.row.signature = x.signature;
		ck_assert_int_eq(judge(&other, NULL), ERR_EVIDENCE_KEY);
		kit_fini(&k);
	}
	ck_assert(
	    attest_revoked_add(list, ATTEST_INSTANCE, STR("web-1"), &err));
	attest_revoked_ready(list);
	err = (struct error){ 0 };
	ck_assert(!documents_verify(
	    docs, s.a, &e, list, s.now_ms / 1000, &newest, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	attest_revoked_free(list);
}
END_TEST

/* By the service's key, but not of its store. */
START_TEST(a_document_that_the_store_does_not_know)
{
	struct documents_issued d = issue("imageId", "up");
	const struct str audience = STR("up");
	const struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("web-1"),
		.audience = &audience,
		.n_audience = 1,
		.issued_at = s.now_ms / 1000,
		.not_before = s.now_ms / 1000,
		.expires_at = s.now_ms / 1000 + 60 };
	struct buf document = { 0 }, signature = { 0 };

	ck_assert(signer.issue(signer.ctx, &what, &document, &signature, &err));
	d.row.document = buf_str(&document);
	d.row.signature = buf_str(&signature);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	buf_free(&document);
	buf_free(&signature);
}
END_TEST

START_TEST(keys_are_found)
{
	struct documents_issued d = issue("imageId", "up");
	struct token_ring *old = s.ring;
	struct str file;

	/* The next key signs; what the first signed is still out. */
	s.now_ms += 60000;
	ck_assert(token_ring_rotate(s.a, s.ring_folder, KEY_ED25519,
	    s.now_ms / 1000, 0, true, &file, &err));
	s.ring = token_ring_open(s.ring_folder, &err);
	ck_assert(documents_signer_of_ring(
	    s.a, s.ring, s.now_ms / 1000, &signer, &err));
	ck_assert_uint_eq(keys((struct documents_key_query){ 0 }, false), 2);
	ck_assert_uint_eq(keys((struct documents_key_query){ 0 }, true), 2);
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .id = d.row.key_id }, false), 1);
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .id = STR("x") }, false), 0);
	ck_assert_int_eq(err.code, ERR_ACCOUNT_UNKNOWN);
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .signature = d.row.signature },
		true),
	    1);
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .signature = STR("x") }, true),
	    0);
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .instance = STR("web-1") },
		false),
	    2);
	/* One that is not there looks as one that has no document. */
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .instance = STR("web-9") },
		false),
	    1);
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert(documents_rings_meet(old, s.ring));
	token_ring_free(old);
	/* The service forgets the key with the last document of it. */
	s.now_ms += (7200 + LIMIT_SKEW_S) * 1000;
	ck_assert(documents_purge(docs, &err));
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .signature = d.row.signature },
		true),
	    0);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 0);
}
END_TEST

/* ---- signers that fail ---- */

static bool
refuses(void *ctx, const struct attest_issue *what, struct buf *ret_document,
    struct buf *ret_signature, struct error *reterr)
{
	(void)ctx, (void)what, (void)ret_document, (void)ret_signature;
	return error_set(
	    reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "the signer is away");
}

START_TEST(without_a_signature_nothing_happens)
{
	struct documents_issued d = issue("imageId", "up");
	struct documents_ask ask = ask_of("web-1", "licences", "up");
	const struct documents_change what = { .id = STR("web-1"),
		.event = STR("provisioned"),
		.if_version = -1 };
	struct documents_instance i;

	signer.issue = refuses;
	ck_assert_int_eq(issue_by(&web, &ask, NULL, NULL), ERR_SYSTEM_ERROR);
	ck_assert_int_eq(
	    change_by(&s.boss, what, "{\"imageId\":\"img-2\"}", NULL),
	    ERR_SYSTEM_ERROR);
	/* Not half: the document is the newest, and what it says is known. */
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert(!service_is_revoked(&s, "superseded", d.row.id));
	ck_assert(
	    documents_instance_get(docs, s.a, &s.boss, STR("web-1"), &i, &err));
	ck_assert_int_eq(i.version, 1);
	documents_instance_fini(&i);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 1);
}
END_TEST

START_TEST(options_that_cannot_be)
{
	const struct documents_level colour = { STR("colour"), 1 };
	struct documents_options o = options();

	o.levels = &colour;
	o.n_levels = 1;
	ck_assert(!documents_open(&o, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_VALUE);
	o = options();
	o.lifetime_most_s = LIMIT_DOCUMENT_LIFE_S + 1;
	ck_assert(!documents_open(&o, &err));
	o = options();
	o.lifetime_s = o.lifetime_most_s + 1;
	ck_assert(!documents_open(&o, &err));
	o = options();
	o.issuer = STR("");
	ck_assert(!documents_open(&o, &err));
	o = options();
	struct documents_profile long_lived = profiles[1];
	long_lived.unbound_s = LIMIT_DOCUMENT_UNBOUND_S + 1;
	o.profiles = &long_lived;
	o.n_profiles = 1;
	ck_assert(!documents_open(&o, &err));
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, a_document_says_what_was_asked);
	tcase_add_loop_test(tc, what_may_not_be_asked, 0, (int)ARRAY_LEN(asks));
	tcase_add_test(tc, lifetimes_have_a_most);
	tcase_add_test(tc, a_profile_names_claims_and_audience);
	tcase_add_test(tc, only_its_instance_gets_it);
	tcase_add_test(tc, a_secret_binds_nothing);
	tcase_add_test(tc, a_profile_may_bind_to_nothing);
	tcase_add_test(tc, bound_and_unbound_are_two);
	tcase_add_test(tc, unbound_ones_change_with_what_is_known);
	tcase_add_test(tc, unbound_ones_end_with_the_key);
	tcase_add_test(tc, a_secret_may_have_unbound_ones);
	tcase_add_test(tc, asked_again_it_is_the_same);
	tcase_add_test(tc, what_could_not_be_taken_back_is_not_made);
	tcase_add_test(tc, one_from_the_future_is_not_given);
	tcase_add_test(tc, selection_tells_least);
	tcase_add_test(tc, there_is_an_end_to_documents);
	tcase_add_test(tc, an_upgrade_makes_the_old_stale);
	tcase_add_test(tc, what_is_no_more_has_no_successor);
	tcase_add_test(tc, all_that_say_it_are_superseded);
	tcase_add_loop_test(
	    tc, events_change_what_they_are_for, 0, (int)ARRAY_LEN(events));
	tcase_add_test(tc, who_may_say_it);
	tcase_add_test(tc, what_is_known_can_be_read);
	tcase_add_test(tc, disabled_or_moved_its_documents_end);
	tcase_add_test(tc, a_group_s_document_is_for_its_members);
	tcase_add_test(tc, a_group_is_its_controller_s);
	tcase_add_test(tc, a_stranger_learns_of_documents_alone);
	tcase_add_test(tc, a_document_that_the_store_does_not_know);
	tcase_add_test(tc, keys_are_found);
	tcase_add_test(tc, without_a_signature_nothing_happens);
	tcase_add_test(tc, options_that_cannot_be);
}

int
main(void)
{
	Suite *suite = suite_create("documents");

	pg_start();
	suite_add_tcase(suite, cases("sqlite", setup, add_tests));
	if (pg_url())
		suite_add_tcase(
		    suite, cases("postgres", setup_postgres, add_tests));
	return pg_run_suite(suite);
}
