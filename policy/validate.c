/* validate.c - schema_validate: every policy against a schema.
 * Policy by policy: the names it uses are looked up, dead parts too; the
 * requests are gone through that the schema allows and the scope may match;
 * for each the conditions are typed. Requests that differ only in what the
 * policy does not look at are one environment, so most policies are typed once
 * or twice. A policy whose scope matches no request is an error, as in Cedar
 * 4.10; one whose conditions are false in every environment is a warning.
 * Cost: O(environments × nodes), bounded by LIMIT_VALIDATION_STEPS for a whole
 * set: what is over it is an error of its own, never valid. */
#include "policy/validate.h"

#include <assert.h>

#include "base/limits.h"
#include "policy/applies.h"
#include "policy/links.h"
#include "policy/pattern.h"
#include "policy/schema_model.h"
#include "policy/set.h"

struct validation {
	struct checker c;
	const struct ast_policy *policy;
	struct arena *arena; /* of one policy */
	struct errors *errors, *warnings;
	struct names names;
	uint32_t n_environments; /* of the policy, so far */
	struct intern
	    *keys; /* of them, where several actions may be the same */
	uint64_t steps_before; /* of the policies before it */
	bool uses[4];          /* which variables the policy looks at */
	bool matches;          /* some request fits the scope */
	bool may_apply; /* in some environment the conditions are not false */
	enum validate_fit fit; /* once it was looked at */
	/* Whether the scope may match a type: 0 not known, 1 no, 2 yes. */
	uint8_t *types[2];
};

/* --- which variables a policy looks at --------------------------------- */

/* Nodes that are still to be seen, a policy's subtree at a time. */
struct seen {
	uint32_t *stack;
	size_t n, cap;
	uint32_t first, end; /* of the nodes met */
	bool guards;
};

static bool
push(struct validation *v, struct seen *s, uint32_t node)
{
	if (node == 0)
		return true;
	if (!ARENA_PUSH_ROOM(v->arena, s->stack, s->n, s->cap))
		return false;
	s->stack[s->n++] = node;
	return true;
}

static bool
push_list(struct validation *v, struct seen *s, uint32_t first, uint32_t n)
{
	bool ok = true;

	for (uint32_t i = 0; i < n && ok; i++)
		ok = push(v, s, v->c.ast->kids[first + i]);
	return ok;
}

static bool
has_path(const struct ast *t, const struct ast_node *like)
{
	const struct ast_node *pattern = &t->nodes[like->b];

	return pattern_has_path(&t->parts[pattern->a], pattern->b);
}

/* A pattern with paths looks at their variables and, since it does only where
 * its type is the one, at its own. */
static void
see_scope(struct validation *v, const struct ast_node *scope)
{
	const struct ast *t = v->c.ast;

	for (uint32_t i = 0; i < scope->b; i++) {
		const struct ast_node *n = &t->nodes[t->kids[scope->a + i]];

		if (n->kind == NODE_TEST_LIKE && has_path(t, n))
			v->uses[scope->op] = true;
	}
}

static void
see_pattern(struct validation *v, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_part *part = &v->c.ast->parts[n->a + i];

		if (part->kind == PART_PATH)
			v->uses[part->var] = true;
	}
}

/* What a node is made of: bits a, b, c for nodes, and the lists. */
static const struct {
	bool a, b, c;
	uint8_t list; /* 1: at a, 2: at b */
} parts_of[] = {
	[NODE_PAREN] = { .a = true },
	[NODE_SET] = { .list = 1 },
	[NODE_RECORD] = { .list = 1 },
	[NODE_FIELD] = { .b = true },
	[NODE_NOT] = { .a = true },
	[NODE_NEG] = { .a = true },
	[NODE_BINARY] = { .a = true, .b = true },
	[NODE_IF] = { .a = true, .b = true, .c = true },
	[NODE_ATTR] = { .a = true },
	[NODE_HAS] = { .a = true },
	[NODE_LIKE] = { .a = true, .b = true },
	[NODE_MATCHES] = { .a = true, .b = true },
	[NODE_EACH] = { .a = true, .b = true },
	[NODE_IS] = { .a = true, .c = true },
	[NODE_METHOD] = { .a = true, .list = 2 },
	[NODE_CALL] = { .list = 1 },
	[NODE_SCOPE] = { .list = 1 },
	[NODE_TEST_EQ] = { .a = true },
	[NODE_TEST_IN] = { .list = 1 },
	[NODE_TEST_LIKE] = { .b = true },
	[NODE_WHEN] = { .a = true },
	[NODE_UNLESS] = { .a = true },
};

