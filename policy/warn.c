/* warn.c - what is well-formed and yet hardly meant: conditions that are always
 * true, always false or always an error, and policies that so never apply;
 * patterns that every text has; conditions that stand twice; permits whose
 * principal has only negated tests; templates that nothing links.
 * What can happen is fold.h's to say. Here the smallest part that explains it
 * is looked for, and reported once: with warn.never where the policy never
 * applies for it, with what it is itself elsewhere. Nothing is reported that
 * only data could show. Limits: the list's; FOLD_CHAIN conjuncts are held
 * against each other over a policy's conditions. */
#include <assert.h>
#include <stdio.h>

#include "policy/fold.h"

struct warner {
	struct fold f;
	const struct ast *t;
	const struct ast_policy *policy;
	struct errors *list;
};

static bool
is_kind(const struct warner *w, uint32_t node, enum node_kind kind)
{
	return w->t->nodes[node].kind == kind;
}

static bool
is_logical(const struct warner *w, uint32_t node, enum ast_op op)
{
	return is_kind(w, node, NODE_BINARY) && w->t->nodes[node].op == op;
}

static unsigned
can_be(const struct warner *w, uint32_t node)
{
	return fold_of(&w->f, node)->can;
}

/* ---- why -------------------------------------------------------------------
 */

/* The smallest part for which the node never is `missing`. */
static uint32_t
explain(const struct warner *w, uint32_t node, unsigned missing)
{
	for (;;) {
		const struct ast_node *n = &w->t->nodes[node];
		uint32_t next = 0;

		if (fold_of(&w->f, node)->is_constant)
			return node;
		if (n->kind == NODE_PAREN) {
			next = n->a;
		} else if (n->kind == NODE_NOT) {
			missing ^= FOLD_TRUE | FOLD_FALSE;
			next = n->a;
		} else if (is_logical(w, node, OP_AND) ==
			       (missing == FOLD_TRUE) &&
			   (is_logical(w, node, OP_AND) ||
			       is_logical(w, node, OP_OR))) {
			if (!(fold_condition(&w->f, n->a) & missing))
				next = n->a;
			else if (!(fold_condition(&w->f, n->b) & missing))
				next = n->b;
		}
		if (!next || is_kind(w, next, NODE_BOOL))
			return node;
		node = next;
	}
}

/* The only kind that an operand has, as messages call it; NULL for several. */
static const char *
kind_of(const struct warner *w, uint32_t node)
{
	uint32_t kinds = facts_of(&w->f.facts, node)->kinds;

	for (uint32_t k = VALUE_BOOL; k <= VALUE_RPMVERSION; k++)
		if (kinds == FACTS_KIND(k))
			return value_kind_name((enum value_kind)k);
	return NULL;
}

/* Kinds that do not fit the operator, in words; false where it fits. */
static bool
say_misfit(const struct warner *w, uint32_t node, char *buf, size_t size)
{
	const struct ast_node *n = &w->t->nodes[node];
	uint32_t second = n->kind == NODE_BINARY ? n->b : 0;
	const char *x = kind_of(w, fold_child(w->t, node, 0));
	const char *y = second ? kind_of(w, second) : NULL;

	if (n->kind == NODE_CALL)
		snprintf(buf, size, ": `%s` does not take these arguments",
		    ast_op_text((enum ast_op)n->op));
	else if (x && y)
		snprintf(buf, size, ": `%s` does not take %s and %s",
		    ast_op_text((enum ast_op)n->op), x, y);
	else if (n->kind == NODE_BINARY && (x || y))
		snprintf(buf, size, ": `%s` does not take %s",
		    ast_op_text((enum ast_op)n->op), x ? x : y);
	else if ((n->kind == NODE_METHOD || n->kind == NODE_EACH) && x)
		snprintf(buf, size, ": `%s` does not take %s",
		    ast_op_text((enum ast_op)n->op), x);
	else if ((n->kind == NODE_ATTR || n->kind == NODE_HAS) && x)
		snprintf(buf, size, ": %s has no attributes", x);
	else if (x)
		snprintf(buf, size, ": found %s", x);
	else
		return false;
	return true;
}

