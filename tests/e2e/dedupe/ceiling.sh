# At --memory the stage stops rather than forget, unless told to forget the oldest.
seq 40000 | sed 's/.*/{"id":&,"t":&}/' >in
dedupe -k id --time t:s --memory 1M <in >out; echo $?
dedupe -k id --time t:s --memory 1M --full evict-oldest <in | wc -l
tail -1000 in | cat in - | dedupe -k id --time t:s --memory 1M --full evict-oldest 2>err | wc -l
cat err
