/* cmd_signer.c - `avow signer`: the process that alone can reach a private key.
 * It serves no network and reads no policy; what it signs it has read as what
 * the key is for (attest/signer.h). SIGTERM and SIGINT end it. */
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "gateways/signer.h"

#define DEFAULT_RATE 50u
#define DEFAULT_LIFETIME_MS                                                    \
	86400000 /* documents; tokens live an hour at most */

struct options {
	const char *key, *listen, *purpose, *issuer, *group, *rate, *user;
	struct cli_list allow;
	struct cli_time lifetime;
};

static bool
read_uids(struct arena *a, const struct cli_list *names, const uid_t **ret)
{
	uid_t *uids = ARENA_ARRAY(a, names->n, uid_t);

	for (size_t i = 0; uids && i < names->n; i++) {
		const struct passwd *pw = getpwnam(names->items[i]);

		if (!pw) {
			cli_errorf(
			    "--allow: there is no user `%s`", names->items[i]);
			return false;
		}
		uids[i] = pw->pw_uid;
	}
	*ret = uids;
	return uids != NULL;
}

static bool
read_group(const char *name, gid_t *ret)
{
	const struct group *gr = name ? getgrnam(name) : NULL;

	*ret = gr ? gr->gr_gid : (gid_t)-1;
	if (name && !gr)
		cli_errorf("--group: there is no group `%s`", name);
	return gr || !name;
}

static bool
read_rules(const struct options *o, struct signer_server *s)
{
	uint64_t rate = DEFAULT_RATE;

	s->rules.purpose = signer_purpose_of(str_of(o->purpose));
	s->rules.issuer = str_of(o->issuer);
	s->rules.lifetime_most_s =
	    (o->lifetime.given ? o->lifetime.ms : DEFAULT_LIFETIME_MS) / 1000;
	if (s->rules.purpose == SIGNER_NONE)
		cli_errorf("--purpose: expected document, token or policy, "
			   "found `%s`",
		    o->purpose);
	else if (s->rules.purpose != SIGNER_POLICY && !o->issuer)
		cli_errorf("--issuer is missing: documents and tokens have "
			   "one");
	else if (s->rules.lifetime_most_s <= 0)
		cli_errorf("--max-lifetime: a second at least");
	else if (o->rate &&
		 (!str_to_u64(str_of(o->rate), 100000, &rate) || rate == 0))
		cli_errorf("--rate: expected 1 to 100000, found `%s`", o->rate);
	else {
		s->rate = (unsigned)rate;
		return true;
	}
	return false;
}

/* Signals as something that poll sees; nothing runs inside a handler. */
static int
stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum cli_exit
listen_and_serve(const struct options *o, const struct signer_server *s,
    gid_t group, int stop)
{
	struct error err = { 0 };
	bool is_handed_over, ok;
	int fd;

	if (!signer_listen(
		str_of(o->listen), group, &fd, &is_handed_over, &err)) {
		cli_error(&err, STR(""));
		return CLI_CANNOT_TELL;
	}
	log_line(LOG_INFO, "start", "version=%s purpose=%s listen=%s",
	    AVOW_VERSION, o->purpose, o->listen);
	daemon_notify("READY=1");
	ok = signer_serve(s, fd, stop, &err);
	if (!ok)
		cli_error(&err, STR(""));
	daemon_notify("STOPPING=1");
	close(fd);
	if (!is_handed_over)
		(void)unlink(o->listen + strlen("unix:"));
	log_line(LOG_INFO, "stop", "purpose=%s", o->purpose);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static enum cli_exit
run(const struct options *o)
{
	struct arena *a = arena_new(0);
	struct signer_server s = { .clock = clock_system() };
	struct attest_key *key = NULL;
	struct error err = { 0 };
	enum cli_exit exit = CLI_CANNOT_TELL;
	int stop = stop_signals();
	gid_t group;

	s.n_uids = o->allow.n;
	if (a && stop >= 0 && read_rules(o, &s) &&
	    read_uids(a, &o->allow, &s.uids) && read_group(o->group, &group) &&
	    daemon_drop_root(o->user)) {
		daemon_harden();
		key = attest_key_open(o->key, &err);
		s.key = key;
		if (key)
			exit = listen_and_serve(o, &s, group, stop);
		else
			cli_error(&err, STR(""));
	}
	attest_key_free(key);
	if (stop >= 0)
		close(stop);
	arena_free(a);
	return exit;
}

enum cli_exit
cmd_signer(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		{ "key", CLI_TEXT, &o.key, true, "FILE",
		    "the private key: a file, or a pkcs11: URI" },
		{ "listen", CLI_TEXT, &o.listen, true, "unix:PATH",
		    "the socket, whole path; 0600" },
		{ "purpose", CLI_TEXT, &o.purpose, true, "PURPOSE",
		    "document, token or policy: all that is signed" },
		{ "issuer", CLI_TEXT, &o.issuer, false, "NAME",
		    "the only issuer of documents and tokens" },
		{ "max-lifetime", CLI_DURATION, &o.lifetime, false, "DURATION",
		    "how long they live at most (24h)" },
		{ "allow", CLI_LIST, &o.allow, false, "USER",
		    "may ask, besides root and this user" },
		{ "group", CLI_TEXT, &o.group, false, "GROUP",
		    "the socket's, which then is 0660" },
		{ "rate", CLI_TEXT, &o.rate, false, "N",
		    "requests of each user a second at most (50)" },
		{ "user", CLI_TEXT, &o.user, false, "NAME",
		    "become this user before anything is opened" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow signer --key FILE --listen unix:PATH "
		      "--purpose PURPOSE [--issuer NAME]",
		"Sign for other processes, which name this key "
		"`signer:PATH` wherever they take a private key.\n"
		"Only what can be read as a document, token or policy "
		"image by the rules given is signed; each is logged "
		"by its id.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = run(&o);
	cli_list_free(&o.allow);
	return exit;
}
