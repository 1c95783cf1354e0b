#!/usr/bin/env python3
"""parquet_check.py SHRED_PARQUET [--rows N] [--seed N]

Makes events of every type, flat and nested, with nulls, empty containers and
values that do not fit, lets SHRED_PARQUET (tests/interop/shred_parquet.c)
write them, and compares what pyarrow and DuckDB read from the file, and the
bounds and counts, with what Python computes from the events. Needs pyarrow
and duckdb.
"""
import argparse
import base64
import datetime as dt
import decimal
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import uuid

import duckdb
import pyarrow.parquet as pq

decimal.getcontext().prec = 80
EPOCH = dt.datetime(1970, 1, 1)
WORDS = ["", "a", "größe", "日本語のテキスト", "\U0001f600" * 9, "quote\"back\\slash", "line\nfeed\ttab", "z" * 40, "long " * 30, "\U0010ffff" * 17,
         "aaaaaaaaaaaaaaa\ud7ffb"]


class Num(str):
    """A number literal that json.dumps must not touch."""


def dump(v, gap=""):
    if isinstance(v, Num):
        return str(v)
    if isinstance(v, dict):
        return "{" + gap + f"{gap},{gap}".join(key(k) + gap + ":" + gap + dump(x, gap) for k, x in v.items()) + gap + "}"
    if isinstance(v, list):
        return "[" + gap + f"{gap},{gap}".join(dump(x, gap) for x in v) + "]"
    return json.dumps(v, ensure_ascii=random.random() < .3)


def key(k):
    return json.dumps(k) if random.random() < .95 or not k.isascii() else '"' + "".join(f"\\u{ord(c):04x}" for c in k) + '"'


def clock(us):
    h, r = divmod(us, 3600 * 10**6)
    m, r = divmod(r, 60 * 10**6)
    s, f = divmod(r, 10**6)
    return f"{h:02}:{m:02}:{s:02}" + (f".{f:06}".rstrip("0") if f else "")


def moment(us):
    t = EPOCH + dt.timedelta(microseconds=us)
    return f"{t.year:04}-{t.month:02}-{t.day:02}T" + clock(us % (86400 * 10**6))


# type -> (JSON value, value as pyarrow gives it)
def g_boolean():
    b = random.random() < .5
    return b, b


def g_int():
    i = random.choice([random.randint(-2**31, 2**31 - 1), random.randint(-5, 5), -2**31, 2**31 - 1])
    return Num(i if random.random() < .9 else f"{i}.0"), i


def g_long():
    i = random.choice([random.randint(-2**63, 2**63 - 1), random.randint(-5, 5), -2**63, 2**63 - 1, 2**53 + 1])
    return Num(i), i


def g_double():
    d = random.choice([random.uniform(-1e9, 1e9), 0.0, -0.0, 5e-324, 1.7976931348623157e308, random.random()])
    return Num(repr(d)), d


def g_float():
    d = struct.unpack("f", struct.pack("f", random.uniform(-1e6, 1e6)))[0]
    return Num(repr(d)), d


def g_decimal(p, s):
    v = random.choice([random.randint(-10**p + 1, 10**p - 1), 10**p - 1, -10**p + 1, random.randint(-99, 99), 0])
    d = decimal.Decimal(v).scaleb(-s)
    t = f"{d:f}"
    return (t if random.random() < .2 else Num(t)), d


def g_date():
    d = random.randint(-300000, 300000)
    x = dt.date(1970, 1, 1) + dt.timedelta(days=d)
    return x.isoformat(), x


def g_time():
    us = random.randrange(86400 * 10**6)
    return clock(us), (dt.datetime.min + dt.timedelta(microseconds=us)).time()


def g_timestamp():
    us = random.randint(-2**54, 2**54)
    return moment(us), EPOCH + dt.timedelta(microseconds=us)


def g_timestamptz():
    us = random.choice([random.randint(-2**54, 2**54), 1767225600000000 + random.randrange(10**9) * 1000])
    off = random.choice([0, 0, 0, 90, -60])
    z = "Z" if off == 0 else f"{'+' if off > 0 else '-'}{abs(off) // 60:02}:{abs(off) % 60:02}"
    return moment(us + off * 60 * 10**6) + z, EPOCH + dt.timedelta(microseconds=us)


