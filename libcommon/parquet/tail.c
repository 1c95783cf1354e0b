#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tail.h"
#include "thrift_read.h"
#include "weir.h"

#define ANY	INT64_MIN, INT64_MAX

/* ConvertedType of parquet.thrift */
enum { CONVERTED_UTF8, CONVERTED_MAP, CONVERTED_MAP_KEY_VALUE, CONVERTED_LIST, CONVERTED_ENUM, CONVERTED_DECIMAL, CONVERTED_DATE,
	CONVERTED_TIME_MS, CONVERTED_TIME_US, CONVERTED_STAMP_MS, CONVERTED_STAMP_US, CONVERTED_U8, CONVERTED_U16, CONVERTED_U32,
	CONVERTED_U64, CONVERTED_I8, CONVERTED_I16, CONVERTED_I32, CONVERTED_I64, CONVERTED_JSON, CONVERTED_BSON, CONVERTED_INTERVAL };

static int
oom(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the columns of a Parquet file");
}

/* TimeUnit: a union whose member is the unit. */
static uint8_t
unit_read(struct thrift_read *t, const struct thrift_read_field *parent)
{
	struct thrift_read_field f = { 0 };
	uint8_t unit = TAIL_US;

	if (!thrift_read_struct(t, parent))
		return unit;
	while (thrift_read_next(t, &f)) {
		if (f.id >= 1 && f.id <= 3)
			unit = (uint8_t)(f.id - 1);
		thrift_read_skip(t, &f);
	}
	return unit;
}

/* The structure inside one member of LogicalType; `logical` says which. */
static void
annotation_read(struct thrift_read *t, const struct thrift_read_field *parent, struct tail_node *n)
{
	struct thrift_read_field f = { 0 };

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f)) {
		int timed = n->logical == LOGICAL_TIME || n->logical == LOGICAL_TIMESTAMP;

		if (n->logical == LOGICAL_DECIMAL && f.id == 1)
			n->scale = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX);
		else if (n->logical == LOGICAL_DECIMAL && f.id == 2)
			n->precision = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX);
		else if (timed && f.id == 1)
			n->utc = (uint8_t)thrift_read_bool(t, &f);
		else if (timed && f.id == 2)
			n->unit = unit_read(t, &f);
		else if (n->logical == LOGICAL_INTEGER && f.id == 1)
			n->bits = (uint8_t)thrift_read_int(t, &f, 0, 64);
		else if (n->logical == LOGICAL_INTEGER && f.id == 2)
			n->is_unsigned = !thrift_read_bool(t, &f);
		else
			thrift_read_skip(t, &f);
	}
}

static void
logical_read(struct thrift_read *t, const struct thrift_read_field *parent, struct tail_node *n)
{
	static const uint8_t kinds[] = { [1] = LOGICAL_STRING, [2] = LOGICAL_MAP, [3] = LOGICAL_LIST, [4] = LOGICAL_ENUM,
	    [5] = LOGICAL_DECIMAL, [6] = LOGICAL_DATE, [7] = LOGICAL_TIME, [8] = LOGICAL_TIMESTAMP, [10] = LOGICAL_INTEGER,
	    [11] = LOGICAL_NULL, [12] = LOGICAL_JSON, [13] = LOGICAL_BSON, [14] = LOGICAL_UUID, [15] = LOGICAL_FLOAT16,
	    [16] = LOGICAL_VARIANT, [17] = LOGICAL_GEO, [18] = LOGICAL_GEO };
	struct thrift_read_field f = { 0 };

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f)) {
		n->logical = f.id > 0 && (size_t)f.id < sizeof kinds ? kinds[f.id] : LOGICAL_NONE;
		annotation_read(t, &f, n);
	}
}

