# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# One build serves everything: release, tests included. Tests reach in by `package` access, not by @testable.
SWIFT ?= swift
BUILD := $(SWIFT) build -c release --build-tests
TEST := $(SWIFT) test -c release --skip-build
WEIR := .build/release/weir
BENCH := .build/release/weir-bench
# Tests with servers and limits that go by the clock, one at a time: beside others they would measure those.
WITH_SERVERS := ^(ScriptedServer|HTTPClient|DNSClient|KubernetesClient|Kubernetes|NodeZone|ReverseDNS|CloudInstance|OTLP|JSONLines)(Enricher|Exporter|)Tests\.
# Empty for root; the only word that gains rights.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What FORMAT asks for is alone on standard output, for programs; what is said on the way there goes to the other.
ifdef FORMAT
ASIDE := >&2
.SILENT:
endif

# Without the link that lets Swift see the header of bpf/.
C_SOURCES = $(shell git ls-files -s 'bpf/*.[ch]' 'Sources/*.[ch]' 'Tests/*.[ch]' | awk '$$1 != 120000 { print $$4 }')

# What the build links, and what the demo and the tests run.
BUILD_PACKAGES := libbpf-dev libelf-dev zlib1g-dev libyaml-dev libpcre2-dev libmnl-dev libpcap-dev libcurl4-openssl-dev libc-ares-dev
RUN_PACKAGES := iproute2 iputils-ping iperf3 nftables ethtool procps bpftool curl prometheus tcpdump tshark clang-format valgrind binutils dnsmasq-base \
	nginx-light openssl strace systemd util-linux protobuf-compiler python3 python3-pip
# Debian's, unless there is one from elsewhere, which would be in its way.
RUN_PACKAGES += $(shell command -v kubectl >/dev/null || echo kubernetes-client)

.PHONY: help deps build release demo test test-unit test-kernel test-end-to-end exact bench floor gates bench-record fuzz run format check clean samples example proto deploy-check build-packages

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install the Debian packages that are missing (with sudo unless root)
	@missing=$$(for package in $(BUILD_PACKAGES) $(RUN_PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	    echo "will install:" $$missing; \
	    echo "with: $(SUDO) apt-get install"; \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi $(ASIDE)

build: deps ## Build .build/release/weir
	$(BUILD) $(ASIDE)
	@$(WEIR) --version $(ASIDE)

release: deps ## Build .build-release/release/weir for hosts without a toolchain: static runtime, stripped
	$(SWIFT) build -c release --product weir --static-swift-stdlib --scratch-path .build-release -Xlinker -s
	@ls -l .build-release/release/weir

demo: build ## Show real traffic between network namespaces, named and counted; ends by itself
	$(SUDO) examples/demo/demo.sh $(CURDIR)/$(WEIR)

test: build test-unit gates test-kernel test-end-to-end deploy-check example ## Run all tests; the kernel's as root

test-unit: ## Tests without privileges (after make build)
	$(TEST) --skip KernelTests --skip AllocationTests --skip '$(WITH_SERVERS)'
	$(TEST) --filter '$(WITH_SERVERS)' --no-parallel
	$(TEST) --filter AllocationTests --no-parallel

test-kernel: ## Programs fed made-up packets, then real ones over veth pairs (after make build)
	$(SUDO) env "PATH=$(PATH)" $(TEST) --filter KernelTests --no-parallel

test-end-to-end: ## The built agent between network namespaces, Prometheus and all; contains make exact (after make build)
	$(SUDO) env "PATH=$(PATH)" Tests/EndToEnd/run $(CURDIR)/$(WEIR)

exact: build ## The exactness suite alone, as a table: what is off, by source, protocol, load and event; FORMAT=json
	@$(SUDO) env "PATH=$(PATH)" Tests/EndToEnd/run --exact $(if $(FORMAT),--format $(FORMAT)) $(CURDIR)/$(WEIR)

bench: build floor ## Measure what the agent costs; FORMAT=json, SECTION=kernel, QUICK=1 (a few minutes, the kernel's part as root)
	$(SUDO) env "PATH=$(PATH)" $(BENCH) $(if $(SECTION),--section $(SECTION)) $(if $(FORMAT),--format $(FORMAT)) $(if $(QUICK),--quick)

floor: ## Build what the benchmarks compare with, by the compiler of the kernel half
	@$(MAKE) -s -C Tests/Benchmarks/floor OUT=$(CURDIR)/.build/floor CLANG="$(dir $(shell command -v $(SWIFT)))clang" $(ASIDE)

fuzz: deps ## Feed every decoder hostile bytes under libFuzzer: [TARGET=yaml] [SECONDS=60] [INPUT=FILE to run one again]
	Tests/Fuzz/run "$(or $(TARGET),all)" "$(or $(SECONDS),60)" $(if $(INPUT),"$(INPUT)")

gates: ## Compare instructions and allocations with the accepted values (after make build)
	$(SUDO) env "PATH=$(PATH)" $(BENCH) gates

bench-record: build ## Accept today's instructions and allocations: writes Tests/Benchmarks/thresholds
	$(SUDO) env "PATH=$(PATH)" $(BENCH) gates --record

deploy-check: ## Look at deploy/ and Containerfile by kubectl kustomize, systemd-analyze and weir check (after make build)
	Tests/Deploy/run $(WEIR)

build-packages: # For Containerfile
	@echo $(BUILD_PACKAGES)

example: build ## Build, test and run examples/in-house-agent, a package outside of this one; shares .build
	Tests/InHouseAgent/run

run: build ## Run on this host with the built-in defaults, until Ctrl-C
	$(SUDO) $(WEIR) run

# The plug-in of protoc is that of the library the code is compiled against; building it takes minutes, so what it makes is in Git.
proto: ## Generate the messages of Sources/Core/OTLPMessages anew (after make build)
	$(SWIFT) build --package-path .build/checkouts/swift-protobuf --scratch-path .build-protoc --product protoc-gen-swift
	cd Sources/Core/OTLPMessages && protoc --plugin=$(CURDIR)/.build-protoc/debug/protoc-gen-swift -I Protos --swift_out=. \
	    --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true --swift_opt=FileNaming=DropPath \
	    $$(cd Protos && find * -name '*.proto' | sort)

samples: build ## Write plugins.d anew from the plugins' samples
	RECORD=1 $(TEST) --filter PluginsFolderTests

format: ## Format Swift and C
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests bpf examples
	clang-format -i $(C_SOURCES)

check: build ## Formatting of Swift and C, no ICU in the binary
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests bpf examples
	clang-format --dry-run -Werror $(C_SOURCES)
	@if ldd $(WEIR) | grep -iE 'icu|libFoundation\.so|FoundationInternationalization'; then \
	    echo "full Foundation is linked: only FoundationEssentials may be"; exit 1; fi
	@echo "no ICU linked"

clean: ## Remove what was built
	rm -rf .build .build-fuzz
