/*
 * columns.h - for tests: a column tree from text.
 *
 *	id:long!,price:decimal(9,2),tags:list<string!>,user:struct<id:long,at:timestamptz>,m:map<string,list<int>>
 *
 * ! is required.  Field ids count from 1 in the order of the text.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column.h"

struct columns_text {
	const char	*p;
	int32_t		 id;
};

static void	columns_type(struct columns_text *, struct parquet_column *);

static char *
columns_word(struct columns_text *t)
{
	size_t n = 0;

	while (t->p[n] && !strchr(":,<>()!", t->p[n]))
		n++;
	t->p += n;
	return strndup(t->p - n, n);
}

static void
columns_expect(struct columns_text *t, char c)
{
	if (*t->p++ != c) {
		fprintf(stderr, "columns: '%c' expected before \"%s\"\n", c, t->p - 1);
		abort();
	}
}

static struct parquet_column *
columns_add(struct parquet_column *c)
{
	c->child = realloc(c->child, (c->n_children + 1) * sizeof *c->child);
	memset(&c->child[c->n_children], 0, sizeof *c->child);
	return &c->child[c->n_children++];
}

static void
columns_fields(struct columns_text *t, struct parquet_column *c)
{
	c->kind = COLUMN_STRUCT;
	do {
		struct parquet_column *k = columns_add(c);

		k->name = columns_word(t);
		k->field_id = ++t->id;
		columns_expect(t, ':');
		columns_type(t, k);
	} while (*t->p == ',' && t->p++);
}

static void
columns_type(struct columns_text *t, struct parquet_column *c)
{
	static const char *const names[] = { "boolean", "int", "long", "float", "double", "decimal", "date", "time", "timestamp",
		"timestamptz", "string", "binary", "uuid", "fixed" };
	char *w = columns_word(t);

	if (!strcmp(w, "struct") || !strcmp(w, "list") || !strcmp(w, "map")) {
		columns_expect(t, '<');
		if (*w == 's') {
			columns_fields(t, c);
		} else {
			c->kind = *w == 'l' ? COLUMN_LIST : COLUMN_MAP;
			columns_add(c);
			if (*w == 'm')
				columns_add(c);
			for (uint32_t i = 0; i < c->n_children; i++) {
				c->child[i].name = "";
				c->child[i].field_id = ++t->id;
				columns_type(t, &c->child[i]);
				if (*w == 'm' && i == 0) {
					c->child[0].required = 1;
					columns_expect(t, ',');
				}
			}
		}
		columns_expect(t, '>');
	} else {
		for (c->type = 0; strcmp(w, names[c->type]); c->type++)
			if (c->type == COLUMN_FIXED) {
				fprintf(stderr, "columns: no type \"%s\"\n", w);
				abort();
			}
		if (*t->p == '(') {
			char *end;
			unsigned long n = strtoul(t->p + 1, &end, 10);

			c->length = c->type == COLUMN_FIXED ? (uint32_t)n : 0;
			c->precision = c->type == COLUMN_DECIMAL ? (uint8_t)n : 0;
			if (*end == ',')
				c->scale = (uint8_t)strtoul(end + 1, &end, 10);
			t->p = end;
			columns_expect(t, ')');
		}
	}
	free(w);
	if (*t->p == '!') {
		t->p++;
		c->required = 1;
	}
}

/* Laid out; columns_free() it. */
static struct parquet_column *
columns_parse(const char *text)
{
	struct parquet_column *root = calloc(1, sizeof *root);
	struct columns_text t = { .p = text };
	struct fail f;

	columns_fields(&t, root);
	if (*t.p || column_layout(root, &f) < 0) {
		fprintf(stderr, "columns: %s\n", *t.p ? t.p : f.text);
		abort();
	}
	return root;
}

static void
columns_free_below(struct parquet_column *c)
{
	for (uint32_t i = 0; i < c->n_children; i++) {
		columns_free_below(&c->child[i]);
		if (c->kind == COLUMN_STRUCT)
			free((char *)(uintptr_t)c->child[i].name);
	}
	free(c->child);
}

static inline void
columns_free(struct parquet_column *root)
{
	columns_free_below(root);
	free(root);
}

#endif
