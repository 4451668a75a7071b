/* prove.c - answers to challenges as they travel, and the bytes that are
 * signed. Reading is a table of members: each once, each a string, nothing
 * else; lengths are checked here, so that whoever judges never sees an odd one.
 */
#include "attest/prove.h"

#include "attest/challenge.h"
#include "attest/keys.h"
#include "base/base64.h"
#include "base/limits.h"

static const struct {
	enum prove_role role;
	struct str name;
} roles[] = {
	{ PROVE_ACCOUNT, STR_INIT("account") },
	{ PROVE_ENROL, STR_INIT("enrol") },
	{ PROVE_ATTEST, STR_INIT("attest") },
	{ PROVE_CLIENT, STR_INIT("client") },
	{ PROVE_INSTANCE, STR_INIT("instance") },
};

static const struct {
	enum prove_method method;
	struct str name;
	size_t least, most; /* bytes of a proof */
} methods[] = {
	{ PROVE_HMAC, STR_INIT("hmac"), PROVE_MAC_BYTES, PROVE_MAC_BYTES },
	{ PROVE_P256, STR_INIT("p256"), 8, 72 },
	{ PROVE_ED25519, STR_INIT("ed25519"), 64, 64 },
	{ PROVE_RSA, STR_INIT("rsa"), 256, 512 },
};
#define SIGNATURE_BYTES_LEAST 8u
#define SIGNATURE_BYTES_MOST 512u

const char *
prove_role_name(enum prove_role role)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (roles[i].role == role)
			return roles[i].name.p;
	return "";
}

enum prove_role
prove_role_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (str_eq(roles[i].name, name))
			return roles[i].role;
	return PROVE_ROLE_NONE;
}

const char *
prove_method_name(enum prove_method method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].method == method)
			return methods[i].name.p;
	return "";
}

enum prove_method
prove_method_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i].name, name))
			return methods[i].method;
	return PROVE_METHOD_NONE;
}

/* ---- reading ----------------------------------------------------------------
 */

static bool
malformed(const char *name, const char *want, struct error *reterr)
{
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "`%s` of the answer wants %s", name, want);
}

/* Members of the object, and where each goes. */
struct member {
	const char *name;
	struct str *to;
	bool is_bytes, is_optional;
	size_t least, most; /* bytes, decoded */
};

static bool
take(struct arena *a, const struct member *m, const json_t *value,
    struct error *reterr)
{
	struct str text, bytes;

	if (!json_is_string(value))
		return malformed(m->name, "a string", reterr);
	text = json_str(value);
	if (m->is_bytes) {
		if (!base64_decode(a, BASE64_URL, text, &bytes))
			return malformed(m->name, "unpadded Base64url", reterr);
	} else {
		bytes = str_dup(a, text);
		if (!bytes.p)
			return error_nomem(reterr);
	}
	if (bytes.n < m->least || bytes.n > m->most)
		return malformed(m->name, "another length", reterr);
	*m->to = bytes;
	return true;
}

static bool
take_all(struct arena *a, const json_t *object, const struct member *members,
    size_t n, struct error *reterr)
{
	size_t found = 0;

	if (!json_is_object(object))
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the answer is not an object");
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(object, members[i].name);

		if (!value && members[i].is_optional)
			continue;
		if (!value)
			return error_set(reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE, "the answer lacks `%s`",
			    members[i].name);
		if (!take(a, &members[i], value, reterr))
			return false;
		found++;
	}
	if (json_object_size(object) != found)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the answer has a member that no answer has");
	return true;
}

/* Which of `key` and `keyProof` come along. */
static bool
check_key(const struct prove_answer *r, struct error *reterr)
{
	bool is_mac = r->method == PROVE_HMAC;
	bool wants_key = is_mac || r->role == PROVE_ATTEST;

	if (wants_key == (r->key.n > 0) && is_mac == (r->key_proof.n > 0))
		return true;
	return malformed("key",
	    "a public key and `keyProof` with method hmac, the key alone with "
	    "role attest, and neither with another",
	    reterr);
}

/* Method, length of the proof and the further key go together. */
static bool
check_shape(const struct prove_answer *r, struct error *reterr)
{
	size_t i = 0;

	while (i < ARRAY_LEN(methods) && methods[i].method != r->method)
		i++;
	if (i == ARRAY_LEN(methods))
		return malformed(
		    "method", "hmac, p256, ed25519 or rsa", reterr);
	if (r->role == PROVE_ROLE_NONE)
		return malformed("role",
		    "account, enrol, attest, client or instance", reterr);
	if (r->role == PROVE_ENROL && r->method != PROVE_HMAC)
		return malformed("method", "hmac, to enrol", reterr);
	if (r->role == PROVE_ATTEST && r->method == PROVE_HMAC)
		return malformed("method", "a key pair, to attest", reterr);
	if (r->proof.n < methods[i].least || r->proof.n > methods[i].most)
		return malformed("proof", "another length", reterr);
	if (!check_key(r, reterr))
		return false;
	if (!attest_instance_id_is_valid(r->account) ||
	    (r->relay.n > 0 && !attest_instance_id_is_valid(r->relay)))
		return malformed("account", "an account id", reterr);
	if (!keys_thumbprint_is_valid(r->jkt))
		return malformed("jkt", "an RFC 7638 thumbprint", reterr);
	return true;
}

