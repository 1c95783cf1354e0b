"""The stand-in for BigQuery against Google's own client, unchanged: what weir is tested against is tested first."""
import gzip
import io
import json
import os
import subprocess
import sys
import urllib.error

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import bigquery as lab_bq       # noqa: E402

lab_bq.use_google_client()
import requests                                                 # noqa: E402
from google.api_core import exceptions as gx                    # noqa: E402
from google.api_core.client_options import ClientOptions        # noqa: E402
from google.auth.credentials import AnonymousCredentials        # noqa: E402
from google.cloud import bigquery as bq                         # noqa: E402

SF = bq.SchemaField
SCOPE = ["https://www.googleapis.com/auth/bigquery"]
SCHEMA = [SF("id", "INTEGER", "REQUIRED"), SF("ts", "TIMESTAMP"), SF("region", "STRING"), SF("amount", "NUMERIC"), SF("tags", "STRING", "REPEATED"),
          SF("addr", "RECORD", fields=[SF("zip", "STRING"), SF("n", "INTEGER")]), SF("raw", "JSON")]
TABLE = lab_bq.PROJECT + ".d.events"


def row(i, day=22, **more):
    return dict({"id": i, "ts": "2026-11-%02dT10:00:%02d.5Z" % (day, i % 60), "region": "eu" if i % 2 else "us", "amount": "1.25", "tags": ["a", "b"],
                 "addr": {"zip": "10115", "n": i}, "raw": {"k": [1, None]}}, **more)


def ndjson(rows):
    return io.BytesIO(b"".join(json.dumps(r).encode() + b"\n" for r in rows))


def config(**options):
    return bq.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", **options)


def client_for(standin, credentials=None):
    return bq.Client(lab_bq.PROJECT, credentials=credentials or AnonymousCredentials(), client_options=ClientOptions(api_endpoint=standin.url))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = lab_bq.Standin(tmp_path_factory.mktemp("bigquery"))
    yield s
    s.end()


@pytest.fixture
def standin(server):
    server.reset()
    return server


@pytest.fixture
def client(standin):
    return client_for(standin)


@pytest.fixture
def events(client):
    """The table of events, with 10 rows of one day and 10 of the next."""
    client.create_dataset("d")
    t = bq.Table(TABLE, schema=SCHEMA)
    t.time_partitioning = bq.TimePartitioning("DAY", field="ts")
    t.clustering_fields = ["region"]
    t.labels = {"owner": "weir"}
    t = client.create_table(t)
    load(client, [row(i) for i in range(10)] + [row(i, 23) for i in range(10)])
    return t


def load(client, rows, destination=TABLE, job_id=None, sized=True, retries=6, **options):
    """One load job to its end.  With a size, and small, the client sends it as multipart, else it is resumable."""
    data = ndjson(rows) if isinstance(rows, list) else io.BytesIO(rows)
    j = client.load_table_from_file(data, destination, job_id=job_id, job_config=config(**options), size=len(data.getvalue()) if sized else None,
                                    num_retries=retries)
    j.result()
    return j


def count(client):
    return client.get_table(TABLE).num_rows


def failed(client, *args, **options):
    """The load job must fail: its error, and nothing is loaded."""
    before, jobs = count(client), len(list(client.list_jobs()))
    with pytest.raises(gx.GoogleAPICallError):
        load(client, *args, **options)
    assert count(client) == before and len(list(client.list_jobs())) == jobs + 1
    job = next(client.list_jobs(max_results=1))
    return job.error_result["reason"], json.dumps(client.get_job(job.job_id).errors)


# ---- tables

def test_tables_keep_what_they_are_made_with(client, events):
    t = client.get_table(TABLE)
    assert t.schema == SCHEMA and t.time_partitioning.field == "ts" and t.clustering_fields == ["region"] and t.labels == {"owner": "weir"}
    with pytest.raises(gx.Conflict):
        client.create_dataset("d")
    with pytest.raises(gx.Conflict):
        client.create_table(bq.Table(TABLE, schema=SCHEMA))


def test_patch(client, events):
    a, b = client.get_table(TABLE), client.get_table(TABLE)
    a.schema = a.schema + [SF("extra", "STRING")]
    client.update_table(a, ["schema"])
    b.description = "late"
    with pytest.raises(gx.PreconditionFailed):
        client.update_table(b, ["description"])
    a = client.get_table(TABLE)
    a.schema = a.schema[1:]
    with pytest.raises(gx.BadRequest):
        client.update_table(a, ["schema"])


