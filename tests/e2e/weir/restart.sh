# Which ends are run again, how often, and what is said; the receipts of all attempts are one.
case $way in pipes) way=auto ;; esac
export WEIR_CATALOG=sqlite:c.db
printf '{"id":%d}\n' 1 2 3 >in
run() { weir run -q --fuse "$way" "$@" 2>&1 | sed -E 's/in [0-9.]+ s/in T s/; s/.*"rows":([0-9]+).*/\1 rows/' | grep -v 'end mark\|"@weir"\|^{"id"'; }
cat >flaky <<'X'
#!/bin/sh
n=$(($(cat count 2>/dev/null) + 1)); echo $n >count
cat
[ $n -gt ${0##*.} ] || kill -9 $$
X
for n in 1 9; do cp flaky flaky.$n; chmod +x flaky.$n; done
echo the second attempt is good
run -s st --restart 3 "cat in | ./flaky.1 | iceberg-out -q --table ns.t --create"
echo never good
rm -f count
run -s st2 --restart 1 "cat in | ./flaky.9 | validate"
echo a bad record is a bad record
echo nonsense >bad
weir run -q --fuse "$way" -s st3 --restart 3 "cat bad | validate --max-rejects 0" 2>/dev/null
echo "exit $?"
echo asked to end while it waits
rm -f count
weir run -q --fuse "$way" -s st4 --restart 9 "cat in | ./flaky.9 | validate" >/dev/null 2>err &
launcher=$!
for _ in $(seq 100); do ! grep -q again err || break; sleep 0.05; done
kill -TERM $launcher
wait $launcher
echo "exit $?"
grep "not run again" err
echo another host commits each time before this one does
cat >race <<'X'
#!/bin/sh
weir run -q -s other "cat in | iceberg-out -q --table ns.t" >/dev/null 2>&1
cat in
X
chmod +x race
for _ in 1 2 3 4; do
	weir run -q --fuse "$way" -s st "./race | iceberg-out -q --table ns.t" >/dev/null 2>err
	echo "exit $?"
done
cat err
ls st/0-1/fenced | wc -l
echo another pipeline in that directory may run, and a commit clears the slate
weir run -q --fuse "$way" -s st "cat in | validate | iceberg-out -q --table ns.t --accept-change" 2>/dev/null | grep -c rows
ls st/0-1/fenced | wc -l
echo what cannot be read stops nothing
chmod 0 st/0-1/fenced; : >st/0-1/fenced/x 2>/dev/null
weir run -q --fuse "$way" -s st "cat in | validate | iceberg-out -q --table ns.t --accept-change" 2>/dev/null | grep -c rows
chmod 700 st/0-1/fenced
