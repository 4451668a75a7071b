/* Documents of our own: every member's shape, and what no document may have. */
#include "attest/doc.h"

#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static bool
read_text(struct arena *a, struct str text, struct doc *d, struct error *e)
{
	const struct flat *root;

	return doc_open(a, text, &root, e) && doc_read(a, root, d, e);
}

START_TEST(everything_is_read)
{
	struct kit k;
	struct doc d;
	struct error e = { 0 };

	kit_init(&k, KEY_P256);
	ck_assert_msg(read_text(k.arena, kit_document(&k, NULL, NULL), &d, &e),
	    "%s", e.msg);
	ck_str_is(d.id, "00112233445566778899aabbccddeeff");
	ck_str_is(d.issuer, "acme");
	ck_str_is(d.subject, "i-1");
	ck_assert_int_eq(d.issued_at, KIT_NOON);
	ck_assert_int_eq(d.not_before, KIT_NOON);
	ck_assert_int_eq(d.expires_at, KIT_NOON + 3600);
	ck_assert(d.has_times && !d.has_cnf && d.has_licences);
	ck_assert_uint_eq(d.n_audience, 1);
	ck_str_is(d.audience[0], "updates");
	ck_str_is(d.image_id, "img-12");
	ck_str_is(d.owner, "acme-owner");
	ck_str_is(d.private_ip, "10.0.0.5");
	ck_str_is(d.launch_time, "2026-02-28T09:30:00Z");
	ck_str_is(d.region, "north");
	ck_str_is(d.zone, "north-1");
	ck_str_is(d.support_level, "gold");
	ck_str_is(d.os_name, "debian");
	ck_str_is(d.os_version, "12.8");
	ck_assert_uint_eq(d.n_licences, 1);
	ck_str_is(d.licences[0], "base");
	ck_assert_uint_eq(d.n_applications, 1);
	ck_str_is(d.applications[0].name, "nginx");
	ck_str_is(d.custom[0].text, "blue");
	kit_fini(&k);
}
END_TEST

#define THUMB "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define CLAIMS                                                                 \
	"\"claims\":{\"imageId\":\"img-12\",\"owner\":\"acme-owner\","         \
	"\"privateIp\":\"10.0.0.5\","                                          \
	"\"launchTime\":\"2026-02-28T09:30:00Z\",\"region\":\"north\","        \
	"\"zone\":\"north-1\",\"supportLevel\":\"gold\","                      \
	"\"os\":{\"name\":\"debian\",\"version\":\"12.8\"},"                   \
	"\"licences\":[\"base\"],\"applications\":{\"nginx\":\"1.22.1\"},"     \
	"\"custom\":{\"team\":\"blue\"}}"

static const struct {
	const char *from, *to;
} good[] = {
	{ "\"audience\":[\"updates\"]", "\"audience\":[]" },
	{ "\"audience\":[\"updates\"]", "\"audience\":[\"a\",\"b\"]" },
	{ CLAIMS, "\"claims\":{}" },
	{ CLAIMS, "\"cnf\":{\"jkt\":\"" THUMB "\"},\"claims\":{}" },
	{ CLAIMS, "\"cnf\":{\"x5t#S256\":\"" THUMB "\"},\"claims\":{}" },
	{ "\"licences\":[\"base\"]", "\"licences\":[]" },
	{ "{\"name\":\"debian\",\"version\":\"12.8\"}", "{}" },
	{ "10.0.0.5", "2001:db8::1" },
	{ "\"i-1\"", "\"A.b_c-9\"" },
	{ "notBefore\":\"2026-03-01T12:", "notBefore\":\"2026-03-01T09:" },
	{ "\"id\"", " \n\t\"id\"" },
};

START_TEST(other_shapes_that_are_right)
{
	struct kit k;
	struct doc d;
	struct error e = { 0 };

	kit_init(&k, KEY_P256);
	ck_assert_msg(read_text(k.arena,
			  kit_document(&k, good[_i].from, good[_i].to), &d, &e),
	    "%s: %s", good[_i].to, e.msg);
	kit_fini(&k);
}
END_TEST

