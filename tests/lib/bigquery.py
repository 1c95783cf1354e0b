"""The stand-in for BigQuery (tests/interop/rigs/bigquery) as tests use it: started, steered, asked."""
import json
import os
import site
import subprocess
import sys
import urllib.request

RIG = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop", "rigs", "bigquery")
PROJECT = "fake-project"


def use_google_client():
    """Google's client comes behind the packages of the Python that runs us."""
    python = subprocess.run([os.path.join(RIG, "rig"), "python"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    for folder in subprocess.run([python, "-c", "import site; print(*site.getsitepackages())"], check=True, stdout=subprocess.PIPE, text=True).stdout.split():
        site.addsitedir(folder)


class Standin:
    """One of them, with its data in a folder; it ends with end(), and starts again with all it had."""

    def __init__(self, where, *options):
        self.where, self.options, self.process = str(where), options, None
        os.makedirs(self.where, exist_ok=True)
        self.start()

    def start(self):
        self.process = subprocess.Popen(["python3", "-B", os.path.join(RIG, "standin"), "serve", "--dir", self.where, *self.options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.port = int(self.process.stdout.readline())
        self.url = "http://127.0.0.1:%d" % self.port

    def end(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()

    def service_account(self):
        """A key file that the stand-in knows."""
        return subprocess.run([sys.executable, "-B", os.path.join(RIG, "standin"), "make-sa", self.where, self.url], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method or ("GET" if data is None else "POST"))
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def control(self, what, body=None, method=None):
        return json.loads(self.ask("/_" + what, body, method) or b"null")

    def rows(self, table):
        """The stored rows of DATASET.TABLE[$PARTITION], oldest first."""
        return [json.loads(line) for line in self.ask("/_rows?table=%s.%s" % (PROJECT, table.replace("$", "%24"))).splitlines()]

    def faults(self, *faults):
        """These instead of those before."""
        self.control("faults", method="DELETE")
        if faults:
            self.control("faults", list(faults))

    def config(self, **settings):
        self.control("config", settings)

    def reset(self):
        self.control("reset", {})

    def journal(self, clear=False):
        entries = self.control("journal")
        if clear:
            self.control("journal", method="DELETE")
        return entries

    def api(self, path, body=None, method=None):
        """A call of the REST API, below the project."""
        return json.loads(self.ask("/bigquery/v2/projects/%s%s" % (PROJECT, path), body, method) or b"null")

    def dataset(self, name, **more):
        return self.api("/datasets", dict(datasetReference={"projectId": PROJECT, "datasetId": name}, **more))

    def table(self, name, fields, **more):
        """DATASET.TABLE; fields as in the API, or 'a:INTEGER,b:STRING'."""
        dataset, _, table = name.partition(".")
        if isinstance(fields, str):
            fields = [dict(zip(("name", "type"), f.split(":"))) for f in fields.split(",")]
        return self.api("/datasets/%s/tables" % dataset, dict(tableReference={"projectId": PROJECT, "datasetId": dataset, "tableId": table},
                                                              schema={"fields": fields}, **more))

    def get(self, name):
        dataset, _, table = name.partition(".")
        return self.api("/datasets/%s/tables/%s" % (dataset, table))

    def drop(self, name):
        dataset, _, table = name.partition(".")
        self.api("/datasets/%s/tables/%s" % (dataset, table), method="DELETE")

    def jobs(self):
        """All load jobs, oldest first."""
        found, token = [], ""
        while token is not None:
            page = self.api("/jobs?projection=full&maxResults=1000" + ("&pageToken=" + token if token else ""))
            found, token = found + page["jobs"], page.get("nextPageToken")
        return [j for j in reversed(found) if "load" in j["configuration"]]
