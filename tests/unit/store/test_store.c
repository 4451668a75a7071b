/* test_store.c - members are kept as promised: who may hold a place, what a
 * generation guards, and that nothing acknowledged is lost, whatever dies. */
#include "store/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/sql.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct store *store;
static struct error err;

static void
open_at(struct str at)
{
	arena = arena_new(0);
	err = (struct error){ 0 };
	store = store_open(at, &err);
	ck_assert_msg(arena && store, "%s", err.msg);
}

static void
setup(void)
{
	open_at(STR("sqlite::memory:"));
}

static void
setup_postgres(void)
{
	pg_empty();
	open_at(str_of(pg_url()));
}

static void
teardown(void)
{
	store_close(store);
	arena_free(arena);
}

static struct store_member
member(const char *principal, const char *address, uint16_t port)
{
	struct store_member m = {
		.pool = STR("web"),
		.principal = str_of(principal),
		.address = str_of(address),
		.port = port,
		.weight = 7,
		.expires_at = 1000,
		.shown_at = 400,
		.attested_at = 300,
		.proof = STR("address"),
		.protocol = STR("https"),
		.issuer = STR("acme"),
		.kind = STR("avow"),
		.document = STR("{\0}"),
		.signature = STR("\xff\0s"),
	};

	m.server = str_printf(arena, "s-%s-%u", principal, (unsigned)port);
	return m;
}

static enum store_join
join(const struct store_member *m, int64_t replace, int64_t *ret_generation)
{
	enum store_join answer = STORE_JOIN_HELD;

	ck_assert_msg(
	    store_member_join(store, m, replace, &answer, ret_generation, &err),
	    "%s", err.msg);
	return answer;
}

static size_t
count(void)
{
	struct store_member *rows;
	size_t n;

	ck_assert(store_member_page(store, arena, NULL, 1000, &rows, &n, &err));
	return n;
}

static void
check_same(const struct store_member *got, const struct store_member *want)
{
	const struct str pairs[][2] = {
		{ got->pool, want->pool },
		{ got->principal, want->principal },
		{ got->server, want->server },
		{ got->address, want->address },
		{ got->proof, want->proof },
		{ got->protocol, want->protocol },
		{ got->issuer, want->issuer },
		{ got->kind, want->kind },
		{ got->document, want->document },
		{ got->signature, want->signature },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		ck_assert_msg(
		    str_eq(pairs[i][0], pairs[i][1]), "text %zu differs", i);
	ck_assert_uint_eq(got->port, want->port);
	ck_assert_uint_eq(got->weight, want->weight);
	ck_assert_int_eq(got->expires_at, want->expires_at);
	ck_assert_int_eq(got->shown_at, want->shown_at);
	ck_assert_int_eq(got->attested_at, want->attested_at);
}

START_TEST(what_joins_is_kept_whole)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080), got;
	int64_t g1 = 0, g2 = 0;
	bool found = false;

	ck_assert_int_eq(join(&m, 0, &g1), STORE_JOINED);
	ck_assert(store_member_find(
	    store, arena, m.pool, m.server, &got, &found, &err));
	ck_assert(found);
	check_same(&got, &m);
	ck_assert_int_eq(got.generation, g1);

	m.weight = 256;
	m.address = STR("10.0.0.9");
	ck_assert_int_eq(join(&m, 0, &g2), STORE_REJOINED);
	ck_assert_int_gt(g2, g1);
	ck_assert(store_member_find(
	    store, arena, m.pool, m.server, &got, &found, &err));
	check_same(&got, &m);
	ck_assert_int_eq(got.generation, g2);
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(a_place_has_one_holder)
{
	struct store_member a = member("i-1", "10.0.0.1", 8080);
	struct store_member b = member("i-2", "10.0.0.1", 8080), got;
	int64_t ga = 0, gb = 0;
	bool found = false;

	ck_assert_int_eq(join(&a, 0, &ga), STORE_JOINED);
	ck_assert_int_eq(join(&b, 0, &gb), STORE_JOIN_HELD);
	ck_assert_int_eq(gb, 0);
	ck_assert(store_member_holder(store, arena, &b, &got, &found, &err));
	ck_assert(found);
	check_same(&got, &a);
	ck_assert(store_member_holder(store, arena, &a, &got, &found, &err));
	ck_assert(!found);
	/* Judged on a row that has changed since: nobody moves. */
	ck_assert_int_eq(join(&b, ga + 1, &gb), STORE_JOIN_HELD);
	ck_assert_uint_eq(count(), 1);

	ck_assert_int_eq(join(&b, ga, &gb), STORE_JOINED);
	ck_assert_uint_eq(count(), 1);
	ck_assert(store_member_find(
	    store, arena, a.pool, a.server, &got, &found, &err));
	ck_assert(!found);
}
END_TEST

