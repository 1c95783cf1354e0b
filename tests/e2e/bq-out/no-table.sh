# A table that is not there, a dataset that is not there, a dataset elsewhere: each is said with the remedy, and nothing is loaded.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_ask /_config '{"auto_dataset":false}' >/dev/null
bq_ask /bigquery/v2/projects/p/datasets '{"datasetReference":{"datasetId":"d"},"location":"EU"}' >/dev/null
bq_table d.t id:INTEGER
for table in 'p.d.none' 'p.none.t' 'p.d.t --location US' 'p.d.none --create'; do
	echo '{"id":1}' | bq-out --plain -q --table $table 2>&1
	echo "exit $?"
done | mask
bq_rows d.t
