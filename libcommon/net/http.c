#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "weir.h"

#define HEADERS_MAX	(256u << 10)	/* bytes of an answer's headers */
#define UPLOAD_CHUNK	(256L << 10)	/* bytes a body is sent by */
#define HOST_SIZE	300
#define WAIT_MAX_S	86400		/* a longer Retry-After says no more than this */

struct http {
	CURL	*curl;
	char	*user_agent, *ca_file;
	int64_t	 connect_us, stall_us;
	size_t	 answer_max;
	char	 words[CURL_ERROR_SIZE];
};

/* One request on its way. */
struct transfer {
	const struct http_request	*r;
	struct http_answer		*a;
	struct fail			*f;
	struct curl_slist		*headers;
	CURLU				*url;
	char				 host[HOST_SIZE];	/* for people */
	uint64_t			 at;		/* of the body, next */
	uint64_t			 given;		/* the most of the body that libcurl ever had */
	int				 begun;		/* a connection stood, so bytes may be out */
	int				 headed;	/* the headers are whole */
	int				 code;		/* of a callback that ended it */
};

/* ---------------------------------------------------------------- opening */

static int
readable(const char *path, struct fail *f)
{
	FILE *fp = fopen(path, "re");

	if (!fp)
		return fail_errno(f, WEIR_ECONFIG, "cannot open the file of certificates %s", path);
	if (fgetc(fp) == EOF) {
		fclose(fp);
		return fail(f, WEIR_ECONFIG, "the file of certificates %s is empty or cannot be read; name another one in SSL_CERT_FILE", path);
	}
	fclose(fp);
	return 0;
}

static const char *
certificates(const struct http_options *o)
{
	const char *file = o->ca_file;

	if (!file && (!(file = getenv("CURL_CA_BUNDLE")) || !*file))
		file = getenv("SSL_CERT_FILE");
	return file && *file ? file : NULL;
}

int
http_open(const struct http_options *o, struct http **out, struct fail *f)
{
	const char *ca_file = certificates(o);
	struct http *h;
	int e;

	if (ca_file && (e = readable(ca_file, f)) < 0)
		return e;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail(f, WEIR_EAGAIN, "libcurl cannot be set up; run it again");
	if (!(h = calloc(1, sizeof *h))) {
		curl_global_cleanup();
		return fail(f, WEIR_EAGAIN, "no memory for HTTP");
	}
	h->connect_us = o->connect_us ? o->connect_us : HTTP_CONNECT_US;
	h->stall_us = o->stall_us ? o->stall_us : HTTP_STALL_US;
	h->answer_max = o->answer_max ? o->answer_max : HTTP_ANSWER_MAX;
	if (!(h->curl = curl_easy_init()) || (o->user_agent && !(h->user_agent = strdup(o->user_agent)))
	    || (ca_file && !(h->ca_file = strdup(ca_file)))) {
		http_close(h);
		return fail(f, WEIR_EAGAIN, "no memory for HTTP");
	}
	*out = h;
	return 0;
}

void
http_close(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
	free(h->user_agent);
	free(h->ca_file);
	free(h);
}

/* ---------------------------------------------------------------- what libcurl calls */

static int
on_begin(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	t->begun = 1;
	return CURL_PREREQFUNC_OK;
}

static size_t
on_body_wanted(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	const struct http_request *r = t->r;

	n *= size;
	if (n > r->body_bytes - t->at)
		n = (size_t)(r->body_bytes - t->at);
	if (r->body)
		memcpy(p, (const char *)r->body + t->at, n);
	else if (n && (t->code = r->read(r->arg, t->at, p, n, t->f)) < 0)
		return CURL_READFUNC_ABORT;
	t->at += n;
	if (t->given < t->at)
		t->given = t->at;
	return n;
}

static int
on_seek(void *arg, curl_off_t to, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET || to < 0 || (uint64_t)to > t->r->body_bytes)
		return CURL_SEEKFUNC_FAIL;
	t->at = (uint64_t)to;
	return CURL_SEEKFUNC_OK;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct buf *b = &t->a->headers;
	size_t len = n * size;

	while (len && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len > 5 && !memcmp(p, "HTTP/", 5)) {	/* another answer: the one before was 1xx, or is sent again */
		b->n = 0;
		t->headed = 0;
	} else if (!len)
		t->headed = 1;
	else if (!t->headed && (buf_put(b, p, len) < 0 || buf_putc(b, '\0') < 0)) {
		t->code = fail(t->f, WEIR_ECONFIG, "%s answers with more than %u bytes of headers", t->host, HEADERS_MAX);
		return 0;
	}
	return n * size;
}

static size_t
on_answer(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct buf *b = &t->a->body;

	n *= size;
	if (buf_put(b, p, n) == 0)
		return n;
	if (b->n + n > b->max)
		t->code = fail(t->f, WEIR_ECONFIG, "%s answers with more than %zu bytes", t->host, b->max);
	else
		t->code = fail(t->f, WEIR_EAGAIN, "no memory for the answer of %s", t->host);
	return 0;
}

