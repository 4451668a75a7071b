/* test_agent_config.c - the agent's configuration, whole and wrong. */
#include "gateways/agent_config.h"

#include "attest/prove.h"
#include "tests/lib/run.h"

#define BASE                                                                   \
	"instance: web-1\n"                                                    \
	"state: /var/lib/avow-agent\n"                                         \
	"service: {url: 'https://sts.example'}\n"                              \
	"tokens: [updates]\n"
#define DOCUMENTS "documents: {folder: /d, keys: /k, issuer: acme}\n"

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

START_TEST(whole)
{
	static const char text[] = BASE DOCUMENTS
	    "enrolment: /run/secret\n"
	    "key: ed25519\n"
	    "metadata: {listen: '0.0.0.0:80', reach: any, v1: on, hosts: "
	    "[169.254.169.254]}\n"
	    "files:\n"
	    "  - {kind: apt, path: /a, repositories: ['https://m.example/d/', "
	    "'http://127.0.0.1:8255/']}\n"
	    "  - {kind: token, path: /t, audience: updates, mode: '0640'}\n"
	    "  - {kind: dnf, path: /v}\n"
	    "  - {kind: jwt-svid, path: /j, audience: other, form: header}\n"
	    "  - {kind: keys, path: /w, run: [/bin/kill, -HUP, '1', '1']}\n"
	    "proxy:\n"
	    "  listen: 127.0.0.1:9\n"
	    "  upstreams:\n"
	    "    - {prefix: /debian/, url: 'https://m.example/debian/', "
	    "audience: updates, ca: /ca}\n"
	    "    - {prefix: /, url: 'http://127.0.0.1:1/', show: pack}\n"
	    "local:\n"
	    "  listen: unix:/run/a.sock\n"
	    "  users: [root, '1001']\n"
	    "  rate: 7\n"
	    "  urls: ['https://m.example/debian/']\n"
	    "  role: client\n"
	    "  url: https://w.example\n"
	    "  audience: web\n"
	    "  channelBinding: tls-exporter\n"
	    "  peers:\n"
	    "    - {account: ann, key: /ann.pem, url: 'https://ann.example'}\n"
	    "    - {account: bob, url: 'https://bob.example'}\n";
	struct errors errors = { 0 };
	const struct agent_config *c =
	    agent_config_parse(arena, "a.yaml", str_of(text), &errors);

	ck_assert_msg(c != NULL, "%s", errors.e[0].msg);
	ck_str_is(c->instance, "web-1");
	ck_assert_int_eq(c->key_type, KEY_ED25519);
	ck_assert_int_eq(c->metadata.allows_v1, 1);
	ck_assert_uint_eq(c->n_files, 5);
	ck_assert_int_eq(c->files[3].form, AGENT_FORM_HEADER);
	ck_assert_uint_eq(c->files[4].run.n, 4);
	ck_str_is(c->files[4].run.items[2], "1");
	ck_assert_uint_eq(c->files[0].mode, 0600);
	ck_assert_uint_eq(c->files[1].mode, 0640);
	ck_str_is(c->files[0].repositories.items[1], "http://127.0.0.1:8255/");
	ck_assert_uint_eq(c->n_upstreams, 2);
	/* Without its last slash, as a client has it. */
	ck_str_is(c->upstreams[0].to.url, "https://m.example/debian");
	ck_assert_int_eq(c->upstreams[1].show, AGENT_SHOW_PACK);
	ck_str_is(c->proxy_listen, "127.0.0.1:9");
	ck_str_is(c->local.listen, "unix:/run/a.sock");
	ck_assert_uint_eq(c->local.n_users, 2);
	ck_assert_uint_eq(c->local.users[0], 0);
	ck_assert_uint_eq(c->local.users[1], 1001);
	ck_assert_int_eq(c->local.rate, 7);
	ck_str_is(c->local.urls.items[0], "https://m.example/debian/");
	ck_assert_int_eq(c->local.role, PROVE_CLIENT);
	ck_assert_int_eq(c->local.binds_channel, 1);
	ck_assert_uint_eq(c->local.n_peers, 2);
	ck_str_is(c->local.peers[0].key, "/ann.pem");
	ck_assert_uint_eq(c->local.peers[1].key.n, 0);
}
END_TEST

