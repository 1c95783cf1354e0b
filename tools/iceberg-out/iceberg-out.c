/*
 * iceberg-out - commit events to an Apache Iceberg table.
 *
 * Each epoch becomes data files and one append snapshot.  The snapshot carries
 * the source's position, so the table is the checkpoint: a commit requires
 * that the table is where this stream began, or where it was left by the last
 * commit.  Values go into their columns exactly or the event is a reject.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "iceberg-out.h"

#define O(name, arg, help, type, flags, member, preset) \
	{ 0, name, arg, help, type, flags, offsetof(struct iceberg_out, member), preset }

static const struct weir_opt opts[] = {
	O("table", "NS.NAME", "the table", WEIR_TEXT, WEIR_REQUIRED, target.o.table, NULL),
	O("catalog", "sqlite:FILE|file:DIR", "who knows the table (WEIR_CATALOG)", WEIR_TEXT, 0, target.o.catalog, NULL),
	O("warehouse", "URI", "where new tables go; default: the catalog's folder", WEIR_TEXT, 0, target.o.warehouse, NULL),
	O("create", NULL, "make the table, and the catalog, if it is not there", WEIR_FLAG, 0, target.o.create, NULL),
	O("schema", "FILE", "columns of a new table: JSON Schema or Iceberg schema", WEIR_TEXT, 0, target.o.schema, NULL),
	O("infer", NULL, "columns of a new table from the first epoch; the default", WEIR_FLAG, 0, target.o.infer, NULL),
	O("columns", "NAME=TYPE[:PATH[:UNIT]],...", "types and sources of columns", WEIR_TEXT, 0, target.o.columns, NULL),
	O("partition", "TRANSFORM(COLUMN),...", "partitions of a new table: day(ts),bucket(16,id),region", WEIR_TEXT, 0, target.o.partition, NULL),
	O("property", "KEY=VALUE", "property of a new table; repeatable", WEIR_TEXTS, 0, target.o.property, NULL),
	O("evolve", "none|add|widen", "columns for new members; widen: wider types too", WEIR_CHOICE, 0, target.o.evolve, "none"),
	O("rest", "COLUMN", "members without a column go here, as JSON", WEIR_TEXT, 0, target.o.rest, NULL),
	O("mode", "append", "what a commit does", WEIR_CHOICE, 0, mode, "append"),
	O("ref", "BRANCH", "branch to commit to", WEIR_TEXT, 0, target.o.ref, "main"),
	O("file-size", "SIZE", "a data file ends at about this size", WEIR_SIZE, 0, ingest.file_bytes, "256M"),
	O("after-rollback", "stop|replay|keep", "rows that another program rolled back", WEIR_CHOICE, 0, feed.rollback, "stop"),
	{ 0 }
};

/* The library's sentence, once. */
static int
say(struct weir_ctx *ctx, struct iceberg_out *s)
{
	return s->fail.text[0] ? weir_error(ctx, (enum weir_code)s->fail.code, "%s", s->fail.text) : s->fail.code;
}

static void
tell_notes(struct weir_ctx *ctx, struct target *t)
{
	char *p = t->notes.p, *end;

	for (; t->notes.n && (end = memchr(p, '\n', t->notes.n)); t->notes.n -= (size_t)(end + 1 - p), p = end + 1)
		weir_warn(ctx, "%.*s", (int)(end - p), p);
}

static int
io_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct iceberg_out *s = self;
	struct target *t = &s->target;

	s->ctx = ctx;
	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given", operand[0]);
	if (t->o.rest && t->o.evolve)
		return weir_error(ctx, WEIR_EUSAGE, "--rest and --evolve both want the members without a column: give one of them");
	if (t->o.schema && t->o.infer)
		return weir_error(ctx, WEIR_EUSAGE, "--schema and --infer both make the columns: give one of them");
	if (!t->o.catalog)
		t->o.catalog = getenv("WEIR_CATALOG");
	s->feed.table = t->o.table;
	s->feed.ref = t->o.ref;
	return target_open(t, &s->fail) < 0 ? say(ctx, s) : 0;
}

static int
make_table(struct iceberg_out *s)
{
	struct target *t = &s->target;
	int e;

	if ((e = target_create(t, weir_now(s->ctx) / 1000, &s->fail)) < 0)
		return say(s->ctx, s);
	tell_notes(s->ctx, t);
	weir_warn(s->ctx, "made the table %s in %s; its files are in %s", t->o.table, t->catalog->uri, t->table->meta->location);
	return 0;
}

/* Names of this run's data files; a shard has its own. */
static int
name_run(struct iceberg_out *s, const struct weir_stream *stream)
{
	char *p = s->ingest.run;
	int n;

	if (!*stream->run)
		return catalog_uuid(p, &s->fail) < 0 ? say(s->ctx, s) : 0;
	n = snprintf(p, sizeof s->ingest.run, "%s", stream->run);
	if (strcmp(s->feed.shard, "0/1") && n > 0 && (size_t)n < sizeof s->ingest.run)
		snprintf(p + n, sizeof s->ingest.run - (size_t)n, "-%s", s->feed.shard);
	for (; *p; p++)
		if (*p == '/')
			*p = '-';
	return 0;
}

