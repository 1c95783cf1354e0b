/*
 * rows.h - a lookup table in memory: key text to a few ready-made JSON literals.
 *
 * Rows lie one behind the other in one piece of memory; an open hash table of
 * 8 bytes a slot, at most two thirds full, points at them.  A versioned table
 * holds several rows of one key, each valid from an instant on.
 *
 * Filled once, then only read.  No I/O, no globals, no exit.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stddef.h>
#include <stdint.h>

struct rows;

struct rows_value {
	const char	*p;		/* not terminated */
	uint32_t	 n;
};

enum { ROWS_DUPLICATE = -1, ROWS_FULL = -2 };

/* Rows of `n_values` literals each.  `seed` keys the hash, `max_bytes` is a ceiling.  NULL when memory is short. */
struct rows	*rows_new(uint64_t seed, uint32_t n_values, uint64_t max_bytes, int versioned);
void		 rows_free(struct rows *);

/* Copies all.  `line` is where the row came from; from_us is not looked at unless versioned.  0, ROWS_DUPLICATE when the key
 * (and instant) is there: *line_before is where, or ROWS_FULL when the ceiling or memory is reached. */
int		 rows_add(struct rows *, const char *key, size_t n, int64_t from_us, const struct rows_value *value, uint32_t line,
		    uint32_t *line_before);

/* The literals of the row of that key; versioned: of the youngest that is valid at at_us.  1, or 0 when there is none.
 * They stay valid until rows_free(). */
/* Ask memory for what rows_find() of this key will read, without waiting: step 0 for some keys, step 1 for the same ones, then find. */
void		 rows_touch(const struct rows *, const char *key, size_t n, int step);
int		 rows_find(const struct rows *, const char *key, size_t n, int64_t at_us, struct rows_value *value);

uint64_t	 rows_count(const struct rows *);
uint64_t	 rows_bytes(const struct rows *);

#endif
