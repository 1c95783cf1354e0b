"""Pipelines into the stand-in for BigQuery, and two situations that were made once by hand because chance seldom makes them."""
import sys

from lab import *

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'lib'))
from bigquery import PROJECT, Standin       # noqa: E402

COLUMNS = [{'name': n, 'type': t} for n, t in (('id', 'STRING'), ('k', 'STRING'), ('p', 'INTEGER'), ('seq', 'INTEGER'), ('t', 'INTEGER'), ('g', 'STRING'), ('a', 'INTEGER'))]
DATASET = 'd'
AGAIN = (69, 74, 75, 76, 77, 83)            # weir run runs again by itself


def surroundings(standin):
    """What every process of these tests gets: where BigQuery is, epochs shorter than BigQuery's, and less patience."""
    ENV.update(BIGQUERY_EMULATOR_HOST=standin.url, WEIR_BQ_MIN_EPOCH='1ms', WEIR_RETRY_FIRST_MS='5')
    for name in [n for n in ENV if n.startswith(('GOOGLE_', 'CLOUDSDK_')) or n.lower().endswith('_proxy')]:
        del ENV[name]


class Loads(Pipeline):
    """A pipeline over the files of an Input into a table of the stand-in."""

    def __init__(self, standin, data, kind='stateless', form='fused', table='t', source=None, **options):
        super().__init__(data, kind, form, table=table, **options)
        self.standin = standin
        schema = os.path.join(self.where, 'columns.json')
        with open(schema, 'w') as f:
            json.dump(COLUMNS, f)
        self.sink = ['bq-out', '--table', '%s.%s.%s' % (PROJECT, DATASET, table), '--create', '--schema', schema, '--timeout', '20s', '--spool-dir', self.where]
        if source:
            self.source = source

    def rows(self):
        """As they were stored, one load after another."""
        return self.standin.rows('%s.%s' % (DATASET, self.name)) if self.made() else []

    def ends(self):
        """The position after all of the input."""
        return self.data.ends()

    def made(self):
        """Is the table there?"""
        return any(t['tableReference']['tableId'] == self.name for t in self.standin.api('/datasets/%s/tables' % DATASET)['tables'])

    def question(self):
        return self.sink + ['-s', self.state, '--position']

    def jobs(self):
        return [j for j in self.standin.jobs() if j['configuration']['load']['destinationTable']['tableId'] == self.name]

    def check(self, complete=True):
        """The table against its input: none lost, none twice, in order; and the jobs that made it, as a list of sentences."""
        data = self.data
        problems = check_events(self.rows(), data.deduped() if KINDS[self.kind][1] == 'deduped' else data.events)
        good = [j for j in self.jobs() if 'errorResult' not in j['status'] and j['status']['state'] == 'DONE']
        loaded = sum(int(j['statistics']['load']['outputRows']) for j in good)
        if loaded != len(self.rows()):
            problems.append('the jobs have loaded %d rows, %d are there' % (loaded, len(self.rows())))
        if complete and self.offsets() != self.ends():
            problems.append('the position is %s, the input ends at %s' % (self.offsets(), self.ends()))
        return problems


class Kafka:
    """The broker of tests/interop/rigs/kafka."""

    def __init__(self, where):
        self.rig = [os.path.join(HERE, '..', 'interop', 'rigs', 'kafka', 'rig'), '--dir', where]
        subprocess.run(self.rig + ['start'], check=True, timeout=120)
        env = subprocess.run(self.rig + ['env'], check=True, capture_output=True, text=True).stdout
        self.address = dict(line.split('=', 1) for line in env.splitlines())['KAFKA_BOOTSTRAP']

    def topic(self, name, files):
        """A partition for each file."""
        subprocess.run(self.rig + ['topic', name, str(len(files)), 'retention.ms=-1'], check=True, timeout=120)
        for p, path in enumerate(files):
            with open(path, 'rb') as f:
                subprocess.run(['kcat', '-b', self.address, '-P', '-t', name, '-p', str(p)], stdin=f, check=True, timeout=120)

    def end(self):
        subprocess.run(self.rig + ['wipe'], check=True, timeout=120)


class KafkaLoads(Loads):
    """The same events from a topic: fused or piped, as a shell's pipe begins with a plugin here."""

    def __init__(self, standin, kafka, data, kind, form, table):
        kafka.topic(table, data.files)
        super().__init__(standin, data, kind, form, table=table, source=['kcat-in', '-b', kafka.address, '-t', table, '-e', '--epoch', '0s,80', '--time', 't:ms',
                         '--out-of-order', '%dms' % DISORDER_MS, '-X', 'max.partition.fetch.bytes=9000', '-X', 'fetch.message.max.bytes=9000'])

    def ends(self):
        return {str(p): str(len(events)) for p, events in enumerate(self.data.events)}

    def offsets(self):
        position = self.position()
        return position['off']['topics'][self.name]['next'] if position else {}


def without_lock(pl):
    """A run that no lock holds off, as on another host."""
    try:
        os.unlink(os.path.join(pl.shard, 'LOCK'))
    except FileNotFoundError:
        pass
    return pl.start()


def uploads(standin):
    """Requests that bring rows, begun so far."""
    return [e for e in standin.journal() if e['path'].startswith('/upload/')]


def until(condition, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def a_load_is_under_way(standin, data):
    """A run dies while its job runs at BigQuery: the next one waits for that job, and does not load the same again."""
    pl = Loads(standin, data, epoch='0s,40')
    standin.config(job_delay_ms=700)
    run = pl.start()
    problems = [] if until(lambda: any('status' in e for e in uploads(standin))) else ['nothing was uploaded: ' + run.errors()]
    run.end()
    standin.config(job_delay_ms=0)
    for _ in range(3):
        code, said = pl.run()
        if code not in AGAIN:
            break
    return problems + ([] if code == 0 else ['the next run: exit %s: %s' % (code, said.strip()[-200:])]) + pl.check()


def two_begin_at_one_token(standin, data):
    """Two runs make other epochs of what follows the same token, and the later upload comes first: the earlier one must notice that its
    job's id was taken for other rows."""
    pl = Loads(standin, data, epoch='0s,80')
    standin.table('%s.%s' % (DATASET, pl.name), COLUMNS)
    standin.faults({'match': {'method': 'POST', 'path': '/upload/'}, 'action': 'delay', 'ms': 1500})
    first = pl.start()
    problems = [] if until(lambda: uploads(standin)) else ['nothing was uploaded: ' + first.errors()]
    pl.set(epoch='0s,40')
    second = without_lock(pl)
    codes = second.wait(), first.wait()
    if codes[0] != 0:
        problems.append('the one that came first: exit %s: %s' % (codes[0], second.errors()))
    if codes[1] != 77:
        problems.append('the one that came late: exit %s: %s' % (codes[1], first.errors()))
    code, said = pl.run()
    return problems + ([] if code == 0 else ['the next run: exit %s: %s' % (code, said.strip()[-200:])]) + pl.check()


def situated(make):
    """The same with a stand-in of its own, as tests/fault/controls has it: called with what it needs not, and a folder."""
    def scenario(_, where):
        standin = Standin(os.path.join(where, 'bigquery'))
        try:
            surroundings(standin)
            standin.dataset(DATASET)
            return make(standin, Input(random.Random(1), where).grow(100))
        finally:
            standin.end()
    scenario.__name__ = make.__name__
    return scenario


SITUATIONS = situated(a_load_is_under_way), situated(two_begin_at_one_token)
