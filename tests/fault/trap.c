#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "trap.h"

#define FILTER_MAX	192
#define RANGES		2

#if defined __x86_64__
#define ARCH		AUDIT_ARCH_X86_64
#define RESULT(u)	((u)->uc_mcontext.gregs[REG_RAX])
#define ARG(u, i)	((u)->uc_mcontext.gregs[(const int[]){ REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 }[i]])
#elif defined __aarch64__
#define ARCH		AUDIT_ARCH_AARCH64
#define RESULT(u)	((u)->uc_mcontext.regs[0])
#define ARG(u, i)	((u)->uc_mcontext.regs[i])
#endif

static trap_fn *handler;

#ifdef ARCH
long
trap_raw(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined __x86_64__
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#endif
}

static void
on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	int saved = errno;
	long a[6];

	(void)sig;
	for (int i = 0; i < 6; i++)
		a[i] = (long)ARG(u, i);
	RESULT(u) = handler(info->si_syscall, a);
	errno = saved;
}

/* Where libc's code is; cut where the upper half of an address changes, as a filter compares halves. */
struct code {
	uint64_t	from[RANGES], to[RANGES];
	size_t		n;
};

static int
find_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *slash = strrchr(info->dlpi_name, '/');
	struct code *c = arg;

	(void)size;
	if (!slash || strncmp(slash, "/libc.so", 8))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz, cut = (from | UINT32_MAX) + 1;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || c->n + (to > cut) >= RANGES)
			continue;
		c->from[c->n] = from;
		c->to[c->n++] = to > cut ? cut : to;
		if (to > cut) {
			c->from[c->n] = cut;
			c->to[c->n++] = to;
		}
	}
	return 1;
}

static void
put(struct sock_fprog *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->filter[p->len++] = (struct sock_filter){ code, jt, jf, k };
}

#define LOAD(field)	(BPF_LD | BPF_W | BPF_ABS), offsetof(struct seccomp_data, field)

const char *
trap_install(const long *nr, size_t n, trap_fn *fn)
{
	struct sock_filter filter[FILTER_MAX];
	struct sock_fprog p = { 0, filter };
	struct sigaction a = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER };
	struct code c = { .n = 0 };

	dl_iterate_phdr(find_libc, &c);
	if (!c.n)
		return "libc's code is nowhere";
	if (n > 100)
		return "too many calls";
	put(&p, LOAD(arch), 0, 0);
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	put(&p, LOAD(nr), 0, 0);
	for (size_t i = 0; i < n; i++)
		put(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr[i], (uint8_t)(n - i), 0);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	for (size_t i = 0; i < c.n; i++) {
		/* The instruction pointer stands behind the call: from < ip <= to. */
		put(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4, 0, 0);
		put(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(c.from[i] >> 32), 0, 4);
		put(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer), 0, 0);
		put(&p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)c.from[i], 0, 2);
		put(&p, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(c.to[i] - 1), 1, 0);
		put(&p, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
	}
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	handler = fn;
	sigemptyset(&a.sa_mask);
	if (sigaction(SIGSYS, &a, NULL) < 0)
		return "sigaction failed";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)
		return "the kernel takes no seccomp filter";
	return NULL;
}
#else
long
trap_raw(long nr, long a, long b, long c, long d, long e, long f)
{
	return syscall(nr, a, b, c, d, e, f);
}

const char *
trap_install(const long *nr, size_t n, trap_fn *fn)
{
	(void)nr;
	(void)n;
	(void)fn;
	return "this processor is not known";
}
#endif
