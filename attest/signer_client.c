/* signer_client.c - see signer_client.h. One connection a use, so that nothing
 * is shared between threads and a signer that was started anew is found again.
 * What comes back is checked by sig.c under the key that was read at first. */
#include "attest/signer_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attest/jwk.h"
#include "attest/signer.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"

#define SCHEME "signer:"

struct client {
	struct keys_signer signer; /* first: what others hold */
	struct sockaddr_un at;
};

static bool
failed(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "the signer cannot be used: %s", what);
}

/* ---- one question ---------------------------------------------------------
 */

static int64_t
now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* Until `fd` is ready; false when the time is over. */
static bool
wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;

	do {
		left = until_ms - now_ms();
		if (left <= 0)
			return false;
	} while (poll(&p, 1, (int)left) < 0 && errno == EINTR);
	return (p.revents & (events | POLLHUP)) != 0;
}

static bool
send_all(int fd, struct str s, int64_t until_ms)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			s = str_sub(s, (size_t)n, s.n);
		else if (errno != EAGAIN && errno != EINTR)
			return false;
		else if (!wait_for(fd, POLLOUT, until_ms))
			return false;
	}
	return true;
}

/* One line, without its end. */
static bool
receive_line(int fd, struct buf *out, int64_t until_ms)
{
	char room[4096];

	while (out->n < SIGNER_LINE_BYTES && !out->failed) {
		ssize_t n = recv(fd, room, sizeof room, MSG_DONTWAIT);

		if (n > 0)
			buf_add(out, (struct str){ room, (size_t)n });
		else if (n == 0)
			return false;
		else if (errno != EAGAIN && errno != EINTR)
			return false;
		else if (!wait_for(fd, POLLIN, until_ms))
			return false;
		if (out->n > 0 && out->p[out->n - 1] == '\n') {
			out->n--;
			return buf_ok(out);
		}
	}
	return false;
}

static bool
talk(const struct client *c, struct str line, struct buf *out,
    struct error *reterr)
{
	int64_t until = now_ms() + SIGNER_MS;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return failed(reterr, strerror(errno));
	/* A Unix socket's connect waits only for a full backlog. */
	if (connect(fd, (const struct sockaddr *)&c->at, sizeof c->at) != 0) {
		(void)failed(reterr, strerror(errno));
		close(fd);
		return false;
	}
	/* Who is refused at once may find the door shut before all is said; the
	 * reason waits to be read. */
	(void)!send_all(fd, line, until);
	ok = receive_line(fd, out, until) ||
	     failed(reterr, "it did not answer in time, or closed");
	close(fd);
	return ok;
}

/* Its refusal is ours, with its code. */
static bool
pass_on(const json_t *answer, struct error *reterr)
{
	struct str why = json_str(json_object_get(answer, "message"));
	enum err_code code =
	    error_from_id(json_str(json_object_get(answer, "code")));

	return error_set(reterr, code == ERR_NONE ? ERR_SYSTEM_ERROR : code,
	    SPAN_NONE, "the signer refuses: %.*s", STR_ARG(why));
}

/* Ask; the answer has `wanted`. The caller owns *ret. */
static bool
ask(const struct client *c, struct str line, const char *wanted, json_t **ret,
    struct error *reterr)
{
	struct buf text = { 0 };
	json_t *answer = NULL;
	bool ok = talk(c, line, &text, reterr);

	ok = ok && (json_parse(buf_str(&text), NULL, SIGNER_LINE_BYTES,
			LIMIT_TOKEN_DEPTH, JSON_NO_NUL, &answer, NULL) ||
		       failed(reterr, "its answer is not a line of JSON"));
	buf_free(&text);
	if (ok && !json_object_get(answer, wanted))
		ok = pass_on(answer, reterr);
	if (ok)
		*ret = answer;
	else
		json_decref(answer);
	return ok;
}

/* ---- signing --------------------------------------------------------------
 */

static bool
read_signature(const json_t *answer, struct buf *out, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct str raw = { 0 };
	bool ok;

	if (!a)
		return error_nomem(reterr);
	ok = base64_decode(a, BASE64_URL,
		 json_str(json_object_get(answer, "signature")), &raw) ||
	     failed(reterr, "its signature is not Base64url");
	buf_add(out, raw);
	arena_free(a);
	return ok && (buf_ok(out) || error_nomem(reterr));
}

static bool
sign(struct keys_signer *signer, struct str message, struct str content,
    struct buf *ret_signature, struct error *reterr)
{
	const struct client *c = (const struct client *)(const void *)signer;
	struct buf line = { 0 };
	json_t *answer = NULL;
	bool ok;

	buf_printf(&line, "{\"op\":\"sign\",\"%s\":\"",
	    content.n > 0 ? "content" : "message");
	base64_encode(&line, BASE64_URL, content.n > 0 ? content : message);
	buf_addz(&line, "\"}\n");
	ok = buf_ok(&line) || error_nomem(reterr);
	if (ok && line.n > SIGNER_LINE_BYTES)
		ok = failed(reterr, "that is too much to be signed at once");
	ok = ok && ask(c, buf_str(&line), "signature", &answer, reterr) &&
	     read_signature(answer, ret_signature, reterr);
	json_decref(answer);
	buf_free(&line);
	return ok;
}

static void
let_go(struct keys_signer *signer)
{
	free(signer);
}

/* ---- opening --------------------------------------------------------------
 */

static bool
set_path(struct client *c, const char *uri, struct error *reterr)
{
	const char *path = uri + strlen(SCHEME);

	if (*path != '/' || strlen(path) >= sizeof c->at.sun_path)
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "a signer is `signer:` and the whole path of its socket, "
		    "at most %zu bytes",
		    sizeof c->at.sun_path - 1);
	c->at.sun_family = AF_UNIX;
	memcpy(c->at.sun_path, path, strlen(path) + 1);
	return true;
}

static bool
read_key(const struct client *c, struct keys_public *ret, struct error *reterr)
{
	json_t *answer = NULL;
	bool ok = ask(c, STR("{\"op\":\"key\"}\n"), "key", &answer, reterr) &&
		  jwk_read(json_object_get(answer, "key"), ret, reterr);

	json_decref(answer);
	return ok;
}

bool
signer_client_open(
    const char *uri, struct keys_public *ret, struct error *reterr)
{
	struct client *c = calloc(1, sizeof *c);

	if (!c)
		return error_nomem(reterr);
	c->signer = (struct keys_signer){ sign, let_go };
	if (!set_path(c, uri, reterr) || !read_key(c, ret, reterr)) {
		free(c);
		return false;
	}
	ret->signer = &c->signer;
	return true;
}
