# The meta-schema says what is wrong with a schema, with line and pointer; exit 78.
cat >s.json <<'S'
{
  "properties": {
    "id": {"type": "strin"}
  }
}
S
validate --schema s.json </dev/null 2>err
echo $?
sed "s|$(pwd -P)|DIR|g" err
