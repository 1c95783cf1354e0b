"""A load job: its configuration, its rows, its table."""
import gzip
import json
import zlib

from reply import Err, JobError
from values import check_decorator, check_fields, convert, guess, has_decimals, merge_schema, parse_line, pid_of

DISPOSITIONS = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_EMPTY")
READING = "Error while reading data, error message: "
FILE = "file-00000000"          # what an upload is called in messages


def precheck(st, p, l, media):
    """What jobs.insert refuses at once."""
    d, disp = l.get("destinationTable"), l.get("writeDisposition", "WRITE_APPEND")
    if not d or not all(d.get(k) for k in ("projectId", "datasetId", "tableId")):
        raise Err(400, "Required parameter is missing: destinationTable", "required")
    if l.get("sourceFormat", "CSV") != "NEWLINE_DELIMITED_JSON":
        raise Err(400, "stand-in: only NEWLINE_DELIMITED_JSON is implemented, got %s" % l.get("sourceFormat", "CSV"))
    if l.get("sourceUris"):
        raise Err(400, "sourceUris must not be set for media uploads" if media is not None else "stand-in: no Cloud Storage here")
    if disp not in DISPOSITIONS:
        raise Err(400, "Invalid value for writeDisposition: %s" % disp)
    if l.get("timePartitioning") and l.get("rangePartitioning"):
        raise Err(400, "Only one of timePartitioning and rangePartitioning should be specified.")
    options = l.get("schemaUpdateOptions") or []
    for o in options:
        if o not in ("ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"):
            raise Err(400, "Invalid value for schemaUpdateOptions: " + o)
    if options and disp not in ("WRITE_APPEND", "WRITE_TRUNCATE_DATA") and not (disp == "WRITE_TRUNCATE" and "$" in d["tableId"]):
        raise Err(400, "Schema update options should only be specified with WRITE_APPEND disposition, or with "
                       "WRITE_TRUNCATE disposition on a table partition.")
    st.dataset(d["projectId"], d["datasetId"])
    quota = st.cfg["load_quota"]
    if quota:
        n = st.db.execute("SELECT COUNT(*) FROM job WHERE json_extract(j,'$.configuration.load.destinationTable.tableId')=?",
                          (d["tableId"],)).fetchone()[0]
        if n >= quota:
            raise Err(403, "Quota exceeded: Your table exceeded quota for imports or query appends per table", "quotaExceeded")


class Rows:
    """The lines of an upload: parsed and converted, or an error with the position in the uncompressed body."""

    def __init__(self, media, limit):
        raw = media or b""
        if raw[:2] == b"\x1f\x8b":
            try:
                raw = gzip.decompress(raw)              # of one member or several
            except (OSError, EOFError, zlib.error) as e:
                raise JobError("invalid", READING + "Input gzip stream is corrupt: %s" % e)
        self.errors, self.parsed, self.lines, at = [], [], [], 0
        for b in raw.split(b"\n"):
            if len(b) > limit:
                self.bad(at, "Row size is larger than: %d." % limit)
            elif b.strip():
                self.lines.append((at, b))
            at += len(b) + 1
        self.n_bytes = sum(len(b) for _, b in self.lines)

    def bad(self, at, e):
        self.errors.append({"reason": "invalid", "location": FILE,
                            "message": READING + "JSON parsing error in row starting at position %d: %s" % (at, e)})

    def parse(self, decimals):
        for at, b in self.lines:
            try:
                self.parsed.append((at, parse_line(b, decimals)))
            except (ValueError, RecursionError) as e:
                self.bad(at, e)

    def convert(self, fields, spec, part, where, cfg, ignore_unknown):
        """(partition, row) of the good ones."""
        column = (spec.get("timePartitioning") or spec.get("rangePartitioning") or {}).get("field")
        for at, r in self.parsed:
            try:
                row = convert(fields, r, cfg, ignore_unknown)
                pid = pid_of(spec, row)
                if part and column and pid != part:
                    raise ValueError("Some rows belong to different partitions rather than destination partition %s$%s" % (where, part))
                yield part or pid, row
            except ValueError as e:
                self.bad(at, e)


