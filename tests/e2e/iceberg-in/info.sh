# The table in one line.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --info | sed "s|$PWD|.|g; s/[0-9a-f]\{8\}-[0-9a-f-]\{27\}/UUID/g; s/\"bytes\":[0-9]*/\"bytes\":0/"
