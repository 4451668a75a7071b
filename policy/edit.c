/* edit.c - what of a policy file's new text is as it was: only what is not is
 * parsed.
 * Both texts are gone through from the start. Where the next policies are, byte
 * by byte, those that come next in the old text, they stay: trees, rules and
 * ids of their own with them. A policy that is not is looked for a little
 * further on in the old text, where others went; else it is new, up to its
 * semicolon. What is the same from some place to the end is known beforehand.
 * This is sound, whatever is found alike: a policy of the old text is taken
 * with the white space and comments before it, from behind a semicolon, where
 * the lexer of both texts is between tokens; so the same bytes are the same
 * tokens, and make the same tree. Columns count from the start of the line:
 * what stays behind a change begins on a line of its own. Lines, and the
 * numbers of policies without an id of their own, move with what is before.
 * Cost: comparing bytes, and ALIKE_WITHIN short looks for each new policy. */
#include "policy/set.h"

#include "base/limits.h"
#include "policy/lex.h"
#include "policy/pieces.h"

#define ALIKE_WITHIN 64u /* policies that went, one after the other */

struct edit {
	struct policy_set *set; /* gets what is new */
	const struct ast *was;
	uint32_t file; /* which that is */
	const char *name;
	struct str old, now;
	size_t n_alike, n_alike_end; /* bytes, from the start and to the end */
	uint32_t max;                /* new policies */
	/* What is behind. */
	uint32_t unit; /* policies of the old text */
	size_t at;     /* bytes of the new text */
	uint32_t line; /* lines of the new text */
	uint32_t n_new;
	size_t new_from; /* what is new since then is no part yet */
	struct policy_pick *picks;
	size_t n, cap;
	struct errors *errors;
};

static bool
nomem(struct errors *reterr)
{
	struct error e = { 0 };

	(void)error_nomem(&e);
	return errors_take(reterr, &e);
}

/* ---- bytes -----------------------------------------------------------------
 */

static size_t
count_alike(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	for (size_t step = 4096; step > 0; step /= 64)
		while (i + step <= n && memcmp(a.p + i, b.p + i, step) == 0)
			i += step;
	return i;
}

static size_t
count_alike_end(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	for (size_t step = 4096; step > 0; step /= 64)
		while (i + step <= n && memcmp(a.p + a.n - i - step,
					    b.p + b.n - i - step, step) == 0)
			i += step;
	return i;
}

static uint32_t
count_lines(struct str text)
{
	uint32_t n = 0;

	for (size_t i = str_find(text, '\n', 0); i < text.n;
	     i = str_find(text, '\n', i + 1))
		n++;
	return n;
}

/* The lexer relies on well-formed UTF-8. What is alike at both ends is, up to
 * where the text is ASCII. */
static bool
is_utf8(const struct edit *e)
{
	size_t from = e->n_alike, to = e->now.n - e->n_alike_end;

	while (from > 0 && (unsigned char)e->now.p[from - 1] >= 0x80)
		from--;
	while (to < e->now.n && (unsigned char)e->now.p[to] >= 0x80)
		to++;
	return from >= to || str_is_utf8(str_sub(e->now, from, to));
}

/* ---- the old text's policies -----------------------------------------------
 */

/* Where the policy's bytes begin, which is where those before end. */
static size_t
unit_start(const struct edit *e, uint32_t unit)
{
	const struct ast_policy *p;

	if (unit == 0)
		return 0;
	p = &e->was->policies[unit - 1];
	return (size_t)p->off + p->len;
}

