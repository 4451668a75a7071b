/* challenge.h - challenges that cost nobody a row: made and known again by their MAC.
 * 73 bytes: version 1, expiry (ms, 8 bytes big-endian), 32 random bytes, HMAC-SHA256 over all that and whom it is for. Only what passed challenge_check is worth
 * remembering as spent, so nobody fills a table with what we never made. */
#ifndef ATTEST_CHALLENGE_H
#define ATTEST_CHALLENGE_H

#include "attest/secret.h"

#define CHALLENGE_ID_BYTES 32

struct challenge_for {
	enum prove_role role;
	enum prove_method method;
	struct str account, audience;
};

/* How long a challenge for this role lives: PROVE_ATTEST has to be carried through a cloud first. */
int64_t challenge_life_s(enum prove_role role);
/* Append a challenge that lives challenge_life_s from `now_ms`. */
bool challenge_make(const uint8_t key[SECRET_BYTES],
    const struct prove_random *random, const struct challenge_for *whom,
    int64_t now_ms, struct buf *out, struct error *reterr) MUST_USE;

struct challenge {
	uint8_t id[CHALLENGE_ID_BYTES]; /* its random bytes */
	int64_t expires_at_ms, life_ms;
};
/* Is it ours, and for these? Errors: ERR_EVIDENCE_PROOF. */
bool challenge_open(const uint8_t key[SECRET_BYTES],
    const struct challenge_for *whom, struct str text, struct challenge *ret,
    struct error *reterr) MUST_USE;
/* Is it alive? One that lives longer than it may, beyond LIMIT_SKEW_S, is from a clock that was wrong. Errors: ERR_EVIDENCE_EXPIRED. */
bool challenge_check_time(const struct challenge *c, int64_t now_ms,
    struct error *reterr) MUST_USE;

/* The challenge as a cloud takes it into what it signs: ten decimal digits, which is all that Azure's metadata service has room for. Nobody chooses them, and what was
 * signed before the challenge was made is refused beside (attest/sts_enrol.c). */
#define CHALLENGE_DIGITS 10
bool challenge_digits(struct str challenge, char ret[CHALLENGE_DIGITS + 1],
    struct error *reterr) MUST_USE;

/* Is anything of `whom` unfit to be asked: no role, no method, no account id, an audience that is empty, too long or not printable? Errors: ERR_REQUEST_MALFORMED. */
bool challenge_check_whom(
    const struct challenge_for *whom, struct error *reterr) MUST_USE;

/* 4 bytes big-endian of length, then the bytes: no two lists of fields run together. */
void challenge_add_field(struct buf *out, struct str field);

#endif
