# jq without wrap drops every control line: nothing may take that for a complete input.
printf '{"id":%d}\n' 1 2 3 >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st 'cat in | validate' | cat >framed
grep -c '@weir' framed
grep -v '"@weir"' framed | command dedupe -k id
# Half of the frame: the data lines and hello, but no end mark.
sed -n '1,3p' framed | command validate >out
echo "exit $?"
# A line lost, doubled, changed, swapped.
for edit in 3d 3p 's/"id":2/"id":9/' '3{h;d};4{G}'; do
	sed "$edit" framed | command validate >out 2>err
	echo "exit $? $(cut -c1-60 err)"
done
# A barrier lost.
grep -v '"bar"' framed | command validate >out 2>err
echo "exit $? $(cat err)"
