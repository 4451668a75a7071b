/* kit.c - see kit.h. */
#include "tests/lib/kit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/keys.h"
#include "attest/sig.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/lib/run.h"

#define DOCUMENT                                                               \
	"{\"typ\":\"avow-document/1\","                                        \
	"\"id\":\"00112233445566778899aabbccddeeff\","                         \
	"\"issuer\":\"acme\",\"keyId\":\"KEY\",\"subject\":\"i-1\","           \
	"\"issuedAt\":\"2026-03-01T12:00:00Z\","                               \
	"\"notBefore\":\"2026-03-01T12:00:00Z\","                              \
	"\"expiresAt\":\"2026-03-01T13:00:00Z\","                              \
	"\"audience\":[\"updates\"],\"claims\":{\"imageId\":\"img-12\","       \
	"\"owner\":\"acme-owner\",\"privateIp\":\"10.0.0.5\","                 \
	"\"launchTime\":\"2026-02-28T09:30:00Z\",\"region\":\"north\","        \
	"\"zone\":\"north-1\",\"supportLevel\":\"gold\","                      \
	"\"os\":{\"name\":\"debian\",\"version\":\"12.8\"},"                   \
	"\"licences\":[\"base\"],\"applications\":{\"nginx\":\"1.22.1\"},"     \
	"\"custom\":{\"team\":\"blue\"}}}"

const char *
kit_file(struct arena *a, const char *name, struct str content)
{
	const char *path = str_printf(a, "%s/%s", test_folder(), name).p;
	struct error e = { 0 };

	ck_assert_ptr_nonnull(path);
	ck_assert_msg(file_replace(path, 0644, content, &e), "%s", e.msg);
	return path;
}

const char *
kit_key(const char *name, enum attest_key_type type)
{
	static char folder[600];
	char path[700];
	struct buf pem = { 0 };
	struct error e = { 0 };

	snprintf(folder, sizeof folder, "%s/%s", test_folder(), name);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	snprintf(path, sizeof path, "%s.key.pem", folder);
	ck_assert_msg(attest_key_create(type, path, &e), "%s", e.msg);
	ck_assert_msg(attest_key_public_pem(path, &pem, &e), "%s", e.msg);
	snprintf(path, sizeof path, "%s/pub.pem", folder);
	ck_assert(file_create(path, 0644, buf_str(&pem), &e));
	buf_free(&pem);
	return folder;
}

void
kit_init(struct kit *k, enum attest_key_type type)
{
	static unsigned n;
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.audience_required = true };
	struct error e = { 0 };
	char name[40], path[700];

	json_setup();
	snprintf(name, sizeof name, "kit-%d-%u", (int)getpid(), n++);
	*k = (struct kit){ .arena = arena_new(0) };
	snprintf(k->folder, sizeof k->folder, "%s", kit_key(name, type));
	snprintf(path, sizeof path, "%s.key.pem", k->folder);
	k->key = attest_key_open(path, &e);
	ck_assert_msg(k->key != NULL, "%s", e.msg);
	k->trust = attest_trust_new();
	entry.keys = k->folder;
	ck_assert_msg(attest_trust_add(k->trust, &entry, &e), "%s", e.msg);
}

void
kit_fini(struct kit *k)
{
	attest_trust_free(k->trust);
	attest_key_free(k->key);
	arena_free(k->arena);
}

/* `text` with its first `from` as `to`. */
static struct str
edited(struct arena *a, struct str text, const char *from, const char *to)
{
	const char *at = memmem(text.p, text.n, from, strlen(from));
	size_t before;
	struct buf b = { 0 };
	struct str s;

	ck_assert_msg(at != NULL, "no `%s` in the document", from);
	before = (size_t)(at - text.p);
	buf_add(&b, str_sub(text, 0, before));
	buf_addz(&b, to);
	buf_add(&b, str_sub(text, before + strlen(from), text.n));
	s = str_dup(a, buf_str(&b));
	ck_assert(s.p && buf_ok(&b));
	buf_free(&b);
	return s;
}

struct str
kit_document(struct kit *k, const char *from, const char *to)
{
	struct str text = STR(DOCUMENT);

	if (from)
		text = edited(k->arena, text, from, to);
	if (memmem(text.p, text.n, "\"KEY\"", 5))
		text = edited(k->arena, text, "KEY", k->key->public.thumbprint);
	return text;
}

struct attest_evidence
kit_sign(struct kit *k, struct str document)
{
	struct attest_evidence e = { STR("avow"), document, { 0 } };
	struct buf signature = { 0 };

	ck_assert(sig_sign(&k->key->public, document, &signature, NULL));
	e.signature = str_dup(k->arena, buf_str(&signature));
	buf_free(&signature);
	ck_assert_ptr_nonnull(e.signature.p);
	return e;
}

struct attest_context
kit_context(const struct kit *k)
{
	return (struct attest_context){ .trust = k->trust,
		.now_unix_s = KIT_NOON,
		.audience = STR("updates") };
}

struct attest_revoked *
kit_revoked(const char *text)
{
	struct errors errors = { 0 };
	struct attest_revoked *r =
	    attest_revoked_parse("revoked", str_of(text), &errors);

	ck_assert_msg(r != NULL, "%s", errors.e[0].msg);
	return r;
}

bool
kit_testdata(struct arena *a, const char *name, struct str *ret)
{
	const char *path = testdata(name);
	struct error e = { 0 };

	if (!path)
		return false;
	ck_assert_msg(file_read(a, path, 1 << 20, ret, &e), "%s", e.msg);
	return true;
}
