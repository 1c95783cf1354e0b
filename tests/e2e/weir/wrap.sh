# What a wrapped command may do: end badly, read little, close its output, leave its last line open, write more than a pipe holds.
printf '{"id":%d}\n' 1 2 3 >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st 'cat in | validate' | cat >framed
try() {
	{ command weir wrap "$@" <framed 2>err; echo $? >code; } | cat >out	# a file gets no control lines
	echo "exit $(cat code) $(grep -v @weir out | tr '\n' ' ')$(cut -c1-90 err)"
	# Whatever ended well is a whole stream again; nothing else is one.
	command validate <out >/dev/null 2>&1
	echo "  as input: exit $?"
}
try -- cat
try -- head -1
try -- true
try -- grep -v id
try -- sh -c 'cat; exit 3'
try --ok 0,3 -- sh -c 'cat; exit 3'
try --ok=3 -- sh -c 'cat; exit 1'
try -- ./no-such-command
try -- sh -c 'cat; printf x'
try -- sh -c 'kill -9 $$'
try -- sh -c 'exec cat >log'
cat log
try
