/* Rows by load jobs: an epoch is one, whose end makes all of it visible. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bq-out.h"

/* Attempts of this batch that have failed are not asked again: what was wrong then may be mended by now.  One that is done is not sent
 * again. */
static int
find_attempt(struct bq_out *s, int *done)
{
	struct load_look look;

	if (load_look(s->bq, s->base, &look, &s->fail) < 0)
		return bq_out_say(s);
	s->attempt = look.next;
	*done = look.state == LOAD_DONE;
	load_look_free(&look);
	return 0;
}

/* The first row of an epoch. */
static int
begin(struct bq_out *s)
{
	struct load_options o = { .base = s->base, .batch = s->batch_id != NULL, .run = s->run, .dir = bq_out_spool_dir(s),
		.spool_bytes = s->spool_bytes, .plain = s->plain_upload };
	char id[24];
	int e;

	json_decref(s->job);
	if (!(o.load = s->job = target_job(s)))
		return bq_out_no_memory(s);
	snprintf(id, sizeof id, "%" PRIu64, s->id);
	o.id = id;
	/* Rows that are no feed's and no batch's follow nothing: the run alone makes their job. */
	place_base(s, bq_out_is_feed(s) ? s->committed : s->run, s->base);
	if (s->batch_id && (e = find_attempt(s, &o.done)) < 0)
		return e;
	o.attempt = s->attempt;
	return load_open(s->bq, &o, &s->load, &s->fail) < 0 ? bq_out_say(s) : 0;
}

int
jobs_put(struct bq_out *s, uint64_t n_rows)
{
	int e;

	if (!s->load && (e = begin(s)) < 0)
		return e;
	return load_put(s->load, s->rows.p, s->rows.n, n_rows, &s->fail) < 0 ? bq_out_say(s) : 0;
}

int
jobs_prepare(struct bq_out *s, const struct weir_barrier *bar)
{
	if (!s->load)
		return 0;
	if (load_finish(s->load, bar->off, &s->sum, &s->fail) < 0)
		return bq_out_say(s);
	return bq_out_is_feed(s) ? place_prepare(s, bar, s->sum.hash, s->sum.rows) : 0;
}

int
jobs_commit(struct bq_out *s, const struct weir_barrier *bar)
{
	struct load_result r = { 0 };
	json_t *more;
	char job[512];

	if (!s->load)
		return 1;
	if (load_commit(s->load, &r, &s->fail) < 0)
		return bq_out_say(s);
	load_close(s->load);
	s->load = NULL;
	s->attempt = 0;
	s->target.changes = 0;
	snprintf(job, sizeof job, "%s:%s.%s", bq_project(s->bq), bq_location(s->bq), r.job);
	more = json_pack("{s:s, s:I}", "job", job, "uploaded_bytes", (json_int_t)(r.already ? 0 : s->sum.gzip_bytes));
	if (more && r.already && json_object_set_new(more, "already", json_true()) < 0) {
		json_decref(more);
		more = NULL;
	}
	return bq_out_receipt(s, bar, r.already ? 0 : s->sum.rows, r.already ? 0 : s->sum.bytes, more);
}
