/* lint.c - policies that change nothing, by what the normal form knows of them.
 * A policy is `same` as another when they have the same rules; `contained` when
 * each of its rules is another's too, or is covered by others' rules; `denied`
 * when denies cover each of its rules. What has been called same or contained
 * is no cover for others any more, so that all that is reported may go at once:
 * covers of covers cover. Of several that could go the later one is named.
 * Nothing here compares rules itself: the merge, the hanging below one or
 * several and the search for denies have done so. Cost: linear in rules,
 * parents and covers.
 * Of a closed set (schema_close_set) all that holds for what its schema allows;
 * then the validator is asked, too, which policies can never apply. */
#include "policy/fold.h"
#include "policy/rules.h"
#include "policy/validate.h"

#include "base/intern.h"

/* More may hang below one cover than where decisions look at each. */
#define BELOW_MAX 4096u
#define NAMED_MAX POLICY_LINT_OTHERS_MAX
#define SAID_MAX 3u /* in the message */

enum verdict_kind {
	VERDICT_NONE = 0,
	VERDICT_NEVER,
	VERDICT_SAME,
	VERDICT_CONTAINED,
	VERDICT_DENIED,
};

/* What is found of one policy, and the policies that are named for it. */
struct verdict {
	enum verdict_kind kind;
	struct ids named; /* NAMED_MAX at most */
	size_t n_more;
};

/* Lists by number, one after the other: those of i are [at[i], at[i + 1]). */
struct lists {
	uint32_t *at, *items;
};

/* Rules are numbered through: those of the index first. */
struct lint {
	const struct policy_set *set;
	const struct normal *n;
	struct arena *spare, *each;
	struct lists rules;  /* by instance: its rules, ascending */
	struct lists covers; /* by contained rule: rules of the index */
	/* By rule; NULL: by none. */
	const struct normal_follows **denied, **also;
	struct verdict *verdicts; /* by instance */
	struct error *found;
	struct policy_lint_others *others; /* of each found */
	size_t n_found, cap_found, cap_others, dropped;
	uint8_t *
	    *fits; /* by file and policy: enum validate_fit; NULL: no schema */
	size_t file; /* of the last one that was looked at */
	struct span unfit_at;
	size_t n_unfit;
	bool failed; /* memory ran out while naming */
	struct arena *a;
};

static const struct normal_rule *
rule_at(const struct lint *l, uint32_t rule)
{
	return rule < l->n->n_rules ? &l->n->rules[rule]
				    : &l->n->contained[rule - l->n->n_rules];
}

static uint32_t
count_rules(const struct lint *l)
{
	return l->n->n_rules + l->n->n_contained;
}

/* ---- who has which rules --------------------------------------------------
 */

/* What is counted for i stands in at[i + 2]. Then the items of i go to
 * items[at[i + 1]++], after which the list of i is [at[i], at[i + 1]). */
static bool
make_room(struct lists *x, struct arena *a, uint32_t n)
{
	for (uint32_t i = 2; i < n + 2u; i++)
		x->at[i] += x->at[i - 1];
	x->items = ARENA_ARRAY(a, x->at[n + 1u], uint32_t);
	return x->items != NULL;
}

static bool
list_rules(struct lint *l)
{
	uint32_t n = (uint32_t)l->set->n_instances;
	struct lists *x = &l->rules;

	x->at = ARENA_ARRAY(l->spare, n + 2u, uint32_t);
	if (!x->at)
		return false;
	for (uint32_t r = 0; r < count_rules(l); r++)
		for (uint32_t k = 0; k < rule_at(l, r)->n_parents; k++)
			x->at[rule_at(l, r)->parents[k] + 2u]++;
	if (!make_room(x, l->spare, n))
		return false;
	for (uint32_t r = 0; r < count_rules(l); r++)
		for (uint32_t k = 0; k < rule_at(l, r)->n_parents; k++)
			x->items[x->at[rule_at(l, r)->parents[k] + 1u]++] = r;
	return true;
}

