#!/bin/sh
# Broken input, broken files, broken machines: for each kind the exit code and the message, printed as a table; and after each that was
# to go into an Iceberg table the table is what it was before, row for row, and the next good run commits.
: "${top_srcdir:?}" "${top_builddir:?}"
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-broken.XXXXXX") || exit 99
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C TZ=UTC HOME="$dir/home" XDG_STATE_HOME="$dir/state"
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_LAST WEIR_CATALOG WEIR_SUMMARY WEIR_CLOCK
mounted=
finish() {
	exec 7>&- 8>&- 9>&-
	[ -z "$mounted" ] || umount "$dir/small"
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$dir" && cd "$dir" && mkdir home || exit 99

n=0 failed=0
verdict() { # 0 or not, NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=$((failed + 1)); fi
}
skip() { # NAME, WHY: not with CI=true
	n=$((n + 1))
	if [ "${CI-}" = true ]; then echo "not ok $n - $1: $2"; else echo "ok $n - $1 # SKIP $2"; fi
}

# The table that broken input is to go into, and what can be seen of it.
table='--table ns.t' sink='iceberg-out --table ns.t --pipeline t' usual='sqlite:warehouse/catalog.db?timeout=300'
export table sink WEIR_CATALOG="$usual"
look() { # FILE: snapshots, files, rows
	for what in --snapshots --files ''; do
		iceberg-in --plain $table $what || echo "iceberg-in $what: exit $?"
	done >"$1" 2>&1
}
commits() { grep -c '^{"snapshot_id"' "$1"; }
rows() { sed '1,/^{"path"/d' "$1" | grep -vc '^{"path"'; }

run() { sh -c "$1" >out 2>err </dev/null; echo $?; }
said() { # FRAGMENT: in one message, any address masked
	sed "s|$dir/||g; s/127\.0\.0\.1:[0-9]*/BROKER/g" err >said
	grep -qF -e "$1" said
}
line() { # NAME, CODE: a row of the table; the message is the line that has the fragment, else the last one
	text=$(grep -aF -m1 -e "$3" said || tail -n 1 said)
	text=$(printf %s "$text" | sed 's/^{"stage":"\([^"]*\)","code":"\([^"]*\)",\("path":"\([^"]*\)",\)*"message":"\(.*\)","run".*/\1: rejected (\2) \4: \5/')
	printf '# %-34s %4s  %s\n' "$1" "$2" "$(printf %s "$text" | cut -c1-200)"
}

# NAME, CODE, FRAGMENT, COMMAND.  A command with $way runs in processes of their own and fused.
row() {
	bad=0
	case $4 in *'$way'*) ways='no auto' ;; *) ways=plain ;; esac
	for way in $ways; do
		export way
		code=$(run "$4")
		said "$3"; r=$?
		[ $r = 0 ] || echo "# $1 ($way): the message does not say '$3'"
		[ "$code" = "$2" ] || { echo "# $1 ($way): exit $code, expected $2"; r=1; }
		! grep -q 'Sanitizer\|runtime error' err || r=1
		[ $r = 0 ] || { bad=1; sed 's/^/#   /' said | cut -c1-400; }
	done
	line "$1" "$code" "$3"
	[ -n "${inside-}" ] || verdict $bad "$1"
}

# The same for what goes into the table.  BREAK and MEND are done before and after it.
good='weir run -q --fuse auto "cat good | $sink"'
into() { # NAME, CODE, FRAGMENT, COMMAND, BREAK, MEND
	look before
	eval "${5-}"
	inside=1
	row "$1" "$2" "$3" "$4"
	inside=
	eval "${6-}"
	look after
	cmp -s before after || { bad=1; echo "# $1: the table changed:"; diff before after | sed 's/^/#   /' | cut -c1-300 | head -n 20; }
	code=$(run "$good")
	look later
	[ "$code" = 0 ] && [ "$(commits later)" = $(($(commits before) + 1)) ] && [ "$(rows later)" = $(($(rows before) + 1)) ] ||
		{ bad=1; echo "# $1: the good run after it: exit $code, $(commits before) to $(commits later) commits, $(rows before) to $(rows later) rows"
		sed 's/^/#   /' err; }
	verdict $bad "$1"
}

