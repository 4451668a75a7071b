/* value.c - making, comparing and printing values.
 * Invariants: the items of a set rise strictly by value_cmp, the fields of a
 * record by name; nothing here recurses deeper than the value does, and values
 * are bounded where they come in (value_json.c, the parser). Sorting is a heap
 * sort in place: evaluation may not allocate outside its arena, as qsort can.
 * Cost: O(n log n) to make a set or record, O(log n) to look into one. */
#include "policy/value.h"

#include <inttypes.h>

#include "base/timefmt.h"
#include "policy/version.h"

const char *
value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NONE] = "nothing",
		[VALUE_UNKNOWN] = "unknown",
		[VALUE_BOOL] = "bool",
		[VALUE_LONG] = "long",
		[VALUE_STRING] = "string",
		[VALUE_ENTITY] = "entity",
		[VALUE_SET] = "set",
		[VALUE_RECORD] = "record",
		[VALUE_IP] = "ipaddr",
		[VALUE_DECIMAL] = "decimal",
		[VALUE_DATETIME] = "datetime",
		[VALUE_DURATION] = "duration",
		[VALUE_VERSION] = "version",
		[VALUE_DEBVERSION] = "debversion",
		[VALUE_RPMVERSION] = "rpmversion",
	};

	return names[kind];
}

struct value
value_bool(bool b)
{
	return (struct value){ .kind = VALUE_BOOL, .boolean = b };
}

struct value
value_long(int64_t n)
{
	return (struct value){ .kind = VALUE_LONG, .number = n };
}

struct value
value_string(struct str s)
{
	return (struct value){ .kind = VALUE_STRING, .string = s };
}

struct value
value_entity(struct uid uid)
{
	return (struct value){ .kind = VALUE_ENTITY, .uid = uid };
}

/* A time with its text, where `has_text`: it reads back then. */
static struct value
make_time(struct arena *a, enum value_kind kind, int64_t ms, bool has_text,
    void (*print)(struct buf *, int64_t))
{
	struct value v = { .kind = kind, .number = ms };
	char room[64]; /* the longest is `-106751991167d7h12m55s808ms` */
	struct buf text = buf_over(room, sizeof room);

	if (!has_text)
		return v;
	print(&text, ms);
	if (buf_ok(&text))
		v.text = str_dup(a, buf_str(&text));
	if (!v.text.p)
		v.kind = VALUE_NONE;
	return v;
}

struct value
value_datetime(struct arena *a, int64_t ms)
{
	return make_time(
	    a, VALUE_DATETIME, ms, time_has_datetime(ms), time_print_datetime);
}

struct value
value_duration(struct arena *a, int64_t ms)
{
	return make_time(a, VALUE_DURATION, ms, true, time_print_duration);
}

/* --- order ------------------------------------------------------------- */

bool
uid_eq(struct uid a, struct uid b)
{
	return str_eq(a.id, b.id) && str_eq(a.type, b.type);
}

int
uid_cmp(struct uid a, struct uid b)
{
	int order = str_cmp(a.type, b.type);

	return order ? order : str_cmp(a.id, b.id);
}

int
uid_compare(const void *a, const void *b)
{
	return uid_cmp(*(const struct uid *)a, *(const struct uid *)b);
}

static int
cmp_ip(const struct value_ip *a, const struct value_ip *b)
{
	int order;

	if (a->is_v6 != b->is_v6)
		return a->is_v6 ? 1 : -1;
	order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
	return order ? order : (int)a->prefix - (int)b->prefix;
}

static int
cmp_sets(const struct value *a, const struct value *b)
{
	if (a->set.n != b->set.n)
		return a->set.n < b->set.n ? -1 : 1;
	for (size_t i = 0; i < a->set.n; i++) {
		int order = value_cmp(&a->set.items[i], &b->set.items[i]);

		if (order)
			return order;
	}
	return 0;
}

static int
cmp_records(const struct value *a, const struct value *b)
{
	if (a->record.n != b->record.n)
		return a->record.n < b->record.n ? -1 : 1;
	for (size_t i = 0; i < a->record.n; i++) {
		const struct value_field *x = &a->record.fields[i];
		const struct value_field *y = &b->record.fields[i];
		int order = str_cmp(x->name, y->name);

		if (!order)
			order = value_cmp(&x->value, &y->value);
		if (order)
			return order;
	}
	return 0;
}

