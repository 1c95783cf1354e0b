"""One streaming pipeline over a real topic: run after run, killed at will; and what PyIceberg finds in its table."""
import collections
import glob
import json
import os
import random
import signal
import subprocess
import threading
import time

import pyarrow.parquet

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WEIR_BUILD") or os.environ.get("top_builddir") or os.path.join(TOP, "build")
TABLE = "shop.events"
AGAIN = (69, 74, 75, 76, 77, 83)        # codes after which a run is started again
BY_BROKER = (75,)                       # and the ones that a broker may be the reason of
COLUMNS = "id=string,src=string,part=int,n=long,t=long,pad=string"


class Failure(Exception):
    pass


def want(condition, text):
    if not condition:
        raise Failure(text)


def environment(home):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WEIR_", "KCAT_"))}
    modules = os.path.join(home, "modules")
    os.makedirs(modules, exist_ok=True)
    for so in glob.glob(os.path.join(BUILD, "tools", "*", ".libs", "*-stage.so")):
        link = os.path.join(modules, os.path.basename(so))
        if not os.path.exists(link):
            os.symlink(so, link)
    env.update(PATH=os.pathsep.join(sorted(glob.glob(os.path.join(BUILD, "tools", "*"))) + [os.environ["PATH"]]), WEIR_MODULE_DIR=modules,
               HOME=home, LC_ALL="C.UTF-8")
    return env


