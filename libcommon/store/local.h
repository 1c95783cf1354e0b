/*
 * local.h - the store of local files.
 *
 * A stream is a file without a name (O_TMPFILE) that is fsynced and linked
 * when it is finished; where the file system has no such files, it has a name
 * that is used once.  Folders are made as needed.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "store.h"

int	local_open(struct store **, struct fail *);

#endif
