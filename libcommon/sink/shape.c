#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "weir.h"

/* ---------------------------------------------------------------- references */

/* Where a message is about. */
#define AT	"%s%s%s%s"
#define AT_OF(h) (h)->file, *(h)->column ? ": column \"" : "", (h)->column, *(h)->column ? "\"" : ""

/* "#/$defs/user", "#": the schema it names, or NULL. */
static const json_t *
pointer(const json_t *root, const char *ref)
{
	const json_t *at = root;
	char key[256];

	if (*ref++ != '#')
		return NULL;
	while (at && *ref == '/') {
		size_t n = 0;

		for (ref++; *ref && *ref != '/' && n < sizeof key - 1; ref++)
			key[n++] = ref[0] == '~' && (ref[1] == '0' || ref[1] == '1') ? *++ref == '0' ? '~' : '/' : *ref;
		key[n] = '\0';
		at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(key, NULL, 10)) : json_object_get(at, key);
	}
	return *ref ? NULL : at;
}

/* The one branch of an anyOf or oneOf that is not "null", or NULL. */
static const json_t *
only_branch(const json_t *s, int *nullable)
{
	const json_t *branches = json_object_get(s, "anyOf"), *b, *only = NULL;
	size_t i, others = 0;

	json_array_foreach(branches ? branches : json_object_get(s, "oneOf"), i, b) {
		const char *type = json_string_value(json_object_get(b, "type"));

		if (type && !strcmp(type, "null")) {
			*nullable = 1;
			continue;
		}
		only = b;
		others++;
	}
	return others == 1 && !json_object_get(s, "properties") && !json_object_get(s, "type") ? only : NULL;
}

static int
resolve(struct shape *h, const json_t *s, const json_t **out, int *nullable)
{
	for (int hop = 0; hop < SHAPE_HOPS; hop++) {
		const char *ref = json_string_value(json_object_get(s, "$ref"));
		const json_t *next = ref ? pointer(h->root, ref) : only_branch(s, nullable);

		if (ref && !next)
			return fail(h->fail, WEIR_ECONFIG, AT ": the reference '%s' leads nowhere in this file", AT_OF(h), ref);
		if (!next) {
			*out = s;
			return 0;
		}
		s = next;
	}
	return fail(h->fail, WEIR_ECONFIG, AT ": references lead to one another without end", AT_OF(h));
}

/* ---------------------------------------------------------------- types */

static const char *
type_of_value(const json_t *v)
{
	return json_is_string(v) ? "string" : json_is_integer(v) ? "integer" : json_is_real(v) ? "number" : json_is_boolean(v) ? "boolean" :
	    json_is_null(v) ? "null" : "";
}

/* What `found` and another type have in common: an integer is a number, anything is wider than NULL, "" is no one type. */
static const char *
join(const char *found, const char *t, int *nullable)
{
	if (t && !strcmp(t, "null")) {
		*nullable = 1;
		return found;
	}
	if (!t || !found || !strcmp(found, t))
		return t ? t : "";
	if ((!strcmp(found, "integer") && !strcmp(t, "number")) || (!strcmp(found, "number") && !strcmp(t, "integer")))
		return "number";
	return "";
}

/* The one type a schema allows besides null; "": none or several. */
static const char *
type_of(const json_t *s, int *nullable)
{
	const json_t *type = json_object_get(s, "type"), *constant = json_object_get(s, "const"), *v;
	const char *found = NULL;
	size_t i;

	if (json_is_string(type))
		return json_string_value(type);
	json_array_foreach(type, i, v)
		found = join(found, json_string_value(v), nullable);
	if (!type && (json_object_get(s, "properties") || json_object_get(s, "allOf")))
		return "object";
	if (!type && constant)
		found = join(found, type_of_value(constant), nullable);
	else if (!type)
		json_array_foreach(json_object_get(s, "enum"), i, v)
			found = join(found, type_of_value(v), nullable);
	return found ? found : "";
}

static enum shape_kind
string_kind(const json_t *s)
{
	const char *format = json_string_value(json_object_get(s, "format")), *encoding = json_string_value(json_object_get(s, "contentEncoding"));

	if (encoding && !strcmp(encoding, "base64"))
		return SHAPE_BASE64;
	return !format ? SHAPE_STRING : !strcmp(format, "date-time") ? SHAPE_DATE_TIME : !strcmp(format, "date") ? SHAPE_DATE :
	    !strcmp(format, "time") ? SHAPE_TIME : !strcmp(format, "uuid") ? SHAPE_UUID : SHAPE_STRING;
}

int
shape_look(struct shape *h, const json_t *s, const json_t **out, int *nullable)
{
	static const struct { const char *name; enum shape_kind kind; } kinds[] = {
		{ "object", SHAPE_OBJECT }, { "array", SHAPE_ARRAY }, { "integer", SHAPE_INTEGER }, { "number", SHAPE_NUMBER }, { "boolean", SHAPE_BOOLEAN },
	};
	const char *type;

	if (resolve(h, s, out, nullable) < 0)
		return h->fail->code;
	type = type_of(*out, nullable);
	if (!strcmp(type, "string"))
		return string_kind(*out);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(type, kinds[i].name))
			return kinds[i].kind;
	*nullable = 1;
	return SHAPE_ANY;
}

/* ---------------------------------------------------------------- what is inside */

static int
is_required(const json_t *s, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(s, "required"), i, v)
		if (json_string_value(v) && !strcmp(json_string_value(v), name))
			return 1;
	return 0;
}

/* `outer` is the object, `s` itself or a branch of it. */
static int
members(struct shape *h, const json_t *s, const json_t *outer, shape_member *member, void *arg, int hop)
{
	const json_t *v, *branch;
	const char *name;
	size_t i;
	int e, unused = 0;

	if (++h->steps > SHAPE_STEPS)
		return fail(h->fail, WEIR_ECONFIG, "%s: references make more than %d objects (does one lead to itself?)", h->file, SHAPE_STEPS);
	json_object_foreach(json_object_get(s, "properties"), name, v)
		if ((e = member(arg, name, v, is_required(s, name) || is_required(outer, name))))
			return e;
	json_array_foreach(json_object_get(s, "allOf"), i, v)
		if (hop < SHAPE_HOPS && ((e = resolve(h, v, &branch, &unused)) < 0 || (e = members(h, branch, outer, member, arg, hop + 1))))
			return e;
	return 0;
}

int
shape_members(struct shape *h, const json_t *s, shape_member *member, void *arg)
{
	return members(h, s, s, member, arg, 0);
}

const json_t *
shape_items(const json_t *s)
{
	const json_t *items = json_object_get(s, "items");

	return json_is_object(items) && !json_object_get(s, "prefixItems") ? items : NULL;
}
