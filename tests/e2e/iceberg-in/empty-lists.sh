# Lists of a table without snapshots, or with one that has no files, are empty, and no stream.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.empty --files | wc -l
iceberg-in --table db.empty --snapshots | wc -l
printf '' | iceberg-out -q --plain --catalog "sqlite:$PWD/other.db" --table n.t --create --columns id=long --batch-id b >/dev/null
iceberg-in --catalog "sqlite:$PWD/other.db" --table n.t --files | wc -l
iceberg-in --catalog "sqlite:$PWD/other.db" --table n.t --snapshots | wc -l
