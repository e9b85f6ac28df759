# Everything runs in a virtual environment of its own; no target needs anything installed beforehand but Python, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
ENGINES := snowflake bigquery redshift databricks
ENGINE_STAMPS := $(ENGINES:%=.engines/%/.installed)
W ?= duckdb
# One worker per core; tests/conftest.py says what stays together on one of them.
IN_PARALLEL := -n auto --dist loadscope --no-loadscope-reorder
.PHONY: help setup setup-warehouses demo test test-all test-warehouse live torture lint benchmark benchmark-push lock generate clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(STAMP)  ## Create .venv with the locked dependencies

$(STAMP): requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("dbt-braze needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $@

setup-warehouses: $(ENGINE_STAMPS)  ## Install what stands in for each warehouse in the tests, each in an environment of its own

.engines/%/.installed: requirements/engines/%.lock
	$(PYTHON) -m venv .engines/$*
	.engines/$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

demo: $(STAMP)  ## Run the main job on made-up data, with DuckDB and a local Braze
	$(BIN)/braze-runner demo

test: lint $(ENGINE_STAMPS)  ## Run every check and every test, on all five warehouses
	$(BIN)/pytest $(IN_PARALLEL)

test-all: lint $(ENGINE_STAMPS)  ## The same with the long forms of the tests
	$(BIN)/pytest $(IN_PARALLEL) --all

test-warehouse: $(STAMP)  ## Run the tests of one warehouse: make test-warehouse W=bigquery
	$(if $(filter $(W),$(ENGINES)),$(MAKE) .engines/$(W)/.installed)
	$(BIN)/pytest tests/warehouses --warehouse $(W)

live: $(STAMP)  ## The same tests on a real account, named by environment variables: make live W=snowflake
	$(if $(filter $(W),$(ENGINES)),$(MAKE) .engines/$(W)/.installed)
	$(BIN)/pytest tests/warehouses --warehouse $(W) --live

torture: $(STAMP)  ## Kill the runner again and again while it pushes 200,000 rows of every sync (about 5 minutes)
	PYTHONPATH=tests $(BIN)/python tests/runner/torture.py

lint: $(STAMP)  ## Check types and style of Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models

benchmark: $(STAMP) .engines/drt/.installed  ## Measure push, load-currents and the delta, and print the tables
	$(BIN)/python -m benchmarks

benchmark-push: $(STAMP) .engines/drt/.installed  ## Compare push with other senders on one sink: make benchmark-push ROWS=5000000
	$(BIN)/python -m benchmarks push $(if $(ROWS),--rows $(ROWS))

generate: $(STAMP)  ## Write the files that are made from others: the catalogue of events, parts of the documents
	$(BIN)/python tools/generate_catalogue.py
	$(BIN)/python tools/generate_docs.py

lock:  ## Pin the newest versions that requirements/dev.in allows (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
		--no-annotate --no-header --upgrade requirements/dev.in -o requirements/dev.lock
	for name in $(ENGINES) drt; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-strip-extras --no-annotate --no-header requirements/engines/$$name.in -o requirements/engines/$$name.lock; done

clean:  ## Remove everything that is made here, the virtual environment too
	rm -rf $(VENV) .engines demo/data demo/target demo/logs demo/dbt_packages integration_tests/target integration_tests/logs \
		integration_tests/dbt_packages target logs .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
