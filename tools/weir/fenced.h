/*
 * fenced.h - runs in a row that another pipeline's commits stopped (77) before they committed anything themselves.
 *
 *	DIR/<i-N>/fenced/<run>	one per such run; its content tells the pipeline.  A commit removes them.
 *
 * They outlive the process, so that cron does not try for ever.  What cannot be written, read or understood never stops a run.
 */
#ifndef FENCED_H
#define FENCED_H

#include <stddef.h>
#include <stdint.h>

#define FENCED_LIMIT	3

/* Where, of a shard "i/N": into path[], for messages too. */
int	fenced_path(char *path, size_t size, const char *dir, const char *shard);

/* How many there are of this pipeline, whose words have the hash. */
unsigned fenced_count(const char *path, uint64_t pipeline);
void	fenced_add(const char *path, const char *run, uint64_t pipeline);
void	fenced_clear(const char *path);

#endif
