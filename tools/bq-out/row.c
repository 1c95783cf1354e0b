/*
 * As a rule nothing of an event has to change.  What does is noted as an edit, a stretch of the event's bytes and the literal in its
 * place, and the row is put together at the end from what is left.
 *
 * Whether an event has more than the table's columns is told by a sum: compact JSON with known members alone is just as long as they are.
 * An event that is longer (blanks, escaped keys, keys in another case, an unknown member) is walked.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cell.h"
#include "emit.h"
#include "row.h"
#include "scan.h"
#include "value.h"

#define TEXT_BYTES	(256u << 20)	/* of all replaced literals of one event */
#define EDIT_BYTES	(256u << 20)	/* of their places */
#define KEPT_BYTES	(1u << 20)	/* more than that does not stay after a long event */
#define KEY_BYTES	4096		/* 300 characters, each escaped, are shorter */

struct edit {
	const char	*from, *to;	/* of the event */
	size_t		 at, n;		/* of row.text */
};

struct node;

struct record {
	struct node	*node;
	uint32_t	*table;		/* by folded name, a power of two: 1 + index of the node, 0: free */
	size_t		 n, mask;
	size_t		 n_required;
};

struct node {
	const struct schema_field	*f;
	uint32_t			 n_name;
	uint64_t			 seen;		/* the record that had it last */
	struct record			 record;	/* of a RECORD */
};

struct row {
	struct record	 top;
	struct cell	 cell;
	struct buf	 text, edits;
	size_t		 max_bytes;
	uint64_t	 stamp;		/* records walked so far */
	const char	*ignore;
	size_t		 n_ignore;
	const char	*p, *e;		/* the event */
	int		 outside;	/* a value that must change does not stand in the event */
	struct row_fault *fault;
	char		 key[KEY_BYTES];
};

static int	put_value(struct row *, struct node *, const struct weir_value *);

/* ---------------------------------------------------------------- faults */

static int
refuse(struct row *r, const char *code, const char *message)
{
	r->fault->code = code;
	r->fault->path[0] = '\0';
	snprintf(r->fault->message, sizeof r->fault->message, "%s", message);
	return 1;
}

/* What is around a fault is put before its path while the calls return. */
static void
prepend(struct row *r, const char *part, size_t n)
{
	char *path = r->fault->path;
	size_t had = strlen(path), max = sizeof r->fault->path - 1;

	if (n > max)
		n = max;
	if (had > max - n)
		had = max - n;
	memmove(path + n, path, had);
	memcpy(path, part, n);
	path[n + had] = '\0';
}

/* ".name", or ."odd name": without the dot at the top. */
static void
prepend_name(struct row *r, int top, const char *name, size_t n)
{
	struct buf part = { .max = sizeof r->fault->path };
	int plain = n > 0;

	for (size_t i = 0; i < n; i++)
		plain &= (unsigned char)name[i] >= 0x80 || ((unsigned char)((name[i] | 32) - 'a') < 26) || (unsigned char)(name[i] - '0') < 10 ||
		    name[i] == '_' || name[i] == '-';
	if (!top)
		buf_putc(&part, '.');
	if ((plain ? buf_put(&part, name, n) : emit_string(&part, name, n)) < 0)
		buf_puts(&part, "...");		/* too long to be shown */
	if (part.p)
		prepend(r, part.p, part.n);
	buf_free(&part);
}

static int
unfit(struct row *r, const struct schema_field *f, const struct weir_value *v)
{
	refuse(r, "type", "");
	cell_explain(&r->cell, f, v, r->fault->message, sizeof r->fault->message);
	return 1;
}

static int
required(struct row *r, const struct schema_field *f, int missing)
{
	char text[SCHEMA_TYPE_SIZE];

	refuse(r, "required", "");
	snprintf(r->fault->message, sizeof r->fault->message, "is %s, but its column (%s) is REQUIRED", missing ? "missing" : "null",
	    schema_type_text(f, text));
	return 1;
}

static void
unknown(struct row *r, const char *name, size_t n)
{
	const char *why = schema_name_problem(name, n);

	refuse(r, "unknown-column", "is no column of the table: add it with --update add, or remove it before");
	if (why)
		snprintf(r->fault->message, sizeof r->fault->message, "is no column of the table, and BigQuery has none of such a name, which %s: "
		    "rename or remove it before", why);
}

