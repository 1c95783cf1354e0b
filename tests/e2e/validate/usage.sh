validate --format-assert </dev/null; echo $?
validate --schema s.json --draft 6 </dev/null; echo $?
validate --schema-map x --schema s.json </dev/null; echo $?
validate s.json </dev/null; echo $?
