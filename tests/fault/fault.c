/*
 * fault.so - make the n-th call of a kind go wrong.  See fault.h.
 *
 * strace -e inject can do the half of this: it stops the process twice a
 * call (measured on one pipeline of six processes: see tests/fault/syscalls),
 * it cannot shorten a write, and it neither counts from main() on nor logs what was written.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "trap.h"

struct call {
	long		nr;
	const char	*name;
	char		path;		/* which argument is one: 1 the first, 2 the second; 'f': the first is a descriptor */
};

static const struct call calls[] = {
	{ SYS_openat, "openat", 2 }, { SYS_read, "read", 'f' }, { SYS_write, "write", 'f' }, { SYS_fsync, "fsync", 'f' },
	{ SYS_fdatasync, "fdatasync", 'f' }, { SYS_linkat, "linkat", 4 }, { SYS_unlinkat, "unlinkat", 2 }, { SYS_mkdirat, "mkdirat", 2 },
	{ SYS_close, "close", 'f' }, { SYS_getdents64, "getdents64", 'f' }, { SYS_pread64, "pread64", 'f' }, { SYS_pwrite64, "pwrite64", 'f' },
	{ SYS_ftruncate, "ftruncate", 'f' }, { SYS_fcntl, "fcntl", 'f' }, { SYS_lseek, "lseek", 'f' }, { SYS_newfstatat, "newfstatat", 2 },
	{ SYS_fstat, "fstat", 'f' }, { SYS_writev, "writev", 'f' }, { SYS_pwritev, "pwritev", 'f' }, { SYS_fallocate, "fallocate", 'f' },
	{ SYS_getrandom, "getrandom", 0 }, { SYS_pipe2, "pipe2", 0 }, { SYS_dup, "dup", 'f' }, { SYS_dup3, "dup3", 'f' }, { SYS_wait4, "wait4", 0 },
	{ SYS_faccessat, "faccessat", 2 }, { SYS_faccessat2, "faccessat2", 2 }, { SYS_flock, "flock", 'f' },
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", 4 },
#endif
	{ SYS_renameat2, "renameat2", 4 },
#ifdef SYS_open
	{ SYS_open, "open", 1 }, { SYS_creat, "creat", 1 }, { SYS_link, "link", 2 }, { SYS_unlink, "unlink", 1 }, { SYS_mkdir, "mkdir", 1 },
	{ SYS_rmdir, "rmdir", 1 }, { SYS_rename, "rename", 2 }, { SYS_access, "access", 1 }, { SYS_pipe, "pipe", 0 }, { SYS_dup2, "dup2", 'f' },
	{ SYS_poll, "poll", 0 }, { SYS_stat, "stat", 1 }, { SYS_lstat, "lstat", 1 },
#endif
#ifdef SYS_ppoll
	{ SYS_ppoll, "ppoll", 0 },
#endif
};
#define N_CALLS		(sizeof calls / sizeof *calls)
#define ALLOC		N_CALLS			/* the index of allocations, behind the calls */
#define FORK		(N_CALLS + 1)
#define N_COUNTS	(N_CALLS + 2)

enum mode { NONE, KILL, DONE, ERROR, SHORT, LIE, FULL };

static const struct { const char *name; int errnum; } errors[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EINTR", EINTR }, { "EDQUOT", EDQUOT }, { "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EAGAIN", EAGAIN },
	{ "EACCES", EACCES },
};

char			 fault_who[FAULT_WHO] = "0";
static char		 log_file[4096], who_wanted[FAULT_WHO];
static size_t		 call_wanted = SIZE_MAX;
static unsigned long	 n_wanted, counts[N_COUNTS];
static enum mode	 mode;
static int		 errnum, full, ready, ops, no_sync, n_forks;	/* no_sync: of 'd'irectories, or of 'f'iles */

/* ---- calls that are never caught ---- */

void
fault_append(const char *file, const void *p, size_t n)
{
	long fd = TRAP_RAW(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600, 0, 0);

	if (fd < 0)
		return;
	TRAP_RAW(SYS_write, fd, p, n, 0, 0, 0);
	TRAP_RAW(SYS_close, fd, 0, 0, 0, 0, 0);
}

