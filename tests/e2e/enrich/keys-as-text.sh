# Keys are compared as text: 17 and "17" and an escaped "17" are one, 17.0 is another; objects and null match nothing.
printf 'id,v\n17,found\n' >t.csv
enrich --lookup u=csv:t.csv --on k --set v=u.v --missing pass <<'END'
{"k":17}
{"k":"17"}
{"k":"\u00317"}
{"k":17.0}
{"k":" 17"}
{"k":null}
{"k":[17]}
{"k":"17\u0000"}
END
