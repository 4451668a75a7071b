/* audit.c - the decision log: one JSON line a decision, on disk before the
 * answer leaves. One write a line, so that `kill -9` loses nothing that a
 * caller was told of; a line that could only be written in part is taken back.
 * Signatures, tokens, packs and other secrets never reach this file: it is
 * given claims and answers, not evidence. */
#include "engine/engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct engine_log {
	pthread_mutex_t lock;
	char *path;
	int fd;
};

static int
open_path(const char *path, struct error *reterr)
{
	if (strcmp(path, "-") == 0)
		return STDERR_FILENO;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		(void)error_set(reterr, ERR_SYSTEM_LOG,
		    (struct span){ .file = path },
		    "the decision log cannot be opened: %s", strerror(errno));
	return fd;
}

struct engine_log *
engine_log_open(const char *path, struct error *reterr)
{
	struct engine_log *log = calloc(1, sizeof *log);
	char *copy = path != NULL && path[0] != '\0' ? strdup(path) : NULL;
	if (log == NULL || (path != NULL && path[0] != '\0' && copy == NULL)) {
		free(log);
		free(copy);
		(void)error_nomem(reterr);
		return NULL;
	}
	log->path = copy;
	/* The caller's text: an error outlives the copy. */
	log->fd = copy != NULL ? open_path(path, reterr) : -1;
	if (copy != NULL && log->fd < 0) {
		free(copy);
		free(log);
		return NULL;
	}
	pthread_mutex_init(&log->lock, NULL);
	return log;
}

static void
close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

void
engine_log_close(struct engine_log *log)
{
	if (log == NULL)
		return;
	close_fd(log->fd);
	pthread_mutex_destroy(&log->lock);
	free(log->path);
	free(log);
}

/* A file without a name: nobody will read what is written there. */
static bool
is_lost(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && (fstat(fd, &st) != 0 || st.st_nlink == 0);
}

bool
engine_log_reopen(struct engine_log *log, struct error *reterr)
{
	if (log->path == NULL)
		return true;
	int fd = open_path(log->path, reterr);
	pthread_mutex_lock(&log->lock);
	int old = log->fd;
	bool stays = fd < 0 && !is_lost(old);
	if (!stays)
		log->fd = fd;
	pthread_mutex_unlock(&log->lock);
	if (!stays)
		close_fd(old);
	return fd >= 0;
}

/* Documents that were shown together: those beside the first. */
static bool
add_others(json_t *json, const struct claims *c)
{
	size_t n;
	const struct claims_document *all = claims_others(c, &n);
	json_t *list = json_array();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < n; i++)
		ok = json_array_append_new(
			 list, json_pack("{s:o, s:o}", "documentId",
				   json_from_str(all[i].id), "keyId",
				   json_from_str(all[i].key_id))) == 0;
	if (ok && n > 0)
		ok = json_object_set(json, "others", list) == 0;
	json_decref(list);
	return ok;
}

static json_t *
evidence_json(const struct claims *c)
{
	if (c == NULL)
		return json_null();
	json_t *json = json_object();
	bool ok = json != NULL &&
		  json_object_set_new(
		      json, "kind", json_from_str(claims_kind(c))) == 0 &&
		  json_object_set_new(
		      json, "issuer", json_from_str(claims_issuer(c))) == 0 &&
		  json_object_set_new(
		      json, "keyId", json_from_str(claims_key_id(c))) == 0 &&
		  json_object_set_new(json, "documentId",
		      json_from_str(claims_document_id(c))) == 0 &&
		  add_others(json, c);
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}

/* Which permits came near is what a dry run works out; a live decision does not
 * pay for it. */
static json_t *
entry_json(const struct engine_log_entry *e)
{
	json_t *json = json_object();
	bool ok =
	    json != NULL &&
	    json_object_set_new(json, "v", json_integer(1)) == 0 &&
	    json_object_set_new(json, "id", json_string(e->id)) == 0 &&
	    json_object_set_new(json, "time", json_from_time(e->time_ms)) ==
		0 &&
	    json_object_set_new(json, "mode",
		json_string(e->verification ? "verification" : "enforce")) ==
		0 &&
	    json_object_set_new(json, "gate", json_from_str(e->gate)) == 0 &&
	    json_object_set_new(json, "request",
		e->request != NULL ? engine_request_to_json(e->request)
				   : json_null()) == 0;
	json_t *answer = ok ? engine_answer_to_json(e->answer) : NULL;
	ok = answer != NULL && json_object_update(json, answer) == 0 &&
	     json_object_set_new(json, "evidence", evidence_json(e->claims)) ==
		 0 &&
	     json_object_set_new(json, "near",
		 answer_ids_json(
		     e->answer, e->answer->near, e->answer->n_near)) == 0 &&
	     json_object_set_new(json, "us", json_integer(e->us)) == 0;
	json_decref(answer);
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}

/* All of the line, or nothing of it. */
static bool
write_whole(int fd, struct str line)
{
	ssize_t n;
	do
		n = write(fd, line.p, line.n);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)line.n)
		return true;
	/* A part without an error: the next byte would have had one. */
	if (n >= 0)
		errno = ENOSPC;
	struct stat st;
	if (n > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ftruncate(fd, st.st_size - n) != 0)
		errno = EIO;
	return false;
}

bool
engine_log_write(struct engine_log *log, const struct engine_log_entry *entry,
    struct error *reterr)
{
	if (log->path == NULL)
		return true;
	json_t *json = entry_json(entry);
	struct buf line = { 0 };
	bool ok = json != NULL && json_write(&line, json);
	buf_byte(&line, '\n');
	json_decref(json);
	if (!ok || !buf_ok(&line)) {
		buf_free(&line);
		return error_set(reterr, ERR_SYSTEM_LOG, SPAN_NONE,
		    "no memory for a line of the decision log");
	}
	pthread_mutex_lock(&log->lock);
	ok = write_whole(log->fd, buf_str(&line));
	pthread_mutex_unlock(&log->lock);
	buf_free(&line);
	if (!ok)
		return error_set(reterr, ERR_SYSTEM_LOG,
		    (struct span){ .file = log->path },
		    "the decision log cannot be written: %s", strerror(errno));
	return true;
}
