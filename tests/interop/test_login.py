"""TLS and passwords against a real broker, with the system's librdkafka and with a current one."""
import ctypes
import json
import os
import subprocess

import lab
import pytest


@pytest.fixture(scope="module")
def topic(kafka, tmp_path_factory):
    path = tmp_path_factory.mktemp("login") / "events.ndjson"
    lab.gen_events(path, count=1000)
    kafka.produce(kafka.topic("secured", 2), path)
    return "secured"


@pytest.fixture(scope="module")
def current(build, home):
    """kcat-in of the same sources, built against a current librdkafka: the folder of the program."""
    prefix = subprocess.run([lab.RIGS + "/rdkafka/rig", "prefix"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    where = os.path.join(home, "build-rdkafka")
    os.makedirs(where, exist_ok=True)
    env = dict(os.environ, PKG_CONFIG_PATH=prefix + "/lib/pkgconfig", CFLAGS="-O1", LDFLAGS=f"-Wl,-rpath,{prefix}/lib")
    with open(os.path.join(where, "build.log"), "w") as log:
        if not os.path.exists(where + "/Makefile"):
            subprocess.run([lab.TOP + "/configure", "-q"], cwd=where, env=env, stdout=log, stderr=log, check=True)
        subprocess.run(["make", "-j2", "tools/kcat-in/kcat-in"], cwd=where, env=env, stdout=log, stderr=log, check=True)
    tool = os.path.join(where, "tools", "kcat-in")
    linked = subprocess.run(["ldd", tool + "/kcat-in"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert prefix in linked, linked
    return tool


def system_version():
    lib = ctypes.CDLL("librdkafka.so.1")
    lib.rd_kafka_version_str.restype = ctypes.c_char_p
    return tuple(int(x) for x in lib.rd_kafka_version_str().decode().split("-")[0].split("."))


def login(weir, kafka, topic, mechanism, password=None, ca=None, user=None, first=None, secret=None):
    """Read the topic over TLS; the password is in a file, never on a command line."""
    secret = secret or os.path.join(weir.cwd, "password")
    with open(secret, "w") as f:
        f.write(kafka.password if password is None else password)
    os.chmod(secret, 0o600)
    env = {"PATH": first + os.pathsep + weir.env["PATH"]} if first else {}
    return weir.sh(f"kcat-in -b {kafka.secure} -t {topic} -e --plain --timeout 15s -X security.protocol=sasl_ssl "
                   f"-X ssl.ca.location={ca or kafka.ca} -X sasl.mechanism={mechanism} -X sasl.username={user or kafka.user} "
                   f"-X sasl.password=@{secret}", timeout=90, **env)


def assert_all(result):
    lines = result.expect(0).out.splitlines()
    assert len({json.loads(line)["event_id"] for line in lines}) == len(lines) == 1000


def test_plain_over_tls(weir, kafka, topic):
    assert_all(login(weir, kafka, topic, "PLAIN"))


def test_plain_wrong_password(weir, kafka, topic):
    r = login(weir, kafka, topic, "PLAIN", password="wrong").expect(78)
    assert r.out == "" and "wrong" not in r.err
    assert "weir" in r.err and "refused" in r.err.lower()


def test_plain_unknown_user(weir, kafka, topic):
    r = login(weir, kafka, topic, "PLAIN", user="nobody").expect(78)
    assert "nobody" in r.err


def test_certificate_of_another_authority(weir, kafka, topic, tmp_path):
    """TLS is checked, and switched off only by saying so."""
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other", "-keyout",
                    str(tmp_path / "key"), "-out", str(other)], check=True, stderr=subprocess.DEVNULL)
    r = login(weir, kafka, topic, "PLAIN", ca=other)
    assert r.code in (75, 78) and r.out == "", r
    assert "certificate" in r.err.lower()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256"])
def test_scram_with_the_system_library(weir, kafka, topic, mechanism):
    """librdkafka before 2.6.1 cannot log in to Kafka 4 by SCRAM: the message must not blame the password."""
    r = login(weir, kafka, topic, mechanism)
    if system_version() >= (2, 6, 1):
        assert_all(r)
        return
    r.expect(78)
    assert ".".join(map(str, system_version())) in r.err and "2.6.1" in r.err and "SCRAM" in r.err


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_current_library(weir, kafka, topic, current, mechanism):
    assert_all(login(weir, kafka, topic, mechanism, first=current))


def test_current_library_wrong_password(weir, kafka, topic, current):
    r = login(weir, kafka, topic, "SCRAM-SHA-512", password="wrong", first=current).expect(78)
    assert "2.6.1" not in r.err, "a wrong password is no matter of versions"


def test_doctor_names_the_version(weir, kafka, topic, tmp_path):
    """weir doctor says the same before anybody has waited for a pipeline."""
    (tmp_path / "password").write_text(kafka.password)
    parts = (f"kcat-in -b {kafka.secure} -t {topic} -X security.protocol=sasl_ssl -X ssl.ca.location={kafka.ca} "
             f"-X sasl.username={kafka.user} -X sasl.password=@{tmp_path}/password -X sasl.mechanism=%s")
    good = weir.sh(f"weir doctor '{parts % 'PLAIN'}'").expect(0)
    assert f"{topic}, 2 partitions" in good.out + good.err
    scram = weir.sh(f"weir doctor '{parts % 'SCRAM-SHA-512'}'")
    if system_version() < (2, 6, 1):
        scram.expect(78)
        assert "2.6.1" in scram.out + scram.err
    else:
        scram.expect(0)