/* The older annotation, used where the newer one is absent. */
static void
converted_apply(struct tail_node *n, int64_t converted)
{
	switch (converted) {
	case CONVERTED_UTF8: n->logical = LOGICAL_STRING; break;
	case CONVERTED_MAP: case CONVERTED_MAP_KEY_VALUE: n->logical = LOGICAL_MAP; break;
	case CONVERTED_LIST: n->logical = LOGICAL_LIST; break;
	case CONVERTED_ENUM: n->logical = LOGICAL_ENUM; break;
	case CONVERTED_DECIMAL: n->logical = LOGICAL_DECIMAL; break;
	case CONVERTED_DATE: n->logical = LOGICAL_DATE; break;
	case CONVERTED_TIME_MS: case CONVERTED_TIME_US:
		n->logical = LOGICAL_TIME;
		n->unit = converted == CONVERTED_TIME_MS ? TAIL_MS : TAIL_US;
		n->utc = 1;
		break;
	case CONVERTED_STAMP_MS: case CONVERTED_STAMP_US:
		n->logical = LOGICAL_TIMESTAMP;
		n->unit = converted == CONVERTED_STAMP_MS ? TAIL_MS : TAIL_US;
		n->utc = 1;
		break;
	case CONVERTED_JSON: n->logical = LOGICAL_JSON; break;
	case CONVERTED_BSON: n->logical = LOGICAL_BSON; break;
	case CONVERTED_INTERVAL: n->logical = LOGICAL_INTERVAL; break;
	default:
		if (converted >= CONVERTED_U8 && converted <= CONVERTED_I64) {
			n->logical = LOGICAL_INTEGER;
			n->bits = (uint8_t)(8 << ((converted - CONVERTED_U8) & 3));
			n->is_unsigned = converted <= CONVERTED_U64;
		}
	}
}

/* One SchemaElement; what it says about itself, not yet where it stands. */
static void
element_read(struct thrift_read *t, const struct thrift_read_field *parent, struct tail_node *n)
{
	struct thrift_read_field f = { 0 };
	int64_t converted = -1;
	int typed = 0, newer = 0;

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f))
		switch (f.id) {
		case 1:
			n->physical = (uint8_t)thrift_read_int(t, &f, 0, PARQUET_FIXED);
			typed = 1;
			break;
		case 2: n->length = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX); break;
		case 3: n->repetition = (uint8_t)thrift_read_int(t, &f, 0, TAIL_REPEATED); break;
		case 4: thrift_read_bytes(t, &f, &n->name, &n->n_name); break;
		case 5: n->n_children = (uint32_t)thrift_read_int(t, &f, 0, TAIL_NODES); break;
		case 6: converted = thrift_read_int(t, &f, ANY); break;
		case 7: n->scale = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX); break;
		case 8: n->precision = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX); break;
		case 9:
			n->id = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX);
			n->has_id = 1;
			break;
		case 10:
			newer = 1;
			logical_read(t, &f, n);
			break;
		default: thrift_read_skip(t, &f);
		}
	if (typed && n->n_children && !t->bad)
		t->bad = "a column has both a type and columns of its own";
	if (!typed && !n->n_children && !t->bad)
		t->bad = "a group has no columns";
	if (!newer)
		converted_apply(n, converted);
}

/* Levels, places and limits of the tree, from the flat depth-first list. */
static const char *
tree_link(struct tail *m)
{
	uint32_t open[TAIL_DEPTH], left[TAIL_DEPTH], last[TAIL_DEPTH];
	size_t depth = 0;

	m->node[0].repetition = TAIL_REQUIRED;
	for (uint32_t i = 0; i < m->n_nodes; i++) {
		struct tail_node *n = &m->node[i];

		if (i > 0) {
			const struct tail_node *p;

			while (depth > 0 && left[depth - 1] == 0)
				depth--;
			if (depth == 0)
				return "the schema has columns outside its root";
			n->parent = open[depth - 1];
			p = &m->node[n->parent];
			n->def = (uint8_t)(p->def + (n->repetition != TAIL_REQUIRED));
			n->rep = (uint8_t)(p->rep + (n->repetition == TAIL_REPEATED));
			if (last[depth - 1])
				m->node[last[depth - 1]].next = i;
			else
				m->node[n->parent].child = i;
			last[depth - 1] = i;
			left[depth - 1]--;
		}
		if (n->n_children) {
			if (depth == TAIL_DEPTH)
				return "the schema is nested too deeply";
			open[depth] = i;
			left[depth] = n->n_children;
			last[depth++] = 0;
		} else {
			if (n->physical == PARQUET_FIXED && n->length < 1)
				return "a column of fixed length has no length";
			n->leaf = m->n_leaves;
			m->leaf[m->n_leaves++] = i;
		}
	}
	while (depth > 0)
		if (left[--depth])
			return "the schema ends too early";
	return NULL;
}

static int
schema_read(struct tail *m, struct thrift_read *t, const struct thrift_read_field *f, struct fail *why)
{
	struct thrift_read_field element;
	uint32_t n = thrift_read_list(t, f, &element);

	if (m->node)
		t->bad = "there are two schemas";
	else if (!t->bad && (n < 1 || n > TAIL_NODES))
		t->bad = "the schema is empty or too large";
	if (t->bad)
		return 0;
	m->node = calloc(n, sizeof *m->node);
	m->leaf = calloc(n, sizeof *m->leaf);
	m->ordered = calloc(n, 1);
	if (!m->node || !m->leaf || !m->ordered)
		return oom(why);
	m->n_nodes = n;
	for (uint32_t i = 0; i < n; i++)
		element_read(t, &element, &m->node[i]);
	if (!t->bad)
		t->bad = tree_link(m);
	return 0;
}

