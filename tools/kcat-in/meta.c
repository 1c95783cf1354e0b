/*
 * meta - where a record comes from, as JSON.
 */
#include "config.h"

#include <string.h>

#include "emit.h"
#include "source.h"

static int
is_utf8(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		unsigned char c = p[i];
		size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : n;

		if (i + more >= n && more)
			return 0;
		if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) || (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
			return 0;
		for (size_t k = 1; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return 0;
		i += more + 1;
	}
	return 1;
}

/* Bytes as a string, or {"base64":…} when they are no UTF-8: nothing is lost. */
static int
put_bytes(struct buf *b, const void *p, size_t n)
{
	if (!p)
		return buf_puts(b, "null");
	if (is_utf8(p, n))
		return emit_string(b, p, n);
	return buf_puts(b, "{\"base64\":") < 0 || emit_base64(b, p, n) < 0 || buf_putc(b, '}') < 0 ? -1 : 0;
}

static int
put_place(struct buf *b, const rd_kafka_message_t *m, const char *topic)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(m, &type);

	if (buf_puts(b, "\"topic\":") < 0 || emit_text(b, topic) < 0 || buf_puts(b, ",\"partition\":") < 0 || emit_int(b, m->partition) < 0 ||
	    buf_puts(b, ",\"offset\":") < 0 || emit_int(b, m->offset) < 0 || buf_puts(b, ",\"timestamp\":") < 0)
		return -1;
	return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? buf_puts(b, "null") : emit_int(b, ms);
}

static int
put_headers(struct buf *b, const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t n;

	if (rd_kafka_message_headers(m, &headers))
		return 0;
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &n); i++)
		if (buf_puts(b, i ? ",{\"key\":" : "{\"key\":") < 0 || emit_text(b, name) < 0 || buf_puts(b, ",\"value\":") < 0 ||
		    put_bytes(b, value, n) < 0 || buf_putc(b, '}') < 0)
			return -1;
	return 0;
}

int
meta_member(struct buf *b, const char *key, const rd_kafka_message_t *m, const char *topic)
{
	if (emit_text(b, key) < 0 || buf_puts(b, ":{") < 0 || put_place(b, m, topic) < 0 || buf_puts(b, ",\"key\":") < 0 ||
	    put_bytes(b, m->key, m->key_len) < 0 || buf_puts(b, ",\"headers\":[") < 0 || put_headers(b, m) < 0)
		return -1;
	return buf_puts(b, "]}");
}

int
meta_source(struct buf *b, const rd_kafka_message_t *m, const char *topic)
{
	return buf_putc(b, '{') < 0 || put_place(b, m, topic) < 0 || buf_putc(b, '}') < 0 ? -1 : 0;
}