static bool
list_covers(struct lint *l)
{
	const struct normal *n = l->n;
	struct lists *x = &l->covers;

	x->at = ARENA_ARRAY(l->spare, n->n_contained + 2u, uint32_t);
	if (!x->at)
		return false;
	for (uint32_t r = 0; r < n->n_rules; r++)
		for (uint32_t k = 0; k < n->rules[r].n_below; k++)
			x->at[n->rules[r].below[k] + 2u]++;
	if (!make_room(x, l->spare, n->n_contained))
		return false;
	for (uint32_t r = 0; r < n->n_rules; r++)
		for (uint32_t k = 0; k < n->rules[r].n_below; k++)
			x->items[x->at[n->rules[r].below[k] + 1u]++] = r;
	return true;
}

static bool
list_follows(struct lint *l, const struct normal_follows *items, uint32_t n,
    const struct normal_follows ***ret)
{
	const struct normal_follows **by_rule = ARENA_ARRAY(
	    l->spare, count_rules(l), const struct normal_follows *);

	for (uint32_t i = 0; by_rule && i < n; i++)
		by_rule[items[i].rule +
			(items[i].is_contained ? l->n->n_rules : 0)] =
		    &items[i];
	*ret = by_rule;
	return by_rule != NULL;
}

/* ---- verdicts -------------------------------------------------------------
 */

static bool
has_parent(const struct normal_rule *r, uint32_t instance)
{
	uint32_t low = 0, high = r->n_parents;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->parents[middle] == instance)
			return true;
		if (r->parents[middle] < instance)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void
name(struct lint *l, struct verdict *v, uint32_t instance)
{
	for (size_t i = 0; i < v->named.n; i++)
		if (v->named.items[i] == instance)
			return;
	if (v->named.n == NAMED_MAX)
		v->n_more++;
	else if (!ids_add(l->a, &v->named, instance))
		l->failed = true;
}

/* Another policy that stays and has the rule: one that is named already, or
 * the first. */
static bool
name_other(struct lint *l, const struct normal_rule *r, uint32_t instance,
    struct verdict *v)
{
	for (size_t i = 0; i < v->named.n; i++)
		if (has_parent(r, v->named.items[i]))
			return true;
	for (uint32_t i = 0; i < r->n_parents; i++) {
		enum verdict_kind kind = l->verdicts[r->parents[i]].kind;

		if (r->parents[i] == instance || kind == VERDICT_SAME ||
		    kind == VERDICT_CONTAINED)
			continue;
		name(l, v, r->parents[i]);
		return true;
	}
	return false;
}

/* All covers of a rule together cover it; those that are the policy's own
 * count, as they are looked at themselves. Of the index one may cover it, that
 * is another policy's: of two that cover each other the first to go has the
 * other, which then has it no more. */
static bool
is_covered(struct lint *l, uint32_t rule, uint32_t instance, struct verdict *v)
{
	uint32_t c = rule - l->n->n_rules;

	if (name_other(l, rule_at(l, rule), instance, v))
		return true;
	if (rule < l->n->n_rules)
		return l->also[rule] &&
		       name_other(
			   l, &l->n->rules[l->also[rule]->by[0]], instance, v);
	for (uint32_t i = l->covers.at[c]; i < l->covers.at[c + 1]; i++) {
		const struct normal_rule *cover =
		    &l->n->rules[l->covers.items[i]];

		if (!name_other(l, cover, instance, v) &&
		    !has_parent(cover, instance))
			return false;
	}
	return true;
}

static void
judge_contained(struct lint *l, uint32_t instance)
{
	struct verdict v = { .kind = VERDICT_CONTAINED };

	for (uint32_t i = l->rules.at[instance]; i < l->rules.at[instance + 1];
	     i++)
		if (!is_covered(l, l->rules.items[i], instance, &v))
			return;
	l->verdicts[instance] = v;
}

