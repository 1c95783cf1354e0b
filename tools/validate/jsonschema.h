/*
 * jsonschema.h - JSON Schema, draft 2020-12 and draft 7: compiled once, checked per event.
 *
 * No I/O: referenced documents come through schema_options.load, and nothing
 * is ever fetched.  The meta-schemas of both drafts are built in, and every
 * schema is checked against its own before it is compiled.  One schema
 * belongs to one thread: checking reuses memory inside it and allocates
 * nothing once that has grown to the size of the events.
 */
#ifndef JSONSCHEMA_H
#define JSONSCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

#define SCHEMA_MAX_BYTES	(16 << 20)	/* of one schema document */
#define SCHEMA_MAX_DOCS		1000		/* documents of one schema */
#define SCHEMA_MAX_NEST		4096		/* subschemas being evaluated inside each other */
#define SCHEMA_TEXT_MAX		512		/* of a pointer or a message in a fault; longer ones are cut */

enum schema_draft { SCHEMA_2020_12, SCHEMA_7, SCHEMA_2019_09 };	/* the last: only for documents that others refer to */

struct schema_options {
	int	draft;			/* enum schema_draft, of documents without $schema */
	int	format_assert;		/* `format` is a check, not an annotation */
	uint64_t seed;			/* keys the hashes behind uniqueItems */
	/* The text of a document by its absolute URI, without fragment: 0 and the text appended; 1, not known; negative, why. */
	int	(*load)(void *arg, const char *uri, struct buf *text, struct fail *);
	void	*arg;
};

/* Why a value is not valid. */
struct schema_fault {
	const char	*code;				/* the keyword: "type", "required", ...; "pattern-limit", "nesting": static */
	char		 instance[SCHEMA_TEXT_MAX];	/* JSON Pointer into the value, "" for the whole */
	char		 schema[SCHEMA_TEXT_MAX];	/* of the keyword; other documents with their URI before a # */
	char		 message[SCHEMA_TEXT_MAX];	/* a sentence: expected number, got string "n/a" */
};

struct schema;

/* uri: where the text came from, absolute (file:///...).  The text is copied.  NULL: the reason with line and pointer in *fail. */
struct schema	*schema_compile(const char *uri, const char *text, size_t n, const struct schema_options *, struct fail *);
void		 schema_free(struct schema *);

/* One JSON text that was scanned strictly before, with 64 readable bytes behind its end: 1 valid, 0 not, -1 memory is short.
 * *fault is filled in when it is not valid. */
int		 schema_check(struct schema *, const char *json, size_t n, struct schema_fault *);

/*
 * The same from a batch's columns, for schemas that say of objects only which
 * members they have and what those are: no second pass over the bytes.
 */
struct weir_value;

/* Paths that decide, as for weir_want(); want() returns a column or a negative code.  1: use schema_check_columns();
 * 0: this schema needs the whole event; negative: want()'s code, or memory is short. */
int		 schema_columns(struct schema *, int (*want)(void *arg, const char *path), void *arg);

/* 1: valid.  0: not, or not decidable from columns: schema_check() says which. */
int		 schema_check_columns(struct schema *, struct weir_value *const *col, uint32_t i);

#endif
