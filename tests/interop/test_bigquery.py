"""bq-out against the stand-in for BigQuery, beside Google's own client: the same rows and columns; credentials; what is refused, and how."""
import base64
import concurrent.futures
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]
import bigquery as standins     # noqa: E402
import lab                      # noqa: E402

standins.use_google_client()
from google.api_core.client_options import ClientOptions        # noqa: E402
from google.auth.credentials import AnonymousCredentials        # noqa: E402
from google.cloud import bigquery as bq                         # noqa: E402

P = standins.PROJECT
BUILD = os.path.abspath(os.environ.get("WEIR_BUILD") or os.path.join(lab.TOP, "build"))
BIG = str((1 << 255) - 1)

# A column of every type; REQUIRED, NULLABLE and REPEATED; records in records.
COLUMNS = [
    {"name": "id", "type": "INTEGER", "mode": "REQUIRED"}, {"name": "i", "type": "INTEGER"}, {"name": "f", "type": "FLOAT"}, {"name": "b", "type": "BOOLEAN"},
    {"name": "s", "type": "STRING"}, {"name": "y", "type": "BYTES"}, {"name": "n", "type": "NUMERIC"}, {"name": "bn", "type": "BIGNUMERIC"},
    {"name": "ts", "type": "TIMESTAMP"}, {"name": "d", "type": "DATE"}, {"name": "t", "type": "TIME"}, {"name": "dt", "type": "DATETIME"},
    {"name": "j", "type": "JSON"}, {"name": "g", "type": "GEOGRAPHY"}, {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {"name": "r", "type": "RECORD", "fields": [{"name": "zip", "type": "STRING"}, {"name": "big", "type": "INTEGER"},
                                               {"name": "deep", "type": "RECORD", "fields": [{"name": "x", "type": "NUMERIC", "mode": "REPEATED"}]}]},
    {"name": "rs", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "k", "type": "STRING", "mode": "REQUIRED"}, {"name": "v", "type": "DATE"}]},
]
# What is said in an event, and what Google's client must be given so that BigQuery takes it for the same.
PAIRS = [
    ({"id": 1}, {"id": 1}),
    ({"id": 2, "i": 2 ** 53 - 1, "f": 0.1, "b": True, "s": "\u00e9\U0001f600 \"\\\n\t", "y": base64.b64encode(bytes(range(256))).decode(), "n": 1.25, "bn": 0,
      "ts": "2026-11-22T10:00:00.123456Z", "d": "2026-11-22", "t": "10:00:00.5", "dt": "2026-11-22T10:00:00", "j": {"a": [1, None, {"b": "x"}], "c": 1.5},
      "g": "POINT(1 2)", "tags": ["a", "", "\u00e9"], "r": {"zip": "10115", "big": 5, "deep": {"x": [1, 2.5]}}, "rs": [{"k": "a", "v": "2026-01-01"}, {"k": "b"}]},
     {"n": "1.25", "bn": "0", "r": {"zip": "10115", "big": 5, "deep": {"x": ["1", "2.5"]}}}),
    ({"id": 3, "i": 2 ** 63 - 1, "f": -1e308, "b": False, "s": "", "y": "", "n": "9" * 29 + "." + "9" * 9, "bn": BIG[:39] + "." + BIG[39:],
      "ts": "9999-12-31T23:59:59.999999+00:00", "d": "9999-12-31", "t": "23:59:59.999999", "dt": "9999-12-31T23:59:59.999999", "j": [], "tags": [], "r": {}, "rs": []},
     {"i": str(2 ** 63 - 1)}),
    ({"id": -2 ** 63, "i": -2 ** 53, "f": 5e-324, "n": "-" + "9" * 29 + "." + "9" * 9, "bn": "-" + BIG[:39] + "." + BIG[39:], "ts": "0001-01-01 00:00:00 UTC",
      "d": "0001-01-01", "t": "00:00:00", "dt": "0001-01-01 00:00:00", "j": "text", "r": {"big": 2 ** 60}, "tags": None, "s": None},
     {"id": str(-2 ** 63), "i": str(-2 ** 53), "r": {"big": str(2 ** 60)}}),
    ({"id": 5, "i": 1.0, "f": 1, "ts": "2026-11-22T12:00:00+02:00", "n": "0.000000001", "bn": "0." + "0" * 37 + "1", "j": None, "r": None},
     {"i": 1}),
]
EVENTS = [e for e, _ in PAIRS]
ROWS = [dict(e, **g) for e, g in PAIRS]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = standins.Standin(tmp_path_factory.mktemp("bigquery"))
    yield s
    s.end()


@pytest.fixture
def standin(server):
    server.reset()
    server.config(auto_dataset=False)
    server.dataset("d")
    return server


