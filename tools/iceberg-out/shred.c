#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "gather.h"
#include "members.h"
#include "nested.h"
#include "scan.h"
#include "shred.h"
#include "value.h"

#define TEXT_BYTES	600
#define REST_MAX	(64u << 20)	/* of one batch */

/* A column outside all lists and maps: a struct, a primitive, or a list or map itself.  Parents come before their fields. */
struct step {
	const struct parquet_column	*column;
	char				*path;	/* into the event */
	uint8_t				*level;	/* struct, not always there: its definition level in each row */
	int				 col;	/* of the batch; -1 - k: late column k */
	int				 up;	/* the step around it, -1: the root */
	int				 unit;
	int				 is_rest;
	int				 nulls;	/* struct: some row of this batch has none */
};

/* "path":value in shred.notes. */
struct note {
	uint32_t	row, n;
	size_t		at;
};

struct shred {
	const struct parquet_column	*root;
	struct shred_hooks		 hooks;
	struct shred_options		 o;
	struct convert			 convert;
	struct nested			 nested;
	struct gather			 gather;
	struct step			*step;
	struct vector			*vector;	/* one a leaf */
	struct parquet_values		*v;
	struct members			*members;
	struct scan			*late;		/* NULL: every path has a column of the host */
	struct weir_value		**late_col;	/* of the late scanner */
	struct weir_value		*const *col;	/* of this batch */
	uint32_t			*row;
	uint8_t				*bad;		/* of each row */
	struct note			*note;		/* unknown members in lists and maps, for the rest column */
	struct buf			 rest, notes, path;
	uint32_t			 n_steps, cap_rows, n_bad, n_rows, n_notes, cap_notes;
	uint32_t			 now, now_row;	/* the step, and the row, that is being looked at */
	int				 in_nested;	/* while nested.c is at work */
	int				 rc;		/* of a hook */
};

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the columns of a batch: give iceberg-out more, or use fewer columns");
}

/* Row k is no good; the first reason counts. */
static void
reject(struct shred *s, uint32_t k, const char *code, const char *path, const char *text)
{
	if (s->bad[k] || s->rc < 0)
		return;
	s->bad[k] = 1;
	s->n_bad++;
	s->rc = s->hooks.reject(s->hooks.arg, s->row[k], code, path, text);
}

static const struct weir_value *
column_of(const struct shred *s, const struct step *t)
{
	return t->col >= 0 ? s->col[t->col] : s->late_col[-1 - t->col];
}

/* convert_column() met a value that does not fit. */
static void
failed(void *arg, uint32_t k, int code)
{
	struct shred *s = arg;
	const struct step *t = &s->step[s->now];
	const struct weir_value *v = &column_of(s, t)[s->row[k]];
	char text[TEXT_BYTES];

	if (s->bad[k])
		return;
	convert_explain(code, t->column, v, text, sizeof text);
	reject(s, k, code == CONVERT_OK ? "required" : "type", t->path, text);
}

/* The definition level of a struct in every row. */
static void
struct_levels(struct shred *s, struct step *t)
{
	const struct step *up = t->up >= 0 ? &s->step[t->up] : NULL;
	const struct weir_value *col = column_of(s, t);
	unsigned max = t->column->max_def;

	t->nulls = 0;
	for (uint32_t k = 0; k < s->n_rows; k++) {
		const struct weir_value *v = &col[s->row[k]];

		t->level[k] = (uint8_t)max;
		if (v->kind == WEIR_OBJECT)
			continue;
		if (up && up->nulls && up->level[k] < up->column->max_def) {
			t->level[k] = up->level[k];
			t->nulls = 1;
		} else if (v->kind <= WEIR_NULL && !t->column->required) {
			t->level[k] = (uint8_t)(max - 1);
			t->nulls = 1;
		} else {
			failed(s, k, v->kind <= WEIR_NULL ? CONVERT_OK : CONVERT_KIND);
		}
	}
}

