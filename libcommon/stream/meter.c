#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "meter.h"

#define CPU_EVERY_US	200000	/* between two getrusage(2) */
#define IDLE_MS		150	/* between two calls of idle() */

static struct meter *mapped;	/* of this process: a signal handler has no argument */

static void
put_all(struct meter *m, enum stats_word w, int64_t v)
{
	for (size_t k = 0; k < m->n; k++)
		stats_set(m->page[k], w, v);
}

/* The span since the last change belongs to what went on. */
static void
change(struct meter *m)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	if (m->waiting)
		m->wait_us[m->waiting] += now - m->now_us;
	else
		m->busy_us[m->in] += now - m->now_us;
	m->now_us = now;
}

static void
wait_for(struct meter *m, enum stats_waiting what)
{
	change(m);
	m->waiting = what;
	put_all(m, STATS_WAITING_US, m->now_us);
	put_all(m, STATS_WAITING, what);
}

void
meter_wait_input(struct meter *m, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (!m)
		return;
	wait_for(m, STATS_WAITS_INPUT);
	while (m->idle && poll(&p, 1, IDLE_MS) == 0) {
		meter_go(m);
		m->idle(m->idle_arg);
		wait_for(m, STATS_WAITS_INPUT);
	}
}

void
meter_wait_output(struct meter *m)
{
	if (m)
		wait_for(m, STATS_WAITS_OUTPUT);
}

void
meter_go(struct meter *m)
{
	int e = errno;

	if (!m)
		return;
	change(m);
	put_all(m, STATS_WAITING, STATS_RUNS);
	put_all(m, m->waiting == STATS_WAITS_INPUT ? STATS_WAIT_IN_US : STATS_WAIT_OUT_US, m->wait_us[m->waiting]);
	m->waiting = STATS_RUNS;
	errno = e;		/* of the call that blocked */
}

size_t
meter_enter(struct meter *m, size_t stage)
{
	size_t before = m->in;

	change(m);
	m->in = stage;
	return before;
}

void
meter_waited(struct meter *m)
{
	if (m->told)
		return;
	m->waiting = STATS_WAITS_INPUT;
	change(m);
	m->waiting = STATS_RUNS;
	put_all(m, STATS_WAIT_IN_US, m->wait_us[STATS_WAITS_INPUT]);
}

void
meter_gauge(struct stage *s, const char *name, int64_t value)
{
	struct meter *m = &s->host->meter;

	if (s->is->role == WEIR_SOURCE && !strcmp(name, "waited_us")) {	/* until now it looked busy */
		m->busy_us[s->index] -= value - (m->told ? m->wait_us[STATS_WAITS_INPUT] : 0);
		m->wait_us[STATS_WAITS_INPUT] = value;
		m->told = 1;
		put_all(m, STATS_WAIT_IN_US, value);
	} else if (s->index < m->n) {
		stats_put(m->page[s->index]->gauge, name, value);
	}
}

/* ---- pages ---- */

/* The disk under a page may fail, or somebody cut the file short: then it is memory of our own from now on.  Nothing but the
 * statistics is lost, so nothing else may be. */
