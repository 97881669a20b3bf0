# The Python package: its types are right, and a wheel of it works where there is nothing else.

BUSY += mypy-test wheel-test

.PHONY: wheel mypy-test wheel-test

wheel: build ## a Python wheel that carries the library, into build/dist
	$(PYTHON) -B bindings/python/wheel.py --library $(BUILD)/$(LIB)

mypy-test:
	@PYTHON="$(PYTHON)" sh tests/mypy.sh

wheel-test: build
	@PYTHON="$(PYTHON)" sh tests/wheel.sh $(BUILD)/$(LIB)

# The programs of the tests start in half the time with a compiled package.
python-test: | python-compiled

.PHONY: python-compiled
python-compiled:
	@$(PYTHON) -m compileall -q bindings/python/src
