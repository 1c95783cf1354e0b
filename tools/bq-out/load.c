#include "config.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bq-inside.h"
#include "decide.h"
#include "load.h"
#include "upload.h"
#include "weir.h"

#define HEX		40			/* digits of SHA-256 that are used */
#define POLL_FIRST_US	INT64_C(500000)
#define POLL_MOST_US	INT64_C(10000000)
#define POLL_US		(INT64_C(23400) * 1000000)	/* a load job may run for 6 hours */

struct load {
	struct bq		*bq;
	struct spool		*spool;
	struct upload		 upload;
	json_t			*job;		/* labels and configuration */
	char			 base[LOAD_BASE_SIZE], id[LOAD_ID_SIZE];
	char			 run[LOAD_LABEL_SIZE], label_id[LOAD_LABEL_SIZE];
	struct load_sum		 sum;
	unsigned		 attempt;
	int			 batch, plain;
	int			 maybe;		/* a request that may have begun a job has gone out */
	int			 taken;		/* there is a job of our id, seen before or while streaming: the rest is only counted */
	unsigned		 n_failed;	/* attempts that BigQuery's own troubles have ended */
	struct retry		 again;
};

/* ---------------------------------------------------------------- names */

/* 40 hex digits over parts, each with its length, the last one NULL. */
static void
digest(const char *const *part, char out[HEX + 1])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	char n[24];
	int ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	for (; *part; part++) {
		snprintf(n, sizeof n, "%zu:", strlen(*part));
		ok = ok && EVP_DigestUpdate(c, n, strlen(n)) && EVP_DigestUpdate(c, *part, strlen(*part));
	}
	if (!ok || !EVP_DigestFinal_ex(c, md, NULL))
		fail_no_memory();
	EVP_MD_CTX_free(c);
	for (int i = 0; i < HEX / 2; i++)
		sprintf(out + 2 * i, "%02x", md[i]);
}

void
load_base_id(const struct load_id *id, char out[LOAD_BASE_SIZE])
{
	const char *feed[] = { "feed", id->project, id->dataset, id->table, id->creation, id->pipe, id->shard, id->prev, NULL };
	const char *batch[] = { "batch", id->project, id->dataset, id->table, id->creation, id->batch_id, NULL };

	strcpy(out, "weir_");
	digest(id->batch_id ? batch : feed, out + 5);
}

void
load_job_id(const char *base, unsigned attempt, char out[LOAD_ID_SIZE])
{
	if (attempt)
		snprintf(out, LOAD_ID_SIZE, "%s_a%u", base, attempt);
	else
		snprintf(out, LOAD_ID_SIZE, "%s", base);
}

static void
hash_label(const uint64_t hash[2], uint64_t rows, const char *off, char out[HEX + 1])
{
	char data[40], count[24];
	const char *part[] = { data, count, off, NULL };

	snprintf(data, sizeof data, "%016" PRIx64 "%016" PRIx64, hash[1], hash[0]);
	snprintf(count, sizeof count, "%" PRIu64, rows);
	digest(part, out);
}

/* ---------------------------------------------------------------- waiting for a job */

static int
unknown(const struct bq *bq, const char *id, const char *why, struct fail *f)
{
	char words[BQ_WORDS_SIZE];

	bq_words(words, sizeof words, why, strlen(why));		/* *why may stand in *f */
	return fail(f, WEIR_EUNKNOWN, "the outcome of the load job %s:%s.%s is not known (%s); the next run finds out", bq_project(bq),
	    bq_location(bq), id, words);
}

static int
is_done(const json_t *job)
{
	struct decide_job d;

	decide_read(job, &d);
	return !strcmp(d.state, "DONE");
}

/* Until it is DONE.  *job is replaced by what it has become. */
static int
wait_done(struct bq *bq, const char *id, json_t **job, struct fail *f)
{
	struct retry poll;
	json_t *now = NULL;
	int e;

	retry_begin(&poll, POLL_FIRST_US, POLL_MOST_US, POLL_US);
	while (!is_done(*job)) {
		if (retry_wait(&poll, -1) < 0)
			return unknown(bq, id, "it has not ended after 6.5 hours", f);
		if ((e = bq_job_get(bq, id, &now, f)) < 0)
			return unknown(bq, id, f->text, f);
		if (!e) {		/* 1: it was there a moment ago, and will be again */
			json_decref(*job);
			*job = now;
		}
	}
	return 0;
}

/* ---------------------------------------------------------------- what has become of a base id */