static const struct {
	const char *note, *from, *to, *says;
} bad[] = {
	{ "no JSON", "{\"typ\"", "{typ", "column 2" },
	{ "bytes behind", "\"blue\"}}}", "\"blue\"}}} {}", "column" },
	{ "duplicate member", "\"issuer\":\"acme\"",
	    "\"issuer\":\"acme\",\"issuer\":\"acme\"", "twice" },
	{ "duplicate claim",
	    "\"zone\":", "\"region\":\"south\",\"zone\":", "twice" },
	{ "duplicate by escape",
	    "\"zone\":", "\"regio\\u006e\":\"south\",\"zone\":", "twice" },
	{ "NUL in a value", "\"north\"", "\"nor\\u0000th\"", "column" },
	{ "NUL in a name", "\"team\"", "\"te\\u0000am\"", "column" },
	{ "broken UTF-8", "\"north\"", "\"\xff\"", "column" },
	{ "overlong UTF-8", "\"north\"", "\"\xc0\xaf\"", "column" },
	{ "another typ", "avow-document/1", "avow-document/2", "`typ`" },
	{ "a token's typ", "avow-document/1", "avow-token+jwt", "`typ`" },
	{ "no typ", "\"typ\":\"avow-document/1\",", "", "lacks `typ`" },
	{ "typ is null", "\"avow-document/1\"", "null", "`typ`" },
	{ "unknown member", "\"issuer\"", "\"critical\":1,\"issuer\"",
	    "`document`" },
	{ "unknown claim", "\"zone\"", "\"rank\":\"9\",\"zone\"", "`claims`" },
	{ "name in another case", "\"zone\"", "\"Zone\"", "`claims`" },
	{ "unknown in os", "\"version\"", "\"kernel\":\"6\",\"version\"",
	    "`os`" },
	{ "no id", "\"id\":\"00112233445566778899aabbccddeeff\",", "",
	    "lacks `id`" },
	{ "short id", "00112233445566778899aabbccddeeff", "0011", "`id`" },
	{ "upper-case id", "aabbccddeeff", "AABBCCDDEEFF", "`id`" },
	{ "no issuer", "\"issuer\":\"acme\",", "", "lacks `issuer`" },
	{ "empty issuer", "\"acme\"", "\"\"", "`issuer`" },
	{ "issuer is a list", "\"acme\"", "[\"acme\"]", "`issuer`" },
	{ "no keyId", "\"keyId\":\"KEY\",", "", "lacks `keyId`" },
	{ "short keyId", "\"KEY\"", "\"abc\"", "`keyId`" },
	{ "no subject", "\"subject\":\"i-1\",", "", "lacks `subject`" },
	{ "subject is a number", "\"i-1\"", "1", "`subject`" },
	{ "no issuedAt", "\"issuedAt\":\"2026-03-01T12:00:00Z\",", "",
	    "lacks `issuedAt`" },
	{ "no notBefore", "\"notBefore\":\"2026-03-01T12:00:00Z\",", "",
	    "lacks `notBefore`" },
	{ "no expiresAt", "\"expiresAt\":\"2026-03-01T13:00:00Z\",", "",
	    "lacks `expiresAt`" },
	{ "expiresAt is null", "\"2026-03-01T13:00:00Z\"", "null",
	    "`expiresAt`" },
	{ "expiresAt is a number", "\"2026-03-01T13:00:00Z\"", "1893456000",
	    "`expiresAt`" },
	{ "a date alone", "2026-03-01T13:00:00Z", "2026-03-02", "`expiresAt`" },
	{ "an offset", "13:00:00Z", "13:00:00+0000", "`expiresAt`" },
	{ "a leap second", "13:00:00Z", "13:00:60Z", "`expiresAt`" },
	{ "no such day", "2026-03-01T13", "2026-02-29T13", "`expiresAt`" },
	{ "a space for T", "2026-03-01T13", "2026-03-01 13", "`expiresAt`" },
	{ "expires when it begins",
	    "2026-03-01T13:", "2026-03-01T12:", "`expiresAt`" },
	{ "expires before it begins", "\"notBefore\":\"2026-03-01T12:00:00Z\"",
	    "\"notBefore\":\"2026-03-01T14:00:00Z\"", "`expiresAt`" },
	{ "no audience", "\"audience\":[\"updates\"],", "",
	    "lacks `audience`" },
	{ "audience is a string", "[\"updates\"]", "\"updates\"",
	    "`audience`" },
	{ "empty audience name", "[\"updates\"]", "[\"updates\",\"\"]",
	    "`audience`" },
	{ "number in audience", "[\"updates\"]", "[1]", "`audience`" },
	{ "cnf is null", "\"claims\"", "\"cnf\":null,\"claims\"", "`cnf`" },
	{ "cnf is empty", "\"claims\"", "\"cnf\":{},\"claims\"", "`cnf`" },
	{ "cnf of another sort", "\"claims\"",
	    "\"cnf\":{\"jwk\":\"" THUMB "\"},\"claims\"", "`cnf`" },
	{ "two cnf", "\"claims\"",
	    "\"cnf\":{\"jkt\":\"" THUMB "\",\"x5t#S256\":\"" THUMB
	    "\"},\"claims\"",
	    "`cnf`" },
	{ "cnf that is no thumbprint", "\"claims\"",
	    "\"cnf\":{\"jkt\":\"x\"},\"claims\"", "`jkt`" },
	{ "no claims", "," CLAIMS, "", "lacks `claims`" },
	{ "claims is a list", CLAIMS, "\"claims\":[]", "`claims`" },
	{ "a number", "\"img-12\"", "12", "`imageId`" },
	{ "null claim", "\"img-12\"", "null", "`imageId`" },
	{ "empty claim", "\"img-12\"", "\"\"", "`imageId`" },
	{ "no address", "10.0.0.5", "10.0.0.256", "`privateIp`" },
	{ "leading zeros", "10.0.0.5", "10.0.0.05", "`privateIp`" },
	{ "a network", "10.0.0.5", "10.0.0.0/8", "`privateIp`" },
	{ "no time", "2026-02-28T09:30:00Z", "yesterday", "`launchTime`" },
	{ "os is a string", "{\"name\":\"debian\",\"version\":\"12.8\"}",
	    "\"debian\"", "`os`" },
	{ "licences is a string", "[\"base\"]", "\"base\"", "`licences`" },
	{ "number among licences", "[\"base\"]", "[\"base\",1]", "`licences`" },
	{ "applications is a list", "{\"nginx\":\"1.22.1\"}", "[]",
	    "`applications`" },
	{ "version is a number", "\"1.22.1\"", "1", "`applications`" },
	{ "nested custom", "\"blue\"", "{\"a\":\"b\"}", "`custom`" },
	{ "custom without a name", "\"team\"", "\"\"", "`custom`" },
};

