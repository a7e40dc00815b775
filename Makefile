# All commands of the project. `make` alone shows them.
.DEFAULT_GOAL := help
SHELL := bash

GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)
# Those whose tests take longest come first.
MODULES := worker shared sluice gateway receiver schemas worker/postgres worker/sqlite examples/orders sluice/senders shared/streamtest/natsserver deploy/images

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell command -v $(or $(CC),cc) >/dev/null 2>&1 && echo -race)
# Tests that wait for the disk gain from running side by side, also on few processors.
TESTFLAGS ?= -timeout 15m
# How long the end-to-end tests kill and freeze processes; E2EFLAGS="-seed N -v" does it again as it was.
CAMPAIGN ?= 5m
# How long each of their attacks lasts; E2EFLAGS="-run TestNoAttackHarmsTheHonest/headers -v" makes some of them alone.
ATTACK ?= 1m

CYCLONEDX_VERSION := v1.10.0
CYCLONEDX := bin/cyclonedx-gomod-$(CYCLONEDX_VERSION)
GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := bin/govulncheck-$(GOVULNCHECK_VERSION)

.PHONY: help build run test e2e bench lint fmt tidy check clean images module-path sbom vulnerabilities

help: ## Show the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | \
		awk -F'\t' '{printf "  make %-15s %s\n", $$1, $$2}'

build: ## Build the programs into bin/
	@go build -o bin/ ./gateway/cmd/gateway ./gateway/cmd/poller ./receiver/cmd/receiver ./worker/cmd/worker ./sluice/cmd/sluice

run: build ## Build and run everything in one process; arguments in ARGS
	@exec bin/sluice up $(ARGS)

test: ## Run the tests that need nothing but Go
	@GORACE="atexit_sleep_ms=50" go test $(RACE) $(TESTFLAGS) $(foreach module,$(MODULES),./$(module)/...)

e2e: ## Run the programs as their users do, killed, frozen, restarted and attacked
	@sh worker/postgres/postgrestest/install.sh
	@sh sluice/e2e/programs.sh
	@go test $(RACE) -timeout 15m -count=1 -tags e2e ./worker/postgres/... ./worker/external ./examples/orders
	@go test -timeout 15m -count=1 ./worker/keyed -run TestOrderHolds -seeds 3000
	@go test $(RACE) -timeout 90m -count=1 -tags e2e ./sluice/e2e -campaign $(CAMPAIGN) -attack $(ATTACK) $(E2EFLAGS)

bench: build ## Measure everything side by side, a quarter of an hour; arguments in ARGS
	@bin/sluice bench --table --folder bin $(ARGS)
	@sh worker/postgres/postgrestest/install.sh
	@go test -tags e2e -run NONE -bench Events ./worker/postgres

lint: $(GOLANGCI) ## Check style, dependencies and common mistakes
	@$(GOLANGCI) run $(foreach module,$(MODULES),./$(module)/...)

fmt: $(GOLANGCI) ## Format the code
	@$(GOLANGCI) fmt $(MODULES)

tidy: ## Bring all go.mod and go.sum files in order
	@go work sync
	@for module in $(MODULES); do (cd $$module && go mod tidy) || exit 1; done

check: ## Run everything that has to be green before a change goes in
	@for module in $(MODULES); do (cd $$module && go mod tidy -diff) || { echo "run: make tidy"; exit 1; }; done
	@go vet $(foreach module,$(MODULES),./$(module)/...)
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory e2e CAMPAIGN=30s ATTACK=5s

images: ## Ask the registries for the digests of the images, and write them wherever an image is named
	@mkdir -p bin && go build -o bin/images ./deploy/images && bin/images .

module-path: ## Give the modules another name, for a fork: MODULE=example.org/you/sluice VERSION=v0.1.0
	@sh deploy/module_path.sh "$(MODULE)" "$(VERSION)"

sbom: $(CYCLONEDX) ## Write what is in the programs, as CycloneDX, into bin/sbom/
	@sh deploy/build.sh bin/release && mkdir -p bin/sbom
	@for program in gateway poller receiver worker sluice; do \
		$(CYCLONEDX) bin -json -licenses -output bin/sbom/$$program.cdx.json bin/release/$$program || exit 1; done
	@ls bin/sbom/*.cdx.json

vulnerabilities: $(GOVULNCHECK) ## Look for known vulnerabilities in what the programs call
	@sh deploy/vulnerabilities.sh $(abspath $(GOVULNCHECK)) $(MODULES)

clean: ## Remove what was built
	@rm -rf bin

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION), which takes a few minutes once"
	@GOBIN=$(CURDIR)/bin/tmp go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/tmp/golangci-lint $@ && rmdir bin/tmp

$(CYCLONEDX):
	@GOBIN=$(CURDIR)/bin/tmp go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	@mv bin/tmp/cyclonedx-gomod $@ && rmdir bin/tmp

$(GOVULNCHECK):
	@GOBIN=$(CURDIR)/bin/tmp go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv bin/tmp/govulncheck $@ && rmdir bin/tmp
