#!/bin/sh
# Runs every fuzz target of the module for the given time: fuzz.sh 30s
# fuzz.sh 1s some: those of a quarter of the packages, another one each day, unless
# STATUS1TO1_TESTS=all. What earlier runs found (testdata/fuzz) is tested by go test, always.
# Each package's test program is built once, not once a target. Two targets of a package run
# side by side, each on one processor: most of the time of a short run is its beginning.
set -eu
time=$1
some=${2:-}
[ "${STATUS1TO1_TESTS:-}" != all ] || some=
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

fuzz() { # directory target log
	try=1
	while ! "$work/fuzz" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$time" -test.fuzzminimizetime 1s -test.parallel 1 \
		-test.fuzzcachedir "$cache/$1" > "$3" 2>&1; do
		if [ $try -ge $tries ] || ! deadline_only "$3"; then
			echo "fuzz $1 $2 $time: failed"
			cat "$3"
			echo "$1 $2" >> "$work/failed"
			return
		fi
		echo "$2: the fuzzer ran past its own deadline: once more"
		try=$((try + 1))
	done
	echo "fuzz $1 $2 $time: $(grep '^fuzz: elapsed' "$3" | tail -n 1)"
}

# lane 1 takes the targets with odd numbers, lane 2 the others.
lane() { # directory lane
	number=0
	for target in $("$work/fuzz" -test.list '^Fuzz'); do
		number=$((number + 1))
		if [ $((number % lanes)) -eq $(($2 % lanes)) ] && [ ! -e "$work/failed" ]; then
			fuzz "$1" "$target" "$work/log$2"
		fi
	done
}
lanes=2

cd "$root"
parts=4
day=$(($(date +%s) / 86400))
package=0
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' chat internal library rpc store | xargs -n1 dirname | sort -u); do
	package=$((package + 1))
	if [ "$some" = some ] && [ $(((package + day) % parts)) -ne 0 ]; then
		continue
	fi
	"$go" test -c -tags "$TAGS" -fuzz . -o "$work/fuzz" "./$dir"
	cd "$dir" # where go test would run it: testdata/fuzz is here
	lane "$dir" 1 &
	lane "$dir" 2
	wait
	cd "$root"
	if [ -e "$work/failed" ]; then
		exit 1
	fi
done
