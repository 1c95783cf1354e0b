"""Framed streams as they are between two processes: recorded from a real run, changed, and fed to the rest of the pipeline.

    rec = Recording(folder)             # source | validate | dedupe | window-agg and | wrap, each boundary as bytes
    case = Case(rec, 'validate', 'piped', folder)
    result = case.feed(data)            # the stages behind that boundary get these bytes and then end of input
    result.problems(...)
"""
import glob
import sqlite3
import threading

from lab import *       # noqa: F401,F403
import lab

TABLE = 't.t'
RUN = '0000001-000102030405060708090a0b0c0d0e0f'
CONTROL = b'{"@weir":'
ALONE = {75, 76}        # what every stage says that has hello and not the whole stream

# Two partitions in turn, two lines each, four lines an epoch; t in ms.  Every epoch has rows, windows of 500 ms close in each, one key
# comes twice.
EVENTS = [[('a', 100, 'x', 1), ('b', 300, 'y', 2), ('c', 700, 'x', 4), ('a', 900, 'y', 8), ('d', 1300, 'x', 16), ('e', 1800, 'y', 32)],
          [('f', 200, 'y', 64), ('g', 400, 'x', 128), ('h', 600, 'y', 256), ('i', 1000, 'x', 512), ('j', 1400, 'y', 1024), ('k', 1900, 'x', 2048)]]

STAGES = {
    'validate': ['validate'],
    'dedupe': ['dedupe', '-k', 'k', '--time', 't:ms', '--ttl', '1h'],
    'window-agg': ['window-agg', '--time', 't:ms', '--size', '500ms', '--by', 'g', '--agg', 'n=count()', '--agg', 's=sum(a)', '--flush'],
    'wrap': ['weir', 'wrap', '--', 'grep', ''],
}
# boundary -> the stages before it behind the source, and those after it before the sink
BOUNDARIES = {
    'source': ([], ['validate', 'dedupe', 'window-agg']),
    'validate': (['validate'], ['dedupe', 'window-agg']),
    'dedupe': (['validate', 'dedupe'], []),
    'window-agg': (['validate', 'dedupe', 'window-agg'], []),
    'wrap': (['validate', 'dedupe', 'wrap'], []),
}
FILTERS = ('validate', 'dedupe', 'window-agg', 'wrap')


def until_failure(parser):
    """An option of suites that controls runs with a guard left out."""
    parser.add_argument('--until-failure', action='store_true', help='stop at the first one')


def source_command(files, epoch='0s,4'):
    return ['weir', 'stage', lab.REPLAY, '--time', 't:ms', '--epoch', epoch, '--poll', '2', '--burst', '2'] + list(files)


def stream_env(state, run=RUN, **more):
    """As weir begin sets it."""
    env = dict(lab.ENV, WEIR_STATE=state, WEIR_PIPELINE=TABLE, **more)
    if run:
        env['WEIR_RUN'] = run
    return env


def words(stages):
    """A pipeline as one argument of weir run."""
    return ' | '.join(' '.join(shlex.quote(w) for w in s) for s in stages)


def is_control(line):
    return line.startswith(CONTROL)


def control(line):
    return json.loads(line)['@weir']


def kind_of(line):
    return control(line)['k'] if is_control(line) else 'data'


class Recording:
    """What passed each boundary of an undisturbed run, and what a sink behind it makes of it."""

    def __init__(self, where, events=EVENTS):
        self.where = where
        self.files = []
        for p, part in enumerate(events):
            self.files.append(os.path.join(where, '%d.ndjson' % p))
            with open(self.files[-1], 'w') as f:
                for i, (k, t, g, a) in enumerate(part):
                    f.write(json.dumps({'id': '%d-%d' % (p, i), 'k': k, 't': t, 'g': g, 'a': a}, separators=(',', ':')) + '\n')
        env = stream_env(os.path.join(where, 'recorded'))
        self.bytes = {'source': self.one(source_command(self.files), b'', env)}
        for name, (before, _) in BOUNDARIES.items():
            if before:
                upstream = before[-2] if len(before) > 1 else 'source'
                self.bytes[name] = self.one(STAGES[before[-1]], self.bytes[upstream], env)
        self.alone = {}         # (boundary, filter) -> what that filter makes of the whole of it
        self.want = {}          # boundary -> [(token id, rows)] of a sink behind it

    def one(self, command, data, env):
        r = subprocess.run(command, env=env, input=data, capture_output=True, cwd=self.where)
        if r.returncode or r.stderr:
            raise RuntimeError('%s: exit %d: %s' % (command[0], r.returncode, r.stderr.decode()))
        return r.stdout

    def lines(self, boundary):
        return self.bytes[boundary].splitlines(keepends=True)


