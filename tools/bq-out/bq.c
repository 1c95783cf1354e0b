#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bq.h"
#include "bq-inside.h"
#include "google.h"
#include "weir.h"

#define URL_MAX		(12u << 10)	/* Google takes 16 KiB of address and headers */
#define HEADERS		8		/* of one request */
#define PAGE_WORDS	160		/* bytes of a proxy's page that are shown */

/* ---------------------------------------------------------------- the endpoint */

/* The host of an address: where it begins, and its length; 0 for what is no http:// or https:// address. */
static size_t
host_of(const char *url, const char **host)
{
	const char *p = strstr(url, "://");
	size_t n;

	if (!p || (strncmp(url, "http://", 7) && strncmp(url, "https://", 8)))
		return 0;
	p += 3;
	n = *p == '[' ? strcspn(p, "]") + 1 : strcspn(p, ":/?#");
	if (memchr(p, '@', strcspn(p, "/?#")))
		return 0;
	*host = p;
	return n;
}

static int
is_google(const char *url)
{
	static const char own[] = "googleapis.com";
	const char *host;
	size_t n = host_of(url, &host), k = sizeof own - 1;

	return n >= k && !strncmp(url, "https://", 8) && !strncasecmp(host + n - k, own, k) && (n == k || host[n - k - 1] == '.');
}

static int
is_local(const char *url)
{
	static const char *const name[] = { "localhost", "127.0.0.1", "[::1]" };
	const char *host;
	size_t n = host_of(url, &host);

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (n == strlen(name[i]) && !strncasecmp(host, name[i], n))
			return 1;
	return 0;
}

static int
set_endpoint(struct bq *bq, const struct bq_options *o, struct fail *f)
{
	const char *env = getenv("BIGQUERY_EMULATOR_HOST"), *url = o->endpoint, *host;
	size_t n;

	bq->emulator = !url && env && *env;
	if (!url)
		url = bq->emulator ? env : BQ_ENDPOINT;
	if (asprintf(&bq->endpoint, "%s%s", strstr(url, "://") ? "" : bq->emulator ? "http://" : "https://", url) < 0) {
		bq->endpoint = NULL;
		return fail(f, WEIR_EAGAIN, "no memory for an address");
	}
	for (n = strlen(bq->endpoint); n && bq->endpoint[n - 1] == '/'; )
		bq->endpoint[--n] = '\0';
	if (!host_of(bq->endpoint, &host) || strpbrk(host, "?#"))
		return fail(f, WEIR_ECONFIG, "%s: not an address like http://localhost:9050", o->endpoint ? "--endpoint" : "BIGQUERY_EMULATOR_HOST");
	bq->google_host = is_google(bq->endpoint);
	return 0;
}

/* The rules stand at struct bq_options. */
static int
set_credentials(struct bq *bq, const struct bq_options *o, struct fail *f)
{
	struct google_options g = { .file = o->credentials, .scope = "https://www.googleapis.com/auth/bigquery", .http = bq->http };
	const char *env = getenv("GOOGLE_APPLICATION_CREDENTIALS");

	if (!bq->google_host && !o->credentials && (bq->emulator || !env || !*env))
		return 0;
	if (!strncmp(bq->endpoint, "http://", 7) && !is_local(bq->endpoint))
		return fail(f, WEIR_ECONFIG, "credentials do not go over http:// to another machine; say --endpoint https://...");
	if (bq->google_host)
		g.audience = BQ_ENDPOINT "/";
	return google_open(&g, &bq->google, f);
}

static int
set_project(struct bq *bq, const struct bq_options *o, struct fail *f)
{
	const char *p = o->project;

	if (!p && (!(p = getenv("GOOGLE_CLOUD_PROJECT")) || !*p) && (!(p = getenv("GCLOUD_PROJECT")) || !*p))
		p = bq->google ? google_project(bq->google) : NULL;
	if ((p && !(bq->project = strdup(p))) || (o->location && !(bq->location = strdup(o->location))))
		return fail(f, WEIR_EAGAIN, "no memory for a name");
	return 0;
}

