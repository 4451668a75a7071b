/* repository.c - the update repository's gate: a path into a package, and the
 * question whether this instance may get it. */
#include "gateways/gate.h"

#include "gateways/path.h"

bool
repository_find(struct arena *a, const struct gateways_state *s,
    struct gate_seen *seen, struct gate_package *ret, struct error *reterr)
{
	struct gateways_path path;
	struct gate_package p = { 0 };
	if (!str_eq(seen->method, STR("GET")) &&
	    !str_eq(seen->method, STR("HEAD")))
		return error_set(reterr, ERR_REQUEST_METHOD, SPAN_NONE,
		    "only GET and HEAD reach a repository");
	if (!gateways_path_check(a, seen->target, &path, reterr))
		return false;
	seen->path = path.path;
	seen->query = path.query;
	p.repository =
	    gateways_path_gate(s->config, path.path, &p.gate, &p.rest);
	if (p.repository == NULL)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "the path is in no configured repository");
	*ret = p;
	return true;
}

/* What the file name does not tell is an attribute that is not there. */
static bool
package_entity(struct arena *a, struct str repository, struct str path,
    struct entity *ret, struct error *reterr)
{
	struct gateways_package attrs = gateways_package_attrs(path);
	const struct value_field known[] = {
		{ STR("repository"), value_string(repository) },
		{ STR("path"), value_string(path) },
		{ STR("kind"), value_string(str_of(attrs.kind)) },
		{ STR("name"), value_string(attrs.name) },
		{ STR("version"), value_string(attrs.version) },
		{ STR("architecture"), value_string(attrs.architecture) },
	};
	struct value_field *fields =
	    ARENA_ARRAY(a, ARRAY_LEN(known), struct value_field);
	struct uid *parent = ARENA_NEW(a, struct uid);
	struct str id =
	    str_printf(a, "%.*s/%.*s", STR_ARG(repository), STR_ARG(path));
	size_t n = 0;
	struct str dup;

	if (fields == NULL || parent == NULL || id.p == NULL)
		return error_nomem(reterr);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (i < 3 || known[i].value.string.n > 0)
			fields[n++] = known[i];
	*parent = (struct uid){ STR("Repository"), repository };
	struct entity e = { .uid = { STR("Package"), id },
		.parents = parent,
		.n_parents = 1,
		.from = "request" };
	if (!value_record_take(fields, n, &e.attrs, &dup) ||
	    !value_record_take(NULL, 0, &e.tags, &dup))
		return error_nomem(reterr);
	*ret = e;
	return true;
}

bool
gateways_package_record(
    struct arena *a, struct str id, struct entity *ret, struct error *reterr)
{
	const char *slash = id.n ? memchr(id.p, '/', id.n) : NULL;
	size_t at = slash ? (size_t)(slash - id.p) : 0;

	if (at == 0)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "a package is named REPOSITORY/PATH");
	return package_entity(
	    a, str_sub(id, 0, at), str_sub(id, at + 1, id.n), ret, reterr);
}

bool
repository_request(struct arena *a, const struct gateways_state *s,
    const struct gate_package *package, const struct gate_seen *seen,
    const struct gate_proven *proven, const struct engine_gated **ret,
    struct error *reterr)
{
	struct entity resource;
	struct value context;
	return package_entity(a, package->repository->name, package->rest,
		   &resource, reterr) &&
	       gate_context(a, package->gate->name, seen, proven->proof, NULL,
		   0, &context, reterr) &&
	       engine_gated_make(a, s->snapshot, proven->claims,
		   (struct uid){ STR("Action"), STR("repository:get") },
		   &resource, context, ret, reterr);
}
