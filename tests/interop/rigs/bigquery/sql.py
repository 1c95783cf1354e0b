"""Queries, as far as checks need them: the statement runs in SQLite over views of the tables."""
import re

from reply import JobError
from values import fmode, ftype


class CountIf:
    def __init__(self): self.n = 0
    def step(self, x): self.n += bool(x)
    def finalize(self): return self.n

def query(st, p, q):
    """Run the statement in SQLite over views of the tables; returns (fields, rows)."""
    if q.get("useLegacySql"):
        raise JobError("invalidQuery", "stand-in: legacy SQL is not implemented")
    sql, default, types = q["query"].strip().rstrip(";"), q.get("defaultDataset") or {}, {}

    def ref(m):
        parts = m.group(2).replace("`", "").split(".")
        if len(parts) == 1 and default:
            parts = [default["datasetId"]] + parts
        if len(parts) == 2:
            parts = [default.get("projectId", p)] + parts
        if len(parts) != 3:
            return m.group(0)
        tid, j = st.table(*parts)
        name = '"%s"' % ".".join(parts)
        cols = []
        for f in j["schema"]["fields"]:
            types[f["name"].lower()] = f
            cols.append("""json_extract(j,'$."%s"') AS "%s" """ % (f["name"], f["name"]))
        st.db.execute("DROP VIEW IF EXISTS temp.%s" % name)
        st.db.execute("CREATE TEMP VIEW %s AS SELECT %s, pid AS _PARTITIONID, src AS _JOB FROM main.rows WHERE tid=%d"
                        % (name, ",".join(cols) or "1", tid))
        return "%s %s" % (m.group(1), name)
    tick = r"`[^`]+`(?:\.`[^`]+`)*"
    sql = re.sub(r"(?is)\b(FROM|JOIN)\s+(%s|[\w-]+\.[\w.-]+|[A-Za-z_]\w*)" % tick, ref, sql)
    sql = re.sub(r"(?i)\bTIMESTAMP\s+'", "TIMESTAMP '", sql)
    sql = re.sub(r"(?i)\bTIMESTAMP '([^']*)'", r"TIMESTAMP('\1')", sql)
    sql = re.sub(r"(?i)\bAS\s+(INT64)\b", "AS INTEGER", sql)
    cur = st.db.execute(sql)
    rows = cur.fetchall()
    fields = []
    for i, c in enumerate(cur.description or []):
        n, vals = c[0], [r[i] for r in rows if r[i] is not None]
        f = types.get(n.lower())
        if f is None or ftype(f) == "RECORD" or fmode(f) == "REPEATED":
            t = "STRING" if not vals or isinstance(vals[0], str) else "FLOAT" if any(isinstance(v, float) for v in vals) else "INTEGER"
            f = {"name": n, "type": t}
        fields.append({"name": n if re.match(r"^\w+$", n) else "f%d_" % i, "type": f["type"], "mode": "NULLABLE"})
    return fields, [dict(zip((f["name"] for f in fields), r)) for r in rows]
