/*
 * schema_fault - a noted fault as pointers and a sentence.
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schema_int.h"

#define SHOWN_BYTES	40	/* of a string or number in a message */
#define SHOWN_VALUES	8	/* of an enum */

const char *const schema_keyword[] = {
	[KW_NONE] = "", [KW_FALSE] = "false", [KW_TYPE] = "type", [KW_ENUM] = "enum", [KW_CONST] = "const", [KW_MINIMUM] = "minimum",
	[KW_MAXIMUM] = "maximum", [KW_EXCLUSIVE_MINIMUM] = "exclusiveMinimum", [KW_EXCLUSIVE_MAXIMUM] = "exclusiveMaximum",
	[KW_MULTIPLE_OF] = "multipleOf", [KW_MIN_LENGTH] = "minLength", [KW_MAX_LENGTH] = "maxLength", [KW_PATTERN] = "pattern",
	[KW_FORMAT] = "format", [KW_MIN_ITEMS] = "minItems", [KW_MAX_ITEMS] = "maxItems", [KW_UNIQUE_ITEMS] = "uniqueItems",
	[KW_CONTAINS] = "contains", [KW_MIN_CONTAINS] = "minContains", [KW_MAX_CONTAINS] = "maxContains", [KW_REQUIRED] = "required",
	[KW_MIN_PROPERTIES] = "minProperties", [KW_MAX_PROPERTIES] = "maxProperties", [KW_DEPENDENT_REQUIRED] = "dependentRequired",
	[KW_PROPERTY_NAMES] = "propertyNames", [KW_ANY_OF] = "anyOf", [KW_ONE_OF] = "oneOf", [KW_NOT] = "not",
	[KW_PATTERN_LIMIT] = "pattern-limit", [KW_NESTING] = "nesting", [KW_MEMORY] = "memory",
};

/* Text with a ceiling: what does not fit is cut at a character's edge. */
struct text {
	char	*p;
	size_t	 n, size;
};

static void __attribute__((format(printf, 2, 3)))
say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int k;

	if (t->n + 1 >= t->size)
		return;
	va_start(ap, fmt);
	k = vsnprintf(t->p + t->n, t->size - t->n, fmt, ap);
	va_end(ap);
	if (k < 0)
		return;
	t->n += (size_t)k;
	if (t->n < t->size)
		return;
	t->n = t->size - 1;
	while (t->n && ((unsigned char)t->p[t->n - 1] & 0xc0) == 0x80)
		t->n--;
	if (t->n && (unsigned char)t->p[t->n - 1] >= 0xc0)
		t->n--;
	t->p[t->n] = '\0';
}

/* At most SHOWN_BYTES of p, cut between characters; control characters become '?'. */
static void
say_bytes(struct text *t, const char *p, size_t n)
{
	char shown[SHOWN_BYTES + 1];
	size_t k = n < SHOWN_BYTES ? n : SHOWN_BYTES;

	while (k < n && k && ((unsigned char)p[k] & 0xc0) == 0x80)
		k--;
	for (size_t i = 0; i < k; i++)
		shown[i] = (unsigned char)p[i] < 0x20 || p[i] == 0x7f ? '?' : p[i];
	shown[k] = '\0';
	say(t, "%s%s", shown, k < n ? "..." : "");
}

static const char *
kind_name(unsigned kind)
{
	switch (kind) {
	case DOC_NULL: return "null";
	case DOC_FALSE: return "false";
	case DOC_TRUE: return "true";
	case DOC_NUMBER: return "number";
	case DOC_STRING: return "string";
	case DOC_OBJECT: return "object";
	default: return "array";
	}
}

static void
say_value(struct text *t, const struct doc_node *v)
{
	switch (v->kind) {
	case DOC_STRING:
		say(t, "string \"");
		say_bytes(t, v->p, v->n);
		say(t, "\"");
		break;
	case DOC_NUMBER:
		say(t, "number ");
		say_bytes(t, v->p, v->n);
		break;
	case DOC_OBJECT:
	case DOC_ARRAY:
	default:
		say(t, "%s", kind_name(v->kind));
	}
}

static void
say_literal(struct text *t, struct doc *d, uint32_t node)
{
	const struct doc_node *v = &d->node[node];

	if (v->kind == DOC_STRING) {
		say(t, "\"");
		say_bytes(t, v->p, v->n);
		say(t, "\"");
	} else {
		say_bytes(t, v->p, v->n);
	}
}

static void
say_kinds(struct text *t, const struct sub *sub)
{
	static const struct {
		unsigned	 kinds;
		const char	*name;
	} all[] = {
		{ DOC_NULL, "null" }, { DOC_BOOLEAN, "boolean" }, { DOC_NUMBER, "number" }, { DOC_STRING, "string" }, { DOC_OBJECT, "object" },
		{ DOC_ARRAY, "array" },
	};
	unsigned left = sub->kinds;
	int any = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!(left & all[i].kinds))
			continue;
		left &= ~all[i].kinds;
		say(t, "%s%s", any ? left ? ", " : " or " : "", all[i].kinds == DOC_NUMBER && sub->integer ? "integer" : all[i].name);
		any = 1;
	}
}

