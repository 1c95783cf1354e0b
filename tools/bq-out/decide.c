#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bq-inside.h"
#include "breakage.h"
#include "decide.h"

static const char *
text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* int64 stands in a string. */
static uint64_t
number(const json_t *object, const char *key)
{
	const json_t *j = json_object_get(object, key);

	return json_is_integer(j) ? (uint64_t)json_integer_value(j) : strtoull(text(object, key), NULL, 10);
}

/* "... in row starting at position 123: No such field: x." */
static int
position(const char *message, uint64_t *at)
{
	const char *p = strstr(message, "position ");
	char *end;

	if (!p)
		return 0;
	*at = strtoull(p + 9, &end, 10);
	return end != p + 9;
}

void
decide_read(const json_t *job, struct decide_job *d)
{
	const json_t *status = json_object_get(job, "status"), *result = json_object_get(status, "errorResult");
	const json_t *labels = json_object_get(json_object_get(job, "configuration"), "labels"), *one;
	const json_t *load = json_object_get(json_object_get(job, "statistics"), "load");
	uint64_t at;
	size_t i;

	*d = (struct decide_job){ .state = text(status, "state"), .run = text(labels, "weir_run"), .id = text(labels, "weir_id"),
		.hash = text(labels, "weir_hash"), .reason = text(result, "reason"), .message = text(result, "message"),
		.failed = json_is_object(result), .rows = number(load, "outputRows"), .bytes = number(load, "inputFileBytes") };
	d->about_rows = *text(result, "location") || strstr(d->message, "Error while reading data");
	json_array_foreach(json_object_get(status, "errors"), i, one)
		d->about_rows |= position(text(one, "message"), &at);
}

static enum decide
decide_loaded(const struct decide_mine *m, const struct decide_job *j)
{
	if (BROKEN("bq-no-label"))
		return DECIDE_COMMITTED;
	if (strcmp(m->hash, j->hash))
		return DECIDE_FENCED;
	if (!m->batch)
		return strcmp(m->run, j->run) || strcmp(m->id, j->id) ? DECIDE_FENCED : DECIDE_COMMITTED;
	/* The hash of a streamed load is of its beginning; its length tells about the rest, as well as lengths can. */
	if (*m->hash == 'p' && (m->rows != j->rows || (j->bytes && m->bytes != j->bytes)))
		return DECIDE_FENCED;
	return strcmp(m->run, j->run) ? DECIDE_ALREADY : DECIDE_COMMITTED;
}

enum decide
decide(const struct decide_mine *m, const struct decide_job *j)
{
	if (strcmp(j->state, "DONE"))
		return DECIDE_WAIT;
	if (!j->failed)
		return decide_loaded(m, j);
	if (bq_transient_reason(j->reason) || !strcmp(j->reason, "timeout") || strcmp(m->hash, j->hash))
		return DECIDE_NEXT;		/* what was wrong with other data, or on another day, says nothing about ours */
	if (bq_quota_reason(j->reason))
		return DECIDE_QUOTA;
	if (!strcmp(j->reason, "stopped"))
		return DECIDE_CANCELLED;
	return !strcmp(j->reason, "invalid") && j->about_rows ? DECIDE_ROWS : DECIDE_CONFIG;
}

size_t
decide_errors(const json_t *job, struct load_error *error, uint64_t *at, size_t max)
{
	static const char prefix[] = "Error while reading data, error message: ";
	const json_t *one;
	size_t i, k, n = 0;
	uint64_t where;

	json_array_foreach(json_object_get(json_object_get(job, "status"), "errors"), i, one) {
		const char *message = text(one, "message"), *reason = text(one, "reason");

		if (n == max || !position(message, &where))
			continue;
		for (k = n++; k && at[k - 1] > where; k--) {
			at[k] = at[k - 1];
			error[k] = error[k - 1];
		}
		at[k] = where;
		message += strncmp(message, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1;
		error[k] = (struct load_error){ 0 };
		bq_words(error[k].message, sizeof error[k].message, message, strlen(message));
		bq_words(error[k].reason, sizeof error[k].reason, reason, strlen(reason));
	}
	return n;
}

const char *
decide_remedy(const char *reason)
{
	static const struct {
		const char *reason, *remedy;
	} list[] = {
		{ "invalid", "; make the table, --schema and --update agree" },
		{ "notFound", "; make the table, or say --create" },
		{ "accessDenied", "; roles/bigquery.dataEditor on the dataset is needed" },
		{ "billingNotEnabled", "; switch billing on for the project" },
		{ "resourcesExceeded", "; load less at once (--epoch)" },
		{ "responseTooLarge", "; load less at once (--epoch)" },
	};

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (!strcmp(reason, list[i].reason))
			return list[i].remedy;
	return "";
}
