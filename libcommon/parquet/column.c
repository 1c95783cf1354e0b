#include "config.h"

#include <stdio.h>
#include <string.h>

#include "column.h"
#include "weir.h"

#define PATH_TEXT	512

unsigned
column_decimal_bytes(unsigned precision)
{
	static const unsigned char bytes[39] = {
		0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 9,
		9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16
	};

	return precision < sizeof bytes ? bytes[precision] : 0;
}

char *
column_path(const struct parquet_column *c, char *out, size_t size)
{
	const struct parquet_column *up[COLUMN_DEPTH];
	size_t n = 0, depth = 0;
	int k;

	for (; c && c->parent && depth < COLUMN_DEPTH; c = c->parent)
		up[depth++] = c;
	out[0] = '\0';
	while (depth--) {
		k = snprintf(out + n, size - n, "%s%s", n ? "." : "", up[depth]->name ? up[depth]->name : "?");
		if (k < 0 || (size_t)k >= size - n) {
			if (size > 4)
				memcpy(out + size - 4, "...", 4);
			break;
		}
		n += (size_t)k;
	}
	return out;
}

char *
column_type_name(const struct parquet_column *c, char *out, size_t size)
{
	static const char *const kind[] = { "", "struct", "list", "map" };
	static const char *const type[] = {
		"boolean", "int", "long", "float", "double", "decimal", "date", "time", "timestamp", "timestamptz", "string", "binary",
		"uuid", "fixed"
	};

	if (c->kind != COLUMN_PRIMITIVE)
		snprintf(out, size, "%s", kind[c->kind & 3]);
	else if (c->type == COLUMN_DECIMAL)
		snprintf(out, size, "decimal(%u, %u)", c->precision, c->scale);
	else if (c->type == COLUMN_FIXED)
		snprintf(out, size, "fixed[%u]", c->length);
	else
		snprintf(out, size, "%s", c->type <= COLUMN_FIXED ? type[c->type] : "?");
	return out;
}

static int
bad(const struct parquet_column *c, struct fail *f, const char *why)
{
	char path[PATH_TEXT];

	return fail(f, WEIR_ECONFIG, "column %s: %s", column_path(c, path, sizeof path), why);
}

static int
primitive(struct parquet_column *c, struct fail *f)
{
	static const unsigned char physical[] = {
		[COLUMN_BOOLEAN] = PARQUET_BOOLEAN, [COLUMN_INT] = PARQUET_INT32, [COLUMN_LONG] = PARQUET_INT64,
		[COLUMN_FLOAT] = PARQUET_FLOAT, [COLUMN_DOUBLE] = PARQUET_DOUBLE, [COLUMN_DATE] = PARQUET_INT32,
		[COLUMN_TIME] = PARQUET_INT64, [COLUMN_TIMESTAMP] = PARQUET_INT64, [COLUMN_TIMESTAMPTZ] = PARQUET_INT64,
		[COLUMN_STRING] = PARQUET_BYTE_ARRAY, [COLUMN_BINARY] = PARQUET_BYTE_ARRAY, [COLUMN_UUID] = PARQUET_FIXED,
		[COLUMN_FIXED] = PARQUET_FIXED
	};

	if (c->n_children)
		return bad(c, f, "a primitive column has no children");
	if (c->type > COLUMN_FIXED)
		return bad(c, f, "unknown type");
	if (c->type != COLUMN_DECIMAL) {
		c->physical = physical[c->type];
		c->width = c->type == COLUMN_UUID ? 16 : c->type == COLUMN_FIXED ? c->length : 0;
		if (c->type == COLUMN_FIXED && (c->length < 1 || c->length > 1 << 20))
			return bad(c, f, "the length of a fixed is 1 to 1048576 bytes");
		return 0;
	}
	if (c->precision < 1 || c->precision > 38 || c->scale > c->precision)
		return bad(c, f, "a decimal has 1 to 38 digits, and no more of them behind the point than in all");
	c->physical = c->precision <= 9 ? PARQUET_INT32 : c->precision <= 18 ? PARQUET_INT64 : PARQUET_FIXED;
	c->width = c->precision <= 18 ? 0 : column_decimal_bytes(c->precision);
	return 0;
}

static int
layout(struct parquet_column *c, struct parquet_column *parent, unsigned depth, uint32_t *n_leaves, struct fail *f)
{
	int in_list = parent && (parent->kind == COLUMN_LIST || parent->kind == COLUMN_MAP), rc;

	c->parent = parent;
	if (depth >= COLUMN_DEPTH)
		return bad(c, f, "nested deeper than 32 levels");
	if (parent && (!c->name || !*c->name) && !in_list)
		return bad(c, f, "a column needs a name");
	if (c->field_id < 0)
		return bad(c, f, "a field id is a positive number");
	c->max_def = (uint8_t)((parent ? parent->max_def : 0) + in_list + (parent && !c->required));
	c->max_rep = (uint8_t)((parent ? parent->max_rep : 0) + in_list);
	c->leaf = *n_leaves;
	if (c->kind == COLUMN_PRIMITIVE) {
		if ((rc = primitive(c, f)) < 0)
			return rc;
		if (++*n_leaves > COLUMN_LEAVES)
			return bad(c, f, "more than 10000 primitive columns");
	} else if (c->kind > COLUMN_MAP || !c->child) {
		return bad(c, f, c->kind > COLUMN_MAP ? "unknown kind" : "a struct, list or map needs what is in it");
	} else if ((c->kind == COLUMN_LIST && c->n_children != 1) || (c->kind == COLUMN_MAP && c->n_children != 2) || !c->n_children) {
		return bad(c, f, "a struct has at least one field, a list an element, a map a key and a value");
	} else if (c->kind == COLUMN_MAP && !c->child[0].required) {
		return bad(c, f, "the key of a map is required");
	}
	for (uint32_t i = 0; i < c->n_children; i++) {
		struct parquet_column *k = &c->child[i];

		if (c->kind == COLUMN_STRUCT)
			for (uint32_t j = 0; j < i; j++)
				if (k->name && c->child[j].name && !strcmp(c->child[j].name, k->name)) {
					k->parent = c;
					return bad(k, f, "two fields of this name in one struct");
				}
		if (c->kind == COLUMN_LIST)
			k->name = "element";
		if (c->kind == COLUMN_MAP)
			k->name = i ? "value" : "key";
		if ((rc = layout(k, c, depth + 1, n_leaves, f)) < 0)
			return rc;
	}
	c->n_leaves = *n_leaves - c->leaf;
	return 0;
}

int
column_layout(struct parquet_column *root, struct fail *f)
{
	uint32_t n = 0;

	if (root->kind != COLUMN_STRUCT)
		return fail(f, WEIR_ECONFIG, "the root of a column tree is a struct");
	root->required = 1;
	return layout(root, NULL, 0, &n, f);
}

const struct parquet_column *
column_leaf(const struct parquet_column *c, uint32_t i)
{
	while (c->kind != COLUMN_PRIMITIVE) {
		uint32_t lo = 0, hi = c->n_children;	/* the last child that begins at i or before */

		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (c->child[mid].leaf <= i)
				lo = mid;
			else
				hi = mid;
		}
		c = &c->child[lo];
	}
	return c;
}