/* A list or map at the top or in structs: row by row. */
static int
nested_column(struct shred *s, const struct step *t, struct fail *f)
{
	const struct step *up = t->up >= 0 ? &s->step[t->up] : NULL;
	const struct weir_value *col = column_of(s, t);
	const struct parquet_column *c = t->column;
	int rc;

	for (uint32_t i = 0; i < c->n_leaves; i++)
		s->vector[c->leaf + i].n_levels = s->vector[c->leaf + i].n_values = 0;
	s->nested.unit = t->unit;
	s->in_nested = 1;
	for (uint32_t k = 0; k < s->n_rows && s->rc >= 0; k++) {
		unsigned up_def = up && up->nulls ? up->level[k] : c->max_def - !c->required;
		int there = up_def == c->max_def - (unsigned)!c->required && !s->bad[k];

		s->now_row = k;
		rc = there ? nested_put(&s->nested, c, &col[s->row[k]], t->path) : nested_null(&s->nested, c, up_def);
		if (rc < 0 && s->rc >= 0)
			return no_memory(f);
		if (rc > 0)
			reject(s, k, s->nested.code, s->nested.path.p, s->nested.text);
	}
	s->in_nested = 0;
	return 0;
}

/* ,"path":value */
static int
put_member(struct buf *to, const char *path, size_t n, const struct weir_value *v)
{
	size_t had = to->n;

	if (buf_putc(to, ',') < 0 || emit_string(to, path, n) < 0 || buf_putc(to, ':') < 0 || buf_put(to, v->p, v->n) < 0) {
		to->n = had;
		return -1;
	}
	return 0;
}

/* It belongs to a row whose rest is put together later. */
static int
keep_note(struct shred *s, const char *path, size_t n, const struct weir_value *v)
{
	size_t at = s->notes.n;

	if (s->n_notes == s->cap_notes) {
		uint32_t cap = s->cap_notes ? s->cap_notes * 2 : 64;
		struct note *p = realloc(s->note, cap * sizeof *p);

		if (!p)
			return -1;
		s->note = p;
		s->cap_notes = cap;
	}
	if (put_member(&s->notes, path, n, v) < 0)
		return -1;
	s->note[s->n_notes++] = (struct note){ .row = s->now_row, .n = (uint32_t)(s->notes.n - at), .at = at };
	return 0;
}

/* A member that no column takes.  1: it makes its event a reject. */
static int
on_unknown(void *arg, const char *path, size_t n, const struct weir_value *v)
{
	struct shred *s = arg;
	int rc;

	if (s->o.unknown == SHRED_UNKNOWN_DROP)
		return 0;
	if (s->o.unknown == SHRED_UNKNOWN_REST)
		return (s->in_nested ? keep_note(s, path, n, v) : put_member(&s->rest, path, n, v)) < 0;
	s->path.n = 0;
	if (buf_put(&s->path, path, n) < 0 || buf_putc(&s->path, '\0') < 0)
		return WEIR_EIO;
	if (s->o.unknown == SHRED_UNKNOWN_REJECT)
		return 1;
	rc = s->hooks.unknown(s->hooks.arg, s->row[s->now_row], s->path.p, v);
	return rc < 0 ? (s->rc = rc) : rc;
}

static int
by_row(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	return x->row != y->row ? x->row < y->row ? -1 : 1 : x->at < y->at ? -1 : 1;
}

static const char *
unknown_text(const struct shred *s)
{
	return s->o.unknown == SHRED_UNKNOWN_REST ? "has more members without a column than the rest column can take" :
	    "is no column of the table: add it with --evolve add, keep it with --rest, or remove it before";
}

/* Look for members without a column in every good row.  With a rest column, at[k] is where row k's text begins. */
static int
unknown_members(struct shred *s, size_t *at, struct fail *f)
{
	uint32_t note = 0;
	int rc = 0;

	if (s->n_notes)
		qsort(s->note, s->n_notes, sizeof *s->note, by_row);
	for (uint32_t k = 0; k < s->n_rows; k++) {
		size_t from = s->rest.n, n;
		const char *p;

		if (at)
			at[k] = from;
		if (s->bad[k])
			continue;
		s->now_row = k;
		rc = 0;
		if (!s->hooks.known(s->hooks.arg, s->row[k])) {
			p = s->hooks.event(s->hooks.arg, s->row[k], &n);
			rc = members_unknown(s->members, p, n, s->col, s->row[k], on_unknown, s);
		}
		while (note < s->n_notes && s->note[note].row < k)
			note++;
		for (; rc == 0 && note < s->n_notes && s->note[note].row == k; note++)
			rc = buf_put(&s->rest, s->notes.p + s->note[note].at, s->note[note].n) < 0;
		if (rc == 0 && at && s->rest.n > from) {
			s->rest.p[from] = '{';
			rc = buf_putc(&s->rest, '}') < 0;
		}
		if (rc < 0)
			return s->rc < 0 ? s->rc : no_memory(f);
		if (rc > 0) {
			s->rest.n = from;
			reject(s, k, "unknown-member", s->o.unknown == SHRED_UNKNOWN_REST ? "" : s->path.p, unknown_text(s));
		}
		if (s->rc < 0)
			return s->rc;
	}
	if (at)
		at[s->n_rows] = s->rest.n;
	return 0;
}