static bool
see(struct validation *v, struct seen *s, uint32_t node)
{
	const struct ast_node *n = &v->c.ast->nodes[node];
	bool ok = true;

	v->c.steps++;
	s->first = node < s->first ? node : s->first;
	s->end = node >= s->end ? node + 1 : s->end;
	s->guards = s->guards || n->kind == NODE_HAS ||
		    (n->kind == NODE_METHOD && n->op == OP_HAS_TAG);
	if (n->kind == NODE_VAR)
		v->uses[n->op] = true;
	if (n->kind == NODE_PATTERN)
		see_pattern(v, n);
	if (n->kind == NODE_SCOPE)
		see_scope(v, n);
	names_check(&v->names, &v->c, node);
	if (n->kind >= ARRAY_LEN(parts_of))
		return true;
	if (parts_of[n->kind].a)
		ok = push(v, s, n->a);
	if (parts_of[n->kind].b)
		ok = ok && push(v, s, n->b);
	if (parts_of[n->kind].c)
		ok = ok && push(v, s, n->c);
	if (parts_of[n->kind].list == 1)
		ok = ok && push_list(v, s, n->a, n->b);
	if (parts_of[n->kind].list == 2)
		ok = ok && push_list(v, s, n->b, n->c);
	return ok;
}

/* Names, variables, and numbers for what guards speak of. */
static bool
look_over(struct validation *v)
{
	const struct ast_policy *p = v->policy;
	struct seen s = { .first = UINT32_MAX };
	bool ok = push_list(v, &s, p->first_cond, p->n_conds);

	for (int i = 0; i < 3; i++)
		ok = ok && push(v, &s, p->scope[i]);
	while (ok && s.n > 0)
		ok = see(v, &s, s.stack[--s.n]);
	if (ok && s.guards)
		ok = effects_init(&v->c.effects, v->c.ast, s.first, s.end);
	return ok;
}

/* --- limits ------------------------------------------------------------ */

static uint64_t
steps_of(const struct validation *v)
{
	return v->c.steps + v->c.types.steps + v->c.effects.steps;
}

/* This policy alone, or all so far. */
static bool
is_over_limit(const struct validation *v)
{
	uint64_t steps = steps_of(v);

	return steps - v->steps_before > LIMIT_VALIDATION_POLICY_STEPS ||
	       steps > LIMIT_VALIDATION_STEPS;
}

static bool
is_broken(const struct validation *v)
{
	return v->c.failed || v->c.types.failed || v->c.effects.failed ||
	       v->c.is_too_deep || is_over_limit(v);
}

/* --- one environment --------------------------------------------------- */

/* Is the variable of this type in the environment? */
static bool
is_type(const struct validation *v, enum ast_var var, struct str name)
{
	const struct type *type = v->c.env.vars[var];

	return type &&
	       str_eq(schema_type_name(v->c.schema, type->entity), name);
}

static void
check_patterns(struct validation *v, enum ast_var var)
{
	const struct ast *t = v->c.ast;
	const struct ast_node *scope = &t->nodes[v->policy->scope[var]];

	for (uint32_t i = 0; i < scope->b; i++) {
		const struct ast_node *test = &t->nodes[t->kids[scope->a + i]];

		if (test->kind == NODE_TEST_LIKE && has_path(t, test) &&
		    is_type(v, var, t->strings[test->a]))
			typecheck_pattern(&v->c, test->b);
	}
}

/* What the conditions come to; TYPE_NEVER where they are in error. What is
 * found to be there in one holds in those after it. */
