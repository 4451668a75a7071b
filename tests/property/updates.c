/* updates.c - does a snapshot that was updated decide as one that was loaded?
 * Files of policies and of entities are changed, added and removed at random,
 * and both are changed in places: lines of policies come, go, move, are joined,
 * get comments; entities come, go, move, stand twice, are others or written
 * otherwise. Three runs in four have light policies, which are compared several
 * times as fast; the fourth has them as they come. After each step the same
 * files are loaded whole. Ids and places of all policies, decision, code,
 * reasons, errors with their places, reports and the version must be the same,
 * and the same as direct evaluation gives; what cannot be loaded must not be an
 * update either. Now and then the changes are merged. */
#include "tests/lib/entities.h"
#include "tests/property/updates.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "tests/property/generate.h"

#define POLICY_FILES 8u
#define ENTITY_FILES 3u
#define STEPS 12u
#define REQUESTS 6u
#define TEXT_BYTES 8192u
#define SHOWN 5u
#define LARGE 7u /* the file of many policies, mostly changed in places */
#define LARGE_POLICIES 24u
#define LIGHT_BYTES 160u /* of a policy; and fewer in the large file */
#define LIGHT_POLICIES 12u

/* The files of one moment; a text that is NULL: there is no such file. */
struct files {
	const char *policies[POLICY_FILES], *entities[ENTITY_FILES];
};

struct run {
	struct generate g;
	struct arena *arena, *scratch;
	struct files now;
	bool is_light;
	uint64_t seed;
	struct updates_tally *tally;
};

static const char template[] =
    "@id(\"template\") permit (principal == ?principal, action, resource) "
    "when { context has n };\n";
static const char links[] =
    "{\"staticPolicies\":{},\"templates\":{},\"templateLinks\":[{"
    "\"templateId\":\"template\",\"newId\":\"a link\",\"values\":{"
    "\"?principal\":{\"__entity\":{\"type\":\"User\",\"id\":\"a\"}}}}]}";

/* ---- texts -----------------------------------------------------------------
 */

static const char *
keep(struct run *r, struct buf *b)
{
	const char *text = str_z(r->arena, buf_str(b));

	if (!text)
		abort();
	buf_free(b);
	return text;
}

static void
write(struct buf *b, const json_t *json)
{
	if (!json_write(b, json))
		abort();
}

/* A policy of few bytes has few rules. */
static bool
is_wanted(const struct run *r, const struct generate_policy *p)
{
	struct buf b = { 0 };
	bool is_short;

	generate_text(&b, p);
	is_short = b.n <= LIGHT_BYTES;
	buf_free(&b);
	return !r->is_light || is_short;
}

/* A few policies, some with an id that another file may have too. */
static const char *
policies_text(struct run *r)
{
	static const char *const ids[] = { "x", "y", "p0.avow#0", "zz" };
	struct generate_case c;
	struct buf b = { 0 };

	generate_case(&r->g, &c);
	if (generate_one_in(&r->g, 8))
		buf_add(&b, c.declarations);
	for (uint32_t i = 0; i < c.n_policies && i < 3; i++) {
		if (!is_wanted(r, &c.policies[i]))
			continue;
		if (generate_one_in(&r->g, 12))
			buf_printf(&b, "@id(\"%s\") ",
			    ids[generate_below(&r->g, ARRAY_LEN(ids))]);
		generate_text(&b, &c.policies[i]);
	}
	if (generate_one_in(&r->g, 60))
		buf_addz(&b, "permit (principal, action\n");
	return keep(r, &b);
}

/* ---- lines -----------------------------------------------------------------
 */

struct lines {
	struct str items[4 * LARGE_POLICIES];
	uint32_t n;
};

/* Each with its line's end; what is too much is left out. */
static struct lines
lines_of(const char *text)
{
	struct str rest = str_of(text);
	struct lines l = { .n = 0 };

	while (rest.n && l.n < ARRAY_LEN(l.items)) {
		size_t end = str_find(rest, '\n', 0) + 1;

		l.items[l.n++] = str_sub(rest, 0, end);
		rest = str_sub(rest, end, rest.n);
	}
	return l;
}

