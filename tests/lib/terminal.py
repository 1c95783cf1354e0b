"""The cases of tests/terminal.t."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

REPLAY = os.path.join(os.environ["top_builddir"], "tests/fault/.libs/replay.so")
n_tests = n_failed = 0


def check(ok, what, more=""):
    global n_tests, n_failed
    n_tests += 1
    n_failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n_tests} - {what}")
    if not ok:
        for line in str(more).splitlines()[:40]:
            print("# " + repr(line))
    sys.stdout.flush()


class Terminal:
    """A command whose controlling terminal is ours: what it shows, and when."""

    def __init__(self, command, columns=80, rows=24, stdout=None, stdin=None, shell=False):
        self.shown, self.t0 = [], time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                time.sleep(0.1)         # until the size is set
                for path, fd, flags in ((stdin, 0, os.O_RDONLY), (stdout, 1, os.O_WRONLY | os.O_CREAT)):
                    if path:
                        os.dup2(os.open(path, flags), fd)
                os.execvp("sh" if shell else command[0], ["sh", "-c", command] if shell else command)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.fd)

    def read(self, seconds, until=None):
        """What comes in so many seconds, or until a pattern is there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:         # nobody has the other end any more
                    data = b""
                if not data:
                    break
                self.shown.append((time.monotonic() - self.t0, data))
            if until and re.search(until, self.text()):
                break
        return self.text()

    def text(self):
        return b"".join(d for _, d in self.shown).decode("utf-8", "replace")

    def write(self, text):
        os.write(self.fd, text.encode())

    def wait(self, seconds=20):
        """The exit code, and what had been shown; -1 when it did not end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.2)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return -1


class Screen:
    """As much of a terminal as is used: what stands there after all that was written, and the longest line ever drawn."""

    def __init__(self, text):
        self.alternate, self.cursor, self.rows = False, True, {}
        row = column = 0
        for m in re.finditer(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|[^\x1b]|\x1b", text):
            private, args, verb = m.group(1, 2, 3)
            c = m.group(0)
            if verb == "h" and private:
                self.alternate |= args == "1049"
                self.cursor |= args == "25"
            elif verb == "l" and private:
                self.alternate &= args != "1049"
                self.cursor &= args != "25"
            elif verb == "H":
                row = column = 0
            elif verb == "K":
                self.rows[row] = self.rows.get(row, "")[:column]
            elif verb == "J":
                keep = "" if args == "2" else self.rows.get(row, "")[:column]
                self.rows = {r: t for r, t in self.rows.items() if r < row and args != "2"}
                self.rows[row] = keep
            elif c == "\r":
                column = 0
            elif c == "\n":
                row += 1
            else:
                line = self.rows.get(row, "").ljust(column)
                self.rows[row] = line[:column] + c + line[column + 1:]
                column += 1

    def lines(self):
        last = max((r for r, text in self.rows.items() if text.strip()), default=-1)
        return [self.rows.get(r, "").rstrip() for r in range(last + 1)]


def frames(text):
    """Progress lines, each as it was drawn."""
    return [f.split("\x1b[K")[0] for f in text.split("\r")[1:] if "\x1b[K" in f and not f.startswith("\x1b[K")]


def events(path, n, first=1):
    with open(path, "a") as f:
        for i in range(first, first + n):
            f.write('{"id":%d,"t":"2026-01-01T00:00:00Z"}\n' % i)


def progress_of_a_run():
    """A framed run: one process, and three."""
    for fuse in ("auto", "no"):
        events(f"{fuse}.nd", 30000)
        pipeline = f"{REPLAY} --rate 8000 --follow --epoch 1s {fuse}.nd | dedupe -k id | iceberg-out --catalog sqlite:{fuse}.db --table shop.t --create"
        t = Terminal(["weir", "run", "--fuse", fuse, "-s", f"st.{fuse}", pipeline], columns=140, stdout="receipts")
        t.read(4.2)
        os.kill(t.pid, signal.SIGTERM)
        code = t.wait()
        f = frames(t.text())
        check(code == 0 and len(f) > 6, f"{fuse}: a line is drawn", t.text())
        pattern = r"shop\.t  [0-9.]+( k)? events  [0-9.]+( k)?/s  \d+ MB/s  rejected 0 %  epoch \d+, \d+\.\d s old, last commit \d\d:\d\d:\d\d"
        check(any(re.fullmatch(pattern, x) for x in f[2:]), f"{fuse}: it tells all", "\n".join(f))
        rates = [float(m.group(1)) for m in (re.search(r"events  ([0-9.]+) k/s", x) for x in f) if m]
        check(rates and 6.5 < sorted(rates)[len(rates) // 2] < 9.5, f"{fuse}: the rate is that of --rate", rates)
        # A message pushes the line out of its way and leaves nothing of it behind.
        check(not any(" events  " in x for x in Screen(t.text()).lines()), f"{fuse}: nothing of it stays", "\n".join(Screen(t.text()).lines()))
        check("iceberg-out: made the table shop.t" in "\n".join(Screen(t.text()).lines()), f"{fuse}: messages stay whole")
        at = [s for s, d in t.shown if b"events  " in d]
        most = max(sum(1 for x in at if a <= x < a + 1) for a in at)
        check(2 <= most <= 7, f"{fuse}: at most 6 times a second", at)


def progress_narrow():
    """No line is longer than the terminal, and parts are left out whole."""
    events("narrow.nd", 20000)
    t = Terminal(["weir", "run", "-s", "st.narrow", f"{REPLAY} --rate 8000 narrow.nd | iceberg-out --catalog sqlite:n.db --table shop.t --create"],
                 columns=60, stdout="receipts")
    t.wait()
    f = frames(t.text())
    check(f and all(len(x) < 60 for x in f), "60 columns: no line is longer", "\n".join(f))
    check(f and all(re.search(r"( MB/s|rejected 0 %|/s|s old)$", x) for x in f), "60 columns: whole parts", "\n".join(f))


def progress_of_a_file():
    """The end is known: so many percent, and the time left.  Standard output is a file, so the line may be shown."""
    events("in.nd", 200000)
    t = Terminal("validate <in.nd | { sleep 3; cat >/dev/null; }", shell=True)
    t.wait()
    check(not frames(t.text()), "no line from a filter before a pipe", t.text())
    events("big.nd", 1500000)
    t = Terminal("dedupe -k id -r fd:2 <big.nd >out.nd", shell=True)
    t.wait(60)
    f = frames(t.text())
    size = os.path.getsize("out.nd")
    check(size == os.path.getsize("big.nd"), "the output is the output", size)
    if f:
        check(any(re.search(r"\d+ %(, [0-9.]+ (s|min) left)?", x) for x in f), "percent of a file", "\n".join(f))
    else:
        check(True, "percent of a file # SKIP it was read within half a second")


def no_progress():
    """Not in the background, not with -q, not into a file."""
    events("quiet.nd", 12000)
    sink = "iceberg-out --catalog sqlite:q.db --table shop.%s --create"
    run = f"weir run %s -s st.%s '{REPLAY} --rate 8000 quiet.nd | {sink}' >receipts"
    t = Terminal(run % ("", "s", "s"), shell=True)
    check(t.wait() == 0 and "\x1b" in t.text(), "a line, when nothing is against it", t.text())
    t = Terminal(run % ("-q", "q", "q"), shell=True)
    check(t.wait() == 0 and "\x1b" not in t.text(), "weir run -q: no line", t.text())
    t = Terminal(f"weir run -s st.sq '{REPLAY} -q --rate 8000 quiet.nd | {sink % 'sq'} -q' >receipts", shell=True)
    check(t.wait() == 0 and "\x1b" not in t.text(), "-q of the stages: no line", t.text())
    t = Terminal((run % ("", "f", "f")) + " 2>err", shell=True)
    check(t.wait() == 0 and "\x1b" not in t.text() and "\x1b" not in open("err").read(), "into a file: no line", t.text())
    t = Terminal(f"set -m; {run % ('', 'b', 'b')} & wait", shell=True)
    check(t.wait() == 0 and "\x1b[K" not in t.text(), "in the background: no line", t.text())


def stats_in_time():
    """--stats goes on while nothing comes."""
    t = Terminal("(echo '{\"id\":1}'; sleep 2) | dedupe -k id --stats 0.5 2>stats >out", shell=True)
    t.wait()
    with open("stats") as f:
        lines = [json.loads(x) for x in f]
    check(3 <= len(lines) <= 6 and all(x["stage"] == "dedupe" and x["in"] == 1 for x in lines), "--stats 0.5 for 2 s of silence", lines)


def top_live():
    events("top.nd", 200000)
    run = subprocess.Popen(["weir", "run", "-q", "-s", "st.top", f"{REPLAY} -q --rate 5000 --follow --epoch 1s top.nd | dedupe -q -k id | "
                            "iceberg-out -q --catalog sqlite:top.db --table shop.t --create"], stdout=subprocess.DEVNULL)
    try:
        for columns in (80, 130):
            t = Terminal(["weir", "top", "--interval", "0.3", "st.top"], columns=columns)
            t.read(20, r"iceberg-out +[0-9,]{3,}")
            t.read(20, r"last [0-9.]+ s ago")
            t.read(0.7)
            screen = Screen(t.text())
            lines = screen.lines()
            check(screen.alternate and not screen.cursor, f"top, {columns} columns: a screen of its own")
            check(len(lines) == 5 and lines[0].startswith(" pipeline shop.t  run 1  epoch ") and re.search(r"every 1 s, last [0-9.]+ s ago$", lines[0]),
                  f"top, {columns} columns: the head", "\n".join(lines))
            check([x[1:12].strip() for x in lines[2:5]] == ["replay", "dedupe", "iceberg-out"], f"top, {columns} columns: in the order of the chain",
                  "\n".join(lines))
            check(all(len(x) <= columns for x in lines), f"top, {columns} columns: none is longer", "\n".join(lines))
            rate = re.match(r" dedupe +([0-9,]+) ", lines[3])
            check(rate and 2500 < int(rate.group(1).replace(",", "")) < 9000, f"top, {columns} columns: the rate is that of --rate", "\n".join(lines))
            during = termios.tcgetattr(t.fd)
            check(not during[3] & (termios.ICANON | termios.ECHO), f"top, {columns} columns: keys come at once")
            if columns == 80:
                t.write("q")
            else:
                t.write("x")                    # no key of ours
                t.read(0.5)
                t.write("\x03")
            code = t.wait()
            screen = Screen(t.text())
            check(code == 0 and not screen.alternate and screen.cursor, f"top, {columns} columns: ends, and the screen is back", (code, t.text()[-80:]))
            check(termios.tcgetattr(t.fd)[3] == t.before[3], f"top, {columns} columns: the terminal is as it was")
        t = Terminal(["weir", "top", "st.top"], columns=80, rows=4)
        t.read(20, r" \.\.\.\x1b\[J")
        check(len(Screen(t.text()).lines()) == 4 and Screen(t.text()).lines()[3] == " ...", "top, 4 rows: what does not fit is left out",
              "\n".join(Screen(t.text()).lines()))
        os.kill(t.pid, signal.SIGTERM)
        check(t.wait() == 0 and not Screen(t.text()).alternate, "top: SIGTERM too leaves the screen as it was")
    finally:
        run.terminate()
        run.wait()
    t = Terminal(["weir", "top", "nowhere"])
    check(t.wait() == 74 or "cannot look into nowhere" in t.text() and "\x1b" not in t.text(), "top: no directory, no screen", t.text())


def main():
    work = tempfile.mkdtemp(prefix="weir-terminal.")
    os.chdir(work)
    os.environ["HOME"] = work
    try:
        for case in (progress_of_a_run, progress_narrow, progress_of_a_file, no_progress, stats_in_time, top_live):
            case()
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    print(f"1..{n_tests}")
    return 1 if n_failed else 0


sys.exit(main())