def schema_after(l, cur, part, rows, where):
    """The fields of the table when the job is done."""
    sent = (l.get("schema") or {}).get("fields")
    if cur is None and sent is None:
        if not l.get("autodetect"):
            raise JobError("invalid", "No schema specified on job or table.")
        rows.parse(False)
        sent = guess([r for _, r in rows.parsed])
        rows.parsed.clear(), rows.errors.clear()
    if sent is not None:
        try:
            check_fields(sent)
        except Err as e:
            raise JobError("invalid", e.msg)
    if cur is None or sent is not None and not part and l.get("writeDisposition") == "WRITE_TRUNCATE":
        return sent if sent is not None else cur["schema"]["fields"]
    if sent is None:
        return cur["schema"]["fields"]
    options = l.get("schemaUpdateOptions") or []
    return merge_schema(cur["schema"]["fields"], sent, "ALLOW_FIELD_ADDITION" in options, "ALLOW_FIELD_RELAXATION" in options, where)


def layout_after(l, cur, part, where):
    """Partitions and clusters of the table; those of one that is there cannot be others."""
    want = {k: l[k] for k in ("timePartitioning", "rangePartitioning", "clustering") if l.get(k)}
    if cur is None:
        if part and not want.get("timePartitioning") and not want.get("rangePartitioning"):
            want["timePartitioning"] = {"type": {10: "HOUR", 8: "DAY", 6: "MONTH", 4: "YEAR"}.get(len(part), "DAY")}
        return want
    same = {"timePartitioning": ("type", "field"), "rangePartitioning": ("field", "range"), "clustering": ("fields",)}
    for k, v in want.items():
        have = cur.get(k) or {}
        if any(v.get(x) != have.get(x) for x in same[k]):
            raise JobError("invalid", "Incompatible table partitioning specification. Expected %s of table %s is %s, got %s"
                           % (k, where, json.dumps(cur.get(k)), json.dumps(v)))
    return {}


def run(st, l, media, jid):
    """statistics.load and errors[] of a job that succeeds; JobError for one that fails, and nothing is changed then."""
    d = l["destinationTable"]
    name, _, part = d["tableId"].partition("$")
    project, dataset, where = d["projectId"], d["datasetId"], "%s:%s.%s" % (d["projectId"], d["datasetId"], name)
    rows, disp = Rows(media, st.cfg["row_limit"]), l.get("writeDisposition", "WRITE_APPEND")
    found = st.table(project, dataset, name, need=False)
    cur = found[1] if found else None
    if cur is None and l.get("createDisposition") == "CREATE_NEVER":
        raise JobError("notFound", "Not found: Table %s" % where)
    if cur and cur["type"] != "TABLE":
        raise JobError("invalid", "%s is not allowed for this operation because it is currently a %s." % (where, cur["type"]))
    res = dict(cur or {}, schema={"fields": schema_after(l, cur, part, rows, where)}, **layout_after(l, cur, part, where))
    if part:
        check_decorator(res, part, where)
    fields = res["schema"]["fields"]
    rows.parse(has_decimals(fields))
    good = list(rows.convert(fields, res, part, where, st.cfg, bool(l.get("ignoreUnknownValues"))))
    if len(rows.errors) > int(l.get("maxBadRecords") or 0):
        raise JobError("invalid", READING + "JSON table encountered too many errors, giving up. Rows: %d; errors: %d. Please look into "
                       "the errors[] collection for more details." % (len(rows.lines), len(rows.errors)), rows.errors[:5], FILE)
    tid, _ = st.put_table(project, dataset, name, res)
    scope, arg = ("tid=? AND pid=?", (tid, part)) if part else ("tid=?", (tid,))
    if disp == "WRITE_EMPTY" and st.db.execute("SELECT 1 FROM rows WHERE %s LIMIT 1" % scope, arg).fetchone():
        raise JobError("duplicate", "Already Exists: Table %s" % where)
    if disp in ("WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA"):
        st.db.execute("DELETE FROM rows WHERE " + scope, arg)
    st.db.executemany("INSERT INTO rows(tid,pid,src,j) VALUES(?,?,?,?)",
                      ((tid, pid, jid, json.dumps(r, separators=(",", ":"))) for pid, r in good))
    return {"inputFiles": "1", "inputFileBytes": str(len(media or b"")), "outputRows": str(len(good)), "outputBytes": str(rows.n_bytes),
            "badRecords": str(len(rows.errors))}, rows.errors[:5]