# Another process that holds the catalog, until let_go.
hold() {
	rm -f held
	[ -p hold ] || mkfifo hold
	sqlite3 warehouse/catalog.db <hold & holder=$!
	exec 8>hold
	printf 'BEGIN EXCLUSIVE;\n.shell touch held\n' >&8
	for i in $(seq 200); do [ ! -e held ] || return; sleep 0.05; done
	echo '# the lock of the catalog was not to be had'
}
let_go() { exec 8>&-; wait $holder; }

# ---- what is broken ----
printf '{"id":1}\n' >good
printf '{"id":1}\nnot json\n{"id":2}\n' >not-json
printf '{"id":1}\n{"id":2' >cut
{ printf '{"id":1,"s":"'; head -c 2097152 /dev/zero | tr '\0' x; printf '"}\n'; } >long
printf '{"id":"one"}\n' >type
printf '{"id":1.5}\n' >fraction
printf '{"s":"x"}\n' >no-key
printf '{"id":1,"s":"a\000b"}\n' >nul
printf '{"id":1,"s":"\377"}\n' >utf8
printf '{"id":1,"s":"x","s":"y"}\n' >twice
{ printf '{"id":1,"s":'; head -c 200 /dev/zero | tr '\0' '['; head -c 200 /dev/zero | tr '\0' ']'; printf '}\n'; } >deep
printf '{"id":1,"other":5}\n' >member
printf '[1]\n' >array
seq 200000 | sed 's/.*/{"id":&}/' >many
echo '{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}' >schema.json
echo '{"type":"object","properties":{"id":' >broken.json
echo '{"type":"object","properties":{"id":{"type":"int"}}}' >word.json
iceberg-out -q --plain $table --create --columns id=long,s=string <good >out || exit 99
[ "$(run "$good")" = 0 ] || exit 99

printf '# %-34s %4s  %s\n# %s\n' what exit message "$(printf %0120d 0 | tr 0 -)"

# ---- events ----
all='--max-rejects 0'
export all
filter='weir run -q --fuse $way "cat $f | validate $all -r fd:2 | $sink --accept-change"'
event() { f=$3; export f; into "$1" 65 "$2" "$filter"; }
event 'not JSON' '"code":"not-json","message":"not a number, true, false or null' not-json
event 'no object' '"code":"not-object"' array
event '2 MB line' '"code":"long-line","message":"a line of 2097167 bytes, longer than --max-line 1048576' long
event 'NUL' '"code":"not-json","message":"a control character in a string' nul
event 'invalid UTF-8' '"code":"utf-8"' utf8
event 'deep nesting' 'nested deeper than 128 levels; --max-depth sets the limit' deep
event 'key twice in an object' '"code":"duplicate-key"' twice
f=cut
into 'truncated last line' 65 'its last line has no newline' 'weir run -q --fuse $way "cat cut | validate | $sink --accept-change"'
into 'truncated last line, plain' 65 'the text ends in the middle (byte 7)' 'iceberg-out --plain $all $table <cut'
into 'wrong type, schema' 65 '"path":"/id","message":"expected integer, got string' \
	'weir run -q --fuse $way "cat type | validate $all --schema schema.json -r fd:2 | $sink --accept-change"'
into 'wrong type, column' 65 '"message":"is \"one\", a string; its column (long) takes an integer' \
	'weir run -q --fuse $way "cat type | $sink $all -r fd:2 --accept-change"'
into 'number that does not fit' 65 'its column (long) takes an integer of 64 bits' 'iceberg-out --plain $all $table <fraction'
into 'missing key, schema' 65 'member \"id\" is missing' \
	'weir run -q --fuse $way "cat no-key | validate $all --schema schema.json -r fd:2 | $sink --accept-change"'
