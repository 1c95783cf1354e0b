/*
 * lookup-sqlite.c - a table of an SQLite database, opened only to be read.
 *
 * The table is that of table=, else the only one; the key column that of key=,
 * else the first.  Integers and reals become numbers, texts strings, blobs
 * base64 strings, NULL null.  A row with NULL for its key matches nothing.
 */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "emit.h"
#include "load.h"
#include "weir.h"

#define BUSY_MS		2000	/* how long another program may hold the lock */
#define COLUMNS_MAX	2000	/* SQLite's own limit */

struct source {
	sqlite3		*db;
	sqlite3_stmt	*rows;
	char		*table;		/* sqlite3_free() */
};

static int
sqlite_bad(struct load *in, struct source *s, struct fail *f)
{
	int e = sqlite3_errcode(s->db) & 0xff;

	if (e == SQLITE_BUSY || e == SQLITE_LOCKED)
		return fail(f, WEIR_EAGAIN, "%s is locked by another program (waited %d s): run again when it is free", in->lookup->where, BUSY_MS / 1000);
	if (e == SQLITE_CANTOPEN && (errno = sqlite3_system_errno(s->db)))
		return fail_errno(f, fail_input_code(errno), "cannot open %s", in->lookup->where);
	return fail(f, e == SQLITE_NOMEM ? WEIR_EAGAIN : e == SQLITE_IOERR ? WEIR_EIO : WEIR_ECONFIG, "%s: %s", in->lookup->where, sqlite3_errmsg(s->db));
}

/* The names in the first column of a query, with commas between; for messages.  Returns how many. */
static int
sqlite_names(struct source *s, const char *query, struct buf *out)
{
	sqlite3_stmt *q = NULL;
	int n = 0;

	if (sqlite3_prepare_v2(s->db, query, -1, &q, NULL) == SQLITE_OK)
		while (sqlite3_step(q) == SQLITE_ROW && out->n < 400) {
			if (buf_printf(out, "%s%s", n ? ", " : "", (const char *)sqlite3_column_text(q, 0)) < 0)
				break;
			n++;
		}
	sqlite3_finalize(q);
	return n;
}

/* The table that is meant. */
static int
sqlite_table(struct load *in, struct source *s, struct fail *f)
{
	static const char tables[] = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
	const struct lookup *l = in->lookup;
	struct buf names = { .max = 4096 };
	sqlite3_stmt *q = NULL;
	int e = 0, n, found = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT 1 FROM sqlite_master WHERE name = ?", -1, &q, NULL) != SQLITE_OK)
		return sqlite_bad(in, s, f);
	if (l->table && sqlite3_bind_text(q, 1, l->table, -1, SQLITE_STATIC) == SQLITE_OK)
		found = sqlite3_step(q) == SQLITE_ROW;
	sqlite3_finalize(q);
	n = sqlite_names(s, tables, &names);
	if (!l->table && n == 1)
		s->table = sqlite3_mprintf("%.*s", (int)names.n, names.p);
	else if (found)
		s->table = sqlite3_mprintf("%s", l->table);
	else if (l->table)
		e = fail(f, WEIR_ECONFIG, "%s: no table '%s'; there are: %.*s", l->where, l->table, (int)names.n, n ? names.p : "");
	else
		e = fail(f, WEIR_ECONFIG, "%s has %d tables: add ,table=NAME to --lookup %s%s%.*s", l->where, n, l->name, n ? "; there are: " : "",
		    (int)names.n, n ? names.p : "");
	if (found || (!l->table && n == 1))
		e = s->table ? 0 : fail(f, WEIR_EAGAIN, "no memory for lookup %s", l->name);
	buf_free(&names);
	return e;
}

/* The place of a column in the rows, or WEIR_ECONFIG with the names that there are. */
static int
sqlite_column(struct load *in, struct source *s, const char *column, struct fail *f)
{
	struct buf names = { .max = 4096 };
	int n = sqlite3_column_count(s->rows), e;

	for (int i = 0; i < n; i++)
		if (!strcmp(sqlite3_column_name(s->rows, i), column))
			return i;
	for (int i = 0; i < n && names.n < 400; i++)
		if (buf_printf(&names, "%s%s", i ? ", " : "", sqlite3_column_name(s->rows, i)) < 0)
			break;
	e = fail(f, WEIR_ECONFIG, "%s: table %s has no column '%s'; there are: %.*s", in->lookup->where, s->table, column, (int)names.n, names.p);
	buf_free(&names);
	return e;
}

