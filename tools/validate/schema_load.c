/*
 * schema_load - documents, their resources and anchors, and what a $ref means.
 *
 * A document is walked once, through the keywords that hold subschemas, so
 * that an $id inside an enum or an unknown keyword is no identifier.  What
 * only a JSON Pointer reaches is walked when it is reached.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"
#include "schema_int.h"
#include "uri.h"

#define CHUNK_BYTES	(64 * 1024)
#define DIALECT_DEPTH	8	/* meta-schemas of meta-schemas */

struct chunk {
	struct chunk	*next;
	size_t		 n, cap;
	char		 p[] __attribute__((aligned(16)));
};

void *
schema_keep(struct schema *s, size_t n, struct fail *f)
{
	struct chunk *c = s->chunks;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!c || c->cap - c->n < n) {
		const size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		if (!(c = calloc(1, sizeof *c + cap))) {
			fail(f, WEIR_EAGAIN, "no memory for the schema");
			return NULL;
		}
		c->cap = cap;
		c->next = s->chunks;
		s->chunks = c;
	}
	p = c->p + c->n;
	c->n += n;
	return p;
}

void
schema_forget(struct schema *s)
{
	for (struct chunk *c = s->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	s->chunks = NULL;
}

/* Readable for 8 bytes from anywhere in it, as struct names wants. */
char *
schema_keep_text(struct schema *s, const char *p, size_t n, struct fail *f)
{
	char *t = schema_keep(s, n + 8, f);

	if (t)
		memcpy(t, p, n);
	return t;
}

/* The node's line; a decoded string no longer points into the text, its predecessor does. */
static size_t
line_of(const struct document *d, uint32_t node, const char *end)
{
	size_t line = 1;
	const char *p;

	while (node && (d->tape.node[node].p < d->text || d->tape.node[node].p > end))
		node--;
	for (p = d->text; p < d->tape.node[node].p; p++)
		line += *p == '\n';
	return line;
}

int
schema_bad(struct document *d, uint32_t node, struct fail *f, const char *fmt, ...)
{
	const char *name = strncmp(d->uri, "file://", 7) ? d->uri : d->uri + 7;
	char at[SCHEMA_TEXT_MAX], text[SCHEMA_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	schema_pointer(&d->tape, node, at, sizeof at);
	return fail(f, WEIR_ECONFIG, "%s:%zu: %s%s%s", name, line_of(d, node, d->text + strlen(d->text)), at, *at ? ": " : "", text);
}

/* Where subschemas stand. */
enum shape { ONE, LIST, MAP, ONE_OR_LIST, MAP_OF_ONE };
enum { D7 = 1 << SCHEMA_7, D19 = 1 << SCHEMA_2019_09, D20 = 1 << SCHEMA_2020_12, D_ALL = D7 | D19 | D20 };

static const struct {
	const char	*name;
	enum shape	 shape;
	unsigned	 drafts;
} holder[] = {
	{ "properties", MAP, D_ALL }, { "patternProperties", MAP, D_ALL }, { "definitions", MAP, D_ALL }, { "$defs", MAP, D19 | D20 },
	{ "dependentSchemas", MAP, D19 | D20 }, { "dependencies", MAP_OF_ONE, D_ALL }, { "allOf", LIST, D_ALL }, { "anyOf", LIST, D_ALL },
	{ "oneOf", LIST, D_ALL }, { "prefixItems", LIST, D20 }, { "items", ONE_OR_LIST, D_ALL }, { "additionalItems", ONE, D7 | D19 },
	{ "contains", ONE, D_ALL }, { "additionalProperties", ONE, D_ALL }, { "propertyNames", ONE, D_ALL }, { "not", ONE, D_ALL },
	{ "if", ONE, D_ALL }, { "then", ONE, D_ALL }, { "else", ONE, D_ALL }, { "unevaluatedItems", ONE, D19 | D20 },
	{ "unevaluatedProperties", ONE, D19 | D20 }, { "contentSchema", ONE, D19 | D20 },
};

static int walk(struct schema *, struct document *, uint32_t node, struct resource *, struct fail *);

static const char *
text_member(struct document *d, uint32_t node, const char *name, size_t *n, uint32_t *at)
{
	const uint32_t m = doc_member(&d->tape, node, name);

	*at = m;
	if (!m || d->tape.node[m].kind != DOC_STRING)
		return NULL;
	return doc_text(&d->tape, m, n);
}

/* The same, terminated and kept. */
static char *
keep_member(struct schema *s, struct document *d, uint32_t node, const char *name, uint32_t *at, struct fail *f)
{
	size_t n;
	const char *p = text_member(d, node, name, &n, at);

	return p ? schema_keep_text(s, p, n, f) : NULL;
}

static struct resource *
new_resource(struct schema *s, struct document *d, uint32_t root, const char *base, const struct resource *outer, struct fail *f)
{
	struct resource *r = schema_keep(s, sizeof *r, f);

	if (!r || !(r->base = schema_keep_text(s, base, strlen(base), f)))
		return NULL;
	r->doc = d;
	r->root = root;
	r->draft = outer ? outer->draft : s->options.draft;
	r->vocab = outer ? outer->vocab : VOCAB_ALL;
	r->number = s->n_resources++;
	r->next = s->resources;
	s->resources = r;
	return r;
}

static struct resource *
find_resource(const struct schema *s, const char *uri)
{
	for (struct resource *r = s->resources; r; r = r->next)
		if (!strcmp(r->base, uri))
			return r;
	for (struct document *d = s->docs; d; d = d->next)	/* by where it came from, when it calls itself otherwise */
		if (!strcmp(d->uri, uri))
			for (struct resource *r = s->resources; r; r = r->next)
				if (r->doc == d && !r->root)
					return r;
	return NULL;
}

/* http and https name the same meta-schema; so do "...schema" and "...schema#". */
static int
same_meta(const char *a, const char *b)
{
	size_t n, m;

	a += !strncmp(a, "https:", 6) ? 6 : !strncmp(a, "http:", 5) ? 5 : 0;
	b += !strncmp(b, "https:", 6) ? 6 : !strncmp(b, "http:", 5) ? 5 : 0;
	n = strcspn(a, "#");
	m = strcspn(b, "#");
	return n == m && !memcmp(a, b, n) && a[n + (a[n] == '#')] == '\0';
}

/* The resource of an absolute URI, loaded if need be.  1: nobody knows it. */
static int
open_resource(struct schema *s, const char *uri, struct resource **out, struct fail *f)
{
	struct buf text = { .max = SCHEMA_MAX_BYTES };
	struct document *d = NULL;
	int e = 1;

	if ((*out = find_resource(s, uri)))
		return 0;
	for (const struct metaschema *m = schema_meta; m->uri; m++)
		if (same_meta(uri, m->uri)) {
			if (!(d = schema_document(s, uri, m->text, strlen(m->text), 1, f)))
				return f->code;
			break;
		}
	if (!d) {
		if (s->options.load)
			e = s->options.load(s->options.arg, uri, &text, f);
		if (!e && !(d = schema_document(s, uri, text.p, text.n, 0, f)))
			e = f->code;
		buf_free(&text);
		if (e)
			return e;
	}
	*out = find_resource(s, uri);
	for (struct resource *r = s->resources; r && !*out; r = r->next)
		if (r->doc == d && !r->root)
			*out = r;
	return 0;
}

/* $schema of a resource: the draft, and the vocabularies of a meta-schema of one's own. */
static int
set_dialect(struct schema *s, struct resource *r, struct fail *f)
{
	static const struct {
		const char	*uri;
		int		 draft;
	} known[] = {
		{ "https://json-schema.org/draft/2020-12/schema", SCHEMA_2020_12 }, { "https://json-schema.org/draft/2019-09/schema", SCHEMA_2019_09 },
		{ "http://json-schema.org/draft-07/schema", SCHEMA_7 },
	};
	struct resource *meta;
	const char *fragment;
	char uri[URI_MAX];
	uint32_t at, v;
	char *name;
	int e;

	f->code = 0;
	if (!(name = keep_member(s, r->doc, r->root, "$schema", &at, f)))
		return f->code;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (same_meta(name, known[i].uri)) {
			r->draft = known[i].draft;
			r->vocab = VOCAB_ALL;
			if (r->draft == SCHEMA_2019_09 && !r->number)
				return schema_bad(r->doc, at, f, "draft 2019-09 is not supported; 2020-12 and 7 are");
			return 0;
		}
	if (strstr(name, "json-schema.org/"))
		return schema_bad(r->doc, at, f, "%s is not supported; draft 2020-12 and draft 7 are", name);
	if (uri_resolve(r->base, name, uri, &fragment) < 0)
		return schema_bad(r->doc, at, f, "a URI longer than %d bytes", URI_MAX);
	if (!strcmp(uri, r->base))
		return 0;
	if (s->n_docs > SCHEMA_MAX_DOCS)
		return schema_bad(r->doc, at, f, "more than %d documents", SCHEMA_MAX_DOCS);
	if ((e = open_resource(s, uri, &meta, f)) < 0)
		return e;
	if (e)
		return schema_bad(r->doc, at, f, "the meta-schema %s is not known; name its folder with --schema-map URI-PREFIX=DIR", uri);
	r->draft = meta->draft;
	r->vocab = VOCAB_ALL;
	if (!(v = doc_member(&meta->doc->tape, meta->root, "$vocabulary")) || meta->doc->tape.node[v].kind != DOC_OBJECT)
		return 0;
	r->vocab = 0;
	for (uint32_t c = meta->doc->tape.node[v].count ? v + 1 : 0; c; c = meta->doc->tape.node[c].next) {
		static const struct {
			const char	*name;
			unsigned	 bit;
		} vocab[] = {
			{ "core", 0 }, { "applicator", VOCAB_APPLICATOR }, { "unevaluated", VOCAB_UNEVALUATED }, { "validation", VOCAB_VALIDATION },
			{ "format-annotation", 0 }, { "format-assertion", VOCAB_FORMAT_ASSERT }, { "meta-data", 0 }, { "content", 0 },
		};
		static const char prefix[] = "https://json-schema.org/draft/2020-12/vocab/", old[] = "https://json-schema.org/draft/2019-09/vocab/";
		const struct doc_node *m = &meta->doc->tape.node[c];
		size_t i = 0;

		for (; i < sizeof vocab / sizeof *vocab; i++)
			if (m->key_n == sizeof prefix - 1 + strlen(vocab[i].name) && (!memcmp(m->key, prefix, sizeof prefix - 1) ||
			    !memcmp(m->key, old, sizeof old - 1)) && !memcmp(m->key + sizeof prefix - 1, vocab[i].name, strlen(vocab[i].name)))
				break;
		if (i < sizeof vocab / sizeof *vocab)
			r->vocab |= vocab[i].bit;
		else if (m->kind == DOC_TRUE)
			return schema_bad(r->doc, at, f, "its meta-schema needs the vocabulary %.*s, which is not known", (int)m->key_n, m->key);
	}
	return 0;
}

static int
add_anchor(struct schema *s, struct resource *r, uint32_t node, const char *name, size_t n, int dynamic, struct fail *f)
{
	struct anchor *a = schema_keep(s, sizeof *a, f);

	if (!a)
		return f->code;
	*a = (struct anchor){ .name = name, .n = n, .res = r, .node = node, .dynamic = dynamic, .next = s->anchors };
	s->anchors = a;
	return 0;
}

struct anchor *
schema_anchor(struct schema *s, const struct resource *r, const char *name, size_t n, int dynamic)
{
	for (struct anchor *a = s->anchors; a; a = a->next)
		if (a->res == r && (!dynamic || a->dynamic) && a->n == n && !memcmp(a->name, name, n))
			return a;
	return NULL;
}

/* $id, $anchor and $dynamicAnchor of the schema at `node`; *r becomes its resource. */
static int
identify(struct schema *s, struct document *d, uint32_t node, struct resource **r, struct fail *f)
{
	const char *fragment, *name;
	char uri[URI_MAX];
	uint32_t at;
	size_t n;
	char *id;
	int e;

	f->code = 0;
	if ((*r)->draft == SCHEMA_7 && doc_member(&d->tape, node, "$ref"))
		return 0;			/* its siblings are ignored there */
	if ((id = keep_member(s, d, node, "$id", &at, f))) {
		if (uri_resolve((*r)->base, id, uri, &fragment) < 0)
			return schema_bad(d, at, f, "a URI longer than %d bytes", URI_MAX);
		if (*id != '#' && node) {
			struct resource *twin = find_resource(s, uri);

			if (twin && twin->doc == d && twin->root != node)
				return schema_bad(d, at, f, "%s is the $id of another schema in this document", uri);
			if (!(*r = new_resource(s, d, node, uri, *r, f)) || set_dialect(s, *r, f) < 0)
				return f->code;
		} else if (*id != '#' && !((*r)->base = schema_keep_text(s, uri, strlen(uri), f))) {
			return f->code;
		}
		if (fragment && *fragment) {
			if ((*r)->draft != SCHEMA_7)
				return schema_bad(d, at, f, "an $id has no fragment in this draft; use $anchor");
			if ((e = add_anchor(s, *r, node, fragment, strlen(fragment), 0, f)) < 0)
				return e;
		}
	} else if (f->code) {
		return f->code;
	}
	if ((*r)->draft == SCHEMA_7)
		return 0;
	if ((name = text_member(d, node, "$anchor", &n, &at)) && (e = add_anchor(s, *r, node, name, n, 0, f)) < 0)
		return e;
	if ((*r)->draft == SCHEMA_2020_12 && (name = text_member(d, node, "$dynamicAnchor", &n, &at)) &&
	    (e = add_anchor(s, *r, node, name, n, 1, f)) < 0)
		return e;
	return 0;
}

static int
walk_children(struct schema *s, struct document *d, uint32_t node, struct resource *r, struct fail *f)
{
	int e;

	for (uint32_t c = d->tape.node[node].count ? node + 1 : 0; c; c = d->tape.node[c].next)
		if ((e = walk(s, d, c, r, f)) < 0)
			return e;
	return 0;
}

/* Everything that is a schema at or below `node`, which is one.  As deep as the document: DOC_MAX_DEPTH. */
static int
walk(struct schema *s, struct document *d, uint32_t node, struct resource *r, struct fail *f)
{
	int e;

	if (d->res[node] || !(d->tape.node[node].kind & (DOC_OBJECT | DOC_BOOLEAN)))
		return 0;
	if (d->tape.node[node].kind == DOC_OBJECT && (e = identify(s, d, node, &r, f)) < 0)
		return e;
	d->res[node] = r->number + 1;
	if (d->tape.node[node].kind != DOC_OBJECT)
		return 0;
	for (uint32_t c = d->tape.node[node].count ? node + 1 : 0; c; c = d->tape.node[c].next) {
		const struct doc_node *m = &d->tape.node[c];

		for (size_t i = 0; i < sizeof holder / sizeof *holder; i++) {
			if (!(holder[i].drafts & 1u << r->draft) || strlen(holder[i].name) != m->key_n || memcmp(holder[i].name, m->key, m->key_n))
				continue;
			if (m->kind == DOC_OBJECT && (holder[i].shape == MAP || holder[i].shape == MAP_OF_ONE))
				e = walk_children(s, d, c, r, f);
			else if (m->kind == DOC_ARRAY && (holder[i].shape == LIST || holder[i].shape == ONE_OR_LIST))
				e = walk_children(s, d, c, r, f);
			else if (holder[i].shape == ONE || holder[i].shape == ONE_OR_LIST)
				e = walk(s, d, c, r, f);
			else
				e = 0;
			if (e < 0)
				return e;
		}
	}
	return 0;
}

struct document *
schema_document(struct schema *s, const char *uri, const char *text, size_t n, int builtin, struct fail *f)
{
	const struct scan_limits limits = { .max_depth = DOC_MAX_DEPTH };
	struct scan_fault fault;
	struct document *d;
	struct resource *r;

	if (s->n_docs >= SCHEMA_MAX_DOCS) {
		fail(f, WEIR_ECONFIG, "more than %d schema documents", SCHEMA_MAX_DOCS);
		return NULL;
	}
	if (!(d = schema_keep(s, sizeof *d, f)) || !(d->uri = schema_keep_text(s, uri, strlen(uri), f)) ||
	    !(d->text = schema_keep(s, n + DOC_PAD, f)))
		return NULL;
	memcpy(d->text, text, n);
	d->next = s->docs;		/* first, so that schema_free() finds it */
	s->docs = d;
	d->number = s->n_docs++;
	d->builtin = builtin;
	if (!builtin && scan_document(d->text, n, &limits, &fault) < 0) {
		size_t line = 1;

		for (size_t i = 0; i < fault.at && i < n; i++)
			line += text[i] == '\n';
		fail(f, WEIR_ECONFIG, "%s:%zu: %s", strncmp(uri, "file://", 7) ? uri : uri + 7, line, fault.message);
		return NULL;
	}
	if (doc_build(&d->tape, d->text, n) < 0 || !d->tape.n) {
		fail(f, WEIR_EAGAIN, "no memory for the schema");
		return NULL;
	}
	if (!(d->res = schema_keep(s, d->tape.n * sizeof *d->res, f)) || !(d->sub = schema_keep(s, d->tape.n * sizeof *d->sub, f)) ||
	    !(r = new_resource(s, d, 0, uri, NULL, f)))
		return NULL;
	if (d->tape.node[0].kind == DOC_OBJECT && set_dialect(s, r, f) < 0)
		return NULL;
	if (!(d->tape.node[0].kind & (DOC_OBJECT | DOC_BOOLEAN))) {
		schema_bad(d, 0, f, "a schema is an object, true or false");
		return NULL;
	}
	return walk(s, d, 0, r, f) < 0 ? NULL : d;
}

static struct resource *
resource_by_number(const struct schema *s, unsigned number)
{
	struct resource *r = s->resources;

	while (r && r->number != number)
		r = r->next;
	return r;
}

/* One step of a JSON Pointer, `token` already decoded. */
static uint32_t
step(const struct doc *d, uint32_t node, const char *token, size_t n)
{
	const struct doc_node *v = &d->node[node];
	uint64_t k = 0;
	uint32_t c;

	if (v->kind == DOC_OBJECT)
		return doc_member_n(d, node, token, n);
	if (v->kind != DOC_ARRAY || !n || n > 9 || (n > 1 && *token == '0') || strspn(token, "0123456789") < n)
		return 0;
	for (size_t i = 0; i < n; i++)
		k = k * 10 + (unsigned)(token[i] - '0');
	if (k >= v->count)
		return 0;
	for (c = node + 1; k; k--)
		c = d->node[c].next;
	return c;
}

static int
follow_pointer(struct schema *s, struct resource **r, char *pointer, uint32_t *node)
{
	struct document *d = (*r)->doc;
	char *p = pointer;

	while (*p == '/') {
		char *o = ++p, *const token = p;

		for (; *p && *p != '/'; p++) {
			if (*p == '~' && p[1] != '0' && p[1] != '1')
				return 1;
			*o++ = *p != '~' ? *p : *++p == '0' ? '~' : '/';
		}
		if (!(*node = step(&d->tape, *node, token, (size_t)(o - token))))
			return 1;
		if (d->res[*node])
			*r = resource_by_number(s, d->res[*node] - 1);
	}
	return 0;
}

int
schema_resolve(struct schema *s, struct resource *base, struct document *doc, uint32_t node, const char *ref, struct document **to,
    uint32_t *target, struct resource **res, struct fail *f)
{
	char uri[URI_MAX], text[URI_MAX];
	struct resource *r = base;
	const char *fragment;
	struct anchor *a;
	int e;

	if (uri_resolve(base->base, ref, uri, &fragment) < 0)
		return schema_bad(doc, node, f, "a URI longer than %d bytes", URI_MAX);
	if (*ref != '#' && (e = open_resource(s, uri, &r, f))) {
		if (e < 0)
			return e;
		return schema_bad(doc, node, f, "no document for %s: nothing is fetched; %s", uri, strncmp(uri, "file:", 5) ?
		    "name its folder with --schema-map URI-PREFIX=DIR" : "it must be a readable file below the schema's folder");
	}
	*target = r->root;
	if (fragment && *fragment) {
		if (uri_decode(fragment, strlen(fragment), text) < 0)
			return schema_bad(doc, node, f, "the fragment of %s is not well escaped", ref);
		if (*text == '/') {
			if (follow_pointer(s, &r, text, target))
				return schema_bad(doc, node, f, "%s points to nothing", ref);
		} else if ((a = schema_anchor(s, r, text, strlen(text), 0))) {
			*target = a->node;
			r = a->res;
		} else {
			return schema_bad(doc, node, f, "no anchor '%s' in %s", text, r->base);
		}
	}
	*to = r->doc;
	if (!((*to)->tape.node[*target].kind & (DOC_OBJECT | DOC_BOOLEAN)))
		return schema_bad(doc, node, f, "%s is no schema", ref);
	if ((e = walk(s, *to, *target, r, f)) < 0)
		return e;
	*res = resource_by_number(s, (*to)->res[*target] - 1);
	return 0;
}
