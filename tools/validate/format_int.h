/*
 * format_int.h - the formats that have files of their own.
 */
#ifndef FORMAT_INT_H
#define FORMAT_INT_H

#include "format.h"

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
