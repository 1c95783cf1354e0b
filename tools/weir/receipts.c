#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "receipts.h"
#include "weir.h"

#define LINE_MAX_BYTES	(64u << 20)	/* of one receipt: it holds the position of every partition */
#define FULL_BYTES	(1u << 20)
#define BLOCK		65536u

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for receipts");
}

static uint64_t
number(const json_t *r, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(r, key));

	return v > 0 ? (uint64_t)v : 0;
}

/* A commit.  A sink's own last line, over its commits (it says how many), is left out: this run may have other sinks and attempts. */
static int
count(struct receipts *r, struct receipt_pipe *p, json_t *line, struct fail *f)
{
	json_t *acct = json_object_get(line, "acct"), *position = json_object_get(line, "position");
	int64_t sequence = json_integer_value(json_object_get(line, "sequence_number"));
	int e = 0;

	p->n_commits++;
	r->n_commits++;
	r->rows += number(line, "rows");
	r->files += number(line, "files");
	r->bytes += number(line, "bytes");
	if (!r->acct && !(r->acct = json_object()))
		return no_memory(f);
	if (json_is_object(acct))
		e |= account_merge(r->acct, acct);
	if (r->by_shard && position) {
		if (!r->shards && !(r->shards = json_object()))
			return no_memory(f);
		e |= json_object_set(r->shards, p->shard, position);
	}
	if (!r->newest || sequence >= r->sequence) {	/* shards commit in the table's order, their lines come in any */
		r->sequence = sequence;
		json_decref(r->newest);
		r->newest = json_incref(line);
	}
	return e ? no_memory(f) : 0;
}

static int
take(struct receipts *r, struct receipt_pipe *p, const char *text, size_t n, struct fail *f)
{
	json_t *line = json_loadb(text, n, 0, NULL);
	int e = 0;

	if (json_is_object(line)) {
		if (json_object_get(line, "commits")) {
			json_decref(line);
			return 0;
		}
		e = count(r, p, line, f);
	}
	json_decref(line);
	return e ? e : buf_put(&r->out, text, n) < 0 ? no_memory(f) : 0;
}

int
receipts_read(struct receipts *r, struct receipt_pipe *p, struct fail *f)
{
	char *nl;
	ssize_t k;
	int e = 0;

	p->torn.max = LINE_MAX_BYTES;
	if (buf_reserve(&p->torn, BLOCK) < 0)
		return fail(f, WEIR_EAGAIN, "no memory, or a receipt of more than %u bytes", LINE_MAX_BYTES);
	if ((k = read(p->fd, p->torn.p + p->torn.n, BLOCK)) < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : fail_errno(f, WEIR_EIO, "cannot read the sink's receipts");
	if (!k) {		/* what is torn is of a sink that was killed */
		close(p->fd);
		p->fd = -1;
		p->torn.n = 0;
		return 0;
	}
	p->torn.n += (size_t)k;
	while (!e && (nl = memchr(p->torn.p, '\n', p->torn.n))) {
		size_t n = (size_t)(nl + 1 - p->torn.p);

		e = take(r, p, p->torn.p, n, f);
		memmove(p->torn.p, nl + 1, p->torn.n - n);
		p->torn.n -= n;
	}
	return e;
}

size_t
receipts_pending(const struct receipts *r)
{
	return r->out.n;
}

int
receipts_full(const struct receipts *r)
{
	return r->out.n >= FULL_BYTES;
}

int
receipts_write(struct receipts *r, struct fail *f)
{
	size_t n = r->out.n < PIPE_BUF ? r->out.n : PIPE_BUF;	/* poll(2) promises so much room in a pipe */
	ssize_t k = n ? write(1, r->out.p, n) : 0;

	if (k < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (k < 0) {
		r->out.n = 0;
		return errno == EPIPE ? fail(f, WEIR_EGONE, "the reader of the receipts is gone") : fail_errno(f, WEIR_EIO, "cannot write the receipts");
	}
	memmove(r->out.p, r->out.p + k, r->out.n - (size_t)k);
	r->out.n -= (size_t)k;
	return 0;
}

static int
last_line(struct receipts *r, struct fail *f)
{
	json_t *line = json_copy(r->newest);
	char *text;
	int e = 0;

	if (!line)
		return no_memory(f);
	if (json_object_get(line, "acct"))
		e |= json_object_set(line, "acct", r->acct);
	if (r->shards)
		e |= json_object_del(line, "position") | json_object_set(line, "positions", r->shards);
	if (json_object_get(line, "rows"))
		e |= json_object_set_new(line, "rows", json_integer((json_int_t)r->rows));
	if (json_object_get(line, "files"))
		e |= json_object_set_new(line, "files", json_integer((json_int_t)r->files));
	if (json_object_get(line, "bytes"))
		e |= json_object_set_new(line, "bytes", json_integer((json_int_t)r->bytes));
	e |= json_object_set_new(line, "commits", json_integer((json_int_t)r->n_commits));
	text = e ? NULL : json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(line);
	e = !text || buf_puts(&r->out, text) < 0 || buf_putc(&r->out, '\n') < 0 ? no_memory(f) : 0;
	free(text);
	return e;
}

int
receipts_end(struct receipts *r, int total, struct fail *f)
{
	int e = total && (r->n_commits > 1 || (r->n_commits && r->by_shard)) ? last_line(r, f) : 0;

	while (!e && r->out.n)
		e = receipts_write(r, f);
	return e;
}

void
receipts_free(struct receipts *r)
{
	json_decref(r->newest);
	json_decref(r->acct);
	json_decref(r->shards);
	buf_free(&r->out);
	*r = (struct receipts){ 0 };
}
