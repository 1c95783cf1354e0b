/*
 * iceberg_table DIR - a small Iceberg table whose every visible value is known, for the e2e cases of iceberg-in.
 *
 * DIR/catalog.db lists db.orders(id long, region string, at timestamptz, amount decimal(10,2)), partitioned by region: snapshot 101
 * of 2026-01-01T00:00:00Z added five rows of eu, 102 a day later five of us.  db.empty has no snapshot.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "plan.h"
#include "write.h"

#define ROWS		5
#define DAY_MS		INT64_C(86400000)
#define FIRST_MS	INT64_C(1767225600000)		/* 2026-01-01T00:00:00Z */

static struct fail why;

static void
must(int e)
{
	if (e < 0) {
		fprintf(stderr, "iceberg_table: %s\n", why.text);
		exit(1);
	}
}

static int
to_file(void *arg, const void *p, size_t n, struct fail *f)
{
	(void)f;
	return fwrite(p, 1, n, arg) == n ? 0 : -1;
}

/* Rows first .. first + 4; the last has neither time nor amount. */
static int64_t
write_rows(const char *path, const char *region, int64_t first)
{
	struct parquet_column child[] = { { .name = "id", .field_id = 1, .type = COLUMN_LONG, .required = 1 },
		{ .name = "region", .field_id = 2, .type = COLUMN_STRING }, { .name = "at", .field_id = 3, .type = COLUMN_TIMESTAMPTZ },
		{ .name = "amount", .field_id = 4, .type = COLUMN_DECIMAL, .precision = 10, .scale = 2 } };
	struct parquet_column root = { .name = "table", .kind = COLUMN_STRUCT, .required = 1, .n_children = 4, .child = child };
	static const uint8_t all[ROWS] = { 1, 1, 1, 1, 1 }, but_last[ROWS] = { 1, 1, 1, 1, 0 };
	struct parquet_bytes text[ROWS];
	int64_t id[ROWS], at[ROWS], amount[ROWS];
	struct parquet_values v[] = { { .n_levels = ROWS, .n_values = ROWS, .i64 = id }, { .n_levels = ROWS, .n_values = ROWS, .def = all, .bytes = text },
		{ .n_levels = ROWS, .n_values = ROWS - 1, .def = but_last, .i64 = at }, { .n_levels = ROWS, .n_values = ROWS - 1, .def = but_last, .i64 = amount } };
	struct parquet_options options = { 0 };
	struct parquet_sink sink = { .write = to_file };
	struct parquet_writer *w;
	struct parquet_result result;
	uint32_t taken;
	int64_t bytes;

	for (int i = 0; i < ROWS; i++) {
		id[i] = first + i;
		text[i] = (struct parquet_bytes){ region, (uint32_t)strlen(region) };
		at[i] = (FIRST_MS + i * DAY_MS) * 1000 + i;
		amount[i] = (first + i) * 100 + 50;
	}
	must(column_layout(&root, &why));
	if (!(sink.arg = fopen(path, "w")) || !(w = parquet_writer_new(&root, &options, &sink, &why)))
		exit(1);
	must(parquet_writer_append(w, v, ROWS, &taken, &why));
	must(parquet_writer_finish(w, &result, &why));
	bytes = result.file_size;
	parquet_writer_free(w);
	if (fclose(sink.arg))
		exit(1);
	return bytes;
}

static void
append(struct table *t, const char *dir, const char *region, int64_t first, int64_t snapshot, int64_t now_ms)
{
	struct datum partition = { .s = { region, strlen(region) } };
	struct manifest_file file = { .status = MANIFEST_ADDED, .snapshot_id = -1, .sequence = -1, .file_sequence = -1, .format = "PARQUET",
		.records = ROWS, .n_partition = 1, .partition = &partition, .sort_order = -1, .content_at = -1, .content_bytes = -1, .first_row_id = -1 };
	struct commit c = { .ref = "main", .snapshot_id = snapshot, .now_ms = now_ms, .spec = metadata_spec(t->meta, -1), .file = &file, .n_files = 1 };
	char path[4096];

	snprintf(path, sizeof path, "%s/%s.parquet", dir, region);
	file.path = path;
	file.bytes = write_rows(path, region, first);
	must(commit_append(t, &c, &why));
}

int
main(int argc, char **argv)
{
	struct schema *s = schema_new();
	struct schema_field *amount;
	struct commit_table create = { .name = "db.orders", .now_ms = FIRST_MS - 1000 };
	struct catalog *catalog;
	struct table *t;
	struct spec *spec;
	char uri[4096];
	int32_t last = 0;

	if (argc != 2 || !s)
		return 1;
	snprintf(uri, sizeof uri, "sqlite:%s/catalog.db", argv[1]);
	must(catalog_open(uri, NULL, 1, &catalog, &why));
	if (!schema_add(&s->root, "id", SCHEMA_LONG, 1) || !schema_add(&s->root, "region", SCHEMA_STRING, 0) ||
	    !schema_add(&s->root, "at", SCHEMA_TIMESTAMPTZ, 0) || !(amount = schema_add(&s->root, "amount", SCHEMA_DECIMAL, 0)))
		return 1;
	amount->precision = 10;
	amount->scale = 2;
	must(schema_number(s, &last, &why));
	must(spec_from_text("region", s, &spec, &why));
	create.schema = s;
	create.last_column_id = last;
	create.spec = spec;
	must(commit_create(catalog, &create, &why));
	must(table_load(catalog, create.name, &t, &why));
	append(t, argv[1], "eu", 1, 101, FIRST_MS);
	append(t, argv[1], "us", 6, 102, FIRST_MS + DAY_MS);
	table_free(t);
	create.name = "db.empty";
	must(commit_create(catalog, &create, &why));
	spec_free(spec);
	schema_free(s);
	catalog_close(catalog);
	return 0;
}
