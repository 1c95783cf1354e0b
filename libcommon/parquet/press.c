#include "config.h"

#include <stdlib.h>
#include <zstd.h>

#include "press.h"
#include "weir.h"

#define LEVEL_MAX	19	/* above that zstd wants hundreds of megabytes */

struct press {
	ZSTD_CCtx	*ctx;
	struct buf	 out, scratch;
	int		 level;
};

struct press *
press_new(int level)
{
	struct press *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->level = level < 0 ? 0 : level > LEVEL_MAX ? LEVEL_MAX : level;
	if (c->level && (!(c->ctx = ZSTD_createCCtx()) || ZSTD_isError(ZSTD_CCtx_setParameter(c->ctx, ZSTD_c_compressionLevel, c->level)))) {
		press_free(c);
		return NULL;
	}
	return c;
}

void
press_free(struct press *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->ctx);
	buf_free(&c->out);
	buf_free(&c->scratch);
	free(c);
}

int
press_level(const struct press *c)
{
	return c->level;
}

int
press_zstd(struct press *c, const void *p, size_t n, const char **out, size_t *out_n, struct fail *f)
{
	size_t k;

	c->out.n = 0;
	if (buf_reserve(&c->out, ZSTD_compressBound(n)) < 0)
		return fail(f, WEIR_EIO, "no memory to compress a page of %zu bytes: write with a smaller row group", n);
	k = ZSTD_compress2(c->ctx, c->out.p, c->out.cap, p, n);
	if (ZSTD_isError(k))
		return fail(f, WEIR_EBUG, "zstd cannot compress a page of %zu bytes: %s", n, ZSTD_getErrorName(k));
	*out = c->out.p;
	*out_n = c->out.n = k;
	return 0;
}

struct buf *
press_scratch(struct press *c)
{
	return &c->scratch;
}

size_t
press_memory(const struct press *c)
{
	return sizeof *c + c->out.cap + c->scratch.cap + (c->ctx ? ZSTD_sizeof_CCtx(c->ctx) : 0);
}
