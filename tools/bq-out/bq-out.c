/*
 * bq-out - load events into a BigQuery table.
 *
 * By load jobs, exactly once: an epoch is one job, whose id is made of the
 * token it follows, so that whoever remakes the epoch meets the same id, and
 * BigQuery lets an id load once.  Or by insertAll, at once and at least once.
 * Events are made into rows here and refused here: a load job fails as a whole
 * for one row that does not fit.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bq-out.h"
#include "emit.h"
#include "opt.h"
#include "token.h"

#define ROWS_MAX	(256u << 20)	/* of one batch, as rows; a line may be as long as --max-line says */
#define INSERT_ROW_MAX	9000000		/* insertAll takes requests of 10 MB */

#define O(name, arg, help, type, flags, member, preset) { 0, name, arg, help, type, flags, offsetof(struct bq_out, member), preset }

static const struct weir_opt opts[] = {
	O("table", "PROJECT.DATASET.TABLE", "the table; $YYYYMMDD behind it names a partition", WEIR_TEXT, WEIR_REQUIRED, table, NULL),
	O("mode", "load|insert-all", "load jobs, exactly once; or insertAll, at once", WEIR_CHOICE, 0, mode, "load"),
	O("schema", "FILE", "columns: BigQuery's JSON or JSON Schema; default: the table's", WEIR_TEXT, 0, schema, NULL),
	O("create", NULL, "make the table if it is not there", WEIR_FLAG, 0, create, NULL),
	O("partition", "day|hour|month|year[:COLUMN]|range:COLUMN:START:END:STEP", "partitions of a new table", WEIR_TEXT, 0, partition, NULL),
	O("cluster", "COLUMN,...", "clustering of a new table", WEIR_TEXT, 0, cluster, NULL),
	O("write", "append|truncate|truncate-data", "what a load does to the rows that are there", WEIR_CHOICE, 0, write, "append"),
	O("update", "add|relax|add,relax", "let the load change the table's columns to those of --schema", WEIR_TEXT, 0, update, NULL),
	O("project", "PROJECT", "who runs and pays the jobs; default: the table's", WEIR_TEXT, 0, project, NULL),
	O("location", "LOCATION", "where the dataset must be, such as EU", WEIR_TEXT, 0, location, NULL),
	O("credentials", "FILE", "who we are; default: as Google's libraries find it", WEIR_TEXT, 0, credentials, NULL),
	O("endpoint", "URL", "another server than BigQuery's (BIGQUERY_EMULATOR_HOST)", WEIR_TEXT, 0, endpoint, NULL),
	O("spool", "SIZE", "disk for rows on their way", WEIR_SIZE, 0, spool_bytes, "256M"),
	O("spool-dir", "DIR", "where; default: TMPDIR, else /var/tmp", WEIR_TEXT, 0, spool_dir, NULL),
	O("compression", "gzip|none", "of what is uploaded", WEIR_CHOICE, 0, plain_upload, "gzip"),
	O("request-rows", "N", "rows of one request of insert-all", WEIR_COUNT, 0, request_rows, "500"),
	O("timeout", "DURATION", "so long BigQuery may fail to answer", WEIR_DURATION, 0, retry_us, "10m"),
	O("metadata", "URI", "iceberg-refresh: the metadata file to read from now on", WEIR_TEXT, 0, metadata, NULL),
	{ 0 }
};

int
bq_out_say(struct bq_out *s)
{
	return s->fail.text[0] ? weir_error(s->ctx, (enum weir_code)s->fail.code, "%s", s->fail.text) : s->fail.code;
}

int
bq_out_no_memory(struct bq_out *s)
{
	return weir_error(s->ctx, WEIR_EAGAIN, "no memory");
}

int
bq_out_is_feed(const struct bq_out *s)
{
	return s->framed && !s->batch_id;
}

/* ---------------------------------------------------------------- open */

static int
check_options(struct bq_out *s)
{
	if (s->mode == BQ_OUT_INSERT_ALL && s->write != BQ_OUT_APPEND)
		return weir_error(s->ctx, WEIR_EUSAGE, "--write replaces rows, and --mode insert-all can only add some: use --mode load");
	if (s->update && !s->schema)
		return weir_error(s->ctx, WEIR_EUSAGE, "--update changes the table to what --schema FILE says: give that too");
	if (s->update && strcmp(s->update, "add") && strcmp(s->update, "relax") && strcmp(s->update, "add,relax"))
		return weir_error(s->ctx, WEIR_EUSAGE, "--update takes add, relax or add,relax, not '%s'", s->update);
	if (!s->request_rows || s->request_rows > 50000)
		return weir_error(s->ctx, WEIR_EUSAGE, "--request-rows takes 1 to 50000, BigQuery's limit");
	return 0;
}

