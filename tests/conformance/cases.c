/* cases.c - conformance cases from lines and from folders, in one form. */
#include "tests/conformance/cases.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"

struct reading {
	const char *path;
	void (*each)(void *ctx, struct arena *a, const struct test_case *c);
	void *ctx;
	struct error *reterr;
};

static bool
fail(const struct reading *r, const char *what)
{
	return error_set(r->reterr, ERR_FILE_READ,
	    (struct span){ .file = r->path }, "%s", what);
}

static bool
parse(const struct reading *r, struct str text, json_t **ret)
{
	return json_parse(text, r->path, LIMIT_DATA_FILE_BYTES,
	    LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, ret, r->reterr);
}

static const json_t *
either(const json_t *object, const char *name, const char *old_name)
{
	const json_t *v = json_object_get(object, name);

	return v ? v : json_object_get(object, old_name);
}

/* --- requests ---------------------------------------------------------- */

/* Members of the request in the test's own object. */
static bool
request_text(struct arena *a, const json_t *json, struct str *ret)
{
	static const char *const names[] = { "principal", "action", "resource",
		"context" };
	json_t *request = json_object();
	struct buf text = { 0 };
	bool ok;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *v = json_object_get(json, names[i]);

		if (v)
			(void)json_object_set(request, names[i], v);
	}
	ok = json_write(&text, request);
	*ret = str_dup(a, buf_str(&text));
	buf_free(&text);
	json_decref(request);
	return ok && ret->p;
}

static bool
read_request(struct arena *a, const json_t *json, struct case_request *ret)
{
	const json_t *text = json_object_get(json, "request");
	const char *decision =
	    json_string_value(json_object_get(json, "decision"));
	const char *what =
	    json_string_value(json_object_get(json, "description"));

	ret->description = what ? what : "";
	ret->reason = either(json, "reason", "reasons");
	ret->errors = json_object_get(json, "errors");
	if (!decision || !json_is_array(ret->reason) ||
	    !json_is_array(ret->errors))
		return false;
	ret->allow = decision[0] == 'A' || decision[0] == 'a';
	if (!text)
		return request_text(a, json, &ret->text);
	ret->text = json_str(text);
	return json_is_string(text);
}

static bool
read_requests(struct arena *a, const json_t *list, struct test_case *c)
{
	struct case_request *requests;

	c->n_requests = json_array_size(list);
	requests = ARENA_ARRAY(a, c->n_requests, struct case_request);
	if (!requests || !json_is_array(list))
		return false;
	for (size_t i = 0; i < c->n_requests; i++)
		if (!read_request(a, json_array_get(list, i), &requests[i]))
			return false;
	c->requests = requests;
	return true;
}

static void
read_validation(const json_t *json, struct test_case *c)
{
	const json_t *v = either(json, "shouldValidate", "should_validate");

	c->has_validation = json_is_boolean(v);
	c->should_validate = json_is_true(v);
}

/* --- one case a line --------------------------------------------------- */

static bool
read_line(const struct reading *r, struct arena *a, struct str line)
{
	struct test_case c = { 0 };
	json_t *json;
	bool ok;

	if (!parse(r, line, &json))
		return false;
	c.name = json_string_value(json_object_get(json, "name"));
	c.policies = json_str(json_object_get(json, "policies"));
	c.schema = json_str(json_object_get(json, "schema"));
	c.entities = json_str(json_object_get(json, "entities"));
	read_validation(json, &c);
	ok = c.name && c.policies.p && c.entities.p &&
	     read_requests(a, json_object_get(json, "requests"), &c);
	if (ok)
		r->each(r->ctx, a, &c);
	json_decref(json);
	return ok || fail(r, "a line is no case");
}

static FILE *
open_lines(const char *path)
{
	char command[PATH_MAX + 32];

	if (!str_has_suffix(str_of(path), STR(".xz")))
		return fopen(path, "r");
	if (strchr(path, '\'') ||
	    snprintf(command, sizeof command, "xz -dc -- '%s'", path) >=
		(int)sizeof command)
		return NULL;
	return popen(command, "r"); /* NOLINT(cert-env33-c) */
}

