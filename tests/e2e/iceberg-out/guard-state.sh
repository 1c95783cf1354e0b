# A lost state directory: a stage whose rows depend on it stops; without such a stage the table is enough.
. "$cases/guard"
lines 1 20 >a
lines 21 30 >b
go() { weir run -q -s "$1" "$replay $2 | $3 iceberg-out -q --table $4 --create --columns id=long"; }
go d1 a 'dedupe -k id |' ns.t >/dev/null
cat b >>a
cat b >>a
rm -r d1
try 'go d1 a "dedupe -k id |" ns.t'
rows
echo 'on with empty state: duplicates of what came before are not known any more'
try 'weir run -q --state-reset -s d1 "$replay a | dedupe -k id | $sink"'
rows
echo 'no state, no need'
lines 1 20 >c
go d2 c '' ns.u >/dev/null
cat b >>c
rm -r d2
try 'go d2 c "" ns.u'
rows ns.u
