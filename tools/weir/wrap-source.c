/*
 * A foreign command as a source: all it writes is one epoch, whose end mark is written only when the command ended well.
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "breakage.h"
#include "command.h"
#include "control.h"
#include "foreign.h"
#include "frame.h"
#include "out.h"
#include "scan.h"
#include "token.h"
#include "wrap.h"

#define LIMITS	"depth=128 dup=reject line=1048576"

struct source {
	struct foreign	 cmd;
	struct out	 out;
	struct buf	 line;
	struct fail	 fail;
	const char	*run;
	char		 prev[TOKEN_SIZE];
	uint64_t	 id;		/* of the epoch */
};

static int
bad(struct source *s)
{
	return -command_error(s->fail.code, "%s: %s", s->cmd.name, s->fail.text);
}

/* A line it wrote is data: a key that looks like a control line's is escaped. */
static int
on_line(void *arg, const char *p, size_t n)
{
	static const struct scan_limits limits = { .max_depth = 128, .last_wins = 1 };
	struct source *s = arg;
	struct scan_fault fault;

	if (memmem(p, n, "weir\"", 5) || memmem(p, n, "\\u", 2)) {
		s->line.n = 0;
		if (buf_put(&s->line, p, n) < 0)		/* the scanner wants room behind it */
			return fail(&s->fail, WEIR_EAGAIN, "no memory"), bad(s);
		if (p[strspn(p, " \t\r")] == '{' && scan_document(s->line.p, n - 1, &limits, &fault) == 0) {
			s->line.n = 0;
			if (BROKEN("no-escape") ? buf_put(&s->line, p, n) < 0 : control_escape(p, n, 1, &s->line) < 0)
				return fail(&s->fail, WEIR_EAGAIN, "no memory"), bad(s);
		}
		p = s->line.p;
		n = s->line.n;
	}
	return out_data(&s->out, p, n, 1, &s->fail) < 0 ? bad(s) : 0;
}

static int
on_pause(void *arg)
{
	struct source *s = arg;

	return out_flush(&s->out, &s->fail) < 0 ? bad(s) : 0;
}

/* Takes the reference. */
static int
put(struct source *s, json_t *c)
{
	int e = !c ? fail(&s->fail, WEIR_EAGAIN, "no memory") : frame_put(&s->out, c, &s->fail);

	json_decref(c);
	return e < 0 ? bad(s) : 0;
}

static int
hello(struct source *s)
{
	const char *pipe_name = getenv("WEIR_PIPELINE"), *resume = getenv("WEIR_RESUME");
	char run[TOKEN_RUN_SIZE];

	snprintf(s->prev, sizeof s->prev, "none");
	if (resume && *resume && strcmp(resume, "none")) {
		json_t *r = json_loads(resume, 0, NULL);

		snprintf(s->prev, sizeof s->prev, "%s", control_text(r, "token"));
		json_decref(r);
		if (token_parse(s->prev, run, &s->id) < 0)
			return fail(&s->fail, WEIR_EUSAGE, "WEIR_RESUME has no token"), bad(s);
	}
	s->id++;
	return put(s, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:{},s:s,s:s,s:s,s:s,s:s,s:s}", "by", "", "chain", "", "epoch", "all", "k", "hello", "limits", LIMITS,
	    "meta", "", "off", "pipe", pipe_name ? pipe_name : "", "prev", s->prev, "run", s->run, "shard", "0/1", "time", "", "v", CONTROL_VERSION));
}

/* The command's whole output, and that it ended well. */
static int
epoch(struct source *s)
{
	int how, e;

	if ((e = foreign_start(&s->cmd)) < 0 || (e = foreign_end(&s->cmd, &how)) < 0)
		return e;
	if (how && foreign_asked())
		return fail(&s->fail, WEIR_EAGAIN, "was asked to end before the end of its input: nothing of it is committed"), bad(s);
	if (how < 0)
		return fail(&s->fail, WEIR_EAGAIN, "was ended by signal %d", -how), bad(s);
	if (how)
		return fail(&s->fail, WEIR_EAGAIN, "exit %d: its input may not be whole, and nothing of it is committed", how), bad(s);
	if (s->cmd.torn.n)
		return fail(&s->fail, WEIR_EDATA, "its last line has no newline, so its output was cut off, and nothing of it is committed; end that line if it is whole"), bad(s);
	return 0;
}

static int
end(struct source *s)
{
	struct account a = { .emitted = s->out.n };
	json_t *acct = json_object(), *bar;
	char id[24];
	int e;

	snprintf(id, sizeof id, "%" PRIu64, s->id);
	if (!acct || account_put(acct, 0, s->cmd.name, &a) < 0) {
		json_decref(acct);
		return fail(&s->fail, WEIR_EAGAIN, "no memory"), bad(s);
	}
	bar = json_pack("{s:o,s:s,s:s,s:s,s:{},s:s}", "acct", acct, "id", id, "k", "bar", "last", "end", "off", "run", s->run);
	if (!bar || frame_stamp(&s->out, bar) < 0) {
		json_decref(bar);
		return fail(&s->fail, WEIR_EAGAIN, "no memory"), bad(s);
	}
	if ((e = put(s, bar)) < 0 || (e = put(s, json_pack("{s:s,s:s,s:s}", "k", "eos", "run", s->run, "why", "end"))) < 0)
		return e;
	return on_pause(s);
}

int
wrap_source(char *const *argv, int supervised)
{
	struct source s = { .run = getenv("WEIR_RUN") };
	int e;

	foreign_signals(supervised);
	foreign_init(&s.cmd, argv);
	s.cmd.is_source = 1;
	s.cmd.line = on_line;
	s.cmd.pause = on_pause;
	s.cmd.arg = &s;
	if (!s.run || !token_is_run(s.run, strlen(s.run)))
		return command_error(WEIR_EUSAGE, "a source that is no stage needs weir run");
	if (out_open(&s.out, 1, &s.fail) < 0)
		return -bad(&s);
	s.out.framed = 1;
	if ((e = hello(&s)) == 0 && (e = epoch(&s)) == 0)
		e = end(&s);
	foreign_close(&s.cmd);
	out_close(&s.out);
	buf_free(&s.line);
	return -e;
}