static void
judge_denied(struct lint *l, uint32_t instance)
{
	struct verdict v = { .kind = VERDICT_DENIED };

	for (uint32_t i = l->rules.at[instance]; i < l->rules.at[instance + 1];
	     i++) {
		const struct normal_follows *d = l->denied[l->rules.items[i]];

		if (!d)
			return;
		for (uint32_t k = 0; k < d->n_by; k++)
			name(l, &v, l->n->rules[d->by[k]].parents[0]);
	}
	l->verdicts[instance] = v;
}

/* Those without a rule never hold; equal lists have one number. */
static bool
judge_same(struct lint *l)
{
	struct intern *keys = intern_new(l->spare, NULL);
	uint32_t *firsts = ARENA_ARRAY(l->spare, l->set->n_instances, uint32_t);
	uint32_t n_keys = 0;

	if (!keys || !firsts)
		return false;
	for (uint32_t i = 0; i < l->set->n_instances; i++) {
		uint32_t at = l->rules.at[i], n = l->rules.at[i + 1] - at, id;

		if (n == 0) {
			l->verdicts[i].kind = VERDICT_NEVER;
			continue;
		}
		id = intern_add(keys, STR(""),
		    (struct str){ (const char *)&l->rules.items[at],
			n * sizeof *l->rules.items });
		if (id == INTERN_NONE)
			return false;
		if (id == n_keys) {
			firsts[n_keys++] = i;
			continue;
		}
		l->verdicts[i].kind = VERDICT_SAME;
		name(l, &l->verdicts[i], firsts[id]);
	}
	return true;
}

static bool
judge(struct lint *l)
{
	if (!list_rules(l) || !list_covers(l) ||
	    !list_follows(l, l->n->denied, l->n->n_denied, &l->denied) ||
	    !list_follows(l, l->n->covered, l->n->n_covered, &l->also) ||
	    !judge_same(l))
		return false;
	/* That it never takes effect says more than that others say so too. */
	for (uint32_t i = 0; i < l->set->n_instances; i++)
		if (l->verdicts[i].kind == VERDICT_NONE)
			judge_denied(l, i);
	for (uint32_t i = (uint32_t)l->set->n_instances; i-- > 0;)
		if (l->verdicts[i].kind == VERDICT_NONE)
			judge_contained(l, i);
	return !l->failed;
}

/* ---- messages -------------------------------------------------------------
 */

static struct error *
add_found(struct lint *l)
{
	if (l->n_found >= POLICY_LINT_MAX) {
		l->dropped++;
		return NULL;
	}
	if (!ARENA_PUSH_ROOM(l->a, l->found, l->n_found, l->cap_found) ||
	    !ARENA_PUSH_ROOM(l->a, l->others, l->n_found, l->cap_others))
		return NULL;
	l->found[l->n_found] = (struct error){ 0 };
	l->others[l->n_found] = (struct policy_lint_others){ 0 };
	return &l->found[l->n_found++];
}

/* ` FILE:LINE, FILE:LINE and 2 more` */
static void
say_named(const struct lint *l, const struct verdict *v, struct buf *out)
{
	for (size_t i = 0; i < v->named.n && i < SAID_MAX; i++) {
		struct span at = policy_set_info(l->set, v->named.items[i]).at;

		buf_addz(out, i ? ", " : " ");
		buf_add(out, str_sub(str_of(at.file), 0, 60));
		buf_printf(out, ":%u", at.line);
	}
	if (v->named.n > SAID_MAX)
		buf_printf(
		    out, " and %zu more", v->named.n - SAID_MAX + v->n_more);
}

