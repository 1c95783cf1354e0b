/* Partition specs: JSON, the command line's text, paths of partitions. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transform.h"
#include "weir.h"

#define NAME_BYTES	1024

struct spec *
spec_new(void)
{
	return calloc(1, sizeof(struct spec));
}

void
spec_free(struct spec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->field[i].name);
		free(s->field[i].text);
	}
	free(s->field);
	free(s);
}

static int
add(struct spec *s, int32_t source_id, int32_t field_id, const char *name, const char *text, struct fail *f)
{
	struct spec_field *p = realloc(s->field, (s->n + 1) * sizeof *p);

	if (p) {
		s->field = p;
		p += s->n;
		*p = (struct spec_field){ source_id, field_id, { 0 }, strdup(name), strdup(text) };
		s->n++;
	}
	if (!p || !p->name || !p->text)
		return fail(f, WEIR_EAGAIN, "no memory for a partition spec");
	if (transform_parse(text, &p->transform) < 0)
		return fail(f, WEIR_ECONFIG, "partition field %s: '%s' is no transform", name, text);
	return 0;
}

struct spec *
spec_dup(const struct spec *s)
{
	struct spec *d = spec_new();
	struct fail f;

	for (size_t i = 0; d && i < s->n; i++)
		if (add(d, s->field[i].source_id, s->field[i].field_id, s->field[i].name, s->field[i].text, &f) < 0) {
			spec_free(d);
			return NULL;
		}
	if (d)
		d->id = s->id;
	return d;
}

int
spec_parse(const json_t *json, struct spec **out, struct fail *f)
{
	const json_t *fields = json_is_array(json) ? json : json_object_get(json, "fields"), *o;
	struct spec *s;
	size_t i;
	int e = 0;

	if (!json_is_array(fields))
		return fail(f, WEIR_ECONFIG, "partition spec: no \"fields\"");
	if (!(s = spec_new()))
		return fail(f, WEIR_EAGAIN, "no memory for a partition spec");
	s->id = (int32_t)json_integer_value(json_object_get(json, "spec-id"));
	json_array_foreach(fields, i, o) {
		const char *name = json_string_value(json_object_get(o, "name")), *text = json_string_value(json_object_get(o, "transform"));
		const json_t *source = json_object_get(o, "source-id"), *id = json_object_get(o, "field-id");

		if (!source)		/* v3's multi-argument form with one argument */
			source = json_array_get(json_object_get(o, "source-ids"), 0);
		if (!name || !text || !json_is_integer(source) || i >= SPEC_MAX_FIELDS)
			e = fail(f, WEIR_ECONFIG, "partition spec %d: field %zu lacks name, transform or source-id, or is one too many", s->id, i);
		else		/* v1 numbers them by position */
			e = add(s, (int32_t)json_integer_value(source), id ? (int32_t)json_integer_value(id) : SPEC_FIRST_ID + (int32_t)i, name, text, f);
		if (e < 0) {
			spec_free(s);
			return e;
		}
	}
	*out = s;
	return 0;
}

