"""The main job: a topic of generated events to Iceberg tables, compared with the generator's own answers."""
import datetime
import json
import os
import subprocess
from decimal import Decimal

import expect
import lab
import pytest
import readers

SCHEMA = os.path.join(lab.TOP, "contrib", "demo", "events.schema.json")
FUSE = pytest.mark.parametrize("fuse", ["auto", "no"])


def source(kafka, events):
    return f"kcat-in -b {kafka.bootstrap} -t {events.topic} -e --meta --time event_time"


def sink(cwd, table, schema, *options):
    return (f"iceberg-out --catalog sqlite:{cwd}/lake/catalog.db --table {table} --create --drop-meta "
            f"--schema {lab.DATA}/{schema} " + " ".join(options))


def rejects(state, stage):
    """Reject records of a stage in the state directory."""
    out = []
    for folder, _, files in os.walk(state):
        if folder.endswith("/rejects") and f"{stage}.ndjson.zst" in files:
            text = subprocess.run(["zstd", "-dc", f"{folder}/{stage}.ndjson.zst"], check=True, stdout=subprocess.PIPE).stdout
            out += [json.loads(line) for line in text.splitlines()]
    return out


def counts(receipt):
    """The accounts of a receipt: {stage: {verdict: number}}, stages without their number."""
    return {name.split(".", 1)[1]: {k: int(v) for k, v in c.items()} for name, c in receipt["acct"].items()}


def same_rows(query, expected):
    """Rows of the view t that are not expected, and expected ones that are missing."""
    columns = ", ".join(f'"{c}"' if c != "event_id" else "CAST(event_id AS VARCHAR)" for c in expected.column_names)
    query.connection.register("e", expected)
    extra = query(f"SELECT {columns} FROM t EXCEPT ALL SELECT {columns} FROM e LIMIT 3")
    missing = query(f"SELECT {columns} FROM e EXCEPT ALL SELECT {columns} FROM t LIMIT 3")
    return extra.to_pylist(), missing.to_pylist()


@FUSE
def test_events(weir, kafka, events, expected, tmp_path, fuse):
    truth = events.truth
    state = tmp_path / "pipe"
    r = weir.run(source(kafka, events),
                 f"validate --schema {SCHEMA} --max-rejects 2%",
                 f"enrich --lookup u=csv:{events.dim},key=user_id --on user.id --set country=u.country --set segment=u.segment",
                 "dedupe -k event_id --time event_time",
                 sink(tmp_path, "shop.events", "events.iceberg.json"), fuse=fuse, state=state).expect(0)

    # What the run says of itself.
    receipt, acct = r.receipt, counts(r.receipt)
    assert receipt["table"] == "shop.events"
    assert int(receipt["rows"]) == truth["unique_valid"]
    rejected = {s: c.get("rejected", 0) for s, c in acct.items()}
    assert rejected["kcat-in"] == truth["bad_by_kind"]["invalid_json"]
    assert rejected["validate"] == truth["bad"] - truth["bad_by_kind"]["invalid_json"]
    assert sum(rejected.values()) == truth["bad"]
    assert acct["dedupe"]["duplicate"] == truth["dup"]
    assert acct["dedupe"]["in"] == truth["valid_lines"]

    # The rejects: each names its place in Kafka.
    broken, wrong = rejects(state, "kcat-in"), rejects(state, "validate")
    assert len(broken) == rejected["kcat-in"] and len(wrong) == rejected["validate"]
    places = {(x["source"]["topic"], int(x["source"]["partition"]), int(x["source"]["offset"])) for x in broken + wrong}
    assert len(places) == truth["bad"]

    # The table, read by others.
    ice = readers.Catalog(tmp_path / "lake" / "catalog.db")
    table = ice.pyiceberg("shop.events")
    with ice.duckdb("shop.events") as q:
        seen = q("SELECT count(*) AS n, sum(amount) AS amount, count(DISTINCT event_id) AS ids, "
                 "count(*) - count(country) AS miss FROM t").to_pylist()[0]
        ids = [str(x) for x in q("SELECT CAST(event_id AS VARCHAR) AS i FROM t")["i"].to_pylist()]
        duck = same_rows(q, expected)
        q.connection.execute("DROP VIEW t")
        q.connection.register("t", table)
        pyice = same_rows(q, expected)
    assert seen == {"n": truth["unique_valid"], "amount": Decimal(truth["amount"]), "ids": truth["unique_valid"],
                    "miss": truth["dim_miss"]}
    assert expect.id_sum64(ids) == truth["id_sum64"]
    assert table.num_rows == truth["unique_valid"]
    assert expect.id_sum64(str(x) for x in readers.plain(table["event_id"].to_pylist())) == truth["id_sum64"]
    assert sum(table["amount"].to_pylist()) == Decimal(truth["amount"])
    assert duck == ([], []) and pyice == ([], [])


