/* signer.h - the socket of `avow signer`: who may ask, how often, and one line of log for each. What is signed at all is attest/signer.h's word.
 * A Unix socket, 0600 unless a group is named (then 0660); each peer is asked of the kernel (SO_PEERCRED) and must be root, this user, or one that is named. One thread: up to
 * SIGNER_PEERS connections are read side by side, SIGNER_PEERS_USER of one user, SIGNER_PEER_MS for a request to come whole, so that who is silent or slow holds up nobody; one
 * signature at a time. Each user may ask `rate` times a second. */
#ifndef GATEWAYS_SIGNER_H
#define GATEWAYS_SIGNER_H

#include <sys/types.h>

#include "attest/signer.h"
#include "base/clock.h"

#define SIGNER_PEER_MS 2000
#define SIGNER_PEERS 64u
#define SIGNER_PEERS_USER 16u

struct signer_server {
	const struct attest_key *key;
	struct signer_rules rules;
	const uid_t *uids; /* besides our own and root */
	size_t n_uids;
	unsigned rate; /* a second for each user, at least 1 */
	const struct clock *clock;
};

/* Listen at `listen` (`unix:/PATH`). `group` -1: none. The socket, non-blocking; *ret_handed_over: it and its mode are systemd's. Errors: ERR_CONFIG_VALUE,
 * ERR_SYSTEM_ERROR. */
bool signer_listen(struct str listen, gid_t group, int *ret_fd,
    bool *ret_handed_over, struct error *reterr) MUST_USE;
/* Answer until `stop_fd` becomes readable; a request that is here whole is answered first. Errors: memory. */
bool signer_serve(const struct signer_server *s, int fd, int stop_fd,
    struct error *reterr) MUST_USE;

#endif
