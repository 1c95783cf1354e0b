/* The commit of an epoch: guards, the compare-and-swap, the receipt. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "breakage.h"
#include "iceberg-out.h"

#define PREP		"iceberg-out.prep"

static int
say(struct iceberg_out *s)
{
	return s->fail.text[0] ? weir_error(s->ctx, (enum weir_code)s->fail.code, "%s", s->fail.text) : s->fail.code;
}

static int
no_memory(struct iceberg_out *s)
{
	return weir_error(s->ctx, WEIR_EAGAIN, "no memory for a commit");
}

/* A feed, a batch, or just rows? */
static int
is_feed(const struct iceberg_out *s)
{
	return s->framed && !s->batch_id;
}

/* ---------------------------------------------------------------- begin */

int
output_begin(struct iceberg_out *s, const struct weir_stream *st)
{
	s->framed = st->framed;
	s->pipe = strdup(*st->pipe ? st->pipe : s->target.o.table);
	s->shard = strdup(*st->shard ? st->shard : "0/1");
	s->chain = strdup(st->chain);
	s->prev = strdup(*st->prev ? st->prev : "none");
	s->hello_off = json_loads(*st->off ? st->off : "{}", 0, NULL);
	if (*st->batch_id && !((s->batch_id = strdup(st->batch_id)) && (s->hash = XXH3_createState())))
		return no_memory(s);
	if (!s->pipe || !s->shard || !s->chain || !s->prev || !s->hello_off)
		return no_memory(s);
	if (s->hash)
		XXH3_64bits_reset(s->hash);
	s->feed.pipe = s->pipe;
	s->feed.shard = s->shard;
	s->feed.as_new_feed = st->as_new_feed;
	s->accept_change = st->accept_change;
	s->empty_commit_us = st->empty_commit_us;
	s->last_commit_us = weir_now(s->ctx);
	if (s->batch_id && st->framed && strcmp(s->prev, "none"))
		return weir_error(s->ctx, WEIR_EUSAGE, "--batch-id takes a stream from its beginning, not one that goes on after %s", s->prev);
	if (!s->target.table && is_feed(s) && strcmp(s->prev, "none"))
		return weir_error(s->ctx, WEIR_EFENCED, "the stream goes on after the commit %s, but the table %s does not exist: use `weir run`, or kcat-in "
		    "--resume none", s->prev, s->target.o.table);
	return 0;
}

/* Is the commit `token` the one that this directory's checkpoint of that name was made for?  The same table, the same data. */
static int
same_commit(struct iceberg_out *s, const char *token, const char *stored_hash)
{
	const char *uuid, *hash;
	const void *p;
	json_t *prep;
	size_t n;
	int e = weir_load(s->ctx, token, PREP, &p, &n);

	if (e <= 0)
		return e;
	prep = json_loadb(p, n, 0, NULL);
	uuid = json_string_value(json_object_get(prep, "uuid"));
	hash = json_string_value(json_object_get(prep, "hash"));
	if (!uuid || !hash)
		e = weir_error(s->ctx, WEIR_ESTATE, "%s of the checkpoint %s is damaged", PREP, token);
	else if (strcmp(uuid, s->uuid))
		e = weir_error(s->ctx, WEIR_ESTATE, "table %s is another one than at the last commit %s (its uuid was %s, now it is %s): it was dropped and made "
		    "again. To start over: another --pipeline or state directory", s->target.o.table, token, uuid, s->uuid);
	else if (stored_hash && strcmp(hash, stored_hash))
		e = weir_error(s->ctx, WEIR_ESTATE, "%s has the epoch %s with other data (hash %s) than the checkpoint of that name here (hash %s): another process "
		    "used the same run. Name the state directory of that one with -s", s->target.o.table, token, stored_hash, hash);
	json_decref(prep);
	return e < 0 ? e : 0;
}

/* May the stream go on from what the table says of its feed? */
static int
guard_feed(struct iceberg_out *s)
{
	const struct position_stream stream = { .sink = "iceberg-out", .store = s->target.o.table, .pipe = s->pipe, .prev = s->prev, .chain = s->chain,
		.off = s->hello_off, .explicit_pipe = strcmp(s->pipe, s->target.o.table) != 0, .accept_change = s->accept_change };
	const struct metadata *m = s->target.table->meta;
	struct feed_state state = { 0 };
	int e = 0;

	if (feed_find(m, &s->feed, &state, &s->fail) < 0)
		return say(s);
	if (strcmp(s->prev, "none"))
		e = same_commit(s, s->prev, strcmp(s->prev, state.at.token) ? NULL : state.hash);
	if (!e && (e = feed_guard(m, &s->feed, &state, &stream, &s->fail)) < 0)
		say(s);
	else if (e == 1)
		weir_warn(s->ctx, "%s", s->fail.text);
	json_decref(s->off);
	s->off = json_incref((json_t *)(uintptr_t)state.at.off);
	feed_state_free(&state);
	return e < 0 ? e : 0;
}

