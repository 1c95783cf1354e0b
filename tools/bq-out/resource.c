/* Datasets, tables, jobs and insertAll: which answers are news and which are errors. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bq-inside.h"
#include "weir.h"

#define PROJECTS	"/bigquery/v2/projects/"
#define ANSWER_US	(INT64_C(120) * 1000000)	/* for one answer */
#define NAME_SIZE	400				/* of what is asked for, for people; a longer one is cut */

struct ask {
	struct bq_call	call;
	struct buf	url;
	char		what[NAME_SIZE], role[NAME_SIZE];
	char		*body;
	int		 placed;	/* the address says our location */
	int		 once;		/* it may not be repeated */
};

static void
ask_free(struct ask *a)
{
	buf_free(&a->url);
	free(a->body);
	json_decref(a->call.json);
}

/* A JSON body, copied out of jansson. */
static int
ask_body(struct ask *a, const json_t *body, struct fail *f)
{
	if (!(a->body = json_dumps(body, JSON_COMPACT)))
		return fail(f, WEIR_EAGAIN, "no memory for a request");
	a->call.body = a->body;
	a->call.body_bytes = strlen(a->body);
	return 0;
}

static int
ask(struct bq *bq, struct ask *a, const char *method, const char *const *segment, struct fail *f)
{
	int e = bq_url(bq, &a->url, PROJECTS, segment, f);

	if (e < 0)
		return e;
	if (a->placed && (buf_puts(&a->url, "&location=") | http_escape(&a->url, bq->location, strlen(bq->location)) | buf_putc(&a->url, '\0')))
		return fail(f, WEIR_ECONFIG, "the location '%.40s...' is too long", bq->location);
	a->call.method = method;
	a->call.url = a->url.p;
	a->call.what = a->what;
	a->call.role = a->role;
	a->call.deadline_us = ANSWER_US;
	return a->once ? bq_once(bq, &a->call, f) : bq_call(bq, &a->call, f);
}

/* The answer of a request that went well, or the sentence. */
static int
take(struct bq *bq, struct ask *a, json_t **out, struct fail *f)
{
	if (a->call.class != BQ_OK || !json_is_object(a->call.json)) {
		a->call.class = a->call.class == BQ_OK ? BQ_WRONG : a->call.class;
		return bq_fail(bq, &a->call, f);
	}
	*out = a->call.json;
	a->call.json = NULL;
	return 0;
}

/* ---------------------------------------------------------------- datasets */

static int
check_location(struct bq *bq, const char *project, const char *dataset, const json_t *resource, struct fail *f)
{
	const char *location = json_string_value(json_object_get(resource, "location"));

	if (!location)
		return fail(f, WEIR_ECONFIG, "BigQuery does not say in which location the dataset %s.%s is; check --endpoint", project, dataset);
	if (bq->location && strcasecmp(bq->location, location))
		return fail(f, WEIR_ECONFIG, "the dataset %s.%s is in %s, not in %s; leave --location out, or name that one", project, dataset, location,
		    bq->location);
	if (!bq->location && !(bq->location = strdup(location)))
		return fail(f, WEIR_EAGAIN, "no memory for a location");
	return 0;
}

int
bq_dataset_get(struct bq *bq, const char *project, const char *dataset, json_t **out, struct fail *f)
{
	struct ask a = { 0 };
	int e;

	snprintf(a.what, sizeof a.what, "look at the dataset %s.%s", project, dataset);
	snprintf(a.role, sizeof a.role, "roles/bigquery.dataEditor on the dataset %s.%s", project, dataset);
	if ((e = ask(bq, &a, "GET", (const char *const[]){ project, "datasets", dataset, NULL }, f)) == 0) {
		if (a.call.class == BQ_NOT_FOUND)
			e = fail(f, WEIR_ECONFIG, "there is no dataset %s.%s: %s; make it first, or mend --table", project, dataset, a.call.words);
		else if ((e = take(bq, &a, out, f)) == 0 && (e = check_location(bq, project, dataset, *out, f)) < 0) {
			json_decref(*out);
			*out = NULL;
		}
	}
	ask_free(&a);
	return e;
}

/* ---------------------------------------------------------------- tables */

static void
name_table(struct ask *a, const char *verb, const char *project, const char *dataset, const char *table)
{
	snprintf(a->what, sizeof a->what, "%s the table %s.%s.%s", verb, project, dataset, table);
	snprintf(a->role, sizeof a->role, "roles/bigquery.dataEditor on the dataset %s.%s", project, dataset);
}

