#!/bin/sh
# Measures this library and those of its peers whose tools are here: run.sh BUILD RUNS. Nothing is asserted.
set -eu
cd "$(dirname "$0")/../../.."
here=internal/bench/peers
build=$PWD/$1/peers
runs=$2
mkdir -p "$build/stores"

without() {
	echo "$1 is left out: $2"
}

${GO:-go} build -tags "$TAGS,peers" -o "$build/ours" "./$here/ours"
set -- "$build/ours $build/stores"

if ! command -v cargo > /dev/null; then
	without vodozemac "there is no cargo"
elif ! (cd $here/vodozemac && cargo fetch -q --locked --target "$(rustc -vV | sed -n 's/^host: //p')") > "$build/log" 2>&1; then
	without vodozemac "its crates cannot be fetched: $(head -1 "$build/log")"
else
	(cd $here/vodozemac && CARGO_TARGET_DIR="$build/cargo" cargo build -q --locked --release)
	set -- "$@" "$build/cargo/release/peer-vodozemac"
fi

# fetch_libsignal installs what the lock file names, if it is not there yet.
fetch_libsignal() {
	mkdir -p "$build/libsignal"
	cp $here/libsignal/* "$build/libsignal"
	if cmp -s "$build/libsignal/package-lock.json" "$build/libsignal/installed"; then
		return 0
	fi
	(cd "$build/libsignal" && npm ci --ignore-scripts --no-audit --no-fund) > "$build/log" 2>&1 || return 1
	cp "$build/libsignal/package-lock.json" "$build/libsignal/installed"
}

if ! command -v npm > /dev/null || ! command -v node > /dev/null; then
	without libsignal "there is no node with npm"
elif ! fetch_libsignal; then
	without libsignal "its package cannot be fetched: $(grep 'npm error' "$build/log" | head -2 | tail -1)"
elif ! (cd "$build/libsignal" && node -e 'import("@signalapp/libsignal-client").catch(() => process.exit(1))'); then
	without libsignal "its package has no library for this machine"
else
	set -- "$@" "node $build/libsignal/bench.mjs"
fi

if ! command -v pkg-config > /dev/null || ! pkg-config --exists toxcore; then
	without c-toxcore "pkg-config knows no toxcore (Debian: libtoxcore-dev)"
else
	# shellcheck disable=SC2046 # flags are words
	${CC:-cc} -O2 -std=c11 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags toxcore) \
		-o "$build/toxcore" $here/toxcore/bench.c $(pkg-config --libs toxcore)
	set -- "$@" "$build/toxcore"
fi

"${PYTHON:-python3}" -B $here/report.py "$build/../bench-peers.json" "$runs" "$@"
