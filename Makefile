# One word per task; `make` alone lists them. Set-up logic lives in scripts/.

PYTHON ?= python3
VENV ?= .venv
PYTHONS ?=
ARGS ?=
SEEDS ?= 1000
CASES ?= 50000

RUN = $(VENV)/bin/python -m
PROGRAMS = $(patsubst %/,%,$(sort $(dir $(wildcard bench/*.py examples/*.py scripts/*.py simulation/*.py truth/*.py week/*.py))))

export PYTHON VENV

.DEFAULT_GOAL := help
.PHONY: help install install-test demo gateways test fuzz-api lint fmt bench truth simulate week wire-docs config-docs state-docs metrics-docs vendor wheel lock test-all clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=$(PYTHON) names the interpreter, VENV=$(VENV) the environment."

install: ## install mdhub and what the demo needs into .venv/
	@sh scripts/bootstrap.sh demo

install-test: ## the same, with the tools for tests and checks
	@sh scripts/bootstrap.sh test

demo: install ## watch the whole hub work on this machine (ARGS="--help" for options)
	@$(VENV)/bin/mdhub demo $(if $(findstring --json,$(ARGS)),,--console) $(ARGS)

gateways: install ## build and install the CTP and SOPT gateways (ARGS="--set pinned")
	@$(VENV)/bin/python scripts/gateways.py $(ARGS)

test: lint ## run the checks, build the gateways (once), then run every test
	@$(VENV)/bin/python scripts/gateways.py --set newest --set pinned --optional
	$(RUN) pytest -n 3 -m "not process and not browser"
	$(RUN) pytest -n 3 --dist loadgroup -m browser tests/browser
	$(RUN) pytest -n 2 --dist loadfile -m "process and not gateways"
	$(RUN) pytest -n 2 -m "process and gateways"

fuzz-api: install-test ## the console's API under generated requests (CASES=50000)
	MDHUB_TEST_FUZZ_CASES=$(CASES) $(RUN) pytest -q -s tests/integration/console/test_fuzz.py

lint: install-test ## run the checks: style, types, imports, layout
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy services shared tests $(PROGRAMS)
	$(VENV)/bin/lint-imports --no-logo
	$(RUN) pytest -q tests/architecture

fmt: install-test ## put the code into house style
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .

bench: install ## measure speed beside floor and peers, an hour (ARGS="--help", "list")
	$(RUN) bench $(ARGS)

truth: install ## prove the rules on labelled anomalies (ARGS="--help" for options)
	$(RUN) truth $(ARGS)

simulate: install ## run a whole hub in one thread, with faults (SEEDS=20000, ARGS="--help")
	$(RUN) simulation --seeds $(SEEDS) $(ARGS)

week: install ## a simulated week that nobody attends, 75 min (ARGS="--windows 2", "--help")
	$(RUN) week $(ARGS)

wire-docs: install ## write docs/wire.md and docs/wire.schema.json from the code
	$(RUN) mdhub.wire.markdown > docs/wire.md
	$(RUN) mdhub.wire.json_schema > docs/wire.schema.json

config-docs: install ## write docs/configuration.md and deploy/hub.example.toml from the code
	$(RUN) mdhub.config.markdown > docs/configuration.md
	@mkdir -p deploy
	$(RUN) mdhub.config.example > deploy/hub.example.toml

state-docs: install ## write docs/server-states.md from the code
	$(RUN) mdhub.streams.states_doc > docs/server-states.md

metrics-docs: install ## write docs/metrics.md and deploy/grafana/dashboards/ from the code
	$(RUN) mdhub.metrics.markdown > docs/metrics.md
	$(VENV)/bin/python scripts/dashboards.py deploy/grafana/dashboards

vendor: ## copy front-end libraries of the console and its tests out of npm packages
	@$(PYTHON) scripts/vendor.py

wheel: install ## build dist/mdhub-<version>-py3-none-any.whl
	$(RUN) hatchling build -t wheel -d dist

lock: ## renew requirements/*.txt from pyproject.toml and requirements/*.in
	@sh scripts/lock.sh

test-all: ## run the tests on several Pythons (PYTHONS="/path/python3.11 /path/python3.12")
	@sh scripts/test-all.sh $(PYTHONS)

clean: ## remove environments, caches and built files
	rm -rf .venv .venv-* .lock-venv dist .coverage .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find services shared tests bench examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
