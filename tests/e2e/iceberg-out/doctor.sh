# weir doctor tells where the feeds are, and what the store has room for.
. "$cases/guard"
told() { weir doctor "$1" | grep ' iceberg-out ' | sed -E 's/[0-9.]+ GB free/N GB free/; s/snapshot [0-9]{9,}/snapshot N/' | mask; }
lines 1 5 >a
told "$replay a | $sink --create"
weir run -q -s d "$replay a | $sink --create --columns id=long" >/dev/null
told "$replay a | $sink"
feed --topic x a | $sink --pipeline other >/dev/null
told "$replay a | $sink"
told "$replay a | $sink --file-size 1000000G"