bool
prove_answer_read(struct arena *a, const json_t *object,
    struct prove_answer *ret, struct error *reterr)
{
	struct prove_answer r = { 0 };
	struct str role = { 0 }, method = { 0 };
	const struct member members[] = {
		{ "role", &role, false, false, 1, 16 },
		{ "method", &method, false, false, 1, 16 },
		{ "account", &r.account, false, false, 1, LIMIT_INSTANCE_ID },
		{ "audience", &r.audience, false, false, 1,
		    LIMIT_AUDIENCE_BYTES },
		{ "relay", &r.relay, false, true, 1, LIMIT_INSTANCE_ID },
		{ "challenge", &r.challenge, true, false, PROVE_CHALLENGE_BYTES,
		    PROVE_CHALLENGE_BYTES },
		{ "nonce", &r.nonce, true, false, PROVE_NONCE_BYTES,
		    PROVE_NONCE_BYTES },
		{ "jkt", &r.jkt, false, false, KEYS_THUMBPRINT,
		    KEYS_THUMBPRINT },
		{ "proof", &r.proof, true, false, 1, SIGNATURE_BYTES_MOST },
		{ "key", &r.key, true, true, 1, LIMIT_SPKI_BYTES },
		{ "keyProof", &r.key_proof, true, true, SIGNATURE_BYTES_LEAST,
		    SIGNATURE_BYTES_MOST },
	};

	if (!take_all(a, object, members, ARRAY_LEN(members), reterr))
		return false;
	r.role = prove_role_of(role);
	r.method = prove_method_of(method);
	if (!check_shape(&r, reterr))
		return false;
	*ret = r;
	return true;
}

bool
prove_answer_parse(struct arena *a, struct str text, struct prove_answer *ret,
    struct error *reterr)
{
	struct error why = { 0 };
	json_t *object = NULL;
	bool ok;

	if (text.n > LIMIT_ANSWER_BYTES)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the answer is %zu bytes, the limit is %u", text.n,
		    LIMIT_ANSWER_BYTES);
	if (!json_parse(text, "answer", LIMIT_ANSWER_BYTES, 2, JSON_NO_NUL,
		&object, &why)) {
		if (why.code == ERR_LIMIT_MEMORY)
			return error_nomem(reterr);
		return error_set(
		    reterr, ERR_EVIDENCE_MALFORMED, why.at, "%s", why.msg);
	}
	ok = prove_answer_read(a, object, ret, reterr);
	json_decref(object);
	return ok;
}

/* ---- writing ----------------------------------------------------------------
 */

static json_t *
bytes_json(struct str bytes)
{
	struct buf text = { 0 };
	json_t *value = NULL;

	base64_encode(&text, BASE64_URL, bytes);
	if (buf_ok(&text))
		value = json_from_str(buf_str(&text));
	buf_free(&text);
	return value;
}

static json_t *
answer_json(const struct prove_answer *r)
{
	const struct {
		const char *name;
		struct str value;
		bool is_bytes;
	} members[] = {
		{ "role", str_of(prove_role_name(r->role)), false },
		{ "method", str_of(prove_method_name(r->method)), false },
		{ "account", r->account, false },
		{ "audience", r->audience, false },
		{ "relay", r->relay, false },
		{ "challenge", r->challenge, true },
		{ "nonce", r->nonce, true },
		{ "jkt", r->jkt, false },
		{ "proof", r->proof, true },
		{ "key", r->key, true },
		{ "keyProof", r->key_proof, true },
	};
	json_t *object = json_object();

	for (size_t i = 0; object && i < ARRAY_LEN(members); i++) {
		struct str v = members[i].value;

		/* Refuses NULL, which is memory that ran out. */
		if (v.n > 0 &&
		    json_object_set_new(object, members[i].name,
			members[i].is_bytes ? bytes_json(v)
					    : json_from_str(v)) != 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

bool
prove_answer_write(const struct prove_answer *answer, struct buf *out)
{
	json_t *object = answer_json(answer);
	bool ok = object && json_write(out, object) && buf_ok(out);

	json_decref(object);
	return ok;
}

/* ---- what is signed ---------------------------------------------------------
 */

bool
prove_message(const struct prove_answer *r, struct str service,
    struct str channel, struct buf *out)
{
	const struct str fields[] = { STR_INIT("avow-proof-v1"),
		str_of(prove_role_name(r->role)),
		str_of(prove_method_name(r->method)), service, r->account,
		r->challenge, r->nonce, r->audience, r->jkt, r->relay,
		channel };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		challenge_add_field(out, fields[i]);
	return buf_ok(out);
}
