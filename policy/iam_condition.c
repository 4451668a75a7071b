/* iam_condition.c - the Condition element: operators over context keys.
 * Each entry becomes one `when`: entries are joined by and, the values of one
 * by or. A key that is missing fails a positive test and passes a negated one,
 * and passes every test with IfExists; ForAllValues passes on a key that is
 * missing or empty, ForAnyValue fails. A variable without a value has no
 * certain meaning where missing would pass, so that there only keys that every
 * request has are taken.
 * Source: the IAM user's guide, "Condition operators", "Multivalued keys". */
#include <ctype.h>
#include <stdio.h>

#include "base/timefmt.h"
#include "policy/iam.h"

enum test {
	TEST_NONE = 0,
	TEST_EQUALS,
	TEST_NO_CASE,
	TEST_LIKE,
	TEST_ARN,
	TEST_NUMBER,
	TEST_DATE,
	TEST_BOOL,
	TEST_ADDRESS,
};

static const struct operator
{
	const char *name;
	enum test test;
	bool negated;
	const char *sign; /* NUMBER, DATE */
}
operators[] = {
	{ "StringEquals", TEST_EQUALS, false, NULL },
	{ "StringNotEquals", TEST_EQUALS, true, NULL },
	{ "StringEqualsIgnoreCase", TEST_NO_CASE, false, NULL },
	{ "StringNotEqualsIgnoreCase", TEST_NO_CASE, true, NULL },
	{ "StringLike", TEST_LIKE, false, NULL },
	{ "StringNotLike", TEST_LIKE, true, NULL },
	{ "ArnEquals", TEST_ARN, false, NULL },
	{ "ArnLike", TEST_ARN, false, NULL },
	{ "ArnNotEquals", TEST_ARN, true, NULL },
	{ "ArnNotLike", TEST_ARN, true, NULL },
	{ "NumericEquals", TEST_NUMBER, false, "==" },
	{ "NumericNotEquals", TEST_NUMBER, true, "==" },
	{ "NumericLessThan", TEST_NUMBER, false, "<" },
	{ "NumericLessThanEquals", TEST_NUMBER, false, "<=" },
	{ "NumericGreaterThan", TEST_NUMBER, false, ">" },
	{ "NumericGreaterThanEquals", TEST_NUMBER, false, ">=" },
	{ "DateEquals", TEST_DATE, false, "==" },
	{ "DateNotEquals", TEST_DATE, true, "==" },
	{ "DateLessThan", TEST_DATE, false, "<" },
	{ "DateLessThanEquals", TEST_DATE, false, "<=" },
	{ "DateGreaterThan", TEST_DATE, false, ">" },
	{ "DateGreaterThanEquals", TEST_DATE, false, ">=" },
	{ "Bool", TEST_BOOL, false, NULL },
	{ "IpAddress", TEST_ADDRESS, false, NULL },
	{ "NotIpAddress", TEST_ADDRESS, true, NULL },
};

/* Keys that gates fill under names of their own. */
static const struct alias {
	struct str key, path, name;
	enum iam_kind kind;
} aliases[] = {
	{ STR_INIT("aws:currenttime"), STR_INIT("context.now"), STR_INIT("now"),
	    IAM_DATE },
	{ STR_INIT("aws:sourceip"), STR_INIT("context.sourceIp"),
	    STR_INIT("sourceIp"), IAM_ADDRESS },
};

/* Keys that the guide says every request has. */
static const struct str always[] = {
	STR_INIT("aws:currenttime"),
	STR_INIT("aws:epochtime"),
	STR_INIT("aws:principalaccount"),
	STR_INIT("aws:principaltype"),
	STR_INIT("aws:requestedregion"),
	STR_INIT("aws:userid"),
	STR_INIT("aws:viaawsservice"),
};

enum many { MANY_NONE = 0, MANY_ALL, MANY_ANY };

struct entry {
	const struct operator* op;
	enum many many;
	bool if_exists;
	struct str key; /* lower case */
	const json_t *values;
	const struct iam_text *texts;
	size_t n;
};

static const struct alias *
alias_of(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_eq(key, aliases[i].key))
			return &aliases[i];
	return NULL;
}

static bool
is_always(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (str_eq(key, always[i]))
			return true;
	return false;
}

