/*
 * files.h - the data files of one epoch: rows in, finished Parquet files out.
 *
 * One open file per partition.  A file ends when it is large enough, when
 * more partitions are open than may be (the one that was used longest ago
 * ends), or with the epoch.  A row group ends early when all files together
 * take more memory than they may.
 */
#ifndef FILES_H
#define FILES_H

#include "buf.h"
#include "fail.h"
#include "write.h"

#define FILES_OPEN	64		/* default of max_open: partitions with an open file */
#define FILES_BYTES	(UINT64_C(256) << 20)	/* default of file_bytes */
#define FILES_MEMORY	(UINT64_C(72) << 20)	/* default of memory */

struct files;

/* What the owner does for a set of files.  int functions return 0 or a negative weir_code with the text in *fail. */
struct files_ops {
	/* The values of the partition fields of each row, as bytes of the owner's own: key i is keys->p[end[i-1] .. end[i]), keys is
	 * empty at first.  v is only looked at.  NULL: the table is not partitioned. */
	int	(*keys)(void *arg, const struct parquet_values *v, uint32_t n_rows, struct buf *keys, uint32_t *end, struct fail *);
	/* The name of a new file: `number` counts the files of the set; key is NULL when the table is not partitioned.  Appends. */
	int	(*name)(void *arg, const void *key, size_t n, uint32_t number, struct buf *out, struct fail *);
	/* A new object, that must not have been there; bytes in order; durable and complete; or none at all. */
	int	(*put_open)(void *arg, const char *name, void **stream, struct fail *);
	int	(*put_write)(void *stream, const void *p, size_t n, struct fail *);
	int	(*put_finish)(void *stream, struct fail *);	/* ends the stream, also when it fails */
	void	(*put_abort)(void *stream);
	void	*arg;
};

/* Zero is: the defaults above, and of write.h. */
struct files_options {
	struct parquet_options	writer;		/* press and file_bytes are the set's own; thread: one for all files */
	uint64_t		file_bytes, memory;
	uint32_t		max_open;
};

/* A file that is finished. */
struct files_done {
	char			*name;
	void			*key;		/* of the partition */
	size_t			 key_n;
	struct parquet_metrics	*leaf;		/* n_leaves of them */
	int64_t			*split;
	int64_t			 n_rows, bytes;
	uint32_t		 n_leaves, n_splits;
	uint32_t		 number;
};

/* root is laid out, and outlives the set, as what the options point to does.  NULL: *fail tells. */
struct files	*files_new(const struct parquet_column *root, const struct files_options *, const struct files_ops *, struct fail *);

/* What is open is aborted; finished files stay. */
void		 files_free(struct files *);

/* n rows; v is eaten up.  After a failure only files_free() may follow. */
int		 files_append(struct files *, struct parquet_values *v, uint32_t n_rows, struct fail *);

/* Finish every open file: all rows so far are durable. */
int		 files_finish(struct files *, struct fail *);

/* The files that are finished, in the order of their numbers; valid until the next call that writes. */
const struct files_done *files_list(const struct files *, size_t *n);

/* Forget the finished files: the next epoch.  Numbers start at 0 again. */
void		 files_forget(struct files *);

uint64_t	 files_rows(const struct files *);	/* since the last files_forget() */
uint64_t	 files_memory(const struct files *);
uint32_t	 files_open(const struct files *);
uint32_t	 files_evicted(const struct files *);	/* files that ended because too many were open */

#endif
