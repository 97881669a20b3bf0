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
tries=3

# Go's fuzzer now and then takes the end of its own time for a failure
# (go.dev/issue/75804, mended in Go 1.27): no input is named, and all it says is the deadline. Such
# a run is made again; a target that really hangs fails it each time.
deadline_only() {
	grep -q '^ *context deadline exceeded$' "$1" && ! grep -qE 'Failing input|panic|hung|data race' "$1"
}

fuzz() { # directory target
	try=1
	while ! "$work/fuzz" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$time" -test.fuzzminimizetime 1s \
		-test.fuzzcachedir "$cache/$1" > "$work/log" 2>&1; do
		if [ $try -ge $tries ] || ! deadline_only "$work/log"; then
			cat "$work/log"
			return 1
		fi
		echo "the fuzzer ran past its own deadline: once more"
		try=$((try + 1))
	done
	grep '^fuzz: elapsed' "$work/log" | tail -n 1
}

cd "$root"
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' chat internal library store | xargs -n1 dirname | sort -u); do
	"$go" test -c -tags "$TAGS" -fuzz . -o "$work/fuzz" "./$dir"
	cd "$dir" # where go test would run it: testdata/fuzz is here
	for target in $("$work/fuzz" -test.list '^Fuzz'); do
		echo "fuzz $dir $target $time"
		fuzz "$dir" "$target"
	done
	cd "$root"
done
