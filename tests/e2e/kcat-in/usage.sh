# Each has a remedy.
for args in '-t a' '-b b' '-b b -t a,,b' '-b b -t a -o nowhere' '-b b -t a -p x' '-b b -t a --shard 3/3' '-b b -t a operand' '-b b -G g' \
    '-b b -G g -p 1 t' '-b b -t a -X nonsense' '-b b -t a -o 1 -o 2' '-b b -t a --timeout 2h'; do
	kcat-in --plain $args
	echo "$? $args"
done 2>&1