__attribute__((noreturn)) static void
die(void)
{
	for (;;)
		TRAP_RAW(SYS_kill, TRAP_RAW(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
}

/* snprintf() neither allocates nor locks with these conversions. */
static void
say(const char *fmt, ...)
{
	char text[4608];
	va_list ap;
	int n;

	if (!*log_file)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fault_append(log_file, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static void
object(const struct call *c, const long a[6], char *out, size_t size)
{
	char link[32];
	long n = 0;

	snprintf(out, size, "-");
	if (c->path == 'f') {
		snprintf(link, sizeof link, "/proc/self/fd/%ld", a[0]);
		n = TRAP_RAW(SYS_readlinkat, AT_FDCWD, link, out, size - 1, 0, 0);
		if (n > 0)
			out[n] = '\0';
	} else if (c->path && a[c->path - 1]) {
		snprintf(out, size, "%s", (const char *)(uintptr_t)a[c->path - 1]);
	}
}

/* ---- what goes wrong ---- */

static int
on_pipe_or_terminal(long fd)
{
	char link[32], to[8];

	snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
	if (fd == 2)		/* what a program says is not on that disk */
		return 1;
	return TRAP_RAW(SYS_readlinkat, AT_FDCWD, link, to, sizeof to, 0, 0) <= 0 || *to != '/' || !memcmp(to, "/dev/nul", 8);
}

/* Would a full disk refuse it? */
static int
needs_room(long nr, const long a[6])
{
	switch (nr) {
	case SYS_openat:
		return (a[2] & (O_CREAT | O_TMPFILE)) != 0 && (a[2] & O_DIRECTORY) == (a[2] & O_TMPFILE & O_DIRECTORY);
	case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_fallocate:
		return !on_pipe_or_terminal(a[0]);
	case SYS_mkdirat: case SYS_linkat:
		return 1;
#ifdef SYS_open
	case SYS_mkdir: case SYS_link: case SYS_creat:
		return 1;
	case SYS_open:
		return (a[1] & (O_CREAT | O_TMPFILE)) != 0;
#endif
	default:
		return 0;
	}
}

static long
make(long nr, const long a[6])
{
	if (ops && ops_wants(nr, a))
		return ops_call(nr, a);
	return trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long
shortened(long nr, const long a[6])
{
	long b[6];

	memcpy(b, a, sizeof b);
	if ((nr == SYS_read || nr == SYS_write || nr == SYS_pread64 || nr == SYS_pwrite64) && b[2] > 1)
		b[2] = (b[2] + 1) / 2;
	return make(nr, b);
}

static long
go_wrong(long nr, const long a[6])
{
	switch (mode) {
	case KILL:
		die();
	case DONE:
		make(nr, a);
		die();
	case ERROR:
		if (errnum == EINTR && nr == SYS_wait4 && (a[2] & WNOHANG))		/* who does not wait is not interrupted */
			return make(nr, a);
		if (nr == SYS_close)		/* the descriptor is gone whatever close() says */
			make(nr, a);
		return -errnum;
	case SHORT:
		return shortened(nr, a);
	case LIE:
		return nr == SYS_write || nr == SYS_pwrite64 ? a[2] : 0;
	case FULL:
		full = 1;
		if ((nr == SYS_write || nr == SYS_pwrite64) && !on_pipe_or_terminal(a[0]) && a[2] > 1)
			return shortened(nr, a);
		return needs_room(nr, a) ? -ENOSPC : make(nr, a);
	default:
		return make(nr, a);
	}
}

static int
is_dir(long fd)
{
	struct stat st;

	return TRAP_RAW(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH, 0, 0) == 0 && S_ISDIR(st.st_mode);
}

static long
caught(long nr, const long a[6])
{
	unsigned long n;
	char what[4096];
	size_t i = 0;

	while (i < N_CALLS && calls[i].nr != nr)
		i++;
	if (!ready || i == N_CALLS)
		return trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	n = __atomic_add_fetch(&counts[i], 1, __ATOMIC_SEQ_CST);
	if (!mode && *log_file) {
		object(&calls[i], a, what, sizeof what);
		say("call %s %s %lu %s\n", fault_who, calls[i].name, n, what);
	}
	if (full && needs_room(nr, a))
		return -ENOSPC;
	if (no_sync && (nr == SYS_fsync || nr == SYS_fdatasync) && (no_sync == 'd') == is_dir(a[0]))
		return 0;
	if (i != call_wanted || n != n_wanted || strcmp(who_wanted, fault_who))
		return make(nr, a);
	object(&calls[i], a, what, sizeof what);
	say("hit %s %s %lu %s\n", fault_who, calls[i].name, n, what);
	return go_wrong(nr, a);
}

/* ---- allocations and fork: by their symbols ---- */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int
refused(size_t i, const void *caller)
{
	unsigned long n;
	Dl_info in = { 0 };

	if (!ready)
		return 0;
	n = __atomic_add_fetch(&counts[i], 1, __ATOMIC_SEQ_CST);
	if (i != call_wanted || n != n_wanted || strcmp(who_wanted, fault_who))
		return 0;
	ready = 0;
	dladdr(caller, &in);
	say("hit %s %s %lu %s %s\n", fault_who, i == ALLOC ? "alloc" : "fork", n, in.dli_fname ? in.dli_fname : "?", in.dli_sname ? in.dli_sname : "?");
	ready = 1;
	errno = i == ALLOC ? ENOMEM : EAGAIN;
	return 1;
}

void *
malloc(size_t n)
{
	return refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

/* libc's own would hide who asked. */
char *
strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_malloc(len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

char *
strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_malloc(n);

	return p ? memcpy(p, s, n) : NULL;
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	void *q;

	if (refused(ALLOC, __builtin_return_address(0)) || !(q = __libc_memalign(align, n)))
		return ENOMEM;
	*p = q;
	return 0;
}

void *
aligned_alloc(size_t align, size_t n)
{
	return refused(ALLOC, __builtin_return_address(0)) ? NULL : __libc_memalign(align, n);
}

pid_t
fork(void)
{
	static pid_t (*real)(void);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fork");
	return refused(FORK, __builtin_return_address(0)) ? -1 : real();
}

/* Programs that handle all signals would block ours, and the kernel would end them. */
int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return pthread_sigmask(how, set, old);
}

int
pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t s;

	if (set && how != SIG_UNBLOCK) {
		s = *set;
		sigdelset(&s, SIGSYS);
		set = &s;
	}
	return (int)-TRAP_RAW(SYS_rt_sigprocmask, how, set, old, 8, 0, 0);
}

/* ---- start ---- */

static void
forking(void)
{
	n_forks++;
}

static void
forked(void)
{
	size_t n = strlen(fault_who);

	snprintf(fault_who + n, sizeof fault_who - n, ".%d", n_forks);
	n_forks = 0;
	memset(counts, 0, sizeof counts);
}

__attribute__((noreturn)) static void
refuse(const char *what, const char *why)
{
	fprintf(stderr, "fault: %s: %s\n", what, why);
	_exit(99);
}

static void
parse(const char *text)
{
	char call[32] = "", how[32] = "";

	if (sscanf(text, "%63[^:]:%31[^:]:%lu:%31s", who_wanted, call, &n_wanted, how) != 4)
		refuse(text, "not WHO:CALL:N:MODE");
	for (size_t i = 0; i < N_CALLS; i++)
		if (!strcmp(calls[i].name, call))
			call_wanted = i;
	if (!strcmp(call, "alloc"))
		call_wanted = ALLOC;
	if (!strcmp(call, "fork"))
		call_wanted = FORK;
	mode = !strcmp(how, "kill") ? KILL : !strcmp(how, "done") ? DONE : !strcmp(how, "short") ? SHORT : !strcmp(how, "lie") ? LIE :
	    !strcmp(how, "full") ? FULL : NONE;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (!strcmp(errors[i].name, how)) {
			mode = ERROR;
			errnum = errors[i].errnum;
		}
	if (call_wanted == SIZE_MAX || !mode)
		refuse(text, "no such call, or no such mode");
}

static int (*real_main)(int, char **, char **);

static int
faulty_main(int argc, char **argv, char **envp)
{
	const char *fault = getenv("FAULT"), *log = getenv("FAULT_LOG"), *file = getenv("FAULT_OPS"), *root = getenv("FAULT_ROOT");
	const char *nosync = getenv("FAULT_NOSYNC"), *why;
	long nr[N_CALLS];

	if (fault)
		parse(fault);
	if (log)
		snprintf(log_file, sizeof log_file, "%s", log);
	if (nosync)
		no_sync = *nosync;
	if (file && root)
		ops = ops_start(file, root);
	pthread_atfork(forking, NULL, forked);
	if (call_wanted < N_CALLS || !mode) {
		for (size_t i = 0; i < N_CALLS; i++)
			nr[i] = calls[i].nr;
		if ((why = trap_install(nr, N_CALLS, caught)))
			refuse(argv[0], why);
	}
	/* Not for the programs that this one runs. */
	unsetenv("LD_PRELOAD");
	unsetenv("FAULT");
	unsetenv("FAULT_LOG");
	unsetenv("FAULT_OPS");
	unsetenv("FAULT_ROOT");
	unsetenv("FAULT_NOSYNC");
	memset(counts, 0, sizeof counts);
	ready = 1;
	return real_main(argc, argv, envp);
}

int
__libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *end)
{
	int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

	*(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = main;
	return start(faulty_main, argc, argv, init, fini, rtld_fini, end);
}

__attribute__((destructor)) static void
end(void)
{
	if (ready && !mode)
		say("count %s alloc %lu\ncount %s fork %lu\n", fault_who, counts[ALLOC], fault_who, counts[FORK]);
}
