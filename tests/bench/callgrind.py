"""User instructions of whole commands, from callgrind: the same on every run, so a small difference is one."""
import glob
import os
import re
import shlex
import subprocess
import sys

import common
import lab


def self_cost(path, own):
    """Instructions of a callgrind file by function, of the objects whose path own() accepts."""
    names, cost, ob, fn, skip = {}, {}, "", "", False
    for line in open(path, encoding="utf-8", errors="replace"):
        if skip:                # the line after calls= is the cost of the callee
            skip = False
            continue
        m = re.match(r"(c?)(ob|fl|fi|fe|fn)=\((\d+)\)(?: (.*))?$", line.rstrip("\n"))
        if m:
            called, what, number, name = m.groups()
            key = ("ob" if what == "ob" else "fn" if what == "fn" else "fl", number)
            if name:
                names[key] = name
            if not called and what == "ob":
                ob = names[key]
            elif not called and what == "fn":
                fn = names[key]
        elif line.startswith("calls="):
            skip = True
        elif re.match(r"[+\-*\d]", line):
            if own(ob):
                cost[fn] = cost.get(fn, 0) + int(line.split()[1])
    return cost


class Counter:
    """Runs commands one at a time, their code for SSE 4.2 and without threads, as budgets are of every machine."""

    def __init__(self, work):
        self.work, self.build = work, common.build()
        self.weir = lab.Weir(self.build, work.dir, env={"WEIR_CPU": "sse42", "WEIR_THREADS": "0"})
        self.real = os.path.realpath(self.build)

    def ours(self, ob):
        return os.path.realpath(ob).startswith(self.real + os.sep)

    def run(self, command, stdin=os.devnull, own=None):
        """Instructions by function, of the objects whose path own() accepts (ours), and what the command wrote to stdout."""
        folder = self.work.fresh("callgrind")
        line = ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={folder}/%p", "-q", *command]
        with open(stdin, "rb") as f:
            p = subprocess.run(line, stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.weir.env, cwd=self.work.dir)
        if p.returncode:
            sys.exit(f"callgrind: {shlex.join(command)}\n{p.stderr.decode(errors='replace')[-3000:]}")
        total = {}
        for path in glob.glob(folder + "/*"):
            for fn, n in self_cost(path, own or self.ours).items():
                total[fn] = total.get(fn, 0) + n
        if not total:
            sys.exit(f"callgrind: no function of {self.build} was seen")
        return total, p.stdout

    def program(self, name):
        """The program itself: valgrind must not follow a script."""
        found = subprocess.run(["sh", "-c", 'command -v "$1"', "sh", name], env=self.weir.env, stdout=subprocess.PIPE, text=True).stdout.strip()
        real = os.path.join(os.path.dirname(found), ".libs", name)
        return real if os.path.exists(real) else found
