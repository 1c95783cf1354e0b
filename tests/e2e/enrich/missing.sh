# A key the table does not have: null, nothing, or a reject.
printf 'id,v\n1,a\n' >t.csv
for m in null pass reject; do
	echo "-- $m"
	enrich --lookup u=csv:t.csv --on k --set v=u.v --set w=u.v --missing $m <<'END'
{"k":1}
{"k":2}
{}
END
done