/* The same address elsewhere is another place. */
START_TEST(places_differ_by_pool_address_and_port)
{
	struct store_member m[4] = {
		member("i-1", "10.0.0.1", 8080),
		member("i-2", "10.0.0.1", 8081),
		member("i-3", "10.0.0.2", 8080),
		member("i-4", "10.0.0.1", 8080),
	};
	int64_t g = 0;

	m[3].pool = STR("api");
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(join(&m[i], 0, &g), STORE_JOINED);
	ck_assert_uint_eq(count(), 4);
}
END_TEST

START_TEST(leaving_takes_ones_own_rows)
{
	struct store_member a = member("i-1", "10.0.0.1", 8080);
	struct store_member b = member("i-1", "10.0.0.1", 8081);
	struct store_member c = member("i-1", "10.0.0.1", 8082);
	struct store_member d = member("i-2", "10.0.0.2", 8080);
	struct store_member *left;
	int64_t g = 0;
	size_t n = 9;

	join(&a, 0, &g);
	join(&b, 0, &g);
	join(&c, 0, &g);
	join(&d, 0, &g);
	ck_assert(store_member_leave(
	    store, arena, a.pool, a.principal, 8081, &left, &n, &err));
	ck_assert_uint_eq(n, 1);
	check_same(&left[0], &b);
	ck_assert(store_member_leave(
	    store, arena, a.pool, a.principal, 8081, &left, &n, &err));
	ck_assert_uint_eq(n, 0);
	ck_assert(store_member_leave(
	    store, arena, STR("api"), a.principal, 0, &left, &n, &err));
	ck_assert_uint_eq(n, 0);
	ck_assert(store_member_leave(
	    store, arena, a.pool, a.principal, 0, &left, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(an_old_generation_removes_nothing)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080), *left;
	struct store_member old, new;
	int64_t g = 0;
	bool removed = true;
	size_t n;

	join(&m, 0, &m.generation);
	old = new = m;
	join(&m, 0, &new.generation);
	ck_assert(store_member_expire(store, &old, &removed, &err));
	ck_assert(!removed);
	ck_assert_uint_eq(count(), 1);
	ck_assert(store_member_expire(store, &new, &removed, &err));
	ck_assert(removed);
	ck_assert_uint_eq(count(), 0);
	/* Not even one that is born after all rows have gone. */
	join(&m, 0, &g);
	ck_assert_int_gt(g, new.generation);
	ck_assert(store_member_expire(store, &new, &removed, &err));
	ck_assert(!removed);
	ck_assert(store_member_leave(
	    store, arena, m.pool, m.principal, 0, &left, &n, &err));
	join(&m, 0, &new.generation);
	ck_assert_int_gt(new.generation, g);
}
END_TEST

START_TEST(lists_are_ordered_and_whole)
{
	struct store_member *rows, *last = NULL;
	int64_t g = 0;
	size_t n, seen = 0;

	for (int i = 0; i < 10; i++) {
		struct store_member m =
		    member("i-1", "10.0.0.1", (uint16_t)(9000 - i));

		m.expires_at = i;
		if (i % 2)
			m.pool = STR("api");
		ck_assert_int_eq(join(&m, 0, &g), STORE_JOINED);
	}
	do {
		ck_assert(
		    store_member_page(store, arena, last, 3, &rows, &n, &err));
		for (size_t i = 0; i < n; i++, seen++) {
			ck_assert(
			    !last || str_cmp(last->pool, rows[i].pool) < 0 ||
			    (str_eq(last->pool, rows[i].pool) &&
				str_cmp(last->server, rows[i].server) < 0));
			last = &rows[i];
		}
	} while (n);
	ck_assert_uint_eq(seen, 10);
	ck_assert(store_member_list(store, arena, STR("api"), &rows, &n, &err));
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(rows[0].document.n, 0);
	ck_str_is(rows[0].principal, "i-1");
	ck_assert(store_member_due(store, arena, 4, 3, &rows, &n, &err));
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(rows[0].expires_at, 0);
	ck_assert(store_member_due(store, arena, 4, 100, &rows, &n, &err));
	ck_assert_uint_eq(n, 5);
}
END_TEST

static const struct {
	const char *url;
	enum err_code code;
	const char *says;
} bad_urls[] = {
	{ "", ERR_CONFIG_VALUE, "expected `sqlite:///" },
	{ "/var/lib/x", ERR_CONFIG_VALUE, "expected `sqlite:///" },
	{ "sqlite://x/y", ERR_CONFIG_VALUE, "expected `sqlite:///" },
	{ "sqlite:///x/", ERR_CONFIG_VALUE, "expected `sqlite:///" },
	{ "mysql://u:secret@h/d", ERR_CONFIG_VALUE, "expected `sqlite:///" },
	{ "postgresql://u:secret@h:x:y/d", ERR_SYSTEM_STORE, "" },
	{ "postgresql:///d?secret", ERR_CONFIG_VALUE, "libpq" },
	{ "postgresql://u:secret@/d?host=/no/such/folder", ERR_SYSTEM_STORE,
	    "/no/such/folder" },
	{ "postgresql://u:secret@127.0.0.1:1/d", ERR_SYSTEM_STORE,
	    "127.0.0.1" },
	{ "sqlite:///no/such/folder/x.db", ERR_SYSTEM_STORE,
	    "`/no/such/folder`" },
	{ "sqlite:///dev/null", ERR_SYSTEM_STORE, "`/dev/null`" },
};

START_TEST(other_urls_are_refused)
{
	struct error e = { 0 };

	ck_assert(!store_open(str_of(bad_urls[_i].url), &e));
	ck_assert_int_eq(e.code, bad_urls[_i].code);
	ck_assert_msg(strstr(e.msg, bad_urls[_i].says), "%s", e.msg);
	ck_assert_msg(!strstr(e.msg, "secret"), "%s", e.msg);
}
END_TEST

/* --- files -----------------------------------------------------------------
 */

static char file[600];
static struct str url;

static void
setup_file(void)
{
	static int n;

	arena = arena_new(0);
	err = (struct error){ 0 };
	snprintf(file, sizeof file, "%s/%d-%d/avow.db", test_folder(),
	    (int)getpid(), n++);
	url = str_printf(arena, "sqlite://%s", file);
	store = NULL;
}

static void
reopen(void)
{
	store_close(store);
	store = store_open(url, &err);
	ck_assert_msg(store, "%s", err.msg);
}

static void
check_mode(const char *suffix, unsigned want)
{
	char path[700];
	struct stat st;

	snprintf(path, sizeof path, "%s%s", file, suffix);
	ck_assert_msg(stat(path, &st) == 0, "%s", path);
	ck_assert_msg(
	    (st.st_mode & 0777) == want, "%s is %o", path, st.st_mode & 0777);
}

START_TEST(files_are_ours_alone)
{
	static const mode_t masks[] = { 0, 022, 077 };
	struct store_member m = member("i-1", "10.0.0.1", 8080);
	mode_t before = umask(masks[_i]);
	int64_t g = 0;

	reopen();
	join(&m, 0, &g);
	umask(before);
	check_mode("", 0600);
	check_mode("-wal", 0600);
	check_mode("-shm", 0600);
	*strrchr(file, '/') = '\0';
	check_mode("", 0700);
}
END_TEST

/* A file that was left open to others is closed to them before use. */
/* Moved away, another in its place, none: each is a store that is away. */
START_TEST(a_file_that_was_moved_is_away)
{
	const char *path = str_printf(arena, "%s/moved.db", test_folder()).p;
	const char *aside = str_printf(arena, "%s/aside.db", test_folder()).p;
	struct str where = str_printf(arena, "sqlite://%s", path);
	struct store *mine = store_open(where, &err), *other;
	int64_t generation = 0, floor = 0;

	ck_assert_msg(mine != NULL, "%s", err.msg);
	ck_assert(store_generation(mine, &generation, &floor, &err));
	ck_assert_int_eq(rename(path, aside), 0);
	ck_assert(!store_generation(mine, &generation, &floor, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert(!store_check(mine, &err));
	ck_assert_int_eq(rename(aside, path), 0);
	ck_assert(store_generation(mine, &generation, &floor, &err));
	ck_assert(store_check(mine, &err));
	ck_assert_int_eq(rename(path, aside), 0);
	other = store_open(where, &err);
	ck_assert_msg(other != NULL, "%s", err.msg);
	ck_assert(!store_generation(mine, &generation, &floor, &err));
	ck_assert(store_generation(other, &generation, &floor, &err));
	store_close(mine);
	ck_assert(store_generation(other, &generation, &floor, &err));
	store_close(other);
}
END_TEST

START_TEST(an_open_file_is_closed)
{
	reopen();
	store_close(store);
	store = NULL;
	ck_assert_int_eq(chmod(file, 0666), 0);
	reopen();
	check_mode("", 0600);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	char real[700];

	reopen();
	store_close(store);
	store = NULL;
	snprintf(real, sizeof real, "%s.real", file);
	ck_assert_int_eq(rename(file, real), 0);
	ck_assert_int_eq(symlink(real, file), 0);
	ck_assert(!store_open(url, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

static bool
take_setting(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)reterr;
	snprintf(ctx, 16, "%.*s", STR_ARG(sql_bytes(row, 0)));
	return true;
}

static const struct {
	const char *ask, *want;
} settings[] = {
	{ "PRAGMA synchronous", "2" }, /* FULL */
	{ "PRAGMA journal_mode", "wal" },
	{ "PRAGMA foreign_keys", "1" },
};

START_TEST(every_commit_is_synced)
{
	char got[16] = "";
	struct sql *q;

	reopen();
	store_close(store);
	store = NULL;
	q = sql_open(url, NULL, &err);
	ck_assert_msg(q, "%s", err.msg);
	ck_assert(
	    sql_run(q, settings[_i].ask, NULL, 0, take_setting, got, &err));
	ck_assert_str_eq(got, settings[_i].want);
	sql_close(q);
}
END_TEST

START_TEST(rows_outlive_the_process)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080), got;
	int64_t g = 0, g2 = 0;
	bool found = false;

	reopen();
	join(&m, 0, &g);
	reopen();
	ck_assert(store_member_find(
	    store, arena, m.pool, m.server, &got, &found, &err));
	ck_assert(found);
	check_same(&got, &m);
	join(&m, 0, &g2);
	ck_assert_int_gt(g2, g);
	ck_assert(store_check(store, &err));
}
END_TEST

static void
run_sql(const char *text)
{
	struct sql *q = sql_open(url, NULL, &err);

	ck_assert_msg(q && sql_do(q, text, &err), "%s", err.msg);
	sql_close(q);
}

START_TEST(a_pool_is_full_at_its_limit)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080);
	struct store_member more = member("i-2", "10.0.0.2", 8080);
	int64_t g = 0;
	char text[700];

	reopen();
	join(&m, 0, &g);
	snprintf(text, sizeof text,
	    "INSERT INTO member WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < %u - 1)"
	    " SELECT 'web', 'p' || i, 1, 's' || i, 'a' || i, 1, 1000 + i, 0,"
	    " 0, 0, '', '', '', '', '', '' FROM n",
	    LIMIT_BALANCER_MEMBERS);
	run_sql(text);
	ck_assert_int_eq(join(&more, 0, &g), STORE_JOIN_FULL);
	ck_assert_int_eq(join(&m, 0, &g), STORE_REJOINED);
	more.pool = STR("api");
	ck_assert_int_eq(join(&more, 0, &g), STORE_JOINED);
}
END_TEST

static const struct {
	const char *note, *change, *says;
} strangers[] = {
	{ "newer", "INSERT INTO migration VALUES (1000, 'later')", "newer" },
	{ "much newer",
	    "INSERT INTO migration VALUES (9223372036854775807, 'later')",
	    "newer" },
	{ "negative", "UPDATE migration SET number = -number", "newer" },
	{ "another program's", "PRAGMA application_id = 7", "another program" },
	{ "not marked as ours", "PRAGMA application_id = 0",
	    "another program" },
};

START_TEST(strange_databases_are_refused)
{
	reopen();
	store_close(store);
	store = NULL;
	run_sql(strangers[_i].change);
	ck_assert_msg(!store_open(url, &err), "%s", strangers[_i].note);
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert_msg(strstr(err.msg, strangers[_i].says), "%s: %s",
	    strangers[_i].note, err.msg);
}
END_TEST

/* Overwrite `n` bytes of the file at `at`. */
static void
scribble(long at, size_t n)
{
	FILE *f = fopen(file, "r+");

	ck_assert(f && fseek(f, at, SEEK_SET) == 0);
	while (n--)
		ck_assert_int_ne(fputc(0xa5, f), EOF);
	ck_assert_int_eq(fclose(f), 0);
}

static const struct {
	long at;
	size_t n;
} scribbles[] = { { 0, 100 }, { 100, 400 }, { 0, 4096 } };

START_TEST(a_broken_file_is_refused)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080);
	int64_t g = 0;

	reopen();
	join(&m, 0, &g);
	store_close(store);
	store = NULL;
	scribble(scribbles[_i].at, scribbles[_i].n);
	ck_assert(!store_open(url, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

/* Pages behind the first: it may open, but what it cannot read it does not make
 * up. */
START_TEST(broken_pages_are_errors)
{
	struct store_member m, *rows;
	enum store_join answer;
	int64_t g = 0;
	struct stat st;
	size_t n;

	reopen();
	for (int i = 0; i < 50; i++) {
		m = member("i-1", "10.0.0.1", (uint16_t)(1000 + i));
		join(&m, 0, &g);
	}
	store_close(store);
	ck_assert_int_eq(stat(file, &st), 0);
	scribble(4096, (size_t)st.st_size - 4096);
	store = store_open(url, &err);
	if (store) {
		ck_assert(!store_member_page(
		    store, arena, NULL, 10, &rows, &n, &err));
		ck_assert(!store_member_join(
		    store, &m, 0, &answer, &g, &(struct error){ 0 }));
	}
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
}
END_TEST

START_TEST(a_busy_database_is_an_error)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080);
	enum store_join answer;
	struct sql *q;
	int64_t g = 0;

	reopen();
	q = sql_open(url, NULL, &err);
	ck_assert_msg(q && sql_begin(q, &err), "%s", err.msg);
	ck_assert(!store_member_join(store, &m, 0, &answer, &g, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert(!store_check(store, &(struct error){ 0 }));
	sql_rollback(q);
	sql_close(q);
	err = (struct error){ 0 };
	ck_assert(store_check(store, &err));
	ck_assert_int_eq(join(&m, 0, &g), STORE_JOINED);
}
END_TEST

/* --- other processes --------------------------------------------------------
 */

/* What `work` answers in a child of its own. */
static int
in_child(int (*work)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(work());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
	return WEXITSTATUS(status);
}

static int
open_as_nobody(void)
{
	struct error e = { 0 };
	struct store *s;

	if (geteuid() == 0 && setuid(65534) != 0)
		return 77;
	s = store_open(url, &e);
	return s ? 1 : e.code == ERR_SYSTEM_STORE ? 0 : 2;
}

START_TEST(a_read_only_folder_is_refused)
{
	char folder[600];

	snprintf(folder, sizeof folder, "%s", file);
	*strrchr(folder, '/') = '\0';
	ck_assert_int_eq(mkdir(folder, 0500), 0);
	ck_assert_int_eq(chmod(test_folder(), 0711), 0);
	ck_assert_int_eq(in_child(open_as_nobody), 0);
}
END_TEST

/* Files may not grow: each join works whole or is refused, and the store still
 * reads afterwards. 0: as it should be. */
static int
fill_the_disk(void)
{
	const struct rlimit limit = { 1000000, 1000000 };
	struct store *s = store_open(url, NULL);
	int64_t g = 0;
	int joined = 0;

	store = s;
	if (!s || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
	    setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 2;
	for (int i = 1; i < 2000; i++) {
		struct store_member m = member("i-1", "10.0.0.1", (uint16_t)i);
		struct error e = { 0 };
		enum store_join answer = STORE_JOIN_HELD;

		if (store_member_join(s, &m, 0, &answer, &g, &e)) {
			joined++;
			continue;
		}
		if (e.code != ERR_SYSTEM_STORE)
			return 3;
		return (int)count() == joined && joined > 10 ? 0 : 4;
	}
	return 5;
}

START_TEST(a_full_disk_is_an_error)
{
	size_t before;

	ck_assert_int_eq(in_child(fill_the_disk), 0);
	/* With room again it goes on, and what was told is there. */
	reopen();
	before = count();
	ck_assert_uint_gt(before, 10);
	{
		struct store_member m = member("i-2", "10.0.0.2", 1);
		int64_t g = 0;

		ck_assert_int_eq(join(&m, 0, &g), STORE_JOINED);
	}
	ck_assert_uint_eq(count(), before + 1);
}
END_TEST

static int
revoke_in_child(void)
{
	const struct store_revocation r = { .kind = STR("instance"),
		.id = STR("i-1"),
		.until = INT64_MAX,
		.reason = STR("") };
	struct store *s = store_open(url, NULL);
	bool is_new = false;
	int status = s && store_revoke(s, &r, &is_new, NULL) && is_new ? 0 : 1;

	store_close(s);
	return status;
}

/* Two handles of one process, and another process that comes and goes: it must
 * not take the log from under them, as it would if opening the second handle
 * had dropped the locks of the first. */
START_TEST(handles_of_one_process_keep_their_locks)
{
	struct store_member m = member("i-1", "10.0.0.1", 8080);
	struct store_revocation *rows;
	struct store *second;
	int64_t g = 0;
	size_t n = 0;

	reopen();
	join(&m, 0, &g);
	second = store_open(url, &err);
	ck_assert_msg(second, "%s", err.msg);
	ck_assert_int_eq(in_child(revoke_in_child), 0);
	check_mode("-wal", 0600);
	join(&m, 0, &g);
	ck_assert(
	    store_revocation_page(second, arena, NULL, 10, &rows, &n, &err));
	ck_assert_uint_eq(n, 1);
	store_close(second);
	reopen();
	ck_assert_uint_eq(count(), 1);
}
END_TEST

struct told {
	int64_t generation;
	uint16_t port;
	bool left;
};

/* Join and leave for ever, telling `fd` each answer. */
static void
change_for_ever(int fd, unsigned round)
{
	struct store *s = store_open(url, NULL);
	struct store_member *left;
	size_t n;

	for (unsigned i = 0; s; i++) {
		struct told t = { .port =
				      (uint16_t)(round * 1000 + i % 100 + 1),
			.left = i % 3 == 2 };
		struct store_member m = member("i-1", "10.0.0.1", t.port);
		enum store_join answer;

		if (t.left ? !store_member_leave(s, arena, m.pool, m.principal,
				 t.port, &left, &n, NULL)
			   : !store_member_join(
				 s, &m, 0, &answer, &t.generation, NULL))
			break;
		if (write(fd, &t, sizeof t) != (ssize_t)sizeof t)
			break;
	}
	_exit(1);
}

/* Every port's last word; one change after it may have happened untold. */
static void
check_told(const struct told *last, unsigned round, unsigned in_hand)
{
	for (unsigned p = 1; p <= 100; p++) {
		struct store_member m = member("i-1", "10.0.0.1",
					(uint16_t)(round * 1000 + p)),
				    got;
		bool found = false;

		if (p == in_hand || last[p].port == 0)
			continue;
		ck_assert(store_member_find(
		    store, arena, m.pool, m.server, &got, &found, &err));
		ck_assert_msg(found == !last[p].left, "port %u", p);
		if (found)
			ck_assert_int_eq(got.generation, last[p].generation);
	}
}

/* kill -9 at changing points: what was acknowledged is there, and what has left
 * stays away. */
START_TEST(what_was_told_survives_kill)
{
	for (unsigned round = 0; round < 12; round++) {
		struct told last[101] = { { 0 } }, t;
		unsigned n = 0;
		int fds[2];
		pid_t pid;

		ck_assert_int_eq(pipe(fds), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			change_for_ever(fds[1], round);
		close(fds[1]);
		while (read(fds[0], &t, sizeof t) == (ssize_t)sizeof t) {
			last[t.port - round * 1000] = t;
			if (++n == 20 + round * 13) {
				usleep(round * 137);
				kill(pid, SIGKILL);
			}
		}
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		close(fds[0]);
		ck_assert_uint_ge(n, 20 + round * 13);
		reopen();
		check_told(last, round, n % 100 + 1);
		store_close(store);
		store = NULL;
	}
}
END_TEST

/* --- threads -----------------------------------------------------------------
 */

struct taker {
	pthread_t thread;
	const char *who;
	int got;
};

static void *
take_places(void *ctx)
{
	struct taker *t = ctx;
	struct arena *a = arena_new(0);

	for (uint16_t port = 1; port <= 50; port++) {
		struct store_member m = { .pool = STR("web"),
			.principal = str_of(t->who),
			.server = str_printf(a, "%s-%u", t->who, port),
			.address = STR("10.0.0.1"),
			.port = port };
		enum store_join answer = STORE_JOIN_HELD;
		int64_t g = 0;

		if (store_member_join(store, &m, 0, &answer, &g, NULL) &&
		    answer == STORE_JOINED)
			t->got++;
	}
	arena_free(a);
	return NULL;
}

START_TEST(threads_share_a_handle)
{
	struct taker takers[] = {
		{ .who = "i-1" },
		{ .who = "i-2" },
		{ .who = "i-3" },
		{ .who = "i-4" },
	};
	int sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(takers); i++)
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL,
				     take_places, &takers[i]),
		    0);
	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
		sum += takers[i].got;
	}
	ck_assert_int_eq(sum, 50);
	ck_assert_uint_eq(count(), 50);
}
END_TEST