/* ---------------------------------------------------------------- edits */

static int
edit(struct row *r, const char *from, const char *to, size_t at)
{
	struct edit e = { .from = from, .to = to, .at = at, .n = r->text.n - at };

	if (from < r->p || to > r->e) {
		r->outside = 1;
		return 0;
	}
	return buf_put(&r->edits, &e, sizeof e) < 0 ? WEIR_EAGAIN : 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* The event with its edits, and a newline. */
static int
put_together(struct row *r, struct buf *out)
{
	struct edit *e = (struct edit *)(void *)r->edits.p;
	size_t n = r->edits.n / sizeof *e, bytes = (size_t)(r->e - r->p) + 1, i;
	const char *at = r->p;

	for (i = 1; i < n && e[i - 1].from <= e[i].from; i++)
		;
	if (i < n)		/* columns in another order than members */
		qsort(e, n, sizeof *e, by_place);
	for (i = 0; i < n; i++)
		bytes += e[i].n - (size_t)(e[i].to - e[i].from);
	if (bytes > r->max_bytes) {
		refuse(r, "row-too-large", "");
		snprintf(r->fault->message, sizeof r->fault->message, "would be a row of %zu bytes, and BigQuery takes %zu: split it before, or "
		    "leave something out", bytes, r->max_bytes);
		return 1;
	}
	if (buf_reserve(out, bytes) < 0)
		return WEIR_EAGAIN;
	for (i = 0; i < n; i++) {
		buf_put(out, at, (size_t)(e[i].from - at));
		buf_put(out, r->text.p + e[i].at, e[i].n);
		at = e[i].to;
	}
	buf_put(out, at, (size_t)(r->e - at));
	buf_putc(out, '\n');
	return 0;
}

/* ---------------------------------------------------------------- records */

static uint32_t
hash(const char *p, size_t n)
{
	uint32_t h = 2166136261u;	/* FNV-1a; ASCII letters in either case are one */

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		h = (h ^ ((unsigned char)(c - 'A') < 26 ? c | 32u : c)) * 16777619u;
	}
	return h ^ h >> 15;
}

static struct node *
find(const struct record *rec, const char *name, size_t n)
{
	for (size_t at = hash(name, n) & rec->mask; rec->table[at]; at = (at + 1) & rec->mask) {
		struct node *k = &rec->node[rec->table[at] - 1];

		if (k->n_name == n && !strncasecmp(k->f->name, name, n))
			return k;
	}
	return NULL;
}

/* The column of a key, mostly `guess`; *name is the key as text. */
static struct node *
column(struct row *r, const struct record *rec, size_t guess, const struct weir_value *key, const char **name, size_t *n)
{
	if (guess < rec->n && rec->node[guess].n_name + 2 == key->n && !memcmp(rec->node[guess].f->name, key->p + 1, key->n - 2)) {
		*name = key->p + 1;
		*n = key->n - 2;
		return &rec->node[guess];
	}
	if (key->flags & WEIR_ESCAPED && key->n > sizeof r->key) {
		*name = "...";		/* only to be shown */
		*n = 3;
		return NULL;
	}
	*n = value_text_of(key, r->key, name);
	return find(rec, *name, *n);
}

/* A member that is none of the row: with the comma before it, or behind it where it is the first that is left. */
static int
leave_out(struct row *r, const struct weir_value *key, const struct weir_value *v, const char *kept)
{
	const char *from = kept ? kept : key->p, *to = v->p + v->n;

	if (!kept) {
		while (*to == ' ' || *to == '\t' || *to == '\r' || *to == '\n')
			to++;
		to += *to == ',';
	}
	return edit(r, from, to, r->text.n);
}

static int
all_there(struct row *r, const struct record *rec, size_t n_required, uint64_t stamp, int top)
{
	if (n_required == rec->n_required)
		return 0;
	for (size_t i = 0; i < rec->n; i++)
		if (rec->node[i].f->mode == SCHEMA_REQUIRED && rec->node[i].seen != stamp) {
			required(r, rec->node[i].f, 1);
			prepend_name(r, top, rec->node[i].f->name, rec->node[i].n_name);
			return 1;
		}
	return 0;
}

