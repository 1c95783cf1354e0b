#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema_int.h"
#include "weir.h"

/* The API's name first, then SQL's. */
static const struct {
	const char	*name;
	uint8_t		 type;
} types[] = {
	{ "STRING", SCHEMA_STRING }, { "BYTES", SCHEMA_BYTES }, { "INTEGER", SCHEMA_INTEGER }, { "INT64", SCHEMA_INTEGER },
	{ "FLOAT", SCHEMA_FLOAT }, { "FLOAT64", SCHEMA_FLOAT }, { "BOOLEAN", SCHEMA_BOOLEAN }, { "BOOL", SCHEMA_BOOLEAN },
	{ "NUMERIC", SCHEMA_NUMERIC }, { "DECIMAL", SCHEMA_NUMERIC }, { "BIGNUMERIC", SCHEMA_BIGNUMERIC }, { "BIGDECIMAL", SCHEMA_BIGNUMERIC },
	{ "TIMESTAMP", SCHEMA_TIMESTAMP }, { "DATE", SCHEMA_DATE }, { "TIME", SCHEMA_TIME }, { "DATETIME", SCHEMA_DATETIME },
	{ "GEOGRAPHY", SCHEMA_GEOGRAPHY }, { "JSON", SCHEMA_JSON }, { "INTERVAL", SCHEMA_INTERVAL }, { "RANGE", SCHEMA_RANGE },
	{ "RECORD", SCHEMA_RECORD }, { "STRUCT", SCHEMA_RECORD },
};
#define N_TYPES	(sizeof types / sizeof *types)

static const char *const modes[] = { "NULLABLE", "REQUIRED", "REPEATED" };

static const char *
type_name(unsigned type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

const char *
schema_type_text(const struct schema_field *f, char text[SCHEMA_TYPE_SIZE])
{
	const char *name = type_name(f->type);

	if (f->type == SCHEMA_RANGE)
		snprintf(text, SCHEMA_TYPE_SIZE, "RANGE<%s>", type_name(f->element));
	else if (f->precision && f->scale)
		snprintf(text, SCHEMA_TYPE_SIZE, "%s(%u, %u)", name, f->precision, f->scale);
	else if (f->precision || f->fraction)
		snprintf(text, SCHEMA_TYPE_SIZE, "%s(%u)", name, f->precision ? f->precision : f->fraction);
	else if (f->max_length)
		snprintf(text, SCHEMA_TYPE_SIZE, "%s(%" PRId64 ")", name, f->max_length);
	else
		snprintf(text, SCHEMA_TYPE_SIZE, "%s", name);
	return text;
}

const char *
schema_mode_text(const struct schema_field *f)
{
	return modes[f->mode];
}

const struct schema_field *
schema_find(const struct schema_field *f, size_t n_fields, const char *name, size_t n)
{
	for (size_t i = 0; i < n_fields; i++)
		if (!strncasecmp(f[i].name, name, n) && !f[i].name[n])
			return &f[i];
	return NULL;
}

/* ---------------------------------------------------------------- names */

#define PREFIX(p)	{ p, "begins with " p ", which BigQuery keeps for itself" }

const char *
schema_name_problem(const char *name, size_t n)
{
	static const char *const marks = " _-&%=+:'<>#|";
	static const struct {
		const char	*prefix, *why;
	} reserved[] = {
		PREFIX("_TABLE_"), PREFIX("_FILE_"), PREFIX("_PARTITION"), PREFIX("_ROW_TIMESTAMP"), PREFIX("__ROOT__"), PREFIX("_COLIDENTIFIER"),
		PREFIX("_CHANGE_SEQUENCE_NUMBER"), PREFIX("_CHANGE_TYPE"), PREFIX("_CHANGE_TIMESTAMP"),
	};
	size_t chars = 0;

	if (!n)
		return "is empty";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		int letter = (unsigned char)((c | 32) - 'a') < 26 || (unsigned char)(c - '0') < 10 || c >= 0x80;

		chars += (c & 0xc0) != 0x80;
		if (!letter && (!c || !strchr(marks, c)))
			return "has a character that BigQuery does not allow: only letters, digits, blanks and _ - & % = + : ' < > # |";
	}
	if (chars > SCHEMA_NAME_CHARS)
		return "is longer than 300 characters";
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (n >= strlen(reserved[i].prefix) && !strncasecmp(name, reserved[i].prefix, strlen(reserved[i].prefix)))
			return reserved[i].why;
	return NULL;
}