@pytest.fixture
def client(standin):
    return bq.Client(P, credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=standin.url))


class Tool(lab.Weir):
    """bq-out, as it is run."""

    def __init__(self, standin, where):
        super().__init__(BUILD, where, env={"BIGQUERY_EMULATOR_HOST": standin.url, "WEIR_RETRY_FIRST_MS": "1"})
        for name in list(self.env):
            if name.startswith(("GOOGLE_", "GCE_", "CLOUDSDK_", "GCLOUD_")) or name.lower().endswith("_proxy"):
                del self.env[name]
        self.n = 0

    def file(self, rows, name=None):
        self.n += 1
        path = os.path.join(self.cwd, name or "in-%d" % self.n)
        with open(path, "wb") as f:
            f.write(rows if isinstance(rows, bytes) else b"".join(json.dumps(r).encode() + b"\n" for r in rows))
        return path

    def load(self, table, rows, *options, **env):
        options = list(options) + ([] if "--timeout" in options else ["--timeout", "5s"])
        return self.sh("bq-out --plain --table '%s.%s' %s" % (P, table, " ".join("'%s'" % o for o in options)), stdin=self.file(rows), **env)


@pytest.fixture
def weir(standin, tmp_path):
    return Tool(standin, tmp_path)


@pytest.fixture
def columns(weir):
    return weir.file(json.dumps(COLUMNS).encode(), "columns.json")


def google(client, table, rows, columns=None, **more):
    """The same by Google's client."""
    config = bq.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=[bq.SchemaField.from_api_repr(f) for f in columns] if columns else None, **more)
    data = b"".join(json.dumps(r).encode() + b"\n" for r in rows)
    import io
    return client.load_table_from_file(io.BytesIO(data), "%s.%s" % (P, table), job_config=config).result()


def content(client, table):
    """Rows as Google's client decodes them, and what the table is like."""
    t = client.get_table("%s.%s" % (P, table))
    return [dict(r.items()) for r in client.list_rows(t)], t.schema, t.time_partitioning, t.range_partitioning, t.clustering_fields


# ---- rows and columns

@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("spool", ["4M", "256M"])
def test_every_type(client, weir, columns, compression, spool):
    r = weir.load("d.ours", EVENTS, "--create", "--schema", columns, "--compression", compression, "--spool", spool).expect(0)
    assert r.receipt["rows"] == len(EVENTS) and r.receipt["table"] == P + ".d.ours"
    google(client, "d.theirs", ROWS, COLUMNS)
    assert content(client, "d.ours") == content(client, "d.theirs")


def test_columns_from_the_table(client, weir, standin):
    """An existing table says what its columns are; a JSON Schema makes the same as BigQuery's own."""
    standin.table("d.ours", COLUMNS)
    weir.load("d.ours", EVENTS).expect(0)
    google(client, "d.theirs", ROWS, COLUMNS)
    assert content(client, "d.ours") == content(client, "d.theirs")


def test_json_schema(client, weir):
    schema = weir.file(json.dumps({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "tags": {"type": "array", "items": {"type": "string"}},
        "user": {"type": "object", "properties": {"name": {"type": "string"}, "score": {"type": ["number", "null"]}}, "required": ["name"]}}}).encode())
    events = [{"id": 1, "at": "2026-11-22T10:00:00Z", "tags": ["a"], "user": {"name": "x", "score": 0.5}}, {"id": 2}]
    weir.load("d.ours", events, "--create", "--schema", schema).expect(0)
    fields = {f.name: (f.field_type, f.mode) for f in client.get_table(P + ".d.ours").schema}
    assert fields == {"id": ("INTEGER", "REQUIRED"), "at": ("TIMESTAMP", "NULLABLE"), "tags": ("STRING", "REPEATED"), "user": ("RECORD", "NULLABLE")}
    assert [r["id"] for r in client.list_rows(P + ".d.ours")] == [1, 2]


def test_many_rows(client, weir, standin, columns):
    """Through a pipeline, in order, more than one upload chunk."""
    events = weir.file([dict(EVENTS[1], id=i, s="%032x" % i * 8) for i in range(30000)])
    weir.run("validate", f"bq-out --plain --table {P}.d.many --create --schema {columns} --compression none", stdin=events).expect(0)
    assert [r["id"] for r in standin.rows("d.many")] == list(range(30000))


PARTITIONS = [("day:ts", "DAY", "20261122", {}), ("hour:ts", "HOUR", "2026112210", {}), ("month:d", "MONTH", "202611", {}), ("year:dt", "YEAR", "2026", {}),
              ("range:i:0:100:10", "RANGE", "40", {"i": 42})]


