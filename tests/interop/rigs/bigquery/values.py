"""Rows: what each type takes, schemas, partitions."""
import base64
import binascii
import datetime as dt
import decimal
import json
import re
import time

from reply import Err, JobError

UTC = dt.timezone.utc
DEC = decimal.Context(prec=100)
ALIAS = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "DECIMAL": "NUMERIC",
         "BIGDECIMAL": "BIGNUMERIC"}
TYPES = {"STRING", "BYTES", "INTEGER", "FLOAT", "BOOLEAN", "NUMERIC", "BIGNUMERIC", "TIMESTAMP", "DATE", "TIME", "DATETIME", "GEOGRAPHY",
         "JSON", "RECORD", "INTERVAL", "RANGE"}
BIGGEST = decimal.Decimal((1 << 255) - 1).scaleb(-38, DEC)      # BIGNUMERIC: 256 bits, 38 of its digits behind the point
ftype = lambda f: ALIAS.get(f["type"].upper(), f["type"].upper())
fmode = lambda f: (f.get("mode") or "NULLABLE").upper()
TS = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ Tt](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6})\d*)?)?)?"
                r"(?:\s?(Z|z|UTC|[+-]\d{1,2}(?::?\d{2})?))?$")


EPOCH, US = dt.datetime(1970, 1, 1, tzinfo=UTC), dt.timedelta(microseconds=1)


