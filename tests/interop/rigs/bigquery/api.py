"""The REST API: routes and what they do."""
import gzip
import json
import os
import re
import urllib.parse as up
import uuid

import load
from auth import Auth
from reply import Err, JobError, Resp
from values import cell, check_fields, fmode, ftype, merge_schema

CHUNK = 256 * 1024


ICEBERG = {"boolean": "BOOLEAN", "int": "INTEGER", "long": "INTEGER", "float": "FLOAT", "double": "FLOAT", "date": "DATE", "time": "TIME",
           "timestamp": "DATETIME", "timestamptz": "TIMESTAMP", "string": "STRING", "uuid": "BYTES", "binary": "BYTES"}


def iceberg_field(name, t, required=False):
    """A field of an Iceberg schema as BigQuery shows it."""
    mode = "REQUIRED" if required else "NULLABLE"
    if isinstance(t, str):
        return {"name": name, "type": ICEBERG.get(t) or ("BYTES" if t.startswith("fixed") else "NUMERIC"), "mode": mode}
    if t["type"] == "list":
        return dict(iceberg_field(name, t["element"]), mode="REPEATED")
    if t["type"] == "map":
        return {"name": name, "type": "RECORD", "mode": "REPEATED", "fields": [iceberg_field("key", t["key"]), iceberg_field("value", t["value"])]}
    return {"name": name, "type": "RECORD", "mode": mode, "fields": [iceberg_field(f["name"], f["type"], f["required"]) for f in t["fields"]]}


