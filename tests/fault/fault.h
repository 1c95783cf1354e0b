/*
 * fault.h - the parts of fault.so, which is preloaded into a tool.
 *
 * FAULT=WHO:CALL:N:MODE	the N-th CALL of process WHO goes wrong
 * FAULT_LOG=FILE		each call as a line; with FAULT only the one that went wrong
 * FAULT_OPS=FILE		what is done to files below FAULT_ROOT, for power.py
 * FAULT_NOSYNC=dirs|files	fsync() of directories, or of files, does nothing
 *
 * WHO is 0 for the process itself, 0.2 for the second one that it forks.  CALL is a system call's name, or alloc.  Calls count from
 * main() on.  MODE: kill (before it), done (after it), an error's name, short (half of the bytes), lie (says that it is done), full
 * (ENOSPC from then on).
 */
#ifndef FAULT_H
#define FAULT_H

#include <stddef.h>

#define FAULT_WHO	64

extern char fault_who[FAULT_WHO];

/* ops.c: make a call that may change a file below the root, and write down what it did. */
int	ops_start(const char *file, const char *root);
int	ops_wants(long nr, const long a[6]);
long	ops_call(long nr, const long a[6]);

/* fault.c: append to a file, in one piece. */
void	fault_append(const char *file, const void *p, size_t n);

#endif
