# A run is used once: what it wrote is not written again.
. "$cases/guard"
lines 1 40 >a
eval "$(weir begin -s d -- $sink --create)"
feed --poll 10 --epoch 0,20 a >stream
mkfifo pipe
$sink --create --columns id=long <pipe >first 2>first.err &
exec 3>pipe
sed '/"id":"1","k":"bar"/q' stream >&3
until [ -s first ]; do sleep 0.05; done
echo 'the second epoch is prepared and cannot be committed'
mkdir lake/ns/t/metadata/v3.metadata.json
sed '1,/"id":"1","k":"bar"/d' stream >&3
exec 3>&-
wait $!
echo "exit $?"
sed 's/^[^ ]*: //' first.err | mask
rmdir lake/ns/t/metadata/v3.metadata.json
ls lake/ns/t/data | wc -l
echo 'the same run again'
( WEIR_RESUME=$(position); try 'feed a | $sink' )
go_on() { ( eval "$(weir begin -s d -- $sink)"; try 'feed a | $sink' ); }
go_on
unset WEIR_RUN WEIR_RESUME
rows
