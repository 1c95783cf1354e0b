# weir doctor asks BigQuery, and says in words what is wrong.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER,s:STRING
echo '[{"name":"id","type":"STRING"}]' >other.json
for args in "--table p.d.t" "--table p.d.none" "--table p.nowhere.t" "--table p.d.t --schema other.json" "--table p.d.t --spool-dir nowhere"; do
	echo "-- $args"
	weir doctor "cat events | bq-out $args" 2>&1 | grep bq-out | sed -E 's/[0-9.]+ GB free/N GB free/; s|/[^ ,]*, N GB|DIR, N GB|'
done
