/*
 * weir - run and look after pipelines.
 */
#include "config.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "fail.h"
#include "module.h"
#include "opt.h"
#include "weir-main.h"

static int	help(int argc, char **argv);
static int	stage(int argc, char **argv);
static int	plugins(int argc, char **argv);

static const struct {
	const char *name, *args, *what;
	int (*run)(int argc, char **argv);
} command[] = {
	{ "run", "[-s DIR] [--fuse auto|no] 'a | b | c'", "run a pipeline, exactly once", command_run },
	{ "begin", "-- SINK ...", "set up a plain shell pipeline: eval \"$(weir begin -- ...)\"", command_begin },
	{ "wrap", "[--ok 0,1] -- CMD ...", "put any filter between stages, once per epoch", command_wrap },
	{ "strip", "", "drop control lines", command_strip },
	{ "stage", "PLUGIN.so ...", "run one plugin behind a pipe", stage },
	{ "state", "ls|show|dump|verify|gc [-s DIR] ...", "what is in a state directory", command_state },
	{ "top", "[--once] [--json] [DIR]", "watch pipelines run", command_top },
	{ "doctor", "['a | b | c']", "check everything a pipeline needs, in words", command_doctor },
	{ "demo", "[--dir DIR]", "a broker, events, two pipelines and what came of them", command_demo },
	{ "plugins", "", "list the stages", plugins },
	{ "help", "[TOOL]", "show a manual", help },
};

int
command_error(int code, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof text - 2)
		n = sizeof text - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20)
			text[i] = ' ';
	text[n] = '\0';
	fprintf(stderr, "weir: %s\n", text);
	return code < 0 ? -code : code;
}

static void
usage(FILE *out)
{
	fputs("usage: weir COMMAND ...\n", out);
	for (size_t i = 0; i < sizeof command / sizeof *command; i++)
		fprintf(out, "  weir %-8s %-38s %s\n", command[i].name, command[i].args, command[i].what);
	fputs("  weir TOOL ...                                        the tool: weir validate = validate\n", out);
}

static int
help(int argc, char **argv)
{
	if (argc < 2) {
		usage(stdout);
		return 0;
	}
	execlp("man", "man", argv[1], (char *)NULL);
	return command_error(-WEIR_EAGAIN, "there is no man(1) here; %s --help says the most of it", argv[1]);
}

static int
plugins(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < module_n_names; i++) {
		const struct weir_stage *s;
		struct fail f;

		if (module_load(module_names[i], &s, &f) < 0 || !s)
			printf("%-12s not built\n", module_names[i]);
		else
			printf("%-12s %s\n", s->name, s->summary);
	}
	return fflush(stdout) == 0 ? 0 : -WEIR_EIO;
}

static int
stage(int argc, char **argv)
{
	const struct weir_stage *s;
	struct fail f;

	if (argc < 2)
		return command_error(WEIR_EUSAGE, "stage needs a plugin: weir stage ./score.so ...");
	if (module_load(argv[1], &s, &f) < 0)
		return command_error(f.code, "%s", f.text);
	if (!s)
		return command_error(WEIR_ECONFIG, "'%s' is no stage; a plugin is named by its path, with a slash and .so", argv[1]);
	return weir_main(s, argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	const struct weir_stage *s;
	const char *names[32], *near;
	size_t n = 0;
	struct fail f;

	weir_main_fds();
	weir_main_memory();
	signal(SIGXFSZ, SIG_IGN);	/* a file at the limit of sizes is an error of write(2): 74 and a message */
	if (argc < 2) {
		usage(stderr);
		return -WEIR_EUSAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		printf("weir %s\n", PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof command / sizeof *command; i++) {
		if (!strcmp(argv[1], command[i].name))
			return command[i].run(argc - 1, argv + 1);
		names[n++] = command[i].name;
	}
	if (module_load(argv[1], &s, &f) < 0)
		return command_error(f.code, "%s", f.text);
	if (s)
		return weir_main(s, argc - 1, argv + 1);
	for (size_t i = 0; i < module_n_names; i++)
		names[n++] = module_names[i];
	near = opt_nearest(argv[1], names, n);
	return near ? command_error(WEIR_EUSAGE, "no command '%s'; is it %s?", argv[1], near) : command_error(WEIR_EUSAGE, "no command '%s'; weir -h lists them", argv[1]);
}
