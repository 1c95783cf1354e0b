/*
 * row.c - one line of JSON per closed window and group.
 */
#include "config.h"

#include <errno.h>

#include "iso.h"
#include "stage.h"

static int
put_prefix(struct window_agg *wa, size_t member)
{
	size_t from = member ? wa->prefix_end[member - 1] : 0;

	return buf_put(&wa->row, wa->prefix.p + from, wa->prefix_end[member] - from);
}

static int
put_times(struct buf *row, const struct windows_row *r)
{
	char start[ISO_SIZE], end[ISO_SIZE];
	size_t n_start = iso_format(r->start_us, start), n_end = iso_format(r->end_us, end);

	row->n = 0;
	return buf_puts(row, "{\"window_start\":\"") < 0 || buf_put(row, start, n_start) < 0 || buf_puts(row, "\",\"window_end\":\"") < 0 ||
	    buf_put(row, end, n_end) < 0 || buf_putc(row, '"') < 0 ? -1 : 0;
}

/* An aggregate has overflowed in one group: its member is null, it is counted, and said once. */
static void
overflow(struct window_agg *wa, size_t a)
{
	weir_count(wa->ctx, "overflow", 1);
	if (wa->warned)
		return;
	wa->warned = 1;
	weir_warn(wa->ctx, "--agg '%s': a group's result is beyond 38 digits (doubles: beyond 1.8e308); it is null and counted as overflow: %.*s",
	    wa->agg->item[a], (int)(wa->row.n < 200 ? wa->row.n : 200), wa->row.p);
}

int
row_emit(void *self, const struct windows_row *r)
{
	const char *key = r->key, *end = r->key + r->key_n;
	struct window_agg *wa = self;
	struct buf *row = &wa->row;
	int e = put_times(row, r);

	for (size_t i = 0; e >= 0 && i < wa->n_by; i++)
		if ((e = put_prefix(wa, i)) >= 0)
			e = key_emit(&key, end, row);
	for (size_t a = 0; e >= 0 && a < wa->n_aggs; a++) {
		if ((e = put_prefix(wa, wa->n_by + a)) < 0)
			break;
		if ((e = wa->function[a]->emit(windows_cell(wa->windows, r->group, a), row)) > 0)
			overflow(wa, a);
	}
	if (e >= 0)
		e = buf_putc(row, '}');
	if (e < 0 && errno == ENOMEM)
		return weir_error(wa->ctx, WEIR_EAGAIN, "no memory for a row");
	if (e < 0)
		return weir_error(wa->ctx, WEIR_ECONFIG, "a row would be longer than %u MiB: keep shorter values in min, max, first, last",
		    STAGE_ROW_BYTES >> 20);
	return weir_emit(wa->ctx, row->p, row->n);
}
