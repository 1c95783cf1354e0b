#include "config.h"

#include <string.h>

#include "thrift.h"

static void
put(struct thrift_out *t, const void *p, size_t n)
{
	if (!t->failed && buf_put(t->to, p, n) < 0)
		t->failed = 1;
}

static void
varint(struct thrift_out *t, uint64_t v)
{
	unsigned char b[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		b[n++] = (unsigned char)(v | 0x80);
	b[n++] = (unsigned char)v;
	put(t, b, n);
}

static void
zigzag(struct thrift_out *t, int64_t v)
{
	varint(t, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static void
field(struct thrift_out *t, int id, enum thrift_type type)
{
	int delta = id - t->last[t->depth];
	unsigned char b = (unsigned char)type;

	if (delta > 0 && delta < 16) {
		b = (unsigned char)(delta << 4 | b);
		put(t, &b, 1);
	} else {
		put(t, &b, 1);
		zigzag(t, id);
	}
	t->last[t->depth] = (int16_t)id;
}

static void
open_struct(struct thrift_out *t)
{
	if (t->depth + 1 >= THRIFT_DEPTH)
		t->failed = 1;
	else
		t->last[++t->depth] = 0;
}

void
thrift_start(struct thrift_out *t, struct buf *to)
{
	memset(t, 0, sizeof *t);
	t->to = to;
}

void
thrift_i16(struct thrift_out *t, int id, int16_t v)
{
	field(t, id, THRIFT_I16);
	zigzag(t, v);
}

void
thrift_i32(struct thrift_out *t, int id, int32_t v)
{
	field(t, id, THRIFT_I32);
	zigzag(t, v);
}

void
thrift_i64(struct thrift_out *t, int id, int64_t v)
{
	field(t, id, THRIFT_I64);
	zigzag(t, v);
}

void
thrift_bool(struct thrift_out *t, int id, int v)
{
	field(t, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void
thrift_bytes(struct thrift_out *t, int id, const void *p, size_t n)
{
	field(t, id, THRIFT_BINARY);
	varint(t, n);
	put(t, p, n);
}

void
thrift_text(struct thrift_out *t, int id, const char *s)
{
	thrift_bytes(t, id, s, strlen(s));
}

void
thrift_begin(struct thrift_out *t, int id)
{
	field(t, id, THRIFT_STRUCT);
	open_struct(t);
}

void
thrift_end(struct thrift_out *t)
{
	put(t, "", 1);
	if (t->depth)
		t->depth--;
}

void
thrift_list(struct thrift_out *t, int id, enum thrift_type of, uint32_t n)
{
	unsigned char b = (unsigned char)((n < 15 ? n : 15) << 4 | of);

	field(t, id, THRIFT_LIST);
	put(t, &b, 1);
	if (n >= 15)
		varint(t, n);
}

void
thrift_item_i32(struct thrift_out *t, int32_t v)
{
	zigzag(t, v);
}

void
thrift_item_text(struct thrift_out *t, const char *s)
{
	size_t n = strlen(s);

	varint(t, n);
	put(t, s, n);
}

void
thrift_item_begin(struct thrift_out *t)
{
	open_struct(t);
}

void
thrift_item_raw(struct thrift_out *t, const void *p, size_t n)
{
	put(t, p, n);
}
