# The two commands: `make run` and `make test`. Everything else is listed by `make help`.
PYTHON ?= python3
RIFTWATCH_PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.PHONY: help install run test test-long pywb lint bench bench-full docs pictures clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## the environment, from constraints.txt, into .venv

$(VENV)/.installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11, 3.12 or 3.13, or name it, as in: make PYTHON=python3.12 install"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "$(PYTHON) is Python %d.%d and Riftwatch needs 3.11 to 3.13; name another, as in: make PYTHON=python3.12 install" % v)'
	@$(PYTHON) -c 'import shutil, sys; free = shutil.disk_usage(".").free; sys.exit(0 if free > 2.5e9 else "the disk is full: the environment needs 2.5 GB and %.1f GB are free here" % (free / 1e9))'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't make environments: install its venv package (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Installing into $(VENV) (about 1.2 GB; half a minute to three minutes) ..."
	@# one that was interrupted has no pip, and is made anew
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@PIP_USER=0 $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@# uv takes the index that pip is set to; compiled now, or every start would compile Airflow again
	@index="$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null || true)}"; \
	  if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	  $(BIN)/uv pip install --quiet --compile-bytecode -c constraints.txt -e '.[test]'
	@touch $@
	@echo "Installed."

run: install ## Airflow with the demo, on this machine; Ctrl-C stops it
	@$(BIN)/riftwatch up --port $(RIFTWATCH_PORT)

test: install ## everything but the long tests, under 10 minutes on 2 cores
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m "not long" --durations=15

test-long: install ## the long tests
	$(BIN)/python -m pytest -m long --durations=25

pywb: install ## the web archive server that some tests need, in an environment of its own
	@$(BIN)/python -m tests.pywb_server

lint: install ## ruff, mypy, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# figures that no clock is in, or one that leaves ample room (smoother): two at a time
FIGURES := coverage alarms states confirmation unclear change_points criticism composition real_series label_efficiency name_swap \
  manifesto framing calibration boilerplate smoother differential_error no_rift replay health demo
name_swap := --rows 400
replay := --monitors 8

.PHONY: $(addprefix figure-,$(FIGURES))
$(addprefix figure-,$(FIGURES)): figure-%:
	$(BIN)/python -m benchmarks.$* $($*)

bench: install ## every figure the documentation names, beside its baseline; fails below a pinned floor
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(addprefix figure-,$(FIGURES))
	$(BIN)/python -m benchmarks.extraction
	$(BIN)/python -m benchmarks.feeds
	$(BIN)/python -m benchmarks.rescoring
	$(BIN)/python -m benchmarks.measuring
	$(BIN)/python -m benchmarks.codings
	$(BIN)/python -m benchmarks.pages --texts 20000
	$(BIN)/python -m benchmarks.searching --texts 50000
	$(BIN)/python -m benchmarks.label_page --texts 20000 --queue 4000
	$(BIN)/python -m benchmarks.collecting
	$(BIN)/python -m benchmarks.collecting --memory 300 3000
	$(BIN)/python -m benchmarks.collecting --growth 1000 10000

bench-full: install ## the long ones, at their full sizes
	$(BIN)/python -m benchmarks.rescoring --texts 100000
	$(BIN)/python -m benchmarks.manifesto --repeats 10
	$(BIN)/python -m benchmarks.transfer
	$(BIN)/python -m benchmarks.name_swap
	$(BIN)/python -m benchmarks.collecting --pages 1448
	$(BIN)/python -m benchmarks.collecting --memory 1000 20000
	$(BIN)/python -m benchmarks.collecting --growth 1000 10000 50000
	$(BIN)/python -m benchmarks.codings 200000
	$(BIN)/python -m benchmarks.label_efficiency --full
	$(BIN)/python -m benchmarks.kill --moments 50
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.training --codings 200000
	$(BIN)/python -m benchmarks.coverage --full
	$(BIN)/python -m benchmarks.smoother --full
	$(BIN)/python -m benchmarks.differential_error --full
	$(BIN)/python -m benchmarks.no_rift --full
	$(BIN)/python -m benchmarks.alarm_thresholds
	$(BIN)/python -m benchmarks.alarms --full
	$(BIN)/python -m benchmarks.confirmation --full --parts
	$(BIN)/python -m benchmarks.unclear --full
	$(BIN)/python -m benchmarks.change_points --full
	$(BIN)/python -m benchmarks.composition --full
	$(BIN)/python -m benchmarks.criticism --full
	$(BIN)/python -m benchmarks.states --full
	$(BIN)/python -m benchmarks.real_series --full
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.measuring --full
	$(BIN)/python -m benchmarks.measuring --full --postgres
	$(BIN)/python -m benchmarks.pages --full
	$(BIN)/python -m benchmarks.pages --full --postgres
	$(BIN)/python -m benchmarks.searching
	$(BIN)/python -m benchmarks.searching --database postgresql
	$(BIN)/python -m benchmarks.label_page

pictures: install ## the pictures of README.md and docs/, from those the long test tests/e2e/test_up.py took of `make run`
	$(BIN)/python -m docs.pictures

docs: install ## the generated pages: monitor fields and schema, settings, DAGs, trend columns
	$(BIN)/python -m docs.generate

clean: ## remove the environment and what tests left; what was collected stays in data/
	rm -rf $(VENV) build
