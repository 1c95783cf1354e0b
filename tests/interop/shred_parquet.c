/*
 * shred_parquet COLUMNS OUT [key=value]... <events.ndjson
 *
 * Events to one Parquet file by the shredder and the writer of iceberg-out,
 * for tests that read the file with other programs.  COLUMNS as in
 * tests/unit/columns.h.  Standard output: rejects ("reject LINE CODE PATH
 * TEXT", tabs between them) and the metrics of each leaf.
 * Keys: batch (events), group, page, dictionary, file (bytes), rows (a page),
 * level, thread, rest (column number), drop, map (COLUMN=PATH[:UNIT]), quiet,
 * repeat (read the events so many times).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/columns.h"
#include "scan.h"
#include "shred.h"
#include "write.h"

#define MAX_COLUMNS	256

struct job {
	struct parquet_column	*root;
	struct scan		*scan;
	struct shred		*shred;
	struct parquet_writer	*writer;
	struct weir_batch	 batch;
	struct weir_value	*col[MAX_COLUMNS];
	uint32_t		*line;
	uint64_t		 first;		/* number of the batch's first line */
	uint64_t		 n_rejects;
	int			 quiet;
};

static int
want(void *arg, const char *path)
{
	return scan_want(((struct job *)arg)->scan, path);
}

static const char *
event(void *arg, uint32_t i, size_t *n)
{
	struct job *j = arg;

	*n = j->batch.line[i + 1] - j->batch.line[i] - 1;
	return j->batch.bytes + j->batch.line[i];
}

static int
known(void *arg, uint32_t i)
{
	(void)arg;
	(void)i;
	return 0;
}

static int
reject(void *arg, uint32_t i, const char *code, const char *path, const char *text)
{
	struct job *j = arg;

	j->n_rejects++;
	if (!j->quiet)
		printf("reject\t%lu\t%s\t%s\t%s\n", (unsigned long)(j->first + i), code, path, text);
	return 0;
}