into 'missing key, dedupe' 65 'rejected (no-key) id: id is missing' 'dedupe $all -k id <no-key'
into 'member without a column' 65 'add it with --evolve add, keep it with --rest' 'iceberg-out --plain $all $table <member'
row 'NUL, shown' 0 '(byte 14): {"id":1,"s":"a b"}' 'validate <nul'
row 'invalid UTF-8, log as JSON' 0 '{\"id\":1,\"s\":\"?\"}' 'validate --log json <utf8'
row 'escape codes for a terminal' 0 '"s":" [2J"' 'printf "{\"id\":1,\"s\":\"\033[2J\"}\n" | validate'

# ---- files of one's own ----
into 'schema file: cut off' 78 'broken.json:2: the text ends in the middle' \
	'weir run -q --fuse $way "cat good | validate --schema broken.json | $sink --accept-change"'
into 'schema file: no such type' 78 'word.json:1: /properties/id/type' \
	'weir run -q --fuse $way "cat good | validate --schema word.json | $sink --accept-change"'
into 'schema file: missing' 78 '--schema none.json: No such file' \
	'weir run -q --fuse $way "cat good | validate --schema none.json | $sink --accept-change"'
printf 'id,name\n1,a\n1,b\n' >twice.csv
printf 'id,name\n1,"a\n' >quote.csv
echo 'not a database, and long enough that it could be one if it only wanted to be one............................' >text.db
lookup='weir run -q --fuse $way "cat good | enrich --on id --lookup u=$f | $sink --accept-change"'
table_file() { f=$3; export f; into "$1" 78 "$2" "$lookup"; }
table_file 'lookup file: open quote' 'quote.csv:2: the quote that opens here is never closed' csv:quote.csv
table_file 'lookup file: key twice' "twice.csv:3: key '1' stands in line 2 too" csv:twice.csv
table_file 'lookup file: broken NDJSON' 'not-json:2: not a number' ndjson:not-json,key=id
table_file 'lookup file: no database' 'text.db: file is not a database' sqlite:text.db
table_file 'lookup file: missing' 'cannot open none.csv: No such file' csv:none.csv

# ---- words ----
into 'pipeline: no such stage' 78 "'dedup' is no stage and no program; is it dedupe?" 'weir run -q --fuse $way "cat good | dedup -k id | $sink"'
into 'pipeline: shell word' 64 "column 21 of the pipeline: an unquoted > is for a shell" 'weir run -q "cat good | validate > x | $sink"'
into 'pipeline: stage missing' 64 'a stage is missing here' 'weir run -q "cat good | | $sink"'
into 'unknown option' 64 "unknown option '--accept'; --help lists them" 'weir run -q --fuse $way "cat good | dedupe -k id --accept | $sink"'
into 'table missing without --create' 78 'table ns.none does not exist in sqlite:warehouse/catalog.db: --create makes it' \
	'weir run -q --fuse $way "cat good | iceberg-out --table ns.none"'
into 'table of another schema' 78 'column id of table ns.t is long, --columns says string' \
	'weir run -q --fuse $way "cat good | $sink --columns id=string"'
into 'no branch of this name' 78 'table ns.t has no branch dev' 'weir run -q --fuse $way "cat good | $sink --ref dev"'
table='--table ns.c' sink='iceberg-out --table ns.c'	# a pipeline without a name of its own
code=$(run 'weir run -q "cat good | $sink --create --columns id=long,s=string"')
into 'stages changed' 78 'Go on all the same: --accept-change. A second feed beside it: --pipeline' 'weir run -q --fuse $way "cat good | validate | $sink"'
table='--table ns.t' sink='iceberg-out --table ns.t --pipeline t'