/* ---------------------------------------------------------------- a request */

/* What of a URL may be shown: no user, no query. */
static int
shown(const char *url)
{
	size_t n = strcspn(url, "?#");

	return memchr(url, '@', n) ? 0 : (int)(n < 200 ? n : 200);
}

static int
parse_url(struct transfer *t)
{
	const char *url = t->r->url;
	char *scheme = NULL, *host = NULL, *port = NULL;
	int known;

	if (!(t->url = curl_url()))
		return fail(t->f, WEIR_EAGAIN, "no memory for a URL");
	known = curl_url_set(t->url, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(t->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
	    && (!strcmp(scheme, "https") || !strcmp(scheme, "http")) && curl_url_get(t->url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
	if (known) {
		curl_url_get(t->url, CURLUPART_PORT, &port, 0);		/* NULL: the scheme's */
		snprintf(t->host, sizeof t->host, "%s%s%s", host, port ? ":" : "", port ? port : "");
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return known ? 0 : fail(t->f, WEIR_ECONFIG, "'%.*s' is no http:// or https:// URL", shown(url), url);
}

static int
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	if (!more)
		return fail(t->f, WEIR_EAGAIN, "no memory for a request's headers");
	t->headers = more;
	return 0;
}

static int
make_headers(struct transfer *t)
{
	const char *const *line;
	char *authorization;
	int e = add_header(t, "Expect:");

	for (line = t->r->header; !e && line && *line; line++)
		e = add_header(t, *line);
	if (e || !t->r->authorization)
		return e;
	if (asprintf(&authorization, "Authorization: %s", t->r->authorization) < 0)
		return fail(t->f, WEIR_EAGAIN, "no memory for a request's headers");
	e = add_header(t, authorization);
	free(authorization);
	return e;
}

/* libcurl sends a request again when a kept connection turns out dead before a byte of an answer came.  That is right where the method
 * says that twice is as good as once; other requests get a connection of their own, where it never does. */
static int
repeatable(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "PUT") || !strcmp(method, "DELETE");
}

static int
has_body(const struct http_request *r)
{
	return r->body_bytes || !strcmp(r->method, "POST") || !strcmp(r->method, "PUT") || !strcmp(r->method, "PATCH");
}

static long
seconds(int64_t us)
{
	return (long)((us + 999999) / 1000000);
}

static long
milliseconds(int64_t us)
{
	return (long)((us + 999) / 1000);
}

/* Each returns CURLE_OK, or the first error there was. */
#define SET(option, value)	(c = c == CURLE_OK ? curl_easy_setopt(h->curl, CURLOPT_ ## option, value) : c)

static CURLcode
set_connection(struct http *h, struct transfer *t)
{
	CURLcode c = CURLE_OK;

	SET(CURLU, t->url);
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(NOSIGNAL, 1L);
	SET(ERRORBUFFER, h->words);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (h->ca_file)
		SET(CAINFO, h->ca_file);
	if (t->r->direct)
		SET(PROXY, "");
	SET(SUPPRESS_CONNECT_HEADERS, 1L);
	SET(FRESH_CONNECT, repeatable(t->r->method) ? 0L : 1L);
	SET(CONNECTTIMEOUT_MS, milliseconds(h->connect_us));
	SET(LOW_SPEED_LIMIT, 1L);
	SET(LOW_SPEED_TIME, seconds(h->stall_us));
	SET(TIMEOUT_MS, milliseconds(t->r->deadline_us));
	SET(PREREQFUNCTION, on_begin);
	SET(PREREQDATA, t);
	return c;
}

static CURLcode
set_request(struct http *h, struct transfer *t)
{
	CURLcode c = CURLE_OK;

	SET(CUSTOMREQUEST, t->r->method);
	SET(HTTPHEADER, t->headers);
	if (h->user_agent)
		SET(USERAGENT, h->user_agent);
	SET(ACCEPT_ENCODING, "");
	if (has_body(t->r)) {
		SET(UPLOAD, 1L);
		SET(UPLOAD_BUFFERSIZE, UPLOAD_CHUNK);
		SET(INFILESIZE_LARGE, (curl_off_t)t->r->body_bytes);
		SET(READFUNCTION, on_body_wanted);
		SET(READDATA, t);
		SET(SEEKFUNCTION, on_seek);
		SET(SEEKDATA, t);
	}
	SET(HEADERFUNCTION, on_header);
	SET(HEADERDATA, t);
	SET(WRITEFUNCTION, on_answer);
	SET(WRITEDATA, t);
	return c;
}

/* ---------------------------------------------------------------- what came of it */

static void
read_answer(struct http *h, struct http_answer *a)
{
	curl_off_t wait = 0;
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	a->status = (int)status;
	a->sent = 1;
	if (http_header(a, "Retry-After") && curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK)
		a->retry_after_us = (wait < 0 ? 0 : wait > WAIT_MAX_S ? WAIT_MAX_S : wait) * INT64_C(1000000);
}

/* A server that refuses a request early often resets the connection while the body is still being sent.  Its refusal counts, and the body
 * of its answer if that came whole. */
static int
refused_early(struct http *h, struct transfer *t)
{
	curl_off_t said = -1, came = 0;
	long status = 0;

	if (!t->headed || curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 400)
		return 0;
	curl_easy_getinfo(h->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &said);
	curl_easy_getinfo(h->curl, CURLINFO_SIZE_DOWNLOAD_T, &came);
	if (said != came)
		t->a->body.n = 0;
	read_answer(h, t->a);
	return 1;
}

static int
no_connection(struct http *h, CURLcode c, const char *words, struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status >= 400 && status < 500)
		return fail(t->f, WEIR_ECONFIG, "the proxy does not let us through to %s: it answers with status %ld; see https_proxy, http_proxy and no_proxy",
		    t->host, status);
	switch (c) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return fail(t->f, WEIR_ECONFIG, "the certificate of %s is not accepted: %s; "
		    "name a file with its issuer's certificate in SSL_CERT_FILE, and check this machine's clock", t->host, words);
	case CURLE_SSL_CACERT_BADFILE:
		return fail(t->f, WEIR_ECONFIG, "cannot use the certificates%s%s: %s; name another file in SSL_CERT_FILE",
		    h->ca_file ? " of " : "", h->ca_file ? h->ca_file : "", words);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_NOT_BUILT_IN:
		return fail(t->f, WEIR_ECONFIG, "libcurl cannot do a request to %s: %s", t->host, words);
	default:
		return fail(t->f, WEIR_EAGAIN, "no connection to %s: %s", t->host, words);
	}
}

