"""kcat-in alone against the broker: each check of kafka_checks/checks.py is a test."""
import os
import re
import subprocess
import sys

import lab
import pytest

CHECKS = os.path.join(lab.HERE, "kafka_checks", "checks.py")


def names():
    with open(CHECKS, encoding="utf-8") as f:
        found = re.findall(r"^@check\ndef (\w+)\(", f.read(), re.M)
    assert found, f"no checks in {CHECKS}"
    return found


@pytest.mark.parametrize("name", names())
def test_kcat_in(weir, kafka, name):
    tool = os.path.join(weir.build, "tools", "kcat-in", "kcat-in")
    env = dict(weir.env, KAFKA_BOOTSTRAP=kafka.bootstrap, KAFKA_SECURE_BOOTSTRAP=kafka.secure, KAFKA_SASL_USERNAME=kafka.user,
               KAFKA_SASL_PASSWORD=kafka.password, KAFKA_CA=kafka.ca, GEN_EVENTS=os.path.join(lab.RIGS, "data", "gen-events"))
    p = subprocess.run([sys.executable, CHECKS, tool, name], env=env, cwd=weir.cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=300)
    lines = [line for line in p.stdout.splitlines() if re.match(r"(not )?ok\b", line)]
    assert len(lines) == 1, p.stdout
    if "# skip" in lines[0].lower():
        pytest.skip(lines[0])
    assert p.returncode == 0 and lines[0].startswith("ok"), p.stdout[-4000:]
