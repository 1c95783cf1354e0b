# The reader of the output goes away.
yes '{"id":1}' | head -1000000 >in
(pipe 'validate' <in; echo "exit $?" >&2) 2>err | head -1
tail -1 err
