/*
 * prometheus.h - the statistics in the text format that node_exporter's textfile collector reads.
 */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include "watch.h"

/* Every metric with its HELP and TYPE, its samples together.  0, or WEIR_EAGAIN. */
int	prometheus_text(struct buf *, const struct watch *, struct fail *);

/* In the place of the file `path`, at once: who reads it sees the old one or the new one. */
int	prometheus_write(const char *path, const struct buf *, struct fail *);

#endif
