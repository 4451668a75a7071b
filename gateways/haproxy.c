/* haproxy.c - one command, one connection, one answer. */
#include "gateways/haproxy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define PREFIX "avow-"
#define ANSWER_BYTES 65536u /* of a command that answers with one line */

static bool
unreachable(const struct haproxy *h, const char *what, struct error *reterr)
{
	return error_set(reterr, ERR_BALANCER_UNREACHABLE, SPAN_NONE,
	    "HAProxy at `%s`: %s", h->socket_path, what);
}

/* --- what may stand in a command ---------------------------------------------
 */

static bool
is_all_of(struct str s, const char *letters)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !strchr(letters, s.p[i]))
			return false;
	return true;
}

bool
haproxy_name_is_ours(struct str server)
{
	static const struct str prefix = STR_INIT(PREFIX);

	return server.n == HAPROXY_SERVER_NAME &&
	       str_has_prefix(server, prefix) &&
	       is_all_of(
		   str_sub(server, prefix.n, server.n), "0123456789abcdef");
}

bool
haproxy_backend_is_valid(struct str backend)
{
	return backend.n >= 1 && backend.n <= 64 &&
	       is_all_of(backend, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_.-");
}

static bool
check_names(const struct haproxy *h, struct str server, struct error *reterr)
{
	if (haproxy_backend_is_valid(h->backend) &&
	    haproxy_name_is_ours(server))
		return true;
	return unreachable(h, "not a name of ours, nothing was sent", reterr);
}

/* `VERB BACKEND/SERVER REST` */
static void
write_command(struct buf *out, const struct haproxy *h, const char *verb,
    struct str server, const char *rest)
{
	buf_printf(out, "%s %.*s/%.*s%s", verb, STR_ARG(h->backend),
	    STR_ARG(server), rest);
}

/* --- the socket
 * ---------------------------------------------------------------
 */

static int
ms_left(const struct haproxy *h)
{
	int64_t ns = h->deadline_ns - clock_mono_ns();

	if (ns <= 0)
		return 0;
	ns = (ns + 999999) / 1000000;
	return ns > INT32_MAX ? INT32_MAX : (int)ns;
}

/* Until the socket can, or the deadline. */
static bool
wait_for(const struct haproxy *h, int fd, short events, struct error *reterr)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n, ms;

	do {
		ms = ms_left(h);
		if (ms == 0)
			return unreachable(h, "no answer in time", reterr);
		n = poll(&p, 1, ms);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0 || unreachable(h, strerror(errno), reterr);
}

/* A Unix socket connects at once or says that its queue is full (EAGAIN), for
 * which there is nothing to poll. */
static bool
connect_to(const struct haproxy *h, int fd, struct error *reterr)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(h->socket_path);

	if (n >= sizeof to.sun_path)
		return unreachable(h, "the path is too long", reterr);
	memcpy(to.sun_path, h->socket_path, n);
	while (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return unreachable(h, strerror(errno), reterr);
		if (ms_left(h) == 0)
			return unreachable(h, "no answer in time", reterr);
		poll(NULL, 0, 5);
	}
	return true;
}

static bool
send_all(const struct haproxy *h, int fd, struct str s, struct error *reterr)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n >= 0)
			s = str_sub(s, (size_t)n, s.n);
		else if (errno == EAGAIN) {
			if (!wait_for(h, fd, POLLOUT, reterr))
				return false;
		} else if (errno != EINTR)
			return unreachable(h, strerror(errno), reterr);
	}
	return true;
}

/* To the end, which is where HAProxy closes. */
static bool
receive_all(const struct haproxy *h, int fd, size_t limit, struct buf *answer,
    struct error *reterr)
{
	char chunk[16384];
	ssize_t n = 1;

	while (n != 0) {
		if (!wait_for(h, fd, POLLIN, reterr))
			return false;
		n = recv(fd, chunk, sizeof chunk, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return unreachable(h, strerror(errno), reterr);
		if (n > 0)
			buf_add(answer, (struct str){ chunk, (size_t)n });
		if (answer->n > limit)
			return unreachable(h, "the answer is too long", reterr);
	}
	return buf_ok(answer) || error_nomem(reterr);
}

/* One command: its newline, the only one, comes here. */
static bool
ask(const struct haproxy *h, struct buf *command, size_t limit,
    struct buf *answer, struct error *reterr)
{
	int fd;
	bool ok;

