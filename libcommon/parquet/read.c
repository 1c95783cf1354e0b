#include "config.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "read.h"
#include "weir.h"

#define NONE	UINT32_MAX

enum plan_kind { PLAN_MISSING, PLAN_LEAF, PLAN_STRUCT, PLAN_LIST, PLAN_MAP, PLAN_PAIRS };

/* What is shown, as a tree: lists and maps without the groups that Parquet puts between. */
struct plan {
	uint8_t		kind;
	uint8_t		def;		/* less in the first column below: null */
	uint8_t		rep;		/* of the place the node stands in */
	uint8_t		item_def, item_rep;	/* lists and maps: levels of an item */
	uint8_t		guide;		/* a struct none of whose shown columns is in the file: its column only says whether it is there */
	struct show	show;
	uint32_t	first, n;	/* columns below */
	uint32_t	child, next;	/* NONE: none */
	char		*key;		/* "name": of a struct's member */
	size_t		n_key;
};

struct column {
	struct chunk	*pages;
	uint32_t	 leaf;
	uint8_t		 shown;
};

struct watched {
	uint32_t	column;		/* NONE: not in the file */
	struct show	show;
};

struct parquet_read {
	struct chunk_file	 file;
	char			*name;
	struct plan		*plan;
	struct column		*column;
	struct watched		 watched[READ_WATCHED];
	size_t			 n_plan, cap_plan, n_columns, cap_columns, n_watched;
	int64_t			 row, n_rows;	/* of the current group */
	int			 pending;	/* a row is there and was not consumed */
	int			 planned;
};

static int
oom(const struct parquet_read *r, struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory to read %s", r->name);
}

static int
footer_read(struct parquet_read *r, struct fail *f)
{
	struct chunk_source *s = &r->file.source;
	uint8_t tail[8];
	uint32_t n;
	char *p;
	int e;

	if (s->size < 12)
		return fail(f, WEIR_EDATA, "%s is no Parquet file: it has only %llu bytes", r->name, (unsigned long long)s->size);
	if ((e = s->at(s->arg, s->size - 8, tail, 8, f)) < 0)
		return e;
	if (memcmp(tail + 4, "PARE", 4) == 0)
		return fail(f, WEIR_ECONFIG, "%s: encrypted Parquet files are not supported", r->name);
	if (memcmp(tail + 4, "PAR1", 4) != 0)
		return fail(f, WEIR_EDATA, "%s is no Parquet file, or was cut off: it does not end with PAR1", r->name);
	memcpy(&n, tail, 4);
	n = le32toh(n);
	if (n > s->size - 12)
		return fail(f, WEIR_EDATA, "%s: the Parquet footer is damaged: its length is %u bytes, the file's %llu", r->name, n,
		    (unsigned long long)s->size);
	if (n > READ_FOOTER)
		return fail(f, WEIR_ECONFIG, "%s: its footer has %u MB; footers of up to %u MB are supported", r->name, n >> 20,
		    READ_FOOTER >> 20);
	if (!(p = malloc(n + 1)))
		return oom(r, f);
	r->file.data_end = s->size - 8 - n;
	if ((e = s->at(s->arg, r->file.data_end, p, n, f)) < 0) {
		free(p);
		return e;
	}
	return tail_parse(&r->file.footer, p, n, r->file.data_end, r->name, f);
}

struct parquet_read *
parquet_read_open(const struct chunk_source *s, struct fail *f)
{
	struct parquet_read *r = calloc(1, sizeof *r);

	if (!r || !(r->name = strdup(s->name)) || !(r->file.uncompress = uncompress_new())) {
		fail(f, WEIR_EAGAIN, "no memory to read %s", s->name);
		parquet_read_close(r);
		return NULL;
	}
	r->file.source = *s;
	r->file.source.name = r->name;
	r->file.max = CHUNK_MEMORY;
	if (footer_read(r, f) < 0) {
		parquet_read_close(r);
		return NULL;
	}
	return r;
}

