# A number as time with no unit said is a mistake of the options, not of the event.
dedupe -k id --time ts <<'END'
{"id":1,"ts":1767225600000}
END
