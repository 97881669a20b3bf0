#!/bin/sh
# Runs every fuzz target of the module for the given time: fuzz.sh 30s
# Each package's test program is built once, not once a target.
set -eu
time=$1
go=${GO:-go}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$("$go" env GOCACHE)/fuzz/libstatus1to1 # where go test keeps what it found, too
cd "$root"
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' chat internal library store | xargs -n1 dirname | sort -u); do
	"$go" test -c -tags "$TAGS" -fuzz . -o "$work/fuzz" "./$dir"
	cd "$dir" # where go test would run it: testdata/fuzz is here
	for target in $("$work/fuzz" -test.list '^Fuzz'); do
		echo "fuzz $dir $target $time"
		"$work/fuzz" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzminimizetime 1s \
			-test.fuzzcachedir "$cache/$dir" > "$work/log" 2>&1 || {
			cat "$work/log"
			exit 1
		}
		grep '^fuzz: elapsed' "$work/log" | tail -n 1
	done
	cd "$root"
done
