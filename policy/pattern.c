/* pattern.c - wildcards without going back, and regular expressions by PCRE2.
 * Stars cut a wildcard pattern into runs of literals. The first run stands at
 * the start, the last at the end, and each between at the first place after the
 * one before it: taking the first never costs a later match, so nothing is
 * tried twice. Bytes are compared: UTF-8 never finds a character inside
 * another.
 * Expressions are compiled to machine code where the system lets a process make
 * some (systemd's MemoryDenyWriteExecute does not) and interpreted elsewhere,
 * with the same answers but for what comes near a limit. Every answer of the
 * library other than yes and no is a failure. Its memory comes through
 * allocate(), so that lack of it can be tested; machine code and its stack are
 * mapped, not allocated. */
#include "policy/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"

#define STACK_START_BYTES (32u << 10)

struct pattern {
	const struct ast_part *parts;
	const struct str *paths;
};

static struct str
literal(const struct pattern *p, size_t i)
{
	return p->parts[i].kind == PART_PATH ? p->paths[i]
					     : p->parts[i].literal;
}

static size_t
run_length(const struct pattern *p, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += literal(p, i).n;
	return n;
}

/* Do the literals [from, to) stand at byte `at`? */
static bool
run_at(
    const struct pattern *p, size_t from, size_t to, struct str text, size_t at)
{
	for (size_t i = from; i < to; i++) {
		struct str s = literal(p, i);

		if (!str_has_prefix(str_sub(text, at, text.n), s))
			return false;
		at += s.n;
	}
	return true;
}

/* The first place from `at` where the literals [from, to) stand, all before
 * `end`; or `end` + 1. */
static size_t
find_run(const struct pattern *p, size_t from, size_t to, struct str text,
    size_t at, size_t end)
{
	size_t n = run_length(p, from, to);
	struct str first = literal(p, from);

	if (n == 0)
		return at;
	while (at + n <= end) {
		const char *hit =
		    first.n ? memmem(text.p + at, end - at, first.p, first.n)
			    : text.p + at;

		if (!hit)
			break;
		at = (size_t)(hit - text.p);
		if (at + n <= end && run_at(p, from, to, text, at))
			return at;
		at++;
	}
	return end + 1;
}

static size_t
next_star(const struct pattern *p, size_t from, size_t n)
{
	while (from < n && p->parts[from].kind != PART_STAR)
		from++;
	return from;
}

bool
pattern_match(const struct ast_part *parts, size_t n, const struct str *paths,
    struct str text)
{
	struct pattern p = { parts, paths };
	size_t star = next_star(&p, 0, n), head = run_length(&p, 0, star);
	size_t tail, last = n, at = head, end;

	if (!run_at(&p, 0, star, text, 0))
		return false;
	if (star == n)
		return head == text.n;
	while (parts[last - 1].kind != PART_STAR)
		last--;
	tail = run_length(&p, last, n);
	if (text.n - head < tail || !run_at(&p, last, n, text, text.n - tail))
		return false;
	end = text.n - tail;
	for (size_t from = star + 1; from < last; from = star + 1) {
		star = next_star(&p, from, last);
		if (star == from)
			continue;
		at = find_run(&p, from, star, text, at, end);
		if (at > end)
			return false;
		at += run_length(&p, from, star);
	}
	return true;
}

bool
pattern_has_path(const struct ast_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (parts[i].kind == PART_PATH)
			return true;
	return false;
}

/* --- regular expressions ------------------------------------------------ */

struct pattern_regex {
	pcre2_code *code;
};

static void *
allocate(size_t n, void *unused)
{
	(void)unused;
	return malloc(n); /* lint-ok: the library frees it */
}

static void
release(void *p, void *unused)
{
	(void)unused;
	free(p);
}

static void
free_code(void *regex)
{
	pcre2_code_free(((struct pattern_regex *)regex)->code);
}

static bool
refuse(struct error *reterr, int code)
{
	PCRE2_UCHAR message[128];

	if (code == PCRE2_ERROR_HEAP_FAILED)
		return error_nomem(reterr);
	if (pcre2_get_error_message(code, message, sizeof message) < 0)
		message[0] = '\0';
	return error_set(reterr, ERR_SYNTAX_PATTERN, SPAN_NONE,
	    "wrong pattern: %s", (const char *)message);
}

/* Said, so that no build option of the library's can choose otherwise. */
static pcre2_compile_context *
compile_context(void)
{
	pcre2_general_context *hooks =
	    pcre2_general_context_create(allocate, release, NULL);
	pcre2_compile_context *context =
	    hooks ? pcre2_compile_context_create(hooks) : NULL;

	pcre2_general_context_free(hooks);
	if (context && (pcre2_set_newline(context, PCRE2_NEWLINE_LF) != 0 ||
			   pcre2_set_bsr(context, PCRE2_BSR_UNICODE) != 0)) {
		pcre2_compile_context_free(context);
		return NULL;
	}
	return context;
}

