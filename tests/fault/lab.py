"""What the fault suites share: options and results, input, pipelines in three forms, processes, and the check of a table.

A suite is an executable beside this file:

    from lab import *
    with Suite('kills', __doc__, short=50, long=1000) as suite:
        ...suite.check(round, problems)

It prints its seed, a compact table of numbers, 'not ok' lines with how to repeat, and 'N passed, N failed' last; exit 0 or 1.
Environment: WEIR_BUILD the build to test (default: the folder build of the source), TMPDIR where to work (default: /dev/shm if it is
roomy, as kill -9 says nothing about fsync), KEEP=1 keeps the folders of what failed, LONG=1 is --long.
"""
import argparse
import collections
import ctypes
import json
import os
import random
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('WEIR_BUILD') or os.path.join(HERE, '..', '..', 'build'))
REPLAY = os.path.join(BUILD, 'tests/fault/.libs/replay.so')
TOOLS = ('kcat-in', 'validate', 'enrich', 'dedupe', 'window-agg', 'iceberg-in', 'iceberg-out', 'bq-out', 'weir')
FORMS = ('fused', 'piped', 'shell')     # weir run; weir run --fuse no; weir begin and a shell's pipe

# Every code of protocol.md 11.  What a situation allows is a subset of these.
CODES = {0, 64, 65, 69, 70, 74, 75, 76, 77, 78, 81, 82, 83, 99}
TRANSIENT = {69, 75}                    # what the stages beside a killed one say
PATIENCE_S = 60                         # longer than any run here can take on a slow machine: then it hangs


def environment(**more):
    """The environment of a build: its tools, its modules, the guards that a negative control switches off, and nothing of a pipeline around us."""
    env = {k: v for k, v in os.environ.items() if not k.startswith('WEIR_') or k == 'WEIR_BREAK'}
    env['PATH'] = ':'.join([os.path.join(BUILD, 'tools', t) for t in TOOLS] + [env.get('PATH', '/usr/bin:/bin')])
    env['WEIR_MODULE_DIR'] = os.path.join(BUILD, 'modules')
    env['LC_ALL'] = 'C'
    env['UBSAN_OPTIONS'] = env.get('UBSAN_OPTIONS', 'halt_on_error=1')
    env.update(more)
    return env


ENV = environment()


def workplace():
    """Where temporary folders go: TMPDIR, else memory if there is enough of it, else the default."""
    if os.environ.get('TMPDIR'):
        return os.environ['TMPDIR']
    try:
        s = os.statvfs('/dev/shm')
        if os.access('/dev/shm', os.W_OK) and s.f_bavail * s.f_frsize >= 1 << 30:
            return '/dev/shm'
    except OSError:
        pass
    return tempfile.gettempdir()


class Suite:
    """Options, random numbers, results.  As a context manager it prints the end and exits."""

    def __init__(self, name, doc, short, long, more=None):
        p = argparse.ArgumentParser(prog=name, description=(doc or '').strip().split('\n')[0])
        p.add_argument('--long', action='store_true', default=os.environ.get('LONG', '') not in ('', '0'), help='%d instead of %d' % (long, short))
        p.add_argument('--seed', type=int, help='repeat the choices of a run')
        p.add_argument('--count', type=int, help='so many instead')
        if more:
            more(p)
        self.name, self.opt = name, p.parse_args()
        self.long = self.opt.long
        self.count = self.opt.count or (long if self.long else short)
        self.seed = self.opt.seed if self.opt.seed is not None else int.from_bytes(os.urandom(4), 'big')
        self.rng = random.Random(self.seed)
        self.passed = self.failed = 0
        self.began = time.monotonic()
        for f in (os.path.join(BUILD, 'tools/weir/weir'), REPLAY):
            if not os.path.exists(f):
                sys.exit('%s: %s is not there: make, make check TESTS=, and WEIR_BUILD names the build' % (name, f))
        print('%s: seed %d, %s form, %d' % (name, self.seed, 'long' if self.long else 'short', self.count), flush=True)

    def repeat(self):
        return 'WEIR_BUILD=%s %s%s --seed %d --count %d' % (BUILD, os.path.join(HERE, self.name), ' --long' if self.long else '', self.seed, self.count)

    def check(self, what, problems, where=None):
        """One result: problems is a list of sentences, empty when all is well.  where: its folder, removed or kept."""
        if not problems:
            self.passed += 1
        else:
            self.failed += 1
            print('not ok %d - %s: %s' % (self.passed + self.failed, what, '; '.join(problems[:8])))
            print('#   repeat: %s' % self.repeat(), flush=True)
        if where and problems and os.environ.get('KEEP'):
            print('#   kept: %s' % where, flush=True)
        elif where:
            shutil.rmtree(where, ignore_errors=True)
        return not problems

    def folder(self):
        return tempfile.mkdtemp(prefix='weir-%s.' % self.name, dir=workplace())

    def table(self, head, rows):
        """Columns of text, as wide as they need."""
        rows = [[str(c) for c in r] for r in [head] + rows]
        wide = [max(len(r[i]) for r in rows) for i in range(len(head))]
        for r in rows:
            print('  ' + '  '.join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, wide))))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            import traceback
            traceback.print_exception(kind, value, trace)
            self.check('the suite itself', ['%s: %s' % (kind.__name__, value)])
        print('# %s: seed %d, %.1f s' % (self.name, self.seed, time.monotonic() - self.began))
        print('%d passed, %d failed' % (self.passed, self.failed), flush=True)
        sys.exit(1 if self.failed or not self.passed or kind else 0)