void
parquet_read_close(struct parquet_read *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_columns; i++) {
		chunk_free(r->column[i].pages);
		free(r->column[i].pages);
	}
	for (size_t i = 0; i < r->n_plan; i++)
		free(r->plan[i].key);
	free(r->column);
	free(r->plan);
	tail_free(&r->file.footer);
	uncompress_free(r->file.uncompress);
	free(r->name);
	free(r);
}

const struct tail *
parquet_read_footer(const struct parquet_read *r)
{
	return &r->file.footer;
}

/* ---- the plan ---- */

static uint32_t
plan_new(struct parquet_read *r, uint8_t kind)
{
	if (r->n_plan == r->cap_plan) {
		size_t cap = r->cap_plan ? r->cap_plan * 2 : 32;
		struct plan *p = realloc(r->plan, cap * sizeof *p);

		if (!p)
			return NONE;
		r->plan = p;
		r->cap_plan = cap;
	}
	r->plan[r->n_plan] = (struct plan){ .kind = kind, .first = (uint32_t)r->n_columns, .child = NONE, .next = NONE };
	return (uint32_t)r->n_plan++;
}

static int
column_new(struct parquet_read *r, uint32_t leaf, int shown)
{
	struct chunk *pages;

	if (r->n_columns == r->cap_columns) {
		size_t cap = r->cap_columns ? r->cap_columns * 2 : 32;
		struct column *c = realloc(r->column, cap * sizeof *c);

		if (!c)
			return -1;
		r->column = c;
		r->cap_columns = cap;
	}
	if (!(pages = calloc(1, sizeof *pages)))
		return -1;
	r->file.used += sizeof *pages;
	r->column[r->n_columns++] = (struct column){ .pages = pages, .leaf = leaf, .shown = (uint8_t)shown };
	return 0;
}

static const struct tail_node *
node_of(const struct parquet_read *r, uint32_t i)
{
	return &r->file.footer.node[i];
}

static int
mismatch(const struct parquet_read *r, uint32_t i, const char *wanted, struct fail *f)
{
	const struct tail_node *n = node_of(r, i);

	return fail(f, WEIR_EDATA, "%s: column %.*s cannot be read as %s", r->name, (int)n->n_name, n->name, wanted);
}

static int	build_field(struct parquet_read *, uint32_t node, const struct parquet_column *want, uint32_t *out, struct fail *);
static int	build_content(struct parquet_read *, uint32_t node, const struct parquet_column *want, uint32_t *out, struct fail *);

static int
key_set(struct plan *p, const char *name, size_t n)
{
	struct buf key = { 0 };

	if (emit_string(&key, name, n) < 0 || buf_putc(&key, ':') < 0) {
		buf_free(&key);
		return -1;
	}
	p->key = key.p;
	p->n_key = key.n;
	return 0;
}

static int
build_leaf(struct parquet_read *r, uint32_t i, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	const struct tail_node *n = node_of(r, i);
	struct show show;
	const char *bad = want && want->kind != COLUMN_PRIMITIVE ? "a nested column" : show_pick(&show, n, want);

	if (bad)
		return mismatch(r, i, bad, f);
	if ((*out = plan_new(r, PLAN_LEAF)) == NONE || column_new(r, n->leaf, 1) < 0)
		return oom(r, f);
	r->plan[*out].show = show;
	return 0;
}

/* The leaf below that repeats the least: it says whether the group is there. */
static uint32_t
guide_leaf(const struct parquet_read *r, uint32_t i)
{
	const struct tail *m = &r->file.footer;
	uint32_t best = NONE;

	if (!node_of(r, i)->child)
		return node_of(r, i)->leaf;
	for (uint32_t c = node_of(r, i)->child; c; c = node_of(r, c)->next) {
		uint32_t leaf = guide_leaf(r, c);

		if (best == NONE || m->node[m->leaf[leaf]].rep < m->node[m->leaf[best]].rep)
			best = leaf;
	}
	return best;
}

