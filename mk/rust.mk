# The Rust binding, bindings/rust.

BUSY += rust-test
.PHONY: rust-test

# STATUS1TO1_CALLS sets how many calls the test of leaks makes (default 100,000).
rust-test: build ## rustfmt, clippy, tests, documentation and packages of the Rust binding
	@sh tests/rust.sh
