# Events become the rows of one load job, in their order, and the receipt says so.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER:REQUIRED,big:INTEGER,price:NUMERIC,tags:STRING:REPEATED,raw:JSON
cat >events <<'END'
{"id":1,"big":9223372036854775807,"price":1.10,"tags":["a","b"],"raw":{"k":[1,null]}}
{"id":2,"price":"99999999999999999999999999999.999999999","tags":null}
{"id":3.0}
END
pipe 'validate | bq-out -q --plain --table p.d.t' <events | mask | sed 's|"acct":{.*}},||'
bq_rows d.t
