/* value_json.h - more of reading JSON values, for the files of policy/ alone. */
#ifndef POLICY_VALUE_JSON_H
#define POLICY_VALUE_JSON_H

#include "policy/value.h"

/* An object taken as a record whatever its only key is: the attributes or tags of an entity, where `__entity` is a name like any other. */
bool value_fields_from_json(struct arena *a, const json_t *json,
    const char *where, struct value *ret, struct error *reterr) MUST_USE;
/* As value_uid_from_json; the strings stay those of `json`. */
bool value_uid_view(const json_t *json, const char *where, struct uid *ret,
    struct error *reterr) MUST_USE;

#endif
