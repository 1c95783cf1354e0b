# What makes no sense is said at once: option and remedy, exit 64.
printf 'id,v\n1,a\n' >t.csv
enrich </dev/null; echo $?
enrich --lookup u=csv:t.csv </dev/null; echo $?
enrich --lookup t.csv --on id </dev/null; echo $?
enrich --lookup u=xml:t.csv --on id </dev/null; echo $?
enrich --lookup u=csv:t.csv --lookup u=csv:t.csv --on id </dev/null; echo $?
enrich --lookup u=csv:t.csv --on id --set v=w.v </dev/null; echo $?
enrich --lookup u=csv:t.csv --on id --set a.b=u.v </dev/null; echo $?
enrich --lookup u=csv:t.csv --on id --set v </dev/null; echo $?
enrich --lookup u=csv:t.csv,refresh=soon --on id </dev/null; echo $?
enrich --lookup u=csv:t.csv --on id --on other </dev/null; echo $?
enrich --lookup u=csv:t.csv --on id --as-of t </dev/null; echo $?
enrich --lookup u=csv:t.csv,valid_from=v --on id </dev/null; echo $?
enrich --lookup u=ndjson:t.ndjson,key=id --on id --set v=u.v:number </dev/null; echo $?
enrich --const v </dev/null; echo $?
enrich --const v=1 file </dev/null; echo $?