static enum type_kind
type_conditions(struct validation *v)
{
	const struct ast_policy *p = v->policy;
	const struct effect *held = NULL, *found;
	enum type_kind sum = TYPE_BOOL, kind = TYPE_BOOL;

	for (uint32_t i = 0; i < p->n_conds && kind != TYPE_FALSE; i++) {
		kind = typecheck_condition(
		    &v->c, v->c.ast->kids[p->first_cond + i], &found);
		effects_hold(&v->c.effects, found);
		held = effects_union(&v->c.effects, held, found);
		if (sum == TYPE_NEVER || kind == TYPE_NEVER)
			sum = TYPE_NEVER;
		else if (kind == TYPE_FALSE)
			sum = TYPE_FALSE;
	}
	effects_release(&v->c.effects, held);
	return sum;
}

static enum type_kind
type_environment(struct validation *v, const struct environment *e)
{
	const struct schema *s = v->c.schema;
	struct types *types = &v->c.types;
	struct str type;

	arena_reset(v->c.scratch);
	types_reset(types);
	v->c.env = *e;
	if (e->principal != SCHEMA_NONE)
		v->c.env.vars[VAR_PRINCIPAL] = type_entity(types, e->principal);
	if (e->resource != SCHEMA_NONE)
		v->c.env.vars[VAR_RESOURCE] = type_entity(types, e->resource);
	if (e->action != SCHEMA_NONE) {
		type = s->actions[e->action].uid.type;
		v->c.env.vars[VAR_ACTION] =
		    type_entity(types, schema_find_any_type(s, type));
	}
	for (int i = 0; i < 3; i++)
		check_patterns(v, (enum ast_var)i);
	return type_conditions(v);
}

/* "principal `User`, action `view`": what the current environment is about. */
static void
describe(const void *ctx, struct buf *out)
{
	const struct validation *v = ctx;
	const struct environment *e = &v->c.env;
	const struct schema *s = v->c.schema;
	uint32_t action = e->action == SCHEMA_NONE ? e->context_of : e->action;
	const char *between = "";

	if (e->principal != SCHEMA_NONE) {
		buf_printf(out, "principal `%.*s`",
		    STR_ARG(schema_type_name(s, e->principal)));
		between = ", ";
	}
	if (action != SCHEMA_NONE) {
		buf_printf(out, "%saction `", between);
		value_print_uid(out, s->actions[action].uid);
		buf_byte(out, '`');
		between = ", ";
	}
	if (e->resource != SCHEMA_NONE)
		buf_printf(out, "%sresource `%.*s`", between,
		    STR_ARG(schema_type_name(s, e->resource)));
}

/* --- environments ------------------------------------------------------ */

static bool
may_match(struct validation *v, enum ast_var var, uint32_t type)
{
	uint8_t *known = &v->types[var == VAR_RESOURCE][type];

	v->c.steps++;
	if (*known == 0)
		*known =
		    applies_type(&v->c, v->policy->scope[var], type) ? 2 : 1;
	return *known == 2;
}

/* The first type of the list from *at on that the scope may match. */
static bool
next_type(struct validation *v, enum ast_var var, const uint32_t *types,
    uint32_t n, uint32_t *at)
{
	while (*at < n && !may_match(v, var, types[*at]))
		++*at;
	return *at < n;
}

/* Was there such an environment before, under another action? */
static bool
is_new(struct validation *v, const struct environment *e)
{
	/* Each costs about what typing a few nodes does. */
	static const unsigned steps = 4;
	uint64_t key[4] = { e->principal, e->action, e->resource,
		v->uses[VAR_CONTEXT] ? (uintptr_t)e->vars[VAR_CONTEXT] : 0 };
	uint32_t before;

	v->c.steps += steps;
	if (!v->keys)
		return true;
	before = intern_count(v->keys);
	return intern_add(v->keys, STR(""),
		   (struct str){ (const char *)key, sizeof key }) >= before;
}

static void
try_environment(struct validation *v, const struct schema_action *a,
    uint32_t principal, uint32_t resource)
{
	uint32_t index = (uint32_t)(a - v->c.schema->actions);
	struct environment e = {
		.number = v->n_environments + 1,
		.principal = v->uses[VAR_PRINCIPAL] ? principal : SCHEMA_NONE,
		.resource = v->uses[VAR_RESOURCE] ? resource : SCHEMA_NONE,
		.action = v->uses[VAR_ACTION] ? index : SCHEMA_NONE,
		.context_of = v->uses[VAR_CONTEXT] ? index : SCHEMA_NONE,
		.vars = { [VAR_CONTEXT] = a->context },
	};

	if (!is_new(v, &e))
		return;
	v->n_environments++;
	if (type_environment(v, &e) != TYPE_FALSE)
		v->may_apply = true;
}

