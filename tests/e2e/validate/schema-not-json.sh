printf '{\n"type": "object",\n}\n' >s.json
validate --schema s.json </dev/null 2>&1 | sed "s|$(pwd -P)|DIR|g"