/* The members of an object p[0..n); col: the columns of the event, which is this object, else NULL. */
static int
put_record(struct row *r, struct record *rec, const char *p, size_t n, const struct weir_value *const *col)
{
	struct weir_value key, v;
	const char *kept = NULL, *name;
	uint64_t stamp = ++r->stamp;
	size_t at = 0, guess = 0, n_name, n_required = 0;
	int rc, top = col != NULL;

	while (scan_key(p, n, &at, &key)) {
		struct node *k = column(r, rec, guess, &key, &name, &n_name);

		if (top && k && col[k - rec->node]->p == p + at) {	/* the host has been there */
			v = *col[k - rec->node];
			at += v.n;
		} else {
			scan_value(p, n, &at, &v);
		}
		if (!k && top && r->ignore && n_name == r->n_ignore && !memcmp(name, r->ignore, n_name)) {
			if ((rc = leave_out(r, &key, &v, kept)))
				return rc;
			kept = kept ? v.p + v.n : NULL;
			continue;
		}
		kept = v.p + v.n;
		if (!k) {
			unknown(r, name, n_name);
			prepend_name(r, top, name, n_name);
			return 1;
		}
		if (k->seen == stamp)
			rc = refuse(r, "duplicate-key", "stands twice: BigQuery does not look at the case of a column's name");
		else
			rc = put_value(r, k, &v);
		if (rc) {
			if (rc > 0)
				prepend_name(r, top, k->f->name, k->n_name);
			return rc;
		}
		k->seen = stamp;
		n_required += k->f->mode == SCHEMA_REQUIRED;
		guess = (size_t)(k - rec->node) + 1;
	}
	return all_there(r, rec, n_required, stamp, top);
}

/* ---------------------------------------------------------------- values */

/* Neither null nor, where the column is REPEATED, the array. */
static inline int
put_one(struct row *r, struct node *k, const struct weir_value *v)
{
	size_t had = r->text.n;
	int rc;

	if (v->kind == WEIR_STRING && k->f->type == SCHEMA_STRING && !k->f->max_length)
		return 0;
	if (k->f->type == SCHEMA_RECORD) {
		r->cell.why = NULL;
		return v->kind == WEIR_OBJECT ? put_record(r, &k->record, v->p, v->n, NULL) : unfit(r, k->f, v);
	}
	rc = cell_put(&r->cell, k->f, v, &r->text);
	if (rc == CELL_BAD)
		return unfit(r, k->f, v);
	return rc == CELL_CHANGED ? edit(r, v->p, v->p + v->n, had) : rc;
}

static int
put_array(struct row *r, struct node *k, const struct weir_value *v)
{
	struct weir_value key, element;
	char index[16];
	uint32_t i = 0;
	size_t at = 0;
	int rc;

	if (v->kind != WEIR_ARRAY) {
		char text[SCHEMA_TYPE_SIZE];

		refuse(r, "type", "");
		snprintf(r->fault->message, sizeof r->fault->message, "is no array, but its column (%s) is REPEATED", schema_type_text(k->f, text));
		return 1;
	}
	for (; scan_next(v->p, v->n, &at, &key, &element); i++) {
		rc = element.kind == WEIR_NULL ? refuse(r, "type", "is null, and a REPEATED column of BigQuery has none: remove it before") :
		    put_one(r, k, &element);
		if (rc) {
			if (rc > 0)
				prepend(r, index, (size_t)snprintf(index, sizeof index, "[%u]", i));
			return rc;
		}
	}
	return 0;
}

static int
put_value(struct row *r, struct node *k, const struct weir_value *v)
{
	size_t had = r->text.n;

	if (v->kind != WEIR_NULL)
		return k->f->mode == SCHEMA_REPEATED ? put_array(r, k, v) : put_one(r, k, v);
	if (k->f->mode == SCHEMA_REPEATED)
		return buf_puts(&r->text, "[]") < 0 ? WEIR_EAGAIN : edit(r, v->p, v->p + v->n, had);
	return k->f->mode == SCHEMA_REQUIRED ? required(r, k->f, 0) : 0;
}

