/* normal_print.c - the normal form as text that people can read and compare.
 * A rule a line, with its parents behind it; what hangs below a rule stands
 * below it, indented. The order is that of the texts. */
#include <stdlib.h>

#include "policy/canon.h"

struct printer {
	const struct normal *n;
	struct buf *out;
	struct arena *arena; /* for the time of printing */
};

static void
print_atom(struct buf *out, unsigned var, const struct normal_atom *atom)
{
	buf_addz(out, ast_var_name((enum ast_var)var));
	if (atom->kind == ATOM_ANY)
		return;
	buf_byte(out, ' ');
	canon_atom(out, atom);
}

static void
print_conjunct(struct printer *p, const struct normal_conjunct *c)
{
	struct test test = { .node = c->node,
		.member = c->member,
		.var = c->var,
		.negated = c->negated };

	buf_addz(p->out, " when { ");
	canon_test(p->out, &p->n->set->instances[c->instance], &test);
	buf_addz(p->out, " }");
}

struct place {
	struct str id;
	struct span at;
};

static int
by_place(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	int order =
	    strcmp(a->at.file ? a->at.file : "", b->at.file ? b->at.file : "");

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.col != b->at.col)
		return a->at.col < b->at.col ? -1 : 1;
	return str_cmp(a->id, b->id);
}

/* ` // FILE:LINE, FILE:LINE` */
static void
print_parents(struct printer *p, const uint32_t *parents, uint32_t n)
{
	struct place *places = ARENA_ARRAY(p->arena, n, struct place);

	if (!places) {
		p->out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct policy_info info =
		    policy_set_info(p->n->set, parents[i]);

		places[i] = (struct place){ info.id, info.at };
	}
	qsort(places, n, sizeof *places, by_place);
	for (uint32_t i = 0; i < n; i++) {
		buf_addz(p->out, i ? ", " : " // ");
		buf_escaped(p->out, str_of(places[i].at.file), false);
		buf_printf(p->out, ":%u", places[i].at.line);
	}
}

/* `    // joined: principal in G::"a" // FILE:LINE`: what tells it apart. */
static void
print_part(struct printer *p, const struct normal_rule *r,
    const struct normal_part *part)
{
	bool first = true;

	buf_addz(p->out, "    // joined: ");
	for (unsigned var = 0; var < 3; var++) {
		if (part->atom[var] == r->atom[var])
			continue;
		buf_addz(p->out, first ? "" : ", ");
		print_atom(p->out, var, part->atom[var]);
		first = false;
	}
	print_parents(p, part->parents, part->n_parents);
	buf_byte(p->out, '\n');
}

static void
print_rule(struct printer *p, const struct normal_rule *r, const char *indent)
{
	buf_addz(p->out, indent);
	buf_addz(p->out, r->effect == POLICY_PERMIT ? "permit (" : "deny (");
	for (unsigned var = 0; var < 3; var++) {
		buf_addz(p->out, var ? ", " : "");
		print_atom(p->out, var, r->atom[var]);
	}
	buf_byte(p->out, ')');
	for (uint32_t i = 0; i < r->n_conjuncts; i++)
		print_conjunct(p, &r->conjuncts[i]);
	buf_byte(p->out, ';');
	print_parents(p, r->parents, r->n_parents);
	buf_byte(p->out, '\n');
	for (uint32_t i = 0; i < r->n_parts; i++)
		print_part(p, r, &r->parts[i]);
}

struct line {
	struct str text;
};

static int
by_text(const void *x, const void *y)
{
	const struct line *a = x, *b = y;

	return str_cmp(a->text, b->text);
}

/* Append the rules' texts, each with what hangs below it, sorted. */
static void
print_sorted(struct printer *p, const struct normal_rule *rules,
    const uint32_t *which, uint32_t n, const char *indent)
{
	struct buf text = { 0 };
	size_t *ends = ARENA_ARRAY(p->arena, n + 1u, size_t);
	struct line *lines = ARENA_ARRAY(p->arena, n + 1u, struct line);
	struct printer own = { p->n, &text, p->arena };

	for (uint32_t i = 0; ends && lines && i < n; i++) {
		const struct normal_rule *r = &rules[which ? which[i] : i];

		print_rule(&own, r, indent);
		if (r->n_below)
			print_sorted(&own, p->n->contained, r->below,
			    r->n_below, "    // covers: ");
		ends[i + 1] = text.n;
	}
	if (!ends || !lines || !buf_ok(&text)) {
		p->out->failed = true;
		n = 0;
	}
	for (uint32_t i = 0; i < n; i++)
		lines[i].text = str_sub(buf_str(&text), ends[i], ends[i + 1]);
	if (n > 1)
		qsort(lines, n, sizeof *lines, by_text);
	for (uint32_t i = 0; i < n; i++)
		buf_add(p->out, lines[i].text);
	buf_free(&text);
}

