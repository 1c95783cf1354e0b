/*
 * validate - pass the events that are what they should be.
 *
 * The host has scanned every event strictly before it gets here.  With
 * --schema an event must be valid by it, with --check each expression must
 * be true; the others are rejects that say where and why.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "jsonschema.h"
#include "source.h"
#include "weir.h"

#define CHECKS_MAX	64	/* --check */

struct validate {
	/* options */
	const char		*schema_file;
	int			 draft;		/* enum schema_draft */
	struct weir_list	*map, *check;
	int			 format_assert;
	/* state */
	struct schema		*schema;
	struct expr		*expr[CHECKS_MAX];
	int			 columns;	/* the schema is decided from columns */
};

static const struct weir_opt opts[] = {
	{ 0, "schema", "FILE", "JSON Schema that events must match", WEIR_TEXT, 0, offsetof(struct validate, schema_file), NULL },
	{ 0, "draft", "2020-12|7", "draft of schemas without $schema", WEIR_CHOICE, 0, offsetof(struct validate, draft), "2020-12" },
	{ 0, "schema-map", "URI-PREFIX=DIR", "folder that stands for URIs in $ref; may be repeated", WEIR_TEXTS, 0,
	    offsetof(struct validate, map), NULL },
	{ 0, "format-assert", NULL, "format is checked, not only noted", WEIR_FLAG, 0, offsetof(struct validate, format_assert), NULL },
	{ 0, "check", "EXPRESSION", "jq expression that must be true; may be repeated", WEIR_TEXTS, 0, offsetof(struct validate, check), NULL },
	{ 0 }
};

static int
want(void *ctx, const char *path)
{
	return weir_want(ctx, path);
}

static int
open_schema(struct weir_ctx *ctx, struct validate *v)
{
	struct schema_options o = { .draft = v->draft, .format_assert = v->format_assert, .seed = weir_seed(ctx)[0], .load = source_load };
	struct buf text = { .max = SCHEMA_MAX_BYTES };
	struct source source = { 0 };
	struct fail f = { 0 };
	int e;

	o.arg = &source;
	if ((e = source_open(&source, v->schema_file, v->map, &text, &f)) == 0 &&
	    !(v->schema = schema_compile(source.uri, text.p, text.n, &o, &f)))
		e = f.code;
	source_close(&source);
	buf_free(&text);
	if (e)
		return weir_error(ctx, e, "%s", f.text);
	v->columns = schema_columns(v->schema, want, ctx);
	return v->columns < 0 ? v->columns : 0;
}

static int
open_checks(struct weir_ctx *ctx, struct validate *v)
{
	struct fail f;
	int e;

	if (v->check->n > CHECKS_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "--check can be given %d times, %zu given", CHECKS_MAX, v->check->n);
	for (size_t i = 0; i < v->check->n; i++) {
		if (!(v->expr[i] = expr_compile(v->check->item[i], &f)))
			return weir_error(ctx, f.code, "--check '%s': %s", v->check->item[i], f.text);
		if (!expr_is_native(v->expr[i]))
			weir_warn(ctx, "--check '%s' runs in libjq, which is slow; comparisons of paths, has(), and, or, not are fast", v->check->item[i]);
		if ((e = expr_want(v->expr[i], ctx)) < 0)
			return e;
	}
	return 0;
}

static int
validate_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct validate *v = self;
	int e;

	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given: events come on standard input", operand[0]);
	if (!v->schema_file && (v->map || v->format_assert))
		return weir_error(ctx, WEIR_EUSAGE, "%s needs --schema FILE", v->map ? "--schema-map" : "--format-assert");
	if (v->schema_file && (e = open_schema(ctx, v)) < 0)
		return e;
	return v->check ? open_checks(ctx, v) : 0;
}

/* 1: valid; 0: rejected; else an error. */
static int
by_schema(struct weir_ctx *ctx, struct validate *v, struct weir_batch *b, uint32_t i)
{
	struct schema_fault why;
	const char *json;
	size_t n;
	int e;

	if (v->columns && schema_check_columns(v->schema, b->col, i))
		return 1;
	json = weir_event(ctx, b, i, &n);
	if ((e = schema_check(v->schema, json, n, &why)) > 0)
		return 1;
	if (e < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for an event of %zu bytes", n);
	return weir_reject(ctx, b, i, why.code, why.instance, "%s (schema: %s)", why.message, *why.schema ? why.schema : "/");
}

static int
by_checks(struct weir_ctx *ctx, struct validate *v, struct weir_batch *b, uint32_t i)
{
	for (size_t k = 0; k < v->check->n; k++) {
		struct fail why = { 0 };
		const int r = expr_test_event(v->expr[k], ctx, b, i, &why);

		if (r == EXPR_FALSE)
			return weir_reject(ctx, b, i, "check", NULL, "not true: %s", v->check->item[k]);
		if (r == EXPR_ERROR)
			return weir_reject(ctx, b, i, "check-error", NULL, "%s: %s", v->check->item[k], why.text);
	}
	return 1;
}

static int
validate_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct validate *v = self;
	int e;

	for (uint32_t i = 0; i < b->n; i++) {
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		e = v->schema ? by_schema(ctx, v, b, i) : 1;
		if (e > 0 && v->check)
			e = by_checks(ctx, v, b, i);
		if (e < 0)
			return e;
	}
	return 0;
}

static void
validate_close(struct weir_ctx *ctx, void *self)
{
	struct validate *v = self;

	(void)ctx;
	schema_free(v->schema);
	for (size_t i = 0; i < CHECKS_MAX; i++)
		expr_free(v->expr[i]);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "validate", .version = "1", .summary = "pass the events that match a schema",
	.self_size = sizeof(struct validate), .opts = opts, .role = WEIR_FILTER,
	.open = validate_open, .process = validate_process, .close = validate_close,
};
