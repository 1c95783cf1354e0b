/*
 * format_int.h - the formats that have files of their own.
 */
#ifndef FORMAT_INT_H
#define FORMAT_INT_H

#include "format.h"

/* Ranges of code points from 0x80 on, in order; see idna_table.py. */
struct idna_range {
	unsigned	first, last;
};
extern const struct idna_range idna_pvalid[], idna_mark[], idna_nonspacing[], idna_virama[], idna_right[], idna_left[];
extern const size_t n_idna_pvalid, n_idna_mark, n_idna_nonspacing, n_idna_virama, n_idna_right, n_idna_left;

/* One label of a host name: an A-label ("xn--...", p[0..n) without the prefix), or a U-label.  0 when it is not allowed,
 * else the bytes of its A-label. */
size_t	idna_a_label(const char *p, size_t n);
size_t	idna_u_label(const char *p, size_t n);

/* Does it hold a right-to-left character?  Then the Bidi rule holds for every label of the name (RFC 5893). */
int	idna_is_bidi(const char *p, size_t n);
int	idna_bidi_rule(const char *p, size_t n);

int	format_ipv4(const char *p, size_t n);
int	format_ipv6(const char *p, size_t n);
int	format_hostname(const char *p, size_t n);
int	format_idn_hostname(const char *p, size_t n);
int	format_email(const char *p, size_t n);
int	format_idn_email(const char *p, size_t n);
int	format_uri(const char *p, size_t n);
int	format_uri_reference(const char *p, size_t n);
int	format_iri(const char *p, size_t n);
int	format_iri_reference(const char *p, size_t n);
int	format_uri_template(const char *p, size_t n);

#endif
