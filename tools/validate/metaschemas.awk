# Turns metaschemas/*.json into metaschemas.c: each file a string, named by its $id.
function finish() {
	if (uri != "")
		printf "\t{ \"%s\",%s },\n", uri, text
	uri = text = ""
}
BEGIN {
	print "/* Made by metaschemas.awk from metaschemas/.  Not to be edited. */"
	print "#include \"config.h\"\n\n#include \"schema_int.h\"\n"
	print "const struct metaschema schema_meta[] = {"
}
FNR == 1 { finish() }
uri == "" && /"\$id": *"/ {
	uri = $0
	sub(/.*"\$id": *"/, "", uri)
	sub(/#?".*/, "", uri)
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	text = text "\n\t  \"" $0 "\\n\""
}
END {
	finish()
	print "\t{ 0 }\n};"
}
