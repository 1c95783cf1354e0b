/*
 * schema.h - the columns of a BigQuery table.
 *
 * A tree of fields as the REST API has it (TableFieldSchema of tables.get and of a load job).  Whatever else a document says about a
 * field (description, policyTags, defaultValueExpression, collation, ...) stays with it and is written back.
 *
 * Names (cloud.google.com/bigquery/docs/schemas, "Column names", "Flexible column names"): letters, digits, marks, connectors and dashes
 * of any language, blanks and & % = + : ' < > # |, at most 300 characters; none of the reserved prefixes; no two in one record that
 * differ only in case.  Of ASCII each character is checked; which others are letters is left to BigQuery.
 * At most 15 levels of records and 10,000 columns, each field of a record counted.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "buf.h"
#include "fail.h"

#define SCHEMA_NAME_CHARS	300
#define SCHEMA_MAX_DEPTH	15	/* records in records, the table itself not counted */
#define SCHEMA_MAX_COLUMNS	10000

enum schema_type {
	SCHEMA_STRING, SCHEMA_BYTES, SCHEMA_INTEGER, SCHEMA_FLOAT, SCHEMA_BOOLEAN, SCHEMA_NUMERIC, SCHEMA_BIGNUMERIC, SCHEMA_TIMESTAMP,
	SCHEMA_DATE, SCHEMA_TIME, SCHEMA_DATETIME, SCHEMA_GEOGRAPHY, SCHEMA_JSON, SCHEMA_INTERVAL, SCHEMA_RANGE, SCHEMA_RECORD
};

enum schema_mode { SCHEMA_NULLABLE, SCHEMA_REQUIRED, SCHEMA_REPEATED };

struct schema_field {
	char			*name;
	uint8_t			 type;		/* enum schema_type */
	uint8_t			 mode;		/* enum schema_mode */
	uint8_t			 element;	/* RANGE: enum schema_type of its ends */
	uint8_t			 precision;	/* NUMERIC(P,S), BIGNUMERIC(P,S); 0: not said */
	uint8_t			 scale;
	uint8_t			 fraction;	/* TIMESTAMP: digits of a second (timestampPrecision), 6 or 12; 0: not said, so 6 */
	int64_t			 max_length;	/* STRING: characters, BYTES: bytes; 0: any */
	json_t			*doc;		/* the field as its document has it, without `fields` */
	size_t			 n;
	struct schema_field	*field;		/* RECORD */
};

struct schema {
	size_t			 n;
	struct schema_field	*field;
};

/*
 * A file: BigQuery's JSON ([{"name": ...}, ...] or {"fields": [...]}, as `bq show --schema` prints it) or a JSON Schema (2020-12, 7):
 *
 *   integer -> INTEGER, number -> FLOAT, boolean -> BOOLEAN, string -> STRING (format date-time -> TIMESTAMP, date -> DATE, time ->
 *   TIME, which takes no zone; contentEncoding base64 -> BYTES; maxLength is not taken over), object with properties ->
 *   RECORD, array of one kind -> REPEATED
 *   in "required" and without "null" among the types -> REQUIRED, else NULLABLE
 *   anything else (any, mixed, open objects, arrays of arrays or with nulls in them) -> JSON
 *
 * $ref inside the file, allOf of objects, anyOf and oneOf with null are followed.  notes: a line, '\n' included, for each column that
 * became JSON for want of one type.  n bytes of text, `file` is its name in messages.
 */
int	schema_read(const char *text, size_t n, const char *file, struct schema **, struct buf *notes, struct fail *);

/* From an array of TableFieldSchema; `whose` is its name in messages. */
int	schema_of_table(const json_t *fields, const char *whose, struct schema **, struct fail *);

/* A new array of TableFieldSchema; the types and modes of fields that a file wrote with other names (INT64, STRUCT, ...) are the API's. */
int	schema_write(const struct schema *, json_t **fields, struct fail *);

void	schema_free(struct schema *);

/*
 * What a load with schemaUpdateOptions would make of a table.  *merged: all columns of the table in its order, then those that only
 * `wanted` has (add: new columns, NULLABLE or REPEATED, also in records), REQUIRED relaxed to NULLABLE where `wanted` says so (relax).
 * *changed: merged is not the table's.  A column that `wanted` leaves out stays as it is.
 * A type, a parameter that `wanted` names (precision, scale, maxLength, ...) or a mode that differs otherwise is WEIR_ECONFIG with the
 * column's path, both sides and the remedy; so is a REQUIRED column of the table that `wanted` does not have.
 */
int	schema_compare(const struct schema *table, const struct schema *wanted, int add, int relax, struct schema **merged, int *changed,
	    struct fail *);

/* The field of that name, whatever its case (ASCII), or NULL. */
const struct schema_field *schema_find(const struct schema_field *, size_t n_fields, const char *name, size_t n);

/* Why BigQuery takes no column of this name, as the rest of a sentence, or NULL: it does. */
const char *schema_name_problem(const char *name, size_t n);

/* "INTEGER", "NUMERIC(10, 2)", "RANGE<DATE>"; and the mode's name. */
#define SCHEMA_TYPE_SIZE	48
const char *schema_type_text(const struct schema_field *, char text[SCHEMA_TYPE_SIZE]);
const char *schema_mode_text(const struct schema_field *);

#endif
