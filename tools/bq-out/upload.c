#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bq-inside.h"
#include "upload.h"
#include "weir.h"

#define NO_JOB		"an answer without a job in it"
#define PROBE_US	(INT64_C(60) * 1000000)
#define BOUNDARY	"weir_8d0c5b6e1f7a4c39_part"	/* cannot stand in gzip's or JSON's lines by chance: "\r\n--" goes before it */

/* ---------------------------------------------------------------- what it is about */

int
upload_begin(struct upload *u, char *job, char *what, char *role, struct fail *f)
{
	free(u->job);
	free(u->what);
	free(u->role);
	u->job = job;
	u->what = what;
	u->role = role;
	u->session.n = u->stored = 0;
	u->lost = 0;
	u->asking = u->last = u->failing = 0;
	if (!job || !what || !role)
		return fail(f, WEIR_EAGAIN, "no memory for a load job");
	return 0;
}

void
upload_free(struct upload *u)
{
	free(u->job);
	free(u->what);
	free(u->role);
	buf_free(&u->url);
	buf_free(&u->session);
}

int
upload_wait(struct upload *u, int64_t wait_us)
{
	if (!u->failing)
		retry_begin(&u->retry, BQ_WAIT_FIRST_US, BQ_WAIT_MOST_US, bq_retry_us(u->bq));
	u->failing = 1;
	return retry_wait(&u->retry, wait_us);
}

static int
set_url(struct upload *u, const char *type, struct fail *f)
{
	const char *segment[] = { bq_project(u->bq), "jobs", NULL };
	int e = bq_url(u->bq, &u->url, "/upload/bigquery/v2/projects/", segment, f);

	if (!e && (buf_puts(&u->url, "&uploadType=") | buf_puts(&u->url, type) | buf_putc(&u->url, '\0')))
		e = fail(f, WEIR_ECONFIG, "the name of the project is too long");
	return e;
}

static struct bq_call
new_call(const struct upload *u, const char *method, const char *url)
{
	return (struct bq_call){ .what = u->what, .role = u->role, .method = method, .url = url };
}

/* A job came back.  One of another id means that ids are not kept, and nothing here would hold. */
static int
take_job(struct upload *u, const struct bq_call *c, enum upload_end *end, json_t **job, struct fail *f)
{
	const char *id = json_string_value(json_object_get(json_object_get(c->json, "jobReference"), "jobId"));
	char quoted[104];

	if (!id) {
		strcpy(u->words, NO_JOB);
		*end = UPLOAD_MAYBE;
		return 0;
	}
	snprintf(quoted, sizeof quoted, "\"%.100s\"", id);
	if (!strstr(u->job, quoted))
		return fail(f, WEIR_ECONFIG, "cannot %s: the server gives the job another id, %.60s, so nothing keeps it from being loaded twice; "
		    "check --endpoint", u->what, id);
	*end = UPLOAD_JOB;
	*job = json_incref(c->json);
	return 0;
}

/* ---------------------------------------------------------------- in one request */

struct multipart {
	struct spool	*spool;
	struct buf	 head;
	uint64_t	 media;
};

static const char tail[] = "\r\n--" BOUNDARY "--\r\n";

/* head, media, tail, as one body. */
static int
multipart_read(void *arg, uint64_t at, void *p, size_t n, struct fail *f)
{
	struct multipart *m = arg;
	char *out = p;
	int e;

	while (n) {
		size_t k;

		if (at < m->head.n) {
			k = m->head.n - at < n ? (size_t)(m->head.n - at) : n;
			memcpy(out, m->head.p + at, k);
		} else if (at < m->head.n + m->media) {
			k = m->head.n + m->media - at < n ? (size_t)(m->head.n + m->media - at) : n;
			if ((e = spool_read(m->spool, at - m->head.n, out, k, f)) < 0)
				return e;
		} else {
			k = n;
			memcpy(out, tail + (at - m->head.n - m->media), k);
		}
		at += k;
		out += k;
		n -= k;
	}
	return 0;
}