static int
build_struct(struct parquet_read *r, uint32_t i, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	uint32_t self = plan_new(r, PLAN_STRUCT), last = NONE, file_child = node_of(r, i)->child;

	if (self == NONE)
		return oom(r, f);
	if (want && want->kind != COLUMN_STRUCT)
		return mismatch(r, i, want->kind == COLUMN_PRIMITIVE ? "a single value" : "a list or map", f);
	for (uint32_t k = 0; want ? k < want->n_children : file_child != 0; k++) {
		const struct parquet_column *w = want ? &want->child[k] : NULL;
		const char *name = w ? w->name : node_of(r, file_child)->name;
		size_t n_name = w ? strlen(w->name) : node_of(r, file_child)->n_name;
		uint32_t from = w ? tail_find(&r->file.footer, i, w->field_id, w->name) : file_child, child;
		int e;

		if (from == 0)
			child = plan_new(r, PLAN_MISSING);
		else if ((e = build_field(r, from, w, &child, f)) < 0)
			return e;
		if (child == NONE || key_set(&r->plan[child], name, n_name) < 0)
			return oom(r, f);
		if (last == NONE)
			r->plan[self].child = child;
		else
			r->plan[last].next = child;
		last = child;
		if (!w)
			file_child = node_of(r, file_child)->next;
	}
	if (r->n_columns == r->plan[self].first && i != 0) {
		if (column_new(r, guide_leaf(r, i), 1) < 0)
			return oom(r, f);
		r->plan[self].guide = 1;
	}
	*out = self;
	return 0;
}

/* The list whose items are what the repeated node `items` holds; `element` is that node itself or its only child. */
static int
build_list(struct parquet_read *r, uint32_t items, uint32_t element, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	uint32_t self = plan_new(r, PLAN_LIST), child;
	const struct parquet_column *w = NULL;
	int e;

	if (self == NONE)
		return oom(r, f);
	if (want && want->kind != COLUMN_LIST)
		return mismatch(r, items, want->kind == COLUMN_MAP ? "a map" : "anything but a list", f);
	if (want)
		w = &want->child[0];
	e = items == element ? build_content(r, element, w, &child, f) : build_field(r, element, w, &child, f);
	if (e < 0)
		return e;
	r->plan[self].child = child;
	r->plan[self].item_def = node_of(r, items)->def;
	r->plan[self].item_rep = node_of(r, items)->rep;
	*out = self;
	return 0;
}

static int
build_map(struct parquet_read *r, uint32_t items, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	uint32_t self = plan_new(r, PLAN_MAP), from = node_of(r, items)->child, key, value;
	int e;

	if (self == NONE)
		return oom(r, f);
	if (want && want->kind != COLUMN_MAP)
		return mismatch(r, items, "anything but a map", f);
	if ((e = build_field(r, from, want ? &want->child[0] : NULL, &key, f)) < 0 ||
	    (e = build_field(r, node_of(r, from)->next, want ? &want->child[1] : NULL, &value, f)) < 0)
		return e;
	if (r->plan[key].kind != PLAN_LEAF || r->plan[key].show.form != SHOW_TEXT)
		r->plan[self].kind = PLAN_PAIRS;	/* JSON has no keys but strings */
	r->plan[self].child = key;
	r->plan[key].next = value;
	r->plan[self].item_def = node_of(r, items)->def;
	r->plan[self].item_rep = node_of(r, items)->rep;
	*out = self;
	return 0;
}

/* LogicalTypes.md, "Backward-compatibility rules" of lists: is the repeated group the element itself? */
static int
is_element(const struct parquet_read *r, uint32_t list, uint32_t items)
{
	const struct tail_node *n = node_of(r, items), *l = node_of(r, list);

	if (!n->child || n->n_children > 1 || node_of(r, n->child)->repetition == TAIL_REPEATED)
		return 1;
	return (n->n_name == 5 && memcmp(n->name, "array", 5) == 0) ||
	    (n->n_name == l->n_name + 6 && memcmp(n->name, l->name, l->n_name) == 0 && memcmp(n->name + l->n_name, "_tuple", 6) == 0);
}

