/* account.h - what the commands `avow account …` share. */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include "base/json.h"
#include "cli/cli.h"

/* An account, or a list of them, as the service answered: JSON, or a line each. */
enum cli_exit account_print(const json_t *answer, bool json);

#endif
