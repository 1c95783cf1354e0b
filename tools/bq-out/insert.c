/*
 * Rows by insertAll: visible at once, and at least once.
 *
 * A batch of events is one request or several; nothing waits for a later one.
 * BigQuery answers 200 also when rows failed: what it calls invalid becomes a
 * reject, what it calls stopped is innocent and sent again.  An insertId is
 * made of the token before the epoch and the row's number, so that the rows of
 * an epoch that is read again have the same ones; BigQuery compares them for
 * about a minute, as well as it can.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bq-out.h"
#include "emit.h"
#include "retry.h"

#define REQUEST_BYTES	9500000		/* BigQuery takes 10 MB */
#define FIRST_US	INT64_C(200000)
#define MOST_US		INT64_C(32000000)
#define NOT_YET_US	(INT64_C(120) * 1000000)	/* a table just made or changed may not be known everywhere */

struct insert {
	struct buf	 body, row;
	struct insert_row { uint32_t event; size_t at, n, bytes; } *waiting;	/* of the request; at, n: in `rows`; bytes: of the row alone */
	size_t		 n, max;
	struct buf	 rows;		/* {"insertId":...,"json":...} of each */
	char		 prefix[LOAD_BASE_SIZE];
	uint64_t	 sent;		/* rows since the last commit, for insertIds */
	uint64_t	 stored, bytes;	/* of this epoch */
};

int
insert_open(struct bq_out *s)
{
	struct insert *in = s->insert = calloc(1, sizeof *in);

	if (!in || !(in->waiting = calloc(s->request_rows, sizeof *in->waiting)))
		return bq_out_no_memory(s);
	in->max = s->request_rows;
	in->body.max = in->rows.max = 2 * REQUEST_BYTES;
	place_base(s, s->committed, in->prefix);
	return 0;
}

void
insert_close(struct bq_out *s)
{
	struct insert *in = s->insert;

	if (!in)
		return;
	buf_free(&in->body);
	buf_free(&in->row);
	buf_free(&in->rows);
	free(in->waiting);
	free(in);
	s->insert = NULL;
}

static int
make_body(struct bq_out *s)
{
	struct insert *in = s->insert;
	int e;

	in->body.n = 0;
	e = buf_puts(&in->body, "{\"skipInvalidRows\":true,\"rows\":[");
	for (size_t k = 0; k < in->n; k++)
		e |= (k ? buf_putc(&in->body, ',') : 0) | buf_put(&in->body, in->rows.p + in->waiting[k].at, in->waiting[k].n);
	return e | buf_puts(&in->body, "]}") ? bq_out_no_memory(s) : 0;
}

/* What is wrong with row k, into the rejects; or it waits for the next request.  1: it waits. */
static int
row_error(struct bq_out *s, struct weir_batch *b, const json_t *entry, size_t k)
{
	const json_t *errors = json_object_get(entry, "errors"), *first = json_array_get(errors, 0);
	const char *reason = json_string_value(json_object_get(first, "reason")), *path = json_string_value(json_object_get(first, "location")),
	    *message = json_string_value(json_object_get(first, "message"));

	if (reason && !strcmp(reason, "stopped"))
		return 1;
	if (reason && (!strcmp(reason, "timeout") || !strcmp(reason, "backendError") || !strcmp(reason, "internalError") || !strcmp(reason, "rateLimitExceeded")))
		return 1;
	return weir_reject(s->ctx, b, s->insert->waiting[k].event, "bigquery", path && *path ? path : NULL, "BigQuery: %s: %s", reason ? reason : "no reason given",
	    message ? message : "");
}

/* The answer: stored rows and rejects leave the request, the others stay.  *stayed: how many. */
static int
sort_out(struct bq_out *s, struct weir_batch *b, const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "insertErrors"), *entry;
	struct insert *in = s->insert;
	size_t i, left = 0;
	uint8_t *bad = weir_alloc(s->ctx, in->n);
	int e;

	memset(bad, 0, in->n);
	json_array_foreach((json_t *)(uintptr_t)errors, i, entry) {
		json_int_t k = json_integer_value(json_object_get(entry, "index"));

		if (!json_is_integer(json_object_get(entry, "index")) || k < 0 || (size_t)k >= in->n || bad[k])
			return weir_error(s->ctx, WEIR_EAGAIN, "BigQuery's answer names row %" JSON_INTEGER_FORMAT " of a request of %zu: it cannot be told what was stored; "
			    "run it again", k, in->n);
		if ((e = row_error(s, b, entry, (size_t)k)) < 0)
			return e;
		bad[k] = e ? 1 : 2;
	}
	for (size_t k = 0; k < in->n; k++) {
		in->stored += !bad[k];
		in->bytes += bad[k] ? 0 : in->waiting[k].bytes;
		if (bad[k] == 1)
			in->waiting[left++] = in->waiting[k];
	}
	in->n = left;
	return 0;
}

