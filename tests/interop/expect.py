"""What must be in the tables, computed from the generated file by a program that shares nothing with weir."""
import collections
import csv
import datetime
import json
from decimal import Decimal

import pyarrow as pa

REGIONS = set("us-east-1 us-west-2 eu-west-1 eu-central-1 ap-south-1 ap-northeast-1 sa-east-1".split())

COLUMNS = pa.schema([
    ("event_id", pa.string()), ("event_time", pa.timestamp("us", "UTC")), ("event_type", pa.string()),
    ("user", pa.struct([("id", pa.int64()), ("email", pa.string())])), ("region", pa.string()), ("channel", pa.string()),
    ("plan", pa.string()), ("amount", pa.decimal128(9, 2)), ("currency", pa.string()),
    ("props", pa.struct([("campaign", pa.string()), ("trial", pa.bool_()), ("seats", pa.int32())])),
    ("country", pa.string()), ("segment", pa.string())])


def valid(line):
    """The event of a line, or None and the kind of damage."""
    try:
        e = json.loads(line, parse_float=Decimal)
    except ValueError:
        return None, "invalid_json"
    if "event_id" not in e:
        return None, "missing_field"
    if not isinstance(e["amount"], (Decimal, int)):
        return None, "wrong_type"
    if e["region"] not in REGIONS:
        return None, "unknown_enum"
    return e, None


def unique(path):
    """Each valid event once, as Python objects."""
    seen = set()
    with open(path, "rb") as f:
        for line in f:
            e, _ = valid(line)
            if e and e["event_id"] not in seen:
                seen.add(e["event_id"])
                yield e


def events(path, dim):
    """The table that the pipeline must make of the file: every column of every row."""
    with open(dim, newline="", encoding="utf-8") as f:
        users = {int(r["user_id"]): (r["country"], r["segment"]) for r in csv.DictReader(f)}
    cols = collections.defaultdict(list)
    for e in unique(path):
        e["event_time"] = datetime.datetime.fromisoformat(e["event_time"].replace("Z", "+00:00"))
        e["country"], e["segment"] = users.get(e["user"]["id"], (None, None))
        for name in COLUMNS.names:
            cols[name].append(e[name])
    return pa.table({n: pa.array(cols[n], COLUMNS.field(n).type) for n in COLUMNS.names}, schema=COLUMNS)


def id_sum64(ids):
    return "%016x" % (sum(int(i.replace("-", "")[:16], 16) for i in ids) % 2**64)


def minute(text):
    """The window of an event time, as the truth writes it."""
    return text[:16] + ":00Z"


def windows(truth):
    return {(w["minute"], w["region"], w["channel"]): (w["count"], Decimal(w["amount"])) for w in truth["windows"]}
