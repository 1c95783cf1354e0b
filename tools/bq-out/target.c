/* The table that rows go to: found, made, or changed with the load. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bq-out.h"

#define SCHEMA_FILE_MAX	(64u << 20)

static int
no_memory(struct bq_out *s)
{
	return fail(&s->fail, WEIR_EAGAIN, "no memory for the table's columns");
}

/* ---------------------------------------------------------------- the name */

static int
bad_name(struct bq_out *s, const char *why)
{
	return fail(&s->fail, WEIR_EUSAGE, "--table takes PROJECT.DATASET.TABLE[$PARTITION], such as shop.sales.orders$20261122; '%s' %s", s->table, why);
}

/* What BigQuery takes as a dataset's or a table's id (API reference, datasetReference and tableReference); partitions are digits. */
static int
plain_word(const char *p, const char *more)
{
	for (; *p; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '_' || (*p & 0x80) || strchr(more, *p)))
			return 0;
	return 1;
}

int
target_name(struct bq_out *s)
{
	struct target *t = &s->target;
	char *copy = strdup(s->table), *table, *dataset, *part;
	struct buf name = { 0 };
	const char *project;
	int e = 0;

	if (!copy)
		return no_memory(s);
	if ((part = strchr(copy, '$')))
		*part++ = '\0';
	table = strrchr(copy, '.');
	if (table) {
		*table++ = '\0';
		dataset = strrchr(copy, '.');
		if (!dataset)
			dataset = strrchr(copy, ':');
		project = dataset ? copy : s->project ? s->project : bq_usual_project(s->bq);
		if (dataset)
			*dataset++ = '\0';
		else
			dataset = copy;
	}
	if (!table || !*table || !*dataset || (project && !*project))
		e = bad_name(s, "is short of a part");
	else if (!project)
		e = bad_name(s, "has no project, and neither GOOGLE_CLOUD_PROJECT nor credentials name one");
	else if (!plain_word(dataset, "") || !plain_word(table, "- "))
		e = bad_name(s, "has a character that BigQuery does not take in names");
	else if (part && (!*part || !plain_word(part, "") || strlen(part) > 20))
		e = bad_name(s, "has no partition behind its $");
	else if (!(t->project = strdup(project)) || !(t->dataset = strdup(dataset)) || !(t->table = strdup(table)) ||
	    !(t->part = malloc(32)) || buf_printf(&name, "%s.%s.%s%s%s", project, dataset, table, part ? "$" : "", part ? part : "") < 0 || buf_putc(&name, '\0') < 0)
		e = no_memory(s);
	else
		snprintf(t->part, 32, "%s%s", part ? "$" : "", part ? part : "");
	t->name = name.p;
	free(copy);
	return e ? e : bq_default_project(s->bq, t->project, &s->fail);
}

/* ---------------------------------------------------------------- what is there */

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The table as BigQuery has it: creation, columns. */
static int
take(struct bq_out *s, const json_t *table)
{
	struct target *t = &s->target;
	const json_t *fields = json_object_get(json_object_get(table, "schema"), "fields");
	const char *type = text(table, "type");

	if (*type && strcmp(type, "TABLE"))
		return fail(&s->fail, WEIR_ECONFIG, "%s is of the type %s: rows are loaded into tables alone", t->name, type);
	if (!*text(table, "creationTime"))
		return fail(&s->fail, WEIR_ECONFIG, "BigQuery's answer about %s has no creationTime: is this its server?", t->name);
	free(t->creation);
	schema_free(t->schema);
	t->schema = NULL;
	if (!(t->creation = strdup(text(table, "creationTime"))))
		return no_memory(s);
	return fields ? schema_of_table(fields, t->name, &t->schema, &s->fail) : 0;
}

int
target_look(struct bq_out *s)
{
	struct target *t = &s->target;
	json_t *dataset = NULL, *table = NULL;
	int e = 0;

	if (!bq_location(s->bq)) {
		e = bq_dataset_get(s->bq, t->project, t->dataset, &dataset, &s->fail);
		json_decref(dataset);
	}
	if (e < 0 || (e = bq_table_get(s->bq, t->project, t->dataset, t->table, &table, &s->fail)) < 0)
		return e;
	if (e == 0)
		e = take(s, table);
	json_decref(table);
	return e < 0 ? e : 0;
}

/* ---------------------------------------------------------------- partitions and clusters */