@pytest.mark.parametrize("option,kind,part,more", PARTITIONS, ids=[p[1] for p in PARTITIONS])
def test_partitions(client, weir, standin, columns, option, kind, part, more):
    event = dict(EVENTS[1], **more)
    other = dict(event, id=9, ts="2020-01-01T00:00:00Z", d="2020-01-01", dt="2020-01-01T00:00:00", i=1)
    weir.load("d.p", [event, other], "--create", "--schema", columns, "--partition", option, "--cluster", "s,b").expect(0)
    field = option.split(":")[1]
    t = client.get_table(P + ".d.p")
    assert t.clustering_fields == ["s", "b"]
    if kind == "RANGE":
        assert (t.range_partitioning.field, t.range_partitioning.range_.start, t.range_partitioning.range_.end, t.range_partitioning.range_.interval) == (field, 0, 100, 10)
    else:
        assert (t.time_partitioning.type_, t.time_partitioning.field) == (kind, field)
    assert len(standin.rows("d.p$" + part)) == 1
    weir.load("d.p$" + part, [event, dict(event, id=7)], "--write", "truncate", "--batch-id", "b1").expect(0)
    assert [r["id"] for r in standin.rows("d.p$" + part)] == [2, 7] and len(standin.rows("d.p")) == 3
    r = weir.load("d.p$" + part, [other]).expect(65)
    assert "different partitions" in r.err and "row 1" in r.err and len(standin.rows("d.p")) == 3
    # Options that say otherwise than the table is.
    r = weir.load("d.p", [event], "--partition", "day" if kind != "DAY" else "hour:ts").expect(78)
    assert "artitioning" in r.err and "load into another table" in r.err


def test_truncate(client, weir, standin, columns):
    weir.load("d.t", EVENTS, "--create", "--schema", columns).expect(0)
    weir.load("d.t", EVENTS[:2], "--write", "truncate-data").expect(0)
    assert [r["id"] for r in standin.rows("d.t")] == [1, 2] and len(standin.get("d.t")["schema"]["fields"]) == len(COLUMNS)
    less = weir.file(json.dumps(COLUMNS[:3]).encode())
    weir.load("d.t", [{"id": 1, "i": 2}], "--write", "truncate", "--schema", less).expect(0)
    assert standin.rows("d.t") == [{"id": 1, "i": 2}] and [f["name"] for f in standin.get("d.t")["schema"]["fields"]] == ["id", "i", "f"]
    # A stream with a position cannot replace what it has loaded before.
    r = weir.load("d.t", EVENTS[:1], "--write", "truncate", "--mode", "insert-all").expect(64)
    assert "--mode load" in r.err


def test_update(weir, standin, columns):
    weir.load("d.t", [{"id": 1}], "--create", "--schema", columns).expect(0)
    more = weir.file(json.dumps([dict(COLUMNS[0], mode="NULLABLE")] + COLUMNS[1:] + [{"name": "new", "type": "STRING"}]).encode())
    r = weir.load("d.t", [{"id": 2, "new": "x"}], "--schema", more).expect(78)
    assert "--update relax" in r.err
    r = weir.load("d.t", [{"id": 2, "new": "x"}], "--schema", more, "--update", "relax").expect(78)
    assert "new" in r.err and "--update add" in r.err
    assert len(standin.rows("d.t")) == 1
    weir.load("d.t", [{"new": "x"}], "--schema", more, "--update", "add,relax").expect(0)
    fields = standin.get("d.t")["schema"]["fields"]
    assert fields[0]["mode"] == "NULLABLE" and fields[-1]["name"] == "new" and standin.rows("d.t")[1]["new"] == "x"
    changed = weir.file(json.dumps([dict(COLUMNS[0], type="STRING")]).encode())
    r = weir.load("d.t", [{"id": 2}], "--schema", changed, "--update", "add,relax").expect(78)
    assert "id" in r.err and "INTEGER" in r.err and "STRING" in r.err


# ---- batches

def test_batch_twice(weir, standin):
    standin.table("d.t", "id:INTEGER")
    r = weir.load("d.t", [{"id": 1}, {"id": 2}], "--batch-id", "b").expect(0)
    assert r.receipt["batch"] == "b" and not r.receipt.get("already") and r.receipt["rows"] == 2
    r = weir.load("d.t", [{"id": 1}, {"id": 2}], "--batch-id", "b").expect(0)
    assert r.receipt["already"] is True and r.receipt["rows"] == 0
    r = weir.load("d.t", [{"id": 3}], "--batch-id", "b").expect(77)
    assert "b" in r.err and "--batch-id" in r.err
    assert [x["id"] for x in standin.rows("d.t")] == [1, 2] and len(standin.jobs()) == 1
    weir.load("d.t", [{"id": 3}], "--batch-id", "c").expect(0)
    assert len(standin.rows("d.t")) == 3


