/* engine_private.h - what the files of engine/ share with one another. */
#ifndef ENGINE_PRIVATE_H
#define ENGINE_PRIVATE_H

#include "engine/engine.h"

const struct policy_index *snapshot_index(const struct engine_snapshot *s);

/* The one decision function: `decide` and the gates pass no trace, a dry run
 * passes a recording one. Memory of the answer is `scratch`'s. */
void decide_request(const struct engine_snapshot *s,
    const struct engine_request *r, enum engine_errored_deny errored_deny,
    struct arena *scratch, const struct eval_trace *trace,
    struct engine_answer *ret);

/* Ids of the answer's policies as a JSON array; new reference. */
json_t *answer_ids_json(const struct engine_answer *a, const uint32_t *policies,
    size_t n);

#endif
