/* test_state.c - a configuration and all it names: whole, or not at all. */
#include "gateways/state.h"

#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;
static struct buf messages;

static void
setup(void)
{
	kit_files(&k);
	messages = (struct buf){ 0 };
}

static void
teardown(void)
{
	buf_free(&messages);
	kit_fini(&k);
}

static struct gateways_state *
load(void)
{
	return gateways_state_load(kit_path(&k, "avow.yaml"), 5, &messages);
}

static bool
said(const char *what)
{
	return messages.p && memmem(messages.p, messages.n, what, strlen(what));
}

START_TEST(loads)
{
	struct gateways_state *s = load();
	struct buf b = { 0 };

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_ptr_nonnull(s->revoked);
	ck_assert(attest_trust_has_kind(s->trust, STR("avow")));
	ck_assert_int_eq(engine_snapshot_loaded_at_ms(s->snapshot), 5);
	ck_assert_int_eq(state_errored_deny(s), ERRORED_DENY_DENIES);
	gateways_state_summary(s, &b);
	ck_assert(str_has_prefix(
	    buf_str(&b), STR("4 policies in 1 files (version ")));
	ck_assert(str_has_suffix(
	    buf_str(&b), STR("), 0 entities, 1 trust entries, 3 gates")));
	buf_free(&b);
	ck_assert_ptr_eq(gateways_state_ref(s), s);
	gateways_state_unref(s);
	ck_assert_ptr_nonnull(config_gate(s->config, STR("lb")));
	gateways_state_unref(s);
	gateways_state_unref(NULL);
}
END_TEST

/* Allowed, but not unsaid. */
START_TEST(warns)
{
	struct gateways_state *s = load();

	ck_assert_ptr_nonnull(s);
	ck_assert_msg(said("warning"), "%.*s", STR_ARG(buf_str(&messages)));
	gateways_state_unref(s);
}
END_TEST

START_TEST(errors_are_skipped_only_when_said)
{
	struct gateways_state *s;

	kit_put(&k, "avow.yaml",
	    str_printf(k.a, "%serroredDeny: skip\n", kit_config(&k)).p);
	s = load();
	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_int_eq(state_errored_deny(s), ERRORED_DENY_SKIP);
	gateways_state_unref(s);
}
END_TEST

/* A file of the configuration that is broken or gone: no state. NULL text: the
 * file is removed. */
static const struct {
	const char *note, *file, *text, *said;
} rows[] = {
	{ "no configuration", "avow.yaml", NULL, "avow.yaml" },
	{ "an unknown key", "avow.yaml", "listne: x\n", "[config.key]" },
	{ "no policies", "p.avow", NULL, "[file.read]" },
	{ "a broken policy", "p.avow", "permit (", "p.avow:1:" },
	{ "no entities", "e.json", NULL, "[file.read]" },
	{ "broken entities", "e.json", "{", "e.json" },
	{ "no key", "trust/k.pub.pem", NULL, "trust" },
	{ "a broken key", "trust/k.pub.pem", "-----BEGIN", "k.pub.pem" },
	/* A list that cannot be read must not count as an empty one. */
	{ "no list of revocations", "revoked", NULL, "[file.read]" },
	{ "a broken line in it", "revoked", "document x\nbogus\n",
	    "revoked:2" },
};

START_TEST(all_or_nothing)
{
	if (rows[_i].text)
		kit_put(&k, rows[_i].file, rows[_i].text);
	else
		ck_assert_int_eq(unlink(kit_path(&k, rows[_i].file)), 0);
	ck_assert_msg(load() == NULL, "%s: loaded", rows[_i].note);
	ck_assert_msg(said(rows[_i].said), "%s: %.*s", rows[_i].note,
	    STR_ARG(buf_str(&messages)));
}
END_TEST

/* One run tells of all of them. */
START_TEST(all_errors_at_once)
{
	kit_put(&k, "p.avow", "permit (");
	kit_put(&k, "trust/k.pub.pem", "nonsense");
	kit_put(&k, "revoked", "bogus\n");
	ck_assert_ptr_null(load());
	ck_assert_msg(
	    said("p.avow:1:") && said("k.pub.pem") && said("revoked:1"), "%.*s",
	    STR_ARG(buf_str(&messages)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *tc = tcase_create("state");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, loads);
	tcase_add_test(tc, warns);
	tcase_add_test(tc, errors_are_skipped_only_when_said);
	tcase_add_loop_test(tc, all_or_nothing, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, all_errors_at_once);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
