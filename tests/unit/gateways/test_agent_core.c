/* test_agent_core.c - what an agent holds: enrolment, renewal at its time,
 * failures that wait longer, restarts, what has ended. No socket, no waiting.
 */
#include "gateways/agent_core.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "gateways/agent_schedule.h"
#include "tests/unit/gateways/agent_kit.h"

static struct agent_kit k;

static void
setup(void)
{
	struct error err = { 0 };

	agent_kit_init(&k);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
}

static void
teardown(void)
{
	agent_kit_fini(&k);
}

static void
ck_token(bool there, enum err_code why)
{
	struct error err = { 0 };
	struct agent_held *h = agent_core_token(k.core, STR("updates"), &err);

	ck_assert_msg((h != NULL) == there, "%s", err.msg);
	ck_assert_int_eq((int)err.code, (int)why);
	ck_assert(h || err.msg[0] != '\0');
	agent_held_free(h);
}

static void
ck_document(bool there, enum err_code why)
{
	struct error err = { 0 };
	struct agent_held *h = agent_core_document(k.core, &err);

	ck_assert_msg((h != NULL) == there, "%s", err.msg);
	ck_assert_msg(err.code == why, "%s", err.msg);
	agent_held_free(h);
}

START_TEST(renews_between_half_and_two_thirds)
{
	ck_assert_int_eq(agent_schedule_renew_ms(1000, 1300, 0), 1150000);
	ck_assert_int_eq(
	    agent_schedule_renew_ms(1000, 1300, UINT32_MAX), 1200000);
	ck_assert_int_eq(agent_schedule_renew_ms(1000, 900, 7), 1000000);
}
END_TEST

START_TEST(waits_double_and_never_end)
{
	ck_assert_int_eq(agent_schedule_wait_ms(1, 0), 1000);
	ck_assert_int_eq(agent_schedule_wait_ms(1, UINT32_MAX), 500);
	ck_assert_int_eq(agent_schedule_wait_ms(2, 0), 2000);
	ck_assert_int_eq(agent_schedule_wait_ms(6, 0), 32000);
	ck_assert_int_eq(agent_schedule_wait_ms(7, 0), 60000);
	ck_assert_int_eq(agent_schedule_wait_ms(UINT32_MAX, 0), 60000);
	ck_assert_int_eq(agent_schedule_wait_ms(UINT32_MAX, UINT32_MAX), 30000);
}
END_TEST

START_TEST(enrols_once_and_then_proves_its_key)
{
	const char *secret = k.config.enrolment.p;

	ck_token(false, ERR_SYSTEM_NOT_READY);
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	ck_assert_int_ne(access(secret, F_OK), 0);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
}
END_TEST

/* The secret was used, and then all died before its file was gone. */
START_TEST(a_spent_secret_is_no_obstacle)
{
	struct error err = { 0 };
	struct str secret;

	ck_assert(file_read(k.a, k.config.enrolment.p, 100, &secret, &err));
	agent_core_run(k.core);
	agent_kit_put(&k, "enrol.secret", secret);
	agent_kit_close(&k);
	ck_assert(agent_kit_open(&k, &err));
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	ck_assert_int_ne(access(k.config.enrolment.p, F_OK), 0);
}
END_TEST

