#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module.h"

const char *const module_names[] = { "kcat-in", "validate", "enrich", "dedupe", "window-agg", "iceberg-out", "iceberg-in", "bq-out" };
const size_t module_n_names = sizeof module_names / sizeof *module_names;

static int
from_file(const char *path, const struct weir_stage **stage, struct fail *f)
{
	void *so;

	errno = 0;
	if (!(so = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
		return fail(f, errno == ENOMEM ? WEIR_EAGAIN : WEIR_ECONFIG, "cannot load the stage: %s", dlerror());
	if (!(*stage = dlsym(so, WEIR_SYMBOL)))
		return fail(f, WEIR_ECONFIG, "%s exports no " WEIR_SYMBOL ": it is no stage of weir", path);
	if ((*stage)->abi != WEIR_ABI)
		return fail(f, WEIR_ECONFIG, "%s was built for ABI %u of weir.h, this weir has %d", path, (*stage)->abi, WEIR_ABI);
	return 0;
}

int
module_load(const char *word, const struct weir_stage **stage, struct fail *f)
{
	const char *dir = getenv("WEIR_MODULE_DIR");
	size_t n = strlen(word);
	char path[4096];

	*stage = NULL;
	errno = 0;
	if (strchr(word, '/'))
		return n > 3 && !strcmp(word + n - 3, ".so") ? from_file(word, stage, f) : 0;
	if (snprintf(path, sizeof path, "%s/%s-stage.so", dir && *dir ? dir : PKGLIBDIR, word) >= (int)sizeof path || access(path, F_OK) < 0) {
		if (errno == EIO)
			return fail_errno(f, WEIR_EIO, "cannot look for %s", path);
		for (size_t i = 0; i < module_n_names; i++)
			if (!strcmp(module_names[i], word))
				return fail(f, WEIR_ECONFIG, "the module of %s is not in %s: is weir installed? WEIR_MODULE_DIR names another folder", word,
				    dir && *dir ? dir : PKGLIBDIR);
		return 0;
	}
	return from_file(path, stage, f);
}
