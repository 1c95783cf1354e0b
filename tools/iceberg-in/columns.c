#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "columns.h"
#include "path.h"

static int
oom(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the columns of the table");
}

static void
free_below(struct parquet_column *c)
{
	for (uint32_t i = 0; i < c->n_children; i++)
		free_below(&c->child[i]);
	free(c->child);
	c->child = NULL;
	c->n_children = 0;
}

void
columns_free(struct columns *c)
{
	free_below(&c->root);
}

int
columns_leaf(const struct schema_field *s, struct parquet_column *c, struct fail *f)
{
	static const uint8_t types[] = { [SCHEMA_BOOLEAN] = COLUMN_BOOLEAN, [SCHEMA_INT] = COLUMN_INT, [SCHEMA_LONG] = COLUMN_LONG,
	    [SCHEMA_FLOAT] = COLUMN_FLOAT, [SCHEMA_DOUBLE] = COLUMN_DOUBLE, [SCHEMA_DECIMAL] = COLUMN_DECIMAL, [SCHEMA_DATE] = COLUMN_DATE,
	    [SCHEMA_TIME] = COLUMN_TIME, [SCHEMA_TIMESTAMP] = COLUMN_TIMESTAMP, [SCHEMA_TIMESTAMPTZ] = COLUMN_TIMESTAMPTZ,
	    [SCHEMA_STRING] = COLUMN_STRING, [SCHEMA_UUID] = COLUMN_UUID, [SCHEMA_FIXED] = COLUMN_FIXED, [SCHEMA_BINARY] = COLUMN_BINARY,
	    [SCHEMA_TIMESTAMP_NS] = COLUMN_TIMESTAMP, [SCHEMA_TIMESTAMPTZ_NS] = COLUMN_TIMESTAMPTZ };

	if (s->kind == SCHEMA_OTHER)
		return fail(f, WEIR_ECONFIG, "column %s is of type %s (format v3), which is not supported: leave it out with --columns", s->name,
		    s->other ? s->other : "unknown");
	if (s->initial_default && !json_is_null(s->initial_default))
		return fail(f, WEIR_ECONFIG, "column %s has an initial default (format v3), which is not supported: leave it out with --columns",
		    s->name);
	*c = (struct parquet_column){ .name = s->name, .field_id = s->id, .type = types[s->kind], .required = s->required,
	    .precision = (uint8_t)s->precision, .scale = (uint8_t)s->scale, .length = (uint32_t)s->length };
	return 0;
}

static int
convert(const struct schema_field *s, struct parquet_column *c, struct fail *f)
{
	int e = 0;

	if (schema_primitive(s))
		return columns_leaf(s, c, f);
	*c = (struct parquet_column){ .name = s->name, .field_id = s->id, .required = s->required,
	    .kind = s->kind == SCHEMA_LIST ? COLUMN_LIST : s->kind == SCHEMA_MAP ? COLUMN_MAP : COLUMN_STRUCT };
	if (s->n && !(c->child = calloc(s->n, sizeof *c->child)))
		return oom(f);
	for (size_t i = 0; i < s->n && !e; i++)
		if ((e = convert(&s->field[i], &c->child[i], f)) == 0)
			c->n_children++;
	return e;
}

static struct parquet_column *
child_of(struct parquet_column *parent, int32_t id)
{
	for (uint32_t i = 0; i < parent->n_children; i++)
		if (parent->child[i].field_id == id)
			return &parent->child[i];
	return NULL;
}

static int
no_such(const struct schema *s, const char *text, struct fail *f)
{
	struct buf names = { .max = 700 };

	for (size_t i = 0; i < s->root.n; i++)
		if (buf_printf(&names, "%s%s", i ? ", " : "", s->root.field[i].name) < 0)
			break;			/* the message is long enough */
	fail(f, WEIR_ECONFIG, "the table has no column %s; it has %.*s", text, (int)names.n, names.n ? names.p : "none");
	buf_free(&names);
	return f->code;
}

/* Each step of a path through structs. */
static int
walk(const struct schema *s, const char *text, const struct schema_field **at, size_t size, struct fail *f)
{
	const struct schema_field *here = &s->root;
	struct path path;

	if (path_parse(text, &path) < 0 || path.n == 0 || path.n > size)
		return fail(f, WEIR_EUSAGE, "'%s' is no path to a column", text);
	for (size_t k = 0; k < path.n; k++) {
		if (!path.seg[k].key || here->kind != SCHEMA_STRUCT || !(here = schema_by_name(here, path.seg[k].key, path.seg[k].n)))
			return no_such(s, text, f);
		at[k] = here;
	}
	return (int)path.n;
}

int
columns_path(const struct schema *s, const char *text, const struct schema_field **path, size_t size, struct fail *f)
{
	int n = walk(s, text, path, size, f);

	if (n > 0 && !schema_primitive(path[n - 1]))
		return fail(f, WEIR_ECONFIG, "column %s is nested; --where compares single values", text);
	return n;
}

/* Add the column that the path names, below what of its parents is there already. */
static int
choose(struct columns *c, const struct schema *s, const char *text, struct fail *f)
{
	const struct schema_field *path[SCHEMA_MAX_DEPTH];
	struct parquet_column *at = &c->root;
	int n = walk(s, text, path, SCHEMA_MAX_DEPTH, f), e;

	if (n < 0)
		return n;
	for (int k = 0; k < n; k++) {
		struct parquet_column *child = child_of(at, path[k]->id), *more;

		if (child && k == n - 1) {		/* named before, perhaps only in part */
			free_below(child);
			return convert(path[k], child, f);
		}
		if (!child) {
			if (!(more = realloc(at->child, (at->n_children + 1) * sizeof *more)))
				return oom(f);
			at->child = more;
			child = &more[at->n_children];
			*child = (struct parquet_column){ .name = path[k]->name, .field_id = path[k]->id, .kind = COLUMN_STRUCT };
			at->n_children++;
			if (k == n - 1 && (e = convert(path[k], child, f)) < 0)
				return e;
		}
		at = child;
	}
	return 0;
}

int
columns_make(struct columns *c, const struct schema *s, const struct weir_list *paths, struct fail *f)
{
	int e = 0;

	*c = (struct columns){ .root = { .name = "", .kind = COLUMN_STRUCT, .required = 1 } };
	if (!paths || paths->n == 0)
		return convert(&s->root, &c->root, f);
	if (paths->n > COLUMNS_CHOSEN)
		return fail(f, WEIR_EUSAGE, "--columns takes at most %d paths, %zu given", COLUMNS_CHOSEN, paths->n);
	for (size_t i = 0; i < paths->n && !e; i++)
		e = choose(c, s, paths->item[i], f);
	return e;
}