/* The waiting rows, until all of them are stored or refused. */
static int
send_rows(struct bq_out *s, struct weir_batch *b)
{
	const struct target *t = &s->target;
	struct insert *in = s->insert;
	struct retry retry;
	char table[2048];
	int not_yet = 0, e;

	snprintf(table, sizeof table, "%s%s", t->table, t->part);
	retry_begin(&retry, FIRST_US, MOST_US, bq_retry_us(s->bq));
	while (in->n) {
		json_t *answer = NULL;
		int64_t wait_us = -1;
		size_t before = in->n;

		if ((e = make_body(s)) < 0)
			return e;
		if ((e = bq_insert_all(s->bq, t->project, t->dataset, table, in->body.p, in->body.n, &answer, &wait_us, &s->fail)) < 0)
			return bq_out_say(s);
		if (e == 2) {
			if (!t->made)
				return bq_out_say(s);
			if (!not_yet++)
				retry_begin(&retry, FIRST_US, MOST_US, NOT_YET_US);
		}
		if (e == 0) {
			e = sort_out(s, b, answer);
			json_decref(answer);
			if (e < 0)
				return e;
			if (in->n < before)
				retry_begin(&retry, FIRST_US, MOST_US, bq_retry_us(s->bq));
			if (in->n && in->n == before)
				fail(&s->fail, WEIR_EAGAIN, "BigQuery stored none of %zu rows of %s, for reasons of its own; run it again", in->n, t->name);
			else
				continue;
		}
		if (retry_wait(&retry, wait_us) < 0)
			return bq_out_say(s);
	}
	in->rows.n = 0;
	return 0;
}

/* The row that was just made, with its id. */
static int
add(struct bq_out *s, uint32_t event)
{
	struct insert *in = s->insert;
	struct insert_row *w = &in->waiting[in->n];

	w->event = event;
	w->bytes = in->row.n;
	w->at = in->rows.n;
	if (buf_printf(&in->rows, "{\"insertId\":\"%s-%" PRIu64 "\",\"json\":", in->prefix, in->sent++) |
	    buf_put(&in->rows, in->row.p, in->row.n - 1) | buf_putc(&in->rows, '}'))
		return bq_out_no_memory(s);
	w->n = in->rows.n - w->at;
	in->n++;
	return 0;
}

int
insert_batch(struct bq_out *s, struct weir_batch *b)
{
	struct insert *in = s->insert;
	int e;

	for (uint32_t i = 0; i < b->n; i++) {
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		in->row.n = 0;
		if ((e = bq_out_row(s, b, i, &in->row)) < 0)
			return e;
		if (e)
			continue;
		if (in->n && (in->n == in->max || in->rows.n + in->row.n + in->n > REQUEST_BYTES) && (e = send_rows(s, b)) < 0)
			return e;
		if ((e = add(s, i)) < 0)
			return e;
	}
	return send_rows(s, b);
}

int
insert_prepare(struct bq_out *s, const struct weir_barrier *bar)
{
	return bq_out_is_feed(s) && s->insert->stored ? place_prepare(s, bar, bar->hash, s->insert->stored) : 0;
}

/* The rows are there since they were sent; what is committed now is how far the source has come. */
int
insert_commit(struct bq_out *s, const struct weir_barrier *bar)
{
	struct insert *in = s->insert;
	uint64_t rows = in->stored, bytes = in->bytes;

	if (!rows)
		return 1;
	in->stored = in->bytes = in->sent = 0;
	if (bq_out_is_feed(s))
		place_base(s, bar->token, in->prefix);
	return bq_out_receipt(s, bar, rows, bytes, json_pack("{s:s}", "guarantee", "at-least-once"));
}
