#!/usr/bin/env python3
"""kcat-in against a real Kafka broker: prints TAP, exits 1 when a check fails.

    checks.py KCAT_IN [NAME...]

The broker is told by KAFKA_BOOTSTRAP, and for TLS and logins by
KAFKA_SECURE_BOOTSTRAP, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_CA.
GEN_EVENTS is a generator of events with --truth; without it the check of a
million events is skipped, and with CI=true that is a failure.
Needs the Python module confluent_kafka.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

TOOL = sys.argv[1]
ONLY = sys.argv[2:]
BROKER = os.environ["KAFKA_BOOTSTRAP"]
SECURE = os.environ.get("KAFKA_SECURE_BOOTSTRAP")
ADMIN = AdminClient({"bootstrap.servers": BROKER})
CHECKS = []


class Skip(Exception):
    pass


def check(f):
    CHECKS.append(f)
    return f


def new_topic(partitions=1, **config):
    name = "kc-" + uuid.uuid4().hex[:10]
    config = {k.replace("_", "."): str(v) for k, v in config.items()}
    ADMIN.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(30)
    return name


def produce(topic, values, partition=0, producer=None, **kw):
    p = producer or Producer({"bootstrap.servers": BROKER, "linger.ms": 5})
    for v in values:
        while True:
            try:
                p.produce(topic, v, partition=partition, **kw)
                break
            except BufferError:
                p.poll(0.1)
    assert p.flush(60) == 0


def transaction(topic, values, commit, partition=0):
    p = Producer({"bootstrap.servers": BROKER, "transactional.id": uuid.uuid4().hex})
    for attempt in range(20):       # the coordinator may still be loading
        try:
            p.init_transactions(30)
            break
        except Exception:
            time.sleep(0.5)
    p.begin_transaction()
    produce(topic, values, partition, p)
    if commit is None:
        return p
    p.commit_transaction(30) if commit else p.abort_transaction(30)
    return None


def numbers(first, last):
    return ['{"n":%d}' % n for n in range(first, last)]


Run = collections.namedtuple("Run", "code lines err control")


def run(*args, broker=BROKER, env=None, timeout=120, framed=False):
    cmd = [TOOL, "--control" if framed else "--plain", *(["-b", broker] if broker else []), *args]
    r = subprocess.run(cmd, capture_output=True, timeout=timeout, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
    lines = r.stdout.decode().splitlines()
    control = [json.loads(s)["@weir"] for s in lines if s.startswith('{"@weir":')] if framed else []
    return Run(r.returncode, [s for s in lines if not framed or not s.startswith('{"@weir":')], r.stderr.decode(), control)


def read(topic, *args, **kw):
    r = run("-t", topic, *args, **kw)
    assert r.code == 0, r
    return [json.loads(s)["n"] for s in r.lines]


def expect(got, want):
    assert got == want, "got %r, want %r" % (got, want)


def says(r, code, *words):
    assert r.code == code and all(w in r.err for w in words), "want exit %d and %r, got %r" % (code, words, r)


def off_of(r):
    return [c for c in r.control if c["k"] == "bar"][-1]["off"]


def position(r):
    bar = [c for c in r.control if c["k"] == "bar"][-1]
    return json.dumps({"off": bar["off"], "pipe": "p", "token": "%s/%s" % (bar["run"], bar["id"])})


@check
def a_million_events_over_8_partitions():
    gen = os.environ.get("GEN_EVENTS")
    if not gen:
        raise Skip("GEN_EVENTS is not set")
    topic = new_topic(8, retention_ms=-1)
    with tempfile.TemporaryDirectory() as d:
        truth = os.path.join(d, "truth")
        lines = subprocess.run([gen, "--count", "1000000", "--dup-percent", "2", "--late-percent", "3", "--bad-percent", "1", "--truth", truth],
                               stdout=subprocess.PIPE, check=True).stdout.splitlines()
        truth = json.load(open(truth))
        p = Producer({"bootstrap.servers": BROKER, "linger.ms": 50, "compression.type": "lz4", "queue.buffering.max.messages": 2000000,
                      "queue.buffering.max.kbytes": 1048576})
        for i, line in enumerate(lines):
            p.produce(topic, line, partition=i % 8)
            if i % 10000 == 0:
                p.poll(0)
        assert p.flush(120) == 0
        rejects = os.path.join(d, "rejects")
        r = subprocess.run([TOOL, "--plain", "-q", "-b", BROKER, "-t", topic, "-e", "-r", rejects], stdout=subprocess.PIPE, timeout=120)
        expect(r.returncode, 0)
        got = r.stdout.splitlines()
        broken = truth["bad_by_kind"]["invalid_json"]
        expect((len(got), len(open(rejects).readlines())), (truth["lines"] - broken, broken))
        left = collections.Counter(lines)
        left.subtract(got)
        left = +left
        expect(sum(left.values()), broken)
        for line in left:           # what is missing is what is no JSON
            try:
                json.loads(line)
                raise AssertionError("lost: %r" % line)
            except ValueError:
                pass
        order = {line: i for i, line in reversed(list(enumerate(lines[0::8])))}     # partition 0, first occurrence
        one = subprocess.run([TOOL, "--plain", "-q", "-b", BROKER, "-t", topic, "-p", "0", "-e", "-r", "/dev/null"], stdout=subprocess.PIPE)
        seen, at = set(), []
        for line in one.stdout.splitlines():
            if line not in seen:
                seen.add(line)
                at.append(order[line])
        expect(at, sorted(at))


@check
def every_form_of_the_start_offset():
    topic = new_topic(2)
    now = 1767225600000
    for i, line in enumerate(numbers(0, 10)):
        produce(topic, [line], timestamp=now + i * 60000)
    for args, want in [(["-o", "beginning"], (0, 10)), ([], (0, 10)), (["-o", "end"], (0, 0)), (["-o", "7"], (7, 10)), (["-o", "-3"], (7, 10)),
                       (["-o", "-99"], (0, 10)), (["-o", "s@%d" % (now + 180000)], (3, 10)), (["-o", "s@2026-01-01T00:03:00Z"], (3, 10)),
                       (["-o", "s@2026-01-01T00:02:30Z", "-o", "e@2026-01-01 00:05"], (3, 5)), (["-o", "e@2026-01-01T00:04:00Z"], (0, 4)),
                       (["-o", "s@2030-01-01"], (0, 0)), (["-c", "4"], (0, 4)), (["-o", "stored"], (0, 10))]:
        expect(read(topic, "-p", "0", "-e", *args), list(range(*want)))


@check
def stored_offsets_are_those_of_the_group():
    topic = new_topic()
    produce(topic, numbers(0, 10))
    group = "kc-" + uuid.uuid4().hex[:8]
    from confluent_kafka import Consumer
    c = Consumer({"bootstrap.servers": BROKER, "group.id": group})
    c.commit(offsets=[TopicPartition(topic, 0, 6)], asynchronous=False)
    c.close()
    expect(read(topic, "-e", "-o", "stored", "-X", "group.id=" + group), [6, 7, 8, 9])


@check
def a_group_shares_and_goes_on():
    topic = new_topic(2)
    produce(topic, numbers(0, 5), 0)
    produce(topic, numbers(5, 10), 1)
    group = "kc-" + uuid.uuid4().hex[:8]
    commit = ["-X", "enable.auto.commit=true"]
    r = run("-G", group, topic, "-e", *commit, timeout=60)
    assert r.code == 0, r
    expect(sorted(json.loads(s)["n"] for s in r.lines), list(range(10)))
    produce(topic, numbers(10, 12), 1)
    for args in ([], [], commit):       # without it the group's offsets stay where they are
        r = run("-G", group, topic, "-e", *args, timeout=60)
        expect([json.loads(s)["n"] for s in r.lines], [10, 11])
    expect(run("-G", group, topic, "-e", timeout=60).lines, [])


@check
def a_group_goes_on_at_a_position():
    topic = new_topic(3)
    for p in range(3):
        produce(topic, numbers(p * 10, p * 10 + 5), p)
    group = "kc-" + uuid.uuid4().hex[:8]
    with tempfile.TemporaryDirectory() as d:
        args = ["-G", group, topic, "-e", "-s", d, "--pipeline", "p"]
        first = run(*args, framed=True, timeout=60)
        produce(topic, numbers(25, 28), 2)
        second = run(*args, "--resume", position(first), framed=True, timeout=60)
        expect((len(first.lines), sorted(json.loads(s)["n"] for s in second.lines)), (15, [25, 26, 27]))
        expect(off_of(second)["topics"][topic]["next"], {"0": "5", "1": "5", "2": "8"})


@check
def a_member_that_joins_ends_the_others_run():
    topic = new_topic(2)
    group = "kc-" + uuid.uuid4().hex[:8]
    p = subprocess.Popen([TOOL, "--plain", "-b", BROKER, "-G", group, topic], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(2)
    q = subprocess.Popen([TOOL, "--plain", "-b", BROKER, "-G", group, topic, "--timeout", "30s"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    err = p.communicate(timeout=40)[1].decode()
    assert p.returncode == 75 and "moved partitions" in err, (p.returncode, err)
    time.sleep(1)
    q.terminate()
    q.communicate(timeout=40)


@check
def several_topics_and_expressions():
    a, b = new_topic(), new_topic()
    produce(a, numbers(0, 2))
    produce(b, numbers(2, 4))
    for args in (["-t", a + "," + b], ["-t", a, "-t", b], ["-t", "^(%s|%s)$" % (a, b)]):
        r = run("-e", *args)
        expect(sorted(json.loads(s)["n"] for s in r.lines), [0, 1, 2, 3])
    says(run("-t", "^no-such-topic-.*", "-e"), 78, "matches '^no-such-topic-.*'")


@check
def the_end_is_taken_at_the_start():
    topic = new_topic()
    produce(topic, ['{"n":%d,"x":"%s"}' % (n, os.urandom(400).hex()) for n in range(20000)])
    p = subprocess.Popen([TOOL, "--plain", "-b", BROKER, "-t", topic, "-e"], stdout=subprocess.PIPE)
    first = p.stdout.readline()     # it reads, and then waits for us: pipe and queue hold less than the topic
    produce(topic, numbers(20000, 20100))
    got = [json.loads(s)["n"] for s in [first] + p.stdout.read().splitlines()]
    expect(p.wait(60), 0)
    expect(got, list(range(20000)))


@check
def resume_goes_on_at_the_position():
    topic = new_topic(3)
    for i in range(3):
        produce(topic, numbers(i * 10, i * 10 + 10), i)
    first = run("-t", topic, "-c", "17", framed=True)
    assert first.code == 0 and len(first.lines) == 17, first
    second = run("-t", topic, "-e", "--resume", position(first), framed=True)
    expect(sorted(json.loads(s)["n"] for s in first.lines + second.lines), list(range(30)))
    expect(second.control[0]["off"], off_of(first))
    expect(sum(int(v) for v in off_of(second)["topics"][topic]["next"].values()), 30)
    third = run("-t", topic, "-e", "--resume", position(second), framed=True)
    expect((third.code, third.lines, off_of(third)), (0, [], off_of(second)))


@check
def partitions_not_read_are_carried_forward():
    topic = new_topic(2)
    produce(topic, numbers(0, 3), 0)
    produce(topic, numbers(3, 6), 1)
    first = run("-t", topic, "-e", framed=True)
    produce(topic, numbers(6, 8), 1)
    second = run("-t", topic, "-p", "1", "-e", "--resume", position(first), framed=True)
    expect(off_of(second)["topics"][topic]["next"], {"0": "3", "1": "5"})


@check
def added_partitions_start_at_their_beginning():
    from confluent_kafka.admin import NewPartitions
    topic = new_topic(1)
    produce(topic, numbers(0, 3))
    first = run("-t", topic, "-e", framed=True)
    ADMIN.create_partitions([NewPartitions(topic, 2)])[topic].result(30)
    for _ in range(50):
        try:
            produce(topic, numbers(3, 6), 1)
            break
        except Exception:
            time.sleep(0.2)
    second = run("-t", topic, "-e", "-o", "end", "--resume", position(first), framed=True)
    expect([json.loads(s)["n"] for s in second.lines], [3, 4, 5])


@check
def partitions_added_while_running_are_read():
    from confluent_kafka.admin import NewPartitions
    topics = [new_topic(2), new_topic(1)]       # a partition more of the first moves the places of the second
    for t in topics:
        produce(t, numbers(0, 3))
    p = subprocess.Popen([TOOL, "--control", "-b", BROKER, "-t", ",".join(topics), "--epoch", "200ms", "-X", "topic.metadata.refresh.interval.ms=500",
                          "--time", "@timestamp"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = min(topics)
    had = 2 if first == topics[0] else 1
    time.sleep(1)
    ADMIN.create_partitions([NewPartitions(first, had + 2)])[first].result(30)
    wait_for_partition(first, had + 1)
    produce(first, numbers(10, 13), had)
    produce(first, numbers(20, 23), had + 1)
    produce(max(topics), numbers(30, 33))
    time.sleep(2.5)
    p.terminate()
    out, err = p.communicate(timeout=20)
    lines = out.decode().splitlines()
    data = [json.loads(x)["n"] for x in lines if not x.startswith('{"@weir":')]
    expect(sorted(data), sorted([0, 1, 2] * 2 + list(range(10, 13)) + list(range(20, 23)) + list(range(30, 33))))
    bar = [json.loads(x)["@weir"] for x in lines if x.startswith('{"@weir":{"acct"')][-1]
    expect(bar["off"]["topics"][first]["next"], {**{str(k): "0" for k in range(had)}, "0": "3", str(had): "3", str(had + 1): "3"})
    expect(bar["off"]["topics"][max(topics)]["next"]["0"], "6")
    assert p.returncode == 0 and "has 2 partitions more" in err.decode(), (p.returncode, err)


def wait_for_partition(topic, partition):
    """The client of a producer learns of a new partition after the admin does."""
    for _ in range(50):
        if len(Producer({"bootstrap.servers": BROKER}).list_topics(topic, timeout=10).topics[topic].partitions) > partition:
            return
        time.sleep(0.1)


@check
def shards_divide_the_partitions():
    topic = new_topic(5)
    for p in range(5):
        produce(topic, ['{"n":%d}' % p], p)
    expect(sorted(read(topic, "-e", "--shard", "1/3")), [1, 4])
    expect(sorted(read(topic, "-e", "-p", "0-2,4", "--shard", "0/2")), [0, 2, 4])
    hello = run("-t", topic, "-e", "--shard", "1/3", "--partitioned-by", "user.id", framed=True).control[0]
    expect((hello["shard"], hello["by"], hello["off"]["topics"][topic]["next"]), ("1/3", "user.id", {"1": "0", "4": "0"}))
    for bad in ("01/3", "3/3", "1/0", "-1/3"):
        says(run("-t", topic, "-e", "--shard", bad), 64, "--shard takes i/N")


@check
def a_position_that_is_none():
    topic = new_topic()
    produce(topic, numbers(0, 3))
    good = position(run("-t", topic, "-e", framed=True))
    for bad, words in (("x", "--resume takes"), ("{}", "--resume takes"), (good.replace('"3"', '3'), "is no offset"), (good.replace('"3"', '"-3"'), "is no offset")):
        says(run("-t", topic, "-e", "--resume", bad), 64, words)
    says(run("-t", topic, "-e", "--resume", good.replace('"3"', '"4"')), 82, "but the partition ends at 3")
    other = json.loads(good)
    other["off"]["cluster"] = "AAAAAAAAAAAAAAAAAAAAAA"
    says(run("-t", topic, "-e", "--resume", json.dumps(other)), 82, "cluster AAAAAAAAAAAAAAAAAAAAAA")
    r = run("-t", topic, "-e", "-o", "2", "--resume", good, framed=True)        # the position beats -o
    expect((r.code, r.lines), (0, []))
    r = run("-t", topic, "-e", "-o", "2", "--resume", "none", framed=True)
    expect([json.loads(x)["n"] for x in r.lines], [2])


@check
def offsets_that_are_gone():
    topic = new_topic()
    produce(topic, numbers(0, 1200))
    first = run("-t", topic, "-c", "100", framed=True)
    ADMIN.delete_records([TopicPartition(topic, 0, 1190)])[TopicPartition(topic, 0)].result(30)
    says(run("-t", topic, "-e", "--resume", position(first)), 82, "offset 100 is gone", "the oldest is 1190", "1,090 events are lost", "--on-gap skip")
    r = run("-t", topic, "-e", "--resume", position(first), "--on-gap", "skip")
    assert "1,090 events are gone" in r.err, r.err
    expect([json.loads(s)["n"] for s in r.lines], list(range(1190, 1200)))
    r = run("-t", topic, "-e", "--resume", position(first), "--on-gap", "skip", framed=True)
    expect((r.control[0]["off"], off_of(r)["topics"][topic]["next"]), (off_of(first), {"0": "1200"}))   # the sink knows the former
    says(run("-t", topic, "-e", "-o", "7"), 82, "offset 7 is gone")
    says(run("-t", topic, "-e", "-o", "5000"), 82, "beyond the end, 1200")


@check
def offsets_that_go_while_reading():
    topic = new_topic()
    produce(topic, ['{"n":%d,"x":"%s"}' % (n, os.urandom(400).hex()) for n in range(60000)])
    p = subprocess.Popen([TOOL, "--plain", "-b", BROKER, "-t", topic, "-e"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()         # it reads, and then waits for us: its queue holds less than the topic
    ADMIN.delete_records([TopicPartition(topic, 0, 59990)])[TopicPartition(topic, 0)].result(30)
    err = p.communicate(timeout=60)[1].decode()
    assert p.returncode == 82 and "is gone; the oldest is 59990" in err, (p.returncode, err)


@check
def aborted_transactions_are_not_seen():
    topic = new_topic()
    transaction(topic, numbers(0, 10), True)
    transaction(topic, numbers(100, 110), False)
    transaction(topic, numbers(10, 20), True)
    transaction(topic, numbers(110, 120), False)
    r = run("-t", topic, "-e", framed=True)
    expect([json.loads(s)["n"] for s in r.lines], list(range(20)))
    expect(off_of(r)["topics"][topic]["next"], {"0": "44"})      # behind the last marker
    expect(len(read(topic, "-e", "-X", "isolation.level=read_uncommitted")), 40)


@check
def a_topic_of_aborted_transactions_ends():
    topic = new_topic()
    transaction(topic, numbers(0, 50), False)
    expect(read(topic, "-e"), [])


@check
def an_open_transaction_is_left_to_the_next_run():
    topic = new_topic()
    transaction(topic, numbers(0, 3), True)
    p = transaction(topic, numbers(3, 6), None)
    first = run("-t", topic, "-e", framed=True)
    expect([json.loads(s)["n"] for s in first.lines], [0, 1, 2])
    for r in (first, run("-t", topic, "-e", "--resume", position(first), framed=True)):     # also when there is nothing new
        assert "/0: an open transaction holds back what comes after offset 4, up to 7" in r.err, r.err
    p.commit_transaction(30)
    for _ in range(50):         # the marker comes a little later
        if read(topic, "-e", "-o", "3"):
            break
        time.sleep(0.1)
    second = run("-t", topic, "-e", "--resume", position(first), framed=True)
    expect([json.loads(s)["n"] for s in second.lines], [3, 4, 5])


@check
def compaction_leaves_gaps():
    topic = new_topic(1, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio=0.01, delete_retention_ms=1, max_compaction_lag_ms=100)
    p = Producer({"bootstrap.servers": BROKER})
    for n in range(200):
        p.produce(topic, '{"n":%d}' % n, key="k%d" % (n % 4))
    p.flush(30)
    for n in range(200, 400):       # a new segment, so that the first one is cleaned
        if n == 200:
            time.sleep(0.3)
        p.produce(topic, '{"n":%d}' % n, key="other")
    p.flush(30)
    for wait in range(120):
        time.sleep(0.5)
        p.produce(topic, '{"n":%d}' % (400 + wait), key="last")
        p.flush(30)
        got = read(topic, "-e", "-o", "0")
        if len(got) < 350:
            break
    else:
        raise Skip("the broker did not compact within a minute")
    expect(got, sorted(set(got)))
    r = run("-t", topic, "-e", framed=True)
    expect(int(off_of(r)["topics"][topic]["next"]["0"]), 401 + wait)
    expect(read(topic, "-e", "-o", "10")[0] >= 10, True)


@check
def payloads_and_their_origin():
    topic = new_topic()
    produce(topic, ['{"n":1}'], key="k", headers=[("a", b"x"), ("a", None), ("b", b"\xff")], timestamp=1767225600000)
    r = run("-t", topic, "-e", "--meta")
    expect(r.lines, ['{"n":1,"_kafka":{"topic":"%s","partition":0,"offset":0,"timestamp":1767225600000,"key":"k","headers":'
                     '[{"key":"a","value":"x"},{"key":"a","value":null},{"key":"b","value":{"base64":"/w=="}}]}}' % topic])
    produce(topic, ["{\n \"n\": 2\n}", "{}", '[1]', '{"n":', None, b'{"n":"\xff"}', '{"s":"a\nb"}', '{"n":3}\n'])
    with tempfile.TemporaryDirectory() as d:
        rejects = os.path.join(d, "r")
        r = run("-t", topic, "-e", "-r", rejects)
        expect(r.lines, ['{"n":1}', '{  "n": 2 }', "{}", '{"n":3}'])
        records = [json.loads(s) for s in open(rejects)]
        expect([x["code"] for x in records], ["not-object", "not-json", "tombstone", "utf-8", "not-json"])
        expect([x["source"]["offset"] for x in records], [3, 4, 5, 6, 7])
        expect(records[3]["raw_base64"], "eyJuIjoi/yJ9")
    r = run("-t", topic, "-e", "--tombstones", "skip", "-r", "/dev/null")
    expect((r.code, len(r.lines)), (0, 4))


@check
def watermarks_are_per_partition():
    topic = new_topic(2)
    produce(topic, ['{"n":0,"t":"2026-01-01T00:10:00Z"}', '{"n":1,"t":"2026-01-01T01:00:00Z"}', '{"n":2,"t":"2199-01-01T00:00:00Z"}'], 0)
    produce(topic, ['{"n":3,"t":"2026-01-01T00:20:00Z"}'], 1)
    r = run("-t", topic, "-e", "--time", "t", "--out-of-order", "1m", "--max-drift", "0s", framed=True)
    expect(len(r.lines), 4)
    marks = [int(c["ts"]) for c in r.control if c["k"] == "wm"]
    expect(marks[-1], (1767225600 + 19 * 60) * 1000000)         # the slower one, 00:20, less a minute
    expect(marks, sorted(marks))
    says(run("-t", topic, "-e", "--time", "n"), 78, "say --time n:ms")


@check
def watermarks_of_short_runs_add_up():
    topic = new_topic(2)
    produce(topic, ['{"n":0,"t":"2026-01-01T00:10:00Z"}'], 0)
    produce(topic, ['{"n":1,"t":"2026-01-01T00:20:00Z"}'], 1)
    base, minute = 1767225600 * 1000000, 60 * 1000000
    with tempfile.TemporaryDirectory() as d:
        def tick(before, idle, *args):
            r = run("-t", topic, "-e", "--time", "t", "--out-of-order", "1m", "--idle", idle, "-s", d, "--pipeline", "p",
                    *(["--resume", position(before)] if before else []), *args, framed=True)
            assert r.code == 0, r
            return r, [int(c["ts"]) for c in r.control if c["k"] == "wm"]
        one, marks = tick(None, "1h")
        expect(marks, [base + 9 * minute])
        produce(topic, ['{"n":2,"t":"2026-01-01T00:40:00Z"}'], 1)
        two, marks = tick(one, "1h")            # partition 0 has had a record within the hour: it holds back, though not in this run
        expect((len(two.lines), marks), (1, [base + 9 * minute]))
        expect(two.control[1]["k"], "wm")       # before any data
        time.sleep(1.2)
        produce(topic, ['{"n":3,"t":"2026-01-01T00:41:00Z"}'], 1)
        three, marks = tick(two, "1s")          # it came more than a second ago, in another run: idle now
        expect(marks, [base + 9 * minute, base + 39 * minute, base + 40 * minute])
        four, marks = tick(three, "1h")
        expect(marks[0], base + 40 * minute)    # what was reached does not go back when a partition wakes up
        expect(marks, sorted(marks))


@check
def drifting_partitions_are_held_and_all_is_read():
    topic = new_topic(2)
    produce(topic, ['{"n":%d,"t":%d}' % (n, 1767225600 + n) for n in range(20000)], 0)
    produce(topic, ['{"n":%d,"t":%d}' % (n, 1767225600 + n * 60) for n in range(20000)], 1)
    began = time.time()
    r = run("-t", topic, "-e", "--time", "t:s", "--max-drift", "10m")
    assert r.code == 0 and time.time() - began < 8, r.err       # it does not wait for a partition that is read
    got = collections.Counter(r.lines)
    expect((len(r.lines), len(got)), (40000, 39999))            # the two first lines are equal
    for p in (1, 60):
        mine = [json.loads(s)["n"] for s in r.lines if json.loads(s)["t"] == 1767225600 + json.loads(s)["n"] * p and json.loads(s)["n"]]
        expect(mine, sorted(mine))


@check
def no_broker():
    began = time.time()
    says(run("-t", "x", "-e", "--timeout", "1s", broker="127.0.0.1:1"), 75, "no broker answers at 127.0.0.1:1: connection refused (tried for 1 s)")
    assert 0.9 < time.time() - began < 5
    says(run("-t", "x", "-e", "--timeout", "2s", broker="no-such-host.invalid:9092"), 75, "no broker answers at no-such-host.invalid:9092")
    says(run("-t", "x", "-e", broker=None), 64, "-b is missing")


@check
def unknown_topic_and_partition():
    topic = new_topic(2)
    says(run("-t", topic[:-1], "-e"), 78, "topic '%s' does not exist" % topic[:-1], "similar:", topic)
    says(run("-t", "qqqqqqqqqqqqqqqqqqqq", "-e"), 78, "topic 'qqqqqqqqqqqqqqqqqqqq' does not exist on " + BROKER)
    says(run("-t", topic, "-p", "2", "-e"), 78, "has no partition 2; it has 0 to 1")


def secure(mechanism, password, *args, ca=True):
    if not SECURE:
        raise Skip("KAFKA_SECURE_BOOTSTRAP is not set")
    with tempfile.TemporaryDirectory() as d:
        secret = os.path.join(d, "secret")
        open(secret, "w").write(password + "\n")
        return run("-X", "security.protocol=SASL_SSL", "-X", "sasl.mechanism=" + mechanism, "-X", "sasl.username=" + os.environ["KAFKA_SASL_USERNAME"],
                   "-X", "sasl.password=@" + secret, *(["-X", "ssl.ca.location=" + os.environ["KAFKA_CA"]] if ca else []), "--timeout", "5s", "-e", *args,
                   broker=SECURE)


@check
def plain_login_over_tls():
    topic = new_topic()
    produce(topic, numbers(0, 5))
    r = secure("PLAIN", os.environ["KAFKA_SASL_PASSWORD"], "-t", topic)
    expect((r.code, len(r.lines)), (0, 5))


@check
def a_wrong_password():
    says(secure("PLAIN", "wrong", "-t", "x"), 78, "PLAIN login refused for user '%s' by %s" % (os.environ["KAFKA_SASL_USERNAME"], SECURE), "Authentication failed")


@check
def scram_login():
    topic = new_topic()
    produce(topic, numbers(0, 5))
    version = [w for w in run("-V").lines + [""]][0]
    r = secure("SCRAM-SHA-512", os.environ["KAFKA_SASL_PASSWORD"], "-t", topic)
    if r.code == 0:
        expect(len(r.lines), 5)
    else:
        says(r, 78, "SCRAM login refused for user", "2.6.1 or newer can", "This librdkafka is ")
    print("# scram: exit %d with %s" % (r.code, version))
    assert secure("SCRAM-SHA-512", "wrong", "-t", topic).code == 78


@check
def a_certificate_nobody_vouches_for():
    says(secure("PLAIN", "x", "-t", "x", ca=False), 78, "no TLS connection to " + SECURE, "certificate verify failed")
    says(run("-t", "x", "-X", "enable.ssl.certificate.verification=false"), 78, "say --insecure")
    topic = new_topic()
    produce(topic, numbers(0, 5))
    r = secure("PLAIN", os.environ["KAFKA_SASL_PASSWORD"], "-t", topic, "--insecure", ca=False)
    expect((r.code, len(r.lines)), (0, 5))
    assert "--insecure" in r.err


@check
def settings_come_from_files():
    topic = new_topic()
    produce(topic, numbers(0, 3))
    with tempfile.TemporaryDirectory() as d:
        f = os.path.join(d, "kcat.conf")
        open(f, "w").write("# kcat's\n\nbootstrap.servers = %s\nauto.offset.reset=latest\n" % BROKER)
        for r in (run("-t", topic, "-e", "-F", f, broker=None), run("-t", topic, "-e", broker=None, env={"KCAT_CONFIG": f})):
            expect((r.code, len(r.lines)), (0, 3))
            assert "auto.offset.reset is always error here" in r.err, r.err
        open(f, "a").write("no.such.setting=1\n")
        says(run("-t", topic, "-e", "-F", f, broker=None), 78, "kcat.conf line 5", "no.such.setting")
    says(run("-t", topic, "-X", "plugin.library.paths=x"), 78, "not taken")


@check
def the_list_names_topics_and_partitions():
    topic = new_topic(3)
    r = run("-L", "-t", topic)
    assert r.code == 0 and '  topic "%s" with 3 partitions:' % topic in r.lines and any(s.startswith("    partition 2, leader 1") for s in r.lines), r


@check
def a_term_signal_ends_in_order():
    topic = new_topic()
    produce(topic, numbers(0, 10))
    p = subprocess.Popen([TOOL, "--control", "-b", BROKER, "-t", topic], stdout=subprocess.PIPE)
    lines = [p.stdout.readline() for _ in range(5)]
    time.sleep(0.5)
    p.terminate()
    lines += p.communicate(timeout=20)[0].splitlines()
    control = [json.loads(s)["@weir"] for s in lines if s.startswith(b'{"@weir":')]
    expect((p.returncode, control[-1]["why"], control[-2]["off"]["topics"][topic]["next"]), (0, "term", {"0": "10"}))


@check
def a_topic_made_anew_is_another_one():
    topic = new_topic()
    produce(topic, numbers(0, 10))
    first = run("-t", topic, "-e", framed=True)
    ADMIN.delete_topics([topic])[topic].result(30)
    time.sleep(1)
    ADMIN.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    produce(topic, numbers(0, 3))
    says(run("-t", topic, "-e", "--resume", position(first)), 82, "made anew")


@check
def a_longer_topic_made_anew_is_known_by_its_last_record():
    topic = new_topic(2)
    produce(topic, numbers(0, 10))
    with tempfile.TemporaryDirectory() as d:
        args = ["-t", topic, "-e", "-s", d, "--pipeline", "p"]
        first = run(*args, framed=True)
        produce(topic, numbers(10, 12))
        second = run(*args, "--resume", position(first), framed=True)       # the same topic is the same
        expect([json.loads(x)["n"] for x in second.lines], [10, 11])
        third = run(*args, "-p", "1", "--resume", position(second), framed=True)    # what is not read is remembered
        expect((third.code, third.lines), (0, []))
        ADMIN.delete_topics([topic])[topic].result(30)
        time.sleep(1)
        ADMIN.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
        produce(topic, numbers(0, 500))
        for bounded in (["-e"], []):
            r = run("-t", topic, *bounded, "-s", d, "--pipeline", "p", "--resume", position(third), framed=True)
            says(r, 82, "made anew")
            expect(r.lines, [])


@check
def deleted_records_before_the_position_are_no_loss():
    topic = new_topic()
    produce(topic, numbers(0, 10))
    with tempfile.TemporaryDirectory() as d:
        args = ["-t", topic, "-e", "-s", d, "--pipeline", "p"]
        first = run(*args, framed=True)
        ADMIN.delete_records([TopicPartition(topic, 0, 10)])[TopicPartition(topic, 0)].result(30)
        produce(topic, numbers(10, 12))
        second = run(*args, "--resume", position(first), framed=True)       # the last record read is gone: nothing to compare
        expect((second.code, [json.loads(x)["n"] for x in second.lines]), (0, [10, 11]))


def main():
    failed = n = 0
    chosen = [c for c in CHECKS if not ONLY or c.__name__ in ONLY]
    print("1..%d" % len(chosen))
    for n, c in enumerate(chosen, 1):
        name = c.__name__.replace("_", " ")
        began = time.time()
        try:
            c()
            print("ok %d - %s (%.1f s)" % (n, name, time.time() - began))
        except Skip as why:
            in_ci = os.environ.get("CI") == "true"
            failed += in_ci
            print("%s %d - %s # SKIP %s" % ("not ok" if in_ci else "ok", n, name, why))
        except Exception as why:
            failed += 1
            print("not ok %d - %s" % (n, name))
            for line in ("%s: %s" % (type(why).__name__, why)).splitlines():
                print("# " + line[:2000])
        sys.stdout.flush()
    print("# %d passed, %d failed" % (len(chosen) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
