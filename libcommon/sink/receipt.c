#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "receipt.h"

static const char *const adds_up[] = { "bytes", "conflicts", "files", "rows" };

static int
no_memory(struct weir_ctx *ctx)
{
	return weir_error(ctx, WEIR_EAGAIN, "no memory for a receipt");
}

static int
add_numbers(json_t *sum, const json_t *r)
{
	int e = 0;

	for (size_t i = 0; i < sizeof adds_up / sizeof *adds_up; i++) {
		const json_t *v = json_object_get(r, adds_up[i]);

		if (json_is_integer(v))
			e |= json_object_set_new(sum, adds_up[i], json_integer(json_integer_value(json_object_get(sum, adds_up[i])) + json_integer_value(v)));
	}
	return e;
}

static int
print(struct weir_ctx *ctx, const json_t *r)
{
	char *line = json_dumps(r, JSON_COMPACT | JSON_SORT_KEYS);
	int e = line ? weir_receipt(ctx, line, strlen(line)) : no_memory(ctx);

	free(line);
	return e;
}

int
receipt_commit(struct weir_ctx *ctx, struct receipts *s, json_t *r)
{
	json_decref(s->last);
	s->last = r;
	s->n++;
	if (!r || (!s->acct && !(s->acct = json_object())) || (!s->sum && !(s->sum = json_object())) ||
	    account_merge(s->acct, json_object_get(r, "acct")) < 0 || add_numbers(s->sum, r) < 0)
		return no_memory(ctx);
	return print(ctx, r);
}

int
receipt_run(struct weir_ctx *ctx, struct receipts *s)
{
	if (s->n < 2)
		return 0;
	if (json_object_update(s->last, s->sum) | json_object_set(s->last, "acct", s->acct) |
	    json_object_set_new(s->last, "commits", json_integer((json_int_t)s->n)))
		return no_memory(ctx);
	return print(ctx, s->last);
}

void
receipts_free(struct receipts *s)
{
	json_decref(s->last);
	json_decref(s->acct);
	json_decref(s->sum);
	memset(s, 0, sizeof *s);
}
