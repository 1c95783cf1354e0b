/* csv.c - comma-separated values, see csv.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "csv.h"
#include "weir.h"

void
csv_open(struct csv *c, FILE *file, const char *name)
{
	memset(c, 0, sizeof *c);
	c->file = file;
	c->name = name;
	c->next_line = 1;
	c->text.max = CSV_RECORD_MAX;
}

void
csv_close(struct csv *c)
{
	buf_free(&c->text);
}

static int
csv_bad(struct csv *c, struct fail *f, uint32_t line, const char *what)
{
	return fail(f, WEIR_ECONFIG, "%s:%u: %s", c->name, line, what);
}

/* c->text took no more. */
static int
csv_full(struct csv *c, struct fail *f)
{
	return errno == ENOMEM ? fail(f, WEIR_EAGAIN, "no memory for %s", c->name) : csv_bad(c, f, c->line, "the record is longer than 1 MiB");
}

/* RFC 3629, whole. */
static int
csv_is_utf8(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;

	while (p < end) {
		unsigned c = *p++, more = c < 0x80 ? 0 : c < 0xc2 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 9;

		if (!more)
			continue;
		if (more > (size_t)(end - p) || (c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) || (c == 0xf0 && *p < 0x90) ||
		    (c == 0xf4 && *p > 0x8f))
			return 0;
		for (; more; more--)
			if ((*p++ & 0xc0) != 0x80)
				return 0;
	}
	return 1;
}

/* The field ends here. */
static int
csv_end_field(struct csv *c, struct fail *f)
{
	if (c->n == CSV_FIELDS_MAX)
		return csv_bad(c, f, c->line, "more than 1024 fields");
	c->end[c->n++] = (uint32_t)c->text.n;
	return 0;
}

/* The rest of a quoted field; returns the character behind its closing quote, or a negative code. */
static int
csv_quoted(struct csv *c, struct fail *f)
{
	uint32_t line = c->next_line;
	int ch;

	for (;;) {
		if ((ch = getc_unlocked(c->file)) == EOF)
			return ferror(c->file) ? fail_errno(f, WEIR_EIO, "cannot read %s", c->name) :
			    csv_bad(c, f, line, "the quote that opens here is never closed");
		if (ch == '"' && (ch = getc_unlocked(c->file)) != '"')
			return ch == EOF ? '\n' : ch;
		if (!ch)
			return csv_bad(c, f, c->next_line, "a NUL byte");
		c->next_line += ch == '\n';
		if (buf_putc(&c->text, (char)ch) < 0)
			return csv_full(c, f);
	}
}

/* One record; 1, 0 at the end, or a negative code.  An empty line gives a record of no fields. */
static int
csv_record(struct csv *c, struct fail *f)
{
	int e, ch, fresh = 1;	/* at the beginning of a field */

	c->text.n = c->n = 0;
	c->line = c->next_line;
	for (;;) {
		if ((ch = getc_unlocked(c->file)) == '"' && fresh) {
			if ((ch = csv_quoted(c, f)) < 0)
				return ch;
			fresh = 0;
			if (ch != ',' && ch != '\n' && ch != '\r')
				return csv_bad(c, f, c->next_line, "text behind a closing quote: double the quotes inside a field");
		} else if (ch == EOF) {
			if (ferror(c->file))
				return fail_errno(f, WEIR_EIO, "cannot read %s", c->name);
			if (!c->n && fresh)
				return 0;
			ch = '\n';
		}
		if (ch == '\r') {
			if ((ch = getc_unlocked(c->file)) == EOF)
				ch = '\n';
			if (ch != '\n')
				return csv_bad(c, f, c->next_line, "a carriage return inside a field: put the field in quotes");
		}
		if (ch == '\n') {
			c->next_line++;
			if (!c->n && fresh)
				return 1;		/* an empty line */
			return (e = csv_end_field(c, f)) < 0 ? e : 1;
		}
		if (ch == ',') {
			if ((e = csv_end_field(c, f)) < 0)
				return e;
			fresh = 1;
			continue;
		}
		if (ch == '"')
			return csv_bad(c, f, c->next_line, "a quote inside a field: put the field in quotes and double it");
		if (!ch)
			return csv_bad(c, f, c->next_line, "a NUL byte");
		fresh = 0;
		if (buf_putc(&c->text, (char)ch) < 0)
			return csv_full(c, f);
	}
}

int
csv_next(struct csv *c, struct fail *f)
{
	static const char bom[3] = { '\xef', '\xbb', '\xbf' };
	int e;

	if (c->next_line == 1)
		for (int i = 0; i < 3; i++)
			if (getc_unlocked(c->file) != (unsigned char)bom[i]) {
				if (fseek(c->file, 0, SEEK_SET) < 0)
					return fail_errno(f, fail_input_code(errno), "%s is no regular file", c->name);
				break;
			}
	do
		if ((e = csv_record(c, f)) <= 0)
			return e;
	while (!c->n);
	if (buf_reserve(&c->text, 0) < 0)
		return fail(f, WEIR_EAGAIN, "no memory to read %s", c->name);
	return csv_is_utf8(c->text.p, c->text.n) ? 1 : csv_bad(c, f, c->line, "bytes that are no UTF-8: convert the file with iconv");
}
