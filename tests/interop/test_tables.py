"""One table, several writers: iceberg-out, PyIceberg and Spark take turns, and all read the same rows."""
import datetime
import json
import os
import subprocess
from decimal import Decimal

import lab
import pytest
import readers

TABLE = "shop.shared"


def sink(tmp_path, *options):
    return f"iceberg-out --catalog sqlite:{tmp_path}/catalog.db --table {TABLE} " + " ".join(options)


def append(weir, tmp_path, name, seed, count=500, *options):
    """One plain batch through iceberg-out; returns its events."""
    path = tmp_path / f"{name}.ndjson"
    lab.gen_events(path, count=count, seed=seed)
    r = weir.sh(sink(tmp_path, "--batch-id", name, *options), stdin=path).expect(0)
    assert int(r.receipt["rows"]) == count
    return [json.loads(line, parse_float=Decimal) for line in path.read_text(encoding="utf-8").splitlines()]


def key(rows):
    return sorted((str(r["event_id"]), r["user"]["id"], Decimal(r["amount"])) for r in rows)


def everyone(ice):
    """The rows as each reader has them, which must agree."""
    with ice.duckdb(TABLE) as q:
        duck = readers.rows(q("SELECT * FROM t"))
    pyice = readers.rows(ice.pyiceberg(TABLE))
    spark = ice.spark(f"SELECT * FROM {readers.NAME}.{TABLE}")
    assert key(duck) == key(pyice) == key(spark)
    # all columns, not only the ones that name a row
    order = lambda rows: sorted((dict(r, event_id=str(r["event_id"])) for r in rows), key=lambda r: json.dumps(r, sort_keys=True, default=str))
    for a, b, c in zip(order(duck), order(pyice), order(spark)):
        assert a == b == c
    return pyice


def partitions_as_pyiceberg_computes_them(table):
    """Each row of each data file must give the partition that the manifest has for the file."""
    import pyarrow.parquet as pq
    files = list(table.scan().plan_files())
    for f in files:
        rows = pq.read_table(f.file.file_path.removeprefix("file://")).to_pylist()
        for i, field in enumerate(table.spec().fields):
            path = table.schema().find_column_name(field.source_id).split(".")
            kind = table.schema().find_type(field.source_id)
            transform = field.transform.transform(kind)
            want = f.file.partition[i]
            for row in rows:
                value = row
                for name in path:
                    value = value[name]
                if isinstance(value, datetime.datetime):
                    value = int(value.timestamp() * 1000000 + 0.5)
                assert transform(value) == want, (field, value, want)
    return len(files)


def test_writers_take_turns(weir, tmp_path):
    import pyarrow as pa
    want = append(weir, tmp_path, "one", 1, 500, "--create", "--schema", lab.DATA + "/events.iceberg.json")
    ice = readers.Catalog(tmp_path / "catalog.db")
    assert key(everyone(ice)) == key(want)

    # PyIceberg appends rows of its own making.
    table = ice.load(TABLE)
    mine = table.scan(limit=20).to_arrow()
    place = mine.schema.get_field_index("region")
    mine = mine.set_column(place, mine.schema.field(place), pa.array(["pyiceberg"] * 20, mine.schema.field(place).type))
    table.append(mine)
    want += readers.rows(mine)
    assert key(everyone(ice)) == key(want)

    # iceberg-out appends after it, and again after PyIceberg changed the schema.
    want += append(weir, tmp_path, "two", 2)
    table = ice.load(TABLE)
    with table.update_schema() as u:
        from pyiceberg.types import IntegerType, StringType
        u.add_column("note", StringType())
        u.add_column(("user", "age"), IntegerType())
        u.rename_column("plan", "tariff")
        u.move_first("region")
    path = tmp_path / "three.ndjson"
    lab.gen_events(path, count=300, seed=3)
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for i, e in enumerate(events):
        e["note"], e["user"]["age"], e["tariff"] = f"n{i}", i, e.pop("plan")
    path.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events), encoding="utf-8")
    weir.sh(sink(tmp_path, "--batch-id three"), stdin=path).expect(0)
    want += events
    rows = everyone(ice)
    assert len(rows) == len(want)
    assert {r["note"] for r in rows} == {None} | {f"n{i}" for i in range(300)}
    assert {r["user"]["age"] for r in rows if r["note"]} == set(range(300))
    # The renamed column still shows what was written under its old name.
    assert {r["tariff"] for r in rows} == {"free", "basic", "pro", "team", "enterprise"}

    # Spark appends, iceberg-out once more, and PyIceberg deletes what it had appended.
    ice.spark(f"INSERT INTO {readers.NAME}.{TABLE} SELECT * FROM {readers.NAME}.{TABLE} WHERE note = 'n7'")
    weir.sh(sink(tmp_path, "--batch-id four"), stdin=path).expect(0)
    ice.load(TABLE).delete("region = 'pyiceberg'")
    rows = everyone(ice)
    assert len(rows) == 500 + 500 + 300 + 1 + 300
    assert sum(r["note"] == "n7" for r in rows) == 3
    # The history each writer left is one chain.
    snapshots = ice.load(TABLE).snapshots()
    assert [s.parent_snapshot_id for s in snapshots[1:]] == [s.snapshot_id for s in snapshots[:-1]]
    assert [s.sequence_number for s in snapshots] == list(range(1, len(snapshots) + 1))


def test_batch_twice_is_once(weir, tmp_path):
    append(weir, tmp_path, "one", 1, 100, "--create", "--schema", lab.DATA + "/events.iceberg.json")
    r = weir.sh(sink(tmp_path, "--batch-id one"), stdin=tmp_path / "one.ndjson").expect(0)
    assert r.receipt["already"] in (True, "true")
    assert readers.Catalog(tmp_path / "catalog.db").pyiceberg(TABLE).num_rows == 100


