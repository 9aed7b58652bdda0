# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
PY := .venv/bin/python
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help setup demo test test-unit test-all test-powerloss check format docs firmware bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: ## Install what is missing: system packages, .venv
	@tools/setup.sh

demo: setup ## Boot a virtual Cortex-M55 board, upload a detector, run it on a photograph
	@.venv/bin/xipnet demo

test: check ## Check, then run the tests (all of them where CI is set)
	$(PY) -m pytest $(if $(CI),,-m "not slow") -n $(JOBS) --dist loadgroup

test-unit: setup ## Run the tests that need no board (under a minute)
	$(PY) -m pytest -m "not sim and not slow" -n $(JOBS)

test-all: setup ## Run all tests, the slow ones too
	$(PY) -m pytest -n $(JOBS) --dist loadgroup

test-powerloss: setup ## Cut the power at flash operations of the store (FULL=1: at every one, twice)
	$(PY) -m pytest -s tests/powerloss $(if $(FULL),,-m "not slow")

check: setup ## Format, lint, types, C warnings, docs up to date: what CI checks
	@$(PY) tools/check.py

format: setup ## Format the Python and C sources
	@$(PY) tools/check.py --fix

docs: setup ## Write the generated pages (OPS.md, ERRORS.md) anew
	@$(PY) tools/check.py --write-docs

firmware: setup ## Build the firmware of all boards
	@$(PY) -m device_fw.build --all

bench: setup ## Run the benchmarks and write their tables into docs/BENCHMARKS.md
	@$(PY) -m benchmarks

clean: ## Remove what was built (not .venv)
	rm -rf build out dist