static int
sqlite_value(struct load *in, struct source *s, int col, struct fail *f)
{
	const char *p;
	int e = 0;

	switch (sqlite3_column_type(s->rows, col)) {
	case SQLITE_INTEGER:
		e = emit_int(&in->text, sqlite3_column_int64(s->rows, col));
		break;
	case SQLITE_FLOAT:
		e = emit_double(&in->text, sqlite3_column_double(s->rows, col));
		break;
	case SQLITE_TEXT:
		p = (const char *)sqlite3_column_text(s->rows, col);
		return load_text(in, p, (size_t)sqlite3_column_bytes(s->rows, col), LOOKUP_STRING, NULL, f);
	case SQLITE_BLOB:
		p = sqlite3_column_blob(s->rows, col);
		e = emit_base64(&in->text, p ? p : "", (size_t)sqlite3_column_bytes(s->rows, col));
		break;
	default:
		return load_literal(in, "null", 4, f);
	}
	return e < 0 ? load_full(in, "the wanted columns are", f) : 0;
}

/* The literals of one row: col[i] is the place of wanted column i, -1 for the whole row. */
static int
sqlite_row(struct load *in, struct source *s, const int *col, struct fail *f)
{
	int e;

	for (uint32_t i = 0; i < in->lookup->n_want; i++) {
		if (col[i] >= 0) {
			if ((e = sqlite_value(in, s, col[i], f)) < 0 || (e = load_value_end(in, f)) < 0)
				return e;
			continue;
		}
		for (int k = 0; k < sqlite3_column_count(s->rows); k++) {
			const char *name = sqlite3_column_name(s->rows, k);

			if ((e = load_member(in, name, strlen(name), f)) < 0 || (e = sqlite_value(in, s, k, f)) < 0)
				return e;
		}
		if ((e = load_object_end(in, f)) < 0)
			return e;
	}
	return 0;
}

static int
sqlite_rows(struct load *in, struct source *s, struct fail *f)
{
	const struct lookup *l = in->lookup;
	int col[LOOKUP_WANTS_MAX], key, from = -1, e;

	if ((key = l->key ? sqlite_column(in, s, l->key, f) : 0) < 0)
		return key;
	if (l->versioned && (from = sqlite_column(in, s, l->valid_from, f)) < 0)
		return from;
	for (uint32_t i = 0; i < l->n_want; i++) {
		col[i] = -1;
		if (l->want[i].column && (col[i] = sqlite_column(in, s, l->want[i].column, f)) < 0)
			return col[i];
	}
	in->unit = ", row ";
	while ((e = sqlite3_step(s->rows)) == SQLITE_ROW) {
		const char *k, *t = NULL;
		size_t n, t_n = 0;

		in->line++;
		if (sqlite3_column_type(s->rows, key) == SQLITE_NULL)
			continue;
		if ((e = sqlite_row(in, s, col, f)) < 0)
			return e;
		/* As text only now: that conversion may change what the type of the column is. */
		k = (const char *)sqlite3_column_text(s->rows, key);
		n = (size_t)sqlite3_column_bytes(s->rows, key);
		if (from >= 0 && from != key && (t = (const char *)sqlite3_column_text(s->rows, from)))
			t_n = (size_t)sqlite3_column_bytes(s->rows, from);
		if ((e = load_row(in, k ? k : "", n, t, t_n, f)) < 0)
			return e;
	}
	return e == SQLITE_DONE ? 0 : sqlite_bad(in, s, f);
}

static int
sqlite_load(struct load *in, struct fail *f)
{
	struct source s = { NULL };
	char *query = NULL;
	int e;

	if (sqlite3_open_v2(in->lookup->where, &s.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		e = s.db ? sqlite_bad(in, &s, f) : fail(f, WEIR_EAGAIN, "no memory for lookup %s", in->lookup->name);
	else {
		(void)sqlite3_busy_timeout(s.db, BUSY_MS);	/* cannot fail on an open database */
		e = sqlite_table(in, &s, f);
	}
	if (e >= 0 && !(query = sqlite3_mprintf("SELECT * FROM \"%w\"", s.table)))
		e = fail(f, WEIR_EAGAIN, "no memory for lookup %s", in->lookup->name);
	if (e >= 0)
		e = sqlite3_prepare_v2(s.db, query, -1, &s.rows, NULL) == SQLITE_OK ? sqlite_rows(in, &s, f) : sqlite_bad(in, &s, f);
	sqlite3_free(query);
	sqlite3_free(s.table);
	sqlite3_finalize(s.rows);
	sqlite3_close(s.db);
	return e;
}

static int
sqlite_open(struct lookup *l, struct fail *f)
{
	return load_open(l, sqlite_load, f);
}

const struct lookup_kind lookup_sqlite = {
	.name = "sqlite", .typed = 1, .open = sqlite_open, .find = load_find, .refresh = load_refresh, .close = load_close,
};