void
iam_write_key(struct buf *out, struct str key)
{
	const struct alias *alias = alias_of(key);

	if (alias) {
		buf_add(out, alias->path);
		return;
	}
	buf_addz(out, "context[");
	value_print_string(out, value_string(key).string);
	buf_byte(out, ']');
}

static void
write_has(struct buf *out, struct str key)
{
	const struct alias *alias = alias_of(key);

	buf_addz(out, "context has ");
	if (alias)
		buf_add(out, alias->name);
	else
		value_print_string(out, key);
}

/* ---- what a key holds -----------------------------------------------------
 */

static enum iam_kind
kind_of(const struct entry *e)
{
	static const enum iam_kind kinds[] = {
		[TEST_EQUALS] = IAM_STRING,
		[TEST_NO_CASE] = IAM_STRING,
		[TEST_LIKE] = IAM_STRING,
		[TEST_ARN] = IAM_STRING,
		[TEST_NUMBER] = IAM_NUMBER,
		[TEST_DATE] = IAM_DATE,
		[TEST_BOOL] = IAM_BOOL,
		[TEST_ADDRESS] = IAM_ADDRESS,
	};

	return e->many ? IAM_STRINGS : kinds[e->op->test];
}

static bool
note_kind(struct iam *im, struct str key, enum iam_kind kind, const json_t *at)
{
	static const char *const names[] = { "", "a string", "a number",
		"a time", "a Boolean", "an address", "a set of strings" };
	const struct alias *alias = alias_of(key);
	enum iam_kind is = alias ? alias->kind : 0;

	for (size_t i = 0; i < im->n_keys; i++)
		if (str_eq(im->keys[i].name, key))
			is = im->keys[i].kind;
	if (is && is != kind)
		return iam_refuse(im, at, true, ERR_IMPORT_INEXACT,
		    "the key `%.*s` is read as %s here and is %s elsewhere",
		    STR_ARG(key), names[kind], names[is]);
	if (is)
		return true;
	if (!ARENA_PUSH_ROOM(im->arena, im->keys, im->n_keys, im->cap_keys))
		return iam_refuse(
		    im, at, true, ERR_LIMIT_MEMORY, "memory ran out");
	im->keys[im->n_keys++] = (struct iam_key){ key, kind };
	return true;
}

/* ---- values ----------------------------------------------------------------
 * Each writes one test over the key, true or false once the key is there. */

static bool
refuse_value(struct iam *im, const json_t *at, const char *want)
{
	return iam_refuse(
	    im, at, false, ERR_IMPORT_INEXACT, "expected %s", want);
}

/* The text of a string, a number or a Boolean. */
static struct str
plain_text(const json_t *v, char buf[static 32])
{
	if (json_is_string(v))
		return json_str(v);
	if (json_is_integer(v))
		(void)snprintf(
		    buf, 32, "%lld", (long long)json_integer_value(v));
	else
		(void)snprintf(buf, 32, "%s",
		    json_is_true(v)    ? "true"
		    : json_is_false(v) ? "false"
				       : "");
	return str_of(buf);
}

static bool
write_number(struct iam *im, const json_t *v, struct buf *out)
{
	char buf[32];
	struct str s = plain_text(v, buf);
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t n;

	if (!str_to_u64(str_sub(s, negative, s.n), INT64_MAX, &n))
		return refuse_value(im, v, "a whole number of 64 bits");
	buf_printf(out, "%s%llu", negative ? "-" : "", (unsigned long long)n);
	return true;
}

/* ISO 8601, or seconds since 1970. */
static bool
write_date(struct iam *im, const json_t *v, struct buf *out)
{
	char buf[32];
	struct str s = plain_text(v, buf);
	uint64_t seconds;
	int64_t ms;

	if (str_to_u64(s, INT64_MAX / 1000, &seconds))
		ms = (int64_t)seconds * 1000;
	else if (!time_parse_datetime(s, &ms))
		return refuse_value(
		    im, v, "a time such as `2026-03-01T12:00:00Z`");
	if (ms / 1000 > 253402300799)
		return refuse_value(im, v, "a time before the year 10000");
	buf_addz(out, "datetime(\"");
	time_print_datetime(out, ms);
	buf_addz(out, "\")");
	return true;
}

