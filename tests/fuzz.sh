#!/bin/sh
# Runs every fuzz target of the module for the given time: fuzz.sh 30s
set -eu
time=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go=${GO:-go}
root=$(dirname "$0")/..
cd "$root"
# Only packages with fuzz targets are compiled; go test -list then names them.
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' chat internal library store | xargs -n1 dirname | sort -u); do
	"$go" test -tags "$TAGS" -list '^Fuzz' "./$dir" > "$log" || { cat "$log"; exit 1; }
	for target in $(grep '^Fuzz' "$log"); do
		echo "fuzz $dir $target $time"
		"$go" test -tags "$TAGS" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s "./$dir" > "$log" 2>&1 || {
			cat "$log"
			exit 1
		}
		tail -n 1 "$log"
	done
done
