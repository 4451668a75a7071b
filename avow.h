/* avow.h - the library: policies and entities from files, requests and decisions as JSON.
 * The one header that `make install` installs. Everything else in libavow is hidden. An `avow` object is immutable once opened and may be used from many threads at
 * once. Link with -lavow. */
#ifndef AVOW_H
#define AVOW_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AVOW_API __attribute__((visibility("default")))

struct avow;

/* Zero is deny: memory that nobody wrote, a call that failed, is never a permit. */
enum avow_effect { AVOW_DENY = 0, AVOW_PERMIT = 1 };

/* What a deny policy does that fails to evaluate. */
enum avow_errored_deny {
	AVOW_ERRORED_SKIP = 0, /* as Cedar has it */
	AVOW_ERRORED_DENY = 1  /* the decision is deny; what every gate does */
};

/* Read policies (files or folders of *.avow, *.cedar) and entities (Cedar JSON). NULL when anything is wrong; then `message` (of `message_size` bytes, may be NULL)
 * has every error with its place, cut to fit. */
AVOW_API struct avow *avow_open(const char *const *policies, size_t n_policies,
    const char *const *entities, size_t n_entities, char *message,
    size_t message_size);
AVOW_API void avow_close(struct avow *a);

/* Decide one request of `n` bytes of JSON. The decision as JSON is written to `answer` with a NUL, or nothing when it does not fit in `answer_size` bytes or `answer`
 * is NULL; *ret_length (may be NULL) is its length in any case. A request that cannot be read is a deny, `request.malformed`. */
AVOW_API enum avow_effect avow_decide(const struct avow *a,
    const char *request, size_t n, enum avow_errored_deny errored_deny,
    char *answer, size_t answer_size, size_t *ret_length);

/* Zero is refused, as with decisions. */
enum avow_verdict { AVOW_REFUSED = 0, AVOW_VALID = 1 };

/* What the reader of a token demands; strings end in NUL and are compared byte for byte. */
struct avow_token_want {
	const char *keys;     /* the issuer's public keys: a JSON Web Key Set (RFC 7517), or PEM */
	size_t keys_length;
	const char *issuer, *audience; /* both required */
	const char *trust_domain;      /* SPIFFE, or NULL: the subject is a bare id */
	long long at_unix_s;  /* the time, in seconds of UTC */
};

/* Verify a full token (`avow-token+jwt`) of `n` bytes with public keys alone: nothing is fetched, no clock is read. The verdict as JSON is written to `answer` as
 * avow_decide does. AVOW_VALID says who issued the token to whom; it does *not* say that who shows it is that one: check `cnf` of the verdict against a proof of
 * that key (RFC 9449) or the peer's certificate (RFC 8705). */
AVOW_API enum avow_verdict avow_token_verify(
    const struct avow_token_want *want, const char *token, size_t n,
    char *answer, size_t answer_size, size_t *ret_length);

/* `0.1.0` */
AVOW_API const char *avow_version(void);

#ifdef __cplusplus
}
#endif

#endif
