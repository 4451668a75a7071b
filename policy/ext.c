/* ext.c - parsers and methods of the extension types, behind one table.
 * A row says what kinds an operator takes and which function computes it; wrong
 * counts and kinds are refused in one place. What a version is: version.c.
 * `unknown` has no row that computes: it is an error, as in Cedar's concrete
 * evaluation. Networks: an address keeps its host bits and compares by all of
 * them; ranges are compared by prefix bits, so no shift by 32 or 128 ever
 * happens. */
#include "policy/ext.h"

#include <arpa/inet.h>

#include "base/timefmt.h"
#include "policy/version.h"

#define IP_TEXT_MAX 43u
#define DAY_MS INT64_C(86400000)

/* --- constructors ------------------------------------------------------ */

static bool
parse_prefix(struct str s, uint64_t max, uint8_t *ret)
{
	uint64_t prefix;

	if ((s.n > 1 && s.p[0] == '0') || s.n > 3 ||
	    !str_to_u64(s, max, &prefix))
		return false;
	*ret = (uint8_t)prefix;
	return true;
}

/* inet_pton reads exactly Cedar's forms, but for a dotted quad inside IPv6. */
static bool
parse_ip(struct str s, struct value *ret)
{
	size_t slash = str_find(s, '/', 0);
	struct str addr = str_sub(s, 0, slash);
	bool is_v6 = str_find(addr, ':', 0) < addr.n;
	struct value_ip ip = { .is_v6 = is_v6, .prefix = is_v6 ? 128 : 32 };
	char text[IP_TEXT_MAX + 1];

	if (s.n > IP_TEXT_MAX || str_find(addr, '\0', 0) < addr.n ||
	    (is_v6 && str_find(addr, '.', 0) < addr.n))
		return false;
	if (addr.n)
		memcpy(text, addr.p, addr.n);
	text[addr.n] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, ip.bytes) != 1)
		return false;
	if (slash < s.n &&
	    !parse_prefix(str_sub(s, slash + 1, s.n), ip.prefix, &ip.prefix))
		return false;
	*ret = (struct value){ .kind = VALUE_IP, .ip = ip, .text = s };
	return true;
}

/* Appends a digit to a number held negative: that side reaches farther. */
static bool
add_digit(int64_t *n, char c)
{
	return c >= '0' && c <= '9' && !__builtin_mul_overflow(*n, 10, n) &&
	       !__builtin_sub_overflow(*n, c - '0', n);
}

static bool
parse_decimal(struct str s, struct value *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	size_t first = negative ? 1 : 0, dot = str_find(s, '.', first);
	int64_t n = 0;

	if (dot == first || dot + 1 >= s.n || s.n - dot - 1 > 4)
		return false;
	for (size_t i = first; i < s.n; i++)
		if (i != dot && !add_digit(&n, s.p[i]))
			return false;
	for (size_t places = s.n - dot - 1; places < 4; places++)
		if (!add_digit(&n, '0'))
			return false;
	if (!negative && __builtin_sub_overflow(0, n, &n))
		return false;
	*ret = (struct value){ .kind = VALUE_DECIMAL, .number = n, .text = s };
	return true;
}

static bool
parse_datetime(struct str s, struct value *ret)
{
	int64_t ms;

	if (!time_parse_datetime(s, &ms))
		return false;
	*ret =
	    (struct value){ .kind = VALUE_DATETIME, .number = ms, .text = s };
	return true;
}

static bool
parse_duration(struct str s, struct value *ret)
{
	int64_t ms;

	if (!time_parse_duration(s, &ms))
		return false;
	*ret =
	    (struct value){ .kind = VALUE_DURATION, .number = ms, .text = s };
	return true;
}

static bool
parse_any_version(enum value_kind kind, struct str s, struct value *ret)
{
	if (!version_check(kind, s))
		return false;
	*ret = (struct value){ .kind = kind, .text = s };
	return true;
}

static bool
parse_version(struct str s, struct value *ret)
{
	return parse_any_version(VALUE_VERSION, s, ret);
}

static bool
parse_debversion(struct str s, struct value *ret)
{
	return parse_any_version(VALUE_DEBVERSION, s, ret);
}

static bool
parse_rpmversion(struct str s, struct value *ret)
{
	return parse_any_version(VALUE_RPMVERSION, s, ret);
}

/* --- networks ---------------------------------------------------------- */