class Api(Auth):

    def handle(self, m, path, q, h, body, fault=None):
        """One request -> Resp. `fault` is a job-error or short-308 fault meant for the handler."""
        st = self.st
        try:
            for rx, meths, fn, guarded in ROUTES:
                mo = rx.match(path)
                if mo and m in meths:
                    if guarded and st.cfg["auth"]:
                        self.authorise(h)
                    if h.get("content-encoding", "").lower() == "gzip":
                        body = gzip.decompress(body)
                    return fn(self, m, [up.unquote(g) for g in mo.groups()], q, h, body, fault)
            raise Err(404, "Not Found: %s %s" % (m, path))
        except Err as e:
            return e.reply()
        except JobError as e:
            return Err(400, e.result["message"], e.result["reason"]).reply()
        except (ValueError, KeyError) as e:
            return Err(400, "Invalid request: %s: %s" % (type(e).__name__, e), "parseError").reply()


    # ---- jobs
    def jobs(self, m, g, q, h, body, fault):
        st, p = self.st, g[0]
        if m == "GET":
            with st.lock:
                js = [json.loads(r[0]) for r in st.db.execute("SELECT j FROM job WHERE p=? ORDER BY seq DESC", (p,))]
            at = lambda j: int(j["statistics"]["creationTime"])
            js = [j for j in js if j["status"]["state"].lower() in (q.get("stateFilter") or j["status"]["state"].lower())
                  and int(q.get("minCreationTime", 0)) <= at(j) <= int(q.get("maxCreationTime", 1 << 62))]
            if q.get("projection", "minimal").lower() != "full":        # without the configuration, so without labels
                js = [{k: v for k, v in j.items() if k not in ("configuration", "etag", "selfLink")} for j in js]
            n, off = int(q.get("maxResults", 1000)), int(q.get("pageToken") or 0)
            r = {"kind": "bigquery#jobList", "jobs": [dict(j, state=j["status"]["state"]) for j in js[off:off + n]]}
            if off + n < len(js):
                r["nextPageToken"] = str(off + n)
            return Resp(200, r)
        return Resp(200, st.insert_job(p, json.loads(body), None, fault))

    def upload(self, m, g, q, h, body, fault):
        st, p, ut = self.st, g[0], q.get("uploadType")
        if m == "PUT":
            return self.upload_put(q, h, body, fault)
        fault = fault if fault and fault["action"] == "job-error" else None
        if ut == "multipart":
            meta, media = self.split(h.get("content-type", ""), body)
            return Resp(200, st.insert_job(p, meta, media, fault))
        if ut != "resumable":
            raise Err(400, "uploadType must be multipart or resumable")
        meta = json.loads(body or b"{}")
        with st.lock:
            l = (meta.get("configuration") or {}).get("load")
            if l:
                load.precheck(st, p, l, b"")
            if st.cfg["dup_409_at"] == "initiate" and (meta.get("jobReference") or {}).get("jobId"):
                st.check_dup(p, meta["jobReference"], meta["configuration"])
        sid = uuid.uuid4().hex
        st.sessions[sid] = {"p": p, "meta": meta, "buf": bytearray(), "done": None, "jobfault": fault,
                            "total": h.get("x-upload-content-length")}
        url = "%s://%s/upload/bigquery/v2/projects/%s/jobs?uploadType=resumable&upload_id=%s" % (
            "https" if st.cfg.get("tls") else "http", h.get("host"), up.quote(p), sid)
        return Resp(200, headers={"Location": url, "X-GUploader-UploadID": sid})

    def upload_put(self, q, h, body, fault):
        st = self.st
        s = st.sessions.get(q.get("upload_id"))
        if s is None:
            raise Err(404, "Upload session not found")
        if s["done"] is not None:
            return Resp(200, s["done"])
        cr, more = h.get("content-range"), lambda: Resp(308, headers=(
            {"Range": "bytes=0-%d" % (len(s["buf"]) - 1)} if s["buf"] else {}))
        if cr is None:
            s["buf"] = bytearray(body)
            total = len(body)
            if fault and fault["action"] == "short-308":
                s["buf"] = s["buf"][:int(fault.get("bytes", 0))]
        else:
            mo = re.match(r"^bytes\s+(?:(\d+)-(\d+)|\*)/(\d+|\*)$", cr)
            if not mo:
                raise Err(400, "Invalid Content-Range: " + cr)
            a, b, n = mo.groups()
            total = None if n == "*" else int(n)
            if a is not None:
                a, b = int(a), int(b)
                if b - a + 1 != len(body):
                    raise Err(400, "Content-Range %s does not match a body of %d bytes" % (cr, len(body)))
                if a > len(s["buf"]):
                    raise Err(400, "Chunk starts at %d but only %d bytes are stored" % (a, len(s["buf"])))
                if (total is None or b + 1 < total) and len(body) % CHUNK:
                    raise Err(400, "Chunk size %d is not a multiple of 256 KiB" % len(body))
                new = body[len(s["buf"]) - a:]
                if fault and fault["action"] == "short-308":
                    new = new[:int(fault.get("bytes", 0)) // CHUNK * CHUNK]
                s["buf"] += new
        if total is None or len(s["buf"]) < total:
            return more()
        if s["total"] and int(s["total"]) != total:
            raise Err(400, "X-Upload-Content-Length was %s but %d bytes came" % (s["total"], total))
        s["done"] = st.insert_job(s["p"], s["meta"], bytes(s["buf"]), s["jobfault"] or (fault if fault and fault["action"] == "job-error" else None))
        s["buf"] = bytearray()
        return Resp(200, s["done"])

    @staticmethod
    def split(ctype, body):
        mo = re.search(r'boundary="?([^";]+)"?', ctype)
        if not ctype.lower().startswith("multipart/related") or not mo:
            raise Err(400, "Content-Type must be multipart/related with a boundary, got " + ctype)
        # the preamble ends, and every part begins, with CRLF "--" boundary
        segs = (b"\r\n" + body).split(b"\r\n--" + mo.group(1).encode())
        if len(segs) < 2 or not segs[-1].startswith(b"--"):
            raise Err(400, "Malformed multipart body: no closing boundary")
        parts = []
        for seg in segs[1:-1]:
            head, sep, data = seg.partition(b"\r\n\r\n")
            if not sep:
                raise Err(400, "Malformed multipart body: part without header end")
            parts.append(data)
        if len(parts) != 2:
            raise Err(400, "multipart/related needs exactly two parts, got %d" % len(parts))
        return json.loads(parts[0]), parts[1]

    def job(self, m, g, q, h, body, fault):
        with self.st.lock:
            j = self.st.job(g[0], q.get("location"), g[1])
        return Resp(200, {"kind": "bigquery#jobCancelResponse", "job": j} if m == "POST" else j)

    # ---- queries
    def rows_reply(self, j, q):
        fmt = q.get("formatOptions.useInt64Timestamp", "").lower() == "true"
        fields, rows = self.st.results.get(j["jobReference"]["jobId"], ([], []))
        off = int(q.get("pageToken") or q.get("startIndex") or 0)
        n = int(q.get("maxResults") or 100000)
        r = {"kind": "bigquery#getQueryResultsResponse", "jobReference": j["jobReference"], "jobComplete": True,
             "schema": {"fields": fields}, "totalRows": str(len(rows)), "totalBytesProcessed": "0", "cacheHit": False}
        if n and rows:
            r["rows"] = [{"f": [cell(f, x.get(f["name"]), fmt) for f in fields]} for x in rows[off:off + n]]
            if off + n < len(rows):
                r["pageToken"] = str(off + n)
        return Resp(200, r)

    def query(self, m, g, q, h, body, fault):
        b = json.loads(body)
        conf = {"query": {k: b[k] for k in ("query", "useLegacySql", "defaultDataset", "queryParameters") if k in b}}
        conf["query"].setdefault("useLegacySql", True)
        j = self.st.insert_job(g[0], {"configuration": conf, "jobReference": {"location": b.get("location")}}, None, fault)
        er = j["status"].get("errorResult")
        if er:
            raise Err(404 if er["reason"] == "notFound" else 400, er["message"], er["reason"])
        fo = b.get("formatOptions") or {}
        return self.rows_reply(j, {"formatOptions.useInt64Timestamp": str(fo.get("useInt64Timestamp", ""))})

    def query_results(self, m, g, q, h, body, fault):
        with self.st.lock:
            j = self.st.job(g[0], q.get("location"), g[1])
        er = j["status"].get("errorResult")
        if er:
            raise Err(404 if er["reason"] == "notFound" else 400, er["message"], er["reason"])
        return self.rows_reply(j, q)

    # ---- datasets, tables, data
    def datasets(self, m, g, q, h, body, fault):
        st = self.st
        with st.lock:
            if m == "GET":
                ds = [json.loads(r[0]) for r in st.db.execute("SELECT j FROM ds WHERE p=?", (g[0],))]
                return Resp(200, {"kind": "bigquery#datasetList", "datasets": ds})
            j = json.loads(body)
            d = j["datasetReference"]["datasetId"]
            if st.dataset(g[0], d, need=False):
                raise Err(409, "Already Exists: Dataset %s:%s" % (g[0], d))
            return Resp(200, st.put_dataset(g[0], d, j))

    def dataset(self, m, g, q, h, body, fault):
        st = self.st
        with st.lock:
            j = st.dataset(g[0], g[1], need=False)
            if not j:
                raise Err(404, "Not found: Dataset %s:%s" % tuple(g))
            if m == "DELETE":
                for (tid,) in st.db.execute("SELECT id FROM tb WHERE p=? AND d=?", g).fetchall():
                    st.db.execute("DELETE FROM rows WHERE tid=?", (tid,))
                st.db.execute("DELETE FROM tb WHERE p=? AND d=?", g)
                st.db.execute("DELETE FROM ds WHERE p=? AND d=?", g)
                return Resp(204)
            return Resp(200, j)

    def check_table(self, j):
        names = check_fields((j.get("schema") or {}).get("fields") or [])
        if j.get("timePartitioning") and j.get("rangePartitioning"):
            raise Err(400, "Only one of timePartitioning and rangePartitioning should be specified.")
        columns = {f["name"].lower(): f for f in (j.get("schema") or {}).get("fields") or []}
        for kind, types in (("timePartitioning", ("DATE", "TIMESTAMP", "DATETIME")), ("rangePartitioning", ("INTEGER",))):
            col = (j.get(kind) or {}).get("field")
            if col and col.lower() not in names:
                raise Err(400, "The field specified for partitioning cannot be found in the schema.")
            if col and (ftype(columns[col.lower()]) not in types or fmode(columns[col.lower()]) == "REPEATED"):
                raise Err(400, "The field specified for %s has an unsupported type." % kind)
        for c in (j.get("clustering") or {}).get("fields", []):
            if c.lower() not in names:
                raise Err(400, "Unknown clustering field: " + c)
        if len((j.get("clustering") or {}).get("fields", [])) > 4:
            raise Err(400, "At most four clustering fields are allowed")

    def tables(self, m, g, q, h, body, fault):
        st, (p, d) = self.st, g
        with st.lock:
            st.dataset(p, d)
            if m == "GET":
                ts = [json.loads(r[0]) for r in st.db.execute("SELECT j FROM tb WHERE p=? AND d=? ORDER BY t", (p, d))]
                return Resp(200, {"kind": "bigquery#tableList", "tables": ts, "totalItems": len(ts)})
            j = json.loads(body)
            t = j["tableReference"]["tableId"]
            self.check_table(j)
            if st.table(p, d, t, need=False):
                raise Err(409, "Already Exists: Table %s:%s.%s" % (p, d, t))
            if j.get("externalDataConfiguration"):
                self.external(j, j["externalDataConfiguration"], None)
            j.setdefault("schema", {"fields": []})
            return Resp(200, st.put_table(p, d, t, j)[1])

    def external(self, j, conf, keep):
        """The schema of an external table: the one it had, or the one of the files that it points to."""
        if conf.get("sourceFormat") != "ICEBERG" or len(conf.get("sourceUris") or []) != 1:
            raise Err(400, "stand-in: an external table is of format ICEBERG and has one URI, its metadata file")
        bucket, _, path = conf["sourceUris"][0].removeprefix("gs://").partition("/")
        folder = self.st.cfg["buckets"].get(bucket)
        if not conf["sourceUris"][0].startswith("gs://") or folder is None or not os.path.isfile(os.path.join(folder, path)):
            raise Err(404, "Not found: Files %s" % conf["sourceUris"][0], "notFound")
        if keep:
            j["schema"] = keep["schema"]
            return
        with open(os.path.join(folder, path)) as f:
            m = json.load(f)
        fields = next(x["fields"] for x in m["schemas"] if x["schema-id"] == m["current-schema-id"])
        j["schema"] = {"fields": [iceberg_field(f["name"], f["type"], f["required"]) for f in fields]}

    def table(self, m, g, q, h, body, fault):
        st, (p, d, t) = self.st, g
        t = t.partition("$")[0]
        with st.lock:
            tid, cur = st.table(p, d, t)
            im = h.get("if-match")
            if im and im != "*" and im.strip('"') != cur["etag"] and m != "GET":
                raise Err(412, "Precondition Failed: etag mismatch", "conditionNotMet")
            if m == "DELETE":
                st.db.execute("DELETE FROM rows WHERE tid=?", (tid,))
                st.db.execute("DELETE FROM tb WHERE id=?", (tid,))
                return Resp(204)
            if m == "GET":
                return Resp(200, cur, {"ETag": cur["etag"]})
            j, detect = json.loads(body), (q.get("autodetect_schema") or q.get("autodetectSchema") or "").lower() == "true"
            external = dict(cur, **j).get("externalDataConfiguration")
            if external:
                self.external(j, external, cur if not detect else None)
            elif j.get("schema") is not None:
                old, new = cur["schema"]["fields"], j["schema"]["fields"]
                for i, f in enumerate(old):
                    if i >= len(new) or new[i]["name"].lower() != f["name"].lower():
                        raise Err(400, "Provided Schema does not match Table %s:%s.%s. Field %s is missing in new schema" % (p, d, t, f["name"])
                                  if f["name"].lower() not in [x["name"].lower() for x in new] else
                                  "Precondition Failed: new columns must be appended at the end")
                j["schema"] = {"fields": merge_schema(old, new, True, True, "%s:%s.%s" % (p, d, t))}
            for k in ("timePartitioning", "rangePartitioning"):
                if k in j and (j[k] or {}).get("field") != (cur.get(k) or {}).get("field"):
                    raise Err(400, "Cannot change partitioning of an existing table")
            new = dict(cur, **j) if m == "PATCH" else dict(j, creationTime=cur["creationTime"])
            new = {k: v for k, v in new.items() if v is not None}
            self.check_table(new)
            return Resp(200, st.put_table(p, d, t, new)[1])

    def data(self, m, g, q, h, body, fault):
        st, (p, d, t) = self.st, g
        t, _, part = t.partition("$")
        with st.lock:
            tid, j = st.table(p, d, t)
            off, n = int(q.get("pageToken") or q.get("startIndex") or 0), int(q.get("maxResults") or 10000)
            w, arg = ("tid=? AND pid=?", (tid, part)) if part else ("tid=?", (tid,))
            total = st.db.execute("SELECT COUNT(*) FROM rows WHERE " + w, arg).fetchone()[0]
            rs = [json.loads(r[0]) for r in st.db.execute("SELECT j FROM rows WHERE %s ORDER BY seq LIMIT %d OFFSET %d" % (w, n, off), arg)]
        fmt = q.get("formatOptions.useInt64Timestamp", "").lower() == "true"
        fs = j["schema"]["fields"]
        sel = q.get("selectedFields")
        if sel:
            fs = [f for f in fs if f["name"] in sel.split(",")]
        r = {"kind": "bigquery#tableDataList", "etag": j["etag"], "totalRows": str(total),
             "rows": [{"f": [cell(f, x.get(f["name"]), fmt) for f in fs]} for x in rs]}
        if off + n < total:
            r["pageToken"] = str(off + n)
        return Resp(200, r)

    def insert_all(self, m, g, q, h, body, fault):
        if len(body) > 10 * 1024 * 1024:
            raise Err(413, "Request payload size exceeds the limit: 10485760 bytes.")
        return Resp(200, self.st.insert_all(g[0], g[1], g[2], json.loads(body)))

    # ---- control plane for tests
    def control(self, m, g, q, h, body, fault):
        st, what = self.st, g[0]
        if what == "faults":
            with st.lock:
                if m == "POST":
                    fs = json.loads(body)
                    for f in fs if isinstance(fs, list) else [fs]:
                        f.setdefault("nth", 1), f.setdefault("times", 1)
                        f["hits"] = 0
                        st.faults.append(f)
                elif m == "DELETE":
                    st.faults.clear()
                return Resp(200, st.faults)
        if what == "journal":
            with st.lock:
                if m == "DELETE":
                    st.journal.clear()
                return Resp(200, list(st.journal))
        if what == "config":
            if m == "POST":
                new = json.loads(body)
                unknown = set(new) - set(st.cfg)
                if unknown:
                    raise Err(400, "unknown setting: %s" % ", ".join(sorted(unknown)))
                st.cfg.update(new)
            return Resp(200, st.cfg)
        if what == "reset":
            st.reset()
            return Resp(200, {})
        if what == "subject":                       # what a workload's own service would say who it is
            return Resp(200, {"id": "subject"})
        if what == "expire":                        # every resumable upload that is under way is forgotten
            st.sessions.clear()
            return Resp(200, {})
        if what == "revoke":                        # every access token issued so far stops working
            st.tokens.clear()
            return Resp(200, {})
        if what == "rows":                          # ?table=P.D.T -> stored rows as NDJSON, oldest first
            P, D, T = q["table"].rsplit(".", 2)
            with st.lock:
                tid, _ = st.table(P, D, T.partition("$")[0])
                out = "".join(r[0] + "\n" for r in st.db.execute(
                    "SELECT j FROM rows WHERE tid=? AND (?='' OR pid=?) ORDER BY seq", (tid, T.partition("$")[2], T.partition("$")[2])))
            return Resp(200, raw=out.encode(), ctype="application/x-ndjson")
        return Resp(200, {"ok": True, "pid": os.getpid()})


B = r"^/bigquery/v2/projects/([^/]+)"
R = lambda rx, meths, fn: (re.compile(rx), meths.split(), fn, "/bigquery/v2/" in rx)
ROUTES = [
    R(r"^/_(faults|journal|config|reset|revoke|expire|subject|rows|health)$", "GET POST DELETE", Api.control),
    R(r"^(?:/resumable)?/upload/bigquery/v2/projects/([^/]+)/jobs$", "POST PUT", Api.upload),
    R(B + r"/jobs$", "GET POST", Api.jobs),
    R(B + r"/jobs/([^/]+)(?:/cancel)?$", "GET POST", Api.job),
    R(B + r"/queries$", "POST", Api.query),
    R(B + r"/queries/([^/]+)$", "GET", Api.query_results),
    R(B + r"/datasets$", "GET POST", Api.datasets),
    R(B + r"/datasets/([^/]+)$", "GET DELETE", Api.dataset),
    R(B + r"/datasets/([^/]+)/tables$", "GET POST", Api.tables),
    R(B + r"/datasets/([^/]+)/tables/([^/]+)$", "GET PATCH PUT DELETE", Api.table),
    R(B + r"/datasets/([^/]+)/tables/([^/]+)/data$", "GET", Api.data),
    R(B + r"/datasets/([^/]+)/tables/([^/]+)/insertAll$", "POST", Api.insert_all),
    R(r"^/token$|^/v1/token$|^/oauth2/token$|^/oauth2/v4/token$", "POST", Api.token),
    R(r"^/v1/projects/-/serviceAccounts/[^/:]+:generateAccessToken$", "POST", Api.impersonate),
    R(r"^/(computeMetadata/v1/.*|computeMetadata/v1|)$", "GET", Api.metadata),
]

