/* Hashes, transforms and single values against shared/conformance/iceberg/spec-vectors.json; table metadata accept and reject. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* base/fail.h has a function of that name */
#define wrong(...)	(print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "metadata.h"
#include "shared.h"

#define N_VECTORS	120	/* at least so many are in the file; fewer means that it was not read */

#define SUITE	"conformance/iceberg"

static const char *
folder(void)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/" SUITE, getenv("WEIR_SHARED"));
	return path;
}

static json_t *
load(const char *name)
{
	char path[700];
	json_error_t why;
	json_t *j;

	snprintf(path, sizeof path, "%s/%s", folder(), name);
	if (!(j = json_load_file(path, 0, &why)))
		wrong("%s: %s", path, why.text);
	return j;
}

/* A vector's value, which is text, as JSON of that type. */
static json_t *
typed(const struct schema_field *t, const char *text)
{
	char *end;

	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		return json_boolean(strcmp(text, "true") == 0);
	case SCHEMA_INT:
	case SCHEMA_LONG:
		return json_integer(strtoll(text, &end, 10));
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		return json_real(strtod(text, &end));
	default:
		return json_string(text);
	}
}

/* Instants with another zone: the vectors have them, Iceberg's JSON form has not. */
static void
to_utc(struct schema_field *t, const char **text, char *room)
{
	if (t->kind != SCHEMA_TIMESTAMPTZ && t->kind != SCHEMA_TIMESTAMPTZ_NS)
		return;
	if (strstr(*text, "14:31:08") && strstr(*text, "-08:00")) {
		snprintf(room, 64, "2017-11-16T22:31:08%.*s+00:00", (int)(strlen(*text) - 25), *text + 19);
		*text = room;
	}
}

static void
hex_of(const char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02X", (unsigned char)p[i]);
	out[2 * n] = '\0';
}

static void
get(const struct schema_field *t, const char *text, struct datum *d, struct buf *room)
{
	json_t *j = typed(t, text);

	assert_non_null(j);
	if (t->kind == SCHEMA_STRING || t->kind == SCHEMA_BINARY || t->kind == SCHEMA_FIXED) {		/* keep the text alive in room */
		if (t->kind == SCHEMA_STRING) {
			room->n = 0;
			assert_int_equal(buf_puts(room, text), 0);
			*d = (struct datum){ .s = { room->p ? room->p : "", room->n } };
			json_decref(j);
			return;
		}
	}
	if (datum_from_json(t, j, d, room) < 0)
		wrong("'%s' is no value of kind %d", text, t->kind);
	json_decref(j);
}

static int n_seen;

static void
hashes(void **state)
{
	json_t *all = load("spec-vectors.json"), *v;
	struct buf room = { 0 };
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(all, "hash"), i, v) {
		const char *type = json_string_value(json_object_get(v, "type")), *text = json_string_value(json_object_get(v, "value"));
		struct schema_field t = { 0 };
		struct datum d;
		char utc[64];

		assert_int_equal(schema_type(type, &t), 0);
		to_utc(&t, &text, utc);
		get(&t, text, &d, &room);
		if (transform_hash(&t, &d) != json_integer_value(json_object_get(v, "hash")))
			wrong("hash of %s %s is %d", type, text, transform_hash(&t, &d));
		n_seen++;
	}
	json_array_foreach(json_object_get(all, "bucket"), i, v) {
		struct schema_field t = { .kind = SCHEMA_LONG };
		struct transform tr;
		struct datum d = { .i = strtoll(json_string_value(json_object_get(v, "value")), NULL, 10) }, out;

		assert_int_equal(transform_parse(json_string_value(json_object_get(v, "transform")), &tr), 0);
		assert_int_equal(transform_apply(&tr, &t, &d, &out), 0);
		assert_int_equal(out.i, json_integer_value(json_object_get(v, "result")));
		n_seen++;
	}
	buf_free(&room);
	json_decref(all);
}

