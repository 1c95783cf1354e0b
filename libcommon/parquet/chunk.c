#include "config.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "chunk.h"
#include "thrift_read.h"
#include "weir.h"

enum page_type { PAGE_DATA, PAGE_INDEX, PAGE_DICTIONARY, PAGE_DATA_V2 };

struct page_header {
	int64_t	type, n_raw, n_stored;		/* bytes: uncompressed, in the file */
	int64_t	n_values, encoding;
	int64_t	def_encoding, rep_encoding;	/* v1 */
	int64_t	n_def, n_rep;			/* v2: bytes */
	int64_t	crc;
	int	has_crc, has_body, compressed;
};

static int
broken(const struct chunk *p, struct fail *f, const char *why)
{
	if (why == decode_no_memory)
		return fail(f, WEIR_EAGAIN, "%s: no memory for a page of column %.*s", p->file->source.name, (int)p->node->n_name, p->node->name);
	return fail(f, WEIR_EDATA, "%s: column %.*s, page at byte %llu: %s", p->file->source.name, (int)p->node->n_name, p->node->name,
	    (unsigned long long)p->page_at, why);
}

static int
unsupported(const struct chunk *p, struct fail *f, const char *what, const char *name)
{
	return fail(f, WEIR_ECONFIG, "%s: column %.*s uses the %s %s, which is not supported", p->file->source.name, (int)p->node->n_name,
	    p->node->name, what, name);
}

/* Room for n bytes in one of the column's buffers, within the ceiling of the file. */
static int
room(struct chunk *p, struct buf *b, size_t n, struct fail *f)
{
	size_t before = b->cap;
	int e;

	if (n <= b->cap && b->p)
		return 0;
	if (n > p->file->max || p->file->used - before > p->file->max - n)
		return fail(f, WEIR_ECONFIG, "%s: its pages need more than %zu MB of memory: read fewer columns", p->file->source.name,
		    p->file->max >> 20);
	e = buf_reserve(b, n - b->n);
	p->file->used += b->cap - before;
	return e < 0 ? broken(p, f, decode_no_memory) : 0;
}

/* At least n bytes, or what is left of the chunk's part of the file, in the window behind `taken`. */
static int
window(struct chunk *p, size_t n, struct fail *f)
{
	uint64_t from = p->offset + p->taken, end = p->file->data_end, ahead;
	size_t have = p->window.n - p->taken, want;
	int e;

	if (n > end - from)
		n = (size_t)(end - from);
	if (have >= n)
		return 0;
	/* as far as the chunk probably goes, but not much at once */
	ahead = p->chunk->start + p->chunk->bytes;
	want = n > CHUNK_WINDOW ? n : CHUNK_WINDOW;
	if (ahead > from + n && from + want > ahead)
		want = (size_t)(ahead - from);
	if (want > end - from)
		want = (size_t)(end - from);
	if (have)
		memmove(p->window.p, p->window.p + p->taken, have);
	p->offset = from;
	p->taken = 0;
	p->window.n = have;
	if ((e = room(p, &p->window, want, f)) < 0 ||
	    (e = p->file->source.at(p->file->source.arg, from + have, p->window.p + have, want - have, f)) < 0)
		return e;
	p->window.n = want;
	return 0;
}

static void
data_header(struct thrift_read *t, const struct thrift_read_field *parent, struct page_header *h)
{
	struct thrift_read_field f = { 0 };
	int v1 = parent->id == 5, v2 = parent->id == 8;		/* else a dictionary's: its first two fields are those of v1 */

	if (!thrift_read_struct(t, parent))
		return;
	h->has_body = 1;
	while (thrift_read_next(t, &f))
		if (f.id == 1)
			h->n_values = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == (v2 ? 4 : 2))
			h->encoding = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == 3 && v1)
			h->def_encoding = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == 4 && v1)
			h->rep_encoding = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == 5 && v2)
			h->n_def = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == 6 && v2)
			h->n_rep = thrift_read_int(t, &f, 0, INT32_MAX);
		else if (f.id == 7 && v2)
			h->compressed = thrift_read_bool(t, &f);
		else
			thrift_read_skip(t, &f);
}