@pytest.mark.parametrize("fields,why", [
    ([SF("a.b", "STRING")], "Invalid field name"), ([SF("_PARTITIONTIME", "STRING")], "Invalid field name"),
    ([SF("a", "STRING"), SF("A", "STRING")], "Duplicate field name"), ([SF("r", "RECORD", fields=[SF("a.b", "STRING")])], "Invalid field name"),
    ([SF("a", "VARCHAR")], "not a valid value"), ([SF("r", "RECORD")], "no schema")])
def test_schemas_that_are_none(client, fields, why):
    client.create_dataset("d")
    with pytest.raises(gx.BadRequest, match=why):
        client.create_table(bq.Table(TABLE, schema=fields))


def test_types_have_their_old_names(client):
    client.create_dataset("d")
    client.create_table(bq.Table(TABLE, schema=[SF("a", "INT64"), SF("b", "STRUCT", fields=[SF("c", "FLOAT64"), SF("d", "BOOL")])]))
    assert client.get_table(TABLE).schema == [SF("a", "INTEGER"), SF("b", "RECORD", fields=[SF("c", "FLOAT"), SF("d", "BOOLEAN")])]


def test_external_table(standin, client, tmp_path):
    """An external table points to one Iceberg metadata file; its schema follows when that is asked for."""
    client.create_dataset("d")
    standin.config(buckets={"lake": str(tmp_path)})
    fields = [{"id": 1, "name": "id", "required": True, "type": "long"}, {"id": 2, "name": "at", "required": False, "type": "timestamptz"}]
    for n in (1, 2):
        (tmp_path / f"v{n}.json").write_text(json.dumps({"current-schema-id": 0, "schemas": [{"schema-id": 0, "fields": fields[:n]}]}))
    conf = bq.ExternalConfig("ICEBERG")
    conf.source_uris = ["gs://lake/v1.json"]
    t = bq.Table(lab_bq.PROJECT + ".d.ext")
    t.external_data_configuration = conf
    t = client.create_table(t)
    assert t.table_type == "EXTERNAL" and t.schema == [SF("id", "INTEGER", "REQUIRED")]
    conf.source_uris = ["gs://lake/v2.json"]
    t.external_data_configuration = conf
    t.schema = None
    t = client.update_table(t, ["external_data_configuration", "schema"], autodetect_schema=True)
    assert [f.name for f in t.schema] == ["id", "at"] and client.get_table(t).external_data_configuration.source_uris == ["gs://lake/v2.json"]
    conf.source_uris = ["gs://lake/v3.json"]
    t.external_data_configuration = conf
    with pytest.raises(gx.NotFound):
        client.update_table(t, ["external_data_configuration"])
    with pytest.raises(gx.BadRequest, match="EXTERNAL"):
        load(client, [{"id": 1}], t)


# ---- load jobs

def test_uploads(standin, client, events):
    load(client, [row(1)])
    assert "multipart" in standin.journal()[-1]["query"] or any("multipart" in e["query"] for e in standin.journal(clear=True))
    load(client, [row(1)], sized=False)
    assert any("resumable" in e["query"] for e in standin.journal())
    text = ndjson([row(i, 24) for i in range(50)]).getvalue()
    cut = len(text) // 2
    assert load(client, gzip.compress(text)).output_rows == 50
    assert load(client, gzip.compress(text[:cut]) + gzip.compress(text[cut:])).output_rows == 50      # two members are one file
    assert "corrupt" in failed(client, gzip.compress(text)[:-9])[1]


