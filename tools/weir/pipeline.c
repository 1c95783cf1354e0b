#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "pipeline.h"
#include "weir.h"

struct cursor {
	const char	*text, *p;
	int		 is_file;
	struct buf	 word;
	struct fail	*fail;
};

static int
place(const struct cursor *c, const char *at, const char *fmt, const char *what)
{
	const char *line = c->text;
	int n = 1;

	for (const char *p = c->text; p < at; p++)
		if (*p == '\n') {
			line = p + 1;
			n++;
		}
	char text[256];

	snprintf(text, sizeof text, fmt, what);
	return c->is_file ? fail(c->fail, WEIR_EUSAGE, "line %d, column %d: %s", n, (int)(at - line) + 1, text) :
	    fail(c->fail, WEIR_EUSAGE, "column %d of the pipeline: %s", (int)(at - line) + 1, text);
}

/* ${NAME} at p, into the word. */
static int
variable(struct cursor *c)
{
	const char *start = c->p, *name = c->p + 2, *e = name;
	char text[128];
	const char *v;

	while (isalnum((unsigned char)*e) || *e == '_')
		e++;
	if (*e != '}' || e == name || isdigit((unsigned char)*name) || (size_t)(e - name) >= sizeof text)
		return place(c, start, "%s", "${NAME} takes letters, digits and underscores");
	memcpy(text, name, (size_t)(e - name));
	text[e - name] = '\0';
	if (!(v = getenv(text)))
		return place(c, start, "the variable %s is not set", text);
	c->p = e + 1;
	return buf_puts(&c->word, v) < 0 ? fail(c->fail, WEIR_EUSAGE, "the pipeline is too long") : 0;
}

static int
quoted(struct cursor *c)
{
	const char *start = c->p;
	char q = *c->p++;
	int e;

	while (*c->p != q) {
		if (!*c->p)
			return place(c, start, "%s", "a quote that is not closed");
		if (q == '"' && c->p[0] == '$' && c->p[1] == '{') {
			if ((e = variable(c)))
				return e;
			continue;
		}
		if (q == '"' && *c->p == '\\' && c->p[1] && strchr("\"\\$", c->p[1]))
			c->p++;
		if (buf_putc(&c->word, *c->p++) < 0)
			return fail(c->fail, WEIR_EUSAGE, "the pipeline is too long");
	}
	c->p++;
	return 0;
}

static int
blank(const struct cursor *c)
{
	return *c->p == ' ' || *c->p == '\t' || (c->is_file && (*c->p == '\n' || *c->p == '\r'));
}

/* One word at p into c->word. */
static int
word(struct cursor *c)
{
	int e;

	c->word.n = 0;
	while (*c->p && !blank(c) && *c->p != '|') {
		char what[2] = { *c->p, 0 };

		if (*c->p == '\'' || *c->p == '"') {
			if ((e = quoted(c)))
				return e;
		} else if (c->p[0] == '$' && c->p[1] == '{') {
			if ((e = variable(c)))
				return e;
		} else if (strchr("$`><&;()*?[]{}~\n", *c->p)) {
			return place(c, c->p, "an unquoted %s is for a shell, and there is none here: put it in quotes", *c->p == '\n' ? "newline" : what);
		} else {
			if (*c->p == '\\' && c->p[1])
				c->p++;
			if (buf_putc(&c->word, *c->p++) < 0)
				return fail(c->fail, WEIR_EUSAGE, "the pipeline is too long");
		}
	}
	return buf_putc(&c->word, '\0') < 0 ? fail(c->fail, WEIR_EUSAGE, "the pipeline is too long") : 0;
}

static int
add_word(struct pipeline_stage *s, const char *text, struct fail *f)
{
	char **v = realloc(s->argv, ((size_t)s->argc + 2) * sizeof *v);

	if (!v || !(v[s->argc] = strdup(text))) {
		if (v)
			s->argv = v;
		return fail(f, WEIR_EAGAIN, "no memory");
	}
	s->argv = v;
	v[++s->argc] = NULL;
	return 0;
}

int
pipeline_parse(const char *text, int is_file, struct pipeline *pl, struct fail *f)
{
	struct cursor c = { .text = text, .p = text, .is_file = is_file, .word.max = PIPELINE_BYTES, .fail = f };
	int e = 0;

	*pl = (struct pipeline){ .n = 1 };
	while (!e) {
		while (blank(&c))
			c.p++;
		if (is_file && *c.p == '#') {
			c.p += strcspn(c.p, "\n");
			continue;
		}
		if (!*c.p || *c.p == '|') {
			if (!pl->stage[pl->n - 1].argc)
				e = place(&c, c.p, "%s", "a stage is missing here");
			else if (*c.p && pl->n == PIPELINE_STAGES)
				e = place(&c, c.p, "%s", "too many stages");
			else if (*c.p)
				pl->n++;
			if (!*c.p || e)
				break;
			c.p++;
			continue;
		}
		if (!(e = word(&c)))
			e = add_word(&pl->stage[pl->n - 1], c.word.p, f);
	}
	buf_free(&c.word);
	if (e)
		pipeline_free(pl);
	return e;
}

void
pipeline_free(struct pipeline *pl)
{
	for (size_t i = 0; i < PIPELINE_STAGES; i++) {
		for (int k = 0; k < pl->stage[i].argc; k++)
			free(pl->stage[i].argv[k]);
		free(pl->stage[i].argv);
	}
	*pl = (struct pipeline){ 0 };
}

char *
pipeline_read(const char *path, struct fail *f)
{
	struct buf b = { .max = PIPELINE_BYTES };
	FILE *in = fopen(path, "r");
	size_t n;

	if (!in) {
		fail_errno(f, fail_input_code(errno), "cannot open the pipeline %s", path);
		return NULL;
	}
	do {
		if (buf_reserve(&b, 4096) < 0)
			break;
		b.n += n = fread(b.p + b.n, 1, 4096, in);
	} while (n);
	if (b.n && memchr(b.p, '\0', b.n)) {
		fail(f, WEIR_ECONFIG, "the pipeline %s is no text: it has a NUL byte", path);
		buf_free(&b);
	} else if (ferror(in)) {
		fail_errno(f, fail_input_code(errno), "cannot read the pipeline %s", path);
		buf_free(&b);
	} else if (buf_putc(&b, '\0') < 0) {
		fail(f, WEIR_ECONFIG, "the pipeline %s is larger than %u bytes", path, PIPELINE_BYTES);
		buf_free(&b);
	}
	fclose(in);
	return b.p;
}
