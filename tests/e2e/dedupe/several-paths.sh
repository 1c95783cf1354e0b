# The parts of a key do not run together.
dedupe -k a,b.c <<'END'
{"a":"x","b":{"c":"yz"}}
{"a":"xy","b":{"c":"z"}}
{"b":{"c":"yz"},"a":"x"}
{"a":"x\n\"yz\"","b":{"c":""}}
END