def bars_before(data):
    """Whole barriers in these bytes."""
    return sum(is_control(line) and line.endswith(b'\n') and control(line)['k'] == 'bar' for line in data.splitlines(keepends=True))


def codes_of_rejects(path):
    """Code -> how many, of a file of rejects."""
    if not os.path.exists(path):
        return collections.Counter()
    with open(path) as f:
        return collections.Counter(json.loads(line)['code'] for line in f)


# ---- a table, read as any reader would: the catalog and the metadata it names ------------------------------------------------------

class Table:
    def __init__(self, where):
        self.where, self.db = where, os.path.join(where, 'catalog.db')
        self.catalog = 'sqlite:' + self.db

    def metadata(self):
        if not os.path.exists(self.db):
            return None
        c = sqlite3.connect(self.db)
        try:
            row = c.execute("select metadata_location from iceberg_tables where table_namespace || '.' || table_name = ?", (TABLE,)).fetchone()
        except sqlite3.OperationalError:        # no tables yet
            row = None
        finally:
            c.close()
        if not row:
            return None
        try:
            with open(row[0].removeprefix('file://')) as f:
                return json.load(f)
        except ValueError as e:
            raise RuntimeError('the metadata of the table is no JSON: %s' % e)

    def commits(self):
        """[(token, total records)] in the order of commits."""
        m = self.metadata()
        return [(s['summary'].get('weir.token', ''), int(s['summary'].get('total-records', 0))) for s in m['snapshots']] if m else []

    def rows(self):
        if not self.commits():
            return []
        r = subprocess.run(['iceberg-in', '--plain', '--catalog', self.catalog, '--table', TABLE], env=lab.ENV, capture_output=True, text=True)
        if r.returncode:
            raise RuntimeError('iceberg-in: exit %d: %s' % (r.returncode, r.stderr.strip()))
        return sorted(json.dumps(json.loads(line), sort_keys=True) for line in r.stdout.splitlines())

    def sink(self):
        return ['iceberg-out', '--catalog', self.catalog, '--table', TABLE, '--create']


# ---- the stages behind a boundary ---------------------------------------------------------------------------------------------------

class Result:
    def __init__(self, codes, said, out):
        self.codes, self.said, self.out = codes, said, out

    def errors(self):
        lines = [line for line in self.said.splitlines() if line]
        return lines[-1] if lines else ''


def pipe(commands, data, env, where):
    """Commands in a pipe, fed with data: the exit code of each, standard error of all, standard output of the last."""
    procs, inp = [], subprocess.PIPE
    with open(os.path.join(where, 'stderr'), 'w+b') as err:
        for c in commands:
            p = subprocess.Popen(c, env=env, cwd=where, stdin=inp, stdout=subprocess.PIPE, stderr=err)
            if procs:
                procs[-1].stdout.close()
            procs.append(p)
            inp = p.stdout
        feeder = threading.Thread(target=give, args=(procs[0].stdin, data))
        feeder.start()
        out = procs[-1].stdout.read()
        codes = [p.wait(lab.PATIENCE_S) for p in procs]
        feeder.join()
        procs[-1].stdout.close()
        err.seek(0)
        return Result(codes, err.read().decode(errors='replace'), out)


def give(f, data):
    try:
        f.write(data)
        f.close()
    except BrokenPipeError:
        pass


