# The Node package, bindings/node.

WAITING += node-binding-test

.PHONY: node-binding-test
node-binding-test: build
	@PYTHON="$(PYTHON)" sh tests/node_binding.sh
