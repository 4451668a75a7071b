/* findings.h - what is wrong with one policy, once for each place, and for whom.
 * A node is typed in many environments; what is found there is kept with the first environment it was found in and counted. When all are done the findings are
 * reported in the order of the text, with the environment named where it is not so in all. */
#ifndef POLICY_FINDINGS_H
#define POLICY_FINDINGS_H

#include "policy/ast.h"

#define FINDINGS_MAX 64u

struct finding {
	uint32_t off, len, n_environments, last; /* environments have numbers from 1 */
	struct error error;
	char where[200]; /* what the first environment is called */
};

struct findings {
	const struct ast *ast;
	struct finding *items; /* FINDINGS_MAX */
	size_t n, dropped;
	/* Writes what the current environment is called: "principal `User`, ...". */
	void (*describe)(const void *ctx, struct buf *out);
	const void *ctx;
};

/* A finding at bytes [off, off + len), in environment `number` (0: in all). The error of a new one, for its hint; NULL where it was found before, or where there
 * is no more room. */
struct error *findings_add(struct findings *f, uint32_t number, uint32_t off,
    uint32_t len, enum err_code code, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* Report, and forget; `n_environments` is how many there were. */
void findings_report(struct findings *f, uint32_t n_environments,
    struct errors *reterr);

#endif
