/* version.h - the text of a version, and the order of two.
 * Three orders that are not each other's: Semantic Versioning 2.0 with any number of dotted parts; Debian's (deb-version(7)); RPM's. Each is a total order of what
 * its reader takes, so sets of versions are canonical. Nothing is allocated; a comparison costs O(text). For the files of policy/ alone. */
#ifndef POLICY_VERSION_H
#define POLICY_VERSION_H

#include "policy/value.h"

/* VALUE_VERSION, VALUE_DEBVERSION, VALUE_RPMVERSION. */
bool version_is(enum value_kind kind);
/* Is this a text that versions of `kind` are written as, LIMIT_VERSION_BYTES at most?
 *   version     numbers of up to 64 bits without leading zeros, joined by dots; then `-` and a pre-release; then `+` and a build
 *   debversion  [epoch:]upstream[-revision], the upstream version beginning with a digit
 *   rpmversion  [epoch:]version[-release] */
bool version_check(enum value_kind kind, struct str text) MUST_USE;
/* Below, equal, above: negative, 0, positive. Both texts passed the check. */
int version_cmp(enum value_kind kind, struct str a, struct str b);

#endif