int
bq_open(const struct bq_options *o, struct bq **out, struct fail *f)
{
	struct bq *bq = calloc(1, sizeof *bq);
	int e;

	if (!bq)
		return fail(f, WEIR_EAGAIN, "no memory for BigQuery");
	bq->retry_us = o->retry_us ? o->retry_us : BQ_RETRY_US;
	if ((e = http_open(&(struct http_options){ .user_agent = "weir/" VERSION }, &bq->http, f)) < 0 || (e = set_endpoint(bq, o, f)) < 0 ||
	    (e = set_credentials(bq, o, f)) < 0 || (e = set_project(bq, o, f)) < 0) {
		bq_close(bq);
		return e;
	}
	*out = bq;
	return 0;
}

void
bq_close(struct bq *bq)
{
	if (!bq)
		return;
	if (bq->google)
		google_close(bq->google);
	http_close(bq->http);
	http_answer_free(&bq->answer);
	free(bq->endpoint);
	free(bq->project);
	free(bq->location);
	free(bq);
}

int
bq_reload(struct bq *bq, struct fail *f)
{
	return bq->google ? google_reload(bq->google, f) : 0;
}

int
bq_default_project(struct bq *bq, const char *project, struct fail *f)
{
	if (!bq->project && !(bq->project = strdup(project)))
		return fail(f, WEIR_EAGAIN, "no memory for a project");
	return 0;
}

const char *
bq_project(const struct bq *bq)
{
	return bq->project;
}

const char *
bq_location(const struct bq *bq)
{
	return bq->location;
}

const char *
bq_who(const struct bq *bq)
{
	return bq->google ? google_who(bq->google) : "nobody (no credentials are sent)";
}

int64_t
bq_retry_us(const struct bq *bq)
{
	return bq->retry_us;
}

/* ---------------------------------------------------------------- addresses */

int
bq_url(const struct bq *bq, struct buf *out, const char *prefix, const char *const *segment, struct fail *f)
{
	int bad;

	out->n = 0;
	out->max = URL_MAX;
	bad = buf_puts(out, bq->endpoint) | buf_puts(out, prefix);
	for (; *segment; segment++)
		bad |= http_escape(out, *segment, strlen(*segment)) | (segment[1] ? buf_putc(out, '/') : 0);
	bad |= buf_puts(out, "?prettyPrint=false") | buf_putc(out, '\0');
	if (bad)
		return fail(f, WEIR_ECONFIG, "a name is too long for BigQuery: the address of a request would be over %u bytes", URL_MAX);
	out->n--;
	return 0;
}

int
bq_rehost(const struct bq *bq, const char *location, struct buf *out, struct fail *f)
{
	size_t n = strlen(bq->endpoint);
	const char *host, *path = location;
	int as_is = (bq->google_host && is_google(location)) || (!strncmp(location, bq->endpoint, n) && location[n] == '/');

	if (!as_is && host_of(location, &host))
		path = host + strcspn(host, "/");
	if (!as_is && *path != '/')
		return fail(f, WEIR_ECONFIG, "%s names no place to upload to: its answer's Location is no address; check --endpoint", bq->endpoint);
	out->n = 0;
	out->max = URL_MAX;
	if ((as_is ? 0 : buf_puts(out, bq->endpoint)) | buf_puts(out, path) | buf_putc(out, '\0'))
		return fail(f, WEIR_ECONFIG, "%s names a place to upload to whose address is over %u bytes", bq->endpoint, URL_MAX);
	out->n--;
	return 0;
}

/* ---------------------------------------------------------------- what an answer is */

static int
one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return 1;
	return 0;
}