int
output_guard(struct iceberg_out *s)
{
	int64_t head;

	if (!(s->uuid = strdup(s->target.table->meta->uuid)))
		return no_memory(s);
	if (commit_branch(s->target.table, s->feed.ref, &head, &s->fail) < 0)
		return say(s);
	return is_feed(s) ? guard_feed(s) : 0;
}

void
output_hash(struct iceberg_out *s, struct weir_batch *b)
{
	const char *p;
	size_t n;

	for (uint32_t i = 0; s->hash && i < b->n; i++)
		if (b->verdict[i] == WEIR_PASSED) {
			p = weir_event(s->ctx, b, i, &n);
			XXH3_64bits_update(s->hash, p, n);
			XXH3_64bits_update(s->hash, "\n", 1);
		}
}

/* ---------------------------------------------------------------- prepare */

int
output_prepare(struct iceberg_out *s, const struct weir_barrier *bar)
{
	json_t *prep, *files;
	char *text;
	int e;

	if (!is_feed(s))
		return 0;
	prep = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "hash", bar->hash, "prev", bar->prev, "token", bar->token, "uuid", s->uuid, "files");
	files = json_object_get(prep, "files");
	for (size_t i = 0; files && i < s->ingest.n_files; i++)
		if (json_array_append_new(files, json_pack("{s:I, s:s, s:I}", "bytes", (json_int_t)s->ingest.file[i].bytes, "path", s->ingest.file[i].path,
		    "rows", (json_int_t)s->ingest.file[i].records)) < 0)
			files = NULL;
	text = files ? json_dumps(prep, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	e = text ? weir_publish(s->ctx, PREP, text, strlen(text)) : no_memory(s);
	free(text);
	json_decref(prep);
	return e;
}

/* ---------------------------------------------------------------- the compare */

/* The id in a token; 0 for none. */
static unsigned long
number(const char *token)
{
	const char *slash = strchr(token, '/');

	return slash ? strtoul(slash + 1, NULL, 10) : 0;
}

static int
check_feed(struct iceberg_out *s, const struct metadata *m, struct fail *f)
{
	struct feed_state state;
	int e;

	if ((e = feed_find(m, &s->feed, &state, f)) < 0)
		return e;
	if (strcmp(state.at.token, s->bar->token) == 0)
		e = strcmp(state.hash, s->bar->hash) == 0 ? 1 :
		    fail(f, WEIR_EFENCED, "epoch %s is in %s already, with other data (hash %s, here %s): another process uses the same run. Nothing is committed",
		    s->bar->token, s->target.o.table, state.hash, s->bar->hash);
	else if (BROKEN("le-compare"))
		e = number(state.at.token) >= number(s->bar->token);
	else if (strcmp(state.at.token, s->bar->prev) && !BROKEN("no-cas"))
		e = fail(f, WEIR_EFENCED, "%s was committed to by another run of this pipeline (%s): it is at %s, this run left it at %s. Nothing is committed; run it "
		    "again, once", s->target.o.table, s->pipe, state.at.token, s->bar->prev);
	feed_state_free(&state);
	return e;
}

static int
check(void *arg, const struct table *t, struct fail *f)
{
	struct iceberg_out *s = arg;

	if (s->uuid && strcmp(s->uuid, t->meta->uuid))
		return fail(f, WEIR_ESTATE, "table %s was dropped and made again while this run wrote to it (uuid %s, now %s). Nothing is committed",
		    s->target.o.table, s->uuid, t->meta->uuid);
	if (s->batch_id)
		return batches_find(t->meta, s->batch_id, s->batch_hash, &s->batch_snapshot, &s->batch_rows, f);
	return is_feed(s) ? check_feed(s, t->meta, f) : 0;
}

static int
fill(void *arg, const struct table *t, int64_t sequence, json_t *summary, json_t *properties, struct fail *f)
{
	struct iceberg_out *s = arg;
	const struct feed_commit c = { s->bar->token, s->bar->prev, s->bar->hash, s->bar->off, s->bar->acct, s->chain, s->snapshot_id, sequence };
	int e = json_object_set_new(summary, "engine-name", json_string("weir")) | json_object_set_new(summary, "engine-version", json_string(PACKAGE_VERSION));

	if (is_feed(s))
		e |= feed_fill(&s->feed, &c, summary, properties);
	else if (s->batch_id)
		e |= batches_fill(t->meta, s->batch_id, s->batch_hash, (int64_t)s->ingest.rows, s->snapshot_id, summary, properties) |
		    json_object_set_new(summary, "weir.acct", json_string(s->bar->acct));
	return e ? fail(f, WEIR_EAGAIN, "no memory for a commit") : 0;
}

/* ---------------------------------------------------------------- receipts */

