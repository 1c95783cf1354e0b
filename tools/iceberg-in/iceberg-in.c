/*
 * iceberg-in - the rows of an Iceberg table as NDJSON.
 *
 * Reads one snapshot of the table, fixed when it opens: later commits are not
 * seen, its position is {} and a run that is repeated reads the same.  --from
 * reads what append snapshots added since another one; its position is the
 * snapshot read last, so the next run goes on there.  Neither has a position
 * in the middle: all rows are one epoch, and a signal voids it.  The
 * questions --info, --snapshots, --files and --schema are answered in open()
 * by receipts; there is no stream then.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "report.h"
#include "rows.h"
#include "weir.h"

#define BATCH_ROWS	4096		/* in one poll() */
#define BATCH_BYTES	(256u << 10)
#define ROW_BYTES	(512u << 20)	/* ceiling of one row's text; --max-line is stricter */

struct iceberg_in {
	/* options */
	const char		*catalog_uri, *warehouse, *name, *snapshot, *as_of, *ref, *from, *to, *where;
	struct weir_list	*chosen;
	uint64_t		 limit;
	int			 info, snapshots, files, schema_only;
	/* state */
	struct catalog		*catalog;
	struct table		*table;
	const struct schema	*schema;
	struct plan		 plan;
	struct columns		 columns;
	struct filter		*filter;
	struct rows		*rows;
	struct buf		 row;
	uint64_t		 n_rows;
	int64_t			 from_id, to_id;	/* the snapshots; from_id with --from */
	int			 done;
	struct buf		 position;
};

static const struct weir_opt opts[] = {
	{ 0, "catalog", "sqlite:FILE|file:DIR", "where the table is listed; WEIR_CATALOG, else ./warehouse/catalog.db", WEIR_TEXT, 0,
	    offsetof(struct iceberg_in, catalog_uri), NULL },
	{ 0, "warehouse", "URI", "folder of the tables, if it is not the catalog's", WEIR_TEXT, 0, offsetof(struct iceberg_in, warehouse), NULL },
	{ 0, "table", "NS.NAME", "the table, or the path of a metadata.json", WEIR_TEXT, WEIR_REQUIRED, offsetof(struct iceberg_in, name), NULL },
	{ 0, "snapshot", "ID", "read this snapshot", WEIR_TEXT, 0, offsetof(struct iceberg_in, snapshot), NULL },
	{ 0, "as-of", "TIME", "read what was current at that time", WEIR_TEXT, 0, offsetof(struct iceberg_in, as_of), NULL },
	{ 0, "ref", "NAME", "read this branch or tag", WEIR_TEXT, 0, offsetof(struct iceberg_in, ref), NULL },
	{ 0, "from", "ID", "only rows appended after this snapshot", WEIR_TEXT, 0, offsetof(struct iceberg_in, from), NULL },
	{ 0, "to", "ID", "with --from: and not after this one", WEIR_TEXT, 0, offsetof(struct iceberg_in, to), NULL },
	{ 0, "columns", "PATH[,PATH...]", "only these columns, in this order", WEIR_PATHS, 0, offsetof(struct iceberg_in, chosen), NULL },
	{ 0, "where", "'COLUMN OP VALUE [and ...]'", "only rows for which this is true", WEIR_TEXT, 0, offsetof(struct iceberg_in, where), NULL },
	{ 0, "limit", "N", "stop after N rows", WEIR_COUNT, 0, offsetof(struct iceberg_in, limit), NULL },
	{ 0, "info", NULL, "describe the table in one line, read no rows", WEIR_FLAG, 0, offsetof(struct iceberg_in, info), NULL },
	{ 0, "snapshots", NULL, "list the snapshots, read no rows", WEIR_FLAG, 0, offsetof(struct iceberg_in, snapshots), NULL },
	{ 0, "files", NULL, "list the live files of the snapshot, read no rows", WEIR_FLAG, 0, offsetof(struct iceberg_in, files), NULL },
	{ 0, "schema", NULL, "print the schema as Iceberg has it, read no rows", WEIR_FLAG, 0, offsetof(struct iceberg_in, schema_only), NULL },
	{ 0 }
};

static int
failed(struct weir_ctx *ctx, const struct fail *f)
{
	return weir_error(ctx, f->code, "%s", f->text);
}