static void
insert_line(struct lines *l, uint32_t at, struct str line)
{
	if (l->n == ARRAY_LEN(l->items))
		return;
	memmove(
	    &l->items[at + 1], &l->items[at], (l->n - at) * sizeof *l->items);
	l->items[at] = line;
	l->n++;
}

static struct str
remove_line(struct lines *l, uint32_t at)
{
	struct str line = l->items[at];

	l->n--;
	memmove(
	    &l->items[at], &l->items[at + 1], (l->n - at) * sizeof *l->items);
	return line;
}

/* A new policy, which may name itself. */
static struct str
new_line(struct run *r)
{
	static const char *const before[] = { "", "", "", "", "  ",
		"// of \"one; kind\n", "@note(\"a;\\\"b\")\n", "\n\n" };
	struct generate_case c;
	struct buf b = { 0 };
	uint32_t i = 0;

	generate_case(&r->g, &c);
	while (i < c.n_policies && !is_wanted(r, &c.policies[i]))
		i++;
	if (i == c.n_policies)
		return STR("\n");
	if (generate_one_in(&r->g, 4))
		buf_printf(&b, "@id(\"own %u\") ", generate_below(&r->g, 1000));
	buf_addz(&b, before[generate_below(&r->g, ARRAY_LEN(before))]);
	generate_text(&b, &c.policies[i]);
	if (generate_one_in(&r->g, 200))
		buf_addz(&b, "indivisible action [Action::\"q\"];\n");
	if (generate_one_in(&r->g, 200))
		buf_addz(&b, "permit (principal == ?principal, action, "
			     "resource);\n");
	return str_of(keep(r, &b));
}

/* The line with something behind it, in place of its end. */
static struct str
line_with(struct run *r, struct str line, const char *more)
{
	struct buf b = { 0 };

	buf_add(&b, str_sub(line, 0, line.n - 1));
	buf_addz(&b, more);
	return str_of(keep(r, &b));
}

static void
change_line(struct run *r, struct lines *l)
{
	static const char *const behind[] = { " // not; this\n", "\r\n", " ",
		"\n\n", "\n// a line\n", "  \n" };
	uint32_t at = generate_below(&r->g, l->n + 1), other;

	if (at == l->n || generate_one_in(&r->g, 4)) {
		insert_line(l, at, new_line(r));
		return;
	}
	other = generate_below(&r->g, l->n);
	switch (generate_below(&r->g, 7)) {
	case 0:
	case 1:
		(void)remove_line(l, at);
		return;
	case 2:
		insert_line(l, other, remove_line(l, at));
		return;
	case 3:
		insert_line(l, other, l->items[at]);
		return;
	case 4:
	case 5:
		l->items[at] = new_line(r);
		return;
	default:
		l->items[at] = line_with(r, l->items[at],
		    behind[generate_below(&r->g, ARRAY_LEN(behind))]);
	}
}

static const char *
joined(struct run *r, const struct lines *l)
{
	struct buf b = { 0 };

	for (uint32_t i = 0; i < l->n; i++)
		buf_add(&b, l->items[i]);
	return keep(r, &b);
}

static const char *
in_places(struct run *r, const char *text)
{
	struct lines l = lines_of(text);
	uint32_t n = 1 + generate_below(&r->g, 3);

	for (uint32_t i = 0; i < n; i++)
		change_line(r, &l);
	return joined(r, &l);
}

static const char *
large_text(struct run *r)
{
	struct lines l = { .n = 0 };

	while (l.n < (r->is_light ? LIGHT_POLICIES : LARGE_POLICIES))
		insert_line(&l, l.n, new_line(r));
	return joined(r, &l);
}

/* ---- files -----------------------------------------------------------------
 */

/* Which of several files an entity is in hangs on its name: mostly each is in
 * one, sometimes in two. */
static bool
is_in_file(struct run *r, struct uid uid, uint32_t file)
{
	if (generate_one_in(&r->g, 40))
		return true;
	return (uid.id.n + (unsigned char)uid.id.p[0]) % ENTITY_FILES == file;
}

