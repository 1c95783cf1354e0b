#!/usr/bin/env python3
# Makes idna_table.c from the Unicode data of this Python: the categories of RFC 5892 that host names need.
# Run by hand when Unicode moves on; the result is checked in.
import unicodedata as u

PVALID = {0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007}                             # RFC 5892, 2.6
DISALLOWED = {0x640, 0x7FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B}
IGNORABLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}


def pvalid(c):
    ch = chr(c)
    if c in PVALID:
        return True
    if c in DISALLOWED or c in IGNORABLE or 0x180B <= c <= 0x180F or 0xFE00 <= c <= 0xFE0F or 0xE0100 <= c <= 0xE01EF:
        return False
    if 0x1100 <= c <= 0x11FF or 0xA960 <= c <= 0xA97C or 0xD7B0 <= c <= 0xD7C6 or 0xD7CB <= c <= 0xD7FB:    # old Hangul jamo
        return False
    if u.normalize('NFKC', u.normalize('NFKC', ch).casefold()) != ch:               # unstable
        return False
    return u.category(ch) in ('Ll', 'Lu', 'Lo', 'Nd', 'Lm', 'Mn', 'Mc')


def ranges(wanted):
    start = None
    for c in range(0x80, 0x110001):
        yes = c < 0x110000 and not 0xD800 <= c < 0xE000 and wanted(c)
        if yes and start is None:
            start = c
        elif not yes and start is not None:
            yield start, c - 1
            start = None


def table(name, wanted):
    print(f'const struct idna_range {name}[] = {{')
    line = '\t'
    count = 0
    for a, b in ranges(wanted):
        item = f'{{0x{a:x},0x{b:x}}},'
        count += 1
        if len(line) + len(item) > 132:
            print(line)
            line = '\t'
        line += item
    print(line)
    print('};')
    print(f'const size_t n_{name} = {count};\n')


print(f'/* Made by idna_table.py from Unicode {u.unidata_version}.  Not to be edited. */')
print('#include "config.h"\n\n#include "format_int.h"\n')
table('idna_pvalid', pvalid)
table('idna_mark', lambda c: u.category(chr(c)) in ('Mn', 'Mc', 'Me'))
table('idna_nonspacing', lambda c: u.bidirectional(chr(c)) == 'NSM')
table('idna_virama', lambda c: u.combining(chr(c)) == 9)
table('idna_right', lambda c: u.bidirectional(chr(c)) in ('R', 'AL'))
table('idna_left', lambda c: u.bidirectional(chr(c)) == 'L')
