/* account_json.h - accounts, grants and alarms as JSON, one shape for HTTP and the command line.
 * Objects are new; NULL when memory is out. What is not there has no member. Bytes in unpadded Base64url, times as RFC 3339. */
#ifndef GATEWAYS_ACCOUNT_JSON_H
#define GATEWAYS_ACCOUNT_JSON_H

#include "attest/sts.h"

/* `instance`, `controller`; STS_KIND_NONE and "" for others. */
enum sts_kind account_kind_of(struct str name);
const char *account_kind_name(enum sts_kind kind);

/* {"id","kind","owner"?,"prefix"?,"audience"?,"mayIssue"?,"enabled","version","incarnation","method"?,"thumbprint"?,"standing"?,"instance"?,"released"?,"secretUntil"?,"createdAt","changedAt"} */
json_t *account_json(const struct sts_account *a);
json_t *accounts_json(const struct sts_account *all, size_t n);
/* {"account":{…},"secret"?}: the secret is here this once. */
json_t *opened_json(const struct sts_opened *o);
/* {"account","token"?,"tokenType":"DPoP","id","issuedAt","expiresAt"} */
json_t *grant_json(const struct sts_grant *g);
/* [{"kind","account","incarnation","source","other"?,"count","firstAt","lastAt"}] */
json_t *alarms_json(const struct sts_alarm *all, size_t n);

#endif
