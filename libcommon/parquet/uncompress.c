#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "decode.h"
#include "uncompress.h"
#include "weir.h"

struct uncompress {
	ZSTD_DCtx	*zstd;
	z_stream	 zlib;
	int		 zlib_ready;
};

struct uncompress *
uncompress_new(void)
{
	return calloc(1, sizeof(struct uncompress));
}

void
uncompress_free(struct uncompress *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	if (u->zlib_ready)
		inflateEnd(&u->zlib);
	free(u);
}

const char *
uncompress_unsupported(int codec)
{
	switch (codec) {
	case UNCOMPRESS_NONE: case UNCOMPRESS_SNAPPY: case UNCOMPRESS_GZIP: case UNCOMPRESS_LZ4: case UNCOMPRESS_ZSTD: case UNCOMPRESS_LZ4_RAW:
		return NULL;
	case UNCOMPRESS_LZO:
		return "LZO";
	case UNCOMPRESS_BROTLI:
		return "BROTLI";
	default:
		return "unknown";
	}
}

/* Copy n bytes from `back` bytes before out; they may overlap, then they repeat. */
static void
copy_back(uint8_t *out, size_t back, size_t n)
{
	if (back >= n)
		memcpy(out, out - back, n);
	else
		for (size_t i = 0; i < n; i++)
			out[i] = out[i - back];
}

/* google/snappy, format_description.txt */
int
uncompress_snappy(const uint8_t *in, size_t n, uint8_t *out, size_t n_out)
{
	const uint8_t *end = in + n;
	uint64_t size = 0;
	size_t o = 0;
	unsigned shift = 0;

	do {
		if (in == end || shift > 28)
			return -1;
		size |= (uint64_t)(*in & 0x7f) << shift;
		shift += 7;
	} while (*in++ & 0x80);
	if (size != n_out)
		return -1;
	while (in < end) {
		unsigned tag = *in++;
		size_t len = tag >> 2, back = 0, extra;

		switch (tag & 3) {
		case 0:
			extra = len >= 60 ? len - 59 : 0;
			if ((size_t)(end - in) < extra)
				return -1;
			if (extra) {
				len = 0;
				for (size_t i = 0; i < extra; i++)
					len |= (size_t)*in++ << (8 * i);
			}
			if (++len > (size_t)(end - in) || len > n_out - o)
				return -1;
			memcpy(out + o, in, len);
			in += len;
			o += len;
			continue;
		case 1:
			if (in == end)
				return -1;
			len = 4 + (len & 7);
			back = (size_t)(tag >> 5) << 8 | *in++;
			break;
		default:
			extra = (tag & 3) == 2 ? 2 : 4;
			if ((size_t)(end - in) < extra)
				return -1;
			len++;
			for (size_t i = 0; i < extra; i++)
				back |= (size_t)*in++ << (8 * i);
		}
		if (back == 0 || back > o || len > n_out - o)
			return -1;
		copy_back(out + o, back, len);
		o += len;
	}
	return o == n_out ? 0 : -1;
}

/* The rest of a length: 255 means that more follows. */
static int
lz4_length(const uint8_t **in, const uint8_t *end, size_t *len)
{
	uint8_t b;

	do {
		if (*in == end)
			return -1;
		b = *(*in)++;
		*len += b;
	} while (b == 255);
	return 0;
}

/* lz4/lz4, lz4_Block_format.md */
int
uncompress_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t n_out)
{
	const uint8_t *end = in + n;
	size_t o = 0;

	while (in < end) {
		unsigned token = *in++;
		size_t len = token >> 4, back;

		if (len == 15 && lz4_length(&in, end, &len) < 0)
			return -1;
		if (len > (size_t)(end - in) || len > n_out - o)
			return -1;
		if (len)
			memcpy(out + o, in, len);
		in += len;
		o += len;
		if (in == end)
			break;			/* the last sequence has no match */
		if (end - in < 2)
			return -1;
		back = (size_t)in[0] | (size_t)in[1] << 8;
		in += 2;
		len = token & 15;
		if (len == 15 && lz4_length(&in, end, &len) < 0)
			return -1;
		len += 4;
		if (back == 0 || back > o || len > n_out - o)
			return -1;
		copy_back(out + o, back, len);
		o += len;
	}
	return o == n_out ? 0 : -1;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Codec 5 was never described: Hadoop's frames (two sizes, big-endian, then a block), or a bare block.  Frames are recognised by
 * sizes that fit to the byte. */
static int
lz4_hadoop(const uint8_t *in, size_t n, uint8_t *out, size_t n_out)
{
	size_t o = 0;

	while (n) {
		uint32_t raw, packed;

		if (n < 8)
			return -1;
		raw = be32(in);
		packed = be32(in + 4);
		if (packed > n - 8 || raw > n_out - o || uncompress_lz4(in + 8, packed, out + o, raw) < 0)
			return -1;
		in += 8 + packed;
		n -= 8 + packed;
		o += raw;
	}
	return o == n_out ? 0 : -1;
}

/* One or more gzip members.  0, -1, or WEIR_EAGAIN: no memory. */
static int
gunzip(struct uncompress *u, const uint8_t *in, size_t n, uint8_t *out, size_t n_out)
{
	z_stream *z = &u->zlib;
	int e;

	if (n > UINT32_MAX || n_out > UINT32_MAX)
		return -1;
	if (!u->zlib_ready) {
		if (inflateInit2(z, 15 + 32) != Z_OK)
			return WEIR_EAGAIN;
		u->zlib_ready = 1;
	} else if (inflateReset(z) != Z_OK)
		return -1;
	z->next_in = (Bytef *)(uintptr_t)in;
	z->avail_in = (uInt)n;
	z->next_out = out;
	z->avail_out = (uInt)n_out;
	while ((e = inflate(z, Z_FINISH)) == Z_STREAM_END && z->avail_in > 0)
		if (inflateReset(z) != Z_OK)
			return -1;
	return e == Z_STREAM_END && z->avail_out == 0 ? 0 : e == Z_MEM_ERROR ? WEIR_EAGAIN : -1;
}

const char *
uncompress_page(struct uncompress *u, int codec, const uint8_t *in, size_t n, uint8_t *out, size_t n_out)
{
	int e = -1;

	switch (codec) {
	case UNCOMPRESS_NONE:
		if (n == n_out) {
			if (n)
				memcpy(out, in, n);
			e = 0;
		}
		break;
	case UNCOMPRESS_SNAPPY:
		e = uncompress_snappy(in, n, out, n_out);
		break;
	case UNCOMPRESS_GZIP:
		e = gunzip(u, in, n, out, n_out);
		break;
	case UNCOMPRESS_LZ4:
		if ((e = lz4_hadoop(in, n, out, n_out)) < 0)
			e = uncompress_lz4(in, n, out, n_out);
		break;
	case UNCOMPRESS_LZ4_RAW:
		e = uncompress_lz4(in, n, out, n_out);
		break;
	case UNCOMPRESS_ZSTD:
		if (!u->zstd && !(u->zstd = ZSTD_createDCtx()))
			return decode_no_memory;
		e = ZSTD_decompressDCtx(u->zstd, out, n_out, in, n) == n_out ? 0 : -1;
		break;
	}
	return e == WEIR_EAGAIN ? decode_no_memory : e < 0 ? "its bytes do not uncompress to the size they should have" : NULL;
}
