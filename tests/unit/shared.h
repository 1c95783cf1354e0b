/* The folder of conformance data, which is not part of the project: without it those tests are left out, and fail where CI=true. */
#ifndef SHARED_H
#define SHARED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 1 when WEIR_SHARED has no such folder, said in TAP. */
static inline int
shared_lacks(const char *folder)
{
	const char *shared = getenv("WEIR_SHARED"), *ci = getenv("CI");
	char path[4096];

	if (shared && *shared && snprintf(path, sizeof path, "%s/%s", shared, folder) < (int)sizeof path && access(path, R_OK | X_OK) == 0)
		return 0;
	if (ci && !strcmp(ci, "true")) {
		printf("Bail out! CI=true, and WEIR_SHARED names no folder with %s\n", folder);
		exit(1);
	}
	printf("# WEIR_SHARED names no folder with %s: its tests are NOT run\n", folder);
	return 1;
}

#endif
