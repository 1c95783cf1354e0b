# The same batch again loads nothing and says so; the same id with other data is refused.
. "$cases/mask"
printf '{"id":1}\n{"id":2}\n' >a
printf '{"id":3}\n' >b
iceberg-out --plain -q --table ns.t --create --columns id=long --batch-id b1 <a | mask
iceberg-out --plain -q --table ns.t --batch-id b1 <a | mask
iceberg-out --plain -q --table ns.t --batch-id b1 <b 2>&1 | mask
iceberg-out --plain -q --table ns.t --batch-id b1 <b 2>/dev/null
