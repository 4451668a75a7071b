/* config_sections.h - one reader for each section of avow.yaml, between config.c and its parts.
 *   config_trust.c `trust:`    config_gates.c `gates:`    config_service.c `service:`, `admin:`    config_documents.c `documents:` of the service
 * A reader checks what can be told from its section alone; config_check_… is asked once all is read. */
#ifndef GATEWAYS_CONFIG_SECTIONS_H
#define GATEWAYS_CONFIG_SECTIONS_H

#include "gateways/config_read.h"

/* Gates are settled when the trust entries are known, which may stand behind them. */
struct config_building {
	struct config config;
	struct config_gate *gates; /* those of `config` */
};

/* For config.c's table of keys; `to` is the struct config_building. */
void config_read_trust(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
void config_read_gates(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
/* The same; `to` is the struct config, with which it begins. */
void config_read_service(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
void config_read_admin(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
/* `tls:` of any listener; `to` is the struct config_tls. */
void config_read_tls(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
/* `documents:` of the service (config_documents.c); `to` is the struct config_documents. */
void config_read_documents(struct config_reader *r,
    const struct config_field *f, const struct yaml *value, void *to);
/* Fills in what was not given. */
void config_check_documents(struct config_reader *r,
    struct config_service *s);
/* What must hold between the sections and the rest, once all is read. Fills in what was not given. */
void config_check_service(struct config_reader *r, struct config *c);
/* Who may enrol whom, by kind of process. */
void config_check_enrol(struct config_reader *r, const struct config *c);
/* Names and paths stand once, keys can be proven. Fills in what was not given. */
void config_check_gates(
    struct config_reader *r, struct config_building *b, struct span top);

#endif
