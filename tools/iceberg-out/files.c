#include "config.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "files.h"
#include "gather.h"
#include "weir.h"

#define KEYS_MAX	(64u << 20)	/* bytes of the keys of one batch */

/* A file that is open. */
struct open_file {
	struct parquet_writer	*writer;
	struct files		*set;
	void			*stream;
	char			*name;
	void			*key;
	size_t			 key_n, memory;
	uint64_t		 used;		/* when, in batches' groups */
	uint32_t		 number;
};

/* Rows of one batch that belong to one partition. */
struct group {
	uint32_t	first, n;		/* rows, in sorted[] */
	uint32_t	key_at, key_n;
};

struct files {
	const struct parquet_column	*root;
	struct files_ops		 ops;
	struct parquet_options		 writer;
	struct press			*press;
	struct gather			 gather;
	struct parquet_values		*some;		/* the rows of one group */
	struct open_file		**open;
	struct files_done		*done;
	struct buf			 keys, name;
	struct group			*group;
	uint32_t			*end, *of, *sorted, *slot;	/* of a batch: keys, each row's group, rows by group; hash table */
	uint64_t			 memory_max, memory, clock, n_rows;
	size_t				 n_done, cap_done;
	uint32_t			 n_open, max_open, n_number, n_evicted, cap_rows, n_slots;
	int				 broken;
};

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the open data files: allow fewer partitions, or smaller row groups");
}

struct files *
files_new(const struct parquet_column *root, const struct files_options *o, const struct files_ops *ops, struct fail *f)
{
	struct files *s = calloc(1, sizeof *s);
	int level = o->writer.no_compression ? 0 : o->writer.level ? o->writer.level : 1;

	if (!s) {
		no_memory(f);
		return NULL;
	}
	s->root = root;
	s->ops = *ops;
	s->writer = o->writer;
	s->writer.file_bytes = o->file_bytes ? o->file_bytes : FILES_BYTES;
	s->memory_max = o->memory ? o->memory : FILES_MEMORY;
	s->max_open = o->max_open ? o->max_open : FILES_OPEN;
	if (!(s->press = s->writer.press = press_new(level, o->writer.thread)) || !(s->open = calloc(s->max_open, sizeof *s->open)) ||
	    !(s->some = calloc(root->n_leaves, sizeof *s->some))) {
		no_memory(f);
		files_free(s);
		return NULL;
	}
	s->keys.max = KEYS_MAX;
	return s;
}

static void
close_entry(struct files *s, uint32_t i)
{
	struct open_file *o = s->open[i];

	s->memory -= o->memory;
	parquet_writer_free(o->writer);
	free(o->name);
	free(o->key);
	free(o);
	s->open[i] = s->open[--s->n_open];
}

void
files_free(struct files *s)
{
	if (!s)
		return;
	while (s->n_open) {
		s->ops.put_abort(s->open[s->n_open - 1]->stream);
		close_entry(s, s->n_open - 1);
	}
	files_forget(s);
	gather_free(&s->gather);
	press_free(s->press);
	buf_free(&s->keys);
	buf_free(&s->name);
	free(s->group);
	free(s->end);
	free(s->of);
	free(s->sorted);
	free(s->slot);
	free(s->done);
	free(s->some);
	free(s->open);
	free(s);
}

void
files_forget(struct files *s)
{
	for (size_t i = 0; i < s->n_done; i++) {
		free(s->done[i].name);
		free(s->done[i].key);
		free(s->done[i].leaf);
		free(s->done[i].split);
	}
	s->n_done = 0;
	s->n_number = 0;
	s->n_rows = 0;
}

/* p[0..n), owned by the caller; never NULL but for want of memory. */
static void *
dup(const void *p, size_t n)
{
	void *q = malloc(n ? n : 1);

	if (q && n)
		memcpy(q, p, n);
	return q;
}

/* End file i.  It goes into the list at the place of its number. */
static int
finish(struct files *s, uint32_t i, struct fail *f)
{
	struct open_file *o = s->open[i];
	struct files_done d = { .key_n = o->key_n, .number = o->number };
	struct parquet_result r;
	size_t at;
	void *p;
	int rc;

	if (s->n_done == s->cap_done) {
		size_t cap = s->cap_done ? s->cap_done * 2 : 16;

		if (!(p = realloc(s->done, cap * sizeof *s->done)))
			return no_memory(f);
		s->done = p;
		s->cap_done = cap;
	}
	if ((rc = parquet_writer_finish(o->writer, &r, f)) < 0)
		return rc;
	d.leaf = dup(r.leaf, r.n_leaves * sizeof *r.leaf);
	d.split = dup(r.split, r.n_splits * sizeof *r.split);
	if (!d.leaf || !d.split) {
		free(d.leaf);
		free(d.split);
		return no_memory(f);
	}
	d.n_rows = r.n_rows;
	d.bytes = r.file_size;
	d.n_leaves = r.n_leaves;
	d.n_splits = r.n_splits;
	rc = s->ops.put_finish(o->stream, f);
	if (rc < 0) {			/* the stream is gone: no abort for it */
		free(d.leaf);
		free(d.split);
		close_entry(s, i);
		return rc;
	}
	d.name = o->name;
	d.key = o->key;
	o->name = o->key = NULL;
	for (at = s->n_done; at && s->done[at - 1].number > d.number; at--)
		s->done[at] = s->done[at - 1];
	s->done[at] = d;
	s->n_done++;
	close_entry(s, i);
	return 0;
}

