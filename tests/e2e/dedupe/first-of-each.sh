# The first event of each key passes, byte for byte as it came, white space included.
dedupe -k id <<'END'
{"id":1,"v":"first"}
 { "id" : 2 , "v":"second" } 
{"id":1,"v":"again"}
{"id":2}
{"v":"third","id":3}
END