def g_string():
    s = random.choice(WORDS) if random.random() < .7 else f"unique-{random.getrandbits(64)}"
    s = s.encode("utf-8", "replace").decode()
    return s, s


def g_binary():
    b = random.randbytes(random.randrange(40))
    return base64.b64encode(b).decode(), b


def g_uuid():
    u = uuid.UUID(int=random.getrandbits(128))
    return (str(u) if random.random() < .8 else str(u).upper()), u.bytes


def g_fixed(n):
    b = random.randbytes(n)
    return base64.b64encode(b).decode(), b


def gen(t, required=False):
    """A type is a name, (name, args), {field: type}, [type], or ('map', key, value)."""
    if not required and random.random() < .15:
        return None, None
    if isinstance(t, dict):
        js, py = {}, {}
        for k, x in t.items():
            req = k.endswith("!")
            k = k.rstrip("!")
            a, b = gen(x, req)
            py[k] = b
            if a is not None or random.random() < .5:
                js[k] = a
        items = list(js.items())
        if random.random() < .3:
            random.shuffle(items)
        return dict(items), py
    if isinstance(t, list):
        both = [gen(t[0]) for _ in range(random.choice([0, 0, 1, 2, 5]))]
        return [a for a, _ in both], [b for _, b in both]
    if isinstance(t, tuple) and t[0] == "map":
        js, py = {}, []
        for _ in range(random.choice([0, 0, 1, 3])):
            k, kp = gen(t[1], True)
            if (str(k) if isinstance(k, Num) else k) in js:
                continue
            v, vp = gen(t[2])
            js[str(k) if isinstance(k, Num) else k] = v
            py.append((kp, vp))
        return js, py
    if isinstance(t, tuple):
        return globals()["g_" + t[0]](*t[1:])
    return globals()["g_" + t]()


def text(t):
    if isinstance(t, dict):
        return "struct<" + fields(t) + ">"
    if isinstance(t, list):
        return f"list<{text(t[0])}>"
    if isinstance(t, tuple) and t[0] == "map":
        return f"map<{text(t[1])},{text(t[2])}>"
    if isinstance(t, tuple):
        return t[0] + "(" + ",".join(str(x) for x in t[1:]) + ")"
    return t


def fields(t):
    return ",".join(f"{k.rstrip('!')}:{text(x)}{'!' if k.endswith('!') else ''}" for k, x in t.items())


SCHEMA = {
    "b": "boolean", "i": "int", "l!": "long", "f": "float", "d": "double", "d9": ("decimal", 9, 2), "d18": ("decimal", 18, 4),
    "d38": ("decimal", 38, 10), "d20": ("decimal", 20, 0), "day": "date", "t": "time", "ts": "timestamp", "tz!": "timestamptz", "s": "string",
    "bin": "binary", "u!": "uuid", "fx": ("fixed", 3),
    "st": {"a": "int", "in": {"c!": "string", "deep": {"x": "long"}}, "tags": ["string"]},
    "sr!": {"n!": "long", "o": "string"},
    "li": ["long"], "lreq!": ["string"], "ll": [["int"]],
    "ls": [{"x": "int", "y": ["string"], "z": {"q": ("decimal", 5, 1)}}],
    "m": ("map", "string", ["int"]), "mi": ("map", "long", {"k!": "date", "v": "double"}),
}
TOP = {k.rstrip("!"): x for k, x in SCHEMA.items()}
BAD = [("i", Num("2147483648")), ("i", Num("1.5")), ("i", "1"), ("l", None), ("l", Num("9223372036854775808")), ("f", Num("1e39")), ("d", Num("1e999")),
       ("d9", Num("0.001")), ("d9", Num("10000000.00")), ("d38", Num("1e38")), ("b", Num("1")), ("day", "2025-02-29"), ("t", "24:00:00"),
       ("ts", "2026-01-01T00:00:00Z"), ("tz", "2026-01-01T00:00:00"), ("tz", Num("1")), ("s", Num("1")), ("s", "a\0b"), ("bin", "QQ"), ("bin", "QR=="),
       ("u", "f79c3e09-677c-4bbd-a479-3f349cb785eg"), ("fx", "QUJDRA=="), ("st", Num("1")), ("st", {"in": {}}), ("st", {"nope": True}),
       ("sr", None), ("sr", {"o": "x"}), ("li", {}), ("li", [Num("1"), "x"]), ("ls", [{"x": Num("1")}, {"x": "y"}]),
       ("ls", [{"bad": Num("1")}]), ("m", {"k": [Num("1.5")]}), ("mi", {"x": None}), ("lreq", None), ("unknown", True), ("li", {"": Num("1")})]


