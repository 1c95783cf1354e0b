/*
 * token.h - names of runs and of their epochs; see weir-stream(5).
 *
 * A run is NNNNNNN- and 128 random bits as hex; the number is for people and
 * is never compared.  A token is run/id.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

#define TOKEN_RUN_SIZE	48	/* "0000018-" + 32 digits + NUL, with room for a longer number */
#define TOKEN_SIZE	72

int	token_new_run(uint64_t number, char run[TOKEN_RUN_SIZE], struct fail *);
int	token_is_run(const char *text, size_t n);

/* "run/id" into its parts.  0, or -1 when it is none. */
int	token_parse(const char *token, char run[TOKEN_RUN_SIZE], uint64_t *id);
void	token_format(const char *run, uint64_t id, char token[TOKEN_SIZE]);

#endif
