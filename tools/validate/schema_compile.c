/*
 * schema_compile - from documents to what schema_eval.c runs.
 *
 * Each subschema is compiled once, wherever it is referred to from.  A list
 * of what is still to be compiled takes the place of recursion, so a chain of
 * references costs no stack.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "schema_int.h"
#include "uri.h"
#include "weir.h"

struct compiler {
	struct schema	*s;
	struct sub	*todo;
	struct fail	*f;
	/* of the subschema in work */
	struct sub	*sub;
	struct document	*d;
	uint32_t	 node;
	int		 draft;
};

static uint32_t
member(const struct compiler *c, const char *name)
{
	return doc_member(&c->d->tape, c->node, name);
}

static int
has_kind(const struct compiler *c, uint32_t node, unsigned kinds)
{
	return node && c->d->tape.node[node].kind & kinds;
}

static struct sub *
sub_for(struct compiler *c, struct document *d, uint32_t node, struct resource *r)
{
	struct sub *sub = d->sub[node];

	if (sub)
		return sub;
	if (!(sub = schema_keep(c->s, sizeof *sub, c->f)))
		return NULL;
	sub->doc = d;
	sub->node = node;
	sub->res = r;
	sub->kinds = DOC_ANY;
	sub->todo = c->todo;
	c->todo = sub;
	return d->sub[node] = sub;
}

static struct resource *
resource_of(const struct compiler *c, uint32_t node)
{
	if (c->d->res[node])
		for (struct resource *r = c->s->resources; r; r = r->next)
			if (r->number == c->d->res[node] - 1)
				return r;
	return c->sub->res;
}

/* The subschema at `node` of the document in work; 0 when the keyword is not there: then NULL, and no failure. */
static int
child(struct compiler *c, uint32_t node, struct sub **out)
{
	*out = NULL;
	if (!node)
		return 0;
	if (!has_kind(c, node, DOC_OBJECT | DOC_BOOLEAN))
		return schema_bad(c->d, node, c->f, "a schema is an object, true or false");
	return (*out = sub_for(c, c->d, node, resource_of(c, node))) ? 0 : c->f->code;
}

static int
children(struct compiler *c, uint32_t node, struct sub ***out, uint32_t *n)
{
	int e = 0;

	*n = 0;
	if (!node)
		return 0;
	if (!has_kind(c, node, DOC_ARRAY))
		return schema_bad(c->d, node, c->f, "expected an array of schemas");
	if (!(*out = schema_keep(c->s, c->d->tape.node[node].count * sizeof **out, c->f)))
		return c->f->code;
	for (uint32_t m = c->d->tape.node[node].count ? node + 1 : 0; m && !e; m = c->d->tape.node[m].next)
		e = child(c, m, &(*out)[(*n)++]);
	return e;
}

/* A count such as minLength: a literal that is an integer by value; huge ones are as good as infinite. */
static int
count(struct compiler *c, const char *name, uint64_t *out)
{
	const uint32_t m = member(c, name);
	const struct doc_node *v = &c->d->tape.node[m];
	struct dec d;
	uint64_t k = 0;

	if (!m)
		return 0;
	if (v->kind != DOC_NUMBER || !dec_is_integer(v->p, v->n) || *v->p == '-')
		return schema_bad(c->d, m, c->f, "expected a count, an integer not below 0");
	dec_read(v->p, v->n, &d);
	for (int64_t i = 0; i < d.exp; i++, d.p++) {
		if (i >= 18) {
			k = UINT64_MAX;
			break;
		}
		if (i < (int64_t)d.n)
			d.p += *d.p == '.';
		k = k * 10 + (i < (int64_t)d.n ? (unsigned)(*d.p - '0') : 0);
	}
	*out = k;
	return 1;
}

