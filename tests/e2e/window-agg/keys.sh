# Groups by value: escapes do not matter for strings; numbers, booleans, null and strings are apart.  Names as in SQL.
window-agg --time t:s --size 1m --by 'user.id,."odd key"' --agg 'n=count()' <<'END'
{"t":1,"user":{"id":"a"},"odd key":"q\"\\\n\u0000"}
{"t":1,"user":{"id":"\u0061"},"odd key":"q\u0022\u005c\u000a\u0000"}
{"t":1,"user":{"id":"b\u0000"},"odd key":"\u00fc/"}
{"t":1,"user":{"id":"b"},"odd key":"ü\/"}
{"t":1,"user":{"id":1},"odd key":true}
{"t":1,"user":{"id":"1"},"odd key":false}
{"t":1,"user":{"id":1.0},"odd key":null}
{"t":1,"user":{"id":null},"odd key":""}
{"t":1}
END
echo '{"t":1,"user":{"id":1},"org":{"id":2,"list":[3,4]}}' | window-agg --time t:s --size 1m --by 'user.id,org.id,org.list[1]' --agg 'n=count()'
echo '{"t":1,"user":{"id":1}}' | window-agg --time t:s --size 1m --by user.id --agg 'id=count()'
