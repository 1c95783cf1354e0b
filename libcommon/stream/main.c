#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "host.h"
#include "weir-main.h"

void
weir_main_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd >= 3)
		close(fd);
}

int
weir_main(const struct weir_stage *stage, int argc, char **argv)
{
	struct host *h;
	int e;

	weir_main_fds();
	h = host_new();
	e = host_add(h, stage, argc, argv);
	e = e < 0 ? -e : host_run(h);
	host_free(h);
	return e;
}
