#include "config.h"

#include <stdlib.h>
#include <zlib.h>

#include "encode.h"
#include "pages.h"
#include "thrift.h"
#include "weir.h"

#define PAGE_MAX	(UINT32_C(1) << 30)	/* sizes in a page header are int32 */
#define WORTH(n)	((n) - (n) / 10)	/* compressed pages larger than this are not worth reading back */

static int
no_memory(const struct pages *p, struct fail *f)
{
	char path[256];

	return fail(f, WEIR_EAGAIN, "column %s: no memory for its pages: write with a smaller row group", column_path(p->leaf, path, sizeof path));
}

void
pages_init(struct pages *p, const struct parquet_column *leaf, const struct pages_limits *limits, struct press *press, size_t *budget)
{
	memset(p, 0, sizeof *p);
	p->leaf = leaf;
	p->limits = limits;
	p->press = press;
	p->codec = -1;
	dictionary_init(&p->dictionary, leaf, limits->dictionary_bytes, budget);
	p->use_dictionary = limits->dictionary_bytes && leaf->physical != PARQUET_BOOLEAN;
}

void
pages_release(struct pages *p)
{
	buf_free(&p->def);
	buf_free(&p->rep);
	buf_free(&p->plain);
	buf_free(&p->done);
	p->done_cap = 0;
	dictionary_free(&p->dictionary);
	free(p->index);
	p->index = NULL;
	p->index_cap = 0;
}

uint64_t
pages_bytes(const struct pages *p)
{
	return p->encoded + p->dictionary.plain.n + p->plain.n + (p->use_dictionary ? (uint64_t)p->n_values * 2 : 0) + p->rep.n / 4;
}

size_t
pages_memory(const struct pages *p)
{
	return p->def.cap + p->rep.cap + p->plain.cap + __atomic_load_n(&p->done_cap, __ATOMIC_RELAXED) + p->index_cap * sizeof *p->index + p->dictionary.charged;
}

/* The header and the body of a page, behind what `to` has. */
static int
emit(struct pages *p, struct buf *to, int type, const char *raw, size_t raw_n, uint32_t n, int encoding, struct fail *f)
{
	struct thrift_out t;
	size_t n_body = raw_n, at = to->n;
	const char *body = raw;
	int rc;

	if (raw_n > PAGE_MAX) {
		char path[256];

		return fail(f, WEIR_EDATA, "column %s: one event has %zu bytes for it, more than a Parquet page can hold",
		    column_path(p->leaf, path, sizeof path), raw_n);
	}
	if (p->codec != CODEC_NONE && press_level(p->press)) {
		if ((rc = press_zstd(p->press, raw, raw_n, &body, &n_body, f)) < 0)
			return rc;
		/* What random bytes are made of (ids, hashes) stays as it is, in the whole chunk: the first PLAIN page tells. */
		if (p->codec < 0 && encoding == ENCODING_PLAIN && type == PAGE_DATA && raw_n >= 4096) {
			p->codec = n_body > WORTH(raw_n) ? CODEC_NONE : CODEC_ZSTD;
			if (p->codec == CODEC_NONE) {
				body = raw;
				n_body = raw_n;
			}
		} else {
			p->codec = CODEC_ZSTD;
		}
	} else {
		p->codec = CODEC_NONE;
	}
	thrift_start(&t, to);
	thrift_i32(&t, 1, type);
	thrift_i32(&t, 2, (int32_t)raw_n);
	thrift_i32(&t, 3, (int32_t)n_body);
	thrift_i32(&t, 4, (int32_t)crc32(0, (const Bytef *)body, (uInt)n_body));
	if (type == PAGE_DATA) {
		thrift_begin(&t, 5);
		thrift_i32(&t, 1, (int32_t)n);
		thrift_i32(&t, 2, encoding);
		thrift_i32(&t, 3, ENCODING_RLE);
		thrift_i32(&t, 4, ENCODING_RLE);
		thrift_end(&t);
	} else {
		thrift_begin(&t, 7);
		thrift_i32(&t, 1, (int32_t)n);
		thrift_i32(&t, 2, encoding);
		thrift_end(&t);
	}
	thrift_end(&t);
	p->uncompressed += to->n - at + raw_n;
	if (t.failed || buf_put(to, body, n_body) < 0)
		return no_memory(p, f);
	return 0;
}

/* A data page, in the press's thread when it has one. */
static int
press_data(void *owner, struct press *press, const struct buf *raw, uint32_t n, int encoding, struct fail *f)
{
	struct pages *p = owner;
	int rc = emit(p, &p->done, PAGE_DATA, raw->p, raw->n, n, encoding, f);

	(void)press;
	__atomic_store_n(&p->done_cap, p->done.cap, __ATOMIC_RELAXED);
	return rc;
}