/* Clauses of a sentence: `POLICY` stands before, places between the two. */
static const struct {
	enum err_code code;
	const char *permit, *deny; /* before the places */
	const char *end, *hint;
} texts[] = {
	[VERDICT_NEVER] = { ERR_LINT_NEVER,
	    "its tests contradict each other, so it never applies",
	    "its tests contradict each other, so it never applies", "",
	    "compare what its scope and its conditions ask of the same thing" },
	[VERDICT_SAME] = { ERR_LINT_SAME, "has the same rules as",
	    "has the same rules as", ", so it changes no decision",
	    "it is a reason beside the other; one of them can be left out" },
	[VERDICT_CONTAINED] = { ERR_LINT_CONTAINED,
	    "all that it permits is permitted by",
	    "all that it denies is "
	    "denied by",
	    " too, so it changes no decision",
	    "it is a reason beside theirs; if that is not wanted, it can "
	    "be left out" },
	[VERDICT_DENIED] = { ERR_LINT_DENIED,
	    "all that it permits is denied by", "",
	    ", so it never takes effect",
	    "leave it out, or make it an exception (`unless`) of the deny" },
};

static bool
report_verdict(struct lint *l, uint32_t instance)
{
	const struct verdict *v = &l->verdicts[instance];
	struct policy_info info = policy_set_info(l->set, instance);
	struct buf places = { 0 };
	struct error *e = add_found(l);

	if (!e)
		return l->dropped > 0;
	l->others[l->n_found - 1] = (struct policy_lint_others){ v->named.items,
		v->named.n, v->n_more };
	say_named(l, v, &places);
	(void)error_set(e, texts[v->kind].code, info.at, "`%.*s`: %s%.*s%s",
	    STR_ARG(str_sub(info.id, 0, 40)),
	    info.effect == POLICY_PERMIT ? texts[v->kind].permit
					 : texts[v->kind].deny,
	    STR_ARG(buf_str(&places)), texts[v->kind].end);
	error_hint(e, "%s", texts[v->kind].hint);
	buf_free(&places);
	return true;
}

/* Is there a condition that is never met? */
static bool
never_meets(const struct fold *f)
{
	for (uint32_t i = 0; i < f->policy->n_conds; i++) {
		const struct ast_node *n =
		    &f->ast->nodes[f->ast->kids[f->policy->first_cond + i]];
		unsigned wanted = n->kind == NODE_WHEN ? FOLD_TRUE : FOLD_FALSE;

		if (!(fold_condition(f, n->a) & wanted))
			return true;
	}
	return false;
}

static enum validate_fit
fit_of(struct lint *l, const struct ast *t, uint32_t policy)
{
	if (!l->fits)
		return VALIDATE_MAY_APPLY;
	while (l->set->files[l->file] != t)
		l->file = (l->file + 1) % l->set->n_files;
	return (enum validate_fit)l->fits[l->file][policy];
}

/* A scope that errs does so before it is false, and so may conditions. */
static bool
may_err(const struct fold *f, enum validate_fit fit)
{
	for (int v = 0; v < 3; v++) {
		const struct ast_node *scope =
		    &f->ast->nodes[f->policy->scope[v]];

		for (uint32_t i = 0; i < scope->b; i++)
			if (node_is_contextual(
				f->ast, f->ast->kids[scope->a + i]))
				return true;
	}
	for (uint32_t i = 0; fit == VALIDATE_FALSE && i < f->policy->n_conds;
	     i++) {
		uint32_t cond = f->ast->kids[f->policy->first_cond + i];

		if (fold_condition(f, f->ast->nodes[cond].a) & FOLD_ERROR)
			return true;
	}
	return false;
}

/* What the schema says of a body. A deny that errs denies, so of one that may
 * err it is not said that it never applies. */
static bool
report_fit(struct lint *l, const struct fold *f, enum validate_fit fit,
    bool may_deny, bool *ret_never, struct error *reterr)
{
	struct span at = source_span(
	    &f->ast->source, f->policy->head_off, f->policy->head_len);
	struct error *e;

	if (fit == VALIDATE_UNKNOWN && l->n_unfit++ == 0)
		l->unfit_at = at;
	if (fit == VALIDATE_UNKNOWN || fit == VALIDATE_MAY_APPLY || may_deny)
		return true;
	*ret_never = true;
	e = add_found(l);
	if (!e)
		return l->dropped > 0 || error_nomem(reterr);
	(void)error_set(e,
	    fit == VALIDATE_FALSE ? ERR_TYPE_NEVER : ERR_TYPE_SCOPE, at,
	    fit == VALIDATE_FALSE
		? "with this schema the conditions are always false, so the "
		  "policy never applies"
		: "no request that the schema allows fits the scope, so the "
		  "policy never applies");
	return true;
}

