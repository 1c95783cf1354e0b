#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "weir.h"

/* The demo is a script that a reader can follow, beside the broker it starts. */
int
command_demo(int argc, char **argv)
{
	(void)argc;
	argv[0] = (char *)(uintptr_t)PKGDATADIR "/demo/demo";
	execv(argv[0], argv);
	return command_error(-WEIR_ECONFIG, "cannot run %s: %s; is weir installed?", argv[0], strerror(errno));
}
