/*
 * decimal.h - exact order of JSON number literals of any length.
 *
 * For numbers beyond the 38 digits of libcommon/json/number.h.
 */
#ifndef DECIMAL_H
#define DECIMAL_H

#include <stddef.h>

/* <0, 0, >0 by value.  Exponents beyond +-2^53 all count as that. */
int	decimal_cmp(const char *a, size_t na, const char *b, size_t nb);

#endif
