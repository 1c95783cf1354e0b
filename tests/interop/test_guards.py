"""A stream goes on whatever other programs do to its table; and it stops when they take its rows away."""
import collections
import datetime
import json
import os
import random
import subprocess
import threading
import time

import lab
import pytest
import readers

TABLE = "shop.stream"
COLUMNS = "id=long,part=long,region=string"


class Feed:
    """Files of events in a pipeline of many epochs into TABLE."""

    def __init__(self, weir, replay, where):
        self.weir, self.where, self.n = weir, where, 0
        self.files = [os.path.join(where, f"{p}.ndjson") for p in range(2)]
        self.sink = f"iceberg-out --catalog sqlite:{where}/catalog.db --table {TABLE}"
        self.source = f"{replay} --poll 10 --epoch 0s,40 --rate %d {' '.join(self.files)}"
        self.state = os.path.join(where, "state-of-feed")

    def grow(self, count):
        for p, name in enumerate(self.files):
            with open(name, "a", encoding="utf-8") as f:
                for i in range(self.n, self.n + count):
                    print(json.dumps({"id": i, "part": p, "region": ("north", "south")[i % 2]}), file=f)
        self.n += count
        return self

    def run(self, rate=0, options="", **more):
        return self.weir.run(self.source % rate, f"{self.sink} --create --columns {COLUMNS} --partition region {options}", state=self.state, **more)

    def start(self, rate):
        line = f"{self.source % rate} | {self.sink}"
        return subprocess.Popen(["weir", "run", "-q", "-s", self.state, line], cwd=self.where, env=self.weir.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def check(self, ice, want=None):
        """Every event once, as PyIceberg and DuckDB have it; rows of others do not count."""
        for rows in (readers.rows(ice.pyiceberg(TABLE)), self.duckdb(ice)):
            got = collections.Counter((r["part"], r["id"]) for r in rows if r["region"] in ("north", "south"))
            expected = {(p, i) for p in range(2) for i in (range(self.n) if want is None else want)}
            assert not [k for k, n in got.items() if n > 1]
            assert set(got) == expected
        return len(rows)

    def duckdb(self, ice):
        with ice.duckdb(TABLE) as q:
            return readers.rows(q("SELECT * FROM t"))

    def position(self):
        return self.weir.sh(self.sink + " --position").expect(0).out.strip()


@pytest.fixture
def feed(weir, build, tmp_path):
    subprocess.run(["make", "-s", "tests/fault/replay.la"], cwd=build, check=True, stdout=subprocess.DEVNULL)
    return Feed(weir, os.path.join(build, "tests/fault/.libs/replay.so"), str(tmp_path))


class Others(threading.Thread):
    """PyIceberg appends, compacts, evolves, tags, sets properties and expires, one after another, until told to stop."""

    def __init__(self, ice, seed):
        super().__init__(daemon=True)
        self.ice, self.rng = ice, random.Random(seed)
        self.stop, self.done, self.lost, self.problem, self.rows = threading.Event(), collections.Counter(), collections.Counter(), None, 0

    def run(self):
        from pyiceberg.exceptions import CommitFailedException, ValidationException
        todo = [self.append, self.compact, self.evolve, self.tag, self.properties, self.expire]
        try:
            while not self.stop.is_set():
                act = todo[sum((self.done + self.lost).values()) % len(todo)]
                try:
                    act(self.ice.load(TABLE))
                    self.done[act.__name__] += 1
                except (CommitFailedException, ValidationException):    # weir was first; a compaction wants to be alone
                    self.lost[act.__name__] += 1
        except Exception as e:                      # shown by the test
            self.problem = e

    def append(self, table):
        import pyarrow as pa
        n = 5
        table.append(pa.table({"id": pa.array(range(n), pa.int64()), "part": pa.array([0] * n, pa.int64()), "region": ["pyiceberg"] * n}))
        self.rows += n

    def compact(self, table):
        """All files of one partition become one."""
        from pyiceberg.io.pyarrow import _dataframe_to_data_files
        region = self.rng.choice(("north", "south"))
        scan = table.scan(f"region = '{region}'")
        files = [task.file for task in scan.plan_files()]
        if len(files) < 2:
            return
        rows = scan.to_arrow()
        with table.transaction() as tx:
            with tx.update_snapshot().overwrite() as change:
                for f in files:
                    change.delete_data_file(f)
                for f in _dataframe_to_data_files(tx.table_metadata, rows, table.io):
                    change.append_data_file(f)

    def evolve(self, table):
        from pyiceberg.types import StringType
        if len(table.schema().fields) < 12:
            with table.update_schema() as change:
                change.add_column(f"more{len(table.schema().fields)}", StringType())

    def tag(self, table):
        table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, f"tag{self.done['tag']}").commit()

    def properties(self, table):
        with table.transaction() as tx:
            tx.set_properties({"theirs": str(self.done["properties"])})

    def expire(self, table):
        for i in range(self.done["tag"]):
            if f"tag{i}" in table.refs():
                table.manage_snapshots().remove_tag(f"tag{i}").commit()
                table = self.ice.load(TABLE)
        table.maintenance.expire_snapshots().older_than(datetime.datetime.now() - datetime.timedelta(seconds=1)).commit()