static bool
write_bool(struct iam *im, const json_t *v, struct buf *out)
{
	char buf[32];
	struct str s = plain_text(v, buf);

	if (!str_eq(s, STR("true")) && !str_eq(s, STR("false")))
		return refuse_value(im, v, "`true` or `false`");
	buf_add(out, s);
	return true;
}

static bool
write_address(struct iam *im, const json_t *v, struct buf *out)
{
	struct value ip;

	if (!json_is_string(v) ||
	    !value_construct(STR("ip"), json_str(v), &ip, NULL))
		return refuse_value(
		    im, v, "an address or network such as `10.0.0.0/8`");
	buf_addz(out, "ip(");
	value_print_string(out, json_str(v));
	buf_byte(out, ')');
	return true;
}

static bool
write_value_test(
    struct iam *im, const struct entry *e, const json_t *v, struct buf *out)
{
	iam_write_key(out, e->key);
	if (e->op->test == TEST_ADDRESS) {
		buf_addz(out, ".isInRange(");
		if (!write_address(im, v, out))
			return false;
		buf_byte(out, ')');
		return true;
	}
	buf_printf(out, " %s ", e->op->sign ? e->op->sign : "==");
	if (e->op->test == TEST_NUMBER)
		return write_number(im, v, out);
	if (e->op->test == TEST_DATE)
		return write_date(im, v, out);
	return write_bool(im, v, out);
}

/* Numbers, times, Booleans, addresses: one test a value, joined by or. */
static bool
write_values(struct iam *im, const struct entry *e, struct buf *out)
{
	size_t n = json_is_array(e->values) ? json_array_size(e->values) : 1;

	if (n == 0)
		return iam_refuse(im, e->values, false, ERR_IMPORT_SHAPE,
		    "expected at least one value");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addz(out, " || ");
		if (!write_value_test(im, e,
			json_is_array(e->values) ? json_array_get(e->values, i)
						 : e->values,
			out))
			return false;
	}
	return true;
}

/* ---- strings --------------------------------------------------------------
 */

static void
write_list(struct buf *out, const struct entry *e)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < e->n; i++) {
		buf_addz(out, i > 0 ? ", " : "");
		iam_write_string(out, &e->texts[i]);
	}
	buf_byte(out, ']');
}

static bool
is_arn(const struct iam_text *t)
{
	size_t colons = 0;

	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0;
		     t->parts[i].kind == IAM_LITERAL && j < t->parts[i].text.n;
		     j++)
			colons += t->parts[i].text.p[j] == ':';
	return colons >= 5;
}

/* Has an ARN a wildcard before its sixth part? */
static bool
is_wild_before_resource(const struct iam_text *t)
{
	size_t colons = 0;

	for (size_t i = 0; i < t->n && colons < 5; i++) {
		const struct iam_part *p = &t->parts[i];

		if (p->kind != IAM_LITERAL)
			return true;
		for (size_t j = 0; j < p->text.n; j++)
			colons += p->text.p[j] == ':';
	}
	return false;
}

static bool
needs_regex(const struct entry *e, const struct iam_text *t)
{
	return e->op->test == TEST_NO_CASE || t->has_any ||
	       (e->op->test == TEST_ARN && is_wild_before_resource(t));
}

static enum iam_regex
regex_of(const struct entry *e)
{
	if (e->op->test == TEST_NO_CASE)
		return IAM_REGEX_NO_CASE;
	return e->op->test == TEST_ARN ? IAM_REGEX_ARN : IAM_REGEX_WILD;
}

/* `key OPERATOR pattern` of one text, where the operators are `like` and
 * `matches` or, over a set, two of its methods. */
static bool
write_pattern_test(struct iam *im, const struct entry *e,
    const struct iam_text *t, struct buf *out)
{
	static const char *const words[][2] = {
		[MANY_NONE] = { " like ", " matches " },
		[MANY_ALL] = { ".allLike(", ".allMatches(" },
		[MANY_ANY] = { ".anyLike(", ".anyMatches(" },
	};
	bool regex = needs_regex(e, t), ok = true;

	iam_write_key(out, e->key);
	buf_addz(out, words[e->many][regex]);
	if (regex)
		ok = iam_write_regex(im, out, t, 1, regex_of(e));
	else
		iam_write_pattern(out, t);
	if (e->many)
		buf_byte(out, ')');
	return ok;
}

