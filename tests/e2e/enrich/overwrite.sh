# --overwrite replaces a member that is there; without it the member stays.
printf 'id,c\n1,DE\n' >t.csv
enrich --lookup u=csv:t.csv --on id --set c=u.c --overwrite --const v=2 <<'END'
{"c":"XX","id":1,"v":{"old":1}}
{"id":1}
END
