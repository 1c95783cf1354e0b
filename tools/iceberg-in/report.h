/*
 * report.h - what a table says about itself, as lines of JSON.
 *
 * Snapshot ids are texts: they have 63 bits, and many a JSON reader keeps 53.
 */
#ifndef REPORT_H
#define REPORT_H

#include "plan.h"
#include "table.h"

/* line() gets each line, without newline; returns 0 to go on. */
struct report {
	int	(*line)(void *arg, const char *p, size_t n);
	void	*arg;
};

int	report_info(const struct report *, const struct table *, struct fail *);
int	report_snapshots(const struct report *, const struct table *, struct fail *);	/* oldest first */
int	report_files(const struct report *, const struct table *, const struct plan *, struct fail *);
int	report_schema(const struct report *, const struct schema *, struct fail *);

#endif