static int
bo_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct bq_out *s = self;
	struct bq_options o = { .endpoint = s->endpoint, .credentials = s->credentials, .project = s->project, .location = s->location, .retry_us = s->retry_us };
	int refreshes = operand[0] && !strcmp(operand[0], "iceberg-refresh"), e;

	s->ctx = ctx;
	s->rows.max = ROWS_MAX;
	if (operand[0] && (!refreshes || operand[1]))
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand but iceberg-refresh, '%s' given", operand[refreshes]);
	if ((e = check_options(s)) < 0)
		return e;
	if ((e = bq_open(&o, &s->bq, &s->fail)) < 0 || (e = target_name(s)) < 0)
		return bq_out_say(s);
	return refreshes ? refresh(s) : 0;
}

static int
bo_min_epoch(struct weir_ctx *ctx, void *self, int64_t *us)
{
	const char *env = getenv("WEIR_BQ_MIN_EPOCH");		/* tests: no quota is theirs to keep */
	struct bq_out *s = self;

	*us = s->mode == BQ_OUT_LOAD ? BQ_OUT_MIN_EPOCH_US : 0;
	if (*us && env && *env && opt_duration(env, us) < 0)
		return weir_error(ctx, WEIR_EUSAGE, "WEIR_BQ_MIN_EPOCH is '%s', which is no duration", env);
	return 0;
}

/* ---------------------------------------------------------------- begin */

static int
keep(char **to, const char *text)
{
	free(*to);
	return (*to = strdup(text)) ? 0 : -1;
}

/* Of a stream without a run: jobs still need a name that is nobody else's. */
static int
keep_run(struct bq_out *s, const char *run)
{
	char made[TOKEN_RUN_SIZE];

	if (!*run) {
		if (token_new_run(0, made, &s->fail) < 0)
			return bq_out_say(s);
		run = made;
	}
	return keep(&s->run, run) < 0 ? bq_out_no_memory(s) : 0;
}

static int
keep_stream(struct bq_out *s, const struct weir_stream *st)
{
	const char *slash = strrchr(st->prev, '/');

	s->framed = st->framed;
	s->as_new_feed = st->as_new_feed;
	s->id = (slash ? strtoull(slash + 1, NULL, 10) : 0) + 1;
	if (keep(&s->pipe, *st->pipe ? st->pipe : s->target.name) | keep(&s->shard, *st->shard ? st->shard : "0/1") | keep(&s->chain, st->chain) |
	    keep(&s->committed, *st->prev ? st->prev : "none") | (*st->batch_id ? keep(&s->batch_id, st->batch_id) : 0) |
	    (st->drop_meta && *st->meta ? keep(&s->ignore, st->meta) : 0))
		return bq_out_no_memory(s);
	return keep_run(s, st->run);
}

static int
check_stream(struct bq_out *s, const struct weir_stream *st)
{
	if (s->batch_id && s->mode == BQ_OUT_INSERT_ALL)
		return weir_error(s->ctx, WEIR_EUSAGE, "--batch-id promises rows once, and --mode insert-all cannot: use --mode load");
	if (st->batch_replace)
		return weir_error(s->ctx, WEIR_EUSAGE, "--batch-replace: a job's id cannot be used again. Give the new content another --batch-id; with --write truncate "
		    "it replaces the old");
	if (s->batch_id && st->framed && strcmp(s->committed, "none"))
		return weir_error(s->ctx, WEIR_EUSAGE, "--batch-id takes a stream from its beginning, not one that goes on after %s", s->committed);
	if (s->write != BQ_OUT_APPEND && (bq_out_is_feed(s) || (st->framed && strcmp(st->off, "{}"))))
		return weir_error(s->ctx, WEIR_EUSAGE, "--write %s would replace what the stream has loaded before: only with --batch-id, and a source without positions",
		    s->write == BQ_OUT_TRUNCATE ? "truncate" : "truncate-data");
	return 0;
}