/* A node without regard to whether it repeats. */
static int
build_content(struct parquet_read *r, uint32_t i, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	const struct tail_node *n = node_of(r, i), *only = n->n_children == 1 ? node_of(r, n->child) : NULL;
	int holds = only && only->repetition == TAIL_REPEATED, e;

	if (!n->child)
		e = build_leaf(r, i, want, out, f);
	else if (n->logical == LOGICAL_VARIANT)
		return fail(f, WEIR_ECONFIG, "%s: column %.*s is a VARIANT, which is not supported", r->name, (int)n->n_name, n->name);
	else if (n->logical == LOGICAL_LIST && holds)
		e = build_list(r, n->child, is_element(r, i, n->child) ? n->child : only->child, want, out, f);
	else if (n->logical == LOGICAL_MAP && holds && only->n_children == 2)
		e = build_map(r, n->child, want, out, f);
	else if (n->logical == LOGICAL_MAP && holds && only->n_children == 1)	/* a set */
		e = build_list(r, n->child, only->child, want, out, f);
	else
		e = build_struct(r, i, want, out, f);
	if (e < 0)
		return e;
	r->plan[*out].def = n->def;
	r->plan[*out].rep = n->rep;
	r->plan[*out].n = (uint32_t)r->n_columns - r->plan[*out].first;
	return 0;
}

static int
build_field(struct parquet_read *r, uint32_t i, const struct parquet_column *want, uint32_t *out, struct fail *f)
{
	const struct tail_node *n = node_of(r, i);
	int e;

	if (n->repetition != TAIL_REPEATED)
		return build_content(r, i, want, out, f);
	/* repeated outside LIST and MAP: a list that is never null */
	if ((e = build_list(r, i, i, want, out, f)) < 0)
		return e;
	r->plan[*out].def = (uint8_t)(n->def - 1);
	r->plan[*out].rep = (uint8_t)(n->rep - 1);
	r->plan[*out].n = (uint32_t)r->n_columns - r->plan[*out].first;
	return 0;
}

int
parquet_read_columns(struct parquet_read *r, const struct parquet_column *root, struct fail *f)
{
	uint32_t top;
	int e = build_struct(r, 0, root, &top, f);

	if (e < 0)
		return e;
	r->plan[top].n = (uint32_t)r->n_columns;
	r->planned = 1;
	return 0;
}

int
parquet_read_watch(struct parquet_read *r, const struct parquet_column *const *path, size_t n, struct fail *f)
{
	struct watched *w = &r->watched[r->n_watched];
	uint32_t i = 0;
	const char *bad;
	int e;

	if (!r->planned && (e = parquet_read_columns(r, NULL, f)) < 0)
		return e;
	if (r->n_watched == READ_WATCHED)
		return fail(f, WEIR_ECONFIG, "a filter looks at %d columns at most", READ_WATCHED);
	w->column = NONE;
	for (size_t k = 0; k < n; k++)
		if (!(i = tail_find(&r->file.footer, i, path[k]->field_id, path[k]->name)))
			return (int)r->n_watched++;
	if (node_of(r, i)->child || node_of(r, i)->rep)
		return mismatch(r, i, "the single value that a filter wants", f);
	if ((bad = show_pick(&w->show, node_of(r, i), path[n - 1])))
		return mismatch(r, i, bad, f);
	for (size_t k = 0; k < r->n_columns; k++)
		if (r->column[k].leaf == node_of(r, i)->leaf)
			w->column = (uint32_t)k;
	if (w->column == NONE) {
		if (column_new(r, node_of(r, i)->leaf, 0) < 0)
			return oom(r, f);
		w->column = (uint32_t)r->n_columns - 1;
	}
	return (int)r->n_watched++;
}

int
parquet_read_bounds(const struct parquet_read *r, uint32_t group, int watched, struct show_key *min, struct show_key *max, int64_t *n_nulls)
{
	const struct watched *w = &r->watched[watched];
	const struct tail *m = &r->file.footer;
	const struct tail_chunk *c;
	const struct tail_node *n;
	uint32_t leaf;
	int known = 0;

	*n_nulls = -1;
	if (w->column == NONE) {
		*n_nulls = m->group[group].n_rows;
		return 0;
	}
	leaf = r->column[w->column].leaf;
	n = node_of(r, m->leaf[leaf]);
	c = &m->group[group].chunk[leaf];
	if (c->has & TAIL_HAS_NULLS && c->n_nulls >= 0 && c->n_nulls <= c->n_values)
		*n_nulls = c->n_nulls;
	if (!m->ordered[leaf])
		return 0;
	if (c->has & TAIL_HAS_MIN && show_key_bound(&w->show, n, c->min, c->n_min, min) == 0)
		known |= 1;
	if (c->has & TAIL_HAS_MAX && show_key_bound(&w->show, n, c->max, c->n_max, max) == 0)
		known |= 2;
	return known;
}

