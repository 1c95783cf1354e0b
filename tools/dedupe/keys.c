/* keys.c - dedupe's snapshot, see keys.h. */
#include "config.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "keys.h"

#define KEYS_VERSION	2
#define KEYS_HEADER	48
#define KEYS_HEADER_V1	40
#define KEYS_KEY	16

static const unsigned char magic[7] = { 'd', 'e', 'd', 'u', 'p', 'e', 0 };

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

/* The block that is being filled: each column where that of a full block is. */
struct block {
	struct weir_ctx		*ctx;
	struct weir_state	*state;
	struct seen_clock	 clock;
	size_t			 n;
	unsigned char		 bytes[KEYS_BLOCK * KEYS_KEY];
};

#define HI	0
#define LO	(KEYS_BLOCK * 8)
#define TICK	(KEYS_BLOCK * 14)

static int
put_head(struct block *b, int64_t greatest_us, uint64_t n)
{
	unsigned char head[KEYS_HEADER];

	memcpy(head, magic, sizeof magic);
	head[sizeof magic] = KEYS_VERSION;
	put64(head + 8, (uint64_t)b->clock.watermark_us);
	put64(head + 16, (uint64_t)b->clock.floor_us);
	put64(head + 24, (uint64_t)greatest_us);
	put64(head + 32, n);
	put64(head + 40, (uint64_t)b->clock.tick_us);
	return weir_write(b->ctx, b->state, head, sizeof head);
}

static int
put_block(struct block *b)
{
	size_t n = b->n;

	b->n = 0;
	if (!n)
		return 0;
	memmove(b->bytes + n * 8, b->bytes + LO, n * 6);
	memmove(b->bytes + n * 14, b->bytes + TICK, n * 2);
	return weir_write(b->ctx, b->state, b->bytes, n * KEYS_KEY);
}

static int
put_key(struct block *b, const struct seen_key *key)
{
	uint64_t lo = htole64(key->lo >> 16);
	uint16_t tick = htole16((uint16_t)((key->time_us - b->clock.floor_us) >> __builtin_ctzll((uint64_t)b->clock.tick_us)));

	put64(b->bytes + HI + b->n * 8, key->hi);
	memcpy(b->bytes + LO + b->n * 6, &lo, 6);
	memcpy(b->bytes + TICK + b->n * 2, &tick, 2);
	return ++b->n == KEYS_BLOCK ? put_block(b) : 0;
}

int
keys_save(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us)
{
	struct block b = { .ctx = ctx, .state = state, .clock = seen_clock(seen) };
	struct seen_cursor at = { 0 };
	uint64_t left = seen_count(seen);
	struct seen_key key;
	int e = put_head(&b, greatest_us, left);

	for (; !e && left && seen_next(seen, &at, &key); left--)
		e = put_key(&b, &key);
	if (!e && left)
		return weir_error(ctx, WEIR_EBUG, "the set of keys ended %" PRIu64 " keys before its count", left);
	if (!e && !(e = put_block(&b)))
		seen_mark(seen);
	return e;
}

int
keys_save_new(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t greatest_us)
{
	struct block b = { .ctx = ctx, .state = state, .clock = seen_clock(seen) };
	int64_t listed = seen_n_new(seen);
	struct seen_key key;
	uint64_t n = 0;
	int e;

	if (listed < 0 || (uint64_t)listed > seen_count(seen))
		return 1;
	for (int64_t i = 0; i < listed; i++)
		n += (uint64_t)seen_new_key(seen, (uint64_t)i, &key);
	e = put_head(&b, greatest_us, n);
	for (int64_t i = 0; !e && i < listed; i++)
		if (seen_new_key(seen, (uint64_t)i, &key))
			e = put_key(&b, &key);
	if (!e && !(e = put_block(&b)))
		seen_mark(seen);
	return e;
}

static int
not_ours(struct weir_ctx *ctx)
{
	return weir_error(ctx, WEIR_ESTATE, "the state is not of this version of dedupe: use the one that wrote it, or --state-reset to forget its keys");
}