def test_others_write_while_it_runs(request, feed, tmp_path):
    ice = readers.Catalog(tmp_path / "catalog.db")
    feed.grow(40).run().expect(0)
    others = Others(ice, 4)
    others.start()
    conflicts = commits = 0
    deadline = time.monotonic() + (30 if request.config.option.short else 180)
    while time.monotonic() < deadline and not others.problem:
        p = feed.grow(600).start(rate=600)
        out, err = p.communicate(timeout=120)
        assert p.returncode in (0, 75), err      # 75: they changed the schema under a commit, or were first 30 times
        receipts = [json.loads(line) for line in out.splitlines()]
        time.sleep(1)       # a compaction gets its turn
        conflicts += sum(r.get("conflicts", 0) for r in receipts if "commits" not in r)
        commits += sum("commits" not in r for r in receipts)
    others.stop.set()
    others.join(60)
    if others.problem:
        raise others.problem
    feed.run().expect(0)
    others.compact(ice.load(TABLE))         # this one for sure
    others.done["compact"] += 1
    assert ice.load(TABLE).current_snapshot().summary.operation.value == "overwrite"
    feed.grow(100).run().expect(0)
    total = feed.check(ice)
    assert total == 2 * feed.n + others.rows
    print(f"{commits} commits of ours with {conflicts} conflicts; theirs: {dict(others.done)}, conflicts {dict(others.lost)}")
    assert all(others.done[k] for k in ("append", "compact", "evolve", "tag", "properties", "expire"))
    assert commits > 10 and conflicts + sum(others.lost.values()) > 0


def test_summaries_expire_and_the_position_stays(feed, tmp_path):
    from pyiceberg.exceptions import CommitFailedException
    ice = readers.Catalog(tmp_path / "catalog.db")
    feed.grow(200).run().expect(0)
    was = feed.position()
    Others(ice, 1).append(ice.load(TABLE))
    try:
        ice.load(TABLE).maintenance.expire_snapshots().older_than(datetime.datetime.now() + datetime.timedelta(days=1)).commit()
    except CommitFailedException as e:
        pytest.fail(str(e))
    table = ice.load(TABLE)
    assert not [s for s in table.snapshots() if s.summary and "weir.token" in s.summary.additional_properties]
    assert feed.position() == was
    feed.grow(100).run().expect(0)
    feed.check(ice)


def test_rollback(feed, tmp_path):
    ice = readers.Catalog(tmp_path / "catalog.db")
    feed.grow(100).run().expect(0)
    first = ice.load(TABLE).current_snapshot().snapshot_id
    n = feed.n
    feed.grow(50).run().expect(0)
    ice.load(TABLE).manage_snapshots().rollback_to_snapshot(first).commit()
    before = ice.metadata(TABLE)
    r = feed.run().expect(81)
    assert "was rolled back by another program" in r.err and "--after-rollback replay" in r.err and str(first) in r.err
    assert ice.metadata(TABLE) == before
    # others go on writing on the older head: it is still known
    Others(ice, 1).append(ice.load(TABLE))
    feed.run().expect(81)
    feed.grow(10)
    feed.run(options="--after-rollback replay").expect(0)
    feed.check(ice)
    # and the other way: the rows stay out
    ice.load(TABLE).manage_snapshots().rollback_to_snapshot(first).commit()
    last = feed.n
    feed.grow(20)
    feed.run(options="--after-rollback keep").expect(0)
    feed.check(ice, [*range(n), *range(last, feed.n)])
    feed.run().expect(0)


def test_dropped_and_made_again(feed, tmp_path):
    from pyiceberg.catalog import load_catalog
    ice = readers.Catalog(tmp_path / "catalog.db")
    feed.grow(100).run().expect(0)
    cat = load_catalog(readers.NAME, type="sql", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    schema = cat.load_table(TABLE).schema()
    cat.drop_table(TABLE)
    cat.create_table(TABLE, schema)
    before = ice.metadata(TABLE)
    r = feed.run().expect(81)
    assert "the table was made anew" in r.err
    assert ice.metadata(TABLE) == before
    feed.state = os.path.join(feed.where, "another")
    feed.run().expect(0)
    feed.check(ice)