# ---- input ---------------------------------------------------------------------------------------------------------------------

DISORDER_MS = 300       # event times are at most so far behind the newest of their partition
STEP_MS = 20
START_MS = 1764000000000
GROUPS = ('north', 'south', 'east')


class Input:
    """Events in partitions, and what must come of them, computed here and not by weir.

    id is unique; seq counts in a partition; t has disorder; k stands twice for every tenth event, within one partition and soon
    after, so the survivor does not depend on how partitions interleave; g groups, a is summed."""

    def __init__(self, rng, where, n_partitions=2):
        self.rng, self.where = rng, where
        self.events = [[] for _ in range(n_partitions)]
        self.files = [os.path.join(where, '%d.ndjson' % p) for p in range(n_partitions)]
        for f in self.files:
            open(f, 'a').close()

    def grow(self, n):
        """n more events in each partition, in whole lines."""
        for p, events in enumerate(self.events):
            text = []
            for i in range(len(events), len(events) + n):
                k = 'k%d-%d' % (p, i)
                if i > 30 and self.rng.random() < 0.1:
                    k = events[i - self.rng.randrange(1, 30)]['k']
                e = {'id': '%d-%d' % (p, i), 'k': k, 'p': p, 'seq': i, 't': START_MS + i * STEP_MS - self.rng.randrange(DISORDER_MS),
                     'g': self.rng.choice(GROUPS), 'a': self.rng.randrange(1000)}
                events.append(e)
                text.append(json.dumps(e, separators=(',', ':')))
            if text:
                with open(self.files[p], 'a') as f:
                    f.write('\n'.join(text) + '\n')
        return self

    def n(self):
        return sum(len(e) for e in self.events)

    def ends(self):
        """The position after all of it, as replay has it."""
        return {str(p): str(os.path.getsize(f)) for p, f in enumerate(self.files)}

    def deduped(self):
        """The events of each partition whose key was not there before."""
        out = []
        for events in self.events:
            seen = set()
            out.append([e for e in events if not (e['k'] in seen or seen.add(e['k']))])
        return out

    def windows(self, size_ms):
        """(start, group) -> (count, sum, least and greatest seq), of the deduplicated events."""
        out = {}
        for events in self.deduped():
            for e in events:
                at = (e['t'] // size_ms * size_ms, e['g'])
                n, s, lo, hi = out.get(at, (0, 0, 1 << 62, -1))
                out[at] = (n + 1, s + e['a'], min(lo, e['seq']), max(hi, e['seq']))
        return out


# ---- pipelines -----------------------------------------------------------------------------------------------------------------

WINDOW_MS = 500
DEDUPE = ['dedupe', '-k', 'k', '--time', 't:ms', '--ttl', '1h']
WINDOW = ['window-agg', '--time', 't:ms', '--size', '%dms' % WINDOW_MS, '--by', 'g', '--agg', 'n=count()', '--agg', 's=sum(a)',
          '--agg', 'lo=min(seq)', '--agg', 'hi=max(seq)']
# name -> (stages between source and sink, how its rows are checked)
KINDS = {
    'stateless': ([['validate']], 'all'),
    'dedupe': ([DEDUPE], 'deduped'),
    'windows': ([DEDUPE, WINDOW], 'windows'),
}


class Pipeline:
    """A pipeline over the files of an Input into a table of its own, run as often as it takes."""

    def __init__(self, data, kind, form, table='t.t', epoch='0s,40', poll=10, rate=0, flush=True, follow=False, tell=None, sink=()):
        self.data, self.kind, self.form, self.name = data, kind, form, table
        self.where = data.where
        self.source = [REPLAY, '--time', 't:ms', '--out-of-order', '%dms' % DISORDER_MS, '--epoch', epoch, '--poll', str(poll), '--rate', str(rate)]
        self.source += (['--tell', tell] if tell else []) + data.files
        self.flush, self.follow = flush, follow
        self.catalog = 'sqlite:' + os.path.join(self.where, 'catalog.db')
        self.sink = ['iceberg-out', '--catalog', self.catalog, '--table', table, '--create'] + list(sink)
        self.state = os.path.join(self.where, 'state-' + table)
        self.shards = 2 if form == 'parallel' else 1
        self.shard = os.path.join(self.state, '0-%d' % self.shards)
        self.n = 0

    def set(self, **options):
        """Other values for options of the source, from the next run on."""
        for name, value in options.items():
            self.source[self.source.index('--' + name) + 1] = str(value)

    def stages(self):
        middle = [list(s) for s in KINDS[self.kind][0]]
        if self.flush:
            middle = [s + ['--flush'] if s[0] == 'window-agg' else s for s in middle]
        return [self.source[:1] + (['--follow'] if self.follow else []) + self.source[1:]] + middle + [self.sink]

    def command(self):
        stages = [' '.join(shlex.quote(w) for w in s) for s in self.stages()]
        if self.form != 'shell':
            how = {'piped': ['--fuse', 'no'], 'parallel': ['--parallel', str(self.shards), '--partitioned-by', 'k']}.get(self.form, [])
            return ['weir', 'run', '-q', '-s', self.state] + how + [' | '.join(stages)]
        stages[0] = 'weir stage ' + stages[0]
        return ['bash', '-c', 'trap : TERM INT; e=$(weir begin -s %s -- %s) || exit; eval "$e"; %s; c=("${PIPESTATUS[@]}"); echo codes "${c[@]}" >&2; r=0; '
                'for i in "${c[@]}"; do [ "$i" = 0 ] || r=$i; done; exit $r' % (shlex.quote(self.state), stages[-1], ' | '.join(stages))]

    def start(self):
        self.n += 1
        return Run(self.command(), self.where, os.path.join(self.where, 'log-%s-%d' % (self.name, self.n)))

    def run(self):
        """To its end, undisturbed: its exit code and what it said."""
        r = self.start()
        return r.wait(), r.said()

    # what the table says
    def read(self, *option):
        r = subprocess.run(['iceberg-in', '--plain', '--catalog', self.catalog, '--table', self.name] + list(option), env=ENV, capture_output=True, text=True)
        if r.returncode == 78 and 'does not exist' in r.stderr:
            return []
        if r.returncode:
            raise RuntimeError('iceberg-in: exit %d: %s' % (r.returncode, r.stderr.strip()))
        return [json.loads(line) for line in r.stdout.splitlines()]

    def rows(self):
        return self.read()

    def snapshots(self):
        return self.read('--snapshots')

    def question(self):
        return self.sink + ['--position']

    def position(self, shard=0):
        """Token and offsets of the feed, or None."""
        env = {**ENV, 'WEIR_SHARD': '%d/%d' % (shard, self.shards)} if self.shards > 1 else ENV
        r = subprocess.run(self.question(), env=env, capture_output=True, text=True)
        if r.returncode:
            raise RuntimeError('--position: exit %d: %s' % (r.returncode, r.stderr.strip()))
        return None if r.stdout.strip() == 'none' else json.loads(r.stdout)

    def offsets(self):
        """Where the next run begins, as replay has it."""
        out = {str(p): '0' for p in range(len(self.data.files))}
        for position in map(self.position, range(self.shards)):
            out.update(position['off']['topics']['files']['next'] if position else {})
        return out


# ---- processes -----------------------------------------------------------------------------------------------------------------

# Whoever loses its parent becomes ours: leftovers are found, and reaped.
ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)