START_TEST(other_shapes_are_refused)
{
	struct kit k;
	struct doc d;
	struct error e = { 0 };

	kit_init(&k, KEY_P256);
	ck_assert_msg(!read_text(k.arena,
			  kit_document(&k, bad[_i].from, bad[_i].to), &d, &e),
	    "%s", bad[_i].note);
	ck_assert_msg(e.code == ERR_EVIDENCE_MALFORMED, "%s: %s", bad[_i].note,
	    error_id(e.code));
	ck_assert_msg(
	    strstr(e.msg, bad[_i].says) != NULL, "%s: %s", bad[_i].note, e.msg);
	kit_fini(&k);
}
END_TEST

static const char *const bad_subjects[] = { "", "-a", ".a", "_a", "a:b", "a/b",
	"a b", "a\\n", "\xc3\xa9", "a\\u0001", "a%41", "../x" };

START_TEST(subjects_that_are_no_instance_id)
{
	struct kit k;
	struct doc d;
	struct error e = { 0 };

	kit_init(&k, KEY_P256);
	ck_assert_msg(!read_text(k.arena,
			  kit_document(&k, "i-1", bad_subjects[_i]), &d, &e),
	    "%s", bad_subjects[_i]);
	ck_assert_msg(e.code == ERR_EVIDENCE_INSTANCE, "%s: %s",
	    bad_subjects[_i], error_id(e.code));
	kit_fini(&k);
}
END_TEST

START_TEST(an_instance_id_has_a_length)
{
	char id[LIMIT_INSTANCE_ID + 1];

	memset(id, 'x', sizeof id);
	ck_assert(
	    attest_instance_id_is_valid((struct str){ id, LIMIT_INSTANCE_ID }));
	ck_assert(!attest_instance_id_is_valid(
	    (struct str){ id, LIMIT_INSTANCE_ID + 1 }));
	ck_assert(!attest_instance_id_is_valid((struct str){ "a\0b", 3 }));
}
END_TEST

