#include "config.h"

#include <endian.h>
#include <string.h>

#include "column.h"
#include "decode.h"

const char decode_unsupported[] = "encoding";
const char decode_no_memory[] = "no memory";

static const char too_short[] = "its values end too early";

const char *
decode_name(unsigned encoding)
{
	static const char *const names[] = { "PLAIN", NULL, "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
	    "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT" };

	return encoding < sizeof names / sizeof *names && names[encoding] ? names[encoding] : "of an unknown number";
}

static uint32_t
u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static uint64_t
u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static int
varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		if (shift == 63 && b > 1)
			return -1;
		*v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return 0;
	}
	return -1;
}

/* `width` bits at bit offset `bit` of p..end, lowest bit first.  The caller knows that they are there. */
static uint64_t
bits_at(const uint8_t *p, const uint8_t *end, uint64_t bit, unsigned width)
{
	const uint8_t *q = p + bit / 8;
	unsigned skip = bit % 8;
	uint64_t v = 0;

	if (width == 0)
		return 0;
	if (end - q >= 8)
		v = u64(q);
	else
		for (unsigned i = 0; q + i < end; i++)
			v |= (uint64_t)q[i] << (8 * i);
	v >>= skip;
	if (skip + width > 64)
		v |= (uint64_t)q[8] << (64 - skip);
	return width == 64 ? v : v & ((UINT64_C(1) << width) - 1);
}

void
decode_rle_init(struct decode_rle *r, const uint8_t *p, const uint8_t *end, unsigned width)
{
	*r = (struct decode_rle){ .p = p, .end = end, .width = width };
}

/* The head of the next run. */
static const char *
rle_run(struct decode_rle *r)
{
	unsigned bytes = (r->width + 7) / 8;
	uint64_t head;

	if (r->width == 0 && r->p == r->end) {	/* nothing to tell: some writers leave the runs out */
		r->packed = 0;
		r->value = 0;
		r->left = UINT64_MAX;
		return NULL;
	}
	if (varint(&r->p, r->end, &head) < 0)
		return "its levels or indices end too early";
	r->packed = head & 1;
	r->left = head >> 1;
	if (r->packed) {
		/* a last group may be cut off where its values end */
		uint64_t room = r->width ? (uint64_t)(r->end - r->p) * 8 / r->width : UINT64_MAX;

		if (r->left > UINT64_MAX / 8)
			return "a run is too long";
		r->left *= 8;
		if (r->left > room)
			r->left = room;
		r->bit = 0;
		return NULL;
	}
	if ((size_t)(r->end - r->p) < bytes)
		return "its levels or indices end too early";
	r->value = 0;
	for (unsigned i = 0; i < bytes; i++)
		r->value |= (uint32_t)*r->p++ << (8 * i);
	if (r->width < 32 && r->value >> r->width)
		return "a level or index is out of range";
	return NULL;
}

const char *
decode_rle(struct decode_rle *r, uint32_t *out, size_t n)
{
	while (n) {
		const char *bad;
		uint64_t k;

		if (r->left == 0) {		/* an empty run is allowed; each takes a byte at least, so this ends */
			if ((bad = rle_run(r)))
				return bad;
			continue;
		}
		k = r->left < n ? r->left : n;
		if (r->packed) {
			uint64_t bit = r->bit;

			for (uint64_t i = 0; i < k; i++, bit += r->width)
				out[i] = (uint32_t)bits_at(r->p, r->end, bit, r->width);
			r->p += bit / 8;
			r->bit = bit % 8;
			if (k == r->left && r->bit) {	/* padding of a cut group */
				r->p++;
				r->bit = 0;
			}
		} else
			for (uint64_t i = 0; i < k; i++)
				out[i] = r->value;
		if (r->left != UINT64_MAX)
			r->left -= k;
		out += k;
		n -= k;
	}
	return NULL;
}

void
decode_bits_msb(const uint8_t *p, uint64_t first, unsigned width, uint32_t *out, size_t n)
{
	uint64_t bit = first * width;

	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (unsigned w = 0; w < width; w++, bit++)
			out[i] = out[i] << 1 | (p[bit / 8] >> (7 - bit % 8) & 1);
	}
}

