# Commands of libstatus1to1. `make help` lists them.
#
# Needed: Go 1.26 or newer, a C compiler, make, Python 3.9 or newer.

VERSION := $(shell cat VERSION)
# The number in the soname is the ABI version of the header.
ABI     := $(shell sed -n 's/^\#define STATUS1TO1_ABI_VERSION \([0-9]*\)u$$/\1/p' include/status1to1.h)
GO      ?= go
CC      ?= cc
CXX     ?= c++
PYTHON  ?= python3

# go-waku without RLN, which nothing here uses and which brings large binaries.
TAGS := gowaku_no_rln
# Packages whose goroutines meet: tested once more under the race detector.
RACE := ./chat ./chat/api ./chat/memnet ./chat/waku ./store ./library/host
# Hashes, ciphers and pictures take most of the time under the race detector, and have no goroutines:
# what reads and writes their bytes in our packages is watched, what does so within them is not.
UNWATCHED := $(foreach p,crypto/internal/fips140 golang.org/x/crypto image golang.org/x/image compress,-gcflags='$(p)/...=-race=false')
# How long `make test` and `make fuzz` run each fuzz target. `make test` takes those of some packages,
# others each day; CI (.ci/run) all of them, for 8 s.
SHORT_FUZZTIME := 1s
FUZZTIME ?= 30s
# How long and how often `make bench` runs each benchmark: the fastest run counts.
BENCHTIME ?= 300ms
BENCHCOUNT ?= 3

# How long `make soak` kills clients and nodes. Messages and kills are in proportion: 10,000
# each way and 200 in ten minutes. `make test` takes a minute.
SOAK ?= 10m
# The engines' resend_base_ms: the default of the library. In a minute it would leave little
# time for what no store node has.
RESEND ?= 27s

# How many messages the largest store of `make bench-scale` has.
SCALE ?= 10000000

BUILD := build
OS    := $(shell uname -s)
ifeq ($(OS),Darwin)
# Not tested by us on macOS.
LIB          := libstatus1to1.dylib
LIB_ABI      := libstatus1to1.$(ABI).dylib
LIB_VERSION  := libstatus1to1.$(ABI).$(VERSION).dylib
LINK         := -Wl,-exported_symbols_list,$(CURDIR)/library/exports_macos.txt -Wl,-install_name,@rpath/$(LIB_ABI)
else
LIB          := libstatus1to1.so
LIB_ABI      := libstatus1to1.so.$(ABI)
LIB_VERSION  := libstatus1to1.so.$(ABI).$(VERSION)
LINK         := -Wl,--version-script=$(CURDIR)/library/exports.map -Wl,-soname,$(LIB_ABI) -Wl,-z,nodelete -Wl,-z,relro,-z,now
endif

CFLAGS ?= -O2 -g
# dlopen, where it is not in the C library.
LDL    := -ldl
CWARN  := -std=c11 -Wall -Wextra -pedantic -Werror
CUSE   := $(CWARN) -Iinclude -L$(BUILD) -Wl,-rpath,$(CURDIR)/$(BUILD)

.PHONY: help build test demo demo-card demo-devices demo-noise demo-offline bench bench-scale soak fuzz lint clean generate \
	library busy-steps waiting-steps go-test race-test node-test soak-test fuzz-test abi-test stress-test asan-test \
	python-test

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

build: library $(BUILD)/chat ## the library and the C example, into build/

# Go knows itself what has changed. The stripped library must stay below 40 MB; what
# keeps it at 30 is not a flag but what chat/waku does not import (see its package
# comment). -s -w leaves out symbols and DWARF, which is 10 MB more.
#
# BUILT is set while `make test` runs steps side by side.
ifdef BUILT
library:
else
library:
	@mkdir -p $(BUILD)
	$(GO) build -buildmode=c-shared -trimpath -tags $(TAGS) -ldflags "-s -w -extldflags '$(LINK)'" -o $(BUILD)/$(LIB) ./library
	@rm -f $(BUILD)/libstatus1to1.h # cgo's own header; ours is include/status1to1.h
	@ln -sf $(LIB) $(BUILD)/$(LIB_ABI)
