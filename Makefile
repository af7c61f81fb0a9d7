# Each target sets up what it needs in .venv, when that is missing or older than pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: run test bench lint clean

run: .venv/ready-run
	$(BIN)/python -m engine.run --demo --save cutout,cartoon,compare --overwrite -o out

# The kernels pass three ways: compiled, as plain Python, and with every index checked.
test: .venv/ready-test
	$(BIN)/python -m pytest
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q tests/kernels
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.venv/numba-boundscheck $(BIN)/python -m pytest -q tests/kernels

bench: .venv/ready-test
	$(BIN)/python -m benchmarks

lint: .venv/ready-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/ready-run: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[demo]'
	@touch $@

.venv/ready-test: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[demo,export,test]'
	@touch $@

.venv/ready-lint: pyproject.toml | .venv/bin/python
	$(PIP) -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv out