int
value_cmp(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	switch (a->kind) {
	case VALUE_BOOL:
		return (int)a->boolean - (int)b->boolean;
	case VALUE_LONG:
	case VALUE_DECIMAL:
	case VALUE_DATETIME:
	case VALUE_DURATION:
		return (a->number > b->number) - (a->number < b->number);
	case VALUE_STRING:
		return str_cmp(a->string, b->string);
	case VALUE_ENTITY:
		return uid_cmp(a->uid, b->uid);
	case VALUE_IP:
		return cmp_ip(&a->ip, &b->ip);
	case VALUE_SET:
		return cmp_sets(a, b);
	case VALUE_RECORD:
		return cmp_records(a, b);
	case VALUE_VERSION:
	case VALUE_DEBVERSION:
	case VALUE_RPMVERSION:
		return version_cmp(a->kind, a->text, b->text);
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		break;
	}
	return 0;
}

bool
value_eq(const struct value *a, const struct value *b)
{
	/* Lengths first: most strings differ there. */
	if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
		return str_eq(a->string, b->string);
	return value_cmp(a, b) == 0;
}

static int
cmp_items(const void *a, const void *b)
{
	return value_cmp(a, b);
}

static int
cmp_fields(const void *a, const void *b)
{
	const struct value_field *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

/* --- heap sort --------------------------------------------------------- */

struct sorting {
	char *items;
	size_t size;
	int (*cmp)(const void *, const void *);
};

static void
swap(const struct sorting *s, size_t i, size_t j)
{
	char spare[sizeof(struct value_field)];
	char *x = s->items + i * s->size, *y = s->items + j * s->size;

	memcpy(spare, x, s->size);
	memcpy(x, y, s->size);
	memcpy(y, spare, s->size);
}

static bool
is_less(const struct sorting *s, size_t i, size_t j)
{
	return s->cmp(s->items + i * s->size, s->items + j * s->size) < 0;
}

/* Let item `at` sink to its place in the heap of the first `n`. */
static void
sink(const struct sorting *s, size_t at, size_t n)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= n)
			return;
		if (child + 1 < n && is_less(s, child, child + 1))
			child++;
		if (!is_less(s, at, child))
			return;
		swap(s, at, child);
		at = child;
	}
}

/* False when they rose strictly before: then none is there twice. */
static bool
sort(const struct sorting *s, size_t n)
{
	size_t i = 1;

	/* Most come sorted, or are short. */
	while (i < n && is_less(s, i - 1, i))
		i++;
	if (i >= n)
		return false;
	for (i = n / 2; i-- > 0;)
		sink(s, i, n);
	for (i = n; i-- > 1;) {
		swap(s, 0, i);
		sink(s, 0, i);
	}
	return true;
}

/* --- sets and records -------------------------------------------------- */

