# Nightlight. `make` alone says what there is.

PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test explore check format fuzz chaos bench bench-day lock secrets clean

help:
	@echo "make run      the whole service on this machine, with invented children (Ctrl-C stops it)"
	@echo "make setup    .venv from the hashed locks, and the page assets; nothing else"
	@echo "make test     the tests                 (make test TESTS=tests/domain for some of them)"
	@echo "                                        (make test WORKERS=0 one after the other, as for a debugger)"
	@echo "make explore  the property tests with examples of chance, ten times as many; make explore TESTS=tests/domain"
	@echo "make check    format, lint, types, contracts; changes nothing"
	@echo "make format   put the code into shape"
	@echo "make fuzz     100,000 broken frames for the HL7 listener; make fuzz FRAMES=1000000 SEED=1   (docs/fuzzing.md)"
	@echo "make chaos    five minutes of killed dispatchers, databases and receivers; make chaos SECONDS=60 SEED=1   (docs/alerts.md)"
	@echo "make bench    the benchmark of docs/performance.md"
	@echo "make bench-day  24 hours of a hospital's messages, replayed and counted: half an hour and more"
	@echo "make lock     resolve requirements/*.in and package.json anew (needs uv and npm)"
	@echo "make secrets  secrets/ for docker compose, where there is none"
	@echo "make clean    away with everything that set-up made; data/ stays"
	@echo
	@echo "make PYTHON=python3.12 run   uses that interpreter (3.11 or newer)"

setup:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3 run" >&2; exit 1; }
	@$(PYTHON) -m tools.set_up

setup-dev:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3 test" >&2; exit 1; }
	@$(PYTHON) -m tools.set_up --dev

run: setup
	@NIGHTLIGHT_EXIT_WITH_PARENT=1 $(BIN)/nightlight demo

test: setup-dev
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

# `make test` takes the same examples every time, so that one tree has one verdict; what this finds gets a test of its own.
explore: setup-dev
	$(BIN)/python -m pytest -n $(WORKERS) --hypothesis-profile exploring -m hypothesis $(TESTS)

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup-dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# Atheris has wheels for some machines only; where it cannot be had, the frames are made without its guidance.
fuzz: setup-dev
	@$(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --only-binary :all: --require-hashes \
		--upgrade --target .venv/fuzz -r requirements/fuzz.txt || echo "Atheris cannot be had here"
	PYTHONPATH=.venv/fuzz $(BIN)/python -m tests.hl7_listener.fuzzing $(if $(FRAMES),--frames $(FRAMES)) $(if $(SEED),--seed $(SEED))

chaos: setup-dev
	NIGHTLIGHT_CHAOS_SECONDS=$(or $(SECONDS),300) NIGHTLIGHT_CHAOS_SEED=$(SEED) \
		$(BIN)/python -m pytest -n 0 -s tests/acceptance/test_chaos.py

bench: setup-dev
	$(BIN)/python -m bench
	$(BIN)/python -m bench.extracts

bench-day: setup-dev
	$(BIN)/python -m bench.day

LOCK := uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

lock:
	cd requirements && $(LOCK) runtime.in build.in -o runtime.txt
	cd requirements && $(LOCK) dev.in -c runtime.txt -o dev.txt
	cd requirements && $(LOCK) node.in -o node.txt
	cd requirements && $(LOCK) fuzz.in -o fuzz.txt
	cd bench/yardsticks && $(LOCK) message_foundry.in -o message_foundry.txt
	cd tests/conformance && $(LOCK) programs.in -o programs.txt
	cd tests/mesh && $(LOCK) sandbox.in -o sandbox.txt
	for folder in . tests/acceptance/clients tests/conformance/node; do (cd $$folder && \
		npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved) || exit 1; done

secrets:
	@$(PYTHON) -m tools.make_secrets

clean:
	rm -rf .venv node_modules api/static/nhsuk build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
