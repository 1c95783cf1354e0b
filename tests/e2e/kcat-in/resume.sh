# A bounded run ends at a position; the next one goes on there, and partitions it does not read are carried forward.
. "$cases/broker"
cat >records <<'END'
{"partition":0,"value":"{\"n\":0}"}
{"partition":0,"value":"{\"n\":1}"}
{"partition":1,"value":"{\"n\":2}"}
{"partition":1,"value":"{\"n\":3}"}
END
start_broker --records records --partitions 2
"$top_builddir/tools/kcat-in/kcat-in" --control -b "$addr" -t events -p 1 -c 1 >first
grep -v @weir first
off=$(sed -n 's/.*"off":\({.*}\),"run":"[^"]*","seq":.*/\1/p' first | tail -n 1)
run=$(sed -n 's/.*"k":"bar".*"run":"\([^"]*\)".*/\1/p' first)
"$top_builddir/tools/kcat-in/kcat-in" --control -b "$addr" -t events -e --resume "{\"off\":$off,\"pipe\":\"p\",\"token\":\"$run/1\"}" >second
grep -v @weir second | sort
sed -n 's/.*"k":"bar","last":"\([^"]*\)".*"next":\({[^}]*}\).*/\1 \2/p' first second
