#include "gateways/path.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/run.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(0);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	struct str raw;
	const char *path, *query;
} good[] = {
	{ STR_INIT("/"), "/", "" },
	{ STR_INIT("/debian/pool/main/a/a_1_all.deb"),
	    "/debian/pool/main/a/a_1_all.deb", "" },
	{ STR_INIT("/a/"), "/a/", "" },
	{ STR_INIT("/flat/./InRelease"), "/flat/InRelease", "" },
	{ STR_INIT("/././a"), "/a", "" },
	{ STR_INIT("/a/."), "/a/", "" },
	{ STR_INIT("/a/./"), "/a/", "" },
	{ STR_INIT("/."), "/", "" },
	{ STR_INIT("/a%2bb%7ec%3ad+~:"), "/a+b~c:d+~:", "" },
	{ STR_INIT("/A%2Bb"), "/A+b", "" },
	{ STR_INIT("/a%20b"), "/a b", "" },
	{ STR_INIT("/a%3fb"), "/a?b", "" },
	{ STR_INIT("/%c3%a9"), "/\xc3\xa9", "" },
	{ STR_INIT("/\xc3\xa9"), "/\xc3\xa9", "" },
	{ STR_INIT("/%2efoo/..foo/...%2e"), "/.foo/..foo/....", "" },
	{ STR_INIT("/a?/free/../x%2f"), "/a", "/free/../x%2f" },
	{ STR_INIT("/a?b?c"), "/a", "b?c" },
	{ STR_INIT("/a?"), "/a", "" },
};

START_TEST(path_accepts)
{
	struct gateways_path got;
	struct error err = { 0 };

	ck_assert_msg(gateways_path_check(arena, good[_i].raw, &got, &err),
	    "%s: %s", good[_i].raw.p, err.msg);
	ck_str_is(got.path, good[_i].path);
	ck_str_is(got.query, good[_i].query);
}
END_TEST

static const struct {
	struct str raw;
	const char *why; /* part of the message */
} bad[] = {
	{ STR_INIT(""), "start with /" },
	{ STR_INIT("*"), "start with /" },
	{ STR_INIT("a/b"), "start with /" },
	{ STR_INIT("http://127.0.0.1/free/x"), "start with /" },
	{ STR_INIT("?/a"), "start with /" },
	{ STR_INIT("//"), "empty" },
	{ STR_INIT("//a"), "empty" },
	{ STR_INIT("/a//b"), "empty" },
	{ STR_INIT("/a//"), "empty" },
	{ STR_INIT("/.//a"), "empty" },
	{ STR_INIT("/.."), "`..`" },
	{ STR_INIT("/../a"), "`..`" },
	{ STR_INIT("/free/../paid/x.deb"), "`..`" },
	{ STR_INIT("/free/%2e%2e/paid/x.deb"), "`..`" },
	{ STR_INIT("/free/.%2E/paid/x.deb"), "`..`" },
	{ STR_INIT("/free/%2e./paid/x.deb"), "`..`" },
	{ STR_INIT("/a/.."), "`..`" },
	{ STR_INIT("/free/%2e/x"), "encoded `.`" },
	{ STR_INIT("/free/..%2fpaid/x"), "encoded /" },
	{ STR_INIT("/free/..%2Fpaid/x"), "encoded /" },
	{ STR_INIT("/a%252fb"), "encoded / or %" },
	{ STR_INIT("/a\\..\\b"), "backslash" },
	{ STR_INIT("/a%5c..%5Cb"), "backslash" },
	{ STR_INIT("/a;x=1/b"), "semicolon" },
	{ STR_INIT("/a%3bb"), "semicolon" },
	{ STR_INIT("/a#b"), "number sign" },
	{ STR_INIT("/a%23b"), "number sign" },
	{ STR_INIT("/a\tb"), "control" },
	{ STR_INIT("/a\0b"), "control" },
	{ STR_INIT("/a%00b"), "control" },
	{ STR_INIT("/a%0d%0aX: 1"), "control" },
	{ STR_INIT("/a\x7f"), "control" },
	{ STR_INIT("/a%7f"), "control" },
	{ STR_INIT("/a b"), "raw space" },
	{ STR_INIT("/a%"), "hex digits" },
	{ STR_INIT("/a%4"), "hex digits" },
	{ STR_INIT("/a%4/b"), "hex digits" },
	{ STR_INIT("/a%g0"), "hex digits" },
	{ STR_INIT("/a%u0041"), "hex digits" },
	{ STR_INIT("/%ff"), "UTF-8" },
	{ STR_INIT("/\xc0\xaf"), "UTF-8" },
	{ STR_INIT("/%c0%ae%c0%ae/x"), "UTF-8" },
	{ STR_INIT("/%c3/%a9"), "UTF-8" },
	{ STR_INIT("/a?b#c"), "query" },
	{ STR_INIT("/a?b c"), "query" },
	{ STR_INIT("/a?b\0c"), "query" },
	{ STR_INIT("/a?\xff"), "query" },
};

