# A table that changes is read anew; one that cannot be read leaves the old rows, and says so once.
mkfifo in
printf 'id,v\n1,old\n' >t.csv
: >out
enrich --lookup u=csv:t.csv --on id --set v=u.v <in >out 2>err &
pid=$!
exec 3>in
ask() { # send an event, wait for its answer
	n=$(wc -l <out)
	echo '{"id":1}' >&3
	for i in $(seq 500); do
		test $(wc -l <out) -gt $n && break
		sleep 0.02
	done
	tail -1 out
}
ask
printf 'id,v\n1,new\n' >t.new; mv t.new t.csv
sleep 1.1; ask
printf 'id,v\n1,"broken\n' >t.new; mv t.new t.csv
sleep 1.1; ask
sleep 1.1; ask
rm t.csv
sleep 1.1; ask
printf 'id,v\n1,back\n' >t.new; mv t.new t.csv
sleep 1.1; ask
exec 3>&-
wait $pid; echo $?
cat err
