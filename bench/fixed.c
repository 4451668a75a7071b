/* fixed.c - the same HTTP library with a fixed 204 and no questions asked: the
 * ceiling that gates are measured against. Prints its port, runs until standard
 * input ends. */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum MHD_Result
answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *body, size_t *n, void **state)
{
	(void)url, (void)method, (void)version, (void)body, (void)n;
	if (*state == NULL) {
		*state = ctx;
		return MHD_YES;
	}
	return MHD_queue_response(c, MHD_HTTP_NO_CONTENT, ctx);
}

int
main(void)
{
	struct sockaddr_in at;
	memset(&at, 0, sizeof at);
	at.sin_family = AF_INET;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD,
	    0, NULL, NULL, answer, r, MHD_OPTION_THREAD_POOL_SIZE, 2u,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_END);
	if (d == NULL || r == NULL)
		return 1;
	printf("%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	char byte;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	MHD_stop_daemon(d);
	MHD_destroy_response(r);
	return 0;
}
