#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "schema_int.h"
#include "weir.h"

struct compare {
	struct schema_maker	 m;
	int			 add, relax, changed;
};

/* ---------------------------------------------------------------- copies */

static int	copy_fields(struct compare *, const struct schema_field *from, size_t n, struct schema_field **list, size_t *n_list);

/* *to becomes a copy that schema_fields_free() can free, also after a failure. */
static int
copy_field(struct compare *c, const struct schema_field *from, struct schema_field *to)
{
	*to = *from;
	to->field = NULL;
	to->n = 0;
	to->name = strdup(from->name);
	to->doc = json_copy(from->doc);
	c->m.n_columns++;
	if (!to->name || !to->doc)
		return schema_no_memory(&c->m);
	return from->n ? copy_fields(c, from->field, from->n, &to->field, &to->n) : 0;
}

static int
copy_fields(struct compare *c, const struct schema_field *from, size_t n, struct schema_field **list, size_t *n_list)
{
	int e;

	if (!(*list = calloc(n, sizeof **list)))
		return schema_no_memory(&c->m);
	for (size_t i = 0; i < n; i++) {
		*n_list = i + 1;
		if ((e = copy_field(c, &from[i], &(*list)[i])) < 0)
			return e;
	}
	return 0;
}

/* ---------------------------------------------------------------- one column */

static int
same_type(const struct schema_field *t, const struct schema_field *w)
{
	return t->type == w->type && t->element == w->element && (!w->precision || (t->precision == w->precision && t->scale == w->scale)) &&
	    (!w->fraction || w->fraction == (t->fraction ? t->fraction : 6)) && (!w->max_length || t->max_length == w->max_length);
}

static int
check_type(struct compare *c, const struct schema_field *t, const struct schema_field *w)
{
	char was[SCHEMA_TYPE_SIZE], is[SCHEMA_TYPE_SIZE];

	if (same_type(t, w))
		return 0;
	return fail(c->m.fail, WEIR_ECONFIG, "column \"%s\" is %s in the table and %s in %s: a load does not change a column's type; take the "
	    "table's, or make a new column or a new table", c->m.path, schema_type_text(t, was), schema_type_text(w, is), c->m.whose);
}

/* `to` has the table's mode by now. */
static int
check_mode(struct compare *c, struct schema_field *to, const struct schema_field *w)
{
	if (to->mode == w->mode)
		return 0;
	if (to->mode == SCHEMA_REQUIRED && w->mode == SCHEMA_NULLABLE && c->relax) {
		to->mode = SCHEMA_NULLABLE;
		c->changed = 1;
		return 0;
	}
	return fail(c->m.fail, WEIR_ECONFIG, "column \"%s\" is %s in the table and %s in %s: %s", c->m.path, schema_mode_text(to),
	    schema_mode_text(w), c->m.whose, to->mode == SCHEMA_REQUIRED && w->mode == SCHEMA_NULLABLE ? "add --update relax to relax it" :
	    "a load changes no mode but from REQUIRED to NULLABLE; take the table's, or make a new column or a new table");
}

static int
check_new(struct compare *c, const struct schema_field *w)
{
	char is[SCHEMA_TYPE_SIZE];

	if (!c->add)
		return fail(c->m.fail, WEIR_ECONFIG, "column \"%s\" (%s %s) of %s is not in the table: add --update add to add it", c->m.path,
		    schema_type_text(w, is), schema_mode_text(w), c->m.whose);
	if (w->mode == SCHEMA_REQUIRED)
		return fail(c->m.fail, WEIR_ECONFIG, "column \"%s\" of %s is not in the table and REQUIRED, which a new column of a table cannot "
		    "be: make it NULLABLE in %s", c->m.path, c->m.whose, c->m.whose);
	return 0;
}

/* ---------------------------------------------------------------- all of them */

static int	merge(struct compare *, const struct schema_field *wanted, size_t n, struct schema_field **list, size_t *n_list);

/* A column that both have; `to` is the copy of the table's. */
static int
both(struct compare *c, struct schema_field *to, const struct schema_field *w)
{
	int e;

	if ((e = check_type(c, to, w)) < 0 || (e = check_mode(c, to, w)) < 0)
		return e;
	return to->type == SCHEMA_RECORD ? merge(c, w->field, w->n, &to->field, &to->n) : 0;
}

/* The columns of the table against those that are wanted. */
static int
old_columns(struct compare *c, const struct schema_field *wanted, size_t n, struct schema_field *list, size_t n_list)
{
	int e;

	for (size_t i = 0; i < n_list; i++) {
		const struct schema_field *w = schema_find(wanted, n, list[i].name, strlen(list[i].name));
		size_t mark = schema_enter(&c->m, list[i].name);

		if (!w && list[i].mode == SCHEMA_REQUIRED)
			return fail(c->m.fail, WEIR_ECONFIG, "column \"%s\" of the table is REQUIRED and not in %s: add it there, or no event fits",
			    c->m.path, c->m.whose);
		if (w && (e = both(c, &list[i], w)) < 0)
			return e;
		schema_leave(&c->m, mark);
	}
	return 0;
}

/* list is a copy of the table's fields and becomes the merged ones. */
static int
merge(struct compare *c, const struct schema_field *wanted, size_t n, struct schema_field **list, size_t *n_list)
{
	struct schema_field *p;
	size_t n_old = *n_list;
	int e;

	if ((e = old_columns(c, wanted, n, *list, n_old)) < 0)
		return e;
	for (size_t i = 0; i < n; i++) {
		size_t mark = schema_enter(&c->m, wanted[i].name);

		if (!schema_find(*list, n_old, wanted[i].name, strlen(wanted[i].name))) {
			if ((e = check_new(c, &wanted[i])) < 0)
				return e;
			if (!(p = realloc(*list, (*n_list + 1) * sizeof *p)))
				return schema_no_memory(&c->m);
			*list = p;
			c->changed = 1;
			if ((e = copy_field(c, &wanted[i], &p[(*n_list)++])) < 0)
				return e;
		}
		schema_leave(&c->m, mark);
	}
	return 0;
}

int
schema_compare(const struct schema *table, const struct schema *wanted, int add, int relax, struct schema **merged, int *changed, struct fail *f)
{
	struct compare c = { .m = { .whose = "the schema", .fail = f }, .add = add, .relax = relax };
	struct schema *s = calloc(1, sizeof *s);
	int e;

	if (!s)
		return schema_no_memory(&c.m);
	if ((e = copy_fields(&c, table->field, table->n, &s->field, &s->n)) == 0)
		e = merge(&c, wanted->field, wanted->n, &s->field, &s->n);
	if (e == 0 && c.m.n_columns > SCHEMA_MAX_COLUMNS)
		e = fail(f, WEIR_ECONFIG, "the table and the schema together have more than %d columns, which BigQuery does not allow: make records "
		    "of many fields JSON columns", SCHEMA_MAX_COLUMNS);
	if (e < 0) {
		schema_free(s);
		return e;
	}
	*merged = s;
	*changed = c.changed;
	return 0;
}
