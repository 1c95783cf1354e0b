/*
 * regex - ECMA-262 patterns on PCRE2; see regex.h.
 *
 * The two dialects differ in a few places, so the pattern is rewritten first:
 * $ is the very end, \s is Unicode's white space, \p takes long names, and
 * escapes that only PCRE2 knows are refused.
 */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "regex.h"

struct regex {
	pcre2_code	*code;
	int		 jit;
};

struct regex_run {
	pcre2_match_context	*ctx;
	pcre2_match_data	*data;
	pcre2_jit_stack		*stack;
};

/* ECMA-262 22.2.2.9: WhiteSpace and LineTerminator. */
#define SPACES "\\x09-\\x0d\\x20\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NOT_SPACES "\\x00-\\x08\\x0e-\\x1f\\x21-\\x9f\\xa1-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}" \
	"\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

/* General categories by their long names: PCRE2 before 10.43 knows only the short ones. */
static const char *const category[][2] = {
	{ "Letter", "L" }, { "Cased_Letter", "L&" }, { "Uppercase_Letter", "Lu" }, { "Lowercase_Letter", "Ll" }, { "Titlecase_Letter", "Lt" },
	{ "Modifier_Letter", "Lm" }, { "Other_Letter", "Lo" }, { "Mark", "M" }, { "Combining_Mark", "M" }, { "Nonspacing_Mark", "Mn" },
	{ "Spacing_Mark", "Mc" }, { "Enclosing_Mark", "Me" }, { "Number", "N" }, { "Decimal_Number", "Nd" }, { "digit", "Nd" },
	{ "Letter_Number", "Nl" }, { "Other_Number", "No" }, { "Punctuation", "P" }, { "punct", "P" }, { "Connector_Punctuation", "Pc" },
	{ "Dash_Punctuation", "Pd" }, { "Open_Punctuation", "Ps" }, { "Close_Punctuation", "Pe" }, { "Initial_Punctuation", "Pi" },
	{ "Final_Punctuation", "Pf" }, { "Other_Punctuation", "Po" }, { "Symbol", "S" }, { "Math_Symbol", "Sm" }, { "Currency_Symbol", "Sc" },
	{ "Modifier_Symbol", "Sk" }, { "Other_Symbol", "So" }, { "Separator", "Z" }, { "Space_Separator", "Zs" }, { "Line_Separator", "Zl" },
	{ "Paragraph_Separator", "Zp" }, { "Other", "C" }, { "Control", "Cc" }, { "cntrl", "Cc" }, { "Format", "Cf" }, { "Surrogate", "Cs" },
	{ "Private_Use", "Co" }, { "Unassigned", "Cn" },
};

/* \p{...} behind its p: `name` is what stands in the braces. */
static int
put_property(struct buf *b, char kind, const char *name, size_t n)
{
	const char *eq = memchr(name, '=', n);
	const char *value = eq ? eq + 1 : name;
	const size_t value_n = eq ? n - (size_t)(eq + 1 - name) : n;

	for (size_t i = 0; i < sizeof category / sizeof *category; i++)
		if (strlen(category[i][0]) == value_n && !memcmp(category[i][0], value, value_n))
			return buf_printf(b, "\\%c{%s}", kind, category[i][1]);
	if (eq && ((size_t)(eq - name) == 2 || (size_t)(eq - name) == 16) && (!memcmp(name, "gc", 2) || !memcmp(name, "General_Category", 16)))
		return buf_printf(b, "\\%c{%.*s}", kind, (int)value_n, value);
	return buf_printf(b, "\\%c{%.*s}", kind, (int)n, name);
}

