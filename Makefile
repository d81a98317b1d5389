# The few commands of this project. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
LOCKED := uv.lock pyproject.toml bin/bootstrap.py
.DEFAULT_GOAL := help
# What is compiled once is kept: the tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup run test check bench pictures models browser

help: ## List what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/ready ## Make .venv from the lock file; then .venv/bin/heard works

.venv/ready: $(LOCKED)
	@$(PYTHON) bin/bootstrap.py --no-dev
	@touch $@

# What the tests need beyond that.
.venv/ready-to-test: .venv/ready
	@$(PYTHON) bin/bootstrap.py
	@touch $@

run: setup ## Start heard: its database, pages and worker, until Ctrl-C
	@$(BIN)/heard run $(ARGS)

# Each process has a core to itself; more threads for sums would only wait for each other.
test: export OPENBLAS_NUM_THREADS := 1
test: .venv/ready-to-test browser ## Run all tests, or some: make test T=tests/house
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(T)

# Debian's own Chromium, for the tests that walk through the pages.
browser:
	@bin/chromium

check: .venv/ready-to-test ## Formatting, lint, types, ladder, migrations, links in the documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/heard makemigrations --check --dry-run
	$(BIN)/pytest -q tests/house/test_documents.py

bench: .venv/ready-to-test ## Measure heard, its peers and the machine; writes bench/RESULTS.md
	@$(BIN)/python -m bench $(ARGS)

pictures: .venv/ready-to-test browser ## Take the pictures of docs/pictures anew
	@$(BIN)/python -m tests.journeys.pictures $(ARGS)

models: .venv/ready ## Train the models that ship anew
	@$(PYTHON) bin/bootstrap.py --group models
	@OPENBLAS_CORETYPE=Haswell $(BIN)/python -m heard.reading.training $(ARGS)
	@OPENBLAS_CORETYPE=Haswell $(BIN)/python -m heard.think.training $(ARGS)
