# An expression that does not compile: 78 with jq's words.
validate --check '.a ==' </dev/null