/* ---------------------------------------------------------------- making fields */

int
schema_no_memory(struct schema_maker *m)
{
	return fail(m->fail, WEIR_EAGAIN, "no memory for the schema of %s", m->whose);
}

size_t
schema_enter(struct schema_maker *m, const char *name)
{
	size_t mark = strlen(m->path);

	snprintf(m->path + mark, sizeof m->path - mark, "%s%s", mark ? "." : "", name);
	return mark;
}

void
schema_leave(struct schema_maker *m, size_t mark)
{
	m->path[mark] = '\0';
}

void
schema_fields_free(struct schema_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].name);
		json_decref(f[i].doc);
		schema_fields_free(f[i].field, f[i].n);
	}
	free(f);
}

void
schema_free(struct schema *s)
{
	if (!s)
		return;
	schema_fields_free(s->field, s->n);
	free(s);
}

/* m->path is the column's own by now. */
static int
check_new(struct schema_maker *m, const struct schema_field *list, size_t n, const char *name, unsigned depth)
{
	const char *why = schema_name_problem(name, strlen(name));
	const struct schema_field *twin = schema_find(list, n, name, strlen(name));

	if (why)
		return fail(m->fail, WEIR_ECONFIG, "%s: the name of column \"%s\" %s: give it another name, in the events too", m->whose,
		    m->path, why);
	if (twin)
		return fail(m->fail, WEIR_ECONFIG, "%s: columns \"%s\" and \"%s\" are one to BigQuery, which does not look at the case: "
		    "rename one of them", m->whose, twin->name, m->path);
	if (depth > SCHEMA_MAX_DEPTH)
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" is nested in more than %d records, which BigQuery does not allow: make "
		    "an outer one a JSON column", m->whose, m->path, SCHEMA_MAX_DEPTH);
	if (++m->n_columns > SCHEMA_MAX_COLUMNS)
		return fail(m->fail, WEIR_ECONFIG, "%s: more than %d columns, which BigQuery does not allow: make records of many fields JSON "
		    "columns", m->whose, SCHEMA_MAX_COLUMNS);
	return 0;
}

int
schema_add(struct schema_maker *m, struct schema_field **list, size_t *n, const char *name, unsigned depth, struct schema_field **out)
{
	struct schema_field *f;
	int e;

	if ((e = check_new(m, *list, *n, name, depth)) < 0)
		return e;
	if (!(*n & (*n - 1))) {		/* full: room is a power of two */
		if (!(f = realloc(*list, (*n ? *n * 2 : 1) * sizeof *f)))
			return schema_no_memory(m);
		*list = f;
	}
	f = &(*list)[*n];
	memset(f, 0, sizeof *f);
	if (!(f->name = strdup(name)) || !(f->doc = json_pack("{s:s}", "name", name))) {
		free(f->name);
		return schema_no_memory(m);
	}
	++*n;
	*out = f;
	return 0;
}

/* ---------------------------------------------------------------- TableFieldSchema */

/* A member that is a count, as a number or as the API's string with one; 0 where there is none. */
static int
count_of(struct schema_maker *m, const json_t *doc, const char *name, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(doc, name);
	const char *text = json_string_value(v);
	char *end = NULL;

	*out = 0;
	if (!v || json_is_null(v))
		return 0;
	*out = json_is_integer(v) ? json_integer_value(v) : text && *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
	if (*out < 0 || *out > max || (end && *end))
		return fail(m->fail, WEIR_ECONFIG, "%s: %s of column \"%s\" must be a number up to %" PRId64, m->whose, name, m->path, max);
	return 0;
}

