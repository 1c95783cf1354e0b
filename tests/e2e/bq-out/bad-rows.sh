# What a column does not take is refused and named by line and path; the others are loaded.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER:REQUIRED,at:TIMESTAMP
cat >events <<'END'
{"id":1,"at":"2026-11-22T10:00:00Z"}
{"id":"one"}
{"id":2,"at":"yesterday"}
{"id":3,"surprise":true}
{"at":"2026-11-22T10:00:00Z"}
END
bq-out -q --plain --table p.d.t -r rejects <events | mask
sed -E 's/"run":"[^"]*",|"line":[0-9]+,//g' rejects
bq_rows d.t
