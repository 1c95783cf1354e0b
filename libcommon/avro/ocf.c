#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ocf.h"
#include "weir.h"

static const char magic[4] = { 'O', 'b', 'j', 1 };

/* ---------------------------------------------------------------- reading */

static int
get_long(struct ocf_reader *r, const char *what, int64_t *v, struct fail *f)
{
	uint64_t u = 0;

	for (int shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		unsigned char c = (unsigned char)*r->p++;

		u |= (uint64_t)(c & 127) << shift;
		if (c < 128) {
			*v = (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
			return 0;
		}
	}
	return fail(f, WEIR_ESTATE, "%s: damaged Avro file: it ends inside a number", what);
}

static int
get_span(struct ocf_reader *r, const char *what, const char **p, size_t *n, struct fail *f)
{
	int64_t len;
	int e;

	if ((e = get_long(r, what, &len, f)) < 0)
		return e;
	if (len < 0 || len > r->end - r->p)
		return fail(f, WEIR_ESTATE, "%s: damaged Avro file: a length passes its end", what);
	*p = r->p;
	*n = (size_t)len;
	r->p += len;
	return 0;
}

static int
read_meta(struct ocf_reader *r, const char *what, struct fail *f)
{
	int64_t count, bytes;
	int e;

	for (;;) {
		if ((e = get_long(r, what, &count, f)) < 0)
			return e;
		if (!count)
			return 0;
		if (count < 0 && (e = get_long(r, what, &bytes, f)) < 0)
			return e;
		if (count == INT64_MIN)
			return fail(f, WEIR_ESTATE, "%s: damaged Avro file: a count makes no sense", what);
		for (count = count < 0 ? -count : count; count > 0; count--) {
			struct ocf_meta *m = realloc(r->meta, (r->n_meta + 1) * sizeof *m);
			const char *key;
			char *copy;
			size_t n;

			if (!m)
				return fail(f, WEIR_EAGAIN, "%s: no memory", what);
			r->meta = m;
			m += r->n_meta;
			if ((e = get_span(r, what, &key, &n, f)) < 0 || (e = get_span(r, what, &m->value, &m->n, f)) < 0)
				return e;
			if (!(copy = strndup(key, n)))
				return fail(f, WEIR_EAGAIN, "%s: no memory", what);
			m->key = copy;
			r->n_meta++;
		}
	}
}

const struct ocf_meta *
ocf_meta(const struct ocf_reader *r, const char *key)
{
	for (size_t i = 0; i < r->n_meta; i++)
		if (strcmp(r->meta[i].key, key) == 0)
			return &r->meta[i];
	return NULL;
}

int
ocf_open(struct ocf_reader *r, const char *p, size_t n, const char *what, struct fail *f)
{
	const struct ocf_meta *codec, *schema;
	int e;

	memset(r, 0, sizeof *r);
	r->p = p + sizeof magic;
	r->end = p + n;
	if (n < sizeof magic || memcmp(p, magic, sizeof magic))
		return fail(f, WEIR_ESTATE, "%s is no Avro file", what);
	if ((e = read_meta(r, what, f)) < 0)
		goto fail;
	e = WEIR_ESTATE;
	if (r->end - r->p < 16) {
		fail(f, e, "%s: damaged Avro file: it ends in its header", what);
		goto fail;
	}
	memcpy(r->sync, r->p, 16);
	r->p += 16;
	codec = ocf_meta(r, "avro.codec");
	if (codec && codec->n == 7 && memcmp(codec->value, "deflate", 7) == 0)
		r->deflate = 1;
	else if (codec && (codec->n != 4 || memcmp(codec->value, "null", 4))) {
		e = fail(f, WEIR_ECONFIG, "%s: the Avro codec %.*s is not supported; deflate and null are", what, (int)(codec->n < 32 ? codec->n : 32),
		    codec->value);
		goto fail;
	}
	if (!(schema = ocf_meta(r, "avro.schema"))) {
		fail(f, e, "%s: damaged Avro file: no schema", what);
		goto fail;
	}
	if ((e = avro_schema_parse(schema->value, schema->n, &r->schema, f)) == 0)
		return 0;
fail:
	ocf_close(r);
	return e;
}

static int
inflate_block(struct ocf_reader *r, const char *p, size_t n, const char *what, struct fail *f)
{
	z_stream z = { 0 };
	int e;

	if (n > UINT32_MAX || inflateInit2(&z, -15) != Z_OK)
		return fail(f, WEIR_EAGAIN, "%s: no memory to inflate a block", what);
	r->block.n = 0;
	r->block.max = OCF_MAX_BLOCK;
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	do {
		if (buf_reserve(&r->block, n * 2 + 4096) < 0) {
			e = errno == ENOMEM ? fail(f, WEIR_EAGAIN, "%s: no memory to inflate a block", what) :
			    fail(f, WEIR_ESTATE, "%s: a block inflates to more than %u bytes", what, OCF_MAX_BLOCK);
			inflateEnd(&z);
			return e;
		}
		z.next_out = (Bytef *)r->block.p + r->block.n;
		z.avail_out = (uInt)(r->block.cap - r->block.n < (1u << 30) ? r->block.cap - r->block.n : 1u << 30);
		e = inflate(&z, Z_NO_FLUSH);
		r->block.n = (size_t)((char *)z.next_out - r->block.p);
	} while (e == Z_OK);
	inflateEnd(&z);
	if (e != Z_STREAM_END)
		return e == Z_MEM_ERROR ? fail(f, WEIR_EAGAIN, "%s: no memory to inflate a block", what) :
		    fail(f, WEIR_ESTATE, "%s: damaged Avro file: a block does not inflate", what);
	r->at = r->block.p;
	r->stop = r->at + r->block.n;
	return 0;
}

int
ocf_next(struct ocf_reader *r, const char *what, struct avro_value *v, struct fail *f)
{
	const char *p;
	size_t n;
	int e;

	while (!r->left) {
		if (r->at != r->stop)
			return fail(f, WEIR_ESTATE, "%s: damaged Avro file: bytes behind the last object of a block", what);
		if (r->p == r->end)
			return 0;
		if ((e = get_long(r, what, &r->left, f)) < 0 || (e = get_span(r, what, &p, &n, f)) < 0)
			return e;
		if (r->left < 0 || r->end - r->p < 16 || memcmp(r->p, r->sync, 16))
			return fail(f, WEIR_ESTATE, "%s: damaged Avro file: a block does not end with the file's mark", what);
		r->p += 16;
		r->at = p;
		r->stop = p + n;
		if (r->deflate && (e = inflate_block(r, p, n, what, f)) < 0)
			return e;
	}
	r->left--;
	return (e = avro_read(r->schema->root, &r->at, r->stop, &r->room, v, f)) < 0 ? e : 1;
}

void
ocf_close(struct ocf_reader *r)
{
	for (size_t i = 0; i < r->n_meta; i++)
		free((char *)(uintptr_t)r->meta[i].key);
	free(r->meta);
	avro_schema_free(r->schema);
	avro_room_free(&r->room);
	buf_free(&r->block);
	memset(r, 0, sizeof *r);
}

/* ---------------------------------------------------------------- writing */

/* One deflated block behind what *out holds. */
static int
put_block(struct buf *out, const struct buf *objects, int64_t n)
{
	z_stream z = { 0 };
	struct buf packed = { 0 };
	int e = -1;

	if (objects->n > UINT32_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	if (buf_reserve(&packed, deflateBound(&z, (uLong)objects->n)) < 0)
		goto out;
	z.next_in = (Bytef *)objects->p;
	z.avail_in = (uInt)objects->n;
	z.next_out = (Bytef *)packed.p;
	z.avail_out = (uInt)packed.cap;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		goto out;
	if (avro_put_long(out, n) == 0 && avro_put_bytes(out, packed.p, z.total_out) == 0)
		e = 0;
out:
	deflateEnd(&z);
	buf_free(&packed);
	return e;
}

int
ocf_write(struct buf *out, const char *schema, const struct ocf_meta *meta, size_t n_meta, const struct buf *objects, int64_t n,
    const unsigned char sync[16], struct fail *f)
{
	int e = buf_put(out, magic, sizeof magic) | avro_put_long(out, (int64_t)n_meta + 2);

	for (size_t i = 0; !e && i < n_meta; i++)
		e = avro_put_bytes(out, meta[i].key, strlen(meta[i].key)) | avro_put_bytes(out, meta[i].value, meta[i].n);
	e |= avro_put_bytes(out, "avro.codec", 10) | avro_put_bytes(out, "deflate", 7);
	e |= avro_put_bytes(out, "avro.schema", 11) | avro_put_bytes(out, schema, strlen(schema));
	e |= avro_put_long(out, 0) | buf_put(out, sync, 16);
	if (n && !e)
		e = put_block(out, objects, n) | buf_put(out, sync, 16);
	return e ? fail(f, WEIR_EAGAIN, "no memory for an Avro file of %" PRId64 " objects", n) : 0;
}