def test_chunks(standin, client, events):
    big = ndjson([row(i, 24, region="x" * 700) for i in range(3000)])
    meta = {"jobReference": {"projectId": lab_bq.PROJECT, "jobId": "chunks"}, "configuration": {"load": {
        "destinationTable": {"projectId": lab_bq.PROJECT, "datasetId": "d", "tableId": "events"}, "sourceFormat": "NEWLINE_DELIMITED_JSON"}}}
    from google.resumable_media.requests import ResumableUpload
    url = standin.url + f"/upload/bigquery/v2/projects/{lab_bq.PROJECT}/jobs?uploadType=resumable"
    upload, transport = ResumableUpload(url, 256 * 1024), requests.Session()
    upload.initiate(transport, big, meta, "application/octet-stream", total_bytes=len(big.getvalue()))
    while not upload.finished:
        answer = upload.transmit_next_chunk(transport)
    puts = [e["status"] for e in standin.journal() if e["method"] == "PUT"]
    assert answer.json()["status"]["state"] == "DONE" and puts == [308] * (len(puts) - 1) + [200] and len(puts) > 5

    # A 308 that stored less than was sent: Google's client gives up here, so by hand.
    meta["jobReference"]["jobId"] = "short"
    data, n = big.getvalue(), len(big.getvalue())
    where = transport.post(url, json=meta).headers["Location"]
    standin.faults({"match": {"method": "PUT"}, "action": "short-308", "bytes": 262144})
    put = lambda body, span: transport.put(where, body, headers={"Content-Range": f"bytes {span}/{n}"})
    answers = [put(data[:524288], "0-524287"), put(b"", "*"), put(data[262144:], f"262144-{n - 1}"), put(b"", "*")]
    assert [a.status_code for a in answers] == [308, 308, 200, 200]
    assert answers[0].headers["Range"] == answers[1].headers["Range"] == "bytes=0-262143" and client.get_job("short").output_rows == 3000
    standin.control("expire", {})
    assert put(b"", "*").status_code == 404


def test_a_job_id_is_used_once(standin, client, events):
    client.create_dataset(bq.Dataset(lab_bq.PROJECT + ".us"))
    dataset = bq.Dataset(lab_bq.PROJECT + ".eu")
    dataset.location = "EU"
    client.create_dataset(dataset)
    load(client, [row(1)], job_id="once")
    for at in ("final", "initiate"):
        standin.config(dup_409_at=at)
        for sized in (True, False):
            before = count(client)
            with pytest.raises(gx.Conflict, match="Already Exists: Job") as e:
                load(client, [row(2)], job_id="once", sized=sized)
            assert e.value.errors[0]["reason"] == "duplicate" and count(client) == before
    job = client.load_table_from_file(ndjson([{"a": 1}]), lab_bq.PROJECT + ".eu.t", job_id="once", location="EU", job_config=config(schema=[SF("a", "INTEGER")]))
    job.result()                # ids are of a project and a location
    assert client.get_job("once", location="EU").destination.dataset_id == "eu" and client.get_job("once", location="US").destination.dataset_id == "d"
    for location in ("asia-east1", "EU"):
        with pytest.raises(gx.NotFound):
            client.get_job("nope" if location == "EU" else "once", location=location)
    with pytest.raises(gx.NotFound, match="not found in location"):
        client.load_table_from_file(ndjson([{"a": 1}]), lab_bq.PROJECT + ".eu.t", location="US", job_config=config()).result()


def test_jobs_list(standin, client, events):
    for i in range(3):
        load(client, [row(i)], job_id=f"j{i}")
    jobs = list(client.list_jobs(state_filter="done"))
    assert [j.job_id for j in jobs[:3]] == ["j2", "j1", "j0"]
    everything = standin.api("/jobs?projection=full&maxResults=2")
    assert len(everything["jobs"]) == 2 and "configuration" in everything["jobs"][0] and "nextPageToken" in everything
    assert all("configuration" not in j for j in standin.api("/jobs")["jobs"])
    assert standin.api("/jobs?minCreationTime=99999999999999")["jobs"] == []


def test_rows_that_are_none(client, events):
    reason, errors = failed(client, [row(1), row(2, nope=1), row(3, id="x")])
    assert reason == "invalid" and "No such field: nope" in errors and "position %d" % len(ndjson([row(1)]).getvalue()) in errors
    assert load(client, [row(1), row(2, nope=1)], max_bad_records=1).output_rows == 1
    for wrong in (dict(row(1), id=None), row(1, tags=[None]), row(1, tags="a"), row(1, region=["a"]), row(1, amount="1.0000000001"), row(1, amount="1e29"),
                  row(2 ** 53), row(1, ts="2026-02-30T00:00:00Z"), row(1, addr={"zap": 1})):
        assert failed(client, [wrong])[0] == "invalid", wrong
    assert failed(client, b'{"id":1,"region":NaN}\n')[0] == failed(client, b'{"id":1}{"id":2}\n')[0] == failed(client, b'{"id":1,"id":2}\n')[0] == "invalid"