int
bq_transient_reason(const char *reason)
{
	static const char *const list[] = { "backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded",
		"jobRateLimitExceeded", "userRateLimitExceeded", "badGateway", "tableUnavailable", NULL };

	return one_of(reason, list);
}

int
bq_quota_reason(const char *reason)
{
	static const char *const list[] = { "quotaExceeded", "dailyLimitExceeded", NULL };

	return one_of(reason, list);
}

enum bq_class
bq_class(int status, const char *reason)
{
	if ((status >= 200 && status < 300) || status == 308)
		return BQ_OK;
	if (bq_quota_reason(reason))
		return BQ_QUOTA;
	if (!status || retry_status(status) || bq_transient_reason(reason) || (status > 504 && status < 600))
		return BQ_TRANSIENT;
	switch (status) {
	case 401:
	case 403:
		return BQ_FORBIDDEN;
	case 404:
	case 410:
		return BQ_NOT_FOUND;
	case 409:
		return BQ_EXISTS;
	case 412:
		return BQ_MOVED;
	default:
		return BQ_WRONG;
	}
}

/* Text of others into one short line. */
void
bq_words(char *out, size_t size, const char *p, size_t n)
{
	size_t k = 0;

	for (; n && k + 1 < size; p++, n--) {
		unsigned char c = (unsigned char)*p;

		if (c > ' ' && c != 0x7f)
			out[k++] = (char)c;
		else if (k && out[k - 1] != ' ')
			out[k++] = ' ';
	}
	while (k && out[k - 1] == ' ')
		k--;
	if (n)			/* no half character at a cut */
		while (k && (out[k - 1] & 0xc0) == 0x80)
			k--;
	if (n && k && (unsigned char)out[k - 1] >= 0xc0)
		k--;
	out[k] = '\0';
}

/* What a proxy says in HTML: its title, else its first words. */
static void
read_page(struct bq_call *c, const struct buf *page)
{
	const char *from, *to;

	if (!page->p)
		return;
	if ((from = memmem(page->p, page->n, "<title>", 7)) && (to = memmem(from, page->n - (size_t)(from - page->p), "</title>", 8)))
		bq_words(c->words, sizeof c->words, from + 7, (size_t)(to - from) - 7);
	else
		bq_words(c->words, PAGE_WORDS, page->p, page->n);
}

static void
read_answer(struct bq_call *c, const struct http_answer *a)
{
	const json_t *error, *first;
	const char *reason, *message;

	c->status = a->status;
	c->wait_us = a->retry_after_us;
	c->json = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
	if (a->status >= 300 && a->status != 308) {
		error = json_object_get(c->json, "error");
		first = json_array_get(json_object_get(error, "errors"), 0);
		reason = json_string_value(json_object_get(first, "reason"));
		if (!(message = json_string_value(json_object_get(error, "message"))))
			message = json_string_value(error);
		snprintf(c->reason, sizeof c->reason, "%s", reason ? reason : "");
		if (message)
			bq_words(c->words, sizeof c->words, message, strlen(message));
		else
			read_page(c, &a->body);
	}
	c->class = bq_class(c->status, c->reason);
}

/* ---------------------------------------------------------------- one request */

static int
send_one(struct bq *bq, struct bq_call *c, struct fail *f)
{
	const char *header[HEADERS] = { NULL }, *quota = bq->google ? google_quota_project(bq->google) : NULL;
	char type[200], project[200];
	struct http_request r = { .method = c->method, .url = c->url, .header = header, .body = c->body, .read = c->read, .arg = c->arg,
		.body_bytes = c->body_bytes, .deadline_us = c->deadline_us };
	size_t n = 0;
	int e;

	if (c->body_bytes) {
		snprintf(type, sizeof type, "Content-Type: %s", c->type ? c->type : "application/json; charset=UTF-8");
		header[n++] = type;
	}
	if (quota) {
		snprintf(project, sizeof project, "x-goog-user-project: %s", quota);
		header[n++] = project;
	}
	for (size_t i = 0; i < sizeof c->header / sizeof *c->header && c->header[i]; i++)
		header[n++] = c->header[i];
	if (bq->google && (e = google_token(bq->google, &r.authorization, f)) < 0)
		return e;
	return http_send(bq->http, &r, &bq->answer, f);
}