def processes():
    """pid -> (parent, session, state) of all processes but zombies."""
    out = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name) as f:
                rest = f.read().rpartition(')')[2].split()
        except OSError:
            continue
        if rest[0] not in 'ZX':
            out[int(name)] = (int(rest[1]), int(rest[3]), rest[0])
    return out


def wait_until(p, until):
    """Its exit code as soon as it ends, or None when it is `until`.  Popen.wait() with a timeout sleeps for up to 50 ms between two looks."""
    if p.poll() is None:
        fd = os.pidfd_open(p.pid)
        try:
            select.select([fd], [], [], max(0, until - time.monotonic()))
        finally:
            os.close(fd)
    return p.poll()


def has_signal(pid, sig, *masks):
    """Is the signal in one of these masks of a process, as /proc names them: SigBlk, SigCgt?"""
    try:
        with open('/proc/%d/status' % pid) as f:
            return any(int(line.split()[1], 16) >> (sig - 1) & 1 for line in f if line.startswith(masks))
    except OSError:
        return False


def is_stage(pid):
    """Do its handlers stand?  Every stage catches this one, and no shell does."""
    return has_signal(pid, signal.SIGUSR1, 'SigCgt')


def hear_interrupts():
    """A shell's background job ignores SIGINT, and all that it starts does: not what is tested."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Run:
    """A command in a session of its own, so all that it starts is found again, whoever dies first."""

    def __init__(self, command, where, log):
        self.log = log
        with open(log, 'wb') as f:
            self.p = subprocess.Popen(command, cwd=where, env=ENV, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True,
                                      preexec_fn=hear_interrupts)
        self.pid = self.p.pid
        self.began = time.monotonic()

    def members(self):
        """All living processes of it, the first one first."""
        return sorted((pid for pid, (_, session, _) in processes().items() if session == self.pid), key=lambda pid: (pid != self.pid, pid))

    def children(self):
        return [pid for pid, (parent, _, _) in sorted(processes().items()) if parent == self.pid]

    def source(self):
        """The first stage's process, once it handles signals; None before that."""
        first = next((pid for pid in self.members() if pid != self.pid), None)
        return first if first and is_stage(first) else None

    def signal(self, pid, sig):
        try:
            os.kill(pid, sig)
            return True
        except ProcessLookupError:
            return False

    def signal_all(self, sig):
        """To the group, as a terminal does."""
        try:
            os.killpg(self.pid, sig)
            return True
        except ProcessLookupError:
            return False

    def running(self):
        return self.p.poll() is None

    def wait(self, patience_s=PATIENCE_S):
        """Its exit code, negative for a signal; None if it hangs (then it is ended)."""
        code = wait_until(self.p, time.monotonic() + patience_s)
        if code is None:
            self.end()
        return code

    def leftovers(self, grace_s):
        """Those who still live grace_s after the first one ended.  They are ended then."""
        until = time.monotonic() + grace_s
        while True:
            left = self.members()
            reap()
            if not left or time.monotonic() >= until:
                break
            time.sleep(0.002)
        for pid in left:
            self.signal(pid, signal.SIGCONT)
            self.signal(pid, signal.SIGKILL)
        while left and self.members():
            reap()
            time.sleep(0.001)
        return left

    def end(self):
        """By force, all of it."""
        for pid in self.members():
            self.signal(pid, signal.SIGKILL)
        self.p.wait()
        self.leftovers(0)

    def said(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def errors(self):
        """The last message on standard error, for a sentence about it."""
        lines = [line for line in self.said().splitlines() if line and not line.startswith(('{', 'codes '))]
        return lines[-1] if lines else ''

    def codes(self):
        """Of a shell's pipe: the exit code of each stage."""
        for line in self.said().splitlines():
            if line.startswith('codes '):
                return [int(c) for c in line.split()[1:]]
        return []


def reap():
    """Orphans that became ours.  First ones of a session are left to subprocess."""
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name) as f:
                state, parent, _, session = f.read().rpartition(')')[2].split()[:4]
            if state == 'Z' and int(parent) == os.getpid() and name != session and int(session) != os.getsid(0):
                os.waitpid(int(name), os.WNOHANG)
        except (OSError, ValueError):
            pass


