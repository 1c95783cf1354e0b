/*
 * dirs.h - folders whose names outlive a loss of power.
 *
 * Whoever makes a folder syncs the one above it before anything is put into it.
 * So the name of a folder that holds something is durable, and an empty one may
 * be what a process left that was killed in between: the one above it is synced again.
 */
#ifndef DIRS_H
#define DIRS_H

#include <sys/types.h>

#include "fail.h"

/* mkdir -p, durable.  0 or a negative weir_code. */
int	dirs_make(const char *path, mode_t mode, struct fail *);

/* Nothing is in it, or nobody can say. */
int	dirs_is_empty(int at, const char *name);

/* fsync() of a folder: the names in it are durable; and of the one that a path's last name is in. */
int	dirs_sync(const char *path, struct fail *);
int	dirs_sync_above(const char *path, struct fail *);

#endif
