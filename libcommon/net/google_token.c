#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "google_parts.h"
#include "iso.h"
#include "weir.h"

#define US		INT64_C(1000000)
#define DEFAULT_LIFE_S	600		/* of a token whose service does not say */
#define LONGEST_LIFE_S	86400		/* and where it says more */
#define JWT_GRANT	"urn:ietf:params:oauth:grant-type:jwt-bearer"
#define EXCHANGE_GRANT	"urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS_TOKEN	"urn:ietf:params:oauth:token-type:access_token"

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for a request for a token");
}

static int
post(struct google_call *call, const char *url, const char *type, const char *authorization, const struct buf *body, json_t **j, struct fail *f)
{
	const char *const header[] = { type, "Accept: application/json", NULL };
	struct http_request r = { .method = "POST", .url = url, .header = header, .authorization = authorization,
	    .body = body->p, .body_bytes = body->n };
	int e = google_ask(call, &r, f);

	return e < 0 ? e : google_answer(call, url, j, f);
}

static int
post_form(struct google_call *call, const char *url, const struct buf *form, json_t **j, struct fail *f)
{
	return post(call, url, "Content-Type: application/x-www-form-urlencoded", NULL, form, j, f);
}

/* A token goes into a header as it is. */
static int
take(const json_t *j, const char *key, int64_t life_us, struct google_token *t, struct fail *f)
{
	const char *text = json_string_value(json_object_get(j, key)), *p = text;

	while (p && *p > ' ' && *p < 0x7f)
		p++;
	if (!p || p == text || *p)
		return fail(f, WEIR_EAGAIN, "an answer of a token service has no usable \"%s\"; run it again later", key);
	if (!(t->text = strdup(text)))
		return no_memory(f);
	t->life_us = life_us;
	return 0;
}

/* {"access_token":..,"expires_in":..} of OAuth. */
static int
take_oauth(const json_t *j, struct google_token *t, struct fail *f)
{
	const json_t *in = json_object_get(j, "expires_in");
	double s = json_is_number(in) ? json_number_value(in) : DEFAULT_LIFE_S;

	return take(j, "access_token", (int64_t)(s < 0 ? 0 : s > LONGEST_LIFE_S ? LONGEST_LIFE_S : s) * US, t, f);
}

static int
take_impersonated(const json_t *j, struct google_token *t, struct fail *f)
{
	const char *end = json_string_value(json_object_get(j, "expireTime"));
	int64_t us;

	if (!end || iso_parse(end, strlen(end), &us) < 0)
		us = (time(NULL) + DEFAULT_LIFE_S) * US;
	return take(j, "accessToken", us - time(NULL) * US, t, f);
}

static int
ask_service(struct google_call *call, const struct google_source *s, const char *scope, json_t **j, struct fail *f)
{
	struct buf form = { 0 };
	char *jwt;
	int e = google_jwt(s, scope, s->token_url, &jwt, f);

	if (e < 0)
		return e;
	if (google_form(&form, "grant_type", JWT_GRANT) < 0 || google_form(&form, "assertion", jwt) < 0)
		e = no_memory(f);
	else
		e = post_form(call, s->token_url, &form, j, f);
	buf_free(&form);
	free(jwt);
	return e;
}

static int
ask_user(struct google_call *call, const struct google_source *s, json_t **j, struct fail *f)
{
	static const char *const key[] = { "client_id", "client_secret", "refresh_token" };
	struct buf form = { 0 };
	int e = google_form(&form, "grant_type", "refresh_token");
	size_t i;

	for (i = 0; e == 0 && i < sizeof key / sizeof *key; i++)
		e = google_form(&form, key[i], json_string_value(json_object_get(s->doc, key[i])));
	e = e < 0 ? no_memory(f) : post_form(call, s->token_url, &form, j, f);
	buf_free(&form);
	return e;
}

