# A stream that does not begin where the table is loads nothing, and the message has the command that does.
. "$cases/guard"
lines 1 20 >a
feed a | $sink --create --columns id=long >/dev/null
echo 'from the beginning again: would double everything'
try 'feed a | $sink'
rows
echo 'the command of the message goes on'
lines 21 30 >>a
resume=$(feed a | $sink 2>&1 >/dev/null | sed 's/.*kcat-in //')
eval "feed $resume a" | $sink >/dev/null; echo "exit $?"
rows
echo 'the right token, but other offsets: before it, and behind it'
lines 31 40 >>a
feed --resume "$(position)" a >stream
try 'sed "1s/\"0\":\"291\"/\"0\":\"191\"/" stream | $sink'
try 'sed "1s/\"0\":\"291\"/\"0\":\"301\"/" stream | $sink'
echo 'a partition that came since: from 0 it is taken, from 1 its first events would be lost'
lines 41 45 >b
feed --resume "$(position)" a b >stream
try 'sed "1s/\"1\":\"0\"/\"1\":\"1\"/" stream | $sink'
try '$sink <stream'
rows
echo 'a commit of a pipeline that the table does not know'
try 'feed --resume "{\"off\":{\"topics\":{}},\"pipe\":\"\",\"token\":\"0000001-00112233445566778899aabbccddeeff/7\"}" a b | $sink'
