/* store_option.h - `--config FILE` or `--store URL`: which store a command works on. */
#ifndef CLI_STORE_OPTION_H
#define CLI_STORE_OPTION_H

#include "cli/cli.h"
#include "store/store.h"

struct cli_store {
	const char *config, *url; /* as given */
	bool needs_secret; /* a configuration without one is refused before its store is opened */
	struct arena *arena;
	const char *mark; /* the configuration's; NULL: none */
	const char *secret; /* of a token service's configuration; NULL: none */
	struct store *store;
};

#define CLI_STORE_OPTIONS(s) \
	{ "config", CLI_TEXT, &(s)->config, false, "FILE", \
	    "the configuration, whose store it is; AVOW_CONFIG when not " \
	    "given" }, \
	{ "store", CLI_TEXT, &(s)->url, false, "URL", \
	    "the store itself: sqlite:///PATH or postgresql://…" }

/* Open it, and say why not. `any_generation`: also one that was put back from a copy. */
bool cli_store_open(struct cli_store *s, bool any_generation) MUST_USE;
/* After a change: the mark remembers the generation that the store has now. */
bool cli_store_mark(struct cli_store *s) MUST_USE;
void cli_store_close(struct cli_store *s);

#endif
