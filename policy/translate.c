/* translate.c - a policy set to text: our own, or Cedar's where it can say the
 * same.
 * What only our scopes can say becomes a first `when`, in the order of the
 * scope: those tests never err and stood before every condition, so that the
 * policy is satisfied, not satisfied or in error for the same requests. What
 * has no exact form in Cedar is refused with its place; nothing is
 * approximated. Links become policies of their own, since text has no links. A
 * policy known by a key of JSON gets that as its `@id`, if it has none.
 * Files of text that hold no additions keep their comments. */
#include "policy/set.h"

#include <assert.h>

#include "policy/pattern.h"

struct translator {
	enum policy_dialect to;
	struct errors *errors;
	const struct ast *t;
	const struct policy_instance *link; /* its bindings, or NULL */
	struct buf text;                    /* of one policy */
	struct buf moved;                   /* what becomes its first `when` */
	bool ok;
};

static void
refuse(struct translator *r, struct span at, const char *what)
{
	error_hint(errors_add(r->errors, ERR_SYNTAX_UNTRANSLATABLE, at,
		       "Cedar cannot say this exactly: %s", what),
	    "change the policy, or keep it in a file that ends in `.avow`");
	r->ok = false;
}

static void
refuse_node(struct translator *r, uint32_t node, const char *what)
{
	refuse(r, ast_span(r->t, node), what);
}

/* ---- scopes ----------------------------------------------------------------
 */

static void
put_node(struct translator *r, struct buf *out, uint32_t node)
{
	static const struct policy_instance nobody;
	struct policy_instance p = r->link ? *r->link : nobody;

	p.ast = r->t;
	print_link_node(&p, node, out);
}

/* A slot that nothing is bound to stands in a scope only. */
static bool
check_movable(struct translator *r, const uint32_t *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (r->t->nodes[nodes[i]].kind == NODE_SLOT && !r->link) {
			refuse_node(r, nodes[i],
			    "its templates have slots for `==` and `in` alone");
			return false;
		}
	return true;
}

/* Begin one more test of the first `when`. */
static void
begin_moved(struct translator *r, bool negated, bool many)
{
	if (r->moved.n > 0)
		buf_addz(&r->moved, " && ");
	buf_addz(&r->moved, negated ? "!(" : many ? "(" : "");
}

static void
end_moved(struct translator *r, bool negated, bool many)
{
	buf_addz(&r->moved, negated || many ? ")" : "");
}

/* VAR OP item || VAR OP item ... */
static void
move_any(struct translator *r, const struct ast_node *n, enum ast_var var,
    const char *op)
{
	const uint32_t *kids = &r->t->kids[n->a];
	bool types = n->kind == NODE_TEST_IS;

	if (!types && !check_movable(r, kids, n->b))
		return;
	if (n->b == 0 && n->negated)
		return;
	begin_moved(r, n->negated, n->b > 1);
	for (uint32_t i = 0; i < n->b; i++) {
		buf_printf(&r->moved, "%s%s %s ", i ? " || " : "",
		    ast_var_name(var), op);
		if (types)
			buf_add(&r->moved, r->t->strings[kids[i]]);
		else
			put_node(r, &r->moved, kids[i]);
	}
	if (n->b == 0)
		buf_addz(&r->moved, "false");
	end_moved(r, n->negated, n->b > 1);
}

static void
put_eq(struct translator *r, const struct ast_node *n, enum ast_var var)
{
	if (!n->negated) {
		buf_addz(&r->text, " == ");
		put_node(r, &r->text, n->a);
	} else if (check_movable(r, &n->a, 1)) {
		begin_moved(r, false, false);
		buf_printf(&r->moved, "%s != ", ast_var_name(var));
		put_node(r, &r->moved, n->a);
	}
}

static void
put_in(struct translator *r, const struct ast_node *n, enum ast_var var)
{
	const uint32_t *kids = &r->t->kids[n->a];
	bool list = var == VAR_ACTION && n->c;

	if (n->negated || (n->b != 1 && !list)) {
		move_any(r, n, var, "in");
		return;
	}
	buf_addz(&r->text, list ? " in [" : " in ");
	for (uint32_t i = 0; i < n->b; i++) {
		buf_addz(&r->text, i ? ", " : "");
		put_node(r, &r->text, kids[i]);
	}
	buf_addz(&r->text, list ? "]" : "");
}

static void
put_is(struct translator *r, const struct ast_node *n, enum ast_var var)
{
	if (n->negated || n->b != 1 || var == VAR_ACTION) {
		move_any(r, n, var, "is");
		return;
	}
	buf_addz(&r->text, " is ");
	buf_add(&r->text, r->t->strings[r->t->kids[n->a]]);
}

/* A pattern of stars alone asks for the type; one without a star for one
 * entity. Anything else looks into an id, which Cedar cannot. */
