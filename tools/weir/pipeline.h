/*
 * pipeline.h - 'a | b | c' into words; the grammar is in weir(1).
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "fail.h"

#define PIPELINE_STAGES	32
#define PIPELINE_BYTES	(1u << 20)

struct pipeline_stage {
	int	  argc;
	char	**argv;		/* ends with NULL */
};

struct pipeline {
	size_t			n;
	struct pipeline_stage	stage[PIPELINE_STAGES];
};

/* Words as in sh: blanks, '...', "...", \.  An unquoted | separates stages.  ${NAME} is one word or part of one.  In a file
 * newlines are blanks too and # starts a comment.  WEIR_EUSAGE with the column of what is not of the grammar. */
int	pipeline_parse(const char *text, int is_file, struct pipeline *, struct fail *);
void	pipeline_free(struct pipeline *);

/* A whole file as text, malloc'd. */
char	*pipeline_read(const char *path, struct fail *);

#endif
