/*
 * thrift_read.h - the compact protocol of Apache Thrift, read from bytes that
 * nobody vouches for.
 *
 * Nothing is allocated and nothing is copied.  The first fault sticks: `bad`
 * says what it is, every later call does nothing and returns zero, so a caller
 * checks once, at the end of a structure.  A list never claims more elements
 * than there are bytes left.
 */
#ifndef THRIFT_READ_H
#define THRIFT_READ_H

#include <stddef.h>
#include <stdint.h>

#define THRIFT_READ_DEPTH	64	/* nested structures in what is skipped */

enum thrift_wire {
	WIRE_STOP, WIRE_TRUE, WIRE_FALSE, WIRE_BYTE, WIRE_I16, WIRE_I32, WIRE_I64, WIRE_DOUBLE, WIRE_BINARY, WIRE_LIST, WIRE_SET,
	WIRE_MAP, WIRE_STRUCT, WIRE_UUID
};

struct thrift_read {
	const uint8_t	*p, *end;
	const char	*bad;		/* NULL, or what is wrong: static text */
};

struct thrift_read_field {
	int32_t	id;
	uint8_t	type;			/* enum thrift_wire */
};

/* The next field of a structure; zero *f before the first.  1, or 0 at its end or when bad.  The caller reads the value by one of
 * the functions below, or skips it. */
int	thrift_read_next(struct thrift_read *, struct thrift_read_field *f);

/* An integer of any width within [min, max]; a boolean; bytes in place (valid as long as the input). */
int64_t	thrift_read_int(struct thrift_read *, const struct thrift_read_field *, int64_t min, int64_t max);
int	thrift_read_bool(struct thrift_read *, const struct thrift_read_field *);
void	thrift_read_bytes(struct thrift_read *, const struct thrift_read_field *, const char **p, uint32_t *n);

/* A list or set: its length; *element is made a field to read each of its elements with. */
uint32_t thrift_read_list(struct thrift_read *, const struct thrift_read_field *, struct thrift_read_field *element);

/* Before reading the fields of a nested structure: that it is one. */
int	thrift_read_struct(struct thrift_read *, const struct thrift_read_field *);

void	thrift_read_skip(struct thrift_read *, const struct thrift_read_field *);

#endif
