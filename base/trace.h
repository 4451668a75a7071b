/* trace.h - the `traceparent` header (W3C Trace Context, level 1, 3.2): which
 * trace a request belongs to, so that its log lines are found beside those of
 * others. It proves nothing and decides nothing. A header that is not well
 * formed is as none at all (3.2.4). Version 00 is read whole; of later ones, as
 * the standard asks, the fields that 00 has; ff is none. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/str.h"

struct trace {
	char id[33];     /* 32 small hex digits, not all 0; empty: no trace */
	char parent[17]; /* the caller's span: 16, not all 0 */
	bool is_sampled; /* the caller records it */
};

/* `header` is the one value; spaces and tabs around it do not count. */
bool trace_parse(struct str header, struct trace *ret) MUST_USE;

#endif
