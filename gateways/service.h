/* service.h - the token service as a running process (S1 to S10, W2): two listeners, their routes, its keys.
 *   listener -> route (a table) -> who asks (admin, account, nobody) -> body, strictly -> attest/sts.h -> answer, or problem details (RFC 9457)
 * The service's listener is for instances and controllers, the admin's for people: what one accepts as proof the other does not. Signing keys are read anew at a
 * reload and each minute, so that a rotation needs neither; TLS certificates at a reload. Nothing that is answered before somebody is proven tells whether an account
 * exists. For server.c alone. */
#ifndef GATEWAYS_SERVICE_H
#define GATEWAYS_SERVICE_H

#include "base/clock.h"
#include "gateways/config.h"
#include "store/store.h"

struct service;

struct gateways_state;

/* Listening when it returns; `state` (whose configuration is the one in force until it ends; a reference is taken), `clock` and `store` outlive it. NULL on error. */
struct service *service_start(struct gateways_state *state,
    const struct clock *clock, struct store *store, struct error *reterr);
/* Signing keys, TLS certificates and trust anew, all or none; `now` has the files' names as they were at the start. */
bool service_reload(struct service *s, struct gateways_state *now,
    struct error *reterr) MUST_USE;
/* Whom it enrols is another, and nothing else. */
void service_take_state(struct service *s, struct gateways_state *now);
uint16_t service_port(const struct service *s);
void service_stop(struct service *s, int drain_ms);

#endif
