#!/bin/sh
# Looks for known vulnerabilities in what the library links: tests/vulnerabilities.sh TAGS.
# Fails if there is one that our code reaches. Without the database (vuln.go.dev) it says
# so and skips: a developer without a network must be able to lint.
set -u
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

limit=
if command -v timeout > /dev/null; then limit="timeout 120"; fi # a network that says nothing
# shellcheck disable=SC2086 # limit is several words
$limit ${GO:-go} tool govulncheck -tags "$1" ./library > "$log" 2>&1
status=$?
if [ $status -eq 0 ]; then
	echo "govulncheck: no known vulnerability is reached"
elif [ $status -eq 124 ]; then
	echo "govulncheck: skipped: the vulnerability database did not answer within two minutes"
elif [ $status -ne 3 ] && grep -q '^govulncheck: fetching vulnerabilities' "$log"; then # 3: found some
	echo "govulncheck: skipped: the vulnerability database cannot be had here"
else
	cat "$log"
	exit 1
fi