def micros(v):
    """TIMESTAMP as microseconds; numbers are seconds since the epoch, as in the documentation."""
    if isinstance(v, bool):
        raise ValueError
    if isinstance(v, str) and len(v) in (20, 24, 27) and v[10] == "T" and v[-1] == "Z":     # the usual form, quickly
        return (dt.datetime.fromisoformat(v) - EPOCH) // US
    if isinstance(v, (int, float)):
        us = int(decimal.Decimal(repr(v)) * 1000000)
    else:
        m = TS.match(v)
        if not m:
            return micros(float(v)) if re.match(r"^-?\d+(\.\d+)?([eE]\d+)?$", v) else int("x")
        y, mo, d, h, mi, s, fr, z = m.groups()
        us = int((dt.datetime(int(y), int(mo), int(d), int(h or 0), int(mi or 0), int(s or 0), tzinfo=UTC)
                  - dt.datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1000000 + int((fr or "0").ljust(6, "0"))
        if z and z[0] in "+-":
            zz = z[1:].replace(":", "")
            off = int(zz[:2] if len(zz) != 3 else zz[:1]) * 3600 + int(zz[-2:] if len(zz) > 2 else 0) * 60
            us -= (1 if z[0] == "+" else -1) * off * 1000000
    if not -62135596800000000 <= us <= 253402300799999999:
        raise ValueError("out of range")
    return us


INTERVAL = re.compile(r"^P(?=.)(-?\d+Y)?(-?\d+M)?(-?\d+D)?(T(?=.)(-?\d+H)?(-?\d+M)?(-?\d+(\.\d{1,6})?S)?)?$"
                      r"|^-?\d+-\d+ -?\d+ -?\d+:\d+:\d+(\.\d{1,6})?$")


def a_range(f, v, cfg):
    """A RANGE as tabledata.list gives it."""
    t, ends = f["rangeElementType"]["type"], [None, None]
    if not isinstance(v, dict) or set(v) - {"start", "end"}:
        raise ValueError("Invalid range value: %s" % json.dumps(v))
    for k, end in enumerate(("start", "end")):
        if v.get(end) is not None:
            ends[k] = scalar(t, v[end], cfg)
    if None not in ends and ends[0] >= ends[1]:
        raise ValueError("Range start must be less than range end: %s" % json.dumps(v))
    return "[%s, %s)" % tuple("UNBOUNDED" if e is None else e for e in ends)


def scalar(t, v, cfg):
    if t == "STRING" or t == "GEOGRAPHY":
        if isinstance(v, (dict, list)):
            raise ValueError("Cannot convert value to string")
        return v if isinstance(v, str) else getattr(v, "text", None) or json.dumps(v)
    if t == "INTEGER":
        if isinstance(v, bool) or (isinstance(v, float) and v != int(v)) or isinstance(v, (dict, list)):
            raise ValueError("Cannot convert value to integer (bad value): %s" % json.dumps(v))
        if isinstance(v, int) and cfg["strict_int53"] and abs(v) > 2 ** 53 - 1:
            raise ValueError("Integer outside +-(2^53-1) must be sent as a string: %d" % v)
        try:
            i = int(v)
        except ValueError:
            raise ValueError("Cannot convert value to integer (bad value): %s" % v)
        if not -2 ** 63 <= i < 2 ** 63:
            raise ValueError("Cannot convert value to integer (bad value): %s" % v)
        return i
    if t == "FLOAT":
        if isinstance(v, (bool, dict, list)):
            raise ValueError("Cannot convert value to floating point (bad value): %s" % json.dumps(v))
        try:
            f = float(v)
        except ValueError:
            raise ValueError("Cannot convert value to floating point (bad value): %s" % v)
        return f if f == f and abs(f) != float("inf") else str(f)
    if t == "BOOLEAN":
        if isinstance(v, bool):
            return v
        if isinstance(v, str) and v.lower() in ("true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"):
            return v.lower() in ("true", "t", "1", "yes", "y")
        raise ValueError("Cannot convert value to boolean: %s" % json.dumps(v))
    if t in ("NUMERIC", "BIGNUMERIC"):
        text = getattr(v, "text", v)
        if isinstance(v, bool) or not isinstance(v, (str, int, float)):
            raise ValueError("Invalid %s value: %s" % (t, json.dumps(v)))
        if cfg["strict_int53"] and not isinstance(v, str) and len(re.sub(r"[eE].*|\D", "", str(text)).strip("0")) > 15:
            raise ValueError("A %s of more than 15 digits must be sent as a string: %s" % (t, text))
        d = decimal.Decimal(str(text)).normalize(DEC)
        fits = d.is_finite() and (d.copy_abs() < decimal.Decimal(10) ** 29 and d.as_tuple().exponent >= -9 if t == "NUMERIC"
                                  else d.copy_abs() <= BIGGEST and d.as_tuple().exponent >= -38)
        if not fits:
            raise ValueError("Invalid %s value: %s" % (t, text))
        return format(d, "f")
    if t == "BYTES":
        try:
            return base64.b64encode(base64.b64decode(v, validate=True)).decode()
        except (binascii.Error, TypeError):
            raise ValueError("Could not decode base64 string to bytes.")
    if t == "TIMESTAMP":
        try:
            return micros(v)
        except (ValueError, TypeError):
            raise ValueError("Couldn't convert value to timestamp: Could not parse '%s' as a timestamp." % v)
    if t == "DATE":
        try:
            return dt.date(*[int(x) for x in re.match(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$", v).groups()]).isoformat()
        except (AttributeError, TypeError, ValueError):
            raise ValueError("Invalid date: '%s'" % v)
    if t in ("DATETIME", "TIME"):
        m = re.match(r"^(?:(\d{4})-(\d\d?)-(\d\d?)[Tt ])?(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,6}))?$", v) if isinstance(v, str) else None
        try:
            if (m.group(1) is None) == (t == "DATETIME"):
                raise ValueError
            y, mo, d, h, mi, sec = (int(x or 1) for x in m.groups()[:6])
            whole = dt.datetime(y, mo, d, h, mi, sec, int((m.group(7) or "0").ljust(6, "0")))
        except (AttributeError, ValueError):
            raise ValueError("Invalid %s string \"%s\"" % (t.lower(), v))
        return (whole if t == "DATETIME" else whole.time()).isoformat()
    if t == "INTERVAL":
        if not isinstance(v, str) or not INTERVAL.match(v):
            raise ValueError("Invalid interval value '%s'" % v)
        return v
    if t == "JSON":
        return json.dumps(v, separators=(",", ":"))
    raise ValueError("Unsupported type " + t)


NAMES = {}


def by_name(fields):
    """Fields by lower-case name, remembered per list (kept alive, so that its id stays its own)."""
    hit = NAMES.get(id(fields))
    if hit is None or hit[0] is not fields or len(hit[1]) != len(fields):
        if len(NAMES) > 200:
            NAMES.clear()
        hit = NAMES[id(fields)] = (fields, {f["name"].lower(): f for f in fields})
    return hit[1]


def convert(fields, obj, cfg, ignore_unknown, path=""):
    if not isinstance(obj, dict):
        raise ValueError("JSON object expected for %s" % (path or "row"))
    by, out, seen = by_name(fields), {}, set()
    for k, v in obj.items():
        f = by.get(k.lower())
        if k.lower() in seen:
            raise ValueError("Duplicate(Case Insensitive) field names: %s." % k)
        seen.add(k.lower())
        if f is None:
            if ignore_unknown:
                continue
            raise ValueError("No such field: %s%s." % (path, k))
        t, n = ftype(f), path + f["name"]
        if v.__class__ is str and t == "STRING" and f.get("mode") != "REPEATED":
            out[f["name"]] = v
            continue
        one = (lambda x: convert(f["fields"], x, cfg, ignore_unknown, n + ".")) if t == "RECORD" else \
              (lambda x: a_range(f, x, cfg)) if t == "RANGE" else (lambda x: scalar(t, x, cfg))
        try:
            if fmode(f) == "REPEATED":
                if v is None:
                    v = []
                if not isinstance(v, list):
                    raise ValueError("Array specified for non-repeated field: %s." % n if isinstance(v, list)
                                     else "Repeated field must be imported as a JSON array. Field: %s." % n)
                if any(x is None for x in v):
                    raise ValueError("Only optional fields can be set to NULL. Field: %s; Value: NULL" % n)
                out[f["name"]] = [one(x) for x in v]
            elif isinstance(v, list) and t != "JSON":
                raise ValueError("Array specified for non-repeated field: %s." % n)
            elif v is not None:
                out[f["name"]] = one(v)
        except (ValueError, decimal.InvalidOperation, TypeError) as e:
            s = str(e) or "bad value"
            raise ValueError(s if "Field:" in s or "field" in s else "%s Field: %s; Value: %s" % (s, n, str(v)[:80]))
    for f in fields:
        if fmode(f) == "REQUIRED" and out.get(f["name"]) is None:
            raise ValueError("Missing required field: %s%s." % (path, f["name"]))
        if fmode(f) == "REPEATED":
            out.setdefault(f["name"], [])
    return out


def pairs(p):
    d = {}
    for k, v in p:
        if k in d:
            raise ValueError("Duplicate field name: %s" % k)
        d[k] = v
    return d


class Number(float):
    """A number with its literal: a decimal column takes that."""
    __slots__ = ("text",)

    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self


def bad_constant(c):
    raise ValueError("Parser terminated before end of string (%s)" % c)


def parse_line(b, decimals=False):
    """One row; decimals: a column of the table is of a decimal type."""
    return json.loads(b.decode("utf-8"), object_pairs_hook=pairs, parse_constant=bad_constant, parse_float=Number if decimals else None)


def has_decimals(fields):
    return any(ftype(f) in ("NUMERIC", "BIGNUMERIC") or has_decimals(f.get("fields") or []) for f in fields)


def cell(f, v, int64ts):
    """A stored value in the wire form of tabledata.list / getQueryResults."""
    if v is None:
        return {"v": [] if fmode(f) == "REPEATED" else None}
    if fmode(f) == "REPEATED":
        g = dict(f, mode="NULLABLE")
        return {"v": [cell(g, x, int64ts) for x in v]}
    t = ftype(f)
    if t == "RECORD":
        return {"v": {"f": [cell(g, v.get(g["name"]), int64ts) for g in f["fields"]]}}
    if t == "TIMESTAMP":
        return {"v": str(v) if int64ts else repr(v / 1e6)}
    if t == "BOOLEAN":
        return {"v": "true" if v else "false"}
    return {"v": v if isinstance(v, str) else (repr(v) if isinstance(v, float) else str(v))}


DECORATOR = {"HOUR": (10, "%Y%m%d%H"), "DAY": (8, "%Y%m%d"), "MONTH": (6, "%Y%m"), "YEAR": (4, "%Y")}


def pid_of(spec, row):
    """Partition id of a row; None for a table without partitions."""
    tp, rp = spec.get("timePartitioning"), spec.get("rangePartitioning")
    if rp:
        v, (start, end, step) = row.get(rp["field"]), (int(rp["range"][k]) for k in ("start", "end", "interval"))
        if v is None:
            return "__NULL__"
        return str(start + (v - start) // step * step) if start <= v < end else "__UNPARTITIONED__"
    if not tp:
        return None
    if tp.get("field") is None:
        us = int(time.time() * 1e6)
    else:
        v = row.get(tp["field"])
        if v is None:
            return "__NULL__"
        us = v if isinstance(v, int) else micros(v)
    return (EPOCH + dt.timedelta(microseconds=us)).strftime(DECORATOR[tp.get("type", "DAY")][1])


def check_decorator(spec, part, where):
    """The part behind $ fits the table's partitions."""
    tp, rp = spec.get("timePartitioning"), spec.get("rangePartitioning")
    if not tp and not rp:
        raise JobError("invalid", "Cannot load into a partition of the non-partitioned table %s" % where)
    if rp:
        start, end, step = (int(rp["range"][k]) for k in ("start", "end", "interval"))
        good = re.fullmatch(r"-?\d+", part) and start <= int(part) < end and (int(part) - start) % step == 0
    else:
        n, form = DECORATOR[tp.get("type", "DAY")]
        try:
            good = len(part) == n and dt.datetime.strptime(part, form)
        except ValueError:
            good = False
    if not good:
        raise JobError("invalid", "Invalid partition decorator $%s for table %s" % (part, where))


def normalised(fields):
    """A schema as the service gives it back: the old names of types, a mode everywhere."""
    return [dict(f, type=ftype(f), mode=fmode(f), **({"fields": normalised(f["fields"])} if f.get("fields") else {})) for f in fields]


def merge_schema(old, new, add, relax, where, top=True):
    """Fields of `old` widened by `new`; raises JobError as the service words it."""
    by, out = {f["name"].lower(): f for f in new}, []
    for f in old:
        g, f = by.pop(f["name"].lower(), None), dict(f)
        if g is not None:
            if ftype(f) != ftype(g):
                raise JobError("invalid", "Provided Schema does not match Table %s. Field %s has changed type from %s to %s"
                               % (where, f["name"], ftype(f), ftype(g)))
            if fmode(f) != fmode(g):
                if fmode(f) == "REQUIRED" and fmode(g) == "NULLABLE":
                    if not relax:
                        raise JobError("invalid", "Provided Schema does not match Table %s. Field %s has changed mode "
                                       "from REQUIRED to NULLABLE" % (where, f["name"]))
                    f["mode"] = "NULLABLE"
                else:
                    raise JobError("invalid", "Provided Schema does not match Table %s. Field %s has changed mode from %s to %s"
                                   % (where, f["name"], fmode(f), fmode(g)))
            if ftype(f) == "RECORD":
                f["fields"] = merge_schema(f["fields"], g.get("fields", []), add, relax, where, False)
            if g.get("description"):
                f["description"] = g["description"]
        out.append(f)
    for g in new:
        if g["name"].lower() in by:
            if not add:
                raise JobError("invalid", "Provided Schema does not match Table %s. Cannot add fields (field: %s)" % (where, g["name"]))
            if fmode(g) == "REQUIRED":
                raise JobError("invalid", "Provided Schema does not match Table %s. Cannot add required fields to an "
                               "existing schema. (field: %s)" % (where, g["name"]))
            out.append(g)
    return out


NAME = re.compile(r"""[^!"$()*,./;?@\[\\\]^`{}~\x00-\x1f]{1,300}""")      # "Flexible column names"
RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")


def check_fields(fields, depth=1):
    """Names and types of a schema; the names that are there, in lower case."""
    names = set()
    if depth > 15:
        raise Err(400, "Schema has nested records deeper than 15 levels.")
    for f in fields:
        if not NAME.fullmatch(f["name"]) or f["name"].upper().startswith(RESERVED):
            raise Err(400, "Invalid field name \"%s\". Fields must contain the allowed characters, and be at most 300 characters long." % f["name"])
        if f["name"].lower() in names:
            raise Err(400, "Duplicate field name: " + f["name"])
        names.add(f["name"].lower())
        if ftype(f) not in TYPES:
            raise Err(400, "Invalid value for type: %s is not a valid value" % f["type"])
        if fmode(f) not in ("NULLABLE", "REQUIRED", "REPEATED"):
            raise Err(400, "Invalid value for mode: %s is not a valid value" % f["mode"])
        if ftype(f) == "RANGE" and (f.get("rangeElementType") or {}).get("type") not in ("DATE", "DATETIME", "TIMESTAMP"):
            raise Err(400, "Field %s is type RANGE but has no element type" % f["name"])
        if ftype(f) == "RECORD":
            if not f.get("fields"):
                raise Err(400, "Field %s is type RECORD but has no schema" % f["name"])
            check_fields(f["fields"], depth + 1)
    return names


def guess(rows):
    """autodetect, roughly."""
    fields = {}
    for r in rows[:500]:
        for k, v in r.items():
            mode, x = ("REPEATED", v[0] if v else None) if isinstance(v, list) else ("NULLABLE", v)
            if x is None:
                continue
            t = ("BOOLEAN" if isinstance(x, bool) else "INTEGER" if isinstance(x, int) else "FLOAT" if isinstance(x, float)
                 else "RECORD" if isinstance(x, dict) else "TIMESTAMP" if TS.match(x) and ":" in x else "STRING")
            f = {"name": k, "type": t, "mode": mode}
            if t == "RECORD":
                f["fields"] = guess([x])
            if k in fields and fields[k]["type"] != t:
                f["type"] = "FLOAT" if {t, fields[k]["type"]} == {"INTEGER", "FLOAT"} else "STRING"
            fields[k] = f
    return list(fields.values())

