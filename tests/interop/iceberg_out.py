"""iceberg-out and independent readers: PyIceberg and DuckDB read what it writes, PyIceberg appends, evolves and repartitions, and
iceberg-out appends after that.

    python tests/interop/iceberg_out.py BUILD_DIR       # prints "N passed"

Needs pyiceberg[sql-sqlite,pyarrow] and duckdb with its iceberg and avro extension wheels.
"""
import datetime as dt, decimal, json, os, subprocess, sys, tempfile, uuid

import duckdb
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import DateType, ListType, LongType, NestedField, StringType

build = os.path.abspath(sys.argv[1])
tool = os.path.join(build, "tools/iceberg-out/iceberg-out")
home = tempfile.mkdtemp(prefix="weir-interop.")
os.chdir(home)
passed = 0


def check(what, got, want):
    global passed
    if got != want:
        sys.exit(f"FAILED {what}\n got {got!r}\nwant {want!r}")
    passed += 1


def out(table, events, *options, code=0):
    data = "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events)
    r = subprocess.run([tool, "--plain", "--table", table, *options], input=data, text=True, capture_output=True)
    if r.returncode != code:
        sys.exit(f"iceberg-out {table} {options}: exit {r.returncode}, expected {code}\n{r.stderr}")
    return json.loads(r.stdout.splitlines()[-1]) if r.stdout else None


def catalog():
    return SqlCatalog("weir", uri=f"sqlite:///{home}/warehouse/catalog.db", warehouse=f"file://{home}/warehouse")


def duck(table, sql):
    c = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    site = os.path.dirname(os.path.dirname(duckdb.__file__))
    for e in ("avro", "iceberg"):
        c.execute(f"LOAD '{site}/duckdb_extension_{e}/extensions/v{duckdb.__version__}/{e}.duckdb_extension'")
    c.execute("SET TimeZone='UTC'")
    where = catalog().load_table(table).location().removeprefix("file://")
    return c.execute(sql.replace("$t", f"iceberg_scan('{where}')")).fetchall()


UTC = dt.timezone.utc
# ---------------------------------------------------------------- every type, nested
columns = ("b=boolean,i=int,l=long,f=float,d=double,m=decimal(9,2),m18=decimal(18,3),m38=decimal(38,10),da=date,ti=time,ts=timestamp,"
           "tz=timestamptz,s=string,u=uuid,x=fixed[3],bin=binary")
full = {"b": True, "i": -7, "l": 9007199254740993, "f": 1.5, "d": -0.1, "m": 12.30, "m18": "123456789012345.678",
        "m38": "-1234567890123456789012345678.0123456789", "da": "1969-12-31", "ti": "23:59:59.000001", "ts": "2026-01-02T03:04:05.000006",
        "tz": "2026-01-02T03:04:05+02:00", "s": "grün 日本 \"q\"", "u": "f79c3e09-677c-4bbd-a479-3f349cb785e7", "x": "AAEC", "bin": "/w=="}
out("t.types", [full, {}], "--create", "--columns", columns)
want = {"b": True, "i": -7, "l": 9007199254740993, "f": 1.5, "d": -0.1, "m": decimal.Decimal("12.30"),
        "m18": decimal.Decimal("123456789012345.678"), "m38": decimal.Decimal("-1234567890123456789012345678.0123456789"),
        "da": dt.date(1969, 12, 31), "ti": dt.time(23, 59, 59, 1), "ts": dt.datetime(2026, 1, 2, 3, 4, 5, 6),
        "tz": dt.datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC), "s": 'grün 日本 "q"', "u": uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7"),
        "x": b"\0\1\2", "bin": b"\xff"}
check("types, PyIceberg", catalog().load_table("t.types").scan().to_arrow().to_pylist(), [want, dict.fromkeys(want)])
check("types, DuckDB", duck("t.types", "select l, m, m18, m38, da, ti, ts, s, u, bin from $t where b"),
      [tuple(want[k] for k in ("l", "m", "m18", "m38", "da", "ti", "ts", "s", "u", "bin"))])
for k, op in (("l", "="), ("m", "="), ("da", "<="), ("s", "="), ("d", "<")):
    row_filter = {"l": "l = 9007199254740993", "m": "m = 12.30", "da": "da <= '1969-12-31'", "s": "s >= 'grün'", "d": "d < 0"}[k]
    check(f"types, filter by bounds of {k}", catalog().load_table("t.types").scan(row_filter=row_filter).to_arrow().num_rows, 1)

nested = {"id": 1, "u": {"name": {"first": "A"}, "tags": ["x", None, "y"]}, "items": [{"sku": "s", "qty": 2}, {"sku": "t", "qty": None}], "grid": [[1, 2], []]}
out("t.nested", [nested, {"id": 2, "u": {"name": None, "tags": []}, "items": [], "grid": [[3]]}, {"id": 3}], "--create")
check("nested, PyIceberg", catalog().load_table("t.nested").scan().to_arrow().to_pylist()[0], nested)
check("nested, DuckDB", duck("t.nested", "select id, u.name.first, len(u.tags), len(items), items[1].qty, grid from $t order by id"),
      [(1, "A", 3, 2, 2, [[1, 2], []]), (2, None, 0, 0, None, [[3]]), (3, None, None, None, None, None)])