void
normal_print(const struct normal *n, struct buf *out)
{
	struct printer p = { n, out, arena_new(0) };

	if (p.arena)
		print_sorted(&p, n->rules, NULL, n->n_rules, "");
	else
		out->failed = true;
	arena_free(p.arena);
}

static void
print_note(
    const struct normal *n, const struct normal_note *note, struct buf *out)
{
	struct policy_info info = policy_set_info(n->set, note->instance);
	struct policy_info other = policy_set_info(n->set, note->other);

	buf_printf(out, "  %s: ", note->stage);
	buf_escaped(out, str_of(info.at.file), false);
	buf_printf(out, ":%u %s", info.at.line, note->what);
	if (note->instance != note->other) {
		buf_addz(out,
		    strcmp(note->what, "hung below") == 0 ? " " : " with ");
		buf_escaped(out, str_of(other.at.file), false);
		buf_printf(out, ":%u", other.at.line);
	} else if (strcmp(note->what, "hung below") == 0) {
		buf_addz(out, " another rule of its own");
	}
	buf_byte(out, '\n');
}

/* How often what was done. The words are few, and always the same ones. */
#define DONE_MOST 16u
struct done {
	const struct normal_note *first;
	uint32_t n;
};

static uint32_t
count_done(const struct normal *n, struct done done[DONE_MOST])
{
	uint32_t n_done = 0;

	for (uint32_t i = 0; i < n->n_notes; i++) {
		const struct normal_note *x = &n->notes[i];
		uint32_t k = 0;

		while (k < n_done &&
		       (strcmp(x->stage, done[k].first->stage) != 0 ||
			   strcmp(x->what, done[k].first->what) != 0))
			k++;
		if (k == DONE_MOST)
			continue;
		if (k == n_done)
			done[n_done++] = (struct done){ x, 0 };
		done[k].n++;
	}
	return n_done;
}

static void
print_notes(const struct normal *n, uint32_t most, struct buf *out)
{
	uint32_t shown = n->n_notes < most ? n->n_notes : most;
	struct done done[DONE_MOST];
	uint32_t n_done = count_done(n, done);

	if (n->n_notes == 0)
		return;
	buf_addz(out, "what was done:\n");
	for (uint32_t i = 0; i < n_done; i++)
		buf_printf(out, "  %-11s %8u %s\n", done[i].first->stage,
		    done[i].n, done[i].first->what);
	buf_addz(out, "to what, and with what:\n");
	for (uint32_t i = 0; i < shown; i++)
		print_note(n, &n->notes[i], out);
	if (shown < n->n_notes)
		buf_printf(out, "  and %u more: --notes shows them\n",
		    n->n_notes - shown);
}

/* What kinds of atoms rules have together: what the index is searched by. */
#define ATOM_KINDS (ATOM_SET + 1u)
static void
print_shapes(const struct normal *n, struct buf *out)
{
	static const char *const words[ATOM_KINDS] = { "any", "==", "in", "is",
		"is in", "like", "a set" };
	uint32_t counts[ATOM_KINDS * ATOM_KINDS * ATOM_KINDS] = { 0 };

	for (uint32_t i = 0; i < n->n_rules; i++) {
		const struct normal_atom *const *a = n->rules[i].atom;

		counts[(a[0]->kind * ATOM_KINDS + a[1]->kind) * ATOM_KINDS +
		       a[2]->kind]++;
	}
	buf_addz(
	    out, "shapes (principal, action, resource), with their rules:\n");
	for (uint32_t i = 0; i < ARRAY_LEN(counts); i++)
		if (counts[i])
			buf_printf(out, "  %8u  %s, %s, %s\n", counts[i],
			    words[i / ATOM_KINDS / ATOM_KINDS],
			    words[i / ATOM_KINDS % ATOM_KINDS],
			    words[i % ATOM_KINDS]);
}

void
normal_print_stats(const struct normal *n, uint32_t most, struct buf *out)
{
	uint64_t conjuncts = 0;

	for (uint32_t i = 0; i < n->n_rules; i++)
		conjuncts += n->rules[i].n_conjuncts;
	buf_printf(out,
	    "policies: %u\nrules: %u, with %llu tests beside their atoms\n"
	    "hung below others: %u\n",
	    policy_set_count(n->set), n->n_rules, (unsigned long long)conjuncts,
	    n->n_contained);
	print_shapes(n, out);
	buf_addz(out, "stages:\n");
	for (uint32_t i = 0; i < n->n_stages; i++)
		buf_printf(out, "  %-11s %8u -> %8u  %9.3f ms  %s\n",
		    n->stages[i].name, n->stages[i].n_before,
		    n->stages[i].n_after, (double)n->stages[i].ns / 1e6,
		    n->stages[i].why);
	print_notes(n, most, out);
}
