# A program that is no stage runs once per epoch; its accounts balance by definition.
printf '{"id":%d}\n' 1 2 3 4 >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s st "cat in | jq -c 'select(.id > 1)' | validate"