/* One escape, p[0] is the backslash.  Returns the bytes it takes, or -1 with a reason. */
static int
put_escape(struct buf *b, const char *p, size_t n, int in_class, const char **why)
{
	static const char syntax[] = "^$\\.*+?()[]{}|/-";
	const char *close;
	unsigned v;
	char c;

	if (n < 2) {
		*why = "a backslash at the end";
		return -1;
	}
	c = p[1];
	switch (c) {
	case 's':
		return buf_puts(b, in_class ? SPACES : "[" SPACES "]") < 0 ? -1 : 2;
	case 'S':
		return buf_puts(b, in_class ? NOT_SPACES : "[^" SPACES "]") < 0 ? -1 : 2;
	case 'd': case 'D': case 'w': case 'W': case 't': case 'n': case 'r': case 'f':
	case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		return buf_put(b, p, 2) < 0 ? -1 : 2;
	case 'b':
		return buf_puts(b, in_class ? "\\x08" : "\\b") < 0 ? -1 : 2;
	case 'B':
		if (in_class)
			break;
		return buf_puts(b, "\\B") < 0 ? -1 : 2;
	case 'v':
		return buf_puts(b, "\\x0b") < 0 ? -1 : 2;
	case '0':
		return buf_puts(b, "\\x00") < 0 ? -1 : 2;
	case 'c':
		if (n < 3 || (p[2] | 0x20) < 'a' || (p[2] | 0x20) > 'z')
			break;
		return buf_printf(b, "\\x%02x", (unsigned)p[2] & 31u) < 0 ? -1 : 3;
	case 'x':
		if (n < 4 || sscanf(p + 2, "%2x", &v) != 1)
			break;
		return buf_printf(b, "\\x{%x}", v) < 0 ? -1 : 4;
	case 'u':
		if (n > 3 && p[2] == '{' && (close = memchr(p, '}', n)))
			return buf_printf(b, "\\x{%.*s}", (int)(close - p - 3), p + 3) < 0 ? -1 : (int)(close - p + 1);
		if (n < 6 || sscanf(p + 2, "%4x", &v) != 1)
			break;
		if (v - 0xd800 < 0x400 && n >= 12 && p[6] == '\\' && p[7] == 'u') {
			unsigned low = 0;

			if (sscanf(p + 8, "%4x", &low) == 1 && low - 0xdc00 < 0x400)
				return buf_printf(b, "\\x{%x}", 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00)) < 0 ? -1 : 12;
		}
		return buf_printf(b, "\\x{%x}", v) < 0 ? -1 : 6;
	case 'p': case 'P':
		if (n < 4 || p[2] != '{' || !(close = memchr(p, '}', n)))
			break;
		return put_property(b, c, p + 3, (size_t)(close - p - 3)) < 0 ? -1 : (int)(close - p + 1);
	case 'k':
		if (in_class)
			break;
		return buf_put(b, p, 2) < 0 ? -1 : 2;
	default:
		/* Without the u flag ECMA-262 lets any other character stand for itself; letters are refused so that
		 * \Z, \A and \a, which mean something elsewhere, are not taken for something they are not. */
		if (strchr(syntax, c) || !(((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9')))
			return buf_put(b, p, 2) < 0 ? -1 : 2;
	}
	*why = "an escape that ECMA-262 does not have";
	return -1;
}

static int
translate(const char *p, size_t n, struct buf *b, const char **why)
{
	int in_class = 0, k;

	*why = "no memory";
	for (size_t i = 0; i < n; i += (size_t)k) {
		k = 1;
		if (p[i] == '\\') {
			if ((k = put_escape(b, p + i, n - i, in_class, why)) < 0)
				return -1;
		} else if (in_class) {
			in_class = p[i] != ']';
			/* "[" in a class is itself; for PCRE2 "[:" would begin a POSIX name */
			if ((p[i] == '[' ? buf_puts(b, "\\[") : buf_putc(b, p[i])) < 0)
				return -1;
		} else if (p[i] == '[') {
			in_class = 1;
			if (n - i > 2 && !memcmp(p + i, "[^]", 3)) {
				k = 3;
				in_class = 0;
				if (buf_puts(b, "(?s:.)") < 0)
					return -1;
			} else if (n - i > 1 && p[i + 1] == '^') {
				k = 2;
				if (buf_puts(b, "[^") < 0)
					return -1;
			} else if (buf_putc(b, '[') < 0) {
				return -1;
			}
		} else if (p[i] == '$') {
			if (buf_puts(b, "\\z") < 0)
				return -1;
		} else if (p[i] == '.') {
			if (buf_puts(b, "[^\\n\\r\\x{2028}\\x{2029}]") < 0)
				return -1;
		} else if (p[i] == '(' && n - i > 2 && p[i + 1] == '?' && !strchr(":=!<", p[i + 2])) {
			*why = "a group that ECMA-262 does not have";
			return -1;
		} else if (p[i] == '(' && n - i > 1 && p[i + 1] == '*') {
			*why = "nothing to repeat";
			return -1;
		} else if (buf_putc(b, p[i]) < 0) {
			return -1;
		}
	}
	return 0;
}

static pcre2_code *
compile(const char *pattern, size_t n, char *why, size_t why_size)
{
	pcre2_code *code = NULL;
	struct buf b = { .max = REGEX_TEXT_MAX * 64 };
	pcre2_compile_context *cc = NULL;
	const char *reason;
	PCRE2_UCHAR text[128];
	PCRE2_SIZE at;
	int e;

	if (n > REGEX_TEXT_MAX)
		snprintf(why, why_size, "longer than %d bytes", REGEX_TEXT_MAX);
	else if (translate(pattern, n, &b, &reason) < 0)
		snprintf(why, why_size, "%s", reason);
	else if (!(cc = pcre2_compile_context_create(NULL)))
		snprintf(why, why_size, "no memory");
	else if (!(code = pcre2_compile((PCRE2_SPTR)(b.p ? b.p : ""), b.n, PCRE2_UTF | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_UTF_CHECK, &e, &at, cc))) {
		if (pcre2_get_error_message(e, text, sizeof text) < 0)
			snprintf(why, why_size, "error %d", e);
		else
			snprintf(why, why_size, "%s", (const char *)text);
	}
	pcre2_compile_context_free(cc);
	buf_free(&b);
	return code;
}

struct regex *
regex_new(const char *pattern, size_t n, char *why, size_t why_size)
{
	struct regex *r = calloc(1, sizeof *r);

	if (!r) {
		snprintf(why, why_size, "no memory");
		return NULL;
	}
	if (!(r->code = compile(pattern, n, why, why_size))) {
		free(r);
		return NULL;
	}
	r->jit = pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0;	/* not everywhere: the interpreter then does it */
	return r;
}

void
regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	free(r);
}

int
regex_ok(const char *pattern, size_t n)
{
	char why[128];
	pcre2_code *code = compile(pattern, n, why, sizeof why);

	pcre2_code_free(code);
	return code != NULL;
}

struct regex_run *
regex_run_new(void)
{
	struct regex_run *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->ctx = pcre2_match_context_create(NULL);
	r->data = pcre2_match_data_create(1, NULL);
	r->stack = pcre2_jit_stack_create(32 * 1024, REGEX_STACK_BYTES, NULL);	/* NULL where there is no JIT */
	if (!r->ctx || !r->data) {
		regex_run_free(r);
		return NULL;
	}
	pcre2_set_match_limit(r->ctx, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(r->ctx, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(r->ctx, REGEX_HEAP_KIB);
	if (r->stack)
		pcre2_jit_stack_assign(r->ctx, NULL, r->stack);
	return r;
}

void
regex_run_free(struct regex_run *r)
{
	if (!r)
		return;
	pcre2_jit_stack_free(r->stack);
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->ctx);
	free(r);
}

int
regex_match(const struct regex *r, struct regex_run *run, const char *p, size_t n)
{
	const int e = r->jit ? pcre2_jit_match(r->code, (PCRE2_SPTR)p, n, 0, PCRE2_NO_UTF_CHECK, run->data, run->ctx)
	    : pcre2_match(r->code, (PCRE2_SPTR)p, n, 0, PCRE2_NO_UTF_CHECK, run->data, run->ctx);

	return e >= 0 ? REGEX_MATCH : e == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
}
