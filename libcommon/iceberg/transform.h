/*
 * transform.h - partition transforms and partition specs (spec, "Partitioning", "Partition Transforms", Appendix B).
 */
#ifndef TRANSFORM_H
#define TRANSFORM_H

#include "datum.h"

enum transform_kind {
	TRANSFORM_IDENTITY, TRANSFORM_BUCKET, TRANSFORM_TRUNCATE, TRANSFORM_YEAR, TRANSFORM_MONTH, TRANSFORM_DAY, TRANSFORM_HOUR,
	TRANSFORM_VOID, TRANSFORM_OTHER		/* kept, not understood */
};

struct transform {
	int	kind;		/* enum transform_kind */
	int32_t	arg;		/* of bucket and truncate */
};

struct spec_field {
	int32_t			 source_id, field_id;
	struct transform	 transform;
	char			*name;
	char			*text;		/* the transform as written */
};

struct spec {
	int32_t			 id;
	size_t			 n;		/* 0: unpartitioned */
	struct spec_field	*field;
};

#define SPEC_FIRST_ID	1000		/* of a partition field */
#define SPEC_MAX_FIELDS	100

/* "day", "bucket[16]".  0 or -1; what is not known becomes TRANSFORM_OTHER. */
int		 transform_parse(const char *text, struct transform *);
/* Type of the result for this source column (name and id are left empty; nothing to free).  0, or -1: does not fit that type. */
int		 transform_type(const struct transform *, const struct schema_field *source, struct schema_field *result);
/* String results point into `in`.  0, or -1: a truncated decimal would leave its precision, or the transform is not known. */
int		 transform_apply(const struct transform *, const struct schema_field *source, const struct datum *in, struct datum *out);
/* The result as people read it in paths, "2017-12-01", not yet URL-encoded. */
int		 transform_human(const struct transform *, const struct schema_field *source, const struct datum *result, struct buf *out);
/* murmur3_x86_32 of the value's hash form, for bucket. */
int32_t		 transform_hash(const struct schema_field *source, const struct datum *);
uint32_t	 transform_murmur3(const void *p, size_t n, uint32_t seed);

struct spec	*spec_new(void);
void		 spec_free(struct spec *);
struct spec	*spec_dup(const struct spec *);
int		 spec_parse(const json_t *, struct spec **, struct fail *);	/* {"spec-id", "fields"}; or v1's array of fields, id 0 */
json_t		*spec_json(const struct spec *);
json_t		*spec_fields_json(const struct spec *);

/* "day(event_time),bucket(16,user.id),region as r" over a schema whose ids are given; field ids from SPEC_FIRST_ID on. */
int		 spec_from_text(const char *text, const struct schema *, struct spec **, struct fail *);
/* Same sources, transforms and names. */
int		 spec_same(const struct spec *, const struct spec *);

/* "event_time_day=2026-01-31/region=eu%2Fwest" of a partition tuple, URL-encoded as Java does. */
int		 spec_path(const struct spec *, const struct schema *, const struct datum *tuple, struct buf *out);

#endif
