# There is one mode; and --drop-meta leaves out what kcat-in --meta adds.
. "$cases/guard"
lines 1 3 >a
for m in overwrite-partitions truncate; do
	try '$sink --plain --create --columns id=long --mode $m <a'
done
try '$sink --plain --create --columns id=long --batch-id b --batch-replace <a'
ls lake 2>&1
printf '{"id":1,"_kafka":{"offset":8}}\n' >m
feed m | sed '1s/"meta":""/"meta":"_kafka"/' >stream
echo 'a member without a column is a reject; left out it is none; a column takes it'
try '$sink --create --columns id=long --max-rejects 100% <stream'
rows
try '$sink --drop-meta --pipeline other --as-new-feed <stream'
rows
iceberg-out -q --table ns.m --create --drop-meta <stream >/dev/null
iceberg-in -q --plain --table ns.m
iceberg-out -q --table ns.n --create <stream >/dev/null
iceberg-in -q --plain --table ns.n
