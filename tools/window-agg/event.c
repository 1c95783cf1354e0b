/*
 * event.c - what an event brings: its time, its group, its values.
 */
#include "config.h"

#include "number.h"
#include "stage.h"
#include "value.h"

static const char *
kind_text(int kind)
{
	static const char *const text[] = { [WEIR_ABSENT] = "missing", [WEIR_NULL] = "null", [WEIR_FALSE] = "false", [WEIR_TRUE] = "true",
	    [WEIR_NUMBER] = "a number", [WEIR_STRING] = "a string", [WEIR_OBJECT] = "an object", [WEIR_ARRAY] = "an array" };

	return text[kind];
}

static int
bad_time(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i)
{
	const struct weir_value *v = &b->col[wa->time_column][i];
	int shown = v->n < 100 ? (int)v->n : 100;

	/* A number where no event had a time before: that is the option's fault, not the event's. */
	if (wa->time.unit == WEIR_UNIT_ISO && v->kind == WEIR_NUMBER && !wa->seen_time)
		return weir_error(ctx, WEIR_ECONFIG, "--time %s: the first event has the number %.*s there; say which unit it is in, such as --time %s:ms",
		    wa->time.path, shown, v->p, wa->time.path);
	if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL || v->kind >= WEIR_OBJECT)
		return weir_reject(ctx, b, i, "bad-time", wa->time.path, "%s is %s, not a time", wa->time.path, kind_text(v->kind));
	return weir_reject(ctx, b, i, "bad-time", wa->time.path, "%s is %.*s, not a time%s of the years 1 to 9999", wa->time.path, shown, v->p,
	    wa->time.unit == WEIR_UNIT_ISO ? " with its zone" : "");
}

/* 1, or 0 when the event was rejected, or a weir_code. */
static int
read_values(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i, struct lane *lane)
{
	for (size_t k = 0; k < wa->n_inputs; k++) {
		const struct input *in = &wa->input[k];
		const struct weir_value *v = &b->col[in->column][i];
		struct aggregate_value *a = &lane->value[k];

		a->v = NULL;
		if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL)
			continue;
		if (!(in->kinds & AGGREGATE_KIND(v->kind)))
			return weir_reject(ctx, b, i, "bad-value", in->path, "%s is %s, which --agg '%s' cannot take", in->path, kind_text(v->kind), in->name);
		a->v = v;
		a->text = v->p;
		a->n = v->n;
		a->time_us = lane->time_us;
		if (v->kind == WEIR_STRING)
			a->n = value_text_of(v, v->flags & WEIR_ESCAPED ? weir_alloc(ctx, v->n) : NULL, &a->text);
		if (in->numbers)
			a->exact = v->kind == WEIR_NUMBER && number_parse(v->p, v->n, &a->number) == 0;
	}
	return 1;
}

static int
read_key(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i, struct lane *lane)
{
	char *key = wa->keys + wa->keys_n;
	size_t n = 0, next;

	for (size_t k = 0; k < wa->n_by; k++, n = next) {
		const struct weir_value *v = &b->col[wa->by_column[k]][i];

		if ((next = key_put(key, n, v)))
			continue;
		if (v->kind >= WEIR_OBJECT)
			return weir_reject(ctx, b, i, "bad-key", wa->by->item[k], "%s is %s: group by a member of it", wa->by->item[k], kind_text(v->kind));
		return weir_reject(ctx, b, i, "long-key", wa->by->item[k], "the --by members are longer than %d bytes", KEY_BYTES);
	}
	lane->key = key;
	lane->key_n = n;
	lane->hash = windows_hash(wa->windows, key, n);
	wa->keys_n += n;
	windows_prefetch(wa->windows, lane->time_us, lane->hash);
	return 1;
}

/* Whether --where wants it: 1, 0 when not, or a weir_code. */
static int
wanted(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i)
{
	struct fail why;

	switch (expr_test_event(wa->where, ctx, b, i, &why)) {
	case EXPR_TRUE:
		return 1;
	case EXPR_FALSE:
		b->verdict[i] = WEIR_FILTERED;
		return 0;
	default:
		return weir_reject(ctx, b, i, "where-error", NULL, "--where: %s", why.text);
	}
}

int
event_read(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i, struct lane *lane)
{
	int e = 1;

	lane->i = i;
	if (value_time(&b->col[wa->time_column][i], wa->time.unit, &lane->time_us) < 0)
		return bad_time(ctx, wa, b, i);
	wa->seen_time = 1;
	if ((wa->where && (e = wanted(ctx, wa, b, i)) <= 0) || (e = read_values(ctx, wa, b, i, lane)) <= 0 || (e = read_key(ctx, wa, b, i, lane)) <= 0)
		if (e < 0)
			return e;
	lane->take = e;
	return 1;
}