static const char *
entities_text(struct run *r, uint32_t file)
{
	const struct entities *all = generate_entities(&r->g);
	json_t *array = entities_to_json(all);
	struct buf b = { 0 };
	size_t i = 0;

	for (size_t k = 0; k < entities_count(all); k++)
		if (is_in_file(r, entities_uid_at(all, k), file))
			i++;
		else
			json_array_remove(array, i);
	write(&b, array);
	json_decref(array);
	return keep(r, &b);
}

/* Where it stands in the array; its length where it does not. */
static size_t
place_of(const json_t *array, const json_t *record)
{
	size_t i = 0;

	while (i < json_array_size(array) &&
	       !json_equal(json_object_get(json_array_get(array, i), "uid"),
		   json_object_get(record, "uid")))
		i++;
	return i;
}

/* What another world has under the uid in place of it, or behind all. */
static void
put_other(struct run *r, json_t *array, uint32_t file)
{
	const struct entities *all = generate_entities(&r->g);
	json_t *others = entities_to_json(all), *other;
	size_t n = entities_count(all), i;

	if (n == 0 || !others)
		return;
	i = generate_below(&r->g, (uint32_t)n);
	other = json_array_get(others, i);
	if (is_in_file(r, entities_uid_at(all, i), file)) {
		i = place_of(array, other);
		if (i < json_array_size(array))
			json_array_set(array, i, other);
		else
			json_array_append(array, other);
	}
	json_decref(others);
}

static void
change_array(struct run *r, json_t *array, uint32_t file)
{
	uint32_t n = (uint32_t)json_array_size(array), at;
	json_t *one;

	if (n == 0 || generate_one_in(&r->g, 2)) {
		put_other(r, array, file);
		return;
	}
	at = generate_below(&r->g, n);
	one = json_incref(json_array_get(array, at));
	/* It goes, moves, or stands twice. */
	if (!generate_one_in(&r->g, 16))
		json_array_remove(array, at);
	if (generate_one_in(&r->g, 2))
		json_array_insert(array, generate_below(&r->g, n), one);
	json_decref(one);
}

static void
write_array(struct run *r, struct buf *b, const json_t *array)
{
	static const char *const spaces[] = { " ", "\n", "\r\n\t" };

	buf_byte(b, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			buf_byte(b, ',');
		if (generate_one_in(&r->g, 20))
			buf_addz(b,
			    spaces[generate_below(&r->g, ARRAY_LEN(spaces))]);
		write(b, json_array_get(array, i));
	}
	buf_byte(b, ']');
}

/* A byte of it is another. */
static void
damage(struct run *r, struct buf *b)
{
	static const char bytes[] = "[]{},\":\\ 0x";

	b->p[generate_below(&r->g, (uint32_t)b->n)] =
	    bytes[generate_below(&r->g, sizeof bytes - 1)];
}

static const char *
entities_in_places(struct run *r, const char *text, uint32_t file)
{
	uint32_t n = generate_below(&r->g, 3);
	json_t *array = NULL;
	struct buf b = { 0 };

	/* It may be damaged. */
	if (!json_parse(
		str_of(text), "e", 1 << 20, 64, JSON_DATA_FILE, &array, NULL))
		return text;
	for (uint32_t i = 0; i <= n; i++)
		change_array(r, array, file);
	write_array(r, &b, array);
	json_decref(array);
	if (generate_one_in(&r->g, 40))
		damage(r, &b);
	return keep(r, &b);
}

static void
change_policies(struct run *r)
{
	uint32_t i = generate_below(&r->g, POLICY_FILES);

	const char *was;

	if (generate_one_in(&r->g, 2))
		i = LARGE;
	was = r->now.policies[i];
	if (i == LARGE && !was) {
		r->now.policies[i] = large_text(r);
		return;
	}
	if (i >= 2 && was && (i == LARGE || generate_one_in(&r->g, 2)) &&
	    !generate_one_in(&r->g, 40)) {
		r->now.policies[i] = in_places(r, was);
		return;
	}
	/* Files of templates and links change seldom. */
	if (i < 2 && !generate_one_in(&r->g, 20))
		i = 2 + generate_below(&r->g, POLICY_FILES - 2);
	if (i < 2)
		r->now.policies[i] = r->now.policies[i] ? NULL
				     : i                ? links
							: template;
	else
		r->now.policies[i] =
		    generate_one_in(&r->g, 4) ? NULL : policies_text(r);
}