static int
bound(struct compiler *c, const char *name, struct bound *b)
{
	const uint32_t m = member(c, name);
	const struct doc_node *v = &c->d->tape.node[m];

	if (!m)
		return 0;
	if (v->kind != DOC_NUMBER)
		return schema_bad(c->d, m, c->f, "expected a number");
	b->node = m;
	dec_read(v->p, v->n, &b->dec);
	b->small = dec_small(v->p, v->n, &b->coef, &b->scale) == 0;
	return 1;
}

static int
type(struct compiler *c)
{
	static const struct {
		const char	*name;
		unsigned	 kinds;
	} types[] = {
		{ "null", DOC_NULL }, { "boolean", DOC_BOOLEAN }, { "object", DOC_OBJECT }, { "array", DOC_ARRAY }, { "number", DOC_NUMBER },
		{ "string", DOC_STRING }, { "integer", DOC_NUMBER },
	};
	const uint32_t m = member(c, "type");
	const int list = has_kind(c, m, DOC_ARRAY);
	int number = 0, integer = 0;
	unsigned kinds = 0;

	if (!m)
		return 0;
	for (uint32_t t = list ? c->d->tape.node[m].count ? m + 1 : 0 : m; t; t = list ? c->d->tape.node[t].next : 0) {
		size_t i = 0, n;
		const char *p = has_kind(c, t, DOC_STRING) ? doc_text(&c->d->tape, t, &n) : NULL;

		while (p && i < sizeof types / sizeof *types && (strlen(types[i].name) != n || memcmp(types[i].name, p, n)))
			i++;
		if (!p || i == sizeof types / sizeof *types)
			return schema_bad(c->d, t, c->f, "no such type; one of null, boolean, object, array, number, string, integer");
		kinds |= types[i].kinds;
		number |= i == 4;
		integer |= i == 6;
	}
	c->sub->kinds = (uint8_t)kinds;
	c->sub->integer = integer && !number;
	return 0;
}

static int
keep_names(struct compiler *c, struct names *names, const char *const *p, const uint32_t *n, size_t k)
{
	struct schema *s = c->s;

	if (s->n_names == s->cap_names) {
		const size_t cap = s->cap_names ? s->cap_names * 2 : 64;
		struct names **more = realloc(s->names, cap * sizeof *more);

		if (!more)
			return fail(c->f, WEIR_EAGAIN, "no memory for the schema");
		s->names = more;
		s->cap_names = cap;
	}
	if (names_build(names, p, n, k) < 0)
		return fail(c->f, WEIR_EAGAIN, "no memory for the schema");
	s->names[s->n_names++] = names;
	return 0;
}

/* enum, or const as an enum of one. */
static int
values(struct compiler *c, const char *name, enum keyword keyword)
{
	const uint32_t m = member(c, name);
	const int list = keyword == KW_ENUM;
	const char **text;
	struct enum_part *e;
	uint32_t *len;
	uint32_t n_text = 0, n;

	if (!m)
		return 0;
	if (list && !has_kind(c, m, DOC_ARRAY))
		return schema_bad(c->d, m, c->f, "expected an array of values");
	n = list ? c->d->tape.node[m].count : 1;
	if (!(e = schema_keep(c->s, sizeof *e, c->f)) || !(e->node = schema_keep(c->s, n * sizeof *e->node, c->f)) ||
	    !(text = schema_keep(c->s, n * sizeof *text, c->f)) || !(len = schema_keep(c->s, n * sizeof *len, c->f)))
		return c->f->code;
	e->keyword = (uint8_t)keyword;
	e->list = m;
	e->next = c->sub->values;
	c->sub->values = e;
	for (uint32_t v = list ? n ? m + 1 : 0 : m; v; v = list ? c->d->tape.node[v].next : 0) {
		e->kinds |= c->d->tape.node[v].kind;
		if (c->d->tape.node[v].kind == DOC_STRING) {
			size_t k;
			const char *p = doc_text(&c->d->tape, v, &k);

			if (!(text[n_text] = schema_keep_text(c->s, p, k, c->f)))
				return c->f->code;
			len[n_text++] = (uint32_t)k;
		} else {
			e->node[e->n++] = v;
		}
	}
	return keep_names(c, &e->strings, text, len, n_text);
}

