#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "weir.h"

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_t *
load(const struct metadata *m)
{
	const char *value = metadata_property(m, BATCHES_KEY);
	json_t *list = value ? json_loads(value, 0, NULL) : NULL;

	if (json_is_array(list))
		return list;
	json_decref(list);
	return json_array();
}

int
batches_find(const struct metadata *m, const char *id, const char *hash, int64_t *snapshot, int64_t *rows, struct fail *f)
{
	json_t *list = load(m), *b;
	size_t i;
	int e = 0;

	json_array_foreach(list, i, b) {
		if (strcmp(text(b, "id"), id))
			continue;
		if (strcmp(text(b, "hash"), hash)) {
			e = fail(f, WEIR_EFENCED, "batch %s is in the table already, with other data (%s rows, hash %s; now the hash is %s): nothing is committed. "
			    "Give other data another --batch-id", id, text(b, "rows"), text(b, "hash"), hash);
			break;
		}
		*snapshot = strtoll(text(b, "snapshot"), NULL, 10);
		*rows = strtoll(text(b, "rows"), NULL, 10);
		e = 1;
		break;
	}
	json_decref(list);
	return e;
}

int
batches_fill(const struct metadata *m, const char *id, const char *hash, int64_t rows, int64_t snapshot, json_t *summary, json_t *properties)
{
	char count[24], number[24], *value;
	json_t *list = load(m);
	int e = -1;

	snprintf(count, sizeof count, "%" PRId64, rows);
	snprintf(number, sizeof number, "%" PRId64, snapshot);
	if (!list || json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "hash", hash, "id", id, "rows", count, "snapshot", number)) < 0)
		goto out;
	while (json_array_size(list) > BATCHES_MAX)
		if (json_array_remove(list, 0) < 0)
			goto out;
	if ((value = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS)) && json_object_set_new(properties, BATCHES_KEY, json_string(value)) == 0 &&
	    json_object_set_new(summary, "weir.batch", json_string(id)) == 0 && json_object_set_new(summary, "weir.hash", json_string(hash)) == 0)
		e = 0;
	free(value);
out:
	json_decref(list);
	return e;
}
