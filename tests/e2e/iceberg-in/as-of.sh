# What was current at a time: the first snapshot, in its last second.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --as-of 2026-01-01T23:59:59Z --columns id
