# The table was rolled back by another program: stop; load again; leave out.
. "$cases/guard"
snapshot() { sed -n 's/.*"snapshot_id":"\([0-9]*\)".*/\1/p'; }
on() { feed --resume "$(position "$@")" a; }
lines 1 20 >a
first=$(feed a | $sink --create --columns id=long | snapshot)
lines 21 30 >>a
second=$(on | $sink | snapshot)
names() { sed -e "s/$first/FIRST/g; s/$second/SECOND/g"; }
lines 31 40 >>a
cp -r lake before
roll_back "$first"
rows
echo 'stop'
try 'feed a | $sink' | names
try position | names
try 'weir run -q -s d "$replay a | $sink"' | names
rows
echo 'replay: the rows that were rolled back come again, once'
try 'on --after-rollback replay | $sink --after-rollback replay'
rows
try 'feed --resume "$(position)" a | $sink'
echo 'keep: they stay out'
rm -r lake; mv before lake
roll_back "$first"
try 'on --after-rollback keep | $sink --after-rollback keep'
rows
cat rows | sed -n '20,21p'