class Case:
    """The rest of a pipeline behind a boundary, and a table and a state directory of its own; anew for each feed()."""

    def __init__(self, rec, boundary, form, where):
        self.rec, self.boundary, self.form, self.where = rec, boundary, form, where
        self.rest = BOUNDARIES[boundary][1]
        self.rejects = os.path.join(where, 'rejects')
        self.table = Table(where)
        self.state = os.path.join(where, 'state')

    def clean(self):
        shutil.rmtree(self.where, ignore_errors=True)
        os.makedirs(self.where)

    def stages(self):
        return [s + ['-r', self.rejects, '--max-rejects', '100%'] for s in [STAGES[n] for n in self.rest] + [self.table.sink()]]

    def feed(self, data, run=RUN, clean=True):
        if clean:
            self.clean()
        env = stream_env(self.state, run)
        if self.form == 'piped':
            return pipe(self.stages(), data, env, self.where)
        return pipe([['weir', 'run', '-q', '-s', self.state, words(self.stages())]], data, env, self.where)

    def whole(self):
        """What comes of the whole stream, once: commits as (id, total rows), and rows."""
        r = self.feed(self.rec.bytes[self.boundary])
        if any(r.codes):
            raise RuntimeError('%s %s: the whole stream: exit %s: %s' % (self.boundary, self.form, r.codes, r.said.strip()))
        self.want = [(int(t.rpartition('/')[2]), n) for t, n in self.table.commits()]
        self.all_rows = self.table.rows()
        return r

    def committed(self, complete):
        """What is wrong with the table when `complete` barriers came to the sink."""
        want = [w for w in self.want if w[0] <= complete]
        got = self.table.commits()
        if [(int(t.rpartition('/')[2]), n) for t, n in got] != want:
            return ['commits (epoch, rows) are %s, should be %s' % ([(t[-6:], n) for t, n in got], want)]
        missing = [t for t, _ in got for name in self.rest if name in ('dedupe', 'window-agg')
                   if not glob.glob(os.path.join(self.state, '0-1', 'runs', t.split('/')[0], 'ckpt', t.split('/')[1], name + '.*'))]
        return ['%s is committed without a snapshot of its stages' % missing[0]] if missing else []

    def right_rows(self):
        """Rows of the table against those of the whole stream: none that is not there, none twice."""
        got = self.table.rows()
        strange = [r for r in got if r not in self.all_rows]
        if strange or len(set(got)) != len(got):
            return ['rows that should not be there: %s' % (strange[:1] or 'one twice')]
        return []


class Filter:
    """One stage without a sink: what it vouches for must be right."""

    def __init__(self, rec, boundary, name, where):
        self.rec, self.boundary, self.name, self.where = rec, boundary, name, where
        self.rejects = os.path.join(where, 'rejects')
        self.state = os.path.join(where, 'state')
        self.reference = self.feed(rec.bytes[boundary])
        if any(self.reference.codes):
            raise RuntimeError('%s behind %s: %s' % (name, boundary, self.reference.said))

    def feed(self, data, run=RUN):
        shutil.rmtree(self.where, ignore_errors=True)
        os.makedirs(self.where)
        return pipe([STAGES[self.name] + (['-r', self.rejects, '--max-rejects', '100%'] if self.name != 'wrap' else [])], data, stream_env(self.state, run), self.where)

    def vouches(self, out):
        """Each barrier of out and what stands before it must be the reference's; eos only behind all of them."""
        want, got = self.epochs(self.reference.out), self.epochs(out)
        for i, section in enumerate(got):
            if section[1] is not None and (i >= len(want) or section != want[i]):
                return ['its barrier or eos %d vouches for other data than the whole stream has' % (i + 1)]
        return []

    @staticmethod
    def epochs(out):
        """[(data lines, the bar or eos behind them; None: none came)]"""
        sections, data = [], []
        for line in out.splitlines(keepends=True):
            k = control(line)['k'] if is_control(line) and line.endswith(b'\n') else ''
            if k in ('bar', 'eos'):
                sections.append((data, line))
                data = []
            elif k == '':
                data.append(line)
        return sections + ([(data, None)] if data else [])
