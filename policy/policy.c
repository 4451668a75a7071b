/* policy.c - a policy set: files in, instances with ids out.
 * Files are parsed as they are added; ids, the disjointness of indivisible sets
 * and the version wait for policy_set_finish, which sees all of them. Names of
 * files are copied once a file, so that an error's place leads back to its
 * text by that pointer. */
#include "policy/policy.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/intern.h"
#include "base/limits.h"
#include "policy/image.h"
#include "policy/pieces.h"

#define VERSION_BYTES 8u

struct policy_set *
policy_set_new(enum policy_naming naming)
{
	struct arena *a = arena_new(0);
	struct policy_set *set = a ? ARENA_NEW(a, struct policy_set) : NULL;

	if (!set) {
		arena_free(a);
		return NULL;
	}
	set->arena = a;
	set->naming = naming;
	return set;
}

void
policy_set_free(struct policy_set *set)
{
	if (!set)
		return;
	image_fini(set->image);
	arena_free(set->arena);
}

bool
files_keep(struct policy_set *set, struct ast *t, struct errors *reterr)
{
	if (!ARENA_PUSH_ROOM(
		set->arena, set->files, set->n_files, set->cap_files))
		return errors_nomem(reterr);
	set->files[set->n_files++] = t;
	return true;
}

/* `text` and `file` are the set's. */
static bool
add_file(struct policy_set *set, const char *file, struct str text,
    enum file_form form, struct errors *reterr)
{
	struct ast *t;
	bool ok = files_parse(set->arena, file, text, form, &t, reterr);

	/* Kept even with errors: their messages quote its text. */
	return (!t || files_keep(set, t, reterr)) && ok;
}

static bool
add_copy(struct policy_set *set, const char *file, struct str text,
    enum file_form form, struct errors *reterr)
{
	struct str copy = str_dup(set->arena, text);
	const char *name = str_z(set->arena, str_of(file));

	if (!copy.p || !name)
		return errors_nomem(reterr);
	return add_file(set, name, copy, form, reterr);
}

bool
policy_set_add_text(struct policy_set *set, const char *file, struct str text,
    enum policy_dialect dialect, struct errors *reterr)
{
	return add_copy(set, file, text, (enum file_form)dialect, reterr);
}

bool
policy_set_add_json(struct policy_set *set, const char *file, struct str text,
    struct errors *reterr)
{
	return add_copy(set, file, text, FILE_JSON, reterr);
}

/* Nothing comes of the file but messages, which quote its text. */
static bool
keep_for_messages(struct policy_set *set, const char *file, struct str text,
    struct errors *reterr)
{
	struct ast *t = ARENA_NEW(set->arena, struct ast);
	struct error e = { 0 };

	if (!t || !ARENA_PUSH_ROOM(
		      set->arena, set->files, set->n_files, set->cap_files))
		return errors_nomem(reterr);
	if (!source_init(set->arena, file, text, &t->source, &e))
		return errors_take(reterr, &e);
	set->files[set->n_files++] = t;
	return false;
}

bool
policy_set_add_iam(struct policy_set *set, const char *file, struct str text,
    struct uid principal, struct uid resource, struct errors *reterr)
{
	struct str copy = str_dup(set->arena, text);
	const char *name = str_z(set->arena, str_of(file));
	struct buf out = { 0 };
	bool ok;

	if (!copy.p || !name)
		return errors_nomem(reterr);
	if (!policy_import_iam(name, copy, principal, resource, &out, reterr))
		return keep_for_messages(set, name, copy, reterr);
	name = str_printf(set->arena, "%s as text", name).p;
	ok = name ? add_copy(set, name, buf_str(&out), FILE_AVOW, reterr)
		  : errors_nomem(reterr);
	buf_free(&out);
	return ok;
}

bool
policy_set_add_file(struct policy_set *set, const char *file, struct str text,
    struct errors *reterr)
{
	const char *name = str_z(set->arena, str_of(file));

	if (!name)
		return errors_nomem(reterr);
	return files_check_form(name, text, reterr) &&
	       add_copy(set, name, text, files_form_of(name), reterr);
}

/* What the tree's part of its file says. */
static struct str
share_text(const struct ast *t)
{
	return t->share.is_part
		   ? str_sub(t->source.text, t->share.from, t->share.to)
		   : t->source.text;
}

static bool
add_parts(struct policy_set *set, struct ast *const *parts, size_t n,
    struct errors *reterr)
{
	struct buf text = { 0 };
	bool ok;

	for (size_t i = 0; i < n; i++)
		buf_add(&text, share_text(parts[i]));
	ok = buf_ok(&text) ? policy_set_add_file(set, parts[0]->source.file,
				 buf_str(&text), reterr)
			   : errors_nomem(reterr);
	buf_free(&text);
	return ok;
}

