#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"
#include "ingest.h"
#include "path.h"
#include "scan.h"
#include "value.h"

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for data files");
}

/* ---------------------------------------------------------------- what the file set asks for */

/* <location>/data/[<partition>/]<run>-<epoch>-<n>.parquet: a name is used by one run for one file. */
static int
name_file(void *arg, const void *key, size_t n, uint32_t number, struct buf *out, struct fail *f)
{
	struct ingest *g = arg;
	struct target *t = g->target;
	struct datum tuple[SPEC_MAX_FIELDS];
	int e = buf_printf(out, "%s/data/", t->table->meta->location);

	(void)number;		/* starts anew when the columns change in the middle of an epoch */
	if (t->spec->n) {
		if (partition_tuple(t->partition_of, key, n, tuple) < 0)
			return fail(f, WEIR_EBUG, "a partition key cannot be read back");
		e |= spec_path(t->spec, t->schema, tuple, out) | buf_putc(out, '/');
	}
	e |= buf_printf(out, "%s-%05" PRIu64 "-%05" PRIu32 ".parquet", g->run, g->n_epochs, g->n_named++);
	return e ? no_memory(f) : 0;
}

static int
put_open(void *arg, const char *name, void **stream, struct fail *f)
{
	struct ingest *g = arg;
	struct store *s = g->target->table->store;
	struct store_stream *out;
	int e = s->ops->create(s, name, &out, f);

	*stream = out;
	return e;
}

static int
put_write(void *stream, const void *p, size_t n, struct fail *f)
{
	struct store_stream *s = stream;

	return s->store->ops->write(s, p, n, f);
}

static int
put_finish(void *stream, struct fail *f)
{
	struct store_stream *s = stream;

	return s->store->ops->finish(s, f);
}

static void
put_abort(void *stream)
{
	struct store_stream *s = stream;

	s->store->ops->abort(s);
}

static int
keys(void *arg, const struct parquet_values *v, uint32_t n_rows, struct buf *out, uint32_t *end, struct fail *f)
{
	struct ingest *g = arg;

	return partition_keys(g->target->partition_of, v, n_rows, out, end, f);
}

/* ---------------------------------------------------------------- what the shredder asks for */

static int
want(void *arg, const char *path)
{
	struct ingest *g = arg;

	return g->may_want ? weir_want(g->ctx, path) : -1;
}

static const char *
event(void *arg, uint32_t i, size_t *n)
{
	struct ingest *g = arg;

	if (!g->held)
		return weir_event(g->ctx, g->batch, i, n);
	*n = g->batch->line[i + 1] - g->batch->line[i] - 1;
	return g->batch->bytes + g->batch->line[i];
}

static void
note(struct ingest *g, uint32_t i)
{
	g->n_noted += !g->noted[i];
	g->noted[i] = 1;
}

/* The value at a path of an event; 0 when there is none. */
static int
value_at(const char *p, size_t n, const char *text, struct weir_value *v)
{
	struct weir_value key;
	struct path path;
	char room[1024];
	const char *name;
	size_t at;

	if (path_parse(text, &path) < 0)
		return 0;
	*v = (struct weir_value){ p, (uint32_t)n, WEIR_OBJECT, 0 };
	for (size_t i = 0; i < path.n; i++) {
		struct weir_value next;
		int found = 0;

		if (v->kind != WEIR_OBJECT || !path.seg[i].key)
			return 0;
		for (at = 0; scan_next(v->p, v->n, &at, &key, &next); )
			if (key.n <= sizeof room && value_text_of(&key, room, &name) == path.seg[i].n && memcmp(name, path.seg[i].key, path.seg[i].n) == 0) {
				found = 1;
				break;
			}
		if (!found)
			return 0;
		*v = next;
	}
	return 1;
}

/* Would the value fit if its column were a long, or a double? */
static int
fits_wider(struct ingest *g, uint32_t i, const char *path)
{
	const struct schema_field *c = schema_by_path(g->target->schema, path);
	struct weir_value v;
	const char *p;
	size_t n;
	int64_t l;
	double d;

	if (!c || (c->kind != SCHEMA_INT && c->kind != SCHEMA_FLOAT))
		return 0;
	p = event(g, i, &n);
	if (!value_at(p, n, path, &v) || v.kind != WEIR_NUMBER)
		return 0;
	return c->kind == SCHEMA_INT ? value_int64(&v, &l) == 0 : value_double(&v, &d) == 0 && isfinite(d);
}

