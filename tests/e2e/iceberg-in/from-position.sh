# The position of --from is the snapshot read last; a run that resumes there has nothing left to read.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --from 101 --columns id --control | sed -n "s/.*\"k\":\"bar\".*\"off\":\({.*}\),\"run\".*/\1/p; /^.\"id\"/p" | sed "s/\"table\":\"[^\"]*\"/\"table\":\"\"/"
uuid=$(iceberg-in --table db.orders --info | sed "s/.*\"uuid\":\"\([^\"]*\).*/\1/")
token=0000001-00112233445566778899aabbccddeeff/1
iceberg-in --plain --table db.orders --from 101 --columns id --resume "{\"off\":{\"next\":{\"main\":\"102\"},\"table\":\"$uuid\"},\"pipe\":\"p\",\"token\":\"$token\"}"
iceberg-in --plain --table db.orders --from 101 --resume "{\"off\":{},\"pipe\":\"p\",\"token\":\"$token\"}"