/* ---- limits ---- */

/* An object, and lists in it, `depth` levels in all. */
static struct str
nested(struct buf *b, unsigned depth)
{
	buf_addz(b, "{\"a\":");
	for (unsigned i = 1; i < depth; i++)
		buf_byte(b, '[');
	for (unsigned i = 1; i < depth; i++)
		buf_byte(b, ']');
	buf_byte(b, '}');
	ck_assert(buf_ok(b));
	return buf_str(b);
}

START_TEST(depth_is_limited)
{
	struct buf deep = { 0 }, deeper = { 0 };
	struct error e = { 0 };
	json_t *root;

	ck_assert(doc_parse(nested(&deep, LIMIT_DOCUMENT_DEPTH), &root, &e));
	json_decref(root);
	ck_assert(
	    !doc_parse(nested(&deeper, LIMIT_DOCUMENT_DEPTH + 1), &root, &e));
	ck_assert_int_eq(e.code, ERR_EVIDENCE_MALFORMED);
	ck_assert_ptr_nonnull(strstr(e.msg, "deeper"));
	buf_free(&deep);
	buf_free(&deeper);
}
END_TEST

START_TEST(bytes_are_limited)
{
	static char text[LIMIT_DOCUMENT_BYTES + 1];
	struct error e = { 0 };
	json_t *root;

	memset(text, ' ', sizeof text);
	text[0] = '{';
	text[1] = '}';
	ck_assert(
	    doc_parse((struct str){ text, LIMIT_DOCUMENT_BYTES }, &root, &e));
	json_decref(root);
	ck_assert(!doc_parse(
	    (struct str){ text, LIMIT_DOCUMENT_BYTES + 1 }, &root, &e));
	ck_assert_int_eq(e.code, ERR_EVIDENCE_TOO_LARGE);
}
END_TEST

START_TEST(values_are_counted)
{
	for (size_t n = LIMIT_DOCUMENT_VALUES - 3;
	     n < LIMIT_DOCUMENT_VALUES + 2; n++) {
		struct buf b = { 0 };
		struct error e = { 0 };
		json_t *root;
		bool ok;

		/* The object, the list, and `n` numbers. */
		buf_addz(&b, "{\"a\":[1");
		for (size_t i = 1; i < n; i++)
			buf_addz(&b, ",1");
		buf_addz(&b, "]}");
		ok = doc_parse(buf_str(&b), &root, &e);
		ck_assert_int_eq(ok, n + 2 <= LIMIT_DOCUMENT_VALUES);
		if (ok)
			json_decref(root);
		else
			ck_assert_int_eq(e.code, ERR_EVIDENCE_MALFORMED);
		buf_free(&b);
	}
}
END_TEST

START_TEST(only_objects_are_documents)
{
	static const char *const texts[] = { "[]", "\"{}\"", "1", "null", "",
		" ", "\xef\xbb\xbf{}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct error e = { 0 };
		json_t *root;

		ck_assert_msg(
		    !doc_parse(str_of(texts[i]), &root, &e), "%s", texts[i]);
		ck_assert_int_eq(e.code, ERR_EVIDENCE_MALFORMED);
	}
}
END_TEST

/* Nobody signed the text yet: no word of it may come out in a message. */
START_TEST(messages_quote_nothing)
{
	struct error e = { 0 };
	json_t *root;

	ck_assert(!doc_parse(STR("{\"a\": secretword}"), &root, &e));
	ck_assert_ptr_null(strstr(e.msg, "secretword"));
}
END_TEST

/* The way of any text: by jansson's tree. */
static bool
read_by_tree(struct arena *a, struct str text, struct doc *d, struct error *e)
{
	const struct flat *root;
	json_t *tree;

	return doc_parse(text, &tree, e) && doc_open_tree(a, tree, &root, e) &&
	       doc_read(a, root, d, e);
}

static void
check_same_pairs(
    const struct doc_pair *x, size_t n, const struct doc_pair *y, size_t m)
{
	ck_assert_uint_eq(n, m);
	for (size_t i = 0; i < n; i++)
		ck_assert(str_eq(x[i].name, y[i].name) &&
			  str_eq(x[i].text, y[i].text));
}