static int
no_answer(struct http *h, CURLcode c, struct transfer *t)
{
	const char *words = *h->words ? h->words : curl_easy_strerror(c);

	t->a->sent = t->headed || (t->begun && t->given == t->r->body_bytes);
	if (t->code < 0)
		return t->code;
	if (c == CURLE_OUT_OF_MEMORY)
		return fail(t->f, WEIR_EAGAIN, "no memory for a request to %s", t->host);
	if (!t->begun)
		return no_connection(h, c, words, t);
	if (t->headed)
		return fail(t->f, WEIR_EAGAIN, "the answer of %s did not come whole: %s", t->host, words);
	if (!t->a->sent)
		return fail(t->f, WEIR_EAGAIN, "sending to %s broke off at byte %" PRIu64 " of %" PRIu64 ": %s", t->host, t->given, t->r->body_bytes, words);
	return fail(t->f, WEIR_EAGAIN, "no answer from %s: %s", t->host, words);
}

static int
perform(struct http *h, struct transfer *t)
{
	CURLcode c;

	curl_easy_reset(h->curl);	/* connections stay */
	*h->words = '\0';
	if ((c = set_connection(h, t)) != CURLE_OK || (c = set_request(h, t)) != CURLE_OK)
		return fail(t->f, c == CURLE_OUT_OF_MEMORY ? WEIR_EAGAIN : WEIR_ECONFIG, "libcurl refuses an option: %s", curl_easy_strerror(c));
	if ((c = curl_easy_perform(h->curl)) == CURLE_OK)
		read_answer(h, t->a);
	else if (t->code < 0 || !refused_early(h, t))
		return no_answer(h, c, t);
	return 0;
}

int
http_send(struct http *h, const struct http_request *r, struct http_answer *a, struct fail *f)
{
	struct transfer t = { .r = r, .a = a, .f = f };
	int e;

	a->status = a->sent = 0;
	a->retry_after_us = -1;
	a->body.n = a->headers.n = 0;
	a->body.max = h->answer_max;
	a->headers.max = HEADERS_MAX;
	if ((e = parse_url(&t)) == 0 && (e = make_headers(&t)) == 0)
		e = perform(h, &t);
	curl_slist_free_all(t.headers);
	curl_url_cleanup(t.url);
	return e;
}

void
http_answer_free(struct http_answer *a)
{
	buf_free(&a->body);
	buf_free(&a->headers);
}

const char *
http_header(const struct http_answer *a, const char *name)
{
	const char *p = a->headers.p, *end = p ? p + a->headers.n : p;
	size_t n = strlen(name);

	for (; p < end; p += strlen(p) + 1)
		if (!strncasecmp(p, name, n) && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	return NULL;
}

int
http_escape(struct buf *out, const char *p, size_t n)
{
	static const char digit[] = "0123456789ABCDEF";

	for (; n; p++, n--) {
		unsigned char c = (unsigned char)*p;
		char coded[3] = { '%', digit[c >> 4], digit[c & 15] };
		int plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));

		if (buf_put(out, plain ? p : coded, plain ? 1 : 3) < 0)
			return -1;
	}
	return 0;
}