static void
try_pairs(struct validation *v, const struct schema_action *a)
{
	const uint32_t *p = a->principals, *r = a->resources;
	uint32_t n_p = a->n_principals, n_r = a->n_resources;

	for (uint32_t i = 0; next_type(v, VAR_PRINCIPAL, p, n_p, &i); i++) {
		for (uint32_t j = 0; next_type(v, VAR_RESOURCE, r, n_r, &j);
		     j++) {
			v->matches = true;
			try_environment(v, a, p[i], r[j]);
			if (!v->uses[VAR_RESOURCE] || is_broken(v))
				break;
		}
		if (!v->uses[VAR_PRINCIPAL] || is_broken(v))
			break;
	}
}

static void
try_environments(struct validation *v)
{
	const struct schema *s = v->c.schema;
	uint32_t scope = v->policy->scope[VAR_ACTION];
	uint32_t only = applies_only_action(&v->c, scope);
	uint32_t from = only == SCHEMA_NONE ? 0 : only;
	uint32_t end = only == SCHEMA_NONE ? s->n_actions : only + 1;

	memset(v->types[0], 0, s->n_types + s->n_action_types);
	memset(v->types[1], 0, s->n_types + s->n_action_types);
	if (end - from > 1 && !v->uses[VAR_ACTION]) {
		v->keys = intern_new(v->arena, NULL);
		v->c.failed = v->c.failed || !v->keys;
	}
	for (uint32_t i = from; i < end && !is_broken(v); i++) {
		v->c.steps++;
		if (applies_action(&v->c, scope, i))
			try_pairs(v, &s->actions[i]);
	}
}

/* --- one policy -------------------------------------------------------- */

static struct span
head_of(const struct validation *v)
{
	return source_span(
	    &v->c.ast->source, v->policy->head_off, v->policy->head_len);
}

static bool
check_limits(struct validation *v)
{
	if (v->c.failed || v->c.types.failed || v->c.effects.failed)
		return errors_nomem(v->errors);
	if (v->c.is_too_deep) {
		(void)errors_add(v->errors, ERR_LIMIT_DEPTH, head_of(v),
		    "nested deeper than %u levels", LIMIT_EVAL_DEPTH);
		return false;
	}
	if (is_over_limit(v)) {
		(void)errors_add(v->errors, ERR_LIMIT_COUNT, head_of(v),
		    "validation takes more than %llu steps, up to here or "
		    "for this policy alone",
		    (unsigned long long)LIMIT_VALIDATION_POLICY_STEPS);
		return false;
	}
	return true;
}

static void
warn_never(struct validation *v)
{
	error_hint(errors_add(v->warnings, ERR_TYPE_NEVER, head_of(v),
		       "this policy can never apply: with this schema its "
		       "conditions are always false"),
	    "look for a test that cannot hold");
}

static void
start_policy(struct validation *v)
{
	v->c.steps += v->c.effects.steps;
	v->c.effects =
	    (struct effects){ .arena = v->arena, .scratch = v->c.scratch };
	arena_reset(v->arena);
	memset(v->uses, 0, sizeof v->uses);
	v->c.findings.ast = v->c.ast;
	v->c.env = (struct environment){ 0 };
	v->steps_before = steps_of(v);
	v->n_environments = 0;
	v->keys = NULL;
	v->matches = false;
	v->may_apply = false;
}

/* That no request matches is so whatever the types of conditions are. */
static enum validate_fit
fit_of(const struct validation *v)
{
	if (is_broken(v))
		return VALIDATE_UNKNOWN;
	if (!v->matches)
		return VALIDATE_NO_SCOPE;
	if (v->c.findings.n > 0)
		return VALIDATE_UNKNOWN;
	return v->may_apply ? VALIDATE_MAY_APPLY : VALIDATE_FALSE;
}

