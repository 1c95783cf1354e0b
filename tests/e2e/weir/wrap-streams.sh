# On plain input what the command writes goes on at once, although more input is to come; odd bytes and long lines go through.
mkfifo to back
command weir wrap -- sed -u 's/^/x/' <to >back &
exec 3>to 4<back
echo 1 >&3
read -r a <&4
echo "$a"
echo 2 >&3
read -r a <&4
echo "$a"
exec 3>&-
cat <&4
wait $!
echo "exit $?"
{ printf 'a\0b\n'; head -c 3000000 /dev/zero | tr '\0' y; echo; } >in
command weir wrap -- cat <in | cmp - in && echo the same
# A stream that allows long lines may have them.
case $way in pipes) way=auto ;; esac
{ printf '{"s":"'; head -c 3000000 /dev/zero | tr '\0' y; echo '"}'; } >long
{ printf '%s\n' '{"@weir":{"by":"","chain":"","epoch":"all","k":"hello","limits":"depth=128 dup=reject line=4194304","meta":"","off":{},"pipe":"","prev":"none","run":"0000001-0123456789abcdef0123456789abcdef","seq":"0","shard":"0/1","time":"","v":"1"}}'; cat long; } >stream
command weir wrap -- wc -c <stream 2>&1 | tail -1
# And one that does not, has none.
sed '1s/4194304/1048576/' stream | command weir wrap -- wc -c 2>&1 | tail -1
