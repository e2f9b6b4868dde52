# Two commands: `make run` (from pixels to a comparison) and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY ?= passive

.PHONY: run test lint unit rliable format clean

run: .venv/.run
	$(BIN)/python -m scripts.compare configs/quickstart.yaml

test: lint unit

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

rliable: .venv-rliable/.installed
	OMP_NUM_THREADS=1 .venv-rliable/bin/python -m pytest tests/rliable

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What trains and compares; tests and linters add the clusters' Ray and the developers' tools to it.
.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[fast]"
	touch $@

.venv/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[fast,ray,dev]"
	touch .venv/.run $@

# Statistics are checked against rliable, which does not import beside the pandas of the others.
.venv-rliable/.installed: tests/rliable/requirements.txt
	$(PYTHON) -m venv .venv-rliable
	.venv-rliable/bin/pip install --quiet --requirement tests/rliable/requirements.txt
	touch $@

clean:
	rm -rf .venv .venv-rliable
