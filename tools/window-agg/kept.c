#include "config.h"

#include <string.h>

#include "bytes.h"
#include "emit.h"
#include "kept.h"

int
kept_set(struct kept *k, int kind, const char *p, size_t n, struct pool *pool)
{
	size_t room = k->room ? k->room : KEPT_FIRST;

	while (room < n)
		room *= 2;
	if (room > k->room) {
		if (!(k->p = pool_get(pool, room)))
			return -1;
		k->room = (uint32_t)room;
	}
	memcpy(k->p, p, n);
	k->n = (uint32_t)n;
	k->kind = (uint8_t)kind;
	return 0;
}

int
kept_emit(const struct kept *k, struct buf *out)
{
	if (k->kind == WEIR_ABSENT)
		return buf_puts(out, "null");
	return k->kind == WEIR_STRING ? emit_string(out, k->p, k->n) : buf_put(out, k->p, k->n);
}

int
kept_save(const struct kept *k, struct buf *out)
{
	return bytes_put32(out, k->kind) < 0 || bytes_put32(out, k->n) < 0 || buf_put(out, k->p, k->n) < 0 ? -1 : 0;
}

int
kept_load(struct kept *k, const char **p, const char *end, struct pool *pool)
{
	uint32_t kind, n;

	if (bytes_get32(p, end, &kind) || bytes_get32(p, end, &n) || kind > WEIR_ARRAY || n > KEPT_BYTES || n > (size_t)(end - *p))
		return 1;
	if (kind != WEIR_ABSENT && kept_set(k, (int)kind, *p, n, pool) < 0)
		return -1;
	*p += n;
	return 0;
}
