#!/bin/sh
# The tests with @waku/sdk as a foreign client, pinned in tests/node: node.sh TAGS. Without Node 20 or
# the npm registry it says so and leaves them out.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
why=$(mktemp)
trap 'rm -f "$why"' EXIT
status=0
modules=$(sh tests/modules.sh node 2> "$why") || status=$?
[ $status != 2 ] || left_out node-test "$(cat "$why")"
[ $status = 0 ] || { cat "$why"; exit 1; }
STATUS1TO1_NODE_MODULES=$modules ${GO:-go} test -tags "$1" ./chat/waku -run '^TestSDK' -count=1
