/* path.h - from a raw request target to the repository and file it means; what could mean two things is refused, never repaired.
 * nginx serves a normalised path but hands on the raw one (`/free/..%2fpaid/x` reads as free and is served as paid), so each spelling that two programs could read
 * differently is an error here. Bytes are compared as they are, case is never folded. Limit: LIMIT_PATH_BYTES. Cost: O(bytes). */
#ifndef GATEWAYS_PATH_H
#define GATEWAYS_PATH_H

#include "gateways/config.h"

struct gateways_path {
	struct str path;  /* decoded once, starts with '/', plain `.` segments dropped; UTF-8 */
	struct str query; /* raw, without the '?'; empty when there is none */
};

/* Refuses (ERR_REQUEST_PATH) when the raw or the decoded path has an empty segment (one trailing '/' may stand), a `..` segment, an encoded `.` segment, an encoded
 * '/' or '%', '\', ';', '#', a byte below 0x20, 0x7f, invalid UTF-8, a bad escape, no '/' in front, or is over the limit; a raw space likewise, and a
 * query with control bytes, a space, '#' or invalid UTF-8. Memory is `a`'s; borrows nothing. */
bool gateways_path_check(struct arena *a, struct str raw_target,
    struct gateways_path *ret, struct error *reterr) MUST_USE;

/* The repository with the longest prefix of whole segments, or NULL; *ret_rest is the path after it (borrowed from `path`, may be empty). */
const struct config_repository *gateways_path_repository(
    const struct config_repository *repositories, size_t n, struct str path,
    struct str *ret_rest);
/* The same over all repository gates of the configuration: how `/gate/auth` finds its gate. */
const struct config_repository *gateways_path_gate(const struct config *c,
    struct str path, const struct config_gate **ret_gate, struct str *ret_rest);

struct gateways_package {
	const char *kind; /* "package", "index" or "other" */
	struct str name, version, architecture; /* empty: the file name does not tell */
};

/* What the file name at the end of a checked path tells: `NAME_VERSION_ARCH.deb` (also .udeb, .ddeb; an epoch's colon arrives decoded) and
 * `NAME-VERSION-RELEASE.ARCH.rpm` (version "VERSION-RELEASE"). A package whose name is of another form keeps its kind and has empty attributes. Borrows from
 * `path`. Names are what the repository says, not what the file holds. */
struct gateways_package gateways_package_attrs(struct str path);

#endif
