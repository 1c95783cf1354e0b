# A pipeline: what an earlier stage drops, validate does not see.
printf '{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}' >s.json
printf '{"id":1}\n{"id":1}\n{"id":"x"}\n{"id":2}\n' >in
pipe 'dedupe -k id | validate --schema s.json -r rejects.ndjson --max-rejects 2' <in
jq -r .code rejects.ndjson
