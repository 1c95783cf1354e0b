/* keys.c - dedupe's snapshot, see keys.h. */
#include "config.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "keys.h"

#define KEYS_VERSION	1
#define KEYS_HEADER	40
#define KEYS_KEY	22
#define KEYS_CHUNK	2048	/* keys per weir_write() */

static const unsigned char magic[8] = { 'd', 'e', 'd', 'u', 'p', 'e', 0, KEYS_VERSION };

static void
put64(unsigned char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof v);
}

static uint64_t
get64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

int
keys_save(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us)
{
	unsigned char buf[KEYS_CHUNK * KEYS_KEY];
	struct seen_clock clock = seen_clock(seen);
	struct seen_cursor at = { 0 };
	uint64_t left = seen_count(seen);
	struct seen_key key;
	size_t n = 0;
	int e;

	memcpy(buf, magic, sizeof magic);
	put64(buf + 8, (uint64_t)clock.watermark_us);
	put64(buf + 16, (uint64_t)clock.floor_us);
	put64(buf + 24, (uint64_t)greatest_us);
	put64(buf + 32, left);
	if ((e = weir_write(ctx, state, buf, KEYS_HEADER)) < 0)
		return e;
	for (; left && seen_next(seen, &at, &key); left--) {
		put64(buf + n, key.hi);
		put64(buf + n + 8, key.lo >> 16);	/* 48 bits: the time overwrites the rest */
		put64(buf + n + 14, (uint64_t)key.time_us);
		if ((n += KEYS_KEY) == sizeof buf) {
			if ((e = weir_write(ctx, state, buf, n)) < 0)
				return e;
			n = 0;
		}
	}
	if (left)
		return weir_error(ctx, WEIR_EBUG, "the set of keys ended %" PRIu64 " keys before its count", left);
	return n ? weir_write(ctx, state, buf, n) : 0;
}

int
keys_load(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t *greatest_us)
{
	unsigned char head[KEYS_HEADER], buf[KEYS_KEY];
	struct seen_clock clock;
	uint64_t n, old;
	int64_t t;
	int e;

	if ((e = weir_read(ctx, state, head, sizeof head)) <= 0)
		return e;
	if (memcmp(head, magic, sizeof magic))
		return weir_error(ctx, WEIR_ESTATE, "the state is not of this version of dedupe: use the one that wrote it, or --state-reset to forget its keys");
	clock.watermark_us = (int64_t)get64(head + 8);
	clock.floor_us = (int64_t)get64(head + 16);
	t = (int64_t)get64(head + 24);
	if (t > *greatest_us)
		*greatest_us = t;
	n = get64(head + 32);
	if (seen_reserve(seen, seen_count(seen) + n) < 0)
		return weir_error(ctx, WEIR_ECONFIG, "the state has %" PRIu64 " keys, --memory has room for %" PRIu64 ": raise it", n, seen_room(seen));
	seen_set_clock(seen, &clock);
	for (; n; n--) {
		struct seen_key key = { .watermark_us = SEEN_NO_WATERMARK };

		if ((e = weir_read(ctx, state, buf, sizeof buf)) < 0)
			return e;
		if (!e)
			return weir_error(ctx, WEIR_ESTATE, "the state ends %" PRIu64 " keys before its count: it is damaged; --state-reset forgets it", n);
		key.hi = get64(buf);
		key.lo = get64(buf + 6) & ~UINT64_C(0xffff);
		key.time_us = (int64_t)get64(buf + 14);
		if (seen_add(seen, &key, 1, &old) < 0)
			return weir_error(ctx, WEIR_ECONFIG, "the state does not fit into --memory any more: raise it");
	}
	return 0;
}