/* ---- the rows ---- */

int
parquet_read_group(struct parquet_read *r, uint32_t group, struct fail *f)
{
	const struct tail_group *g = &r->file.footer.group[group];
	int e;

	if (!r->planned && (e = parquet_read_columns(r, NULL, f)) < 0)
		return e;
	r->row = 0;
	r->n_rows = g->n_rows;
	r->pending = 0;
	for (size_t i = 0; i < r->n_columns; i++)
		if ((e = chunk_open(r->column[i].pages, &r->file, r->column[i].leaf, &g->chunk[r->column[i].leaf], f)) < 0)
			return e;
	return 0;
}

static int
uneven(const struct parquet_read *r, const struct chunk *p, struct fail *f)
{
	return fail(f, WEIR_EDATA, "%s: column %.*s is damaged: its levels do not fit its schema, its neighbours or the number of rows (row %lld)",
	    r->name, (int)p->node->n_name, p->node->name, (long long)r->row);
}

/* Pass over the current entry of a column and those that repeat below its place. */
static int
pass(const struct parquet_read *r, uint32_t column, unsigned rep, struct fail *f)
{
	struct chunk *p = r->column[column].pages;
	int here = chunk_here(p, f);

	if (here < 0)
		return here;
	if (!here)
		return uneven(r, p, f);
	do
		chunk_next(p);
	while ((here = chunk_here(p, f)) > 0 && p->rep[p->i] > rep);
	return here < 0 ? here : 0;
}

static int
pass_all(const struct parquet_read *r, const struct plan *n, struct fail *f)
{
	int e = 0;

	for (uint32_t i = 0; i < n->n && e == 0; i++)
		e = pass(r, n->first + i, n->rep, f);
	return e;
}

/* A row is there when its first entries are; each must begin a row. */
int
parquet_read_next(struct parquet_read *r, struct fail *f)
{
	int e;

	for (uint32_t i = 0; r->pending && i < r->n_columns; i++)
		if ((e = pass(r, i, 0, f)) < 0)
			return e;
	r->row += r->pending;
	r->pending = 0;
	for (size_t i = 0; i < r->n_columns; i++) {
		struct chunk *p = r->column[i].pages;
		int here = chunk_here(p, f);

		if (here < 0)
			return here;
		if (here != (r->row < r->n_rows) || (here && p->rep[p->i]))
			return uneven(r, p, f);
	}
	r->pending = r->row < r->n_rows;
	return r->pending;
}

static int	put(struct parquet_read *, const struct plan *, struct buf *, struct fail *);

static int
put_leaf(struct parquet_read *r, const struct plan *n, struct chunk *p, struct buf *out, struct fail *f)
{
	const union decode_cell *c = chunk_value(p, f);
	const char *bad;

	if (!c)
		return f->code;
	bad = show_json(&n->show, c, out);
	if (bad == show_no_memory)
		return oom(r, f);
	if (bad)
		return fail(f, WEIR_EDATA, "%s: column %.*s, row %lld: %s", r->name, (int)p->node->n_name, p->node->name, (long long)r->row, bad);
	chunk_next(p);
	return 0;
}

static int
put_struct(struct parquet_read *r, const struct plan *n, struct buf *out, struct fail *f)
{
	int e = buf_putc(out, '{') < 0 ? oom(r, f) : 0;

	for (uint32_t c = n->child; c != NONE && e == 0; c = r->plan[c].next) {
		if ((c != n->child && buf_putc(out, ',') < 0) || buf_put(out, r->plan[c].key, r->plan[c].n_key) < 0)
			return oom(r, f);
		e = put(r, &r->plan[c], out, f);
	}
	if (e == 0 && n->guide)
		e = pass(r, n->first, n->rep, f);
	return e < 0 ? e : buf_putc(out, '}') < 0 ? oom(r, f) : 0;
}

