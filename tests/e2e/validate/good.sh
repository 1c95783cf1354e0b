# What is valid passes byte for byte, whatever its spacing, order and escapes.
cat >s.json <<'S'
{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "tag": {"enum": ["a", "ü"]}}}
S
validate --schema s.json <<'E'
{"id":1}
{ "tag" : "\u00fc" , "id" : 2.0 }
{"id":12345678901234567890123,"tag":"a","more":[1,{"x":null}]}
E