static void
statistics_read(struct thrift_read *t, const struct thrift_read_field *parent, struct tail_chunk *c)
{
	struct thrift_read_field f = { 0 };

	if (!thrift_read_struct(t, parent))
		return;
	c->min_exact = c->max_exact = 1;
	while (thrift_read_next(t, &f))
		switch (f.id) {
		case 3:
			c->n_nulls = thrift_read_int(t, &f, ANY);
			c->has |= TAIL_HAS_NULLS;
			break;
		case 5:
			thrift_read_bytes(t, &f, &c->max, &c->n_max);
			c->has |= TAIL_HAS_MAX;
			break;
		case 6:
			thrift_read_bytes(t, &f, &c->min, &c->n_min);
			c->has |= TAIL_HAS_MIN;
			break;
		case 7: c->max_exact = (uint8_t)thrift_read_bool(t, &f); break;
		case 8: c->min_exact = (uint8_t)thrift_read_bool(t, &f); break;
		case 9:
			c->n_nans = thrift_read_int(t, &f, ANY);
			c->has |= TAIL_HAS_NANS;
			break;
		default: thrift_read_skip(t, &f);
		}
}

/* ColumnMetaData.  Its path is not looked at: chunks stand in the order of the schema's leaves. */
static void
column_read(struct thrift_read *t, const struct thrift_read_field *parent, const struct tail_node *n, struct tail_chunk *c,
    uint64_t data_end)
{
	struct thrift_read_field f = { 0 };
	int64_t data = -1, dictionary = -1, physical = -1;

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f))
		switch (f.id) {
		case 1: physical = thrift_read_int(t, &f, ANY); break;
		case 4: c->codec = (int32_t)thrift_read_int(t, &f, INT32_MIN, INT32_MAX); break;
		case 5: c->n_values = thrift_read_int(t, &f, 0, INT64_MAX); break;
		case 7: c->bytes = (uint64_t)thrift_read_int(t, &f, 0, INT64_MAX); break;
		case 9: data = thrift_read_int(t, &f, ANY); break;
		case 11: dictionary = thrift_read_int(t, &f, ANY); break;
		case 12: statistics_read(t, &f, c); break;
		default: thrift_read_skip(t, &f);
		}
	if (t->bad)
		return;
	/* 0, or behind the data, is how some writers say that there is none */
	c->start = (uint64_t)(dictionary > 0 && dictionary < data ? dictionary : data);
	if (physical != n->physical)
		t->bad = "a column chunk is of another type than its column";
	else if (c->n_values > 0 && (data < 4 || c->start >= data_end))
		t->bad = "a column chunk lies outside the file";
}

static void
chunk_read(struct thrift_read *t, const struct thrift_read_field *parent, const struct tail_node *n, struct tail_chunk *c,
    uint64_t data_end)
{
	struct thrift_read_field f = { 0 };
	uint32_t len;
	int seen = 0;

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f))
		if (f.id == 1)
			thrift_read_bytes(t, &f, &c->other_file, &len);
		else if (f.id == 3) {
			column_read(t, &f, n, c, data_end);
			seen = 1;
		} else {
			if (f.id == 8)
				c->encrypted = 1;
			thrift_read_skip(t, &f);
		}
	if (!seen && !c->encrypted && !t->bad)
		t->bad = "a column chunk has no description";
}

static void
group_read(struct tail *m, struct thrift_read *t, const struct thrift_read_field *parent, struct tail_group *g, uint64_t data_end)
{
	struct thrift_read_field f = { 0 }, element;
	uint32_t n = 0;

	if (!thrift_read_struct(t, parent))
		return;
	while (thrift_read_next(t, &f))
		if (f.id == 1) {
			n = thrift_read_list(t, &f, &element);
			if (n != m->n_leaves && !t->bad)
				t->bad = "a row group has another number of columns than the schema";
			for (uint32_t i = 0; i < n && !t->bad; i++)
				chunk_read(t, &element, &m->node[m->leaf[i]], &g->chunk[i], data_end);
		} else if (f.id == 3)
			g->n_rows = thrift_read_int(t, &f, 0, INT64_MAX);
		else
			thrift_read_skip(t, &f);
	if (n != m->n_leaves && !t->bad)
		t->bad = "a row group has no columns";
}

