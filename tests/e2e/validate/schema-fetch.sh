# A reference that nobody serves: nothing is fetched, and the remedy is named.
printf '{"$ref": "https://example.com/order.json"}' >s.json
validate --schema s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
