/*
 * format_idn - labels of internationalized host names: IDNA2008 (RFC 5890 to 5893) and Punycode (RFC 3492).
 */
#include "config.h"

#include <string.h>

#include "format_int.h"

#define LABEL_MAX	63	/* bytes of an A-label; so a label has fewer characters */

static int
in_table(const struct idna_range *t, size_t n, unsigned c)
{
	size_t low = 0;

	while (low < n) {
		const size_t mid = low + (n - low) / 2;

		if (c > t[mid].last)
			low = mid + 1;
		else
			n = mid;
	}
	/* n == low: the first range that ends at or behind c */
	return c >= t[low].first && c <= t[low].last;
}

/* A range search needs a range that ends behind everything; the count given leaves the last one out. */
#define IN(table, c)	((c) >= 0x80 && in_table(table, n_##table - 1, c))

/* Valid UTF-8 to code points; -1 when there are more than LABEL_MAX. */
static int
code_points(const char *s, size_t n, unsigned *out)
{
	const unsigned char *p = (const unsigned char *)s, *const end = p + n;
	int k = 0;

	while (p < end) {
		const int more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
		unsigned c = more ? *p & (0x3fu >> more) : *p;

		p++;
		for (int i = 0; i < more && p < end; i++)
			c = c << 6 | (*p++ & 0x3fu);
		if (k == LABEL_MAX)
			return -1;
		out[k++] = c;
	}
	return k;
}