static void
change_entities(struct run *r)
{
	uint32_t i = generate_below(&r->g, ENTITY_FILES);
	const char *was = r->now.entities[i];

	if (was && !generate_one_in(&r->g, 3))
		r->now.entities[i] = entities_in_places(r, was, i);
	else
		r->now.entities[i] =
		    generate_one_in(&r->g, 6) ? NULL : entities_text(r, i);
}

static void
change(struct run *r)
{
	uint32_t n = 1 + generate_below(&r->g, 3);

	for (uint32_t i = 0; i < n; i++)
		if (generate_one_in(&r->g, 3))
			change_entities(r);
		else
			change_policies(r);
}

/* ---- snapshots -------------------------------------------------------------
 */

struct listed {
	struct engine_file policies[POLICY_FILES], entities[ENTITY_FILES];
	char names[POLICY_FILES + ENTITY_FILES][16];
	struct engine_files files;
};

static void
list(const struct files *now, struct listed *ret)
{
	*ret = (struct listed){ 0 };
	ret->files.policies = ret->policies;
	ret->files.entities = ret->entities;
	for (uint32_t i = 0; i < POLICY_FILES; i++) {
		(void)snprintf(ret->names[i], sizeof ret->names[i],
		    i == 1 ? "l%u.json" : "p%u.avow", i);
		if (now->policies[i])
			ret->policies[ret->files.n_policies++] =
			    (struct engine_file){ .name = ret->names[i],
				    .text = str_of(now->policies[i]) };
	}
	for (uint32_t i = 0; i < ENTITY_FILES; i++) {
		char *name = ret->names[POLICY_FILES + i];

		(void)snprintf(name, sizeof ret->names[0], "e%u.json", i);
		if (now->entities[i])
			ret->entities[ret->files.n_entities++] =
			    (struct engine_file){ .name = name,
				    .text = str_of(now->entities[i]) };
	}
}

static struct engine_snapshot *
load(const struct files *now)
{
	struct listed l;
	struct buf messages = { 0 };
	struct engine_snapshot *s;

	list(now, &l);
	s = engine_load_files(&l.files, 1000, &messages);
	buf_free(&messages);
	return s;
}

/* ---- comparing -------------------------------------------------------------
 */

/* What direct evaluation says, without what a decision does not have. */
static json_t *
evaluated(struct run *r, const struct engine_snapshot *s,
    const struct engine_request *q, enum engine_errored_deny errored)
{
	static const char *const keys[] = { "decision", "code", "reasons",
		"errors", "policies" };
	enum engine_effect effect;
	json_t *report = engine_verify(
	    s, q, NULL, errored, LEVEL_LOW, NULL, r->scratch, &effect);
	json_t *answer = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(
		    answer, keys[i], json_object_get(report, keys[i]));
	json_decref(report);
	return answer;
}

/* The request over a snapshot's entities; with some of its own. */
static bool
lay(struct run *r, const struct engine_snapshot *s, const struct entity *own,
    struct engine_request *q, struct error *err)
{
	struct entities *layer =
	    entities_new(r->scratch, engine_snapshot_entities(s));

	if (!layer)
		abort();
	q->entities = layer;
	return (!own || entities_add(layer, own, err)) &&
	       entities_finish(layer, err);
}