/* The current page's indices become PLAIN values; the dictionary stays for the pages before it, if there are any. */
static int
give_up_dictionary(struct pages *p, struct fail *f)
{
	minmax_add_dictionary(&p->minmax, p->leaf, &p->dictionary);
	p->plain.n = 0;
	for (uint32_t i = 0; i < p->n_values; i++) {
		uint32_t n;
		const char *q = dictionary_entry(&p->dictionary, p->index[i], &n);

		if ((!p->dictionary.width && buf_put(&p->plain, &n, 4) < 0) || buf_put(&p->plain, q, n) < 0)
			return no_memory(p, f);
	}
	p->use_dictionary = 0;
	if (!p->n_dictionary_pages)
		dictionary_free(&p->dictionary);
	return 0;
}

/* Does a dictionary make the first page smaller? */
static int
dictionary_pays(const struct pages *p)
{
	return p->dictionary.plain.n + (uint64_t)p->n_values * encode_width(p->dictionary.n - 1) / 8 < p->raw;
}

static int
finish_page(struct pages *p, struct fail *f)
{
	struct buf *raw = press_scratch(p->press);
	int encoding = ENCODING_PLAIN, rc, bad = 0;

	if (!p->n_levels)
		return 0;
	if (p->use_dictionary && !p->tried && p->n_values) {
		p->tried = 1;
		if (!dictionary_pays(p) && (rc = give_up_dictionary(p, f)) < 0)
			return rc;
	}
	raw->n = 0;
	if (p->leaf->max_rep)
		bad |= encode_levels(raw, (const uint8_t *)p->rep.p, p->n_levels, encode_width(p->leaf->max_rep));
	if (p->leaf->max_def)
		bad |= encode_levels(raw, (const uint8_t *)p->def.p, p->n_levels, encode_width(p->leaf->max_def));
	if (p->leaf->physical == PARQUET_BOOLEAN) {
		bad |= encode_bools(raw, (const uint8_t *)p->plain.p, p->plain.n);
	} else if (!p->n_values) {
		;			/* nothing: PLAIN, so that a column of nulls has no dictionary */
	} else if (p->use_dictionary) {
		encoding = ENCODING_RLE_DICTIONARY;
		bad |= encode_indices(raw, p->index, p->n_values, p->dictionary.n > 1 ? encode_width(p->dictionary.n - 1) : 1);
	} else {
		bad |= buf_put(raw, p->plain.p, p->plain.n);
	}
	if (bad)
		return no_memory(p, f);
	*(encoding == ENCODING_PLAIN ? &p->n_plain_pages : &p->n_dictionary_pages) += 1;
	p->encoded += raw->n;
	if ((rc = press_page(p->press, press_data, p, p->n_levels, encoding, f)) < 0)
		return rc;
	p->def.n = p->rep.n = p->plain.n = 0;
	p->rows = p->n_levels = p->n_values = 0;
	p->raw = 0;
	return 0;
}

static int
append_plain(struct pages *p, const struct parquet_values *v, uint32_t from, uint32_t to)
{
	uint32_t width = values_stride(p->leaf);
	size_t bytes = 0;
	char *q;

	if (p->leaf->physical != PARQUET_BYTE_ARRAY)
		return buf_put(&p->plain, v->fixed + (size_t)from * width, (size_t)(to - from) * width);
	for (uint32_t i = from; i < to; i++)
		bytes += 4 + (size_t)v->bytes[i].n;
	if (buf_reserve(&p->plain, bytes) < 0)
		return -1;
	q = p->plain.p + p->plain.n;
	for (uint32_t i = from; i < to; i++) {
		uint32_t n = v->bytes[i].n;

		memcpy(q, &n, 4);
		memcpy(q + 4, v->bytes[i].p, n);
		q += 4 + n;
	}
	p->plain.n += bytes;
	return 0;
}

static int
append_values(struct pages *p, const struct parquet_values *v, uint32_t n, struct fail *f)
{
	uint32_t from = 0;
	int64_t done;
	int rc;

	if (p->use_dictionary && n) {
		if (p->index_cap - p->n_values < n) {
			uint32_t cap = p->index_cap ? p->index_cap : 1024, *q;

			while (cap - p->n_values < n)
				cap *= 2;
			if (!(q = realloc(p->index, cap * sizeof *q)))
				return no_memory(p, f);
			p->index = q;
			p->index_cap = cap;
		}
		if ((done = dictionary_put(&p->dictionary, v, 0, n, p->index + p->n_values)) < 0)
			return no_memory(p, f);
		p->n_values += (uint32_t)done;
		if ((from = (uint32_t)done) == n)
			return 0;
		/* Full.  The page so far, if it is the first, and what follows go without; a later page stays as it is. */
		if ((rc = give_up_dictionary(p, f)) < 0)
			return rc;
	}
	minmax_add(&p->minmax, p->leaf, v, from, n);
	if (append_plain(p, v, from, n) < 0)
		return no_memory(p, f);
	p->n_values += n - from;
	return 0;
}

/* The first `rows` rows of v: how many levels, values and PLAIN bytes they have. */
struct extent {
	uint32_t rows, levels, values;
	size_t bytes;
};

static uint32_t
count_values(const struct pages *p, const struct parquet_values *v, uint32_t from, uint32_t to)
{
	uint32_t n = 0;

	if (!v->def || v->n_values == v->n_levels)
		return to - from;
	for (uint32_t i = from; i < to; i++)
		n += v->def[i] == p->leaf->max_def;
	return n;
}

