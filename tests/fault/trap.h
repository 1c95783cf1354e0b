/*
 * trap.h - catch the system calls that this process makes, in this process.
 *
 * A seccomp filter turns the named calls into SIGSYS, whose handler decides
 * what becomes of them.  Only calls made by libc's code are caught: the
 * dynamic loader's are not, nor are those of a program that exec() puts in
 * the place of this one (the filter stays, but libc is then elsewhere).
 */
#ifndef FAULT_TRAP_H
#define FAULT_TRAP_H

#include <stddef.h>

/* Make a call as it is; what the kernel returns, -errno for an error. */
long	trap_raw(long nr, long a, long b, long c, long d, long e, long f);
#define TRAP_RAW(nr, a, b, c, d, e, f) trap_raw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* What becomes of a call; returns what the caller gets.  It runs in a signal handler: it may use trap_raw(), and nothing of libc that makes
 * system calls, locks or allocates. */
typedef long trap_fn(long nr, const long a[6]);

/* 0, or what could not be done. */
const char	*trap_install(const long *nr, size_t n, trap_fn *fn);

#endif