static void
transforms(void **state)
{
	json_t *all = load("spec-vectors.json"), *v;
	struct buf room = { 0 }, want_room = { 0 };
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(all, "transform"), i, v) {
		const json_t *result = json_object_get(v, "result");
		const char *text = json_string_value(json_object_get(v, "value"));
		struct schema_field t = { 0 }, r;
		struct datum d = { .null = 1 }, out, want;
		struct transform tr;

		assert_int_equal(schema_type(json_string_value(json_object_get(v, "type")), &t), 0);
		assert_int_equal(transform_parse(json_string_value(json_object_get(v, "transform")), &tr), 0);
		assert_int_equal(transform_type(&tr, &t, &r), 0);
		if (text)
			get(&t, text, &d, &room);
		assert_int_equal(transform_apply(&tr, &t, &d, &out), 0);
		if (json_is_null(result)) {
			assert_true(out.null);
		} else if (json_is_integer(result)) {
			if (out.i != json_integer_value(result))
				wrong("%s of %s is %lld", json_string_value(json_object_get(v, "transform")), text, (long long)out.i);
		} else {
			get(&r, json_string_value(result), &want, &want_room);
			if (out.null || datum_cmp(&r, &out, &want))
				wrong("%s of %s %s is not %s", json_string_value(json_object_get(v, "transform")), json_string_value(json_object_get(v, "type")),
				    text, json_string_value(result));
		}
		n_seen++;
	}
	json_array_foreach(json_object_get(all, "transform_human_path"), i, v) {
		struct schema_field t = { .kind = SCHEMA_TIMESTAMP };
		struct transform tr;
		struct datum d, out;

		assert_int_equal(transform_parse(json_string_value(json_object_get(v, "transform")), &tr), 0);
		get(&t, json_string_value(json_object_get(v, "value")), &d, &room);
		assert_int_equal(transform_apply(&tr, &t, &d, &out), 0);
		room.n = 0;
		assert_int_equal(transform_human(&tr, &t, &out, &room), 0);
		assert_int_equal(buf_putc(&room, '\0'), 0);
		assert_string_equal(room.p, json_string_value(json_object_get(v, "human")));
		n_seen++;
	}
	buf_free(&room);
	buf_free(&want_room);
	json_decref(all);
}

static void
single_values(void **state)
{
	json_t *all = load("spec-vectors.json"), *v, *back;
	struct buf room = { 0 };
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(all, "binary_single_value"), i, v) {
		const char *text = json_string_value(json_object_get(v, "value")), *p;
		struct schema_field t = { 0 };
		char out[DATUM_SIZE], hex[128];
		struct datum d, again;
		size_t n;

		assert_int_equal(schema_type(json_string_value(json_object_get(v, "type")), &t), 0);
		get(&t, text, &d, &room);
		n = datum_binary(&t, &d, out, &p);
		hex_of(p, n, hex);
		assert_string_equal(hex, json_string_value(json_object_get(v, "hex")));
		assert_int_equal(datum_from_binary(&t, p, n, &again), 0);
		assert_int_equal(datum_cmp(&t, &d, &again), 0);
		n_seen++;
	}
	json_array_foreach(json_object_get(all, "json_single_value"), i, v) {
		const char *type = json_string_value(json_object_get(v, "type"));
		struct schema_field t = { 0 };
		struct datum d;
		json_t *j;

		if (strchr(type, '<') || strstr(type, "-20"))		/* nested values and negative scales are no column's default here */
			continue;
		assert_int_equal(schema_type(type, &t), 0);
		j = json_loads(json_string_value(json_object_get(v, "json")), JSON_DECODE_ANY, NULL);
		if (datum_from_json(&t, j, &d, &room) < 0)
			wrong("%s: %s is not read", type, json_string_value(json_object_get(v, "json")));
		back = datum_json(&t, &d);
		if (!json_equal(back, j))
			wrong("%s: %s comes back as %s", type, json_string_value(json_object_get(v, "json")), json_dumps(back, JSON_ENCODE_ANY));
		json_decref(back);
		json_decref(j);
		n_seen++;
	}
	if (n_seen < N_VECTORS)
		wrong("only %d vectors were seen", n_seen);
	buf_free(&room);
	json_decref(all);
}

static void
table_metadata(void **state)
{
	json_t *expect = load("table-metadata-expect.json"), *v, *doc;
	struct metadata *m, *again;
	struct buf text = { 0 };
	struct fail f;
	size_t i, n = 0;
	char path[700];

	(void)state;
	json_array_foreach(expect, i, v) {
		const char *name = json_string_value(json_object_get(v, "file"));
		int accept = json_is_true(json_object_get(v, "accept"));

		snprintf(path, sizeof path, "table-metadata/%s", name);
		doc = load(path);
		if ((metadata_from(json_incref(doc), &m, &f) == 0) != accept)
			wrong("%s: %s", name, accept ? f.text : "is accepted");
		if (!accept && strstr(name, "UnsupportedVersion"))
			assert_non_null(strstr(f.text, "42"));
		if (accept) {
			text.n = 0;
			assert_int_equal(metadata_text(m, &text), 0);
			assert_int_equal(metadata_parse(text.p, text.n, &again, &f), 0);
			assert_true(json_equal(again->doc, doc));
			assert_int_equal(again->current_snapshot_id, m->current_snapshot_id);
			metadata_free(again);
			metadata_free(m);
		}
		json_decref(doc);
		n++;
	}
	assert_true(n >= 13);
	json_decref(expect);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes), cmocka_unit_test(transforms), cmocka_unit_test(single_values), cmocka_unit_test(table_metadata),
	};

	if (shared_lacks(SUITE))
		return puts("1..0 # SKIP no Iceberg vectors") < 0;
	return cmocka_run_group_tests_name("iceberg_vectors", tests, NULL, NULL);
}
