# What a stage counts itself is in --stats; one that counted nothing has none.
printf '{"id":%d,"t":%d}\n' 1 100 2 200 3 100000 4 1 >in
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" 'validate --stats 100 | dedupe -k id --time t:s --ttl 10s --stats 100' <in 2>&1 >/dev/null | sed -n 's/.*\("stage":"[a-z]*"\).*\("counters":.*\)/\1 \2/p' | tail -1
weir run -q --fuse "$way" 'validate --stats 100' <in 2>&1 >/dev/null | grep -c counters || true
