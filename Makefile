# Every target sets up what it needs. Python 3.11 or newer, with venv, is all that has to be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# At full size one test may take an hour.
TESTS = $(BIN)/python -m pytest$(if $(SEAWALL_FULL), -o faulthandler_timeout=0)
# In two processes, each with its own Prefect API and S3 server.
IN_TWO := -n 2 --dist worksteal

export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo stack test test-runs test-readme test-ui test-peers test-faults test-walks test-schedules test-histories test-kills test-full
.PHONY: bench bench-full bench-pace lint format lock image build clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready  ## Install the locked dependencies into .venv, and the project as it stands here

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "Installing into $(VENV) (about half a minute)"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Seawall needs Python 3.11 or newer: make PYTHON=..."'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@mkdir -p $(VENV)/source && ln -sfn ../.. $(VENV)/source/seawall  # for mypy, and for the benchmark's rivals
	@touch $@

demo: setup  ## Land 100,000 records of a hostile API in a real S3 server, and compare them with the truth
	@$(BIN)/python -m seawall.dev.demo

stack: setup  ## Prefect server, worker, simulator and SeaweedFS on this machine, until Ctrl-C
	@$(BIN)/python -m seawall.dev.stack

test: export COVERAGE_CORE = $(shell $(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')
test: setup  ## Run the tests, and tell how much of the code they ran
	@$(TESTS) $(IN_TWO) --cov --cov-report=term:skip-covered

test-runs: setup  ## Run whole processes: killed and resumed, deployed and run by a worker
	@$(TESTS) $(IN_TWO) -m runs

test-readme: setup  ## Type every command of the README in a fresh clone
	@$(TESTS) -m readme

test-ui: setup  ## Drive Prefect's UI in headless Chromium (apt-get install chromium)
	@$(TESTS) -m ui

test-peers: setup  ## Land from servers that we did not write: datasette and Django REST framework
	@$(TESTS) $(IN_TWO) -m peers

bench: setup .venv-bench/.ready  ## Measure against bare fetching, dlt and a plain loop (needs nginx; a minute or two)
	@$(BIN)/python -m seawall.dev.bench $(BENCH)

bench-full: BENCH := --records 1000000 --rounds 5
bench-full: bench  ## The same with 1,000,000 records, medians of 5 (a quarter of an hour)

bench-pace: setup $(if $(findstring sockets,$(PACE)),.venv-bench/.ready)  ## Measure how limits nobody tells are used: a virtual clock, or PACE=sockets
	@$(BIN)/python -m seawall.dev.pace $(PACE)

.venv-bench/.ready: requirements-bench.lock | $(VENV)/.ready
	@$(PYTHON) -m venv .venv-bench
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python .venv-bench/bin/python requirements-bench.lock
	@touch $@

test-full: export SEAWALL_FULL = 1
test-full: setup  ## Run all tests at full size: 1,000 pages, killed three times, 2,000 examples a format (minutes)
	@SEAWALL_EXAMPLES=2000 $(TESTS) -m 'runs or not runs'

test-faults: setup  ## Run every fault of a source, on real sockets
	@$(TESTS) $(IN_TWO) -m faults

test-kills: setup  ## Kill processes at every kind of write to a store, and resume them
	@$(TESTS) $(IN_TWO) -m kills

test-walks: setup  ## Run whole walks over every kind of pagination, and some random schedules of faults
	@$(TESTS) $(IN_TWO) -m 'walks or schedules or histories'

test-histories: export SEAWALL_FULL = 1
test-histories: setup  ## Run 10,000 random histories of sources, and 1,000 crashes and races (minutes)
	@$(TESTS) $(IN_TWO) -m histories

test-schedules: export SEAWALL_FULL = 1
test-schedules: setup  ## Run 2,000 random schedules of faults in process and 200 over sockets
	@$(TESTS) -m schedules

lint: setup  ## Check style, spelling and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/mypy

format: setup  ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: setup  ## Resolve requirements.lock and requirements-bench.lock anew
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dev pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--constraint requirements.lock pyproject.toml --output-file requirements-runtime.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group pyproject.toml:bench --output-file requirements-bench.lock

image: setup  ## Run the Dockerfile's commands in a clean folder (no Docker engine needed)
	@$(BIN)/python -m seawall.dev.image

build: setup  ## Build the wheel
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python

clean:  ## Remove what the targets made
	@rm -rf $(VENV) .venv-bench dist build logs data .pytest_cache .mypy_cache .ruff_cache .hypothesis
