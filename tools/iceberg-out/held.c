#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "held.h"

int
held_add(struct held *h, const char *p, size_t n, struct fail *f)
{
	uint32_t *more;

	if (!h->infer && !(h->infer = infer_new(h->ignore)))
		return fail(f, WEIR_EAGAIN, "no memory to hold events");
	if (h->n + 2 > h->cap) {
		if (!(more = realloc(h->line, (h->cap ? h->cap * 2u : 1024u) * sizeof *more)))
			return fail(f, WEIR_EAGAIN, "no memory to hold events");
		h->line = more;
		h->cap = h->cap ? h->cap * 2 : 1024;
	}
	h->line[h->n] = (uint32_t)h->bytes.n;
	if (buf_put(&h->bytes, p, n) < 0 || buf_putc(&h->bytes, '\n') < 0)
		return fail(f, WEIR_EAGAIN, "no memory to hold events");
	h->line[++h->n] = (uint32_t)h->bytes.n;
	return infer_add(h->infer, h->bytes.p + h->line[h->n - 1], n, f);
}

int
held_full(const struct held *h)
{
	return h->bytes.n >= HELD_MAX;
}

uint32_t
held_batch(const struct held *h, uint32_t at, struct weir_batch *b, uint8_t *verdict)
{
	uint32_t n = h->n - at < HELD_BATCH ? h->n - at : HELD_BATCH;

	memset(verdict, WEIR_PASSED, n);
	*b = (struct weir_batch){ .n = n, .bytes = h->bytes.p, .line = h->line + at, .verdict = verdict };
	return n;
}

void
held_free(struct held *h)
{
	infer_free(h->infer);
	buf_free(&h->bytes);
	free(h->line);
	memset(h, 0, sizeof *h);
}
