#!/bin/sh
# Replays the transcripts of conformance/ through the driver of each language: conformance.sh
# DIRECTORY, where the drivers that have to be built are.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
root=$PWD
built=$1
python=${PYTHON:-python3}

replay() { # what it leaves out, driver
	"$python" -B conformance/run.py --quiet --leaves-out "$1" --driver "$2"
}

"$python" -B conformance/tests/test_match.py
CONFORMANCE_DRIVER=$built/c_driver CONFORMANCE_LEAKING_DRIVER=$built/leaking_driver "$python" -B conformance/tests/test_mutants.py
"$python" -B conformance/run.py --leaves-out "" --driver "$built/c_driver"
replay "handles text" "$python -B conformance/drivers/python_driver.py"
replay "callback event_fd overflow text" "$python -B conformance/drivers/stdio_driver.py build/status1to1-rpc"

# In subshells, so that one that is left out does not end the others.
(
	command -v node > /dev/null || left_out conformance-test "the driver in Node: there is no node"
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || left_out conformance-test "the driver in Node: $(node --version) is older than 18"
	export STATUS1TO1_RPC="$root/build/status1to1-rpc"
	replay "callback event_fd handles overflow text" "node conformance/drivers/node_driver.mjs"
)
(
	command -v cargo > /dev/null || left_out conformance-test "the driver in Rust: there is no cargo"
	export CARGO_TARGET_DIR="$root/build/rust" STATUS1TO1_LIB_DIR="$root/build"
	log=$built/cargo.log
	if ! (cd conformance/drivers/rust && { cargo build -q --locked --offline --bin driver || cargo build -q --locked --bin driver; }) > "$log" 2>&1; then
		cat "$log"
		! without_registry "$log" || left_out conformance-test "the driver in Rust: crates.io cannot be reached"
		exit 1
	fi
	# `cargo run` would find the library by itself; its start takes longer than the replay.
	export LD_LIBRARY_PATH="$root/build" DYLD_LIBRARY_PATH="$root/build"
	replay "config handles text" "$CARGO_TARGET_DIR/debug/driver"
)