static void
put_like(struct translator *r, uint32_t node, enum ast_var var)
{
	const struct ast_node *n = &r->t->nodes[node];
	const struct ast_node *pattern = &r->t->nodes[n->b];
	const struct ast_part *parts = &r->t->parts[pattern->a];
	struct str type = r->t->strings[n->a];
	struct buf test = { 0 }, id = { 0 };
	size_t stars = 0;
	bool scope = !n->negated;

	for (uint32_t i = 0; i < pattern->b; i++)
		stars += parts[i].kind == PART_STAR;
	if ((stars > 0 && stars < pattern->b) ||
	    pattern_has_path(parts, pattern->b)) {
		refuse_node(r, node, "its policies do not look into an id");
		return;
	}
	for (uint32_t i = 0; i < pattern->b; i++)
		buf_add(&id, parts[i].literal);
	if (stars > 0) {
		buf_printf(&test, " is %.*s", STR_ARG(type));
		scope = scope && var != VAR_ACTION;
	} else {
		buf_addz(&test, " == ");
		value_print_uid(&test, (struct uid){ type, buf_str(&id) });
	}
	if (scope) {
		buf_add(&r->text, buf_str(&test));
	} else {
		begin_moved(r, n->negated, false);
		buf_addz(&r->moved, ast_var_name(var));
		buf_add(&r->moved, buf_str(&test));
		end_moved(r, n->negated, false);
	}
	if (!buf_ok(&test) || !buf_ok(&id))
		r->text.failed = true;
	buf_free(&test);
	buf_free(&id);
}

static void
put_element(struct translator *r, uint32_t scope)
{
	const struct ast_node *n = &r->t->nodes[scope];
	enum ast_var var = (enum ast_var)n->op;

	buf_addz(&r->text, ast_var_name(var));
	for (uint32_t i = 0; i < n->b; i++) {
		uint32_t node = r->t->kids[n->a + i];
		const struct ast_node *test = &r->t->nodes[node];

		if (test->kind == NODE_TEST_EQ)
			put_eq(r, test, var);
		else if (test->kind == NODE_TEST_IN)
			put_in(r, test, var);
		else if (test->kind == NODE_TEST_IS)
			put_is(r, test, var);
		else
			put_like(r, node, var);
	}
}

/* ---- policies --------------------------------------------------------------
 */

static void
put_annotation(struct buf *out, struct str name, const struct str *value)
{
	buf_byte(out, '@');
	buf_add(out, name);
	if (value) {
		buf_byte(out, '(');
		value_print_string(out, *value);
		buf_byte(out, ')');
	}
	buf_byte(out, ' ');
}

/* `id` (may be empty) is what the policy is to be known by. A link's own goes
 * before its template's. */
static void
put_annotations(
    struct translator *r, const struct ast_policy *policy, struct str id)
{
	const struct ast_annotation *a =
	    &r->t->annotations[policy->first_annotation];
	bool has_id = false;

	for (uint32_t i = 0; i < policy->n_annotations && !r->link; i++)
		has_id = has_id ||
			 (str_eq(a[i].name, STR("id")) && a[i].value.n > 0);
	if (id.n > 0 && !has_id)
		put_annotation(&r->text, STR("id"), &id);
	for (uint32_t i = 0; i < policy->n_annotations; i++)
		if (!str_eq(a[i].name, STR("id")) || has_id || id.n == 0)
			put_annotation(&r->text, a[i].name,
			    a[i].has_value ? &a[i].value : NULL);
}

static const char *
word_of(const struct translator *r, const struct ast_policy *policy)
{
	if (policy->word == WORD_DENY && r->to == POLICY_AVOW)
		return "deny (";
	return policy->word == WORD_PERMIT ? "permit (" : "forbid (";
}

/* The policy as text, not laid out. */
static void
put_policy(struct translator *r, uint32_t index, struct str id)
{
	const struct ast_policy *policy = &r->t->policies[index];

	put_annotations(r, policy, id);
	buf_addz(&r->text, word_of(r, policy));
	for (unsigned v = 0; v < 3; v++) {
		buf_addz(&r->text, v ? ", " : "");
		if (r->to == POLICY_CEDAR)
			put_element(r, policy->scope[v]);
		else
			put_node(r, &r->text, policy->scope[v]);
	}
	buf_addz(&r->text, ")");
	if (r->moved.n > 0) {
		buf_addz(&r->text, " when { ");
		buf_add(&r->text, buf_str(&r->moved));
		buf_addz(&r->text, " }");
	}
	for (uint32_t i = 0; i < policy->n_conds; i++) {
		buf_byte(&r->text, ' ');
		put_node(r, &r->text, r->t->kids[policy->first_cond + i]);
	}
	buf_addz(&r->text, ";\n");
}