static void
on_bus(int sig, siginfo_t *info, void *context)
{
	const char *at = info->si_addr;
	int e = errno;

	(void)context;
	for (size_t k = 0; mapped && k < mapped->n; k++) {
		char *p = (char *)mapped->page[k];

		if (mapped->mapped[k] && at >= p && at < p + STATS_BYTES &&
		    mmap(p, STATS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p) {
			errno = e;
			return;
		}
	}
	signal(sig, SIG_DFL);		/* it happens again at once, and ends the process */
}

static void
fill(struct stage *s, size_t number)
{
	struct host *h = s->host;
	struct stats_page *p = h->meter.page[s->index];

	stats_init(p);
	p->number = (uint32_t)number;
	p->role = (uint32_t)s->is->role;
	if (h->stream.framed) {		/* the stages of a plain pipeline know nothing of each other */
		snprintf(p->run, sizeof p->run, "%s", h->run);
		snprintf(p->prev, sizeof p->prev, "%s", h->prev);
	}
	snprintf(p->shard, sizeof p->shard, "%s", *h->stream.shard ? h->stream.shard : "0/1");
	snprintf(p->epoch, sizeof p->epoch, "%s", h->stream.epoch);
	snprintf(p->stage, sizeof p->stage, "%s", s->name);
	snprintf(p->pipe, sizeof p->pipe, "%s", h->stream.pipe);
	stats_set(p, STATS_BEGAN_US, h->now_us);
}

void
meter_open(struct host *h)
{
	struct sigaction a = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	struct meter *m = &h->meter;
	size_t before = 0;
	int dir = -1, e = 0;

	for (const char *p = h->stream.chain; (p = strchr(p, ';')); p++)
		before++;
	host_tick(h);
	for (size_t k = 0; k < h->n; k++)
		fill(&h->stage[k], before + k);
	meter_epoch(h);
	if (!h->state || (dir = e = state_stats(h->state, &h->fail)) < 0)
		goto done;
	sigemptyset(&a.sa_mask);
	sigaction(SIGBUS, &a, NULL);
	mapped = m;
	for (size_t k = 0; k < h->n && e >= 0; k++) {
		struct stats_page *own = m->page[k];

		if ((e = stats_map(dir, h->stage[k].name, &m->page[k], &h->fail)) == 0) {
			m->mapped[k] = 1;
			free(own);
		}
	}
	close(dir);
done:
	if (e < 0 && !h->stage[0].common.quiet) {
		char text[sizeof h->fail.text + 64];

		snprintf(text, sizeof text, "%s: the pipeline runs on, and weir top does not see it", h->fail.text);
		host_say(&h->stage[0], "warning", text);
	}
	h->fail.code = 0;
}

void
meter_close(struct host *h, int code)
{
	struct meter *m = &h->meter;

	m->cpu_at_us = 0;
	meter_tick(h);
	put_all(m, STATS_EXIT, code < 0 ? -code : code);
	put_all(m, STATS_ENDED_US, h->now_us);
	mapped = NULL;
	for (size_t k = 0; k < m->n; k++) {
		if (m->mapped[k])
			munmap(m->page[k], STATS_BYTES);
		else
			free(m->page[k]);
	}
	m->n = 0;
}

/* ---- numbers ---- */

static void
cpu(struct meter *m)
{
	struct rusage u;

	if (m->now_us - m->cpu_at_us < CPU_EVERY_US || getrusage(RUSAGE_SELF, &u) < 0)
		return;
	m->cpu_at_us = m->now_us;
	put_all(m, STATS_CPU_US, (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

void
meter_tick(struct host *h)
{
	struct meter *m = &h->meter;

	for (size_t k = 0; k < m->n; k++) {
		const struct stage *s = &h->stage[k];
		struct stats_page *p = m->page[k];

		stats_set(p, STATS_IN, (int64_t)(s->total.in + s->epoch.in));
		stats_set(p, STATS_EMITTED, (int64_t)(s->total.emitted + s->epoch.emitted));
		for (int v = 0; v < WEIR_N_VERDICTS; v++)
			stats_set(p, STATS_PASSED + v, (int64_t)(s->total.verdict[v] + s->epoch.verdict[v]));
		stats_set(p, STATS_BYTES_IN, (int64_t)(k || h->source ? s->bytes_in : h->in.bytes));
		stats_set(p, STATS_BYTES_OUT, (int64_t)(k + 1 < h->n || h->sink ? s->bytes_out : h->out.bytes));
		stats_set(p, STATS_BUSY_US, m->busy_us[k]);
		stats_set(p, STATS_UPDATED_US, h->now_us);
		stats_set(p, STATS_WATERMARK_US, h->watermark);
		for (size_t i = 0; i < s->n_counters; i++)
			stats_put(p->counter, s->counter[i].name, (int64_t)s->counter[i].n);
	}
	cpu(m);
}

void
meter_epoch(struct host *h)
{
	if (!h->stream.framed)
		return;
	put_all(&h->meter, STATS_EPOCH, (int64_t)h->id);
	put_all(&h->meter, STATS_EPOCH_US, h->now_us);
}

void
meter_commit(struct host *h)
{
	struct stats_page *p = h->meter.n == h->n ? h->meter.page[h->n - 1] : NULL;

	if (!p)
		return;
	stats_set(p, STATS_COMMIT, (int64_t)h->id);
	stats_set(p, STATS_COMMIT_US, h->now_us);
}