static void
header_parse(struct thrift_read *t, struct page_header *h)
{
	struct thrift_read_field f = { 0 };

	*h = (struct page_header){ .type = -1, .n_raw = -1, .n_stored = -1, .compressed = 1 };
	while (thrift_read_next(t, &f))
		switch (f.id) {
		case 1: h->type = thrift_read_int(t, &f, 0, INT32_MAX); break;
		case 2: h->n_raw = thrift_read_int(t, &f, 0, INT32_MAX); break;
		case 3: h->n_stored = thrift_read_int(t, &f, 0, INT32_MAX); break;
		case 4:
			h->crc = thrift_read_int(t, &f, INT32_MIN, INT32_MAX);
			h->has_crc = 1;
			break;
		case 5: case 7: case 8: data_header(t, &f, h); break;
		default: thrift_read_skip(t, &f);
		}
	if (!t->bad && (h->type < 0 || h->n_raw < 0 || h->n_stored < 0 || (h->type != PAGE_INDEX && h->type <= PAGE_DATA_V2 && !h->has_body)))
		t->bad = "the header lacks a field";
}

/* The header at the head of the window, read again with more bytes until it is whole. */
static int
header_read(struct chunk *p, struct page_header *h, struct fail *f)
{
	p->page_at = p->offset + p->taken;
	for (size_t n = 1024; ; n *= 8) {
		struct thrift_read t = { 0 };
		int e = window(p, n, f);

		if (e < 0)
			return e;
		t.p = (const uint8_t *)p->window.p + p->taken;
		t.end = (const uint8_t *)p->window.p + p->window.n;
		header_parse(&t, h);
		if (!t.bad) {
			p->taken = (size_t)(t.p - (const uint8_t *)p->window.p);
			return 0;
		}
		if (n > CHUNK_HEADER || p->offset + p->window.n >= p->file->data_end)
			return broken(p, f, t.bad);
	}
}

/* The bytes of a page: checked, and uncompressed into `into`, or left in the window when the codec is none and `into` may wait.
 * The first `plain` bytes are not compressed (levels of v2). */
static int
body_read(struct chunk *p, const struct page_header *h, struct buf *into, size_t plain, const uint8_t **body, size_t *n, struct fail *f)
{
	const uint8_t *in;
	const char *bad;
	size_t stored = (size_t)h->n_stored, raw = (size_t)h->n_raw;
	int e;

	if (raw > CHUNK_BYTES || stored > CHUNK_BYTES)
		return fail(f, WEIR_ECONFIG, "%s: column %.*s has a page of %zu MB; pages of up to %u MB are supported", p->file->source.name,
		    (int)p->node->n_name, p->node->name, (raw > stored ? raw : stored) >> 20, CHUNK_BYTES >> 20);
	if (plain > stored || plain > raw)
		return broken(p, f, "its levels are longer than the page");
	if ((e = window(p, stored, f)) < 0)
		return e;
	if (p->window.n - p->taken < stored)
		return broken(p, f, "it is longer than the file");
	in = (const uint8_t *)p->window.p + p->taken;
	p->taken += stored;
	if (h->has_crc && crc32_z(0, in, stored) != (uint32_t)h->crc)
		return broken(p, f, "its checksum does not match");
	*n = raw;
	*body = in;
	if (into == &p->page && (p->chunk->codec == UNCOMPRESS_NONE || !h->compressed))
		return raw == stored ? 0 : broken(p, f, "it has two lengths though it is not compressed");
	if ((e = room(p, into, raw, f)) < 0)
		return e;
	*body = (const uint8_t *)into->p;
	if (plain)
		memcpy(into->p, in, plain);
	if (raw == plain)
		return 0;			/* nothing but nulls: some writers store no bytes, others an empty block */
	bad = uncompress_page(p->file->uncompress, p->chunk->codec, in + plain, stored - plain, (uint8_t *)into->p + plain, raw - plain);
	return bad ? broken(p, f, bad) : 0;
}

