/*
 * key.h - the values of an event's --by members, as bytes that compare like the values.
 *
 * memcmp(3) of two keys orders by the first member, then the second, and so
 * on; within a member null, false, true, numbers, strings.  Strings compare by
 * their UTF-8 bytes, escapes undone; numbers by their literal, so 1 and 1.0
 * are two groups, as they are two keys for dedupe.
 */
#ifndef KEY_H
#define KEY_H

#include <stddef.h>

#include "buf.h"
#include "weir.h"

#define KEY_BYTES	4096	/* of one event's key */

/* Append a value (absent and null are one) at out[n]; out has room for KEY_BYTES.  Returns the new length, or 0: longer than
 * KEY_BYTES, or an object or an array. */
size_t	key_put(char *out, size_t n, const struct weir_value *);

/* The value at *p as JSON; *p moves behind it.  0, or -1 when memory is short or the bytes are no key. */
int	key_emit(const char **p, const char *end, struct buf *);

/* Whether p[0..n) is a key of `members` values. */
int	key_valid(const char *p, size_t n, size_t members);

#endif
