# Two hosts run the same pipeline: the second to commit is refused, and everything is there once.
. "$cases/guard"
lines 1 40 >a
feed --poll 10 --epoch 0,20 a >stream
mkfifo pipe
$sink --create --columns id=long <pipe >first 2>first.err &
exec 3>pipe
sed '/"id":"1","k":"bar"/q' stream >&3
until [ -s first ]; do sleep 0.05; done
echo 'one has committed its first epoch; the other goes on from there, and commits the rest'
try 'feed --resume "$(position)" a | $sink'
sed '1,/"id":"1","k":"bar"/d' stream >&3
exec 3>&-
wait $!
echo "and so the first: exit $?"
sed 's/^[^ ]*: //' first.err | mask
rows
echo 'no file of the loser is left'
ls lake/ns/t/data | wc -l
echo 'run again, it has nothing to do'
try 'feed --resume "$(position)" a | $sink'
