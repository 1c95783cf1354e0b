#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google_parts.h"
#include "weir.h"

#define N_HEADERS	16	/* of a request for a subject token */

static const char *
text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* The member of a JSON object that is the token; NULL: the text is the token. */
static const char *
field_of(const json_t *source)
{
	const json_t *format = json_object_get(source, "format");
	const char *type = text_of(format, "type");

	return type && !strcmp(type, "json") ? text_of(format, "subject_token_field_name") : NULL;
}

static int
check_format(const char *path, const json_t *format, struct fail *f)
{
	const char *type = text_of(format, "type"), *field;

	if (!type || !strcmp(type, "text"))
		return 0;
	if (strcmp(type, "json"))
		return fail(f, WEIR_ECONFIG, "%s: the format of credential_source is '%.40s'; it can be text or json", path, type);
	return google_need(path, format, "subject_token_field_name", &field, f);
}

static int
check_headers(const char *path, const json_t *headers, struct fail *f)
{
	const char *name;
	json_t *j;

	if (json_object_size(headers) > N_HEADERS)
		return fail(f, WEIR_ECONFIG, "%s: credential_source has more than %d headers", path, N_HEADERS);
	json_object_foreach((json_t *)headers, name, j)
		if (!json_is_string(j))
			return fail(f, WEIR_ECONFIG, "%s: the header %.60s of credential_source is no text", path, name);
	return 0;
}

int
google_external_check(const char *path, const json_t *source, struct fail *f)
{
	static const char *const other[] = { "executable", "certificate", "environment_id" };
	const char *url = text_of(source, "url");
	size_t i;
	int e;

	for (i = 0; i < sizeof other / sizeof *other; i++)
		if (json_object_get(source, other[i]))
			return fail(f, WEIR_ECONFIG, "%s: credential_source has \"%s\", which this version does not know; it takes tokens from a file "
			    "(which a program may write) or a url", path, other[i]);
	if (!url && !text_of(source, "file"))
		return fail(f, WEIR_ECONFIG, "%s: credential_source names neither a file nor a url", path);
	if ((url && (e = google_url_check(path, "url", url, f)) < 0) || (e = check_headers(path, json_object_get(source, "headers"), f)) < 0)
		return e;
	return check_format(path, json_object_get(source, "format"), f);
}

static int
get(struct google_call *call, const char *url, const json_t *headers, struct fail *f)
{
	char *line[N_HEADERS + 1] = { NULL };
	struct http_request r = { .method = "GET", .url = url, .header = (const char *const *)line };
	const char *name;
	size_t n = 0;
	json_t *j;
	int e = 0;

	json_object_foreach((json_t *)headers, name, j)
		if (asprintf(&line[n], "%s: %s", name, json_string_value(j)) < 0) {
			line[n] = NULL;
			e = fail(f, WEIR_EAGAIN, "no memory for a request's headers");
		} else
			n++;
	if (e == 0 && (e = google_ask(call, &r, f)) == 0 && call->answer.status != 200)
		e = google_refusal(call, url, f);
	while (n)
		free(line[--n]);
	return e;
}

/* The token in text that came from `where`. */
static int
extract(const struct buf *b, const char *field, const char *where, char **subject, struct fail *f)
{
	json_t *j = field ? google_parse(b, NULL) : NULL;
	const char *p = field ? text_of(j, field) : b->p;
	size_t n = field ? p ? strlen(p) : 0 : b->n;

	while (n && (unsigned char)p[n - 1] <= ' ')		/* the newline of an editor */
		n--;
	*subject = n ? strndup(p, n) : NULL;
	json_decref(j);
	if (*subject)
		return 0;
	if (n)
		return fail(f, WEIR_EAGAIN, "no memory for a token");
	if (field)
		return fail(f, WEIR_ECONFIG, "%s gives no JSON object with a token in \"%.60s\"; see credential_source", where, field);
	return fail(f, WEIR_ECONFIG, "%s gives no token: it is empty", where);
}

int
google_subject(struct google_call *call, const struct google_source *s, char **subject, struct fail *f)
{
	const json_t *source = json_object_get(s->doc, "credential_source");
	const char *file = text_of(source, "file"), *url = text_of(source, "url");
	struct buf b = { .max = GOOGLE_FILE_MAX };
	char host[300];
	int e;

	if (!url) {
		if ((e = google_read(file, &b, f)) == 0)
			e = extract(&b, field_of(source), file, subject, f);
		buf_free(&b);
		return e;
	}
	google_host(url, host, sizeof host);
	if ((e = get(call, url, json_object_get(source, "headers"), f)) < 0)
		return e;
	return extract(&call->answer.body, field_of(source), host, subject, f);
}
