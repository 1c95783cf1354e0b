/*
 * schema_int.h - a compiled schema, between schema_load.c, schema_compile.c, schema_eval.c and schema_fault.c.
 */
#ifndef SCHEMA_INT_H
#define SCHEMA_INT_H

#include "dec.h"
#include "doc.h"
#include "format.h"
#include "names.h"
#include "regex.h"
#include "jsonschema.h"

/* What a fault is about.  The name of each, in schema_fault.c, is the keyword's and the reject's code. */
enum keyword {
	KW_NONE, KW_FALSE, KW_TYPE, KW_ENUM, KW_CONST, KW_MINIMUM, KW_MAXIMUM, KW_EXCLUSIVE_MINIMUM, KW_EXCLUSIVE_MAXIMUM, KW_MULTIPLE_OF,
	KW_MIN_LENGTH, KW_MAX_LENGTH, KW_PATTERN, KW_FORMAT, KW_MIN_ITEMS, KW_MAX_ITEMS, KW_UNIQUE_ITEMS, KW_CONTAINS, KW_MIN_CONTAINS,
	KW_MAX_CONTAINS, KW_REQUIRED, KW_MIN_PROPERTIES, KW_MAX_PROPERTIES, KW_DEPENDENT_REQUIRED, KW_PROPERTY_NAMES, KW_ANY_OF, KW_ONE_OF, KW_NOT, KW_PATTERN_LIMIT, KW_NESTING, KW_MEMORY
};

/* A vocabulary that a dialect may leave out. */
enum { VOCAB_VALIDATION = 1, VOCAB_APPLICATOR = 2, VOCAB_UNEVALUATED = 4, VOCAB_FORMAT_ASSERT = 8, VOCAB_ALL = 7 };

struct document {
	char		*uri, *text;
	struct doc	 tape;
	uint32_t	*res;		/* per node: its resource + 1, where it is known to be a schema */
	struct sub	**sub;		/* per node: compiled already */
	struct document	*next;
	unsigned	 number;
	int		 builtin;
};

struct resource {
	char		*base;		/* absolute URI without fragment */
	struct document	*doc;
	uint32_t	 root;		/* node */
	int		 draft;		/* enum schema_draft */
	unsigned	 vocab;
	unsigned	 number;
	struct resource	*next;
};

struct anchor {
	const char	*name;
	size_t		 n;
	struct resource	*res;
	uint32_t	 node;
	int		 dynamic;
	struct anchor	*next;
};

struct bound {			/* of minimum and the like */
	struct dec	 dec;
	int64_t		 coef;	/* coef * 10^-scale, if small */
	int		 scale, small;
	uint32_t	 node;	/* of the literal, for messages; 0: not given */
};

struct number_part {
	struct bound		 min, max, ex_min, ex_max;
	struct dec_divisor	 divisor;
	uint32_t		 divisor_node;
};

struct string_part {
	uint64_t		 min, max;	/* characters; max UINT64_MAX: none */
	struct regex		*pattern;
	const struct format	*format;	/* asserted, or NULL */
	uint32_t		 pattern_node;
};

struct array_part {
	uint64_t	 min, max;
	struct sub	**prefix, *items, *contains;
	uint32_t	 n_prefix;
	uint64_t	 min_contains, max_contains;
	uint8_t		 unique, contains_marks, min_contains_given;
};

struct property {
	const char	*name;
	uint32_t	 name_n;
	struct sub	*sub;		/* of `properties`, or NULL */
	struct sub	*dependent;	/* of dependentSchemas, or NULL */
	uint32_t	*needs;		/* dependentRequired: indices */
	uint32_t	 n_needs;
	uint8_t		 required, trigger;	/* trigger: its presence asks for more */
};

struct pattern_property {
	struct regex	*regex;
	struct sub	*sub;
};

struct object_part {
	struct names		 names;
	struct property		*property;
	uint32_t		 n_properties;	/* known names, n_required first */
	uint32_t		 n_required;
	struct names_slot	*expect;	/* the names again, by index */
	uint32_t		*follow;	/* learned: the property that came last time after property i - 1; 0: after none known */
	struct pattern_property	*pattern;
	uint32_t		 n_patterns;
	struct sub		*additional, *property_names;
	uint64_t		 min, max;
	int			 triggers;
};

struct sub_list {
	struct sub	**sub;
	uint32_t	 n;
};

