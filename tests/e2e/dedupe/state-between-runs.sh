# With -s the keys outlive the run; a shorter --ttl forgets on the way in, another --key is another state.
dedupe -k id --time t:s --ttl 1h -s state <<'END'
{"id":1,"t":1000}
{"id":2,"t":3000}
END
echo --
dedupe -k id --time t:s --ttl 1h -s state <<'END'
{"id":1,"t":3100}
{"id":2,"t":3100}
{"id":3,"t":3100}
END
echo -- ttl 10m
dedupe -k id --time t:s --ttl 10m -s state <<'END'
{"id":1,"t":3100}
{"id":3,"t":3100}
END
echo -- another key
dedupe -k user --time t:s -s state </dev/null 2>err; echo $?
