"""weir run --parallel N over a real topic: each shard is a feed of its own in the same table."""
import json
import os
import uuid

import readers

TABLE = "shop.shards"


def events(path, first, last):
    """Lines for kcat -K: the key is the event's id, so that a producer's partition is the id's."""
    with open(path, "w") as f:
        for n in range(first, last):
            f.write(f'k{n % 50}\t{{"id":"k{n % 50}","n":{n}}}\n')
    return path


def stages(kafka, topic, catalog, *source):
    return (f"kcat-in -b {kafka.bootstrap} -t {topic} -e " + " ".join(source), "dedupe -k id,n",
            f"iceberg-out --catalog sqlite:{catalog} --table {TABLE} --create --columns id=string,n=long")


def feeds(ice):
    """The feeds that the table knows: shard -> next offset of each partition."""
    found = {}
    for key, value in ice.load(TABLE).properties.items():
        if key.startswith("weir.feed."):
            shard = key.removeprefix("weir.feed.").split("/", 1)[1].rsplit("/", 1)[0]
            (topic,) = json.loads(value)["off"]["topics"].values()
            found[shard] = {int(p): int(n) for p, n in topic["next"].items()}
    return found


def test_shards_are_feeds_of_one_table(weir, kafka, tmp_path):
    topic = kafka.topic("shards-" + uuid.uuid4().hex[:8], 5)
    catalog, state = tmp_path / "catalog.db", tmp_path / "state"
    run = lambda n, *source: weir.run(*stages(kafka, topic, catalog, *source), state=state, options=f"--parallel {n}")
    kafka.produce(topic, events(tmp_path / "one", 0, 1000), "-K", "\t")

    # dedupe's keys are spread over the shards unless somebody says how they are partitioned
    r = run(2)
    assert r.code == 78 and "--partitioned-by" in r.err, r.err
    assert not os.path.exists(catalog)

    run(2, "--partitioned-by id").expect(0)
    ice = readers.Catalog(catalog)
    rows = readers.rows(ice.pyiceberg(TABLE))
    assert sorted(r["n"] for r in rows) == list(range(1000))
    found = feeds(ice)
    assert set(found) == {"0/2", "1/2"}
    assert set(found["0/2"]) == {0, 2, 4} and set(found["1/2"]) == {1, 3}
    assert sum(sum(f.values()) for f in found.values()) == 1000

    # the next run goes on where each shard was, and what came twice is known to the shard it comes to
    kafka.produce(topic, events(tmp_path / "two", 900, 1500), "-K", "\t")
    run(2, "--partitioned-by id").expect(0)
    assert sorted(r["n"] for r in readers.rows(ice.pyiceberg(TABLE))) == list(range(1500))
    assert sum(sum(f.values()) for f in feeds(ice).values()) == 1600

    # another number of shards would read partitions that other feeds have
    r = run(3, "--partitioned-by id")
    assert r.code == 77, (r.code, r.err)
    assert sorted(r["n"] for r in readers.rows(ice.pyiceberg(TABLE))) == list(range(1500))
