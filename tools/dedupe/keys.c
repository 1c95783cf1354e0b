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

static int
put_head(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us, uint64_t n)
{
	unsigned char head[KEYS_HEADER];
	struct seen_clock clock = seen_clock(seen);

	memcpy(head, magic, sizeof magic);
	put64(head + 8, (uint64_t)clock.watermark_us);
	put64(head + 16, (uint64_t)clock.floor_us);
	put64(head + 24, (uint64_t)greatest_us);
	put64(head + 32, n);
	return weir_write(ctx, state, head, sizeof head);
}

/* Keys, a chunk at a time. */
struct chunk {
	struct weir_ctx		*ctx;
	struct weir_state	*state;
	size_t			 n;
	unsigned char		 buf[KEYS_CHUNK * KEYS_KEY];
};

static int
put_chunk(struct chunk *c)
{
	int e = c->n ? weir_write(c->ctx, c->state, c->buf, c->n) : 0;

	c->n = 0;
	return e;
}

static int
put_key(struct chunk *c, const struct seen_key *key)
{
	put64(c->buf + c->n, key->hi);
	put64(c->buf + c->n + 8, key->lo >> 16);	/* 48 bits: the time overwrites the rest */
	put64(c->buf + c->n + 14, (uint64_t)key->time_us);
	c->n += KEYS_KEY;
	return c->n == sizeof c->buf ? put_chunk(c) : 0;
}

int
keys_save(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us)
{
	struct chunk c = { .ctx = ctx, .state = state };
	struct seen_cursor at = { 0 };
	uint64_t left = seen_count(seen);
	struct seen_key key;
	int e = put_head(ctx, state, seen, greatest_us, left);

	for (; !e && left && seen_next(seen, &at, &key); left--)
		e = put_key(&c, &key);
	if (!e && left)
		return weir_error(ctx, WEIR_EBUG, "the set of keys ended %" PRIu64 " keys before its count", left);
	if (!e && !(e = put_chunk(&c)))
		seen_mark(seen);
	return e;
}

int
keys_save_new(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us)
{
	struct chunk c = { .ctx = ctx, .state = state };
	int64_t listed = seen_n_new(seen);
	struct seen_key key;
	uint64_t n = 0;
	int e;

	if (listed < 0 || (uint64_t)listed > seen_count(seen) / 2)
		return 1;
	for (int64_t i = 0; i < listed; i++)
		n += (uint64_t)seen_new_key(seen, (uint64_t)i, &key);
	e = put_head(ctx, state, seen, greatest_us, n);
	for (int64_t i = 0; !e && i < listed; i++)
		if (seen_new_key(seen, (uint64_t)i, &key))
			e = put_key(&c, &key);
	if (!e && !(e = put_chunk(&c)))
		seen_mark(seen);
	return e;
}

int
keys_read_head(struct weir_ctx *ctx, struct weir_state *state, struct keys_head *h)
{
	unsigned char head[KEYS_HEADER];
	int e = weir_read(ctx, state, head, sizeof head);

	if (e <= 0)
		return e;
	if (memcmp(head, magic, sizeof magic))
		return weir_error(ctx, WEIR_ESTATE, "the state is not of this version of dedupe: use the one that wrote it, or --state-reset to forget its keys");
	h->clock.watermark_us = (int64_t)get64(head + 8);
	h->clock.floor_us = (int64_t)get64(head + 16);
	h->greatest_us = (int64_t)get64(head + 24);
	h->n = get64(head + 32);
	return 1;
}

int
keys_read(struct weir_ctx *ctx, struct weir_state *state, uint64_t left, struct seen_key *key)
{
	unsigned char buf[KEYS_KEY];
	int e = weir_read(ctx, state, buf, sizeof buf);

	if (e < 0)
		return e;
	if (!e)
		return weir_error(ctx, WEIR_ESTATE, "the state ends %" PRIu64 " keys before its count: it is damaged; --state-reset forgets it", left);
	key->hi = get64(buf);
	key->lo = get64(buf + 6) & ~UINT64_C(0xffff);
	key->time_us = (int64_t)get64(buf + 14);
	key->watermark_us = SEEN_NO_WATERMARK;
	return 0;
}

int
keys_load(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t *greatest_us)
{
	struct seen_key key;
	struct keys_head h;
	int e = keys_read_head(ctx, state, &h);

	if (e <= 0)
		return e;
	if (h.greatest_us > *greatest_us)
		*greatest_us = h.greatest_us;
	seen_set_clock(seen, &h.clock);		/* a delta's clock makes room */
	if (seen_reserve(seen, seen_count(seen) + h.n) < 0)
		return weir_error(ctx, WEIR_ECONFIG, "the state has %" PRIu64 " keys, --memory has room for %" PRIu64 ": raise it", h.n, seen_room(seen));
	for (; h.n; h.n--) {
		if ((e = keys_read(ctx, state, h.n, &key)) < 0)
			return e;
		if (seen_add_later(seen, &key) < 0)
			return weir_error(ctx, WEIR_ECONFIG, "the state does not fit into --memory any more: raise it");
	}
	seen_mark(seen);
	return 0;
}
