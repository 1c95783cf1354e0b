"""What the suites of fault points share: small pipelines that start from prepared state, one of whose processes runs under fault.so.

A round: restore the prepared folder (table, state directory, side files, after one run), run the pipeline with a fault in one process,
judge what each process said, then let a clean run finish the work and compare the table with sums made here.
"""
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import time

from lab import *

FAULT = os.path.join(BUILD, 'tests/fault/.libs/fault.so')
HANG_S = 20             # a round takes a twentieth of a second
FAULT_ENV = environment(WEIR_THREADS='0', HOME='/nonexistent')


def preloadable():
    """fault.so and this build go together."""
    p = subprocess.run(['weir', '-V'], env={**FAULT_ENV, 'LD_PRELOAD': FAULT}, capture_output=True, text=True)
    if p.returncode or p.stderr:
        sys.exit('fault.so does not work with this build (%s). It needs one without sanitizers: %s' % (BUILD, (p.stdout + p.stderr).strip()[:300]))


class Ended:
    """What became of a pipeline: exit codes (negative: a signal), what each process said."""

    def __init__(self, codes, said, hung=False):
        self.codes, self.said, self.hung = codes, said, hung

    def well(self):
        return not self.hung and all(c == 0 for c in self.codes.values())

    def show(self):
        return ' '.join('%s=%s' % (n, c) for n, c in self.codes.items()) + (' (hung)' if self.hung else '')


