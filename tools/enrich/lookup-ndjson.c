/*
 * lookup-ndjson.c - a table from a file of JSON objects, one a line.
 *
 * Key and columns are paths into them; values keep their types and digits.  A
 * line without a wanted column has null there, but a column that no line has
 * is a mistake.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "scan.h"
#include "value.h"
#include "weir.h"

#define COLS_MAX	(LOOKUP_WANTS_MAX + 2)

struct columns {
	struct scan		*scan;
	int			 key, from, want[LOOKUP_WANTS_MAX];	/* columns of the scanner; -1: none, the whole row */
	int			 met[COLS_MAX];
	struct weir_value	 value[COLS_MAX];
	struct weir_value	*col[COLS_MAX];
};

static int
columns_want(struct columns *c, const struct lookup *l, const char *path, struct fail *f)
{
	int col = scan_want(c->scan, path);

	if (col < 0)
		return col == -1 ? fail(f, WEIR_EUSAGE, "lookup %s: '%s' is no path", l->name, path) : fail(f, WEIR_EAGAIN, "no memory");
	return col;
}

static int
columns_open(struct columns *c, const struct lookup *l, struct fail *f)
{
	static const struct scan_limits limits = { .max_depth = 128 };

	if (!(c->scan = scan_new(&limits)))
		return fail(f, WEIR_EAGAIN, "no memory for lookup %s", l->name);
	for (size_t i = 0; i < COLS_MAX; i++)
		c->col[i] = &c->value[i];
	if ((c->key = columns_want(c, l, l->key, f)) < 0)
		return c->key;
	c->from = -1;
	if (l->versioned && (c->from = columns_want(c, l, l->valid_from, f)) < 0)
		return c->from;
	for (uint32_t i = 0; i < l->n_want; i++) {
		c->want[i] = -1;
		if (l->want[i].column && (c->want[i] = columns_want(c, l, l->want[i].column, f)) < 0)
			return c->want[i];
	}
	return 0;
}

/* The text of a key or time into `out`: strings without quotes, numbers and truth values as written. */
static int
column_text(struct load *in, const struct weir_value *v, const char *column, struct buf *out, struct fail *f)
{
	out->n = 0;
	if (buf_reserve(out, v->n + 1) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for lookup %s", in->lookup->name);
	switch (v->kind) {
	case WEIR_STRING:
		out->n = value_text(v, out->p);
		return 0;
	case WEIR_NUMBER:
	case WEIR_TRUE:
	case WEIR_FALSE:
		return buf_put(out, v->p, v->n);
	case WEIR_ABSENT:
	case WEIR_NULL:
		return load_bad(in, f, "'%s' is %s", column, v->kind == WEIR_NULL ? "null" : "missing");
	default:
		return load_bad(in, f, "'%s' is no string, number or truth value", column);
	}
}

static int
ndjson_values(struct load *in, const struct columns *c, const char *p, size_t n, struct fail *f)
{
	int e;

	for (uint32_t i = 0; i < in->lookup->n_want; i++) {
		const struct weir_value *v = c->want[i] < 0 ? NULL : &c->value[c->want[i]];

		e = !v ? load_literal(in, p, n, f) : v->kind == WEIR_ABSENT ? load_literal(in, "null", 4, f) : load_literal(in, v->p, v->n, f);
		if (e < 0 || (e = load_value_end(in, f)) < 0)
			return e;
	}
	return 0;
}

/* One line, p[0..n) without white space around it; key and from are scratch. */
static int
ndjson_line(struct load *in, struct columns *c, const char *p, size_t n, struct buf *key, struct buf *from, struct fail *f)
{
	const struct lookup *l = in->lookup;
	struct scan_fault fault;
	unsigned marks;
	int e;

	if (scan_event(c->scan, p, n, c->col, 0, &marks, &fault) < 0)
		return load_bad(in, f, "%s", fault.message);
	for (size_t i = 0; i < scan_n_cols(c->scan); i++)
		c->met[i] |= c->value[i].kind != WEIR_ABSENT;
	if ((e = column_text(in, &c->value[c->key], l->key, key, f)) < 0)
		return e;
	from->n = 0;
	if (c->from >= 0 && c->value[c->from].kind > WEIR_NULL && (e = column_text(in, &c->value[c->from], l->valid_from, from, f)) < 0)
		return e;
	if ((e = ndjson_values(in, c, p, n, f)) < 0)
		return e;
	return load_row(in, key->p, key->n, from->p, from->n, f);
}

static int
ndjson_lines(struct load *in, struct columns *c, FILE *file, struct fail *f)
{
	struct buf text = { .max = LOOKUP_ROW_MAX }, key = { .max = LOOKUP_ROW_MAX }, from = { .max = LOOKUP_ROW_MAX };
	const struct lookup *l = in->lookup;
	uint32_t line = 0;
	int e = 0, ch = 0;

	while (e >= 0 && ch != EOF) {
		size_t start = 0;

		in->line = ++line;
		text.n = 0;
		while (e >= 0 && (ch = getc_unlocked(file)) != EOF && ch != '\n')
			if (buf_putc(&text, (char)ch) < 0)
				e = load_full(in, "the line is", f);
		if (e >= 0 && ferror(file))
			e = fail_errno(f, WEIR_EIO, "cannot read %s", l->where);
		if (line == 1 && text.n >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3))
			start = 3;
		while (start < text.n && strchr(" \t\r", text.p[start]))
			start++;
		while (text.n > start && strchr(" \t\r", text.p[text.n - 1]))
			text.n--;
		if (e >= 0 && start < text.n)
			e = ndjson_line(in, c, text.p + start, text.n - start, &key, &from, f);
	}
	buf_free(&text);
	buf_free(&key);
	buf_free(&from);
	for (uint32_t i = 0; e >= 0 && rows_count(in->rows) && i < l->n_want; i++)
		if (c->want[i] >= 0 && !c->met[c->want[i]])
			e = fail(f, WEIR_ECONFIG, "%s: no line has '%s'", l->where, l->want[i].column);
	return e;
}

static int
ndjson_load(struct load *in, struct fail *f)
{
	struct columns *c = calloc(1, sizeof *c);
	FILE *file = fopen(in->lookup->where, "re");
	int e;

	if (!c)
		e = fail(f, WEIR_EAGAIN, "no memory for lookup %s", in->lookup->name);
	else if (!file)
		e = fail_errno(f, fail_input_code(errno), "cannot open %s", in->lookup->where);
	else if ((e = columns_open(c, in->lookup, f)) >= 0)
		e = ndjson_lines(in, c, file, f);
	if (c)
		scan_free(c->scan);
	free(c);
	if (file && fclose(file) != 0 && e >= 0)
		e = fail_errno(f, WEIR_EIO, "cannot read %s", in->lookup->where);
	return e;
}

static int
ndjson_open(struct lookup *l, struct fail *f)
{
	if (!l->key)
		return fail(f, WEIR_EUSAGE, "--lookup %s: ndjson has no first column: add ,key=PATH", l->name);
	return load_open(l, ndjson_load, f);
}

const struct lookup_kind lookup_ndjson = {
	.name = "ndjson", .typed = 1, .open = ndjson_open, .find = load_find, .refresh = load_refresh, .close = load_close,
};
