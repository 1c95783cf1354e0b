# One of each kind of bad value: the code is the keyword, the path leads to the value.
cat >s.json <<'S'
{
  "type": "object",
  "required": ["id"],
  "properties": {
    "id": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "kind": {"enum": ["new", "old"]},
    "amount": {"type": "number", "minimum": 0, "maximum": 299.99, "multipleOf": 0.01},
    "user": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
    "tags": {"type": "array", "items": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"}, "uniqueItems": true, "maxItems": 3},
    "any": {"oneOf": [{"type": "null"}, {"type": "object", "additionalProperties": false, "properties": {"x": true}}]}
  }
}
S
validate --schema s.json --format-assert --max-rejects 99 -r rejects.ndjson <<'E'
{"id":"9f8b6c1e-1111-4222-8333-444455556666","time":"2026-01-31T23:59:59Z","kind":"new","amount":19.90,"user":{"n":1},"tags":["a","b"],"any":null}
{"kind":"new"}
{"id":7}
{"id":"9f8b6c1e"}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","time":"2026-02-30T00:00:00Z"}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","kind":"mars"}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","amount":"n/a"}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","amount":-0.01}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","amount":300}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","amount":1.005}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","user":{}}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","user":{"n":1.5}}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","tags":["a",""]}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","tags":["a","B"]}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","tags":["a","b","\u0061"]}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","tags":["a","b","c","d"]}
{"id":"9f8b6c1e-1111-4222-8333-444455556666","any":{"x":1,"y":2}}
E
jq -r '"\(.code)\t\(.path)\t\(.message)"' rejects.ndjson
