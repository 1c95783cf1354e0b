# Strings are compared as values: an escape that need not be there makes no other key.
dedupe -k id <<'END'
{"id":"a/ä"}
{"id":"\u0061/ä"}
{"id":"a\/\u00e4"}
{"id":"A/ä"}
{"id":"\ud83d\ude00"}
{"id":"😀"}
{"id":"a\u0000b"}
{"id":"a\u0000c"}
{"id":"a\u0000b"}
END