@pytest.mark.parametrize("at", ["final", "initiate"])
def test_a_batch_by_two_at_once(weir, standin, at):
    standin.table("d.t", "id:INTEGER")
    standin.config(job_delay_ms=[50, 300], dup_409_at=at)
    rows = weir.file([{"id": 1}, {"id": 2}])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: weir.sh(f"bq-out --plain --table {P}.d.t --batch-id b", stdin=rows), range(4)))
    assert [r.code for r in results] == [0] * 4, [r.err for r in results]
    assert sorted(r.receipt["rows"] for r in results) == [0, 0, 0, 2] and [x["id"] for x in standin.rows("d.t")] == [1, 2]
    assert sum(bool(r.receipt.get("already")) for r in results) == 3


# ---- insertAll

def test_insert_all(weir, standin):
    standin.table("d.t", "id:INTEGER,s:STRING")
    r = weir.load("d.t", [{"id": i} for i in range(1200)], "--mode", "insert-all", "--request-rows", "500").expect(0)
    assert r.receipt["rows"] == 1200 and r.receipt["guarantee"] == "at-least-once" and [x["id"] for x in standin.rows("d.t")] == list(range(1200))


def test_insert_all_with_rows_that_bigquery_refuses(weir, standin):
    """What bq-out takes and BigQuery does not: the answer is 200 and names rows.  They are rejects, the others are stored."""
    standin.table("d.t", "id:INTEGER")
    bad = json.dumps({"kind": "bigquery#tableDataInsertAllResponse", "insertErrors": [
        {"index": i, "errors": [{"reason": "invalid" if i == 1 else "stopped", "location": "", "debugInfo": "", "message": "no such row"}]} for i in range(3)]})
    standin.faults({"match": {"path": "insertAll"}, "action": "status", "status": 200, "body": bad, "type": "application/json"})
    r = weir.load("d.t", [{"id": i} for i in range(3)], "--mode", "insert-all", "-r", "rejects").expect(0)
    assert [x["id"] for x in standin.rows("d.t")] == [0, 2] and r.receipt["rows"] == 2
    with open(os.path.join(weir.cwd, "rejects")) as f:
        rejects = [json.loads(line) for line in f]
    assert len(rejects) == 1 and rejects[0]["event"] == {"id": 1} and "no such row" in rejects[0]["message"]


def test_insert_all_events_that_are_no_rows(weir, standin):
    standin.table("d.t", "id:INTEGER")
    r = weir.load("d.t", [{"id": 1}, {"id": "x"}, {"id": 2}, {"id": 3, "zz": 1}], "--mode", "insert-all", "-r", "rejects").expect(0)
    assert [x["id"] for x in standin.rows("d.t")] == [1, 2] and r.receipt["rows"] == 2


# ---- what is refused

def test_rows_that_do_not_fit(weir, standin, columns):
    weir.load("d.t", [{"id": 0}], "--create", "--schema", columns).expect(0)
    wrong = [({"id": None}, "id"), ({}, "id"), ({"id": "x"}, "id"), ({"id": 2 ** 63}, "id"), ({"id": 1, "n": "1e29"}, "n"), ({"id": 1, "n": "0.0000000001"}, "n"),
             ({"id": 1, "bn": "6e38"}, "bn"), ({"id": 1, "ts": "yesterday"}, "ts"), ({"id": 1, "ts": 1}, "ts"), ({"id": 1, "d": "2026-02-30"}, "d"),
             ({"id": 1, "t": "24:00:00"}, "t"), ({"id": 1, "dt": "2026-11-22T10:00:00Z"}, "dt"), ({"id": 1, "y": "?"}, "y"), ({"id": 1, "b": 1}, "b"),
             ({"id": 1, "tags": ["a", None]}, "tags[1]"), ({"id": 1, "tags": "a"}, "tags"), ({"id": 1, "r": {"deep": {"x": ["z"]}}}, "r.deep.x[0]"),
             ({"id": 1, "rs": [{"k": "a"}, {}]}, "rs[1].k"), ({"id": 1, "unknown": 1}, "unknown"), ({"id": 1, "r": {"a-b": 1}}, "r.a-b"), ({"id": 1, "s": {}}, "s"),
             ({"id": 1, "ID": 2}, "ID"), ({"id": 1, "a.b": 1}, "a.b")]
    r = weir.load("d.t", [{"id": 1}] + [w for w, _ in wrong] + [{"id": 2}], "-r", "rejects", "--max-rejects", "100%").expect(0)
    with open(os.path.join(weir.cwd, "rejects")) as f:
        rejects = [json.loads(line) for line in f]
    assert [x["event"] for x in rejects] == [w for w, _ in wrong]
    assert all(path.split("[")[0].split(".")[-1] in json.dumps(x) for x, (_, path) in zip(rejects, wrong))
    assert r.receipt["rows"] == 2 and [x["id"] for x in standin.rows("d.t")] == [0, 1, 2]
    r = weir.load("d.t", [{"id": 9}] * 20 + [w for w, _ in wrong]).expect(65)
    assert len(standin.rows("d.t")) == 3 and "--max-rejects" in r.err


