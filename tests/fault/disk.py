"""What a disk may hold after power loss: a log of operations (ops.c) played onto a model of files and directories.

Only what was fsynced is certain: the bytes of a file by fsync of the file, an entry of a directory by fsync of that directory.  Of all
else any part may be there: writes in sectors of 512 bytes, sizes, entries; of a rename both names never.
"""
import os

SECTOR = 512


class File:
    def __init__(self, data=b''):
        self.sure, self.pending = bytearray(data), []

    def play(self, data, op, chance, rng):
        """One operation on bytes; chance 1: all of it."""
        if op[0] == 'truncate':
            if chance == 1 or rng.random() < chance:
                data[op[1]:] = b'\0' * max(0, op[1] - len(data))
            return
        _, at, new = op
        end = at + len(new)
        if chance == 1 or rng.random() < chance:
            data.extend(b'\0' * max(0, end - len(data)))
        while at < end:
            to = min(end, (at // SECTOR + 1) * SECTOR)
            if chance == 1 or rng.random() < chance:
                data.extend(b'\0' * max(0, at - len(data)))
                data[at:to] = new[len(new) - (end - at):len(new) - (end - to)]
            at = to

    def sync(self):
        for op in self.pending:
            self.play(self.sure, op, 1, None)
        self.pending = []

    def after(self, chance, rng):
        data = bytearray(self.sure)
        for op in self.pending if chance else ():
            self.play(data, op, chance, rng)
        return data


class Folder:
    def __init__(self):
        self.sure, self.now, self.pending = {}, {}, []

    @staticmethod
    def play(entries, op):
        if op[0] == 'add':
            entries[op[1]] = op[2]
        elif op[0] == 'del':
            entries.pop(op[1], None)
        elif entries.get(op[1]) is op[3]:       # rename
            del entries[op[1]]
            entries[op[2]] = op[3]

    def do(self, *op):
        self.play(self.now, op)
        self.pending.append(op)

    def sync(self):
        for op in self.pending:
            self.play(self.sure, op)
        self.pending = []

    def after(self, chance, rng):
        entries = dict(self.sure)
        for op in self.pending if chance else ():
            if chance == 1 or rng.random() < chance:
                self.play(entries, op)
        return entries


def records(log):
    """(operation, inode, number, number, [paths], bytes) of a log."""
    with open(log, 'rb') as f:
        text = f.read()
    at = 0
    while at < len(text):
        end = text.index(b'\n', at)
        op, ino, a, b, *paths = text[at:end].decode().split(' ')
        a, b, at, data = int(a), int(b), end + 1, b''
        if op == 'write':
            data, at = text[at:at + b], at + b
        yield op, int(ino), a, b, paths, data


class Disk:
    """The folder `root` and all below it, durable as it is at first."""

    def __init__(self, root):
        self.root, self.of, self.top = root, {}, None
        self.top = self.scan(root)

    def scan(self, path):
        if os.path.isdir(path):
            node = Folder()
            node.sure = {n: self.scan(os.path.join(path, n)) for n in os.listdir(path)}
            node.now = dict(node.sure)
        else:
            with open(path, 'rb') as f:
                node = File(f.read())
        self.of[os.lstat(path).st_ino] = node
        return node

    def bind(self):
        """The tree stands at root anew, as it is now: what has a name there has another inode."""
        self.of = {}

        def walk(path, node):
            self.of[os.lstat(path).st_ino] = node
            if isinstance(node, Folder):
                for n, child in node.now.items():
                    walk(os.path.join(path, n), child)
        walk(self.root, self.top)

    def place(self, path):
        """The folder that a path's last name is in, and that name."""
        names = os.path.relpath(os.path.normpath(path), self.root).split('/')
        node = self.top
        for n in names[:-1]:
            node = node.now[n]
        return node, names[-1]

    def do(self, record):
        op, ino, a, b, paths, data = record
        if op in ('create', 'tmpfile', 'mkdir'):        # the number may have been another's before
            self.of[ino] = Folder() if op == 'mkdir' else File()
        node = self.of.get(ino)
        if op in ('create', 'mkdir', 'link'):
            folder, name = self.place(paths[0])
            folder.do('add', name, node)
        elif op in ('unlink', 'rmdir'):
            folder, name = self.place(paths[0])
            folder.do('del', name)
        elif op == 'rename':
            folder, name = self.place(paths[0])
            before, old = self.place(paths[1])
            if before is folder:
                folder.do('rename', old, name, node)
            else:
                folder.do('add', name, node)
                before.do('del', old)
        elif op == 'sync':
            node.sync()
        elif op == 'write':
            node.pending.append(('write', a, data))
        elif op == 'truncate' or (op == 'grow' and a > len(node.after(1, None))):
            node.pending.append(('truncate', a))

    def write(self, to, data_chance, entry_chance, rng):
        """A tree that may be there, into the folder `to`, which is not there yet.  Chances: 0 what is certain, 1 all."""
        seen = {}

        def put(path, node):
            if isinstance(node, Folder):
                os.mkdir(path, 0o700)
                for n, child in node.after(entry_chance, rng).items():
                    put(os.path.join(path, n), child)
            elif id(node) in seen:              # two names of one file
                os.link(seen[id(node)], path)
            else:
                seen[id(node)] = path
                with open(path, 'wb') as f:
                    f.write(node.after(data_chance, rng))
        put(to, self.top)
