/* operate.c - what the operators of the language do with values.
 * Cedar's rules, exactly: equality is total, everything else wants its kinds;
 * `in` wants every member of a set to be an entity even if one already matches;
 * an entity that is not in the data has no attributes, no tags and no
 * ancestors. Numbers are 64 bits, and what does not fit is an error. */
#include "policy/operate.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "policy/pattern.h"

/* As error_set begins, in place: a decision may have thousands of errors. What
 * texts of others a message has are clipped, so that all of it fits. NULL:
 * nobody asks for words, or there are some. */
static struct error *
begin_error(const struct operation *o, enum err_code code)
{
	struct error *e = o->reterr;

	if (!e || e->code != ERR_NONE)
		return NULL;
	e->code = code;
	if (o->is_terse)
		return NULL;
	e->at = ast_span(o->ast, o->node);
	e->hint[0] = '\0';
	return e;
}

bool
operate_fail(
    const struct operation *o, enum err_code code, const char *fmt, ...)
{
	struct error *e = begin_error(o, code);
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	if (vsnprintf(e->msg, sizeof e->msg, fmt, ap) < 0)
		e->msg[0] = '\0';
	va_end(ap);
	return false;
}

/* `what` needs KIND, found KIND. */
bool
operate_check(const struct operation *o, const char *what, enum value_kind kind,
    const struct value *x)
{
	return x->kind == kind ||
	       operate_fail(o, ERR_EVAL_TYPE, "`%s` needs %s %s, found %s",
		   what, kind == VALUE_ENTITY ? "an" : "a",
		   value_kind_name(kind), value_kind_name(x->kind));
}

/* Text of a node, for messages: clipped, on a whole character. */
struct clip {
	char text[64];
};

