"""What both benches share: the reference pipeline, its input, and the build under test."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import lab      # noqa: E402

SCHEMA = os.path.join(TOP, "contrib", "demo", "events.schema.json")
TABLE_SCHEMA = os.path.join(TOP, "tests", "data", "events.iceberg.json")
USERS = 100000


def build():
    where = os.path.abspath(os.environ.get("WEIR_BUILD", os.path.join(TOP, "build")))
    if not os.access(os.path.join(where, "tools", "weir", "weir"), os.X_OK):
        sys.exit(f"bench: no weir in {where}; build it, or say where it is with WEIR_BUILD")
    return where


class Work:
    """A folder that goes away at the end, with the input in it."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="weir-bench.")
        self.events, self.dim = self.path("events.ndjson"), self.path("dim.csv")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def generate(self, count):
        lab.gen_dim(self.dim, USERS)
        return lab.gen_events(self.events, self.path("truth.json"), count=count, users=USERS, dup_percent=2, late_percent=3)

    def fresh(self, name):
        """An empty folder of that name."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        os.makedirs(self.path(name))
        return self.path(name)


def stages(dim, out, plain, state=None):
    """The reference pipeline behind its source; `state` is for a plain shell, `weir run` has its own."""
    flag = ["--plain"] if plain else []
    state = ["-s", state] if state else []
    return [["validate", *flag, "--schema", SCHEMA],
            ["enrich", "--lookup", f"u=csv:{dim},key=user_id", "--on", "user.id", "--set", "country=u.country", "--set", "segment=u.segment"],
            ["dedupe", *state, "-k", "event_id", "--time", "event_time"],
            ["iceberg-out", *flag, *state, "--catalog", f"sqlite:{out}/catalog.db", "--table", "bench.events", "--create",
             "--schema", TABLE_SCHEMA]]


class Meter:
    """Runs pipelines and says what each process used (meter.c)."""

    def __init__(self, work, env):
        self.work, self.env, self.program = work, env, work.path("meter")
        compile_c(os.path.join(HERE, "meter.c"), self.program)

    def run(self, name, commands, stdin=None, discard=False):
        """One run, the commands joined by pipes: its figures, and stdout of the last unless it is thrown away."""
        result = self.work.path("meter.json")
        line = [self.program, result]
        for i, c in enumerate(commands):
            line += [":::"] * (i > 0) + c
        with open(stdin or os.devnull, "rb") as f:
            p = subprocess.run(line, stdin=f, stdout=subprocess.DEVNULL if discard else subprocess.PIPE,
                               stderr=subprocess.PIPE, env=self.env, cwd=self.work.dir)
        if p.returncode:
            sys.exit(f"bench: {name} failed\n{p.stderr.decode(errors='replace')[-4000:]}")
        with open(result) as f:
            return json.load(f), (p.stdout or b"").decode()


def cpu(run):
    return sum(s["user"] + s["system"] for s in run["stages"])


def compile_c(source, program):
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", program, source], check=True)