static int
number(struct compiler *c)
{
	struct number_part n = { 0 };
	const uint32_t m = member(c, "multipleOf");
	const struct doc_node *v = &c->d->tape.node[m];
	int e, any = m != 0;

	if ((e = bound(c, "minimum", &n.min)) < 0)
		return e;
	any |= e;
	if ((e = bound(c, "maximum", &n.max)) < 0)
		return e;
	any |= e;
	if ((e = bound(c, "exclusiveMinimum", &n.ex_min)) < 0)
		return e;
	any |= e;
	if ((e = bound(c, "exclusiveMaximum", &n.ex_max)) < 0)
		return e;
	any |= e;
	if (m && (v->kind != DOC_NUMBER || dec_divisor(v->p, v->n, &n.divisor) < 0))
		return schema_bad(c->d, m, c->f, "expected a number above 0 of at most %d digits", DEC_DIVISOR_DIGITS);
	n.divisor_node = m;
	if (!any)
		return 0;
	if (!(c->sub->number = schema_keep(c->s, sizeof n, c->f)))
		return c->f->code;
	*c->sub->number = n;
	return 0;
}

static int
keep_regex(struct compiler *c, uint32_t at, const char *p, size_t n, struct regex **out)
{
	struct schema *s = c->s;
	char why[160];

	if (s->n_regex == s->cap_regex) {
		const size_t cap = s->cap_regex ? s->cap_regex * 2 : 16;
		struct regex **more = realloc(s->regex, cap * sizeof *more);

		if (!more)
			return fail(c->f, WEIR_EAGAIN, "no memory for the schema");
		s->regex = more;
		s->cap_regex = cap;
	}
	if (!(*out = regex_new(p, n, why, sizeof why)))
		return schema_bad(c->d, at, c->f, "no regular expression: %s", why);
	s->regex[s->n_regex++] = *out;
	return 0;
}

static int
string(struct compiler *c)
{
	struct string_part t = { .max = UINT64_MAX };
	const uint32_t pattern = member(c, "pattern"), format = member(c, "format");
	const int validation = c->sub->res->vocab & VOCAB_VALIDATION;
	const char *p;
	size_t n;
	int e = 0, k = 0;

	if (validation && ((e = count(c, "minLength", &t.min)) < 0 || (k = count(c, "maxLength", &t.max)) < 0))
		return e < 0 ? e : k;
	if (validation && pattern) {
		if (!has_kind(c, pattern, DOC_STRING))
			return schema_bad(c->d, pattern, c->f, "expected a string");
		t.pattern_node = pattern;
		p = doc_text(&c->d->tape, pattern, &n);
		if (keep_regex(c, pattern, p, n, &t.pattern) < 0)
			return c->f->code;
	}
	if (has_kind(c, format, DOC_STRING) && (c->s->options.format_assert || c->sub->res->vocab & VOCAB_FORMAT_ASSERT)) {
		p = doc_text(&c->d->tape, format, &n);
		t.format = format_find(p, n, c->draft);
	}
	if (!e && !k && !t.pattern && !t.format)
		return 0;
	if (!(c->sub->string = schema_keep(c->s, sizeof t, c->f)))
		return c->f->code;
	*c->sub->string = t;
	return 0;
}

