"""Real Kafka brokers on 127.0.0.1 (KRaft, one node or three) that start fast, and producers that know what was acknowledged."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

RIGS = os.environ.get("WEIR_RIGS") or os.path.expanduser("~/.cache/weir-rigs")
LIB = os.path.join(RIGS, "kafka", "lib")
JAVA = os.environ.get("JAVA", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java")
QUIET = {"log_level": 0, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500}

CONFIG = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={isr}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={isr}
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.segment.bytes=33554432
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
transaction.max.timeout.ms=60000
broker.session.timeout.ms={session}
broker.heartbeat.interval.ms=200
initial.broker.registration.timeout.ms=60000
file.delete.delay.ms=1000
"""
# A broker comes back only when the session of the one before is over, so that is short.  A clean stop of the only node has nobody to hand its partitions over to, and would ask for it until a time is over.
ALONE = "controlled.shutdown.enable=false\n"
LOG = """\
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
"""


def free_ports(n):
    held = []
    for _ in range(n):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Node:
    def __init__(self, cluster, number, port, controller):
        self.cluster, self.number, self.port, self.controller = cluster, number, port, controller
        self.home = os.path.join(cluster.home, f"node{number}")
        self.properties = os.path.join(self.home, "server.properties")
        self.process = None
        os.makedirs(self.home)

    def java(self, *args, options=()):
        return [JAVA, "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *options,
                "-Dlog4j2.configurationFile=" + os.path.join(self.cluster.home, "log4j2.properties"), "-cp", LIB + "/*", *args]

    def start(self):
        archive = os.path.join(self.cluster.home, "classes.jsa")
        option = "-XX:SharedArchiveFile=" + archive if os.path.exists(archive) else "-XX:ArchiveClassesAtExit=" + archive
        options = [option, "-Xshare:auto", "-Xlog:disable", "-Xlog:all=off"]
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen(self.java("kafka.Kafka", self.properties, options=options), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def wait(self, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"broker {self.number} ended with {self.process.returncode}, see {self.home}/log")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", **QUIET})
                if admin.list_topics(timeout=2).brokers:
                    return
            except (OSError, KafkaException):
                pass
            time.sleep(0.1)
        raise RuntimeError(f"broker {self.number} does not answer, see {self.home}/log")

    def log(self, topic):
        """What stands in the log of a topic, as Kafka's own tool shows it: id -> committed, aborted or open.  The broker is stopped."""
        fate, where = {}, os.path.join(self.home, "data")
        for d in sorted(x for x in os.listdir(where) if x.rpartition("-")[0] == topic):
            pid, transactional, waiting = None, False, {}
            for segment in sorted(x for x in os.listdir(os.path.join(where, d)) if x.endswith(".log")):
                p = subprocess.Popen(self.java("org.apache.kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log", "--files", segment),
                                     cwd=os.path.join(where, d), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                for line in p.stdout:
                    if line.startswith("baseOffset"):
                        pid = re.search(r"producerId: (-?\d+)", line)[1]
                        transactional = "isTransactional: true" in line
                    elif "endTxnMarker: " in line:
                        how = "committed" if "endTxnMarker: COMMIT" in line else "aborted"
                        fate.update((i, how) for i in waiting.pop(pid, ()))
                    elif " payload: " in line:
                        ident = json.loads(line.partition(" payload: ")[2])["id"]
                        fate[ident] = "open" if transactional else "committed"
                        if transactional:
                            waiting.setdefault(pid, []).append(ident)
                if p.wait():
                    raise RuntimeError(f"DumpLogSegments failed on {d}/{segment}")
        return fate

    def stop(self, hard):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Cluster:
    def __init__(self, home, n=1):
        self.home, self.nodes, self.restarts, self.restart_s, self.client = home, [], {"clean": 0, "hard": 0}, 0.0, None
        os.makedirs(home)
        with open(os.path.join(home, "log4j2.properties"), "w") as f:
            f.write(LOG)
        ports = free_ports(2 * n)
        for i in range(n):
            self.nodes.append(Node(self, i + 1, ports[2 * i], ports[2 * i + 1]))
        voters = ",".join(f"{b.number}@127.0.0.1:{b.controller}" for b in self.nodes)
        name = subprocess.run(self.nodes[0].java("kafka.tools.StorageTool", "random-uuid"), stdout=subprocess.PIPE, check=True,
                              text=True).stdout.split()[-1]
        for b in self.nodes:
            with open(b.properties, "w") as f:
                f.write(CONFIG.format(id=b.number, voters=voters, port=b.port, controller=b.controller, data=os.path.join(b.home, "data"),
                                      copies=n, isr=min(n, 2), session=4000 if n > 1 else 1000) + (ALONE if n == 1 else ""))
            subprocess.run(b.java("kafka.tools.StorageTool", "format", "--cluster-id", name, "--config", b.properties), check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.bootstrap = ",".join(f"127.0.0.1:{b.port}" for b in self.nodes)
        try:
            if not os.path.exists(os.path.join(home, "classes.jsa")) and n == 1:    # the first stop leaves an archive of its classes
                self.nodes[0].start()
                self.nodes[0].wait()
                self.nodes[0].stop(hard=False)
            for b in self.nodes:
                b.start()
            for b in self.nodes:
                b.wait()
        except BaseException:
            self.end()
            raise

    def admin(self):
        """One for all: a client that is collected takes its requests with it."""
        if not self.client:
            self.client = AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})
        return self.client

    def log(self, topic):
        """See Node.log(); the first broker is down afterwards."""
        self.nodes[0].stop(hard=False)
        return self.nodes[0].log(topic)

    def restart(self, hard, node=0, pause=0.0):
        b = self.nodes[node]
        began = time.time()
        b.stop(hard)
        if pause:
            time.sleep(pause)
        b.start()
        b.wait()
        self.restart_s += time.time() - began
        self.restarts["hard" if hard else "clean"] += 1

    def end(self):
        for b in self.nodes:
            b.stop(hard=True)

    def topic(self, name, partitions, copies=1, **config):
        config = {k.replace("_", "."): str(v) for k, v in config.items()}
        again(lambda: self.admin().create_topics([NewTopic(name, partitions, copies, config=config)])[name].result(20))
        return name

    def drop(self, name):
        again(lambda: self.admin().delete_topics([name])[name].result(20))
        end = time.time() + 30
        while name in self.admin().list_topics(timeout=10).topics and time.time() < end:
            time.sleep(0.1)

    def grow(self, name, partitions):
        again(lambda: self.admin().create_partitions([NewPartitions(name, partitions)])[name].result(20))


def again(what, seconds=90):
    """A request that a restart of the broker may have in its way."""
    end = time.time() + seconds
    while True:
        try:
            return what()
        except KafkaException as e:
            if e.args[0].name() in ("TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS", "UNKNOWN_TOPIC_OR_PART") or time.time() > end:
                if e.args[0].name() in ("TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS"):
                    return None
                raise
            time.sleep(0.3)


class Book:
    """What became of each event that was produced, by its id."""

    def __init__(self):
        self.lock, self.acked, self.aborted, self.unknown, self.sent = threading.Lock(), set(), set(), set(), 0

    def note(self, where, ids):
        with self.lock:
            getattr(self, where).update(ids)

    @property
    def n_acked(self):
        with self.lock:
            return len(self.acked)


def event(source, partition, n, pad=""):
    return f"{source}-{partition}-{n}", json.dumps({"id": f"{source}-{partition}-{n}", "src": source, "part": partition, "n": n,
                                                    "t": int(time.time() * 1000), "pad": pad}, separators=(",", ":"))


class Writer(threading.Thread):
    """An idempotent producer: what it calls acknowledged must be read exactly once, what it gave up at most once."""

    def __init__(self, cluster, topic, book, partitions, per_second=300, name="i"):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.book, self.partitions, self.per_second, self.source = cluster, topic, book, partitions, per_second, name
        self.ending, self.failed, self.producers, self.next = threading.Event(), None, 0, {}

    def new_producer(self):
        self.producers += 1
        return Producer({"bootstrap.servers": self.cluster.bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 5,
                         "message.timeout.ms": 120000, "retry.backoff.ms": 50, **QUIET})

    def delivered(self, err, ident):
        self.book.note("unknown" if err else "acked", (ident,))
        if err and err.fatal():
            self.fatal = True

    def run(self):
        try:
            self.write()
        except Exception as e:      # said by the test: a thread's own words would be lost
            self.failed = e

    def write(self):
        p, self.fatal, k, began = self.new_producer(), False, 0, time.time()
        while not self.ending.is_set():
            if self.fatal:          # what it had in hand is unknown now; ids are never used again
                p.flush(10)
                p, self.fatal = self.new_producer(), False
            partition = k % self.partitions
            n = self.next.get(partition, 0)
            ident, value = event(self.source, partition, n)
            try:
                p.produce(self.topic, value, partition=partition, on_delivery=lambda err, _, i=ident: self.delivered(err, i))
            except BufferError:
                p.poll(0.1)
                continue
            except KafkaException as e:
                if e.args[0].fatal():
                    self.fatal = True
                p.poll(0.1)
                continue
            self.next[partition] = n + 1
            self.book.sent += 1
            k += 1
            p.poll(0)
            ahead = k / self.per_second - (time.time() - began)
            if ahead > 0:
                p.poll(min(ahead, 0.2))
            elif ahead < -1:        # it was held up: no flood afterwards
                began -= ahead
        if p.flush(150):
            raise RuntimeError("the producer could not deliver all to the end")


class TransactionWriter(threading.Thread):
    """Transactions of some events, about half of them aborted: those must never be read."""

    def __init__(self, cluster, topic, book, partitions, seed, name="t"):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.book, self.partitions, self.source = cluster, topic, book, partitions, name
        self.random, self.ending, self.failed = random.Random(seed), threading.Event(), None
        self.done, self.next, self.transactional_id = {"committed": 0, "aborted": 0, "unknown": 0}, {}, uuid.uuid4().hex

    def open(self):
        """The coordinator may be loading, or away."""
        while True:
            p = Producer({"bootstrap.servers": self.cluster.bootstrap, "transactional.id": self.transactional_id, "transaction.timeout.ms": 20000, **QUIET})
            try:
                p.init_transactions(20)
                return p
            except KafkaException:
                if self.ending.is_set():
                    return None
                time.sleep(0.3)

    def one(self, p):
        ids, delivered = [], set()
        p.begin_transaction()
        for _ in range(self.random.randint(1, 20)):
            partition = self.random.randrange(self.partitions)
            n = self.next.get(partition, 0)
            self.next[partition] = n + 1
            ident, value = event(self.source, partition, n)
            ids.append(ident)
            p.produce(self.topic, value, partition=partition, on_delivery=lambda err, _, i=ident: err or delivered.add(i))
        where = "unknown"
        try:
            p.flush(10)
            if self.random.random() < 0.5:
                p.abort_transaction(20)
                where = "aborted"
            else:
                p.commit_transaction(20)
                where = "acked"
        finally:
            # A commit may succeed without a record whose delivery has failed: seen when the broker went away in the middle, and the
            # log then has the markers and not the record.
            self.book.note(where, [i for i in ids if where != "acked" or i in delivered])
            self.book.note("unknown", [i for i in ids if where == "acked" and i not in delivered])
            self.book.sent += len(ids)
            self.done["committed" if where == "acked" else where] += 1

    def run(self):
        p = None
        try:
            while not self.ending.is_set():
                try:
                    p = p or self.open()
                    if p:
                        self.one(p)
                    self.ending.wait(self.random.uniform(0.1, 0.6))
                except (KafkaException, BufferError):
                    p = None        # its outcome is not known; a new one fences it and ends what it left open
            self.open_once_more()
        except Exception as e:
            self.failed = e

    def open_once_more(self):
        """Nothing stays open: it would hold back what comes after."""
        self.ending.clear()
        self.open()
        self.ending.set()
