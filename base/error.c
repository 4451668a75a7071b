/* error.c - filling errors, the table of codes, and how a message looks.
 * A message line and the quoted line are escaped to ASCII (SECURITY: terminal
 * output), so one byte is one column and the underline cannot slip. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Defined here, not called through the header's macros. */
#undef error_set
#undef error_nomem
#undef errors_take
#undef errors_nomem

#define TAB_WIDTH 8u
/* Longest quoted line in characters; a longer one is cut to a window. */
#define QUOTE_CHARS 200u
/* How much of a cut line stays before the place. */
#define QUOTE_BEFORE 80u

static const struct {
	const char *id, *help;
	int http;
} codes[ERR_COUNT] = {
#define ERROR_CODE(name, id, http, help) [name] = { id, help, http },
#include "base/error.def"
#undef ERROR_CODE
};

/* vsnprintf that never leaves half a UTF-8 sequence where it had to cut. */
static void format(char *to, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
format(char *to, size_t size, const char *fmt, va_list ap)
{
	int want = vsnprintf(to, size, fmt, ap);
	size_t n = size - 1;

	if (want < 0)
		to[0] = '\0';
	if (want < 0 || (size_t)want < size)
		return;
	while (n > 0 && ((unsigned char)to[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		n--;
	/* n is where the last sequence starts; keep it when it is whole. */
	if (!str_is_utf8((struct str){ to + n, size - 1 - n }))
		to[n] = '\0';
}

bool
error_set(struct error *reterr, enum err_code code, struct span at,
    const char *fmt, ...)
{
	va_list ap;

	if (!reterr || reterr->code != ERR_NONE)
		return false;
	*reterr = (struct error){ .code = code, .at = at };
	va_start(ap, fmt);
	format(reterr->msg, sizeof reterr->msg, fmt, ap);
	va_end(ap);
	return false;
}

bool
error_nomem(struct error *reterr)
{
	return error_set(reterr, ERR_LIMIT_MEMORY, SPAN_NONE,
	    "memory ran out, or a limit on it was reached");
}

void
error_hint(struct error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	format(err->hint, sizeof err->hint, fmt, ap);
	va_end(ap);
}

struct error *
errors_add(struct errors *list, enum err_code code, struct span at,
    const char *fmt, ...)
{
	struct error *e;
	va_list ap;

	if (!list)
		return NULL;
	if (list->n == ERRORS_MAX) {
		list->dropped++;
		return NULL;
	}
	e = &list->e[list->n++];
	*e = (struct error){ .code = code, .at = at };
	va_start(ap, fmt);
	format(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	return e;
}

bool
errors_take(struct errors *list, const struct error *err)
{
	struct error *e = errors_add(list, err->code, err->at, "%s", err->msg);

	if (e)
		*e = *err;
	return false;
}

bool
errors_nomem(struct errors *list)
{
	struct error e = { 0 };

	(void)error_nomem(&e);
	return errors_take(list, &e);
}

static size_t
known(enum err_code code)
{
	return (size_t)code < ERR_COUNT ? (size_t)code : ERR_SYSTEM_ERROR;
}

const char *
error_id(enum err_code code)
{
	return codes[known(code)].id;
}

int
error_http(enum err_code code)
{
	return codes[known(code)].http;
}

const char *
error_help(enum err_code code)
{
	return codes[known(code)].help;
}

enum err_code
error_from_id(struct str id)
{
	for (size_t i = 1; i < ERR_COUNT; i++)
		if (str_eq(id, str_of(codes[i].id)))
			return (enum err_code)i;
	return ERR_NONE;
}

/* Line `line` of `text` without its line end; false when there is none. An
 * empty last line counts, so that "unexpected end" can be shown there. */
static bool
find_line(struct str text, uint32_t line, struct str *ret)
{
	size_t from = 0, to;

	if (line == 0 || text.n == 0)
		return false;
	while (--line) {
		from = str_find(text, '\n', from);
		if (from == text.n)
			return false;
		from++;
	}
	to = str_find(text, '\n', from);
	if (to > from && text.p[to - 1] == '\r')
		to--;
	*ret = str_sub(text, from, to);
	return true;
}

/* Bytes of the character at `at`: a UTF-8 sequence, or one broken byte. */
static size_t
char_len(struct str s, size_t at)
{
	uint32_t point;
	size_t n = str_utf8_next(s, at, &point);

	return n ? n : 1;
}

/* Appends the characters [from, to) of `line`, tabs as spaces up to the next
 * stop, `column` being where on the screen they start. Gives back where they
 * end. */
static size_t
quote_chars(
    struct buf *out, struct str line, size_t from, size_t to, size_t column)
{
	size_t at = 0;

	for (size_t i = 0; at < line.n && i < to; i++) {
		size_t len = char_len(line, at), before = out->n;

		if (i >= from && line.p[at] == '\t')
			buf_printf(out, "%*s",
			    (int)(TAB_WIDTH - column % TAB_WIDTH), "");
		else if (i >= from)
			buf_escaped(out, str_sub(line, at, at + len), true);
		column += out->n - before;
		at += len;
	}
	return column;
}

static size_t
count_chars(struct str line)
{
	size_t n = 0;

	for (size_t at = 0; at < line.n; at += char_len(line, at))
		n++;
	return n;
}

/* Two lines: the quoted line, and carets below [col, col + len). */
static void
quote(struct buf *out, struct span at, struct str line)
{
	size_t chars = count_chars(line), from = 0, to = chars, first, last;
	size_t start, end;

	first = at.col ? at.col - 1 : 0;
	if (first > chars)
		first = chars;
	last = at.len > chars - first ? chars : first + at.len;
	if (chars > QUOTE_CHARS) {
		from = first > QUOTE_BEFORE ? first - QUOTE_BEFORE : 0;
		to = from + QUOTE_CHARS < chars ? from + QUOTE_CHARS : chars;
		last = last > to ? to : last;
	}
	buf_addz(out, from ? "  ..." : "  ");
	start = quote_chars(out, line, from, first, from ? 3 : 0);
	end = quote_chars(out, line, first, last, start);
	(void)quote_chars(out, line, last, to, end);
	buf_addz(out, to < chars ? "...\n" : "\n");
	if (end == start)
		end++;
	buf_printf(out, "  %*s", (int)start, "");
	while (start++ < end)
		buf_byte(out, '^');
	buf_byte(out, '\n');
}

void
error_print(struct buf *out, const struct error *err, struct str text)
{
	error_print_as(out, "error", err, text);
}

void
error_print_as(struct buf *out, const char *severity, const struct error *err,
    struct str text)
{
	struct str line;

	if (err->at.file) {
		buf_escaped(out, str_of(err->at.file), true);
		if (err->at.line)
			buf_printf(out, ":%u:%u", err->at.line, err->at.col);
		buf_addz(out, ": ");
	}
	buf_printf(out, "%s: ", severity);
	buf_escaped(out, str_of(err->msg), true);
	buf_printf(out, " [%s]\n", error_id(err->code));
	if (find_line(text, err->at.line, &line))
		quote(out, err->at, line);
	if (err->hint[0]) {
		buf_addz(out, "hint: ");
		buf_escaped(out, str_of(err->hint), true);
		buf_byte(out, '\n');
	}
}

void
errors_print(struct buf *out, const struct errors *errors, struct str text)
{
	for (size_t i = 0; i < errors->n; i++)
		error_print(out, &errors->e[i], text);
	if (errors->dropped)
		buf_printf(out, "%zu more not shown\n", errors->dropped);
}