static int
array(struct compiler *c)
{
	struct array_part a = { .max = UINT64_MAX, .max_contains = UINT64_MAX, .min_contains = 1 };
	const unsigned vocab = c->sub->res->vocab;
	uint32_t m;
	int e, any = 0;

	if (vocab & VOCAB_VALIDATION) {
		if ((e = count(c, "minItems", &a.min)) < 0)
			return e;
		any |= e;
		if ((e = count(c, "maxItems", &a.max)) < 0)
			return e;
		any |= e;
		any |= a.unique = has_kind(c, member(c, "uniqueItems"), DOC_TRUE) != 0;
	}
	if (vocab & VOCAB_APPLICATOR) {
		const uint32_t items = member(c, "items");

		if (c->draft == SCHEMA_2020_12) {
			if ((e = children(c, member(c, "prefixItems"), &a.prefix, &a.n_prefix)) < 0 || (e = child(c, items, &a.items)) < 0)
				return e;
		} else if (has_kind(c, items, DOC_ARRAY)) {
			if ((e = children(c, items, &a.prefix, &a.n_prefix)) < 0 || (e = child(c, member(c, "additionalItems"), &a.items)) < 0)
				return e;
		} else if ((e = child(c, items, &a.items)) < 0) {
			return e;
		}
		if ((e = child(c, m = member(c, "contains"), &a.contains)) < 0)
			return e;
		if (m && c->draft != SCHEMA_7 && vocab & VOCAB_VALIDATION) {
			if ((e = count(c, "minContains", &a.min_contains)) < 0)
				return e;
			a.min_contains_given = e != 0;
			if ((e = count(c, "maxContains", &a.max_contains)) < 0)
				return e;
		}
		a.contains_marks = c->draft == SCHEMA_2020_12;
		any |= a.n_prefix || a.items || a.contains;
	}
	if (!any)
		return 0;
	if (!(c->sub->array = schema_keep(c->s, sizeof a, c->f)))
		return c->f->code;
	*c->sub->array = a;
	return 0;
}

/* The known names of an object while they are gathered: a small open table, so that a big schema stays linear. */
struct gather {
	struct compiler	*c;
	struct property	*p;
	uint32_t	 n, cap, *slot, n_slots;
};

static struct property *
known(struct gather *g, const char *name, size_t n)
{
	uint32_t h = 2166136261u;
	struct property *p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	for (h &= g->n_slots - 1; g->slot[h]; h = (h + 1) & (g->n_slots - 1)) {
		p = &g->p[g->slot[h] - 1];
		if (p->name_n == n && !memcmp(p->name, name, n))
			return p;
	}
	p = &g->p[g->n];
	if (!(p->name = schema_keep_text(g->c->s, name, n, g->c->f)))
		return NULL;
	p->name_n = (uint32_t)n;
	g->slot[h] = ++g->n;
	return p;
}

static struct property *
known_at(struct gather *g, uint32_t string)
{
	size_t n;
	const char *p;

	if (!has_kind(g->c, string, DOC_STRING)) {
		schema_bad(g->c->d, string, g->c->f, "expected a string");
		return NULL;
	}
	p = doc_text(&g->c->d->tape, string, &n);
	return known(g, p, n);
}

static uint32_t
n_children(const struct compiler *c, uint32_t node)
{
	return node ? c->d->tape.node[node].count : 0;
}

static uint32_t
first(const struct compiler *c, uint32_t node)
{
	return n_children(c, node) ? node + 1 : 0;
}

/* One member of dependentRequired, or of dependencies with an array. */
static int
needs(struct gather *g, uint32_t at)
{
	struct compiler *c = g->c;
	struct property *p = known(g, c->d->tape.node[at].key, c->d->tape.node[at].key_n), *q;
	const uint32_t more = n_children(c, at);
	uint32_t *list;

	if (!p || !(list = schema_keep(c->s, (p->n_needs + more) * sizeof *list, c->f)))
		return c->f->code;
	if (p->n_needs)
		memcpy(list, p->needs, p->n_needs * sizeof *list);
	p->needs = list;
	for (uint32_t m = first(c, at); m; m = c->d->tape.node[m].next) {
		if (!(q = known_at(g, m)))
			return c->f->code;
		p->needs[p->n_needs++] = (uint32_t)(q - g->p);
	}
	p->trigger = 1;
	return 0;
}

