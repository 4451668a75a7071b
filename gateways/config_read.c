#include "gateways/config_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/timefmt.h"
#include "gateways/listen.h"

struct error *
config_fail(struct config_reader *r, enum err_code code, struct span at,
    const char *fmt, ...)
{
	struct error err = { 0 };
	va_list ap;

	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(err.msg, sizeof err.msg, fmt, ap);
	va_end(ap);
	return errors_add(r->errors, code, at, "%s", err.msg);
}

void
config_fail_memory(struct config_reader *r)
{
	struct error err = { 0 };

	r->failed = true;
	error_nomem(&err);
	errors_take(r->errors, &err);
}

void
config_warn(struct config_reader *r, struct span at, const char *fmt, ...)
{
	struct error *e;
	va_list ap;

	if (!ARENA_PUSH_ROOM(
		r->a, r->warnings, r->n_warnings, r->cap_warnings)) {
		config_fail_memory(r);
		return;
	}
	e = &r->warnings[r->n_warnings++];
	*e = (struct error){ .code = ERR_CONFIG_VALUE, .at = at };
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
}

/* ---- names that were nearly right ---------------------------------------- */

#define NAME_MAX_BYTES 40u

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Insertions, deletions and changes from one to the other (Levenshtein), case
 * aside; a large number for long names. */
static unsigned
distance(struct str a, struct str b)
{
	unsigned row[NAME_MAX_BYTES + 1], before, old;

	if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (size_t k = 0; k <= b.n; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= a.n; i++) {
		before = row[0]++;
		for (size_t k = 1; k <= b.n; k++) {
			old = row[k];
			row[k] = least(old + 1, row[k - 1] + 1,
			    before + (fold(a.p[i - 1]) != fold(b.p[k - 1])));
			before = old;
		}
	}
	return row[b.n];
}

/* Names are offered one by one; the nearest stays. */
struct nearest {
	const char *name;
	unsigned distance;
};

static void
offer(struct nearest *best, struct str wrong, const char *name)
{
	unsigned d = distance(wrong, str_of(name));

	if (d <= 1 + wrong.n / 4 && (!best->name || d < best->distance))
		*best = (struct nearest){ name, d };
}

static void
suggest(struct error *e, const struct nearest *best)
{
	if (best->name)
		error_hint(e, "did you mean `%s`?", best->name);
}

/* ---- maps ---------------------------------------------------------------- */

static const struct config_field *
find_field(const struct config_field *fields, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(fields[i].name)))
			return &fields[i];
	return NULL;
}

static void
fail_unknown(struct config_reader *r, const struct yaml *key,
    const struct config_field *fields, size_t n)
{
	struct nearest best = { 0 };

	for (size_t i = 0; i < n; i++)
		offer(&best, key->text, fields[i].name);
	suggest(config_fail(r, ERR_CONFIG_KEY, key->at,
		    "there is no key `%.*s` here", STR_ARG(key->text)),
	    &best);
}

static void
read_member(struct config_reader *r, const struct yaml *key,
    const struct config_field *fields, size_t n, void *object,
    struct config_seen *seen)
{
	const struct config_field *f = find_field(fields, n, key->text);

	if (!f) {
		fail_unknown(r, key, fields, n);
		return;
	}
	seen->at[f - fields] = key->at;
	if (!f->read) {
		config_fail(r, ERR_CONFIG_KEY, key->at,
		    "`%s` is not supported yet", f->name);
		return;
	}
	f->read(r, f, key + 1, (char *)object + f->offset);
}

bool
config_read_map(struct config_reader *r, const struct yaml *map,
    const struct config_field *fields, size_t n, void *object,
    struct config_seen *ret_seen)
{
	*ret_seen = (struct config_seen){ 0 };
	if (map->kind != YAML_MAP) {
		config_fail(r, ERR_CONFIG_VALUE, map->at,
		    "expected keys with values here");
		return false;
	}
	for (size_t i = 0; i < map->n; i++)
		read_member(r, &map->items[2 * i], fields, n, object, ret_seen);
	for (size_t i = 0; i < n; i++)
		if (fields[i].is_required && !ret_seen->at[i].line)
			config_fail(r, ERR_CONFIG_KEY, map->at,
			    "`%s` is missing here", fields[i].name);
	return true;
}

/* ---- values -------------------------------------------------------------- */

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

