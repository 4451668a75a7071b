/* log.c - one line, one write(2), so that threads never mix theirs. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* Longest line before escaping; what is longer is cut. */
#define LINE_BYTES 4096

static const char *const names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
};

static _Atomic(enum log_level) threshold = LOG_INFO;

void
log_threshold(enum log_level level)
{
	atomic_store_explicit(&threshold, level, memory_order_relaxed);
}

static bool
is_dropped(enum log_level level)
{
	return level > atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void
write_line(struct str line)
{
	ssize_t n;

	/* Standard error may be gone; there is nobody left to tell. */
	do
		n = write(STDERR_FILENO, line.p, line.n);
	while (n < 0 && errno == EINTR);
}

static void
put(enum log_level level, const char *event, struct str rest)
{
	struct buf b = { 0 };

	buf_printf(&b, "level=%s event=%s", names[level], event);
	if (rest.n) {
		buf_byte(&b, ' ');
		buf_escaped(&b, rest, true);
	}
	buf_byte(&b, '\n');
	if (buf_ok(&b))
		write_line(buf_str(&b));
	else
		write_line(STR("level=error event=log-out-of-memory\n"));
	buf_free(&b);
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	char rest[LINE_BYTES];
	va_list ap;
	int n;

	if (is_dropped(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(rest, sizeof rest, fmt, ap);
	va_end(ap);
	put(level, event, n < 0 ? STR("") : str_of(rest));
}

void
log_error(const char *event, const struct error *err)
{
	struct buf b = { 0 };

	if (is_dropped(LOG_ERROR))
		return;
	buf_printf(&b, "code=%s", error_id(err->code));
	if (err->at.file) {
		buf_addz(&b, " file=");
		buf_quoted(&b, str_of(err->at.file));
	}
	if (err->at.line)
		buf_printf(&b, " line=%u column=%u", err->at.line, err->at.col);
	buf_addz(&b, " message=");
	buf_quoted(&b, str_of(err->msg));
	put(LOG_ERROR, event, buf_str(&b));
	buf_free(&b);
}
