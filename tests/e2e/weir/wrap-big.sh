# Much data both ways, more than any pipe or buffer holds: neither side waits for the other, and every line comes through.
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "{\"id\":%d,\"text\":\"%060d\"}\n", i, i }' >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st 'cat in | validate' | cat >framed
sum() { grep -v @weir | md5sum | cut -c1-32; }
want=$(sum <in)
[ "$(command weir wrap -- cat <framed | sum)" = "$want" ] && echo all back
# All of its input before the first byte of its output, and the other way round.
[ "$(command weir wrap -- sort -s -k1,1 -t: <framed | command validate | sum)" = "$(sort -s -k1,1 -t: in | sum)" ] && echo sorted
command weir wrap -- sh -c 'yes "{\"x\":\"much before it reads\"}" | head -100000; cat' <framed | command validate | grep -vc @weir
# It stops reading long before the end.
command weir wrap -- head -2 <framed | command validate | grep -vc @weir
# It closes its output and reads on.
command weir wrap -- sh -c 'exec cat >log' <framed | command validate | grep -vc @weir
cmp log in && echo log whole
# In plain input too.
command weir wrap -- sh -c 'exec cat >log2' <in && cmp log2 in && echo plain whole