class Pipeline:
    """One table, one state directory; run after run."""

    def __init__(self, home, bootstrap, topic, seed=0, shards=1):
        self.home, self.bootstrap, self.topic, self.random, self.shards = home, bootstrap, topic, random.Random(seed), shards
        self.env, self.process, self.runs, self.codes = environment(home), None, 0, collections.Counter()
        self.ending, self.failed, self.killed, self.thread, self.last_err = threading.Event(), None, 0, None, ""
        self.lock, self.hit = threading.Lock(), False

    def stages(self, source):
        return (f"kcat-in -b {self.bootstrap} -t {self.topic} -X reconnect.backoff.max.ms=500 {source} | "
                f"dedupe -k id --ttl 24h | iceberg-out --catalog sqlite:{self.home}/catalog.db --table {TABLE} --create --columns {COLUMNS}")

    def command(self, source, fuse="no"):
        shards = ["--parallel", str(self.shards), "--partitioned-by", "id"] if self.shards > 1 else []
        return ["weir", "run", "-q", "--fuse", fuse, *shards, "-s", os.path.join(self.home, "state"), self.stages(source)]

    def once(self, source="-e", fuse="auto", timeout=180):
        """A bounded run; (code, what it said)."""
        p = subprocess.run(self.command(source, fuse), cwd=self.home, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=timeout)
        return p.returncode, p.stderr.decode("utf-8", "replace")

    def drain(self, seconds=120):
        """Bounded runs until one ends well: the table has all that was decided when it began."""
        end = time.time() + seconds
        while True:
            code, err = self.once()
            if code == 0:
                return
            want(code in AGAIN and time.time() < end, f"the last run: exit {code}: {err}")
            time.sleep(0.3)

    # the streaming run, in a thread of its own

    def stream(self):
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        log = os.path.join(self.home, "stream.log")
        while not self.ending.is_set():
            fuse = self.random.choice(["no", "no", "auto"])
            source = "--epoch 1s -X topic.metadata.refresh.interval.ms=2000 --timeout " + self.random.choice(["1s", "20s"])
            with open(log, "ab") as err:
                at = err.tell()
                with self.lock:
                    self.hit = False
                    self.process = subprocess.Popen(self.command(source, fuse), cwd=self.home, env=self.env, stdin=subprocess.DEVNULL,
                                                    stdout=subprocess.DEVNULL, stderr=err, start_new_session=True)
                self.runs += 1
                code = self.process.wait()
            with open(log, "rb") as err:
                err.seek(at)
                self.last_err = err.read().decode("utf-8", "replace")
            with self.lock:
                hit = self.hit
            end_session(self.process.pid)       # a launcher that was killed leaves its stages to themselves
            self.codes[code] += 1
            if self.ending.is_set() and code == 0:
                return
            if code not in ((*AGAIN, -signal.SIGKILL, 128 + signal.SIGKILL) if hit else BY_BROKER):
                self.failed = f"exit {code} {'after a kill' if hit else 'with nothing killed'}: {self.last_err[-2000:]}"
                return
            time.sleep(self.random.uniform(0, 0.3))

    def kill_something(self):
        """kill -9 of one stage, of the launcher, or of all.  1: something was hit."""
        with self.lock:
            if not self.process or self.process.poll() is not None:
                return 0
            pids = session(self.process.pid)
            stages = [p for p in pids if p != self.process.pid]
            how = self.random.random()
            if how < 0.7 and stages:
                victims = [self.random.choice(stages)]
            elif how < 0.85:
                victims = [self.process.pid]
            else:
                victims = pids
            self.hit = True
            for p in victims:
                try:
                    os.kill(p, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.killed += 1
            return 1

    def finish(self, seconds=90):
        """SIGTERM: it drains, commits and exits 0."""
        self.ending.set()
        end = time.time() + seconds
        while self.thread.is_alive() and time.time() < end:
            with self.lock:
                if self.process and self.process.poll() is None:
                    self.process.terminate()
            self.thread.join(10)
        want(not self.thread.is_alive(), "the pipeline does not end after SIGTERM")
        self.thread = None

    def end(self):
        self.ending.set()
        if self.process:
            end_session(self.process.pid)
        if self.thread:
            self.thread.join(20)
            end_session(self.process.pid)

    # the table, read by others

    def table(self):
        from pyiceberg.catalog import load_catalog
        if not os.path.exists(os.path.join(self.home, "catalog.db")):
            return None
        return load_catalog("weir", type="sql", uri=f"sqlite:///{self.home}/catalog.db", warehouse="file://" + self.home).load_table(TABLE)

    def rows(self):
        """(id, source, partition, n) in the order they were committed."""
        table, files, out = self.table(), [], []
        snapshot = table and table.current_snapshot()
        for manifest in snapshot.manifests(table.io) if snapshot else []:
            for entry in manifest.fetch_manifest_entry(table.io):
                files.append((entry.sequence_number, entry.data_file.file_path))
        for _, path in sorted(files):
            t = pyarrow.parquet.read_table(path.removeprefix("file://"), columns=["id", "src", "part", "n"])
            out += zip(*(c.to_pylist() for c in t.columns))
        return out

    def chain(self):
        """Each commit names the one of its shard before it: the number of commits."""
        table, newest, n = self.table(), {}, 0
        for s in sorted(table.metadata.snapshots, key=lambda s: s.sequence_number):
            token, prev, shard = (s.summary.additional_properties.get("weir." + k) for k in ("token", "prev", "shard"))
            if token is None:
                continue
            before = newest.get(shard, "none")
            want(prev == before, f"commit {token} follows {before}, and says it follows {prev}")
            newest[shard], n = token, n + 1
        want(not n or len(newest) == self.shards, f"{len(newest)} shards have committed, not {self.shards}")
        return n

    def position(self):
        """The next offset of each partition, as the table has it."""
        p = subprocess.run(["iceberg-out", "--catalog", f"sqlite:{self.home}/catalog.db", "--table", TABLE, "--position"], env=self.env, cwd=self.home,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=30)
        text = p.stdout.decode().strip()
        return {} if p.returncode or text in ("", "none") else {int(k): int(v) for k, v in json.loads(text)["off"]["topics"][self.topic]["next"].items()}


def session(leader):
    """The processes of a session."""
    found = []
    for d in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(d, "rb") as f:
                head, _, rest = f.read().rpartition(b")")
            fields = rest.split()
            if int(fields[3]) == leader and fields[0] != b"Z":
                found.append(int(head.split()[0]))
        except (OSError, ValueError, IndexError):
            pass
    return found


def end_session(leader):
    for _ in range(50):
        pids = session(leader)
        if not pids:
            return
        for p in pids:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
