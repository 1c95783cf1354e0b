/*
 * plan.c - from options to windows: what is asked for, checked.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "stage.h"

static int
check_sizes(struct weir_ctx *ctx, const struct window_agg *wa)
{
	int64_t step_us = wa->slide_us ? wa->slide_us : wa->cumulate_us;
	const char *option = wa->slide_us ? "--slide" : "--cumulate";

	if (wa->session_us)
		return weir_error(ctx, WEIR_ECONFIG, "--session: there are no session windows yet; --size makes tumbling windows, with --slide or --cumulate others");
	if (strcmp(wa->tz, "UTC"))
		return weir_error(ctx, WEIR_ECONFIG, "--tz %s: only UTC works yet; --offset moves where days begin, such as --size 1d --offset 22h for UTC+2", wa->tz);
	if (wa->size_us <= 0)
		return weir_error(ctx, WEIR_EUSAGE, "--size is missing: how long is a window? such as --size 1m");
	if (wa->slide_us && wa->cumulate_us)
		return weir_error(ctx, WEIR_EUSAGE, "--slide and --cumulate exclude each other");
	if (step_us < 0 || (step_us && (step_us > wa->size_us || wa->size_us % step_us)))
		return weir_error(ctx, WEIR_ECONFIG, "--size must be a multiple of %s", option);
	if (step_us && wa->size_us / step_us > WINDOWS_MAX_PANES)
		return weir_error(ctx, WEIR_ECONFIG, "--size is more than %d times %s: take a longer step", WINDOWS_MAX_PANES, option);
	if (wa->offset_us < 0 || wa->offset_us >= wa->size_us)
		return weir_error(ctx, WEIR_ECONFIG, "--offset must be shorter than --size");
	if (wa->wait_us < 0)
		return weir_error(ctx, WEIR_ECONFIG, "--wait must not be negative");
	return 0;
}

/* The input of a path, made when there is none yet. */
static int
input_of(struct weir_ctx *ctx, struct window_agg *wa, const struct spec *s, const char *path, const char *text)
{
	struct input *in;
	size_t i;

	for (i = 0; i < wa->n_inputs && strcmp(wa->input[i].path, path); i++)
		;
	in = &wa->input[i];
	if (i == wa->n_inputs) {
		*in = (struct input){ .path = path, .name = text, .kinds = AGGREGATE_ANY, .column = weir_want(ctx, path) };
		if (in->column < 0)
			return in->column;
		wa->n_inputs++;
	}
	if (in->kinds & ~s->agg->kinds)
		in->name = text;
	in->kinds &= s->agg->kinds;
	in->numbers |= s->agg->numbers;
	return (int)i;
}

static int
plan_aggs(struct weir_ctx *ctx, struct window_agg *wa, struct spec *s)
{
	char *text;

	/* One piece for all paths: they live as long as the stage. */
	if (!(text = wa->path_text = calloc(wa->agg->n, SPEC_PATH + 1)))
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the options");
	for (size_t a = 0; a < wa->agg->n; a++, text += SPEC_PATH + 1) {
		struct fail f;

		if (spec_parse(wa->agg->item[a], &s[a], &f) < 0)
			return weir_error(ctx, f.code, "%s", f.text);
		wa->function[a] = s[a].agg;
		wa->input_of[a] = -1;
		strcpy(text, s[a].path);
		if (*text && (wa->input_of[a] = input_of(ctx, wa, &s[a], text, wa->agg->item[a])) < 0)
			return wa->input_of[a];
	}
	wa->n_aggs = wa->agg->n;
	return 0;
}

/* Names of --by members: the last key, as in SQL; the whole path where that is no unique name. */
static int
by_names(struct weir_ctx *ctx, const struct window_agg *wa, const struct spec *s, char (*name)[SPEC_NAME + 1])
{
	uint8_t whole[STAGE_MAX_BY] = { 0 };

	for (size_t i = 0; i < wa->n_by; i++)
		if (spec_by_name(wa->by->item[i], 0, name[i]) < 0)
			return weir_error(ctx, WEIR_EUSAGE, "--by '%s' is no path that can name a member: at most %d bytes", wa->by->item[i], SPEC_NAME);
	for (size_t i = 0; i < wa->n_by; i++) {
		for (size_t k = 0; k < wa->n_by; k++)
			whole[i] |= k != i && !strcmp(name[k], name[i]);
		for (size_t a = 0; a < wa->n_aggs; a++)
			whole[i] |= !strcmp(s[a].name, name[i]);
		whole[i] |= !strcmp(name[i], "window_start") || !strcmp(name[i], "window_end");
	}
	for (size_t i = 0; i < wa->n_by; i++)
		if (whole[i] && spec_by_name(wa->by->item[i], 1, name[i]) < 0)
			return weir_error(ctx, WEIR_EUSAGE, "--by '%s' is longer than %d bytes", wa->by->item[i], SPEC_NAME);
	return 0;
}