struct value
value_set_take(struct value *items, size_t n)
{
	struct sorting s = { (char *)items, sizeof *items, cmp_items };
	size_t kept = 0;

	if (!sort(&s, n))
		kept = n;
	for (size_t i = kept; i < n; i++)
		if (i == 0 || value_cmp(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return (struct value){ .kind = VALUE_SET, .set = { items, kept } };
}

bool
value_record_take(struct value_field *fields, size_t n,
    struct value *ret_record, struct str *ret_dup)
{
	struct sorting s = { (char *)fields, sizeof *fields, cmp_fields };
	bool was_sorted = !sort(&s, n);

	for (size_t i = 1; !was_sorted && i < n; i++)
		if (str_eq(fields[i - 1].name, fields[i].name)) {
			*ret_dup = fields[i].name;
			return false;
		}
	*ret_record =
	    (struct value){ .kind = VALUE_RECORD, .record = { fields, n } };
	return true;
}

const struct value *
value_get(const struct value *record, struct str name)
{
	size_t from = 0, to = record->record.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct value_field *f = &record->record.fields[mid];
		int order = str_cmp(name, f->name);

		if (order == 0)
			return &f->value;
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

bool
value_set_contains(const struct value *set, const struct value *v)
{
	size_t from = 0, to = set->set.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int order = value_cmp(v, &set->set.items[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return false;
}

/* --- names ------------------------------------------------------------- */

static bool
is_ident(struct str s)
{
	static const struct str reserved[] = {
		STR_INIT("true"),
		STR_INIT("false"),
		STR_INIT("if"),
		STR_INIT("then"),
		STR_INIT("else"),
		STR_INIT("in"),
		STR_INIT("is"),
		STR_INIT("like"),
		STR_INIT("has"),
		STR_INIT("__cedar"),
	};

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = c == '_' || (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z');

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_eq(s, reserved[i]))
			return false;
	return s.n > 0;
}

bool
uid_type_is_valid(struct str type)
{
	size_t from = 0;

	for (;;) {
		size_t colon = str_find(type, ':', from);

		if (!is_ident(str_sub(type, from, colon)))
			return false;
		if (colon == type.n)
			return true;
		if (colon + 1 >= type.n || type.p[colon + 1] != ':')
			return false;
		from = colon + 2;
	}
}

bool
uid_type_is_action(struct str type)
{
	return str_eq(type, STR("Action")) ||
	       str_has_suffix(type, STR("::Action"));
}

/* --- text -------------------------------------------------------------- */

void
value_print_string(struct buf *out, struct str s)
{
	static const char marks[] = { '\n', '\r', '\t', '\\', '\0', '"' };
	static const char letters[] = { 'n', 'r', 't', '\\', '0', '"' };
	size_t from = 0;

	buf_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		const char *mark = memchr(marks, s.p[i], sizeof marks);
		unsigned char c = (unsigned char)s.p[i];

		if (!mark && c >= 0x20 && c != 0x7f)
			continue;
		buf_add(out, str_sub(s, from, i));
		from = i + 1;
		if (mark)
			buf_printf(out, "\\%c", letters[mark - marks]);
		else
			buf_printf(out, "\\x%02x", c);
	}
	buf_add(out, str_sub(s, from, s.n));
	buf_byte(out, '"');
}

void
value_print_uid(struct buf *out, struct uid uid)
{
	buf_add(out, uid.type);
	buf_addz(out, "::");
	value_print_string(out, uid.id);
}

static void
print_set(struct buf *out, const struct value *v)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < v->set.n; i++) {
		buf_addz(out, i ? ", " : "");
		value_print(out, &v->set.items[i]);
	}
	buf_byte(out, ']');
}

static void
print_record(struct buf *out, const struct value *v)
{
	buf_byte(out, '{');
	for (size_t i = 0; i < v->record.n; i++) {
		buf_addz(out, i ? ", " : "");
		value_print_string(out, v->record.fields[i].name);
		buf_addz(out, ": ");
		value_print(out, &v->record.fields[i].value);
	}
	buf_byte(out, '}');
}

/* `function("text")`. A datetime that no text can write (a year outside 0-9999)
 * is said as an offset. */
static void
print_extension(struct buf *out, const struct value *v, const char *function)
{
	struct buf text = { 0 };

	if (v->text.n)
		buf_add(&text, v->text);
	else if (v->kind == VALUE_DATETIME)
		time_print_datetime(&text, v->number);
	else
		time_print_duration(&text, v->number);
	if (text.failed)
		out->failed = true;
	if (v->kind == VALUE_DATETIME &&
	    !time_parse_datetime(buf_str(&text), &(int64_t){ 0 }))
		buf_printf(out,
		    "datetime(\"1970-01-01\").offset(duration(\"%" PRId64
		    "ms\"))",
		    v->number);
	else {
		buf_printf(out, "%s(", function);
		value_print_string(out, buf_str(&text));
		buf_byte(out, ')');
	}
	buf_free(&text);
}

void
value_print(struct buf *out, const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		buf_addz(out, v->boolean ? "true" : "false");
		break;
	case VALUE_LONG:
		buf_printf(out, "%" PRId64, v->number);
		break;
	case VALUE_STRING:
		value_print_string(out, v->string);
		break;
	case VALUE_ENTITY:
		value_print_uid(out, v->uid);
		break;
	case VALUE_SET:
		print_set(out, v);
		break;
	case VALUE_RECORD:
		print_record(out, v);
		break;
	case VALUE_IP:
		print_extension(out, v, "ip");
		break;
	case VALUE_DECIMAL:
		print_extension(out, v, "decimal");
		break;
	case VALUE_DATETIME:
		print_extension(out, v, "datetime");
		break;
	case VALUE_DURATION:
		print_extension(out, v, "duration");
		break;
	case VALUE_VERSION:
	case VALUE_DEBVERSION:
	case VALUE_RPMVERSION:
		print_extension(out, v, value_kind_name(v->kind));
		break;
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		buf_addz(out, value_kind_name(v->kind));
		break;
	}
}
