/* issue.c - documents made: JSON in the order of the contract, then signed.
 * Written without spaces, since a pack must stay under LIMIT_PACK_BYTES.
 * What is signed has been read back by the reader that verifiers use, so that
 * nothing leaves here that ours would refuse for its shape. */
#include "attest/attest.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include "attest/doc.h"
#include "attest/form.h"
#include "attest/keys.h"
#include "base/digest.h"
#include "base/limits.h"

static json_t *
time_json(int64_t unix_s)
{
	/* Years outside 0 to 9999 print as a number, which the reader refuses.
	 */
	int64_t ms;

	return __builtin_mul_overflow(unix_s, 1000, &ms) ? NULL
							 : json_from_time(ms);
}

static json_t *
list_json(const struct str *items, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_from_str(items[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *
cnf_json(struct str jkt)
{
	json_t *cnf = json_object();

	if (cnf && json_object_set_new(cnf, "jkt", json_from_str(jkt)) == 0)
		return cnf;
	json_decref(cnf);
	return NULL;
}

static bool
random_id(struct buf *out, struct error *reterr)
{
	uint8_t bytes[16];
	char hex[33];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "no random bytes: %s", keys_drain());
	digest_hex(bytes, sizeof bytes, hex);
	buf_addz(out, hex);
	return buf_ok(out) || error_nomem(reterr);
}

static bool
is_wanted(const struct attest_issue *what, const char *member)
{
	if (strcmp(member, "cnf") == 0)
		return what->cnf_jkt.n > 0;
	return strcmp(member, "members") != 0 || what->n_members > 0;
}

/* False when memory is out: json_object_set_new refuses NULL. */
static bool
fill(json_t *root, const struct attest_key *key,
    const struct attest_issue *what, struct str id)
{
	const struct {
		const char *name;
		json_t *value;
	} members[] = {
		{ "typ", json_string("avow-document/1") },
		{ "id", json_from_str(id) },
		{ "issuer", json_from_str(what->issuer) },
		{ "keyId", json_from_str(keys_thumbprint(&key->public)) },
		{ "subject", json_from_str(what->subject) },
		{ "issuedAt", time_json(what->issued_at) },
		{ "notBefore", time_json(what->not_before) },
		{ "expiresAt", time_json(what->expires_at) },
		{ "audience", list_json(what->audience, what->n_audience) },
		{ "cnf", what->cnf_jkt.n ? cnf_json(what->cnf_jkt) : NULL },
		{ "members", what->n_members
				 ? list_json(what->members, what->n_members)
				 : NULL },
		{ "claims", what->claims ? json_deep_copy(what->claims)
					 : json_object() },
	};
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		bool wanted = is_wanted(what, members[i].name);

		/* Takes the value even when it fails. */
		if (wanted && json_object_set_new(
				  root, members[i].name, members[i].value) != 0)
			ok = false;
	}
	return ok;
}

/* The caller owns *ret_root, also on error. */
static bool
write_document(const struct attest_key *key, const struct attest_issue *what,
    struct str id, struct buf *out, json_t **ret_root, struct error *reterr)
{
	json_t *root = json_object();
	bool ok = root && fill(root, key, what, id) && json_write(out, root);

	*ret_root = root;
	return ok || error_set(reterr, ERR_USAGE, SPAN_NONE,
			 "cannot write the document: a time is out of range, "
			 "or memory ran out");
}

/* Also that it is not too large, once it is signed. */
static bool
read_back(enum attest_form form, const struct attest_evidence *made,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct form f = { 0 };
	const struct flat *root;
	struct doc doc;
	bool ok;

	ok = a ? form_open(a, form, made, &f, &root, reterr) &&
		     doc_read(a, root, &doc, reterr)
	       : error_nomem(reterr);
	form_fini(&f);
	arena_free(a);
	return ok;
}

static bool
issue(const struct attest_key *key, const struct attest_issue *what,
    struct str id, struct buf *document, struct buf *signature,
    struct error *reterr)
{
	struct buf text = { 0 };
	struct attest_evidence made = { .kind = attest_form_kind(what->form) };
	json_t *root = NULL;
	bool ok = write_document(key, what, id, &text, &root, reterr);

	/* First as it is, so that nothing is signed which is not right. */
	made.document = buf_str(&text);
	ok = ok && read_back(ATTEST_DETACHED, &made, reterr) &&
	     form_sign(what->form, &key->public, buf_str(&text), root, document,
		 signature, reterr);
	made.document = buf_str(document);
	ok = ok && (what->form == ATTEST_DETACHED ||
		       read_back(what->form, &made, reterr));
	json_decref(root);
	buf_free(&text);
	return ok;
}

bool
attest_issue(const struct attest_key *key, const struct attest_issue *what,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	struct buf id = { 0 }, document = { 0 }, signature = { 0 };
	bool ok = true;

	if (what->id.n == 0)
		ok = random_id(&id, reterr);
	ok = ok && issue(key, what, what->id.n ? what->id : buf_str(&id),
		       &document, &signature, reterr);
	if (ok) {
		size_t before = ret_document->n;

		buf_add(ret_document, buf_str(&document));
		buf_add(ret_signature, buf_str(&signature));
		/* What did not fit into the one buffer is not in the other. */
		ok = (buf_ok(&document) && buf_ok(&signature) &&
			 buf_ok(ret_document) && buf_ok(ret_signature)) ||
		     error_nomem(reterr);
		if (!ok)
			ret_document->n = before; /* no half of it */
	}
	buf_free(&id);
	buf_free(&document);
	buf_free(&signature);
	return ok;
}
