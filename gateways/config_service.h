/* config_service.h - the sections `service:` and `admin:`; used by config.c alone. */
#ifndef GATEWAYS_CONFIG_SERVICE_H
#define GATEWAYS_CONFIG_SERVICE_H

#include "gateways/config_read.h"

/* For config.c's table of keys; `to` is the struct config. */
void config_read_service(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
void config_read_admin(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to);
/* `documents:` of the service (config_documents.c); `to` is the struct config_documents. */
void config_read_documents(struct config_reader *r,
    const struct config_field *f, const struct yaml *value, void *to);
/* Fills in what was not given. */
void config_check_documents(struct config_reader *r,
    struct config_service *s);
/* What must hold between the sections and the rest, once all is read. Fills in what was not given. */
void config_check_service(struct config_reader *r, struct config *c);

#endif
