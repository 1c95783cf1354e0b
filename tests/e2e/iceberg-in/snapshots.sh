# Snapshots as lines; ids are texts, for they have 63 bits.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --snapshots | sed "s/,\"summary.*/}/"