/* A commit of the epoch's rows; of none when they were there already. */
static json_t *
make_receipt(const struct iceberg_out *s, const struct commit *c, uint64_t rows, uint64_t files, uint64_t bytes)
{
	json_t *position = is_feed(s) ? json_pack("{s:o, s:s, s:s}", "off", json_loads(s->bar->off, 0, NULL), "pipe", s->pipe, "token", s->bar->token) :
	    json_null(), *r;
	char id[24];

	snprintf(id, sizeof id, "%" PRId64, c->already && s->batch_snapshot ? s->batch_snapshot : c->snapshot_id);
	r = json_pack("{s:o, s:I, s:I, s:o, s:I, s:I, s:s, s:s}", "acct", json_loads(s->bar->acct, 0, NULL), "bytes", (json_int_t)bytes, "files",
	    (json_int_t)files, "position", position, "rows", (json_int_t)rows, "sequence_number", (json_int_t)c->sequence, "snapshot_id", id, "table",
	    s->target.o.table);
	if (!r || (c->already && json_object_set_new(r, "already", json_true()) < 0) ||
	    (s->batch_id && json_object_set_new(r, "batch", json_string(s->batch_id)) < 0) ||
	    (c->attempts > 1 && json_object_set_new(r, "conflicts", json_integer(c->attempts - 1)) < 0) ||
	    (!s->framed && json_object_set_new(r, "end", json_string("unverified")) < 0)) {
		json_decref(r);
		return NULL;
	}
	return r;
}

static int
tell(struct iceberg_out *s, const struct commit *c)
{
	int again = c->already && s->batch_id;
	uint64_t bytes = 0, rows = again ? 0 : s->ingest.rows, files = again ? 0 : s->ingest.n_files;

	for (size_t i = 0; i < files; i++)
		bytes += (uint64_t)s->ingest.file[i].bytes;
	return receipt_commit(s->ctx, &s->receipts, make_receipt(s, c, rows, files, bytes));
}

/* ---------------------------------------------------------------- commit */

/* Has the source moved since the last commit? */
static int
moved(const struct iceberg_out *s, const struct weir_barrier *bar)
{
	json_t *off = json_loads(bar->off, 0, NULL);
	int e = !json_equal(off, s->off ? s->off : s->hello_off);

	json_decref(off);
	return e;
}

/* Rows, or a position that is worth a snapshot of its own? */
static int
worth(struct iceberg_out *s, const struct weir_barrier *bar)
{
	if (s->ingest.n_files || s->batch_id)
		return 1;
	return is_feed(s) && (bar->last || (s->empty_commit_us > 0 && weir_now(s->ctx) - s->last_commit_us >= s->empty_commit_us)) && moved(s, bar);
}

static int
remember(struct iceberg_out *s, const struct weir_barrier *bar)
{
	json_decref(s->off);
	s->off = json_loads(bar->off, 0, NULL);
	s->last_commit_us = weir_now(s->ctx);
	return s->off ? 0 : no_memory(s);
}

int
output_commit(struct iceberg_out *s, const struct weir_barrier *bar)
{
	struct commit c = { .ref = s->feed.ref, .now_ms = weir_now(s->ctx) / 1000, .check = check, .fill = fill, .arg = s };
	struct target *t = &s->target;
	int e;

	s->n_epochs++;
	if (s->batch_id && s->n_epochs > 1)
		return weir_error(s->ctx, WEIR_EUSAGE, "--batch-id takes a stream of one epoch: give the source --epoch all");
	if (s->infers || !worth(s, bar))		/* nothing has told columns yet; or nothing has come */
		return bar->last && (e = receipt_run(s->ctx, &s->receipts)) < 0 ? e : 1;
	if (s->hash)
		snprintf(s->batch_hash, sizeof s->batch_hash, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(s->hash));
	if (catalog_snapshot_id(&s->snapshot_id, &s->fail) < 0)
		return say(s);
	s->bar = bar;
	s->batch_snapshot = 0;
	c.snapshot_id = s->snapshot_id;
	c.spec = t->spec;
	c.file = s->ingest.file;
	c.n_files = s->ingest.n_files;
	c.schema = t->evolved ? t->schema : NULL;
	c.last_column_id = t->last_column_id;
	c.base_schema_id = t->base_schema_id;
	s->ingest.submitted = 1;
	e = commit_append(t->table, &c, &s->fail);
	if (c.unreferenced) {
		s->ingest.submitted = 0;
		ingest_discard(&s->ingest);
	}
	if (e == WEIR_EUNKNOWN)
		weir_warn(s->ctx, "the data files stay: the next run finds out from the table whether they were committed");
	if (e < 0)
		return say(s);
	if (c.already && s->batch_snapshot && metadata_snapshot(t->table->meta, s->batch_snapshot))
		c.sequence = metadata_snapshot(t->table->meta, s->batch_snapshot)->sequence;
	target_committed(t);
	if ((is_feed(s) && (e = remember(s, bar)) < 0) || (e = tell(s, &c)) < 0)
		return e;
	return bar->last ? receipt_run(s->ctx, &s->receipts) : 0;
}

void
output_end(struct iceberg_out *s)
{
	free(s->pipe);
	free(s->shard);
	free(s->chain);
	free(s->prev);
	free(s->uuid);
	free(s->batch_id);
	json_decref(s->hello_off);
	json_decref(s->off);
	receipts_free(&s->receipts);
	if (s->hash)
		XXH3_freeState(s->hash);
}