/* Every element of the key's set matches one of several patterns. */
static bool
write_all_of_many(struct iam *im, const struct entry *e, struct buf *out)
{
	iam_write_key(out, e->key);
	buf_addz(out, ".allMatches(");
	if (!iam_write_regex(im, out, e->texts, e->n, regex_of(e)))
		return false;
	buf_byte(out, ')');
	return true;
}

static bool
write_patterns(
    struct iam *im, const struct entry *e, enum many many, struct buf *out)
{
	struct entry as = *e;

	as.many = many;
	if (many == MANY_ALL && e->n > 1)
		return write_all_of_many(im, &as, out);
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0)
			buf_addz(out, " || ");
		if (!write_pattern_test(im, &as, &e->texts[i], out))
			return false;
	}
	return true;
}

/* The key, or its elements, equal to one of the values. */
static void
write_equals(const struct entry *e, enum many many, struct buf *out)
{
	if (many == MANY_ANY) {
		iam_write_key(out, e->key);
		buf_addz(out, ".containsAny(");
		write_list(out, e);
		buf_byte(out, ')');
		return;
	}
	if (many == MANY_NONE && e->n == 1) {
		iam_write_key(out, e->key);
		buf_addz(out, " == ");
		if (e->texts[0].has_variable)
			iam_write_key(out, e->texts[0].parts[0].text);
		else
			iam_write_string(out, &e->texts[0]);
		return;
	}
	write_list(out, e);
	buf_addz(out, many == MANY_ALL ? ".containsAll(" : ".contains(");
	iam_write_key(out, e->key);
	buf_byte(out, ')');
}

/* A variable stands alone, as the only value of an equality. */
static bool
check_variables(struct iam *im, const struct entry *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct iam_text *t = &e->texts[i];

		if (!t->has_variable)
			continue;
		if (e->op->test != TEST_EQUALS || e->n > 1 || t->n > 1 ||
		    e->many)
			return iam_refuse(im, t->at, false, ERR_IMPORT_INEXACT,
			    "a variable can be said only as the whole and "
			    "only value of StringEquals");
		if (!is_always(t->parts[0].text) &&
		    (e->op->negated || e->if_exists))
			return iam_refuse(im, t->at, false, ERR_IMPORT_INEXACT,
			    "what a variable without a value means here is "
			    "not certain");
		return note_kind(im, t->parts[0].text, IAM_STRING, t->at);
	}
	return true;
}

static bool
check_arns(struct iam *im, const struct entry *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->op->test == TEST_ARN && !is_arn(&e->texts[i]))
			return iam_refuse(im, e->texts[i].at, false,
			    ERR_IMPORT_INEXACT,
			    "expected an ARN, with five colons");
	return true;
}

static bool
write_strings(struct iam *im, struct entry *e, struct buf *out)
{
	enum iam_wild wild = e->op->test == TEST_LIKE || e->op->test == TEST_ARN
				 ? IAM_WILD
				 : IAM_PLAIN;
	enum many many = e->many;

	if (!iam_texts_read(im, e->values, wild, false, &e->texts, &e->n) ||
	    !check_variables(im, e) || !check_arns(im, e))
		return false;
	/* Not (every element is none of these) is: one of them is. */
	if (e->op->negated && many)
		many = many == MANY_ALL ? MANY_ANY : MANY_ALL;
	if (e->op->test != TEST_EQUALS)
		return write_patterns(im, e, many, out);
	write_equals(e, many, out);
	return true;
}

/* ---- entries --------------------------------------------------------------
 */

/* What stands before the test for a key, or variable, that may be missing. */
static void
write_guard(const struct entry *e, struct buf *out)
{
	bool passes = e->if_exists || e->many == MANY_ALL ||
		      (e->op->negated && e->many != MANY_ANY);
	const struct iam_text *t = e->n == 1 ? e->texts : NULL;

	if (!is_always(e->key)) {
		buf_addz(out, passes ? "!(" : "");
		write_has(out, e->key);
		buf_addz(out, passes ? ") || " : " && ");
	}
	if (t && t->has_variable && !is_always(t->parts[0].text)) {
		write_has(out, t->parts[0].text);
		buf_addz(out, " && ");
	}
}

