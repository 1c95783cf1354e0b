# Other stages before the sink make other rows: refused, unless somebody says that they are meant.
. "$cases/guard"
lines 1 20 >a
few() { validate -q --max-rejects 100% --check '.id % 5 == 0' 2>/dev/null; }
on() { feed --resume "$(position --pipeline "$1")" a; }
feed a | few | $sink --create --columns id=long >/dev/null
lines 21 30 >>a
echo 'without the filter'
try 'on ns.t | $sink'
rows
echo 'a pipeline with a name of its own: a warning'
feed a | few | $sink --pipeline mine --as-new-feed >/dev/null
lines 31 40 >>a
rows
try 'on mine | iceberg-out --table ns.t --pipeline mine'
rows
echo '--accept-change: rows that the filter would not have let through; and that is the chain now'
try 'on ns.t | $sink --accept-change'
rows
lines 41 50 >>a
try 'on ns.t | few | $sink'
try 'on ns.t | $sink'
rows
