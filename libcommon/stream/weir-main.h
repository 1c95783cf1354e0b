/*
 * weir-main.h - a stage as an executable.
 */
#ifndef WEIR_MAIN_H
#define WEIR_MAIN_H

#include "weir.h"

/* Options, reader, run loop, writer.  Returns the exit code. */
int	weir_main(const struct weir_stage *, int argc, char **argv);

/* Open descriptors 0 to 2 where they are closed, so that no file ever takes their place. */
void	weir_main_fds(void);

/* jansson without memory ends the process; see fail_no_memory(). */
void	weir_main_memory(void);

#endif
