# Over --max-rejects: 65.
printf '{"type": "object", "required": ["id"]}' >s.json
for i in 1 2 3 4; do echo '{}'; done | validate --schema s.json --max-rejects 3 -r rejects.ndjson 2>/dev/null
