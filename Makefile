# The two commands: `make quickstart` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST := $(shell git ls-files -co --exclude-standard crates Cargo.toml Cargo.lock 2>/dev/null)

PYTHON_SOURCES := python tests/python tests/release tests/matrix examples bench scripts

.DELETE_ON_ERROR:
.PHONY: help quickstart quickstart-rust quickstart-python quickstart-node test check fmt fmt-check lint types \
	test-rust test-python test-node test-release python node emulator bench bench-instructions memory \
	dist test-matrix bump tools tools-test clean

help: ## Lists the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

quickstart: quickstart-rust quickstart-python quickstart-node ## Runs the same six examples in Rust, Python and Node.
	@echo
	@echo "All three are done. The pictures are in quickstart-output/: open quickstart-output/rust/harbor.png"

quickstart-rust: tools
	@echo "== Rust: examples/quickstart.rs"
	@cargo run --quiet --package replicant --example quickstart

quickstart-python: python
	@echo "== Python: examples/quickstart.py"
	@$(BIN)/python examples/quickstart.py

quickstart-node: node
	@echo "== Node: examples/quickstart.mjs"
	@node examples/quickstart.mjs

test: check test-release test-rust test-python test-node ## Runs every check there is.
	@echo "Everything passed."

check: fmt-check lint types ## Formatting, lints and types.

fmt-check: tools-test $(VENV)/.tools node_modules/.tools
	cargo fmt --all --check
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	npm run --silent lint

lint: tools-test $(VENV)/.tools node_modules/.tools
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps -p replicant -p replicant-emulator
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/python python/scripts/unasync.py --check

types: python node $(VENV)/.tools
	$(BIN)/mypy
	$(BIN)/mypy examples/*.py
	npm run --silent types

test-rust: tools
	cargo test --quiet -p replicant -p replicant-emulator

test-python: python emulator $(VENV)/.tools
	$(BIN)/python -m pytest

test-node: node emulator
	npm test --silent

test-release: ## Checks that versions, platforms and lock files agree.
	$(PYTHON) -m unittest discover --quiet --start-directory tests/release

fmt: tools-test $(VENV)/.tools node_modules/.tools ## Formats everything.
	cargo fmt --all
	$(BIN)/ruff format $(PYTHON_SOURCES)
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	$(BIN)/python python/scripts/unasync.py
	npm run --silent lint:fix

python: $(VENV)/.built ## Builds the Python package into .venv.
node: node/dist/.built ## Builds the npm package in place.

emulator: tools ## Builds target/debug/replicant-emulator.
	cargo build --quiet -p replicant-emulator

$(BIN)/maturin: | tools
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'maturin>=1.9,<2'

$(VENV)/.tools: $(BIN)/maturin requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

$(VENV)/.built: $(BIN)/maturin $(RUST) pyproject.toml
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --quiet
	@touch $@

node_modules/.tools: package.json package-lock.json | tools
	npm ci --loglevel=error --no-audit --no-fund
	@touch $@

node/dist/.built: node_modules/.tools $(RUST) $(shell git ls-files -co --exclude-standard node/src node/scripts 2>/dev/null) tsconfig.json
	npm run --silent build
	@touch $@

tools:
	@PYTHON=$(PYTHON) scripts/check-tools.sh

tools-test:
	@PYTHON=$(PYTHON) scripts/check-tools.sh test

bench: $(BIN)/maturin node_modules/.tools ## Measures this SDK beside the official clients (ONLY=part, QUICK=1).
	$(BIN)/python bench/run.py --only "$(ONLY)" $(if $(QUICK),--quick) $(if $(ONLY)$(QUICK),,--write)

bench-instructions: ## Counts the instructions of the hot paths and compares them with the baseline.
	$(PYTHON) bench/instructions.py

memory: python node emulator ## Measures how much memory large files take on their way.
	@echo "== Python"
	@$(BIN)/python bench/memory.py
	@echo "== Node"
	@node --expose-gc bench/memory.mjs

dist: dist/.built ## Builds and checks the wheel, the npm packages and the crates of this machine in dist/.

dist/.built: $(RUST) $(shell git ls-files -co --exclude-standard python/replicant node scripts 2>/dev/null) \
		pyproject.toml package.json package-lock.json python/README.md | tools
	$(PYTHON) scripts/dist.py
	@touch $@

test-matrix: dist ## Installs what is in dist/ into clean environments and tries it there (10 minutes).
	$(PYTHON) tests/matrix/run.py

bump: ## Writes a new version everywhere: make bump VERSION=1.2.3
	$(PYTHON) scripts/version.py bump $(VERSION)

clean: ## Removes everything that was built.
	rm -rf target $(VENV) node_modules node/dist dist quickstart-output