/* Why a part has but one outcome, after "this is always false"; may be "". */
static void
say_why(const struct warner *w, uint32_t node, char *buf, size_t size)
{
	const struct ast_node *n = &w->t->nodes[node];
	const struct fold_node *f = fold_of(&w->f, node);
	const char *x = kind_of(w, node), *y = NULL;
	struct span at = ast_span(w->t, f->against);

	buf[0] = '\0';
	if (f->error) {
		snprintf(buf, size, ": %.150s", f->error->msg);
	} else if (f->can == FOLD_ERROR) {
		(void)say_misfit(w, node, buf, size);
	} else if (fold_condition(&w->f, node) == FOLD_ERROR && x) {
		snprintf(buf, size, ": %s is no condition", x);
	} else if (f->against) {
		snprintf(buf, size, ": it contradicts what stands at %u:%u",
		    at.line, at.col);
	} else if (!f->is_constant && n->kind == NODE_IS) {
		snprintf(buf, size, ": the scope says so already");
	} else if (n->kind == NODE_BINARY &&
		   (n->op == OP_EQ || n->op == OP_NE)) {
		x = kind_of(w, n->a);
		y = kind_of(w, n->b);
		if (x && y && strcmp(x, y) != 0)
			snprintf(
			    buf, size, ": %s and %s are never equal", x, y);
		else if (is_kind(w, fold_bare(w->t, n->a), NODE_VAR) ||
			 is_kind(w, fold_bare(w->t, n->b), NODE_VAR))
			snprintf(buf, size, ": the scope says so already");
	}
}

/* What the constructors read. */
static const struct {
	enum ast_op op;
	const char *hint;
} constructors[] = {
	{ OP_IP, "such as `ip(\"10.0.0.1\")` or `ip(\"10.0.0.0/8\")`" },
	{ OP_DECIMAL, "one to four digits after the point: "
		      "`decimal(\"1.5\")`" },
	{ OP_DATETIME, "such as `datetime(\"2026-01-31\")` or "
		       "`datetime(\"2026-01-31T09:30:00Z\")`" },
	{ OP_DURATION, "such as `duration(\"1d12h30m\")`" },
	{ OP_VERSION, "such as `version(\"1.2.3\")`; package versions are "
		      "`debversion` and `rpmversion`" },
};

static bool
is_either(const char *x, const char *y, const char *part)
{
	return (x && strstr(x, part)) || (y && strstr(y, part));
}

/* How to say it right, where that is likely known; may be NULL. */
static const char *
hint_of(const struct warner *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];
	const char *x, *y;

	for (size_t i = 0; i < ARRAY_LEN(constructors); i++)
		if (n->kind == NODE_CALL && constructors[i].op == n->op)
			return constructors[i].hint;
	if (n->kind != NODE_BINARY || n->op < OP_EQ || n->op > OP_GE)
		return NULL;
	x = kind_of(w, n->a);
	y = kind_of(w, n->b);
	if (n->op > OP_NE && is_either(x, y, "decimal"))
		return "decimals are compared with `a.lessThan(b)`";
	if (n->op > OP_NE && is_either(x, y, "version"))
		return "versions are compared with `a.lessThan(b)`";
	if (n->op > OP_NE && is_either(x, y, "ipaddr"))
		return "addresses have no order: test with "
		       "`a.isInRange(ip(\"...\"))`";
	if (is_either(x, y, "string") &&
	    (!x || !y || strcmp(x, y) != 0 || n->op > OP_NE))
		return "numbers stand without quotes, times are "
		       "`datetime(\"...\")`, entities `Type::\"id\"`";
	return NULL;
}

static void look_inside(struct warner *w, uint32_t node);