def test_rejects_name_their_lines(weir, standin):
    standin.table("d.t", "id:INTEGER")
    weir.load("d.t", [{"id": 1}, {"id": "x"}, {"id": 2}, {"id": "y"}, {"id": 3}], "-r", "rejects").expect(0)
    with open(os.path.join(weir.cwd, "rejects")) as f:
        assert [json.loads(line)["line"] for line in f] == [2, 4]


def test_a_row_over_100_mb(weir, standin):
    standin.table("d.t", "id:INTEGER,s:STRING")
    line = b'{"id":1,"s":"' + b"x" * 100_000_000 + b'"}\n'
    r = weir.load("d.t", b'{"id":0}\n' + line + b'{"id":2}\n', "--max-line", "200M", "-r", "rejects").expect(0)
    assert [x["id"] for x in standin.rows("d.t")] == [0, 2] and r.receipt["rows"] == 2
    with open(os.path.join(weir.cwd, "rejects")) as f:
        head = f.read(400)
    assert '"row-too-large"' in head


def test_what_bigquery_alone_refuses(weir, standin):
    """The job ends with an error that names a position in the upload: the message names the row."""
    standin.table("d.t", "id:INTEGER,s:STRING")
    standin.config(row_limit=1000)
    for compression in ("gzip", "none"):
        r = weir.load("d.t", [{"id": 1}, {"id": 2, "s": "x" * 2000}, {"id": 3}], "--compression", compression).expect(65)
        assert "row 2" in r.err and "Row size" in r.err and standin.rows("d.t") == []


def test_reasons_of_a_failed_job(weir, standin):
    """Permanent: 65 or 78 at once.  BigQuery's own trouble: another attempt, under another id, and in the end 75."""
    standin.table("d.t", "id:INTEGER")
    for reason, codes in (("invalid", {78}), ("accessDenied", {78}), ("notFound", {78}), ("backendError", {75}), ("internalError", {75}), ("jobRateLimitExceeded", {75}),
                          ("quotaExceeded", {75})):
        standin.faults({"match": {"path": "/upload/"}, "action": "job-error", "reason": reason, "times": 1000})
        r = weir.load("d.t", [{"id": 1}], "--batch-id", reason)
        assert r.code in codes and reason in r.err, (reason, r)
        standin.faults()
        jobs = [j["jobReference"]["jobId"] for j in standin.jobs()]
        assert len(set(jobs)) == len(jobs)
    assert standin.rows("d.t") == []
    standin.faults({"match": {"path": "/upload/"}, "action": "job-error", "reason": "backendError"})
    weir.load("d.t", [{"id": 1}], "--batch-id", "second try").expect(0)
    assert standin.rows("d.t") == [{"id": 1}]


@pytest.mark.parametrize("reason", ["accessDenied", "notFound", "quotaExceeded", "stopped", "backendError", "invalid"])
@pytest.mark.parametrize("options", [[], ["--compression", "none", "--spool", "4M"]], ids=["whole", "streamed"])
def test_a_batch_whose_job_failed(weir, standin, reason, options):
    """The cause is mended, and the same batch id is loaded after all, once."""
    standin.table("d.t", "id:INTEGER,s:STRING")
    rows = [{"id": i, "s": "x" * 60000} for i in range(120)] if options else [{"id": 1}]
    standin.faults({"match": {"path": "/upload/"}, "action": "job-error", "reason": reason, "times": 1000})
    assert weir.load("d.t", rows, "--batch-id", "b", *options).code in (65, 75, 78)
    assert standin.rows("d.t") == []
    standin.faults()
    weir.load("d.t", rows, "--batch-id", "b", *options).expect(0)
    assert weir.load("d.t", rows, "--batch-id", "b", *options).expect(0).receipt["already"] is True
    assert len(standin.rows("d.t")) == len(rows)


