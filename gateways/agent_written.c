/* agent_written.c - files for local programs, and the commands that tell those
 * programs of a change. A file whose thing is not there, or has ended, stays as
 * it is; a command that failed is run again, with the files that failed. */
#include "gateways/agent_core_private.h"

#include "base/limits.h"
#include "base/log.h"
#include "gateways/agent_files.h"
#include "gateways/agent_run.h"

enum agent_what
agent_written_what(const struct agent_file *f)
{
	switch (f->kind) {
	case AGENT_FILE_TOKEN:
		return AGENT_TOKEN;
	case AGENT_FILE_JWT_SVID:
		return AGENT_JWT_SVID;
	case AGENT_FILE_WIT_SVID:
		return AGENT_WIT_SVID;
	case AGENT_FILE_KEYS:
		return AGENT_KEYS;
	case AGENT_FILE_BUNDLE:
		return AGENT_BUNDLE;
	case AGENT_FILE_NONE:
	case AGENT_FILE_APT:
	case AGENT_FILE_DNF:
	case AGENT_FILE_DOCUMENT:
	case AGENT_FILE_SIGNATURE:
	case AGENT_FILE_PACK:
		break;
	}
	return AGENT_DOCUMENT;
}

/* ---- files --------------------------------------------------------------- */

static bool
write_one(struct agent_core *c, const struct agent_file *f, bool *ret_changed,
    struct error *reterr)
{
	struct agent_held *h =
	    agent_core_find(c, agent_written_what(f), f->audience, reterr);
	bool ok = h && agent_files_write(
			   f, c->config->instance, h, ret_changed, reterr);

	agent_held_free(h);
	return ok;
}

static void
note_written(struct agent_core *c, size_t i, bool ok, bool changed,
    const struct error *why)
{
	struct agent_written *w = &c->written[i];

	pthread_mutex_lock(&c->lock);
	w->failed = !ok;
	w->why = *why;
	if (changed) {
		w->at_ms = agent_core_now_ms(c);
		w->is_to_run = c->config->files[i].run.n > 0;
	}
	pthread_mutex_unlock(&c->lock);
}

static bool
write_files(struct agent_core *c)
{
	const struct agent_config *g = c->config;
	bool all = true;

	for (size_t i = 0; i < g->n_files; i++) {
		struct error err = { 0 };
		bool changed = false;
		bool ok = write_one(c, &g->files[i], &changed, &err);

		if (!ok && (!c->written[i].failed ||
			       c->written[i].why.code != err.code))
			log_error("agent.file", &err);
		note_written(c, i, ok, changed, &err);
		all = all && ok;
	}
	return all;
}

/* ---- commands ------------------------------------------------------------ */

static bool
is_same_command(const struct config_strings *a, const struct config_strings *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (!str_eq(a->items[i], b->items[i]))
			return false;
	return a->n == b->n;
}

/* For each file that waits for this command. */
static void
note_run(struct agent_core *c, const struct config_strings *command, bool ok,
    const struct error *why)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->config->n_files; i++) {
		struct agent_written *w = &c->written[i];

		if (!w->is_to_run ||
		    !is_same_command(&c->config->files[i].run, command))
			continue;
		w->is_to_run = !ok;
		w->ran_ms = agent_core_now_ms(c);
		w->ran_why = *why;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Was one before it of the same words? Then it was run, well or not. */
static bool
is_repeated(const struct agent_core *c, const bool *was_to_run, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (was_to_run[k] && is_same_command(&c->config->files[k].run,
					 &c->config->files[i].run))
			return true;
	return false;
}

static bool
run_commands(struct agent_core *c)
{
	const struct agent_config *g = c->config;
	bool was_to_run[LIMIT_AGENT_LIST] = { false };
	bool all = true;

	for (size_t i = 0; i < g->n_files; i++) {
		struct error err = { 0 };
		bool ok;

		was_to_run[i] = c->written[i].is_to_run;
		if (!was_to_run[i] || is_repeated(c, was_to_run, i))
			continue;
		ok = agent_run(&g->files[i].run, LIMIT_AGENT_RUN_MS, &err);
		if (!ok)
			log_error("agent.run", &err);
		note_run(c, &g->files[i].run, ok, &err);
		all = all && ok;
	}
	return all;
}

bool
agent_written_update(struct agent_core *c)
{
	bool written = write_files(c);

	return run_commands(c) && written;
}

/* ---- status -------------------------------------------------------------- */

bool
agent_written_is_well(const struct agent_core *c)
{
	for (size_t i = 0; i < c->config->n_files; i++)
		if (c->written[i].failed ||
		    c->written[i].ran_why.code != ERR_NONE)
			return false;
	return true;
}

static void
put(json_t *to, const char *name, json_t *value_take)
{
	(void)json_object_set_new(to, name, value_take);
}

static json_t *
run_json(const struct agent_file *f, const struct agent_written *w)
{
	json_t *j = json_object();

	put(j, "command", json_from_str(f->run.items[0]));
	if (w->ran_ms)
		put(j, "at", json_from_time(w->ran_ms));
	if (w->ran_why.code != ERR_NONE)
		put(j, "error", agent_core_why(&w->ran_why, w->ran_ms));
	return j;
}

json_t *
agent_written_json(const struct agent_core *c)
{
	const struct agent_config *g = c->config;
	json_t *list = json_array();

	for (size_t i = 0; i < g->n_files; i++) {
		const struct agent_written *w = &c->written[i];
		json_t *j = json_object();

		put(j, "path", json_from_str(g->files[i].path));
		if (w->at_ms)
			put(j, "changedAt", json_from_time(w->at_ms));
		if (w->failed)
			put(j, "error",
			    agent_core_why(&w->why, agent_core_now_ms(c)));
		if (g->files[i].run.n)
			put(j, "run", run_json(&g->files[i], w));
		(void)json_array_append_new(list, j);
	}
	return list;
}