def test_values(standin, client):
    """Limits of each type, and what comes back."""
    client.create_dataset("d")
    types = ("INTEGER", "FLOAT", "BOOLEAN", "STRING", "BYTES", "NUMERIC", "BIGNUMERIC", "TIMESTAMP", "DATE", "TIME", "DATETIME", "JSON", "GEOGRAPHY")
    client.create_table(bq.Table(TABLE, schema=[SF(t.lower(), t) for t in types]))
    big = str(((1 << 255) - 1))
    good = {"integer": str(-2 ** 63), "float": -0.0, "boolean": True, "string": "\u00e9\U0001f600\u0000", "bytes": "AP8=", "numeric": "9" * 29 + "." + "9" * 9,
            "bignumeric": big[:39] + "." + big[39:], "timestamp": "9999-12-31T23:59:59.999999Z", "date": "0001-01-01", "time": "23:59:59.999999",
            "datetime": "2026-11-22T10:00:00.000001", "json": {"a": [1, "x", None]}, "geography": "POINT(1 2)"}
    load(client, [good])
    r = next(iter(client.list_rows(TABLE)))
    assert r["integer"] == -2 ** 63 and str(r["numeric"]) == good["numeric"] and str(r["bignumeric"]) == good["bignumeric"] and r["bytes"] == b"\0\xff"
    assert r["string"] == good["string"] and r["json"] == good["json"] and r["timestamp"].isoformat() == "9999-12-31T23:59:59.999999+00:00"
    assert r["time"].isoformat() == good["time"] and r["datetime"].isoformat() == good["datetime"] and r["date"].isoformat() == good["date"]
    for column, wrong in (("integer", str(2 ** 63)), ("numeric", "1" + "0" * 29), ("bignumeric", big[:39] + "." + big[39:] + "1"), ("bytes", "?"), ("time", "24:00:00"),
                          ("datetime", "2026-02-30T00:00:00"), ("date", "2026-13-01"), ("boolean", "maybe"), ("float", "x"), ("timestamp", "10000-01-01T00:00:00Z")):
        assert failed(client, [{column: wrong}])[0] == "invalid", column
    assert failed(client, b'{"numeric":123456789.1234567891}\n')[0] == "invalid"       # not exact as a double