def test_again_reads_nothing(weir, kafka, events, tmp_path):
    """The table is the checkpoint: a second run over the same topic adds no row, and new records alone arrive."""
    topic = kafka.topic("again", 4)
    first, second = tmp_path / "a.ndjson", tmp_path / "b.ndjson"
    a = lab.gen_events(first, tmp_path / "a.json", count=5000)
    b = lab.gen_events(second, tmp_path / "b.json", count=3000, seed=2)
    stages = [f"kcat-in -b {kafka.bootstrap} -t {topic} -e", "validate",
              sink(tmp_path, "shop.again", "events.iceberg.json")]
    kafka.produce(topic, first)
    weir.run(*stages).expect(0)
    weir.run(*stages).expect(0)
    kafka.produce(topic, second)
    weir.run(*stages, fuse="no").expect(0)
    table = readers.Catalog(tmp_path / "lake" / "catalog.db").pyiceberg("shop.again")
    assert table.num_rows == a["lines"] + b["lines"]
    total = (int(a["id_sum64"], 16) + int(b["id_sum64"], 16)) % 2**64
    assert expect.id_sum64(str(x) for x in readers.plain(table["event_id"].to_pylist())) == "%016x" % total


def window_rows(table):
    out = {}
    for r in readers.rows(table):
        assert r["window_end"] - r["window_start"] == datetime.timedelta(minutes=1)
        key = r["window_start"].strftime("%Y-%m-%dT%H:%M:00Z"), r["region"], r["channel"]
        assert key not in out, f"the window {key} closed twice"
        out[key] = r["events"], r["amount"]
    return out


def windows(weir, kafka, events, tmp_path, fuse, wait):
    """Run the windowed job: the rows both readers see, the late events, the accounts."""
    late = tmp_path / "late.ndjson"
    r = weir.run(source(kafka, events),
                 f"validate --schema {SCHEMA} --max-rejects 2%",
                 "dedupe -k event_id --time event_time",
                 "window-agg --time event_time --size 1m --by region,channel --agg 'events=count()' --agg 'amount=sum(amount)' "
                 f"--wait {wait} --late {late} --flush",
                 sink(tmp_path, "shop.minutes", "minutes.iceberg.json"), fuse=fuse, state=tmp_path / "pipe").expect(0)
    ice = readers.Catalog(tmp_path / "lake" / "catalog.db")
    rows = window_rows(ice.pyiceberg("shop.minutes"))
    with ice.duckdb("shop.minutes") as q:
        assert window_rows(q("SELECT * FROM t")) == rows
    lines = late.read_text().splitlines() if late.exists() else []
    return rows, lines, counts(r.receipt)["window-agg"]


@FUSE
def test_windows_wait_long_enough(weir, kafka, events, tmp_path, fuse):
    """Events are up to 15 minutes late: with --wait 16m none is."""
    rows, late, acct = windows(weir, kafka, events, tmp_path, fuse, "16m")
    assert late == [] and acct.get("late", 0) == 0
    assert acct["taken"] == events.truth["unique_valid"]
    assert rows == expect.windows(events.truth)


@FUSE
def test_windows_and_late_events(weir, kafka, events, tmp_path, fuse):
    """Without waiting many are late, and none is lost: the windows and the late events make the truth."""
    rows, late, acct = windows(weir, kafka, events, tmp_path, fuse, "0s")
    assert len(late) > 0 and acct["late"] == len(late)
    assert acct["taken"] + acct["late"] == events.truth["unique_valid"]
    for line in late:
        e = json.loads(line, parse_float=Decimal)
        e = e.get("event", e)
        key = expect.minute(e["event_time"]), e["region"], e["channel"]
        n, amount = rows.get(key, (0, Decimal(0)))
        rows[key] = n + 1, amount + e["amount"]
    assert rows == expect.windows(events.truth)


def test_plain_shell(weir, kafka, events, tmp_path):
    """The same job as a pipe of the shell, whose sink hands out the position."""
    table = f"--catalog sqlite:{tmp_path}/lake/catalog.db --table shop.piped"
    r = weir.sh('eval "$(weir begin -s %s -- iceberg-out %s --create --schema %s/events.iceberg.json)" && '
                "kcat-in -b %s -t %s -e --time event_time | validate --schema %s | dedupe -k event_id --time event_time | "
                "iceberg-out %s --create --schema %s/events.iceberg.json"
                % (tmp_path / "pipe", table, lab.DATA, kafka.bootstrap, events.topic, SCHEMA, table, lab.DATA)).expect(0)
    assert int(r.receipt["rows"]) == events.truth["unique_valid"]
    with readers.Catalog(tmp_path / "lake" / "catalog.db").duckdb("shop.piped") as q:
        assert q("SELECT sum(amount) AS s FROM t").to_pylist() == [{"s": Decimal(events.truth["amount"])}]