# ---- the stream ----
weir run -q --fuse no -s st-framed 'cat many | validate --pipeline f' 2>err | cat >framed
grep -c '"@weir"' framed | grep -qx 3 || { cat err; echo 'Bail out! no framed stream'; exit 99; }
head -n 100 framed >framed-cut
head -c 5000 framed >framed-torn
sed 50d framed >framed-lost
grep -v '"bar"' framed >framed-nobar
into 'framed stream cut' 75 'input ended without its end mark' 'iceberg-out $table --pipeline f <framed-cut'
into 'framed stream cut in a line' 76 'the last line of the input is cut off' 'iceberg-out $table --pipeline f <framed-torn'
into 'framed stream, line lost' 76 'line count of epoch 1 is 199999, 200000 were announced' 'iceberg-out $table --pipeline f <framed-lost'
into 'framed stream, barrier lost' 76 'control line 1 is missing' 'iceberg-out $table --pipeline f <framed-nobar'
into 'stream of another position' 77 'this pipeline (t) has already committed up to' '$sink --accept-change <framed'
into 'unwrapped filter' 64 'no hello from upstream' 'grep -v @weir framed | $sink'
into 'unwrapped filter in a run' 76 'put it behind `weir wrap --`' 'cat good | WEIR_RUN=0000001-0123456789abcdef0123456789abcdef $sink'
into 'source died at once' 75 'input ended before its first line' 'WEIR_RUN=0000001-0123456789abcdef0123456789abcdef iceberg-out $table --pipeline f </dev/null'
into 'foreign source fails' 75 'weir: cat: exit 1' 'weir run -q --fuse $way "cat good nowhere | $sink"'
into 'foreign filter fails' 75 'weir: false: exit 1' 'weir run -q --fuse $way -s false-$way "cat good | false | iceberg-out $table --pipeline false-$way"'
gone='{ weir run -q --fuse $way "cat many | validate"; echo $? >code; } | head -n 1; exit $(cat code)'
row 'reader gone' 69 'validate: the reader of the output is gone' "$gone"
row 'reader gone, one stage' 69 'validate: the reader of the output is gone' '{ validate <many; echo $? >code; } | head -n 1; exit $(cat code)'
row 'reader gone, table' 69 'iceberg-in: the reader of the output is gone' '{ iceberg-in --plain $table; echo $? >code; } | :; exit $(cat code)'

# ---- state ----
stateful='weir run -q --fuse $way -s st "cat good | dedupe -k id --no-key pass | iceberg-out $table --pipeline p"'
good='way=auto; '$stateful
next=100
state() { next=$((next + 1)); echo "{\"id\":$next}" >good; into "$@"; }	# a key that was not seen before
code=$(way=no run "$stateful")
[ "$code" = 0 ] || { sed 's/^/# /' err; echo 'Bail out! no state'; exit 99; }
snapshots() { find st -name dedupe.base; }
keep() { snapshots | while read -r s; do mv "$s" "$s.kept"; eval "$1"; done; }
restore() { find st -name dedupe.base.kept | while read -r s; do mv -f "$s" "${s%.kept}"; done; }
state 'state snapshot: a byte changed' 81 'dedupe.base is damaged (its checksum); --state-reset goes on without it' "$stateful" \
	'keep "cp \$s.kept \$s; printf X | dd of=\$s bs=1 seek=40 conv=notrunc 2>/dev/null"' restore
state 'state snapshot: cut off' 81 'dedupe.base is damaged' "$stateful" 'keep "head -c 40 \$s.kept >\$s"' restore
state 'state snapshot: missing' 81 'dedupe.base is missing; --state-reset goes on without it' "$stateful" 'keep :' restore
state 'state directory lost' 81 'it was removed, or -s was another one; --state-reset goes on without it' "$stateful" 'mv st kept' 'rm -rf st; mv kept st'
state 'state of other options' 81 'was made with --key id, now it is --key s: put the options back' \
	'weir run -q --fuse $way -s st "cat good | dedupe -k s --no-key pass | iceberg-out $table --pipeline p --accept-change"'
state 'state of another pipeline' 81 'st belongs to the pipeline p, not to q; take another directory with -s' \
	'weir run -q --fuse $way -s st "cat good | iceberg-out $table --pipeline q"'