	buf_byte(command, '\n');
	if (!buf_ok(command))
		return error_nomem(reterr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return unreachable(h, strerror(errno), reterr);
	ok = connect_to(h, fd, reterr) &&
	     send_all(h, fd, buf_str(command), reterr) &&
	     receive_all(h, fd, limit, answer, reterr);
	close(fd);
	return ok;
}

/* --- commands that answer with one line
 * ----------------------------------------
 */

static const struct {
	const char *text;
	enum haproxy_answer answer;
} known[] = {
	{ "Already exists a server with the same name in backend.",
	    HAPROXY_EXISTS },
	{ "No such server.", HAPROXY_NO_SERVER },
	{ "Server still has connections attached to it, cannot remove it.",
	    HAPROXY_ATTACHED },
};

static struct str
without_newlines(struct str s)
{
	while (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

/* The first line of an answer that nobody expected, for people. */
static bool
refuse_answer(const struct haproxy *h, struct str answer, struct error *reterr)
{
	struct str line = str_sub(answer, 0, str_find(answer, '\n', 0));
	char what[128];

	snprintf(what, sizeof what, "answered `%.*s`",
	    (int)(line.n < 100 ? line.n : 100), line.p ? line.p : "");
	return unreachable(h, what, reterr);
}

static bool
understand(const struct haproxy *h, struct str answer, const char *yes,
    enum haproxy_answer *ret, struct error *reterr)
{
	struct str text = without_newlines(answer);

	/* Also what HAProxy says to a command that succeeded ends in one. */
	if (text.n == answer.n)
		return unreachable(h, "the answer is cut off", reterr);
	if (str_eq(text, str_of(yes))) {
		*ret = HAPROXY_DONE;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(text, str_of(known[i].text))) {
			*ret = known[i].answer;
			return true;
		}
	return refuse_answer(h, text, reterr);
}

/* Takes the command. */
static bool
run(const struct haproxy *h, struct buf *command_take, const char *yes,
    enum haproxy_answer *ret, struct error *reterr)
{
	struct buf answer = { 0 };
	bool ok = ask(h, command_take, ANSWER_BYTES, &answer, reterr) &&
		  understand(h, buf_str(&answer), yes, ret, reterr);

	buf_free(&answer);
	buf_free(command_take);
	return ok;
}

static bool
run_plain(const struct haproxy *h, const char *verb, struct str server,
    const char *rest, const char *yes, enum haproxy_answer *ret,
    struct error *reterr)
{
	struct buf command = { 0 };

	if (!check_names(h, server, reterr))
		return false;
	write_command(&command, h, verb, server, rest);
	return run(h, &command, yes, ret, reterr);
}

bool
haproxy_add(const struct haproxy *h, const struct haproxy_server *server,
    enum haproxy_answer *ret, struct error *reterr)
{
	bool v6 = server->addr.family == 6;
	struct buf command = { 0 };

	if (!check_names(h, server->name, reterr))
		return false;
	if ((!v6 && server->addr.family != 4) || server->port == 0 ||
	    server->weight > LIMIT_BALANCER_WEIGHT)
		return unreachable(
		    h, "no such server can be, nothing was sent", reterr);
	write_command(&command, h, "add server", server->name, "");
	buf_addz(&command, v6 ? " [" : " ");
	net_print(&command, &server->addr);
	buf_printf(&command, "%s:%u check weight %u", v6 ? "]" : "",
	    (unsigned)server->port, (unsigned)server->weight);
	return run(h, &command, "New server registered.", ret, reterr);
}

/* Each step runs when the one before was done. */
static bool
run_steps(const struct haproxy *h, struct str server,
    const char *const (*steps)[3], size_t n, enum haproxy_answer *ret,
    struct error *reterr)
{
	enum haproxy_answer answer = HAPROXY_DONE;

	for (size_t i = 0; i < n && answer == HAPROXY_DONE; i++)
		if (!run_plain(h, steps[i][0], server, steps[i][1], steps[i][2],
			&answer, reterr))
			return false;
	*ret = answer;
	return true;
}

bool
haproxy_enable(const struct haproxy *h, struct str server,
    enum haproxy_answer *ret, struct error *reterr)
{
	static const char *const steps[][3] = {
		{ "enable health", "", "" },
		{ "enable server", "", "" },
	};

	return run_steps(h, server, steps, ARRAY_LEN(steps), ret, reterr);
}

bool
haproxy_remove(const struct haproxy *h, struct str server,
    enum haproxy_answer *ret, struct error *reterr)
{
	static const char *const steps[][3] = {
		{ "set server", " state maint", "" },
		{ "shutdown sessions server", "", "" },
		{ "del server", "", "Server deleted." },
	};

	return run_steps(h, server, steps, ARRAY_LEN(steps), ret, reterr);
}

bool
haproxy_weigh(const struct haproxy *h, struct str server, uint16_t weight,
    enum haproxy_answer *ret, struct error *reterr)
{
	char rest[32];

	snprintf(rest, sizeof rest, " weight %u", (unsigned)weight);
	return run_plain(h, "set server", server, rest, "", ret, reterr);
}

/* --- show servers state
 * -------------------------------------------------------
 */

enum column {
	COLUMN_BACKEND,
	COLUMN_NAME,
	COLUMN_ADDR,
	COLUMN_ADMIN,
	COLUMN_WEIGHT,
	COLUMN_CHECK,
	COLUMN_PORT,
	COLUMNS,
};

static const char *const column_names[COLUMNS] = {
	"be_name",
	"srv_name",
	"srv_addr",
	"srv_admin_state",
	"srv_uweight",
	"srv_check_state",
	"srv_port",
};

#define FIELDS_MAX 64
#define ADMIN_MAINT_BY_COMMAND 1u /* SRV_ADMF_FMAINT */
#define CHECK_ENABLED 4u          /* CHK_ST_ENABLED */

/* Cut `*rest` behind its first `c`; what was before it. */
static struct str
cut(struct str *rest, char c)
{
	size_t at = str_find(*rest, c, 0);
	struct str part = str_sub(*rest, 0, at);

	*rest = str_sub(*rest, at < rest->n ? at + 1 : at, rest->n);
	return part;
}

static size_t
split(struct str line, struct str fields[FIELDS_MAX])
{
	size_t n = 0;

	while (line.n && n < FIELDS_MAX)
		fields[n++] = cut(&line, ' ');
	return line.n ? 0 : n;
}

/* Where the columns stand, by the heading `# be_id be_name …`. */
static bool
read_heading(struct str line, size_t at[COLUMNS])
{
	struct str fields[FIELDS_MAX];
	size_t n = split(line, fields);

	if (n == 0 || !str_eq(fields[0], STR("#")))
		return false;
	for (size_t c = 0; c < COLUMNS; c++) {
		size_t i = 1;

		while (i < n && !str_eq(fields[i], str_of(column_names[c])))
			i++;
		if (i == n)
			return false;
		at[c] = i - 1; /* rows have no `#` */
	}
	return true;
}

static bool
read_numbers(const struct str *fields, const size_t at[COLUMNS],
    struct haproxy_server *ret)
{
	uint64_t admin, check, weight, port;

	if (!str_to_u64(fields[at[COLUMN_ADMIN]], UINT32_MAX, &admin) ||
	    !str_to_u64(fields[at[COLUMN_CHECK]], UINT32_MAX, &check) ||
	    !str_to_u64(fields[at[COLUMN_WEIGHT]], UINT16_MAX, &weight) ||
	    !str_to_u64(fields[at[COLUMN_PORT]], UINT16_MAX, &port))
		return false;
	ret->weight = (uint16_t)weight;
	ret->port = (uint16_t)port;
	ret->is_serving =
	    (admin & ADMIN_MAINT_BY_COMMAND) == 0 && (check & CHECK_ENABLED);
	return true;
}

/* *ret_ours is false for a row of somebody else's server. */
static bool
read_row(const struct haproxy *h, struct arena *a, struct str line,
    const size_t at[COLUMNS], struct haproxy_server *ret, bool *ret_ours)
{
	struct str fields[FIELDS_MAX];
	size_t n = split(line, fields);

	for (size_t c = 0; c < COLUMNS; c++)
		if (at[c] >= n)
			return false;
	if (!str_eq(fields[at[COLUMN_BACKEND]], h->backend))
		return false;
	*ret_ours = haproxy_name_is_ours(fields[at[COLUMN_NAME]]);
	if (!*ret_ours)
		return true;
	*ret = (struct haproxy_server){ 0 };
	ret->name = str_dup(a, fields[at[COLUMN_NAME]]);
	if (!net_parse_addr(fields[at[COLUMN_ADDR]], &ret->addr))
		ret->addr = (struct net_addr){ 0 };
	return ret->name.p && read_numbers(fields, at, ret);
}

static int
by_name(const void *a, const void *b)
{
	const struct haproxy_server *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

/* `1`, the heading, the rows, and an empty line, without which it is cut off.
 */
static bool
read_state(const struct haproxy *h, struct arena *a, struct str text,
    struct haproxy_server **ret, size_t *ret_n, struct error *reterr)
{
	struct haproxy_server *items = NULL;
	size_t n = 0, cap = 0, at[COLUMNS];

	if (!str_eq(cut(&text, '\n'), STR("1")) ||
	    !read_heading(cut(&text, '\n'), at))
		return unreachable(h, "no server state of version 1", reterr);
	if (!str_has_suffix(text, STR("\n\n")) && !str_eq(text, STR("\n")))
		return unreachable(h, "the answer is cut off", reterr);
	for (;;) {
		struct str line = cut(&text, '\n');
		bool ours;

		if (line.n == 0)
			break;
		if (!ARENA_PUSH_ROOM(a, items, n, cap))
			return error_nomem(reterr);
		if (!read_row(h, a, line, at, &items[n], &ours))
			return refuse_answer(h, line, reterr);
		n += ours;
	}
	if (n)
		qsort(items, n, sizeof *items, by_name);
	*ret = items;
	*ret_n = n;
	return true;
}

bool
haproxy_list(const struct haproxy *h, struct arena *a,
    struct haproxy_server **ret, size_t *ret_n, struct error *reterr)
{
	struct buf command = { 0 }, answer = { 0 };
	struct str text;
	bool ok;

	if (!haproxy_backend_is_valid(h->backend))
		return unreachable(h, "no backend has this name", reterr);
	buf_printf(&command, "show servers state %.*s", STR_ARG(h->backend));
	ok = ask(h, &command, LIMIT_HAPROXY_REPLY_BYTES, &answer, reterr);
	text = buf_str(&answer);
	if (ok && !str_has_prefix(text, STR("1\n")))
		ok = refuse_answer(h, text, reterr);
	ok = ok && read_state(h, a, text, ret, ret_n, reterr);
	buf_free(&answer);
	buf_free(&command);
	return ok;
}
