#!/bin/sh
# What the tools of others make of the schema: it is valid OpenRPC, and quicktype's TypeScript, Rust, Go
# and Python and datamodel-code-generator's Python, made from it, compile. Everything goes into
# build/schema.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
schema=chat/api/schema_gen.json
out=$PWD/build/schema/out
why=$(mktemp)
trap 'rm -f "$why"' EXIT
python=${PYTHON:-python3}
status=0
modules=$(sh tests/modules.sh schema 2> "$why") || status=$?
[ $status != 2 ] || left_out schema-test "$(cat "$why")"
[ $status = 0 ] || { cat "$why"; exit 1; }

rm -rf "$out"
mkdir -p "$out"
"$python" -B tests/schema/definitions.py $schema "$out/schema.json"
fail() {
	echo "schema: $*"
	exit 1
}
quick() { # language file
	mkdir -p "$(dirname "$out/$2")"
	"$modules/.bin/quicktype" --quiet -s schema "$out/schema.json#/definitions/" -l "$1" -o "$out/$2" || fail "quicktype makes no $1"
	[ "$(wc -l < "$out/$2")" -gt 1000 ] || fail "quicktype's $1 is nearly empty"
}

openrpc() {
	node tests/schema/validate.mjs "$modules" $schema || fail "it is not valid OpenRPC"
}
typescript() {
	quick ts types.ts
	echo '{"compilerOptions":{"strict":true,"noEmit":true,"target":"es2020","types":[]},"files":["types.ts"]}' > "$out/tsconfig.json"
	"$modules/.bin/tsc" -p "$out" || fail "quicktype's TypeScript does not compile"
}
rust() {
	command -v cargo > /dev/null || left_out schema-test "there is no cargo"
	quick rs rust/src/lib.rs
	cp tests/schema/Cargo.toml tests/schema/Cargo.lock "$out/rust"
	if ! CARGO_TARGET_DIR=$PWD/build/schema/target cargo check --quiet --locked --manifest-path "$out/rust/Cargo.toml" > "$why" 2>&1; then
		! without_registry "$why" || left_out schema-test "crates.io cannot be had here"
		cat "$why"
		fail "quicktype's Rust does not compile"
	fi
}
go_() {
	quick go go/types.go
	printf 'module types\n\ngo 1.26\n' > "$out/go/go.mod"
	(cd "$out/go" && ${GO:-go} vet ./...) || fail "quicktype's Go does not compile"
}
python_() {
	quick python quick.py
	(cd "$out" && "$python" -B -c 'import sys; compile(open("quick.py").read(), "quick.py", "exec")') || fail "quicktype's Python does not compile"
}
datamodel() {
	status=0
	tools=$(sh tests/tools.sh datamodel 2> "$why") || status=$?
	[ $status != 2 ] || left_out schema-test "PyPI cannot be had here"
	[ $status = 0 ] || { cat "$why"; fail "the tools were not installed"; }
	"$tools/bin/datamodel-codegen" --input "$out/schema.json" --input-file-type jsonschema --output "$out/models.py" \
		--output-model-type pydantic_v2.BaseModel --formatters builtin > "$why" 2>&1 || { cat "$why"; fail "datamodel-code-generator makes nothing"; }
	(cd "$out" && "$tools/bin/python" -B -c 'import models; models.Message.model_fields["text"]') || fail "its Python is not imported"
}

openrpc
typescript
datamodel
# The other three take as long again: CI makes them all, and ALL=yes does.
[ "${CI:-}" = true ] || [ "${ALL:-}" = yes ] || left_out schema-test "quicktype's Rust, Go and Python, which CI and ALL=yes make"
rust
go_
python_
echo "schema: valid OpenRPC; quicktype's TypeScript, Rust, Go and Python and datamodel-code-generator's models compile"