/* --partition, as a member of the table resource: "timePartitioning" or "rangePartitioning". */
static int
partitioning(struct bq_out *s, json_t *resource)
{
	char *copy = strdup(s->partition), *word[5] = { copy };
	const char *kind[] = { "day", "hour", "month", "year" }, *type[] = { "DAY", "HOUR", "MONTH", "YEAR" };
	json_t *o = NULL;
	size_t n = 1, k;
	int e;

	if (!copy)
		return no_memory(s);
	for (char *p = copy; n < 5 && (p = strchr(p, ':')); n++) {
		*p++ = '\0';
		word[n] = p;
	}
	for (k = 0; k < 4 && strcmp(word[0], kind[k]); k++)
		;
	if (k < 4 && n <= 2 && (n == 1 || *word[1])) {
		o = json_pack("{s:s}", "type", type[k]);
		if (o && n == 2 && json_object_set_new(o, "field", json_string(word[1])) < 0)
			json_decref(o), o = NULL;
		e = json_object_set_new(resource, "timePartitioning", o);
	} else if (!strcmp(word[0], "range") && n == 5) {
		o = json_pack("{s:s, s:{s:s, s:s, s:s}}", "field", word[1], "range", "start", word[2], "end", word[3], "interval", word[4]);
		e = json_object_set_new(resource, "rangePartitioning", o);
	} else {
		free(copy);
		return fail(&s->fail, WEIR_EUSAGE, "--partition takes day, hour, month or year, with :COLUMN or for the time of loading without, or "
		    "range:COLUMN:START:END:STEP; not '%s'", s->partition);
	}
	free(copy);
	return e < 0 ? no_memory(s) : 0;
}

static int
clustering(struct bq_out *s, json_t *resource)
{
	json_t *fields = json_array();
	int e = 0;

	for (const char *p = s->cluster; *p && !e; p += strcspn(p, ","), p += *p == ',')
		e = json_array_append_new(fields, json_stringn(p, strcspn(p, ",")));
	if (json_array_size(fields) < 1 || json_array_size(fields) > 4) {
		json_decref(fields);
		return fail(&s->fail, WEIR_EUSAGE, "--cluster takes one to four columns, not '%s'", s->cluster);
	}
	return json_object_set_new(resource, "clustering", json_pack("{s:o}", "fields", fields)) | e ? no_memory(s) : 0;
}

static int
layout(struct bq_out *s, json_t *resource)
{
	int e = resource ? 0 : no_memory(s);

	if (!e && s->partition)
		e = partitioning(s, resource);
	return !e && s->cluster ? clustering(s, resource) : e;
}

