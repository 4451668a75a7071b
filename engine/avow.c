/* avow.c - the library's face: avow.h in terms of the engine. Answers given
 * here are data and open no gate. */
#include "avow.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "engine/engine.h"

struct avow *
avow_open(const char *const *policies, size_t n_policies,
    const char *const *entities, size_t n_entities, char *message,
    size_t message_size)
{
	struct buf messages = { 0 };
	json_setup();
	struct engine_snapshot *s = engine_load(policies, n_policies, entities,
	    n_entities, clock_now_ms(clock_system()), &messages);
	if (message != NULL && message_size > 0)
		snprintf(
		    message, message_size, "%.*s", STR_ARG(buf_str(&messages)));
	buf_free(&messages);
	return (struct avow *)s;
}

void
avow_close(struct avow *a)
{
	engine_snapshot_unref((struct engine_snapshot *)a);
}

static void
give(const struct engine_answer *answer, char *ret, size_t size,
    size_t *ret_length)
{
	struct buf out = { 0 };
	json_t *json = engine_answer_to_json(answer);
	if (json == NULL || !json_write(&out, json) || !buf_ok(&out))
		out.n = 0;
	json_decref(json);
	if (ret_length != NULL)
		*ret_length = out.n;
	if (ret != NULL && size > 0) {
		size_t n = out.n < size ? out.n : 0;
		memcpy(ret, n > 0 ? out.p : "", n);
		ret[n] = '\0';
	}
	buf_free(&out);
}

enum avow_effect
avow_decide(const struct avow *a, const char *request, size_t n,
    enum avow_errored_deny errored_deny, char *answer, size_t answer_size,
    size_t *ret_length)
{
	const struct engine_snapshot *s = (const struct engine_snapshot *)a;
	struct arena *arena = arena_new(LIMIT_SCRATCH_BYTES);
	struct engine_request r;
	struct engine_answer ret;
	engine_refuse(ERR_SYSTEM_LIMIT, &ret);
	if (arena != NULL) {
		if (engine_request_from_json(arena, (struct str){ request, n },
			"request", s, &r, NULL))
			engine_evaluate(s, &r,
			    errored_deny == AVOW_ERRORED_SKIP
				? ERRORED_DENY_SKIP
				: ERRORED_DENY_DENIES,
			    arena, &ret);
		else
			engine_refuse(ERR_REQUEST_MALFORMED, &ret);
	}
	ret.snapshot = s;
	give(&ret, answer, answer_size, ret_length);
	arena_free(arena);
	return ret.effect == ENGINE_PERMIT ? AVOW_PERMIT : AVOW_DENY;
}

const char *
avow_version(void)
{
	return "0.1.0";
}
