/*
 * wrap.h - foreign commands as stages: a barrier is the end of their input.
 */
#ifndef WRAP_H
#define WRAP_H

#include <stdint.h>

/* argv[0..] as a filter of a framed stream on fd 0 and 1, run once per epoch; plain input is one epoch.  `ok` lists the exit codes
 * that are good, "0,1"; silent_us: see foreign.h.  supervised: by weir run.  Returns an exit code. */
int	wrap_filter(char *const *argv, const char *ok, int64_t silent_us, int supervised);

/* As a source: its whole output is one epoch, which ends well only if the command does. */
int	wrap_source(char *const *argv, int supervised);

#endif
