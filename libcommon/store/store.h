/*
 * store.h - where files live: whole objects, written once, named by URI.
 *
 * One table of functions per kind of store.  An object appears complete or
 * not at all: a stream that is not finished leaves nothing behind.
 * URIs of the local store: file:///a/b, file:/a/b, /a/b, a/b.
 * Functions return 0 or a negative weir_code with the text in *fail.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

struct store;
struct store_stream;		/* an object being written */
struct store_source;		/* an object being read */

struct store_entry {
	const char	*uri;
	uint64_t	 bytes;
	int64_t		 modified_ms;
};

struct store_ops {
	const char *scheme;
	/* Append the whole object to *out, whose max is the ceiling; WEIR_EGONE when there is none of that name. */
	int	(*get)(struct store *, const char *uri, struct buf *out, struct fail *);
	/* Write or replace, at once and durable. */
	int	(*put)(struct store *, const char *uri, const void *p, size_t n, struct fail *);
	/* Write if there is none of that name: 0 written, 1 somebody was first. */
	int	(*put_if_absent)(struct store *, const char *uri, const void *p, size_t n, struct fail *);
	/* A new object; finish() makes it durable and visible, and fails with WEIR_EFENCED when the name is taken. */
	int	(*create)(struct store *, const char *uri, struct store_stream **, struct fail *);
	int	(*write)(struct store_stream *, const void *p, size_t n, struct fail *);
	int	(*finish)(struct store_stream *, struct fail *);	/* frees the stream, also when it fails */
	void	(*abort)(struct store_stream *);
	/* Random reads: open() gives the size; read() gives exactly n bytes or fails. */
	int	(*open)(struct store *, const char *uri, struct store_source **, uint64_t *bytes, struct fail *);
	int	(*read)(struct store_source *, uint64_t at, void *p, size_t n, struct fail *);
	void	(*shut)(struct store_source *);
	/* Every object below a folder, in no order; fn() returns 0 to go on. */
	int	(*list)(struct store *, const char *uri, int (*fn)(void *, const struct store_entry *), void *arg, struct fail *);
	/* 0 also when it is not there. */
	int	(*remove)(struct store *, const char *uri, struct fail *);
	void	(*close)(struct store *);
};

struct store {
	const struct store_ops	*ops;
};

struct store_stream {
	struct store	*store;
	uint64_t	 bytes;		/* written so far */
};

struct store_source {
	struct store	*store;
};

/* The store that `uri` lies in; WEIR_ECONFIG for a scheme nobody knows. */
int	 store_open(const char *uri, struct store **, struct fail *);

/* "file:///a/b" for any way to name a local path, made absolute; others as they are, without a slash at the end.
 * Appends; no NUL.  A path with a byte that is special in URIs is kept as it is, as Iceberg's own writers do. */
int	 store_uri(const char *uri, struct buf *out, struct fail *);

/* The path of a local URI: points into it; NULL for another store's. */
const char *store_local_path(const char *uri);

/* The same object, by whatever spelling: file:/a and file:///a. */
int	 store_same(const char *a, const char *b);

#endif