void
load_look_free(struct load_look *l)
{
	json_decref(l->job);
	*l = (struct load_look){ 0 };
}

int
load_look(struct bq *bq, const char *base, struct load_look *l, struct fail *f)
{
	char id[LOAD_ID_SIZE];
	struct decide_job d;
	json_t *job = NULL;
	int e;

	*l = (struct load_look){ 0 };
	for (;; l->next++) {
		load_job_id(base, l->next, id);
		if ((e = bq_job_get(bq, id, &job, f)) == 1)
			return 0;
		if (!e)
			e = wait_done(bq, id, &job, f);
		if (e < 0) {
			json_decref(job);
			load_look_free(l);
			return e;
		}
		json_decref(l->job);
		l->job = job;
		job = NULL;
		decide_read(l->job, &d);
		snprintf(l->run, sizeof l->run, "%s", d.run);
		snprintf(l->id, sizeof l->id, "%s", d.id);
		snprintf(l->hash, sizeof l->hash, "%s", d.hash);
		l->rows = d.rows;
		l->state = d.failed ? LOAD_FAILED : LOAD_DONE;
		if (!d.failed)
			return 0;
	}
}

/* ---------------------------------------------------------------- open */

int
load_open(struct bq *bq, const struct load_options *o, struct load **out, struct fail *f)
{
	struct load *l;
	int e;

	if (!bq_project(bq) || !bq_location(bq))
		return fail(f, WEIR_EBUG, "load_open: no project or no location");
	if (!(l = calloc(1, sizeof *l)))
		return fail(f, WEIR_EAGAIN, "no memory for a load");
	l->bq = l->upload.bq = bq;
	l->attempt = o->attempt;
	l->batch = o->batch;
	l->taken = o->done;
	l->plain = o->plain;
	snprintf(l->base, sizeof l->base, "%s", o->base);
	snprintf(l->run, sizeof l->run, "%s", o->run);
	snprintf(l->label_id, sizeof l->label_id, "%s", o->id);
	if (!(l->job = json_pack("{s:O}", "load", o->load)) ||
	    json_object_set_new(o->load, "sourceFormat", json_string("NEWLINE_DELIMITED_JSON")) < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a load");
	else
		e = spool_open(&(struct spool_options){ .dir = o->dir, .bytes = o->spool_bytes, .plain = o->plain }, &l->spool, f);
	if (e < 0) {
		load_close(l);
		return e;
	}
	l->upload.spool = l->spool;
	*out = l;
	return 0;
}

void
load_close(struct load *l)
{
	if (!l)
		return;
	upload_free(&l->upload);
	spool_close(l->spool);
	json_decref(l->job);
	free(l);
}

/* The job of l->attempt, for the upload. */
static int
begin_attempt(struct load *l, struct fail *f)
{
	char *body = NULL, *what = NULL, *role = NULL;
	json_t *j, *labels = json_pack("{s:s, s:s, s:s, s:s}", "tool", "bq-out", "weir_run", l->run, "weir_id", l->label_id, "weir_hash", l->sum.hash);

	load_job_id(l->base, l->attempt, l->id);
	if (labels && json_object_set_new(l->job, "labels", labels) == 0 && (j = json_pack("{s:{s:s, s:s, s:s}, s:O}", "jobReference", "projectId",
	    bq_project(l->bq), "jobId", l->id, "location", bq_location(l->bq), "configuration", l->job))) {
		body = json_dumps(j, JSON_COMPACT);
		json_decref(j);
	}
	if (asprintf(&what, "begin the load job %s:%s.%s", bq_project(l->bq), bq_location(l->bq), l->id) < 0)
		what = NULL;
	if (asprintf(&role, "roles/bigquery.jobUser on the project %s, and roles/bigquery.dataEditor on the dataset", bq_project(l->bq)) < 0)
		role = NULL;
	return upload_begin(&l->upload, body, what, role, f);
}

/* ---------------------------------------------------------------- data */

static int
absent(const struct load *l, struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "cannot %s: %s; nothing of it is loaded, run it again", l->upload.what, l->upload.words);
}

static int
gone(const struct load *l, struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "cannot %s: BigQuery has lost the upload, and its beginning does not stand in the spool any more; nothing of it is "
	    "loaded, run it again (a larger --spool helps)", l->upload.what);
}