endif

# The C example loads a line editor (GNU readline) when it starts, if there is one.
$(BUILD)/chat: $(wildcard examples/c/*.c examples/c/*.h) include/status1to1.h | library
	$(CC) $(CFLAGS) $(CUSE) -o $@ examples/c/*.c -lstatus1to1 $(LDL)
	@ln -sf ../../$@ examples/c/chat

# The steps of `make test`: those that keep the processors busy, cheap ones first, and beside
# them those that mostly wait for nodes.
BUSY    := lint abi-test stress-test go-test race-test fuzz-test
WAITING := asan-test python-test demo demo-card demo-devices demo-noise demo-offline node-test soak-test

# The bindings and packages, a file each: it adds its steps to one of the two lists.
include $(sort $(wildcard mk/*.mk))

# They run as make's own jobs, because what a shell runs in the background ignores Ctrl-C.
TABLE := $(BUILD)/steps/table

# STATUS1TO1_TESTS=all, as in CI: all seeds of the simulations, all repetitions of attacks, large
# histories, and every fuzz target (internal/testsize, tests/fuzz.sh). Without it a part of each.
test: ## everything that is checked, with the time each step takes
	@rm -rf $(BUILD)/steps && mkdir -p $(BUILD)/steps && date +%s > $(TABLE).begin
	@AGAIN= MAKE="$(MAKE)" sh tests/steps.sh $(TABLE) loud build
	@$(MAKE) --no-print-directory -k -j 2 BUILT=yes busy-steps waiting-steps || echo steps >> $(TABLE).failed
	@MAKE="$(MAKE)" sh tests/steps.sh $(TABLE) end

busy-steps:
	@MAKE="$(MAKE)" sh tests/steps.sh $(TABLE) loud $(BUSY)

waiting-steps:
	@MAKE="$(MAKE)" sh tests/steps.sh $(TABLE) quiet $(WAITING)

go-test:
	$(GO) test -timeout 20m -tags $(TAGS) ./...

race-test:
	$(GO) test -timeout 20m -race -short -tags $(TAGS) $(UNWATCHED) $(RACE)

fuzz-test:
	@GO="$(GO)" TAGS=$(TAGS) sh tests/fuzz.sh $(SHORT_FUZZTIME) some

# Many calls, threads and clients. STATUS1TO1_CALLS sets how many calls.
stress-test: build
	$(CC) $(CFLAGS) $(CUSE) -o $(BUILD)/stress_test tests/c/stress_test.c -lstatus1to1 -lpthread
	$(BUILD)/stress_test

# The C side under AddressSanitizer, and panics inside the library.
asan-test: build
	@GO="$(GO)" PYTHON="$(PYTHON)" CC="$(CC)" TAGS="$(TAGS)" LINK="$(LINK)" LIB="$(LIB)" LIB_ABI="$(LIB_ABI)" sh tests/asan.sh

abi-test: build
	$(CC) $(CFLAGS) $(CUSE) -o $(BUILD)/abi_test tests/c/abi_test.c -lstatus1to1 -lpthread
	$(BUILD)/abi_test
	$(CC) $(CFLAGS) $(CWARN) -Iexamples/c -o $(BUILD)/json_test tests/c/json_test.c
	$(BUILD)/json_test
	$(CC) $(CWARN) -Iinclude -fsyntax-only tests/c/header.c
	@if command -v $(CXX) > /dev/null; then \
		echo "$(CXX) -std=c++17 tests/c/header.cpp" && \
		$(CXX) -std=c++17 -Wall -Wextra -pedantic -Werror -Iinclude -fsyntax-only tests/c/header.cpp; \
	else echo "no C++ compiler: the header was not tried from C++"; fi

python-test: build
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B -m unittest discover -s tests/python

demo: build ## Alice (C) and Bob (Python) chat over real nodes
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B examples/demo.py $(CURDIR)/$(BUILD)/chat

demo-card: build ## Bob (Python) reads the card of Alice (C) from a picture; the wire is watched
	$(GO) build -tags $(TAGS) -o $(BUILD)/wirewatch ./internal/wirewatch
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B examples/demo_card.py $(CURDIR)/$(BUILD)/chat $(CURDIR)/$(BUILD)/wirewatch

demo-devices: build ## two people with two devices each, four processes over real nodes
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B examples/demo_devices.py

demo-noise: build ## two devices (C and Python) are paired over real nodes, and a file moves
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B examples/demo_noise.py $(CURDIR)/$(BUILD)/chat

demo-offline: build ## Bob was away, Alice is gone: the network's store nodes have kept everything
	$(GO) build -tags $(TAGS) -o $(BUILD)/servicenode ./internal/servicenode/cmd
	STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) $(PYTHON) -B examples/demo_offline.py $(CURDIR)/$(BUILD)/chat $(CURDIR)/$(BUILD)/servicenode

bench: ## measure the engine against its primitives, into build/bench.json
	@mkdir -p $(BUILD)
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime $(BENCHTIME) -count $(BENCHCOUNT) -timeout 60m \
		./internal/bench -args -figures $(CURDIR)/$(BUILD)/bench.json

# Not part of `make bench`: the largest store takes 7 GB, twice as much while it is built, in
# ten minutes, and a copy of it for the run.
bench-scale: ## stores of 1,000 to SCALE messages compared, as a table
	SCALE=$(SCALE) $(GO) test -tags $(TAGS) -run '^$$' -bench '^BenchmarkGrowth$$' -benchtime 1x -timeout 120m ./internal/bench

soak: ## clients and nodes are killed for SOAK; nothing may be lost; into build/soak.json
	@mkdir -p $(BUILD)
	$(GO) build -tags $(TAGS) -o $(BUILD)/soak ./internal/soak/cmd
	$(BUILD)/soak -for $(SOAK) -resend $(RESEND) -out $(BUILD)/soak.json

# @waku/sdk as a foreign client, where there is Node.
node-test:
	@GO="$(GO)" sh tests/node.sh $(TAGS)

soak-test:
	@$(MAKE) --no-print-directory soak SOAK=60s RESEND=1s

fuzz: ## every fuzz target for FUZZTIME
	@GO="$(GO)" TAGS=$(TAGS) sh tests/fuzz.sh $(FUZZTIME)

.PHONY: corpus
corpus: ## leave of what `make fuzz` found the smallest few inputs in testdata/fuzz
	@TAGS=$(TAGS) $(PYTHON) -B tests/corpus.py

lint: ## gofmt, nothing built in git, go vet, staticcheck, generated files up to date, known vulnerabilities
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "gofmt needed: $$unformatted"; exit 1; fi
	@built=$$(git ls-files --cached --ignored --exclude-standard); \
		if [ -n "$$built" ]; then echo "in git, but .gitignore says that it is built: $$built"; exit 1; fi
	$(GO) vet -tags $(TAGS) ./...
	$(GO) vet -tags $(TAGS),status1to1_test ./chat/api
	$(GO) tool staticcheck -tags $(TAGS) ./...
	$(GO) run ./internal/genwire -check
	$(GO) run -tags $(TAGS) ./internal/genapi -check
	@GO="$(GO)" sh tests/vulnerabilities.sh $(TAGS)

generate: ## write the generated files anew
	$(GO) run ./internal/genwire
	$(GO) run -tags $(TAGS) ./internal/genapi

clean: ## remove what was built
	rm -rf $(BUILD) examples/c/chat bindings/python/src/status1to1/__pycache__