static int
multipart(struct upload *u, uint64_t total, enum upload_end *end, json_t **job, struct fail *f)
{
	struct multipart m = { .spool = u->spool, .media = total };
	struct bq_call c;
	int e;

	if ((e = set_url(u, "multipart", f)) < 0)
		return e;
	if (buf_printf(&m.head, "--" BOUNDARY "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n--" BOUNDARY "\r\n"
	    "Content-Type: application/octet-stream\r\n\r\n", u->job) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for a load job");
	c = new_call(u, "POST", u->url.p);
	c.type = "multipart/related; boundary=" BOUNDARY;
	c.read = multipart_read;
	c.arg = &m;
	c.body_bytes = m.head.n + m.media + sizeof tail - 1;
	if ((e = bq_once(u->bq, &c, f)) == 0)
		switch (c.class) {
		case BQ_OK:
			e = take_job(u, &c, end, job, f);
			break;
		case BQ_EXISTS:
			*end = UPLOAD_EXISTS;
			break;
		case BQ_TRANSIENT:		/* 429 and the like are a no; 5xx may come after the deed */
			*end = c.sent || c.status >= 500 ? UPLOAD_MAYBE : UPLOAD_ABSENT;
			memcpy(u->words, c.words, sizeof u->words);
			break;
		default:
			e = bq_fail(u->bq, &c, f);
		}
	json_decref(c.json);
	buf_free(&m.head);
	return e;
}

/* ---------------------------------------------------------------- by a session */

int
upload_range(const char *range, uint64_t *stored)
{
	char *end;

	*stored = 0;
	if (!range)
		return 0;
	range += strncmp(range, "bytes=", 6) ? 0 : 6;
	if (strncmp(range, "0-", 2) || range[2] < '0' || range[2] > '9')
		return -1;
	*stored = strtoull(range + 2, &end, 10) + 1;
	return *end ? -1 : 0;
}

/* Wait, or say that it does not go on, and why. */
static enum upload_end
broken(struct upload *u, const char *words, int64_t wait_us)
{
	snprintf(u->words, sizeof u->words, "%s", words);
	u->asking = 1;
	if (upload_wait(u, wait_us) == 0)
		return UPLOAD_GOING;
	return u->last ? UPLOAD_MAYBE : UPLOAD_ABSENT;
}

static int
start(struct upload *u, uint64_t total, enum upload_end *end, struct fail *f)
{
	char length[64];
	const char *location;
	struct bq_call c;
	int e;

	if ((e = set_url(u, "resumable", f)) < 0)
		return e;
	snprintf(length, sizeof length, "X-Upload-Content-Length: %" PRIu64, total);
	c = new_call(u, "POST", u->url.p);
	c.header[0] = "X-Upload-Content-Type: application/octet-stream";
	c.header[1] = total ? length : NULL;
	c.body = u->job;
	c.body_bytes = strlen(u->job);
	c.deadline_us = PROBE_US;
	if ((e = bq_once(u->bq, &c, f)) == 0)
		switch (c.class) {
		case BQ_OK:
			location = http_header(c.answer, "Location");
			e = bq_rehost(u->bq, location ? location : "", &u->session, f);
			u->stored = 0;
			u->asking = u->last = 0;
			*end = UPLOAD_GOING;
			break;
		case BQ_EXISTS:
			*end = UPLOAD_EXISTS;
			break;
		case BQ_TRANSIENT:		/* a session without its data is no job */
			*end = broken(u, c.words, c.wait_us);
			break;
		default:
			e = bq_fail(u->bq, &c, f);
		}
	json_decref(c.json);
	return e;
}

/* 308: so much is there. */
static int
stored(struct upload *u, const struct bq_call *c, uint64_t total, enum upload_end *end, struct fail *f)
{
	struct spool_sum sum;
	uint64_t n;

	spool_sum(u->spool, &sum);
	if (upload_range(http_header(c->answer, "Range"), &n) < 0 || n > sum.out)
		return fail(f, WEIR_ECONFIG, "cannot %s: the server says that it has other bytes than were sent; check --endpoint", u->what);
	u->last = total && n == total;
	if (n < spool_from(u->spool)) {
		u->session.n = 0;
		*end = UPLOAD_LOST;
		return 0;
	}
	*end = UPLOAD_GOING;
	if (n > u->stored) {
		u->lost = 0;
		u->failing = 0;
	} else if (!u->asking)
		*end = broken(u, u->last ? "all is sent, and no job comes of it" : "nothing of what is sent is kept", c->wait_us);
	u->asking = 0;
	u->stored = n;
	return 0;
}

/* 404, 410: the session is no more. */
static int
lost(struct upload *u, const struct bq_call *c, enum upload_end *end, struct fail *f)
{
	u->session.n = 0;
	if (u->last)
		*end = UPLOAD_MAYBE;
	else if (spool_from(u->spool))
		*end = UPLOAD_LOST;
	else if (++u->lost >= UPLOAD_SESSIONS)
		return bq_fail(u->bq, c, f);
	else
		*end = broken(u, c->words, c->wait_us);
	return 0;
}

static int
session_read(void *arg, uint64_t at, void *p, size_t n, struct fail *f)
{
	struct upload *u = arg;

	return spool_read(u->spool, u->stored + at, p, n, f);
}

/* One request: the next n bytes, or, with n 0, the question how far it got.  total 0: not known yet. */
static int
put(struct upload *u, uint64_t n, uint64_t total, enum upload_end *end, json_t **job, struct fail *f)
{
	char range[96], whole[24] = "*";
	struct bq_call c = new_call(u, "PUT", u->session.p);
	uint64_t to = u->stored + n;
	int e;

	if (total)
		snprintf(whole, sizeof whole, "%" PRIu64, total);
	if (n)
		snprintf(range, sizeof range, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%s", u->stored, to - 1, whole);
	else
		snprintf(range, sizeof range, "Content-Range: bytes */%s", whole);
	c.header[0] = range;
	c.type = "application/octet-stream";
	c.read = session_read;
	c.arg = u;
	c.body_bytes = n;
	c.deadline_us = n ? 0 : PROBE_US;
	if ((e = bq_once(u->bq, &c, f)) < 0)
		goto out;
	u->last |= total && to == total && n && (c.class == BQ_OK || (c.class == BQ_TRANSIENT && (c.sent || c.status)));
	switch (c.class) {
	case BQ_OK:
		if (c.status == 308)
			e = stored(u, &c, total, end, f);
		else if ((e = take_job(u, &c, end, job, f)) == 0 && *end == UPLOAD_MAYBE)
			*end = broken(u, NO_JOB, c.wait_us);
		else if (!e && !u->last)	/* an emulator that takes each chunk for the whole */
			e = fail(f, WEIR_ECONFIG, "cannot %s: the server began the job before its data was there, so it has loaded a part; check --endpoint",
			    u->what);
		break;
	case BQ_EXISTS:
		*end = UPLOAD_EXISTS;
		break;
	case BQ_TRANSIENT:
		*end = broken(u, c.words, c.wait_us);
		break;
	case BQ_NOT_FOUND:
		e = lost(u, &c, end, f);
		break;
	default:
		e = bq_fail(u->bq, &c, f);
	}
out:
	json_decref(c.json);
	return e;
}

/* Up to byte `to`, which is the end when total is not 0. */
static int
resumable(struct upload *u, uint64_t to, uint64_t total, enum upload_end *end, json_t **job, struct fail *f)
{
	int e = 0;

	*end = UPLOAD_GOING;
	while (!e && *end == UPLOAD_GOING) {
		uint64_t n = to > u->stored ? to - u->stored : 0;

		if (n > UPLOAD_CHUNK)
			n = UPLOAD_CHUNK;
		if (u->stored + n != total)
			n -= n % UPLOAD_UNIT;
		if (!u->session.n)
			e = start(u, total, end, f);
		else if (n || u->asking || total)
			e = put(u, u->asking ? 0 : n, total, end, job, f);
		else
			*end = UPLOAD_JOB;
	}
	return e;
}

/* ---------------------------------------------------------------- */

int
upload_stream(struct upload *u, enum upload_end *end, struct fail *f)
{
	struct spool_sum sum;
	json_t *job = NULL;
	int e;

	spool_sum(u->spool, &sum);
	e = resumable(u, (sum.out - 1) / UPLOAD_UNIT * UPLOAD_UNIT, 0, end, &job, f);
	json_decref(job);			/* of a server that is refused */
	if (!e && *end == UPLOAD_JOB)
		spool_release(u->spool, u->stored);
	return e;
}

int
upload_finish(struct upload *u, enum upload_end *end, json_t **job, struct fail *f)
{
	struct spool_sum sum;

	spool_sum(u->spool, &sum);
	if (!u->session.n && !spool_from(u->spool) && sum.out <= UPLOAD_MULTIPART)
		return multipart(u, sum.out, end, job, f);
	if (!u->session.n && spool_from(u->spool)) {
		*end = UPLOAD_LOST;
		return 0;
	}
	return resumable(u, sum.out, sum.out, end, job, f);
}
