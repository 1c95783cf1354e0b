# References to files below the schema's folder, and to URIs by --schema-map, with and without .json.
mkdir -p s/parts maps/v1
printf '{"properties": {"a": {"$ref": "parts/a.json"}, "b": {"$ref": "https://example.com/v1/b#/$defs/b"}, "c": {"$ref": "parts/../parts/a.json#low"}}}' >s/s.json
printf '{"type": "integer", "$defs": {"l": {"$anchor": "low", "maximum": 9}}}' >s/parts/a.json
printf '{"$defs": {"b": {"const": "b"}}}' >maps/v1/b.json
validate --schema s/s.json --schema-map https://example.com/=maps --max-rejects 9 -r rejects.ndjson <<'E'
{"a":1,"b":"b","c":9}
{"a":"1"}
{"b":"c"}
{"c":10}
E
jq -r '"\(.code)\t\(.path)\t\(.message)"' rejects.ndjson | sed "s|$(pwd -P)|DIR|g"