/* ---- reports ---------------------------------------------------------------
 */

static void
report(struct warner *w, enum err_code code, uint32_t node, const char *text,
    const char *hint)
{
	struct span at = ast_span(w->t, node);
	const struct error *own = fold_of(&w->f, node)->error;
	char why[200];
	struct error *e;

	say_why(w, node, why, sizeof why);
	/* The part of a constant that errs. */
	if (own && own->at.line)
		at = own->at;
	else if (fold_of(&w->f, node)->against)
		at = ast_span(w->t, w->t->nodes[node].b);
	e = errors_add(w->list, code, at, "%s%s", text, why);
	if (!hint)
		hint = hint_of(w, node);
	if (hint)
		error_hint(e, "%s", hint);
}

static void
report_pattern(struct warner *w, uint32_t node)
{
	error_hint(errors_add(w->list, ERR_WARN_PATTERN, ast_span(w->t, node),
		       "every text matches this pattern"),
	    is_kind(w, node, NODE_TEST_LIKE)
		? "`is` tests the type alone"
		: "`has` tests whether it is there");
}

/* A part that always errs: the smallest there is. */
static uint32_t
find_error(const struct warner *w, uint32_t node)
{
	uint32_t kid;
	bool deeper = true;

	while (deeper && !fold_of(&w->f, node)->is_constant) {
		deeper = false;
		for (uint32_t k = 0;
		     !deeper && (kid = fold_child(w->t, node, k)) != 0; k++)
			if (can_be(w, kid) == FOLD_ERROR) {
				node = kid;
				deeper = true;
			}
	}
	return node;
}

/* The part for which a condition never has the outcome `missing`; the end of
 * the sentence says what follows for the policy. */
static void
report_part(struct warner *w, uint32_t node, unsigned missing,
    enum err_code code, const char *text, const char *end)
{
	uint32_t why = explain(w, node, missing);
	bool errs = fold_condition(&w->f, why) == FOLD_ERROR;
	char whole[120];

	if (fold_matches_all(w->t, why)) {
		report_pattern(w, why);
		return;
	}
	if (errs)
		code = ERR_WARN_ERROR;
	else if (code == ERR_WARN_FALSE && (can_be(w, why) & FOLD_TRUE))
		code = ERR_WARN_TRUE;
	else if (code == ERR_WARN_TRUE && !text &&
		 !(can_be(w, why) & FOLD_TRUE))
		code = ERR_WARN_FALSE;
	if (errs && can_be(w, why) == FOLD_ERROR)
		why = find_error(w, why);
	snprintf(whole, sizeof whole, "%s%s",
	    errs                         ? "this is always an error"
	    : text                       ? text
	    : can_be(w, why) & FOLD_TRUE ? "this is always true"
					 : "this is always false",
	    end);
	report(w, code, why, whole,
	    is_kind(w, fold_bare(w->t, why), NODE_BOOL) && text
		? "it can be left out"
		: NULL);
}

/* A condition within another, or any other part. */
static void
look_at(struct warner *w, uint32_t node, bool condition)
{
	unsigned can = can_be(w, node);

	if (can == FOLD_ERROR)
		report(w, ERR_WARN_ERROR, find_error(w, node),
		    "this is always an error", NULL);
	else if (!condition || is_kind(w, fold_bare(w->t, node), NODE_BOOL) ||
		 ((can & FOLD_TRUE) && (can & FOLD_FALSE)))
		look_inside(w, node);
	else if (can & FOLD_TRUE)
		report_part(w, node, FOLD_FALSE, ERR_WARN_TRUE, NULL, "");
	else
		report_part(w, node, FOLD_TRUE, ERR_WARN_FALSE, NULL, "");
}

