/* json.c - jansson behind our limits, with our places.
 * Nesting is counted outside strings before jansson builds anything (its own
 * limit is 2,048 and its parser recurses). The text need not be JSON for that:
 * whatever the scan lets through, jansson refuses or accepts by itself. */
#include "base/json.h"
#include "base/timefmt.h"

#include <limits.h>
#include <stdlib.h>

/* jansson's lexer does not look whether its text buffer could grow: a byte of a
 * string is lost then, or its last quote, and the copy that follows runs until
 * it finds one. So memory that jansson gets ends in quotes, and whoever parses
 * asks whether any was refused. */
#define QUOTES 8
static _Thread_local bool ran_out;

void *
json_memory(size_t n)
{
	char *p = n <= SIZE_MAX - QUOTES ? malloc(n + QUOTES) : NULL;

	if (!p) {
		ran_out = true;
		return NULL;
	}
	memset(p + n, '"', QUOTES);
	return p;
}

void
json_setup(void)
{
	json_set_alloc_funcs(json_memory, free);
	/* 0: seeded from the system's random source. */
	json_object_seed(0);
}

/* The place of byte `at` of `text`. */
static struct span
place(struct str text, const char *file, size_t at)
{
	struct span s = { file, 1, 1, 1 };

	if (at > text.n)
		at = text.n;
	for (size_t i = 0; i < at; i++) {
		if (text.p[i] == '\n') {
			s.line++;
			s.col = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			s.col++;
	}
	return s;
}

static bool
check_depth(
    struct str text, const char *file, unsigned limit, struct error *reterr)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		else if ((c == '{' || c == '[') && ++depth > limit)
			return error_set(reterr, ERR_LIMIT_DEPTH,
			    place(text, file, i),
			    "JSON is nested deeper than %u levels", limit);
	}
	return true;
}

/* Where the string that byte `at` is part of (or ends) opens; text.n when
 * that byte is in none. Up to `at` the text is JSON. */
static size_t
string_start(struct str text, size_t at)
{
	size_t open = text.n;
	bool in_string = false;

	for (size_t i = 0; i <= at; i++) {
		if (in_string && text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"') {
			in_string = !in_string;
			if (in_string)
				open = i;
			else if (i == at)
				return open;
		}
	}
	return in_string ? open : text.n;
}

/* jansson points behind the token it stopped at; this is where the token
 * starts: the opening quote of a string, the first letter of a word. */
static size_t
token_start(struct str text, size_t end)
{
	static const struct str delimiters = STR_INIT(" \t\r\n,:[]{}\"");
	size_t at = end, open;

	if (end == 0 || end > text.n)
		return end ? text.n : 0;
	open = string_start(text, --at);
	if (open < text.n)
		return open;
	if (str_find(delimiters, text.p[at], 0) < delimiters.n)
		return at;
	while (
	    at > 0 && str_find(delimiters, text.p[at - 1], 0) == delimiters.n)
		at--;
	return at;
}

static const struct refusal {
	enum json_error_code jansson;
	enum err_code code;
	bool at_end; /* the place is where jansson stopped, not a token */
	const char *msg;
} refusals[] = {
	{ json_error_duplicate_key, ERR_JSON_DUPLICATE, false,
	    "this key stands twice in one object" },
	{ json_error_null_byte_in_key, ERR_JSON_NUL_KEY, false,
	    "a key may not hold NUL" },
	{ json_error_null_character, ERR_JSON_SYNTAX, false,
	    "a string may not hold NUL here" },
	{ json_error_numeric_overflow, ERR_JSON_SYNTAX, false,
	    "this number does not fit into 64 bits" },
	{ json_error_invalid_utf8, ERR_JSON_SYNTAX, true,
	    "JSON must be UTF-8" },
	{ json_error_premature_end_of_input, ERR_JSON_SYNTAX, true,
	    "the JSON ends too early" },
	{ json_error_end_of_input_expected, ERR_JSON_SYNTAX, false,
	    "nothing may follow the JSON value" },
	{ json_error_stack_overflow, ERR_LIMIT_DEPTH, true,
	    "JSON is nested too deeply" },
	{ json_error_out_of_memory, ERR_LIMIT_MEMORY, true, "memory ran out" },
};