static void
check_same_texts(const struct str *x, size_t n, const struct str *y, size_t m)
{
	ck_assert_uint_eq(n, m);
	for (size_t i = 0; i < n; i++)
		ck_assert(str_eq(x[i], y[i]));
}

static void
check_same(const struct doc *x, const struct doc *y)
{
	const struct str of_x[] = { x->id, x->issuer, x->key_id, x->subject,
		x->jkt, x->x5t, x->owner_number, x->image_id, x->owner,
		x->private_ip, x->launch_time, x->region, x->zone,
		x->support_level, x->os_name, x->os_version };
	const struct str of_y[] = { y->id, y->issuer, y->key_id, y->subject,
		y->jkt, y->x5t, y->owner_number, y->image_id, y->owner,
		y->private_ip, y->launch_time, y->region, y->zone,
		y->support_level, y->os_name, y->os_version };

	check_same_texts(of_x, ARRAY_LEN(of_x), of_y, ARRAY_LEN(of_y));
	ck_assert(x->has_times == y->has_times && x->has_cnf == y->has_cnf &&
		  x->has_licences == y->has_licences);
	ck_assert(x->issued_at == y->issued_at &&
		  x->not_before == y->not_before &&
		  x->expires_at == y->expires_at);
	check_same_texts(
	    x->audience, x->n_audience, y->audience, y->n_audience);
	check_same_texts(x->members, x->n_members, y->members, y->n_members);
	check_same_texts(
	    x->licences, x->n_licences, y->licences, y->n_licences);
	check_same_pairs(x->applications, x->n_applications, y->applications,
	    y->n_applications);
	check_same_pairs(x->custom, x->n_custom, y->custom, y->n_custom);
}

static const char bound[] = "\"cnf\":{\"jkt\":\"" THUMB "\"},";

static struct str
edit(struct arena *a, struct str text)
{
	static const char *const pieces[] = { "\"", "\\", ",", ":", "{", "}",
		"[", "]", " ", "0", "-", "9", ".", "1e1", "true", "null",
		"\"zone\":\"z\",", "\"id\":1,", ",\"members\":[\"i-1\"]", bound,
		"\"a\":\"b\",", ",\"cnf\":{}", "\xc3\xa4", "\\u0041", "\x01",
		"x" };
	size_t at = (size_t)random() % (text.n + 1);
	size_t cut = random() % 2 ? 0 : (size_t)random() % 4;
	struct buf b = { 0 };
	struct str copy;

	buf_add(&b, str_sub(text, 0, at));
	if (random() % 4)
		buf_addz(&b, pieces[(size_t)random() % ARRAY_LEN(pieces)]);
	buf_add(&b, str_sub(text, at + cut, text.n));
	copy = str_dup(a, buf_str(&b));
	buf_free(&b);
	return copy;
}

/* What is read at once is what any other way reads, and canonical where that
 * was asked for. How often it was. */
static size_t
check_own(struct arena *a, struct str text, bool ok, const struct doc *want)
{
	struct doc d;
	struct flat *plain;
	bool is_canonical, was_canonical = doc_read_own(a, text, true, &d);

	if (was_canonical) {
		ck_assert_msg(ok, "%.*s", STR_ARG(text));
		check_same(&d, want);
		ck_assert(flat_read(a, text, text.n, LIMIT_DOCUMENT_DEPTH,
			      LIMIT_DOCUMENT_VALUES, &plain, &is_canonical) &&
			  is_canonical);
	}
	if (!doc_read_own(a, text, false, &d)) {
		ck_assert(!was_canonical);
		return 0;
	}
	ck_assert_msg(ok, "%.*s", STR_ARG(text));
	check_same(&d, want);
	return 1;
}

/* Documents a few edits away from a good one: the quick ways and the other say
 * the same of each, word for word. */
