# Limits have names and are told.
printf '{"a":{"b":{"c":1}}}\n{"a":1}\n' | pipe 'validate --max-depth 2 -r rejects'
sed 's/"run":"[^"]*",//; s/"raw_base64":"[^"]*"/"raw_base64":"..."/' rejects
printf '{"a":1,"a":2}\n' | pipe 'validate --duplicate-keys last'
printf '{"a":1}\n' | pipe 'validate --max-depth 0'
echo "exit $?"
printf '{"a":1}\n' | pipe 'validate --max-rejects x -r r2'
echo "exit $?"
