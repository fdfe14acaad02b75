# `make demo` and `make test` need Python 3.11 or newer, git, make and a package registry.
# The pages are tested in the system's Chromium (`apt-get install chromium`); without it `make test`
# leaves these tests out, and says so at its end.
PYTHON ?= python3
BIN := .venv/bin
PIP := -m pip install --quiet --disable-pip-version-check --require-hashes -r
CLIENTS := sdk-8.42 sdk-8.61 ax

.PHONY: demo test check bench screenshots faults fuzz lock clean

demo: .venv/run.stamp  ## Start a server on a new temporary folder, show the main job, keep serving.
	$(BIN)/exempla demo $(DEMO)

# Else each process compiles again all that it imports.
test: export PYTHONDONTWRITEBYTECODE =
test: check  ## Run all checks: lint, types, and the tests on both engines with the real clients.
	$(BIN)/pytest -n 4 --dist worksteal $(PYTEST)

check: .venv/dev.stamp $(CLIENTS:%=.venv-%/stamp)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp  ## Measure W1 to W8 and a load beside their floor. BENCH="--help" shows the options.
	$(BIN)/python -m benchmarks $(BENCH)

screenshots: .venv/dev.stamp  ## Make the pictures of the pages in docs/pages/ anew, in Chromium.
	$(BIN)/python -m docs.screenshots

faults: .venv/dev.stamp  ## Inflict every fault many times. FAULTS="--help" shows the options.
	$(BIN)/python -W ignore -m tests.faults $(FAULTS)

fuzz: .venv/fuzz.stamp  ## Give the decoders what coverage leads to, each for FUZZ seconds (60). On Linux.
	for target in filters ids cursors flight; do \
		$(BIN)/python -m tests.fuzz $$target -max_total_time=$(or $(FUZZ),60) -verbosity=0 \
		-print_final_stats=1 || exit 1; done

lock: .venv/dev.stamp  ## Resolve the dependencies anew, with hashes.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate -c requirements/run.txt --extra otel pyproject.toml \
		-o requirements/otel.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate -c requirements/otel.txt --extra otel pyproject.toml \
		requirements/dev.in -o requirements/dev.txt
	for other in build fuzz $(CLIENTS); do $(BIN)/uv pip compile --quiet --upgrade --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements/$$other.in -o requirements/$$other.txt; done

clean:
	rm -rf .venv $(CLIENTS:%=.venv-%) .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/run.stamp: requirements/run.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	$(BIN)/python $(PIP) requirements/dev.txt
	touch $@

.venv/fuzz.stamp: requirements/fuzz.txt .venv/dev.stamp
	$(BIN)/python $(PIP) requirements/fuzz.txt
	touch $@

.venv-%/stamp: requirements/%.txt
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python $(PIP) $<
	touch $@
