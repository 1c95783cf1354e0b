/*
 * regex.h - patterns of ECMA-262 (with the u flag), as JSON Schema has them, run by PCRE2.
 */
#ifndef REGEX_H
#define REGEX_H

#include <stddef.h>

#define REGEX_TEXT_MAX		65536	/* bytes of a pattern */
#define REGEX_MATCH_LIMIT	100000	/* steps of one match; see pcre2_set_match_limit(3) */
#define REGEX_DEPTH_LIMIT	1000	/* its back-tracking depth, where the interpreter runs */
#define REGEX_HEAP_KIB		4096	/* its memory there */
#define REGEX_STACK_BYTES	(256 * 1024)	/* of the compiled form, shared by all patterns of a schema */

enum { REGEX_NO = 0, REGEX_MATCH = 1, REGEX_LIMIT = -1 };

struct regex;
struct regex_run;	/* what matches need; one per thread */

struct regex_run *regex_run_new(void);
void		 regex_run_free(struct regex_run *);

/* NULL with the reason in why. */
struct regex	*regex_new(const char *pattern, size_t n, char *why, size_t why_size);
void		 regex_free(struct regex *);

/* Anywhere in p[0..n), which is valid UTF-8. */
int		 regex_match(const struct regex *, struct regex_run *, const char *p, size_t n);

/* Only whether it compiles. */
int		 regex_ok(const char *pattern, size_t n);

#endif
