# iceberg-refresh points an external table at the newest metadata of a table that iceberg-out writes, once.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_ask /_config "{\"buckets\":{\"lake\":\"$PWD/warehouse\"}}" >/dev/null
newest() { echo "gs://lake/$(cd warehouse && ls -t shop/t/metadata/*.metadata.json | sort | tail -1)"; }
echo '{"id":1}' | iceberg-out -q --plain --table shop.t --create >/dev/null
first=$(newest)
bq_ask /bigquery/v2/projects/p/datasets/d/tables "{\"tableReference\":{\"tableId\":\"ext\"},\"externalDataConfiguration\":{\"sourceFormat\":\"ICEBERG\",\"sourceUris\":[\"$first\"]}}" >/dev/null
echo '{"id":2,"note":"a new column"}' | iceberg-out -q --plain --table shop.t --evolve add >/dev/null
second=$(newest)
bq_table d.plain id:INTEGER
tell() { sed "s|$first|FIRST|g; s|$second|SECOND|g"; }
for args in "--table p.d.ext --metadata $second" "--table p.d.ext --metadata $second" "--table p.d.plain --metadata $second" \
    "--table p.d.none --metadata $second" "--table p.d.ext" "--table p.d.ext --metadata file:///t/metadata/v2.metadata.json"; do
	bq-out iceberg-refresh $args >out 2>&1
	echo "exit $?"
	tell <out
done
bq_ask /bigquery/v2/projects/p/datasets/d/tables/ext | grep -o '"name": "[a-z]*"'
