/*
 * expr.h - jq expressions that users write: validate --check, enrich --jq,
 * window-agg --where.
 *
 * Common tests are compiled to a small program over the batch's columns
 * (native): paths, literals, == != < <= > >=, and, or, not, has(), select().
 * Everything else runs in libjq, 50 to 100 times dearer: the caller says so
 * on stderr when expr_is_native() is 0.
 *
 * A test is true as with jq -e: when the last output is neither false nor
 * null.  No output is false.  A jq error (indexing a string, error()) is
 * EXPR_ERROR, with jq's sentence.
 *
 * Numbers: jq 1.6 knows doubles only.  The native form compares as jq does,
 * except that two integers of 64 bits are compared exactly.  expr_run() keeps
 * the digits of every number that the program left at its place with its
 * value; a number that it computed, or moved elsewhere, is a double.
 *
 * One expression belongs to one thread.  Nothing is allocated per test in the
 * native form.
 */
#ifndef EXPR_H
#define EXPR_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "weir.h"

#define EXPR_TEXT_MAX	65536	/* bytes of a program */
#define EXPR_PATHS_MAX	64	/* paths that the native form reads */

enum { EXPR_ERROR = -1, EXPR_FALSE = 0, EXPR_TRUE = 1 };

struct expr;

/* NULL with the reason, and jq's own words for a syntax error (WEIR_ECONFIG). */
struct expr	*expr_compile(const char *text, struct fail *);
void		 expr_free(struct expr *);

int		 expr_is_native(const struct expr *);

/* In open(): asks the host for the columns that the native form reads (none when it is not native).  0 or weir_want()'s code. */
int		 expr_want(struct expr *, struct weir_ctx *);

/* Event i of a batch, after expr_want().  Reads columns when native; else the event's bytes, through libjq.
 * On EXPR_ERROR the reason is in `why` (code WEIR_EDATA). */
int		 expr_test_event(struct expr *, struct weir_ctx *, const struct weir_batch *, uint32_t i, struct fail *why);

/* One JSON text, always through libjq; needs no expr_want(). */
int		 expr_test(struct expr *, const char *json, size_t n, struct fail *why);

/* Run the program and append its output, compact and in one line, to `out`.  EXPR_TRUE: one output, an object.
 * EXPR_FALSE: no output (select() said no).  EXPR_ERROR: a jq error, more than one output, no object, or out->max passed. */
int		 expr_run(struct expr *, const char *json, size_t n, struct buf *out, struct fail *why);

#endif
