printf '{"pattern": "a{2,1}"}' >s.json
validate --schema s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