/* RFC 8693, as AIP-4117 has it. */
static int
put_exchange(struct buf *form, const json_t *doc, const char *scope, const char *subject)
{
	const char *project = json_string_value(json_object_get(doc, "workforce_pool_user_project"));
	json_t *options;
	char *text;
	int e;

	if (google_form(form, "grant_type", EXCHANGE_GRANT) < 0 || google_form(form, "requested_token_type", ACCESS_TOKEN) < 0
	    || google_form(form, "audience", json_string_value(json_object_get(doc, "audience"))) < 0 || google_form(form, "scope", scope) < 0
	    || google_form(form, "subject_token_type", json_string_value(json_object_get(doc, "subject_token_type"))) < 0
	    || google_form(form, "subject_token", subject) < 0)
		return -1;
	if (!project)
		return 0;
	options = json_pack("{s:s}", "userProject", project);
	text = options ? json_dumps(options, JSON_COMPACT) : NULL;
	e = text ? google_form(form, "options", text) : -1;
	free(text);
	json_decref(options);
	return e;
}

static int
ask_external(struct google_call *call, const struct google_source *s, const char *scope, json_t **j, struct fail *f)
{
	struct buf form = { 0 };
	char *subject;
	int e;

	if ((e = google_subject(call, s, &subject, f)) < 0)
		return e;
	if (put_exchange(&form, s->doc, s->impersonate_url ? GOOGLE_CLOUD_SCOPE : scope, subject) < 0)
		e = no_memory(f);
	else
		e = post_form(call, s->token_url, &form, j, f);
	buf_free(&form);
	free(subject);
	return e;
}

/* generateAccessToken wants full names; files have them, or addresses. */
static json_t *
full_names(const json_t *delegates)
{
	json_t *all = json_array(), *j;
	const char *name;
	size_t i;

	json_array_foreach(delegates, i, j) {
		name = json_string_value(j);
		if (json_array_append_new(all, json_sprintf("%s%s", strchr(name, '/') ? "" : "projects/-/serviceAccounts/", name)) < 0)
			fail_no_memory();
	}
	return all;
}

static int
impersonate(struct google_call *call, const struct google_source *s, const char *scope, const char *token, json_t **j, struct fail *f)
{
	const json_t *life = json_object_get(json_object_get(s->doc, "service_account_impersonation"), "token_lifetime_seconds");
	json_t *ask = json_pack("{s:[s],s:o,s:o}", "scope", scope, "delegates", full_names(json_object_get(s->doc, "delegates")),
	    "lifetime", json_sprintf("%lds", json_is_integer(life) ? (long)json_integer_value(life) : GOOGLE_LIFE_S));
	char *text = ask ? json_dumps(ask, JSON_COMPACT) : NULL, *authorization = NULL;
	struct buf body = { .p = text, .n = text ? strlen(text) : 0 };
	int e;

	if (!text || asprintf(&authorization, "Bearer %s", token) < 0) {
		authorization = NULL;
		e = no_memory(f);
	} else
		e = post(call, s->impersonate_url, "Content-Type: application/json", authorization, &body, j, f);
	free(authorization);
	free(text);
	json_decref(ask);
	return e;
}

int
google_fetch(struct google_call *call, const struct google_source *s, const char *scope, struct google_token *t, struct fail *f)
{
	struct google_token first = { 0 };
	json_t *j = NULL;
	int e;

	call->source = s;
	switch (s->type) {
	case GOOGLE_SERVICE:
		e = ask_service(call, s, scope, &j, f);
		break;
	case GOOGLE_USER:
		e = ask_user(call, s, &j, f);
		break;
	case GOOGLE_EXTERNAL:
		e = ask_external(call, s, scope, &j, f);
		break;
	case GOOGLE_METADATA:
		e = google_metadata_token(call, s, scope, &j, f);
		break;
	default:
		e = google_fetch(call, s->inner, GOOGLE_CLOUD_SCOPE, &first, f);
		call->source = s;
	}
	if (e == 0 && j)
		e = take_oauth(j, s->impersonate_url ? &first : t, f);
	json_decref(j);
	if (e == 0 && s->impersonate_url) {
		j = NULL;
		if ((e = impersonate(call, s, scope, first.text, &j, f)) == 0)
			e = take_impersonated(j, t, f);
		json_decref(j);
	}
	free(first.text);
	return e;
}