def test_names_and_places(weir, standin):
    one = [{"id": 1}]
    r = weir.load("nowhere.t", one).expect(78)
    assert "nowhere" in r.err
    r = weir.load("d.none", one).expect(78)
    assert "--create" in r.err
    r = weir.load("d.none", one, "--create").expect(78)
    assert "--schema" in r.err
    standin.table("d.t", "id:INTEGER")
    r = weir.load("d.t", one, "--location", "EU").expect(78)
    assert "not found in location EU" in r.err and "--location" in r.err
    other = weir.file(json.dumps([{"name": "id", "type": "STRING"}]).encode())
    r = weir.load("d.t", one, "--schema", other).expect(78)
    assert "id" in r.err and "INTEGER" in r.err and "STRING" in r.err
    r = weir.load("d.t$20261122", one)
    assert r.code in (65, 78) and "partition" in r.err
    for table in ("d", "p.a b.t", "d.t$"):
        weir.sh(f"bq-out --plain --table '{table}'", stdin=weir.file(one)).expect(64)
    r = weir.sh("bq-out --plain", stdin=weir.file(one)).expect(64)
    assert "--table" in r.err
    assert standin.rows("d.t") == []


def test_a_dataset_elsewhere(weir, standin):
    standin.dataset("eu", location="europe-west3")
    standin.table("eu.t", "id:INTEGER")
    r = weir.load("eu.t", [{"id": 1}]).expect(0)
    assert ":europe-west3." in r.receipt["job"] and standin.rows("eu.t") == [{"id": 1}]


def test_quota_and_trouble(weir, standin):
    standin.table("d.t", "id:INTEGER")
    standin.config(load_quota=1)
    weir.load("d.t", [{"id": 1}]).expect(0)
    r = weir.load("d.t", [{"id": 2}]).expect(75)
    assert "uota" in r.err and len(standin.rows("d.t")) == 1
    standin.config(load_quota=0)
    standin.faults({"match": {"path": "/bigquery/"}, "action": "status", "status": 503, "times": 1000})
    weir.load("d.t", [{"id": 3}], "--timeout", "1s").expect(75)
    standin.faults()
    with socket.socket() as nobody:             # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        weir.load("d.t", [{"id": 3}], "--timeout", "1s", BIGQUERY_EMULATOR_HOST="127.0.0.1:%d" % nobody.getsockname()[1]).expect(75)
    assert len(standin.rows("d.t")) == 1


# ---- credentials

@pytest.fixture
def guarded(standin):
    standin.table("d.t", "id:INTEGER")
    standin.config(auth=True)
    return standin


def loaded(standin):
    standin.config(auth=False)
    n = len(standin.rows("d.t"))
    standin.config(auth=True)
    return n


def test_no_credentials(weir, guarded):
    r = weir.load("d.t", [{"id": 1}]).expect(78)
    assert "401" in r.err or "credentials" in r.err
    r = weir.load("d.t", [{"id": 1}], "--credentials", "missing.json").expect(78)
    assert "missing.json" in r.err


def test_service_account(weir, guarded, tmp_path):
    key = guarded.service_account()
    weir.load("d.t", [{"id": 1}], "--credentials", key).expect(0)
    weir.load("d.t", [{"id": 2}], "--endpoint", guarded.url, GOOGLE_APPLICATION_CREDENTIALS=key).expect(0)
    assert loaded(guarded) == 2 and any(e["path"] == "/token" for e in guarded.journal())
    with open(key) as f:
        account = json.load(f)
    other = dict(account, private_key=subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], check=True, capture_output=True, text=True).stdout)
    r = weir.load("d.t", [{"id": 1}], "--credentials", weir.file(json.dumps(other).encode())).expect(78)
    assert "Invalid JWT" in r.err or "invalid_grant" in r.err
    assert "PRIVATE" not in r.err
    for broken in (b"", b"{}", json.dumps(dict(account, private_key="x")).encode(), json.dumps(dict(account, type="other")).encode(),
                   json.dumps({k: v for k, v in account.items() if k != "client_email"}).encode()):
        r = weir.load("d.t", [{"id": 1}], "--credentials", weir.file(broken)).expect(78)
        assert "in-%d" % (weir.n - 1) in r.err or "in-%d" % weir.n in r.err
    assert loaded(guarded) == 2


def test_authorized_user(weir, guarded):
    user = {"type": "authorized_user", "client_id": "i", "client_secret": "very-secret", "refresh_token": "fake-refresh-token", "token_uri": guarded.url + "/token",
            "quota_project_id": "who-pays"}
    weir.load("d.t", [{"id": 1}], "--credentials", weir.file(json.dumps(user).encode())).expect(0)
    assert any(e["headers"].get("x-goog-user-project") == "who-pays" for e in guarded.journal())
    user["refresh_token"] = "expired-long-ago"
    r = weir.load("d.t", [{"id": 1}], "--credentials", weir.file(json.dumps(user).encode())).expect(78)
    assert "invalid_grant" in r.err and "very-secret" not in r.err and "expired-long-ago" not in r.err
    assert loaded(guarded) == 1