static struct clip
clip(struct str s)
{
	struct clip c UNZEROED;
	bool whole = s.n < sizeof c.text;

	if (!whole) {
		s.n = sizeof c.text - 4;
		while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	s.n = s.n ? strnlen(s.p, s.n) : 0;
	if (s.n)
		memcpy(c.text, s.p, s.n);
	memcpy(c.text + s.n, whole ? "" : "...", whole ? 1 : 4);
	return c;
}

/* What is written as the operand on the left. */
static struct clip
operand_text(const struct operation *o)
{
	const struct ast_node *n = &o->ast->nodes[o->node];

	if (n->kind != NODE_ATTR && n->kind != NODE_METHOD)
		return clip(STR("it"));
	n = &o->ast->nodes[n->a];
	return clip(ast_text(o->ast, n));
}

/* By far the most errors are this one: put together without a format. */
static void
fail_attribute(const struct operation *o, struct str name)
{
	struct error *e = begin_error(o, ERR_EVAL_MISSING_ATTRIBUTE);
	struct clip operand UNZEROED, attribute UNZEROED;
	struct buf b;

	if (!e)
		return;
	operand = operand_text(o);
	attribute = clip(name);
	b = buf_over(e->msg, sizeof e->msg);
	buf_add(&b, STR("`"));
	buf_addz(&b, operand.text);
	buf_add(&b, STR("` has no attribute `"));
	buf_addz(&b, attribute.text);
	buf_add(&b, STR("`"));
	buf_free(&b);
}

/* A decision allocates nothing, not for its errors either: what clip shows of a
 * uid comes from the first bytes of its parts. */
static struct clip
uid_text(struct uid uid)
{
	char room[20 * sizeof(struct clip)];
	struct buf b = buf_over(room, sizeof room);
	struct clip c;

	uid.type = str_sub(uid.type, 0, sizeof c.text);
	uid.id = str_sub(uid.id, 0, sizeof c.text);
	value_print_uid(&b, uid);
	c = clip(buf_str(&b));
	buf_free(&b);
	return c;
}

static void
fail_entity(const struct operation *o, struct uid uid, struct str name)
{
	/* Both texts cost more than finding out that nobody asks. */
	if (o->is_terse)
		(void)begin_error(o, ERR_EVAL_MISSING_ENTITY);
	else
		(void)operate_fail(o, ERR_EVAL_MISSING_ENTITY,
		    "`%s` is not in the data, so it has no attribute `%s`",
		    uid_text(uid).text, clip(name).text);
}

/* Does nothing inside wait for data? */
static bool
is_known(const struct value *v)
{
	if (v->kind == VALUE_SET)
		for (size_t i = 0; i < v->set.n; i++)
			if (!is_known(&v->set.items[i]))
				return false;
	if (v->kind == VALUE_RECORD)
		for (size_t i = 0; i < v->record.n; i++)
			if (!is_known(&v->record.fields[i].value))
				return false;
	return v->kind != VALUE_UNKNOWN;
}

static enum found
yes_or_no(struct value *ret, bool b)
{
	*ret = value_bool(b);
	return FOUND_VALUE;
}

/* --- numbers ----------------------------------------------------------- */

static enum found
arithmetic(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *y, struct value *ret)
{
	int64_t n;
	bool overflow;

	if (x->kind != VALUE_LONG || y->kind != VALUE_LONG) {
		(void)operate_fail(o, ERR_EVAL_TYPE,
		    "`%s` needs two longs, found %s and %s", ast_op_text(op),
		    value_kind_name(x->kind), value_kind_name(y->kind));
		return FOUND_NOTHING;
	}
	if (op == OP_ADD)
		overflow = __builtin_add_overflow(x->number, y->number, &n);
	else if (op == OP_SUB)
		overflow = __builtin_sub_overflow(x->number, y->number, &n);
	else
		overflow = __builtin_mul_overflow(x->number, y->number, &n);
	if (overflow) {
		(void)operate_fail(o, ERR_EVAL_OVERFLOW,
		    "the result of `%s` does not fit into 64 bits",
		    ast_op_text(op));
		return FOUND_NOTHING;
	}
	*ret = value_long(n);
	return FOUND_VALUE;
}

enum found
operate_negate(const struct operation *o, struct value *inout)
{
	int64_t n;

	if (!operate_check(o, "-", VALUE_LONG, inout))
		return FOUND_NOTHING;
	if (__builtin_sub_overflow(0, inout->number, &n)) {
		(void)operate_fail(o, ERR_EVAL_OVERFLOW,
		    "the result of `-` does not fit into 64 bits");
		return FOUND_NOTHING;
	}
	*inout = value_long(n);
	return FOUND_VALUE;
}

static enum found
compare(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *y, struct value *ret)
{
	bool ordered = x->kind == VALUE_LONG || x->kind == VALUE_DATETIME ||
		       x->kind == VALUE_DURATION;

	if (!ordered || x->kind != y->kind) {
		(void)operate_fail(o, ERR_EVAL_TYPE,
		    "`%s` needs two longs, datetimes or durations, found %s "
		    "and %s",
		    ast_op_text(op), value_kind_name(x->kind),
		    value_kind_name(y->kind));
		return FOUND_NOTHING;
	}
	if (op == OP_LT)
		return yes_or_no(ret, x->number < y->number);
	if (op == OP_LE)
		return yes_or_no(ret, x->number <= y->number);
	if (op == OP_GT)
		return yes_or_no(ret, x->number > y->number);
	return yes_or_no(ret, x->number >= y->number);
}

/* --- entities ---------------------------------------------------------- */

/* `x in set`: all members are looked at first, since one of another kind is an
 * error wherever it stands. */
static bool
is_in_any(
    const struct operation *o, struct uid x, const struct value *set, bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < set->set.n; i++)
		if (set->set.items[i].kind != VALUE_ENTITY)
			return operate_fail(o, ERR_EVAL_TYPE,
			    "`in` needs a set of entities, found %s in it",
			    value_kind_name(set->set.items[i].kind));
	for (size_t i = 0; i < set->set.n && !*ret; i++)
		if (!entities_reach(o->entities, x, set->set.items[i].uid,
			o->scratch, ret, o->reterr))
			return false;
	return true;
}

static enum found
is_in(const struct operation *o, const struct value *x, const struct value *y,
    struct value *ret)
{
	bool in = false, ok;

	if (!operate_check(o, "in", VALUE_ENTITY, x))
		return FOUND_NOTHING;
	if (y->kind == VALUE_SET)
		ok = is_in_any(o, x->uid, y, &in);
	else if (y->kind == VALUE_ENTITY)
		ok = entities_reach(
		    o->entities, x->uid, y->uid, o->scratch, &in, o->reterr);
	else
		ok = operate_fail(o, ERR_EVAL_TYPE,
		    "`in` needs an entity or a set of entities on its right, "
		    "found %s",
		    value_kind_name(y->kind));
	return ok ? yes_or_no(ret, in) : FOUND_NOTHING;
}

enum found
operate_binary(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *y, struct value *ret)
{
	if (op == OP_ADD || op == OP_SUB || op == OP_MUL)
		return arithmetic(o, op, x, y, ret);
	if (op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE)
		return compare(o, op, x, y, ret);
	if (!is_known(x) || !is_known(y))
		return FOUND_UNKNOWN;
	if (op == OP_IN)
		return is_in(o, x, y, ret);
	return yes_or_no(ret, value_eq(x, y) == (op == OP_EQ));
}

