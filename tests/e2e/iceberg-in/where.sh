# Comparisons of every kind of column; null is never equal to anything.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --columns id --where 'amount >= 3.5 and at < 2026-01-04T00:00:00Z and region != "us"'
iceberg-in --table db.orders --columns id --where 'at is null'