/* The rest column's values, from the texts that unknown_members() has put together. */
static int
rest_column(struct shred *s, const struct parquet_column *c, const size_t *at, struct fail *f)
{
	struct vector *x = &s->vector[c->leaf];
	struct parquet_bytes *out;

	x->n_levels = x->n_values = 0;
	if (vector_levels(x, s->n_rows) < 0 || vector_values(x, c, s->n_rows) < 0)
		return no_memory(f);
	out = (struct parquet_bytes *)x->data;
	for (uint32_t k = 0; k < s->n_rows; k++) {
		x->def[k] = (uint8_t)(c->max_def - (at[k + 1] == at[k]));
		if (at[k + 1] > at[k])
			out[x->n_values++] = (struct parquet_bytes){ s->rest.p + at[k], (uint32_t)(at[k + 1] - at[k]) };
	}
	x->n_levels = s->n_rows;
	return 0;
}

/* Room for n events. */
static int
make_room(struct shred *s, uint32_t n)
{
	uint32_t cap = s->cap_rows ? s->cap_rows : 1024;
	size_t late = s->late ? scan_n_cols(s->late) : 0;
	void *p;

	if (n <= s->cap_rows)
		return 0;
	while (cap < n)
		cap *= 2;
	if (!(p = realloc(s->row, cap * sizeof *s->row)))
		return -1;
	s->row = p;
	if (!(p = realloc(s->bad, cap)))
		return -1;
	s->bad = p;
	for (uint32_t i = 0; i < s->n_steps; i++)
		if (s->step[i].column->kind == COLUMN_STRUCT) {
			if (!(p = realloc(s->step[i].level, cap)))
				return -1;
			s->step[i].level = p;
		}
	for (size_t i = 0; i < late; i++) {
		if (!(p = realloc(s->late_col[i], cap * sizeof **s->late_col)))
			return -1;
		s->late_col[i] = p;
	}
	s->cap_rows = cap;
	return 0;
}

/* Fill in the columns that the host does not have. */
static int
scan_late(struct shred *s, struct fail *f)
{
	struct scan_fault fault;
	unsigned marks;

	for (uint32_t k = 0; k < s->n_rows; k++) {
		size_t n;
		const char *p = s->hooks.event(s->hooks.arg, s->row[k], &n);

		if (scan_event(s->late, p, n, s->late_col, s->row[k], &marks, &fault) < 0)
			return fail(f, WEIR_EBUG, "an event that was accepted is refused when it is scanned again: %s", fault.message);
	}
	return 0;
}

static int
convert_step(struct shred *s, uint32_t i, struct fail *f)
{
	struct step *t = &s->step[i];
	const struct step *up = t->up >= 0 ? &s->step[t->up] : NULL;
	const struct parquet_column *c = t->column;

	s->now = i;
	if (t->is_rest)
		return 0;		/* when the other columns are done */
	if (c->kind == COLUMN_STRUCT) {
		struct_levels(s, t);
		return 0;
	}
	if (c->kind != COLUMN_PRIMITIVE)
		return nested_column(s, t, f);
	if (convert_column(&s->convert, c, t->unit, column_of(s, t), s->row, s->n_rows, up && up->nulls ? up->level : NULL,
	    up ? up->column->max_def : 0, &s->vector[c->leaf], failed, s) < 0)
		return no_memory(f);
	return 0;
}

static int
finish_rest(struct shred *s, struct fail *f)
{
	const struct parquet_column *c = s->o.unknown == SHRED_UNKNOWN_REST ? &s->root->child[s->o.rest] : NULL;
	size_t *at = NULL;
	int rc;

	if (s->o.unknown == SHRED_UNKNOWN_DROP)
		return 0;
	if (c && !(at = convert_room(&s->convert, ((size_t)s->n_rows + 1) * sizeof *at)))
		return no_memory(f);
	if ((rc = unknown_members(s, at, f)) < 0)
		return rc;
	return c ? rest_column(s, c, at, f) : 0;
}