static void
show(struct run *r, const char *what, const json_t *want, const json_t *got)
{
	struct buf b = { 0 };

	if (r->tally->differ++ >= SHOWN)
		return;
	buf_printf(&b,
	    "\nseed %llu: %s\nloaded:  ", (unsigned long long)r->seed, what);
	if (want)
		write(&b, want);
	buf_addz(&b, "\nupdated: ");
	if (got)
		write(&b, got);
	buf_byte(&b, '\n');
	for (uint32_t i = 0; i < POLICY_FILES; i++)
		if (r->now.policies[i])
			buf_printf(&b, "p%u: %s", i, r->now.policies[i]);
	for (uint32_t i = 0; i < ENTITY_FILES; i++)
		if (r->now.entities[i])
			buf_printf(&b, "e%u: %s\n", i, r->now.entities[i]);
	fputs(b.p, stdout);
	buf_free(&b);
}

static void
compare_one(struct run *r, const struct engine_snapshot *whole,
    const struct engine_snapshot *updated, struct engine_request q,
    const struct entity *own)
{
	struct engine_request p = q;
	struct error err = { 0 }, other = { 0 };
	enum engine_errored_deny errored =
	    generate_one_in(&r->g, 2) ? ERRORED_DENY_SKIP : ERRORED_DENY_DENIES;
	bool is_direct = generate_one_in(&r->g, 3) && !own;
	bool ok = is_direct || lay(r, whole, own, &q, &err);
	struct engine_answer x, y;
	json_t *want, *got, *direct;

	if ((is_direct || lay(r, updated, own, &p, &other)) != ok ||
	    err.code != other.code || strcmp(err.msg, other.msg) != 0)
		show(r, "a request's entities do not fit alike", NULL, NULL);
	if (!ok)
		return;
	if (is_direct) {
		q.entities = engine_snapshot_entities(whole);
		p.entities = engine_snapshot_entities(updated);
	}
	engine_evaluate(whole, &q, errored, r->scratch, &x);
	engine_evaluate(updated, &p, errored, r->scratch, &y);
	want = engine_answer_to_json(&x);
	got = engine_answer_to_json(&y);
	direct = evaluated(r, updated, &p, errored);
	if (!json_equal(want, got))
		show(r, "the answers differ", want, got);
	else if (!json_equal(want, direct))
		show(r, "direct evaluation differs", want, direct);
	else
		r->tally->agree++;
	json_decref(want);
	json_decref(got);
	json_decref(direct);
}

static bool
is_same_info(const struct policy_set *x, const struct policy_set *y, uint32_t i)
{
	struct policy_info a = policy_set_info(x, i), b = policy_set_info(y, i);

	return str_eq(a.id, b.id) && a.effect == b.effect &&
	       strcmp(a.at.file, b.at.file) == 0 && a.at.line == b.at.line &&
	       a.at.col == b.at.col && a.at.len == b.at.len;
}