/* One item of a list or map. */
static int
put_item(struct parquet_read *r, const struct plan *n, struct buf *out, struct fail *f)
{
	const struct plan *key = &r->plan[n->child];
	struct chunk *p = r->column[n->first].pages;
	int e;

	if (n->kind == PLAN_LIST)
		return put(r, key, out, f);
	if (n->kind == PLAN_PAIRS && buf_putc(out, '[') < 0)
		return oom(r, f);
	if (n->kind == PLAN_MAP && p->def[p->i] < key->def)
		return uneven(r, p, f);		/* a key is never null */
	if ((e = put(r, key, out, f)) < 0)
		return e;
	if (buf_putc(out, n->kind == PLAN_MAP ? ':' : ',') < 0)
		return oom(r, f);
	if ((e = put(r, &r->plan[key->next], out, f)) < 0)
		return e;
	return n->kind == PLAN_PAIRS && buf_putc(out, ']') < 0 ? oom(r, f) : 0;
}

static int
put_items(struct parquet_read *r, const struct plan *n, struct chunk *p, struct buf *out, struct fail *f)
{
	int e, here;

	if (p->def[p->i] < n->item_def) {
		if (buf_puts(out, n->kind == PLAN_MAP ? "{}" : "[]") < 0)
			return oom(r, f);
		return pass_all(r, n, f);
	}
	if (buf_putc(out, n->kind == PLAN_MAP ? '{' : '[') < 0)
		return oom(r, f);
	for (;;) {
		if ((e = put_item(r, n, out, f)) < 0)
			return e;
		if ((here = chunk_here(p, f)) < 0)
			return here;
		if (!here || p->rep[p->i] < n->item_rep)
			break;
		if (p->rep[p->i] > n->item_rep || p->def[p->i] < n->item_def)
			return uneven(r, p, f);
		if (buf_putc(out, ',') < 0)
			return oom(r, f);
	}
	return buf_putc(out, n->kind == PLAN_MAP ? '}' : ']') < 0 ? oom(r, f) : 0;
}

static int
put(struct parquet_read *r, const struct plan *n, struct buf *out, struct fail *f)
{
	struct chunk *p;
	int here;

	if (n->kind == PLAN_MISSING)
		return buf_puts(out, "null") < 0 ? oom(r, f) : 0;
	p = r->column[n->first].pages;
	if ((here = chunk_here(p, f)) <= 0)
		return here < 0 ? here : uneven(r, p, f);
	if (p->def[p->i] < n->def) {
		if (buf_puts(out, "null") < 0)
			return oom(r, f);
		return pass_all(r, n, f);
	}
	switch (n->kind) {
	case PLAN_LEAF: return put_leaf(r, n, p, out, f);
	case PLAN_STRUCT: return put_struct(r, n, out, f);
	default: return put_items(r, n, p, out, f);
	}
}

int
parquet_read_json(struct parquet_read *r, struct buf *out, struct fail *f)
{
	int e = put_struct(r, &r->plan[0], out, f);

	for (uint32_t i = 0; i < r->n_columns && e == 0; i++)
		if (!r->column[i].shown)
			e = pass(r, i, 0, f);
	r->row++;
	r->pending = 0;
	return e;
}

int
parquet_read_at_row(const struct parquet_read *r)
{
	return r->pending;
}

int
parquet_read_peek(struct parquet_read *r, int watched, struct show_key *k, struct fail *f)
{
	const struct watched *w = &r->watched[watched];
	const union decode_cell *c;
	struct chunk *p;

	if (w->column == NONE)
		return 0;
	p = r->column[w->column].pages;
	if (!chunk_has_value(p))
		return 0;
	if (!(c = chunk_value(p, f)))
		return f->code;
	if (show_key(&w->show, c, k) < 0)
		return fail(f, WEIR_EDATA, "%s: column %.*s, row %lld: a value cannot be compared", r->name, (int)p->node->n_name, p->node->name,
		    (long long)r->row);
	return 1;
}