const char *
decode_delta_init(struct decode_delta *d, const uint8_t *p, const uint8_t *end)
{
	uint64_t block, mini, first;

	*d = (struct decode_delta){ .p = p, .end = end, .first = 1 };
	if (varint(&d->p, end, &block) < 0 || varint(&d->p, end, &mini) < 0 || varint(&d->p, end, &d->left) < 0 ||
	    varint(&d->p, end, &first) < 0)
		return "the head of its delta values is damaged";
	if (mini == 0 || block == 0 || block > 1 << 20 || mini > block || block % mini || block / mini % 32)
		return "the blocks of its delta values have an impossible size";
	d->n_mini = (uint32_t)mini;
	d->per_mini = (uint32_t)(block / mini);
	d->last = first >> 1 ^ -(first & 1);
	return NULL;
}

/* The head of the next block: the least delta and the widths. */
static const char *
delta_block(struct decode_delta *d)
{
	uint64_t min;

	if (varint(&d->p, d->end, &min) < 0 || (size_t)(d->end - d->p) < d->n_mini)
		return too_short;
	d->min = min >> 1 ^ -(min & 1);
	d->widths = d->p;
	d->p += d->n_mini;
	d->mini = d->at = 0;
	d->in_block = 1;
	return NULL;
}

/* Bytes of the miniblock that begins; the last one may be cut off behind its last value. */
static const char *
delta_mini(const struct decode_delta *d, size_t *bytes)
{
	unsigned width = d->widths[d->mini];
	uint64_t used = d->left < d->per_mini ? d->left : d->per_mini;

	if (width > 64)
		return "a delta has an impossible width";
	*bytes = (size_t)d->per_mini * width / 8;
	if ((size_t)(d->end - d->p) < *bytes) {
		if ((size_t)(d->end - d->p) < (used * width + 7) / 8)
			return too_short;
		*bytes = (size_t)(d->end - d->p);
	}
	return NULL;
}

const char *
decode_delta(struct decode_delta *d, int64_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *bad;
		size_t bytes;

		if (d->left == 0)
			return too_short;
		if (d->first)
			d->first = 0;
		else {
			if (!d->in_block && (bad = delta_block(d)))
				return bad;
			if (d->at == 0 && (bad = delta_mini(d, &bytes)))
				return bad;
			d->last += d->min + bits_at(d->p, d->end, (uint64_t)d->at * d->widths[d->mini], d->widths[d->mini]);
			if (++d->at == d->per_mini) {
				d->p += (size_t)d->per_mini * d->widths[d->mini] / 8 < (size_t)(d->end - d->p) ?
				    (size_t)d->per_mini * d->widths[d->mini] / 8 : (size_t)(d->end - d->p);
				d->at = 0;
				if (++d->mini == d->n_mini)
					d->in_block = 0;
			}
		}
		d->left--;
		out[i] = (int64_t)d->last;
	}
	return NULL;
}

const char *
decode_delta_end(const struct decode_delta *from, const uint8_t **p)
{
	struct decode_delta d = *from;

	if (d.left)
		d.left--;			/* the first value stands in the head */
	while (d.left) {
		const char *bad = delta_block(&d);

		for (; !bad && d.mini < d.n_mini && d.left; d.mini++) {
			size_t bytes;

			if (!(bad = delta_mini(&d, &bytes))) {
				d.p += bytes;
				d.left -= d.left < d.per_mini ? d.left : d.per_mini;
			}
		}
		if (bad)
			return bad;
	}
	*p = d.p;
	return NULL;
}

static unsigned
physical_width(const struct decode *d)
{
	switch (d->physical) {
	case PARQUET_INT32: case PARQUET_FLOAT: return 4;
	case PARQUET_INT64: case PARQUET_DOUBLE: return 8;
	case PARQUET_INT96: return 12;
	case PARQUET_FIXED: return d->width;
	default: return 0;
	}
}

static const char *
open_strings(struct decode *d)
{
	const char *bad;
	const uint8_t *at = d->p;

	if (d->encoding == DECODE_DELTA_BYTE_ARRAY)
		if ((bad = decode_delta_init(&d->prefixes, at, d->end)) || (bad = decode_delta_end(&d->prefixes, &at)))
			return bad;
	if ((bad = decode_delta_init(&d->lengths, at, d->end)) || (bad = decode_delta_end(&d->lengths, &at)))
		return bad;
	d->p = at;
	d->previous = 0;
	d->last = 0;
	d->arena->n = 0;
	return NULL;
}

