/* parse_pattern.c - string tokens to strings and patterns.
 * In a pattern every `*` that is not written `\*` is the wildcard, also one
 * written `\x2a`: Cedar unescapes first. In a scope pattern a raw `${` begins a
 * contextual wildcard. The string of a `matches` is unescaped as any string is,
 * and compiled; equal ones in a file are one. */
#include "policy/parse.h"

#include "base/intern.h"
#include "base/limits.h"
#include "policy/pattern.h"

static struct str
body_of(const struct parser *p, struct token t)
{
	return str_sub(p->source->text, t.off + 1u, (size_t)t.off + t.len - 1);
}

static void
refuse_escape(struct parser *p, struct token t, const struct literal_unit *bad,
    const char *why)
{
	struct token at = { .off = t.off + 1 + (uint32_t)bad->off,
		.len = (uint32_t)bad->len };
	struct str text = parse_text(p, at);

	(void)parse_refuse(p, ERR_SYNTAX_STRING, at,
	    "wrong escape `%.*s` in a string: %s", STR_ARG(text), why);
}

static bool
check_string(struct parser *p, struct token t)
{
	if (t.fault)
		return false; /* reported by parse_advance */
	if (t.len > LIMIT_STRING_BYTES)
		(void)parse_refuse(p, ERR_LIMIT_SIZE, t,
		    "the string is %u bytes, the limit is %u", t.len,
		    LIMIT_STRING_BYTES);
	return t.len <= LIMIT_STRING_BYTES;
}

static struct str
keep_scratch(struct parser *p)
{
	struct str kept = str_dup(p->arena, buf_str(&p->scratch));

	if (!kept.p)
		p->scratch.failed = true;
	p->scratch.n = 0;
	return kept;
}

struct str
parse_string(struct parser *p, struct token t)
{
	struct literal_unit bad;
	const char *why;
	struct str body;

	if (!check_string(p, t))
		return STR("");
	body = body_of(p, t);
	if (str_find(body, '\\', 0) == body.n)
		return body;
	p->scratch.n = 0;
	if (!literal_unescape(body, &p->scratch, &bad, &why))
		refuse_escape(p, t, &bad, why);
	return keep_scratch(p);
}

/* Reading a pattern: `at` is the next byte of the body. */
struct reader {
	struct parser *p;
	struct token tok;
	struct str body;
	size_t at;
	size_t wildcard; /* where the contextual wildcard began */
};

static bool
refuse_wildcard(struct reader *r, const char *want)
{
	struct token at = { .off = r->tok.off + 1 + (uint32_t)r->wildcard,
		.len = (uint32_t)(r->at - r->wildcard) };
	struct error *e = parse_refuse(r->p, ERR_SYNTAX_STRING, at,
	    "expected %s in a contextual wildcard", want);

	error_hint(e, "write `${principal.owner}`, or `\\$` for a dollar sign");
	return false;
}

static bool
read_char(struct reader *r, char c)
{
	if (r->at >= r->body.n || r->body.p[r->at] != c)
		return false;
	r->at++;
	return true;
}

static bool
read_identifier(struct reader *r, struct str *ret)
{
	size_t from = r->at;

	for (; r->at < r->body.n; r->at++) {
		char c = r->body.p[r->at];

		if (!lex_is_identifier(str_sub(r->body, r->at, r->at + 1)) &&
		    (r->at == from || c < '0' || c > '9'))
			break;
	}
	*ret = str_sub(r->body, from, r->at);
	return ret->n > 0;
}

/* `["name"]`: its quotes are escaped, since it stands in a string, and its own
 * escapes twice. */
static bool
read_index(struct reader *r, struct str *ret)
{
	struct parser *p = r->p;
	struct literal_unit u;
	const char *why;
	struct buf inner = { .arena = p->nodes.arena };
	bool closed = false, ok, escaped = false;

	ok = r->at < r->body.n &&
	     literal_next(r->body, &r->at, LITERAL_SCOPE, &u, &why) &&
	     u.point == '"' && !u.quoted;
	while (ok && !closed && r->at < r->body.n) {
		ok = literal_next(r->body, &r->at, LITERAL_SCOPE, &u, &why);
		closed = ok && !escaped && u.point == '"';
		escaped = !escaped && u.point == '\\';
		if (ok && !closed)
			literal_add_point(&inner, u.point);
	}
	p->scratch.n = 0;
	ok = ok && closed &&
	     literal_unescape(buf_str(&inner), &p->scratch, &u, &why) &&
	     read_char(r, ']');
	if (!buf_ok(&inner))
		p->scratch.failed = true;
	buf_free(&inner);
	*ret = keep_scratch(p);
	return ok || refuse_wildcard(r, "a quoted name in brackets");
}

static bool
read_var(struct reader *r, enum ast_var *ret)
{
	struct str word;

	if (!read_identifier(r, &word))
		return refuse_wildcard(r, "a variable");
	for (enum ast_var v = VAR_PRINCIPAL; v <= VAR_CONTEXT; v++)
		if (str_eq(word, str_of(ast_var_name(v)))) {
			*ret = v;
			return true;
		}
	return refuse_wildcard(
	    r, "`principal`, `action`, `resource` or `context`");
}

/* After `${`. */
static bool
read_wildcard(struct reader *r, struct ast_part *part)
{
	struct parser *p = r->p;
	struct str name, *names = NULL;
	size_t n = 0, cap = 0;

	part->kind = PART_PATH;
	if (!read_var(r, &part->var))
		return false;
	while (!read_char(r, '}')) {
		if (read_char(r, '.')) {
			if (!read_identifier(r, &name) ||
			    lex_is_reserved(lex_keyword(name)))
				return refuse_wildcard(
				    r, "an attribute name after `.`");
		} else if (!read_char(r, '[')) {
			return refuse_wildcard(r, "`.`, `[` or `}`");
		} else if (!read_index(r, &name)) {
			return false;
		}
		if (!ARENA_PUSH_ROOM(p->arena, names, n, cap)) {
			p->scratch.failed = true;
			return false;
		}
		names[n++] = name;
	}
	part->path = names;
	part->n_path = (uint32_t)n;
	return true;
}

