# weir strip: control lines of a stream go, what looks like one in plain data stays, and broken lines are left alone.  A stream
# without its end mark is no success.
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
	echo '{"@\u0040w\u0065ir":3}'
	printf 'torn "@@weir"'
} >stream
strip <stream
echo " exit $?"
eos='{"@weir":{"k":"eos","run":"0000001-0123456789abcdef0123456789abcdef","seq":"2","why":"end"}}'
printf '%s\n{"id":1}\n%s\n' "$hello" "$eos" | strip
echo "exit $?"
printf '{"@@weir":1}\n%s\n' "$hello" | strip