const char *
decode_open(struct decode *d, const uint8_t *p, const uint8_t *end)
{
	unsigned width = physical_width(d);
	uint32_t n;

	d->p = p;
	d->end = end;
	switch (d->encoding) {
	case DECODE_PLAIN:
		if (d->physical == PARQUET_BOOLEAN) {
			d->rle = (struct decode_rle){ .p = p, .end = end, .width = 1, .packed = 1, .left = (uint64_t)(end - p) * 8 };
			if (p == end)		/* a page of nulls; reading a value would fail */
				d->rle.packed = 0;
		}
		return NULL;
	case DECODE_PLAIN_DICTIONARY: case DECODE_RLE_DICTIONARY:
		if (p == end) {			/* a page of nulls need not even have the width */
			decode_rle_init(&d->rle, p, end, 1);
			return NULL;
		}
		if (*p > 32)
			return "its dictionary indices have an impossible width";
		decode_rle_init(&d->rle, p + 1, end, *p);
		return NULL;
	case DECODE_RLE:
		if (d->physical != PARQUET_BOOLEAN)
			return decode_unsupported;
		if (end - p < 4 || (n = u32(p)) > (size_t)(end - p - 4))
			return too_short;
		decode_rle_init(&d->rle, p + 4, p + 4 + n, 1);
		return NULL;
	case DECODE_DELTA_BINARY_PACKED:
		if (d->physical != PARQUET_INT32 && d->physical != PARQUET_INT64)
			return decode_unsupported;
		return decode_delta_init(&d->lengths, p, end);
	case DECODE_DELTA_LENGTH_BYTE_ARRAY:
		return d->physical == PARQUET_BYTE_ARRAY ? open_strings(d) : decode_unsupported;
	case DECODE_DELTA_BYTE_ARRAY:
		return d->physical == PARQUET_BYTE_ARRAY || d->physical == PARQUET_FIXED ? open_strings(d) : decode_unsupported;
	case DECODE_BYTE_STREAM_SPLIT:
		if (!width || d->physical == PARQUET_INT96)
			return decode_unsupported;
		if ((size_t)(end - p) % width)
			return "its split values have an impossible length";
		d->split_n = (uint64_t)(end - p) / width;
		d->split_at = 0;
		return NULL;
	default:
		return decode_unsupported;
	}
}

/* A cell from the plain bytes of one value. */
static void
cell_set(const struct decode *d, const uint8_t *p, union decode_cell *c)
{
	uint32_t v;
	uint64_t w;
	float f;

	switch (d->physical) {
	case PARQUET_INT32:
		c->i = (int32_t)u32(p);
		break;
	case PARQUET_INT64:
		c->i = (int64_t)u64(p);
		break;
	case PARQUET_FLOAT:
		v = u32(p);
		memcpy(&f, &v, sizeof f);
		c->d = (double)f;
		break;
	case PARQUET_DOUBLE:
		w = u64(p);
		memcpy(&c->d, &w, sizeof c->d);
		break;
	default:
		c->b.p = p;
		c->b.n = physical_width(d);
	}
}

static const char *
plain(struct decode *d, union decode_cell *cell, size_t n)
{
	unsigned width = physical_width(d);

	if (width) {
		if ((size_t)(d->end - d->p) / width < n)
			return too_short;
		for (size_t i = 0; i < n; i++, d->p += width)
			cell_set(d, d->p, &cell[i]);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (d->end - d->p < 4 || (cell[i].b.n = u32(d->p)) > (size_t)(d->end - d->p - 4))
			return too_short;
		cell[i].b.p = d->p + 4;
		d->p += 4 + cell[i].b.n;
	}
	return NULL;
}

static const char *
booleans(struct decode *d, union decode_cell *cell, size_t n)
{
	uint32_t v[DECODE_BATCH];
	const char *bad;

	if (d->encoding == DECODE_PLAIN && d->rle.left < n)
		return too_short;
	if ((bad = decode_rle(&d->rle, v, n)))
		return bad;
	for (size_t i = 0; i < n; i++)
		cell[i].i = v[i];
	return NULL;
}

static const char *
indexed(struct decode *d, union decode_cell *cell, size_t n)
{
	uint32_t v[DECODE_BATCH];
	const char *bad;

	if (!d->dictionary)
		return "it has no dictionary page";
	if ((bad = decode_rle(&d->rle, v, n)))
		return bad;
	for (size_t i = 0; i < n; i++) {
		if (v[i] >= d->n_dictionary)
			return "an index is beyond its dictionary";
		cell[i] = d->dictionary[v[i]];
	}
	return NULL;
}

