# The schema as the tools of others see it.

BUSY += schema-test

.PHONY: schema-test
schema-test:
	@GO="$(GO)" PYTHON="$(PYTHON)" sh tests/schema.sh
