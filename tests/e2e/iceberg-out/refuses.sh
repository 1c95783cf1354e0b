# What cannot be: message and exit code of each; and nothing is visible afterwards.
. "$cases/mask"
try() { echo "\$ $*"; printf '{"id":1}\n' | "$@" 2>&1 | mask; printf '{"id":1}\n' | "$@" >/dev/null 2>&1; echo "exit $?"; }
try iceberg-out --plain --table ns.t
try iceberg-out --plain --table ns.t --create --catalog ftp:x
try iceberg-out --plain --table t --create
try iceberg-out --plain --table ns.t --create --columns id=number
try iceberg-out --plain --table ns.t --create --columns id=long --partition 'year(id)'
try iceberg-out --plain --table ns.t --create --columns id=long --partition 'day(no)'
try iceberg-out --plain --table ns.t --create --columns id=long --rest r --evolve add
try iceberg-out --plain --table ns.t --create --schema nowhere.json
echo '{"type":"object","properties":{"id":' >broken.json
try iceberg-out --plain --table ns.t --create --schema broken.json
echo '{"type":"array"}' >array.json
try iceberg-out --plain --table ns.t --create --schema array.json
printf 'no database, but long enough to be taken for one that is damaged, and so refused' >text.db
try iceberg-out --plain --table ns.t --create --catalog sqlite:text.db --columns id=long
iceberg-out --plain -q --table ns.orders --create --columns id=long <<'END' >/dev/null
{"id":1}
END
try iceberg-out --plain --table ns.order
try iceberg-out --plain --table ns.orders --ref dev
try iceberg-out --plain --table ns.orders --columns id=string
printf '{"id":1}\n' | iceberg-out --table ns.orders 2>&1
ls warehouse/ns
