#include "config.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "gzip.h"
#include "weir.h"

#define PIECE	(64u << 10)		/* of compressed bytes */
#define WINDOW	(15 + 16)		/* zlib: 32 KiB, with gzip's header and trailer */

struct gzip {
#ifdef HAVE_ISAL
	struct isal_zstream	 z;
	uint8_t			*level;
#else
	z_stream		 z;
#endif
	gzip_sink		*sink;
	void			*arg;
	unsigned char		 out[PIECE];
};

int
gzip_open(gzip_sink *sink, void *arg, struct gzip **out, struct fail *f)
{
	struct gzip *g = calloc(1, sizeof *g);
	int bad;

	if (!g)
		return fail(f, WEIR_EAGAIN, "no memory to compress with");
#ifdef HAVE_ISAL
	isal_deflate_init(&g->z);
	bad = !(g->level = malloc(ISAL_DEF_LVL1_DEFAULT));
	g->z.level = 1;
	g->z.level_buf = g->level;
	g->z.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
	g->z.gzip_flag = IGZIP_GZIP;
#else
	bad = deflateInit2(&g->z, 1, Z_DEFLATED, WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK;
#endif
	g->sink = sink;
	g->arg = arg;
	if (bad) {
		gzip_close(g);
		return fail(f, WEIR_EAGAIN, "no memory to compress with");
	}
	*out = g;
	return 0;
}

void
gzip_close(struct gzip *g)
{
	if (!g)
		return;
#ifdef HAVE_ISAL
	free(g->level);
#else
	(void)deflateEnd(&g->z);	/* says only whether anything was thrown away */
#endif
	free(g);
}

int
gzip_write(struct gzip *g, const void *p, size_t n, int end, struct fail *f)
{
	int e, bad;

	if (n > UINT_MAX)
		return fail(f, WEIR_EBUG, "gzip_write: %zu bytes at once", n);
	g->z.next_in = (unsigned char *)(uintptr_t)p;
	g->z.avail_in = (uint32_t)n;
	do {
		g->z.next_out = g->out;
		g->z.avail_out = PIECE;
#ifdef HAVE_ISAL
		g->z.end_of_stream = (uint16_t)end;
		bad = isal_deflate(&g->z) != COMP_OK;
#else
		bad = deflate(&g->z, end ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR;
#endif
		if (bad)
			return fail(f, WEIR_EBUG, "the compressor does not accept its input");
		if (g->z.avail_out < PIECE && (e = g->sink(g->arg, g->out, PIECE - g->z.avail_out, f)) < 0)
			return e;
	} while (g->z.avail_in || !g->z.avail_out);	/* an output with room left is all there is */
	return 0;
}

struct gunzip {
	z_stream	 z;
	gunzip_source	*source;
	void		*arg;
	int		 end;
	unsigned char	 in[PIECE];
};

int
gunzip_open(gunzip_source *source, void *arg, struct gunzip **out, struct fail *f)
{
	struct gunzip *g = calloc(1, sizeof *g);

	if (!g || inflateInit2(&g->z, WINDOW) != Z_OK) {
		free(g);
		return fail(f, WEIR_EAGAIN, "no memory to uncompress with");
	}
	g->source = source;
	g->arg = arg;
	*out = g;
	return 0;
}

void
gunzip_close(struct gunzip *g)
{
	if (!g)
		return;
	(void)inflateEnd(&g->z);
	free(g);
}

int
gunzip_read(struct gunzip *g, void *p, size_t max, size_t *n, struct fail *f)
{
	int e;

	g->z.next_out = p;
	g->z.avail_out = (unsigned)max;
	while (!g->end && g->z.avail_out == max) {
		if (!g->z.avail_in) {
			size_t got;

			if ((e = g->source(g->arg, g->in, sizeof g->in, &got, f)) < 0)
				return e;
			if (!got)
				return fail(f, WEIR_EIO, "compressed bytes end early");
			g->z.next_in = g->in;
			g->z.avail_in = (unsigned)got;
		}
		if ((e = inflate(&g->z, Z_NO_FLUSH)) == Z_STREAM_END)
			g->end = 1;
		else if (e != Z_OK && e != Z_BUF_ERROR)
			return fail(f, e == Z_MEM_ERROR ? WEIR_EAGAIN : WEIR_EIO, "compressed bytes are damaged: %s", g->z.msg ? g->z.msg : "zlib");
	}
	*n = max - g->z.avail_out;
	return 0;
}
