#!/bin/sh
# Prints the directory of the Node modules pinned in tests/NAME/package-lock.json: modules.sh NAME. It is
# made at the first use, in build/NAME. Exit code 2: there is no Node 20 or newer with npm, or the npm
# registry cannot be reached; standard error says which.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
pinned=$PWD/tests/$1
modules=$PWD/build/$1
absent() {
	echo "$1" >&2
	exit 2
}

command -v node > /dev/null || absent "there is no node"
command -v npm > /dev/null || absent "there is no npm"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || absent "node $(node --version) is older than 20"
if ! cmp -s "$pinned/package-lock.json" "$modules/installed"; then
	rm -rf "$modules"
	mkdir -p "$modules"
	cp "$pinned/package.json" "$pinned/package-lock.json" "$modules"
	if ! (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 5) > "$modules/log" 2>&1; then
		if without_registry "$modules/log"; then
			absent "the npm registry cannot be had here"
		fi
		cat "$modules/log" >&2
		exit 1
	fi
	cp "$pinned/package-lock.json" "$modules/installed"
fi
echo "$modules/node_modules"
