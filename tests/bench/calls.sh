#!/bin/sh
# Measures one call from each language that is there: calls.sh BUILD. Nothing is asserted.
set -eu
cd "$(dirname "$0")/../.."
build=$1
python=${PYTHON:-python3}
export STATUS1TO1_LIB="$PWD/$build/libstatus1to1.so"
set -- "C=$build/bench_calls" "Python=$python -B tests/bench/calls.py python" "stdio=$python -B tests/bench/calls.py stdio $build/status1to1-rpc"
"$python" -B tests/bench/report.py "$build/bench-calls.json" "$@"
