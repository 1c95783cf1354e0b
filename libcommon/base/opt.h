/*
 * opt.h - options from tables (struct weir_opt): the parser, the help text and
 * the meaning of a configuration come from the same lines.
 *
 * Texts point into argv, which must outlive the struct they were put in.
 * Lists are malloc'd and freed by opt_release().
 */
#ifndef OPT_H
#define OPT_H

#include <stdio.h>

#include "buf.h"
#include "fail.h"
#include "weir.h"

/* A table and the struct its offsets are of.  Where two tables know a name, the first one has it. */
struct opt_set {
	const struct weir_opt	*opts;
	void			*base;
};

/* Presets, then argv[1..argc).  Operands, in order, go to operand[], which has room for argc + 1 pointers and ends with NULL.
 * WEIR_EUSAGE with a sentence that names the option and the remedy. */
int	opt_parse(const struct opt_set *set, size_t n_sets, int argc, char *const *argv, const char **operand, struct fail *);
void	opt_release(const struct opt_set *set, size_t n_sets);

/* "[-s DIR] [--ttl DURATION] ..." in lines of at most 100 columns, and one line for each option. */
void	opt_synopsis(FILE *, const char *name, const struct opt_set *set, size_t n_sets);
void	opt_help(FILE *, const struct opt_set *set, size_t n_sets);

/* The options with WEIR_MEANING as text, the same for the same meaning: "--key event_id --ttl 86400s". */
int	opt_meaning(const struct opt_set *, struct buf *);
/* The same as words that opt_parse() takes, "--key=event_id", each with a NUL. */
int	opt_words(const struct opt_set *, struct buf *);

/* The values' own grammars; 0 or -1. */
int	opt_duration(const char *text, int64_t *us);
int	opt_size(const char *text, uint64_t *bytes);
int	opt_count(const char *text, uint64_t *n);
/* PATH[:iso|s|ms|us|ns]; the path is a copy that the caller frees. */
int	opt_time(const char *text, struct weir_time *);

/* The member of names[0..n) that is nearest to a mistyped word, or NULL when none is near. */
const char *opt_nearest(const char *word, const char *const *names, size_t n);

#endif
