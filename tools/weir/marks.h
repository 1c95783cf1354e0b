/*
 * marks.h - small marks in the state directory that outlive a process.
 *
 *	DIR/<i-N>/fenced/<run>		a run was stopped (77) before it had committed anything; weir run counts them
 *	DIR/<i-N>/wrap/<name>-<how>	a foreign command failed in this way at this epoch; weir wrap knows the second time
 *
 * Each is written once, and goes when things went well.  They only ever end a
 * pipeline that would fail again: what cannot be written, read or understood
 * counts for nothing and stops nothing.
 */
#ifndef MARKS_H
#define MARKS_H

#include <stddef.h>
#include <stdint.h>

/* The folder of a kind of marks, of a shard "i/N": 0, or -1 when the path is too long. */
int	marks_path(char *path, size_t size, const char *dir, const char *shard, const char *kind);

/* How many there are with this content. */
unsigned marks_count(const char *path, uint64_t content);

/* 0; 1: there is one of that name; -1: it could not be made. */
int	marks_add(const char *path, const char *name, uint64_t content);

/* Those whose names begin so. */
void	marks_clear(const char *path, const char *prefix);

#endif
