# A table by the path of its metadata, without a catalog.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
mv catalog.db away.db
iceberg-in --table "$(ls "$PWD"/db/orders/metadata/00002-*.metadata.json)" --columns id --limit 3