START_TEST(least)
{
	struct errors errors = { 0 };
	const struct agent_config *c =
	    agent_config_parse(arena, "a.yaml", STR(BASE), &errors);

	ck_assert_msg(c != NULL, "%s", errors.e[0].msg);
	ck_str_is(c->metadata.listen, "127.0.0.1:8254");
	ck_assert_int_eq(c->metadata.allows_v1, 0);
	ck_assert_int_eq(c->key_type, KEY_P256);
	ck_assert_uint_eq(c->proxy_listen.n, 0);
	ck_assert_uint_eq(c->local.listen.n, 0);
}
END_TEST

#define LOCAL BASE "local: {listen: 'unix:/s', users: [root]"
static const struct {
	const char *note, *text;
	enum err_code code;
	uint32_t line;
} bad[] = {
	{ "nothing", "{}", ERR_CONFIG_KEY, 1 },
	{ "unknown", BASE "secret: x\n", ERR_CONFIG_KEY, 5 },
	{ "an id that is none",
	    "instance: 'we b'\nstate: /s\nservice: {url: "
	    "'https://s'}\ntokens: [u]\n",
	    ERR_CONFIG_VALUE, 1 },
	{ "a service's slash",
	    "instance: w\nstate: /s\nservice: {url: 'https://s/'}\n"
	    "tokens: [u]\n",
	    ERR_CONFIG_VALUE, 3 },
	{ "a user in a URL",
	    "instance: w\nstate: /s\nservice: {url: 'https://a@s'}\n"
	    "tokens: [u]\n",
	    ERR_CONFIG_VALUE, 3 },
	{ "pin and subject",
	    "instance: w\nstate: /s\nservice: {url: 'https://s', pin: p, "
	    "subject: q}\ntokens: [u]\n",
	    ERR_CONFIG_VALUE, 3 },
	{ "no tokens",
	    "instance: w\nstate: /s\nservice: {url: 'https://s'}\n"
	    "tokens: []\n",
	    ERR_CONFIG_VALUE, 4 },
	{ "a key type", BASE "key: dsa\n", ERR_CONFIG_VALUE, 5 },
	{ "beyond loopback", BASE "metadata: {listen: '10.0.0.1:80'}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "link-local, too", BASE "metadata: {listen: '169.254.169.254:80'}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a signature beside one that has it inside",
	    BASE "documents: {folder: /d, keys: /k, issuer: a, form: jws}\n"
		 "files: [{kind: signature, path: /f}]\n",
	    ERR_CONFIG_VALUE, 6 },
	{ "documents by nobody", BASE "documents: {folder: /d}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "documents of no audience", BASE "documents: {keys: /k, issuer: a}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "documents of both kinds",
	    BASE "documents: {folder: /d, keys: /k, issuer: a, audience: "
		 "[u]}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "claims and a profile",
	    BASE "documents: {keys: /k, issuer: a, audience: [u], claims: "
		 "[imageId], profile: p}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a pack without documents", BASE "files: [{kind: pack, path: /p}]\n",
	    ERR_CONFIG_KEY, 5 },
	{ "another audience",
	    BASE "files: [{kind: token, path: /p, audience: x}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a token for nobody", BASE "files: [{kind: token, path: /p}]\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a path that is none",
	    BASE "files: [{kind: token, path: p, "
		 "audience: updates}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "for others to write",
	    BASE "files: [{kind: token, path: /p, audience: updates, mode: "
		 "'0660'}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a mode that is none",
	    BASE "files: [{kind: token, path: /p, audience: updates, mode: "
		 "'0680'}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "two of one path",
	    BASE "files:\n - {kind: token, path: /p, audience: updates}\n - "
		 "{kind: token, path: /p, audience: updates}\n",
	    ERR_CONFIG_VALUE, 7 },
	{ "apt without repositories",
	    BASE DOCUMENTS "files: [{kind: apt, path: /p}]\n", ERR_CONFIG_KEY,
	    6 },
	{ "a repository with a space",
	    BASE DOCUMENTS "files: [{kind: apt, path: /p, repositories: "
			   "['https://a b']}]\n",
	    ERR_CONFIG_VALUE, 6 },
	{ "a proof that nobody makes",
	    BASE "files: [{kind: token, path: /p, audience: updates, form: "
		 "curl}]\n",
	    ERR_CONFIG_KEY, 5 },
	{ "an SVID for nobody", BASE "files: [{kind: jwt-svid, path: /p}]\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a bundle for somebody",
	    BASE "files: [{kind: bundle, path: /p, audience: updates}]\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a command without its path",
	    BASE "files: [{kind: keys, path: /p, run: [nginx]}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a command line",
	    BASE "files: [{kind: keys, path: /p, run: '/bin/true'}]\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a command of no words",
	    BASE "files: [{kind: keys, path: /p, run: []}]\n", ERR_CONFIG_VALUE,
	    5 },
	{ "an open proxy",
	    BASE "proxy: {listen: '0.0.0.0:80', upstreams: [{prefix: /, url: "
		 "'https://m/', audience: updates}]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "no upstreams", BASE "proxy: {listen: '127.0.0.1:80'}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a prefix with dots",
	    BASE "proxy: {upstreams: [{prefix: /../, url: 'https://m/', "
		 "audience: updates}]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a prefix with no end",
	    BASE "proxy: {upstreams: [{prefix: /a, url: 'https://m/', "
		 "audience: updates}]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "an upstream with no end",
	    BASE "proxy: {upstreams: [{prefix: /a/, url: 'https://m', "
		 "audience: updates}]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a prefix twice",
	    BASE "proxy:\n upstreams:\n  - {prefix: /a/, url: 'https://m/', "
		 "audience: updates}\n  - {prefix: /a/, url: 'https://n/', "
		 "audience: updates}\n",
	    ERR_CONFIG_VALUE, 8 },
	{ "a socket for nobody", BASE "local: {listen: 'unix:/s'}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "users of no name",
	    BASE "local: {listen: 'unix:/s', users: [no-such-user]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a user that is all others",
	    BASE "local: {listen: 'unix:/s', users: ['4294967295']}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "where no user can be told",
	    BASE "local: {listen: '127.0.0.1:80', users: [root]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "no requests at all", LOCAL ", rate: 0}\n", ERR_CONFIG_VALUE, 5 },
	{ "too many", LOCAL ", rate: 1001}\n", ERR_CONFIG_VALUE, 5 },
	{ "proofs below a URL with no end",
	    LOCAL ", urls: ['https://m/debian']}\n", ERR_CONFIG_VALUE, 5 },
	{ "proofs for anything", LOCAL ", urls: ['/']}\n", ERR_CONFIG_VALUE,
	    5 },
	{ "a role of another kind", LOCAL ", role: account}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "peers for nothing",
	    LOCAL ", peers: [{account: a, url: 'https://a'}]}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "peers who do not know us",
	    LOCAL ", audience: w, peers: [{account: a, key: /k}]}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a peer of no use",
	    LOCAL ", audience: w, url: 'https://w', peers: [{account: a}]}\n",
	    ERR_CONFIG_KEY, 5 },
	{ "a peer twice",
	    LOCAL ", audience: w, peers: [{account: a, url: 'https://a'}, "
		  "{account: a, url: 'https://b'}]}\n",
	    ERR_CONFIG_VALUE, 5 },
	{ "a peer of no name",
	    LOCAL ", audience: w, peers: [{account: 'a b', url: "
		  "'https://a'}]}\n",
	    ERR_CONFIG_VALUE, 5 },
};

START_TEST(refuses)
{
	struct errors errors = { 0 };

	ck_assert_ptr_null(
	    agent_config_parse(arena, "a.yaml", str_of(bad[_i].text), &errors));
	ck_assert_uint_ge(errors.n, 1);
	ck_assert_msg(errors.e[0].code == bad[_i].code, "%s: %s: %s",
	    bad[_i].note, error_id(errors.e[0].code), errors.e[0].msg);
	ck_assert_msg(errors.e[0].at.line == bad[_i].line, "%s: line %u: %s",
	    bad[_i].note, errors.e[0].at.line, errors.e[0].msg);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent config");
	TCase *tc = tcase_create("agent config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, least);
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