def test_schema_updates(client, events):
    more = SCHEMA + [SF("nope", "INTEGER")]
    assert "Cannot add fields" in failed(client, [row(2, nope=1)], schema=more)[1]
    load(client, [row(2, nope=1)], schema=more, schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert client.get_table(TABLE).schema[-1].name == "nope"
    relaxed = [SF("id", "INTEGER")] + more[1:]
    assert "changed mode" in failed(client, [row(2)], schema=relaxed)[1]
    load(client, [{"region": "eu"}], schema=relaxed, schema_update_options=["ALLOW_FIELD_RELAXATION"])
    assert client.get_table(TABLE).schema[0].mode == "NULLABLE"
    assert "changed type" in failed(client, [row(2)], schema=[SF("id", "STRING")])[1]


def test_dispositions(client, events):
    with pytest.raises(gx.Conflict):
        load(client, [row(1)], write_disposition="WRITE_EMPTY")
    load(client, [row(1)], write_disposition="WRITE_TRUNCATE_DATA")
    assert count(client) == 1 and client.get_table(TABLE).schema == SCHEMA
    load(client, [{"id": 1}], write_disposition="WRITE_TRUNCATE", schema=[SF("id", "INTEGER"), SF("ts", "TIMESTAMP"), SF("region", "STRING")])
    assert count(client) == 1 and len(client.get_table(TABLE).schema) == 3
    with pytest.raises(gx.NotFound):
        load(client, [row(1)], lab_bq.PROJECT + ".d.other", create_disposition="CREATE_NEVER")
    load(client, [{"a": 1, "b": "x", "c": [1.5], "d": {"e": True}}], lab_bq.PROJECT + ".d.auto", autodetect=True)
    assert [f.field_type for f in client.get_table("d.auto").schema] == ["INTEGER", "STRING", "FLOAT", "RECORD"]


def test_partitions(standin, client, events):
    for _ in range(2):
        load(client, [row(i) for i in range(7)], TABLE + "$20261122", write_disposition="WRITE_TRUNCATE")
    assert count(client) == 17 and len(standin.rows("d.events$20261122")) == 7
    assert "different partitions" in failed(client, [row(1, 23)], TABLE + "$20261122")[1]
    for decorator in ("$2026112210", "$202611", "$20261131", "$x"):
        assert "decorator" in failed(client, [row(1)], TABLE + decorator)[1]
    t = bq.Table(lab_bq.PROJECT + ".d.ranges", schema=[SF("n", "INTEGER")])
    t.range_partitioning = bq.RangePartitioning(field="n", range_=bq.PartitionRange(start=-10, end=100, interval=10))
    client.create_table(t)
    load(client, [{"n": n} for n in (-10, -1, 0, 9, 10, 99, 100, None)], t)
    assert [len(standin.rows("d.ranges$" + p)) for p in ("-10", "0", "10", "90", "__UNPARTITIONED__", "__NULL__")] == [2, 2, 1, 1, 1, 1]
    load(client, [{"n": 11}], lab_bq.PROJECT + ".d.ranges$10", write_disposition="WRITE_TRUNCATE_DATA")
    assert len(standin.rows("d.ranges$10")) == 1 and client.get_table(t).range_partitioning == t.range_partitioning
    for kind, partition in (("HOUR", "2026112210"), ("MONTH", "202611"), ("YEAR", "2026")):
        t = bq.Table(f"{lab_bq.PROJECT}.d.{kind}", schema=SCHEMA)
        t.time_partitioning = bq.TimePartitioning(kind, field="ts")
        client.create_table(t)
        load(client, [row(1)], f"{lab_bq.PROJECT}.d.{kind}${partition}")
        assert len(standin.rows(f"d.{kind}${partition}")) == 1


def test_running_jobs(standin, client, events):
    standin.config(job_delay_ms=[200, 400])
    j = client.load_table_from_file(ndjson([row(1, 26)]), TABLE, job_config=config())
    assert j.state == "RUNNING" and j.result().state == "DONE"
    standin.config(job_delay_ms=60000)
    client.load_table_from_file(ndjson([row(1, 26)]), TABLE, job_id="cut", job_config=config())
    before = count(client)
    standin.end()
    standin.start()             # another port; data, jobs and used ids are there
    client = client_for(standin)
    assert count(client) == before and client.get_job("cut").error_result["reason"] == "jobBackendError"


# ---- faults

def test_faults(standin, client, events):
    base = count(client)
    upload = {"method": "POST", "path": "/upload/"}
    standin.faults({"match": upload, "action": "drop-response"})
    with pytest.raises(Exception):
        load(client, [row(1, 26)], job_id="lost", retries=0)
    assert client.get_job("lost").state == "DONE" and count(client) == base + 1
    standin.faults({"match": upload, "action": "reset-request", "bytes": 4096})
    with pytest.raises(Exception):
        load(client, [row(i, 26) for i in range(5000)], job_id="cut", retries=0)
    with pytest.raises(gx.NotFound):
        client.get_job("cut")
    standin.faults({"match": {"method": "GET", "path": "/jobs/"}, "action": "status", "status": 503, "times": 2})
    assert client.get_job("lost").state == "DONE"
    standin.faults({"match": upload, "action": "job-error", "reason": "backendError"})
    assert failed(client, [row(1, 26)])[0] == "backendError"
    standin.faults({"match": {"path": "/tables/events$"}, "action": "reset-response"})
    assert count(client) == base + 1
    standin.faults({"match": {"method": "PUT"}, "action": "status", "status": 503})
    load(client, [row(1, 26)], sized=False)
    standin.faults({"match": upload, "action": "status", "status": 503, "p": 0.5, "times": 1000})
    assert {upload_status(client) for _ in range(40)} == {200, 503}


def upload_status(client):
    try:
        load(client, [row(1)], retries=0)
        return 200
    except gx.ServiceUnavailable:
        return 503


# ---- insertAll, queries

def test_insert_all(standin, client):
    client.create_dataset("d")
    t = client.create_table(bq.Table(lab_bq.PROJECT + ".d.stream", schema=[SF("n", "INTEGER"), SF("s", "STRING")]))
    rows = [{"n": i, "s": "v"} for i in range(50)]
    for _ in range(2):          # the second time all ids are known
        assert client.insert_rows_json(t, rows, row_ids=[str(i) for i in range(50)]) == []
    assert client.get_table(t).num_rows == 50
    errors = client.insert_rows_json(t, [{"n": "bad"}, {"n": 1}, {"zz": 1}])
    assert [e["errors"][0]["reason"] for e in errors] == ["invalid", "stopped", "invalid"] and client.get_table(t).num_rows == 50
    assert len(client.insert_rows_json(t, [{"n": "bad"}, {"n": 1}], skip_invalid_rows=True)) == 1 and client.get_table(t).num_rows == 51
    standin.faults({"match": {"path": "insertAll"}, "action": "duplicate"})
    client.insert_rows_json(t, [{"n": 7}], row_ids=[None])
    assert client.get_table(t).num_rows == 53


def test_queries(client, events):
    rows = list(client.query("SELECT region, COUNT(*) AS n, COUNT(DISTINCT id) AS d FROM d.events WHERE ts < TIMESTAMP '2026-11-23 00:00:00 UTC' "
                             "GROUP BY region ORDER BY region").result())
    assert [(r.region, r.n, r.d) for r in rows] == [("eu", 5, 5), ("us", 5, 5)]
    assert list(client.query_and_wait("SELECT COUNT(*) FROM `d.events`"))[0][0] == 20
    with pytest.raises(gx.NotFound):
        client.query("SELECT 1 FROM d.missing").result()
    r = next(iter(client.list_rows(TABLE, max_results=1)))
    assert r["tags"] == ["a", "b"] and r["addr"]["zip"] == "10115" and r["ts"].microsecond == 500000 and str(r["amount"]) == "1.25" and r["raw"] == {"k": [1, None]}


# ---- credentials

def good(standin, credentials):
    return client_for(standin, credentials).get_table(TABLE).num_rows == 20


def test_credentials(standin, client, events, tmp_path, monkeypatch):
    from google.auth import identity_pool
    from google.auth.exceptions import RefreshError
    from google.oauth2 import credentials as oauth, service_account
    key = standin.service_account()
    standin.config(auth=True)
    with pytest.raises(Exception):
        good(standin, None)
    account = service_account.Credentials.from_service_account_file(key, scopes=SCOPE)
    assert good(standin, account)
    standin.control("revoke", {})
    assert good(standin, account)       # 401, then a new token
    standin.journal(clear=True)
    itself = service_account.Credentials.from_service_account_file(key, scopes=SCOPE, always_use_jwt_access=True)
    itself._create_self_signed_jwt(None)
    assert good(standin, itself) and not any(e["path"] == "/token" for e in standin.journal())
    with open(key) as f:
        other = json.load(f)
    other["private_key"] = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], check=True, capture_output=True, text=True).stdout
    with pytest.raises(RefreshError):
        good(standin, service_account.Credentials.from_service_account_info(other, scopes=SCOPE))
    assert good(standin, oauth.Credentials(None, refresh_token="fake-refresh-token", client_id="i", client_secret="s", token_uri=standin.url + "/token"))
    (tmp_path / "subject").write_text("subject")
    external = dict(audience="//iam.googleapis.com/x", subject_token_type="urn:ietf:params:oauth:token-type:jwt", token_url=standin.url + "/v1/token", scopes=SCOPE)
    assert good(standin, identity_pool.Credentials(credential_source={"file": str(tmp_path / "subject")}, **external))
    assert good(standin, identity_pool.Credentials(credential_source={"url": standin.url + "/_subject", "format": {"type": "json", "subject_token_field_name": "id"}},
                                                   **external))
    (tmp_path / "subject").write_text("expired")
    with pytest.raises(Exception, match="invalid_grant"):
        good(standin, identity_pool.Credentials(credential_source={"file": str(tmp_path / "subject")}, **external))
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
        monkeypatch.setenv(name, standin.url.partition("//")[2])
    import importlib
    import google.auth.compute_engine._metadata as metadata
    importlib.reload(metadata)
    from google.auth import compute_engine
    assert good(standin, compute_engine.Credentials())


def test_what_is_not_there(standin):
    for path in ("/bigquery/v2/projects/p/nothing", "/upload/bigquery/v2/projects/p/jobs?uploadType=other"):
        with pytest.raises(urllib.error.HTTPError):
            standin.ask(path, {})