# ---- the check of a table ------------------------------------------------------------------------------------------------------

def few(items, n=3):
    items = list(items)
    return ', '.join(str(i) for i in items[:n]) + (' ...' if len(items) > n else '')


def check_events(rows, want):
    """Rows against the wanted events of each partition: none lost, none twice, in order, whole."""
    problems = []
    got = collections.Counter(r['id'] for r in rows)
    expected = {e['id']: e for events in want for e in events}
    lost, strange, twice = [i for i in expected if i not in got], [i for i in got if i not in expected], [i for i, n in got.items() if n > 1]
    if lost:
        problems.append('%d lost: %s' % (len(lost), few(lost)))
    if strange:
        problems.append('%d that nobody sent or that dedupe should have dropped: %s' % (len(strange), few(strange)))
    if twice:
        problems.append('%d more than once: %s' % (len(twice), few(twice)))
    changed = [r['id'] for r in rows if r['id'] in expected and r != expected[r['id']]]
    if changed:
        problems.append('%d changed: %s' % (len(changed), few(changed)))
    last = {}
    for r in rows:
        if r['seq'] <= last.get(r['p'], -1) and got[r['id']] == 1:
            problems.append('partition %d: %d comes after %d' % (r['p'], r['seq'], last[r['p']]))
            break
        last[r['p']] = r['seq']
    return problems