static int
sink_write(void *arg, const void *p, size_t n, struct fail *f)
{
	struct open_file *o = arg;

	return o->set->ops.put_write(o->stream, p, n, f);
}

/* The file of a partition; opened if there is none, and then the one that was used longest ago may have to end. */
static int
find(struct files *s, const void *key, size_t n, struct open_file **out, struct fail *f)
{
	struct parquet_sink sink = { .write = sink_write };
	struct open_file *o;
	uint32_t oldest = 0;
	int rc;

	for (uint32_t i = 0; i < s->n_open; i++) {
		o = s->open[i];
		if (o->key_n == n && (!n || !memcmp(o->key, key, n))) {
			o->used = ++s->clock;
			*out = o;
			return 0;
		}
		if (o->used < s->open[oldest]->used)
			oldest = i;
	}
	if (s->n_open == s->max_open) {
		if ((rc = finish(s, oldest, f)) < 0)
			return rc;
		s->n_evicted++;
	}
	s->name.n = 0;
	if ((rc = s->ops.name(s->ops.arg, key, n, s->n_number, &s->name, f)) < 0)
		return rc;
	if (!(o = calloc(1, sizeof *o)) || !(o->key = dup(key, n)) || !(o->name = malloc(s->name.n + 1))) {
		if (o)
			free(o->key);
		free(o);
		return no_memory(f);
	}
	memcpy(o->name, s->name.p, s->name.n);
	o->name[s->name.n] = '\0';
	*o = (struct open_file){ .set = s, .key = o->key, .name = o->name, .key_n = n, .used = ++s->clock, .number = s->n_number };
	sink.arg = o;
	rc = -1;
	if (!(o->writer = parquet_writer_new(s->root, &s->writer, &sink, f)) || (rc = s->ops.put_open(s->ops.arg, o->name, &o->stream, f)) < 0) {
		parquet_writer_free(o->writer);
		free(o->key);
		free(o->name);
		free(o);
		return f->code;
	}
	s->n_number++;
	s->open[s->n_open++] = o;
	*out = o;
	return 0;
}

static uint32_t
index_of(const struct files *s, const struct open_file *o)
{
	uint32_t i = 0;

	while (s->open[i] != o)
		i++;
	return i;
}

static void
weigh(struct files *s, struct open_file *o)
{
	size_t now = parquet_writer_memory(o->writer);

	s->memory = s->memory - o->memory + now;
	o->memory = now;
}

/* All of v into one partition; as many files as it takes. */
static int
append_to(struct files *s, const void *key, size_t key_n, struct parquet_values *v, uint32_t n, struct fail *f)
{
	struct open_file *o = NULL;
	uint32_t taken;
	int rc;

	while (n) {
		if ((rc = find(s, key, key_n, &o, f)) < 0 || (rc = parquet_writer_append(o->writer, v, n, &taken, f)) < 0)
			return rc;
		n -= taken;
		weigh(s, o);
		if (parquet_writer_full(o->writer) && (rc = finish(s, index_of(s, o), f)) < 0)
			return rc;
	}
	return 0;
}

/* Give memory back, from the file that has most of it. */
static int
shrink(struct files *s, struct fail *f)
{
	int rc;

	while (s->memory + press_memory(s->press) > s->memory_max && s->n_open) {
		struct open_file *most = s->open[0];
		size_t had;

		for (uint32_t i = 1; i < s->n_open; i++)
			if (s->open[i]->memory > most->memory)
				most = s->open[i];
		had = most->memory;
		if ((rc = parquet_writer_flush(most->writer, f)) < 0)
			return rc;
		weigh(s, most);
		if (most->memory >= had)
			break;			/* nothing but empty writers: that much they need */
	}
	return 0;
}

