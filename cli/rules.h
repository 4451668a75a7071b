/* rules.h - what subcommands that decide share: the options that say by what (policies, entities, schema), and reading it.
 * Each option is a row for the subcommand's own table, so that its help has the order that suits it. */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "cli/cli.h"
#include "engine/engine.h"

struct cli_rules {
	struct cli_list policies, entities;
	const char *schema;            /* NULL: none */
	const char *trust;             /* keys that sign images; NULL: not asked for */
	const char *errored_deny_word; /* as given, or NULL */
	enum engine_errored_deny errored_deny; /* set by cli_rules_check */
};

#define CLI_POLICIES(rules, required) \
	{ "policies", CLI_LIST, &(rules)->policies, required, "PATH", \
	    "file or folder of *.avow and *.cedar, a *.json set, or an image" }
#define CLI_ENTITIES(rules) \
	{ "entities", CLI_LIST, &(rules)->entities, false, "PATH", \
	    "Cedar JSON entities, file or folder" }
#define CLI_SCHEMA(rules) \
	{ "schema", CLI_TEXT, &(rules)->schema, false, "FILE", \
	    "Cedar schema (text or JSON) that entities and requests must fit" }
#define CLI_TRUST(rules) \
	{ "trust", CLI_TEXT, &(rules)->trust, false, "PATH", \
	    "*.pem keys; an image that none of them signed is refused" }
/* The four of them; policies may have to be given. */
#define CLI_RULES(rules, required) \
	CLI_POLICIES(rules, required), CLI_ENTITIES(rules), CLI_SCHEMA(rules), \
	    CLI_TRUST(rules)
#define CLI_ERRORED_DENY(rules) \
	{ "errored-deny", CLI_TEXT, &(rules)->errored_deny_word, false, "WORD", \
	    "what a deny policy in error does: deny (default) or skip" }

/* False, with a message, when a value is not one of its option's. */
bool cli_rules_check(struct cli_rules *rules) MUST_USE;
/* Everything read, as of `now_ms`; every error of every file goes to stderr, then NULL. The caller unrefs it. */
struct engine_snapshot *cli_rules_load(
    const struct cli_rules *rules, int64_t now_ms);
/* The policies of `paths` alone, as one finished set, images signed by `trust` unless it is NULL; every error goes to stderr, then false. */
bool cli_policies_load(struct policy_set *set, const struct cli_list *paths,
    const char *trust) MUST_USE;
/* The schema of a `--schema` option; NULL where none was given. Errors go to stderr, then false. The caller frees it, after what borrows it. */
bool cli_schema_load(const char *path, struct schema **ret) MUST_USE;
/* `path` as who says whether an image is signed; NULL: nobody is asked. False, with a message, when there are no such keys. */
struct attest_images;
bool cli_trust_open(const char *path, struct policy_verifier *ret,
    struct attest_images **ret_keys) MUST_USE;
/* What cli_parse filled. */
void cli_rules_free(struct cli_rules *rules);

#endif
