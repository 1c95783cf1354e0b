/* load.c - tables in files, see load.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "emit.h"
#include "iso.h"
#include "load.h"
#include "scan.h"
#include "value.h"
#include "weir.h"

#define WAL_NAME_MAX	4096

int
load_bad(const struct load *in, struct fail *f, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return fail(f, WEIR_ECONFIG, "%s%s%u: %s", in->lookup->where, in->unit, in->line, what);
}

int
load_full(const struct load *in, const char *what, struct fail *f)
{
	return errno == ENOMEM ? fail(f, WEIR_EAGAIN, "no memory for the lookup %s", in->lookup->name) :
	    load_bad(in, f, "%s longer than %d bytes", what, LOOKUP_ROW_MAX);
}

/* The wanted columns of a row. */
static int
load_too_long(const struct load *in, struct fail *f)
{
	return load_full(in, "the wanted columns are", f);
}

int
load_literal(struct load *in, const char *json, size_t n, struct fail *f)
{
	return buf_put(&in->text, json, n) < 0 ? load_too_long(in, f) : 0;
}

int
load_text(struct load *in, const char *p, size_t n, int type, const char *column, struct fail *f)
{
	static const struct scan_limits limits = { .max_depth = 128 };
	struct scan_fault fault;
	size_t start = in->text.n;
	int ok;

	if (type == LOOKUP_STRING || type == LOOKUP_OWN)
		return emit_string(&in->text, p, n) < 0 ? load_too_long(in, f) : 0;
	if (!n)
		return load_literal(in, "null", 4, f);
	if (buf_put(&in->text, p, n) < 0 || buf_reserve(&in->text, 0) < 0)
		return load_too_long(in, f);
	p = in->text.p + start;
	if (type == LOOKUP_BOOLEAN)
		ok = (n == 4 && !memcmp(p, "true", 4)) || (n == 5 && !memcmp(p, "false", 5));
	else
		ok = scan_document(p, n, &limits, &fault) == 0 && (type == LOOKUP_JSON || value_of(p, n).kind == WEIR_NUMBER);
	if (ok && (memchr(p, '\n', n) || memchr(p, '\r', n)))
		ok = 0;		/* an event is one line */
	if (ok)
		return 0;
	return load_bad(in, f, "column '%s' is no JSON %s: '%.*s'", column, type == LOOKUP_NUMBER ? "number" : type == LOOKUP_BOOLEAN ? "true or false" :
	    "value in one line", n < 80 ? (int)n : 80, p);
}

int
load_value_end(struct load *in, struct fail *f)
{
	if (in->n == in->lookup->n_want)
		return fail(f, WEIR_EBUG, "lookup %s: more values than wanted columns", in->lookup->name);
	in->end[in->n++] = (uint32_t)in->text.n;
	return 0;
}

int
load_member(struct load *in, const char *name, size_t n, struct fail *f)
{
	uint32_t start = in->n ? in->end[in->n - 1] : 0;

	if (buf_putc(&in->text, in->text.n == start ? '{' : ',') < 0 || emit_string(&in->text, name, n) < 0 || buf_putc(&in->text, ':') < 0)
		return load_too_long(in, f);
	return 0;
}

int
load_object_end(struct load *in, struct fail *f)
{
	if (buf_putc(&in->text, '}') < 0)
		return load_too_long(in, f);
	return load_value_end(in, f);
}

int
load_row(struct load *in, const char *key, size_t n, const char *from, size_t from_n, struct fail *f)
{
	struct rows_value value[LOOKUP_WANTS_MAX];
	int64_t from_us = INT64_MIN;
	uint32_t before;

	if (in->lookup->versioned && from_n && iso_parse_loose(from, from_n, &from_us) < 0)
		return load_bad(in, f, "column '%s' is no ISO 8601 time: '%.*s'", in->lookup->valid_from, from_n < 80 ? (int)from_n : 80, from);
	for (uint32_t i = 0, start = 0; i < in->n; start = in->end[i++]) {
		value[i].p = in->text.p + start;
		value[i].n = in->end[i] - start;
	}
	switch (rows_add(in->rows, key, n, from_us, value, in->line, &before)) {
	case ROWS_DUPLICATE:
		return load_bad(in, f, "key '%.*s' stands in %s %u too%s: keys must be unique", n < 80 ? (int)n : 80, key, *in->unit == ':' ? "line" : "row", before,
		    in->lookup->versioned ? ", valid from the same time" : "");
	case ROWS_FULL:
		return fail(f, WEIR_ECONFIG, "lookup %s does not fit into --memory (%ju rows of %s read so far): raise it",
		    in->lookup->name, (uintmax_t)rows_count(in->rows), in->lookup->where);
	}
	in->text.n = in->n = 0;
	return 0;
}

static int
load_stamp(const struct lookup *l, struct lookup_stamp *stamp, struct fail *f)
{
	char wal[WAL_NAME_MAX];
	struct stat st;

	memset(stamp, 0, sizeof *stamp);
	if (stat(l->where, &st) < 0)
		return fail_errno(f, errno == ENOENT || errno == ENOTDIR || errno == EACCES ? WEIR_ECONFIG : WEIR_EIO, "cannot open %s", l->where);
	if (S_ISDIR(st.st_mode))
		return fail(f, WEIR_ECONFIG, "%s is a directory: name a file", l->where);
	stamp->mtime = st.st_mtim;
	stamp->size = st.st_size;
	stamp->inode = st.st_ino;
	if (l->kind == &lookup_sqlite && (size_t)snprintf(wal, sizeof wal, "%s-wal", l->where) < sizeof wal && stat(wal, &st) == 0) {
		stamp->wal_mtime = st.st_mtim;
		stamp->wal_size = st.st_size;
	}
	return 0;
}

/* Read everything anew; on success the new table takes the old one's place. */
static int
load_all(struct lookup *l, struct fail *f)
{
	struct load in = { .lookup = l, .unit = ":", .text.max = LOOKUP_ROW_MAX };
	int e;

	if (!(in.rows = rows_new(l->seed, l->n_want, l->max_bytes, l->versioned)))
		return fail(f, WEIR_EAGAIN, "no memory for lookup %s", l->name);
	e = l->load(&in, f);
	buf_free(&in.text);
	if (e < 0) {
		rows_free(in.rows);
		return e;
	}
	rows_free(l->rows);
	l->rows = in.rows;
	return 0;
}

int
load_open(struct lookup *l, int (*fn)(struct load *, struct fail *), struct fail *f)
{
	int e;

	l->load = fn;
	if ((e = load_stamp(l, &l->stamp, f)) < 0)
		return e;
	return load_all(l, f);
}

int
load_find(const struct lookup *l, const char *key, size_t n, int64_t at_us, struct rows_value *value)
{
	return rows_find(l->rows, key, n, at_us, value);
}

int
load_refresh(struct lookup *l, struct fail *f)
{
	struct lookup_stamp now;
	int e = load_stamp(l, &now, f);

	/* A file that is away has the stamp of zeros: said once, not at every look. */
	if (!memcmp(&now, &l->stamp, sizeof now))
		return 0;
	l->stamp = now;
	if (e < 0 || (e = load_all(l, f)) == 0)
		return e < 0 ? e : 1;
	if (e == WEIR_EAGAIN)
		memset(&l->stamp, 0xff, sizeof l->stamp);	/* locked: try again at the next look */
	return e;
}

void
load_close(struct lookup *l)
{
	rows_free(l->rows);
	l->rows = NULL;
}