def instant_ms(text):
    """A window's edge as weir writes it, in milliseconds."""
    import datetime
    return round(datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() * 1000)


def check_windows(rows, want):
    """Rows of window-agg against sums made here."""
    problems = []
    got = collections.Counter((instant_ms(r['window_start']), r['g']) for r in rows)
    lost, strange, twice = [w for w in want if w not in got], [w for w in got if w not in want], [w for w, n in got.items() if n > 1]
    for what, which in (('lost', lost), ('that should not be', strange), ('more than once', twice)):
        if which:
            problems.append('%d windows %s: %s' % (len(which), what, few(which)))
    wrong = [w for r in rows for w in [(instant_ms(r['window_start']), r['g'])] if w in want and (r['n'], r['s'], r['lo'], r['hi']) != want[w]]
    if wrong:
        problems.append('%d windows with wrong sums: %s' % (len(wrong), few(wrong)))
    return problems


def check_chain(snapshots):
    """Each commit of a feed names the one before as its predecessor; ids count by one within a run and go on over runs."""
    problems, newest = [], {}
    for s in snapshots:
        token, prev, feed = (s['summary'].get('weir.' + k) for k in ('token', 'prev', 'shard'))
        if token is None:
            continue                    # another program's
        last = newest.get(feed, 'none')
        if prev != last:
            problems.append('%s follows %s, and says it follows %s' % (token, last, prev))
        if last != 'none' and int(token.rpartition('/')[2]) <= int(last.rpartition('/')[2]):
            problems.append('the id of %s is not greater than that of %s' % (token, last))
        newest[feed] = token
    return problems


def check_files(pl):
    """Every live file is there in its size, and named once."""
    files = pl.read('--files')
    names = collections.Counter(f['path'] for f in files)
    problems = ['%s is in the table %d times' % (n, k) for n, k in names.items() if k > 1]
    for f in files:
        path = f['path'].removeprefix('file://')
        try:
            if os.path.getsize(path) != f['bytes']:
                problems.append('%s has %d bytes, the table says %d' % (path, os.path.getsize(path), f['bytes']))
        except OSError as e:
            problems.append('%s of the table: %s' % (path, e.strerror))
    return problems[:3]


def check_table(pl, complete=True):
    """All that must hold of a pipeline's table when its input is done (complete), as a list of sentences."""
    how, data = KINDS[pl.kind][1], pl.data
    rows, snapshots = pl.rows(), pl.snapshots()
    if how == 'windows':
        problems = check_windows(rows, data.windows(WINDOW_MS))
    else:
        problems = check_events(rows, data.deduped() if how == 'deduped' else data.events)
    problems += check_chain(snapshots)[:2] + check_files(pl)
    if complete and pl.offsets() != data.ends():
        problems.append('the position is %s, the input ends at %s' % (pl.offsets(), data.ends()))
    for shard in range(pl.shards):
        position = pl.position(shard)
        tokens = [s['summary'].get('weir.token') for s in snapshots if s['summary'].get('weir.shard') == '%d/%d' % (shard, pl.shards)]
        if ([position['token']] if position else []) != tokens[-1:]:
            problems.append('the position of shard %d is of %s, its last commit %s' % (shard, position and position['token'], tokens[-1:]))
    return problems


def bounded(data, kind, form='fused', table='t.once', **options):
    """The oracle: one uninterrupted run of one epoch into a table of its own."""
    pl = Pipeline(data, kind, form, table=table, epoch='all', **options)
    code, said = pl.run()
    if code != 0:
        raise RuntimeError('the uninterrupted run: exit %s: %s' % (code, said.strip()[-300:]))
    return pl


def same_rows(a, b):
    """The same rows in two tables, whatever their order."""
    left, right = (collections.Counter(json.dumps(r, sort_keys=True) for r in pl.rows()) for pl in (a, b))
    more, less = left - right, right - left
    return ['%s has %d rows that %s has not: %s' % (x.name, sum(d.values()), y.name, few(d, 1)) for d, x, y in ((more, a, b), (less, b, a)) if d]