bool
policy_set_add_all(struct policy_set *set, const struct policy_set *from,
    struct errors *reterr)
{
	bool ok = true;

	for (uint32_t i = 0; ok && from->image && i < policy_set_files(from);
	     i++) {
		struct str text;

		ok = policy_set_file_text(from, i, &text) &&
		     policy_set_add_file(
			 set, policy_set_file_name(from, i), text, reterr);
	}
	for (size_t i = 0, n; ok && i < from->n_files; i += n) {
		n = 1;
		while (
		    i + n < from->n_files && from->files[i + n]->share.goes_on)
			n++;
		ok = add_parts(set, from->files + i, n, reterr);
	}
	return ok;
}

bool
policy_set_add_path(
    struct policy_set *set, const char *path, struct errors *reterr)
{
	static const char *const suffixes[] = { ".avow", ".cedar", NULL };
	const char *own = str_z(set->arena, str_of(path));
	const char *const *paths = &own;
	struct error e = { 0 };
	size_t n = 1;

	if (!own)
		return errors_nomem(reterr);
	if (policy_path_is_image(own))
		return image_add(set, own, reterr);
	if (strcmp(own, "-") != 0 &&
	    !file_list(set->arena, own, suffixes, &paths, &n, &e))
		return errors_take(reterr, &e);
	return files_read_all(set, paths, n, reterr);
}

/* ---- finishing ------------------------------------------------------------
 */

/* Members of indivisible sets, a table a variable; `owners` has, for each id of
 * the table, the place of the set it is in. */
struct members {
	struct arena *arena;
	struct intern *table[3];
	struct span *owners[3];
	size_t n[3], cap[3];
};

static bool
add_indivisible(struct members *m, const struct ast *t,
    const struct ast_indivisible *set, struct errors *reterr)
{
	struct span at = source_span(&t->source, set->off, set->len);
	uint32_t own = (uint32_t)m->n[set->var];
	bool ok = true;

	for (uint32_t i = 0; i < set->n; i++) {
		uint32_t node = t->kids[set->first + i];
		const struct ast_node *e = &t->nodes[node];
		uint32_t id;

		if (e->kind != NODE_ENTITY)
			continue;
		id = intern_add(
		    m->table[set->var], t->strings[e->a], t->strings[e->b]);
		if (id == INTERN_NONE ||
		    !ARENA_PUSH_ROOM(m->arena, m->owners[set->var],
			m->n[set->var], m->cap[set->var]))
			return errors_nomem(reterr);
		if (id == m->n[set->var]) {
			m->owners[set->var][m->n[set->var]++] = at;
		} else if (id < own) {
			struct span first = m->owners[set->var][id];

			(void)errors_add(reterr, ERR_NAME_DUPLICATE,
			    ast_span(t, node),
			    "the entity is in another indivisible set too, "
			    "at %s:%u",
			    first.file, first.line);
			ok = false;
		}
	}
	return ok;
}

bool
set_check_indivisibles(const struct policy_set *set, struct errors *reterr)
{
	struct members m = { .arena = arena_new(0) };
	bool ok = m.arena != NULL || errors_nomem(reterr), disjoint = true;

	for (int v = 0; ok && v < 3; v++) {
		m.table[v] = intern_new(m.arena, NULL);
		ok = m.table[v] != NULL || errors_nomem(reterr);
	}
	for (size_t i = 0; ok && i < set->n_files; i++)
		for (uint32_t j = 0; j < set->files[i]->n_indivisibles; j++)
			disjoint =
			    add_indivisible(&m, set->files[i],
				&set->files[i]->indivisibles[j], reterr) &&
			    disjoint;
	arena_free(m.arena);
	return ok && disjoint;
}

static bool
no_digest(struct errors *reterr)
{
	(void)errors_add(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "SHA-256 failed, or memory ran out");
	return false;
}

bool
set_version_of(struct policy_set *set, uint8_t (*digests)[32], size_t n,
    struct errors *reterr)
{
	const struct str all = { (const char *)digests, n * sizeof *digests };
	uint8_t digest[32];

	if (!digest_sha256(&all, 1, digest))
		return no_digest(reterr);
	digest_hex(digest, VERSION_BYTES, set->version);
	return true;
}

/* Of all files' texts; beside other work where there is much of them (and
 * bench/guard.sh, which counts one thread, has less). */
#define DIGESTED_APART ((size_t)1 << 22)

struct digesting {
	struct policy_set *set;
	struct arena *arena; /* of the pieces */
	pthread_t thread;
	bool is_apart, ok;
};

