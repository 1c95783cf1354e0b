#!/bin/sh
exec "${top_srcdir:?}"/tests/lib/e2e iceberg-in
