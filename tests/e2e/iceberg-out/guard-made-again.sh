# The table was dropped and made again: the positions are not of this one.
. "$cases/guard"
lines 1 40 >a
go() { weir run -q -s d "$replay a | iceberg-out -q --table ns.t --create --columns id=long"; }
go >/dev/null
old=$(position)
rm -r lake
echo 'a stream of the old one goes on'
lines 1 1 | $sink --plain --create --columns id=long >/dev/null
lines 41 50 >>a
try 'feed -s d --pipeline ns.t --resume "$old" a | $sink -s d --pipeline ns.t' 2>&1
echo 'marks of commits, and a table without any'
try go
try 'weir run -q --state-reset -s d "$replay a | iceberg-out -q --table ns.t --create --columns id=long"'
rows
lines 1 40 >a
echo 'in the middle of a run'
rm -r lake
feed --poll 10 --epoch 0,20 a >stream
mkfifo pipe
$sink --create --columns id=long <pipe >first 2>first.err &
exec 3>pipe
sed '/"id":"1","k":"bar"/q' stream >&3
until [ -s first ]; do sleep 0.05; done
rm -r lake
lines 1 1 | $sink --plain --create --columns id=long >/dev/null
sed '1,/"id":"1","k":"bar"/d' stream >&3
exec 3>&-
wait $!
echo "exit $?"
sed -E 's/^[^ ]*: //; s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g' first.err | mask
rows
