/*
 * lookup.h - the lookups of enrich: where the answers to a key come from.
 *
 * A kind is a table of functions (csv, ndjson, sqlite, ...); an instance is
 * what one --lookup option names.  Which columns are wanted, and whether the
 * rows have versions, is said before open(); find() then gives the JSON
 * literals of those columns in that order.
 *
 * Keys are compared as text: the number 17, the string "17" and the CSV field
 * 17 are one key; 17.0 is another.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "fail.h"
#include "rows.h"

#define LOOKUP_WANTS_MAX	256	/* columns of one lookup */
#define LOOKUP_ROW_MAX		(1 << 20)	/* bytes of a row's literals */
#define LOOKUP_REFRESH_US	INT64_C(1000000)

enum lookup_type { LOOKUP_STRING, LOOKUP_NUMBER, LOOKUP_BOOLEAN, LOOKUP_JSON, LOOKUP_OWN };	/* OWN: as the source has it */

struct lookup_want {
	const char	*column;	/* NULL: the whole row as an object */
	int		 type;		/* enum lookup_type */
};

struct lookup;
struct load;

struct lookup_kind {
	const char	*name;
	int		 typed;		/* its values have types: COLUMN:TYPE makes no sense */
	int		(*open)(struct lookup *, struct fail *);
	int		(*find)(const struct lookup *, const char *key, size_t n, int64_t at_us, struct rows_value *);
	/* 0: as before.  1: new answers from now on.  Negative: it could not be read, the old answers stay. */
	int		(*refresh)(struct lookup *, struct fail *);
	void		(*close)(struct lookup *);
};

/* What tells one state of a file from another. */
struct lookup_stamp {
	struct timespec	mtime, wal_mtime;	/* the second of SQLite's write-ahead log */
	off_t		size, wal_size;
	ino_t		inode;
};

struct lookup {
	/* from the option */
	const struct lookup_kind *kind;
	char		*text;		/* what the others point into */
	const char	*name, *where, *key, *table, *valid_from;
	int64_t		 refresh_us;	/* 0: never look again */
	/* from the caller */
	struct lookup_want want[LOOKUP_WANTS_MAX];
	uint32_t	 n_want;
	uint64_t	 seed, max_bytes;
	int		 versioned;
	/* of the kinds that are tables in files */
	int		(*load)(struct load *, struct fail *);
	struct rows	*rows;
	struct lookup_stamp stamp;	/* of what was read last, or tried */
	int64_t		 checked_us;
};

extern const struct lookup_kind lookup_csv, lookup_ndjson, lookup_sqlite;

/* "NAME=KIND:WHERE[,key=COLUMN][,refresh=60s][,table=T][,valid_from=COLUMN]".  0 or WEIR_EUSAGE with the reason. */
int	lookup_parse(struct lookup *, const char *spec, struct fail *);

/* Want "COLUMN[:TYPE]", or with NULL the whole row.  Returns its place in find()'s answer, the same for the same, or WEIR_EUSAGE. */
int	lookup_want(struct lookup *, const char *column, struct fail *);

int	lookup_open(struct lookup *, struct fail *);
int	lookup_refresh(struct lookup *, int64_t now_us, struct fail *);	/* see the kind; looks at most once per refresh_us */
void	lookup_close(struct lookup *);

static inline int
lookup_find(const struct lookup *l, const char *key, size_t n, int64_t at_us, struct rows_value *value)
{
	return l->kind->find(l, key, n, at_us, value);
}

#endif