static int
groups_read(struct tail *m, struct thrift_read *t, const struct thrift_read_field *f, uint64_t data_end, struct fail *why)
{
	struct thrift_read_field element;
	uint32_t n = thrift_read_list(t, f, &element);
	int64_t rows = 0;

	if (!m->node && !t->bad)
		t->bad = "row groups stand before the schema";
	else if (m->group && !t->bad)
		t->bad = "there are two lists of row groups";
	if (!t->bad && n > TAIL_CHUNKS / m->n_leaves)
		t->bad = "there are too many row groups";
	if (t->bad || n == 0)
		return 0;
	/* a chunk takes some 20 bytes of a footer, so a lie about their number costs no memory */
	if ((uint64_t)n * m->n_leaves > (uint64_t)(t->end - t->p) / 2) {
		t->bad = "there are more column chunks than the footer can hold";
		return 0;
	}
	m->group = calloc(n, sizeof *m->group);
	m->chunk = calloc((size_t)n * m->n_leaves, sizeof *m->chunk);
	if (!m->group || !m->chunk)
		return oom(why);
	m->n_groups = n;
	for (uint32_t i = 0; i < n && !t->bad; i++) {
		m->group[i].chunk = m->chunk + (size_t)i * m->n_leaves;
		group_read(m, t, &element, &m->group[i], data_end);
		m->group[i].first_row = rows;
		if (__builtin_add_overflow(rows, m->group[i].n_rows, &rows) && !t->bad)
			t->bad = "the number of rows is out of range";
	}
	return 0;
}

/* ColumnOrder: only bounds of a known order can be used.  1 TYPE_ORDER; 2, IEEE 754 total order, bounds as well for numbers. */
static void
orders_read(struct tail *m, struct thrift_read *t, const struct thrift_read_field *parent)
{
	struct thrift_read_field element;
	uint32_t n = thrift_read_list(t, parent, &element);

	for (uint32_t i = 0; i < n && !t->bad; i++) {
		struct thrift_read_field f = { 0 };

		if (!thrift_read_struct(t, &element))
			break;
		while (thrift_read_next(t, &f)) {
			if (i < m->n_leaves && (f.id == 1 || f.id == 2))
				m->ordered[i] = 1;
			thrift_read_skip(t, &f);
		}
	}
}

int
tail_parse(struct tail *m, char *p, size_t n, uint64_t data_end, const char *file, struct fail *why)
{
	struct thrift_read t = { .p = (const uint8_t *)p, .end = (const uint8_t *)p + n };
	struct thrift_read_field f = { 0 };
	int64_t rows = 0;
	int e = 0, encrypted = 0;

	*m = (struct tail){ .bytes = p };
	while (e == 0 && thrift_read_next(&t, &f))
		switch (f.id) {
		case 2: e = schema_read(m, &t, &f, why); break;
		case 3: m->n_rows = thrift_read_int(&t, &f, 0, INT64_MAX); break;
		case 4: e = groups_read(m, &t, &f, data_end, why); break;
		case 6: thrift_read_bytes(&t, &f, &m->created_by, &m->n_created_by); break;
		case 7:
			if (m->node)
				orders_read(m, &t, &f);
			else
				thrift_read_skip(&t, &f);
			break;
		case 8: encrypted = 1; /* fall through */
		default: thrift_read_skip(&t, &f);
		}
	if (e < 0)
		return e;
	for (uint32_t i = 0; i < m->n_groups && !t.bad; i++)
		rows += m->group[i].n_rows;
	if (!t.bad && !m->node)
		t.bad = "there is no schema";
	if (!t.bad && rows != m->n_rows)
		t.bad = "the row groups do not add up to the number of rows";
	if (t.bad)
		return fail(why, WEIR_EDATA, "%s: the Parquet footer is damaged: %s", file, t.bad);
	if (encrypted)
		return fail(why, WEIR_ECONFIG, "%s: encrypted Parquet files are not supported", file);
	return 0;
}

void
tail_free(struct tail *m)
{
	free(m->node);
	free(m->leaf);
	free(m->ordered);
	free(m->group);
	free(m->chunk);
	free(m->bytes);
	*m = (struct tail){ 0 };
}

uint32_t
tail_find(const struct tail *m, uint32_t parent, int32_t id, const char *name)
{
	size_t n = strlen(name);
	int ids = 0;

	for (uint32_t i = 1; i < m->n_nodes && !ids; i++)
		ids = m->node[i].has_id;
	for (uint32_t i = m->node[parent].child; i; i = m->node[i].next) {
		const struct tail_node *c = &m->node[i];

		if (ids && id ? c->has_id && c->id == id : c->n_name == n && memcmp(c->name, name, n) == 0)
			return i;
	}
	return 0;
}