/* How many policies end at or before `off`. */
static uint32_t
units_before(const struct edit *e, size_t off)
{
	uint32_t from = 0, to = e->was->n_policies;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (unit_start(e, mid + 1) <= off)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* May policies from here on stand at a place where others stood before them? */
static bool
may_begin(const struct edit *e, uint32_t unit)
{
	size_t from = unit_start(e, unit), to = e->was->policies[unit].off;

	return (unit == 0 && e->at == 0) ||
	       str_find(str_sub(e->old, from, to), '\n', 0) < to - from;
}

static bool
stands_here(const struct edit *e, uint32_t unit)
{
	size_t from = unit_start(e, unit), to = unit_start(e, unit + 1);

	return may_begin(e, unit) &&
	       str_eq(str_sub(e->old, from, to),
		   str_sub(e->now, e->at, e->at + (to - from)));
}

/* ---- parts -----------------------------------------------------------------
 */

static struct policy_pick *
add_pick(struct edit *e)
{
	struct policy_pick *p;

	if (!ARENA_PUSH_ROOM(e->set->arena, e->picks, e->n, e->cap)) {
		(void)nomem(e->errors);
		return NULL;
	}
	p = &e->picks[e->n];
	*p = (struct policy_pick){ .is_part = true,
		.goes_on = e->n > 0,
		.was = e->file,
		.file = e->file,
		.n_files = 1 };
	e->n++;
	return p;
}

/* What is new up to here is a part. */
static bool
end_new(struct edit *e)
{
	struct policy_pick *p;

	if (e->new_from == e->at)
		return true;
	p = add_pick(e);
	if (!p)
		return false;
	p->is_changed = true;
	p->from = (uint32_t)e->new_from;
	p->to = (uint32_t)e->at;
	p->line_shift = e->line;
	e->line += count_lines(str_sub(e->now, p->from, p->to));
	return true;
}

static uint32_t
line_at(const struct edit *e, size_t off)
{
	return source_span(&e->was->source, (uint32_t)off, 0).line - 1;
}

/* The old policies up to `to` stand here. */
static bool
keep(struct edit *e, uint32_t to)
{
	size_t from = unit_start(e, e->unit), end = unit_start(e, to);
	struct policy_pick *p;

	/* What is behind the last policy is no policy's. */
	if (to == e->was->n_policies &&
	    str_eq(str_sub(e->old, end, e->old.n),
		str_sub(e->now, e->at + (end - from), e->now.n)))
		end = e->old.n;
	if (!end_new(e))
		return false;
	p = add_pick(e);
	if (!p)
		return false;
	p->first = e->unit;
	p->n = to - e->unit;
	p->from = (uint32_t)from;
	p->to = (uint32_t)end;
	p->line_shift = e->line - line_at(e, from);
	e->line += line_at(e, end) - line_at(e, from);
	e->unit = to;
	e->at += end - from;
	e->new_from = e->at;
	return true;
}

/* The policies that stand here; e->unit where there are none. */
static uint32_t
alike_up_to(const struct edit *e)
{
	size_t from = unit_start(e, e->unit), n;
	uint32_t to;

	if (e->unit == e->was->n_policies || !may_begin(e, e->unit))
		return e->unit;
	if (from == e->at && from < e->n_alike)
		n = e->n_alike - from;
	else if (e->now.n - e->at <= e->n_alike_end &&
		 e->now.n - e->at == e->old.n - from)
		n = e->now.n - e->at;
	else
		n = count_alike(str_sub(e->old, from, e->old.n),
		    str_sub(e->now, e->at, e->now.n));
	to = units_before(e, from + n);
	return to > e->unit ? to : e->unit;
}

/* Others went: the next of the old policies that stands here. */
static bool
skip_gone(struct edit *e)
{
	size_t left = e->now.n - e->at;
	uint32_t n = e->was->n_policies, unit;

	if (left <= e->n_alike_end) {
		unit = units_before(e, e->old.n - left);
		if (unit > e->unit && unit < n && stands_here(e, unit)) {
			e->unit = unit;
			return true;
		}
	}
	for (unit = e->unit + 1; unit < n && unit <= e->unit + ALIKE_WITHIN;
	     unit++)
		if (stands_here(e, unit)) {
			e->unit = unit;
			return true;
		}
	return false;
}

/* The next policy is new, with all that is before it. */
static void
take_new(struct edit *e)
{
	struct lexer lx = { e->now, (uint32_t)e->at, NULL };
	struct token t;

	do
		t = lex_next(&lx);
	while (t.kind != TOKEN_SEMICOLON && t.kind != TOKEN_END);
	e->at = t.kind == TOKEN_END ? e->now.n : t.off + t.len;
	e->n_new++;
}

static bool
plan(struct edit *e)
{
	while (e->at < e->now.n) {
		uint32_t to = alike_up_to(e);

		if (to > e->unit) {
			if (!keep(e, to))
				return false;
		} else if (!skip_gone(e)) {
			take_new(e);
			if (e->n_new <= e->max)
				continue;
			(void)errors_add(e->errors, ERR_LIMIT_COUNT, SPAN_NONE,
			    "more than %u policies are new", e->max);
			return false;
		}
	}
	return end_new(e);
}

/* ---- what is new -----------------------------------------------------------
 */

/* On the line that `off` is on. */
static uint32_t
chars_before(struct str text, size_t off)
{
	size_t from = off;

	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	return (uint32_t)str_utf8_len(str_sub(text, from, off));
}

/* Parse the part; its lines and numbers are those of the whole text. */
static bool
parse_part(struct edit *e, struct policy_pick *p, uint32_t position)
{
	struct arena *a = e->set->arena;
	struct str text = str_dup(a, str_sub(e->now, p->from, p->to));
	struct source source;
	struct error err = { 0 };
	struct ast *t;

	if (!text.p)
		return nomem(e->errors);
	if (!source_init(a, e->name, text, &source, &err))
		return errors_take(e->errors, &err);
	source.line = p->line_shift;
	source.col = chars_before(e->now, p->from);
	if (!parse_policies(a, &source,
		e->was->is_cedar ? POLICY_CEDAR : POLICY_AVOW, &t, e->errors))
		return false;
	t->share = (struct ast_share){ .is_part = true,
		.goes_on = p->goes_on,
		.to = (uint32_t)text.n,
		.position = position };
	p->file = (uint32_t)e->set->n_files;
	p->n = t->n_policies;
	return files_keep(e->set, t, e->errors);
}

static bool
parse_new(struct edit *e)
{
	uint32_t position = 0;

	for (size_t i = 0; i < e->n; i++) {
		if (e->picks[i].is_changed &&
		    !parse_part(e, &e->picks[i], position))
			return false;
		position += e->picks[i].n;
	}
	return true;
}

static bool
note_digest(struct edit *e, const struct pieces *was)
{
	const struct pieces_was of = { .pieces = *was,
		.n = e->old.n,
		.n_alike = e->n_alike,
		.n_alike_end = e->n_alike_end };
	struct arena *a = e->set->arena;
	uint8_t *digest = arena_alloc(a, 32);

	if (!digest)
		return nomem(e->errors);
	if (!pieces_digest(a, e->now, &of, NULL, digest)) {
		(void)errors_add(e->errors, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "SHA-256 failed, or memory ran out");
		return false;
	}
	e->picks[0].digest = digest;
	return true;
}

/* ---------------------------------------------------------------------------
 */

/* A tree of text that is policies alone, each with its semicolon. */
static bool
has_parts(const struct policy_set *was, const struct ast *t)
{
	if (t->is_json || t->share.is_part || t->n_links || t->n_indivisibles ||
	    !was->has_plain_ids || was->naming != POLICY_NAMED)
		return false;
	/* What is no template has a number of its own among the instances. */
	for (uint32_t i = 0; was->n_templates && i < t->n_policies; i++)
		if (t->policies[i].has_slots)
			return false;
	return t->n_policies > 0;
}

static bool
add_whole(struct policy_set *set, uint32_t was, const char *name,
    struct str text, const struct policy_pick **ret, size_t *ret_n,
    struct errors *reterr)
{
	struct policy_pick *p = ARENA_NEW(set->arena, struct policy_pick);

	if (!p)
		return nomem(reterr);
	*p = (struct policy_pick){ .is_changed = true,
		.file = (uint32_t)set->n_files,
		.n_files = 1,
		.was = was };
	*ret = p;
	*ret_n = 1;
	return policy_set_add_file(set, name, text, reterr);
}

bool
policy_set_add_changes(struct policy_set *changed, const struct policy_set *was,
    uint32_t file, const char *name, struct str text, uint32_t max,
    const struct policy_pick **ret, size_t *ret_n, struct errors *reterr)
{
	struct edit e = { .set = changed,
		.file = file,
		.now = text,
		.max = max,
		.errors = reterr };

	if (was->image || file >= was->n_files ||
	    !has_parts(was, was->files[file]) ||
	    text.n > LIMIT_POLICY_FILE_BYTES)
		return add_whole(changed, file, name, text, ret, ret_n, reterr);
	if (!files_check_form(name, text, reterr))
		return false;
	e.was = was->files[file];
	e.old = e.was->source.text;
	e.name = str_z(changed->arena, str_of(name));
	if (!e.name)
		return nomem(reterr);
	e.n_alike = count_alike(e.old, text);
	e.n_alike_end = count_alike_end(e.old, text);
	if (is_utf8(&e) && !plan(&e))
		return false;
	if (e.n == 0)
		return add_whole(changed, file, name, text, ret, ret_n, reterr);
	*ret = e.picks;
	*ret_n = e.n;
	return parse_new(&e) && note_digest(&e, &was->pieces[file]);
}
