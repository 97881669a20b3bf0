# What messages take in libraries beside this one (internal/bench/peers/README.md). They are measured,
# and nothing of them is linked or shipped.

PEERS := ./internal/bench/peers/...

.PHONY: bench-peers peers-lint
bench-peers: ## vodozemac, libsignal and c-toxcore beside this library, into build/bench-peers.json
	@GO="$(GO)" CC="$(CC)" PYTHON="$(PYTHON)" TAGS=$(TAGS) sh internal/bench/peers/run.sh $(BUILD) $(BENCHCOUNT)

# A tag keeps our part of it out of ./...
lint: peers-lint
peers-lint:
	$(GO) vet -tags $(TAGS),peers $(PEERS)
	$(GO) tool staticcheck -tags $(TAGS),peers $(PEERS)
