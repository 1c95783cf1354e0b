/*
 * gzip.h - a stream of gzip, level 1: by ISA-L where it was built in, else by zlib.
 */
#ifndef GZIP_H
#define GZIP_H

#include <stddef.h>

#include "fail.h"

struct gzip;

/* Where the compressed bytes go: 0 or a code in *f, which is passed on. */
typedef int gzip_sink(void *arg, const void *p, size_t n, struct fail *f);

int	gzip_open(gzip_sink *, void *arg, struct gzip **, struct fail *);
void	gzip_close(struct gzip *);

/* n bytes; `end`: no more come, and the trailer is written. */
int	gzip_write(struct gzip *, const void *p, size_t n, int end, struct fail *);

/* The other way, for any gzip: open, then bytes in order; source() gives at least one byte, or 0 for the end. */
struct gunzip;
typedef int gunzip_source(void *arg, void *p, size_t max, size_t *n, struct fail *f);

int	gunzip_open(gunzip_source *, void *arg, struct gunzip **, struct fail *);
void	gunzip_close(struct gunzip *);

/* Up to max bytes; *n is 0 at the end. */
int	gunzip_read(struct gunzip *, void *p, size_t max, size_t *n, struct fail *);

#endif
