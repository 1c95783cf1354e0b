/*
 * account.h - what became of every event, stage by stage; see weir-stream(5).
 *
 *	in  = passed + filtered + taken + rejected + late + duplicate
 *	out = passed + emitted, and is the next stage's in
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <jansson.h>
#include <stdint.h>

#include "fail.h"
#include "weir.h"

struct account {
	uint64_t	in, emitted, verdict[WEIR_N_VERDICTS];
};

/* Add "NUMBER.NAME" to the object; counts of zero are left out, but one stays.  0 or -1 when memory is short. */
int	account_put(json_t *acct, size_t number, const char *name, const struct account *);

/* The accounts of one epoch over the whole chain, the last stage's included: WEIR_EBUG when they do not balance. */
int	account_check(const json_t *acct, struct fail *);

void	account_add(struct account *sum, const struct account *);

/* sum += acct, key by key; counts are decimal texts.  0 or -1. */
int	account_merge(json_t *sum, const json_t *acct);

/* The entry of stage `number`, or NULL; *name points behind "NUMBER." */
const json_t *account_stage(const json_t *acct, size_t number, const char **name);
uint64_t account_count(const json_t *entry, const char *what);

#endif
