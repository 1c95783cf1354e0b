/*
 * schema - the public side of JSON Schema: compile, check, free.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "schema_int.h"
#include "weir.h"

void
schema_free(struct schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_regex; i++)
		regex_free(s->regex[i]);
	for (size_t i = 0; i < s->n_names; i++)
		names_free(s->names[i]);
	for (struct document *d = s->docs; d; d = d->next)
		doc_free(&d->tape);
	schema_forget(s);
	regex_run_free(s->run);
	doc_free(&s->doc);
	free(s->regex);
	free(s->names);
	free(s->bits);
	free(s->order);
	free(s->column);
	free(s);
}

static struct schema *
schema_new(const struct schema_options *o, struct fail *f)
{
	struct schema *s = calloc(1, sizeof *s);

	if (!s || !(s->run = regex_run_new())) {
		free(s);
		fail(f, WEIR_EAGAIN, "no memory for the schema");
		return NULL;
	}
	s->options = *o;
	return s;
}

/* Is the document a schema of its draft?  Its meta-schema says so in words. */
static int
check_form(struct document *d, int draft, struct fail *f)
{
	static const char *const meta[] = { [SCHEMA_2020_12] = "https://json-schema.org/draft/2020-12/schema",
		[SCHEMA_7] = "http://json-schema.org/draft-07/schema" };
	const struct schema_options o = { .draft = draft, .format_assert = 0 };
	const struct metaschema *m = schema_meta;
	struct schema_fault why;
	struct document *meta_doc;
	struct schema *s;
	int e = 0;

	while (strcmp(m->uri, meta[draft]))
		m++;
	if (!(s = schema_new(&o, f)))
		return f->code;
	if (!(meta_doc = schema_document(s, m->uri, m->text, strlen(m->text), 1, f)) || schema_build(s, meta_doc, f) < 0) {
		e = f->code;
	} else if (!schema_eval(s, s->root, &d->tape, 0)) {
		const char *nearest;

		/* "matches no schema of anyOf" is about the meta-schema; what the nearest branch says is about this one. */
		schema_explain(s, &d->tape, &why);
		nearest = strstr(why.message, "nearest: ");
		e = schema_bad(d, s->fault.node, f, "%s", nearest ? nearest + strlen("nearest: ") : why.message);
	}
	schema_free(s);
	return e;
}

struct schema *
schema_compile(const char *uri, const char *text, size_t n, const struct schema_options *o, struct fail *f)
{
	struct schema *s = schema_new(o, f);
	struct document *d;
	struct resource *r;

	f->code = 0;
	if (!s)
		return NULL;
	if (!(d = schema_document(s, uri, text, n, 0, f)))
		goto bad;
	for (r = s->resources; r->doc != d || r->root; r = r->next)
		;
	s->options.draft = r->draft;		/* documents it refers to are of its draft, unless they say otherwise */
	if (r->vocab == VOCAB_ALL && check_form(d, r->draft, f) < 0)
		goto bad;
	if (schema_build(s, d, f) < 0)
		goto bad;
	return s;
bad:
	schema_free(s);
	return NULL;
}

int
schema_check(struct schema *s, const char *json, size_t n, struct schema_fault *fault)
{
	if (doc_build(&s->doc, json, n) < 0)
		return -1;
	if (schema_eval(s, s->root, &s->doc, 0))
		return 1;
	schema_explain(s, &s->doc, fault);
	return s->fault.keyword == KW_MEMORY ? -1 : 0;
}
