# Draft 7 by both spellings of its name, with and without #.
for s in http://json-schema.org/draft-07/schema# https://json-schema.org/draft-07/schema http://json-schema.org/draft-07/schema; do
	printf '{"$schema": "%s", "definitions": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/definitions/n", "maximum": 1}}}' $s >s.json
	echo '{"a":2}' | validate --schema s.json
done
printf '{"$schema": "http://json-schema.org/draft-04/schema#"}' >s.json
validate --schema s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