/* What is known of one body alone. *ret_never: it never applies. */
static bool
report_never(struct lint *l, const struct ast *t, uint32_t policy,
    uint32_t instance, bool *ret_never, struct error *reterr)
{
	struct errors warnings = { 0 };
	enum validate_fit fit = fit_of(l, t, policy);
	struct fold f;
	bool never, may_deny, fit_may_deny;

	arena_reset(l->each);
	if (!fold_policy(&f, l->each, l->set, t, policy, instance, reterr))
		return false;
	never = never_meets(&f);
	may_deny = f.policy->word != WORD_PERMIT && may_err(&f, VALIDATE_FALSE);
	fit_may_deny = f.policy->word != WORD_PERMIT && may_err(&f, fit);
	/* It takes the memory of what was folded. */
	warn_of_policy(l->set, t, policy, instance, l->each, &warnings);
	*ret_never = false;
	for (size_t i = 0; i < warnings.n; i++) {
		enum err_code code = warnings.e[i].code;
		struct error *e;

		if (!(code == ERR_WARN_NEVER && !may_deny) &&
		    !(never && code == ERR_WARN_ERROR))
			continue;
		*ret_never = true;
		e = add_found(l);
		if (e)
			*e = warnings.e[i];
		else if (!l->dropped)
			return error_nomem(reterr);
	}
	return *ret_never ||
	       report_fit(l, &f, fit, fit_may_deny, ret_never, reterr);
}

/* Links say what their templates say, which is said once. */
static bool
report(struct lint *l, struct error *reterr)
{
	const struct policy_set *set = l->set;
	bool never = false;

	for (uint32_t i = 0; i < set->n_instances; i++) {
		const struct policy_instance *p = &set->instances[i];

		never = false;
		if (!p->is_link &&
		    !report_never(l, p->ast, p->policy, i, &never, reterr))
			return false;
		if (!never && l->verdicts[i].kind != VERDICT_NONE &&
		    !report_verdict(l, i))
			return error_nomem(reterr);
	}
	for (size_t i = 0; i < set->n_templates; i++)
		if (!report_never(l, set->templates[i].ast,
			set->templates[i].policy, FOLD_NO_INSTANCE, &never,
			reterr))
			return false;
	return true;
}

/* ---- a set ----------------------------------------------------------------
 */

static bool
lint(struct lint *l, struct error *reterr)
{
	struct normal_options options = NORMAL_DEFAULTS;

	options.below_max = BELOW_MAX;
	options.denied = true;
	if (l->set->closed &&
	    !validate_fits(l->set->closed, l->set, l->spare, &l->fits, reterr))
		return false;
	if (!normal_make(l->spare, l->set, &options, &l->n, reterr))
		return false;
	l->verdicts =
	    ARENA_ARRAY(l->spare, l->set->n_instances, struct verdict);
	if (!l->verdicts || !judge(l))
		return error_nomem(reterr);
	return report(l, reterr);
}

bool
policy_set_lint(const struct policy_set *set, struct arena *a,
    struct policy_lint *ret, struct error *reterr)
{
	struct lint l = {
		.set = set, .a = a, .spare = arena_new(0), .each = arena_new(0)
	};
	bool ok = l.spare && l.each ? lint(&l, reterr) : error_nomem(reterr);

	if (ok)
		*ret = (struct policy_lint){ l.found, l.others, l.n_found,
			l.dropped, l.n->is_cut, l.n_unfit, l.unfit_at };
	arena_free(l.spare);
	arena_free(l.each);
	return ok;
}
