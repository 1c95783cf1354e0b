# A file above the schema's folder is not read.
mkdir -p s
printf 'true' >secret.json
printf '{"$ref": "../secret.json"}' >s/s.json
validate --schema s/s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
printf '{"$ref": "x%%2f..%%2f..%%2fsecret.json"}' >s/s.json
validate --schema s/s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
