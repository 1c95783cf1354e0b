/*
 * keys.h - dedupe's snapshot: a header and the live keys, sorted.
 *
 * Little-endian.  Header, 40 bytes: "dedupe" and the version (0, 1); the last
 * watermark acted on; the floor (older keys are forgotten); the greatest event
 * time of plain input, each in microseconds since 1970 or the least int64 for
 * none; the number of keys.  A key, 22 bytes: 8 and 6 bytes of hash, 8 bytes of
 * the time of its first event.  Equal sets give equal bytes.
 */
#ifndef KEYS_H
#define KEYS_H

#include "seen.h"
#include "weir.h"

/* Both return 0 or an error that was said. */
int	keys_save(struct weir_ctx *, struct weir_state *, struct seen *, int64_t greatest_us);

/* Adds to what the set holds; keys older than its time to live are left out. */
int	keys_load(struct weir_ctx *, struct weir_state *, struct seen *, int64_t *greatest_us);

#endif
