/* query.h - what subcommands that search share: which page, and what is known of the context. */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "cli/cli.h"
#include "engine/engine.h"

struct cli_query {
	const char *context, *limit, *from; /* as given, or NULL */
};

#define CLI_CONTEXT(query) \
	{ "context", CLI_TEXT, &(query)->context, false, "FILE", \
	    "the context as JSON; without it, what depends on it is unknown" }
#define CLI_LIMIT(query) \
	{ "limit", CLI_TEXT, &(query)->limit, false, "N", \
	    "stop after N findings (1000; 0: never)" }
#define CLI_FROM(query) \
	{ "from", CLI_TEXT, &(query)->from, false, "N", \
	    "go on at candidate N, as the page before said" }

/* Findings on their way to standard output, a piece at a time: a search may find millions. With `json` they are one object, {NAME: [finding, …], "next": N or null};
 * without, lines that the caller appends to `out` himself. */
struct cli_findings {
	const char *name;
	bool json, failed; /* failed: a message was printed */
	uint64_t n;
	struct buf out;
};
/* One more, of which `json_take` (NULL: memory ran out) is what to show. */
void cli_findings_add(struct cli_findings *f, json_t *json_take);
/* Print what has gathered, if it is worth it. False: the search may stop. */
bool cli_findings_go_on(struct cli_findings *f) MUST_USE;
/* What is left, and `next` (0: nothing is). The caller frees `out`. */
bool cli_findings_end(struct cli_findings *f, uint64_t next) MUST_USE;

/* Fill context, limit and from of *ret; `storage` holds the context, whose memory is `a`'s. False, with a message, when one cannot be read. */
bool cli_query_read(const struct cli_query *query, struct arena *a,
    struct value *storage, struct engine_query *ret) MUST_USE;

#endif
