# Epochs without rows are held; the commit that covers them has their accounts, and a run that ends with one leaves its position.
. "$cases/guard"
few() { validate -q --max-rejects 100% --check ".id % 40 == 0" 2>/dev/null; }
lines 1 100 >a
feed --poll 10 --epoch 0,10 a | few | $sink --create --columns id=long --empty-commit 0 | sed -E 's/.*"acct":(.*),"bytes.*"off":(.*),"pipe.*"rows":([0-9]+).*/\1 \2 rows \3/'
rows
echo 'the run that ended with a held epoch can be gone on from'
lines 101 120 >>a
feed --resume "$(position)" --poll 10 --epoch 0,10 a | few | $sink --empty-commit 0 | sed -E 's/.*"acct":(.*),"bytes.*"off":(.*),"pipe.*"rows":([0-9]+).*/\1 \2 rows \3/'
rows
echo 'nothing new: no snapshot for it'
feed --resume "$(position)" a | few | $sink
echo '--empty-commit: a position that was held for so long gets a snapshot of its own'
lines 1 20 >b
feed --topic b --poll 5 --epoch 0,5 b | few | cat >stream
slowly() { while IFS= read -r line; do case $line in *'"k":"bar"'*) sleep 0.2 ;; esac; printf '%s\n' "$line"; done <stream; }
slowly | iceberg-out -q --table ns.u --create --columns id=long --empty-commit 100ms | sed 's/.*"off":\(.*\),"pipe.*/\1/'
echo 'or not'
slowly | iceberg-out -q --table ns.v --create --columns id=long --empty-commit 1h | sed 's/.*"off":\(.*\),"pipe.*/\1/'