struct str
config_text(struct config_reader *r, const struct yaml *value)
{
	if (value->kind != YAML_TEXT)
		config_fail(
		    r, ERR_CONFIG_VALUE, value->at, "expected one value here");
	else if (value->text.n == 0)
		config_fail(
		    r, ERR_CONFIG_VALUE, value->at, "this may not be empty");
	else if (has_control(value->text))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "control characters may not stand here");
	else
		return value->text;
	return (struct str){ "", 0 };
}

void *
config_list(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, enum yaml_kind want, size_t size, size_t *ret_n)
{
	void *items;

	*ret_n = 0;
	if (value->kind != want || (value->n == 0 && !f->may_be_empty)) {
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    want == YAML_LIST ? "expected a list, [ONE, TWO], that is "
					"not empty"
				      : "expected names with values, {NAME: "
					"VALUE}, at least one");
		return NULL;
	}
	items = arena_array(r->a, value->n, size);
	if (items)
		*ret_n = value->n;
	else
		config_fail_memory(r);
	return items;
}

bool
config_known(struct config_reader *r, const struct yaml *value,
    const char *what, const char *const *names)
{
	struct str text = config_text(r, value);
	struct nearest best = { 0 };

	if (text.n == 0)
		return false;
	for (size_t i = 0; names[i]; i++) {
		if (str_eq(text, str_of(names[i])))
			return true;
		offer(&best, text, names[i]);
	}
	suggest(config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "there is no %s `%.*s`", what, STR_ARG(text)),
	    &best);
	return false;
}

void
config_read_text(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str *text = to;

	(void)f;
	*text = config_text(r, value);
}

void
config_read_strings(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_strings *list = to;
	size_t n;
	struct str *items =
	    config_list(r, f, value, YAML_LIST, sizeof(struct str), &n);

	for (size_t i = 0; i < n; i++) {
		items[i] = config_text(r, &value->items[i]);
		for (size_t k = 0; k < i; k++)
			if (items[i].n && str_eq(items[k], items[i]))
				config_fail(r, ERR_CONFIG_VALUE,
				    value->items[i].at, "`%.*s` stands twice",
				    STR_ARG(items[i]));
	}
	*list = (struct config_strings){ items, n };
}

void
config_read_cidrs(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_cidrs *list = to;
	size_t n;
	struct net_cidr *items =
	    config_list(r, f, value, YAML_LIST, sizeof(struct net_cidr), &n);

	for (size_t i = 0; i < n; i++) {
		struct str text = config_text(r, &value->items[i]);

		if (text.n && !net_parse_cidr(text, &items[i]))
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "expected a network, ADDRESS/PREFIX with no bits "
			    "after the prefix, found `%.*s`",
			    STR_ARG(text));
	}
	*list = (struct config_cidrs){ items, n };
}

void
config_read_choice(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str text = config_text(r, value);
	struct nearest best = { 0 };

	if (text.n == 0)
		return;
	for (const struct config_choice *c = f->choices; c->name; c++) {
		offer(&best, text, c->name);
		if (!str_eq(text, str_of(c->name)))
			continue;
		if (c->is_later)
			config_fail(r, ERR_CONFIG_VALUE, value->at,
			    "`%s: %s` is not supported yet", f->name, c->name);
		memcpy(to, &c->value, sizeof c->value);
		return;
	}
	suggest(config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%s` cannot be `%.*s`", f->name, STR_ARG(text)),
	    &best);
}

void
config_read_kind(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	int choice = -1;

	/* Unknown: said once. */
	config_read_choice(r, f, value, &choice);
	if (choice >= 0)
		config_read_text(r, f, value, to);
}

void
config_read_listen(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct listen_address at;
	struct error err = { 0 };
	struct str *text = to;

	(void)f;
	*text = config_text(r, value);
	if (text->n && !listen_parse(*text, &at, &err))
		config_fail(r, err.code, value->at, "%s", err.msg);
}

void
config_read_lease(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str text = config_text(r, value);
	int64_t ms, s = CONFIG_LEASE_NONE;

	if (text.n == 0)
		return;
	if (!str_eq(text, STR("none"))) {
		if (!time_parse_duration(text, &ms) || ms < 1000 ||
		    ms % 1000 != 0) {
			config_fail(r, ERR_CONFIG_VALUE, value->at,
			    "`%s` must be a duration of whole seconds, as "
			    "`1h30m`, or `none`, not `%.*s`",
			    f->name, STR_ARG(text));
			return;
		}
		s = ms / 1000;
	}
	memcpy(to, &s, sizeof s);
}