/* --- attributes and tags ----------------------------------------------- */

/* The fields that `x` has: its own, or those of the entity's record; NULL for
 * an entity without one. False, without an error set, for other kinds; with
 * one, where the record cannot be read: the first error stays. */
static bool
fields_of(
    const struct operation *o, const struct value *x, const struct value **ret)
{
	const struct entity *e;

	if (x->kind == VALUE_RECORD) {
		*ret = x;
		return true;
	}
	if (x->kind != VALUE_ENTITY)
		return false;
	if (!entities_find(o->entities, x->uid, o->scratch, &e, o->reterr))
		return false;
	*ret = e ? &e->attrs : NULL;
	return true;
}

static enum found
give(const struct value *v, struct value *ret)
{
	if (v->kind == VALUE_UNKNOWN)
		return FOUND_UNKNOWN;
	*ret = *v;
	return FOUND_VALUE;
}

enum found
operate_attribute(const struct operation *o, const struct value *x,
    struct str name, struct value *ret)
{
	const struct value *fields, *v;

	if (!fields_of(o, x, &fields))
		(void)operate_fail(o, ERR_EVAL_TYPE,
		    "only entities and records have attributes, found %s",
		    value_kind_name(x->kind));
	else if (!fields)
		fail_entity(o, x->uid, name);
	else if (!(v = value_get(fields, name)))
		fail_attribute(o, name);
	else
		return give(v, ret);
	return FOUND_NOTHING;
}

enum found
operate_has(const struct operation *o, const struct value *x,
    const uint32_t *names, size_t n, struct value *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct value *fields;

		if (!fields_of(o, x, &fields)) {
			(void)operate_fail(o, ERR_EVAL_TYPE,
			    "`has` needs an entity or a record, found %s",
			    value_kind_name(x->kind));
			return FOUND_NOTHING;
		}
		x = fields ? value_get(fields, o->ast->strings[names[i]])
			   : NULL;
		if (!x)
			return yes_or_no(ret, false);
		if (x->kind == VALUE_UNKNOWN)
			return FOUND_UNKNOWN;
	}
	return yes_or_no(ret, true);
}

static enum found
tag(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *name, struct value *ret)
{
	const struct entity *e;
	const struct value *v;

	if (!operate_check(o, ast_op_text(op), VALUE_ENTITY, x) ||
	    !operate_check(o, ast_op_text(op), VALUE_STRING, name))
		return FOUND_NOTHING;
	if (!entities_find(o->entities, x->uid, o->scratch, &e, o->reterr))
		return FOUND_NOTHING;
	v = e ? value_get(&e->tags, name->string) : NULL;
	if (op == OP_HAS_TAG && (!v || v->kind != VALUE_UNKNOWN))
		return yes_or_no(ret, v != NULL);
	if (v)
		return give(v, ret);
	if (e)
		(void)operate_fail(o, ERR_EVAL_MISSING_TAG,
		    "`%s` has no tag `%s`", operand_text(o).text,
		    clip(name->string).text);
	else
		(void)operate_fail(o, ERR_EVAL_MISSING_ENTITY,
		    "`%s` is not in the data, so it has no tag `%s`",
		    uid_text(x->uid).text, clip(name->string).text);
	return FOUND_NOTHING;
}

/* --- sets and strings -------------------------------------------------- */

/* How many items of `y` are in `x`, counting no farther than needed: stops at
 * the first one that is not (`all`) or is. */
static bool
contains_items(const struct value *x, const struct value *y, bool all)
{
	for (size_t i = 0; i < y->set.n; i++)
		if (value_set_contains(x, &y->set.items[i]) != all)
			return !all;
	return all;
}

static enum found
set_method(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *arg, struct value *ret)
{
	const char *name = ast_op_text(op);

	if (!operate_check(o, name, VALUE_SET, x))
		return FOUND_NOTHING;
	if (op == OP_IS_EMPTY)
		return yes_or_no(ret, x->set.n == 0);
	if (op != OP_CONTAINS && !operate_check(o, name, VALUE_SET, arg))
		return FOUND_NOTHING;
	if (!is_known(x) || !is_known(arg))
		return FOUND_UNKNOWN;
	if (op == OP_CONTAINS)
		return yes_or_no(ret, value_set_contains(x, arg));
	return yes_or_no(ret, contains_items(x, arg, op == OP_CONTAINS_ALL));
}

