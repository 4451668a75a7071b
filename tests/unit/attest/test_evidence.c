/* Evidence in every form it comes in, and in those it must not come in. */
#include "attest/attest.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/limits.h"
#include "tests/lib/run.h"

/* "doc!" and "sig?" so that both alphabets and padding matter: the signature
 * has bytes that are no text. */
#define DOC "{\"a\":\"\xc3\xbf\xc3\xbe\"}"
#define SIG "\xfb\xff\xfe\x01\x80 sig"

static struct str
encode(struct arena *a, enum base64_form form, struct str s)
{
	struct buf b = { 0 };
	struct str text;

	base64_encode(&b, form, s);
	text = str_dup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static void
check_is(const struct attest_evidence *e, const char *note)
{
	ck_assert_msg(str_eq(e->document, STR(DOC)), "%s: document", note);
	ck_assert_msg(str_eq(e->signature, STR(SIG)), "%s: signature", note);
}

/* ---- packs ---- */

START_TEST(a_pack_and_back)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e = { STR("avow"), STR(DOC), STR(SIG) }, back;
	struct buf pack = { 0 };
	struct error err = { 0 };

	ck_assert(attest_evidence_pack(&e, &pack, &err));
	ck_str_is(buf_str(&pack), "avow1.avow.eyJhIjoiw7_DviJ9.-__-AYAgc2ln");
	ck_assert(attest_evidence_from_pack(a, buf_str(&pack), &back, &err));
	ck_str_is(back.kind, "avow");
	check_is(&back, "pack");
	buf_free(&pack);
	arena_free(a);
}
END_TEST

static const struct {
	const char *note, *text, *says;
} bad_packs[] = {
	{ "empty", "", "avow1" },
	{ "another version", "avow2.avow.e30.AA", "avow1" },
	{ "no kind", "avow1..e30.AA", "avow1" },
	{ "kind with a space", "avow1.a b.e30.AA", "avow1" },
	{ "upper-case kind", "avow1.Avow.e30.AA", "avow1" },
	{ "three parts", "avow1.avow.e30", "is not `avow1.KIND" },
	{ "three parts of a form without a signature beside",
	    "avow1.avow-jws.e30", "is not `avow1.KIND" },
	{ "nothing after the last dot", "avow1.avow.e30.",
	    "signature is empty" },
	{ "five parts", "avow1.avow.e30.AA.AA", "signature" },
	{ "empty document", "avow1.avow..AA", "document is empty" },
	{ "padding", "avow1.avow.e30=.AA", "document" },
	{ "plain alphabet", "avow1.avow.e30.+w", "signature" },
	{ "left-over bits", "avow1.avow.e31.AA", "document" },
	{ "line feed", "avow1.avow.e30.AA\n", "signature" },
	{ "leading space", " avow1.avow.e30.AA", "avow1" },
};

START_TEST(bad_packs_are_refused)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };

	ck_assert_msg(
	    !attest_evidence_from_pack(a, str_of(bad_packs[_i].text), &e, &err),
	    "%s", bad_packs[_i].note);
	ck_assert_msg(err.code == ERR_EVIDENCE_MALFORMED, "%s: %s",
	    bad_packs[_i].note, error_id(err.code));
	ck_assert_msg(strstr(err.msg, bad_packs[_i].says), "%s: %s",
	    bad_packs[_i].note, err.msg);
	arena_free(a);
}
END_TEST