static int
dictionary_read(struct chunk *p, const struct page_header *h, struct fail *f)
{
	struct decode d = { .physical = p->node->physical, .encoding = DECODE_PLAIN, .width = (uint32_t)p->node->length };
	const uint8_t *body;
	union decode_cell *cell;
	const char *bad;
	size_t n, least = 4;
	int e;

	if (p->n_dictionary)
		return broken(p, f, "it is a second dictionary");
	if (h->encoding != DECODE_PLAIN && h->encoding != DECODE_PLAIN_DICTIONARY)
		return broken(p, f, "its dictionary is not in the plain encoding");
	if ((e = body_read(p, h, &p->dictionary_page, 0, &body, &n, f)) < 0)
		return e;
	if (p->node->physical == PARQUET_BOOLEAN)
		return broken(p, f, "booleans have no dictionary");
	if (p->node->physical == PARQUET_FIXED)
		least = (size_t)p->node->length;
	if ((size_t)h->n_values > n / least)
		return broken(p, f, "its dictionary ends too early");
	p->dictionary.n = 0;
	if ((e = room(p, &p->dictionary, (size_t)h->n_values * sizeof *cell, f)) < 0)
		return e;
	cell = (void *)p->dictionary.p;
	bad = decode_open(&d, body, body + n);
	for (size_t i = 0, got; i < (size_t)h->n_values && !bad; i += got) {
		size_t want = (size_t)h->n_values - i;

		bad = decode_values(&d, cell + i, want < DECODE_BATCH ? want : DECODE_BATCH, &got);
	}
	if (bad)
		return broken(p, f, bad);
	p->n_dictionary = (uint32_t)h->n_values;
	return 0;
}

static unsigned
level_width(unsigned max)
{
	return max ? 32u - (unsigned)__builtin_clz(max) : 0;
}

/* Levels of a v1 page: the hybrid behind its length, or bits alone. */
static const char *
levels_v1(struct chunk *p, unsigned max, int64_t encoding, const uint8_t **at, const uint8_t *end, struct decode_rle *rle,
    const uint8_t **bits)
{
	unsigned width = level_width(max);
	uint64_t n;
	uint32_t v;

	*bits = NULL;
	if (max == 0)
		return NULL;
	if (encoding == DECODE_BIT_PACKED) {
		n = (p->page_left * width + 7) / 8;
		if (n > (uint64_t)(end - *at))
			return "its levels end too early";
		*bits = *at;
		*at += n;
		return NULL;
	}
	if (encoding != DECODE_RLE)
		return "its levels have an unknown encoding";
	if (end - *at < 4)
		return "its levels end too early";
	memcpy(&v, *at, sizeof v);
	*at += 4;
	if ((v = le32toh(v)) > (size_t)(end - *at))
		return "its levels end too early";
	decode_rle_init(rle, *at, *at + v, width);
	*at += v;
	return NULL;
}

static int
data_read(struct chunk *p, const struct page_header *h, struct fail *f)
{
	const uint8_t *at, *end;
	const char *bad = NULL;
	size_t n, levels = h->type == PAGE_DATA_V2 ? (size_t)(h->n_def + h->n_rep) : 0;
	int e;

	if (h->n_values > p->left)
		return broken(p, f, "it has more values than its column chunk");
	if ((e = body_read(p, h, &p->page, levels, &at, &n, f)) < 0)
		return e;
	end = at + n;
	p->page_left = (uint64_t)h->n_values;
	p->left -= h->n_values;
	p->undecoded = p->n_cells = p->cell_at = 0;
	p->bits_at = 0;
	if (h->type == PAGE_DATA_V2) {
		p->def_bits = p->rep_bits = NULL;
		decode_rle_init(&p->rep_rle, at, at + h->n_rep, level_width(p->node->rep));
		decode_rle_init(&p->def_rle, at + h->n_rep, at + levels, level_width(p->node->def));
		at += levels;
	} else if ((bad = levels_v1(p, p->node->rep, h->rep_encoding, &at, end, &p->rep_rle, &p->rep_bits)) ||
	    (bad = levels_v1(p, p->node->def, h->def_encoding, &at, end, &p->def_rle, &p->def_bits)))
		return broken(p, f, bad);
	p->values = (struct decode){ .physical = p->node->physical, .width = (uint32_t)p->node->length, .arena = &p->arena,
	    .encoding = h->encoding > DECODE_BYTE_STREAM_SPLIT ? UINT8_MAX : (uint8_t)h->encoding,
	    .dictionary = p->n_dictionary ? (void *)p->dictionary.p : NULL, .n_dictionary = p->n_dictionary };
	if (n == levels && p->page_left)	/* no bytes of values: all null, whatever the encoding wants at its head */
		p->values.encoding = DECODE_PLAIN;
	bad = decode_open(&p->values, at, end);
	if (bad == decode_unsupported)
		return unsupported(p, f, "encoding", decode_name((unsigned)h->encoding));
	return bad ? broken(p, f, bad) : 0;
}