static const char *
deltas(struct decode *d, union decode_cell *cell, size_t n)
{
	int64_t v[DECODE_BATCH];
	const char *bad = decode_delta(&d->lengths, v, n);

	for (size_t i = 0; i < n && !bad; i++)
		cell[i].i = d->physical == PARQUET_INT32 ? (int32_t)(uint32_t)(uint64_t)v[i] : v[i];
	return bad;
}

static const char *
delta_lengths(struct decode *d, union decode_cell *cell, size_t n)
{
	int64_t v[DECODE_BATCH];
	const char *bad = decode_delta(&d->lengths, v, n);

	for (size_t i = 0; i < n && !bad; i++) {
		if (v[i] < 0 || v[i] > d->end - d->p)
			return too_short;
		cell[i].b.p = d->p;
		cell[i].b.n = (uint32_t)v[i];
		d->p += v[i];
	}
	return bad;
}

/* Each value is a prefix of the one before and a suffix of its own.  They are put together in the arena, the last one of the
 * batch before at its head. */
static const char *
delta_strings(struct decode *d, union decode_cell *cell, size_t n, size_t *got)
{
	struct buf *a = d->arena;
	uint32_t length[DECODE_BATCH];
	const char *bad = NULL;
	size_t i, start;

	if (d->previous)
		memmove(a->p, a->p + d->last, d->previous);
	a->n = start = d->previous;
	d->last = 0;
	for (i = 0; i < n && (i == 0 || a->n - start < DECODE_ARENA); i++) {
		int64_t prefix, suffix;
		size_t at = a->n;

		if ((bad = decode_delta(&d->prefixes, &prefix, 1)) || (bad = decode_delta(&d->lengths, &suffix, 1)))
			return bad;
		if (prefix < 0 || prefix > d->previous || suffix < 0 || suffix > d->end - d->p)
			return "the parts of a value do not fit";
		if (prefix + suffix > DECODE_VALUE_MAX)
			return "a value is too long";
		if (buf_reserve(a, (size_t)(prefix + suffix)) < 0)
			return decode_no_memory;
		memcpy(a->p + at, a->p + d->last, (size_t)prefix);
		if (suffix)
			memcpy(a->p + at + prefix, d->p, (size_t)suffix);
		a->n += (size_t)(prefix + suffix);
		d->p += suffix;
		d->last = at;
		d->previous = length[i] = (uint32_t)(prefix + suffix);
		if (d->physical == PARQUET_FIXED && length[i] != d->width)
			return "a value has not the length of its column";
	}
	*got = i;
	for (size_t at = start, k = 0; k < i; at += length[k++]) {	/* only now: the arena no longer moves */
		cell[k].b.p = (const uint8_t *)a->p + at;
		cell[k].b.n = length[k];
	}
	return NULL;
}

static const char *
split(struct decode *d, union decode_cell *cell, size_t n, size_t *got)
{
	unsigned width = physical_width(d);
	struct buf *a = d->arena;

	if (d->split_n - d->split_at < n)
		return too_short;
	if (n > DECODE_ARENA / width)
		n = width < DECODE_ARENA ? DECODE_ARENA / width : 1;
	a->n = 0;
	if (buf_reserve(a, n * width) < 0)
		return decode_no_memory;
	for (size_t i = 0; i < n; i++) {
		uint8_t *v = (uint8_t *)a->p + i * width;

		for (unsigned k = 0; k < width; k++)
			v[k] = d->p[k * d->split_n + d->split_at + i];
		cell_set(d, v, &cell[i]);
	}
	d->split_at += n;
	*got = n;
	return NULL;
}

const char *
decode_values(struct decode *d, union decode_cell *cell, size_t n, size_t *got)
{
	*got = n;
	switch (d->encoding) {
	case DECODE_PLAIN: return d->physical == PARQUET_BOOLEAN ? booleans(d, cell, n) : plain(d, cell, n);
	case DECODE_RLE: return booleans(d, cell, n);
	case DECODE_PLAIN_DICTIONARY: case DECODE_RLE_DICTIONARY: return indexed(d, cell, n);
	case DECODE_DELTA_BINARY_PACKED: return deltas(d, cell, n);
	case DECODE_DELTA_LENGTH_BYTE_ARRAY: return delta_lengths(d, cell, n);
	case DECODE_DELTA_BYTE_ARRAY: return delta_strings(d, cell, n, got);
	case DECODE_BYTE_STREAM_SPLIT: return split(d, cell, n, got);
	default: return decode_unsupported;
	}
}
