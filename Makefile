# Everything runs in .venv, with the Dagster instance in .dagster and the data in data/.
PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_HOME := $(CURDIR)/.dagster
export DAGSTER_DISABLE_TELEMETRY := yes

PIP_INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install install-dev demo ui test test-fast test-long coverage test-duckdb2 resolve other-python screenshots snapshots lint bench engine sbom audit

# 'install' runs the platform; 'install-dev' adds tests, linters and benchmarks.
install: .venv/installed
install-dev: .venv/installed-dev

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP_INSTALL) --editable '.[platform,s3]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

# The whole chain for two shards of 64 rollouts, its figures, and two result tables.
demo: install
	@$(BIN)/nca materialize set1-00000 set1-00001
	@$(BIN)/nca figures
	@$(BIN)/nca sql 'FROM behavior_summary'
	@$(BIN)/nca sql 'SELECT statistic, unit, card_says AS card, ours, target, within_target AS met FROM card_comparison'
	@echo "Next: open data/explorer.html in a browser to play the rollouts; 'make ui' shows the graph and these runs; '$(BIN)/nca --help' lists the commands."

ui: install
	@$(BIN)/nca ui --port $(or $(PORT),3000)

# Tests of a file stay on one worker, since many share results. One thread per worker: otherwise the workers' threads
# would wait for each other and take several times as long. A worker that crashes or hangs ends its file.
# Each of hundreds of processes would compile the package's source, were its bytecode not kept.
# Databases by the hundred are made faster in memory, where there are 4 GB for files.
IN_MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'END {if ($$1 > 4000000) print "TMPDIR=/dev/shm"}')
PYTEST := PYTHONDONTWRITEBYTECODE= $(IN_MEMORY) OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# Ends with a table of the slowest tests, setups and teardowns.
test: install-dev
	@$(PYTEST) --durations 20 --durations-min 1

# The same tests, with the statements and branches that they run, in their processes too; what Numba compiles is left out.
coverage: install-dev
	@$(PYTEST) --cov --cov-report term:skip-covered

test-fast: install-dev
	@$(PYTEST) -m 'not slow and not long'

# Tests that take minutes: a real daemon, outages, thousands of rollouts. SHARE=1/3 runs every third file, from the first,
# besides the documents' commands and a dozen points of the fault schedule, which each share has.
test-long: install-dev
	@$(PYTEST) -m long --share=$(or $(SHARE),0/1)

# Warehouse tests with the next major version of DuckDB.
test-duckdb2: install-dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .venv/duckdb2 duckdb==2.0.0
	@PYTHONPATH=.venv/duckdb2 $(BIN)/python -c 'import duckdb; assert duckdb.__version__ == "2.0.0"'
	@PYTHONPATH=.venv/duckdb2 $(PYTEST) --quiet nca_assets_tests/warehouse nca_assets_tests/cli

# Check that pip can satisfy the constraints on every installed Python.
resolve:
	@.ci/resolve

# Check that another Python makes the same bytes: make other-python OTHER=python3.13
other-python: install
	$(OTHER) -m venv --clear .venv-other
	.venv-other/bin/$(PIP_INSTALL) --editable .
	$(BIN)/nca generate set1-00000 --to .venv-other/expected
	.venv-other/bin/nca generate set1-00000 --to .venv-other/made
	@cmp .venv-other/expected/nca_dataset/shard_00000.npz .venv-other/made/nca_dataset/shard_00000.npz
	@echo "$$(.venv-other/bin/python --version) makes the same bytes"

# Pictures of the UI and the explorer for the documents.
screenshots: install-dev
	@mkdir -p docs/pictures
	@SCREENSHOTS=$(CURDIR)/docs/pictures $(BIN)/pytest --quiet -m long $(addprefix nca_assets_tests/end_to_end/,test_browser.py test_explorer.py)

# What commands print on terminals of 80, 120 and 160 columns.
snapshots: install-dev
	@SNAPSHOTS=write $(BIN)/pytest --quiet nca_assets_tests/test_snapshots.py

# The explorer's WebAssembly, from its C; a test says when it is due.
engine: install-dev
	@$(BIN)/python -m nca_assets_tests.explorer.build_engine

lint: install-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright

bench: install-dev
	@for benchmark in benchmarks/*.py; do $(BIN)/python $$benchmark $(BENCH_FLAGS) || exit 1; done

AUDIT := .venv/audit/bin

$(AUDIT)/pip-audit:
	$(PYTHON) -m venv .venv/audit
	$(AUDIT)/pip install --quiet --disable-pip-version-check pip-audit==2.10.1 cyclonedx-bom==7.5.0

# A list of every installed package, its version and license, in CycloneDX.
sbom: install $(AUDIT)/pip-audit
	@$(AUDIT)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.json $(BIN)/python
	@echo "sbom.json: $$(grep -c '"purl"' sbom.json) packages"

# Known vulnerabilities of the pinned packages, from PyPI's database; a package that is not found there fails too.
audit: $(AUDIT)/pip-audit
	@$(AUDIT)/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt
