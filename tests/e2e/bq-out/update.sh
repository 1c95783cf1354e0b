# Columns change with the load that needs them, and only when that was asked for.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER:REQUIRED,s:STRING
echo '{"id":1,"s":"a","n":1.5}' >one
echo '{"s":"b"}' >two
echo '[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"s","type":"STRING"},{"name":"n","type":"FLOAT"}]' >add.json
echo '[{"name":"id","type":"INTEGER"},{"name":"s","type":"STRING"}]' >relax.json
echo '[{"name":"id","type":"STRING","mode":"REQUIRED"},{"name":"s","type":"STRING"}]' >type.json
out="bq-out -q --plain --table p.d.t"
try() { pipe "validate | $out $2" <"$1" 2>&1 | mask | sed '/the reader of the output is gone/d; s|"acct":{.*}},||; s|"job":"[^"]*",||'; }
try one '--schema add.json'
try one '--schema add.json --update add'
try two '--schema relax.json'
try two '--schema relax.json --update relax'
try one '--schema type.json --update add,relax'
try one '--update add'
bq_rows d.t
bq_ask /bigquery/v2/projects/p/datasets/d/tables/t | grep -o '"name": *"[a-z]*", *"type": *"[A-Z]*"[^}]*'