static int
depends(struct gather *g, uint32_t map, int both)
{
	struct compiler *c = g->c;
	int e = 0;

	for (uint32_t m = first(c, map); m && !e; m = c->d->tape.node[m].next) {
		struct property *p;

		if (both && has_kind(c, m, DOC_ARRAY)) {
			e = needs(g, m);
		} else if (!(p = known(g, c->d->tape.node[m].key, c->d->tape.node[m].key_n))) {
			e = c->f->code;
		} else {
			struct sub *before = p->dependent;

			e = child(c, m, &p->dependent);
			p->trigger = 1;
			if (!e && before && before != p->dependent)
				e = schema_bad(c->d, m, c->f, "both dependencies and dependentSchemas name this property; keep one");
		}
	}
	return e;
}

static int
patterns(struct compiler *c, uint32_t map, struct object_part *o)
{
	int e = 0;

	if (!(o->pattern = schema_keep(c->s, n_children(c, map) * sizeof *o->pattern, c->f)))
		return c->f->code;
	for (uint32_t m = first(c, map); m && !e; m = c->d->tape.node[m].next) {
		struct pattern_property *p = &o->pattern[o->n_patterns++];

		if ((e = keep_regex(c, m, c->d->tape.node[m].key, c->d->tape.node[m].key_n, &p->regex)) == 0)
			e = child(c, m, &p->sub);
	}
	return e;
}

static int
object_names(struct gather *g, struct object_part *o)
{
	struct compiler *c = g->c;
	const char **text;
	uint32_t *len;

	if (!(text = schema_keep(c->s, g->n * sizeof *text, c->f)) || !(len = schema_keep(c->s, g->n * sizeof *len, c->f)) ||
	    !(o->expect = schema_keep(c->s, (g->n + 1) * sizeof *o->expect, c->f)) ||
	    !(o->follow = schema_keep(c->s, (g->n + 1) * sizeof *o->follow, c->f)))
		return c->f->code;
	o->expect[g->n].value = -1;			/* of a schema without names: matches none */
	o->expect[g->n].n = UINT32_MAX;
	for (uint32_t i = 0; i < g->n; i++) {
		struct names_slot *k = &o->expect[i];

		*k = (struct names_slot){ .p = g->p[i].name, .n = g->p[i].name_n, .value = (int32_t)i };
		k->head = names_words(k->p, k->n, &k->tail);
		text[i] = g->p[i].name;
		len[i] = g->p[i].name_n;
		o->triggers |= g->p[i].trigger;
	}
	o->property = g->p;
	o->n_properties = g->n;
	return keep_names(c, &o->names, text, len, g->n);
}

static int
object(struct compiler *c)
{
	const unsigned vocab = c->sub->res->vocab;
	const int applicator = (vocab & VOCAB_APPLICATOR) != 0, validation = (vocab & VOCAB_VALIDATION) != 0;
	const uint32_t required = validation ? member(c, "required") : 0, properties = applicator ? member(c, "properties") : 0;
	const uint32_t dep_required = validation && c->draft != SCHEMA_7 ? member(c, "dependentRequired") : 0;
	const uint32_t dep_schemas = applicator && c->draft != SCHEMA_7 ? member(c, "dependentSchemas") : 0;
	const uint32_t dependencies = applicator ? member(c, "dependencies") : 0;
	const uint32_t pattern = applicator ? member(c, "patternProperties") : 0;
	struct object_part o = { .max = UINT64_MAX }, *made;
	struct gather g = { .c = c };
	struct property *p;
	uint64_t room;
	int e, any = 0;