static bool
is_inside(const struct value_ip *a, const struct value_ip *b)
{
	unsigned whole = b->prefix / 8, rest = b->prefix % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	if (a->is_v6 != b->is_v6 || a->prefix < b->prefix ||
	    memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

static bool
is_inside_either(const struct value *v, const struct value_ip nets[2])
{
	return is_inside(&v->ip, &nets[0]) || is_inside(&v->ip, &nets[1]);
}

static const struct value_ip loopback[] = {
	{ { 127 }, 8, false },
	{ { [15] = 1 }, 128, true },
};
static const struct value_ip multicast[] = {
	{ { 224 }, 4, false },
	{ { 0xff }, 8, true },
};

/* --- methods: false is an overflow ------------------------------------- */

#define PREDICATE(name, condition)                                             \
	static bool name(                                                      \
	    const struct value *x, const struct value *y, struct value *ret)   \
	{                                                                      \
		(void)y;                                                       \
		*ret = value_bool(condition);                                  \
		return true;                                                   \
	}
/* Decimals and versions; both of one kind. */
PREDICATE(less, value_cmp(x, y) < 0)
PREDICATE(less_or_equal, value_cmp(x, y) <= 0)
PREDICATE(greater, value_cmp(x, y) > 0)
PREDICATE(greater_or_equal, value_cmp(x, y) >= 0)
PREDICATE(is_ipv4, !x->ip.is_v6)
PREDICATE(is_ipv6, x->ip.is_v6)
PREDICATE(is_loopback, is_inside_either(x, loopback))
PREDICATE(is_multicast, is_inside_either(x, multicast))
PREDICATE(is_in_range, is_inside(&x->ip, &y->ip))

#define IN_UNITS(name, ms)                                                     \
	static bool name(                                                      \
	    const struct value *x, const struct value *y, struct value *ret)   \
	{                                                                      \
		(void)y;                                                       \
		*ret = value_long(x->number / (ms));                           \
		return true;                                                   \
	}
IN_UNITS(to_milliseconds, 1)
IN_UNITS(to_seconds, 1000)
IN_UNITS(to_minutes, 60000)
IN_UNITS(to_hours, 3600000)
IN_UNITS(to_days, DAY_MS)

static bool
offset(const struct value *x, const struct value *y, struct value *ret)
{
	*ret = (struct value){ .kind = VALUE_DATETIME };
	return !__builtin_add_overflow(x->number, y->number, &ret->number);
}

static bool
duration_since(const struct value *x, const struct value *y, struct value *ret)
{
	*ret = (struct value){ .kind = VALUE_DURATION };
	return !__builtin_sub_overflow(x->number, y->number, &ret->number);
}

/* Milliseconds since the day began, for times before 1970 too. */
static int64_t
ms_of_day(int64_t ms)
{
	return (ms % DAY_MS + DAY_MS) % DAY_MS;
}

static bool
to_date(const struct value *x, const struct value *y, struct value *ret)
{
	(void)y;
	*ret = (struct value){ .kind = VALUE_DATETIME };
	return !__builtin_sub_overflow(
	    x->number, ms_of_day(x->number), &ret->number);
}

static bool
to_time(const struct value *x, const struct value *y, struct value *ret)
{
	(void)y;
	*ret = (struct value){ .kind = VALUE_DURATION,
		.number = ms_of_day(x->number) };
	return true;
}

/* --- the table --------------------------------------------------------- */

static const struct row {
	const char *name;
	uint8_t arity; /* the receiver counted */
	enum value_kind kinds[2];
	bool orders; /* two decimals, or two versions of one kind */
	bool (*parse)(struct str, struct value *); /* a constructor */
	bool (*call)(
	    const struct value *x, const struct value *y, struct value *ret);
} rows[OP_COUNT] = {
#define EXT_FUNCTION(op, text, n) [op].name = text, [op].arity = (n),
#define EXT_METHOD(op, text, n) [op].name = text, [op].arity = 1 + (n),
#include "policy/ops.def"
#define TAKES(op, x, y, f) [op].kinds = { x, y }, [op].call = f
#define ORDERS(op, f) [op].orders = true, [op].call = f
	[OP_IP].parse = parse_ip,
	[OP_DECIMAL].parse = parse_decimal,
	[OP_DATETIME].parse = parse_datetime,
	[OP_DURATION].parse = parse_duration,
	[OP_VERSION].parse = parse_version,
	[OP_DEBVERSION].parse = parse_debversion,
	[OP_RPMVERSION].parse = parse_rpmversion,
	ORDERS(OP_LESS_THAN, less),
	ORDERS(OP_LESS_THAN_OR_EQUAL, less_or_equal),
	ORDERS(OP_GREATER_THAN, greater),
	ORDERS(OP_GREATER_THAN_OR_EQUAL, greater_or_equal),
	TAKES(OP_IS_IPV4, VALUE_IP, VALUE_NONE, is_ipv4),
	TAKES(OP_IS_IPV6, VALUE_IP, VALUE_NONE, is_ipv6),
	TAKES(OP_IS_LOOPBACK, VALUE_IP, VALUE_NONE, is_loopback),
	TAKES(OP_IS_MULTICAST, VALUE_IP, VALUE_NONE, is_multicast),
	TAKES(OP_IS_IN_RANGE, VALUE_IP, VALUE_IP, is_in_range),
	TAKES(OP_OFFSET, VALUE_DATETIME, VALUE_DURATION, offset),
	TAKES(
	    OP_DURATION_SINCE, VALUE_DATETIME, VALUE_DATETIME, duration_since),
	TAKES(OP_TO_DATE, VALUE_DATETIME, VALUE_NONE, to_date),
	TAKES(OP_TO_TIME, VALUE_DATETIME, VALUE_NONE, to_time),
	TAKES(OP_TO_MILLISECONDS, VALUE_DURATION, VALUE_NONE, to_milliseconds),
	TAKES(OP_TO_SECONDS, VALUE_DURATION, VALUE_NONE, to_seconds),
	TAKES(OP_TO_MINUTES, VALUE_DURATION, VALUE_NONE, to_minutes),
	TAKES(OP_TO_HOURS, VALUE_DURATION, VALUE_NONE, to_hours),
	TAKES(OP_TO_DAYS, VALUE_DURATION, VALUE_NONE, to_days),
};

enum ast_op
ext_find(struct str name)
{
	for (unsigned op = 0; op < OP_COUNT; op++)
		if (rows[op].name && str_eq(str_of(rows[op].name), name))
			return (enum ast_op)op;
	return OP_NONE;
}

const char *
ext_name(enum ast_op op)
{
	return rows[op].name ? rows[op].name : "";
}

static bool
construct(const struct row *row, const struct value *arg, struct span at,
    struct value *ret, struct error *reterr)
{
	struct str shown;

	/* cppcheck-suppress ctunullpointer; ext_call has checked the count */
	if (arg->kind != VALUE_STRING)
		return error_set(reterr, ERR_EVAL_TYPE, at,
		    "`%s` needs a string, found %s", row->name,
		    value_kind_name(arg->kind));
	if (row->parse(arg->string, ret))
		return true;
	shown = str_sub(arg->string, 0, 80);
	return error_set(reterr, ERR_EVAL_EXTENSION, at,
	    "`%.*s` is no text that `%s` can read", STR_ARG(shown), row->name);
}

static bool
check_kinds(const struct row *row, const struct value *args, size_t n,
    struct span at, struct error *reterr)
{
	enum value_kind first = args[0].kind;

	if (row->orders && first != VALUE_DECIMAL && !version_is(first))
		return error_set(reterr, ERR_EVAL_TYPE, at,
		    "`%s` needs decimals or versions, found %s", row->name,
		    value_kind_name(first));
	for (size_t i = 0; i < n; i++) {
		enum value_kind want = row->orders ? first : row->kinds[i];

		if (args[i].kind != want)
			return error_set(reterr, ERR_EVAL_TYPE, at,
			    "`%s` needs %s, found %s", row->name,
			    value_kind_name(want),
			    value_kind_name(args[i].kind));
	}
	return true;
}

bool
ext_call(enum ast_op op, const struct value *args, size_t n, struct span at,
    struct value *ret, struct error *reterr)
{
	const struct row *row = &rows[op];
	struct value v;

	if (op == OP_UNKNOWN)
		return error_set(reterr, ERR_EVAL_EXTENSION, at,
		    "`unknown` has no value here");
	if (!row->name)
		return error_set(reterr, ERR_NAME_FUNCTION, at,
		    "this operator is no extension function");
	if (n != row->arity)
		return error_set(reterr, ERR_EVAL_ARITY, at,
		    "`%s` takes %d arguments, found %zu", row->name,
		    (int)row->arity, n);
	if (row->parse)
		return construct(row, &args[0], at, ret, reterr);
	if (!check_kinds(row, args, n, at, reterr))
		return false;
	if (!row->call(&args[0], &args[n - 1], &v))
		return error_set(reterr, ERR_EVAL_OVERFLOW, at,
		    "the result of `%s` does not fit into 64 bits", row->name);
	*ret = v;
	return true;
}

bool
value_construct(struct str function, struct str text, struct value *ret,
    struct error *reterr)
{
	enum ast_op op = ext_find(function);
	struct value arg = value_string(text);

	if (op == OP_NONE || !rows[op].parse)
		return error_set(reterr, ERR_NAME_FUNCTION, SPAN_NONE,
		    "`%.*s` makes no value", STR_ARG(str_sub(function, 0, 80)));
	return ext_call(op, &arg, 1, SPAN_NONE, ret, reterr);
}