START_TEST(a_wrong_secret_is_refused)
{
	agent_kit_put(&k, "enrol.secret",
	    STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	agent_core_run(k.core);
	ck_token(false, ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(access(k.config.enrolment.p, F_OK), 0);
	agent_kit_put(&k, "enrol.secret", STR("short"));
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_token(false, ERR_CONFIG_VALUE);
}
END_TEST

START_TEST(renews_when_it_is_time_and_not_before)
{
	int64_t next_ms;
	unsigned sent;

	next_ms = agent_core_run(k.core);
	sent = k.n_sent;
	/* The folder of documents is looked at earlier. */
	ck_assert_int_eq(next_ms, k.now_ms + LIMIT_AGENT_LOOK_MS);
	k.now_ms += 149000;
	agent_core_run(k.core);
	ck_assert_uint_eq(k.n_sent, sent);
	k.now_ms += 52000;
	agent_core_run(k.core);
	ck_assert_uint_eq(k.n_sent, sent + 2);
}
END_TEST

START_TEST(serves_till_the_end_and_not_a_moment_more)
{
	unsigned sent;

	agent_core_run(k.core);
	k.is_away = true;
	k.now_ms += 299999;
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	k.now_ms += 1;
	ck_token(false, ERR_EVIDENCE_EXPIRED);
	/* Now it fails again and again, ever more rarely. */
	sent = k.n_sent;
	for (int i = 0; i < 600; i++) {
		k.now_ms += 1000;
		agent_core_run(k.core);
	}
	ck_assert_uint_ge(k.n_sent - sent, 600 / 60);
	ck_assert_uint_le(k.n_sent - sent, 30);
	k.is_away = false;
	k.now_ms += 60000;
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
}
END_TEST

/* It ran a day ahead, where all has ended already, and nothing is to wait for
 * that day. */
START_TEST(a_clock_set_back_is_asked_by_at_once)
{
	const int64_t day_ms = 86400000;
	unsigned sent;

	k.is_away = true;
	k.now_ms += day_ms;
	agent_core_run(k.core);
	k.is_away = false;
	sent = k.n_sent;
	agent_core_run(k.core);
	ck_assert_uint_eq(k.n_sent, sent);
	k.now_ms -= day_ms;
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	sent = k.n_sent;
	agent_core_run(k.core);
	ck_assert_uint_eq(k.n_sent, sent);
}
END_TEST

/* Who stops it waits for no more than the answer that is on its way. */
START_TEST(given_up_it_asks_for_nothing)
{
	unsigned sent = k.n_sent;

	atomic_store(&k.gives_up, true);
	agent_core_run(k.core);
	ck_assert_uint_eq(k.n_sent, sent);
	ck_token(false, ERR_SYSTEM_NOT_READY);
}
END_TEST

START_TEST(a_restart_keeps_what_it_had)
{
	struct error err = { 0 };

	agent_core_run(k.core);
	agent_kit_close(&k);
	k.is_away = true;
	k.now_ms += 100000;
	ck_assert(agent_kit_open(&k, &err));
	ck_token(true, ERR_NONE);
	agent_kit_close(&k);
	k.now_ms += 200000;
	ck_assert(agent_kit_open(&k, &err));
	ck_token(false, ERR_SYSTEM_NOT_READY);
}
END_TEST

/* Another key than the one it was bound to: worth nothing. */
START_TEST(a_token_of_a_former_key_is_not_taken)
{
	struct error err = { 0 };

	agent_core_run(k.core);
	agent_kit_close(&k);
	ck_assert_int_eq(
	    unlink(agent_kit_path(&k, "state/instance.key.pem")), 0);
	ck_assert(agent_kit_open(&k, &err));
	ck_token(false, ERR_SYSTEM_NOT_READY);
}
END_TEST

/* A disk was copied and enrolled anew: its key has had its time. */
START_TEST(enrols_with_another_key_when_the_first_was_used)
{
	struct error err = { 0 };
	struct stat before, after;
	const char *key = agent_kit_path(&k, "state/instance.key.pem");

	agent_core_run(k.core);
	ck_assert_int_eq(stat(key, &before), 0);
	agent_kit_secret(&k);
	agent_kit_close(&k);
	k.now_ms += 200000;
	ck_assert(agent_kit_open(&k, &err));
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	ck_assert_int_eq(stat(key, &after), 0);
	ck_assert(before.st_ino != after.st_ino);
	ck_assert_uint_eq(after.st_mode & 07777, 0600);
}
END_TEST

START_TEST(documents_are_verified)
{
	agent_core_run(k.core);
	ck_document(true, ERR_NONE);
	k.now_ms += 3600000;
	ck_document(false, ERR_EVIDENCE_EXPIRED);
	agent_kit_document(&k, "web-2", AGENT_KIT_CLAIMS, 3600);
	agent_core_run(k.core);
	ck_document(false, ERR_EVIDENCE_EXPIRED);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_document(true, ERR_NONE);
	/* A bad one does not take a good one's place. */
	agent_kit_put(&k, "documents/document.json", STR("{}"));
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_document(true, ERR_NONE);
}
END_TEST

START_TEST(a_document_of_another_key_is_not_taken)
{
	agent_kit_bound(&k, "web-1", AGENT_KIT_CLAIMS, 3600,
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	agent_core_run(k.core);
	ck_document(false, ERR_EVIDENCE_PROOF);
}
END_TEST

/* Who would stop it now and start it anew would have another key. */
START_TEST(it_knows_whether_its_key_is_there)
{
	struct error err = { 0 };
	const char *key = agent_kit_path(&k, "state/instance.key.pem");
	const char *aside = agent_kit_path(&k, "aside");

	ck_assert_msg(agent_core_keeps_key(k.core, &err), "%s", err.msg);
	ck_assert_int_eq(rename(key, aside), 0);
	ck_assert(!agent_core_keeps_key(k.core, &err));
	ck_assert_int_eq(err.code, ERR_FILE_READ);
	ck_assert(attest_key_create(KEY_P256, key, &err));
	err = (struct error){ 0 };
	ck_assert(!agent_core_keeps_key(k.core, &err));
	ck_assert_int_eq(err.code, ERR_DATA_MISSING);
	ck_assert_int_eq(rename(aside, key), 0);
	ck_assert_int_eq(chmod(agent_kit_path(&k, "state"), 0755), 0);
	err = (struct error){ 0 };
	ck_assert(!agent_core_keeps_key(k.core, &err));
	ck_assert_int_eq(err.code, ERR_FILE_MODE);
	ck_assert_int_eq(chmod(agent_kit_path(&k, "state"), 0700), 0);
	ck_assert(agent_core_keeps_key(k.core, &err));
}
END_TEST

/* Its place is not a name that went with what was read. */
START_TEST(keys_that_are_none_keep_it_from_starting)
{
	struct error err = { 0 };
	const char *junk = agent_kit_path(&k, "junk");

	agent_kit_close(&k);
	ck_assert_int_eq(mkdir(junk, 0700), 0);
	agent_kit_put(&k, "junk/x.pem", STR("no key\n"));
	k.config.documents.keys = str_of(junk);
	ck_assert(!agent_kit_open(&k, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_assert_str_eq(err.at.file, junk);
}
END_TEST

static ino_t
inode(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(agent_kit_path(&k, name), &st), 0);
	return st.st_ino;
}

static struct str
content(const char *name)
{
	struct error err = { 0 };
	struct str text;

	ck_assert_msg(
	    file_read(k.a, agent_kit_path(&k, name), 1u << 16, &text, &err),
	    "%s", err.msg);
	return text;
}

static bool
is_ready(void)
{
	json_t *status = agent_core_status(k.core);
	bool ready = json_is_true(json_object_get(status, "ready"));

	json_decref(status);
	return ready;
}

START_TEST(files_are_written_when_something_changed)
{
	struct stat st;
	ino_t pack, token;

	agent_core_run(k.core);
	ck_assert_int_eq(stat(k.files[1].path.p, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	pack = inode("pack");
	token = inode("token");
	k.now_ms += 1000;
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert(inode("pack") == pack);
	ck_assert(inode("token") != token);
	/* What others change is put right at the next change of ours. */
	ck_assert_int_eq(chmod(k.files[1].path.p, 0666), 0);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert(inode("pack") != pack);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_tried_again)
{
	struct buf text = { 0 };
	json_t *status;

	ck_assert_int_eq(mkdir(k.files[1].path.p, 0700), 0);
	agent_core_run(k.core);
	status = agent_core_status(k.core);
	ck_assert(json_write(&text, status));
	buf_byte(&text, '\0');
	ck_assert_ptr_nonnull(strstr(text.p, "file.write"));
	ck_assert_ptr_null(strstr(text.p, "eyJ"));
	json_decref(status);
	buf_free(&text);
	ck_assert_int_eq(rmdir(k.files[1].path.p), 0);
	k.now_ms += LIMIT_AGENT_LOOK_MS;
	agent_core_run(k.core);
	(void)inode("pack");
}
END_TEST

/* Nothing of what is new fits: what lies there stays whole, and what is held is
 * handed out all the same. */
START_TEST(a_full_disk_leaves_files_whole)
{
	struct rlimit none = { 0, RLIM_INFINITY }, all;
	struct str before;
	struct error err = { 0 };

	agent_core_run(k.core);
	before = content("token");
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	none.rlim_max = all.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	k.now_ms += 1000;
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_str_is(content("token"), before.p);
	ck_token(true, ERR_NONE);
	ck_assert(!is_ready());
	/* A restart in between finds the former token. */
	agent_kit_close(&k);
	k.is_away = true;
	ck_assert(agent_kit_open(&k, &err));
	ck_token(true, ERR_NONE);
	k.is_away = false;
	k.now_ms += LIMIT_AGENT_LOOK_MS;
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert(!str_eq(content("token"), before));
	ck_assert(is_ready());
}
END_TEST

/* The clock jumps: forward, what has ended is not served; back, what is not yet
 * good is not taken anew, and all is well again with the clock. */
START_TEST(a_clock_that_jumps)
{
	agent_core_run(k.core);
	k.now_ms += 30ll * 86400 * 1000;
	ck_token(false, ERR_EVIDENCE_EXPIRED);
	ck_document(false, ERR_EVIDENCE_EXPIRED);
	k.now_ms -= 60ll * 86400 * 1000;
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	k.now_ms += 30ll * 86400 * 1000;
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_token(true, ERR_NONE);
	ck_document(true, ERR_NONE);
}
END_TEST

/* ---- SVIDs and keys ------------------------------------------------------ */

static struct agent_file
file_of(enum agent_file_kind kind, const char *name)
{
	return (struct agent_file){ .kind = kind,
		.path = str_of(agent_kit_path(&k, name)),
		.mode = 0600 };
}

/* The same agent with other files, at a service with SVIDs or without. */
static void
open_with_files(bool gives_svids)
{
	struct error err = { 0 };

	agent_kit_fini(&k);
	agent_kit_init_at(&k, gives_svids);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	k.files[0] = file_of(AGENT_FILE_JWT_SVID, "jwt");
	k.files[0].audience = STR("a b&c");
	k.files[0].form = AGENT_FORM_NGINX;
	k.files[1] = file_of(AGENT_FILE_WIT_SVID, "wit");
	k.files[2] = file_of(AGENT_FILE_KEYS, "keys");
	k.files[3] = file_of(AGENT_FILE_BUNDLE, "bundle");
	k.config.n_files = 4;
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_core_run(k.core);
}

static void
bind_to_own_key(void)
{
	struct error err = { 0 };
	char jkt[44];

	ck_assert(attest_key_thumbprint(
	    agent_kit_path(&k, "state/instance.key.pem"), jkt, &err));
	agent_kit_bound(&k, "web-1", AGENT_KIT_CLAIMS, 3600, jkt);
}

/* Run once; are these there? */
static void
ck_there(bool apt, bool login, bool pack)
{
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert_int_eq(access(agent_kit_path(&k, "apt"), F_OK) == 0, apt);
	ck_assert_int_eq(
	    access(agent_kit_path(&k, "vars/avow_login"), F_OK) == 0, login);
	ck_assert_int_eq(
	    access(agent_kit_path(&k, "vars/avow_pack"), F_OK) == 0, pack);
}

static const char *
file_error(size_t i)
{
	json_t *status = agent_core_status(k.core);
	json_t *file = json_array_get(json_object_get(status, "files"), i);
	const char *code = json_string_value(
	    json_object_get(json_object_get(file, "error"), "code"));
	const char *kept = str_z(k.a, str_of(code ? code : "none"));

	json_decref(status);
	return kept;
}

START_TEST(a_bound_document_is_no_password)
{
	struct str mirror = STR("https://mirror/");
	struct error err = { 0 };

	agent_kit_close(&k);
	k.files[0] = file_of(AGENT_FILE_APT, "apt");
	k.files[0].repositories = (struct config_strings){ &mirror, 1 };
	k.files[1] = file_of(AGENT_FILE_DNF, "vars");
	ck_assert_int_eq(mkdir(k.files[1].path.p, 0700), 0);
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	bind_to_own_key();
	ck_there(false, false, false);
	ck_document(true, ERR_NONE);
	ck_assert_str_eq(file_error(0), "evidence.proof");
	ck_assert_str_eq(file_error(1), "evidence.proof");
	ck_assert(!is_ready());
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	ck_there(true, true, true);
	ck_assert_str_eq(file_error(0), "none");
	ck_assert(is_ready());
	/* The issuer binds it: the former is not shown any more. */
	bind_to_own_key();
	ck_there(false, false, false);
	ck_assert_str_eq(file_error(1), "evidence.proof");
	/* What cannot be deleted is told. */
	ck_assert_int_eq(mkdir(k.files[0].path.p, 0700), 0);
	ck_there(true, false, false);
	ck_assert_str_eq(file_error(0), "file.write");
}
END_TEST

/* A pack for who shows it as it is; alone on its line it is for programs that
 * prove the key themselves. */
START_TEST(a_bound_document_is_no_header)
{
	static const enum agent_form forms[] = { AGENT_FORM_HEADER,
		AGENT_FORM_CURL, AGENT_FORM_NGINX, AGENT_FORM_PLAIN };
	enum agent_form form = forms[_i];
	struct error err = { 0 };
	struct stat st = { 0 };

	agent_kit_close(&k);
	k.files[0] = file_of(AGENT_FILE_PACK, "shown");
	k.files[0].form = form;
	k.config.n_files = 1;
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert_str_eq(file_error(0), "none");
	ck_assert_int_eq(stat(k.files[0].path.p, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	bind_to_own_key();
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	if (form == AGENT_FORM_PLAIN) {
		ck_assert_str_eq(file_error(0), "none");
		return;
	}
	ck_assert_str_eq(file_error(0), "evidence.proof");
	/* nginx's is empty: it would not start without it. */
	ck_assert_int_eq(
	    stat(k.files[0].path.p, &st) == 0, form == AGENT_FORM_NGINX);
	if (form == AGENT_FORM_NGINX)
		ck_assert_int_eq(st.st_size, 0);
}
END_TEST

/* The token's payload. */
static struct str
payload(struct str token)
{
	size_t begin = str_find(token, '.', 0) + 1;
	size_t end = str_find(token, '.', begin);
	struct str out;

	ck_assert(
	    base64_decode(k.a, BASE64_URL, str_sub(token, begin, end), &out));
	return str_of(str_z(k.a, out));
}

START_TEST(svids_are_exchanged_and_written)
{
	static const char before[] = "proxy_set_header Authorization \"Bearer ";
	struct str jwt, wit;
	ino_t keys;

	open_with_files(true);
	jwt = content("jwt");
	ck_assert(str_has_prefix(jwt, str_of(before)));
	ck_assert(str_has_suffix(jwt, STR("\";\n")));
	jwt = payload(str_sub(jwt, strlen(before), jwt.n - 3));
	ck_assert_ptr_nonnull(strstr(jwt.p, "\"a b&c\""));
	ck_assert_ptr_nonnull(
	    strstr(jwt.p, "spiffe://acme.example/instance/web-1"));
	wit = payload(content("wit"));
	ck_assert_ptr_nonnull(strstr(wit.p, "\"jwk\""));
	ck_assert_ptr_nonnull(strstr(content("keys").p, "\"keys\""));
	ck_assert_ptr_nonnull(strstr(content("bundle").p, "jwt-svid"));
	/* Renewed in time; keys that did not change are not written again. */
	keys = inode("keys");
	k.now_ms += 210000;
	agent_core_run(k.core);
	ck_assert(!str_eq(jwt, payload(content("jwt"))));
	ck_assert(keys == inode("keys"));
}
END_TEST

/* Why, in the status; and the keys, which need no trust domain, are there. */
START_TEST(svids_that_the_service_does_not_give)
{
	struct buf text = { 0 };
	json_t *status;

	open_with_files(false);
	ck_assert_int_ne(access(k.files[0].path.p, F_OK), 0);
	ck_assert_int_ne(access(k.files[1].path.p, F_OK), 0);
	ck_assert_int_eq(access(k.files[2].path.p, F_OK), 0);
	ck_assert_int_ne(access(k.files[3].path.p, F_OK), 0);
	status = agent_core_status(k.core);
	ck_assert(json_write(&text, json_object_get(status, "svids")));
	buf_byte(&text, '\0');
	ck_assert_ptr_nonnull(strstr(text.p, "\"missing\""));
	ck_assert_ptr_nonnull(strstr(text.p, "\"error\""));
	ck_assert(!json_is_true(json_object_get(status, "ready")));
	json_decref(status);
	buf_free(&text);
}
END_TEST

/* ---- commands ------------------------------------------------------------ */

static size_t
times_run(void)
{
	struct str text = access(agent_kit_path(&k, "ran"), F_OK) == 0
			      ? content("ran")
			      : (struct str){ 0 };

	return text.n;
}

START_TEST(a_command_runs_after_a_change)
{
	struct str words[] = { STR("/bin/sh"), STR("-c"),
		STR("printf x >>\"$0/ran\"; test -e \"$0/well\""),
		str_of(k.dir) };

	k.files[0].run = (struct config_strings){ words, 4 };
	k.files[1].run = k.files[0].run;
	/* Both files changed: once. It failed: once more, when it is time. */
	agent_core_run(k.core);
	ck_assert_uint_eq(times_run(), 1);
	ck_assert(!is_ready());
	agent_core_run(k.core);
	ck_assert_uint_eq(times_run(), 2);
	agent_kit_put(&k, "well", STR(""));
	k.now_ms += LIMIT_AGENT_LOOK_MS;
	agent_core_run(k.core);
	ck_assert_uint_eq(times_run(), 3);
	ck_assert(is_ready());
	/* Nothing changed. */
	k.now_ms += LIMIT_AGENT_LOOK_MS;
	agent_core_run(k.core);
	ck_assert_uint_eq(times_run(), 3);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	ck_assert_uint_eq(times_run(), 4);
}
END_TEST

START_TEST(an_open_state_folder_is_refused)
{
	struct error err = { 0 };

	agent_kit_close(&k);
	ck_assert_int_eq(chmod(k.config.state.p, 0750), 0);
	ck_assert(!agent_kit_open(&k, &err));
	ck_assert_int_eq((int)err.code, (int)ERR_FILE_MODE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent core");
	TCase *tc = tcase_create("agent core");

	json_setup();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, renews_between_half_and_two_thirds);
	tcase_add_test(tc, waits_double_and_never_end);
	tcase_add_test(tc, enrols_once_and_then_proves_its_key);
	tcase_add_test(tc, a_spent_secret_is_no_obstacle);
	tcase_add_test(tc, a_wrong_secret_is_refused);
	tcase_add_test(tc, renews_when_it_is_time_and_not_before);
	tcase_add_test(tc, serves_till_the_end_and_not_a_moment_more);
	tcase_add_test(tc, it_knows_whether_its_key_is_there);
	tcase_add_test(tc, keys_that_are_none_keep_it_from_starting);
	tcase_add_test(tc, a_clock_set_back_is_asked_by_at_once);
	tcase_add_test(tc, given_up_it_asks_for_nothing);
	tcase_add_test(tc, a_restart_keeps_what_it_had);
	tcase_add_test(tc, a_token_of_a_former_key_is_not_taken);
	tcase_add_test(tc, enrols_with_another_key_when_the_first_was_used);
	tcase_add_test(tc, documents_are_verified);
	tcase_add_test(tc, a_document_of_another_key_is_not_taken);
	tcase_add_test(tc, files_are_written_when_something_changed);
	tcase_add_test(tc, a_file_that_cannot_be_written_is_tried_again);
	tcase_add_test(tc, a_full_disk_leaves_files_whole);
	tcase_add_test(tc, a_bound_document_is_no_password);
	tcase_add_loop_test(tc, a_bound_document_is_no_header, 0, 4);
	tcase_add_test(tc, a_clock_that_jumps);
	tcase_add_test(tc, svids_are_exchanged_and_written);
	tcase_add_test(tc, svids_that_the_service_does_not_give);
	tcase_add_test(tc, a_command_runs_after_a_change);
	tcase_add_test(tc, an_open_state_folder_is_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