static int
open_table(struct iceberg_in *s, struct fail *f)
{
	static const char suffix[] = ".metadata.json";
	const char *uri = s->catalog_uri ? s->catalog_uri : getenv("WEIR_CATALOG");
	size_t n = strlen(s->name);
	int e;

	if (n > sizeof suffix - 1 && strcmp(s->name + n - (sizeof suffix - 1), suffix) == 0)
		return table_open_metadata(s->name, &s->table, f);
	if ((e = table_check_name(s->name, f)) < 0 ||
	    (e = catalog_open(uri && *uri ? uri : NULL, s->warehouse, 0, &s->catalog, f)) < 0 ||
	    (e = table_load(s->catalog, s->name, &s->table, f)) < 0)
		return e;
	return e ? 0 : table_missing(s->catalog, s->name, NULL, f);
}

static int
parse_id(const char *option, const char *text, int64_t *id, struct fail *f)
{
	char *end;

	errno = 0;
	*id = strtoll(text, &end, 10);
	if (errno || end == text || *end || *id < 0)
		return fail(f, WEIR_EUSAGE, "--%s takes a snapshot id, as --snapshots lists them, not '%s'", option, text);
	return 0;
}

static int
no_snapshot(const struct iceberg_in *s, const char *what, const char *which, struct fail *f)
{
	const struct metadata *m = s->table->meta;
	const struct metadata_snapshot *oldest = NULL;
	char at[ISO_SIZE + 1] = "";

	for (size_t i = 0; i < m->n_snapshot; i++)
		if (!oldest || m->snapshot[i].timestamp_ms < oldest->timestamp_ms)
			oldest = &m->snapshot[i];
	if (!oldest)
		return fail(f, WEIR_EOFFSET, "%s has no snapshot %s%s: it has none at all", s->name, what, which);
	if (oldest->timestamp_ms >= 0 && oldest->timestamp_ms <= ISO_MAX_US / 1000)
		at[iso_format(oldest->timestamp_ms * 1000, at)] = '\0';
	return fail(f, WEIR_EOFFSET, "%s has no snapshot %s%s (any more): the oldest is %" PRId64 " of %s; --snapshots lists them", s->name, what,
	    which, oldest->id, at);
}

/* The snapshot to read, -1 when the table has none, and the schema to read it with. */
static int
pick_snapshot(struct iceberg_in *s, int64_t *id, struct fail *f)
{
	const struct metadata *m = s->table->meta;
	const struct metadata_snapshot *snapshot = NULL;
	int64_t us;
	int e;

	s->schema = metadata_schema(m, -1);
	*id = m->current_snapshot_id;
	if (s->ref && metadata_ref(m, s->ref, id) == 0)
		return fail(f, WEIR_ECONFIG, "%s has no branch or tag %s; --snapshots shows those there are", s->name, s->ref);
	if (s->to && (e = parse_id("to", s->to, id, f)) < 0)
		return e;
	if (s->snapshot && (e = parse_id("snapshot", s->snapshot, id, f)) < 0)
		return e;
	if (s->as_of) {
		if (iso_parse_loose(s->as_of, strlen(s->as_of), &us) < 0)
			return fail(f, WEIR_EUSAGE, "--as-of takes a time such as 2026-01-31T12:00:00Z, not '%s'", s->as_of);
		if ((*id = metadata_as_of(m, us < 0 ? -1 : us / 1000)) == -1)
			return no_snapshot(s, "as of ", s->as_of, f);
	}
	if (*id != -1 && !(snapshot = metadata_snapshot(m, *id)))
		return no_snapshot(s, "", s->snapshot ? s->snapshot : s->to ? s->to : s->as_of ? s->as_of : s->ref ? s->ref : "of main", f);
	/* what was: with the columns of its time; a branch: with those of today */
	if ((s->snapshot || s->as_of) && snapshot && snapshot->schema_id >= 0)
		s->schema = metadata_schema(m, snapshot->schema_id);
	return s->schema ? 0 : fail(f, WEIR_ESTATE, "%s: the schema of snapshot %" PRId64 " is not in the table's metadata", s->name, *id);
}