static void
look_inside(struct warner *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];
	bool all = n->kind == NODE_NOT || is_logical(w, node, OP_AND) ||
		   is_logical(w, node, OP_OR) || n->kind == NODE_PAREN;
	uint32_t kid;

	if (fold_of(&w->f, node)->is_constant)
		return;
	if (fold_matches_all(w->t, node)) {
		report_pattern(w, node);
		return;
	}
	for (uint32_t k = 0; (kid = fold_child(w->t, node, k)) != 0; k++)
		look_at(w, kid,
		    facts_is_boolean(facts_of(&w->f.facts, kid)) &&
			(all || (n->kind == NODE_IF && k == 0)));
}

static void
warn_of_condition(struct warner *w, uint32_t condition)
{
	uint32_t node = w->t->nodes[condition].a;
	bool when = is_kind(w, condition, NODE_WHEN);
	unsigned wanted = when ? FOLD_TRUE : FOLD_FALSE;
	unsigned other = wanted ^ (FOLD_TRUE | FOLD_FALSE);
	unsigned can = fold_condition(&w->f, node);
	bool deny = w->policy->word != WORD_PERMIT;

	if (can == FOLD_ERROR && deny)
		report_part(w, node, wanted, ERR_WARN_ERROR, NULL,
		    ", so this deny can only err");
	else if (!(can & wanted))
		report_part(w, node, wanted, ERR_WARN_NEVER, NULL,
		    ", so the policy never applies");
	else if (!(can & other))
		report_part(w, node, other, ERR_WARN_TRUE,
		    when ? "this condition always holds"
			 : "this condition never keeps the policy from "
			   "applying",
		    "");
	else
		look_inside(w, node);
}

/* ---- conditions against each other -----------------------------------------
 */

struct conjuncts {
	uint32_t items[FOLD_CHAIN], clause[FOLD_CHAIN];
	bool negated[FOLD_CHAIN]; /* of an `unless` */
	unsigned n;
};

static void
add_conjuncts(const struct warner *w, struct conjuncts *c, uint32_t clause)
{
	uint32_t node = w->t->nodes[clause].a, right;
	bool when = is_kind(w, clause, NODE_WHEN);
	/* From the last to the first: a chain leans to the left. */
	do {
		node = fold_bare(w->t, node);
		right = node;
		if (is_logical(w, node, when ? OP_AND : OP_OR))
			right = w->t->nodes[node].b;
		if (c->n == FOLD_CHAIN)
			return;
		c->items[c->n] = fold_bare(w->t, right);
		c->clause[c->n] = clause;
		c->negated[c->n++] = !when;
	} while (right != node && (node = w->t->nodes[node].a) != 0);
}

static void
compare(struct warner *w, const struct conjuncts *c, unsigned i, unsigned j)
{
	uint32_t x = c->items[i], y = c->items[j];
	uint32_t first = x < y ? x : y, second = x < y ? y : x;
	struct span at = ast_span(w->t, first);
	bool alike = c->negated[i] == c->negated[j];

	if (is_kind(w, x, NODE_BOOL))
		return;
	if (fold_is_same(w->t, x, y) && alike)
		error_hint(
		    errors_add(w->list, ERR_WARN_TWICE, ast_span(w->t, second),
			"this condition stands twice, first at %u:%u", at.line,
			at.col),
		    "one of them can be left out");
	else if (c->clause[i] != c->clause[j] &&
		 ((alike && !c->negated[i] && fold_contradicts(&w->f, x, y)) ||
		     (!alike && fold_is_same(w->t, x, y))))
		(void)errors_add(w->list, ERR_WARN_NEVER,
		    ast_span(w->t, second),
		    "this contradicts what stands at %u:%u, so the policy "
		    "never applies",
		    at.line, at.col);
}

static void
warn_of_conjuncts(struct warner *w)
{
	struct conjuncts c = { .n = 0 };

	for (uint32_t i = 0; i < w->policy->n_conds; i++)
		add_conjuncts(w, &c, w->t->kids[w->policy->first_cond + i]);
	for (unsigned i = 0; i < c.n; i++)
		for (unsigned j = i + 1; j < c.n; j++)
			compare(w, &c, i, j);
}

