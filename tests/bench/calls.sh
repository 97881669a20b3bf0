#!/bin/sh
# Measures calls from each language that is there: calls.sh BUILD. Nothing is asserted.
set -eu
cd "$(dirname "$0")/../.."
build=$PWD/$1
python=${PYTHON:-python3}
export STATUS1TO1_LIB="$build/libstatus1to1.so" STATUS1TO1_LIB_DIR="$build" LD_LIBRARY_PATH="$build" CARGO_TARGET_DIR="$build/rust"
set -- "C=$build/bench_calls" "Python=$python -B tests/bench/calls.py python" "stdio=$python -B tests/bench/calls.py stdio $build/status1to1-rpc"
if command -v cargo > /dev/null; then
	(cd conformance/drivers/rust && cargo build -q --locked --release --bin calls)
	set -- "$@" "Rust=$CARGO_TARGET_DIR/release/calls"
else
	echo "Rust is left out: there is no cargo"
fi
"$python" -B tests/bench/report.py "$build/bench-calls.json" "$@"