	if (validation) {
		if ((e = count(c, "minProperties", &o.min)) < 0)
			return e;
		any |= e;
		if ((e = count(c, "maxProperties", &o.max)) < 0)
			return e;
		any |= e;
	}
	if (applicator && ((e = child(c, member(c, "additionalProperties"), &o.additional)) < 0 ||
	    (e = child(c, member(c, "propertyNames"), &o.property_names)) < 0))
		return e;
	if (has_kind(c, pattern, DOC_OBJECT) && (e = patterns(c, pattern, &o)) < 0)
		return e;
	room = (uint64_t)n_children(c, required) + n_children(c, properties) + n_children(c, dep_schemas);
	for (uint32_t m = first(c, dep_required); m; m = c->d->tape.node[m].next)
		room += 1 + n_children(c, m);
	for (uint32_t m = first(c, dependencies); m; m = c->d->tape.node[m].next)
		room += 1 + (has_kind(c, m, DOC_ARRAY) ? n_children(c, m) : 0);
	if (!any && !room && !o.additional && !o.property_names && !o.n_patterns)
		return 0;
	for (g.n_slots = 16; g.n_slots < room * 2; g.n_slots *= 2)
		;
	if (!(made = schema_keep(c->s, sizeof o, c->f)) || !(g.p = schema_keep(c->s, room * sizeof *g.p, c->f)) || !(g.slot = schema_keep(c->s, g.n_slots * sizeof *g.slot, c->f)))
		return c->f->code;
	for (uint32_t m = first(c, required); m; m = c->d->tape.node[m].next) {
		if (!(p = known_at(&g, m)))
			return c->f->code;
		p->required = 1;
	}
	*made = o;
	made->n_required = g.n;
	c->sub->object = made;
	for (uint32_t m = first(c, properties); m; m = c->d->tape.node[m].next) {
		if (!(p = known(&g, c->d->tape.node[m].key, c->d->tape.node[m].key_n)))
			return c->f->code;
		if ((e = child(c, m, &p->sub)) < 0)
			return e;
	}
	for (uint32_t m = first(c, dep_required); m; m = c->d->tape.node[m].next)
		if ((e = needs(&g, m)) < 0)
			return e;
	if ((e = depends(&g, dep_schemas, 0)) < 0 || (e = depends(&g, dependencies, 1)) < 0)
		return e;
	return object_names(&g, made);
}

/* $ref and $dynamicRef: the schema that stands at the other end. */
static int
reference(struct compiler *c, uint32_t m, struct sub **out, struct resource **res, uint32_t *target)
{
	struct document *d;
	char ref[URI_MAX];
	const char *p;
	size_t n;
	int e;

	if (!has_kind(c, m, DOC_STRING))
		return schema_bad(c->d, m, c->f, "expected a string, a reference to a schema");
	p = doc_text(&c->d->tape, m, &n);
	if (n >= sizeof ref || memchr(p, '\0', n))
		return schema_bad(c->d, m, c->f, "no reference to a schema");
	memcpy(ref, p, n);
	ref[n] = '\0';
	if ((e = schema_resolve(c->s, c->sub->res, c->d, m, ref, &d, target, res, c->f)) < 0)
		return e;
	return (*out = sub_for(c, d, *target, *res)) ? 0 : c->f->code;
}

/* A $dynamicRef looks at the scope only when it first led to a $dynamicAnchor of that name (core 8.2.3.2). */
static int
dynamic_reference(struct compiler *c, uint32_t m, struct combined *k)
{
	struct resource *r;
	uint32_t target;
	const char *hash;
	struct anchor *a;
	char *text;
	size_t n;
	int e;

	if ((e = reference(c, m, &k->dynamic_ref, &r, &target)) < 0)
		return e;
	doc_text(&c->d->tape, m, &n);
	if (!(text = schema_keep_text(c->s, c->d->tape.node[m].p, n, c->f)))
		return c->f->code;
	if ((hash = strchr(text, '#')) && hash[1] && hash[1] != '/' && (a = schema_anchor(c->s, r, hash + 1, strlen(hash + 1), 1)) && a->node == target) {
		k->dynamic_name = hash + 1;
		k->dynamic_name_n = strlen(hash + 1);
		c->s->dynamic = 1;
	}
	return 0;
}