/* May the stream go on from the newest commit? */
static int
guard(struct bq_out *s, const struct weir_stream *st)
{
	struct position_stream stream = { .sink = "bq-out", .store = s->target.name, .pipe = s->pipe, .prev = s->committed, .chain = s->chain,
		.explicit_pipe = strcmp(s->pipe, s->target.name) != 0, .accept_change = st->accept_change };
	struct place place;
	json_t *off;
	int e = place_find(s, &place);

	if (e >= 0) {
		stream.off = off = json_loads(st->off, 0, NULL);
		if (!off)
			e = bq_out_no_memory(s);
		else if ((e = position_guard(&place.at, &stream, &s->fail)) < 0)
			bq_out_say(s);
		else if (e == 1)
			weir_warn(s->ctx, "%s", s->fail.text);
		s->attempt = place.next;
		json_decref(off);
	}
	place_free(&place);
	return e < 0 ? e : 0;
}

/* Rows are made of top-level members, which the host hands out. */
static int
want_columns(struct bq_out *s)
{
	size_t n = s->target.schema->n;
	struct buf path = { 0 };
	int e = 0;

	if (!(s->column = calloc(n + 1, sizeof *s->column)) || !(s->value = calloc(n + 1, sizeof *s->value)))
		return bq_out_no_memory(s);
	for (size_t k = 0; !e && k < n; k++) {
		const char *name = s->target.schema->field[k].name;

		path.n = 0;
		if (buf_putc(&path, '.') | emit_text(&path, name) | buf_putc(&path, '\0'))
			e = bq_out_no_memory(s);
		else if ((s->column[k] = weir_want(s->ctx, path.p)) < 0)
			e = s->column[k];
	}
	buf_free(&path);
	return e;
}

static int
bo_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *st)
{
	struct bq_out *s = self;
	size_t most;
	int e;

	if ((e = keep_stream(s, st)) < 0 || (e = check_stream(s, st)) < 0)
		return e;
	if ((e = target_look(s)) < 0 || (e = target_settle(s)) < 0)
		return bq_out_say(s);
	if (s->target.made)
		weir_warn(ctx, "made the table %s", s->target.name);
	if (bq_out_is_feed(s) && (e = guard(s, st)) < 0)
		return e;
	most = s->mode == BQ_OUT_LOAD ? ROW_MAX_BYTES : INSERT_ROW_MAX;
	if (row_open(s->target.schema, most, &s->row, &s->fail) < 0)
		return bq_out_say(s);
	if ((e = want_columns(s)) < 0)
		return e;
	return s->mode == BQ_OUT_LOAD ? 0 : insert_open(s);
}

/* ---------------------------------------------------------------- the stream */

int
bq_out_row(struct bq_out *s, struct weir_batch *b, uint32_t i, struct buf *out)
{
	struct row_fault fault;
	size_t n;
	const char *p = weir_event(s->ctx, b, i, &n);
	int e;

	for (size_t k = 0; k < s->target.schema->n; k++)
		s->value[k] = &b->col[s->column[k]][i];
	if ((e = row_put(s->row, s->value, p, n, s->ignore, s->ignore ? strlen(s->ignore) : 0, out, &fault)) < 0)
		return bq_out_no_memory(s);
	if (e && (e = weir_reject(s->ctx, b, i, fault.code, fault.path[0] ? fault.path : NULL, "%s", fault.message)) == 0)
		e = 1;
	return e;
}

static int
bo_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct bq_out *s = self;
	uint64_t n_rows = 0;
	int e;

	(void)ctx;
	if (s->mode == BQ_OUT_INSERT_ALL)
		return insert_batch(s, b);
	s->rows.n = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		if ((e = bq_out_row(s, b, i, &s->rows)) < 0)
			return e;
		n_rows += !e;
	}
	return n_rows ? jobs_put(s, n_rows) : 0;
}

static int
bo_prepare(struct weir_ctx *ctx, void *self, const struct weir_barrier *bar)
{
	struct bq_out *s = self;

	s->n_epochs++;
	if (s->batch_id && s->n_epochs > 1)
		return weir_error(ctx, WEIR_EUSAGE, "--batch-id takes a stream of one epoch: give the source --epoch all");
	return s->mode == BQ_OUT_LOAD ? jobs_prepare(s, bar) : insert_prepare(s, bar);
}

