/*
 * dictionary.h - the distinct values of a column chunk, numbered as they come.
 */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include <stdint.h>

#include "buf.h"
#include "values.h"

#define DICTIONARY_ENTRIES	131072	/* more than 17 bits an index pay for nobody */

struct dictionary {
	struct buf	 plain;		/* the values as a dictionary page has them (PLAIN) */
	uint32_t	 n;		/* entries */
	uint32_t	 width;		/* bytes of a value; 0: byte arrays, each behind its length */
	uint32_t	 mask;		/* slots - 1 */
	uint32_t	 n_cap;
	uint64_t	*slot;		/* high half: the hash; low half: entry + 1; 0: free */
	uint32_t	*at;		/* byte arrays: where entry i begins in plain; allocated for n_cap entries */
	size_t		 max_bytes;	/* ceiling of plain */
	size_t		*budget;	/* bytes left for the memory of all dictionaries of one writer */
	size_t		 charged;	/* what this one took of it */
};

void	dictionary_init(struct dictionary *, const struct parquet_column *leaf, size_t max_bytes, size_t *budget);
void	dictionary_free(struct dictionary *);
void	dictionary_clear(struct dictionary *);		/* for the next chunk; keeps its memory */

/* The numbers of v's values from..to into index[].  Returns how many were done: fewer than asked for when a limit was met,
 * or -1 when memory is short. */
int64_t	dictionary_put(struct dictionary *, const struct parquet_values *v, uint32_t from, uint32_t to, uint32_t *index);

/* Entry i, as it stands in plain, without its length. */
const char *dictionary_entry(const struct dictionary *, uint32_t i, uint32_t *n);

#endif
