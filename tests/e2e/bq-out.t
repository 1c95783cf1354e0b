#!/bin/sh
exec sh "$top_srcdir/tests/lib/e2e" bq-out
