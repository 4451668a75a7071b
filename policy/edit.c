/* edit.c - what of a policy file's new text is as it was (alike.h): only what
 * is not is parsed. What stays, stays with its tree, rules and own id. This is
 * sound, whatever is found alike: a policy of the old text is taken with the
 * white space and comments before it, from behind a semicolon, where the lexer
 * of both texts is between tokens; so the same bytes are the same tokens, and
 * make the same tree. Columns count from the start of the line: what stays
 * behind a change begins on a line of its own. Lines, and the numbers of
 * policies without an id of their own, move with what is before. Cost:
 * comparing bytes, and ALIKE_WITHIN short looks for each new policy. */
#include "policy/set.h"

#include "base/limits.h"
#include "policy/alike.h"
#include "policy/lex.h"
#include "policy/pieces.h"

struct edit {
	struct policy_set *set; /* gets what is new */
	const struct ast *was;
	uint32_t file; /* which that is */
	const char *name;
	struct alike w;
	uint32_t max;  /* new policies */
	uint32_t line; /* lines of the new text that are behind */
	uint32_t n_new;
	struct policy_pick *picks;
	size_t n, cap;
	struct errors *errors;
};

/* ---- bytes -----------------------------------------------------------------
 */

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
	size_t from = e->w.n_alike, to = e->w.now.n - e->w.n_alike_end;

	while (from > 0 && (unsigned char)e->w.now.p[from - 1] >= 0x80)
		from--;
	while (to < e->w.now.n && (unsigned char)e->w.now.p[to] >= 0x80)
		to++;
	return from >= to || str_is_utf8(str_sub(e->w.now, from, to));
}

/* ---- the old text's policies -----------------------------------------------
 */

static size_t
start(const struct alike *w, uint32_t unit)
{
	const struct edit *e = w->of;
	const struct ast_policy *p;

	if (unit == 0)
		return 0;
	p = &e->was->policies[unit - 1];
	return (size_t)p->off + p->len;
}

/* Policies from here on may stand where others stood before them if they begin
 * on a line of their own. */
static bool
may_begin(const struct alike *w, uint32_t unit)
{
	const struct edit *e = w->of;
	size_t from = start(w, unit), to = e->was->policies[unit].off;

	return (unit == 0 && w->at == 0) ||
	       str_find(str_sub(w->old, from, to), '\n', 0) < to - from;
}

/* With its semicolon, wherever that is. */
static bool
may_end(const struct alike *w, size_t at)
{
	return at <= w->now.n;
}

static bool
is_over(const struct alike *w)
{
	return w->at >= w->now.n;
}

/* ---- parts -----------------------------------------------------------------
 */

static struct policy_pick *
add_pick(struct edit *e)
{
	struct policy_pick *p;

	if (!ARENA_PUSH_ROOM(e->set->arena, e->picks, e->n, e->cap)) {
		(void)errors_nomem(e->errors);
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

static bool
add_new(struct alike *w, size_t from, size_t to)
{
	struct edit *e = w->of;
	struct policy_pick *p = add_pick(e);

	if (!p)
		return false;
	p->is_changed = true;
	p->from = (uint32_t)from;
	p->to = (uint32_t)to;
	p->line_shift = e->line;
	e->line += count_lines(str_sub(w->now, from, to));
	return true;
}

static uint32_t
line_at(const struct edit *e, size_t off)
{
	return source_span(&e->was->source, (uint32_t)off, 0).line - 1;
}

static bool
keep(struct alike *w, uint32_t to, size_t from, size_t *inout_end)
{
	struct edit *e = w->of;
	size_t end = *inout_end;
	struct policy_pick *p = add_pick(e);

	if (!p)
		return false;
	/* What is behind the last policy is no policy's. */
	if (to == w->n_units &&
	    str_eq(str_sub(w->old, end, w->old.n),
		str_sub(w->now, w->at + (end - from), w->now.n)))
		end = w->old.n;
	p->first = w->unit;
	p->n = to - w->unit;
	p->from = (uint32_t)from;
	p->to = (uint32_t)end;
	p->line_shift = e->line - line_at(e, from);
	e->line += line_at(e, end) - line_at(e, from);
	*inout_end = end;
	return true;
}

/* The next policy, with all that is before it. */
static bool
take(struct alike *w)
{
	struct edit *e = w->of;
	struct lexer lx = { w->now, (uint32_t)w->at, NULL };
	struct token t;

	do
		t = lex_next(&lx);
	while (t.kind != TOKEN_SEMICOLON && t.kind != TOKEN_END);
	w->at = t.kind == TOKEN_END ? w->now.n : t.off + t.len;
	if (++e->n_new <= e->max)
		return true;
	(void)errors_add(e->errors, ERR_LIMIT_COUNT, SPAN_NONE,
	    "more than %u policies are new", e->max);
	return false;
}

static const struct alike_units policies = { start, may_begin, may_end, is_over,
	take, add_new, keep };

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
	struct str text = str_dup(a, str_sub(e->w.now, p->from, p->to));
	struct source source;
	struct error err = { 0 };
	struct ast *t;

	if (!text.p)
		return errors_nomem(e->errors);
	if (!source_init(a, e->name, text, &source, &err))
		return errors_take(e->errors, &err);
	source.line = p->line_shift;
	source.col = chars_before(e->w.now, p->from);
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
		.n = e->w.old.n,
		.n_alike = e->w.n_alike,
		.n_alike_end = e->w.n_alike_end };
	struct arena *a = e->set->arena;
	uint8_t *digest = arena_alloc(a, 32);

	if (!digest)
		return errors_nomem(e->errors);
	if (!pieces_digest(a, e->w.now, &of, NULL, digest)) {
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
		return errors_nomem(reterr);
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
	struct edit e = {
		.set = changed, .file = file, .max = max, .errors = reterr
	};

	if (was->image || file >= was->n_files ||
	    !has_parts(was, was->files[file]) ||
	    text.n > LIMIT_POLICY_FILE_BYTES)
		return add_whole(changed, file, name, text, ret, ret_n, reterr);
	if (!files_check_form(name, text, reterr))
		return false;
	e.was = was->files[file];
	e.w = (struct alike){ .units = &policies,
		.of = &e,
		.old = e.was->source.text,
		.now = text,
		.n_units = e.was->n_policies };
	e.name = str_z(changed->arena, str_of(name));
	if (!e.name)
		return errors_nomem(reterr);
	alike_compare(&e.w);
	if (is_utf8(&e) && !alike_plan(&e.w))
		return false;
	if (e.n == 0)
		return add_whole(changed, file, name, text, ret, ret_n, reterr);
	*ret = e.picks;
	*ret_n = e.n;
	return parse_new(&e) && note_digest(&e, &was->pieces[file]);
}