class Case:
    """A pipeline of named processes over files, in a folder of its own, that can be put back to where it was after one run.

    stages: name -> arguments, in order; '{work}' in them is the folder.  form: 'shell' (weir begin, then a pipe), 'piped' or 'fused'
    (weir run).  rows: events -> what the table must hold."""

    def __init__(self, where, name, seed, stages, form='shell', fresh=False, n=50, flush=''):
        preloadable()
        self.name, self.form, self.flush, self.fresh = name, form, flush, fresh
        self.work = os.path.join(where, name)
        self.base = os.path.join(where, name + '.base')
        self.log = os.path.join(where, name + '.log')
        self.messages = os.path.join(where, name + '.said')
        for d in (self.work, self.messages):
            os.makedirs(d)
        halves = os.path.join(where, name + '.half')
        os.mkdir(halves)
        half, self.data = (Input(random.Random(seed), halves), Input(random.Random(seed), halves))
        half.files = [f.replace('.ndjson', '.part') for f in half.files]
        for f in half.files:
            open(f, 'a').close()
        half.grow(0 if fresh else n)
        self.data.grow(0 if fresh else n).grow(n)
        with open(os.path.join(where, name + '.half', 'zones.csv'), 'w') as f:
            f.write('g,zone\n' + ''.join('%s,zone-%s\n' % (g, g) for g in GROUPS[:2]))
        self.zones = os.path.join(halves, 'zones.csv')
        self.catalog = 'sqlite:' + os.path.join(self.work, 'lake', 'catalog.db')     # a folder each: nobody's fsync helps another
        self.stages = {k: [w.format(work=self.work, zones=self.zones) for w in v] for k, v in stages.items()}
        self.kind = 'windows' if 'window-agg' in self.stages else 'rows'
        self.into('t.t')
        if not fresh:
            first = self.run(files=half.files, flush=False)
            if not first.well():
                raise RuntimeError('%s: the first run: %s\n%s' % (name, first.show(), first.said))
        shutil.copytree(self.work, self.base, symlinks=True)

    def into(self, table):
        self.table, self.state = table, os.path.join(self.work, 'var', table)
        self.sink = ['iceberg-out', '--catalog', self.catalog, '--table', table, '--create', '--columns', COLUMNS[self.kind]]

    def restore(self, image=None):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(image or self.base, self.work, symlinks=True)

    # -- running

    @staticmethod
    def source(files):
        return {'replay': [REPLAY, '--time', 't:ms', '--out-of-order', '%dms' % DISORDER_MS, '--epoch', '0s,60', '--poll', '20'] + files}

    def arguments(self, files, flush):
        out = self.source(files)
        for name, words in self.stages.items():
            out[name] = words + ([self.flush] if flush and self.flush and name == 'window-agg' else [])
        out['iceberg-out'] = self.sink
        return out

    def run(self, files=None, flush=True, faults=None):
        """faults: process -> environment.  The processes of the shell form are 'begin' and the stages, else 'weir'."""
        faults = faults or {}
        arguments = self.arguments(files or self.data.files, flush)
        if self.form != 'shell':
            words = ['weir', 'run', '-q', '-s', self.state] + (['--fuse', 'no'] if self.form == 'piped' else [])
            words.append(' | '.join(' '.join(shlex.quote(w) for w in a) for a in arguments.values()))
            return self.spawn({'weir': words}, dict(FAULT_ENV), faults)
        env = dict(FAULT_ENV)
        with open(os.path.join(self.messages, 'begin'), 'w+b') as err:
            try:
                p = subprocess.run(['weir', 'begin', '-s', self.state, '--'] + self.sink, env={**env, **faults.get('begin', {})}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=err, timeout=HANG_S, cwd=self.work)
            except subprocess.TimeoutExpired:
                return Ended({'begin': None}, {}, True)
            err.seek(0)
            said = err.read().decode(errors='replace')
        if p.returncode:
            return Ended({'begin': p.returncode}, {'begin': said})
        for word in shlex.split(p.stdout.decode()):
            if word.startswith('WEIR_'):
                env[word.partition('=')[0]] = word.partition('=')[2]
        return self.spawn({n: (['weir', 'stage'] if n == 'replay' else []) + a for n, a in arguments.items()}, env, faults)

    def spawn(self, commands, env, faults):
        procs, before = {}, subprocess.DEVNULL
        for i, (name, words) in enumerate(commands.items()):
            last = i + 1 == len(commands)
            with open(os.path.join(self.messages, name), 'wb') as err:
                p = subprocess.Popen(words, env={**env, **faults.get(name, {})}, stdin=before, stdout=err if last else subprocess.PIPE, stderr=err,
                                     cwd=self.work, start_new_session=self.form != 'shell')
            if before is not subprocess.DEVNULL:
                before.close()
            before, procs[name] = p.stdout, p
        until, codes = time.monotonic() + HANG_S, {}
        for name, p in procs.items():
            codes[name] = wait_until(p, until)
        hung = None in codes.values()
        for p in procs.values() if hung else ():
            p.kill()
            p.wait()
        if self.form != 'shell':                # whom a launcher leaves behind
            hung |= not self.alone(procs['weir'].pid)
        said = {}
        for name in procs:
            with open(os.path.join(self.messages, name), errors='replace') as f:
                said[name] = f.read()
        return Ended(codes, said, hung)

    @staticmethod
    def alone(session):
        """Wait until nobody of the session lives; True if that came by itself."""
        until = time.monotonic() + HANG_S
        while True:
            left = [pid for pid, (_, s, _) in processes().items() if s == session]
            reap()
            if not left:
                return True
            if time.monotonic() > until:
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                return False
            time.sleep(0.002)

    # -- one fault

    def fault(self, process, point):
        """point: 'WHO:CALL:N:MODE', or empty: write down all calls.  The environment of the faulty process."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        env = {'LD_PRELOAD': FAULT, 'FAULT_LOG': self.log}
        if point:
            env['FAULT'] = point
        return {process: env}

    def logged(self):
        try:
            with open(self.log, errors='replace') as f:
                return [line.rstrip('\n').split(' ', 4) for line in f]
        except FileNotFoundError:
            return []

    def trace(self, process):
        """All calls of the process in a run in which nothing goes wrong: (who, call, n, object); and counts of allocations and forks."""
        self.restore()
        r = self.run(faults=self.fault(process, ''))
        if not r.well():
            raise RuntimeError('%s: a run without a fault: %s\n%s' % (self.name, r.show(), r.said))
        log = self.logged()
        return [(w[1], w[2], int(w[3]), w[4]) for w in log if w[0] == 'call'], [(w[1], w[2], int(w[3])) for w in log if w[0] == 'count']

    # -- what must be in the table

    def read(self, *option):
        r = subprocess.run(['iceberg-in', '--plain', '--catalog', self.catalog, '--table', self.table] + list(option), env=FAULT_ENV, capture_output=True, text=True)
        if r.returncode:
            raise RuntimeError('iceberg-in %s: exit %d: %s' % (' '.join(option), r.returncode, r.stderr.strip()))
        return [json.loads(line) for line in r.stdout.splitlines()]

    def wanted(self):
        """Checked, enriched, deduplicated: made here."""
        out = []
        for events in self.data.events:
            seen, kept = set(), []
            for e in events:
                if 'validate' in self.stages and not e['a'] >= LEAST:
                    continue
                if e['k'] in seen:
                    continue
                seen.add(e['k'])
                kept.append({**e, 'zone': 'zone-' + e['g'] if e['g'] in GROUPS[:2] else None} if 'enrich' in self.stages else e)
            out.append(kept)
        return out

    def problems(self):
        """What is wrong with the table, the input being done."""
        try:
            rows, snapshots = self.read(), self.read('--snapshots')
            bad = check_windows(rows, self.data.windows(WINDOW_MS)) if self.kind == 'windows' else check_events(
                [{k: v for k, v in r.items() if k != 'zone' or 'enrich' in self.stages} for r in rows], self.wanted())
            return bad + check_chain(snapshots)[:2] + check_files(self)
        except RuntimeError as e:
            return [str(e)]

    def finish(self):
        """A clean run to the end; what is wrong then."""
        r = self.run()
        if not r.well():
            name = next((n for n, c in r.codes.items() if c), 'nobody')
            return ['the clean run afterwards: %s: %s' % (r.show(), r.said.get(name, '').strip()[-300:])]
        return self.problems()


class Copy(Case):
    """What was appended to a table since a snapshot of it, read by iceberg-in, into another table."""

    def __init__(self, where, name, seed, n=50):
        super().__init__(where, name, seed, {'dedupe': DEDUPE}, n=n)
        since = self.read('--snapshots')[-1]['snapshot_id']
        second = self.run()
        if not second.well():
            raise RuntimeError('%s: the second run: %s\n%s' % (name, second.show(), second.said))
        words = ['iceberg-in', '--catalog', self.catalog, '--table', self.table, '--from', since]
        self.source = lambda files: {'iceberg-in': words}
        self.stages, self.data.events = {}, [[e for e in events if e['seq'] >= n] for events in self.data.deduped()]
        self.into('t.copy')
        shutil.rmtree(self.base)
        shutil.copytree(self.work, self.base, symlinks=True)


LEAST = 30
COLUMNS = {'rows': 'id=string:id,k=string:k,p=long:p,seq=long:seq,t=long:t,g=string:g,a=long:a,zone=string:zone',
           'windows': 'window_start=timestamptz:window_start,window_end=timestamptz:window_end,g=string:g,n=long:n,s=long:s,lo=long:lo,hi=long:hi'}
ROWS = {
    'validate': ['validate', '--check', '.a >= %d' % LEAST],
    'enrich': ['enrich', '--lookup', 'z=csv:{zones},key=g', '--on', 'g', '--set', 'zone=z.zone'],
    'wrap': ['weir', 'wrap', '--', 'cat'],
    'dedupe': DEDUPE + ['--dropped', '{work}/dropped.ndjson.zst'],
}
WINDOWS = {'dedupe': DEDUPE, 'window-agg': WINDOW + ['--late', '{work}/late.ndjson']}


def cases(where, seed):
    """(case, process, who of it): all that is failed in turn.  '*': the one that makes the most calls."""
    rows, new = Case(where, 'rows', seed, ROWS), Case(where, 'new', seed, {'dedupe': DEDUPE}, fresh=True)
    windows = Case(where, 'windows', seed, WINDOWS, flush='--flush')
    launch = Case(where, 'launch', seed, {'dedupe': DEDUPE, 'wrap': ['cat']}, form='piped')
    fused = Case(where, 'fused', seed, {k: v for k, v in ROWS.items() if k != 'wrap'}, form='fused')
    copy = Copy(where, 'copy', seed)
    return [(rows, 'begin', '0'), (rows, 'replay', '0'), (rows, 'validate', '0'), (rows, 'enrich', '0'), (rows, 'wrap', '0'), (rows, 'wrap', '0.1'),
            (rows, 'dedupe', '0'), (rows, 'iceberg-out', '0'), (windows, 'window-agg', '0'), (new, 'begin', '0'), (new, 'dedupe', '0'),
            (new, 'iceberg-out', '0'), (copy, 'iceberg-in', '0'), (launch, 'weir', '0'), (fused, 'weir', '0.1'), (fused, 'weir', '*')]