enum found
operate_method(const struct operation *o, enum ast_op op, const struct value *x,
    const struct value *args, size_t n, struct value *ret)
{
	size_t arity = op == OP_IS_EMPTY ? 0 : 1;

	if (n != arity) {
		(void)operate_fail(o, ERR_EVAL_ARITY,
		    "`%s` takes %zu arguments, found %zu", ast_op_text(op),
		    arity, n);
		return FOUND_NOTHING;
	}
	if (op == OP_GET_TAG || op == OP_HAS_TAG)
		return tag(o, op, x, args, ret);
	return set_method(o, op, x, args, ret);
}

enum found
operate_like(const struct operation *o, const struct value *x,
    const struct ast_part *parts, size_t n, struct value *ret)
{
	if (!operate_check(o, "like", VALUE_STRING, x))
		return FOUND_NOTHING;
	return yes_or_no(ret, pattern_match(parts, n, NULL, x->string));
}

/* --- regular expressions ------------------------------------------------ */

static bool
check_subject(const struct operation *o, struct str text)
{
	return text.n <= LIMIT_SUBJECT_BYTES ||
	       operate_fail(o, ERR_EVAL_SUBJECT,
		   "the text is %zu bytes, a pattern looks at %u at most",
		   text.n, LIMIT_SUBJECT_BYTES);
}

static enum found
search(const struct operation *o, const struct pattern_regex *regex,
    struct str text, uint32_t steps, struct value *ret)
{
	enum pattern_answer answer = pattern_search(regex, text, steps);

	if (answer == PATTERN_YES || answer == PATTERN_NO)
		return yes_or_no(ret, answer == PATTERN_YES);
	if (answer == PATTERN_OVER_LIMIT)
		(void)operate_fail(o, ERR_EVAL_PATTERN,
		    "the pattern takes more steps or memory than its limit "
		    "on this text");
	else
		(void)operate_fail(o, ERR_LIMIT_MEMORY,
		    "the pattern could not be matched: memory ran out, or the "
		    "text is not UTF-8");
	return FOUND_NOTHING;
}

enum found
operate_matches(const struct operation *o, const struct value *x,
    const struct pattern_regex *regex, struct value *ret)
{
	if (!operate_check(o, "matches", VALUE_STRING, x) ||
	    !check_subject(o, x->string))
		return FOUND_NOTHING;
	return search(o, regex, x->string, LIMIT_PATTERN_MATCH, ret);
}

/* --- every member of a set ---------------------------------------------- */

static bool
check_members(const struct operation *o, enum ast_op op, const struct value *x)
{
	bool regex = op == OP_ANY_MATCHES || op == OP_ALL_MATCHES;

	for (size_t i = 0; i < x->set.n; i++) {
		const struct value *item = &x->set.items[i];

		if (item->kind != VALUE_STRING)
			return operate_fail(o, ERR_EVAL_TYPE,
			    "`%s` needs a set of strings, found %s in it",
			    ast_op_text(op), value_kind_name(item->kind));
		if (regex && !check_subject(o, item->string))
			return false;
	}
	return true;
}

/* The members share the steps of one match, but each has enough for a simple
 * pattern. */
static uint32_t
steps_each(size_t n)
{
	size_t share = LIMIT_PATTERN_MATCH / (n ? n : 1);

	return share > LIMIT_PATTERN_MATCH_LEAST ? (uint32_t)share
						 : LIMIT_PATTERN_MATCH_LEAST;
}

static enum found
match_member(const struct operation *o, const struct ast_node *pattern,
    struct str text, uint32_t steps, struct value *ret)
{
	const struct ast *t = o->ast;

	if (pattern->kind == NODE_REGEX)
		return search(
		    o, t->regexes[pattern->a].compiled, text, steps, ret);
	return yes_or_no(
	    ret, pattern_match(&t->parts[pattern->a], pattern->b, NULL, text));
}

enum found
operate_each(const struct operation *o, enum ast_op op, const struct value *x,
    uint32_t pattern, struct value *ret)
{
	bool any = op == OP_ANY_LIKE || op == OP_ANY_MATCHES;
	const struct value set = *x;
	uint32_t steps;

	if (!operate_check(o, ast_op_text(op), VALUE_SET, &set))
		return FOUND_NOTHING;
	if (!is_known(&set))
		return FOUND_UNKNOWN;
	if (!check_members(o, op, &set))
		return FOUND_NOTHING;
	steps = steps_each(set.set.n);
	for (size_t i = 0; i < set.set.n; i++) {
		enum found found = match_member(o, &o->ast->nodes[pattern],
		    set.set.items[i].string, steps, ret);

		if (found != FOUND_VALUE || ret->boolean == any)
			return found;
	}
	return yes_or_no(ret, !any);
}