static bool
refuse(struct str text, const char *file, const json_error_t *e,
    struct error *reterr)
{
	size_t at = e->position > 0 ? (size_t)e->position : 0;
	size_t start = token_start(text, at);

	/* jansson says nothing where it ran out of memory. */
	if (e->text[0] == '\0')
		return error_nomem(reterr);
	/* It takes a NUL for the end. */
	if (at > 0 && at <= text.n && text.p[at - 1] == '\0')
		return error_set(reterr, ERR_JSON_SYNTAX,
		    place(text, file, at - 1), "JSON may not hold a NUL byte");
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];

		if (r->jansson == json_error_code(e))
			return error_set(reterr, r->code,
			    place(text, file, r->at_end ? at : start), "%s",
			    r->msg);
	}
	return error_set(reterr, ERR_JSON_SYNTAX, place(text, file, start),
	    "not JSON: %s", e->text);
}

bool
json_parse(struct str text, const char *file, size_t limit_bytes,
    unsigned limit_depth, enum json_mode mode, json_t **ret,
    struct error *reterr)
{
	size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
	struct span whole = { .file = file };
	json_error_t e;
	json_t *value;
	size_t nul;

	/* jansson counts positions in int. */
	if (limit_bytes > INT_MAX)
		limit_bytes = INT_MAX;
	if (text.n > limit_bytes)
		return error_set(reterr, ERR_LIMIT_SIZE, whole,
		    "JSON is %zu bytes, the limit is %zu", text.n, limit_bytes);
	if (!check_depth(text, file, limit_depth, reterr))
		return false;
	/* jansson takes a NUL byte for the end of what it reads. */
	nul = str_find(text, '\0', 0);
	if (nul < text.n)
		return error_set(reterr, ERR_JSON_SYNTAX,
		    place(text, file, nul), "JSON has no NUL byte");
	if (mode == JSON_DATA_FILE)
		flags |= JSON_ALLOW_NUL;
	ran_out = false;
	value = json_loadb(text.n ? text.p : "", text.n, flags, &e);
	if (ran_out) {
		json_decref(value);
		return error_nomem(reterr);
	}
	if (!value)
		return refuse(text, file, &e, reterr);
	*ret = value;
	return true;
}

struct str
json_str(const json_t *string)
{
	return (struct str){ json_string_value(string),
		json_string_length(string) };
}

json_t *
json_from_str(struct str s)
{
	struct buf b = { 0 };
	json_t *value;
	uint32_t point;

	if (str_is_utf8(s))
		return json_stringn_nocheck(s.n ? s.p : "", s.n);
	for (size_t i = 0; i < s.n;) {
		size_t n = str_utf8_next(s, i, &point);

		buf_add(&b, n ? str_sub(s, i, i + n) : STR("\xef\xbf\xbd"));
		i += n ? n : 1;
	}
	value = buf_ok(&b) ? json_stringn_nocheck(b.p, b.n) : NULL;
	buf_free(&b);
	return value;
}

json_t *
json_from_time(int64_t unix_ms)
{
	struct buf text = { 0 };
	json_t *value;

	time_print_datetime(&text, unix_ms);
	value = buf_ok(&text) ? json_from_str(buf_str(&text)) : NULL;
	buf_free(&text);
	return value;
}

static int
dump_piece(const char *p, size_t n, void *ctx)
{
	struct buf *out = ctx;

	buf_add(out, (struct str){ p, n });
	return buf_ok(out) ? 0 : -1;
}

bool
json_write(struct buf *out, const json_t *value)
{
	return json_dump_callback(value, dump_piece, out,
		   JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) == 0;
}

bool
json_write_pretty(struct buf *out, const json_t *value)
{
	return json_dump_callback(value, dump_piece, out,
		   JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII) == 0;
}
