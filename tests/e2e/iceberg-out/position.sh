# --position and --recover: none, one, several; by name.
. "$cases/guard"
lines 1 5 >a
try position
lines 1 1 | $sink --plain --create --columns id=long >/dev/null
for o in --position --recover; do
	$sink $o; echo "exit $?"
done
feed --topic x a | $sink --pipeline p/q >/dev/null
for o in --position --recover; do
	$sink $o | mask
done
feed --topic y a | $sink --pipeline r >/dev/null
for o in --position --recover; do
	$sink $o 2>&1; $sink $o >/dev/null 2>&1; echo "exit $?"
	$sink $o --pipeline r | mask
	$sink $o --pipeline p/q/0/1 | mask
	$sink $o --pipeline unknown | mask
done
