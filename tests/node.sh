#!/bin/sh
# The tests with @waku/sdk as a foreign client: node.sh TAGS. Its modules, as pinned in
# tests/node, go into build/node. Without Node 20 or the npm registry it says so and leaves
# them out.
set -u
cd "$(dirname "$0")/.."
. tests/left_out.sh
modules=$PWD/build/node

command -v node > /dev/null || left_out node-test "there is no node"
command -v npm > /dev/null || left_out node-test "there is no npm"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || left_out node-test "node $(node --version) is older than 20"
if ! cmp -s tests/node/package-lock.json "$modules/installed"; then
	rm -rf "$modules"
	mkdir -p "$modules"
	cp tests/node/package.json tests/node/package-lock.json "$modules"
	if ! (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 5) > "$modules/log" 2>&1; then
		if without_registry "$modules/log"; then
			left_out node-test "the npm registry cannot be had here"
		fi
		cat "$modules/log"
		exit 1
	fi
	cp tests/node/package-lock.json "$modules/installed"
fi
STATUS1TO1_NODE_MODULES=$modules/node_modules ${GO:-go} test -tags "$1" ./chat/waku -run '^TestSDK' -count=1