static void *
digest_all(void *arg)
{
	struct digesting *d = arg;
	struct policy_set *set = d->set;

	d->ok = true;
	for (size_t i = 0; d->ok && i < set->n_files; i++)
		if (set->pieces[i].n == 0)
			d->ok =
			    pieces_digest(d->arena, set->files[i]->source.text,
				NULL, &set->pieces[i], set->digests[i]);
	return NULL;
}

/* Digests that were made while files were read. */
static void
take_ready(struct policy_set *set)
{
	for (size_t i = 0, k = 0; k < set->n_ready && i < set->n_files; i++) {
		if (set->ready[k].file != set->files[i])
			continue;
		set->pieces[i] = *set->ready[k].pieces;
		memcpy(set->digests[i], set->ready[k++].digest,
		    sizeof *set->digests);
	}
}

/* Much that is not digested yet. */
static bool
has_much_text(const struct policy_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_files; i++)
		n += set->pieces[i].n == 0 ? set->files[i]->source.text.n : 0;
	return n >= DIGESTED_APART && sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static bool
digest_begin(struct digesting *d, struct policy_set *set)
{
	*d = (struct digesting){ .set = set };
	set->digests =
	    arena_array(set->arena, set->n_files, sizeof *set->digests);
	set->pieces = ARENA_ARRAY(set->arena, set->n_files, struct pieces);
	d->arena = set->digests && set->pieces ? arena_new(0) : NULL;
	if (!d->arena)
		return false;
	take_ready(set);
	d->is_apart = has_much_text(set) &&
		      pthread_create(&d->thread, NULL, digest_all, d) == 0;
	return true;
}

static bool
digest_end(struct digesting *d, struct errors *reterr)
{
	if (d->is_apart)
		(void)pthread_join(d->thread, NULL);
	else
		(void)digest_all(d);
	if (!files_adopt(d->set->arena, d->arena)) {
		arena_free(d->arena);
		return errors_nomem(reterr);
	}
	return (d->ok || no_digest(reterr)) &&
	       set_version_of(d->set, d->set->digests, d->set->n_files, reterr);
}

bool
policy_set_finish(struct policy_set *set, struct errors *reterr)
{
	struct digesting digesting;
	bool ok = digest_begin(&digesting, set) || errors_nomem(reterr),
	     has_all;

	if (!ok)
		return false;
	has_all = instances_make(set, reterr);
	has_all = set_check_indivisibles(set, reterr) && has_all;
	set->finished = digest_end(&digesting, reterr) && has_all;
	return set->finished;
}

/* ---- what is in it --------------------------------------------------------
 */

static struct str
text_of(const struct policy_set *set, const char *file)
{
	struct str text;

	for (size_t i = 0; file && i < set->n_files; i++)
		if (set->files[i]->source.file == file)
			return set->files[i]->source.text;
	for (uint32_t i = 0; file && set->image && i < set->image->n_files; i++)
		if (set->image->names[i] == file &&
		    image_file_text(set, i, &text))
			return text;
	return STR("");
}

static void
print_all(const struct policy_set *set, const char *severity,
    const struct errors *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		error_print_as(out, severity, &list->e[i],
		    text_of(set, list->e[i].at.file));
	if (list->dropped)
		buf_printf(out, "%zu more not shown\n", list->dropped);
}

void
policy_set_print_errors(
    const struct policy_set *set, const struct errors *errors, struct buf *out)
{
	print_all(set, "error", errors, out);
}

void
policy_set_print_warnings(const struct policy_set *set,
    const struct errors *warnings, struct buf *out)
{
	print_all(set, "warning", warnings, out);
}

uint32_t
policy_set_count(const struct policy_set *set)
{
	return (uint32_t)set->n_instances;
}

uint32_t
policy_set_templates(const struct policy_set *set)
{
	return (uint32_t)set->n_templates;
}

uint32_t
policy_set_links(const struct policy_set *set)
{
	return (uint32_t)set->n_links;
}

uint32_t
policy_set_files(const struct policy_set *set)
{
	if (set->image)
		return (uint32_t)set->image->n_files;
	return (uint32_t)(set->n_whole ? set->n_whole : set->n_files);
}

const struct policy_instance *
policy_instance_at(const struct policy_set *set, uint32_t i)
{
	return set->image ? image_instance(set, i) : &set->instances[i];
}

const struct policy_instance *
policy_instance_in(
    const struct policy_set *set, uint32_t i, struct arena *scratch)
{
	return set->image ? image_instance_in(set, i, scratch)
			  : &set->instances[i];
}

const char *
policy_set_file_name(const struct policy_set *set, uint32_t i)
{
	return set->image ? set->image->names[i] : set->files[i]->source.file;
}

bool
policy_set_file_text(const struct policy_set *set, uint32_t i, struct str *ret)
{
	if (set->image)
		return image_file_text(set, i, ret);
	*ret = set->files[i]->source.text;
	return true;
}

