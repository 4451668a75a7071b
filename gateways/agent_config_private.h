/* agent_config_private.h - readers that the parts of the agent's configuration share. */
#ifndef GATEWAYS_AGENT_CONFIG_PRIVATE_H
#define GATEWAYS_AGENT_CONFIG_PRIVATE_H

#include "gateways/agent_config.h"
#include "gateways/config_read.h"

/* `http://` or `https://`, a host, and nothing that needs encoding, no query. */
bool agent_config_is_url(struct str s);
/* A list of texts, LIMIT_AGENT_LIST at most, to struct config_strings. */
void agent_config_read_some(struct config_reader *r,
    const struct config_field *f, const struct yaml *value, void *to);
/* An account's id, to struct str. */
void agent_config_read_id(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
/* `local:`, to struct agent_local. */
void agent_config_read_local(struct config_reader *r,
    const struct config_field *f, const struct yaml *value, void *to);

#endif
