/*
 * side.h - files beside the stream: rejects, late events, duplicates.
 *
 * Lines are appended, never in halves; what a barrier covers is on disk before
 * it is forwarded.  A name that ends in .zst gets one zstd frame a flush, and a
 * torn last frame is cut off when the file is opened.  fd:N is a descriptor.
 */
#ifndef SIDE_H
#define SIDE_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

struct side;

int	side_open(const char *path, struct side **, struct fail *);
/* One line, without its newline. */
int	side_line(struct side *, const char *p, size_t n, struct fail *);
/* Durable on return (fd:N: written). */
int	side_sync(struct side *, struct fail *);
const char *side_path(const struct side *);
void	side_close(struct side *);

#endif
