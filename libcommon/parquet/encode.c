#include "config.h"

#include "encode.h"

/* n bytes or words at v, told apart by a constant, so that the compiler makes two loops of each. */
static inline __attribute__((always_inline)) uint32_t
get(const void *v, size_t i, int wide)
{
	return wide ? ((const uint32_t *)v)[i] : ((const uint8_t *)v)[i];
}

static inline __attribute__((always_inline)) size_t
run_length(const void *v, size_t i, size_t n, int wide)
{
	uint32_t x = get(v, i, wide);
	size_t from = i;

	if (!wide) {		/* levels are mostly one long run */
		uint64_t all = x * UINT64_C(0x0101010101010101), word;

		for (; i + 8 <= n; i += 8) {
			memcpy(&word, (const uint8_t *)v + i, 8);
			if (word != all)
				break;
		}
	}
	while (i < n && get(v, i, wide) == x)
		i++;
	return i - from;
}

static inline __attribute__((always_inline)) int
same8(const void *v, size_t i, int wide)
{
	uint32_t x = get(v, i, wide);

	for (size_t k = 1; k < 8; k++)
		if (get(v, i + k, wide) != x)
			return 0;
	return 1;
}

static unsigned char *
varint(unsigned char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (unsigned char)(v | 0x80);
	*p++ = (unsigned char)v;
	return p;
}

/* Values from..to, whole groups of eight, the last one filled up with zeros. */
static inline __attribute__((always_inline)) unsigned char *
pack(unsigned char *p, const void *v, size_t from, size_t to, unsigned width, int wide)
{
	unsigned char *end = p + (to - from + 7) / 8 * width;
	unsigned bits = 0;
	uint64_t acc = 0;

	for (size_t i = from; i < to; i++) {
		acc |= (uint64_t)get(v, i, wide) << bits;
		bits += width;
		if (bits >= 32) {
			uint32_t low = (uint32_t)acc;		/* little-endian, as every machine this runs on */

			memcpy(p, &low, 4);
			p += 4;
			acc >>= 32;
			bits -= 32;
		}
	}
	for (; p < end; acc >>= 8)
		*p++ = (unsigned char)acc;
	return p;
}

static inline __attribute__((always_inline)) int
hybrid(struct buf *out, const void *v, size_t n, unsigned width, int wide)
{
	unsigned char *p;

	/* A group of eight costs at most its bits, or a run's header and value; a run of literals has one header more. */
	if (buf_reserve(out, (n / 8 + 2) * (width + 16)) < 0)
		return -1;
	p = (unsigned char *)out->p + out->n;
	for (size_t i = 0; i < n;) {
		size_t from = i;

		if (i + 8 <= n && same8(v, i, wide)) {
			size_t run = run_length(v, i, n, wide);
			uint32_t x = get(v, i, wide);

			p = varint(p, (uint64_t)run << 1);
			for (unsigned b = 0; b < width; b += 8)
				*p++ = (unsigned char)(x >> b);
			i += run;
			continue;
		}
		do
			i = n - i > 8 ? i + 8 : n;
		while (i < n && !(i + 8 <= n && same8(v, i, wide)));
		p = varint(p, (uint64_t)((i - from + 7) / 8) << 1 | 1);
		p = pack(p, v, from, i, width, wide);
	}
	out->n = (size_t)(p - (unsigned char *)out->p);
	return 0;
}

int
encode_levels(struct buf *out, const uint8_t *v, size_t n, unsigned width)
{
	size_t at = out->n;
	uint32_t len;

	if (buf_put(out, "\0\0\0", 4) < 0 || hybrid(out, v, n, width, 0) < 0)
		return -1;
	len = (uint32_t)(out->n - at - 4);
	memcpy(out->p + at, &len, 4);
	return 0;
}

int
encode_indices(struct buf *out, const uint32_t *v, size_t n, unsigned width)
{
	return buf_putc(out, (char)width) < 0 ? -1 : hybrid(out, v, n, width, 1);
}

int
encode_bools(struct buf *out, const uint8_t *v, size_t n)
{
	unsigned char *p;
	size_t bytes = (n + 7) / 8;

	if (buf_reserve(out, bytes) < 0)
		return -1;
	p = (unsigned char *)out->p + out->n;
	memset(p, 0, bytes);
	for (size_t i = 0; i < n; i++)
		p[i / 8] = (unsigned char)(p[i / 8] | v[i] << i % 8);
	out->n += bytes;
	return 0;
}