static void
say_enum(struct text *t, const struct sub *sub, uint32_t list, int one)
{
	struct doc *d = &sub->doc->tape;
	uint32_t k = 0;

	say(t, "%s", one ? "expected " : "expected one of ");
	if (one) {
		say_literal(t, d, list);
	} else {
		for (uint32_t c = d->node[list].count ? list + 1 : 0; c && k < SHOWN_VALUES; c = d->node[c].next, k++) {
			say(t, "%s", k ? ", " : "");
			say_literal(t, d, c);
		}
		if (k < d->node[list].count)
			say(t, ", ... (%" PRIu32 " values)", d->node[list].count);
	}
	say(t, ", got ");
}

static uint64_t
length(const struct doc_node *v)
{
	uint64_t k = 0;

	for (uint32_t i = 0; i < v->n; i++)
		k += ((unsigned char)v->p[i] & 0xc0) != 0x80;
	return k;
}

static void
say_pointer_part(struct text *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		say(t, p[i] == '~' ? "~0" : p[i] == '/' ? "~1" : (unsigned char)p[i] < 0x20 ? "?" : "%c", p[i]);
}

size_t
schema_pointer(const struct doc *d, uint32_t node, char *out, size_t size)
{
	struct text t = { out, 0, size };
	uint32_t at = 0;

	out[0] = '\0';
	while (at < node) {
		uint32_t c = at + 1, k = 0;

		for (; d->node[c].next && d->node[c].next <= node; c = d->node[c].next)
			k++;
		say(&t, "/");
		if (d->node[at].kind == DOC_OBJECT)
			say_pointer_part(&t, d->node[c].key, d->node[c].key_n);
		else
			say(&t, "%" PRIu32, k);
		at = c;
	}
	return t.n;
}

/* A bound's literal as it stands in the schema. */
static void
say_bound(struct text *t, const struct fault_at *f, const char *what)
{
	say(t, "expected a number %s ", what);
	say_literal(t, &f->sub->doc->tape, f->aux);
	say(t, ", got ");
	say_bytes(t, f->value.p, f->value.n);
}

static void
say_length(struct text *t, const struct doc_node *v, const char *what, uint64_t limit)
{
	say(t, "expected %s %" PRIu64 " character%s, got %" PRIu64, what, limit, limit == 1 ? "" : "s", length(v));
}

static void
say_count(struct text *t, const struct doc_node *v, const char *what, uint64_t limit)
{
	const char *unit = v->kind == DOC_OBJECT ? "member" : "item";

	say(t, "expected %s %" PRIu64 " %s%s, got %" PRIu32, what, limit, unit, limit == 1 ? "" : "s", v->count);
}

static void
say_member(struct text *t, const struct property *p, const char *then)
{
	say(t, "member \"");
	say_bytes(t, p->name, p->name_n);
	say(t, "\"%s", then);
}

/* A schema that is false: the keyword it belongs to says more. */
static const char *
say_false(struct text *t, const struct sub *sub, const struct doc_node *v)
{
	const struct doc_node *n = &sub->doc->tape.node[sub->node];
	static const char *const holder[] = { "additionalProperties", "unevaluatedProperties", "items", "additionalItems", "unevaluatedItems", NULL };

	for (int i = 0; n->key && holder[i]; i++)
		if (strlen(holder[i]) == n->key_n && !memcmp(holder[i], n->key, n->key_n)) {
			if (v->key) {
				say(t, "member \"");
				say_bytes(t, v->key, v->key_n);
				say(t, "\" is not allowed here");
			} else {
				say(t, "no item is allowed here");
			}
			return holder[i];
		}
	say(t, "no value is allowed here");
	return schema_keyword[KW_FALSE];
}

static void
say_branches(struct text *t, const struct schema *s, const struct doc *d, const struct fault_at *f)
{
	char at[SCHEMA_TEXT_MAX];

	if (f->keyword == KW_ONE_OF && f->aux > 1) {
		say(t, "matches more than one schema of oneOf");
		return;
	}
	say(t, "matches no schema of %s", schema_keyword[f->keyword]);
	if (!s->best.sub || s->best.keyword == KW_ANY_OF || s->best.keyword == KW_ONE_OF)
		return;
	schema_pointer(d, s->best.node, at, sizeof at);
	say(t, "; nearest: ");
	if (s->best.node != f->node)
		say(t, "%s: ", at);
}

static const char *say_fault(struct text *, const struct schema *, const struct doc *, const struct fault_at *, int deep);