/* Only the good rows: into s->row, and out of s->v. */
static int
drop_bad(struct shred *s, struct fail *f)
{
	uint32_t *keep = convert_room(&s->convert, ((size_t)s->n_rows + 1) * sizeof *keep), n = 0;

	if (!keep)
		return no_memory(f);
	for (uint32_t k = 0; k < s->n_rows; k++)
		if (!s->bad[k])
			keep[n++] = k;
	if (gather_index(&s->gather, s->root, s->v, s->n_rows) < 0 || gather_rows(&s->gather, s->root, s->v, keep, n, s->v) < 0)
		return no_memory(f);
	for (uint32_t k = 0; k < n; k++)
		s->row[k] = s->row[keep[k]];
	s->n_rows = n;
	return 0;
}

int
shred_batch(struct shred *s, const struct weir_batch *b, struct shredded *out, struct fail *f)
{
	int rc;

	convert_reset(&s->convert);
	s->n_rows = s->n_bad = s->n_notes = 0;
	s->rest.n = s->notes.n = 0;
	s->rc = s->in_nested = 0;
	if (make_room(s, b->n) < 0)
		return no_memory(f);
	for (uint32_t i = 0; i < b->n; i++)
		if (b->verdict[i] == WEIR_PASSED)
			s->row[s->n_rows++] = i;
	memset(s->bad, 0, s->n_rows);
	s->col = b->col;
	if (s->late && (rc = scan_late(s, f)) < 0)
		return rc;
	for (uint32_t i = 0; i < s->n_steps; i++) {
		if ((rc = convert_step(s, i, f)) < 0)
			return rc;
		if (s->rc < 0)
			break;
	}
	if (s->rc >= 0 && (rc = finish_rest(s, f)) < 0 && s->rc >= 0)
		return rc;
	if (s->rc < 0) {		/* the hook has said why */
		f->code = s->rc;
		f->text[0] = '\0';
		return s->rc;
	}
	for (uint32_t i = 0; i < s->root->n_leaves; i++) {
		const struct parquet_column *leaf = column_leaf(s->root, i);
		const struct vector *x = &s->vector[i];

		s->v[i] = (struct parquet_values){ .n_levels = x->n_levels, .n_values = x->n_values, .def = leaf->max_def ? x->def : NULL,
		    .rep = leaf->max_rep ? x->rep : NULL, .fixed = (const uint8_t *)x->data };
	}
	if (s->n_bad && (rc = drop_bad(s, f)) < 0)
		return rc;
	*out = (struct shredded){ .n_rows = s->n_rows, .row = s->row, .v = s->v };
	return 0;
}

/* The column of a step: the host's, or one of the late scanner. */
static int
bind_step(struct shred *s, struct step *t, struct fail *f)
{
	struct scan_limits limits = { .max_depth = SCAN_MAX_DEPTH, .last_wins = 1 };
	int k;

	if ((t->col = s->hooks.want(s->hooks.arg, t->path)) >= 0)
		return 0;
	if (!s->late && !(s->late = scan_new(&limits)))
		return no_memory(f);
	if ((k = scan_want(s->late, t->path)) < 0)
		return k == -1 ? fail(f, WEIR_ECONFIG, "\"%s\" is no path into an event", t->path) : no_memory(f);
	t->col = -1 - k;
	return 0;
}

/* Column c, read at `path`, and what is in it. */
static int
add_steps(struct shred *s, const struct parquet_column *c, const char *path, int up, int unit, struct fail *f)
{
	uint32_t at = s->n_steps++;
	struct step *t = &s->step[at];
	struct buf below = { 0 };
	int rc;

	*t = (struct step){ .column = c, .up = up, .unit = unit };
	if (!(t->path = strdup(path)))
		return no_memory(f);
	if ((rc = members_add(s->members, path, c->kind != COLUMN_STRUCT, f)) < 0 || (rc = bind_step(s, t, f)) < 0)
		return rc;
	if (c->kind != COLUMN_STRUCT)
		return 0;
	for (uint32_t i = 0; i < c->n_children && rc == 0; i++) {
		below.n = 0;
		if (buf_puts(&below, path) < 0 || members_append(&below, c->child[i].name, strlen(c->child[i].name)) < 0 ||
		    buf_putc(&below, '\0') < 0)
			rc = no_memory(f);
		else
			rc = add_steps(s, &c->child[i], below.p, (int)at, unit, f);
	}
	buf_free(&below);
	return rc;
}

