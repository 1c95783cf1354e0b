# What is wrong with a table is said with its line, before the first event; exit 78.
try() { enrich --lookup u=$1 --on id --set v=u.v </dev/null; echo $?; }
try csv:none.csv
try csv:.
printf '' >t.csv; try csv:t.csv
printf 'id,w\n1,a\n' >t.csv; try csv:t.csv
printf 'id,v\n1,a\n2,b\n1,c\n' >t.csv; try csv:t.csv
printf 'id,v\n1,a\n2\n' >t.csv; try csv:t.csv
printf 'id,v\n1,"a\n' >t.csv; try csv:t.csv
printf 'id,v\n1,\377\n' >t.csv; try csv:t.csv
printf 'id,v\n1,a\0\n' >t.csv; try csv:t.csv
printf 'id,v\n' >t.csv; try csv:t.csv,key=nr
printf '{"id":1,"v":1}\n{"id":1,}\n' >t.ndjson; try ndjson:t.ndjson,key=id
printf '{"id":1,"v":1}\n{"v":1}\n' >t.ndjson; try ndjson:t.ndjson,key=id
printf '{"id":1}\n' >t.ndjson; try ndjson:t.ndjson,key=id
try ndjson:t.ndjson
