# What becomes of a command that does not do what a filter does: the same failure of the same epoch twice is no accident, one that
# does not end is ended, one that is not there is a matter of configuration.
printf '{"id":%d}\n' 1 2 3 >in
case $way in pipes) way=auto ;; esac
go() {
	weir run -q --fuse "$way" -s st "cat in | $1 | validate" 2>err
	echo "exit $? $(grep -v -e 'end mark' -e 'the reader of the output is gone' err)"
	ls st/0-1/wrap | wc -l
}
go "sh -c 'cat >/dev/null; exit 3'"
echo another way to fail
go "sh -c 'cat >/dev/null; exit 4'"
echo and the first one again
go "sh -c 'cat >/dev/null; exit 3'"
echo killed is no fault of its own
go "sh -c 'kill -9 \$\$'"
go "sh -c 'kill -9 \$\$'"
echo it does better
cat >better <<'X'
#!/bin/sh
cat; exit $(cat code)
X
chmod +x better
echo 5 >code; go ./better
echo 0 >code; go ./better
echo 5 >code; go ./better
weir run -q --fuse "$way" -s st2 'cat in | validate' | cat >framed
try() { command weir wrap "$@" <framed 2>&1 >out; echo "exit $?"; }
echo silent
try --silent 200ms -- sh -c 'cat >/dev/null; sleep 20'
try --silent 200ms -- sh -c 'exec >&-; cat >/dev/null; sleep 20'
try --silent 0 -- sh -c 'cat; sleep 0.3'
echo usage
try --ok 0,300 -- cat
try --ok 1, -- cat
try --okay 1 -- cat
try -- ./in
echo environment
env='cat >/dev/null; env | grep -cE "^WEIR_(RUN|STATE|RESUME|PIPELINE|SHARD|LAST|SUMMARY)="'
WEIR_RUN=x WEIR_STATE=y WEIR_RESUME=z command weir wrap --ok 1 -- sh -c "$env" <in
weir run -q --fuse "$way" -s st3 "cat in | sh -c 'cat >/dev/null; env | grep -c ^WEIR_R; true' | cat" 2>&1
echo descriptors
count='cat >/dev/null; ls /proc/self/fd | wc -l'
own=$(sh -c "$count" <in)
[ "$(command weir wrap -- sh -c "$count" <in)" = "$own" ] && echo none of ours
[ "$(weir run -q --fuse "$way" -s st4 "cat in | validate | sh -c '$count' | cat" 2>&1 | grep -v @weir)" = "$own" ] && echo none of ours
