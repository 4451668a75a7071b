/* report.c - a dry run's report for people: one line a policy, the nearest
 * first, with the part that failed and the values it failed on. */
#include "engine/engine.h"

#define SHOWN 20 /* policies; --json has all */

static struct str
text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	return json_is_string(v) ? json_str(v) : STR("");
}

static void
add(struct buf *out, struct str s)
{
	buf_escaped(out, s, false);
}

static void
add_padded(struct buf *out, struct str s, size_t width)
{
	add(out, s);
	for (size_t n = str_utf8_len(s); n < width; n++)
		buf_byte(out, ' ');
}

static void
print_values(const json_t *failed, struct buf *out)
{
	size_t i;
	json_t *v;
	const json_t *values = json_object_get(failed, "values");
	json_array_foreach ((json_t *)(uintptr_t)values, i, v) {
		buf_addz(out, i == 0 ? "; " : ", ");
		add(out, text_of(v, "text"));
		buf_addz(out, " is ");
		add(out, text_of(v, "value"));
	}
}

static void
print_failed(const json_t *failed, struct buf *out)
{
	struct str text = text_of(failed, "text");
	buf_addz(out, "  ");
	add(out, text_of(failed, "clause"));
	buf_addz(out, ": ");
	add(out, str_sub(text, 0, str_find(text, '\n', 0)));
	print_values(failed, out);
}

static void
print_policy(const json_t *p, size_t id_width, struct buf *out)
{
	buf_addz(out, "  ");
	add_padded(out, text_of(p, "policy"), id_width);
	buf_addz(out, "  ");
	add(out, text_of(p, "file"));
	buf_printf(out, ":%lld  ",
	    (long long)json_integer_value(json_object_get(p, "line")));
	add_padded(out, text_of(p, "effect"), 6);
	buf_addz(out, "  ");
	add(out, text_of(p, "outcome"));
	const json_t *failed = json_object_get(p, "failed");
	if (failed != NULL)
		print_failed(failed, out);
	buf_byte(out, '\n');
}

static void
print_considered(const json_t *list, struct buf *out)
{
	size_t i, n = json_array_size(list), width = 0;
	for (i = 0; i < n && i < SHOWN; i++) {
		size_t w =
		    str_utf8_len(text_of(json_array_get(list, i), "policy"));
		width = w > width ? w : width;
	}
	for (i = 0; i < n && i < SHOWN; i++)
		print_policy(json_array_get(list, i), width, out);
	if (n > SHOWN)
		buf_printf(
		    out, "  and %zu more, further away (--json)\n", n - SHOWN);
}

static void
print_errors(const json_t *list, struct buf *out)
{
	size_t i;
	json_t *e;
	json_array_foreach ((json_t *)(uintptr_t)list, i, e) {
		buf_addz(out, "  error in ");
		add(out, text_of(e, "policy"));
		buf_addz(out, ": ");
		add(out, text_of(e, "message"));
		buf_addz(out, " [");
		add(out, text_of(e, "code"));
		buf_addz(out, "]\n");
	}
}

static void
print_data(const json_t *list, struct buf *out)
{
	size_t i;
	json_t *d;
	buf_addz(out, "data used:\n");
	json_array_foreach ((json_t *)(uintptr_t)list, i, d) {
		buf_addz(out, "  ");
		add(out, text_of(d, "name"));
		buf_addz(out, " = ");
		add(out, text_of(d, "value"));
		buf_addz(out, "  (");
		add(out, text_of(d, "kind"));
		struct str from = text_of(d, "from");
		struct str until = text_of(d, "freshUntil");
		if (from.n > 0) {
			buf_addz(out, " from ");
			add(out, from);
		}
		if (until.n > 0) {
			buf_addz(out, ", good until ");
			add(out, until);
		}
		buf_addz(out, ")\n");
	}
}

void
engine_report_print(const json_t *report, struct buf *out)
{
	add(out, text_of(report, "decision"));
	buf_addz(out, "  ");
	add(out, text_of(report, "code"));
	struct str message = text_of(report, "message");
	if (message.n > 0) {
		buf_addz(out, "  ");
		add(out, message);
	}
	buf_byte(out, '\n');
	print_errors(json_object_get(report, "errors"), out);
	print_considered(json_object_get(report, "considered"), out);
	if (json_array_size(json_object_get(report, "data")) > 0)
		print_data(json_object_get(report, "data"), out);
	const json_t *operation = json_object_get(report, "operation");
	if (operation != NULL) {
		buf_addz(out, "operation:\n");
		if (!json_write_pretty(out, operation))
			out->failed = true;
		buf_byte(out, '\n');
	}
}