state 'state: pipeline.json broken' 81 'pipeline.json' "$stateful" 'cp st/pipeline.json kept; echo "{" >st/pipeline.json' 'mv kept st/pipeline.json'
mkfifo slow
state 'same pipeline runs already' 75 'this pipeline runs already: st is locked by another process' "$stateful" \
	'weir run -q -s st "cat slow | dedupe -k id | iceberg-out $table --pipeline p --accept-change" >other 2>&1 & other=$!; exec 7>slow' 'exec 7>&-; wait $other'
echo '{"id":1}' >good
good='weir run -q --fuse auto "cat good | $sink"'

# ---- the machine ----
simple='weir run -q --fuse $way "cat good | $sink"'
into 'catalog locked' 75 'is locked by another program (waited 300 ms)' "$simple" hold let_go
into 'catalog is no database' 78 'file is not a database' "$simple" 'mv warehouse/catalog.db kept; cp text.db warehouse/catalog.db' 'mv kept warehouse/catalog.db'
into 'catalog missing' 78 'warehouse/catalog.db does not exist' "$simple" 'mv warehouse/catalog.db kept' 'mv kept warehouse/catalog.db'
m=warehouse/ns/t/metadata
into 'table metadata missing' 81 'which does not exist' "$simple" "mv $m kept" "mv kept $m"

# Permissions: root has them all, unless he gives up two.
for may in '' 'setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search' 'setpriv --reuid=65534 --regid=65534 --clear-groups'; do
	rm -f secret && echo x >secret && chmod 0 secret
	if $may validate -h >/dev/null 2>&1 && ! $may cat secret >/dev/null 2>&1; then break; fi
	may=none
done
export may
if [ "$may" = none ]; then
	skip 'no permission' 'root is allowed everything here, and setpriv does not work'
else
	p=warehouse/ns/t
	as='$may weir run -q -s mine --fuse $way "cat good | $sink"'
	into 'no permission: data' 78 'cannot create warehouse/ns/t/data/' 'cat good | $may iceberg-out --plain $table' "chmod 555 $p/data" "chmod 755 $p/data"
	into 'no permission: metadata' 78 'cannot create warehouse/ns/t/metadata/' 'cat good | $may iceberg-out --plain $table' \
		"chmod 777 $p/data; chmod 555 $p/metadata" "chmod 755 $p/data $p/metadata"
	into 'no permission: catalog' 78 'cannot open it: Permission denied' 'cat good | $may iceberg-out --plain $table' \
		'chmod 0 warehouse/catalog.db' 'chmod 644 warehouse/catalog.db'
	into 'no permission: catalog, writing' 78 'no permission to write to the file, or to its folder' 'cat good | $may iceberg-out --plain $table' \
		"chmod 777 $p/data $p/metadata; chmod 444 warehouse/catalog.db" "chmod 755 $p/data $p/metadata; chmod 644 warehouse/catalog.db"
	mkdir mine && chmod 0 mine
	into 'no permission: state' 78 'cannot open the state directory mine: Permission denied' "$as"
	into 'no permission: schema file' 78 'secret cannot be opened: Permission denied' '$may validate --schema secret <good'
	into 'no permission: lookup file' 78 'cannot open secret: Permission denied' '$may enrich --lookup u=csv:secret --on id <good'
	into 'no permission: rejects' 78 'cannot open secret: Permission denied' '$may validate -r secret <not-json'
fi

# No room: a file system of 512 KiB, and the limit of file sizes.
room='make room and run it again'
into 'output full' 74 "cannot write the output: No space left on device; $room" 'validate <many >/dev/full'
into 'file too large' 74 '.parquet: File too large; raise the limit of file sizes (ulimit -f)' 'ulimit -f 8; iceberg-out --plain $table <many'
into 'file too large: output' 74 'cannot write the output: File too large' 'ulimit -f 8; validate <many >big'
mkdir small
if ! mount -t tmpfs -o size=512k weir-broken small 2>/dev/null; then
	n=$((n + 1))
	echo "ok $n - disk full: a file system of its own # SKIP mount is not allowed here; see 'file too large'"