/* "@weir" and its escaped forms belong to the stream protocol. */
static int
is_control(const char *name)
{
	return *name == '@' && !strcmp(name + strspn(name, "@"), "weir");
}

static int
plan_names(struct weir_ctx *ctx, struct window_agg *wa, const struct spec *s, char (*by)[SPEC_NAME + 1])
{
	const char *name[2 + STAGE_MAX_BY + WINDOWS_MAX_AGGS] = { "window_start", "window_end" };
	size_t n = 2;

	for (size_t i = 0; i < wa->n_by; i++)
		name[n++] = by[i];
	for (size_t a = 0; a < wa->n_aggs; a++)
		name[n++] = s[a].name;
	for (size_t i = 2; i < n; i++) {
		if (is_control(name[i]))
			return weir_error(ctx, WEIR_EUSAGE, "a member cannot be named '%s': that name is the stream's", name[i]);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(name[k], name[i]))
				return weir_error(ctx, WEIR_EUSAGE, "two members of a row would be named '%s': leave one out, or take another NAME in --agg", name[i]);
		if (buf_putc(&wa->prefix, ',') < 0 || emit_text(&wa->prefix, name[i]) < 0 || buf_putc(&wa->prefix, ':') < 0)
			return weir_error(ctx, WEIR_EAGAIN, "no memory for the options");
		wa->prefix_end[i - 2] = wa->prefix.n;
	}
	return 0;
}

static int
plan_members(struct weir_ctx *ctx, struct window_agg *wa)
{
	char (*by)[SPEC_NAME + 1] = calloc(STAGE_MAX_BY, sizeof *by);
	struct spec *s = calloc(wa->agg->n, sizeof *s);
	int e = by && s ? 0 : weir_error(ctx, WEIR_EAGAIN, "no memory for the options");

	for (size_t i = 0; !e && i < wa->n_by; i++)
		if ((wa->by_column[i] = weir_want(ctx, wa->by->item[i])) < 0)
			e = wa->by_column[i];
	if (!e)
		e = plan_aggs(ctx, wa, s);
	if (!e)
		e = by_names(ctx, wa, s, by);
	if (!e)
		e = plan_names(ctx, wa, s, by);
	free(by);
	free(s);
	return e;
}

static int
plan_where(struct weir_ctx *ctx, struct window_agg *wa)
{
	struct fail f;

	if (!wa->where_text)
		return 0;
	if (!(wa->where = expr_compile(wa->where_text, &f)))
		return weir_error(ctx, f.code, "--where: %s", f.text);
	if (!expr_is_native(wa->where))
		weir_warn(ctx, "--where runs in libjq, which is slow; comparisons of paths, has(), and, or, not are fast");
	return expr_want(wa->where, ctx);
}

int
plan_open(struct weir_ctx *ctx, struct window_agg *wa)
{
	int e = check_sizes(ctx, wa);

	if (e)
		return e;
	wa->n_by = wa->by ? wa->by->n : 0;
	if (wa->n_by > STAGE_MAX_BY)
		return weir_error(ctx, WEIR_EUSAGE, "--by takes at most %d paths, %zu given", STAGE_MAX_BY, wa->n_by);
	if (wa->agg->n > WINDOWS_MAX_AGGS)
		return weir_error(ctx, WEIR_EUSAGE, "--agg can be given %d times, %zu given", WINDOWS_MAX_AGGS, wa->agg->n);
	if ((wa->time_column = weir_want(ctx, wa->time.path)) < 0)
		return wa->time_column;
	if ((e = plan_members(ctx, wa)) || (e = plan_where(ctx, wa)))
		return e;
	wa->row.max = STAGE_ROW_BYTES;
	wa->seen_us = INT64_MIN;
	wa->lane = calloc(STAGE_LANES, sizeof *wa->lane);
	wa->value = calloc(STAGE_LANES * (wa->n_inputs + 1), sizeof *wa->value);
	wa->keys = malloc(STAGE_LANES * KEY_BYTES);
	if (!wa->lane || !wa->value || !wa->keys)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the events of a batch");
	for (size_t k = 0; k < STAGE_LANES; k++)
		wa->lane[k].value = wa->value + k * wa->n_inputs;
	return 0;
}

int
plan_windows(struct weir_ctx *ctx, struct window_agg *wa)
{
	struct windows_plan plan = { .size_us = wa->size_us, .offset_us = wa->offset_us, .wait_us = wa->wait_us, .cumulate = wa->cumulate_us > 0,
	    .n_aggs = wa->n_aggs, .memory_bytes = wa->memory_bytes, .seed = weir_seed(ctx)[0] };

	if (wa->windows)
		return 0;
	plan.pane_us = wa->slide_us ? wa->slide_us : wa->cumulate_us ? wa->cumulate_us : wa->size_us;
	memcpy(plan.agg, wa->function, sizeof plan.agg);
	wa->windows = windows_new(&plan);
	return wa->windows ? 0 : weir_error(ctx, WEIR_EAGAIN, "no memory for the windows");
}
