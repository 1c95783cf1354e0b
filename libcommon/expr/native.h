/*
 * native.h - the common shapes of tests, compiled to a small tree over columns.
 *
 *	test	:= { select(pipe) '|' } ( select(pipe) | pipe )
 *	pipe	:= or { '|' not } | path '|' has("key")
 *	or	:= and { or and }		and := term { and term }
 *	term	:= operand [ == != < <= > >= operand ] | has("key") | '(' pipe ')'
 *	operand	:= path | number | string | true | false | null
 *	path	:= .key  ."key"  .["key"]  .a[0].b  ...
 *
 * The meaning is jq's, including its order of types and its errors.  Where a
 * case needs more than slices (comparing two objects) the answer is
 * NATIVE_ASK, and libjq decides.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "expr.h"
#include "fail.h"
#include "weir.h"

enum { NATIVE_ASK = 2 };	/* besides EXPR_TRUE, EXPR_FALSE, EXPR_ERROR */

struct native;

/* NULL: not one of these shapes (or memory is short): libjq has it. */
struct native	*native_compile(const char *text);
void		 native_free(struct native *);

/* Calls want() for each path that decides; 0 or its negative code. */
int		 native_want(struct native *, int (*want)(void *arg, const char *path), void *arg);
int		 native_test(struct native *, struct weir_value *const *col, uint32_t i, struct fail *why);

#endif
