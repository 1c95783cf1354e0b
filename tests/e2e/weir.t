exec "$top_srcdir/tests/lib/e2e" weir