/* BigQuery says 404 for a table that is not there and for a dataset that is not. */
static int
no_table(struct bq *bq, const char *project, const char *dataset, struct fail *f)
{
	json_t *d = NULL;
	int e = bq_dataset_get(bq, project, dataset, &d, f);

	json_decref(d);
	return e < 0 ? e : 1;
}

int
bq_table_get(struct bq *bq, const char *project, const char *dataset, const char *table, json_t **out, struct fail *f)
{
	struct ask a = { 0 };
	int e;

	name_table(&a, "look at", project, dataset, table);
	if ((e = ask(bq, &a, "GET", (const char *const[]){ project, "datasets", dataset, "tables", table, NULL }, f)) == 0)
		e = a.call.class == BQ_NOT_FOUND ? no_table(bq, project, dataset, f) : take(bq, &a, out, f);
	ask_free(&a);
	return e;
}

int
bq_table_create(struct bq *bq, const char *project, const char *dataset, const char *table, const json_t *resource, json_t **out, struct fail *f)
{
	json_t *body = json_copy((json_t *)(uintptr_t)resource);
	struct ask a = { 0 };
	int e;

	name_table(&a, "make", project, dataset, table);
	if (!body || json_object_set_new(body, "tableReference", json_pack("{s:s, s:s, s:s}", "projectId", project, "datasetId", dataset, "tableId",
	    table)) < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a table");
	else if ((e = ask_body(&a, body, f)) == 0 && (e = ask(bq, &a, "POST", (const char *const[]){ project, "datasets", dataset, "tables", NULL },
	    f)) == 0)
		e = a.call.class == BQ_EXISTS ? 1 : take(bq, &a, out, f);
	json_decref(body);
	ask_free(&a);
	return e;
}

int
bq_table_patch(struct bq *bq, const char *project, const char *dataset, const char *table, const char *etag, const json_t *patch, json_t **out,
    struct fail *f)
{
	char match[200];
	struct ask a = { 0 };
	int e;

	name_table(&a, "change", project, dataset, table);
	if ((size_t)snprintf(match, sizeof match, "If-Match: %s", etag) >= sizeof match)
		return fail(f, WEIR_ECONFIG, "the etag of the table %s.%s.%s is over %zu bytes", project, dataset, table, sizeof match - 11);
	a.call.header[0] = match;
	if ((e = ask_body(&a, patch, f)) == 0 && (e = ask(bq, &a, "PATCH", (const char *const[]){ project, "datasets", dataset, "tables", table,
	    NULL }, f)) == 0)
		e = a.call.class == BQ_MOVED ? 1 : take(bq, &a, out, f);
	ask_free(&a);
	return e;
}

/* ---------------------------------------------------------------- jobs */

int
bq_job_get(struct bq *bq, const char *id, json_t **out, struct fail *f)
{
	struct ask a = { .placed = 1 };
	int e;

	if (!bq->project || !bq->location)
		return fail(f, WEIR_EBUG, "bq_job_get: no project or no location");
	snprintf(a.what, sizeof a.what, "look at the job %s:%s.%s", bq->project, bq->location, id);
	snprintf(a.role, sizeof a.role, "roles/bigquery.jobUser on the project %s", bq->project);
	if ((e = ask(bq, &a, "GET", (const char *const[]){ bq->project, "jobs", id, NULL }, f)) == 0)
		e = a.call.class == BQ_NOT_FOUND ? 1 : take(bq, &a, out, f);
	ask_free(&a);
	return e;
}

/* ---------------------------------------------------------------- insertAll */

int
bq_insert_all(struct bq *bq, const char *project, const char *dataset, const char *table, const void *body, size_t n, json_t **out,
    int64_t *wait_us, struct fail *f)
{
	struct ask a = { .once = 1, .call.body = body, .call.body_bytes = n };
	int e;

	name_table(&a, "insert into", project, dataset, table);
	if ((e = ask(bq, &a, "POST", (const char *const[]){ project, "datasets", dataset, "tables", table, "insertAll", NULL }, f)) == 0 &&
	    (e = take(bq, &a, out, f)) < 0) {
		*wait_us = a.call.wait_us;
		e = a.call.class == BQ_TRANSIENT ? 1 : a.call.class == BQ_NOT_FOUND ? 2 : e;
	}
	ask_free(&a);
	return e;
}