static uint32_t
count_steps(const struct parquet_column *c)
{
	uint32_t n = 1;

	for (uint32_t i = 0; c->kind == COLUMN_STRUCT && i < c->n_children; i++)
		n += count_steps(&c->child[i]);
	return n;
}

static int
top_column(struct shred *s, uint32_t i, const struct shred_source *source, struct fail *f)
{
	const struct parquet_column *c = &s->root->child[i];
	struct buf path = { 0 };
	int rc;

	if (s->o.unknown == SHRED_UNKNOWN_REST && s->o.rest == (int)i) {
		if (c->kind != COLUMN_PRIMITIVE || c->type != COLUMN_STRING || c->required)
			return fail(f, WEIR_ECONFIG, "column %s cannot take the members without a column: it must be an optional string", c->name);
		s->step[s->n_steps++] = (struct step){ .column = c, .up = -1, .is_rest = 1 };
		return 0;
	}
	if (source && source->path)
		return add_steps(s, c, source->path, -1, source->unit, f);
	if (members_append(&path, c->name, strlen(c->name)) < 0 || buf_putc(&path, '\0') < 0)
		rc = no_memory(f);
	else
		rc = add_steps(s, c, path.p, -1, source ? source->unit : 0, f);
	buf_free(&path);
	return rc;
}

static int
set_up(struct shred *s, const struct shred_source *source, struct fail *f)
{
	uint32_t n = count_steps(s->root) - 1, leaves = s->root->n_leaves;
	size_t late;
	int rc;

	if (s->o.unknown == SHRED_UNKNOWN_REST && (s->o.rest < 0 || (uint32_t)s->o.rest >= s->root->n_children))
		return fail(f, WEIR_EBUG, "the rest column is none of the table's");
	if (!(s->step = calloc(n, sizeof *s->step)) || !(s->vector = calloc(leaves, sizeof *s->vector)) ||
	    !(s->v = calloc(leaves, sizeof *s->v)) || !(s->members = members_new()))
		return no_memory(f);
	for (uint32_t i = 0; i < s->root->n_children; i++)
		if ((rc = top_column(s, i, source ? &source[i] : NULL, f)) < 0)
			return rc;
	if (s->o.ignore && (rc = members_add(s->members, s->o.ignore, 1, f)) < 0)
		return rc;
	if ((rc = members_bind(s->members, s->hooks.want, s->hooks.arg, f)) < 0)
		return rc;
	late = s->late ? scan_n_cols(s->late) : 0;
	if (late && !(s->late_col = calloc(late, sizeof *s->late_col)))
		return no_memory(f);
	s->rest.max = s->notes.max = REST_MAX;
	s->nested = (struct nested){ .convert = &s->convert, .vector = s->vector, .unknown = on_unknown, .arg = s };
	return 0;
}

struct shred *
shred_new(const struct parquet_column *root, const struct shred_source *source, const struct shred_options *o,
    const struct shred_hooks *hooks, struct fail *f)
{
	struct shred *s = calloc(1, sizeof *s);

	if (!s) {
		no_memory(f);
		return NULL;
	}
	s->root = root;
	s->hooks = *hooks;
	s->o = *o;
	if (set_up(s, source, f) < 0) {
		shred_free(s);
		return NULL;
	}
	return s;
}

void
shred_free(struct shred *s)
{
	size_t late;

	if (!s)
		return;
	late = s->late ? scan_n_cols(s->late) : 0;
	for (uint32_t i = 0; i < s->n_steps; i++) {
		free(s->step[i].path);
		free(s->step[i].level);
	}
	for (uint32_t i = 0; s->vector && i < s->root->n_leaves; i++)
		vector_free(&s->vector[i]);
	for (size_t i = 0; s->late_col && i < late; i++)
		free(s->late_col[i]);
	gather_free(&s->gather);
	nested_free(&s->nested);
	convert_free(&s->convert);
	members_free(s->members);
	scan_free(s->late);
	buf_free(&s->rest);
	buf_free(&s->notes);
	buf_free(&s->path);
	free(s->note);
	free(s->late_col);
	free(s->step);
	free(s->vector);
	free(s->v);
	free(s->row);
	free(s->bad);
	free(s);
}