def test_permissions_that_are_missing(weir, guarded):
    """Who we are, BigQuery's words, and the role that is missing."""
    key = guarded.service_account()
    for path, role in (("/datasets/d$", "roles/"), ("/tables/t$", "roles/"), ("/upload/", "roles/bigquery.jobUser"), ("/jobs", "roles/")):
        guarded.faults({"match": {"path": path}, "action": "status", "status": 403, "reason": "accessDenied", "message": "Access Denied: no bigquery.x.y", "times": 1000})
        r = weir.load("d.t", [{"id": 3}], "--credentials", key).expect(78)
        assert "Access Denied: no bigquery.x.y" in r.err and role in r.err and "loader@fake-project" in r.err, (path, r.err)
        r = weir.load("d.t", [{"id": 3}]).expect(78)
        assert "--credentials" in r.err
    assert loaded(guarded) == 0


def external(guarded, source, **more):
    return json.dumps(dict({"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
                            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": guarded.url + "/v1/token", "credential_source": source},
                           **more)).encode()


def test_external_account(weir, guarded):
    subject = weir.file(b"subject", "subject")
    weir.load("d.t", [{"id": 1}], "--credentials", weir.file(external(guarded, {"file": subject}))).expect(0)
    url = {"url": guarded.url + "/_subject", "headers": {"X-Who": "me"}, "format": {"type": "json", "subject_token_field_name": "id"}}
    weir.load("d.t", [{"id": 2}], "--credentials", weir.file(external(guarded, url))).expect(0)
    impersonate = guarded.url + "/v1/projects/-/serviceAccounts/sa@fake-project.iam.gserviceaccount.com:generateAccessToken"
    weir.load("d.t", [{"id": 3}], "--credentials", weir.file(external(guarded, {"file": subject}, service_account_impersonation_url=impersonate))).expect(0)
    assert loaded(guarded) == 3 and any("generateAccessToken" in e["path"] for e in guarded.journal())
    weir.file(b"expired", "subject")
    r = weir.load("d.t", [{"id": 1}], "--credentials", weir.file(external(guarded, {"file": subject}))).expect(78)
    assert "invalid_grant" in r.err or "expired" in r.err
    weir.load("d.t", [{"id": 1}], "--credentials", weir.file(external(guarded, {"file": "no-such-file"}))).expect(78)


def test_tokens_that_end(weir, guarded):
    """Revoked in the middle of a load, and lifetimes shorter than the load: new ones are made, nothing is loaded twice."""
    key = guarded.service_account()
    for match in ({"path": "/upload/"}, {"path": "/jobs/"}, {"path": "/tables/"}, {"path": "/datasets/"}):
        guarded.faults({"match": match, "action": "status", "status": 401, "reason": "authError"})
        weir.load("d.t", [{"id": 1}], "--credentials", key).expect(0)
    guarded.faults()
    n = loaded(guarded)
    assert n == 4
    guarded.config(token_ttl_s=2, job_delay_ms=3000)
    weir.load("d.t", [{"id": 1}], "--credentials", key).expect(0)
    assert loaded(guarded) == n + 1
    guarded.config(job_delay_ms=1500)
    revoke = threading.Timer(0.7, guarded.control, ("revoke", {}))
    revoke.start()
    weir.load("d.t", [{"id": 1}], "--credentials", key).expect(0)
    revoke.join()
    assert loaded(guarded) == n + 2
    guarded.faults({"match": {"path": "/jobs/"}, "action": "status", "status": 401, "reason": "authError", "times": 1000})
    r = weir.load("d.t", [{"id": 1}], "--credentials", key, "--batch-id", "b")
    assert r.code in (78, 83) and r.err
    guarded.faults()
    weir.load("d.t", [{"id": 1}], "--credentials", key, "--batch-id", "b").expect(0)
    assert loaded(guarded) == n + 3


@contextlib.contextmanager
def google_itself(tmp_path, key_folder):
    """A server of the name bigquery.googleapis.com: the stand-in with a certificate for it, behind a proxy that connects everything to it."""
    pem, crt = str(tmp_path / "tls.key"), str(tmp_path / "tls.crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=googleapis", "-keyout", pem, "-out", crt,
                    "-addext", "subjectAltName=DNS:*.googleapis.com,IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    server = standins.Standin(key_folder, "--auth", "--cert", crt, "--key", pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)

    def connect(a):
        head = b""
        while b"\r\n\r\n" not in head:
            head += a.recv(4096)
        assert head.startswith(b"CONNECT ")
        b = socket.create_connection(("127.0.0.1", server.port))
        a.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for one, other in ((a, b), (b, a)):
            threading.Thread(target=pump, args=(one, other), daemon=True).start()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connect(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server, {"https_proxy": "http://127.0.0.1:%d" % listener.getsockname()[1], "CURL_CA_BUNDLE": crt, "BIGQUERY_EMULATOR_HOST": ""}
    finally:
        listener.close()
        server.end()


def over_tls(tmp_path, server, path, body=None):
    import ssl
    import urllib.request
    context = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    request = urllib.request.Request("https://127.0.0.1:%d%s" % (server.port, path), None if body is None else json.dumps(body).encode())
    return urllib.request.urlopen(request, context=context).read()


def test_google_itself(weir, standin, tmp_path):
    """As on Google's own hosts: TLS is checked, a self-signed JWT without a token service, gcloud's file, the metadata server."""
    key = standin.service_account()             # of the stand-in that plays the token service and the metadata server
    with google_itself(tmp_path, standin.where) as (server, env):
        over_tls(tmp_path, server, "/_config", {"auth": False})
        over_tls(tmp_path, server, f"/bigquery/v2/projects/{P}/datasets", {"datasetReference": {"datasetId": "tls"}})
        over_tls(tmp_path, server, f"/bigquery/v2/projects/{P}/datasets/tls/tables", {"tableReference": {"tableId": "t"}, "schema": {"fields": [{"name": "id", "type": "INTEGER"}]}})
        over_tls(tmp_path, server, "/_config", {"auth": True})
        rows = lambda: len(over_tls(tmp_path, server, f"/_rows?table={P}.tls.t").splitlines())
        standin.journal(clear=True)
        weir.load("tls.t", [{"id": 1}], GOOGLE_APPLICATION_CREDENTIALS=key, **env).expect(0)
        assert not any("token" in e["path"] for e in json.loads(over_tls(tmp_path, server, "/_journal"))) and rows() == 1
        r = weir.load("tls.t", [{"id": 2}], "--timeout", "1s", GOOGLE_APPLICATION_CREDENTIALS=key, **dict(env, CURL_CA_BUNDLE=""))
        assert r.code == 78 and "certificate" in r.err
        r = weir.load("tls.t", [{"id": 2}], **dict(env, NO_GCE_CHECK="true")).expect(78)
        assert "GOOGLE_APPLICATION_CREDENTIALS" in r.err or "--credentials" in r.err
        gcloud = tmp_path / ".config" / "gcloud"
        gcloud.mkdir(parents=True)
        (gcloud / "application_default_credentials.json").write_text(open(key).read())
        weir.load("tls.t", [{"id": 2}], **env).expect(0)
        os.unlink(gcloud / "application_default_credentials.json")
        assert rows() == 2


# ---- Iceberg

def test_iceberg_refresh(weir, standin, tmp_path):
    standin.config(buckets={"lake": str(tmp_path)})
    for n in (1, 2):
        fields = [{"id": 1, "name": "id", "required": True, "type": "long"}, {"id": 2, "name": "at", "required": False, "type": "timestamptz"}][:n]
        (tmp_path / f"v{n}.metadata.json").write_text(json.dumps({"current-schema-id": 0, "schemas": [{"schema-id": 0, "fields": fields}]}))
    external_table = {"sourceFormat": "ICEBERG", "sourceUris": ["gs://lake/v1.metadata.json"]}
    standin.api("/datasets/d/tables", {"tableReference": {"tableId": "ext"}, "externalDataConfiguration": external_table})
    weir.sh(f"bq-out iceberg-refresh --table {P}.d.ext --metadata gs://lake/v2.metadata.json").expect(0)
    t = standin.get("d.ext")
    assert t["externalDataConfiguration"]["sourceUris"] == ["gs://lake/v2.metadata.json"] and [f["name"] for f in t["schema"]["fields"]] == ["id", "at"]
    weir.sh(f"bq-out iceberg-refresh --table {P}.d.ext --metadata gs://lake/none.metadata.json --timeout 1s").expect(78)
    r = weir.load("d.ext", [{"id": 1}]).expect(78)
    assert "EXTERNAL" in r.err
    standin.table("d.t", "id:INTEGER")
    weir.sh(f"bq-out iceberg-refresh --table {P}.d.t --metadata gs://lake/v2.metadata.json").expect(78)


def test_what_is_sent(weir, standin):
    """What the service sees: who asks, no secrets in addresses, gzip unless it is told otherwise, labels that are legal."""
    standin.table("d.t", "id:INTEGER")
    standin.journal(clear=True)
    weir.load("d.t", [{"id": 1}]).expect(0)
    for e in standin.journal():
        assert e["headers"]["user-agent"].startswith("weir/") and (not e["path"].startswith("/bigquery/") or "prettyPrint=false" in e["query"]), e
    job, = standin.jobs()
    assert {"weir_run", "weir_id", "weir_hash"} <= set(job["configuration"]["labels"]) and job["configuration"]["load"]["createDisposition"] == "CREATE_NEVER"
    assert job["jobReference"]["location"] == "US"