/* Is the test a chain of `||`? */
static bool
is_joined(const struct entry *e)
{
	if (e->op->test > TEST_ARN)
		return json_array_size(e->values) > 1;
	return e->op->test != TEST_EQUALS && e->n > 1;
}

static bool
write_entry(struct iam *im, struct entry *e, struct buf *out)
{
	bool is_text = e->op->test <= TEST_ARN, closed;
	struct buf test = { 0 };
	bool ok;

	ok = note_kind(im, e->key, kind_of(e), e->values) &&
	     (is_text ? write_strings(im, e, &test)
		      : write_values(im, e, &test));
	if (ok) {
		closed = e->op->negated || is_joined(e);
		buf_addz(out, "when { ");
		write_guard(e, out);
		buf_addz(out, e->op->negated ? "!" : "");
		buf_printf(out, "%s%.*s%s }\n", closed ? "(" : "",
		    STR_ARG(buf_str(&test)), closed ? ")" : "");
	}
	out->failed = out->failed || test.failed;
	buf_free(&test);
	return ok;
}

/* Null: is the key missing? */
static bool
write_null(struct iam *im, struct str key, const json_t *value, struct buf *out)
{
	char text[32];
	struct str s;

	if (json_is_array(value) && json_array_size(value) == 1)
		value = json_array_get(value, 0);
	s = plain_text(value, text);
	if (!str_eq(s, STR("true")) && !str_eq(s, STR("false")))
		return refuse_value(im, value, "`true` or `false`");
	buf_addz(out, s.p[0] == 't' ? "when { !(" : "when { ");
	write_has(out, key);
	buf_addz(out, s.p[0] == 't' ? ") }\n" : " }\n");
	return true;
}

static struct str
lower_key(struct iam *im, const char *name)
{
	char *copy = (char *)(uintptr_t)str_z(im->arena, str_of(name));

	for (char *c = copy; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return str_of(copy);
}

/* `ForAnyValue:StringLikeIfExists` in its parts. */
static bool
read_operator(
    struct iam *im, const char *name, const json_t *at, struct entry *ret)
{
	static const struct str all = STR_INIT("ForAllValues:"),
				any = STR_INIT("ForAnyValue:"),
				exists = STR_INIT("IfExists");
	struct str s = str_of(name);

	ret->many = str_has_prefix(s, all)   ? MANY_ALL
		    : str_has_prefix(s, any) ? MANY_ANY
					     : MANY_NONE;
	if (ret->many)
		s = str_sub(s, ret->many == MANY_ALL ? all.n : any.n, s.n);
	ret->if_exists = str_has_suffix(s, exists);
	if (ret->if_exists)
		s = str_sub(s, 0, s.n - exists.n);
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (str_eq(s, str_of(operators[i].name)))
			ret->op = &operators[i];
	if (!ret->op)
		return iam_refuse(im, at, true, ERR_IMPORT_INEXACT,
		    "the operator `%s` cannot be said", name);
	if (ret->many && ret->op->test > TEST_ARN)
		return iam_refuse(im, at, true, ERR_IMPORT_INEXACT,
		    "only sets of strings can be said, found `%s`", name);
	return true;
}

static bool
write_operator(
    struct iam *im, const char *name, const json_t *block, struct buf *out)
{
	bool is_null = strcmp(name, "Null") == 0, ok = true;
	struct entry e = { 0 };
	const char *key;
	json_t *values;

	if (!json_is_object(block))
		return iam_refuse(im, block, false, ERR_IMPORT_SHAPE,
		    "expected an object of condition keys");
	im->within = block;
	if (!is_null && !read_operator(im, name, block, &e))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)block, key, values) {
		struct entry one = e;

		one.key = lower_key(im, key);
		one.values = values;
		ok = (is_null ? write_null(im, one.key, values, out)
			      : write_entry(im, &one, out)) &&
		     ok;
	}
	return ok;
}

bool
iam_write_conditions(struct iam *im, const json_t *condition, struct buf *out)
{
	const char *name;
	json_t *block;
	bool ok = true;

	if (!json_is_object(condition))
		return iam_refuse(im, condition, false, ERR_IMPORT_SHAPE,
		    "expected an object of condition operators");
	json_object_foreach ((json_t *)(uintptr_t)condition, name, block)
		ok = write_operator(im, name, block, out) && ok;
	return ok;
}
