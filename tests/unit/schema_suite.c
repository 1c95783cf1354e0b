/*
 * schema_suite - the JSON Schema Test Suite, draft 2020-12 and draft 7, found through WEIR_SHARED.
 *
 * Required tests: every one must pass, and there must be as many as we know of.
 * Optional ones: at least as many as passed when this was written.
 */
#include "config.h"

#include <dirent.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doc.h"
#include "jsonschema.h"
#include "shared.h"
#include "weir.h"

#include <cmocka.h>		/* last: it has a macro named fail */

#define BASE	"http://localhost:1234/"

struct count {
	int passed, failed;
};

static char root[1024];		/* the suite's folder */

static int
slurp(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	char block[65536];
	size_t n;

	if (!f)
		return -1;
	while ((n = fread(block, 1, sizeof block, f)))
		assert_int_equal(buf_put(b, block, n), 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(buf_reserve(b, 64), 0);
	return 0;
}

/* remotes/X stands for BASE X. */
static int
load_remote(void *arg, const char *uri, struct buf *text, struct fail *f)
{
	char path[2048];

	(void)arg;
	(void)f;
	if (strncmp(uri, BASE, strlen(BASE)) || strstr(uri, ".."))
		return 1;
	snprintf(path, sizeof path, "%s/remotes/%s", root, uri + strlen(BASE));
	return slurp(path, text) < 0;
}

static struct schema *
compile(struct doc *d, uint32_t node, const struct schema_options *o, struct fail *f)
{
	return schema_compile("file:///suite/schema.json", d->node[node].p, d->node[node].n, o, f);
}

static void
literal(struct doc *d, uint32_t node, struct buf *b)
{
	const struct doc_node *v = &d->node[node];

	b->n = 0;
	if (v->kind == DOC_STRING)
		buf_putc(b, '"');
	buf_put(b, v->p, v->n);
	if (v->kind == DOC_STRING)
		buf_putc(b, '"');
	buf_reserve(b, 64);
}

static void
run_file(const char *path, const struct schema_options *o, struct count *c)
{
	struct buf text = { 0 }, data = { 0 };
	struct doc d = { 0 };

	assert_int_equal(slurp(path, &text), 0);
	assert_int_equal(doc_build(&d, text.p, text.n), 0);
	for (uint32_t k = 1; k; k = d.node[k].next) {
		const uint32_t tests = doc_member(&d, k, "tests"), what = doc_member(&d, k, "description");
		struct fail f = { 0 };
		struct schema *s = compile(&d, doc_member(&d, k, "schema"), o, &f);

		for (uint32_t t = d.node[tests].count ? tests + 1 : 0; t; t = d.node[t].next) {
			const int want = d.node[doc_member(&d, t, "valid")].kind == DOC_TRUE;
			const uint32_t name = doc_member(&d, t, "description");
			struct schema_fault why = { .code = "", .message = "" };
			int got = -2;

			literal(&d, doc_member(&d, t, "data"), &data);
			if (s)
				got = schema_check(s, data.p, data.n, &why);
			if (got == want) {
				c->passed++;
				continue;
			}
			c->failed++;
			printf("# %s: %.*s: %.*s: got %d: %s\n", strrchr(path, '/') + 1, (int)d.node[what].n, d.node[what].p, (int)d.node[name].n,
			    d.node[name].p, got, s ? why.message : f.text);
		}
		schema_free(s);
	}
	doc_free(&d);
	buf_free(&text);
	buf_free(&data);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct count
run_folder(const char *folder, int draft, int format_assert)
{
	const struct schema_options o = { .draft = draft, .format_assert = format_assert, .seed = 1, .load = load_remote };
	struct count c = { 0, 0 };
	struct dirent **list;
	char path[2048];
	int n;

	snprintf(path, sizeof path, "%s/tests/%s", root, folder);
	n = scandir(path, &list, NULL, by_name);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		const size_t len = strlen(list[i]->d_name);

		if (len > 5 && !strcmp(list[i]->d_name + len - 5, ".json")) {
			snprintf(path, sizeof path, "%s/tests/%s/%s", root, folder, list[i]->d_name);
			run_file(path, &o, &c);
		}
		free(list[i]);
	}
	free(list);
	printf("# json-schema %s: %d passed, %d failed\n", folder, c.passed, c.failed);
	return c;
}

#define SUITE	"conformance/json-schema"

static void
required(const char *folder, int draft, int total)
{
	struct count c;

	c = run_folder(folder, draft, 0);
	assert_int_equal(c.failed, 0);
	assert_int_equal(c.passed, total);
}

static void
optional(const char *folder, int draft, int format_assert, int total, int least)
{
	struct count c;

	c = run_folder(folder, draft, format_assert);
	assert_int_equal(c.passed + c.failed, total);
	assert_true(c.passed >= least);
}

static void
required_2020_12(void **state)
{
	(void)state;
	required("draft2020-12", SCHEMA_2020_12, 1299);
}

static void
required_7(void **state)
{
	(void)state;
	required("draft7", SCHEMA_7, 927);
}

static void
optional_2020_12(void **state)
{
	(void)state;
	optional("draft2020-12/optional", SCHEMA_2020_12, 0, 162, 162);
	optional("draft2020-12/optional/format", SCHEMA_2020_12, 1, 764, 763);
}

static void
optional_7(void **state)
{
	(void)state;
	optional("draft7/optional", SCHEMA_7, 0, 118, 114);	/* content* of draft 7 is not asserted */
	optional("draft7/optional/format", SCHEMA_7, 1, 676, 675);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(required_2020_12), cmocka_unit_test(required_7), cmocka_unit_test(optional_2020_12), cmocka_unit_test(optional_7),
	};

	if (shared_lacks(SUITE))
		return puts("1..0 # SKIP no JSON Schema test suite") < 0;
	snprintf(root, sizeof root, "%s/" SUITE, getenv("WEIR_SHARED"));
	return cmocka_run_group_tests_name("schema_suite", tests, NULL, NULL);
}
