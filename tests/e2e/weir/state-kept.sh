# State goes from run to run on plain input with -s, and a directory belongs to one kind of input.
printf '{"id":1}\n{"id":2}\n' | pipe 'dedupe -k id -s st'
printf '{"id":2}\n{"id":3}\n' | pipe 'dedupe -k id -s st'
printf '{"id":3}\n{"id":4}\n' | pipe 'dedupe -k other -s st'
echo "exit $?"
printf '{"id":3}\n{"id":4}\n' | pipe 'dedupe -k id -s st --state-reset'