/* Oldest first, so that rows come in the order of their commits. */
static int
by_sequence(const void *a, const void *b)
{
	const struct manifest_file *x = a, *y = b;

	return x->sequence != y->sequence ? (x->sequence < y->sequence ? -1 : 1) : strcmp(x->path, y->path);
}

static int
plan_file(void *arg, const struct manifest_file *m, const struct spec *spec, const struct schema *schema)
{
	const struct iceberg_in *s = arg;

	(void)spec;
	(void)schema;
	return m->content != MANIFEST_DATA || !s->filter || s->files || filter_file(s->filter, m);
}

static int
make_plan(struct iceberg_in *s, int64_t id, struct fail *f)
{
	struct plan_filter filter = { .file = plan_file, .arg = s };
	int e = s->from ? plan_added(s->table, s->from_id, id, 0, &s->plan, f) : plan_files(s->table, id, &filter, &s->plan, f);

	if (!e && s->plan.n_data)
		qsort(s->plan.data, s->plan.n_data, sizeof *s->plan.data, by_sequence);
	return e;
}

static int
receipt_line(void *arg, const char *p, size_t n)
{
	return weir_receipt((struct weir_ctx *)arg, p, n);
}

/* Answer the questions: 1 when there was one. */
static int
answer(struct weir_ctx *ctx, struct iceberg_in *s, struct fail *f)
{
	struct report r = { .line = receipt_line, .arg = ctx };
	int e = 0;

	if (s->info)
		e = report_info(&r, s->table, f);
	if (!e && s->schema_only)
		e = report_schema(&r, s->schema, f);
	if (!e && s->snapshots)
		e = report_snapshots(&r, s->table, f);
	if (!e && s->files)
		e = report_files(&r, s->table, &s->plan, f);
	return e ? e : s->info + s->schema_only + s->snapshots + s->files > 0;
}

static int
ii_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct iceberg_in *s = self;
	struct fail f = { 0 };
	int e;

	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given: name the table with --table", operand[0]);
	if (!!s->snapshot + !!s->as_of + !!s->ref > 1)
		return weir_error(ctx, WEIR_EUSAGE, "--snapshot, --as-of and --ref each choose the snapshot: give one of them");
	if (s->to && (!s->from || s->snapshot || s->as_of || s->ref))
		return weir_error(ctx, WEIR_EUSAGE, "--to goes with --from and without --snapshot, --as-of and --ref");
	if (s->from && s->limit)
		return weir_error(ctx, WEIR_EUSAGE, "--limit goes with one snapshot, not with --from: the rest would be lost for the next run");
	if ((e = open_table(s, &f)) < 0 || (e = pick_snapshot(s, &s->to_id, &f)) < 0 ||
	    (s->from && (e = parse_id("from", s->from, &s->from_id, &f)) < 0))
		return failed(ctx, &f);
	if (s->where && (e = filter_parse(s->where, s->schema, &s->filter, &f)) < 0)
		return failed(ctx, &f);
	if ((e = make_plan(s, s->to_id, &f)) < 0)
		return failed(ctx, &f);
	if ((e = answer(ctx, s, &f)))
		return e > 0 ? 0 : f.code ? failed(ctx, &f) : e;
	if ((e = columns_make(&s->columns, s->schema, s->chosen, &f)) < 0 ||
	    (e = rows_open(s->table, &s->plan, &s->columns.root, s->filter, &s->rows, &f)) < 0)
		return failed(ctx, &f);
	s->row.max = ROW_BYTES;
	return 0;
}

static int
ii_poll(struct weir_ctx *ctx, void *self, int timeout_ms)
{
	struct iceberg_in *s = self;
	struct fail f = { 0 };
	size_t bytes = 0;

	(void)timeout_ms;
	if (!s->rows) {			/* a question, and the answer was no line at all */
		s->done = 1;
		return 0;
	}
	if (weir_ending(ctx))
		return weir_error(ctx, WEIR_EAGAIN, "ended by a signal after %" PRIu64 " rows, which are one epoch and void: run it again", s->n_rows);
	for (uint32_t n = 0; n < BATCH_ROWS && bytes < BATCH_BYTES; n++, s->n_rows++) {
		int e;

		if (s->limit && s->n_rows == s->limit) {
			s->done = 1;
			return 0;
		}
		s->row.n = 0;
		if ((e = rows_next(s->rows, &s->row, &f)) < 0)
			return failed(ctx, &f);
		if (e == 0) {
			s->done = 1;
			return 0;
		}
		if ((e = weir_offer(ctx, s->row.p, s->row.n, s->n_rows)) < 0)
			return e;
		bytes += s->row.n;
	}
	return 1;
}

