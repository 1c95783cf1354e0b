/*
 * progress.h - the line a person watches, and --stats for programs.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

struct host;

/* Once per batch: the numbers are published, and what is due is shown. */
void	progress_tick(struct host *);
/* Before anything else is written to the terminal: take the line away; it comes again by itself. */
void	progress_clear(struct host *);
/* The run is over with this code: take the line away; with WEIR_SUMMARY set, the last process of a pipeline says what every stage did. */
void	progress_end(struct host *, int code);

#endif
