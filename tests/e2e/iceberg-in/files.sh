# Live files with their partitions.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --files | sed "s|file://$PWD/|/|; s|$PWD/|/|; s/\"bytes\":[0-9]*/\"bytes\":0/"
