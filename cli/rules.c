/* rules.c - the options of subcommands that decide become a snapshot. */
#include "cli/rules.h"

#include "attest/attest.h"

bool
cli_rules_check(struct cli_rules *rules)
{
	const char *word = rules->errored_deny_word;

	if (!word || engine_errored_deny_of(str_of(word), &rules->errored_deny))
		return true;
	cli_errorf(
	    "--errored-deny: expected `skip` or `deny`, found `%s`", word);
	return false;
}

static bool
verify(
    void *ctx, struct str message, struct str signature, struct error *reterr)
{
	return attest_images_verify(ctx, message, signature, reterr);
}

bool
cli_trust_open(const char *path, struct policy_verifier *ret,
    struct attest_images **ret_keys)
{
	struct error err = { 0 };

	*ret_keys = path ? attest_images_open(&path, 1, &err) : NULL;
	if (path && !*ret_keys) {
		cli_error(&err, STR(""));
		return false;
	}
	*ret = (struct policy_verifier){ verify, *ret_keys };
	return true;
}

struct engine_snapshot *
cli_rules_load(const struct cli_rules *rules, int64_t now_ms)
{
	struct buf messages = { 0 };
	struct policy_verifier verifier = { 0 };
	struct attest_images *keys = NULL;
	struct engine_snapshot *s;
	const struct engine_sources from = { .schema = rules->schema,
		.policies = rules->policies.items,
		.n_policies = rules->policies.n,
		.entities = rules->entities.items,
		.n_entities = rules->entities.n,
		.verifier = rules->trust ? &verifier : NULL };

	if (!cli_trust_open(rules->trust, &verifier, &keys))
		return NULL;
	s = engine_load_from(&from, now_ms, &messages);
	attest_images_free(keys);

	(void)cli_messages(&messages);
	buf_free(&messages);
	return s;
}

bool
cli_policies_load(
    struct policy_set *set, const struct cli_list *paths, const char *trust)
{
	struct policy_verifier verifier;
	struct attest_images *keys;
	struct errors errors = { 0 };
	struct buf messages = { 0 };
	bool ok = true;

	if (!cli_trust_open(trust, &verifier, &keys))
		return false;
	policy_set_verifier(set, trust ? &verifier : NULL);
	for (size_t i = 0; i < paths->n; i++)
		ok = policy_set_add_path(set, paths->items[i], &errors) && ok;
	ok = ok && policy_set_finish(set, &errors);
	policy_set_verifier(set, NULL);
	attest_images_free(keys);
	policy_set_print_errors(set, &errors, &messages);
	(void)cli_messages(&messages);
	buf_free(&messages);
	return ok;
}

bool
cli_schema_load(const char *path, struct schema **ret)
{
	struct buf messages = { 0 };

	*ret = path ? engine_load_schema(path, &messages) : NULL;
	(void)cli_messages(&messages);
	buf_free(&messages);
	return *ret || !path;
}

void
cli_rules_free(struct cli_rules *rules)
{
	cli_list_free(&rules->policies);
	cli_list_free(&rules->entities);
}
