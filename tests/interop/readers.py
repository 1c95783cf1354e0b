"""Iceberg tables as others see them: PyIceberg, DuckDB and Spark over one SQLite catalog.

    ice = readers.Catalog("/path/catalog.db")
    ice.pyiceberg("shop.events")        an Arrow table
    with ice.duckdb("shop.events") as q: q("SELECT count(*) FROM t")
    ice.spark("SELECT * FROM weir.shop.events")
"""
import contextlib
import glob
import os
import sqlite3
import sys
import uuid

NAME = "weir"       # the catalog's name inside the file; all readers must agree on it


def plain(value):
    """A value of Arrow as JSON-like Python: UUIDs as text, maps as dicts."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(v, tuple) and len(v) == 2 for v in value):
            return {plain(k): plain(v) for k, v in value}
        return [plain(v) for v in value]
    return value


def rows(arrow):
    """The rows of an Arrow table as dicts of plain values."""
    return [plain(r) for r in arrow.to_pylist()]


def duckdb_connect():
    import duckdb
    site = os.path.dirname(os.path.dirname(duckdb.__file__))
    c = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in ("avro", "iceberg"):    # extension files that came as wheels: nothing is downloaded
        c.execute(f"LOAD '{site}/duckdb_extension_{name}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    c.execute("SET TimeZone='UTC'; SET threads=2")
    return c


class Catalog:
    session = None      # one JVM for the process

    def __init__(self, db):
        self.db = os.path.abspath(str(db))

    def metadata(self, table):
        """Where the table's current metadata.json is, found without any engine."""
        namespace, _, name = table.rpartition(".")
        with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? "
                             "AND table_name = ?", (NAME, namespace, name)).fetchone()
        assert row, f"no table {table} of catalog {NAME} in {self.db}"
        return row[0]

    def tables(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as db:
            return sorted(".".join(r) for r in db.execute("SELECT table_namespace, table_name FROM iceberg_tables"))

    def load(self, table):
        """The table as PyIceberg's own object."""
        from pyiceberg.catalog import load_catalog
        home = os.path.dirname(self.db)
        return load_catalog(NAME, type="sql", uri="sqlite:///" + self.db, warehouse="file://" + home).load_table(table)

    def pyiceberg(self, table, snapshot=None):
        return self.load(table).scan(snapshot_id=snapshot).to_arrow()

    @contextlib.contextmanager
    def duckdb(self, table, metadata=None):
        """A function that runs SQL over the view t, the table; its result is an Arrow table."""
        c = duckdb_connect()
        try:
            c.execute(f"CREATE VIEW t AS SELECT * FROM iceberg_scan('{metadata or self.metadata(table)}')")
            query = lambda sql: c.execute(sql).to_arrow_table()
            query.connection = c
            yield query
        finally:
            c.close()

    def spark(self, sql):
        """Rows as dicts.  The catalog is read anew each time."""
        cls = type(self)
        if not cls.session:
            cls.session = start_spark()
        s = cls.session.newSession()
        k = f"spark.sql.catalog.{NAME}"
        for key, value in {
                k: "org.apache.iceberg.spark.SparkCatalog", k + ".cache-enabled": "false",
                k + ".catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
                k + ".uri": f"jdbc:sqlite:{self.db}?busy_timeout=20000", k + ".jdbc.schema-version": "V1",
                k + ".warehouse": "file://" + os.path.dirname(self.db)}.items():
            s.conf.set(key, value)
        return rows(s.sql(sql).toArrow())


def start_spark():
    from pyspark.sql import SparkSession
    home = os.environ.get("WEIR_RIGS", os.path.expanduser("~/.cache/weir-rigs"))
    java = "/usr/lib/jvm/java-17-openjdk-amd64"
    if "JAVA_HOME" not in os.environ and os.path.isdir(java):
        os.environ["JAVA_HOME"] = java
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["PYSPARK_SUBMIT_ARGS"] = "--conf spark.log.level=ERROR pyspark-shell"
    b = SparkSession.builder.master("local[2]").appName("weir")
    for key, value in {
            "spark.driver.extraClassPath": ":".join(sorted(glob.glob(os.path.join(home, "iceberg/spark-jars/*.jar")))),
            "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
            "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "1g",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.warehouse.dir": os.path.join(os.environ.get("WEIR_RIG_RUN", "/tmp"), "spark-warehouse"),
            "spark.driver.extraJavaOptions": "-Duser.timezone=UTC"}.items():
        b = b.config(key, value)
    return b.getOrCreate()


def stop_spark():
    if Catalog.session:
        Catalog.session.stop()
        Catalog.session = None