static int
bo_commit(struct weir_ctx *ctx, void *self, const struct weir_barrier *bar)
{
	struct bq_out *s = self;
	int e = s->mode == BQ_OUT_LOAD ? jobs_commit(s, bar) : insert_commit(s, bar), all;

	if (e < 0)
		return e;
	if (!e && bq_out_is_feed(s) && keep(&s->committed, bar->token) < 0)
		return bq_out_no_memory(s);
	s->id++;
	return bar->last && (all = receipt_run(ctx, &s->receipts)) < 0 ? all : e;
}

int
bq_out_receipt(struct bq_out *s, const struct weir_barrier *bar, uint64_t rows, uint64_t bytes, json_t *more)
{
	json_t *position = bq_out_is_feed(s) ? json_pack("{s:o, s:s, s:s}", "off", json_loads(bar->off, 0, NULL), "pipe", s->pipe, "token", bar->token) :
	    json_null();
	json_t *r = json_pack("{s:o, s:I, s:o, s:I, s:s}", "acct", json_loads(bar->acct, 0, NULL), "bytes", (json_int_t)bytes, "position", position, "rows",
	    (json_int_t)rows, "table", s->target.name);

	if (!r || !more || json_object_update(r, more) < 0 || (s->batch_id && json_object_set_new(r, "batch", json_string(s->batch_id)) < 0) ||
	    (!s->framed && json_object_set_new(r, "end", json_string("unverified")) < 0)) {
		json_decref(r);
		r = NULL;
	}
	json_decref(more);
	return receipt_commit(s->ctx, &s->receipts, r);
}

/* ---------------------------------------------------------------- the feed */

static int
bo_feed(struct weir_ctx *ctx, void *self, const char **name)
{
	struct bq_out *s = self;

	(void)ctx;
	*name = s->target.name;
	return 0;
}

/* Ids of jobs are one project's: in another one no commit of before would be found. */
static int
bo_pin(struct weir_ctx *ctx, void *self, const char **target)
{
	struct bq_out *s = self;

	(void)ctx;
	s->pinned.n = 0;
	if (buf_printf(&s->pinned, "%s, jobs of the project %s", s->target.name, bq_project(s->bq)) | buf_putc(&s->pinned, '\0'))
		return bq_out_no_memory(s);
	*target = s->pinned.p;
	return 0;
}

static int
bo_recover(struct weir_ctx *ctx, void *self, const char **position)
{
	const char *shard = weir_shard(ctx);
	struct bq_out *s = self;
	struct place place;
	int e;

	if (keep(&s->pipe, *position && **position ? *position : s->target.name) | keep(&s->shard, *shard ? shard : "0/1"))
		return bq_out_no_memory(s);
	*position = "none";
	s->framed = 1;
	if (target_look(s) < 0)
		return bq_out_say(s);
	s->position.n = 0;
	if ((e = place_find(s, &place)) == 0) {
		if (position_write(&place.at, s->pipe, &s->position) | buf_putc(&s->position, '\0'))
			e = bq_out_no_memory(s);
		else
			*position = s->position.p;
	}
	place_free(&place);
	return e;
}

static int
bo_check(struct weir_ctx *ctx, void *self)
{
	(void)ctx;
	return check_surroundings(self);
}

static void
bo_close(struct weir_ctx *ctx, void *self)
{
	struct bq_out *s = self;

	(void)ctx;
	load_close(s->load);
	json_decref(s->job);
	insert_close(s);
	row_close(s->row);
	target_free(&s->target);
	bq_close(s->bq);
	receipts_free(&s->receipts);
	buf_free(&s->rows);
	buf_free(&s->position);
	buf_free(&s->pinned);
	free(s->column);
	free(s->value);
	free(s->run);
	free(s->pipe);
	free(s->shard);
	free(s->chain);
	free(s->batch_id);
	free(s->ignore);
	free(s->committed);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "bq-out", .version = "1", .summary = "load events into a BigQuery table",
	.self_size = sizeof(struct bq_out), .opts = opts, .role = WEIR_SINK, .needs_state = 1, .pin = bo_pin,
	.open = bo_open, .min_epoch = bo_min_epoch, .begin = bo_begin, .process = bo_process, .feed = bo_feed, .recover = bo_recover,
	.prepare = bo_prepare, .commit = bo_commit, .check = bo_check, .close = bo_close,
};
