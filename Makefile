# Each target sets up what it needs in .venv, when that is missing or older than this file or
# pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# Only `make test` and `make bench` install torch, to compare with it. PyPI's torch for Linux brings
# CUDA, which takes 6 GB; TORCH_INDEX has the same release for CPUs alone, and pip prefers that one
# where it can reach the index. `make test TORCH_INDEX= TORCH='torch torchvision'` takes PyPI's newest.
TORCH ?= torch==2.13.0 torchvision==0.28.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: run serve check test bench docs lint clean

run: .venv/ready-run
	$(BIN)/python -m engine.run --demo --save cutout,cartoon,compare --overwrite -o out

serve: .venv/ready-serve
	$(BIN)/cartoonify serve

# What to run while working: no torch, no Ray, no browser.
check: .venv/ready-check
	@$(TWO) half-of-tests other-half lint CHOSEN='$(LIGHT)'

test: .venv/ready-test
	@$(TWO) half-of-tests other-half kernels-otherwise

# Parts of check and test. Two run at a time, because most tests keep one processor busy; what they
# print is only mixed on a terminal, which shows that they get on.
TWO := $(MAKE) --no-print-directory -j2 $(if $(MAKE_TERMOUT),,--output-sync)
.PHONY: half-of-tests other-half kernels-otherwise
HALF := $(addprefix tests/,batch benchmarks cli report serve)
LIGHT := -q --ignore=tests/export -m "not (browser or ray or slow or torch)"

half-of-tests:
	$(BIN)/python -m pytest $(CHOSEN) $(HALF)

other-half:
	$(BIN)/python -m pytest $(CHOSEN) $(addprefix --ignore=,$(HALF))

# They pass as plain Python and with every index checked, as they do when they are compiled.
kernels-otherwise:
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q tests/kernels
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.venv/numba-boundscheck $(BIN)/python -m pytest -q tests/kernels

bench: .venv/ready-test
	$(BIN)/python -m benchmarks

# The site, in site/: open site/index.html.
docs: .venv/ready-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

lint: .venv/ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Commits, tags and builds VERSION, x.y.z. Nothing is uploaded.
VERSION ?=
.PHONY: release
release: .venv/ready-release check
	$(BIN)/python .ci/release.py $(VERSION)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/ready-run: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[demo]'
	@touch $@

.venv/ready-serve: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[demo,heif,serve]'
	@touch $@

.venv/ready-check: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[demo,dev,test]'
	@touch $@ .venv/ready-lint

.venv/ready-test: pyproject.toml Makefile | .venv/bin/python
	$(PIP) --retries 1 --no-deps $(addprefix --extra-index-url ,$(TORCH_INDEX)) $(TORCH)
	$(PIP) -e '.[demo,test-all]'
	@touch $@

.venv/ready-docs: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[docs]'
	@touch $@

.venv/ready-release: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[release]'
	@touch $@

.venv/ready-lint: pyproject.toml Makefile | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv out site
