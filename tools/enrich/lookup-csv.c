/*
 * lookup-csv.c - a table from a CSV file with a header line.
 *
 * The key is the column of key=, else the first one.  Every row has as many
 * fields as the header.  Values are strings unless a type was asked for.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "csv.h"
#include "load.h"
#include "weir.h"

/* The names of the header line, kept while the file is read. */
struct header {
	struct buf	text;
	uint32_t	end[CSV_FIELDS_MAX];
	size_t		n;
};

static const char *
header_name(const struct header *h, size_t i, size_t *n)
{
	uint32_t start = i ? h->end[i - 1] : 0;

	*n = h->end[i] - start;
	return h->text.p + start;
}

/* The place of a column, or WEIR_ECONFIG with the names that there are. */
static int
header_find(const struct load *in, const struct header *h, const char *column, struct fail *f)
{
	char names[400];
	size_t at = 0, n;

	for (size_t i = 0; i < h->n; i++) {
		const char *p = header_name(h, i, &n);

		if (n == strlen(column) && !memcmp(p, column, n))
			return (int)i;
	}
	for (size_t i = 0; i < h->n && at + 8 < sizeof names; i++) {
		const char *p = header_name(h, i, &n);

		at += (size_t)snprintf(names + at, sizeof names - at, "%s%.*s", i ? ", " : "", n < 80 ? (int)n : 80, p);
	}
	if (at >= sizeof names - 8)
		memcpy(names + sizeof names - 4, "...", 4);
	return load_bad(in, f, "no column '%s'; there are: %s", column, names);
}

static int
header_keep(struct load *in, const struct csv *c, struct header *h, struct fail *f)
{
	in->line = c->line;
	memcpy(h->end, c->end, sizeof h->end);
	h->n = c->n;
	if (buf_put(&h->text, c->text.p, c->text.n) < 0 || buf_reserve(&h->text, 1) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for lookup %s", in->lookup->name);
	for (size_t i = 0; i < h->n; i++) {
		size_t n, m;
		const char *p = header_name(h, i, &n);

		for (size_t k = 0; k < i; k++) {
			const char *q = header_name(h, k, &m);

			if (n == m && !memcmp(p, q, n))
				return load_bad(in, f, "column '%.*s' stands twice", n < 80 ? (int)n : 80, p);
		}
	}
	return 0;
}

/* The literals of one record: col[i] is the field of wanted column i, -1 for the whole row. */
static int
csv_row(struct load *in, const struct csv *c, const struct header *h, const int *col, struct fail *f)
{
	const struct lookup *l = in->lookup;
	size_t n, m;
	int e;

	for (uint32_t i = 0; i < l->n_want; i++) {
		const char *p;

		if (col[i] >= 0) {
			p = csv_field(c, (size_t)col[i], &n);
			if ((e = load_text(in, p, n, l->want[i].type, l->want[i].column, f)) < 0 || (e = load_value_end(in, f)) < 0)
				return e;
			continue;
		}
		for (size_t k = 0; k < h->n; k++) {
			const char *name = header_name(h, k, &m);

			p = csv_field(c, k, &n);
			if ((e = load_member(in, name, m, f)) < 0 || (e = load_text(in, p, n, LOOKUP_STRING, NULL, f)) < 0)
				return e;
		}
		if ((e = load_object_end(in, f)) < 0)
			return e;
	}
	return 0;
}

static int
csv_rows(struct load *in, struct csv *c, struct header *h, struct fail *f)
{
	const struct lookup *l = in->lookup;
	int col[LOOKUP_WANTS_MAX], key, from = -1, e;

	if ((e = csv_next(c, f)) < 0)
		return e;
	if (!e)
		return fail(f, WEIR_ECONFIG, "%s is empty: its first line must name the columns", l->where);
	if ((e = header_keep(in, c, h, f)) < 0)
		return e;
	if ((key = l->key ? header_find(in, h, l->key, f) : 0) < 0)
		return key;
	if (l->versioned && (from = header_find(in, h, l->valid_from, f)) < 0)
		return from;
	for (uint32_t i = 0; i < l->n_want; i++) {
		col[i] = -1;
		if (l->want[i].column && (col[i] = header_find(in, h, l->want[i].column, f)) < 0)
			return col[i];
	}
	while ((e = csv_next(c, f)) > 0) {
		size_t n, from_n = 0;
		const char *p, *from_p = NULL;

		in->line = c->line;
		if (c->n != h->n)
			return load_bad(in, f, "%zu fields, but the header line has %zu", c->n, h->n);
		if ((e = csv_row(in, c, h, col, f)) < 0)
			return e;
		p = csv_field(c, (size_t)key, &n);
		if (from >= 0)
			from_p = csv_field(c, (size_t)from, &from_n);
		if ((e = load_row(in, p, n, from_p, from_n, f)) < 0)
			return e;
	}
	return e;
}

static int
csv_load(struct load *in, struct fail *f)
{
	struct header h = { .n = 0 };
	struct csv c;
	FILE *file = fopen(in->lookup->where, "re");
	int e;

	if (!file)
		return fail_errno(f, fail_input_code(errno), "cannot open %s", in->lookup->where);
	csv_open(&c, file, in->lookup->where);
	e = csv_rows(in, &c, &h, f);
	csv_close(&c);
	buf_free(&h.text);
	if (fclose(file) != 0 && e >= 0)
		e = fail_errno(f, WEIR_EIO, "cannot read %s", in->lookup->where);
	return e;
}

static int
csv_lookup_open(struct lookup *l, struct fail *f)
{
	return load_open(l, csv_load, f);
}

const struct lookup_kind lookup_csv = {
	.name = "csv", .open = csv_lookup_open, .find = load_find, .refresh = load_refresh, .close = load_close,
};
