# Times from year 1 to 9999; windows that would reach beyond are refused.
window-agg --time t --size 1d --agg 'n=count()' <<'END'
{"t":"0001-01-01T00:00:00Z"}
{"t":"1969-12-31T23:59:59.999999999Z"}
{"t":"9999-12-30T23:59:59.999999Z"}
{"t":"9999-12-31T23:59:59Z"}
{"t":"10000-01-01T00:00:00Z"}
{"t":"0000-12-31T23:59:59Z"}
END
window-agg --time t:s --size 1d --agg 'n=count()' <<'END'
{"t":1e3}
{"t":1e300}
{"t":-1e300}
{"t":99999999999999999999999999999999999999}
END