/* ---------------------------------------------------------------- rows */

/* The event has these members, once, and no other. */
static inline int
is_all(const struct record *rec, const struct weir_value *const *col, size_t n)
{
	size_t sum = 1, any = 0;	/* braces, and a comma less than members */

	for (size_t i = 0; i < rec->n; i++)
		if (col[i]->kind != WEIR_ABSENT) {
			sum += rec->node[i].n_name + col[i]->n + 4u;
			any = 1;
		}
	return sum + !any == n;
}

static int
put_columns(struct row *r, const struct weir_value *const *col)
{
	for (size_t i = 0; i < r->top.n; i++) {
		struct node *k = &r->top.node[i];
		int rc = 0;

		if (col[i]->kind != WEIR_ABSENT)
			rc = put_value(r, k, col[i]);
		else if (k->f->mode == SCHEMA_REQUIRED)
			rc = required(r, k->f, 1);
		if (rc) {
			if (rc > 0)
				prepend_name(r, 1, k->f->name, k->n_name);
			return rc;
		}
	}
	return 0;
}

static void
start(struct row *r, const char *p, size_t n)
{
	if (r->text.cap > KEPT_BYTES)
		buf_free(&r->text);
	if (r->edits.cap > KEPT_BYTES)
		buf_free(&r->edits);
	r->text.n = r->edits.n = 0;
	r->outside = 0;
	r->p = p;
	r->e = p + n;
}

int
row_put(struct row *r, const struct weir_value *const *col, const char *p, size_t n, const char *ignore, size_t n_ignore,
    struct buf *out, struct row_fault *fault)
{
	int rc = 0, all = is_all(&r->top, col, n);

	r->fault = fault;
	r->ignore = ignore;
	r->n_ignore = n_ignore;
	start(r, p, n);
	if (all)
		rc = put_columns(r, col);
	if (!all || r->outside) {
		start(r, p, n);
		while (*r->p != '{')
			r->p++;
		rc = put_record(r, &r->top, r->p, (size_t)(r->e - r->p), col);
	}
	return rc ? rc : put_together(r, out);
}

/* ---------------------------------------------------------------- life */

static int
make(struct record *rec, const struct schema_field *f, size_t n)
{
	size_t cap = 4;

	while (cap < n * 2)
		cap *= 2;
	rec->mask = cap - 1;
	if (!(rec->node = calloc(n, sizeof *rec->node)) || !(rec->table = calloc(cap, sizeof *rec->table)))
		return -1;
	rec->n = n;
	for (size_t i = 0; i < n; i++) {
		struct node *k = &rec->node[i];
		size_t at;

		k->f = &f[i];
		k->n_name = (uint32_t)strlen(f[i].name);
		rec->n_required += f[i].mode == SCHEMA_REQUIRED;
		for (at = hash(f[i].name, k->n_name) & rec->mask; rec->table[at]; at = (at + 1) & rec->mask)
			;
		rec->table[at] = (uint32_t)i + 1;
		if (f[i].type == SCHEMA_RECORD && make(&k->record, f[i].field, f[i].n) < 0)
			return -1;
	}
	return 0;
}

static void
unmake(struct record *rec)
{
	for (size_t i = 0; i < rec->n; i++)
		unmake(&rec->node[i].record);
	free(rec->node);
	free(rec->table);
}

int
row_open(const struct schema *s, size_t max_bytes, struct row **out, struct fail *f)
{
	struct row *r = calloc(1, sizeof *r);

	if (!r || make(&r->top, s->field, s->n) < 0) {
		row_close(r);
		return fail(f, WEIR_EAGAIN, "no memory for the table's columns");
	}
	r->max_bytes = max_bytes;
	r->text.max = TEXT_BYTES;
	r->edits.max = EDIT_BYTES;
	*out = r;
	return 0;
}

void
row_close(struct row *r)
{
	if (!r)
		return;
	unmake(&r->top);
	cell_free(&r->cell);
	buf_free(&r->text);
	buf_free(&r->edits);
	free(r);
}
