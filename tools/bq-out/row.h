/*
 * row.h - an event as a row of BigQuery's NDJSON: exactly, or not at all.
 *
 * A load job fails as a whole for one bad row, so that what BigQuery would refuse, or take for something else, is found here
 * (cloud.google.com/bigquery/docs/loading-data-cloud-storage-json, "Details of loading JSON data").  What a column takes:
 *
 *   STRING        a string of at most maxLength characters
 *   BYTES         a string in base64 (RFC 4648; of the URL-safe alphabet, with or without padding: written in the standard one)
 *   INTEGER       a number whose value is an integer of 64 bits (1, 1.0, 1e3), or a string with one in decimal.  Written without fraction
 *                 and exponent; beyond +-(2^53 - 1) as a string, because BigQuery reads a bare number as a double
 *   FLOAT         a number in the range of doubles, or "NaN", "Infinity", "-Infinity"
 *   NUMERIC,      a number, or a string with one, that needs no rounding; written as a string
 *    BIGNUMERIC
 *   BOOLEAN       true, false, "true", "false".  BigQuery takes "yes", "t", 1, ... too: whoever sends them should say so before
 *   TIMESTAMP     "2026-01-31T23:59:59[.ffffff]Z", a blank or t for T, +hh:mm, +hh, " UTC" for Z.  A time without a zone is refused, and
 *                 so is a number: BigQuery would guess its unit.  Digits behind the sixth must be zeros (they are cut off)
 *   DATE          "2026-01-31"
 *   TIME          "23:59:59[.ffffff]"
 *   DATETIME      "2026-01-31T23:59:59[.ffffff]" or with a blank for T; no zone
 *   JSON          any value, as it is
 *   GEOGRAPHY     a string that begins as WKT, WKB in hexadecimal or GeoJSON does, or a GeoJSON object (written as a string); what the
 *                 shape is like is BigQuery's to check
 *   INTERVAL      "P1Y2M3DT4H5M6.789S", parts may be left out, or "1-2 3 4:5:6.789"; written in the first form, in full
 *   RANGE         {"start": ..., "end": ...}, null or nothing for an open end, or "[start, end)" with UNBOUNDED; start before end
 *   RECORD        an object
 *
 * REQUIRED: neither absent nor null.  REPEATED: an array without null in it, or null, which is written as [] (what BigQuery stores
 * then; insertAll refuses null).
 * Keys are compared with column names without regard to case, as BigQuery does; two keys of one record that are one column are refused.
 */
#ifndef ROW_H
#define ROW_H

#include "buf.h"
#include "fail.h"
#include "schema.h"
#include "weir.h"

#define ROW_MAX_BYTES	100000000	/* BigQuery's limit of a JSON row, see its quotas for load jobs */

struct row;

/* Why an event is no row of the table.  A message continues "PATH ": "is null, but its column (STRING) is REQUIRED". */
struct row_fault {
	const char	*code;		/* static: "type", "required", "unknown-column", "duplicate-key", "row-too-large" */
	char		 path[512];	/* "user.tags[3]", cut where it is longer; empty: the event as a whole */
	char		 message[512];
};

/* The schema outlives the row.  max_bytes: of one row, its newline included. */
int	row_open(const struct schema *, size_t max_bytes, struct row **, struct fail *);
void	row_close(struct row *);

/*
 * Event p[0..n), a valid JSON object, as a row and a newline at the end of `out`.  col[k] is the host's value of schema field k
 * (weir_want() of its name, as the schema spells it), whose kind is WEIR_ABSENT where the event has none.  A top-level member called
 * `ignore` (n_ignore bytes, decoded; NULL: none), exactly so spelled, is left out of the row, unless the table has such a column.
 * An event without anything to change is copied as it is.
 * 0; 1: the event does not fit, *fault says why; WEIR_EAGAIN: no memory, or out->max is reached.  Unless 0, nothing was appended.
 */
int	row_put(struct row *, const struct weir_value *const *col, const char *p, size_t n, const char *ignore, size_t n_ignore,
	    struct buf *out, struct row_fault *fault);

#endif
