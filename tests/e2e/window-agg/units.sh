# One instant in all units; before 1970 too.
for at in '"1969-12-31T23:59:59.500Z":iso' -0.5:s -500:ms -500000:us -500000000:ns; do
	echo "{\"t\":${at%:*}}" | window-agg --time "t:${at##*:}" --size 1s --agg 'n=count()'
done
echo '{"t":17000}' | window-agg --time t --size 1m --agg 'n=count()' || echo "exit $?"