START_TEST(path_refuses)
{
	struct gateways_path got;
	struct error err = { 0 };

	ck_assert_msg(!gateways_path_check(arena, bad[_i].raw, &got, &err),
	    "accepted: %s", bad[_i].raw.p);
	ck_assert_int_eq(err.code, ERR_REQUEST_PATH);
	ck_assert_msg(strstr(err.msg, bad[_i].why), "%s: %s, not %s",
	    bad[_i].raw.p, err.msg, bad[_i].why);
}
END_TEST

START_TEST(path_limit)
{
	static char raw[LIMIT_PATH_BYTES + 3];
	struct gateways_path got;
	struct error err = { 0 };

	memset(raw, 'a', sizeof raw);
	raw[0] = '/';
	raw[LIMIT_PATH_BYTES] = '?';
	ck_assert(gateways_path_check(
	    arena, (struct str){ raw, sizeof raw }, &got, &err));
	ck_assert_uint_eq(got.path.n, LIMIT_PATH_BYTES);
	raw[LIMIT_PATH_BYTES] = 'a';
	ck_assert(!gateways_path_check(
	    arena, (struct str){ raw, LIMIT_PATH_BYTES + 1 }, &got, &err));
	ck_assert_int_eq(err.code, ERR_REQUEST_PATH);
}
END_TEST

/* Every byte, raw and encoded, beside the ones that mean something. */
START_TEST(path_every_byte)
{
	char raw[] = "/a?b", coded[8];
	struct gateways_path got;
	bool is_bad = _i < 0x20 || _i == 0x7f || _i >= 0x80 ||
		      strchr("/\\;#%", _i) != NULL;

	raw[2] = (char)_i;
	if (_i != '?' && _i != '/')
		ck_assert_int_eq(
		    gateways_path_check(arena, str_of(raw), &got, NULL) && _i,
		    !is_bad && _i != ' ');
	snprintf(coded, sizeof coded, "/a%%%02Xb", (unsigned)_i);
	ck_assert_int_eq(
	    gateways_path_check(arena, str_of(coded), &got, NULL), !is_bad);
	if (!is_bad)
		ck_assert(got.path.n == 4 && got.path.p[2] == (char)_i);
}
END_TEST

static const struct config_repository repositories[] = {
	{ .name = STR_INIT("main"), .prefix = STR_INIT("/debian/") },
	{ .name = STR_INIT("sec"), .prefix = STR_INIT("/debian/security/") },
	{ .name = STR_INIT("rpm"), .prefix = STR_INIT("/rpm/") },
};

static const struct {
	const char *path, *name, *rest;
} routes[] = {
	{ "/debian/pool/x", "main", "pool/x" },
	{ "/debian/", "main", "" },
	{ "/debian", "main", "" },
	{ "/debian/security/pool/x", "sec", "pool/x" },
	{ "/debian/security", "sec", "" },
	{ "/debian/security-x/a", "main", "security-x/a" },
	{ "/debianx/pool", NULL, NULL },
	{ "/Debian/pool", NULL, NULL },
	{ "/rpm/a", "rpm", "a" },
	{ "/", NULL, NULL },
};

