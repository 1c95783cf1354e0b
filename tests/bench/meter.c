/*
 * meter: run a pipeline of commands and say what each process used.
 *
 *   meter OUT.json COMMAND [ARG ...] [::: COMMAND [ARG ...]] ...
 *
 * The commands are joined by pipes, standard input goes to the first, standard
 * output comes from the last.  OUT.json is {"wall":s,"stages":[{"command":,
 * "exit":,"user":s,"system":s,"peak_kb":}]}: CPU time and peak resident memory
 * of each command with its reaped children.  Exit 1 if one failed.
 *
 * A program of its own, and a small one: the peak of a child counts the memory
 * of the process that forked it, so a launcher of 15 MB would hide what is less.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STAGES = 16 };

struct stage {
	char	**argv;
	pid_t	  pid;
	int	  exit;
	double	  user, system;
	long	  peak_kb;
};

static void
fail(const char *what)
{
	fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double
now(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t))
		fail("clock_gettime");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Cut argv at each ":::". */
static int
parse(char **argv, struct stage *stage)
{
	int n = 0;

	stage[n++].argv = argv;
	for (; *argv; argv++) {
		if (strcmp(*argv, ":::"))
			continue;
		if (n == MAX_STAGES) {
			fprintf(stderr, "meter: more than %d stages\n", MAX_STAGES);
			exit(1);
		}
		*argv = NULL;
		stage[n++].argv = argv + 1;
	}
	for (int i = 0; i < n; i++) {
		if (!stage[i].argv[0]) {
			fprintf(stderr, "meter: command %d is empty\n", i + 1);
			exit(1);
		}
	}
	return n;
}

static void
launch(struct stage *stage, int n)
{
	int in = -1, fd[2];

	for (int i = 0; i < n; i++) {
		fd[0] = fd[1] = -1;
		if (i + 1 < n && pipe(fd))
			fail("pipe");
		stage[i].pid = fork();
		if (stage[i].pid < 0)
			fail("fork");
		if (!stage[i].pid) {
			if ((in >= 0 && dup2(in, 0) < 0) || (fd[1] >= 0 && dup2(fd[1], 1) < 0))
				fail("dup2");
			if (in >= 0)
				close(in);
			if (fd[0] >= 0) {
				close(fd[0]);
				close(fd[1]);
			}
			execvp(stage[i].argv[0], stage[i].argv);
			fail(stage[i].argv[0]);
		}
		if (in >= 0)
			close(in);
		if (fd[1] >= 0)
			close(fd[1]);
		in = fd[0];
	}
}

static int
reap(struct stage *stage, int n)
{
	int failed = 0, status;
	struct rusage use;

	for (int left = n; left; left--) {
		pid_t pid = wait4(-1, &status, 0, &use);

		if (pid < 0)
			fail("wait4");
		for (int i = 0; i < n; i++) {
			if (stage[i].pid != pid)
				continue;
			stage[i].exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			stage[i].user = seconds(use.ru_utime);
			stage[i].system = seconds(use.ru_stime);
			stage[i].peak_kb = use.ru_maxrss;
			failed |= stage[i].exit != 0;
		}
	}
	return failed;
}

static void
report(const char *path, const struct stage *stage, int n, double wall)
{
	FILE *f = fopen(path, "w");

	if (!f)
		fail(path);
	fprintf(f, "{\"wall\":%.6f,\"stages\":[", wall);
	for (int i = 0; i < n; i++)
		fprintf(f, "%s{\"command\":\"%s\",\"exit\":%d,\"user\":%.6f,\"system\":%.6f,\"peak_kb\":%ld}", i ? "," : "",
		    strrchr(stage[i].argv[0], '/') ? strrchr(stage[i].argv[0], '/') + 1 : stage[i].argv[0],
		    stage[i].exit, stage[i].user, stage[i].system, stage[i].peak_kb);
	fputs("]}\n", f);
	if (fclose(f))
		fail(path);
}

int
main(int argc, char **argv)
{
	struct stage stage[MAX_STAGES] = {0};
	double start;
	int n, failed;

	if (argc < 3) {
		fputs("usage: meter OUT.json COMMAND [ARG ...] [::: COMMAND [ARG ...]] ...\n", stderr);
		return 2;
	}
	n = parse(argv + 2, stage);
	start = now();
	launch(stage, n);
	failed = reap(stage, n);
	report(argv[1], stage, n, now() - start);
	return failed;
}
