# Over --max-rejects: 65, and the rejects are kept.
yes x | head -30 | pipe 'validate -r rejects --max-rejects 10'
echo "exit $?"
wc -l <rejects
yes x | head -30 | pipe 'validate -r rejects2'
echo "exit $?"
yes x | head -19 | pipe 'validate -r rejects3'
echo "exit $?"
