# A framed stream leaves its position in the table; the next run goes on from it, and a lost state directory does not matter.
. "$cases/mask"
printf '{"id":1}\n{"id":2}\n' >in
weir run -q 'cat in | iceberg-out -q --table ns.t --create --columns id=long' | mask
iceberg-out -q --table ns.t --position | mask
weir run -q --fuse no 'cat in | iceberg-out -q --table ns.t' | mask
iceberg-out -q --table ns.t --position | mask
weir run -q --pipeline other 'cat in | iceberg-out -q --table ns.t' | mask
iceberg-out -q --table ns.t --position 2>&1; echo "exit $?"
iceberg-out -q --table ns.t --pipeline other --position | mask