static int
combined(struct compiler *c)
{
	const int applicator = (c->sub->res->vocab & VOCAB_APPLICATOR) != 0;
	const uint32_t ref = member(c, "$ref"), dynamic = c->draft == SCHEMA_2020_12 ? member(c, "$dynamicRef") : 0;
	struct combined k = { 0 };
	struct resource *r;
	uint32_t at;
	int e;

	if ((ref && (e = reference(c, ref, &k.ref, &r, &at)) < 0) || (dynamic && (e = dynamic_reference(c, dynamic, &k)) < 0))
		return e;
	if (applicator && !(ref && c->draft == SCHEMA_7) &&
	    ((e = children(c, member(c, "allOf"), &k.all.sub, &k.all.n)) < 0 || (e = children(c, member(c, "anyOf"), &k.any.sub, &k.any.n)) < 0 ||
	    (e = children(c, member(c, "oneOf"), &k.one.sub, &k.one.n)) < 0 || (e = child(c, member(c, "not"), &k.not)) < 0 ||
	    (e = child(c, member(c, "if"), &k.if_)) < 0 || (e = child(c, member(c, "then"), &k.then)) < 0 ||
	    (e = child(c, member(c, "else"), &k.else_)) < 0))
		return e;
	if (!k.ref && !k.dynamic_ref && !k.all.n && !k.any.n && !k.one.n && !k.not && !k.if_)
		return 0;
	if (!(c->sub->combined = schema_keep(c->s, sizeof k, c->f)))
		return c->f->code;
	*c->sub->combined = k;
	return 0;
}

static int
compile_one(struct compiler *c, struct sub *sub)
{
	int e;

	c->sub = sub;
	c->d = sub->doc;
	c->node = sub->node;
	c->draft = sub->res->draft;
	if (has_kind(c, sub->node, DOC_BOOLEAN) || (!sub->node && c->d->tape.node[0].kind != DOC_OBJECT)) {
		sub->kinds = c->d->tape.node[sub->node].kind == DOC_FALSE ? 0 : DOC_ANY;
		return 0;
	}
	if ((e = combined(c)) < 0)
		return e;
	if (c->draft == SCHEMA_7 && member(c, "$ref"))
		return 0;			/* the other keywords are ignored there (draft 7, core 8.3) */
	if (sub->res->vocab & VOCAB_VALIDATION && ((e = type(c)) < 0 || (e = values(c, "const", KW_CONST)) < 0 ||
	    (e = values(c, "enum", KW_ENUM)) < 0 || (e = number(c)) < 0))
		return e;
	if ((e = string(c)) < 0 || (e = array(c)) < 0 || (e = object(c)) < 0)
		return e;
	if (c->draft == SCHEMA_7 || !(sub->res->vocab & VOCAB_UNEVALUATED))
		return 0;
	if ((e = child(c, member(c, "unevaluatedItems"), &sub->unevaluated_items)) < 0 ||
	    (e = child(c, member(c, "unevaluatedProperties"), &sub->unevaluated_properties)) < 0)
		return e;
	sub->tracks = sub->unevaluated_items || sub->unevaluated_properties;
	return 0;
}

static int
compile_all(struct compiler *c)
{
	struct sub *sub;
	int e = 0;

	while (!e && (sub = c->todo)) {
		c->todo = sub->todo;
		e = compile_one(c, sub);
	}
	if (e || !c->s->dynamic)
		return e;
	/* Whatever a scope may lead to. */
	for (struct anchor *a = c->s->anchors; a; a = a->next)
		if (a->dynamic && !sub_for(c, a->res->doc, a->node, a->res))
			return c->f->code;
	if (!c->todo)
		return 0;
	return compile_all(c);
}

int
schema_build(struct schema *s, struct document *d, struct fail *f)
{
	struct compiler c = { .s = s, .f = f };
	struct resource *r = s->resources;

	while (r->doc != d || r->root)
		r = r->next;
	if (!(s->root = sub_for(&c, d, 0, r)))
		return f->code;
	return compile_all(&c);
}
