/*
 * server.h - an HTTP server that does what a test says, in a thread on 127.0.0.1: one step a request, whatever connection it comes on.
 */
#ifndef SERVER_H
#define SERVER_H

#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define SERVER_CONNECTIONS	32
#define SERVER_STEPS		64
#define SERVER_SEEN		8192	/* bytes of a request that are kept */

enum { READ_ALL, READ_HEAD, READ_SOME };	/* of the request, before the answer; some: the head and 64 KiB of the body */
enum { KEEP, CLOSE, RESET, HOLD, LAST };		/* the connection, after it; hold: as it is, deaf; last: reset, and no other is taken */

struct step {
	const char	*answer;	/* sent as it is; NULL: nothing */
	size_t		 n;		/* its bytes; 0: strlen() */
	int		 read, then;
};

struct seen {
	char		 text[SERVER_SEEN];	/* head and body, NUL */
	uint64_t	 body_bytes;		/* that came */
	int		 connection;		/* the how manieth, from 0 */
};

struct connection {
	SSL	*ssl;
	int	 fd, number, deaf;
};

struct server {
	struct connection	 c[SERVER_CONNECTIONS];
	struct step		 step[SERVER_STEPS];
	struct seen		 seen[SERVER_STEPS];
	SSL_CTX			*tls;		/* set before server_start() */
	pthread_t		 thread;
	int			 fd, port, stop[2];
	int			 n_steps, n_seen, n_connections;	/* n_seen, n_connections: read after server_stop(), or an answer */
};

static inline ssize_t
server_read(struct connection *c, char *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)n) : read(c->fd, p, n);
}

static inline void
server_write(struct connection *c, const char *p, size_t n)
{
	while (n) {
		ssize_t k = c->ssl ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;		/* the client gave up: its business */
		p += k;
		n -= (size_t)k;
	}
}

static inline void
server_drop(struct connection *c, int reset)
{
	struct linger now = { 1, 0 };

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	else if (c->ssl)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
	*c = (struct connection){ .fd = -1 };
}

/* One request, as far as `read` says: 0, or -1 when none comes any more. */
static inline int
server_take(struct connection *c, int how, struct seen *s)
{
	uint64_t want = UINT64_MAX;
	size_t have = 0, head = 0;
	char rest[65536], *length;
	ssize_t k;

	s->connection = c->number;
	for (;;) {
		if (!head && strstr(s->text, "\r\n\r\n")) {
			head = (size_t)(strstr(s->text, "\r\n\r\n") - s->text) + 4;
			length = strcasestr(s->text, "\r\ncontent-length:");
			want = how == READ_HEAD || !length ? 0 : strtoull(length + 17, NULL, 10);
			if (how == READ_SOME && want > 65536)
				want = 65536;
			s->body_bytes = have - head;
		}
		if (head && s->body_bytes >= want)
			return 0;
		if (have < sizeof s->text - 1)
			k = server_read(c, s->text + have, sizeof s->text - 1 - have);
		else
			k = server_read(c, rest, sizeof rest);
		if (k <= 0)
			return -1;
		have += (size_t)k;
		s->body_bytes += head ? (uint64_t)k : 0;
	}
}

static inline void
server_serve(struct server *s, struct connection *c)
{
	struct step step = { "HTTP/1.1 599 No Step\r\nContent-Length: 0\r\n\r\n" };
	struct seen *seen = &s->seen[s->n_seen];

	assert(s->n_seen < SERVER_STEPS);
	if (s->n_seen < s->n_steps)
		step = s->step[s->n_seen];
	memset(seen, 0, sizeof *seen);
	if (server_take(c, step.read, seen) < 0 && !*seen->text) {
		server_drop(c, 0);
		return;
	}
	s->n_seen++;
	if (step.answer)
		server_write(c, step.answer, step.n ? step.n : strlen(step.answer));
	if (step.then == HOLD)
		c->deaf = 1;
	else if (step.then != KEEP)
		server_drop(c, step.then != CLOSE);
	if (step.then == LAST) {
		close(s->fd);
		s->fd = -1;
	}
}

static inline void
server_accept(struct server *s)
{
	int fd = accept(s->fd, NULL, NULL), i = 0;

	while (i < SERVER_CONNECTIONS - 1 && s->c[i].fd >= 0)
		i++;
	assert(fd >= 0 && s->c[i].fd < 0);
	s->c[i] = (struct connection){ .fd = fd, .number = s->n_connections++ };
	if (!s->tls)
		return;
	s->c[i].ssl = SSL_new(s->tls);
	SSL_set_fd(s->c[i].ssl, fd);
	if (SSL_accept(s->c[i].ssl) != 1) {
		SSL_free(s->c[i].ssl);
		close(fd);
		s->c[i] = (struct connection){ .fd = -1 };
	}
}

static inline void *
server_loop(void *arg)
{
	struct server *s = arg;
	struct pollfd p[SERVER_CONNECTIONS + 2];
	int i;

	for (;;) {
		p[0] = (struct pollfd){ s->stop[0], POLLIN, 0 };
		p[1] = (struct pollfd){ s->fd, POLLIN, 0 };
		for (i = 0; i < SERVER_CONNECTIONS; i++)
			p[i + 2] = (struct pollfd){ s->c[i].deaf ? -1 : s->c[i].fd, POLLIN, 0 };
		if (poll(p, SERVER_CONNECTIONS + 2, -1) < 0)
			continue;
		if (p[0].revents)
			return NULL;
		for (i = 0; i < SERVER_CONNECTIONS; i++)
			if (p[i + 2].revents)
				server_serve(s, &s->c[i]);
		if (p[1].revents)
			server_accept(s);
	}
}

static inline void
server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int i;

	signal(SIGPIPE, SIG_IGN);	/* SSL_write() to a client that gave up */
	for (i = 0; i < SERVER_CONNECTIONS; i++)
		s->c[i].fd = -1;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&a, n) < 0 || listen(s->fd, 16) < 0 || getsockname(s->fd, (struct sockaddr *)&a, &n) < 0
	    || pipe(s->stop) < 0 || pthread_create(&s->thread, NULL, server_loop, s))
		abort();
	s->port = ntohs(a.sin_port);
}

static inline void
server_stop(struct server *s)
{
	int i;

	if (write(s->stop[1], "", 1) != 1 || pthread_join(s->thread, NULL))
		abort();
	for (i = 0; i < SERVER_CONNECTIONS; i++)
		if (s->c[i].fd >= 0)
			server_drop(&s->c[i], 0);
	close(s->stop[0]);
	close(s->stop[1]);
	if (s->fd >= 0)
		close(s->fd);
}

/* Another step.  Before the request that it is for. */
static inline void
server_add(struct server *s, struct step step)
{
	assert(s->n_steps < SERVER_STEPS);
	s->step[s->n_steps++] = step;
}

/* An answer with a body of JSON, kept. */
static inline void
server_answer(struct server *s, const char *status, const char *headers, const char *body)
{
	static char text[SERVER_STEPS][4096];

	snprintf(text[s->n_steps], sizeof *text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
	    strlen(body), body);
	server_add(s, (struct step){ text[s->n_steps] });
}

#endif