def norm(t, v):
    """pyarrow's value in the form that gen() gives."""
    if v is None:
        return None
    if isinstance(t, dict):
        return {k.rstrip("!"): norm(x, v[k.rstrip("!")]) for k, x in t.items()}
    if isinstance(t, list):
        return [norm(t[0], x) for x in v]
    if isinstance(t, tuple) and t[0] == "map":
        return [(norm(t[1], k), norm(t[2], x)) for k, x in (v.items() if isinstance(v, dict) else v)]
    if t == "uuid" and not isinstance(v, bytes):
        return v.bytes
    if t == "timestamptz":
        return v.astimezone(dt.timezone.utc).replace(tzinfo=None)
    return v


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


def single_value(t, v):
    """Iceberg, Appendix D."""
    kind = t[0] if isinstance(t, tuple) else t
    us = lambda x: (x - EPOCH) // dt.timedelta(microseconds=1)
    if kind == "boolean":
        return bytes([v])
    if kind == "int":
        return struct.pack("<i", v)
    if kind == "long":
        return struct.pack("<q", v)
    if kind == "float":
        return struct.pack("<f", v)
    if kind == "double":
        return struct.pack("<d", v)
    if kind == "date":
        return struct.pack("<i", (v - dt.date(1970, 1, 1)).days)
    if kind == "time":
        return struct.pack("<q", ((v.hour * 60 + v.minute) * 60 + v.second) * 10**6 + v.microsecond)
    if kind in ("timestamp", "timestamptz"):
        return struct.pack("<q", us(v))
    if kind == "decimal":
        n = int(v.scaleb(t[2]))
        for size in range(1, 17):
            try:
                return n.to_bytes(size, "big", signed=True)
            except OverflowError:
                pass
    if kind == "string":
        return v.encode()
    return v


def upper_string(s):
    if len(s) <= 16:
        return s
    s = s[:16]
    while s:
        c = ord(s[-1])
        if c < 0x10ffff:
            return s[:-1] + chr(0xe000 if c == 0xd7ff else c + 1)
        s = s[:-1]
    return None


def upper_bytes(b):
    if len(b) <= 16:
        return b
    b = b[:16]
    while b:
        if b[-1] < 255:
            return b[:-1] + bytes([b[-1] + 1])
        b = b[:-1]
    return None


def check_metrics(out, rows):
    ids, n = {}, 0

    def number(t):
        nonlocal n
        for k, x in t.items():
            n += 1
            ids[k.rstrip("!")] = n
            skip(x)

    def skip(x):
        nonlocal n
        if isinstance(x, dict):
            for y in x.values():
                n += 1
                skip(y)
        elif isinstance(x, list):
            n += 1
            skip(x[0])
        elif isinstance(x, tuple) and x[0] == "map":
            n += 1
            skip(x[1])
            n += 1
            skip(x[2])

    number(SCHEMA)
    got = {}
    for line in out.splitlines():
        if line.startswith("leaf\t"):
            p = line.split("\t")
            got[int(p[1])] = dict(x.split("=", 1) for x in p[2:])
    for name, t in TOP.items():
        kind = t[0] if isinstance(t, tuple) else t
        if not isinstance(kind, str) or kind == "map":
            continue
        m, values = got[ids[name]], [r[name] for r in rows if r[name] is not None]
        assert int(m["values"]) == len(rows) and int(m["nulls"]) == len(rows) - len(values), (name, m)
        if not values:
            assert m["lower"] == m["upper"] == "none", (name, m)
            continue
        lo, hi = min(values), max(values)
        if kind in ("string", "binary"):
            if kind == "string":
                lo, hi = min(v.encode() for v in values).decode(), max(v.encode() for v in values).decode()
            lo, hi = lo[:16], (upper_string if kind == "string" else upper_bytes)(hi)
        if kind in ("float", "double"):
            lo, hi = (-0.0 if lo == 0 else lo), (0.0 if hi == 0 else hi)
        want = single_value(t, lo).hex(), "none" if hi is None else single_value(t, hi).hex()
        assert (m["lower"], m["upper"]) == want, (name, m, want)


