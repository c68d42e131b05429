# Needs Go and make; `make test` also a C compiler (race detector) and PostgreSQL,
# which it names or, as root on Debian, installs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.6.2
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
BENCHTIME ?= 1s
TESTFLAGS ?=
# SQLite is C that was translated to Go: one thread at a time is inside a connection, and
# watching each of its loads makes it fifty times slower. It is compiled without the race
# detector's marks; everything else, its driver included, has them.
RACE := -race $(foreach p,sqlite/lib libc memory mathutil,-gcflags=modernc.org/$(p)=-race=false)
# Tests that do less under the race detector, which slows what they measure and allows
# 8,128 goroutines: they run once more without it, at their full size.
FULLSIZE := TestSealSurvivesEveryCrash|TestPublishExactRevenue|TestPublishSameRows|TestIdleConnections|TestCohortsStream|TestScriptedDay|TestAttacks|TestForwardSurvives|TestComplaint|TestScenarioMatches|TestScoreboardKeeps|TestBackTestHolds|TestLaterHolds|TestPublishedRowsGet|TestKill9WhileSealing|TestSchemaChange|TestCohortSumsAreSumsOfRows|TestPackedSumsAreTheDatabases
BENCHFLAGS ?=

.PHONY: help run build test lint fuzz bench microbench scoreboard e2e tidy

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then watch postbacks travel through every stage (Ctrl-C ends it)
	bin/skand demo

build: ## bin/skand, one static program
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/skand ./cmd/skand

test: ## all tests on SQLite and a throwaway PostgreSQL, with the race detector (TESTFLAGS=…)
	.ci/with-postgres bash -c 'go test $(RACE) -shuffle=on -timeout 20m $(TESTFLAGS) ./... && \
		go test -timeout 15m -run "$(FULLSIZE)" $(TESTFLAGS) ./aggregate ./internal/store ./internal/attack ./cmd/skand'

lint: $(GOLANGCI) ## gofmt, go vet and golangci-lint (.golangci.yml)
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOLANGCI) run ./...

# Built from source by the local Go, so that it understands the same language.
$(GOLANGCI):
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin/install go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/install/golangci-lint $@ && rmdir bin/install

fuzz: ## every fuzz target, one after the other (FUZZTIME=30s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
		for target in $$(grep -oE '^func Fuzz[A-Za-z0-9_]*' "$$file" | cut -c6-); do \
			echo "== $$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
		done; \
	done

bench: ## the receiver against its yardsticks, as ratios, and bench.json (BENCH_FULL=1, BENCHFLAGS=…)
	go run ./internal/bench $(BENCHFLAGS)

microbench: ## the benchmarks of single functions (BENCHTIME=1s)
	SKAND_PG_FSYNC=on .ci/with-postgres go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

scoreboard: build ## the model against worlds whose truth is known
	bin/skand scoreboard --published

e2e: ## only the end-to-end tests: the whole program on each database, and kill -9
	.ci/with-postgres go test $(RACE) -count=1 -timeout 20m -run 'TestEndToEnd|TestKill' $(TESTFLAGS) ./cmd/skand

tidy: ## go.mod and go.sum as the code needs them
	go mod tidy