/* False when nothing more can be done: memory or a limit is out. */
static bool
check_policy(struct validation *v)
{
	start_policy(v);
	if (!look_over(v))
		v->c.failed = true;
	else
		try_environments(v);
	v->fit = fit_of(v);
	if (v->fit == VALIDATE_NO_SCOPE)
		names_refuse_scope(&v->c, v->policy);
	if (v->fit == VALIDATE_FALSE)
		warn_never(v);
	findings_report(&v->c.findings, v->n_environments, v->errors);
	return check_limits(v);
}

static bool
init(struct validation *v, const struct schema *s, enum schema_mode mode,
    struct arena *keep)
{
	size_t n = (size_t)s->n_types + s->n_action_types;

	v->arena = arena_new(0);
	v->c.scratch = arena_new(0);
	v->c.schema = s;
	v->c.mode = mode;
	v->c.findings.items = ARENA_ARRAY(keep, FINDINGS_MAX, struct finding);
	v->types[0] = ARENA_ARRAY(keep, n, uint8_t);
	v->types[1] = ARENA_ARRAY(keep, n, uint8_t);
	if (!v->arena || !v->c.scratch || !v->c.findings.items ||
	    !v->types[0] || !v->types[1] ||
	    !types_init(&v->c.types, s, mode, keep) ||
	    !names_init(&v->names, s, keep))
		return false;
	v->c.types.arena = v->c.scratch;
	v->c.findings.describe = describe;
	v->c.findings.ctx = v;
	return true;
}

/* `fits` NULL: nobody asks. */
static bool
check_policies(
    struct validation *v, const struct policy_set *set, uint8_t **fits)
{
	bool ok = true;

	for (size_t i = 0; ok && i < set->n_files; i++) {
		v->c.ast = set->files[i];
		for (uint32_t j = 0; ok && j < v->c.ast->n_policies; j++) {
			v->policy = &v->c.ast->policies[j];
			ok = check_policy(v);
			if (fits)
				fits[i][j] = (uint8_t)v->fit;
		}
	}
	return ok;
}

bool
schema_validate(const struct schema *s, const struct policy_set *set,
    enum schema_mode mode, struct errors *reterr, struct errors *retwarn)
{
	struct errors own = { 0 };
	struct validation v = { .errors = reterr ? reterr : &own,
		.warnings = retwarn };
	struct arena *keep = arena_new(0);
	size_t before = v.errors->n + v.errors->dropped;
	bool ok = keep && init(&v, s, mode, keep);

	assert(!set->image);
	v.c.failed = !ok;
	ok = (ok || check_limits(&v)) && check_policies(&v, set, NULL);
	ok = ok && links_check(&v.c, &v.names, set, v.errors);
	arena_free(v.c.scratch);
	arena_free(v.arena);
	arena_free(keep);
	return ok && v.errors->n + v.errors->dropped == before;
}

static uint8_t **
fits_new(const struct policy_set *set, struct arena *a)
{
	uint8_t **fits = ARENA_ARRAY(a, set->n_files, uint8_t *);

	for (size_t i = 0; fits && i < set->n_files; i++) {
		fits[i] = ARENA_ARRAY(a, set->files[i]->n_policies, uint8_t);
		if (!fits[i])
			return NULL;
	}
	return fits;
}

bool
validate_fits(const struct schema *s, const struct policy_set *set,
    struct arena *a, uint8_t ***ret, struct error *reterr)
{
	struct errors errors = { 0 }, warnings = { 0 };
	struct validation v = { .errors = &errors, .warnings = &warnings };
	struct arena *keep = arena_new(0);
	uint8_t **fits = fits_new(set, a);
	bool ok = keep && fits && init(&v, s, SCHEMA_STRICT, keep);

	assert(!set->image);
	/* Where a limit ends it, the rest is not known. */
	if (ok)
		(void)check_policies(&v, set, fits);
	ok = ok && !v.c.failed && !v.c.types.failed && !v.c.effects.failed;
	arena_free(v.c.scratch);
	arena_free(v.arena);
	arena_free(keep);
	if (!ok)
		return error_nomem(reterr);
	*ret = fits;
	return true;
}
