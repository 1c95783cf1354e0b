/*
 * value.h - typed readings of one value's literal.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "weir.h"

/* A literal that stands alone, p[0..n) valid JSON without white space around it. */
struct weir_value value_of(const char *p, size_t n);

/* The literal with escapes that need not be there undone, so that equal strings have equal bytes; never longer than v->n.
 * Returns its length.  Quotes stay. */
size_t	value_plain(const struct weir_value *v, char *out);

/* A string's content as UTF-8, without quotes; out has room for v->n bytes.  Returns its length. */
size_t	value_text(const struct weir_value *v, char *out);

/* The same without a copy where there is no escape: *p points into v or into out.  Returns the length. */
size_t	value_text_of(const struct weir_value *v, char *out, const char **p);

/* A time in the given unit (enum weir_unit), as microseconds since 1970; ns are cut to us (floor); years 1 to 9999.
 * 0, or -1 when it is not one. */
int	value_time(const struct weir_value *v, int unit, int64_t *us);

/* A number whose value is an integer in range; 1.0 and 1e3 are, 1.5 is not.  0 or -1. */
int	value_int64(const struct weir_value *v, int64_t *out);

/* The nearest double; -1 when it is no number or beyond the doubles. */
int	value_double(const struct weir_value *v, double *out);

#endif