# ---------------------------------------------------------------- every transform: PyIceberg prunes with it and finds the row
rows = [{"id": n, "i": n - 50, "s": f"name-{n:03d}", "ts": f"20{20 + n % 7}-0{1 + n % 9}-1{n % 9}T{n % 24:02d}:00:00Z", "m": f"{n - 50}.{n:02d}"} for n in range(100)]
cols = "id=long,i=int,s=string,ts=timestamptz,m=decimal(9,2)"
for spec, where, n in (("id", "id = 7", 1), ("bucket(16,id)", "id = 7", 1), ("bucket(5,s)", "s = 'name-042'", 1), ("truncate(10,i)", "i = -33", 1),
                       ("truncate(7,s)", "s = 'name-042'", 1), ("truncate(50,m)", "m = -33.17", 1), ("year(ts)", "ts = '2021-02-11T01:00:00+00:00'", 1),
                       ("month(ts)", "ts = '2021-02-11T01:00:00+00:00'", 1), ("day(ts)", "ts = '2021-02-11T01:00:00+00:00'", 1),
                       ("hour(ts)", "ts = '2021-02-11T01:00:00+00:00'", 1), ("day(ts),bucket(4,id)", "id = 99", 1)):
    name = "p.t" + "".join(c for c in spec if c.isalnum())
    r = out(name, rows, "--create", "--columns", cols, "--partition", spec)
    check(f"{spec}: rows", r["rows"], 100)
    t = catalog().load_table(name)
    check(f"{spec}: PyIceberg, all", t.scan().to_arrow().num_rows, 100)
    check(f"{spec}: PyIceberg, pruned", t.scan(row_filter=where).to_arrow().num_rows, n)
    planned = len(list(t.scan(row_filter=where).plan_files()))
    check(f"{spec}: pruning skips files", planned < r["files"], True)
    check(f"{spec}: DuckDB", duck(name, "select count(*), sum(id)::bigint from $t"), [(100, 4950)])
    for entry in t.inspect.files().to_pylist():
        check(f"{spec}: file size", os.stat(entry["file_path"].removeprefix("file://")).st_size, entry["file_size_in_bytes"])

# ---------------------------------------------------------------- PyIceberg writes, evolves, repartitions; iceberg-out goes on
out("t.shared", [{"id": 1, "name": "a", "ts": "2026-01-01T00:00:00Z"}], "--create", "--columns", "id=int,name=string,ts=timestamptz")
t = catalog().load_table("t.shared")
t.append(pa.table({"id": pa.array([2], pa.int32()), "name": ["b"], "ts": pa.array([dt.datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("us", "UTC"))}))
out("t.shared", [{"id": 3, "name": "c"}])
with t.update_schema() as u:
    u.add_column("extra", StringType())
    u.update_column("id", LongType())
    u.rename_column("name", "title")
out("t.shared", [{"id": 4294967296, "title": "d", "extra": "e"}])
t = catalog().load_table("t.shared")
with t.update_spec() as u:
    u.add_field("ts", DayTransform(), "day")
    u.add_identity("title")
r = out("t.shared", [{"id": 5, "title": "e", "ts": "2026-01-05T10:00:00Z"}, {"id": 6, "title": "f", "more": {"x": 1}}], "--evolve", "add")
check("evolved: files", r["files"], 2)
t = catalog().load_table("t.shared")
got = sorted((x["id"], x["title"], x["extra"], x["more"]) for x in t.scan().to_arrow().to_pylist())
check("evolved: PyIceberg", got, [(1, "a", None, None), (2, "b", None, None), (3, "c", None, None), (5, "e", None, None), (6, "f", None, {"x": 1}),
                                  (4294967296, "d", "e", None)])
check("evolved: DuckDB", duck("t.shared", "select count(*), max(id), max(title) from $t"), [(6, 4294967296, "f")])
check("evolved: pruned", t.scan(row_filter="title = 'e'").to_arrow().num_rows, 1)
t.append(pa.table({"id": [7], "title": ["g"], "ts": pa.array([None], pa.timestamp("us", "UTC"))}))
check("evolved: PyIceberg appends again", catalog().load_table("t.shared").scan().to_arrow().num_rows, 7)
check("totals", catalog().load_table("t.shared").current_snapshot().summary["total-records"], "7")

# ---------------------------------------------------------------- widen; time travel; a table that PyIceberg made
out("t.wide", [{"i": 1, "f": 0.5}], "--create", "--columns", "i=int,f=float")
out("t.wide", [{"i": 3000000000, "f": 1e300}], "--evolve", "widen")
check("widened", catalog().load_table("t.wide").scan().to_arrow().to_pylist(), [{"i": 3000000000, "f": 1e300}, {"i": 1, "f": 0.5}])
first = catalog().load_table("t.wide").history()[0].snapshot_id
check("time travel", catalog().load_table("t.wide").scan(snapshot_id=first).to_arrow().num_rows, 1)

c = catalog()
c.create_namespace("theirs")
c.create_table("theirs.t", schema=Schema(NestedField(1, "id", LongType()), NestedField(2, "tags", ListType(4, StringType())), NestedField(3, "day", DateType())),
               partition_spec=PartitionSpec(PartitionField(source_id=3, field_id=1000, transform=IdentityTransform(), name="day")))
out("theirs.t", [{"id": 1, "tags": ["a"], "day": "2026-01-01"}, {"id": 2, "day": None}])
check("made by PyIceberg", sorted((x["id"], x["day"]) for x in catalog().load_table("theirs.t").scan().to_arrow().to_pylist()),
      [(1, dt.date(2026, 1, 1)), (2, None)])

print(f"{passed} passed")