else
	mounted=1
	fill() { rm -f small/fill; dd if=/dev/zero of=small/fill bs=4k 2>/dev/null; [ "$1" = 0 ] || truncate -s -$(($1 * 4096)) small/fill; }
	base64 -w 60 /dev/urandom | head -n 20000 | awk '{ printf "{\"id\":%d,\"s\":\"%s\"}\n", NR, $0 }' >wide
	usual_state=$XDG_STATE_HOME XDG_STATE_HOME=$PWD/state-files	# another table: another directory
	WEIR_CATALOG='sqlite:files.db?timeout=300'
	iceberg-out -q --plain $table --create --warehouse small/w --columns id=long,s=string <good >out
	into 'disk full: data file' 74 ".parquet: No space left on device; $room" 'weir run -q --fuse $way "cat wide | $sink"'
	into 'disk full: new file' 74 "No space left on device; $room" "$simple" 'fill 0' 'rm small/fill'
	into 'disk full: manifest' 74 '-m0.avro: No space left' 'iceberg-out --plain $table <good' 'fill 1' 'rm small/fill'
	into 'disk full: table metadata' 74 ".metadata.json: No space left" 'iceberg-out --plain $table <good' 'fill 3' 'rm small/fill'
	XDG_STATE_HOME=$PWD/state-small
	WEIR_CATALOG='sqlite:small/catalog.db?timeout=300'
	iceberg-out -q --plain $table --create --warehouse "$PWD/w2" --columns id=long,s=string <good >out
	into 'disk full: catalog' 74 'the catalog sqlite:small/catalog.db' "$simple" 'fill 0' 'rm small/fill'
	WEIR_CATALOG=$usual XDG_STATE_HOME=$usual_state
	into 'disk full: state' 74 "No space left on device; $room" \
		'weir run -q --fuse $way -s small/st "cat wide | dedupe -k id | iceberg-out $table --pipeline full"' 'fill 2' 'rm -rf small/fill small/st'
	into 'disk full: rejects' 74 "cannot write small/rejects: No space left on device; $room" \
		'weir run -q --fuse $way "cat long | validate -r small/rejects | $sink --accept-change"' 'fill 0' 'rm -f small/fill small/rejects'
fi

# ---- Kafka ----
kafka='weir run -q --fuse $way "kcat-in -b $broker -t $topic -e --timeout 300ms | iceberg-out $table --pipeline k --create"'
export broker=127.0.0.1:1 topic=orders
into 'broker down' 75 'no broker answers at BROKER: connection refused' "$kafka"
broker=nowhere.invalid:9092
into 'broker without address' 75 'no broker answers at nowhere.invalid:9092' "$kafka"
server=$top_builddir/contrib/demo/weir-demo-broker
if [ ! -x "$server" ]; then
	skip 'unknown topic' 'there is no weir-demo-broker'
else
	mkfifo alive
	echo '{"topic":"orders","value":"{\"id\":7}"}' >records
	"$server" --records records --partitions 1 <alive >address 2>broker.log &
	exec 9>alive
	for i in $(seq 100); do [ ! -s address ] || break; sleep 0.1; done
	broker=$(cat address) topic='orders-$way'	# the mock makes a topic that was asked for
	# The good run reads the one record there is.
	good='weir run -q --fuse auto "kcat-in -b $broker -t orders -e | iceberg-out $table --pipeline k"'
	into 'unknown topic' 78 'does not exist on BROKER; similar: orders' 'topic=orders-$way; '"$kafka"
	topic='orders -p 5'
	good='weir run -q --fuse auto "cat good | $sink"'
	into 'unknown partition' 78 'partition 5' "$kafka"
fi

echo "1..$n"
[ $failed = 0 ] || echo "# $failed of $n failed"
