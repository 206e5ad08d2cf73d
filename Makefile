# Sets up everything by itself: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

# Some machines forbid Python to write bytecode, which doubles every start-up of what is installed here.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONHOME
unexport PYTHONPATH

.PHONY: demo test endurance lint format docs benchmark lock clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/impact sample $(DEMO)
	$(BIN)/impact run --home $(DEMO)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not endurance"

# What takes minutes: a run that is killed a hundred times, samples of a whole region.
endurance: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -s -m endurance

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 --config dbt_project/.sqlfluff dbt_project/models dbt_project/macros dbt_project/tests

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --config dbt_project/.sqlfluff dbt_project/models

docs: $(VENV)/.installed
	$(BIN)/python -m ingestion.dictionary
	$(BIN)/python -m tests.faults.page

benchmark: $(VENV)/.installed
	$(BIN)/python tests/performance/borough_run.py
	$(BIN)/python tests/performance/landing.py --gigabyte

# Pins every dependency anew; needs uv, which is no dependency of the project itself.
lock:
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate pyproject.toml -c requirements-dev.lock -o requirements.lock
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate pyproject.toml --extra server -c requirements-dev.lock -o requirements-server.lock

clean:
	rm -rf $(VENV) $(DEMO) dbt_project/target dbt_project/logs .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' \
		|| { echo "Impact Warehouse needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@# Parses the dbt project once, so that the first run need not.
	$(BIN)/python -c 'from orchestration.manifest import manifest_path; manifest_path()'
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	touch $@
