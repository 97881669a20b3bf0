# What is published, for other systems too, with zig as the C compiler: docs/packaging.md.

DIST_TARGETS ?= linux-x86_64 linux-aarch64 macos-arm64 macos-x86_64
DIST         := GO="$(GO)" PYTHON="$(PYTHON)" MAKE="$(MAKE)" TAGS=$(TAGS) VERSION=$(VERSION) ABI=$(ABI)

BUSY += dist-test

.PHONY: dist dist-test

dist: ## libraries and packages of all systems, with checksums, into build/dist
	@rm -rf $(BUILD)/dist
	@$(DIST) sh packaging/dist.sh $(BUILD)/dist $(DIST_TARGETS)

dist-test:
	@$(DIST) sh tests/dist.sh "$(DIST_TARGETS)"
