#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "google_parts.h"
#include "weir.h"

#define US		INT64_C(1000000)
#define MARGIN_US	(300 * US)	/* a new token so long before the old one ends, or half its life where that is less */
#define LAST_US		(10 * US)	/* an old one that lives so long still serves when there is no new one */
#define PAUSE_US	(20 * US)	/* then the service is left alone */

struct google {
	char			*file, *scope, *audience;
	struct http		*http;
	struct google_source	*source;
	char			*authorization;		/* NULL: none yet, or refused */
	int64_t			 renew_us, end_us;	/* of it, by the clock */
};

/* ---------------------------------------------------------------- finding */

/* gcloud's file, which the caller frees: 1 it is there, 0 not, or no memory. */
static int
wellknown(char **path, struct fail *f)
{
	const char *config = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
	int named = config && *config, n;

	*path = NULL;
	if (!named && !(home && *home))
		return 0;
	n = named ? asprintf(path, "%s/application_default_credentials.json", config)
	    : asprintf(path, "%s/.config/gcloud/application_default_credentials.json", home);
	if (n < 0) {
		*path = NULL;
		return fail(f, WEIR_EAGAIN, "no memory for a path");
	}
	return access(*path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int
find(const struct google *g, struct google_source **out, struct fail *f)
{
	const char *named = g->file ? g->file : getenv("GOOGLE_APPLICATION_CREDENTIALS");
	char *path;
	int e;

	if (named && *named)
		return google_file(named, out, f);
	if ((e = wellknown(&path, f)) > 0)
		e = google_file(path, out, f);
	else if (e == 0 && (e = google_metadata(g->http, out, f)) > 0)
		e = fail(f, WEIR_ECONFIG, "no Google credentials: no --credentials, no GOOGLE_APPLICATION_CREDENTIALS, no %s, and no metadata server; "
		    "name a file, or log in with gcloud auth application-default login", path ? path : "file of gcloud's (HOME is not set)");
	free(path);
	return e;
}

static char *
dup_or_null(const char *s, int *e)
{
	char *copy = s ? strdup(s) : NULL;

	*e |= s && !copy;
	return copy;
}

int
google_open(const struct google_options *o, struct google **out, struct fail *f)
{
	struct google *g = calloc(1, sizeof *g);
	int e = 0;

	if (!g)
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	g->http = o->http;
	g->file = dup_or_null(o->file, &e);
	g->scope = dup_or_null(o->scope, &e);
	g->audience = dup_or_null(o->audience, &e);
	if (e)
		e = fail(f, WEIR_EAGAIN, "no memory for credentials");
	else
		e = find(g, &g->source, f);
	if (e < 0)
		google_close(g);
	else
		*out = g;
	return e;
}

void
google_close(struct google *g)
{
	if (!g)
		return;
	google_source_free(g->source);
	free(g->authorization);
	free(g->file);
	free(g->scope);
	free(g->audience);
	free(g);
}

int
google_reload(struct google *g, struct fail *f)
{
	struct google_source *s;
	int e = find(g, &s, f);

	if (e < 0)
		return e;
	google_source_free(g->source);
	g->source = s;
	google_refused(g);
	return 0;
}

/* ---------------------------------------------------------------- tokens */

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * US + ts.tv_nsec / 1000;
}

/* A new token; for_us: how long its service is asked. */
static int
renew(struct google *g, int64_t for_us, struct fail *f)
{
	struct google_call call = { .http = g->http, .for_us = for_us, .source = g->source };
	struct google_token t = { .life_us = GOOGLE_LIFE_S * US };
	char *authorization;
	int e;

	if (g->source->type == GOOGLE_SERVICE && g->audience)
		e = google_jwt(g->source, NULL, g->audience, &t.text, f);
	else
		e = google_fetch(&call, g->source, g->scope, &t, f);
	http_answer_free(&call.answer);
	if (e == 0 && asprintf(&authorization, "Bearer %s", t.text) < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a token");
	free(t.text);
	if (e < 0)
		return e;
	free(g->authorization);
	g->authorization = authorization;
	g->end_us = now_us() + t.life_us;
	g->renew_us = g->end_us - (t.life_us / 2 < MARGIN_US ? t.life_us / 2 : MARGIN_US);
	return 0;
}

int
google_token(struct google *g, const char **authorization, struct fail *f)
{
	int64_t now = now_us();
	int e, serves;

	if (!g->authorization || now >= g->renew_us) {
		serves = g->authorization && now < g->end_us - LAST_US;
		e = renew(g, serves ? 0 : GOOGLE_ASK_US, f);
		if (e < 0 && !(serves && e == WEIR_EAGAIN))
			return e;
		if (e < 0)
			g->renew_us = now + PAUSE_US;
	}
	*authorization = g->authorization;
	return 0;
}

void
google_refused(struct google *g)
{
	free(g->authorization);
	g->authorization = NULL;
}

/* ---------------------------------------------------------------- who we are */

const char *
google_project(struct google *g)
{
	return g->source->project;
}

const char *
google_quota_project(struct google *g)
{
	const char *named = getenv("GOOGLE_CLOUD_QUOTA_PROJECT");

	return named && *named ? named : json_string_value(json_object_get(g->source->doc, "quota_project_id"));
}

const char *
google_who(struct google *g)
{
	return g->source->who;
}
