/* findings.c - findings of a policy, merged over environments. */
#include "policy/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct finding *
find(struct findings *f, uint32_t off, uint32_t len)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].off == off && f->items[i].len == len)
			return &f->items[i];
	return NULL;
}

static void
describe(const struct findings *f, struct finding *x)
{
	struct buf b = { 0 };

	f->describe(f->ctx, &b);
	snprintf(x->where, sizeof x->where, "%.*s", (int)b.n, b.n ? b.p : "");
	buf_free(&b);
}

struct error *
findings_add(struct findings *f, uint32_t number, uint32_t off, uint32_t len,
    enum err_code code, const char *fmt, ...)
{
	struct finding *found = find(f, off, len);
	char text[sizeof found->error.msg];
	va_list ap;

	if (found) {
		found->n_environments += found->last != number;
		found->last = number;
		return NULL;
	}
	if (f->n == FINDINGS_MAX) {
		f->dropped++;
		return NULL;
	}
	found = &f->items[f->n++];
	*found = (struct finding){
		.off = off, .len = len, .n_environments = 1, .last = number
	};
	if (number != 0)
		describe(f, found);
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)error_set(&found->error, code, SPAN_NONE, "%s", text);
	return &found->error;
}

static int
cmp_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->len > y->len) - (x->len < y->len);
}

void
findings_report(
    struct findings *f, uint32_t n_environments, struct errors *reterr)
{
	if (f->n > 1)
		qsort(f->items, f->n, sizeof *f->items, cmp_findings);
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *x = &f->items[i];
		bool in_all =
		    !x->where[0] || x->n_environments == n_environments;
		struct error *e;

		e = errors_add(reterr, x->error.code,
		    reterr->n < ERRORS_MAX
			? source_span(&f->ast->source, x->off, x->len)
			: SPAN_NONE,
		    "%s%s%s", x->error.msg, in_all ? "" : ", for ",
		    in_all ? "" : x->where);
		if (e && x->error.hint[0])
			error_hint(e, "%s", x->error.hint);
	}
	reterr->dropped += f->dropped;
	f->n = 0;
	f->dropped = 0;
}
