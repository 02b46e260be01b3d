# Every target sets up what it needs: only Python 3.11 or newer and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench gallery setup clean

demo: setup ## the main job: a dual-stream ResNet-50 on a chip with both kinds of cores
	$(BIN)/codesign run --arch split_core --workload dsnn50

test: setup lint ## the test suite, on two cores
	$(BIN)/pytest --numprocesses=2 --dist=worksteal

lint: setup ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## time and memory of the main jobs; prints tables
	$(BIN)/python -m tests.benchmarks

gallery: setup ## the figures and numbers of reports/gallery again; needs a Chromium
	$(BIN)/python tools/make_gallery.py

setup:
	@PYTHON=$(PYTHON) sh tools/setup.sh $(VENV)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
