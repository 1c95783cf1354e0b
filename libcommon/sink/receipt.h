/*
 * receipt.h - what a sink says of its commits on standard output: a line of JSON each, and one for the whole run.
 */
#ifndef RECEIPT_H
#define RECEIPT_H

#include <jansson.h>

#include "weir.h"

struct receipts {		/* zero it */
	json_t		*last, *acct, *sum;	/* of the last commit; accounts, and numbers, of all */
	uint64_t	 n;
};

/* Print the receipt of a commit; r is taken over, NULL: there was no memory for it.  Its numbers that add up are integers under the names
 * in receipt.c; "acct" is the commit's. */
int	receipt_commit(struct weir_ctx *, struct receipts *, json_t *r);

/* The end of the run: after several commits, the last receipt with the sums of all, and "commits". */
int	receipt_run(struct weir_ctx *, struct receipts *);

void	receipts_free(struct receipts *);

#endif