static size_t
value_bytes(const struct pages *p, const struct parquet_values *v, uint32_t from, uint32_t to)
{
	size_t n = 0;

	if (p->leaf->physical != PARQUET_BYTE_ARRAY)
		return (size_t)(to - from) * values_stride(p->leaf);
	for (uint32_t i = from; i < to; i++)
		n += 4 + (size_t)v->bytes[i].n;
	return n;
}

/* Grow e by `more` rows. */
static void
extend(const struct pages *p, const struct parquet_values *v, struct extent *e, uint32_t more)
{
	uint32_t levels = e->levels, values;

	if (!p->leaf->max_rep) {
		levels += more;
	} else {
		for (uint32_t k = 0; k < more && levels < v->n_levels; k++)
			for (levels++; levels < v->n_levels && v->rep[levels]; levels++)
				;
	}
	values = e->values + count_values(p, v, e->levels, levels);
	e->bytes += value_bytes(p, v, e->values, values) + (p->leaf->max_rep ? levels - e->levels : 0);
	e->rows += more;
	e->levels = levels;
	e->values = values;
}

static int
take(struct pages *p, struct parquet_values *v, const struct extent *e, struct fail *f)
{
	int rc, bad = 0;

	if (p->leaf->max_rep)
		bad |= buf_put(&p->rep, v->rep, e->levels);
	if (p->leaf->max_def && v->def) {
		bad |= buf_put(&p->def, v->def, e->levels);
	} else if (p->leaf->max_def && !(bad |= buf_reserve(&p->def, e->levels))) {
		memset(p->def.p + p->def.n, p->leaf->max_def, e->levels);
		p->def.n += e->levels;
	}
	if (bad)
		return no_memory(p, f);
	if ((rc = append_values(p, v, e->values, f)) < 0)
		return rc;
	p->rows += e->rows;
	p->n_levels += e->levels;
	p->raw += e->bytes;
	p->all_levels += e->levels;
	p->nulls += e->levels - e->values;
	v->n_levels -= e->levels;
	v->n_values -= e->values;
	v->def = v->def ? v->def + e->levels : NULL;
	v->rep = v->rep ? v->rep + e->levels : NULL;
	v->fixed += (size_t)e->values * values_stride(p->leaf);
	return 0;
}

/* Is there room in the page for e?  A page with a dictionary is small, but it can become PLAIN when the dictionary is full. */
static int
fits(const struct pages *p, const struct extent *e)
{
	size_t max = p->limits->page_bytes;

	if (p->rows + e->rows > p->limits->page_rows)
		return 0;
	if (p->use_dictionary && p->tried && (size_t)p->n_levels + e->levels > max)
		return 0;
	return p->raw + e->bytes <= (p->use_dictionary && p->tried ? 8 * max : max);
}

int
pages_add(struct pages *p, struct parquet_values *v, uint32_t n_rows, struct fail *f)
{
	int rc;

	while (n_rows) {
		struct extent e = { 0 }, next;

		extend(p, v, &e, n_rows);
		if (!fits(p, &e)) {
			memset(&e, 0, sizeof e);
			for (; e.rows < n_rows; e = next) {	/* as many as fit, one by one */
				next = e;
				extend(p, v, &next, 1);
				if (!fits(p, &next) && (p->rows || e.rows))
					break;
			}
		}
		if (e.rows && (rc = take(p, v, &e, f)) < 0)
			return rc;
		n_rows -= e.rows;
		if (n_rows && (rc = finish_page(p, f)) < 0)	/* the next row has no room */
			return rc;
	}
	return 0;
}

int
pages_finish(struct pages *p, struct buf *dictionary, struct fail *f)
{
	int rc;

	dictionary->n = 0;
	if ((rc = finish_page(p, f)) < 0 || (rc = press_wait(p->press, f)) < 0)
		return rc;
	if (p->n_dictionary_pages) {
		if (p->use_dictionary)
			minmax_add_dictionary(&p->minmax, p->leaf, &p->dictionary);
		p->encoded += p->dictionary.plain.n;
		return emit(p, dictionary, PAGE_DICTIONARY, p->dictionary.plain.p, p->dictionary.plain.n, p->dictionary.n, ENCODING_PLAIN, f);
	}
	return 0;
}

void
pages_next(struct pages *p, uint64_t chunk_bytes)
{
	p->file_levels += p->all_levels;
	p->file_nulls += p->nulls;
	p->file_bytes += (int64_t)chunk_bytes;
	minmax_merge(&p->file_minmax, p->leaf, &p->minmax);
	memset(&p->minmax, 0, sizeof p->minmax);
	dictionary_clear(&p->dictionary);
	p->use_dictionary = p->limits->dictionary_bytes && p->leaf->physical != PARQUET_BOOLEAN;
	p->tried = 0;
	p->codec = -1;
	p->done.n = 0;
	p->n_plain_pages = p->n_dictionary_pages = 0;
	p->all_levels = p->nulls = 0;
	p->encoded = p->uncompressed = 0;
}
