/* http_answer.c - from what a route said to what the library sends.
 * A stream is pulled block by block while the asker takes it, with the time for
 * writing anew for each block; it outlives the request's own memory. */
#include "gateways/http_private.h"

#include <microhttpd.h>
#include <stdlib.h>

void
http_end_stream(struct http_response *r)
{
	if (r->stream.end)
		r->stream.end(r->stream.ctx);
	r->stream = (struct http_stream){ 0 };
}

void
http_response_header(
    struct http_response *r, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f) {
			r->status = 500;
			return;
		}
	if (r->n_headers == ARRAY_LEN(r->headers)) {
		r->status = 500;
		return;
	}
	r->headers[r->n_headers++] =
	    (struct http_header){ str_of(name), value };
}

static bool
add_header(struct MHD_Response *m, const char *name, const char *value)
{
	return value && MHD_add_response_header(m, name, value) == MHD_YES;
}

/* A stream outlives the request's own memory. */
struct streaming {
	struct http_stream stream;
	struct http_connection *connection;
};

static ssize_t
on_pull(void *ctx, uint64_t at, char *to, size_t n)
{
	struct streaming *s = ctx;
	struct http_connection *c = s->connection;
	ptrdiff_t got;

	(void)at;
	/* Time runs for who takes nothing, not for what is long. */
	http_set_deadline(c, HTTP_PHASE_WORK, HTTP_NEVER);
	got = s->stream.read(s->stream.ctx, to, n);
	http_set_deadline(c, HTTP_PHASE_WRITE, c->server->idle_ns);
	if (got > 0)
		return got;
	return got == 0 ? MHD_CONTENT_READER_END_OF_STREAM
			: MHD_CONTENT_READER_END_WITH_ERROR;
}

static void
on_stream_end(void *ctx)
{
	struct streaming *s = ctx;

	s->stream.end(s->stream.ctx);
	free(s);
}

#define STREAM_BLOCK 32768u

static struct MHD_Response *
make_stream(struct http_connection *c)
{
	struct http_response *r = &c->response;
	struct streaming *s = calloc(1, sizeof *s);
	struct MHD_Response *m;

	if (!s)
		return NULL;
	s->stream = r->stream;
	s->connection = c;
	m = MHD_create_response_from_callback(
	    r->stream.size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)r->stream.size,
	    STREAM_BLOCK, on_pull, s, on_stream_end);
	if (m)
		r->stream = (struct http_stream){ 0 };
	else
		free(s);
	return m;
}

static struct MHD_Response *
make_body(struct http_connection *c)
{
	struct http_response *r = &c->response;
	bool may_have = r->status != 204 && r->status != 304;
	bool has_body = may_have && r->body.n > 0;

	if (may_have && r->stream.end)
		return make_stream(c);
	return MHD_create_response_from_buffer(has_body ? r->body.n : 0,
	    has_body ? r->body.p : NULL, MHD_RESPMEM_PERSISTENT);
}

struct MHD_Response *
http_make_response(struct http_connection *c)
{
	struct http_response *r = &c->response;
	bool has_body = r->status != 204 && r->status != 304 &&
			(r->body.n > 0 || r->stream.end);
	struct MHD_Response *m = make_body(c);
	struct str kept = r->max_age_s
			      ? str_printf(c->arena, "max-age=%u", r->max_age_s)
			      : STR("no-store");
	bool ok = m && add_header(m, "Cache-Control", kept.p);

	if (ok && has_body && r->content_type)
		ok = add_header(m, "Content-Type", r->content_type);
	if (ok && r->close)
		ok = add_header(m, "Connection", "close");
	for (size_t i = 0; ok && i < r->n_headers; i++)
		ok = add_header(m, str_z(c->arena, r->headers[i].name),
		    str_z(c->arena, r->headers[i].value));
	if (ok || !m)
		return m;
	MHD_destroy_response(m);
	return NULL;
}

/* A response that went wrong half-way says nothing but that. */
void
http_make_sane(struct http_response *r)
{
	if (buf_ok(&r->body) && r->status >= 200 && r->status <= 599 &&
	    r->status != 500)
		return;
	buf_free(&r->body);
	http_end_stream(r);
	*r = (struct http_response){ .status = 500, .close = r->close };
	http_response_header(r, "X-Avow-Reason", STR("system.error"));
}
