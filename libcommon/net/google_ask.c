#include "config.h"

#include <stdio.h>
#include <string.h>

#include "google_parts.h"
#include "retry.h"
#include "weir.h"

#define FIRST_US	INT64_C(500000)		/* the first wait, and the longest */
#define MOST_US		INT64_C(4000000)
#define HOST_SIZE	300

void
google_host(const char *url, char *host, size_t size)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	snprintf(host, size, "%.*s", (int)strcspn(p, "/?#"), p);
}

int
google_form(struct buf *b, const char *name, const char *value)
{
	if ((b->n && buf_putc(b, '&') < 0) || buf_puts(b, name) < 0 || buf_putc(b, '=') < 0)
		return -1;
	return http_escape(b, value, strlen(value));
}

/* Errors of OAuth that are the service's own (RFC 6749, 4.1.2.1, and what Google's says beside them). */
static int
is_passing(const struct http_answer *a)
{
	static const char *const passing[] = { "internal_failure", "server_error", "temporarily_unavailable" };
	json_t *j = NULL;
	const char *error = NULL;
	size_t i;
	int yes = 0;

	if (retry_status(a->status))
		return 1;
	if (a->status >= 400 && (j = google_parse(&a->body, NULL)))
		error = json_string_value(json_object_get(j, "error"));
	for (i = 0; error && i < sizeof passing / sizeof *passing; i++)
		yes |= !strcmp(error, passing[i]);
	json_decref(j);
	return yes;
}

int
google_ask(struct google_call *call, const struct http_request *r, struct fail *f)
{
	struct http_request ask = *r;
	char host[HOST_SIZE];
	struct retry retry;
	int e;

	ask.deadline_us = r->deadline_us ? r->deadline_us : GOOGLE_ASK_US;
	ask.direct = !strncmp(r->url, "http:", 5);	/* google_url_check() has seen that it is near */
	retry_begin(&retry, FIRST_US, MOST_US, call->for_us);
	do {
		if ((e = http_send(call->http, &ask, &call->answer, f)) < 0 && e != WEIR_EAGAIN)
			return e;
		if (e == 0 && !is_passing(&call->answer))
			return 0;
	} while (retry_wait(&retry, call->answer.retry_after_us) == 0);
	google_host(r->url, host, sizeof host);
	return e < 0 ? e : fail(f, WEIR_EAGAIN, "%s, which gives out tokens, answers with status %d; run it again later", host, call->answer.status);
}

static const char *
remedy(const struct google_source *s, const char *url)
{
	if (url == s->impersonate_url)
		return "who asks needs the role Service Account Token Creator on that account";
	switch (s->type) {
	case GOOGLE_SERVICE:
		return "make a new key for the service account, and check this machine's clock";
	case GOOGLE_USER:
		return "log in again with gcloud auth application-default login";
	case GOOGLE_EXTERNAL:
		return "check the identity provider and the pool that the file names";
	default:
		return "give this machine a service account";
	}
}

/* At most `size` bytes of text that came from outside, made fit for a message. */
static void
put_words(char *out, size_t size, const char *before, const char *text)
{
	size_t n = strlen(out);

	if (!text || !*text)
		return;
	snprintf(out + n, size - n, "%s%s", before, text);
	for (; out[n]; n++)
		if ((unsigned char)out[n] < ' ' || out[n] == 0x7f)
			out[n] = ' ';
}

int
google_refusal(const struct google_call *call, const char *url, struct fail *f)
{
	const struct http_answer *a = &call->answer;
	json_t *j = google_parse(&a->body, NULL), *error = json_object_get(j, "error");
	char host[HOST_SIZE], words[400] = "";

	if (json_is_object(error)) {		/* {"error":{"status":..,"message":..}} of Google's APIs */
		put_words(words, sizeof words, ": ", json_string_value(json_object_get(error, "status")));
		put_words(words, sizeof words, ": ", json_string_value(json_object_get(error, "message")));
	} else {				/* RFC 6749, 5.2 */
		put_words(words, sizeof words, ": ", json_string_value(error));
		put_words(words, sizeof words, ": ", json_string_value(json_object_get(j, "error_description")));
	}
	json_decref(j);
	google_host(url, host, sizeof host);
	return fail(f, WEIR_ECONFIG, "the credentials of %s are refused by %s: status %d%s; %s", call->source->where, host, a->status, words,
	    remedy(call->source, url));
}

int
google_answer(struct google_call *call, const char *url, json_t **j, struct fail *f)
{
	char host[HOST_SIZE];

	if (call->answer.status != 200)
		return google_refusal(call, url, f);
	if (!(*j = google_parse(&call->answer.body, NULL))) {
		google_host(url, host, sizeof host);
		return fail(f, WEIR_EAGAIN, "%s, which gives out tokens, answers with something that is no JSON object; run it again later", host);
	}
	return 0;
}
