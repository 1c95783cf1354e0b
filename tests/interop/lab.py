"""What the tests share: weir's own tools as they were built, and a real broker."""
import dataclasses
import glob
import json
import os
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
RIGS = os.path.join(HERE, "rigs")
DATA = os.path.join(TOP, "tests", "data")


@dataclasses.dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def receipt(self):
        """The last line of a sink's output: the whole run's receipt."""
        lines = self.out.splitlines()
        assert lines, "no receipt; stderr: " + self.err
        return json.loads(lines[-1])

    def expect(self, code=0):
        assert self.code == code, f"exit {self.code}, expected {code}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-4000:]}"
        return self


class Weir:
    """The tools of one build, in one working directory with a home of its own."""

    def __init__(self, build, cwd, modules=None, env=None):
        self.build, self.cwd = build, str(cwd)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("WEIR_", "KCAT_"))}
        self.env.update({
            "PATH": os.pathsep.join(sorted(glob.glob(os.path.join(build, "tools", "*"))) + [os.environ["PATH"]]),
            "WEIR_MODULE_DIR": modules or module_dir(build, os.path.join(self.cwd, "modules")),
            "HOME": self.cwd, "XDG_STATE_HOME": os.path.join(self.cwd, "state"), "LC_ALL": "C.UTF-8"})
        self.env.update(env or {})

    def sh(self, command, stdin=None, timeout=300, **env):
        """A command line of the shell; a stage that fails in the middle of a pipe fails the line."""
        e = dict(self.env, **env)
        with open(stdin or os.devnull, "rb") as f:
            p = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.cwd, env=e, stdin=f, timeout=timeout,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return Result(p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace"))

    def run(self, *stages, fuse="auto", state=None, stdin=None, timeout=300, options="", **env):
        """weir run over the stages, which are joined by |."""
        where = "-s " + shlex.quote(str(state)) if state else ""
        return self.sh(f"weir run --fuse {fuse} {where} {options} {shlex.quote(' | '.join(stages))}", stdin, timeout, **env)


def module_dir(build, where):
    """One folder of links to the modules: libtool leaves each in a .libs of its own."""
    if not os.path.isdir(where):
        os.makedirs(where)
        found = glob.glob(os.path.join(build, "tools", "*", ".libs", "*-stage.so"))
        assert found, f"no modules under {build}/tools; run make"
        for module in found:
            os.symlink(module, os.path.join(where, os.path.basename(module)))
    return where


class Kafka:
    """The broker of rigs/kafka, with what kcat does for it."""

    def __init__(self, home):
        self.rig = [os.path.join(RIGS, "kafka", "rig"), "--dir", os.path.join(home, "kafka")]
        subprocess.run(self.rig + ["start", "--secure"], check=True, timeout=120)
        text = subprocess.run(self.rig + ["env"], check=True, stdout=subprocess.PIPE, text=True).stdout
        env = dict(line.split("=", 1) for line in text.splitlines())
        self.bootstrap, self.secure = env["KAFKA_BOOTSTRAP"], env["KAFKA_SECURE_BOOTSTRAP"]
        self.user, self.password, self.ca = env["KAFKA_SASL_USERNAME"], env["KAFKA_SASL_PASSWORD"], env["KAFKA_CA"]
        from confluent_kafka.admin import AdminClient
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap})

    def topic(self, name, partitions=1, **config):
        from confluent_kafka.admin import NewTopic
        config = {k.replace("_", "."): str(v) for k, v in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(30)
        return name

    def drop(self, name):
        self.admin.delete_topics([name])[name].result(30)

    def produce(self, topic, path, *options):
        """Each line of the file is one record."""
        with open(path, "rb") as f:
            subprocess.run(["kcat", "-b", self.bootstrap, "-P", "-t", topic, "-z", "zstd", *options], stdin=f, check=True, timeout=300)

    def restart(self, how="clean"):
        subprocess.run(self.rig + ["broker-restart", how], check=True, timeout=120)

    def stop(self):
        subprocess.run(self.rig + ["wipe"], check=True, timeout=60)


def gen_events(path, truth=None, **options):
    """rigs/data/gen-events with --option value; returns the truth, if its file was named."""
    command = [os.path.join(RIGS, "data", "gen-events")]
    for k, v in options.items():
        command += ["--" + k.replace("_", "-"), str(v)]
    with open(path, "wb") as f:
        subprocess.run(command + (["--truth", str(truth)] if truth else []), stdout=f, check=True)
    if truth:
        with open(truth) as f:
            return json.load(f)


def gen_dim(path, users):
    subprocess.run([os.path.join(RIGS, "data", "gen-dim"), "--users", str(users), "--out", str(path)], check=True)