json_t *
spec_fields_json(const struct spec *s)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < s->n; i++)
		if (json_array_append_new(a, json_pack("{s:s, s:s, s:i, s:i}", "name", s->field[i].name, "transform", s->field[i].text,
		    "source-id", s->field[i].source_id, "field-id", s->field[i].field_id)) < 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

json_t *
spec_json(const struct spec *s)
{
	return json_pack("{s:i, s:o}", "spec-id", s->id, "fields", spec_fields_json(s));
}

int
spec_same(const struct spec *a, const struct spec *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (a->field[i].source_id != b->field[i].source_id || strcmp(a->field[i].name, b->field[i].name) ||
		    strcmp(a->field[i].text, b->field[i].text))
			return 0;
	return 1;
}

/* ---------------------------------------------------------------- from the command line */

/* One item, "bucket(16,user.id) as b", blanks at both ends gone. */
static int
add_item(struct spec *s, const char *item, const struct schema *schema, struct fail *f)
{
	static const char *const suffix[] = { "", "_bucket", "_trunc", "_year", "_month", "_day", "_hour", "_null" };
	char verb[16], path[NAME_BYTES], as[NAME_BYTES] = "", text[48], name[NAME_BYTES + 16], type[SCHEMA_TYPE_SIZE];
	struct transform t = { .kind = TRANSFORM_IDENTITY };
	const struct schema_field *source;
	struct schema_field result;
	int end = 0, arg = 0, e;

	if (strlen(item) >= NAME_BYTES)
		return fail(f, WEIR_EUSAGE, "--partition: '%.40s...' is too long", item);
	if ((sscanf(item, "%15[a-z] ( %9d , %1023[^()] ) %n", verb, &arg, path, &end) == 3 && end) ||
	    (end = arg = 0, sscanf(item, "%15[a-z] ( %1023[^()] ) %n", verb, path, &end) == 2 && end))
		snprintf(text, sizeof text, arg ? "%s[%d]" : "%s", verb, arg);
	else {
		end = 0;
		strcpy(text, "identity");
		if (sscanf(item, "%1023[^() ] %n", path, &end) != 1 || !end)
			return fail(f, WEIR_EUSAGE, "--partition: cannot read '%s': give a column, or bucket(16,column), truncate(10,column), "
			    "year, month, day, hour(column)", item);
	}
	for (size_t n = strlen(path); n && isspace((unsigned char)path[n - 1]); )
		path[--n] = '\0';
	if (item[end] && (sscanf(item + end, "as %1023s %n", as, &e) != 1))
		return fail(f, WEIR_EUSAGE, "--partition: cannot read '%s' behind '%.*s'", item + end, end, item);
	if (transform_parse(text, &t) < 0 || t.kind == TRANSFORM_OTHER)
		return fail(f, WEIR_EUSAGE, "--partition: '%s' is no transform: say bucket(N,c), truncate(N,c), year(c), month(c), day(c), hour(c) "
		    "or the column alone", item);
	if (!(source = schema_by_path(schema, path)))
		return fail(f, WEIR_ECONFIG, "--partition: the table has no column %s", path);
	if (transform_type(&t, source, &result) < 0)
		return fail(f, WEIR_ECONFIG, "--partition: %s does not fit column %s of type %s", text, path, schema_type_text(source, type));
	snprintf(name, sizeof name, "%s%s", path, suffix[t.kind]);
	for (char *c = name; *c; c++)		/* engines differ about dots in names of partition fields */
		if (*c == '.')
			*c = '_';
	if (*as)
		snprintf(name, sizeof name, "%s", as);
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->field[i].name, name) == 0)
			return fail(f, WEIR_EUSAGE, "--partition: two partition fields are named %s; name one with 'as'", name);
	return add(s, source->id, SPEC_FIRST_ID + (int32_t)s->n, name, text, f);
}

int
spec_from_text(const char *text, const struct schema *schema, struct spec **out, struct fail *f)
{
	struct spec *s = spec_new();
	char *copy = strdup(text), *p, *item;
	int e = 0, depth, last;

	if (!s || !copy) {
		e = fail(f, WEIR_EAGAIN, "no memory for a partition spec");
		goto out;
	}
	for (p = copy; !e && *p; ) {
		for (; isspace((unsigned char)*p); p++)
			;
		for (item = p, depth = 0; *p && (*p != ',' || depth); p++)
			depth += (*p == '(') - (*p == ')');
		last = !*p;
		*p = '\0';
		if (s->n == SPEC_MAX_FIELDS)
			e = fail(f, WEIR_EUSAGE, "--partition: more than %d fields", SPEC_MAX_FIELDS);
		else
			e = add_item(s, item, schema, f);
		p += !last;
	}
	if (!e && !s->n)
		e = fail(f, WEIR_EUSAGE, "--partition is empty");
out:
	free(copy);
	if (e < 0)
		spec_free(s);
	else
		*out = s;
	return e;
}

/* ---------------------------------------------------------------- paths */

/* As java.net.URLEncoder, which Iceberg's Java uses. */
static int
encode(const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		int e = (c < 128 && isalnum(c)) || c == '-' || c == '_' || c == '.' || c == '*' ? buf_putc(out, (char)c) :
		    c == ' ' ? buf_putc(out, '+') : buf_printf(out, "%%%02X", c);

		if (e < 0)
			return -1;
	}
	return 0;
}

int
spec_path(const struct spec *s, const struct schema *schema, const struct datum *tuple, struct buf *out)
{
	struct buf human = { 0 };
	int e = 0;

	for (size_t i = 0; !e && i < s->n; i++) {
		const struct schema_field *source = schema_by_id(schema, s->field[i].source_id);

		human.n = 0;
		if (!source || transform_human(&s->field[i].transform, source, &tuple[i], &human) < 0 || (i && buf_putc(out, '/') < 0) ||
		    encode(s->field[i].name, strlen(s->field[i].name), out) < 0 || buf_putc(out, '=') < 0 || encode(human.p, human.n, out) < 0)
			e = -1;
	}
	buf_free(&human);
	return e;
}