static void
flush_literal(struct reader *r, size_t from, size_t to, uint32_t *n)
{
	struct ast_part part = { .kind = PART_LITERAL,
		.off = r->tok.off + 1 + (uint32_t)from,
		.len = (uint32_t)(to - from) };

	if (r->p->scratch.n == 0)
		return;
	part.literal = keep_scratch(r->p);
	(void)build_part(r->p, &part);
	++*n;
}

/* The unit at *at begins a part of its own (a star, a contextual wildcard) or
 * goes on with a literal. False when something was refused. */
static bool
read_part(struct reader *r, bool in_scope, size_t *literal, uint32_t *n)
{
	struct ast_part part = { .kind = PART_STAR };
	struct literal_unit u;
	const char *why;
	bool wild, path;

	if (!literal_next(r->body, &r->at,
		in_scope ? LITERAL_SCOPE : LITERAL_PATTERN, &u, &why)) {
		refuse_escape(r->p, r->tok, &u, why);
		return false;
	}
	wild = u.point == '*' && !u.quoted;
	path = in_scope && u.point == '$' && u.len == 1 && r->at < r->body.n &&
	       r->body.p[r->at] == '{';
	if (!wild && !path) {
		literal_add_point(&r->p->scratch, u.point);
		return true;
	}
	flush_literal(r, *literal, u.off, n);
	r->wildcard = u.off;
	if (path) {
		r->at++;
		if (!read_wildcard(r, &part))
			return false;
	}
	part.off = r->tok.off + 1 + (uint32_t)u.off;
	part.len = (uint32_t)(r->at - u.off);
	(void)build_part(r->p, &part);
	++*n;
	*literal = r->at;
	return true;
}

uint32_t
parse_pattern(struct parser *p, struct token t, bool in_scope)
{
	struct ast_node node = { .kind = NODE_PATTERN };
	struct reader r = { .p = p, .tok = t };
	size_t literal = 0;
	bool ok = check_string(p, t);

	node.a = (uint32_t)(p->parts.n / sizeof(struct ast_part));
	if (ok)
		r.body = body_of(p, t);
	p->scratch.n = 0;
	while (ok && r.at < r.body.n)
		ok = read_part(&r, in_scope, &literal, &node.b);
	flush_literal(&r, literal, r.at, &node.b);
	return build_node(p, t.off, t.len, node);
}

/* Where byte `at` of what the string means was written: the unit that made it,
 * or the closing quote. */
static struct token
unit_at(const struct parser *p, struct token t, size_t at)
{
	struct str body = body_of(p, t);
	struct literal_unit u = { .off = body.n, .len = 1 };
	const char *why;
	size_t next = 0, done = 0;

	while (next < body.n) {
		if (!literal_next(body, &next, LITERAL_STRING, &u, &why))
			break;
		done += literal_point_bytes(u.point);
		if (done > at)
			break;
		u = (struct literal_unit){ .off = body.n, .len = 1 };
	}
	return (struct token){ .off = t.off + 1 + (uint32_t)u.off,
		.len = (uint32_t)u.len };
}

/* NULL when it was refused. */
static const struct pattern_regex *
compile(struct parser *p, struct token t, struct str text)
{
	const struct pattern_regex *compiled = NULL;
	struct error err = { 0 };
	size_t at = 0;

	if (pattern_compile(p->arena, text, &compiled, &at, &err))
		return compiled;
	if (err.code == ERR_LIMIT_MEMORY)
		p->scratch.failed = true;
	else
		(void)parse_refuse(p, err.code,
		    err.code == ERR_LIMIT_SIZE || p->is_json
			? t
			: unit_at(p, t, at),
		    "%s", err.msg);
	return NULL;
}

/* The index of the pattern among those of this file. */
static uint32_t
add_regex(struct parser *p, struct token t, struct str text)
{
	const struct ast_regex *all;
	struct ast_regex regex = { .text = text };
	uint32_t n = (uint32_t)(p->regexes.n / sizeof regex), i;

	if (!p->regex_ids)
		p->regex_ids = intern_new(p->arena, NULL);
	i = p->regex_ids ? intern_add(p->regex_ids, STR(""), text)
			 : INTERN_NONE;
	if (i == INTERN_NONE || !buf_ok(&p->regexes)) {
		p->scratch.failed = true;
		return 0;
	}
	all = (const struct ast_regex *)(const void *)p->regexes.p;
	/* A refused one is refused wherever it stands. */
	if (i == n || !all[i].compiled)
		regex.compiled = compile(p, t, text);
	if (i == n)
		buf_add(&p->regexes,
		    (struct str){ (const char *)&regex, sizeof regex });
	return i;
}

uint32_t
parse_regex_text(struct parser *p, struct token t, struct str text)
{
	struct ast_node node = { .kind = NODE_REGEX };

	node.a = add_regex(p, t, text);
	return build_node(p, t.off, t.len, node);
}

uint32_t
parse_regex(struct parser *p, struct token t)
{
	bool was_failed = p->failed;
	struct str text;
	uint32_t node;

	p->failed = false;
	text = parse_string(p, t);
	node = parse_regex_text(p, t, p->failed ? STR("") : text);
	p->failed = p->failed || was_failed;
	return node;
}
