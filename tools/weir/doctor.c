/*
 * weir doctor - every stage looks at what it needs and says what it found.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "host.h"
#include "module.h"
#include "pipeline.h"

static int
show(void *arg, const char *stage, const char *part, int level, const char *text)
{
	static const char *const word[] = { [WEIR_OK] = "ok", [WEIR_WARN] = "warn", [WEIR_FAIL] = "FAIL" };
	int *worst = arg;

	if (level > *worst)
		*worst = level;
	printf("%-5s %-12s %-10s %s\n", word[level], stage, part, text);
	return 0;
}

static void
versions(int *worst)
{
	for (size_t i = 0; i < module_n_names; i++) {
		const struct weir_stage *s;
		struct fail f = { 0 };

		if (module_load(module_names[i], &s, &f) < 0)
			show(worst, "weir", module_names[i], WEIR_WARN, f.text);
	}
	show(worst, "weir", "version", WEIR_OK, PACKAGE_VERSION);
}

int
command_doctor(int argc, char **argv)
{
	struct pipeline pl = { 0 };
	struct fail f = { 0 };
	int worst = WEIR_OK, code = 0;
	char *text = NULL;
	size_t n;

	versions(&worst);
	if (argc > 2)
		return command_error(WEIR_EUSAGE, "doctor takes one pipeline, in quotes, or a file that ends in .weir");
	if (argc == 2) {
		int is_file = (n = strlen(argv[1])) > 5 && !strcmp(argv[1] + n - 5, ".weir");

		if ((is_file && !(text = pipeline_read(argv[1], &f))) || pipeline_parse(is_file ? text : argv[1], is_file, &pl, &f) < 0) {
			free(text);
			return command_error(f.code, "%s", f.text);
		}
	}
	for (size_t i = 0; i < pl.n; i++) {
		const struct weir_stage *s;
		struct host *h;
		int e;

		if (module_load(pl.stage[i].argv[0], &s, &f) < 0) {
			show(&worst, pl.stage[i].argv[0], "module", WEIR_FAIL, f.text);
			code = f.code;
			continue;
		}
		if (!s) {
			show(&worst, pl.stage[i].argv[0], "command", WEIR_OK, "no stage of weir: run once per epoch");
			continue;
		}
		h = host_new();
		e = host_add(h, s, pl.stage[i].argc, pl.stage[i].argv);
		if (e == 0)
			e = host_check(h, show, &worst);
		else
			show(&worst, s->name, "options", WEIR_FAIL, h->fail.text);
		if (e < 0)
			code = e;
		host_free(h);
	}
	pipeline_free(&pl);
	free(text);
	if (fflush(stdout) != 0)
		return -WEIR_EIO;
	return worst < WEIR_FAIL ? 0 : code ? -code : -WEIR_ECONFIG;
}