/* ---- scopes ----------------------------------------------------------------
 */

static void
warn_of_scope(struct warner *w, enum ast_var var)
{
	const struct ast_node *scope = &w->t->nodes[w->policy->scope[var]];

	for (uint32_t i = 0; i < scope->b; i++) {
		uint32_t node = w->t->kids[scope->a + i];
		const struct ast_node *n = &w->t->nodes[node];

		if (n->kind == NODE_TEST_LIKE && fold_matches_all(w->t, node))
			report_pattern(w, node);
		if (n->kind == NODE_TEST_IN && n->b == 0)
			error_hint(
			    errors_add(w->list,
				n->negated ? ERR_WARN_TRUE : ERR_WARN_NEVER,
				ast_span(w->t, node),
				n->negated ? "this test always holds"
					   : "this is always false, so the "
					     "policy never applies"),
			    "nothing is in an empty list");
	}
}

/* Only negated tests, and at least one: true for whoever is not in the data. */
static void
warn_of_negation(struct warner *w)
{
	uint32_t node = w->policy->scope[VAR_PRINCIPAL];
	const struct ast_node *scope = &w->t->nodes[node];

	if (w->policy->word != WORD_PERMIT || scope->b == 0)
		return;
	for (uint32_t i = 0; i < scope->b; i++)
		if (!w->t->nodes[w->t->kids[scope->a + i]].negated)
			return;
	error_hint(
	    errors_add(w->list, ERR_SYNTAX_NEGATED_ONLY, ast_span(w->t, node),
		"this permit holds for every principal that is not "
		"named, known or not"),
	    "say who is meant, for example with `is`");
}

/* ---- a set -----------------------------------------------------------------
 */

void
warn_of_policy(const struct policy_set *set, const struct ast *t,
    uint32_t policy, uint32_t instance, struct arena *a, struct errors *ret)
{
	struct warner w = {
		.t = t, .policy = &t->policies[policy], .list = ret
	};
	struct error e = { 0 };

	arena_reset(a);
	if (!fold_policy(&w.f, a, set, t, policy, instance, &e)) {
		(void)errors_take(ret, &e);
		return;
	}
	warn_of_negation(&w);
	for (enum ast_var v = VAR_PRINCIPAL; v <= VAR_RESOURCE; v++)
		warn_of_scope(&w, v);
	for (uint32_t i = 0; i < w.policy->n_conds; i++)
		warn_of_condition(&w, t->kids[w.policy->first_cond + i]);
	warn_of_conjuncts(&w);
}

static void
warn_of_template(const struct policy_template *of, struct errors *ret)
{
	const struct ast_policy *p = &of->ast->policies[of->policy];
	struct str id = str_sub(of->id, 0, 80);

	if (of->n_links > 0)
		return;
	error_hint(errors_add(ret, ERR_SYNTAX_UNLINKED,
		       source_span(&of->ast->source, p->head_off, p->head_len),
		       "no link uses the template `%.*s`, so it decides "
		       "nothing",
		       STR_ARG(id)),
	    "links stand in a JSON policy set, under `templateLinks`");
}

void
policy_set_warnings(const struct policy_set *set, struct errors *ret)
{
	struct arena *a = arena_new(0);

	assert(!set->image);
	if (!a) {
		(void)errors_nomem(ret);
		return;
	}
	for (uint32_t i = 0; i < set->n_instances; i++)
		if (!set->instances[i].is_link)
			warn_of_policy(set, set->instances[i].ast,
			    set->instances[i].policy, i, a, ret);
	for (size_t i = 0; i < set->n_templates; i++) {
		warn_of_policy(set, set->templates[i].ast,
		    set->templates[i].policy, FOLD_NO_INSTANCE, a, ret);
		warn_of_template(&set->templates[i], ret);
	}
	arena_free(a);
}
