# A program as the source: one epoch, which counts only if it ends well.  It reads the standard input of weir run.
case $way in pipes) way=auto ;; esac
printf '{"id":1}\n{"id":2}\n' | weir run -q --fuse "$way" -s st 'cat | validate'
weir run -q --fuse "$way" -s st "sh -c 'echo {}; exit 3' | validate"
echo "exit $?"
weir run -q --fuse "$way" -s st "sh -c 'printf {}' | validate"
echo "exit $?"
