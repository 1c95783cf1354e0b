# The same batch again loads nothing and says so; the same id with other data is refused.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER
printf '{"id":1}\n{"id":2}\n' >a
printf '{"id":3}\n' >b
bq-out --plain -q --table p.d.t --batch-id b1 <a | mask
bq-out --plain -q --table p.d.t --batch-id b1 <a | mask
bq-out --plain -q --table p.d.t --batch-id b1 <b 2>&1 | mask
bq_rows d.t
bq-out --plain -q --table p.d.t --batch-id b1 <b 2>/dev/null
