/*
 * ocf.h - Avro object container files, codecs null and deflate.
 */
#ifndef OCF_H
#define OCF_H

#include "avro.h"

#define OCF_MAX_BLOCK	(256u << 20)	/* of one block, inflated */

struct ocf_meta {
	const char	*key, *value;
	size_t		 n;		/* of the value */
};

/* The whole file in memory, kept by the caller until ocf_close(). */
struct ocf_reader {
	struct avro_schema	*schema;
	const char		*p, *end;	/* what is still to be read */
	char			 sync[16];
	int			 deflate;
	size_t			 n_meta;
	struct ocf_meta		*meta;
	int64_t			 left;		/* objects in this block */
	const char		*at, *stop;	/* the block's data */
	struct buf		 block;
	struct avro_room	 room;
};

/* `what` names the file in messages, and must live as long as the reader. */
int	ocf_open(struct ocf_reader *, const char *p, size_t n, const char *what, struct fail *);
/* 1 an object, valid until the next call; 0 end. */
int	ocf_next(struct ocf_reader *, const char *what, struct avro_value *, struct fail *);
const struct ocf_meta *ocf_meta(const struct ocf_reader *, const char *key);
void	ocf_close(struct ocf_reader *);

/* A file of one block with n objects already encoded, deflated; "avro.schema" and "avro.codec" are added to the given keys. */
int	ocf_write(struct buf *out, const char *schema, const struct ocf_meta *, size_t n_meta, const struct buf *objects, int64_t n,
	    const unsigned char sync[16], struct fail *);

#endif