/* Events that were held for their columns are copies, of which the host knows nothing. */
static int
known(void *arg, uint32_t i)
{
	struct ingest *g = arg;

	return !g->held && weir_known(g->ctx, g->batch, i);
}

static int
reject(void *arg, uint32_t i, const char *code, const char *path, const char *text)
{
	struct ingest *g = arg;

	if (g->held)
		return weir_error(g->ctx, WEIR_EDATA, "an event of the first epoch does not fit the columns that it told: %s %s; give the table a --schema", path,
		    text);
	if (g->probing && g->target->o.evolve == TARGET_WIDEN && strcmp(code, "type") == 0 && fits_wider(g, i, path)) {
		note(g, i);
		return buf_put(&g->widen, path, strlen(path) + 1) < 0 ? weir_error(g->ctx, WEIR_EAGAIN, "no memory for a list of columns") : 0;
	}
	return weir_reject(g->ctx, g->batch, i, code, path, "%s", text);
}

/* A member without a column.  null says as much as absence. */
static int
unknown(void *arg, uint32_t i, const char *path, const struct weir_value *v)
{
	struct ingest *g = arg;

	(void)path;
	if (g->held || v->kind == WEIR_NULL)
		return 0;
	if (!g->probing)
		return 1;
	note(g, i);
	return 0;
}

/* ---------------------------------------------------------------- layout */

static int
lay_out(struct ingest *g, struct fail *f)
{
	struct target *t = g->target;
	const struct shred_options so = { .unknown = t->rest >= 0 ? SHRED_UNKNOWN_REST : SHRED_UNKNOWN_TELL, .rest = t->rest, .ignore = g->ignore };
	const struct shred_hooks hooks = { want, event, known, reject, unknown, g };
	const struct files_options fo = { .file_bytes = g->file_bytes, .writer.thread = g->thread };
	struct files_ops ops = { NULL, name_file, put_open, put_write, put_finish, put_abort, g };
	int e;

	if ((e = target_layout(t, f)) < 0)
		return e;
	if (t->spec->n)
		ops.keys = keys;
	if (!(g->shred = shred_new(&t->columns->root, t->columns->source, &so, &hooks, f)) ||
	    !(g->files = files_new(&t->columns->root, &fo, &ops, f)))
		return f->code;
	return 0;
}

int
ingest_open(struct ingest *g, struct fail *f)
{
	return lay_out(g, f);
}

void
ingest_close(struct ingest *g)
{
	shred_free(g->shred);
	files_free(g->files);
	ingest_forget(g);
	free(g->file);
	free(g->noted);
	buf_free(&g->widen);
	g->shred = NULL;
	g->files = NULL;
	g->file = NULL;
}

/* ---------------------------------------------------------------- evolution */

/* Is it read already under another name: by --columns, or left out by --drop-meta? */
static int
is_known(const struct ingest *g, const char *name)
{
	const struct columns_map *m = &g->target->map;
	size_t n = strlen(name);

	for (size_t k = 0; k < m->n; k++)
		if (m->item[k].path && strncmp(m->item[k].path, name, n) == 0 && strchr(".[", m->item[k].path[n]))
			return 1;
	return g->ignore && strcmp(name, g->ignore) == 0;
}

/* Columns for what the noted events have.  1 the schema changed, 0 not. */
static int
evolve(struct ingest *g, struct fail *f)
{
	struct infer *more = infer_new(g->ignore);
	struct schema *s;
	int e = 0, changed = 0;
	size_t n;

	if (!more)
		return no_memory(f);
	for (uint32_t i = 0; !e && i < g->batch->n; i++)
		if (g->noted[i]) {
			const char *p = event(g, i, &n);

			e = infer_add(more, p, n, f);
		}
	if (!e && (s = infer_schema(more, f))) {
		for (size_t i = 0; e >= 0 && i < s->root.n; i++)
			if (!is_known(g, s->root.field[i].name) && (e = target_add(g->target, &s->root.field[i], f)) > 0)
				changed = 1;
		schema_free(s);
	}
	infer_free(more);
	for (size_t at = 0; e >= 0 && at < g->widen.n; at += strlen(g->widen.p + at) + 1)
		if ((e = target_widen(g->target, g->widen.p + at, f)) > 0)
			changed = 1;
	return e < 0 ? e : changed;
}