static int
io_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *stream)
{
	struct iceberg_out *s = self;
	struct target *t = &s->target;
	int e;

	if (target_refresh(t, &s->fail) < 0)
		return say(ctx, s);
	if ((e = output_begin(s, stream)) < 0)
		return e;
	if (stream->batch_replace)
		return weir_error(ctx, WEIR_EUSAGE, "--batch-replace needs a mode that replaces; this version appends only");
	s->ingest.target = t;
	s->ingest.ctx = ctx;
	s->ingest.may_want = 1;
	s->ingest.thread = stream->threads;
	s->ingest.ignore = s->held.ignore = stream->drop_meta && *stream->meta ? stream->meta : NULL;
	if ((e = name_run(s, stream)) < 0)
		return e;
	s->infers = !t->table && !target_known(t);
	if (s->infers)
		return 0;
	if (!t->table && (e = make_table(s)) < 0)
		return e;
	if ((e = output_guard(s)) < 0)
		return e;
	return ingest_open(&s->ingest, &s->fail) < 0 ? say(ctx, s) : 0;
}

/* The events held so far tell the columns; they become the first rows. */
static int
settle(struct iceberg_out *s)
{
	struct target *t = &s->target;
	struct buf text = { 0 };
	int e;

	if (!s->held.infer || !(t->schema = infer_schema(s->held.infer, &s->fail)))
		return s->held.infer ? say(s->ctx, s) : 0;
	if ((e = make_table(s)) < 0)
		return e;
	if (infer_tell(t->schema, &text) == 0 && buf_putc(&text, '\0') == 0)
		weir_warn(s->ctx, "columns told by %u events: %s. Rules: iceberg-out(1), --infer; other types: --columns", s->held.n, text.p);
	buf_free(&text);
	s->infers = 0;
	s->ingest.may_want = 0;
	if ((e = output_guard(s)) < 0)		/* another program may have made it, and committed, meanwhile */
		return e;
	if (ingest_open(&s->ingest, &s->fail) < 0 || ingest_held(&s->ingest, &s->held, &s->fail) < 0)
		return say(s->ctx, s);
	held_free(&s->held);
	return 0;
}

static int
hold(struct iceberg_out *s, struct weir_batch *b)
{
	const char *p;
	size_t n;

	for (uint32_t i = 0; i < b->n; i++) {
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		p = weir_event(s->ctx, b, i, &n);
		if (held_add(&s->held, p, n, &s->fail) < 0)
			return say(s->ctx, s);
		b->verdict[i] = WEIR_TAKEN;
	}
	return held_full(&s->held) ? settle(s) : 0;
}

static void
gauges(struct weir_ctx *ctx, const struct iceberg_out *s)
{
	weir_gauge(ctx, "files_open", s->ingest.files ? files_open(s->ingest.files) : 0);
	weir_gauge(ctx, "buffered_bytes", s->infers ? (int64_t)s->held.bytes.n : s->ingest.files ? (int64_t)files_memory(s->ingest.files) : 0);
}

static int
io_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct iceberg_out *s = self;
	int e = 0;

	output_hash(s, b);
	if (s->infers)
		e = hold(s, b);
	else if (ingest_batch(&s->ingest, b, &s->fail) < 0)
		e = say(ctx, s);
	gauges(ctx, s);
	return e;
}

static int
io_prepare(struct weir_ctx *ctx, void *self, const struct weir_barrier *bar)
{
	struct iceberg_out *s = self;
	int e;

	if (s->infers && s->held.n && (e = settle(s)) < 0)
		return e;
	if (s->infers)
		return 0;
	if (ingest_finish(&s->ingest, &s->fail) < 0)
		return say(ctx, s);
	return output_prepare(s, bar);
}

static int
io_commit(struct weir_ctx *ctx, void *self, const struct weir_barrier *bar)
{
	struct iceberg_out *s = self;
	int e = output_commit(s, bar);

	if (e >= 0 && s->ingest.n_files)
		ingest_forget(&s->ingest);
	gauges(ctx, s);
	return e;
}

static int
io_feed(struct weir_ctx *ctx, void *self, const char **name)
{
	struct iceberg_out *s = self;

	(void)ctx;
	*name = s->target.o.table;
	return 0;
}

static int
io_recover(struct weir_ctx *ctx, void *self, const char **position)
{
	struct iceberg_out *s = self;
	const char *pipe = *position;

	*position = "none";
	if (!s->target.table)
		return 0;
	s->position.n = 0;
	if (s->target.catalog->ops->settle(s->target.catalog, s->target.table->metadata_location, &s->fail) < 0)
		return say(ctx, s);
	if (feed_recover(s->target.table->meta, s->target.o.table, pipe, weir_shard(ctx), s->feed.ref, s->feed.rollback, &s->position, &s->fail) < 0)
		return say(ctx, s);
	if (buf_putc(&s->position, '\0') < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the position");
	*position = s->position.p;
	return 0;
}

static int
io_check(struct weir_ctx *ctx, void *self)
{
	struct iceberg_out *s = self;

	(void)ctx;
	return check_surroundings(s);
}

static void
io_close(struct weir_ctx *ctx, void *self)
{
	struct iceberg_out *s = self;

	(void)ctx;
	if (s->ingest.target) {
		ingest_discard(&s->ingest);
		ingest_close(&s->ingest);
	}
	held_free(&s->held);
	output_end(s);
	target_close(&s->target);
	buf_free(&s->position);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "iceberg-out", .version = "1", .summary = "commit events to an Apache Iceberg table",
	.self_size = sizeof(struct iceberg_out), .opts = opts, .role = WEIR_SINK,
	.open = io_open, .begin = io_begin, .process = io_process, .feed = io_feed, .recover = io_recover,
	.prepare = io_prepare, .commit = io_commit, .check = io_check, .close = io_close,
};
