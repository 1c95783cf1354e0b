# The grammar of a pipeline: what a shell would do to it is refused, with its column.
export KEY=id
for p in 'validate | dedupe -k ${KEY}' 'validate > out' 'validate |' '| validate' 'validate $(ls)' "validate 'x" 'validate | dedupe -k ${NOPE}' 'validat' \
	'validate | frobnicate' "dedupe -k 'id' \\# x"; do
	printf '{"id":1}\n{"id":1}\n' | weir run -q "$p" 2>&1
	echo "exit $?"
done
