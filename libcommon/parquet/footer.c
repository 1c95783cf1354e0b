#include "config.h"

#include "footer.h"

enum { REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };
enum { CONVERTED_UTF8 = 0, CONVERTED_MAP = 1, CONVERTED_LIST = 3, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6, CONVERTED_TIME_MICROS = 8,
	CONVERTED_TIMESTAMP_MICROS = 10 };
enum { LOGICAL_STRING = 1, LOGICAL_MAP = 2, LOGICAL_LIST = 3, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIME = 7,
	LOGICAL_TIMESTAMP = 8, LOGICAL_UUID = 14 };
enum { UNIT_MICROS = 2 };

static void
empty_struct(struct thrift_out *t, int id)
{
	thrift_begin(t, id);
	thrift_end(t);
}

static void
logical_time(struct thrift_out *t, int id, int utc)
{
	thrift_begin(t, id);
	thrift_bool(t, 1, utc);
	thrift_begin(t, 2);
	empty_struct(t, UNIT_MICROS);
	thrift_end(t);
	thrift_end(t);
}

/* The two annotations of a primitive; readers prefer the logical one.  field_id stands between them. */
static void
annotate(struct thrift_out *t, const struct parquet_column *c)
{
	static const signed char converted[] = {
		[COLUMN_BOOLEAN] = -1, [COLUMN_INT] = -1, [COLUMN_LONG] = -1, [COLUMN_FLOAT] = -1, [COLUMN_DOUBLE] = -1,
		[COLUMN_DECIMAL] = CONVERTED_DECIMAL, [COLUMN_DATE] = CONVERTED_DATE, [COLUMN_TIME] = CONVERTED_TIME_MICROS,
		[COLUMN_TIMESTAMP] = CONVERTED_TIMESTAMP_MICROS, [COLUMN_TIMESTAMPTZ] = CONVERTED_TIMESTAMP_MICROS,
		[COLUMN_STRING] = CONVERTED_UTF8, [COLUMN_BINARY] = -1, [COLUMN_UUID] = -1, [COLUMN_FIXED] = -1
	};

	if (converted[c->type] >= 0)
		thrift_i32(t, 6, converted[c->type]);
	if (c->type == COLUMN_DECIMAL) {
		thrift_i32(t, 7, c->scale);
		thrift_i32(t, 8, c->precision);
	}
	if (c->field_id)
		thrift_i32(t, 9, c->field_id);
	if (converted[c->type] < 0 && c->type != COLUMN_UUID)
		return;
	thrift_begin(t, 10);
	switch (c->type) {
	case COLUMN_DECIMAL:
		thrift_begin(t, LOGICAL_DECIMAL);
		thrift_i32(t, 1, c->scale);
		thrift_i32(t, 2, c->precision);
		thrift_end(t);
		break;
	case COLUMN_DATE:
		empty_struct(t, LOGICAL_DATE);
		break;
	case COLUMN_TIME:
		logical_time(t, LOGICAL_TIME, 0);
		break;
	case COLUMN_TIMESTAMP: case COLUMN_TIMESTAMPTZ:
		logical_time(t, LOGICAL_TIMESTAMP, c->type == COLUMN_TIMESTAMPTZ);
		break;
	case COLUMN_STRING:
		empty_struct(t, LOGICAL_STRING);
		break;
	default:
		empty_struct(t, LOGICAL_UUID);
	}
	thrift_end(t);
}

static void
repeated_group(struct thrift_out *t, const char *name, int n_children)
{
	thrift_item_begin(t);
	thrift_i32(t, 3, REPEATED);
	thrift_text(t, 4, name);
	thrift_i32(t, 5, n_children);
	thrift_end(t);
}

static void
element(struct thrift_out *t, const struct parquet_column *c)
{
	thrift_item_begin(t);
	if (c->kind == COLUMN_PRIMITIVE) {
		thrift_i32(t, 1, c->physical);
		if (c->physical == PARQUET_FIXED)
			thrift_i32(t, 2, (int32_t)c->width);
	}
	if (c->parent)
		thrift_i32(t, 3, c->required ? REQUIRED : OPTIONAL);
	thrift_text(t, 4, c->parent ? c->name : "table");
	if (c->kind == COLUMN_PRIMITIVE) {
		annotate(t, c);
		thrift_end(t);
		return;
	}
	thrift_i32(t, 5, c->kind == COLUMN_STRUCT ? (int32_t)c->n_children : 1);
	if (c->kind != COLUMN_STRUCT)
		thrift_i32(t, 6, c->kind == COLUMN_LIST ? CONVERTED_LIST : CONVERTED_MAP);
	if (c->parent && c->field_id)
		thrift_i32(t, 9, c->field_id);
	if (c->kind != COLUMN_STRUCT) {
		thrift_begin(t, 10);
		empty_struct(t, c->kind == COLUMN_LIST ? LOGICAL_LIST : LOGICAL_MAP);
		thrift_end(t);
	}
	thrift_end(t);
	if (c->kind != COLUMN_STRUCT)
		repeated_group(t, c->kind == COLUMN_LIST ? "list" : "key_value", (int)c->n_children);
	for (uint32_t i = 0; i < c->n_children; i++)
		element(t, &c->child[i]);
}