/* RFC 3492, 6.1 */
static unsigned
adapt(unsigned delta, unsigned n, int first)
{
	unsigned k = 0;

	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / n; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static unsigned
threshold(unsigned k, unsigned bias)
{
	return k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
}

/* RFC 3492, 6.2.  The number of code points, or -1. */
static int
decode(const char *p, size_t n, unsigned *out)
{
	unsigned c = 128, i = 0, bias = 72;
	size_t at = n;
	int k = 0;

	if (n > LABEL_MAX)
		return -1;
	while (at && p[at - 1] != '-')
		at--;
	for (size_t b = 0; at && b < at - 1; b++)
		out[k++] = (unsigned char)(p[b] >= 'A' && p[b] <= 'Z' ? p[b] | 0x20 : p[b]);
	while (at < n) {
		const unsigned old = i;
		unsigned w = 1;

		for (unsigned d = 36; ; d += 36) {
			const unsigned t = threshold(d, bias);
			unsigned digit;
			char ch;

			if (at == n)
				return -1;
			ch = p[at++];
			digit = ch >= '0' && ch <= '9' ? (unsigned)(ch - '0') + 26 : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'z' ?
			    (unsigned)((ch | 0x20) - 'a') : 36;
			if (digit == 36 || digit > (0x7fffffff - i) / w)
				return -1;
			i += digit * w;
			if (digit < t)
				break;
			if (w > 0x7fffffff / (36 - t))
				return -1;
			w *= 36 - t;
		}
		bias = adapt(i - old, (unsigned)k + 1, !old);
		c += i / ((unsigned)k + 1);
		i %= (unsigned)k + 1;
		if (c > 0x10ffff || c - 0xd800 < 0x800 || k == LABEL_MAX)
			return -1;
		memmove(out + i + 1, out + i, ((size_t)k - i) * sizeof *out);
		out[i++] = c;
		k++;
	}
	return k;
}

/* RFC 3492, 6.3, behind "xn--".  The length, or 0 when it passes LABEL_MAX. */
static size_t
encode(const unsigned *in, int n, char *out)
{
	unsigned c = 128, delta = 0, bias = 72, done = 0, basic;
	size_t o = 0;

	for (int i = 0; i < n; i++)
		if (in[i] < 128)
			out[o++] = (char)in[i];
	basic = done = (unsigned)o;
	if (o)
		out[o++] = '-';
	while (done < (unsigned)n) {
		unsigned next = 0x110000;

		for (int i = 0; i < n; i++)
			if (in[i] >= c && in[i] < next)
				next = in[i];
		delta += (next - c) * (done + 1);	/* below 2^27: 63 characters of 21 bits */
		c = next;
		for (int i = 0; i < n; i++) {
			unsigned q = delta;

			delta += in[i] < c;
			if (in[i] != c)
				continue;
			q = delta;
			for (unsigned d = 36; ; d += 36) {
				const unsigned t = threshold(d, bias), digit = q < t ? q : t + (q - t) % (36 - t);

				if (o == LABEL_MAX - 4)
					return 0;
				out[o++] = (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26));
				if (q < t)
					break;
				q = (q - t) / (36 - t);
			}
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		c++;
	}
	return o;
}

/* Scripts, as far as the rules of RFC 5892, appendix A, name them. */
static int
is_greek(unsigned c)
{
	return (c >= 0x370 && c <= 0x3ff && c != 0x37e && c != 0x387) || (c >= 0x1f00 && c <= 0x1fff);
}

static int
is_hebrew(unsigned c)
{
	return (c >= 0x591 && c <= 0x5f4) || (c >= 0xfb1d && c <= 0xfb4f);
}

static int
is_japanese(unsigned c)
{
	return (c >= 0x3041 && c <= 0x3096) || (c >= 0x309d && c <= 0x309f) || (c >= 0x30a1 && c <= 0x30fa) || (c >= 0x30fd && c <= 0x30ff) ||
	    (c >= 0x31f0 && c <= 0x31ff) || c == 0x3005 || c == 0x3007 || (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0x20000 && c <= 0x3ffff);
}

/* Joining types, by the blocks of the scripts that join: letters of these are taken for joining to both sides (A.1). */
static int
joins(unsigned c)
{
	return ((c >= 0x620 && c <= 0x7ff) || (c >= 0x840 && c <= 0x8c9) || (c >= 0x1807 && c <= 0x18aa) || (c >= 0xa840 && c <= 0xa872) ||
	    (c >= 0x10ac0 && c <= 0x10fff) || (c >= 0x1e900 && c <= 0x1e943)) && !IN(idna_mark, c) && IN(idna_pvalid, c);
}

static int
joiner_ok(const unsigned *c, int n, int i)
{
	int before = i - 1, after = i + 1;

	if (i && IN(idna_virama, c[i - 1]))
		return 1;
	if (c[i] == 0x200d)
		return 0;
	while (before >= 0 && IN(idna_mark, c[before]))
		before--;
	while (after < n && IN(idna_mark, c[after]))
		after++;
	return before >= 0 && after < n && joins(c[before]) && joins(c[after]);
}

/* A character that is allowed in some places only: 1, 0; -1: no such character. */
static int
contextual(const unsigned *c, int n, int i)
{
	int ok = 0;

	switch (c[i]) {
	case 0x200c: case 0x200d:
		return joiner_ok(c, n, i);
	case 0xb7:
		return i && i + 1 < n && c[i - 1] == 'l' && c[i + 1] == 'l';
	case 0x375:
		return i + 1 < n && is_greek(c[i + 1]);
	case 0x5f3: case 0x5f4:
		return i && is_hebrew(c[i - 1]);
	case 0x30fb:
		for (int k = 0; k < n; k++)
			ok |= is_japanese(c[k]);
		return ok;
	default:
		break;
	}
	if ((c[i] >= 0x660 && c[i] <= 0x669) || (c[i] >= 0x6f0 && c[i] <= 0x6f9)) {
		const unsigned other = c[i] < 0x6f0 ? 0x6f0 : 0x660;

		for (int k = 0; k < n; k++)
			if (c[k] >= other && c[k] <= other + 9)
				return 0;
		return 1;
	}
	return -1;
}

/* RFC 5891, 4.2 and 5.4. */
static int
label_ok(const unsigned *c, int n)
{
	if (n < 1 || c[0] == '-' || c[n - 1] == '-' || (n > 3 && c[2] == '-' && c[3] == '-') || IN(idna_mark, c[0]))
		return 0;
	for (int i = 0; i < n; i++) {
		const int r = c[i] < 0x80 ? -1 : contextual(c, n, i);

		if (r == 0)
			return 0;
		if (r > 0)
			continue;
		if (c[i] < 0x80 ? !((c[i] >= 'a' && c[i] <= 'z') || (c[i] >= '0' && c[i] <= '9') || c[i] == '-') : !IN(idna_pvalid, c[i]))
			return 0;
	}
	return 1;
}

static int
is_right(unsigned c)
{
	return IN(idna_right, c);
}

static int
is_left(unsigned c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IN(idna_left, c);
}

static int
is_arabic_digit(unsigned c)
{
	return (c >= 0x660 && c <= 0x669) || c == 0x66b || c == 0x66c || (c >= 0x600 && c <= 0x605) || c == 0x6dd;
}

static int
is_european_digit(unsigned c)
{
	return (c >= '0' && c <= '9') || (c >= 0x6f0 && c <= 0x6f9);
}

static int
has_right(const unsigned *c, int n)
{
	for (int i = 0; i < n; i++)
		if (is_right(c[i]) || is_arabic_digit(c[i]))
			return 1;
	return 0;
}

/* RFC 5893, 2. */
static int
bidi_ok(const unsigned *c, int n)
{
	const int right = n && is_right(c[0]);
	int end = n, arabic = 0, european = 0;

	if (!n || (!right && !is_left(c[0])))
		return 0;
	for (int i = 0; i < n; i++) {
		if (right ? is_left(c[i]) : is_right(c[i]) || is_arabic_digit(c[i]))
			return 0;
		arabic |= is_arabic_digit(c[i]);
		european |= is_european_digit(c[i]);
	}
	if (right && arabic && european)
		return 0;
	while (end && IN(idna_nonspacing, c[end - 1]))
		end--;
	return end && (right ? is_right(c[end - 1]) || is_arabic_digit(c[end - 1]) || is_european_digit(c[end - 1]) :
	    is_left(c[end - 1]) || is_european_digit(c[end - 1]));
}

size_t
idna_a_label(const char *p, size_t n)
{
	unsigned c[LABEL_MAX + 1];
	char again[LABEL_MAX];
	const int k = decode(p, n, c);
	size_t m;
	int ascii = 1;

	for (int i = 0; i < k; i++)
		ascii &= c[i] < 0x80;
	if (k < 1 || ascii || !label_ok(c, k) || (has_right(c, k) && !bidi_ok(c, k)) || (m = encode(c, k, again)) != n)
		return 0;
	for (size_t i = 0; i < n; i++)		/* it must be the Punycode of what it stands for */
		if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]) != again[i])
			return 0;
	return n + 4;
}

size_t
idna_u_label(const char *p, size_t n)
{
	unsigned c[LABEL_MAX];
	char out[LABEL_MAX];
	const int k = code_points(p, n, c);
	size_t m;
	int ascii = 1;

	for (int i = 0; i < k; i++) {
		c[i] |= c[i] >= 'A' && c[i] <= 'Z' ? 0x20 : 0;	/* upper case of ASCII is mapped, as everywhere in host names */
		ascii &= c[i] < 0x80;
	}
	if (k < 1 || !label_ok(c, k))
		return 0;
	if (ascii)
		return (size_t)k;
	return (m = encode(c, k, out)) ? m + 4 : 0;
}

int
idna_is_bidi(const char *p, size_t n)
{
	unsigned c[LABEL_MAX];
	const int k = code_points(p, n, c);

	return k > 0 && has_right(c, k);
}

int
idna_bidi_rule(const char *p, size_t n)
{
	unsigned c[LABEL_MAX];
	const int k = code_points(p, n, c);

	return k > 0 && bidi_ok(c, k);
}