/* Finished files become manifest entries, before the set that made them goes. */
static int
collect(struct ingest *g, struct fail *f)
{
	const struct files_done *done;
	struct manifest_file *more;
	size_t n;
	int e;

	if ((e = files_finish(g->files, f)) < 0)
		return e;
	done = files_list(g->files, &n);
	if (n && !(more = realloc(g->file, (g->n_files + n) * sizeof *more)))
		return no_memory(f);
	if (n)
		g->file = more;
	for (size_t i = 0; i < n; i++) {
		if ((e = partition_file(g->target->partition_of, &done[i], &g->file[g->n_files], f)) < 0)
			return e;
		g->n_files++;
	}
	files_forget(g->files);
	return 0;
}

static int
again(struct ingest *g, struct fail *f)
{
	struct buf text = { 0 };
	int e;

	if ((e = collect(g, f)) < 0)
		return e;
	shred_free(g->shred);
	files_free(g->files);
	g->shred = NULL;
	g->files = NULL;
	if ((e = lay_out(g, f)) < 0)
		return e;
	if (infer_tell(g->target->schema, &text) == 0 && buf_putc(&text, '\0') == 0)
		weir_warn(g->ctx, "the columns of %s are now: %s", g->target->o.table, text.p);
	buf_free(&text);
	return 0;
}

/* ---------------------------------------------------------------- rows */

/* What a reading of the batch notes starts empty. */
static int
begin_notes(struct ingest *g, struct fail *f)
{
	uint8_t *more;

	g->n_noted = 0;
	g->widen.n = 0;
	if (!g->probing)
		return 0;
	if (g->batch->n > g->cap_noted) {
		if (!(more = realloc(g->noted, g->batch->n)))
			return no_memory(f);
		g->noted = more;
		g->cap_noted = g->batch->n;
	}
	memset(g->noted, 0, g->batch->n);
	return 0;
}

/* A batch that tells of new columns is read again with them, until it tells of no more: each time at least one column is new or
 * wider.  Rejects of an earlier reading stay rejects. */
static int
shred(struct ingest *g, struct shredded *rows, struct fail *f)
{
	int e;

	g->probing = g->target->o.evolve != TARGET_FIXED && !g->held;
	for (;;) {
		if ((e = begin_notes(g, f)) < 0 || (e = shred_batch(g->shred, g->batch, rows, f)) < 0 || !g->n_noted)
			return e;
		if ((e = evolve(g, f)) < 0)
			return e;
		if (!e)			/* nothing to be done for it: this time they are rejects */
			g->probing = 0;
		else if ((e = again(g, f)) < 0)
			return e;
	}
}

static int
take_batch(struct ingest *g, struct weir_batch *b, struct fail *f)
{
	struct shredded rows;
	int e;

	g->batch = b;
	if ((e = shred(g, &rows, f)) < 0)
		return e;
	for (uint32_t i = 0; i < rows.n_rows; i++)
		b->verdict[rows.row[i]] = WEIR_TAKEN;
	g->rows += rows.n_rows;
	return rows.n_rows ? files_append(g->files, rows.v, rows.n_rows, f) : 0;
}

int
ingest_batch(struct ingest *g, struct weir_batch *b, struct fail *f)
{
	g->held = 0;
	g->may_want = 0;
	return take_batch(g, b, f);
}

int
ingest_held(struct ingest *g, const struct held *h, struct fail *f)
{
	uint8_t verdict[HELD_BATCH];
	struct weir_batch b;
	int e = 0;

	g->held = 1;
	g->may_want = 0;
	for (uint32_t at = 0, n; !e && at < h->n; at += n) {
		n = held_batch(h, at, &b, verdict);
		e = take_batch(g, &b, f);
	}
	g->held = 0;
	return e;
}

int
ingest_finish(struct ingest *g, struct fail *f)
{
	return collect(g, f);
}

void
ingest_forget(struct ingest *g)
{
	while (g->n_files)
		manifest_file_free(&g->file[--g->n_files]);
	g->rows = 0;
	g->n_named = 0;
	g->submitted = 0;
	g->n_epochs++;
}

void
ingest_discard(struct ingest *g)
{
	struct store *s = g->target->table ? g->target->table->store : NULL;
	const struct files_done *done;
	struct fail ignored;		/* what cannot be removed is an orphan, as after a kill */
	size_t n = 0;

	if (!s || g->submitted)
		return;
	for (size_t i = 0; i < g->n_files; i++)
		(void)s->ops->remove(s, g->file[i].path, &ignored);
	done = g->files ? files_list(g->files, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		(void)s->ops->remove(s, done[i].name, &ignored);
}