/* Rules of TableFieldSchema's precision, scale, maxLength and timestampPrecision. */
static int
parameters(struct schema_maker *m, struct schema_field *f)
{
	int64_t precision, scale, fraction;
	int big = f->type == SCHEMA_BIGNUMERIC, exact = big || f->type == SCHEMA_NUMERIC;
	int text = f->type == SCHEMA_STRING || f->type == SCHEMA_BYTES, e;

	if ((e = count_of(m, f->doc, "precision", big ? 76 : 38, &precision)) < 0 ||
	    (e = count_of(m, f->doc, "scale", big ? 38 : 9, &scale)) < 0 ||
	    (e = count_of(m, f->doc, "maxLength", INT64_MAX, &f->max_length)) < 0 ||
	    (e = count_of(m, f->doc, "timestampPrecision", 12, &fraction)) < 0)
		return e;
	if ((!exact && (precision || scale)) || (!text && f->max_length) || (f->type != SCHEMA_TIMESTAMP && fraction))
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" has a parameter that %s does not take (precision and scale are of NUMERIC and "
		    "BIGNUMERIC, maxLength of STRING and BYTES, timestampPrecision of TIMESTAMP)", m->whose, m->path, type_name(f->type));
	if (scale && !precision)
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" has a scale without a precision", m->whose, m->path);
	if (precision && (precision < scale || precision > scale + (big ? 38 : 29)))
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\": %s allows at most %d digits before the point, and no precision below "
		    "the scale", m->whose, m->path, type_name(f->type), big ? 38 : 29);
	if (fraction && fraction != 6 && fraction != 12)
		return fail(m->fail, WEIR_ECONFIG, "%s: timestampPrecision of column \"%s\" must be 6 or 12", m->whose, m->path);
	f->precision = (uint8_t)precision;
	f->scale = (uint8_t)scale;
	f->fraction = (uint8_t)fraction;
	return 0;
}

/* The type that a text names, or -1. */
static int
type_by_name(const char *text)
{
	for (size_t i = 0; text && i < N_TYPES; i++)
		if (!strcasecmp(types[i].name, text))
			return types[i].type;
	return -1;
}

static int
type_and_mode(struct schema_maker *m, struct schema_field *f)
{
	const char *type = json_string_value(json_object_get(f->doc, "type")), *mode = json_string_value(json_object_get(f->doc, "mode"));
	int t = type_by_name(type), element = 0;

	if (t < 0)
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" %s%s: use STRING, BYTES, INTEGER, FLOAT, BOOLEAN, NUMERIC, BIGNUMERIC, "
		    "TIMESTAMP, DATE, TIME, DATETIME, GEOGRAPHY, JSON, INTERVAL, RANGE or RECORD", m->whose, m->path,
		    type ? "has an unknown type " : "has no type", type ? type : "");
	if (t == SCHEMA_RANGE) {
		element = type_by_name(json_string_value(json_object_get(json_object_get(f->doc, "rangeElementType"), "type")));
		if (element != SCHEMA_DATE && element != SCHEMA_DATETIME && element != SCHEMA_TIMESTAMP)
			return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" is a RANGE, so its rangeElementType must be {\"type\": \"DATE\"}, "
			    "DATETIME or TIMESTAMP", m->whose, m->path);
	}
	f->type = (uint8_t)t;
	f->element = (uint8_t)element;
	if (!mode)
		return parameters(m, f);
	for (f->mode = 0; strcasecmp(modes[f->mode], mode); f->mode++)
		if (f->mode == SCHEMA_REPEATED)
			return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" has the mode %s: use NULLABLE, REQUIRED or REPEATED", m->whose,
			    m->path, mode);
	return parameters(m, f);
}

