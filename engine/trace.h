/* trace.h - what a dry run remembers of one evaluation; for the files of
 * engine/ alone. */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include "engine/engine_private.h"

/* A look-up and what it gave, both as text. */
struct trace_datum {
	struct str text, value;
	uint32_t clause; /* number of clauses that had passed */
	char root; /* `p`rincipal, `a`ction, `r`esource, `c`ontext, or 0 */
};

struct trace_policy {
	uint32_t policy;
	enum eval_outcome outcome;
	uint32_t
	    passed; /* clauses that held: scope elements, then conditions */
	bool has_failed;
	struct policy_place failed; /* the clause; its place narrowed to the
				       part that failed */
	struct str failed_text;     /* what that part says */
	struct trace_datum *data;
	size_t n_data, cap_data;
};

struct trace_record {
	struct arena *arena;
	const struct policy_set *set;
	const struct engine_request *request;
	struct trace_policy *policies; /* by policy index */
	bool out_of_memory;
	/* Of the policy being evaluated. */
	struct policy_place candidate;
	uint32_t candidate_node;
	bool has_candidate, candidate_is_error;
	/* Which unsatisfied policies would have changed the answer. */
	enum policy_effect turning;
};

/* Room for every policy of `set`; memory is `a`'s. */
bool trace_record_init(struct trace_record *t, struct arena *a,
    const struct policy_set *set,
    const struct engine_request *request) MUST_USE;
/* The sink to evaluate with. */
struct eval_trace trace_sink(struct trace_record *t);
/* Indexes of `policies`, those that came nearest to deciding first: satisfied,
 * in error, then the unsatisfied ones that could have turned the answer (permits
 * where nothing permits, else denies), by the clauses that held. NULL when memory
 * is out. */
const uint32_t *trace_nearest(struct trace_record *t);

#endif