struct policy_info
policy_set_info(const struct policy_set *set, uint32_t i)
{
	const struct policy_instance *p;
	const struct ast_policy *policy;

	if (set->image)
		return image_info(set, i);
	p = &set->instances[i];
	policy = &p->ast->policies[p->policy];
	return (struct policy_info){ p->id,
		policy->word == WORD_PERMIT ? POLICY_PERMIT : POLICY_DENY,
		source_span(
		    &p->ast->source, policy->head_off, policy->head_len) };
}

enum policy_effect
policy_set_effect(const struct policy_set *set, uint32_t i)
{
	const struct policy_instance *p;

	if (set->image)
		return set->image->policies[i].file & IMAGE_PERMIT
			   ? POLICY_PERMIT
			   : POLICY_DENY;
	p = &set->instances[i];
	return p->ast->policies[p->policy].word == WORD_PERMIT ? POLICY_PERMIT
							       : POLICY_DENY;
}

/* Of each string of a file, the type that an action had it with, plus one: most
 * policies name an action that others did. */
struct seen {
	const struct str *strings;
	uint32_t *types;
};

struct actions {
	struct arena *arena;
	struct uid *uids;
	size_t n, cap;
	struct seen seen[2]; /* [1]: of what stayed of a file */
};

static bool
add_actions(struct actions *of, const struct ast *t)
{
	struct seen *s = &of->seen[t->share.first_node > 0];
	uint32_t i = t->share.first_node > 0 ? t->share.first_node : 1;

	/* What stayed of a file has the file's strings, in each part. */
	if (!s->types || s->strings != t->strings)
		*s = (struct seen){ t->strings,
			ARENA_ARRAY(of->arena, t->n_strings, uint32_t) };
	for (; s->types && i < t->n_nodes; i++) {
		const struct ast_node *node = &t->nodes[i];

		if (node->kind != NODE_ENTITY ||
		    s->types[node->b] == node->a + 1 ||
		    !uid_type_is_action(t->strings[node->a]))
			continue;
		s->types[node->b] = node->a + 1;
		if (!ARENA_PUSH_ROOM(of->arena, of->uids, of->n, of->cap))
			return false;
		of->uids[of->n++] =
		    (struct uid){ t->strings[node->a], t->strings[node->b] };
	}
	return s->types != NULL;
}

bool
policy_set_actions(const struct policy_set *set, struct arena *a,
    const struct uid **ret, size_t *ret_n, struct error *reterr)
{
	struct actions of = { .arena = a };
	size_t kept = 0;

	if (set->image)
		return image_actions(set->image, a, ret, ret_n, reterr);
	for (size_t f = 0; f < set->n_files; f++)
		if (!add_actions(&of, set->files[f]))
			return error_nomem(reterr);
	if (of.n > 1)
		qsort(of.uids, of.n, sizeof *of.uids, uid_compare);
	for (size_t i = 0; i < of.n; i++)
		if (kept == 0 || !uid_eq(of.uids[kept - 1], of.uids[i]))
			of.uids[kept++] = of.uids[i];
	*ret = of.uids;
	*ret_n = kept;
	return true;
}

int
policy_set_compare(const struct policy_set *set, uint32_t x, uint32_t y)
{
	if (set->image)
		return image_compare(set->image, x, y);
	return str_cmp(set->instances[x].id, set->instances[y].id);
}

struct str
policy_set_version(const struct policy_set *set)
{
	return str_of(set->version);
}

bool
policy_format(const char *file, struct str text, enum policy_dialect dialect,
    struct buf *out, struct errors *reterr)
{
	struct arena *a = arena_new(0);
	struct buf formatted = { 0 };
	struct source source;
	struct error e = { 0 };
	struct ast *t;
	bool ok;

	if (!a)
		return errors_nomem(reterr);
	ok = source_init(a, file, text, &source, &e) || errors_take(reterr, &e);
	ok = ok && parse_policies(a, &source, dialect, &t, reterr);
	if (ok) {
		print_ast(t, &formatted);
		ok = buf_ok(&formatted) || errors_nomem(reterr);
	}
	if (ok)
		buf_add(out, buf_str(&formatted));
	buf_free(&formatted);
	arena_free(a);
	return ok;
}

void
policy_print_body(const struct policy_set *set, uint32_t i, struct buf *out)
{
	const struct policy_instance *p = policy_instance_at(set, i);

	if (p)
		print_body(p, out);
	else
		out->failed = true;
}

void
policy_print(const struct policy_set *set, uint32_t i, struct buf *out)
{
	const struct policy_instance *p = policy_instance_at(set, i);

	if (p)
		print_link(p, out);
	else
		out->failed = true;
}