def run(tool, rows, seed, options):
    random.seed(seed)
    lines, good, bad = [], [], {}
    for i in range(rows):
        js, py = gen(SCHEMA, True)
        if random.random() < .05:
            k, v = random.choice(BAD)
            js[k] = v
            bad[i] = k
        else:
            good.append(py)
        lines.append(dump(js, random.choice(["", "", "", " ", "\t"])))
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "x.parquet")
        p = subprocess.run([tool, fields(SCHEMA), out, *options], input="\n".join(lines) + "\n", text=True, capture_output=True, encoding="utf-8")
        assert p.returncode == 0, p.stderr
        rejects = {}
        for line in p.stdout.splitlines():
            if line.startswith("reject\t"):
                _, n, code, path, msg = line.split("\t", 4)
                rejects[int(n)] = (code, path, msg)
        assert rejects.keys() == bad.keys(), (sorted(rejects.keys() ^ bad.keys())[:5], {k: rejects.get(k) for k in rejects.keys() ^ bad.keys()})
        for n, (code, path, msg) in rejects.items():
            assert path.lstrip(".").startswith(bad[n]), (bad[n], code, path, msg)
        f = pq.ParquetFile(out, page_checksum_verification=True)
        t = f.read()
        assert t.num_rows == len(good), (t.num_rows, len(good))
        for name, ty in TOP.items():
            for i, v in enumerate(t.column(name).to_pylist()):
                assert same(norm(ty, v), good[i][name]), (name, i, v, good[i][name], lines[i])
        md = f.metadata
        assert sum(md.row_group(g).num_rows for g in range(md.num_row_groups)) == len(good)
        check_metrics(p.stdout, good)
        splits = [x for x in p.stdout.splitlines() if x.startswith("file\t")][0].split("splits=")[1]
        first = [min(c.dictionary_page_offset or c.data_page_offset for c in [md.row_group(g).column(0)]) for g in range(md.num_row_groups)]
        assert splits == ",".join(map(str, first)), (splits, first)
        db = duckdb.connect()
        db.sql("set timezone='UTC'")
        flat = [k for k in TOP if k not in ("f", "ll", "u")]
        got = db.sql(f"select {', '.join(chr(34) + k + chr(34) for k in flat)} from '{out}'").fetchall()
        assert len(got) == len(good)
        for i, r in enumerate(got):
            for k, v in zip(flat, r):
                assert same(norm(TOP[k], v), good[i][k]), ("duckdb", k, i, v, good[i][k])
        for k in ("i", "l", "d9", "s", "day"):      # filters that use the statistics
            v = next(r[k] for r in good if r[k] is not None)
            n = db.execute(f'select count(*) from \'{out}\' where "{k}" = ?', [v]).fetchone()[0]
            assert n == sum(r[k] == v for r in good), (k, v, n)
        return len(good), len(bad), md.num_row_groups, os.path.getsize(out)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("tool")
    a.add_argument("--rows", type=int, default=2000)
    a.add_argument("--seed", type=int, default=1)
    a = a.parse_args()
    sets = [[], ["batch=1"], ["rows=7", "group=20000"], ["page=500", "batch=13"], ["dictionary=0"], ["dictionary=300", "batch=97"], ["level=0"],
            ["group=1", "rows=100"], ["level=7", "page=3000", "group=100000"], ["thread=1", "rows=50", "group=30000"]]
    for i, s in enumerate(sets):
        good, bad, groups, size = run(a.tool, a.rows, a.seed + i, s)
        print(f"ok {' '.join(s) or 'defaults'}: {good} rows, {bad} rejects, {groups} row groups, {size} bytes")
    print(f"passed {len(sets)}")


if __name__ == "__main__":
    sys.exit(main())