bool
pattern_compile(struct arena *a, struct str text,
    const struct pattern_regex **ret, size_t *ret_at, struct error *reterr)
{
	struct pattern_regex *regex = ARENA_NEW(a, struct pattern_regex);
	pcre2_compile_context *context;
	int code = 0;

	*ret_at = 0;
	if (text.n > LIMIT_PATTERN_BYTES)
		return error_set(reterr, ERR_LIMIT_SIZE, SPAN_NONE,
		    "the pattern is %zu bytes, the limit is %u", text.n,
		    LIMIT_PATTERN_BYTES);
	/* Such verbs change options, limits, even what a character is. */
	if (str_has_prefix(text, STR("(*")))
		return error_set(reterr, ERR_SYNTAX_PATTERN, SPAN_NONE,
		    "wrong pattern: it may not begin with `(*`");
	context = regex ? compile_context() : NULL;
	if (!context)
		return error_nomem(reterr);
	regex->code = pcre2_compile((PCRE2_SPTR)(text.n ? text.p : ""), text.n,
	    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY |
		PCRE2_NEVER_BACKSLASH_C,
	    &code, ret_at, context);
	pcre2_compile_context_free(context);
	if (!regex->code)
		return refuse(reterr, code);
	if (!arena_at_end(a, free_code, regex)) {
		free_code(regex);
		return error_nomem(reterr);
	}
	/* Refused by the system or for memory: then it is interpreted. */
	(void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
	*ret = regex;
	return true;
}

/* What a thread searches with; made at its first search. */
struct searcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack; /* NULL where patterns are interpreted */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static void
searcher_free(void *p)
{
	struct searcher *s = p;

	if (!s)
		return;
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	pcre2_match_data_free(s->data);
	free(s);
}

static void
make_key(void)
{
	has_key = pthread_key_create(&key, searcher_free) == 0;
}

static bool
set_limits(struct searcher *s)
{
	uint32_t jit = 0;

	(void)pcre2_config(PCRE2_CONFIG_JIT, &jit);
	if (jit && !s->stack)
		return false;
	if (jit)
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return pcre2_set_depth_limit(s->context, LIMIT_PATTERN_DEPTH) == 0 &&
	       pcre2_set_heap_limit(s->context, LIMIT_PATTERN_HEAP_KIB) == 0;
}

static struct searcher *
searcher_new(void)
{
	pcre2_general_context *hooks =
	    pcre2_general_context_create(allocate, release, NULL);
	struct searcher *s = hooks ? calloc(1, sizeof *s) : NULL;

	if (s) {
		s->data = pcre2_match_data_create(1, hooks);
		s->context = pcre2_match_context_create(hooks);
		s->stack = pcre2_jit_stack_create(
		    STACK_START_BYTES, LIMIT_PATTERN_STACK_BYTES, hooks);
	}
	pcre2_general_context_free(hooks);
	if (s && s->data && s->context && set_limits(s) &&
	    pthread_setspecific(key, s) == 0)
		return s;
	searcher_free(s);
	return NULL;
}

static struct searcher *
searcher_get(void)
{
	struct searcher *s;

	if (pthread_once(&once, make_key) != 0 || !has_key)
		return NULL;
	s = pthread_getspecific(key);
	return s ? s : searcher_new();
}

enum pattern_answer
pattern_search(
    const struct pattern_regex *regex, struct str text, uint32_t steps)
{
	struct searcher *s = searcher_get();
	int found;

	if (!regex || !s || text.n > LIMIT_SUBJECT_BYTES ||
	    pcre2_set_match_limit(s->context, steps) != 0)
		return PATTERN_FAILED;
	found = pcre2_match(regex->code, (PCRE2_SPTR)(text.n ? text.p : ""),
	    text.n, 0, 0, s->data, s->context);
	if (found >= 0)
		return PATTERN_YES;
	if (found == PCRE2_ERROR_NOMATCH)
		return PATTERN_NO;
	if (found == PCRE2_ERROR_MATCHLIMIT ||
	    found == PCRE2_ERROR_DEPTHLIMIT || found == PCRE2_ERROR_HEAPLIMIT ||
	    found == PCRE2_ERROR_JIT_STACKLIMIT ||
	    found == PCRE2_ERROR_RECURSELOOP)
		return PATTERN_OVER_LIMIT;
	return PATTERN_FAILED;
}