/* The next page with entries.  1; 0: the chunk has no more. */
static int
page_read(struct chunk *p, struct fail *f)
{
	while (p->left > 0) {
		struct page_header h;
		int e = header_read(p, &h, f);

		if (e == 0)
			switch (h.type) {
			case PAGE_DICTIONARY: e = dictionary_read(p, &h, f); break;
			case PAGE_DATA: case PAGE_DATA_V2: e = data_read(p, &h, f); break;
			default:	/* an index, or of a later version: to be passed over */
				if ((uint64_t)h.n_stored > p->file->data_end - p->offset - p->taken)
					return broken(p, f, "it is longer than the file");
				if ((uint64_t)h.n_stored > p->window.n - p->taken) {
					p->offset += p->taken + (uint64_t)h.n_stored;
					p->window.n = p->taken = 0;
				} else
					p->taken += (size_t)h.n_stored;
			}
		if (e < 0)
			return e;
		if (p->page_left)
			return 1;
	}
	return 0;
}

static const char *
levels_read(struct chunk *p, unsigned max, struct decode_rle *rle, const uint8_t *bits, uint8_t *out, size_t n)
{
	uint32_t v[DECODE_BATCH], top = 0;
	const char *bad = NULL;

	if (max == 0) {
		memset(out, 0, n);
		return NULL;
	}
	if (bits)
		decode_bits_msb(bits, p->bits_at, level_width(max), v, n);
	else
		bad = decode_rle(rle, v, n);
	for (size_t i = 0; i < n && !bad; i++) {
		out[i] = (uint8_t)v[i];
		top |= v[i] > max;
	}
	return bad ? bad : top ? "a level is out of range" : NULL;
}

int
chunk_fill(struct chunk *p, struct fail *f)
{
	const char *bad;
	size_t n;

	if (!p->page_left) {
		int e = page_read(p, f);

		if (e <= 0)
			return e;
	}
	n = p->page_left < DECODE_BATCH ? (size_t)p->page_left : DECODE_BATCH;
	if ((bad = levels_read(p, p->node->rep, &p->rep_rle, p->rep_bits, p->rep, n)) ||
	    (bad = levels_read(p, p->node->def, &p->def_rle, p->def_bits, p->def, n)))
		return broken(p, f, bad);
	p->bits_at += n;
	p->page_left -= n;
	p->n = (uint32_t)n;
	p->i = 0;
	for (size_t i = 0; i < n; i++)
		p->undecoded += p->def[i] == p->node->def;
	return 1;
}

int
chunk_decode(struct chunk *p, struct fail *f)
{
	while (p->cell_at >= p->n_cells) {
		const char *bad;
		size_t before = p->arena.cap, n = p->undecoded < DECODE_BATCH ? (size_t)p->undecoded : DECODE_BATCH;

		p->cell_at -= p->n_cells;
		p->n_cells = 0;
		bad = n ? decode_values(&p->values, p->cell, n, &n) : "a value is missing";
		p->file->used += p->arena.cap - before;
		if (bad)
			return broken(p, f, bad);
		p->undecoded -= n;
		p->n_cells = n;
	}
	return 0;
}

int
chunk_open(struct chunk *p, struct chunk_file *file, uint32_t leaf, const struct tail_chunk *chunk, struct fail *f)
{
	const char *codec = uncompress_unsupported(chunk->codec);

	p->file = file;
	p->node = &file->footer.node[file->footer.leaf[leaf]];
	p->chunk = chunk;
	p->page_at = p->offset = chunk->start;
	p->window.n = p->taken = 0;
	p->n_dictionary = 0;
	p->left = chunk->n_values;
	p->page_left = p->undecoded = 0;
	p->n = p->i = 0;
	p->n_cells = p->cell_at = 0;
	if (chunk->encrypted)
		return unsupported(p, f, "encryption of", "columns");
	if (chunk->other_file)
		return unsupported(p, f, "storage", "in another file");
	if (codec)
		return unsupported(p, f, "codec", codec);
	return 0;
}

void
chunk_free(struct chunk *p)
{
	buf_free(&p->window);
	buf_free(&p->page);
	buf_free(&p->dictionary_page);
	buf_free(&p->arena);
	buf_free(&p->dictionary);
}
