# --draft is for schemas without $schema: "items" with an array is draft 7, and no schema of 2020-12.
printf '{"properties": {"a": {"items": [{"type": "integer"}]}}}' >s.json
validate --schema s.json --draft 7 -r rejects.ndjson --max-rejects 1 <<'E'
{"a":[1,"x"]}
{"a":["x"]}
E
jq -r .path rejects.ndjson
validate --schema s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