static int
put(void *arg, const void *p, size_t n, struct fail *f)
{
	return fwrite(p, 1, n, arg) == n ? 0 : fail_errno(f, WEIR_EIO, "cannot write");
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
die(const char *text)
{
	fprintf(stderr, "shred_parquet: %s\n", text);
	exit(1);
}

static void
hex(const char *name, const struct parquet_bound *b)
{
	printf("\t%s=", name);
	for (unsigned i = 0; b->has && i < b->n; i++)
		printf("%02x", b->b[i]);
	if (!b->has)
		printf("none");
}

int
main(int argc, char **argv)
{
	static char *input;
	struct parquet_options o = { 0 };
	struct shred_options so = { .unknown = SHRED_UNKNOWN_REJECT };
	struct shred_source source[MAX_COLUMNS] = { { 0 } };
	struct scan_limits limits = { .max_depth = 128 };
	struct parquet_result r;
	struct parquet_sink sink = { .write = put };
	struct shred_hooks hooks = { .want = want, .event = event, .known = known, .reject = reject };
	struct job j = { 0 };
	struct fail f;
	struct rusage ru;
	double scan_ns = 0, shred_ns = 0, write_ns = 0, t0, t1;
	size_t n = 0, cap = 1 << 20, k, at = 0;
	uint32_t batch = 800;
	uint64_t lines = 0, repeat = 1;
	size_t memory = 0;

	if (argc < 3)
		die("usage: shred_parquet COLUMNS OUT [key=value]...");
	j.root = columns_parse(argv[1]);
	hooks.arg = &j;
	for (int i = 3; i < argc; i++) {
		char *v = strchr(argv[i], '=');
		uint64_t x = v ? strtoull(v + 1, NULL, 10) : 0;

		if (!v)
			die(argv[i]);
		*v++ = '\0';
		if (!strcmp(argv[i], "batch"))
			batch = (uint32_t)x;
		else if (!strcmp(argv[i], "group"))
			o.row_group_bytes = x;
		else if (!strcmp(argv[i], "page"))
			o.page_bytes = x;
		else if (!strcmp(argv[i], "rows"))
			o.page_rows = (uint32_t)x;
		else if (!strcmp(argv[i], "dictionary"))
			x ? (o.dictionary_bytes = x) : (void)(o.no_dictionary = 1);
		else if (!strcmp(argv[i], "level"))
			x ? (void)(o.level = (int)x) : (void)(o.no_compression = 1);
		else if (!strcmp(argv[i], "rest"))
			so = (struct shred_options){ .unknown = SHRED_UNKNOWN_REST, .rest = (int)x };
		else if (!strcmp(argv[i], "drop"))
			so.unknown = SHRED_UNKNOWN_DROP;
		else if (!strcmp(argv[i], "repeat"))
			repeat = x;
		else if (!strcmp(argv[i], "thread"))
			o.thread = (int)x;
		else if (!strcmp(argv[i], "quiet"))
			j.quiet = 1;
		else if (!strcmp(argv[i], "map")) {
			char *path = strchr(v, '='), *unit = path ? strchr(path, ':') : NULL;
			static const char *const units[] = { "iso", "s", "ms", "us", "ns" };

			if (!path)
				die("map=COLUMN=PATH[:UNIT]");
			source[x].path = path + 1;
			if (unit) {
				*unit++ = '\0';
				for (int u = 0; u < 5; u++)
					if (!strcmp(units[u], unit))
						source[x].unit = u;
			}
		} else
			die(argv[i]);
	}
	if (!(input = malloc(cap + SCAN_PAD)))
		die("no memory");
	while ((k = fread(input + n, 1, cap - n, stdin)) > 0)
		if ((n += k) == cap && !(input = realloc(input, (cap *= 2) + SCAN_PAD)))
			die("no memory");
	memset(input + n, 0, SCAN_PAD);
	if (!(sink.arg = fopen(argv[2], "wb")))
		die("cannot open the output");
	j.scan = scan_new(&limits);
	if (!(j.shred = shred_new(j.root, source, &so, &hooks, &f)))
		die(f.text);
	if (!(j.writer = parquet_writer_new(j.root, &o, &sink, &f)))
		die(f.text);
	for (size_t c = 0; c < scan_n_cols(j.scan); c++)
		j.col[c] = calloc(batch, sizeof **j.col);
	j.line = calloc(batch + 1, sizeof *j.line);
	j.batch = (struct weir_batch){ .col = j.col, .line = j.line, .verdict = calloc(batch, 1) };
	for (; at < n || (--repeat && (at = 0) < n);) {
		struct scan_fault fault;
		struct shredded s;
		uint32_t taken;
		unsigned marks;

		j.batch.bytes = input + at;
		j.first = lines;
		t0 = now();
		for (j.batch.n = 0; j.batch.n < batch && at < n; at++) {
			char *e = memchr(input + at, '\n', n - at);

			if (!e)
				die("the last line has no end");
			j.line[j.batch.n] = (uint32_t)(input + at - j.batch.bytes);
			if (scan_event(j.scan, input + at, (size_t)(e - input) - at, j.col, j.batch.n, &marks, &fault) < 0)
				die(fault.message);
			j.batch.n++;
			at = (size_t)(e - input);
		}
		j.line[j.batch.n] = (uint32_t)(input + at - j.batch.bytes);
		lines += j.batch.n;
		t1 = now();
		scan_ns += t1 - t0;
		if (shred_batch(j.shred, &j.batch, &s, &f) < 0)
			die(f.text);
		t0 = now();
		shred_ns += t0 - t1;
		if (parquet_writer_append(j.writer, s.v, s.n_rows, &taken, &f) < 0)
			die(f.text);
		if (taken != s.n_rows)
			die("the file is full");
		write_ns += now() - t0;
		if (parquet_writer_memory(j.writer) > memory)
			memory = parquet_writer_memory(j.writer);
	}
	t0 = now();
	if (parquet_writer_finish(j.writer, &r, &f) < 0)
		die(f.text);
	write_ns += now() - t0;
	if (fclose(sink.arg))
		die("cannot write the output");
	for (uint32_t i = 0; i < r.n_leaves; i++) {
		printf("leaf\t%d\tvalues=%ld\tnulls=%ld\tnans=%ld\tbytes=%ld", r.leaf[i].field_id, (long)r.leaf[i].value_count,
		    (long)r.leaf[i].null_count, (long)r.leaf[i].nan_count, (long)r.leaf[i].column_size);
		hex("lower", &r.leaf[i].lower);
		hex("upper", &r.leaf[i].upper);
		printf("\n");
	}
	printf("file\trows=%ld\tbytes=%ld\tsplits=", (long)r.n_rows, (long)r.file_size);
	for (uint32_t i = 0; i < r.n_splits; i++)
		printf("%s%ld", i ? "," : "", (long)r.split[i]);
	getrusage(RUSAGE_SELF, &ru);
	printf("\ntime\tscan=%.0f\tshred=%.0f\twrite=%.0f\tns an event; %lu rejects; %zu kB in the writer, %ld kB at most\n", scan_ns / (double)lines,
	    shred_ns / (double)lines, write_ns / (double)lines, (unsigned long)j.n_rejects, memory / 1024, ru.ru_maxrss);
	for (size_t c = 0; c < scan_n_cols(j.scan); c++)
		free(j.col[c]);
	free(j.batch.verdict);
	free(j.line);
	free(input);
	shred_free(j.shred);
	scan_free(j.scan);
	parquet_writer_free(j.writer);
	columns_free(j.root);
	return 0;
}