static int
one_field(struct schema_maker *m, const json_t *doc, struct schema_field **list, size_t *n, unsigned depth)
{
	const json_t *below = json_object_get(doc, "fields");
	const char *name = json_string_value(json_object_get(doc, "name"));
	struct schema_field *f;
	size_t mark;
	int e;

	if (!name)
		return fail(m->fail, WEIR_ECONFIG, "%s: a field of %s%s is no column: write {\"name\": ..., \"type\": ...}", m->whose,
		    *m->path ? m->path : "the table", json_is_object(doc) ? " without a name" : "");
	mark = schema_enter(m, name);
	if ((e = schema_add(m, list, n, name, depth, &f)) < 0)
		return e;
	json_decref(f->doc);
	if (!(f->doc = json_copy((json_t *)(uintptr_t)doc)))
		return schema_no_memory(m);
	json_object_del(f->doc, "fields");
	if ((e = type_and_mode(m, f)) < 0)
		return e;
	if (f->type == SCHEMA_RECORD ? !json_array_size(below) : json_array_size(below) > 0)
		return fail(m->fail, WEIR_ECONFIG, "%s: column \"%s\" is %s", m->whose, m->path, f->type == SCHEMA_RECORD ?
		    "a RECORD without fields" : "no RECORD, but has fields");
	if (f->type == SCHEMA_RECORD && (e = schema_fields(m, below, &f->field, &f->n, depth + 1)) < 0)
		return e;
	schema_leave(m, mark);
	return 0;
}

int
schema_fields(struct schema_maker *m, const json_t *fields, struct schema_field **list, size_t *n, unsigned depth)
{
	const json_t *doc;
	size_t i;
	int e;

	json_array_foreach(fields, i, doc)
		if ((e = one_field(m, doc, list, n, depth)) < 0)
			return e;
	return 0;
}

/* Of a document: an array of fields, or a JSON Schema. */
static int
make(struct schema_maker *m, const json_t *doc, struct schema **out, struct buf *notes)
{
	struct schema *s = calloc(1, sizeof *s);
	int e;

	if (!s)
		return schema_no_memory(m);
	e = json_is_array(doc) ? schema_fields(m, doc, &s->field, &s->n, 0) : schema_from_jsonschema(m, doc, s, notes);
	if (e == 0 && !s->n)
		e = fail(m->fail, WEIR_ECONFIG, "%s has no columns: a table needs one", m->whose);
	if (e < 0) {
		schema_free(s);
		return e;
	}
	*out = s;
	return 0;
}

int
schema_of_table(const json_t *fields, const char *whose, struct schema **out, struct fail *f)
{
	struct schema_maker m = { .whose = whose, .fail = f };

	if (!json_is_array(fields))
		return fail(f, WEIR_ECONFIG, "%s has no columns: give it a schema, with --schema FILE --create", whose);
	return make(&m, fields, out, NULL);
}

int
schema_read(const char *text, size_t n, const char *file, struct schema **out, struct buf *notes, struct fail *f)
{
	struct schema_maker m = { .whose = file, .fail = f };
	json_error_t why;
	json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	const json_t *fields = json_object_get(json, "fields");
	int e;

	if (!json)
		return fail(f, WEIR_ECONFIG, "%s, line %d, column %d: %s", file, why.line, why.column, why.text);
	e = make(&m, json_is_array(fields) ? fields : json, out, notes);
	json_decref(json);
	return e;
}

/* ---------------------------------------------------------------- and back */

static json_t *
write_fields(const struct schema_field *f, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		json_t *doc = json_copy(f[i].doc), *below = NULL;
		int bad = !doc || json_object_set_new(doc, "type", json_string(type_name(f[i].type))) < 0;

		if (!bad && (f[i].mode || json_object_get(doc, "mode")))
			bad = json_object_set_new(doc, "mode", json_string(modes[f[i].mode])) < 0;
		if (!bad && f[i].type == SCHEMA_RECORD)
			bad = !(below = write_fields(f[i].field, f[i].n)) || json_object_set_new(doc, "fields", below) < 0;
		if (bad || json_array_append_new(list, doc) < 0) {
			if (bad)
				json_decref(doc);
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

int
schema_write(const struct schema *s, json_t **fields, struct fail *f)
{
	return (*fields = write_fields(s->field, s->n)) ? 0 : fail(f, WEIR_EAGAIN, "no memory for the table's schema");
}
