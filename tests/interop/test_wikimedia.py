"""Events nobody here made up: 100 Wikimedia edits under the schema Wikimedia publishes, through a real broker."""
import collections
import datetime
import json

import pytest
import readers

TIME = "meta.dt"
FUSE = pytest.mark.parametrize("fuse", ["auto", "no"])


@pytest.fixture(scope="module")
def wiki(kafka, shared, tmp_path_factory):
    """The events, each eighth one twice, and two that the schema refuses, in a topic of 3 partitions."""
    d = tmp_path_factory.mktemp("wikimedia")
    with open(shared + "/data/wikimedia/recentchange.ndjson", encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert len(lines) == 100
    no_meta, bad_id = json.loads(lines[0]), json.loads(lines[1])
    del no_meta["meta"]
    bad_id["meta"]["id"] = "not-a-uuid"
    sent = lines + lines[::8] + [json.dumps(no_meta), json.dumps(bad_id)]
    (d / "sent.ndjson").write_text("\n".join(sent) + "\n", encoding="utf-8")
    (d / "wikis.csv").write_text("wiki,language,family\nenwiki,English,wikipedia\ndewiki,German,wikipedia\n", encoding="utf-8")
    topic = kafka.topic("recentchange", 3)
    kafka.produce(topic, d / "sent.ndjson")
    schema = shared + "/data/wikimedia/recentchange-1.0.0.schema.json"
    return {
        "events": [json.loads(line) for line in lines], "duplicates": len(lines[::8]), "refused": 2, "schema": schema,
        "stages": [f"kcat-in -b {kafka.bootstrap} -t {topic} -e --time {TIME}",
                   f"validate --schema {schema} --max-rejects 10%",
                   f"dedupe --key meta.id --time {TIME}",
                   f"enrich --lookup w=csv:{d}/wikis.csv,key=wiki --on wiki --set language=w.language --const origin=kafka "
                   "--jq '.delta = .length.new - .length.old'"]}


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def same(value, want):
    """A value of a table against the event's JSON: a time may have become a timestamp, an absent member a null."""
    if isinstance(value, dict):
        want = want or {}
        return set(want) <= set(value) and all(same(v, want.get(k)) for k, v in value.items())
    if isinstance(value, datetime.datetime):
        return value == instant(want)
    return type(value) is type(want) and value == want


def enriched(e):
    return dict(e, language="English", origin="kafka", delta=e["length"]["new"] - e["length"]["old"])


def both(ice, table):
    """The rows, by event id, as PyIceberg and as DuckDB read them."""
    with ice.duckdb(table) as q:
        duck = readers.rows(q("SELECT * FROM t"))
    pyice = readers.rows(ice.pyiceberg(table))
    out = []
    for rows in (pyice, duck):
        by_id = {r["meta"]["id"]: r for r in rows}
        assert len(by_id) == len(rows), "an event is twice in the table"
        out.append(by_id)
    return out


@FUSE
def test_nested_columns_by_inference(weir, wiki, tmp_path, fuse):
    r = weir.run(*wiki["stages"], f"iceberg-out --catalog sqlite:{tmp_path}/catalog.db --table wiki.edits --create --infer",
                 fuse=fuse, state=tmp_path / "pipe").expect(0)
    assert int(r.receipt["rows"]) == 100
    acct = {k.split(".", 1)[1]: v for k, v in r.receipt["acct"].items()}
    assert int(acct["validate"]["rejected"]) == wiki["refused"]
    assert int(acct["dedupe"]["duplicate"]) == wiki["duplicates"]
    want = {e["meta"]["id"]: enriched(e) for e in wiki["events"]}
    for rows in both(readers.Catalog(tmp_path / "catalog.db"), "wiki.edits"):
        assert rows.keys() == want.keys()
        wrong = [i for i in want if not same(rows[i], want[i]) or set(want[i]) - set(rows[i])]
        assert not wrong, (rows[wrong[0]], want[wrong[0]])


def test_columns_by_the_published_schema(weir, wiki, tmp_path):
    """What the schema does not know, at any depth, is in the column of --rest."""
    with open(wiki["schema"], encoding="utf-8") as f:
        known = json.load(f)["properties"]
    weir.run(*wiki["stages"], f"iceberg-out --catalog sqlite:{tmp_path}/catalog.db --table wiki.edits --create "
             f"--schema {wiki['schema']} --rest other", state=tmp_path / "pipe").expect(0)
    ice = readers.Catalog(tmp_path / "catalog.db")
    want = {e["meta"]["id"]: enriched(e) for e in wiki["events"]}
    for rows in both(ice, "wiki.edits"):
        assert rows.keys() == want.keys()
        for i, row in rows.items():
            rest = json.loads(row.pop("other"))
            assert set(row) == set(known)
            for name, value in row.items():
                if isinstance(value, dict):
                    assert all(same(v, want[i][name].get(k)) for k, v in value.items()), (name, value, want[i][name])
                else:
                    assert same(value, want[i].get(name)), (name, value)
            for name in set(want[i]) - set(known):
                assert rest[name] == want[i][name]


@FUSE
def test_windows_by_wiki_and_bot(weir, wiki, tmp_path, fuse):
    weir.run(*wiki["stages"],
             f"window-agg --time {TIME} --size 1m --by wiki,bot --agg 'edits=count()' --agg 'grown=sum(delta)' "
             "--agg 'size=max(length.new)' --agg 'smallest=min(length.new)' --agg 'users=count_distinct(user)' --wait 16m --flush",
             f"iceberg-out --catalog sqlite:{tmp_path}/catalog.db --table wiki.minutes --create --infer",
             fuse=fuse, state=tmp_path / "pipe").expect(0)
    groups = collections.defaultdict(list)
    for e in wiki["events"]:
        groups[instant(e["meta"]["dt"]).replace(second=0), e["wiki"], e["bot"]].append(e)
    want = {}
    for key, events in groups.items():
        sizes = [e["length"]["new"] for e in events]
        want[key] = {"edits": len(events), "grown": sum(e["length"]["new"] - e["length"]["old"] for e in events),
                     "size": max(sizes), "smallest": min(sizes), "users": len({e["user"] for e in events})}
    ice = readers.Catalog(tmp_path / "catalog.db")
    with ice.duckdb("wiki.minutes") as q:
        tables = [readers.rows(ice.pyiceberg("wiki.minutes")), readers.rows(q("SELECT * FROM t"))]
    for rows in tables:
        got = {}
        for r in rows:
            start, end = r["window_start"], r["window_end"]
            if isinstance(start, str):
                start, end = instant(start), instant(end)
            assert end - start == datetime.timedelta(minutes=1)
            got[start, r["wiki"], r["bot"]] = {k: r[k] for k in ("edits", "grown", "size", "smallest", "users")}
        assert got == want
