/* pattern.c - matching without going back.
 * Stars cut a pattern into runs of literals. The first run stands at the start,
 * the last at the end, and each between at the first place after the one before
 * it: taking the first never costs a later match, so nothing is tried twice.
 * Bytes are compared: UTF-8 never finds a character inside another. */
#include "policy/pattern.h"

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
