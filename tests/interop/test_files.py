"""Programs of their own that compare what iceberg-out and its Parquet writer make with what other readers find in it."""
import os
import re
import subprocess
import sys

import lab


def run(*command, cwd, env=None, timeout=300):
    p = subprocess.run([sys.executable, "-B", *command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=timeout)
    assert p.returncode == 0, p.stdout[-4000:]
    return p.stdout


def test_parquet_files_of_every_type(weir):
    """pyarrow and DuckDB against Python, over all types, nested, with small pages, groups and dictionaries."""
    tool = os.path.join("tests", "interop", "shred_parquet")
    subprocess.run(["make", "-s", tool], cwd=weir.build, check=True, stdout=subprocess.DEVNULL)
    out = run(os.path.join(lab.HERE, "parquet_check.py"), os.path.join(weir.build, tool), cwd=weir.cwd, env=weir.env)
    assert int(re.search(r"^passed (\d+)", out, re.M)[1]) >= 10


def test_iceberg_out_alone(weir):
    """PyIceberg and DuckDB over evolution, partitions, inference and rejects."""
    out = run(os.path.join(lab.HERE, "iceberg_out.py"), weir.build, cwd=weir.cwd, env=weir.env)
    assert int(re.search(r"^(\d+) passed", out, re.M)[1]) > 10
