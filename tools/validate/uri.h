/*
 * uri.h - URI references (RFC 3986, 5): resolving and taking apart.
 */
#ifndef URI_H
#define URI_H

#include <stddef.h>

#define URI_MAX	4096	/* bytes of one URI */

/* The reference resolved against base (absolute, or empty), normalized as far as dot segments go, without its fragment;
 * *fragment is where it begins in `ref`, behind the #, or NULL.  0, or -1 when it would pass URI_MAX. */
int	uri_resolve(const char *base, const char *ref, char out[URI_MAX], const char **fragment);

/* %xx undone.  Returns the length, or -1 for a broken escape or a NUL; out has room for strlen(s) + 1. */
int	uri_decode(const char *s, size_t n, char *out);

#endif
