#!/bin/sh
# The Node package: its tests, its types under tsc --strict, and what users do with it: it is packed
# by npm, installed into an empty folder beside the package with the server, and an echo bot runs
# from there. TypeScript, as pinned in tests/typescript, goes into build/typescript.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
root=$PWD
binding=$root/bindings/node
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

command -v node > /dev/null || left_out node-binding-test "there is no node"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || left_out node-binding-test "node $(node --version) is older than 18"
export STATUS1TO1_RPC="$root/build/status1to1-rpc"
(cd "$binding" && timeout 60 node --test test/) > "$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }
echo "node: $(grep -c '^ok' "$stage/log") tests passed"

command -v npm > /dev/null || left_out node-binding-test "there is no npm"
unset STATUS1TO1_RPC # the installed package must find its own
mkdir "$stage/app"
(cd "$binding" && npm pack --silent --pack-destination "$stage") > "$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }
cpu=$(node -p process.arch)
server=$("${PYTHON:-python3}" -B "$binding/pack.py" --binary build/status1to1-rpc --os linux --cpu "$cpu" --out "$stage")
own=$("${PYTHON:-python3}" -B "$binding/pack.py" --out "$stage/own")
[ "$(tar tzf "$own" | sort)" = "$(tar tzf "$stage"/status1to1-0*.tgz | sort)" ] || { echo "pack.py packs other files than npm"; exit 1; }
(cd "$stage/app" && echo '{"private":true,"type":"module"}' > package.json &&
	npm install --offline --no-audit --no-fund "$server" "$stage"/status1to1-0*.tgz) > "$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }
cp examples/node/echo.js tests/node_echo.js "$stage/app"
(cd "$stage/app" && PATH=$(dirname "$(command -v node)"):/usr/bin:/bin timeout 60 node node_echo.js) || exit 1

status=0
modules=$(sh tests/modules.sh typescript 2> "$stage/log") || status=$?
[ $status -ne 2 ] || left_out node-binding-test "$(cat "$stage/log"): types were not checked"
[ $status -eq 0 ] || { cat "$stage/log"; exit 1; }
cp "$binding/test/types/usage.ts" "$stage/app"
# Without @types/node, and with no library newer than the target: the types bring what they need.
(cd "$stage/app" && node "$modules/typescript/bin/tsc" --strict --noEmit --noUncheckedIndexedAccess --exactOptionalPropertyTypes \
	--target es2022 --lib es2022,dom --module nodenext usage.ts)
echo "node: the packed package was installed and used, and its types are right"