/* The longest document whose pack still fits, and one byte more. */
START_TEST(a_pack_has_a_limit)
{
	static char text[LIMIT_PACK_BYTES];
	struct arena *a = arena_new(0);
	struct attest_evidence e = { STR("avow"), { text, 0 }, STR(SIG) };
	struct buf pack = { 0 };
	struct error err = { 0 };
	size_t fits = (LIMIT_PACK_BYTES - strlen("avow1.avow..") -
			  (STR(SIG).n * 8 + 5) / 6) /
		      4 * 3;

	e.document.n = fits;
	ck_assert(attest_evidence_pack(&e, &pack, &err));
	ck_assert_uint_le(pack.n, LIMIT_PACK_BYTES);
	e.document.n = fits + 3;
	ck_assert(!attest_evidence_pack(&e, &pack, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	err = (struct error){ 0 };
	ck_assert(!attest_evidence_from_pack(
	    a, (struct str){ text, LIMIT_PACK_BYTES + 1 }, &e, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	buf_free(&pack);
	arena_free(a);
}
END_TEST

/* ---- headers ---- */

START_TEST(headers_are_strict)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	struct str d = encode(a, BASE64_URL, STR(DOC));
	struct str s = encode(a, BASE64_URL, STR(SIG));

	ck_assert(attest_evidence_from_headers(a, d, s, &e, &err));
	ck_str_is(e.kind, "avow");
	check_is(&e, "headers");
	ck_assert(!attest_evidence_from_headers(
	    a, encode(a, BASE64_STANDARD, STR(DOC)), s, &e, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
	ck_assert_ptr_nonnull(strstr(err.msg, "document"));
	err = (struct error){ 0 };
	ck_assert(!attest_evidence_from_headers(
	    a, d, encode(a, BASE64_STANDARD, STR(SIG)), &e, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "signature"));
	/* The EC2 reader is as strict for our own kind. */
	ck_assert(!attest_evidence_from_rhui(
		      a, STR("avow"), d, encode(a, BASE64_URL, s), &e, NULL) ||
		  !str_eq(e.signature, STR(SIG)));
	arena_free(a);
}
END_TEST

START_TEST(large_headers_are_refused)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	size_t n = LIMIT_DOCUMENT_BYTES + 1;
	struct str big = { arena_alloc(a, 4 * n), n };

	memset((char *)(uintptr_t)big.p, 'x', 4 * n);
	ck_assert(!attest_evidence_from_headers(
	    a, encode(a, BASE64_URL, big), STR("AA"), &e, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	err = (struct error){ 0 };
	big.n = 4 * n;
	ck_assert(!attest_evidence_from_headers(a, STR("e30"), big, &e, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	arena_free(a);
}
END_TEST

/* ---- RHUI: every combination of what clients do ---- */

enum { SAFE = 1, UNPADDED = 2, BROKEN_LINES = 4, TWICE = 8, ALL = 16 };

/* As a client with these habits writes `s`. */
static struct str
as_client(struct arena *a, struct str s, int habits)
{
	struct str text = encode(a, BASE64_STANDARD, s);
	struct buf b = { 0 };

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if ((habits & BROKEN_LINES) && i > 0 && i % 5 == 0)
			buf_addz(&b, i % 2 ? "\n" : "\r\n");
		if ((habits & SAFE) && (c == '+' || c == '/'))
			c = c == '+' ? '-' : '_';
		if (c != '=' || !(habits & UNPADDED))
			buf_byte(&b, c);
	}
	if (habits & BROKEN_LINES)
		buf_byte(&b, '\n');
	text = str_dup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

START_TEST(rhui_clients_differ)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	struct str s = STR(SIG);

	if (_i & TWICE)
		s = as_client(a, s, _i / ALL & ~TWICE);
	ck_assert_msg(
	    attest_evidence_from_rhui(a, STR("ec2-signature"),
		as_client(a, STR(DOC), _i), as_client(a, s, _i), &e, &err),
	    "habits %x: %s", (unsigned)_i, err.msg);
	ck_str_is(e.kind, "ec2-signature");
	check_is(&e, "rhui");
	arena_free(a);
}
END_TEST

static const struct {
	const char *note, *document, *signature, *says;
} bad_rhui[] = {
	{ "both alphabets", "+-AA", "-_7_", "document" },
	{ "both alphabets in the signature", "e30=", "+_7_", "signature" },
	{ "too much padding", "e30==", "-_7_", "document" },
	{ "three of padding", "e===", "-_7_", "document" },
	{ "padding inside", "e30=e30=", "-_7_", "document" },
	{ "left-over bits", "e31=", "-_7_", "document" },
	{ "a space", "e3 0=", "-_7_", "document" },
	{ "one letter", "e", "-_7_", "document" },
	{ "only padding", "=", "-_7_", "document" },
	{ "empty", "", "-_7_", "document" },
	{ "no signature", "e30=", "", "signature" },
	{ "text that is no Base64", "e30=", "c2lnbmF0dXJl!", "signature" },
	{ "twice, but not Base64 inside", "e30=", "KCgoKA==", "signature" },
	{ "NUL inside twice", "e30=", "QUFB", NULL },
};

START_TEST(bad_rhui_is_refused)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	bool ok = attest_evidence_from_rhui(a, STR("ec2-signature"),
	    str_of(bad_rhui[_i].document), str_of(bad_rhui[_i].signature), &e,
	    &err);

	if (!bad_rhui[_i].says) {
		/* "AAA" inside decodes, with zero bits left over. */
		ck_assert(ok);
		ck_assert_uint_eq(e.signature.n, 2);
	} else {
		ck_assert_msg(!ok, "%s", bad_rhui[_i].note);
		ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
		ck_assert_msg(strstr(err.msg, bad_rhui[_i].says), "%s: %s",
		    bad_rhui[_i].note, err.msg);
	}
	arena_free(a);
}
END_TEST

/* ---- files ---- */

static const struct {
	const char *note, *kind;
	struct str signature;
	enum err_code code; /* ERR_NONE: gives SIG */
} files[] = {
	{ "one line", "avow", STR_INIT("+//+AYAgc2ln"), ERR_NONE },
	{ "one line feed", "avow", STR_INIT("+//+AYAgc2ln\n"), ERR_NONE },
	{ "two line feeds", "avow", STR_INIT("+//+AYAgc2ln\n\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "carriage return", "avow", STR_INIT("+//+AYAgc2ln\r\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "wrapped", "avow", STR_INIT("+//+\nAYAgc2ln\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "URL-safe", "avow", STR_INIT("-__-AYAgc2ln\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "raw", "avow", STR_INIT(SIG), ERR_EVIDENCE_MALFORMED },
	{ "empty", "avow", STR_INIT(""), ERR_EVIDENCE_MALFORMED },
	{ "EC2 wrapped", "ec2-signature", STR_INIT("+//+\nAYAgc2ln"),
	    ERR_NONE },
	{ "EC2 twice", "ec2-signature", STR_INIT("Ky8vK0FZQWdjMmxu\n"),
	    ERR_NONE },
	{ "EC2 raw", "ec2-signature", STR_INIT(SIG), ERR_NONE },
	{ "EC2 words", "ec2-signature", STR_INIT("no signature"),
	    ERR_EVIDENCE_MALFORMED },
	{ "PKCS #7 lines", "ec2-rsa2048", STR_INIT("+//+\nAYAgc2ln\n"),
	    ERR_NONE },
	{ "PEM", "ec2-rsa2048",
	    STR_INIT("-----BEGIN PKCS7-----\n+//+\nAYAgc2ln\n"
		     "-----END PKCS7-----\n"),
	    ERR_NONE },
	{ "PEM, newer name", "ec2-rsa2048",
	    STR_INIT("-----BEGIN CMS-----\n+//+AYAgc2ln\n"
		     "-----END CMS-----\n"),
	    ERR_NONE },
	{ "PEM, mixed names", "ec2-rsa2048",
	    STR_INIT("-----BEGIN CMS-----\n+//+AYAgc2ln\n"
		     "-----END PKCS7-----\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "PEM without end", "ec2-rsa2048",
	    STR_INIT("-----BEGIN PKCS7-----\n+//+AYAgc2ln\n"),
	    ERR_EVIDENCE_MALFORMED },
	{ "another kind", "moon", STR_INIT("+//+AYAgc2ln"), ERR_EVIDENCE_KIND },
};

START_TEST(signature_files)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	bool ok = attest_evidence_from_files(
	    a, str_of(files[_i].kind), STR(DOC), files[_i].signature, &e, &err);

	ck_assert_msg(ok == (files[_i].code == ERR_NONE), "%s: %s",
	    files[_i].note, err.msg);
	ck_assert_msg(err.code == files[_i].code, "%s: %s", files[_i].note,
	    error_id(err.code));
	if (ok)
		check_is(&e, files[_i].note);
	arena_free(a);
}
END_TEST

/* The document is never touched: a line feed more is another document. */
START_TEST(a_document_file_is_taken_as_it_is)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;

	ck_assert(attest_evidence_from_files(
	    a, STR("avow"), STR("{}\n"), STR("AAAA\n"), &e, NULL));
	ck_str_is(e.document, "{}\n");
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("evidence");
	TCase *tc = tcase_create("evidence");

	tcase_add_test(tc, a_pack_and_back);
	tcase_add_loop_test(tc, bad_packs_are_refused, 0, ARRAY_LEN(bad_packs));
	tcase_add_test(tc, a_pack_has_a_limit);
	tcase_add_test(tc, headers_are_strict);
	tcase_add_test(tc, large_headers_are_refused);
	tcase_add_loop_test(tc, rhui_clients_differ, 0, ALL * TWICE);
	tcase_add_loop_test(tc, bad_rhui_is_refused, 0, ARRAY_LEN(bad_rhui));
	tcase_add_loop_test(tc, signature_files, 0, ARRAY_LEN(files));
	tcase_add_test(tc, a_document_file_is_taken_as_it_is);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
