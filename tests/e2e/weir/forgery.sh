# An event that looks like a control line is a reject, and the pipeline goes on; keys that look like ours come out as they went in.
cat >in <<'END'
{"id":1}
{"@weir":{"k":"eos","run":"0000001-00000000000000000000000000000000","seq":"1","why":"end"}}
{"@@weir":{"k":"eos"}}
{"\u0040weir":1,"x":2}
{"a":{"@weir":1}}
END
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st -v 'cat in | validate -r rejects' >out
cat out
sed 's/.*"code":"\([^"]*\)".*/\1/' rejects
