#include "gateways/admin.h"

#include <sys/random.h>

#include "base/base64.h"
#include "base/digest.h"

#define SECRET_BYTES 32u
#define SECRET_TEXT 43u /* in Base64url */

static const struct str mark = STR_INIT("avow-admin-");

static bool
is_name(struct str s)
{
	static const struct str others = STR_INIT("._@-");

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && (i == 0 || str_find(others, c, 0) == others.n))
			return false;
	}
	return s.n > 0 && s.n <= 64;
}

/* Bytes that nobody can guess, or an error. */
static bool
fill(uint8_t *to, size_t n, struct error *reterr)
{
	return getrandom(to, n, 0) == (ssize_t)n ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "there is no randomness to be had");
}

static bool
make_id(struct arena *a, struct str *ret, struct error *reterr)
{
	uint8_t bytes[8];
	char hex[2 * sizeof bytes + 1];

	if (!fill(bytes, sizeof bytes, reterr))
		return false;
	digest_hex(bytes, sizeof bytes, hex);
	*ret = str_dup(a, str_of(hex));
	return ret->p || error_nomem(reterr);
}

static bool
hash_of(struct str token, uint8_t ret[32], struct error *reterr)
{
	return digest_sha256(&token, 1, ret) ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "SHA-256 cannot be computed");
}

/* `token` on the stack of the caller, who wipes it. */
static bool
make_token(struct buf *token, struct error *reterr)
{
	uint8_t secret[SECRET_BYTES];

	if (!fill(secret, sizeof secret, reterr))
		return false;
	buf_add(token, mark);
	base64_encode(token, BASE64_URL,
	    (struct str){ (const char *)secret, sizeof secret });
	explicit_bzero(secret, sizeof secret);
	return buf_ok(token) || error_nomem(reterr);
}

bool
admin_token_new(struct store *s, struct arena *a, struct str name,
    int64_t lifetime_s, int64_t now_unix_s, struct buf *out,
    struct store_admin_token *ret, struct error *reterr)
{
	char room[sizeof "avow-admin-" + SECRET_TEXT];
	struct buf token = buf_over(room, sizeof room);
	struct store_admin_token t = { .name = name, .created_at = now_unix_s };
	uint8_t hash[32];
	bool ok;

	if (!is_name(name))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a name has letters, digits and `._@-`, at most 64");
	if (lifetime_s < 0 || lifetime_s > ADMIN_TOKEN_MOST_S)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "an admin token lives at most 30 days");
	t.expires_at =
	    now_unix_s + (lifetime_s ? lifetime_s : ADMIN_TOKEN_USUAL_S);
	ok = make_token(&token, reterr) &&
	     hash_of(buf_str(&token), hash, reterr) &&
	     make_id(a, &t.id, reterr) && store_admin_add(s, &t, hash, reterr);
	if (ok) {
		buf_add(out, buf_str(&token));
		*ret = t;
		ok = buf_ok(out) || error_nomem(reterr);
	}
	explicit_bzero(room, sizeof room);
	return ok;
}

bool
admin_token_check(struct store *s, struct arena *a, struct str token,
    int64_t now_unix_s, struct store_admin_token *ret, struct error *reterr)
{
	uint8_t hash[32];
	bool found = false;

	if (!str_has_prefix(token, mark) || token.n != mark.n + SECRET_TEXT)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "this is no admin token that is valid now");
	if (!hash_of(token, hash, reterr) ||
	    !store_admin_find(s, a, hash, now_unix_s, ret, &found, reterr))
		return false;
	return found || error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
			    "this is no admin token that is valid now");
}