/* Has the table what --partition and --cluster ask for?  Neither can be changed. */
static int
same_layout(struct bq_out *s, const json_t *table)
{
	static const char *const key[] = { "timePartitioning", "rangePartitioning", "clustering" };
	static const char *const option[] = { "--partition", "--partition", "--cluster" };
	json_t *asked = json_object(), *v;
	const char *member;
	int e = layout(s, asked);

	for (size_t i = 0; i < 3 && !e; i++) {
		const json_t *want = json_object_get(asked, key[i]), *has = json_object_get(table, key[i]);

		json_object_foreach((json_t *)(uintptr_t)want, member, v)
			if (!json_equal(v, json_object_get(has, member))) {
				char *is = has ? json_dumps(has, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

				e = fail(&s->fail, WEIR_ECONFIG, "%s has %s %s, not what %s says, and BigQuery does not change it: leave the option out, or load into "
				    "another table", s->target.name, key[i], is ? is : "of no kind", option[i]);
				free(is);
				break;
			}
	}
	json_decref(asked);
	return e;
}

/* ---------------------------------------------------------------- columns */

static int
read_file(struct bq_out *s, struct buf *b)
{
	int fd = open(s->schema, O_RDONLY | O_CLOEXEC), e = 0;
	ssize_t n = 1;

	b->max = SCHEMA_FILE_MAX;
	while (fd >= 0 && (n > 0 || (n < 0 && errno == EINTR))) {
		if (buf_reserve(b, 65536) < 0) {
			close(fd);
			return fail(&s->fail, WEIR_ECONFIG, "--schema %s: longer than %u bytes", s->schema, SCHEMA_FILE_MAX);
		}
		n = read(fd, b->p + b->n, 65536);
		b->n += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0)
		e = fail_errno(&s->fail, fail_input_code(errno), "cannot read --schema %s", s->schema);
	if (fd >= 0)
		close(fd);
	return e;
}

/* --schema. */
static int
wanted(struct bq_out *s, struct schema **out)
{
	struct buf file = { 0 }, notes = { 0 };
	int e = read_file(s, &file);

	if (!e && (e = schema_read(file.p, file.n, s->schema, out, &notes, &s->fail)) == 0)
		for (char *p = notes.p, *end; p < notes.p + notes.n && (end = memchr(p, '\n', (size_t)(notes.p + notes.n - p))); p = end + 1)
			weir_warn(s->ctx, "%.*s", (int)(end - p), p);
	buf_free(&file);
	buf_free(&notes);
	return e;
}

static int
make(struct bq_out *s)
{
	struct target *t = &s->target;
	json_t *resource = json_object(), *fields = NULL, *made = NULL;
	struct schema *schema = NULL;
	int e;

	if ((e = wanted(s, &schema)) < 0 || (e = schema_write(schema, &fields, &s->fail)) < 0)
		goto out;
	if ((e = layout(s, resource)) < 0)
		goto out;
	if (json_object_set_new(resource, "schema", json_pack("{s:O}", "fields", fields)) < 0) {
		e = no_memory(s);
		goto out;
	}
	if ((e = bq_table_create(s->bq, t->project, t->dataset, t->table, resource, &made, &s->fail)) == 0) {
		t->made = 1;
		e = take(s, made);
	} else if (e == 1 && (e = target_look(s)) == 0 && !t->creation)
		e = fail(&s->fail, WEIR_EAGAIN, "%s was there a moment ago and is not now: another program makes and drops it; run it again", t->name);
out:
	schema_free(schema);
	json_decref(fields);
	json_decref(resource);
	json_decref(made);
	return e;
}

/* insertAll has no way to change columns with the rows: the table is changed first. */
static int
patch(struct bq_out *s)
{
	struct target *t = &s->target;
	json_t *fields = NULL, *body = NULL, *table = NULL, *out = NULL;
	int e = schema_write(t->schema, &fields, &s->fail);

	if (!e && !(body = json_pack("{s:{s:O}}", "schema", "fields", fields)))
		e = no_memory(s);
	if (!e && (e = bq_table_get(s->bq, t->project, t->dataset, t->table, &table, &s->fail)) == 0)
		e = bq_table_patch(s->bq, t->project, t->dataset, t->table, text(table, "etag"), body, &out, &s->fail);
	if (e == 1)
		e = fail(&s->fail, WEIR_EAGAIN, "%s was changed by another program at the same time; run it again", t->name);
	if (!e)
		t->made = 1;
	json_decref(fields);
	json_decref(body);
	json_decref(table);
	json_decref(out);
	return e;
}

/* What --schema says against what is there. */
int
target_compare(struct bq_out *s)
{
	struct target *t = &s->target;
	struct schema *file = NULL, *merged = NULL;
	int add = s->update && strstr(s->update, "add"), relax = s->update && strstr(s->update, "relax"), e;

	if (!s->schema)
		return 0;
	if ((e = wanted(s, &file)) < 0)
		return e;
	if (s->write == BQ_OUT_TRUNCATE && !*t->part) {		/* the load replaces the columns with the rows */
		schema_free(t->schema);
		t->schema = file;
		t->changes = 1;
		return 0;
	}
	if (t->schema && (e = schema_compare(t->schema, file, add, relax, &merged, &t->changes, &s->fail)) == 0) {
		schema_free(t->schema);
		t->schema = merged;
	} else if (!e) {
		t->schema = file;
		file = NULL;
		t->changes = 1;
	}
	schema_free(file);
	return e;
}

int
target_settle(struct bq_out *s)
{
	struct target *t = &s->target;
	json_t *table = NULL;
	int e;

	if (!t->creation && !s->create)
		return fail(&s->fail, WEIR_ECONFIG, "there is no table %s: --create makes it", t->name);
	if (!t->creation && !s->schema)
		return fail(&s->fail, WEIR_ECONFIG, "there is no table %s, and --create needs to be told its columns: --schema FILE", t->name);
	if (!t->creation)
		return make(s);
	if ((s->partition || s->cluster) && (e = bq_table_get(s->bq, t->project, t->dataset, t->table, &table, &s->fail)) >= 0) {
		e = same_layout(s, table);
		json_decref(table);
		if (e < 0)
			return e;
	}
	if ((e = target_compare(s)) < 0 || (t->changes && s->mode == BQ_OUT_INSERT_ALL && (e = patch(s)) < 0))
		return e;
	return t->schema && t->schema->n ? 0 : fail(&s->fail, WEIR_ECONFIG, "%s has no columns yet: say with --schema FILE --update add what they are", t->name);
}

json_t *
target_job(const struct bq_out *s)
{
	static const char *const write[] = { "WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA" };
	const struct target *t = &s->target;
	json_t *job, *fields = NULL, *options;
	char table[2048];
	struct fail f;
	int e = 0;

	snprintf(table, sizeof table, "%s%s", t->table, t->part);
	job = json_pack("{s:s, s:{s:s, s:s, s:s}, s:s}", "createDisposition", "CREATE_NEVER", "destinationTable", "projectId", t->project, "datasetId",
	    t->dataset, "tableId", table, "writeDisposition", write[s->write]);
	/* WRITE_TRUNCATE without columns would leave the table to guess them. */
	if (job && (t->changes || s->write == BQ_OUT_TRUNCATE)) {
		if (schema_write(t->schema, &fields, &f) < 0)
			e = -1;
		else
			e = json_object_set_new(job, "schema", json_pack("{s:o}", "fields", fields));
	}
	if (job && !e && t->changes && s->update && (s->write != BQ_OUT_TRUNCATE || *t->part)) {
		options = json_array();
		if (strstr(s->update, "add"))
			e |= json_array_append_new(options, json_string("ALLOW_FIELD_ADDITION"));
		if (strstr(s->update, "relax"))
			e |= json_array_append_new(options, json_string("ALLOW_FIELD_RELAXATION"));
		e |= json_object_set_new(job, "schemaUpdateOptions", options);
	}
	if (e)
		json_decref(job);
	return e ? NULL : job;
}

void
target_free(struct target *t)
{
	free(t->name);
	free(t->project);
	free(t->dataset);
	free(t->table);
	free(t->part);
	free(t->creation);
	schema_free(t->schema);
	memset(t, 0, sizeof *t);
}
