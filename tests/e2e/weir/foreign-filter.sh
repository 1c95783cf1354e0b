# A program that is no stage runs once per epoch; its accounts balance by definition.
printf '{"id":%d}\n' 1 2 3 4 >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st "cat in | jq -c 'select(.id > 1)' | validate"
# As the last stage it leaves control lines out where its output is no pipe, and takes back what the source did to keys like theirs.
printf '{"@weir":1}\n{"@@weir":2}\n' >in
weir run -q --fuse "$way" -s st2 'cat in | jq -c .' >out
cat out
