# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
PY := .venv/bin/python
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export JOBS

.PHONY: help setup demo test test-unit test-pico test-all check format docs firmware images library wheel bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+(%)?:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: ## Install what is missing: system packages, .venv
	@tools/setup.sh

demo: setup ## Boot a virtual Cortex-M55 board, upload a detector, run it on a photograph
	@.venv/bin/xipnet demo

ifdef CI
test: setup ## Check, then run the tests (with CI=true in three tiers, the slow ones too)
	@$(PY) -m tools.tiers
else
test: check
	$(PY) -m pytest -m "not slow" -n $(JOBS) --dist loadgroup
endif

test-unit: setup ## Run the quick tests, without a board
	$(PY) -m pytest --tier 1 -n $(JOBS)

test-pico: setup ## Run the Pico's image in an emulator of its chip: coins, a script, its selftest (some ten minutes)
	$(PY) -m pytest tests/sim/test_pico.py --proof pico -k "not cut"

test-all: setup ## Run what CI runs
	@$(PY) -m tools.tiers

proof-%: setup ## Run a long proof and note its figures: exact, models, powerloss, fuzz, mutants, attack, wire, faces, pico, stm32l4, endurance, soak, repeat, compilers, library, cases, convert, train, wakeword
	@$(PY) -m tools.proofs $*

check: setup ## Format, lint, types, C warnings, words, the tree's rules, docs up to date: what CI checks
	@$(PY) tools/check.py

format: setup ## Format the Python and C sources
	@$(PY) tools/check.py --fix

docs: setup ## Write the generated pages (OPS.md, ERRORS.md)
	@$(PY) tools/check.py --write-docs

firmware: setup ## Build the firmware of all virtual boards, or of BOARD=pico, pico2, ...
	@$(PY) -m device_fw.build $(if $(BOARD),--board $(BOARD),--all)

images: setup ## Make the images of all boards that can be flashed, with SHA-256, in dist/images
	@$(PY) -m tools.images

library: setup ## Make the C library, xipnet.c and xipnet.h, in dist/libxipnet
	@$(PY) -m tools.library

wheel: setup ## Build the package for Python into dist: the same bytes everywhere
	@$(PY) -m tools.wheel

bench: setup ## Run the benchmarks and write their tables into docs/BENCHMARKS.md
	@$(PY) -m benchmarks

clean: ## Remove what was built (not .venv)
	rm -rf build out dist
