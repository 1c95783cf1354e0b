"""Fixtures, and the last line of the suite: N passed, N failed, N skipped."""
import os
import shutil
import sys
import types

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import expect      # noqa: E402
import lab         # noqa: E402
import readers     # noqa: E402

CI = os.environ.get("CI") == "true"
TALLY = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_addoption(parser):
    parser.addoption("--short", action="store_true", help="fewer events: 200,000 instead of 1,000,000")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and CI:       # in CI nobody would notice
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI=true: {call.excinfo.value}"
    if report.when == "call" or report.outcome != "passed":
        TALLY[report.outcome] += 1


def pytest_unconfigure(config):
    if not config.option.collectonly:
        print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % TALLY)


@pytest.fixture(scope="session")
def home():
    return os.environ["WEIR_RIG_RUN"]


@pytest.fixture(scope="session")
def build():
    return os.environ["WEIR_BUILD"]


@pytest.fixture(scope="session")
def shared():
    """The folder of conformance data and real events."""
    where = os.environ.get("WEIR_SHARED")
    if not where:
        pytest.skip("WEIR_SHARED is not set: no real events")
    return where


@pytest.fixture(scope="session")
def kafka(home):
    broker = lab.Kafka(home)
    yield broker
    broker.stop()


@pytest.fixture(scope="session", autouse=True)
def end_of_spark():
    yield
    readers.stop_spark()


@pytest.fixture
def weir(build, tmp_path):
    return lab.Weir(build, tmp_path)


@pytest.fixture(scope="session")
def events(request, home, kafka):
    """Generated events with their truth, in a topic of 8 partitions."""
    count = 200000 if request.config.option.short else 1000000
    d = os.path.join(home, "events")
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    e = types.SimpleNamespace(file=d + "/events.ndjson", dim=d + "/dim.csv", topic="events")
    e.truth = lab.gen_events(e.file, d + "/truth.json", count=count, dup_percent=2, late_percent=3, bad_percent=1, dim_users=90000)
    lab.gen_dim(e.dim, 90000)
    kafka.topic(e.topic, 8, retention_ms=-1)
    kafka.produce(e.topic, e.file)
    return e


@pytest.fixture(scope="session")
def expected(events):
    """Every row and column that must be in the table of events."""
    table = expect.events(events.file, events.dim)
    # The two programs that know the answer must agree before anything is measured by them.
    assert table.num_rows == events.truth["unique_valid"]
    assert expect.id_sum64(table["event_id"].to_pylist()) == events.truth["id_sum64"]
    assert str(sum(table["amount"].to_pylist())) == events.truth["amount"]
    assert table["country"].null_count == events.truth["dim_miss"]
    return table
