#!/bin/sh
# Replays the transcripts of conformance/ through the driver of each language: conformance.sh
# DIRECTORY, where the drivers that have to be built are.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
root=$PWD
built=$1
python=${PYTHON:-python3}
export STATUS1TO1_LIB_DIR="$root/build" STATUS1TO1_RPC="$root/build/status1to1-rpc" CARGO_TARGET_DIR="$root/build/rust"
# `cargo run` would find the library by itself; its start takes longer than the replay.
export LD_LIBRARY_PATH="$root/build" DYLD_LIBRARY_PATH="$root/build"

# The replays mostly wait, so they run side by side; what each says is printed at the end.
logs=$built/logs
rm -rf "$logs"
mkdir -p "$logs"
running=""
replay() { # name, what it leaves out, driver
	"$python" -B conformance/run.py --quiet --leaves-out "$2" --driver "$3" > "$logs/$1" 2>&1 &
	running="$running $!"
}

replay c "" "$built/c_driver"
replay python "handles text" "$python -B conformance/drivers/python_driver.py"
replay stdio "callback event_fd overflow text" "$python -B conformance/drivers/stdio_driver.py $STATUS1TO1_RPC"

missing=""
if [ "$(node -p 'process.versions.node.split(".")[0]' 2> /dev/null || echo 0)" -ge 18 ]; then
	replay node "callback event_fd handles overflow text" "node conformance/drivers/node_driver.mjs"
else
	missing="the driver in Node: there is no node of 18 or newer"
fi
if ! command -v cargo > /dev/null; then
	missing="${missing:+$missing; }the driver in Rust: there is no cargo"
elif (cd conformance/drivers/rust && { cargo build -q --locked --offline --bin driver || cargo build -q --locked --bin driver; }) > "$built/cargo.log" 2>&1; then
	replay rust "config handles text" "$CARGO_TARGET_DIR/debug/driver"
elif without_registry "$built/cargo.log"; then
	missing="${missing:+$missing; }the driver in Rust: crates.io cannot be reached"
else
	cat "$built/cargo.log"
	exit 1
fi

"$python" -B conformance/tests/test_match.py
CONFORMANCE_DRIVER=$built/c_driver CONFORMANCE_LEAKING_DRIVER=$built/leaking_driver "$python" -B conformance/tests/test_mutants.py

status=0
for process in $running; do
	wait "$process" || status=1
done
cat "$logs"/*
[ $status -eq 0 ] || exit 1
[ -z "$missing" ] || left_out conformance-test "$missing"