bool
cases_each_line(const char *path, bool (*each)(void *ctx, struct str line),
    void *ctx, struct error *reterr)
{
	struct reading r = { .path = path, .reterr = reterr };
	bool packed = str_has_suffix(str_of(path), STR(".xz"));
	FILE *f = open_lines(path);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool ok = f != NULL;

	while (ok && (n = getline(&line, &cap, f)) > 0)
		ok = each(ctx, (struct str){ line, (size_t)n });
	free(line);
	if (f && (packed ? pclose(f) : fclose(f)) != 0)
		ok = false;
	return ok || fail(&r, "the lines cannot be read");
}

struct line_reading {
	const struct reading *r;
	struct arena *a;
};

static bool
each_line(void *ctx, struct str line)
{
	struct line_reading *l = ctx;
	bool ok = read_line(l->r, l->a, line);

	arena_reset(l->a);
	return ok;
}

static bool
read_lines(const struct reading *r)
{
	struct line_reading l = { r, arena_new(0) };
	bool ok = l.a && cases_each_line(r->path, each_line, &l, r->reterr);

	arena_free(l.a);
	return ok;
}

/* --- folders ----------------------------------------------------------- */

/* A file that `test` names: relative to the folder of it or one above. */
static bool
read_named(
    struct arena *a, const char *test, const json_t *name, struct str *ret)
{
	struct str folder = str_of(test);

	*ret = (struct str){ NULL, 0 };
	if (!json_is_string(name))
		return true;
	while (folder.n > 0) {
		const char *path;

		do
			folder.n--;
		while (folder.n > 0 && folder.p[folder.n] != '/');
		path = str_printf(a, "%.*s%s%s", STR_ARG(folder),
		    folder.n || test[0] == '/' ? "/" : "",
		    json_string_value(name))
			   .p;
		if (path &&
		    file_read(a, path, LIMIT_DATA_FILE_BYTES, ret, NULL))
			return true;
	}
	return false;
}

/* JSON that is no test (entities, schemas) is passed over. */
static bool
read_test(const struct reading *r, struct arena *a, const char *path)
{
	struct reading here = { path, r->each, r->ctx, r->reterr };
	struct test_case c = { .name = path };
	const json_t *requests;
	struct str text;
	json_t *json;
	bool ok;

	if (!file_read(a, path, LIMIT_DATA_FILE_BYTES, &text, r->reterr) ||
	    !parse(&here, text, &json))
		return false;
	requests = either(json, "requests", "queries");
	if (!json_is_string(json_object_get(json, "policies")) || !requests) {
		json_decref(json);
		return true;
	}
	ok = read_named(
		 a, path, json_object_get(json, "policies"), &c.policies) &&
	     read_named(
		 a, path, json_object_get(json, "entities"), &c.entities) &&
	     read_named(a, path, json_object_get(json, "schema"), &c.schema) &&
	     c.entities.p && read_requests(a, requests, &c);
	read_validation(json, &c);
	if (ok)
		r->each(r->ctx, a, &c);
	json_decref(json);
	return ok || fail(&here, "a file that the test names is not there");
}

static bool
read_folder(const struct reading *r)
{
	static const char *const suffixes[] = { ".json", NULL };
	struct arena *names = arena_new(0), *a = arena_new(0);
	const char *const *paths;
	size_t n = 0;
	bool ok = names && a &&
		  file_list(names, r->path, suffixes, &paths, &n, r->reterr);

	for (size_t i = 0; ok && i < n; i++) {
		/* Those of a corpus are many; only tests are read. */
		if (!str_has_suffix(str_of(paths[i]), STR(".entities.json")))
			ok = read_test(r, a, paths[i]);
		arena_reset(a);
	}
	arena_free(names);
	arena_free(a);
	return ok;
}

bool
cases_read(const char *path,
    void (*each)(void *ctx, struct arena *a, const struct test_case *c),
    void *ctx, struct error *reterr)
{
	const struct reading r = { path, each, ctx, reterr };
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(&r, "not there");
	return S_ISDIR(st.st_mode) ? read_folder(&r) : read_lines(&r);
}
