# A framed stream whose source sends no watermarks cannot serve --time: said before the first event.
echo '{"id":1,"t":1}' >in
weir run -q -s state 'cat in | dedupe -k id --time t:s' 2>err; echo $?
grep ^dedupe err
