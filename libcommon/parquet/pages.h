/*
 * pages.h - one column chunk: its pages read, checked, uncompressed, and given
 * out entry by entry as levels and values.
 *
 * An entry is a value or a place where there is none: its definition level
 * says how far down the schema something is there, its repetition level which
 * list goes on (Dremel, parquet-format README, "Nested Encoding").
 *
 * Memory: one window of the file, one page, one dictionary.  What all columns
 * of a file hold together is counted and has a ceiling.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdint.h>

#include "buf.h"
#include "decode.h"
#include "fail.h"
#include "footer.h"
#include "uncompress.h"

#define PAGES_BYTES	(256u << 20)	/* one page, uncompressed */
#define PAGES_HEADER	(8u << 20)	/* one page header: it may hold a value in its statistics */
#define PAGES_WINDOW	(64u << 10)	/* read at once, at least */
#define PAGES_MEMORY	((size_t)1 << 30)	/* of all columns of one file */

/* Where the bytes come from.  `at` returns 0, or an enum weir_code; it reads all of n or fails. */
struct pages_source {
	int		(*at)(void *arg, uint64_t offset, void *p, size_t n, struct fail *);
	void		*arg;
	uint64_t	 size;
	const char	*name;		/* in messages */
};

/* What the columns of one file share. */
struct pages_file {
	struct pages_source	 source;
	struct footer		 footer;
	struct uncompress	*uncompress;
	uint64_t		 data_end;	/* the footer begins here */
	size_t			 used, max;	/* bytes */
};

struct pages {
	struct pages_file		*file;
	const struct footer_node	*node;
	const struct footer_chunk	*chunk;
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
int	pages_open(struct pages *, struct pages_file *, uint32_t leaf, const struct footer_chunk *, struct fail *);
void	pages_free(struct pages *);

/* More entries.  1; 0 at the end of the chunk; or an error. */
int	pages_fill(struct pages *, struct fail *);

/* Is there a current entry?  1: def[i] and rep[i] are its levels. */
static inline int
pages_here(struct pages *p, struct fail *f)
{
	return p->i < p->n ? 1 : pages_fill(p, f);
}

static inline int
pages_has_value(const struct pages *p)
{
	return p->def[p->i] == p->node->def;
}

/* The value of the current entry, which has one.  Valid until pages_next(). */
int	pages_decode(struct pages *, struct fail *);

static inline const union decode_cell *
pages_value(struct pages *p, struct fail *f)
{
	return p->cell_at < p->n_cells || pages_decode(p, f) == 0 ? &p->cell[p->cell_at] : NULL;
}

static inline void
pages_next(struct pages *p)
{
	p->cell_at += pages_has_value(p);
	p->i++;
}

#endif
