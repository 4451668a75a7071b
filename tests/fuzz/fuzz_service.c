/* fuzz_service.c - requests to the token service: `METHOD TARGET` and a
 * newline, an optional line `F` for a form, then the body. Each goes to the
 * service's listener as nobody and to the admin's as the host's own
 * administrator, over a store in memory. Whatever comes in, the answer is JSON
 * or empty, has a status of ours, a code where it is a refusal, and no token
 * for nobody. */
#include "tests/fuzz/service_kit.h"

static struct str
cut_line(struct str *text)
{
	size_t end = str_find(*text, '\n', 0);
	struct str line = str_sub(*text, 0, end);

	*text = str_sub(*text, end + 1, text->n);
	return line;
}

static void
check(const struct http_response *r, bool is_nobody)
{
	struct error err = { 0 };
	json_t *json = NULL;
	struct str body = buf_str(&r->body);

	must(r->status >= 200 && r->status < 600 && r->status != 500);
	/* What is counted, for programs of another kind. */
	if (str_has_prefix(str_of(r->content_type), STR("text/plain")))
		return;
	/* Public keys alone have another form. */
	if (r->content_type && strstr(r->content_type, "pem")) {
		must(r->status == 200 &&
		     str_has_prefix(body, STR("-----BEGIN PUBLIC KEY")));
		return;
	}
	must(body.n == 0 || json_parse(body, "answer", 1u << 24, 64,
				JSON_NO_NUL, &json, &err));
	must(r->status == 204 || json_is_object(json));
	if (r->status >= 400 && !json_object_get(json, "ready"))
		must(json_string_length(json_object_get(json, "code")) > 0);
	if (is_nobody)
		must(!json_object_get(json, "token") &&
		     !json_object_get(json, "access_token") &&
		     !json_object_get(json, "secret"));
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct str line = cut_line(&text);
	size_t space = str_find(line, ' ', 0);
	bool is_form = text.n && text.p[0] == 'F';
	const struct http_header header = { STR("Content-Type"),
		is_form ? STR("application/x-www-form-urlencoded")
			: STR("application/json") };
	struct http_request q = { .method = str_sub(line, 0, space),
		.target = str_sub(line, space + 1, line.n),
		.headers = &header,
		.n_headers = 1,
		.arena = arena_new(0) };
	struct http_response r = { 0 };
	size_t cut = str_find(q.target, '?', 0);

	if (!service)
		kit_start();
	if (is_form)
		(void)cut_line(&text);
	q.body = text;
	q.path = str_sub(q.target, 0, cut);
	q.query = str_sub(q.target, cut + 1, q.target.n);
	service_handle(&front, &q, &r);
	check(&r, true);
	buf_free(&r.body);
	r = (struct http_response){ 0 };
	service_handle_local(service, &q, &r);
	check(&r, false);
	buf_free(&r.body);
	arena_free(q.arena);
	return 0;
}
