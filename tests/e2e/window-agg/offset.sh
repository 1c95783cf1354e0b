# Weeks begin on Monday with an offset of four days.
echo '{"t":"2026-01-01T12:00:00Z"}' | window-agg --time t --size 7d --agg 'n=count()'
echo '{"t":"2026-01-01T12:00:00Z"}' | window-agg --time t --size 7d --offset 4d --agg 'n=count()'