@pytest.mark.parametrize("spec", ["day(event_time)", "bucket(16,user.id)", "region,truncate(4,channel)",
                                  "hour(event_time),bucket(4,event_id)", "truncate(100,amount)", "month(event_time)"])
def test_partitions(weir, tmp_path, spec):
    """Every reader prunes by what the manifests say: filters over partitioned tables find what Python finds."""
    path = tmp_path / "p.ndjson"
    lab.gen_events(path, count=2000, rate=1, late_percent=20)
    events = [json.loads(line, parse_float=Decimal) for line in path.read_text(encoding="utf-8").splitlines()]
    weir.sh(sink(tmp_path, "--plain --create --schema", lab.DATA + "/events.iceberg.json", f"--partition '{spec}'"), stdin=path).expect(0)
    ice = readers.Catalog(tmp_path / "catalog.db")
    table = ice.load(TABLE)
    assert len(table.spec().fields) == spec.count("(") + ("region" in spec)
    assert partitions_as_pyiceberg_computes_them(table) > 1
    assert key(everyone(ice)) == key(events)
    one = events[777]
    cut = datetime.datetime(2026, 1, 1, 0, 20, tzinfo=datetime.timezone.utc)
    early = sum(e["event_time"] < "2026-01-01T00:20" for e in events)
    for where, n in [(f"event_id = '{one['event_id']}'", 1), (f"region = '{one['region']}' AND channel = '{one['channel']}'",
                     sum(e["region"] == one["region"] and e["channel"] == one["channel"] for e in events)),
                     (f"event_time < '{cut.isoformat()}'", early), (f"user.id = {one['user']['id']}",
                     sum(e["user"]["id"] == one["user"]["id"] for e in events)),
                     ("amount >= 299", sum(e["amount"] >= 299 for e in events))]:
        if not where.startswith("event_id"):    # Arrow compares no UUIDs
            assert table.scan(row_filter=where).to_arrow().num_rows == n, where
        if "event_id" not in where or "event_id" not in spec:   # DuckDB hashes UUIDs in an order of its own
            with ice.duckdb(TABLE) as q:
                assert q(f"SELECT count(*) AS n FROM t WHERE {where}")["n"].to_pylist() == [n], where
        if where.startswith("event_id"):
            continue                            # Java orders UUIDs as signed numbers when it prunes, and finds none
        spark = where.replace("event_time < '", "event_time < timestamp '")
        assert ice.spark(f"SELECT count(*) AS n FROM {readers.NAME}.{TABLE} WHERE {spark}") == [{"n": n}], where


def test_opened_as_a_directory(weir, tmp_path):
    """version-hint.text leads a reader that knows no catalog."""
    append(weir, tmp_path, "one", 1, 100, "--create", "--schema", lab.DATA + "/events.iceberg.json")
    append(weir, tmp_path, "two", 2, 50)
    ice = readers.Catalog(tmp_path / "catalog.db")
    folder = os.path.dirname(os.path.dirname(ice.metadata(TABLE).removeprefix("file://")))
    with ice.duckdb(TABLE, metadata=folder) as q:
        assert q("SELECT count(*) AS n FROM t")["n"].to_pylist() == [150]


def test_time_travel(weir, tmp_path):
    append(weir, tmp_path, "one", 1, 100, "--create", "--schema", lab.DATA + "/events.iceberg.json")
    append(weir, tmp_path, "two", 2, 50)
    ice = readers.Catalog(tmp_path / "catalog.db")
    first = ice.load(TABLE).snapshots()[0].snapshot_id
    assert ice.pyiceberg(TABLE, snapshot=first).num_rows == 100
    assert ice.spark(f"SELECT count(*) AS n FROM {readers.NAME}.{TABLE} VERSION AS OF {first}") == [{"n": 100}]
    lines = weir.sh(f"iceberg-in --plain --catalog sqlite:{tmp_path}/catalog.db --table {TABLE} --snapshot {first}").expect(0)
    assert len(lines.out.splitlines()) == 100


def test_iceberg_in_reads_what_others_wrote(weir, tmp_path):
    """PyIceberg makes the table, iceberg-in reads it, with nulls and nested values as they are."""
    import pyarrow as pa
    from pyiceberg.catalog import load_catalog
    c = load_catalog(readers.NAME, type="sql", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    c.create_namespace("db")
    rows = [{"n": 1, "text": "ä\"\\\n", "d": Decimal("12.50"), "nested": {"a": [1, 2], "b": None}},
            {"n": 2**60 + 1, "text": None, "d": None, "nested": {"a": [], "b": "x"}}]
    tab = pa.Table.from_pylist(rows, pa.schema([("n", pa.int64()), ("text", pa.string()), ("d", pa.decimal128(9, 2)),
                                                ("nested", pa.struct([("a", pa.list_(pa.int64())), ("b", pa.string())]))]))
    c.create_table("db.theirs", tab.schema).append(tab)
    out = weir.sh(f"iceberg-in --plain --catalog sqlite:{tmp_path}/catalog.db --table db.theirs").expect(0).out
    got = [json.loads(line, parse_float=Decimal) for line in out.splitlines()]
    tidy = lambda v: {k: tidy(x) for k, x in v.items() if x is not None} if isinstance(v, dict) else v
    assert sorted((tidy(r) for r in got), key=lambda r: r["n"]) == [tidy(r) for r in rows]
    assert subprocess.run(["jq", "-c", "."], input=out.encode(), stdout=subprocess.DEVNULL).returncode == 0