static bool
is_same_body(const struct policy_set *x, const struct policy_set *y, uint32_t i)
{
	struct buf a = { 0 }, b = { 0 };
	bool same;

	policy_print(x, i, &a);
	policy_print(y, i, &b);
	same = buf_ok(&a) && buf_ok(&b) && str_eq(buf_str(&a), buf_str(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

static bool
has_same_actions(
    struct run *r, const struct policy_set *x, const struct policy_set *y)
{
	const struct uid *a, *b;
	size_t n, n_b;

	if (!policy_set_actions(x, r->scratch, &a, &n, NULL) ||
	    !policy_set_actions(y, r->scratch, &b, &n_b, NULL) || n != n_b)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!uid_eq(a[i], b[i]))
			return false;
	return true;
}

/* Policy by policy. */
static void
compare_sets(
    struct run *r, const struct policy_set *x, const struct policy_set *y)
{
	uint32_t n = policy_set_count(x);

	if (n != policy_set_count(y) ||
	    policy_set_files(x) != policy_set_files(y)) {
		show(r, "the policies differ in number", NULL, NULL);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		if (!is_same_info(x, y, i) || !is_same_body(x, y, i)) {
			show(r, "a policy is another", NULL, NULL);
			return;
		}
	if (!has_same_actions(r, x, y))
		show(r, "the actions differ", NULL, NULL);
	if (!str_eq(policy_set_version(x), policy_set_version(y)))
		show(r, "the versions differ", NULL, NULL);
	arena_reset(r->scratch);
}

/* Reports name clauses with their places, and quote them. */
static void
compare_reports(struct run *r, const struct engine_snapshot *whole,
    const struct engine_snapshot *updated, struct engine_request q)
{
	enum engine_effect effect;
	json_t *want, *got;

	q.entities = engine_snapshot_entities(whole);
	want = engine_verify(whole, &q, NULL, ERRORED_DENY_DENIES, LEVEL_HIGH,
	    NULL, r->scratch, &effect);
	q.entities = engine_snapshot_entities(updated);
	got = engine_verify(updated, &q, NULL, ERRORED_DENY_DENIES, LEVEL_HIGH,
	    NULL, r->scratch, &effect);
	/* It lists all entities, in an order of their layers. */
	(void)json_object_del(want, "request");
	(void)json_object_del(got, "request");
	if (!want || !got || !json_equal(want, got))
		show(r, "the reports differ", want, got);
	json_decref(want);
	json_decref(got);
}

static void
compare(struct run *r, const struct engine_snapshot *whole,
    const struct engine_snapshot *updated)
{
	const struct entities *others = generate_entities(&r->g);
	size_t n = entities_count(others);

	if (entities_count(engine_snapshot_entities(whole)) !=
	    entities_count(engine_snapshot_entities(updated)))
		show(r, "the entities differ in number", NULL, NULL);
	compare_sets(r, engine_snapshot_policies(whole),
	    engine_snapshot_policies(updated));
	for (uint32_t i = 0; i < REQUESTS; i++) {
		struct eval_request e;
		struct engine_request q;
		const struct entity *own = NULL;

		generate_request(&r->g, &e);
		q = (struct engine_request){ e.principal, e.action, e.resource,
			*e.context, NULL };
		if (n && generate_one_in(&r->g, 3))
			own = record_at(
			    others, generate_below(&r->g, (uint32_t)n));
		arena_reset(r->scratch);
		compare_one(r, whole, updated, q, own);
		if (i == 0)
			compare_reports(r, whole, updated, q);
	}
}

/* ---- steps -----------------------------------------------------------------
 */

/* The snapshot in force after the change, once compared. */
static struct engine_snapshot *
step(struct run *r, struct engine_snapshot *old)
{
	struct files before = r->now;
	struct engine_snapshot *whole, *updated, *merged;
	struct listed l;
	const char *why = NULL;

	change(r);
	list(&r->now, &l);
	whole = load(&r->now);
	updated = engine_snapshot_update(old, &l.files, 2000, &why);
	r->tally->steps++;
	if (!whole) {
		if (updated)
			show(r, "what is refused was an update", NULL, NULL);
		engine_snapshot_unref(updated);
		r->tally->refused++;
		r->now = before;
		return old;
	}
	engine_snapshot_unref(old);
	if (!updated) {
		r->tally->rebuilt++;
		return whole;
	}
	r->tally->updated++;
	compare(r, whole, updated);
	if (generate_one_in(&r->g, 6)) {
		merged = engine_snapshot_merge(updated);
		if (!merged)
			abort();
		compare(r, whole, merged);
		engine_snapshot_unref(updated);
		updated = merged;
		r->tally->merged++;
	}
	engine_snapshot_unref(whole);
	return updated;
}

void
updates_run(uint64_t seed, struct updates_tally *tally)
{
	struct run r = { .arena = arena_new(0),
		.scratch = arena_new(0),
		.is_light = seed / 2 % 4 != 0,
		.seed = seed,
		.tally = tally };
	struct engine_snapshot *s;

	generate_init(&r.g, r.arena, seed);
	r.now.policies[0] = template;
	r.now.policies[1] = links;
	if (seed % 2) /* no links: ids by position may move */
		r.now.policies[0] = r.now.policies[1] = NULL;
	for (uint32_t i = 0; i < ENTITY_FILES; i++)
		change_entities(&r);
	while (!(s = load(&r.now)))
		change(&r);
	for (uint32_t i = 0; i < STEPS; i++)
		s = step(&r, s);
	engine_snapshot_unref(s);
	arena_free(r.arena);
	arena_free(r.scratch);
}