/* Laid out: by reading it back, which also shows that it can be read. */
static bool
lay_out(struct translator *r, struct buf *out)
{
	if (!r->ok)
		return false;
	if (!buf_ok(&r->text) || !buf_ok(&r->moved))
		return r->ok = errors_nomem(r->errors);
	if (out->n > 0)
		buf_byte(out, '\n');
	r->ok = policy_format(
	    "the translation", buf_str(&r->text), r->to, out, r->errors);
	return r->ok;
}

static void
translate_policy(struct translator *r, const struct ast *t, uint32_t index,
    struct str id, const struct policy_instance *link, struct buf *out)
{
	r->t = t;
	r->link = link;
	r->text.n = r->moved.n = 0;
	put_policy(r, index, id);
	(void)lay_out(r, out);
}

/* ---- files -----------------------------------------------------------------
 */

static bool
is_cedar_test(const struct ast_node *n, enum ast_var var)
{
	if (n->negated || n->kind == NODE_TEST_LIKE)
		return false;
	return var == VAR_ACTION ? n->kind != NODE_TEST_IS : !n->c;
}

static bool
is_cedar_policy(const struct ast *t, const struct ast_policy *policy)
{
	for (unsigned v = 0; v < 3; v++) {
		const struct ast_node *scope = &t->nodes[policy->scope[v]];

		for (uint32_t i = 0; i < scope->b; i++)
			if (!is_cedar_test(&t->nodes[t->kids[scope->a + i]],
				(enum ast_var)v))
				return false;
	}
	return policy->word != WORD_DENY;
}

/* Its text means the same where it goes. */
static bool
is_fit(const struct translator *r, const struct ast *t)
{
	for (uint32_t i = 0; r->to == POLICY_CEDAR && i < t->n_policies; i++)
		if (!is_cedar_policy(t, &t->policies[i]))
			return false;
	return !t->is_json;
}

/* What no rewriting helps. */
static void
refuse_additions(struct translator *r, const struct ast *t)
{
	r->t = t;
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		const struct ast_node *n = &t->nodes[i];

		if (n->kind == NODE_CALL && ast_is_added((enum ast_op)n->op))
			refuse_node(r, i, "it has no versions");
		else if (n->kind == NODE_MATCHES || n->kind == NODE_EACH)
			refuse_node(r, i, "it has no such patterns");
	}
	for (uint32_t i = 0; i < t->n_indivisibles; i++)
		refuse(r,
		    source_span(&t->source, t->indivisibles[i].off,
			t->indivisibles[i].len),
		    "it has no `indivisible`");
}

static void
put_indivisible(struct translator *r, const struct ast *t,
    const struct ast_indivisible *set, struct buf *out)
{
	r->t = t;
	r->link = NULL;
	r->text.n = r->moved.n = 0;
	buf_printf(&r->text, "indivisible %s [", ast_var_name(set->var));
	for (uint32_t i = 0; i < set->n; i++) {
		buf_addz(&r->text, i ? ", " : "");
		put_node(r, &r->text, t->kids[set->first + i]);
	}
	buf_addz(&r->text, "];");
	(void)lay_out(r, out);
}

/* With its comments: their layout looks at what was put out before. */
static void
copy_file(const struct ast *t, struct buf *out)
{
	struct buf own = { 0 };

	print_ast(t, &own);
	if (out->n > 0 && own.n > 0)
		buf_byte(out, '\n');
	buf_add(out, buf_str(&own));
	if (!buf_ok(&own))
		out->failed = true;
	buf_free(&own);
}

static void
translate_file(struct translator *r, const struct ast *t, struct buf *out)
{
	if (is_fit(r, t)) {
		copy_file(t, out);
		return;
	}
	for (uint32_t i = 0; i < t->n_policies; i++) {
		const struct ast_id *own = ast_own_id(t, &t->policies[i]);

		translate_policy(
		    r, t, i, own ? own->id : (struct str){ 0 }, NULL, out);
	}
	for (uint32_t i = 0; i < t->n_indivisibles; i++)
		put_indivisible(r, t, &t->indivisibles[i], out);
}

bool
policy_set_to_text(const struct policy_set *set, enum policy_dialect to,
    struct buf *ret, struct errors *reterr)
{
	struct translator r = { .to = to, .errors = reterr, .ok = true };
	struct buf out = { 0 };

	assert(!set->image);
	for (size_t i = 0; to == POLICY_CEDAR && i < set->n_files; i++)
		refuse_additions(&r, set->files[i]);
	for (size_t i = 0; i < set->n_files; i++)
		translate_file(&r, set->files[i], &out);
	for (size_t i = 0; i < set->n_instances; i++) {
		const struct policy_instance *p = &set->instances[i];

		if (p->is_link)
			translate_policy(&r, p->ast, p->policy, p->id, p, &out);
	}
	if (r.ok && !buf_ok(&out))
		r.ok = errors_nomem(reterr);
	if (r.ok)
		buf_add(ret, buf_str(&out));
	buf_free(&r.text);
	buf_free(&r.moved);
	buf_free(&out);
	return r.ok;
}
