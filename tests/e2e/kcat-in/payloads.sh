# Payloads go through byte for byte; newlines between tokens become blanks; what is no JSON object is a reject.
. "$cases/broker"
cat >records <<'END'
{"value":"{\"a\": 1.50, \"b\":\"\\u00fc\"}"}
{"value":"{\n\t\"n\":\n2 }\n"}
{"value":"{}"}
{"value":"[1]"}
{"value":"{\"a\":"}
{"value":"{\"a\":\"x\ny\"}"}
{"hex":"7b2261223a22ff227d"}
{"value":"{\"a\":1,\"a\":2}"}
{"value":""}
{"key":"gone","value":null}
{"value":"  {\"last\":true}"}
END
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t events -e -r rejects
grep -o '"code":"[^"]*"\|"offset":[0-9]*' rejects | paste - -
