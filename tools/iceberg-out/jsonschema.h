/*
 * jsonschema.h - a table's columns from a JSON Schema (2020-12, 7), or from an Iceberg schema, in a file.
 *
 *   integer -> long, number -> double, boolean, string (format date-time -> timestamptz, date, uuid; contentEncoding base64 ->
 *   binary), object with properties -> struct, object of one kind of values -> map, array of one kind -> list
 *   "null" among the types, or not in "required" -> optional
 *   what has no one type (any, mixed, open objects) -> a string with the value's JSON text
 *
 * $ref inside the file, allOf of objects, anyOf and oneOf with null are followed.
 */
#ifndef JSONSCHEMA_H
#define JSONSCHEMA_H

#include "schema.h"

/* Mark of a string column that takes any value as JSON text; kept as the column's doc. */
#define JSONSCHEMA_ANY	"JSON text of any value"

/* notes: one line, without newline, for each column that became JSON text; ends with '\n' each. */
int	jsonschema_read(const char *text, size_t n, const char *file, struct schema **, struct buf *notes, struct fail *);

#endif
