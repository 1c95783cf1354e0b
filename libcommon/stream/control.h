/*
 * control.h - control lines: {"@weir":{...}}, see weir-stream(5).
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "weir.h"

#define CONTROL_KEY	"@weir"
#define CONTROL_MAX	(1u << 20)
#define CONTROL_VERSION	"1"

/* The object under "@weir" of a line that has this key and no other, as a new reference; NULL when it is none. */
json_t	*control_parse(const char *p, size_t n);

/* A member's text; "" when it is absent or no string. */
const char *control_text(const json_t *, const char *key);
/* A member's decimal number: 0, or -1. */
int	control_count(const json_t *, const char *key, uint64_t *);
/* A member that is an object as compact, sorted JSON, malloc'd; "{}" when it is absent.  NULL when memory is short. */
char	*control_object(const json_t *, const char *key);

/* The line: compact, keys sorted bytewise, ASCII, newline at the end. */
int	control_format(const json_t *, struct buf *, struct fail *);

/* "depth=128 dup=reject line=1048576" from numbers and back; 0 or -1. */
int	control_limits(const char *text, uint64_t *max_line, uint32_t *max_depth, int *last_wins);

/* An event's bytes with one '@' more (by = 1) or less (by = -1) on each top-level key that matches ^@+weir$, -1 leaving "@weir" alone.
 * Appends to the buf, no newline.  0 or -1. */
int	control_escape(const char *p, size_t n, int by, struct buf *);

#endif
