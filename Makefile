# Every target sets up what it needs. Python 3.11 or newer, with venv, is all that has to be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-faults test-schedules test-runs test-full lint format lock build clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready  ## Install the locked dependencies into .venv

$(VENV)/.ready: requirements.lock
	@echo "Installing into $(VENV) (about half a minute)"
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Seawall needs Python 3.11 or newer: make PYTHON=..."'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@touch $@

demo: setup  ## Land 100,000 records of a hostile API in a real S3 server, and compare them with the truth
	@$(BIN)/python -m dev.demo

test: setup  ## Run the tests
	@$(BIN)/python -m pytest

test-runs: setup  ## Run whole processes: killed and resumed, deployed and run by a worker
	@$(BIN)/python -m pytest -m runs

test-faults: setup  ## Run every fault of a source, on real sockets
	@$(BIN)/python -m pytest -m faults

test-schedules: setup  ## Run 2,000 random schedules of faults in process and 200 over sockets
	@SEAWALL_FULL=1 $(BIN)/python -m pytest -m schedules

test-full: setup  ## Run all tests at full size: 1,000 pages, killed three times (minutes)
	@SEAWALL_FULL=1 $(BIN)/python -m pytest -m 'runs or not runs'

lint: setup  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup  ## Format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: setup  ## Resolve requirements.lock anew
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra dev pyproject.toml --output-file requirements.lock

build: setup  ## Build the wheel
	@$(BIN)/python -m hatchling build

clean:  ## Remove what the targets made
	@rm -rf $(VENV) dist build logs data .pytest_cache .mypy_cache .ruff_cache .hypothesis