/* A row that is no event: a map with a key twice, or longer than --max-line.  Called by weir_offer(), so s->row is it. */
static int
ii_refused(struct weir_ctx *ctx, void *self, uint64_t tag, const char *code, const char *message)
{
	struct iceberg_in *s = self;

	(void)tag;
	return weir_reject_raw(ctx, NULL, s->row.p, s->row.n, code, "%s", message);
}

static const char *
ref_of(const struct iceberg_in *s)
{
	return s->ref ? s->ref : "main";
}

/* protocol: `off` of iceberg-in */
static int
ii_position(struct weir_ctx *ctx, void *self, const char **off)
{
	struct iceberg_in *s = self;
	json_t *o;
	char id[24], *text;
	int e;

	if (s->n_rows && !s->done)
		return weir_error(ctx, WEIR_ECONFIG, "a table is read as one epoch and cannot be cut: leave --epoch out");
	*off = "{}";
	if (!s->from)
		return 0;
	snprintf(id, sizeof id, "%" PRId64, s->done ? s->to_id : s->from_id);
	o = json_pack("{s:{s:s},s:s}", "next", ref_of(s), id, "table", s->table->meta->uuid);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(o);
	s->position.n = 0;
	e = text ? buf_put(&s->position, text, strlen(text) + 1) : -1;
	free(text);
	*off = s->position.p;
	return e < 0 ? weir_error(ctx, WEIR_EAGAIN, "no memory for the position") : 0;
}

/* Go on behind the snapshot that was read last. */
static int
ii_seek(struct weir_ctx *ctx, void *self, const char *off)
{
	struct iceberg_in *s = self;
	json_t *o = json_loads(off, 0, NULL);
	const char *next = json_string_value(json_object_get(json_object_get(o, "next"), ref_of(s)));
	const char *uuid = json_string_value(json_object_get(o, "table"));
	struct fail f = { 0 };
	int e = 0;

	if (s->from ? !next || !uuid : json_object_size(o) != 0)
		e = weir_error(ctx, WEIR_ECONFIG, "the position %s is none of %s %s: start another feed with --pipeline", off, s->name,
		    s->from ? "with --from" : "at one snapshot");
	else if (s->from && strcmp(uuid, s->table->meta->uuid) != 0)
		e = weir_error(ctx, WEIR_ESTATE, "the position is of table %s, and %s is now %s: it was made anew", uuid, s->name, s->table->meta->uuid);
	else if (s->from) {
		rows_free(s->rows);
		s->rows = NULL;
		plan_free(&s->plan);
		if (parse_id("resume", next, &s->from_id, &f) < 0 || make_plan(s, s->to_id, &f) < 0 ||
		    rows_open(s->table, &s->plan, &s->columns.root, s->filter, &s->rows, &f) < 0)
			e = failed(ctx, &f);
	}
	json_decref(o);
	return e;
}

static int
ii_check(struct weir_ctx *ctx, void *self)
{
	struct iceberg_in *s = self;

	return weir_finding(ctx, "table", WEIR_OK, "%s: %zu snapshots, %zu files to read", s->name, s->table->meta->n_snapshot, s->plan.n_data);
}

static void
ii_close(struct weir_ctx *ctx, void *self)
{
	struct iceberg_in *s = self;

	(void)ctx;
	rows_free(s->rows);
	columns_free(&s->columns);
	filter_free(s->filter);
	plan_free(&s->plan);
	table_free(s->table);
	catalog_close(s->catalog);
	buf_free(&s->row);
	buf_free(&s->position);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "iceberg-in", .version = PACKAGE_VERSION, .summary = "the rows of an Iceberg table as NDJSON",
	.self_size = sizeof(struct iceberg_in), .opts = opts, .role = WEIR_SOURCE,
	.open = ii_open, .poll = ii_poll, .refused = ii_refused, .seek = ii_seek, .position = ii_position, .check = ii_check, .close = ii_close,
};