int
bq_once(struct bq *bq, struct bq_call *c, struct fail *f)
{
	int e;

	json_decref(c->json);
	c->json = NULL;
	c->status = c->sent = 0;
	c->wait_us = -1;
	*c->reason = *c->words = '\0';
	c->class = BQ_TRANSIENT;
	c->answer = &bq->answer;
	bq->answer.sent = 0;
	if ((e = send_one(bq, c, f)) == 0 && bq->answer.status == 401 && bq->google) {
		google_refused(bq->google);
		bq->answer.sent = 0;
		e = send_one(bq, c, f);
	}
	if (e == WEIR_EAGAIN) {		/* no answer, or no token just now */
		c->sent = bq->answer.sent;
		bq_words(c->words, sizeof c->words, f->text, strlen(f->text));
		return 0;
	}
	if (!e)
		read_answer(c, &bq->answer);
	return e;
}

int
bq_call(struct bq *bq, struct bq_call *c, struct fail *f)
{
	struct retry r;
	int e;

	retry_begin(&r, BQ_WAIT_FIRST_US, BQ_WAIT_MOST_US, bq->retry_us);
	do
		e = bq_once(bq, c, f);
	while (!e && c->class == BQ_TRANSIENT && retry_wait(&r, c->wait_us) == 0);
	return e;
}

/* ---------------------------------------------------------------- the sentence */

static int
fail_forbidden(const struct bq *bq, const struct bq_call *c, struct fail *f)
{
	if (!bq->google)
		return fail(f, WEIR_ECONFIG, "cannot %s: %s wants to know who we are (%s); name a file with --credentials", c->what, bq->endpoint,
		    c->words);
	if (c->status == 401)
		return fail(f, WEIR_ECONFIG, "cannot %s: BigQuery does not accept %s: %s; make new credentials, and check this machine's clock", c->what,
		    bq_who(bq), c->words);
	if (!strcmp(c->reason, "billingNotEnabled"))
		return fail(f, WEIR_ECONFIG, "cannot %s: %s; switch billing on for the project", c->what, c->words);
	return fail(f, WEIR_ECONFIG, "cannot %s: %s; %s needs %s", c->what, c->words, bq_who(bq), c->role);
}

int
bq_fail(const struct bq *bq, const struct bq_call *c, struct fail *f)
{
	char how[BQ_REASON_SIZE + 24] = "";

	if (c->status)
		snprintf(how, sizeof how, " (%d%s%s)", c->status, *c->reason ? " " : "", c->reason);
	switch (c->class) {
	case BQ_TRANSIENT:
		return fail(f, WEIR_EAGAIN, "cannot %s: %s%s; run it again", c->what, c->words, how);
	case BQ_QUOTA:
		return fail(f, WEIR_EAGAIN, "cannot %s: a quota of BigQuery is used up: %s%s; quotas of a day refill over 24 hours: run it again then, "
		    "and less often", c->what, c->words, how);
	case BQ_FORBIDDEN:
		return fail_forbidden(bq, c, f);
	case BQ_NOT_FOUND:
		return fail(f, WEIR_ECONFIG, "cannot %s: %s%s; check the names, and --location", c->what, c->words, how);
	default:
		if (c->status >= 200 && c->status < 300)
			return fail(f, WEIR_ECONFIG, "cannot %s: %s answers with something else than BigQuery does; check --endpoint", c->what,
			    bq->endpoint);
		return fail(f, WEIR_ECONFIG, "cannot %s: %s%s", c->what, *c->words ? c->words : "BigQuery does not say why", how);
	}
}
