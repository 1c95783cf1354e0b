# With -s open windows wait for the next run; --flush closes them, and what comes later is late; other options are refused.
echo '{"t":"2026-01-01T00:00:10Z","v":1.5}' | window-agg -s state --time t --size 1m --agg 'v=sum(v)'
echo '{"t":"2026-01-01T00:00:20Z","v":2}' | window-agg -s state --time t --size 1m --wait 5s --agg 'v=sum(v)'
echo '{"t":"2026-01-01T00:00:20Z","v":2}' | window-agg -s state --time t --size 2m --agg 'v=sum(v)' 2>message || echo "exit $?"
grep -c state-reset message
echo '{"t":"2026-01-01T00:01:30Z","v":4}' | window-agg -s state --time t --size 1m --agg 'v=sum(v)' --flush
echo '{"t":"2026-01-01T00:01:31Z","v":8}' | window-agg -s state --time t --size 1m --agg 'v=sum(v)' --late late
cat late
