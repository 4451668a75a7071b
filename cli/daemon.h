/* daemon.h - what the long-running subcommands share: systemd's readiness protocol, hardening, signals waited for by one thread. */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <signal.h>

#include "base/str.h"

/* sd_notify: a datagram to NOTIFY_SOCKET; silence when there is none. */
void daemon_notify(const char *state);
/* Keys and evidence pass through: no core, no tracing by its user, no new privileges. */
void daemon_harden(void);
/* Become this user for good, before anything is opened; NULL: stay, and say so of root. */
bool daemon_drop_root(const char *user) MUST_USE;
/* SIGHUP, SIGUSR1, SIGTERM, SIGINT: blocked from here on in all threads, to be waited for. Before threads are made. */
void daemon_block_signals(sigset_t *ret);
/* The next of them; 0 each time that systemd's watchdog was told that this thread still turns. */
int daemon_wait(const sigset_t *set);

#endif