static const char *
say_other(struct text *t, const struct schema *s, const struct doc *d, const struct fault_at *f, int deep)
{
	const struct sub *sub = f->sub;

	switch (f->keyword) {
	case KW_MIN_ITEMS: say_count(t, &f->value, "at least", sub->array->min); break;
	case KW_MAX_ITEMS: say_count(t, &f->value, "at most", sub->array->max); break;
	case KW_MIN_PROPERTIES: say_count(t, &f->value, "at least", sub->object->min); break;
	case KW_MAX_PROPERTIES: say_count(t, &f->value, "at most", sub->object->max); break;
	case KW_UNIQUE_ITEMS: say(t, "this item stands twice, and items must be unique"); break;
	case KW_CONTAINS: say(t, "no item matches the schema of contains"); break;
	case KW_MIN_CONTAINS:
		say(t, "expected at least %" PRIu64 " items that match contains, got %" PRIu32, sub->array->min_contains, f->aux);
		break;
	case KW_MAX_CONTAINS:
		say(t, "expected at most %" PRIu64 " items that match contains, got %" PRIu32, sub->array->max_contains, f->aux);
		break;
	case KW_REQUIRED: say_member(t, &sub->object->property[f->aux], " is missing"); break;
	case KW_DEPENDENT_REQUIRED: say_member(t, &sub->object->property[f->aux], " is missing, another member needs it"); break;
	case KW_PROPERTY_NAMES: say(t, "the member's name is not allowed (%s)", schema_keyword[f->aux]); break;
	case KW_ANY_OF:
	case KW_ONE_OF:
		say_branches(t, s, d, f);
		if (deep && s->best.sub && s->best.keyword != KW_ANY_OF && s->best.keyword != KW_ONE_OF && !(f->keyword == KW_ONE_OF && f->aux > 1))
			say_fault(t, s, d, &s->best, 0);
		break;
	case KW_NOT: say(t, "matches the schema of not"); break;
	case KW_PATTERN_LIMIT: say(t, "the pattern needs more than %d steps on this text", REGEX_MATCH_LIMIT); break;
	case KW_NESTING: say(t, "more than %d schemas inside each other", SCHEMA_MAX_NEST); break;
	default: say(t, "memory is short"); break;
	}
	return schema_keyword[f->keyword];
}

/* The sentence; returns the keyword. */
static const char *
say_fault(struct text *t, const struct schema *s, const struct doc *d, const struct fault_at *f, int deep)
{
	const struct sub *sub = f->sub;

	switch (f->keyword) {
	case KW_FALSE:
		return say_false(t, sub, &f->value);
	case KW_TYPE:
		say(t, "expected ");
		say_kinds(t, sub);
		say(t, ", got ");
		say_value(t, &f->value);
		break;
	case KW_ENUM:
	case KW_CONST:
		say_enum(t, sub, f->aux, f->keyword == KW_CONST);
		say_value(t, &f->value);
		break;
	case KW_MINIMUM: say_bound(t, f, "not below"); break;
	case KW_MAXIMUM: say_bound(t, f, "not above"); break;
	case KW_EXCLUSIVE_MINIMUM: say_bound(t, f, "above"); break;
	case KW_EXCLUSIVE_MAXIMUM: say_bound(t, f, "below"); break;
	case KW_MULTIPLE_OF: say_bound(t, f, "that is a multiple of"); break;
	case KW_MIN_LENGTH: say_length(t, &f->value, "at least", sub->string->min); break;
	case KW_MAX_LENGTH: say_length(t, &f->value, "at most", sub->string->max); break;
	case KW_PATTERN:
		say(t, "expected a string that matches ");
		say_literal(t, &sub->doc->tape, f->aux);
		say(t, ", got ");
		say_value(t, &f->value);
		break;
	case KW_FORMAT:
		say(t, "expected %s (%s), got ", sub->string->format->says, sub->string->format->name);
		say_value(t, &f->value);
		break;
	default:
		return say_other(t, s, d, f, deep);
	}
	return schema_keyword[f->keyword];
}

void
schema_explain(struct schema *s, struct doc *d, struct schema_fault *out)
{
	const struct fault_at *f = &s->fault;
	struct text t = { out->message, 0, sizeof out->message };
	size_t n = 0;

	out->message[0] = out->schema[0] = '\0';
	schema_pointer(d, f->node, out->instance, sizeof out->instance);
	out->code = say_fault(&t, s, d, f, 1);
	if (f->sub->doc != s->root->doc) {
		struct text u = { out->schema, 0, sizeof out->schema };

		say(&u, "%s#", f->sub->doc->uri);
		n = u.n;
	}
	n += schema_pointer(&f->sub->doc->tape, f->sub->node, out->schema + n, sizeof out->schema - n);
	if (f->keyword != KW_FALSE && f->keyword != KW_PATTERN_LIMIT && f->keyword != KW_NESTING && f->keyword != KW_MEMORY) {
		struct text u = { out->schema, n, sizeof out->schema };

		say(&u, "/%s", out->code);
	}
}