static int
make_room(struct files *s, uint32_t n)
{
	uint32_t cap = s->cap_rows ? s->cap_rows : 1024, slots;
	void *p;

	if (n <= s->cap_rows)
		return 0;
	while (cap < n)
		cap *= 2;
	slots = cap * 2;
	if (!(p = realloc(s->end, cap * sizeof *s->end)))
		return -1;
	s->end = p;
	if (!(p = realloc(s->of, cap * sizeof *s->of)))
		return -1;
	s->of = p;
	if (!(p = realloc(s->sorted, cap * sizeof *s->sorted)))
		return -1;
	s->sorted = p;
	if (!(p = realloc(s->slot, slots * sizeof *s->slot)))
		return -1;
	s->slot = p;
	if (!(p = realloc(s->group, cap * sizeof *s->group)))
		return -1;
	s->group = p;
	s->n_slots = slots;
	s->cap_rows = cap;
	return 0;
}

/* Rows by partition, partitions in the order in which they first come.  Returns how many there are. */
static uint32_t
group_rows(struct files *s, uint32_t n)
{
	uint32_t n_groups = 0, at = 0;

	memset(s->slot, 0, s->n_slots * sizeof *s->slot);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t from = k ? s->end[k - 1] : 0, len = s->end[k] - from, i;
		const char *key = s->keys.p + from;

		if (k && s->group[s->of[k - 1]].key_n == len && !memcmp(s->keys.p + s->group[s->of[k - 1]].key_at, key, len)) {
			s->of[k] = s->of[k - 1];	/* as the row before */
			s->group[s->of[k]].n++;
			continue;
		}
		for (i = (uint32_t)XXH3_64bits(key, len) & (s->n_slots - 1); s->slot[i]; i = (i + 1) & (s->n_slots - 1)) {
			const struct group *g = &s->group[s->slot[i] - 1];

			if (g->key_n == len && !memcmp(s->keys.p + g->key_at, key, len))
				break;
		}
		if (!s->slot[i]) {
			s->group[n_groups] = (struct group){ .key_at = from, .key_n = len };
			s->slot[i] = ++n_groups;
		}
		s->of[k] = s->slot[i] - 1;
		s->group[s->of[k]].n++;
	}
	for (uint32_t g = 0; g < n_groups; at += s->group[g++].n)
		s->group[g].first = at;
	for (uint32_t g = 0; g < n_groups; g++)
		s->group[g].n = 0;
	for (uint32_t k = 0; k < n; k++) {
		struct group *g = &s->group[s->of[k]];

		s->sorted[g->first + g->n++] = k;
	}
	return n_groups;
}

static int
append(struct files *s, struct parquet_values *v, uint32_t n, struct fail *f)
{
	uint32_t n_groups;
	int rc;

	if (!s->ops.keys)
		return append_to(s, NULL, 0, v, n, f);
	if (make_room(s, n) < 0)
		return no_memory(f);
	s->keys.n = 0;
	if (buf_reserve(&s->keys, 1) < 0)
		return no_memory(f);
	if ((rc = s->ops.keys(s->ops.arg, v, n, &s->keys, s->end, f)) < 0)
		return rc;
	if ((n_groups = group_rows(s, n)) == 1)
		return append_to(s, s->keys.p, s->group[0].key_n, v, n, f);
	if (gather_index(&s->gather, s->root, v, n) < 0)
		return no_memory(f);
	for (uint32_t i = 0; i < n_groups; i++) {
		const struct group *g = &s->group[i];

		if (gather_rows(&s->gather, s->root, v, s->sorted + g->first, g->n, s->some) < 0)
			return no_memory(f);
		if ((rc = append_to(s, s->keys.p + g->key_at, g->key_n, s->some, g->n, f)) < 0 || (rc = shrink(s, f)) < 0)
			return rc;
	}
	return 0;
}

int
files_append(struct files *s, struct parquet_values *v, uint32_t n, struct fail *f)
{
	int rc;

	if (s->broken)
		return fail(f, WEIR_EBUG, "rows for a set of files after a failure");
	if (!n)
		return 0;
	if ((rc = append(s, v, n, f)) < 0 || (rc = shrink(s, f)) < 0) {
		s->broken = 1;
		return rc;
	}
	s->n_rows += n;
	return 0;
}

int
files_finish(struct files *s, struct fail *f)
{
	int rc;

	if (s->broken)
		return fail(f, WEIR_EBUG, "the end of a set of files after a failure");
	while (s->n_open)
		if ((rc = finish(s, 0, f)) < 0) {
			s->broken = 1;
			return rc;
		}
	return 0;
}

const struct files_done *
files_list(const struct files *s, size_t *n)
{
	*n = s->n_done;
	return s->done;
}

uint64_t
files_rows(const struct files *s)
{
	return s->n_rows;
}

uint64_t
files_memory(const struct files *s)
{
	return s->memory + press_memory(s->press) + gather_memory(&s->gather, s->root);
}

uint32_t
files_open(const struct files *s)
{
	return s->n_open;
}

uint32_t
files_evicted(const struct files *s)
{
	return s->n_evicted;
}
