/* schemas.h - are two schemas the same, once resolved? */
#ifndef TESTS_SCHEMAS_H
#define TESTS_SCHEMAS_H

#include "policy/schema.h"

/* The same types, actions and hierarchies; NULL, or what is not (`entity type`, `action`, …). */
const char *schemas_differ(const struct schema *a, const struct schema *b);

#endif
