# weir strip: control lines of a stream go, what looks like one in plain data stays, and broken lines are left alone.
strip() { command weir strip; }
hello='{"@weir":{"k":"hello","run":"0000001-0123456789abcdef0123456789abcdef","seq":"0","v":"1"}}'
{
	echo "$hello"
	echo '{"@@weir":1,"x":{"@@weir":2}}'
	echo 'no JSON "@@weir"'
	echo '["@weir"]'
	echo '"@weir"'
	echo ' {"@@@weir":{}} '
	echo '{"@weir":{"k":"wm"}}'
	printf 'torn "@@weir"'
} | strip
echo
printf '{"@@weir":1}\n%s\n' "$hello" | strip