START_TEST(repository_by_longest_prefix)
{
	const struct config_gate gates[] = {
		{ .repositories = repositories, .n_repositories = 1 },
		{ .repositories = repositories + 1, .n_repositories = 2 },
	};
	const struct config c = { .gates = gates, .n_gates = 2 };
	struct str rest = { 0 }, rest2 = { 0 };
	struct str path = str_of(routes[_i].path);
	const struct config_gate *gate = NULL;
	const struct config_repository *r = gateways_path_repository(
	    repositories, ARRAY_LEN(repositories), path, &rest);

	ck_assert_ptr_eq(r, gateways_path_gate(&c, path, &gate, &rest2));
	if (!routes[_i].name) {
		ck_assert_ptr_null(r);
		return;
	}
	ck_str_is(r->name, routes[_i].name);
	ck_str_is(rest, routes[_i].rest);
	ck_str_is(rest2, routes[_i].rest);
	ck_assert_ptr_eq(gate, r == repositories ? &gates[0] : &gates[1]);
}
END_TEST

static const struct {
	const char *path, *kind, *name, *version, *arch;
} packages[] = {
	{ "pool/main/b/bash/bash_5.2.15-2+b2_amd64.deb", "package", "bash",
	    "5.2.15-2+b2", "amd64" },
	{ "vim_2:9.0.1378-2_arm64.deb", "package", "vim", "2:9.0.1378-2",
	    "arm64" },
	{ "a/libc6-udeb_2.36_amd64.udeb", "package", "libc6-udeb", "2.36",
	    "amd64" },
	{ "x-dbgsym_1_i386.ddeb", "package", "x-dbgsym", "1", "i386" },
	{ "Packages_1_all.deb", "package", "Packages", "1", "all" },
	{ "a_1.deb", "package", "", "", "" },
	{ "a.deb", "package", "", "", "" },
	{ "_1_all.deb", "package", "", "", "" },
	{ "a__all.deb", "package", "", "", "" },
	{ "a_1_.deb", "package", "", "", "" },
	{ "a_1_b_all.deb", "package", "", "", "" },
	{ ".deb", "package", "", "", "" },
	{ "Packages/bash-completion-2.11-5.el9.noarch.rpm", "package",
	    "bash-completion", "2.11-5.el9", "noarch" },
	{ "a-1-2.src.rpm", "package", "a", "1-2", "src" },
	{ "a-1.x86_64.rpm", "package", "", "", "" },
	{ "-1-2.x86_64.rpm", "package", "", "", "" },
	{ "a--2.x86_64.rpm", "package", "", "", "" },
	{ "a-1-.x86_64.rpm", "package", "", "", "" },
	{ "a-1-2..rpm", "package", "", "", "" },
	{ "x.rpm", "package", "", "", "" },
	{ "dists/bookworm/InRelease", "index", "", "", "" },
	{ "Release", "index", "", "", "" },
	{ "Release.gpg", "index", "", "", "" },
	{ "dists/x/main/binary-amd64/Packages.xz", "index", "", "", "" },
	{ "Sources.gz", "index", "", "", "" },
	{ "Contents-amd64.gz", "index", "", "", "" },
	{ "i18n/Translation-en.bz2", "index", "", "", "" },
	{ "main/by-hash/SHA256/0123abcd", "index", "", "", "" },
	{ "Packages.diff/2024-01-01.gz", "index", "", "", "" },
	{ "repodata/repomd.xml", "index", "", "", "" },
	{ "repodata/abc-primary.xml.gz", "index", "", "", "" },
	{ "Packages", "index", "", "", "" },
	{ "Packagesx", "other", "", "", "" },
	{ "release", "other", "", "", "" },
	{ "README", "other", "", "", "" },
	{ "by-hash", "other", "", "", "" },
	{ "pool/", "other", "", "", "" },
	{ "", "other", "", "", "" },
};

START_TEST(package_attributes)
{
	struct gateways_package p =
	    gateways_package_attrs(str_of(packages[_i].path));

	ck_assert_msg(strcmp(p.kind, packages[_i].kind) == 0, "%s: %s",
	    packages[_i].path, p.kind);
	ck_str_is(p.name, packages[_i].name);
	ck_str_is(p.version, packages[_i].version);
	ck_str_is(p.architecture, packages[_i].arch);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("path");
	TCase *tc = tcase_create("path");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, path_accepts, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, path_refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, path_limit);
	tcase_add_loop_test(tc, path_every_byte, 0, 256);
	tcase_add_loop_test(
	    tc, repository_by_longest_prefix, 0, ARRAY_LEN(routes));
	tcase_add_loop_test(tc, package_attributes, 0, ARRAY_LEN(packages));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
