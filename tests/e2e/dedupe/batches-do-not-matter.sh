# Plain input gives the same lines whatever arrives together: all at once, or a few bytes at a time.
seq 3000 | awk '{ printf "{\"id\":%d,\"t\":%d}\n", $1 * 7919 % 251, $1 * 13 + $1 * 31 % 400 }' >in
dedupe -k id --time t:s --ttl 55m <in >once
dd if=in bs=37 status=none | dedupe -k id --time t:s --ttl 55m >pieces
cmp once pieces && wc -l <once
