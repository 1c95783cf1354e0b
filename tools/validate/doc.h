/*
 * doc.h - one JSON text as a flat tape, for the evaluator and the compiler of schemas.
 *
 * The text has been scanned strictly before: doc_build() only cuts it up.
 * Node 0 is the root; a container's first child follows it directly, `next`
 * leads from child to child.  Nodes point into the text, which must outlive
 * the tape and have DOC_PAD readable bytes behind its end.  Memory is kept
 * from one text to the next.
 */
#ifndef DOC_H
#define DOC_H

#include <stddef.h>
#include <stdint.h>

#define DOC_PAD		64
#define DOC_MAX_DEPTH	1024		/* what the scanner allows at most */
#define DOC_MAX_BYTES	(UINT32_MAX / 2)	/* of one text */

enum doc_kind { DOC_NULL = 1, DOC_FALSE = 2, DOC_TRUE = 4, DOC_NUMBER = 8, DOC_STRING = 16, DOC_OBJECT = 32, DOC_ARRAY = 64 };
enum { DOC_BOOLEAN = DOC_FALSE | DOC_TRUE, DOC_ANY = 127 };

enum { DOC_ESCAPED = 1 };	/* a string whose content still has its escapes: see doc_text() */

struct doc_node {
	const char	*p;		/* a string's content; else the literal, brackets included */
	const char	*key;		/* decoded; NULL in arrays and for the root */
	uint32_t	 n;		/* bytes at p */
	uint32_t	 key_n;
	uint32_t	 count;		/* children */
	uint32_t	 next;		/* the next child of the same parent, 0: none */
	uint8_t		 kind;		/* enum doc_kind */
	uint8_t		 flags;
};

struct doc {
	struct doc_node	*node;
	uint32_t	 n, cap;
	char		*text;		/* decoded strings of the present text */
	size_t		 text_n, text_cap;
};

/* 0, or -1 when memory is short. */
int	doc_build(struct doc *, const char *p, size_t n);
void	doc_free(struct doc *);

/* A tape of one scalar; p is a string's content, else the literal.  0, or -1 when memory is short. */
int	doc_single(struct doc *, unsigned kind, const char *p, uint32_t n, int escaped);

/* A string node's content as UTF-8; decoded at the first call. */
const char *doc_text(struct doc *, uint32_t node, size_t *n);

/* The child of that name: its node, or 0. */
uint32_t doc_member(const struct doc *, uint32_t node, const char *name);
uint32_t doc_member_n(const struct doc *, uint32_t node, const char *name, size_t n);

/* Equal as JSON values: numbers by value, members in any order (JSON Schema 2020-12 core, 4.2.2). */
int	doc_equal(struct doc *, uint32_t, struct doc *, uint32_t);

/* Equal values have equal hashes. */
uint64_t doc_hash(struct doc *, uint32_t, uint64_t seed);

#endif
