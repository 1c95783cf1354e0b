/*
 * datum.h - one value of a primitive type: bounds, partition values, defaults.
 *
 * Binary and JSON forms are those of the spec's Appendix D.  The type comes
 * from a schema_field; strings and bytes point to memory that somebody else owns.
 */
#ifndef DATUM_H
#define DATUM_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "schema.h"

struct datum {
	uint8_t		 null;
	union {
		int64_t		 i;	/* boolean, int, long, date (days), time and timestamps (us, or ns for _ns) */
		double		 d;	/* float, double */
		__int128	 dec;	/* decimal: unscaled */
		struct {
			const char	*p;
			size_t		 n;
		} s;			/* string, uuid (16 bytes), fixed, binary */
	};
};

#define DATUM_SIZE	16	/* room for the binary form of any type but string, fixed and binary */

/* Binary form: *p points into out (DATUM_SIZE bytes) or at the datum's own bytes.  Returns the length. */
size_t	datum_binary(const struct schema_field *type, const struct datum *, char *out, const char **p);

/* Back; a value written before its column was widened (4 bytes for long, float for double) is read too.  0 or -1. */
int	datum_from_binary(const struct schema_field *type, const char *p, size_t n, struct datum *);

/* JSON single-value form.  NULL: no memory, or NaN and infinities, which JSON cannot say. */
json_t	*datum_json(const struct schema_field *type, const struct datum *);

/* Back; strings point into the json_t, uuid, fixed and binary into *room.  0 or -1. */
int	datum_from_json(const struct schema_field *type, const json_t *, struct datum *, struct buf *room);

/* <0, 0, >0; both not null; NaN sorts last, -0.0 before 0.0. */
int	datum_cmp(const struct schema_field *type, const struct datum *, const struct datum *);

/* Bounds of long strings and binaries (kind SCHEMA_STRING, SCHEMA_BINARY, SCHEMA_FIXED): `width` code points or bytes.
 * The lower one: how much of p[0..n) to keep.  The upper one: into out (n bytes of room at most width * 4), rounded up;
 * returns its length, 0 when there is none (all of it is the greatest character), n when nothing was cut. */
size_t	datum_lower(int kind, const char *p, size_t n, unsigned width);
size_t	datum_upper(int kind, const char *p, size_t n, unsigned width, char *out);
#define DATUM_BOUND	16	/* Iceberg's default width: truncate(16) */

#endif