/* The spool is full. */
static int
make_room(struct load *l, struct fail *f)
{
	enum upload_end end = UPLOAD_JOB;
	struct spool_sum sum;
	int e;

	spool_sum(l->spool, &sum);
	if (!l->sum.streamed) {
		l->sum.streamed = 1;
		l->sum.hash[0] = 'p';
		hash_label(sum.head_hash, 0, "", l->sum.hash + 1);
		if ((e = begin_attempt(l, f)) < 0)
			return e;
	}
	if (!l->taken && (e = upload_stream(&l->upload, &end, f)) < 0)
		return e;
	switch (end) {
	case UPLOAD_JOB:
		break;
	case UPLOAD_EXISTS:
		l->taken = 1;
		break;
	case UPLOAD_LOST:
		return gone(l, f);
	default:
		return absent(l, f);
	}
	if (l->taken)
		spool_release(l->spool, sum.out);
	return 0;
}

int
load_put(struct load *l, const void *p, size_t n, uint64_t n_rows, struct fail *f)
{
	struct spool_sum sum;
	const char *c = p;
	int e;

	while (n) {
		size_t k = n < SPOOL_SLICE ? n : SPOOL_SLICE;

		while ((e = spool_put(l->spool, c, k, k == n ? n_rows : 0, f)) == 1)
			if ((e = make_room(l, f)) < 0)
				return e;
		if (e < 0)
			return e;
		c += k;
		n -= k;
	}
	spool_sum(l->spool, &sum);
	if (!l->plain && sum.out > LOAD_GZIP_MAX)
		return fail(f, WEIR_ECONFIG, "the load is over %" PRIu64 " bytes compressed, more than BigQuery takes in one; "
		    "say a shorter --epoch, or split the batch", LOAD_GZIP_MAX);
	return 0;
}

int
load_finish(struct load *l, const char *off, struct load_sum *out, struct fail *f)
{
	struct spool_sum sum;
	int e = spool_finish(l->spool, f);

	if (e < 0)
		return e;
	spool_sum(l->spool, &sum);
	l->sum.rows = sum.rows;
	l->sum.bytes = sum.in;
	l->sum.gzip_bytes = sum.out;
	if (!l->sum.streamed)
		hash_label(sum.hash, sum.rows, off, l->sum.hash);
	*out = l->sum;
	return 0;
}

/* ---------------------------------------------------------------- the end of a job that failed */

/* BigQuery's positions as rows and their texts; without the beginning of the data they stay positions. */
static int
find_rows(struct load *l, const json_t *job, struct load_result *r, struct fail *f)
{
	struct spool_row row[LOAD_ERRORS];
	uint64_t at[LOAD_ERRORS];
	int e;

	r->n_errors = decide_errors(job, r->error, at, LOAD_ERRORS);
	if (spool_from(l->spool))
		return 0;
	for (size_t i = 0; i < r->n_errors; i++)
		row[i].at = at[i];
	if ((e = spool_find(l->spool, row, r->n_errors, f)) < 0)
		return e;
	for (size_t i = 0; i < r->n_errors; i++) {
		r->error[i].row = row[i].number;
		bq_words(r->error[i].text, sizeof r->error[i].text - 3, row[i].text, row[i].n);
		if (row[i].n == SPOOL_TEXT)
			strcat(r->error[i].text, "...");
	}
	return 0;
}

static int
fail_job(const struct load *l, const struct decide_job *d, int code, const char *remedy, struct fail *f)
{
	char words[BQ_WORDS_SIZE];

	bq_words(words, sizeof words, d->message, strlen(d->message));
	return fail(f, code, "the load job %s failed, nothing of it is in the table: %s (%s)%s", l->id, words, d->reason, remedy);
}

/* "JSON parsing error in row starting at position 123: No such field: x." without what a row number says better. */
static const char *
complaint(const char *message)
{
	const char *p = strstr(message, "position "), *colon = p ? strstr(p, ": ") : NULL;

	return colon && colon[2] ? colon + 2 : message;
}

static int
refused_rows(struct load *l, const json_t *job, const struct decide_job *d, struct load_result *r, struct fail *f)
{
	static const char remedy[] = "; mend these rows, or reject them before";
	struct buf b = { .max = 700 };
	int e = find_rows(l, job, r, f);

	if (e < 0)
		return e;
	if (!r->n_errors)
		return fail_job(l, d, WEIR_EDATA, remedy, f);
	for (size_t i = 0; i < r->n_errors; i++) {
		const struct load_error *one = &r->error[i];

		if ((one->row ? buf_printf(&b, "%srow %" PRIu64 ": %.160s %s", i ? "; " : "", one->row, complaint(one->message), one->text)
		    : buf_printf(&b, "%s%.300s", i ? "; " : "", one->message)) < 0)
			break;			/* the rest stands in *r */
	}
	e = fail(f, WEIR_EDATA, "BigQuery refuses rows, and nothing of this load is in the table (job %s): %.*s%s", l->id, (int)b.n, b.n ? b.p : "",
	    remedy);
	buf_free(&b);
	return e;
}

