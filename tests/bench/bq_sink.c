/*
 * bq_sink - a BigQuery that only counts, so that what is measured is who loads into it.
 *
 *   bq_sink [--rows N] [--table FILE]
 *
 * Prints its port on 127.0.0.1 and serves until it is ended: datasets.get, tables.get and insert, jobs.insert (multipart, resumable, also
 * in chunks), jobs.get.  A table is what was inserted, or FILE from the start, the body of a tables.insert.  A job is DONE at once, and
 * has the configuration it was sent with.  The bytes of an upload are dropped by the kernel, not even copied; rows of a job: N, else the
 * newlines in it, which is wrong for gzip and costs a copy.  GET /_stats: {"bytes":,"jobs":,"requests":}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_HEAD = 65536, MAX_JSON = 4 << 20, MAX_JOBS = 4096, BLOCK = 1 << 20 };

struct job {
	char		*json;		/* the body of its insert */
	uint64_t	 bytes, rows;
	int		 done;
};

struct connection {
	int		 fd;
	size_t		 n;			/* bytes in head, from its start on */
	char		 head[MAX_HEAD + 1];	/* of a request, and what came with it */
	char		 block[BLOCK];
};

struct request {
	char		 method[8], path[2048], range[128], boundary[128];
	uint64_t	 left;			/* of the body, still to be read */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct job job[MAX_JOBS];
static uint64_t n_jobs, n_bytes, n_requests, rows_of_a_job;
static char *table;
static int port;

static void
die(const char *what)
{
	fprintf(stderr, "bq_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* One answer in one write; headers end with CRLF each. */
static int __attribute__((format(printf, 4, 5)))
answer(struct connection *c, const char *status, const char *headers, const char *form, ...)
{
	char *body, *text;
	va_list ap;
	int n, e;

	va_start(ap, form);
	n = vasprintf(&body, form, ap);
	va_end(ap);
	if (n < 0 || (e = asprintf(&text, "HTTP/1.1 %s\r\nContent-Type: application/json; charset=UTF-8\r\n%sContent-Length: %d\r\n\r\n%s",
	    status, headers, n, body)) < 0)
		die("answer");
	e = send_all(c->fd, text, (size_t)e);
	free(text);
	free(body);
	return e;
}

static int
refuse(struct connection *c, const char *status, const char *reason, const char *what)
{
	return answer(c, status, "", "{\"error\":{\"code\":%d,\"message\":\"%s\",\"errors\":[{\"domain\":\"global\",\"reason\":\"%s\",\"message\":\"%s\"}]}}",
	    atoi(status), what, reason, what);
}

/* A request's head; what came behind it stays in c->head.  0, or -1 when the other side is done. */
static int
read_head(struct connection *c, struct request *r)
{
	char *end, *line;

	while (!(end = memmem(c->head, c->n, "\r\n\r\n", 4))) {
		ssize_t k = c->n < MAX_HEAD ? recv(c->fd, c->head + c->n, MAX_HEAD - c->n, 0) : 0;

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		c->n += (size_t)k;
	}
	memset(r, 0, sizeof *r);
	end[2] = '\0';
	if (sscanf(c->head, "%7s %2047s", r->method, r->path) != 2)
		return -1;
	for (line = strstr(c->head, "\r\n"); line && line + 2 < end; line = strstr(line + 2, "\r\n")) {
		const char *p = line + 2, *b = strstr(p, "boundary=");

		if (!strncasecmp(p, "Content-Length:", 15))
			r->left = strtoull(p + 15, NULL, 10);
		else if (!strncasecmp(p, "Content-Range:", 14))
			sscanf(p + 14, " bytes %127[^\r]", r->range);
		else if (!strncasecmp(p, "Content-Type:", 13) && b)
			sscanf(b + 9 + (b[9] == '"'), "%127[^;\"\r ]", r->boundary);
		else if (!strncasecmp(p, "Expect:", 7) && send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
			return -1;
	}
	c->n -= (size_t)(end + 4 - c->head);
	memmove(c->head, end + 4, c->n);
	return 0;
}

/* Up to n bytes of the body into p. */
static ssize_t
take(struct connection *c, struct request *r, char *p, size_t n)
{
	ssize_t k;

	if (n > r->left)
		n = (size_t)r->left;
	if (c->n) {
		k = (ssize_t)(n < c->n ? n : c->n);
		memcpy(p, c->head, (size_t)k);
		c->n -= (size_t)k;
		memmove(c->head, c->head + k, c->n);
	} else {
		while ((k = recv(c->fd, p, n, 0)) < 0 && errno == EINTR)
			;
	}
	if (k > 0)
		r->left -= (uint64_t)k;
	return k;
}

/* The whole body as text, which the caller frees; NULL: too long, or cut. */
static char *
read_json(struct connection *c, struct request *r)
{
	size_t n = (size_t)r->left, at = 0;
	char *p;

	if (r->left > MAX_JSON || !(p = malloc(n + 1)))
		return NULL;
	while (at < n) {
		ssize_t k = take(c, r, p + at, n - at);

		if (k <= 0) {
			free(p);
			return NULL;
		}
		at += (size_t)k;
	}
	p[n] = '\0';
	return p;
}

/* Those that end a row: none of a multipart body's own, which stand behind CR. */
static uint64_t
newlines(const char *p, size_t n)
{
	uint64_t found = 0;

	for (const char *start = p, *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		found += p == start || p[-1] != '\r';
	return found;
}

/* The rest of the body goes; 0, or -1 when it does not come. */
static int
drop(struct connection *c, struct request *r, struct job *j)
{
	while (r->left) {
		uint64_t want = r->left < BLOCK ? r->left : BLOCK;
		ssize_t k;

		if (rows_of_a_job && !c->n) {
			while ((k = recv(c->fd, NULL, (size_t)want, MSG_TRUNC)) < 0 && errno == EINTR)
				;
			if (k > 0)
				r->left -= (uint64_t)k;
		} else if ((k = take(c, r, c->block, (size_t)want)) > 0)
			j->rows += newlines(c->block, (size_t)k);
		if (k <= 0)
			return -1;
		j->bytes += (uint64_t)k;
	}
	return 0;
}

static int
answer_job(struct connection *c, const struct job *j)
{
	return answer(c, "200 OK", "", "{\"kind\":\"bigquery#job\",\"status\":{\"state\":\"DONE\"},\"statistics\":{\"creationTime\":\"1\",\"startTime\":\"1\","
	    "\"endTime\":\"2\",\"load\":{\"inputFiles\":\"1\",\"inputFileBytes\":\"%" PRIu64 "\",\"outputRows\":\"%" PRIu64 "\",\"outputBytes\":\"%" PRIu64
	    "\",\"badRecords\":\"0\"}},%s", j->bytes, rows_of_a_job ? rows_of_a_job : j->rows, j->bytes, strchr(j->json, '{') + 1);
}

static struct job *
new_job(char *json)
{
	struct job *j;

	pthread_mutex_lock(&lock);
	if (n_jobs == MAX_JOBS)
		die("too many jobs");
	j = &job[n_jobs++];
	pthread_mutex_unlock(&lock);
	j->json = json;
	return j;
}

static int
finish(struct connection *c, struct job *j)
{
	pthread_mutex_lock(&lock);
	if (!j->done)
		n_bytes += j->bytes;
	j->done = 1;
	pthread_mutex_unlock(&lock);
	return answer_job(c, j);
}

/* The configuration is the first part, between its empty line and the boundary; the second one is dropped. */
static int
multipart(struct connection *c, struct request *r)
{
	char *text = malloc(MAX_JSON + 1), *at = NULL, *end = NULL, sep[140];
	uint64_t rows;
	struct job *j;
	size_t n = 0;

	if (!text)
		die("memory");
	snprintf(sep, sizeof sep, "\r\n--%s", r->boundary);
	while (!end) {
		ssize_t k = n < MAX_JSON ? take(c, r, text + n, MAX_JSON - n < BLOCK ? MAX_JSON - n : BLOCK) : -1;

		if (k <= 0) {
			free(text);
			return -1;
		}
		n += (size_t)k;
		text[n] = '\0';
		if ((at = memmem(text, n, "\r\n\r\n", 4)))
			end = memmem(at, n - (size_t)(at - text), sep, strlen(sep));
	}
	rows = newlines(end, n - (size_t)(end - text));
	*end = '\0';
	j = new_job(strdup(at + 4));
	j->bytes = n - (size_t)(end - text);
	j->rows = rows;
	free(text);
	return drop(c, r, j) ? -1 : finish(c, j);
}

static int
begin_upload(struct connection *c, struct request *r)
{
	char *json = read_json(c, r), where[256];

	if (!json || !strchr(json, '{'))
		return -1;
	snprintf(where, sizeof where, "Location: http://127.0.0.1:%d/upload/bigquery/v2/projects/p/jobs?uploadType=resumable&upload_id=%td\r\n", port,
	    new_job(json) - job);
	return answer(c, "200 OK", where, "%s", "");
}

static int
put(struct connection *c, struct request *r)
{
	const char *id = strstr(r->path, "upload_id="), *total = strrchr(r->range, '/');
	struct job *j = id ? &job[strtoull(id + 10, NULL, 10) % MAX_JOBS] : NULL;
	char range[64] = "";

	if (!j || !j->json)
		return refuse(c, "404 Not Found", "notFound", "no such upload");
	if (drop(c, r, j))
		return -1;
	if (!total || (total[1] != '*' && j->bytes >= strtoull(total + 1, NULL, 10)))
		return finish(c, j);
	if (j->bytes)
		snprintf(range, sizeof range, "Range: bytes=0-%" PRIu64 "\r\n", j->bytes - 1);
	return answer(c, "308 Resume Incomplete", range, "%s", "");
}

/* By its id, the newest first. */
static int
get_job(struct connection *c, const char *path)
{
	const char *id = strstr(path, "/jobs/") + 6;
	char key[1100];

	snprintf(key, sizeof key, "\"%.*s\"", (int)strcspn(id, "?/"), id);
	for (uint64_t i = n_jobs; i-- > 0; )
		if (job[i].done && strstr(job[i].json, key))
			return answer_job(c, &job[i]);
	return refuse(c, "404 Not Found", "notFound", "Not found: Job");
}

static int
get_table(struct connection *c)
{
	if (!table)
		return refuse(c, "404 Not Found", "notFound", "Not found: Table");
	return answer(c, "200 OK", "", "{\"kind\":\"bigquery#table\",\"type\":\"TABLE\",\"creationTime\":\"1\",\"lastModifiedTime\":\"1\",\"location\":\"US\","
	    "\"etag\":\"e\",\"numRows\":\"0\",%s", strchr(table, '{') + 1);
}

static int
serve(struct connection *c, struct request *r)
{
	int post = !strcmp(r->method, "POST");
	char *text;

	if (!strncmp(r->path, "/upload/", 8)) {
		if (!strcmp(r->method, "PUT"))
			return put(c, r);
		return strstr(r->path, "uploadType=multipart") ? multipart(c, r) : begin_upload(c, r);
	}
	if (!(text = read_json(c, r)))
		return -1;
	if (post && strstr(r->path, "/tables") && strchr(text, '{')) {
		table = text;			/* one process makes one table: nobody reads an older one now */
		return get_table(c);
	}
	free(text);
	if (strstr(r->path, "/_stats"))
		return answer(c, "200 OK", "", "{\"bytes\":%" PRIu64 ",\"jobs\":%" PRIu64 ",\"requests\":%" PRIu64 "}\n", n_bytes, n_jobs, n_requests);
	if (strstr(r->path, "/jobs/"))
		return get_job(c, r->path);
	if (strstr(r->path, "/tables/"))
		return get_table(c);
	if (strstr(r->path, "/datasets/"))
		return answer(c, "200 OK", "", "{\"kind\":\"bigquery#dataset\",\"location\":\"US\"}");
	return refuse(c, "404 Not Found", "notFound", "not here");
}

static void *
connected(void *arg)
{
	struct connection *c = arg;
	struct request r;

	while (!read_head(c, &r)) {
		pthread_mutex_lock(&lock);
		n_requests++;
		pthread_mutex_unlock(&lock);
		if (serve(c, &r))
			break;
	}
	close(c->fd);
	free(c);
	return NULL;
}

static char *
read_file(const char *path)
{
	char *p = malloc(MAX_JSON + 1);
	FILE *f = fopen(path, "r");
	size_t n;

	if (!p || !f)
		die(path);
	n = fread(p, 1, MAX_JSON, f);
	p[n] = '\0';
	if (fclose(f) || !strchr(p, '{'))
		die(path);
	return p;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, size = 4 << 20;
	socklen_t n = sizeof at;
	pthread_attr_t detached;
	pthread_t thread;

	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "--rows"))
			rows_of_a_job = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--table"))
			table = read_file(argv[i + 1]);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);	/* best effort: fewer switches between the two of us */
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64) || getsockname(fd, (struct sockaddr *)&at, &n))
		die("socket");
	port = ntohs(at.sin_port);
	if (printf("%d\n", port) < 0 || fflush(stdout))
		die("stdout");
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		struct connection *c = malloc(sizeof *c);

		if (!c)
			die("memory");
		c->n = 0;
		if ((c->fd = accept(fd, NULL, NULL)) < 0)
			die("accept");
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (pthread_create(&thread, &detached, connected, c))
			die("thread");
	}
}