START_TEST(both_ways_are_one)
{
	struct kit k;
	struct arena *a = arena_new(0);
	size_t n_read = 0, n_plain = 0, n_own = 0;

	kit_init(&k, KEY_P256);
	srandom((unsigned)_i);
	for (int i = 0; i < 2000; i++) {
		struct str text = kit_document(&k, NULL, NULL);
		struct error e = { 0 }, f = { 0 };
		struct doc x, y;
		struct flat *plain;
		bool ok;

		for (long edits = random() % 3; edits >= 0; edits--)
			text = edit(a, text);
		ok = read_text(a, text, &x, &e);
		ck_assert_msg(
		    read_by_tree(a, text, &y, &f) == ok, "%.*s", STR_ARG(text));
		ck_assert_int_eq(e.code, f.code);
		ck_assert_str_eq(e.msg, f.msg);
		if (ok)
			check_same(&x, &y);
		n_own += check_own(a, text, ok, &x);
		n_read += ok;
		n_plain += flat_read(a, text, LIMIT_DOCUMENT_BYTES,
		    LIMIT_DOCUMENT_DEPTH, LIMIT_DOCUMENT_VALUES, &plain, NULL);
		arena_reset(a);
	}
	/* Some of each, or nothing was looked at. */
	ck_assert_uint_gt(n_read, 50);
	ck_assert_uint_gt(n_plain, n_read / 2);
	ck_assert_uint_gt(n_own, n_read / 4);
	ck_assert_uint_lt(n_own, n_read);
	ck_assert_uint_lt(n_plain, 1900);
	arena_free(a);
	kit_fini(&k);
}
END_TEST

/* With all that a document may have. */
static const char canonical_text[] =
    "{\"audience\":[],\"claims\":{\"applications\":{\"a\":\"1\",\"b\":\"2\"},"
    "\"custom\":{\"x\":\"y\"},\"imageId\":\"img\","
    "\"launchTime\":\"2026-03-01T11:00:00Z\",\"licences\":[\"base\"],"
    "\"os\":{\"name\":\"debian\",\"version\":\"12\"},\"owner\":\"acme\","
    "\"privateIp\":\"10.0.0.7\",\"region\":\"r\",\"supportLevel\":\"s\","
    "\"zone\":\"z\"},\"cnf\":{\"jkt\":\"" THUMB "\"},"
    "\"expiresAt\":\"2026-03-01T13:00:00Z\","
    "\"id\":\"00112233445566778899aabbccddeeff\","
    "\"issuedAt\":\"2026-03-01T12:00:00Z\",\"issuer\":\"acme\","
    "\"keyId\":\"" THUMB "\",\"members\":[\"i-1\",\"i-2\"],"
    "\"notBefore\":\"2026-03-01T12:00:00Z\","
    "\"subject\":\"i-1\",\"typ\":\"avow-document/1\"}";

/* Each byte of a canonical document as each of some others. */
START_TEST(canonical_ones_are_one)
{
	static const char others[] = "\"\\,:{}[] 0aZ\x01\x7f\xc3";
	struct arena *a = arena_new(0);
	size_t n_own = 0, n_read = 0;
	struct doc whole;

	ck_assert(doc_read_own(a,
	    (struct str){ canonical_text, sizeof canonical_text - 1 }, true,
	    &whole));
	for (size_t i = 0; i < sizeof canonical_text - 1; i++)
		for (size_t k = 0; k < sizeof others; k++) {
			char bytes[sizeof canonical_text];
			struct str text = { bytes, sizeof bytes - 1 };
			struct doc d;
			bool ok;

			memcpy(bytes, canonical_text, sizeof bytes);
			if (k > 0)
				bytes[i] = others[k - 1];
			ok = read_by_tree(a, text, &d, NULL);
			n_own += check_own(a, text, ok, &d);
			n_read += ok;
			arena_reset(a);
		}
	ck_assert_uint_gt(n_own, sizeof canonical_text);
	ck_assert_uint_ge(n_read, n_own);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doc");
	TCase *tc = tcase_create("doc");

	tcase_add_test(tc, everything_is_read);
	tcase_add_loop_test(
	    tc, other_shapes_that_are_right, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, other_shapes_are_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(
	    tc, subjects_that_are_no_instance_id, 0, ARRAY_LEN(bad_subjects));
	tcase_add_test(tc, an_instance_id_has_a_length);
	tcase_add_test(tc, depth_is_limited);
	tcase_add_test(tc, bytes_are_limited);
	tcase_add_test(tc, values_are_counted);
	tcase_add_test(tc, only_objects_are_documents);
	tcase_add_test(tc, messages_quote_nothing);
	tcase_add_loop_test(tc, both_ways_are_one, 0, 4);
	tcase_add_test(tc, canonical_ones_are_one);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