int
keys_open(struct keys_reader *r, struct weir_ctx *ctx, struct weir_state *state)
{
	unsigned char head[KEYS_HEADER];
	int e = weir_read(ctx, state, head, KEYS_HEADER_V1);

	if (e <= 0)
		return e;
	r->ctx = ctx;
	r->state = state;
	r->version = head[sizeof magic];
	if (memcmp(head, magic, sizeof magic) || r->version < 1 || r->version > KEYS_VERSION)
		return not_ours(ctx);
	r->clock.watermark_us = (int64_t)get64(head + 8);
	r->clock.floor_us = (int64_t)get64(head + 16);
	r->clock.tick_us = 1;
	r->greatest_us = (int64_t)get64(head + 24);
	r->n = r->left = get64(head + 32);
	r->at = r->have = 0;
	if (r->version > 1) {
		if ((e = weir_read(ctx, state, head + KEYS_HEADER_V1, KEYS_HEADER - KEYS_HEADER_V1)) < 0)
			return e;
		r->clock.tick_us = (int64_t)get64(head + KEYS_HEADER_V1);
		if (r->clock.tick_us < 1 || r->clock.tick_us > INT64_MAX / 4 / SEEN_TICKS)
			return not_ours(ctx);
	}
	return 1;
}

static int
next_block(struct keys_reader *r)
{
	size_t n = r->left < KEYS_BLOCK ? r->left : KEYS_BLOCK;
	int e = weir_read(r->ctx, r->state, r->block, n * (r->version == 1 ? KEYS_KEY_V1 : KEYS_KEY));

	if (!e)
		return weir_error(r->ctx, WEIR_ESTATE, "the state ends %" PRIu64 " keys before its count: it is damaged; --state-reset forgets it", r->left);
	r->left -= n;
	r->have = n;
	r->at = 0;
	return e;
}

int
keys_next(struct keys_reader *r, struct seen_key *key)
{
	const unsigned char *p = r->block;
	uint64_t lo = 0;
	uint16_t tick;
	size_t i;
	int e;

	if (r->at == r->have) {
		if (!r->left)
			return 0;
		if ((e = next_block(r)) < 0)
			return e;
	}
	i = r->at++;
	key->watermark_us = SEEN_NO_WATERMARK;
	if (r->version == 1) {
		p += i * KEYS_KEY_V1;
		key->hi = get64(p);
		key->lo = get64(p + 6) & ~UINT64_C(0xffff);
		key->time_us = (int64_t)get64(p + 14);
		return 1;
	}
	key->hi = get64(p + i * 8);
	memcpy(&lo, p + r->have * 8 + i * 6, 6);
	key->lo = le64toh(lo) << 16;
	memcpy(&tick, p + r->have * 14 + i * 2, sizeof tick);
	key->time_us = r->clock.floor_us + le16toh(tick) * r->clock.tick_us;
	return 1;
}

int
keys_load(struct weir_ctx *ctx, struct weir_state *state, struct seen *seen, int64_t *greatest_us)
{
	struct keys_reader r;
	struct seen_key key;
	int e = keys_open(&r, ctx, state);

	if (e <= 0)
		return e;
	if (r.greatest_us > *greatest_us)
		*greatest_us = r.greatest_us;
	seen_set_clock(seen, &r.clock);		/* a delta's clock makes room */
	if (seen_reserve(seen, seen_count(seen) + r.n) < 0)
		return weir_error(ctx, WEIR_ECONFIG, "the state has %" PRIu64 " keys, --memory has room for %" PRIu64 ": raise it", r.n, seen_room(seen));
	while ((e = keys_next(&r, &key)) > 0)
		if (seen_add_later(seen, &key) < 0)
			return weir_error(ctx, WEIR_ECONFIG, "the state does not fit into --memory any more: raise it");
	if (!e)
		seen_mark(seen);
	return e;
}
