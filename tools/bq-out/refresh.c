/*
 * bq-out iceberg-refresh - point a BigQuery external table at the newest metadata of an Iceberg table.
 *
 * BigQuery pins an external Iceberg table to one metadata file and does not look for newer ones
 * (cloud.google.com/bigquery/docs/iceberg-external-tables, "Update the table metadata").
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bq-out.h"

#define QUERY	"&autodetect_schema=true"

static int
check(struct bq_out *s)
{
	const char *uri = s->metadata;
	size_t n = uri ? strlen(uri) : 0;

	if (!n)
		return fail(&s->fail, WEIR_EUSAGE, "iceberg-refresh needs --metadata gs://BUCKET/.../METADATA.json: iceberg-in --table NAME --info prints which is the newest");
	if (strncmp(uri, "gs://", 5) || n < 5 + strlen(".metadata.json") || strcmp(uri + n - strlen(".metadata.json"), ".metadata.json"))
		return fail(&s->fail, WEIR_EUSAGE, "--metadata takes a metadata file in Cloud Storage, gs://BUCKET/.../NAME.metadata.json; BigQuery reads no other, such as %s",
		    uri);
	return *s->target.part ? fail(&s->fail, WEIR_EUSAGE, "iceberg-refresh takes a table, not a partition of it") : 0;
}

/* The file that the table reads now; NULL: it is no Iceberg table. */
static const char *
reads(const json_t *table)
{
	const json_t *external = json_object_get(table, "externalDataConfiguration");
	const char *format = json_string_value(json_object_get(external, "sourceFormat")), *uri;

	if (!format || strcmp(format, "ICEBERG"))
		return NULL;
	uri = json_string_value(json_array_get(json_object_get(external, "sourceUris"), 0));
	return uri ? uri : "";
}

static int
change(struct bq_out *s, const json_t *table)
{
	const char *const segment[] = { s->target.project, "datasets", s->target.dataset, "tables", s->target.table, NULL };
	const char *etag = json_string_value(json_object_get(table, "etag"));
	struct bq_call c = { .what = "the external table", .role = "roles/bigquery.dataEditor on the dataset", .method = "PATCH" };
	json_t *body = json_pack("{s:{s:s, s:[s]}, s:n}", "externalDataConfiguration", "sourceFormat", "ICEBERG", "sourceUris", s->metadata, "schema");
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buf url = { 0 }, match = { 0 };
	int e;

	if (!text || (e = bq_url(s->bq, &url, "/bigquery/v2/projects/", segment, &s->fail)) < 0 || buf_puts(&url, QUERY) | buf_putc(&url, '\0') ||
	    buf_printf(&match, "If-Match: %s", etag ? etag : "*") | buf_putc(&match, '\0')) {
		e = fail(&s->fail, WEIR_EAGAIN, "no memory for a request");
	} else {
		c.url = url.p;
		c.header[0] = match.p;
		c.body = text;
		c.body_bytes = strlen(text);
		if ((e = bq_call(s->bq, &c, &s->fail)) == 0 && c.class == BQ_MOVED)
			e = fail(&s->fail, WEIR_EAGAIN, "%s was changed by another program at the same time; run it again", s->target.name);
		else if (e == 0 && c.class != BQ_OK)
			e = bq_fail(s->bq, &c, &s->fail);
		json_decref(c.json);
	}
	free(text);
	json_decref(body);
	buf_free(&url);
	buf_free(&match);
	return e;
}

static int
tell(struct bq_out *s, const char *was)
{
	json_t *r = json_pack("{s:s, s:s, s:s}", "metadata", s->metadata, "previous", was, "table", s->target.name);
	char *line;
	int e;

	if (r && !strcmp(was, s->metadata) && json_object_set_new(r, "already", json_true()) < 0) {
		json_decref(r);
		r = NULL;
	}
	line = r ? json_dumps(r, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	e = line ? weir_receipt(s->ctx, line, strlen(line)) : bq_out_no_memory(s);
	free(line);
	json_decref(r);
	return e;
}

int
refresh(struct bq_out *s)
{
	struct target *t = &s->target;
	json_t *table = NULL;
	const char *was = NULL;
	int e;

	if ((e = check(s)) < 0 || (e = bq_table_get(s->bq, t->project, t->dataset, t->table, &table, &s->fail)) < 0)
		return bq_out_say(s);
	if (e == 1 || !(was = reads(table)))
		e = weir_error(s->ctx, WEIR_ECONFIG, e ? "there is no table %s. Make it once: CREATE EXTERNAL TABLE ... WITH CONNECTION ... OPTIONS (format = 'ICEBERG', "
		    "uris = ['%s'])" : "%s is no external Iceberg table, so there is no metadata file (%s) that it could read", t->name, s->metadata);
	else if (strcmp(was, s->metadata) && (e = change(s, table)) < 0)
		e = bq_out_say(s);
	if (e >= 0)
		e = tell(s, was);
	json_decref(table);
	return e;
}
