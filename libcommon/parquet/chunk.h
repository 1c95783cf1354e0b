/*
 * chunk.h - one column chunk: its pages read, checked, uncompressed, and given
 * out entry by entry as levels and values.
 *
 * An entry is a value or a place where there is none: its definition level
 * says how far down the schema something is there, its repetition level which
 * list goes on (Dremel, parquet-format README, "Nested Encoding").
 *
 * Memory: one window of the file, one page, one dictionary.  What all columns
 * of a file hold together is counted and has a ceiling.
 */
#ifndef CHUNK_H
#define CHUNK_H

#include <stdint.h>

#include "buf.h"
#include "decode.h"
#include "fail.h"
#include "tail.h"
#include "uncompress.h"

#define CHUNK_BYTES	(256u << 20)	/* one page, uncompressed */
#define CHUNK_HEADER	(8u << 20)	/* one page header: it may hold a value in its statistics */
#define CHUNK_WINDOW	(64u << 10)	/* read at once, at least */
#define CHUNK_MEMORY	((size_t)1 << 30)	/* of all columns of one file */

/* Where the bytes come from.  `at` returns 0, or an enum weir_code; it reads all of n or fails. */
struct chunk_source {
	int		(*at)(void *arg, uint64_t offset, void *p, size_t n, struct fail *);
	void		*arg;
	uint64_t	 size;
	const char	*name;		/* in messages */
};

/* What the columns of one file share. */
struct chunk_file {
	struct chunk_source	 source;
	struct tail		 footer;
	struct uncompress	*uncompress;
	uint64_t		 data_end;	/* the footer begins here */
	size_t			 used, max;	/* bytes */
};

struct chunk {
	struct chunk_file		*file;
	const struct tail_node	*node;
	const struct tail_chunk	*chunk;
	struct buf		 window;	/* the file from `offset` on */
	uint64_t		 offset;
	size_t			 taken;		/* of the window */
	struct buf		 page, dictionary_page, arena, dictionary;
	uint32_t		 n_dictionary;
	int64_t			 left;		/* entries of the chunk behind this page */
	uint64_t		 page_left;	/* entries of this page whose levels are not read yet */
	uint64_t		 page_at;	/* offset of its header, for messages */
	struct decode_rle	 def_rle, rep_rle;
	const uint8_t		*def_bits, *rep_bits;	/* not NULL: the deprecated form */
	uint64_t		 bits_at;
	struct decode		 values;
	uint64_t		 undecoded;	/* values whose levels were read, but not they */
	size_t			 n_cells, cell_at;	/* cell_at may be ahead: values passed over */
	uint32_t		 n, i;		/* entries in the batch, the current one */
	uint8_t			 def[DECODE_BATCH], rep[DECODE_BATCH];
	union decode_cell	 cell[DECODE_BATCH];
};

/* A zeroed struct, and again for each chunk: its memory is used again. */
int	chunk_open(struct chunk *, struct chunk_file *, uint32_t leaf, const struct tail_chunk *, struct fail *);
void	chunk_free(struct chunk *);

/* More entries.  1; 0 at the end of the chunk; or an error. */
int	chunk_fill(struct chunk *, struct fail *);

/* Is there a current entry?  1: def[i] and rep[i] are its levels. */
static inline int
chunk_here(struct chunk *p, struct fail *f)
{
	return p->i < p->n ? 1 : chunk_fill(p, f);
}

static inline int
chunk_has_value(const struct chunk *p)
{
	return p->def[p->i] == p->node->def;
}

/* The value of the current entry, which has one.  Valid until chunk_next(). */
int	chunk_decode(struct chunk *, struct fail *);

static inline const union decode_cell *
chunk_value(struct chunk *p, struct fail *f)
{
	return p->cell_at < p->n_cells || chunk_decode(p, f) == 0 ? &p->cell[p->cell_at] : NULL;
}

static inline void
chunk_next(struct chunk *p)
{
	p->cell_at += chunk_has_value(p);
	p->i++;
}

#endif