static uint32_t
count_elements(const struct parquet_column *c)
{
	uint32_t n = 1 + (c->kind == COLUMN_LIST || c->kind == COLUMN_MAP);

	for (uint32_t i = 0; i < c->n_children; i++)
		n += count_elements(&c->child[i]);
	return n;
}

void
footer_schema(struct thrift_out *t, int id, const struct parquet_column *root)
{
	thrift_list(t, id, THRIFT_STRUCT, count_elements(root));
	element(t, root);
}

static void
path(struct thrift_out *t, int id, const struct parquet_column *leaf)
{
	const struct parquet_column *up[COLUMN_DEPTH];
	uint32_t n = 0, parts = 0;

	for (const struct parquet_column *c = leaf; c->parent && n < COLUMN_DEPTH; c = c->parent) {
		up[n++] = c;
		parts += 1 + (c->parent->kind == COLUMN_LIST || c->parent->kind == COLUMN_MAP);
	}
	thrift_list(t, id, THRIFT_BINARY, parts);
	while (n--) {
		if (up[n]->parent->kind == COLUMN_LIST)
			thrift_item_text(t, "list");
		else if (up[n]->parent->kind == COLUMN_MAP)
			thrift_item_text(t, "key_value");
		thrift_item_text(t, up[n]->name);
	}
}

static void
statistics(struct thrift_out *t, int id, const struct pages *p)
{
	struct parquet_bound min, max;

	minmax_parquet(&p->minmax, p->leaf, &min, &max);
	thrift_begin(t, id);
	thrift_i64(t, 3, p->nulls);
	if (max.has)
		thrift_bytes(t, 5, max.b, max.n);
	if (min.has)
		thrift_bytes(t, 6, min.b, min.n);
	if (max.has)
		thrift_bool(t, 7, max.exact);
	if (min.has)
		thrift_bool(t, 8, min.exact);
	thrift_end(t);
}

static void
page_count(struct thrift_out *t, int type, int encoding, uint32_t n)
{
	thrift_item_begin(t);
	thrift_i32(t, 1, type);
	thrift_i32(t, 2, encoding);
	thrift_i32(t, 3, (int32_t)n);
	thrift_end(t);
}

void
footer_chunk(struct thrift_out *t, const struct pages *p, int64_t offset, int64_t dictionary_bytes)
{
	int dictionary = dictionary_bytes > 0, plain = p->n_plain_pages > 0 || dictionary;

	thrift_item_begin(t);
	thrift_i64(t, 2, offset);
	thrift_begin(t, 3);
	thrift_i32(t, 1, p->leaf->physical);
	thrift_list(t, 2, THRIFT_I32, (uint32_t)(plain + 1 + dictionary));
	if (plain)
		thrift_item_i32(t, ENCODING_PLAIN);
	thrift_item_i32(t, ENCODING_RLE);
	if (dictionary)
		thrift_item_i32(t, ENCODING_RLE_DICTIONARY);
	path(t, 3, p->leaf);
	thrift_i32(t, 4, p->codec);
	thrift_i64(t, 5, p->all_levels);
	thrift_i64(t, 6, (int64_t)p->uncompressed);
	thrift_i64(t, 7, dictionary_bytes + (int64_t)p->done.n);
	thrift_i64(t, 9, offset + dictionary_bytes);
	if (dictionary)
		thrift_i64(t, 11, offset);
	statistics(t, 12, p);
	thrift_list(t, 13, THRIFT_STRUCT, (uint32_t)(dictionary * 2 + (p->n_plain_pages > 0)));
	if (dictionary) {
		page_count(t, PAGE_DICTIONARY, ENCODING_PLAIN, 1);
		page_count(t, PAGE_DATA, ENCODING_RLE_DICTIONARY, p->n_dictionary_pages);
	}
	if (p->n_plain_pages)
		page_count(t, PAGE_DATA, ENCODING_PLAIN, p->n_plain_pages);
	thrift_end(t);
	thrift_end(t);
}

void
footer_orders(struct thrift_out *t, int id, uint32_t n_leaves)
{
	thrift_list(t, id, THRIFT_STRUCT, n_leaves);
	for (uint32_t i = 0; i < n_leaves; i++) {
		thrift_item_begin(t);
		empty_struct(t, 1);
		thrift_end(t);
	}
}

void
footer_pairs(struct thrift_out *t, int id, const struct parquet_pair *pair, uint32_t n)
{
	if (!n)
		return;
	thrift_list(t, id, THRIFT_STRUCT, n);
	for (uint32_t i = 0; i < n; i++) {
		thrift_item_begin(t);
		thrift_text(t, 1, pair[i].key);
		thrift_text(t, 2, pair[i].value);
		thrift_end(t);
	}
}