struct combined {
	struct sub	*ref, *dynamic_ref;
	const char	*dynamic_name;		/* NULL: dynamic_ref is an ordinary reference */
	size_t		 dynamic_name_n;
	struct sub_list	 all, any, one;
	struct sub	*not, *if_, *then, *else_;
};

struct enum_part {
	uint32_t	*node;			/* of the values that are no strings */
	uint32_t	 n;
	struct names	 strings;
	uint32_t	 kinds;			/* of all values */
	uint8_t		 keyword;		/* KW_ENUM or KW_CONST */
	uint32_t	 list;			/* node of the keyword's value */
	struct enum_part *next;			/* both stand in one schema */
};

/* One compiled subschema.  Parts are NULL when no keyword needs them. */
struct sub {
	uint8_t			 kinds;		/* DOC_* that `type` allows; 0: none at all, the schema false */
	uint8_t			 integer;	/* numbers must be integers */
	uint8_t			 tracks;	/* has unevaluated*: marks are kept below it */
	struct enum_part	*values;
	struct number_part	*number;
	struct string_part	*string;
	struct array_part	*array;
	struct object_part	*object;
	struct combined		*combined;
	struct sub		*unevaluated_items, *unevaluated_properties;
	struct document		*doc;
	struct resource		*res;
	uint32_t		 node;
	struct sub		*todo;		/* the compiler's list */
};

struct scope {			/* the resources entered on the way here, innermost first */
	struct resource		*res;
	const struct scope	*up;
};

struct fault_at {
	const struct sub	*sub;
	struct doc_node		 value;	/* copied: a property name has no node of its own */
	uint32_t		 node, keyword, aux;
};

struct column {			/* of schema_check_columns() */
	const struct sub	*sub;	/* NULL: its presence is enough, and that it is an object */
	int			 col;
	uint32_t		 below;	/* columns of its members, which follow it */
	uint8_t			 required, object;
};

struct chunk;

struct schema {
	struct sub		*root;
	struct document		*docs;
	struct resource		*resources;
	struct anchor		*anchors;
	struct chunk		*chunks;	/* all that the compiler made */
	struct regex		**regex;
	size_t			 n_regex, cap_regex;
	struct names		**names;
	size_t			 n_names, cap_names;
	struct schema_options	 options;
	unsigned		 n_docs, n_resources;
	int			 dynamic;	/* some $dynamicRef needs the scope */
	/* of a check */
	struct doc		 doc;
	struct regex_run	*run;
	struct fault_at		 fault;
	struct fault_at		 best;		/* of the failed branches, the one that came farthest */
	int			 aborted;
	unsigned		 nest;
	uint64_t		*bits;		/* a stack of marks */
	size_t			 n_bits, cap_bits;
	uint64_t		*order;		/* for uniqueItems */
	size_t			 cap_order;
	/* of a check by columns */
	struct column		*column;
	size_t			 n_columns;
};

/* schema_load.c: memory, documents, resources, references. */
void		*schema_keep(struct schema *, size_t n, struct fail *);	/* zeroed; lives as long as the schema */
void		 schema_forget(struct schema *);				/* frees all of it */
char		*schema_keep_text(struct schema *, const char *p, size_t n, struct fail *);
struct document	*schema_document(struct schema *, const char *uri, const char *text, size_t n, int builtin, struct fail *);
/* The schema that `ref`, standing at `node` of `doc`, means: document, node and resource. */
int		 schema_resolve(struct schema *, struct resource *base, struct document *doc, uint32_t node, const char *ref, struct document **,
		    uint32_t *target, struct resource **, struct fail *);
struct anchor	*schema_anchor(struct schema *, const struct resource *, const char *name, size_t n, int dynamic);
int		 schema_bad(struct document *, uint32_t node, struct fail *, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* schema_compile.c */
int		 schema_build(struct schema *, struct document *, struct fail *);
struct sub	*schema_sub_of(struct schema *, struct document *, uint32_t node, struct resource *, struct fail *);

/* schema_eval.c: 1 valid, 0 not (s->fault), s->aborted set when no answer could be had. */
int		 schema_eval(struct schema *, const struct sub *, struct doc *, uint32_t node);

/* schema_fault.c */
void		 schema_explain(struct schema *, struct doc *, struct schema_fault *);
size_t		 schema_pointer(const struct doc *, uint32_t node, char *out, size_t size);
extern const char *const schema_keyword[];

/* metaschemas.c, made from metaschemas/ */
struct metaschema {
	const char	*uri, *text;
};
extern const struct metaschema schema_meta[];

#endif
