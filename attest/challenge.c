/* challenge.c - see challenge.h. */
#include "attest/challenge.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/limits.h"

#define VERSION '\1'
#define HEAD_BYTES (1 + 8 + CHALLENGE_ID_BYTES)
_Static_assert(HEAD_BYTES + SECRET_BYTES == PROVE_CHALLENGE_BYTES, "as told");

void
challenge_add_field(struct buf *out, struct str field)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_byte(out, (char)((field.n >> shift) & 0xff));
	buf_add(out, field);
}

static bool
mac(const uint8_t key[SECRET_BYTES], const struct challenge_for *whom,
    struct str head, uint8_t ret[SECRET_BYTES], struct error *reterr)
{
	struct buf message = { 0 };
	const struct str fields[] = { STR_INIT("avow-challenge-v1"),
		str_of(prove_role_name(whom->role)),
		str_of(prove_method_name(whom->method)), whom->account,
		whom->audience, head };
	bool ok;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		challenge_add_field(&message, fields[i]);
	ok = buf_ok(&message) ? secret_mac(key, buf_str(&message), ret, reterr)
			      : error_nomem(reterr);
	buf_free(&message);
	return ok;
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

bool
challenge_check_whom(const struct challenge_for *whom, struct error *reterr)
{
	if (*prove_role_name(whom->role) && *prove_method_name(whom->method) &&
	    attest_instance_id_is_valid(whom->account) &&
	    whom->audience.n > 0 && whom->audience.n <= LIMIT_AUDIENCE_BYTES &&
	    is_printable(whom->audience))
		return true;
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
	    "a challenge is for a role, a method, an account id and an "
	    "audience of 1 to %u printable characters",
	    LIMIT_AUDIENCE_BYTES);
}

int64_t
challenge_life_s(enum prove_role role)
{
	return role == PROVE_ATTEST ? LIMIT_CHALLENGE_ATTEST_S
				    : LIMIT_CHALLENGE_S;
}

bool
challenge_digits(
    struct str challenge, char ret[CHALLENGE_DIGITS + 1], struct error *reterr)
{
	const struct str parts[] = { STR_INIT("avow-challenge-digits-v1"),
		challenge };
	uint8_t digest[32];
	uint64_t n = 0;

	if (!digest_sha256_framed(parts, ARRAY_LEN(parts), digest))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot make a digest");
	for (size_t i = 0; i < 8; i++)
		n = n << 8 | digest[i];
	snprintf(ret, CHALLENGE_DIGITS + 1, "%010llu",
	    (unsigned long long)(n % 10000000000ull));
	return true;
}

bool
challenge_make(const uint8_t key[SECRET_BYTES],
    const struct prove_random *random, const struct challenge_for *whom,
    int64_t now_ms, struct buf *out, struct error *reterr)
{
	uint8_t head[HEAD_BYTES] = { VERSION }, tag[SECRET_BYTES];
	uint64_t expires =
	    (uint64_t)now_ms + (uint64_t)challenge_life_s(whom->role) * 1000;

	for (size_t i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(expires >> (56 - 8 * i));
	if (!secret_random(random, head + 9, CHALLENGE_ID_BYTES, reterr) ||
	    !mac(key, whom, (struct str){ (const char *)head, sizeof head },
		tag, reterr))
		return false;
	buf_add(out, (struct str){ (const char *)head, sizeof head });
	buf_add(out, (struct str){ (const char *)tag, sizeof tag });
	return buf_ok(out) || error_nomem(reterr);
}

bool
challenge_open(const uint8_t key[SECRET_BYTES],
    const struct challenge_for *whom, struct str text, struct challenge *ret,
    struct error *reterr)
{
	uint8_t tag[SECRET_BYTES];
	uint64_t expires = 0;
	struct str given = str_sub(text, HEAD_BYTES, text.n);

	if (text.n != PROVE_CHALLENGE_BYTES || text.p[0] != VERSION)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	if (!mac(key, whom, str_sub(text, 0, HEAD_BYTES), tag, reterr))
		return false;
	if (!secret_equal(given, (struct str){ (const char *)tag, sizeof tag }))
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	for (size_t i = 0; i < 8; i++)
		expires = expires << 8 | (uint8_t)text.p[1 + i];
	memcpy(ret->id, text.p + 9, CHALLENGE_ID_BYTES);
	ret->expires_at_ms = (int64_t)expires;
	ret->life_ms = challenge_life_s(whom->role) * 1000;
	return true;
}

bool
challenge_check_time(
    const struct challenge *c, int64_t now_ms, struct error *reterr)
{
	int64_t left = c->expires_at_ms - now_ms;

	if (left > 0 && left <= c->life_ms + LIMIT_SKEW_S * 1000)
		return true;
	return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
	    "the challenge has expired; ask for another one");
}
