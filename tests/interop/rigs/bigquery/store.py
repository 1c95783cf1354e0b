"""What is stored: datasets, tables, rows, jobs.  SQLite, so that all of it survives a restart and a load is one transaction."""
import base64
import collections
import hashlib
import json
import os
import random
import re
import sqlite3
import threading
import time
import uuid

import load
import sql
from reply import Err, JobError
from values import convert, micros, normalised, pid_of

now_ms = lambda: str(int(time.time() * 1000))


class Store:
    def __init__(self, dir_):
        self.lock = threading.RLock()
        self.db = sqlite3.connect(os.path.join(dir_, "bq.sqlite") if dir_ else ":memory:", check_same_thread=False,
                                  isolation_level=None)
        self.db.executescript("""PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
          CREATE TABLE IF NOT EXISTS ds(p,d,j, PRIMARY KEY(p,d));
          CREATE TABLE IF NOT EXISTS tb(id INTEGER PRIMARY KEY, p,d,t,j, UNIQUE(p,d,t));
          CREATE TABLE IF NOT EXISTS job(p,loc,id,j,seq INTEGER PRIMARY KEY, UNIQUE(p,loc,id));
          CREATE TABLE IF NOT EXISTS rows(seq INTEGER PRIMARY KEY, tid, pid, src, j);
          CREATE INDEX IF NOT EXISTS rows_t ON rows(tid, pid);""")
        self.db.create_aggregate("COUNTIF", 1, sql.CountIf)
        self.db.create_function("TIMESTAMP", 1, lambda s: None if s is None else micros(s))
        self.db.create_function("UNIX_MICROS", 1, lambda s: s)
        self.db.create_function("SAFE_DIVIDE", 2, lambda a, b: None if not b else a / b)
        for (text,) in self.db.execute("SELECT j FROM job").fetchall():      # what a restart interrupted comes to nothing
            j = json.loads(text)
            if j["status"]["state"] != "DONE":
                why = {"reason": "jobBackendError", "message": "The job encountered an error during execution. Retrying may solve it."}
                j["status"] = {"state": "DONE", "errorResult": why, "errors": [why]}
                self.put_job(j)
        self.sessions, self.seen_ids, self.tokens, self.streamed, self.results = {}, {}, {}, {}, {}
        self.journal, self.n_requests, self.faults, self.default_cfg = collections.deque(maxlen=5000), 0, [], {}
        self.cfg = {"job_delay_ms": 0, "dup_409_at": "final", "strict_int53": True, "auto_dataset": True,
                    "insert_id_window_s": 60, "load_quota": 0, "row_limit": 100 * 1024 * 1024, "buckets": {},
                    "token_ttl_s": 3599, "auth": False, "location": "US"}

    def reset(self):
        with self.lock:
            for t in ("ds", "tb", "job", "rows"):
                self.db.execute("DELETE FROM " + t)
            for x in (self.sessions, self.seen_ids, self.tokens, self.streamed, self.results):
                x.clear()
            self.journal.clear(), self.faults.clear()
            self.cfg.update(self.default_cfg)

    # datasets and tables
    def dataset(self, p, d, need=True):
        r = self.db.execute("SELECT j FROM ds WHERE p=? AND d=?", (p, d)).fetchone()
        if r:
            return json.loads(r[0])
        if need and self.cfg["auto_dataset"]:
            return self.put_dataset(p, d, {})
        if need:
            raise Err(404, "Not found: Dataset %s:%s" % (p, d))

    def put_dataset(self, p, d, j):
        j.update(kind="bigquery#dataset", id="%s:%s" % (p, d), datasetReference={"projectId": p, "datasetId": d})
        j.setdefault("location", self.cfg["location"]), j.setdefault("creationTime", now_ms())
        j["lastModifiedTime"] = now_ms()
        j["etag"] = base64.b64encode(hashlib.md5(json.dumps(j).encode()).digest()).decode()
        self.db.execute("INSERT OR REPLACE INTO ds VALUES(?,?,?)", (p, d, json.dumps(j)))
        return j

    def table(self, p, d, t, need=True):
        """(tid, resource) with live counts, or None."""
        r = self.db.execute("SELECT id,j FROM tb WHERE p=? AND d=? AND t=?", (p, d, t)).fetchone()
        if not r:
            if need:
                self.dataset(p, d)
                raise Err(404, "Not found: Table %s:%s.%s" % (p, d, t))
            return None
        j = json.loads(r[1])
        n, b = self.db.execute("SELECT COUNT(*), COALESCE(SUM(LENGTH(j)),0) FROM rows WHERE tid=?", (r[0],)).fetchone()
        j["numRows"], j["numBytes"] = str(n), str(b)
        s = self.streamed.get(r[0])
        if s:
            j["streamingBuffer"] = {"estimatedRows": str(s[1]), "estimatedBytes": "0", "oldestEntryTime": s[0]}
        return r[0], j

    def put_table(self, p, d, t, j):
        ds = self.dataset(p, d)
        for k in ("numRows", "numBytes", "streamingBuffer"):
            j.pop(k, None)
        if (j.get("schema") or {}).get("fields"):
            j["schema"]["fields"] = normalised(j["schema"]["fields"])
        j.update(kind="bigquery#table", id="%s:%s.%s" % (p, d, t), location=ds["location"],
                 type="EXTERNAL" if "externalDataConfiguration" in j else "TABLE",
                 tableReference={"projectId": p, "datasetId": d, "tableId": t})
        j.setdefault("creationTime", now_ms())
        j["lastModifiedTime"] = now_ms()
        j.pop("etag", None)
        j["etag"] = base64.b64encode(hashlib.md5((json.dumps(j, sort_keys=True)).encode()).digest()).decode()
        self.db.execute("INSERT INTO tb(p,d,t,j) VALUES(?,?,?,?) ON CONFLICT(p,d,t) DO UPDATE SET j=excluded.j",
                        (p, d, t, json.dumps(j)))
        return self.table(p, d, t)

    # jobs
    def job(self, p, loc, jid):
        """jobs.get semantics: no location works for US and EU only."""
        q = "SELECT loc,j FROM job WHERE p=? AND id=?"
        for l, j in self.db.execute(q, (p, jid)):
            if (loc or "").upper() == l.upper() or (not loc and l.upper() in ("US", "EU")):
                return json.loads(j)
        raise Err(404, "Not found: Job %s:%s%s" % (p, loc + "." if loc else "", jid))

    def put_job(self, j):
        r = j["jobReference"]
        self.db.execute("INSERT INTO job(p,loc,id,j) VALUES(?,?,?,?) ON CONFLICT(p,loc,id) DO UPDATE SET j=excluded.j",
                        (r["projectId"], r["location"].upper(), r["jobId"], json.dumps(j)))

    def check_dup(self, p, ref, cfg):
        r = self.db.execute("SELECT loc FROM job WHERE p=? AND id=? AND loc=?",
                            (p, ref.get("jobId"), self.job_location(p, ref, cfg).upper())).fetchone()
        if r:
            raise Err(409, "Already Exists: Job %s:%s.%s" % (p, r[0], ref["jobId"]), "duplicate")

    def job_location(self, p, ref, conf):
        d = conf.get("load", {}).get("destinationTable")
        ds = self.dataset(d["projectId"], d["datasetId"]) if d else {"location": self.cfg["location"]}
        loc = ref.get("location") or ds["location"]
        if d and loc.upper() != ds["location"].upper():
            raise Err(404, "Not found: Dataset %s:%s was not found in location %s" % (d["projectId"], d["datasetId"], loc))
        return loc

    def insert_job(self, p, body, media, fault=None):
        conf, ref = body.get("configuration") or {}, dict(body.get("jobReference") or {})
        kind = next((k for k in ("load", "query", "copy", "extract") if k in conf), None)
        if not kind:
            raise Err(400, "Job configuration must contain exactly one job-specific configuration object")
        jid = ref.get("jobId") or "job_" + uuid.uuid4().hex[:27]
        if not re.match(r"^[A-Za-z0-9_-]{1,1024}$", jid):
            raise Err(400, "Invalid job ID \"%s\"" % jid)
        for k, v in (conf.get("labels") or {}).items():
            if not re.match(r"^[a-z0-9_-]{1,63}$", k) or not re.match(r"^[a-z0-9_-]{0,63}$", v):
                raise Err(400, "Label key or value is invalid: %s=%s" % (k, v))
        with self.lock:
            if kind == "load":
                load.precheck(self, p, conf["load"], media)
            loc = self.job_location(p, ref, conf)
            self.check_dup(p, dict(ref, jobId=jid), conf)
            conf["jobType"] = kind.upper()
            j = {"kind": "bigquery#job", "id": "%s:%s.%s" % (p, loc, jid), "selfLink": "", "configuration": conf,
                 "jobReference": {"projectId": p, "jobId": jid, "location": loc}, "user_email": "fake@example.com",
                 "statistics": {"creationTime": now_ms(), "startTime": now_ms()}, "status": {"state": "RUNNING"}}
            j["etag"] = hashlib.md5(j["id"].encode()).hexdigest()
            self.put_job(j)
        delay = self.cfg["job_delay_ms"]
        delay = random.uniform(*delay) if isinstance(delay, list) else delay
        if delay and kind == "load":
            first = json.loads(json.dumps(j))
            threading.Timer(delay / 1000, self.finish_job, (j, media, fault)).start()
            return first
        return self.finish_job(j, media, fault)

    def finish_job(self, j, media, fault=None):
        conf, p = j["configuration"], j["jobReference"]["projectId"]
        with self.lock:
            self.db.execute("BEGIN")
            try:
                if fault:
                    raise JobError(fault.get("reason", "backendError"), fault.get("message", "Error encountered during execution. "
                                   "Retrying may solve the problem."))
                if "load" in conf:
                    j["statistics"]["load"], errs = load.run(self, conf["load"], media, j["jobReference"]["jobId"])
                elif "query" in conf:
                    self.results[j["jobReference"]["jobId"]] = sql.query(self, p, conf["query"])
                    j["statistics"]["query"], errs = {"totalBytesProcessed": "0", "statementType": "SELECT"}, []
                    conf["query"].setdefault("destinationTable", {"projectId": p, "datasetId": "_anon", "tableId": "anon"})
                else:
                    raise JobError("notImplemented", "Only load and query jobs are implemented")
                j["status"] = {"state": "DONE"}
                if errs:
                    j["status"]["errors"] = errs
                self.db.execute("COMMIT")
            except (JobError, Err, sqlite3.Error) as e:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                if isinstance(e, sqlite3.Error):
                    e = JobError("invalidQuery", str(e))
                if isinstance(e, Err):
                    e = JobError(e.reason, e.msg)
                j["status"] = {"state": "DONE", "errorResult": e.result, "errors": e.errors}
            j["statistics"]["endTime"] = now_ms()
            self.put_job(j)
        return j

    def insert_all(self, p, d, t, body):
        tname, _, part = t.partition("$")
        with self.lock:
            tid, res = self.table(p, d, tname)
            rows, out, errs = body.get("rows") or [], [], {}
            if not rows:
                raise Err(400, "No rows present in the request.")
            if len(rows) > 50000:
                raise Err(400, "too many rows present in the request, limit: 50000")
            for i, r in enumerate(rows):
                try:
                    row = convert(res["schema"]["fields"], r.get("json"), self.cfg, bool(body.get("ignoreUnknownValues")))
                    out.append((r.get("insertId"), part or pid_of(res, row), row))
                except ValueError as e:
                    s, field = str(e), ""
                    m = re.search(r"(?i)field: ([\w.]+\w)", s)
                    if m:
                        field = m.group(1)
                    errs[i] = {"index": i, "errors": [{"reason": "invalid", "location": field, "debugInfo": "", "message": s.lower()
                               if s.startswith("No such") else s.split(" Field:")[0]}]}
            if errs and not body.get("skipInvalidRows"):
                for i in range(len(rows)):
                    errs.setdefault(i, {"index": i, "errors": [{"reason": "stopped", "location": "", "debugInfo": "", "message": ""}]})
                out = []
            t0 = time.time()
            for iid, pid, row in out:
                if iid:
                    k = (tid, iid)
                    if t0 - self.seen_ids.get(k, 0) < self.cfg["insert_id_window_s"]:
                        continue
                    self.seen_ids[k] = t0
                self.db.execute("INSERT INTO rows(tid,pid,src,j) VALUES(?,?,'insertAll',?)", (tid, pid, json.dumps(row)))
                s = self.streamed.get(tid, (now_ms(), 0))
                self.streamed[tid] = (s[0], s[1] + 1)
            r = {"kind": "bigquery#tableDataInsertAllResponse"}
            if errs:
                r["insertErrors"] = [errs[i] for i in sorted(errs)]
            return r

