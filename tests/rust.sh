#!/bin/sh
# The Rust binding: rustfmt, clippy, its tests and those in its documentation, the example with the C
# program, and what `cargo package` makes of it.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
root=$PWD

command -v cargo > /dev/null || left_out rust-test "there is no cargo"
for tool in fmt clippy; do
	cargo $tool --version > /dev/null 2>&1 || left_out rust-test "there is no cargo $tool"
done
export CARGO_TARGET_DIR="$root/build/rust" STATUS1TO1_LIB_DIR="$root/build" STATUS1TO1_CHAT="$root/build/chat"
mkdir -p "$CARGO_TARGET_DIR"
cd bindings/rust

# What was fetched before needs no registry.
log=$CARGO_TARGET_DIR/fetch.log
if ! cargo fetch -q --locked --offline > "$log" 2>&1 && ! cargo fetch -q --locked > "$log" 2>&1; then
	cat "$log"
	! without_registry "$log" || left_out rust-test "crates.io cannot be reached"
	exit 1
fi
export CARGO_NET_OFFLINE=true

# One version for all.
version=$(cat "$root/VERSION")
if [ "$(cargo pkgid -p status1to1 | sed 's/.*[@#]//')" != "$version" ]; then
	echo "bindings/rust/Cargo.toml has another version than VERSION, $version"
	exit 1
fi

cargo fmt --check
cargo clippy -q --locked --all-targets -- -D warnings
cargo clippy -q --locked -p status1to1 --no-default-features --lib -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc -q --locked --no-deps
timeout 480 cargo test -q --locked -- --include-ignored

# What is packed can be built by itself. The second time nothing of it has changed.
cargo package -q --locked --allow-dirty --workspace
for crate in status1to1-sys status1to1; do
	for file in LICENSE-MIT LICENSE-APACHE README.md; do
		tar -xOf "$CARGO_TARGET_DIR/package/$crate-$version.crate" "$crate-$version/$file" | grep -q . || {
			echo "the package $crate has no $file"
			exit 1
		}
	done
done
