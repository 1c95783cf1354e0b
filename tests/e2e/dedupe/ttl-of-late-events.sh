# An event older than the watermark minus --ttl passes unremembered; but it is a duplicate of a key that lives.
dedupe --key id --time t:s --ttl 1h <<'END'
{"id":1,"t":100000}
{"id":2,"t":10000}
{"id":2,"t":10000}
{"id":1,"t":10000}
END
