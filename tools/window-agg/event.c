/*
 * event.c - what an event brings: its time, its group, its values.
 *
 * Before an event is rejected the lanes are emptied, so that rejects and late
 * events come in the order of their lines.
 */
#include "config.h"

#include <string.h>

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
	int shown = v->n < 100 ? (int)v->n : 100, e = lanes_take(ctx, wa, b);

	if (e)
		return e;

	/* A number where no event had a time before: that is the option's fault, not the event's. */
	if (wa->time.unit == WEIR_UNIT_ISO && v->kind == WEIR_NUMBER && !wa->seen_time)
		return weir_error(ctx, WEIR_ECONFIG, "--time %s: the first event has the number %.*s there; say which unit it is in, such as --time %s:ms",
		    wa->time.path, shown, v->p, wa->time.path);
	if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL || v->kind >= WEIR_OBJECT)
		return weir_reject(ctx, b, i, "bad-time", wa->time.path, "%s is %s, not a time", wa->time.path, kind_text(v->kind));
	return weir_reject(ctx, b, i, "bad-time", wa->time.path, "%s is %.*s, not a time%s of the years 1 to 9999", wa->time.path, shown, v->p,
	    wa->time.unit == WEIR_UNIT_ISO ? " with its zone" : "");
}

/* The values that aggregates want: 0, or k + 1 when they cannot take that of input k. */
static size_t
read_values(struct weir_ctx *ctx, struct window_agg *wa, const struct weir_batch *b, uint32_t i, struct lane *lane)
{
	for (size_t k = 0; k < wa->n_inputs; k++) {
		const struct input *in = &wa->input[k];
		const struct weir_value *v = &b->col[in->column][i];
		struct aggregate_value *a = &lane->value[k];

		a->v = NULL;
		if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL)
			continue;
		if (!(in->kinds & AGGREGATE_KIND(v->kind)))
			return k + 1;
		a->v = v;
		a->text = v->p;
		a->n = v->n;
		a->time_us = lane->time_us;
		if (v->kind == WEIR_STRING)
			a->n = value_text_of(v, v->flags & WEIR_ESCAPED ? weir_alloc(ctx, v->n) : NULL, &a->text);
		if (in->numbers)
			a->exact = v->kind == WEIR_NUMBER && number_parse(v->p, v->n, &a->number) == 0;
	}
	return 0;
}

/* The group: 0, or k + 1 when --by member k makes it none. */
static size_t
read_key(struct window_agg *wa, const struct weir_batch *b, uint32_t i, struct lane *lane)
{
	char *key = wa->keys + wa->keys_n;
	size_t n = 0;

	for (size_t k = 0; k < wa->n_by; k++)
		if (!(n = key_put(key, n, &b->col[wa->by_column[k]][i])))
			return k + 1;
	lane->key = key;
	lane->key_n = n;
	lane->hash = windows_hash(wa->windows, key, n);
	wa->keys_n += n;
	windows_prefetch(wa->windows, lane->time_us, lane->hash);
	return 0;
}

static int
bad_value(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i, size_t k)
{
	const struct input *in = &wa->input[k];

	return weir_reject(ctx, b, i, "bad-value", in->path, "%s is %s, which --agg '%s' cannot take", in->path, kind_text(b->col[in->column][i].kind),
	    in->name);
}

static int
bad_key(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i, size_t k)
{
	const char *path = wa->by->item[k];
	int kind = b->col[wa->by_column[k]][i].kind;

	if (kind >= WEIR_OBJECT)
		return weir_reject(ctx, b, i, "bad-key", path, "%s is %s: group by a member of it", path, kind_text(kind));
	return weir_reject(ctx, b, i, "long-key", path, "the --by members are longer than %d bytes", KEY_BYTES);
}

#define MINUTE_TEXT	17	/* "2026-01-31T23:59:" */

/* k digits at p as a number, or -1. */
static int
digits(const char *p, int k)
{
	int v = 0;

	for (; k; k--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

/* value_time(), with a short way for the usual forms, "2026-01-31T23:59:58Z" and "2026-01-31T23:59:58.123Z", in the same minute as
 * the time before. */
static int
read_time(struct window_agg *wa, const struct weir_value *v, int64_t *us)
{
	int usual = wa->time.unit == WEIR_UNIT_ISO && v->kind == WEIR_STRING && !(v->flags & WEIR_ESCAPED) && (v->n == 22 || v->n == 26) &&
	    v->p[v->n - 2] == 'Z' && v->p[1 + MINUTE_TEXT - 1] == ':';

	if (usual && !memcmp(v->p + 1, wa->minute, MINUTE_TEXT)) {
		const char *p = v->p + 1 + MINUTE_TEXT;
		int s = digits(p, 2), ms = v->n == 22 ? 0 : p[2] == '.' ? digits(p + 3, 3) : -1;

		if (s >= 0 && s < 60 && ms >= 0) {
			*us = wa->minute_us + s * INT64_C(1000000) + ms * INT64_C(1000);
			return 0;
		}
	}
	if (value_time(v, wa->time.unit, us) < 0)
		return -1;
	if (usual) {					/* UTC: the minute is what seconds and below leave */
		memcpy(wa->minute, v->p + 1, MINUTE_TEXT);
		wa->minute_us = *us - (*us % 60000000 + 60000000) % 60000000;
	}
	return 0;
}

int
event_read(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, uint32_t i)
{
	struct lane *lane = &wa->lane[wa->n_lanes];
	size_t value = 0, key = 0;
	struct fail why;
	int e;

	if (read_time(wa, &b->col[wa->time_column][i], &lane->time_us) < 0)
		return bad_time(ctx, wa, b, i);
	wa->seen_time = 1;
	lane->i = i;
	lane->take = wa->where ? expr_test_event(wa->where, ctx, b, i, &why) : EXPR_TRUE;
	if (lane->take == EXPR_FALSE)
		b->verdict[i] = WEIR_FILTERED;
	if (lane->take == EXPR_FALSE || (lane->take == EXPR_TRUE && !(value = read_values(ctx, wa, b, i, lane)) && !(key = read_key(wa, b, i, lane)))) {
		wa->n_lanes++;
		return 0;
	}
	if ((e = lanes_take(ctx, wa, b)))
		return e;
	if (lane->time_us > wa->seen_us)		/* the time of a rejected line counts too */
		wa->seen_us = lane->time_us;
	if (lane->take == EXPR_ERROR)
		return weir_reject(ctx, b, i, "where-error", NULL, "--where: %s", why.text);
	return value ? bad_value(ctx, wa, b, i, value - 1) : bad_key(ctx, wa, b, i, key - 1);
}
