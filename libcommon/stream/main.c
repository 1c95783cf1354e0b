#include "config.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
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

static void *
json_memory(size_t n)
{
	void *p = malloc(n);

	if (!p)
		fail_no_memory();
	return p;
}

void
weir_main_memory(void)
{
	json_set_alloc_funcs(json_memory, free);
}

int
weir_main(const struct weir_stage *stage, int argc, char **argv)
{
	struct host *h;
	int e;

	weir_main_fds();
	weir_main_memory();
	h = host_new();
	e = host_add(h, stage, argc, argv);
	e = e < 0 ? -e : host_run(h);
	host_free(h);
	return e;
}