static int
fenced(const struct load *l, const struct decide_job *d, struct fail *f)
{
	if (l->batch)
		return fail(f, WEIR_EFENCED, "this batch id has been loaded with other content (job %s, %" PRIu64 " rows); nothing of this one is loaded; "
		    "give it another --batch-id", l->id, d->rows);
	return fail(f, WEIR_EFENCED, "another run of this pipeline has committed what follows the same position (job %s, run %.60s, epoch %.20s); nothing "
	    "of this epoch is loaded; run it again, once", l->id, d->run, d->id);
}

/* ---------------------------------------------------------------- commit */

/* The job is DONE: 0 or a code; 1 the next attempt is to be made. */
static int
settle(struct load *l, const json_t *job, struct load_result *r, struct fail *f)
{
	struct decide_mine mine = { .run = l->run, .id = l->label_id, .hash = l->sum.hash, .rows = l->sum.rows, .bytes = l->sum.gzip_bytes, .batch = l->batch };
	struct decide_job d;

	decide_read(job, &d);
	r->rows = d.rows;
	switch (decide(&mine, &d)) {
	case DECIDE_ALREADY:
		r->already = 1;
		return 0;
	case DECIDE_COMMITTED:
		return 0;
	case DECIDE_FENCED:
		return fenced(l, &d, f);
	case DECIDE_QUOTA:
		return fail_job(l, &d, WEIR_EAGAIN, ": a quota is used up; those of a day refill over 24 hours: run it again then, and less often", f);
	case DECIDE_CANCELLED:
		return fail_job(l, &d, WEIR_EAGAIN, ": somebody has cancelled it; run it again", f);
	case DECIDE_ROWS:
		return refused_rows(l, job, &d, r, f);
	case DECIDE_CONFIG:
		return fail_job(l, &d, WEIR_ECONFIG, decide_remedy(d.reason), f);
	case DECIDE_NEXT:
		if (++l->n_failed < LOAD_ATTEMPTS && !spool_from(l->spool) && retry_wait(&l->again, -1) == 0)
			return 1;
		return fail_job(l, &d, WEIR_EAGAIN, "; run it again", f);
	default:
		return fail(f, WEIR_EBUG, "the load job %s is neither done nor running", l->id);
	}
}

/* Upload until there is a job: *job. */
static int
make_job(struct load *l, json_t **job, struct fail *f)
{
	struct upload *u = &l->upload;
	enum upload_end end;
	int e;

	for (;;) {
		end = UPLOAD_EXISTS;
		if (!l->taken && (e = upload_finish(u, &end, job, f)) < 0)
			return l->maybe || u->last ? unknown(l->bq, l->id, f->text, f) : e;
		if (end == UPLOAD_JOB)
			return 0;
		if (end != UPLOAD_ABSENT) {
			if ((e = bq_job_get(l->bq, l->id, job, f)) < 0)
				return unknown(l->bq, l->id, f->text, f);
			if (!e)
				return 0;
			if (spool_from(l->spool) && !u->session.n)
				return gone(l, f);
			l->maybe = 1;
			if (end == UPLOAD_EXISTS)
				snprintf(u->words, sizeof u->words, "BigQuery says that it exists, and that it does not");
		}
		if (upload_wait(u, -1) < 0)
			return l->maybe ? unknown(l->bq, l->id, u->words, f) : absent(l, f);
	}
}

int
load_commit(struct load *l, struct load_result *r, struct fail *f)
{
	json_t *job = NULL;
	int e;

	*r = (struct load_result){ 0 };
	retry_begin(&l->again, BQ_WAIT_FIRST_US, BQ_WAIT_MOST_US, POLL_US);
	for (;; l->attempt++) {
		if (!l->sum.streamed && (e = begin_attempt(l, f)) < 0)
			return e;
		strcpy(r->job, l->id);
		r->attempt = l->attempt;
		if ((e = make_job(l, &job, f)) == 0 && (e = wait_done(l->bq, l->id, &job, f)) == 0)
			e = settle(l, job, r, f);
		json_decref(job);
		job = NULL;
		if (e <= 0)
			return e;
	}
}