START_TEST(no_postgres)
{
	(void)pg_missing();
}
END_TEST

static void
add_members(Suite *s, const char *name, void (*set_up)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, set_up, teardown);
	tcase_add_test(t, what_joins_is_kept_whole);
	tcase_add_test(t, a_place_has_one_holder);
	tcase_add_test(t, places_differ_by_pool_address_and_port);
	tcase_add_test(t, leaving_takes_ones_own_rows);
	tcase_add_test(t, an_old_generation_removes_nothing);
	tcase_add_test(t, lists_are_ordered_and_whole);
	tcase_add_test(t, threads_share_a_handle);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}

static void
add_postgres(Suite *s)
{
	TCase *t;

	if (pg_url()) {
		add_members(s, "members, PostgreSQL", setup_postgres);
		return;
	}
	t = tcase_create("no postgres");
	tcase_add_test(t, no_postgres);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *urls = tcase_create("urls");
	TCase *files = tcase_create("files");
	int status;

	pg_start();
	add_members(s, "members", setup);
	add_postgres(s);
	tcase_add_loop_test(
	    urls, other_urls_are_refused, 0, ARRAY_LEN(bad_urls));
	suite_add_tcase(s, urls);

	tcase_add_checked_fixture(files, setup_file, teardown);
	tcase_set_timeout(files, 60);
	tcase_add_loop_test(files, files_are_ours_alone, 0, 3);
	tcase_add_test(files, a_file_that_was_moved_is_away);
	tcase_add_test(files, an_open_file_is_closed);
	tcase_add_test(files, a_link_is_not_followed);
	tcase_add_loop_test(
	    files, every_commit_is_synced, 0, ARRAY_LEN(settings));
	tcase_add_test(files, a_pool_is_full_at_its_limit);
	tcase_add_test(files, rows_outlive_the_process);
	tcase_add_loop_test(
	    files, strange_databases_are_refused, 0, ARRAY_LEN(strangers));
	tcase_add_loop_test(
	    files, a_broken_file_is_refused, 0, ARRAY_LEN(scribbles));
	tcase_add_test(files, broken_pages_are_errors);
	tcase_add_test(files, a_busy_database_is_an_error);
	tcase_add_test(files, a_read_only_folder_is_refused);
	tcase_add_test(files, a_full_disk_is_an_error);
	tcase_add_test(files, handles_of_one_process_keep_their_locks);
	tcase_add_test(files, what_was_told_survives_kill);
	suite_add_tcase(s, files);
	status = run_suite(s);
	pg_end();
	return status;
}
