# Numbers are compared as written, and are not the strings of the same digits; objects and arrays are compared as written too.
dedupe -k id <<'END'
{"id":1}
{"id":1.0}
{"id":"1"}
{"id":1e0}
{"id":9007199254740993}
{"id":9007199254740992}
{"id":true}
{"id":"true"}
{"id":[1,2]}
{"id":[1, 2]}
{"id":[1,2]}
END
