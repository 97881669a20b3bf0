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

# The other two ways to the library: in the package, and by pkg-config.
found=$CARGO_TARGET_DIR/found
tries() { # name variable=value...
	name=$1
	shift
	env -u STATUS1TO1_LIB_DIR CARGO_TARGET_DIR="$found/$name" "$@" cargo test -q --locked -p status1to1-sys --test abi > "$found/$name.log" 2>&1 || {
		cat "$found/$name.log"
		exit 1
	}
}
rm -rf "$found/package" "$found/pkgconfig"
mkdir -p "$found/package" "$found/pkgconfig"
cp -RL . "$found/package"
target=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$found/package/status1to1-sys/native/$target"
ln -s "$root"/build/libstatus1to1.* "$found/package/status1to1-sys/native/$target"
(cd "$found/package" && tries in-package PKG_CONFIG_LIBDIR=/nowhere)
if command -v "${PKG_CONFIG:-pkg-config}" > /dev/null; then
	sed -e "s|@LIBDIR@|$root/build|" -e "s|@VERSION@|$version|" "$root/status1to1.pc.in" > "$found/pkgconfig/status1to1.pc"
	tries by-pkg-config PKG_CONFIG_PATH="$found/pkgconfig" LD_LIBRARY_PATH="$root/build" DYLD_LIBRARY_PATH="$root/build"
else
	echo "there is no pkg-config: finding the library by it was not tried"
fi

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
