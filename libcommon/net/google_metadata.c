#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google_parts.h"
#include "weir.h"

#define PROBE_US	(3 * INT64_C(1000000))
#define PRODUCT		"/sys/class/dmi/id/product_name"

static const char *
host(void)
{
	const char *named = getenv("GCE_METADATA_HOST");

	return named && *named ? named : "metadata.google.internal";
}

/* There must be a metadata server: somebody says so, or the machine is Google's. */
static int
expected(void)
{
	const char *named = getenv("GCE_METADATA_HOST");
	char product[7] = "";
	FILE *fp;

	if (named && *named)
		return 1;
	if ((fp = fopen(PRODUCT, "re"))) {
		if (!fgets(product, sizeof product, fp))
			*product = '\0';
		fclose(fp);
	}
	return !strcmp(product, "Google");
}

static int
get(struct google_call *call, const char *path, int64_t deadline_us, struct fail *f)
{
	static const char *const header[] = { "Metadata-Flavor: Google", NULL };
	struct http_request r = { .method = "GET", .header = header, .deadline_us = deadline_us };
	const char *flavor;
	char *url;
	int e;

	if (asprintf(&url, "http://%s/computeMetadata/v1/%s", host(), path) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for a URL");
	r.url = url;
	e = google_ask(call, &r, f);
	free(url);
	if (e < 0)
		return e;
	if (!(flavor = http_header(&call->answer, "Metadata-Flavor")) || strcmp(flavor, "Google"))
		return fail(f, WEIR_ECONFIG, "what answers at %s is not Google's metadata server: see GCE_METADATA_HOST, and name a file in GOOGLE_APPLICATION_CREDENTIALS",
		    host());
	return 0;
}

int
google_metadata(struct http *http, struct google_source **out, struct fail *f)
{
	struct google_call call = { .http = http, .for_us = expected() ? GOOGLE_ASK_US : 0 };
	const char *off = getenv("NO_GCE_CHECK");
	struct google_source *s;
	int e;

	if (off && !strcasecmp(off, "true"))
		return 1;
	if ((e = get(&call, "project/project-id", PROBE_US, f)) < 0) {
		http_answer_free(&call.answer);
		return expected() ? e : 1;
	}
	if (!(s = calloc(1, sizeof *s)) || !(s->where = strdup(host()))
	    || asprintf(&s->who, "the service account of this machine, from %s", s->where) < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for credentials");
	else {
		s->type = GOOGLE_METADATA;
		if (call.answer.status == 200 && call.answer.body.n && !(s->project = strndup(call.answer.body.p, call.answer.body.n)))
			e = fail(f, WEIR_EAGAIN, "no memory for credentials");
	}
	http_answer_free(&call.answer);
	if (e < 0)
		google_source_free(s);
	else
		*out = s;
	return e;
}

int
google_metadata_token(struct google_call *call, const struct google_source *s, const char *scope, json_t **j, struct fail *f)
{
	struct buf path = { 0 };
	int e;

	if (buf_puts(&path, "instance/service-accounts/default/token?scopes=") < 0 || http_escape(&path, scope, strlen(scope)) < 0
	    || buf_putc(&path, '\0') < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a URL");
	else if ((e = get(call, path.p, 0, f)) == 0)
		e = google_answer(call, s->where, j, f);
	buf_free(&path);
	return e;
}
